"""The commands as registered with typer."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import typer

from medalopt.cli import check, compare, explain, export, plan, sensitivity, solve, sweep, verify
from medalopt.cli.run import print_output, run_guarded
from medalopt.cli.workbook_commands import import_, template


def _guard_command(verb: Callable[..., int]) -> Callable[..., int]:
    """Return a command with our exit handling: typer has exit codes of its own for closed pipes and interrupts."""

    @functools.wraps(verb)
    def ends(*arguments: Any, **options: Any) -> int:
        """Run the command; return its exit code."""
        return run_guarded(lambda: verb(*arguments, **options), bool(options.get("json")))

    return ends


app = typer.Typer(
    name="medalopt",
    help="Plan alloys and sourcing: which discarded devices, by which treatment, to which smelter, so that the "
    "metal of the medals is there in time at the least cost.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _verb in (
    solve.solve,
    explain.explain,
    sensitivity.sensitivity,
    plan.plan,
    compare.compare,
    sweep.sweep,
    verify.verify,
    check.check,
    check.schema,
    check.new,
    export.export,
    template,
):
    app.command()(_guard_command(_verb))
app.command("import")(_guard_command(import_))


def _print_version(wanted: bool) -> None:
    """Print the version and exit."""
    if wanted:
        from medalopt import __version__

        print_output(f"medalopt {__version__}\n")
        raise typer.Exit


@app.callback()
def _medalopt(
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Show the version."),
) -> None:
    pass
