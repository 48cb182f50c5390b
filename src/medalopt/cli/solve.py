"""`medalopt solve` and `explain`: the optimal plan and its cost; its binding constraints, shadow prices and sources."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli import options
from medalopt.cli.output import ReportOutput, report_infeasibility, solve_with_progress
from medalopt.cli.run import print_message
from medalopt.errors import LimitError, NoPlanError, UsageError
from medalopt.text import escape_text

if TYPE_CHECKING:
    from medalopt.instance.instance import Instance
    from medalopt.report.document import Report


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
    instance: options.InstanceArgument,
    objective: ObjectiveOption = "cost",
    extend: ExtendOption = None,
    set_: options.SetOption = None,
    confidence: ConfidenceOption = None,
    joint: JointOption = False,
    uncertainty_budget: BudgetOption = None,
    gap: options.GapOption = None,
    time_limit: options.TimeLimitOption = None,
    method: options.MethodOption = options.SolveMethod.auto,
    full: options.FullOption = False,
    date: options.DateOption = None,
    output: options.OutputOption = None,
    json: options.JsonOption = False,
) -> int:
    """Find the optimal plan: cost, supply and bottlenecks.

    The optimum is verified independently of the solver. If infeasible: conflicting constraints and cheapest repairs.
    """
    where = ReportOutput.prepare(output, {instance: "the instance"}, json, full, date)
    within = options.parse_limits(gap, time_limit)
    set_ = add_confidence_change(set_, confidence, joint, uncertainty_budget)
    loaded = options.read_instance(instance, set_)
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
        given = [*(given or []), options.OptionChange("--uncertainty-budget", "policy.uncertainty_budget", budget)]
    if confidence is None:
        if joint:
            raise UsageError("--joint: requires --confidence; give both, such as --confidence 90% --joint")
        return given
    path = "policy.joint_confidence" if joint else "policy.confidence"
    return [*(given or []), options.OptionChange("--confidence", path, confidence)]


def explain(
    instance: options.InstanceArgument,
    about: Annotated[
        str | None, typer.Argument(metavar="PATH", help="One stream to explain in detail, such as streams.phone@tokyo.")
    ] = None,
    objective: ObjectiveOption = "cost",
    extend: ExtendOption = None,
    set_: options.SetOption = None,
    output: options.OutputOption = None,
    full: options.FullOption = False,
    date: options.DateOption = None,
    json: options.JsonOption = False,
) -> int:
    """Explain a plan: binding constraints and shadow prices.

    Also break-even prices of the sources and the cost breakdown by shadow price. If infeasible: conflicting constraints
    and cheapest repairs.
    """
    where = ReportOutput.prepare(output, {instance: "the instance"}, json, full, date)
    loaded, extensions = options.read_instance(instance, set_), tuple(extend or ())
    left_out = ""
    if loaded.lots:
        from medalopt.analysis.explain.explanation import can_keep_lots
        from medalopt.instance.lot_relaxation import describe_lot_rules, drop_lot_constraints

        if extensions or not can_keep_lots(loaded):
            left_out = describe_lot_rules(loaded.lots)
            why = "with extensions, a promised confidence, or many shipments"
            print_message(f"{loaded.lots[0]}: {left_out} are ignored: the lots of a plan cannot be kept {why}")
            loaded = drop_lot_constraints(loaded)
    try:
        report = _build_explanation(loaded, about, objective, extensions)
    except NoPlanError as error:
        return report_infeasibility(loaded, error, instance, set_, objective, where, extensions)
    if left_out:
        report = replace(report, title=f"{report.title}, without {left_out}")
    where.deliver(report, "the explanation is written")
    return 0


def _build_explanation(instance: Instance, about: str | None, objective: str, extensions: tuple[Path, ...]) -> Report:
    """Return the explanation of the plan, or of one stream."""
    from medalopt.analysis.explain.explanation import (
        choose_lots,
        explain_plan,
        explain_plan_in_lots,
        explain_stream,
        keep_lots,
        parse_stream_path,
    )
    from medalopt.instance.payers import apply_party
    from medalopt.report.explain import build_explanation_report, build_stream_report

    instance, objective = apply_party(instance, objective)
    stream = None if about is None else parse_stream_path(instance, about)
    if instance.lots:
        with options.report_progress(f"solving {instance.name}"):
            plan = choose_lots(instance, objective)
    else:
        plan = solve_with_progress(instance, objective, extensions)
    with options.report_progress("analysing the optimum"):
        if plan.lots is not None and stream is not None:
            lots = keep_lots(plan)
            found = explain_stream(lots.plan, stream, lots.extensions)
            return build_stream_report(replace(found, lots=lots))
        if plan.lots is not None:
            return build_explanation_report(explain_plan_in_lots(plan))
        if stream is not None:
            return build_stream_report(explain_stream(plan, stream, extensions))
        return build_explanation_report(explain_plan(plan, extensions))
