"""`medalopt solve`: the optimal plan, its cost and its binding constraints."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from medalopt.cli.options import (
    GapOption,
    InstanceArgument,
    JsonOption,
    MethodOption,
    OptionChange,
    SetOption,
    SolveMethod,
    TimeLimitOption,
    parse_limits,
    read_instance,
)
from medalopt.cli.output import (
    DateOption,
    FullOption,
    OutputOption,
    ReportOutput,
    report_infeasibility,
    solve_with_progress,
)
from medalopt.errors import LimitError, NoPlanError, UsageError
from medalopt.text import escape_text


def _parse_objective(text: str) -> str:
    """Return an objective; the party of `cost@PARTY` is looked up in the instance."""
    if text in ("cost", "footprint", "mass") or (text.startswith("cost@") and text != "cost@"):
        return text
    raise typer.BadParameter(f"'{escape_text(text)}' is not one of cost, footprint, mass, cost@PARTY")


ExtendOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--extend", metavar="FILE", help="Python file with additional constraints; it is executed (repeatable)."
    ),
]
ConfidenceOption = Annotated[
    str | None,
    typer.Option(
        "--confidence",
        metavar="SHARE",
        help="Least probability that each metal suffices at each deadline, 50 % or more, such as 90%.",
    ),
]
JointOption = Annotated[
    bool, typer.Option("--joint", help="With --confidence: that all metals suffice at all deadlines together.")
]
BudgetOption = Annotated[
    str | None,
    typer.Option(
        "--uncertainty-budget",
        metavar="N",
        help="Number of uncertain parameters one standard deviation too low at once, with which each metal suffices.",
    ),
]
ObjectiveOption = Annotated[
    str,
    typer.Option(
        "--objective",
        metavar="cost|footprint|mass|cost@PARTY",
        parser=_parse_objective,
        help="Objective to minimise (ties are broken by cost, then by tonnes); cost@PARTY: cost borne by one payer.",
    ),
]


def solve(
    instance: InstanceArgument,
    objective: ObjectiveOption = "cost",
    extend: ExtendOption = None,
    set_: SetOption = None,
    confidence: ConfidenceOption = None,
    joint: JointOption = False,
    uncertainty_budget: BudgetOption = None,
    gap: GapOption = None,
    time_limit: TimeLimitOption = None,
    method: MethodOption = SolveMethod.auto,
    full: FullOption = False,
    date: DateOption = None,
    output: OutputOption = None,
    json: JsonOption = False,
) -> int:
    """Find the optimal plan: cost, supply and bottlenecks.

    The optimum is verified independently of the solver. If infeasible: conflicting constraints and cheapest repairs.
    """
    where = ReportOutput.prepare(output, {instance: "the instance"}, json, full, date)
    within = parse_limits(gap, time_limit)
    set_ = add_confidence_change(set_, confidence, joint, uncertainty_budget)
    loaded = read_instance(instance, set_)
    from medalopt.report.solve import build_solve_report
    from medalopt.solver.highs import TimeBudget

    budget = None if within[1] is None else TimeBudget(within[1])
    extensions = tuple(extend or ())
    try:
        plan = solve_with_progress(loaded, objective, extensions, within, method.value, json)
    except NoPlanError as error:
        where = replace(where, paths=())
        return report_infeasibility(loaded, error, instance, set_, objective, where, extensions, budget)
    tables = where.has_tables
    where.deliver(build_solve_report(plan, whole=tables, text=tables or not json), "the plan is written")
    return LimitError.exit_code if plan.stopped else 0


def add_confidence_change(
    given: list[str] | None, confidence: str | None, joint: bool = False, budget: str | None = None
) -> list[str] | None:
    """Return the changes of `--set` with those of `--confidence`, `--joint` and `--uncertainty-budget`.

    Args:
        given: Texts `PATH=VALUE`, or None.
        confidence: Least probability that the metal suffices at every deadline, or None.
        joint: The probability is that of all metals and deadlines together.
        budget: Number of parameters that are off at once, or None.

    Raises:
        UsageError: `--joint` is given without `--confidence`, or `--uncertainty-budget` with it.
    """
    if budget is not None:
        if confidence is not None:
            raise UsageError("--uncertainty-budget: is an alternative to --confidence; give one of them")
        given = [*(given or []), OptionChange("--uncertainty-budget", "policy.uncertainty_budget", budget)]
    if confidence is None:
        if joint:
            raise UsageError("--joint: requires --confidence; give both, such as --confidence 90% --joint")
        return given
    path = "policy.joint_confidence" if joint else "policy.confidence"
    return [*(given or []), OptionChange("--confidence", path, confidence)]
