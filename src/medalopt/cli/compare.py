"""`medalopt compare`: differences between instances, plans and scenarios, and their effect on cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli.options import JsonOption, SetOption, check_output_path, format_path, parse_changes, report_progress
from medalopt.cli.run import print_message, print_output
from medalopt.cli.solve import ObjectiveChoice, ObjectiveOption
from medalopt.errors import UsageError

if TYPE_CHECKING:
    from medalopt.analysis.compare.comparison import Comparison

_SUFFIXES = (".html", ".csv", ".txt", ".json")


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
    objective: ObjectiveOption = ObjectiveChoice.cost,
    set_: SetOption = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="PATH", help="Also write it: NAME.html, .csv, .txt or .json."),
    ] = None,
    json: JsonOption = False,
) -> int:
    """Say what differs between instances, plans and scenarios: in the data, in what is decided, in cost and metal."""
    wanted = parse_changes(set_)
    asked = [*things, *(f"{things[0]}#{name}" for name in scenario or ())]
    if len(set(asked)) < len(asked):
        raise UsageError("the same thing is named twice; leave one of the two")
    if output is not None:
        if output.suffix.lower() not in _SUFFIXES:
            raise UsageError(f"-o {format_path(output)}: a comparison is written as NAME.html, .csv, .txt or .json")
        for name in things:
            check_output_path(output, Path(name))
    found = _compare_inputs(asked, wanted, objective.value)
    from medalopt.report.compare import render_comparison_json, render_comparison_text

    if output is not None:
        _write_comparison(found, output)
    print_output(render_comparison_json(found) if json else render_comparison_text(found))
    return 0


def _compare_inputs(names: list[str], wanted: dict[str, str], objective: str) -> Comparison:
    """Solve or read each input; return the comparison."""
    from medalopt.analysis.compare.comparison import compare_plans, load_plan_summary

    outcomes = []
    for name in names:
        with report_progress(f"solving {name}"):
            outcomes.append(load_plan_summary(name, wanted, objective, print_message))
    return compare_plans(outcomes)


def _write_comparison(found: Comparison, output: Path) -> None:
    """Write the comparison in the format of the file suffix."""
    from medalopt.report.atomic_write import write_file
    from medalopt.report.compare import (
        render_comparison_csv,
        render_comparison_html,
        render_comparison_json,
        render_comparison_text,
    )
    from medalopt.report.render.text import Screen

    kind = output.suffix.lower()
    if kind == ".txt":
        content = render_comparison_text(found, Screen.for_file())
    else:
        content = {".html": render_comparison_html, ".csv": render_comparison_csv, ".json": render_comparison_json}[
            kind
        ](found)
    write_file(output, content)
    print_message(f"{format_path(output)}: the comparison is written")
