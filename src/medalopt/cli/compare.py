"""`medalopt compare`: differences between instances, plans and scenarios, and their effect on cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli.common import Changes, Json, changes, check_output, place, progress
from medalopt.cli.ending import emit, say
from medalopt.cli.solve import Measure, Objective
from medalopt.errors import UsageError

if TYPE_CHECKING:
    from medalopt.analysis.comparing.comparison import Comparison

SUFFIXES = (".html", ".csv", ".txt", ".json")


def compare(
    things: Annotated[
        list[str],
        typer.Argument(
            metavar="A B...",
            help="What is compared with A: instances, FILE.yaml#SCENARIO for a scenario of one, saved plans.",
        ),
    ],
    scenario: Annotated[
        list[str] | None,
        typer.Option("--scenario", metavar="NAME", help="Also compare this scenario of A; may be given again."),
    ] = None,
    objective: Objective = Measure.cost,
    set_: Changes = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="PATH", help="Also write it: NAME.html, .csv, .txt or .json."),
    ] = None,
    json: Json = False,
) -> int:
    """Say what differs between instances, plans and scenarios: in the data, in what is decided, in cost and metal."""
    wanted = changes(set_)
    asked = [*things, *(f"{things[0]}#{name}" for name in scenario or ())]
    if len(set(asked)) < len(asked):
        raise UsageError("the same thing is named twice; leave one of the two")
    if output is not None:
        if output.suffix.lower() not in SUFFIXES:
            raise UsageError(f"-o {place(output)}: a comparison is written as NAME.html, .csv, .txt or .json")
        for name in things:
            check_output(output, Path(name))
    found = _compared(asked, wanted, objective.value)
    from medalopt.report.comparing.forms import as_json, on_screen

    if output is not None:
        _write(found, output)
    emit(as_json(found) if json else on_screen(found))
    return 0


def _compared(names: list[str], wanted: dict[str, str], objective: str) -> Comparison:
    """Solve or read each input; return the comparison."""
    from medalopt.analysis.comparing.comparison import compared
    from medalopt.analysis.comparing.subjects import outcome

    outcomes = []
    for name in names:
        with progress(f"solving {name}"):
            outcomes.append(outcome(name, wanted, objective, say))
    return compared(outcomes)


def _write(found: Comparison, output: Path) -> None:
    """Write the comparison in the format of the file suffix."""
    from medalopt.report.comparing.forms import as_csv, as_json, as_page, on_screen
    from medalopt.report.files import write_file
    from medalopt.report.screen import Screen

    kind = output.suffix.lower()
    if kind == ".txt":
        content = on_screen(found, Screen.of_file())
    else:
        content = {".html": as_page, ".csv": as_csv, ".json": as_json}[kind](found)
    write_file(output, content)
    say(f"{place(output)}: the comparison is written")
