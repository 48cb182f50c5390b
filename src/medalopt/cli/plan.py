"""`medalopt plan`: the sourcing plan for procurement."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli import options
from medalopt.cli.output import ReportOutput, report_infeasibility, solve_with_progress
from medalopt.cli.run import print_message
from medalopt.errors import LimitError, NoPlanError, SolverError, UsageError
from medalopt.text import escape_text

if TYPE_CHECKING:
    from medalopt.analysis.sourcing.plan_analyses import PlanAnalyses
    from medalopt.instance.loading import InstanceFile
    from medalopt.plan.plan import Plan

_MIN_LOAD_TONNES = 0.001  # small enough for whole loads to cost nothing, large enough for rounding errors not to matter

_RoundOption = Annotated[
    str | None,
    typer.Option("--round", metavar="SIZE", help="Plan whole loads of this size within the supply, such as 1t."),
]
_SummaryOption = Annotated[
    bool, typer.Option("--summary", help="Write and print the first page alone; of a PDF exactly one page.")
]


def plan(
    instance: options.InstanceArgument,
    after: options.AfterOption = None,
    actuals: options.ActualsOption = None,
    frozen: options.FrozenOption = None,
    set_: options.SetOption = None,
    gap: options.GapOption = None,
    time_limit: options.TimeLimitOption = None,
    round_: _RoundOption = None,
    output: options.OutputOption = None,
    brief: Annotated[
        bool,
        typer.Option("--brief", help="Skip further solves: risks, costs of constraints, break-even prices, benchmark."),
    ] = False,
    summary: _SummaryOption = False,
    date: options.DateOption = None,
    full: options.FullOption = False,
    json: options.JsonOption = False,
) -> int:
    """Write the sourcing plan: orders, spend, metal, risks.

    With --after: replan the remaining horizon from actual settlements and signed contracts.
    """
    read = {path: "an input of --after" for path in (actuals, frozen) if path is not None}
    where = ReportOutput.prepare(output, {instance: "the instance", **read}, json, full, date)
    within, load = options.parse_limits(gap, time_limit), None if round_ is None else _parse_tonnes(round_)
    from medalopt.instance.loading import open_instance

    changes, source = options.parse_changes(set_), open_instance(instance)
    request = options.ReplanRequest.prepare(options.read_instance(source, set_), after, actuals, frozen)
    try:
        plan = solve_with_progress(request.figures, limits=within, as_json=json)
    except NoPlanError as error:
        source_path, where = None if request.problem else instance, replace(where, paths=())
        return report_infeasibility(request.figures, error, source_path, set_, "cost", where)
    from medalopt.analysis.sourcing.whole_loads import plan_whole_loads
    from medalopt.report.document import select_summary
    from medalopt.report.sourcing.plan_report import build_plan_report

    exact, in_loads, found = plan, None, None
    if load is not None:
        with options.report_progress("filling whole loads"):
            in_loads = plan_whole_loads(exact, load)
        plan = in_loads.plan
    written = None if request.problem else source  # a remaining horizon has no file
    if not (brief or plan.stopped):  # the time limit may leave none for more
        found = _analyse_plan(exact, written, changes, request.settled)
    with options.report_progress("writing the sourcing plan"):
        values = None if written is None else written.read_source_values(changes)
        report = build_plan_report(plan, in_loads, found, values, date=where.day, settled=request.settled)
        report = request.add_actuals(report, plan)
    report = select_summary(report) if summary else report
    where.deliver(report, "the sourcing plan is written", bool(where.paths) and not summary)
    return LimitError.exit_code if plan.stopped else 0


def _analyse_plan(
    plan: Plan, source: InstanceFile | None, changes: dict[str, str], settled: frozenset[str]
) -> PlanAnalyses | None:
    """Return further analyses of the plan, or None where they cannot be made; of a remaining horizon without risks."""
    from medalopt.analysis.scenario_runner import ScenarioRunner
    from medalopt.analysis.sourcing.plan_analyses import analyse_plan

    runner = None if source is None else ScenarioRunner(source, changes)
    try:
        with options.report_progress("analysing the plan") as step:
            return analyse_plan(plan, runner, step, settled)
    except SolverError as error:
        print_message(f"{error}; analyses that need further solves are omitted, as with --brief")
        return None


def _parse_tonnes(text: str) -> float:
    """Return the size of a load (t). Raises UsageError."""
    from medalopt.units import Money, QuantityError, parse_quantity

    try:
        size = float(parse_quantity(text, "t", Money("")).exact)
    except QuantityError as error:
        raise UsageError(f"--round: {error}") from error
    if not size > 0:
        raise UsageError(f"--round {escape_text(text)}: the size of a load is more than 0, such as 1t or 500kg")
    if size < _MIN_LOAD_TONNES:
        raise UsageError(f"--round {escape_text(text)}: a load is at least 1 kg, such as 1t or 500kg")
    return size
