"""The commands as registered with typer; the module of a command is imported when the command is needed."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from typing import Any

import typer
from typer.core import TyperGroup

from medalopt.cli.run import print_output, run_guarded

_COMMANDS: Mapping[str, tuple[tuple[str, str, str], ...]] = {  # by panel: command, module and function, example
    "Plan": (
        ("new", "check:new", "new my-games"),
        ("check", "check:check", "check instances/tiny.yaml"),
        ("solve", "solve:solve", "solve instances/tiny.yaml --set medals.gold.count=30 -o plan.json"),
        ("plan", "plan:plan", "plan instances/tiny.yaml --round 1t -o plan.xlsx -o plan.pdf"),
        ("verify", "verify:verify", "verify plan.json instances/tiny.yaml"),
    ),
    "Understand": (
        ("explain", "explain:explain", "explain instances/tiny.yaml streams.phone@east"),
        ("risk", "risk:risk", "risk instances/tokyo2020.yaml --draws 5000"),
        ("stochastic", "stochastic:stochastic", "stochastic instances/tiny.yaml --draws 20"),
        (
            "sensitivity",
            "sensitivity:sensitivity",
            "sensitivity instances/tiny.yaml --vary medals.gold.count=30..50",
        ),
    ),
    "Explore": (
        ("sweep", "sweep:sweep", "sweep instances/tiny.yaml --grid medals.gold.count=30..50/5"),
        ("compare", "compare:compare", "compare plan.json instances/tiny.yaml -o differences.html"),
    ),
    "Exchange": (
        ("schema", "check:schema", "schema > medalopt.schema.json"),
        ("template", "exchange:template", "template my-games.xlsx instances/tiny.yaml"),
        ("import", "exchange:import_", "import my-games.xlsx -o my-games.yaml"),
        ("export", "exchange:export", "export instances/tiny.yaml -o tiny.mps"),
    ),
}


def _guard_command(verb: Callable[..., int]) -> Callable[..., int]:
    """Return a command with our exit handling: typer has exit codes of its own for closed pipes and interrupts."""

    @functools.wraps(verb)
    def ends(*arguments: Any, **options: Any) -> int:
        """Run the command under the exit handling."""
        return run_guarded(lambda: verb(*arguments, **options), bool(options.get("json")))

    return ends


class CommandGroup(TyperGroup):
    """Group of commands whose help lists them by panel, as plain text."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write one section per panel.

        Args:
            ctx: Context of the command line.
            formatter: Formatter to write to.
        """
        commands = [(name, self.commands[name]) for name in self.list_commands(ctx)]
        width = max(len(name) for name, _ in commands)
        with formatter.section("Commands"):
            for panel in dict.fromkeys(getattr(command, "rich_help_panel", "") for _, command in commands):
                rows = [
                    (name.ljust(width), command.get_short_help_str(formatter.width - 8 - width))
                    for name, command in commands
                    if getattr(command, "rich_help_panel", "") == panel
                ]
                with formatter.section(panel):
                    formatter.write_dl(rows)


@functools.cache
def build_app(command: str = "") -> typer.Typer:
    """Return the application with one command, or with all of them.

    Args:
        command: Name of the only command, so that no other module is imported; any other text for all commands.
    """
    app = typer.Typer(
        name="medalopt",
        cls=CommandGroup,
        help="Plan alloys and sourcing: which discarded devices, by which treatment, to which smelter, so that the "
        "metal of the medals is available in time at the least cost.",
        epilog="Example: medalopt new my-games, then medalopt solve my-games.yaml",
        no_args_is_help=True,
        add_completion=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_declare_version)
    listed = [(panel, *entry) for panel, entries in _COMMANDS.items() for entry in entries]
    for panel, name, place, example in [entry for entry in listed if entry[1] == command] or listed:
        module, _, function = place.partition(":")
        verb = getattr(importlib.import_module(f"medalopt.cli.{module}"), function)
        app.command(name, rich_help_panel=panel, epilog=f"\b\nExample:\n  medalopt {example}")(_guard_command(verb))
    return app


def _print_version(requested: bool) -> None:
    """Print the version and exit."""
    if requested:
        from medalopt import __version__

        print_output(f"medalopt {__version__}\n")
        raise typer.Exit


def _declare_version(
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Show the version."),
) -> None:
    pass
