"""`medalopt explain`: binding constraints, shadow prices and sources of a plan, or the conflict and repairs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli import options
from medalopt.cli.output import ReportOutput, report_infeasibility, solve_with_progress
from medalopt.cli.run import print_message
from medalopt.errors import NoPlanError

if TYPE_CHECKING:
    from medalopt.instance.instance import Instance
    from medalopt.report.document import Report


def explain(
    instance: options.InstanceArgument,
    about: Annotated[
        str | None, typer.Argument(metavar="PATH", help="One stream to explain in detail, such as streams.phone@tokyo.")
    ] = None,
    objective: options.ObjectiveOption = "cost",
    extend: options.ExtendOption = None,
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
