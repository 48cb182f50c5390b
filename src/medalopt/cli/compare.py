"""`medalopt compare`: instances, saved plans and scenarios side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli import options
from medalopt.cli.output import ReportOutput
from medalopt.cli.run import print_message
from medalopt.errors import UsageError

if TYPE_CHECKING:
    from medalopt.analysis.comparison import Comparison


def compare(
    things: Annotated[
        list[str],
        typer.Argument(
            metavar="A B...",
            help="Inputs to compare with the first: instances, scenarios as FILE.yaml#SCENARIO, saved plans.",
        ),
    ],
    scenario: Annotated[
        list[str] | None,
        typer.Option("--scenario", metavar="NAME", help="Also compare this scenario of A (repeatable)."),
    ] = None,
    objective: options.ObjectiveOption = "cost",
    set_: options.SetOption = None,
    output: options.OutputOption = None,
    full: options.FullOption = False,
    date: options.DateOption = None,
    json: options.JsonOption = False,
) -> int:
    """Compare instances, plans and scenarios.

    Differences in parameters, decisions, cost and metal.
    """
    changes = options.parse_changes(set_)
    requested = [*things, *(f"{things[0]}#{name}" for name in scenario or ())]
    if len(set(requested)) < len(requested):
        raise UsageError("the same input is named twice; keep one of the two")
    where = ReportOutput.prepare(output, {Path(name): "the instance" for name in things}, json, full, date)
    comparison = _compare_inputs(requested, changes, objective)
    from medalopt.report.compare import build_comparison_report

    where.deliver(build_comparison_report(comparison), "the comparison is written")
    return 0


def _compare_inputs(names: list[str], changes: dict[str, str], objective: str) -> Comparison:
    """Solve or read each input; return the comparison."""
    from medalopt.analysis.comparison import compare_plans, load_plan_summary

    outcomes = []
    for name in names:
        with options.report_progress(f"solving {name}"):
            outcomes.append(load_plan_summary(name, changes, objective, print_message))
    return compare_plans(outcomes)
