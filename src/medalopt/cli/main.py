"""The verbs, and how every run ends: with an exit code and, where something is wrong, one line each."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import typer

from medalopt.cli import check, export, solve
from medalopt.errors import InputError, MedaloptError

app = typer.Typer(
    name="medalopt",
    help="Plan alloys and sourcing: which discarded devices, by which treatment, to which smelter, so that the "
    "metal of the medals is there in time at the least cost.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(solve.solve)
app.command()(check.check)
app.command()(check.schema)
app.command()(check.new)
app.command()(export.export)


def _version(wanted: bool) -> None:
    if wanted:
        from medalopt import __version__

        typer.echo(f"medalopt {__version__}")
        raise typer.Exit


@app.callback()
def _medalopt(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    pass


def main() -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(run(app))


def run(action: Callable[[], Any]) -> int:
    """Run `action`; return the exit code, having said in one line each what went wrong."""
    try:
        action()
    except MedaloptError as error:
        return _refused(error)
    except SystemExit as end:  # typer has said what it had to say
        return end.code if isinstance(end.code, int) else 0
    except Exception as error:
        if os.environ.get("MEDALOPT_TRACEBACK"):
            raise
        _say(f"medalopt: a fault of our own, {type(error).__name__}: {_one_line(error)}; please report it")
        return 70
    return 0


def _refused(error: MedaloptError) -> int:
    lines = [str(fault) for fault in error.faults] if isinstance(error, InputError) else [_one_line(error)]
    for line in lines:
        _say(line)
    return error.exit_code


def _one_line(error: BaseException) -> str:
    from medalopt.wording import shown

    return shown(" ".join(str(error).split()), 600)


def _say(line: str) -> None:
    print(line, file=sys.stderr)
