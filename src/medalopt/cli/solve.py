"""`medalopt solve`: the optimal plan and its cost."""

from __future__ import annotations

from dataclasses import replace

from medalopt.cli import options
from medalopt.cli.output import ReportOutput, report_infeasibility, solve_with_progress
from medalopt.errors import LimitError, NoPlanError


def solve(
    instance: options.InstanceArgument,
    objective: options.ObjectiveOption = "cost",
    extend: options.ExtendOption = None,
    set_: options.SetOption = None,
    confidence: options.ConfidenceOption = None,
    joint: options.JointOption = False,
    uncertainty_budget: options.UncertaintyBudgetOption = None,
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
    set_ = options.add_confidence_change(set_, confidence, joint, uncertainty_budget)
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
