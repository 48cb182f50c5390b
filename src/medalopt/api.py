"""Public functions of the package: solve, read plans, and one function for each analysis.

Each analysis takes an instance and returns an `AnalysisResult` with `frames`, `figure` and a view for notebooks.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medalopt.errors import Fault, FaultKind, InputError, NoPlanError, SolverError, UsageError, WholeLotsNotFoundError
from medalopt.instance.instance import Instance
from medalopt.instance.lot_relaxation import drop_lot_constraints
from medalopt.instance.payers import apply_party
from medalopt.instance.scenario import format_value
from medalopt.model.extensions import Extension, list_extensions
from medalopt.plan.plan import OBJECTIVE_UNITS, Plan
from medalopt.proof.marginal import MarginalValue
from medalopt.results import AnalysisResult
from medalopt.solve_instance import solve as solve_instance
from medalopt.text import escape_text

if TYPE_CHECKING:
    from medalopt.analysis.scenario_runner import ScenarioRunner
    from medalopt.report.document import Report
    from medalopt.report.sensitivity.report_part import SensitivityPart


def solve(
    instance: Instance,
    objective: str = "cost",
    extensions: Sequence[Extension] = (),
    gap: float | None = None,
    time_limit: float | None = None,
    method: str = "auto",
) -> Plan:
    """Solve an instance to a verified plan.

    A changed instance (`Instance.with_changes`) starts from the optimal basis of the unchanged one.

    Args:
        instance: Instance to plan.
        objective: Objective to minimise: `cost`, `footprint`, `mass` or, for the cost borne by one payer, `cost@PARTY`;
            ties are broken by cost, then by tonnes.
        extensions: Python files, or functions `extend(model, instance)`, that add constraints or variables.
        gap: Relative optimality gap at which to stop, such as 0.01; None: verified optimum.
        time_limit: Time limit [s], after which the best plan so far is returned; None: no limit.
        method: `direct`, `decomposition` or `auto` (by size).

    Returns:
        The plan, with its dual values and certificate.

    Raises:
        InfeasibleError: There is no plan; its `diagnosis` holds conflicts and repairs.
        LimitError: No plan was found within the time limit.
        UsageError: An argument is invalid.
        SolverError: No solution could be verified.
    """
    try:
        return solve_instance(instance, objective, extensions, gap, time_limit, method)
    except NoPlanError as error:
        if error.status == "infeasible":
            error.diagnose = partial(diagnose, instance, objective, extensions=extensions)
            error.add_note("`medalopt.diagnose(instance)`, or `diagnosis` of this error: conflicts and repairs.")
        raise


def read_plan(path: str | os.PathLike[str], instance: Instance | None = None) -> Plan:
    """Read a saved plan and verify it against its instance, without a solver.

    Args:
        path: JSON file, folder of CSV files or workbook.
        instance: Its instance; None: the file that the plan names, beside it or in the working folder.

    Returns:
        The plan with the certificate of the verification.

    Raises:
        InputError: The file is no plan, or is not valid; with every violation.
        InfeasibleError: The file states that there is no plan.
        UsageError: The instance is not found.
    """
    from medalopt.instance.loading import load
    from medalopt.plan.reader import find_instance_file, read_plan_file
    from medalopt.plan.schema import SavedInfeasibility
    from medalopt.proof.verdict import verify_plan
    from medalopt.report.sourcing.table_verification import check_tables, rebuild_plan

    path = Path(path)
    file = read_plan_file(path)
    saved = file.plan
    if isinstance(saved, SavedInfeasibility):
        raise NoPlanError(saved.instance.name, "infeasible")
    if instance is None:
        source = find_instance_file(path, saved.instance.files)
        if source is None:
            where = "name it after the plan (in Python as `instance`)"
            raise UsageError(f"{escape_text(str(path), 400)}: its instance is not here; {where}")
        instance = load(source)
    origin = instance.origin
    values = None if origin is None else origin.file.read_source_values()
    verdict = check_tables(file, verify_plan(instance, saved), lambda: values)
    if not verdict.accepted:
        name = escape_text(str(path), 400)
        raise InputError(
            [Fault(name, 0, 0, broken.path, broken.text, kind=FaultKind.SAVED_PLAN) for broken in verdict.broken]
        )
    prices = {name: [getattr(row, name) for row in saved.prices] for name in MarginalValue.COLUMNS}
    return replace(rebuild_plan(saved, verdict), certificate=verdict.certificate, stated_prices=prices)


def diagnose(
    instance: Instance, objective: str = "cost", extensions: Sequence[Extension] = ()
) -> AnalysisResult | None:
    """Find the conflicting constraints of an infeasible instance, and repairs by ascending cost.

    Args:
        instance: Instance.
        objective: Objective of the repaired plans.
        extensions: Python files or functions that add constraints.

    Returns:
        Frames `conflict` and `repairs`; None if the instance is feasible. Of an instance with a plan without lots and
        none in lots, those of its lots; else lots are left out.
    """
    from medalopt.analysis.infeasibility.diagnosis import diagnose_infeasibility
    from medalopt.report.infeasible import build_infeasibility_report

    origin = instance.origin
    source, changes = (origin.file.path, origin.file.changes) if origin else (None, None)
    given = (objective, list_extensions(extensions), source, changes)
    found = diagnose_infeasibility(instance, *given)
    if found is None and instance.lots:
        try:
            solve_instance(instance, objective, extensions)
        except WholeLotsNotFoundError:
            found = diagnose_infeasibility(instance, *given, in_lots=True)
    return None if found is None else AnalysisResult(build_infeasibility_report(instance, found), found)


def explain(instance: Instance, objective: str = "cost", extensions: Sequence[Extension] = ()) -> AnalysisResult:
    """Explain the optimal plan: binding constraints, shadow prices, and why each source is taken or not.

    Args:
        instance: Instance; the lots of its plan are kept, or left out where they cannot be: with extensions, a promised
            confidence, or many shipments.
        objective: Objective to minimise.
        extensions: Python files or functions that add constraints.

    Returns:
        Frames of binding constraints, shadow prices, break-even prices and the cost breakdown.
    """
    from medalopt.analysis.explain.explanation import can_keep_lots, choose_lots, explain_plan, explain_plan_in_lots
    from medalopt.report.explain import build_explanation_report

    given = list_extensions(extensions)
    if not given and can_keep_lots(instance):
        found = explain_plan_in_lots(choose_lots(*apply_party(instance, objective)))
        return AnalysisResult(build_explanation_report(found), found)
    found = explain_plan(solve(*apply_party(drop_lot_constraints(instance), objective), given), given)
    return AnalysisResult(build_explanation_report(found), found)


def sensitivity_ranges(instance: Instance, objective: str = "cost") -> AnalysisResult:
    """Compute the range of every parameter within which its shadow prices hold.

    Args:
        instance: Instance; the lots of its plan are kept.
        objective: Objective to minimise.

    Returns:
        Frame `ranges`: path, unit, value, price_up, price_down, low, high.
    """
    from medalopt.analysis.sensitivity.ranges import compute_ranges
    from medalopt.report.sensitivity.ranges import report_ranges

    found = compute_ranges(_open_runner(instance, objective))
    return _wrap_part(instance, report_ranges(found), found)


def curve(
    instance: Instance, path: str, low: float | str, high: float | str, objective: str = "cost", exact: bool = False
) -> AnalysisResult:
    """Compute the objective as a function of one parameter, with its breakpoints.

    Args:
        instance: Instance; in lots each point is a search of its own, with its certified bound.
        path: Path of the parameter; with `*` several at once, and the bounds are then percentages, such as `"70 %"`.
        low: Smallest value; a number in the unit that the file may leave out.
        high: Greatest value.
        objective: Objective to minimise.
        exact: Find every breakpoint of a large instance.

    Returns:
        Frame `points`: value, objective and whether it is a breakpoint.
    """
    from medalopt.analysis.sensitivity.curves import CurveOptions, compute_curve
    from medalopt.analysis.sensitivity.parameter_range import parse_parameter_range
    from medalopt.report.sensitivity.curves import report_curve

    runner = _open_runner(instance, objective)
    range_ = parse_parameter_range(runner, f"{path}={low}..{high}", "curve")
    found = compute_curve(runner, range_, CurveOptions(exact))
    return _wrap_part(instance, report_curve(found, instance.currency), found)


def device_mix(instance: Instance, triangle: Sequence[str] = (), objective: str = "cost") -> AnalysisResult:
    """Vary the share of each device in the supply, and compare the `mixes` of the instance.

    Args:
        instance: Instance; in lots each point is a search of its own.
        triangle: Three devices whose tonnes are also split among them.
        objective: Objective to minimise.

    Returns:
        Frames of the JSON of `medalopt sensitivity --device-mix`.
    """
    from medalopt.analysis.sensitivity.device_mix import analyse_device_mix
    from medalopt.report.sensitivity.device_mix import report_device_mix

    found = analyse_device_mix(_open_runner(instance, objective), tuple(triangle))
    return _wrap_part(instance, report_device_mix(found), found)


def tornado(instance: Instance, objective: str = "cost", jobs: int = 1) -> AnalysisResult:
    """Vary every parameter alone, by its `cv` or by 10 %, and rank them by their effect.

    Args:
        instance: Instance.
        objective: Objective to minimise.
        jobs: Number of processes.

    Returns:
        Frame of the parameters, the largest effect first.
    """
    from medalopt.analysis.sensitivity.tornado import compute_tornado
    from medalopt.report.sensitivity.tornado import report_tornado

    runner = _open_runner(instance, objective)
    found = compute_tornado(runner, jobs)
    return _wrap_part(instance, report_tornado(runner.instance, runner.unit, found), found)


def variance(instance: Instance, rows: int = 128, objective: str = "cost", jobs: int = 1) -> AnalysisResult:
    """Vary all uncertain parameters at once and attribute the variance of the objective to them.

    Args:
        instance: Instance.
        rows: Rows of each sample.
        objective: Objective to minimise.
        jobs: Number of processes.

    Returns:
        Frames of the JSON of `medalopt sensitivity --global`.
    """
    from medalopt.analysis.sensitivity.variance import analyse_variance
    from medalopt.report.sensitivity.tornado import report_variance

    runner = _open_runner(instance, objective)
    found = analyse_variance(runner, rows, jobs)
    return _wrap_part(instance, report_variance(runner.instance, runner.unit, found), found)


def outages(
    instance: Instance, paths: Sequence[str] = (), start: str | None = None, objective: str = "cost"
) -> AnalysisResult:
    """Compute the additional cost if a smelter, treatment, region, stream or offer fails, one after the other.

    Args:
        instance: Instance.
        paths: Only these fail, such as `smelters.kosaka`; empty: each in turn.
        start: First period of the outage, such as `2018-04`; None: the whole horizon.
        objective: Objective to minimise.

    Returns:
        Frame of the outages.
    """
    from medalopt.analysis.sensitivity.what_if import evaluate_outages
    from medalopt.report.sensitivity.what_if import report_outages

    found = evaluate_outages(_open_runner(instance, objective), tuple(paths), start)
    return _wrap_part(instance, report_outages(found, instance), found)


def risk(subject: Instance | Plan, draws: int = 20_000, seed: int = 2020) -> AnalysisResult:
    """Simulate how safe a plan is as ordered: shipments and purchases as planned, melts re-timed.

    Args:
        subject: Instance, whose optimal plan is simulated, or plan.
        draws: Number of draws.
        seed: Seed of the random generator.

    Returns:
        Frames `risk` (by metal and deadline), `cost` (with recourse) and `information` (shares of the variance).

    Raises:
        UsageError: Nothing that is returned is uncertain, or an argument is out of range.
    """
    from medalopt.analysis.risk.simulation import simulate_risk
    from medalopt.report.risk_simulation import build_risk_report

    found = simulate_risk(solve(subject) if isinstance(subject, Instance) else subject, draws, seed)
    return AnalysisResult(build_risk_report(found), found)


def price_of_confidence(instance: Instance, levels: Sequence[float] = ()) -> AnalysisResult:
    """Compute the cost of plans by promised confidence, with which metal suffices for every metal and deadline.

    Args:
        instance: Instance; a promise of its own is replaced.
        levels: Confidences, from 0.5 to below 1; empty: spread evenly up to the highest that can be promised.

    Returns:
        Frame `confidence`: confidence, cost, extra cost and the cost of one more percentage point.

    Raises:
        UsageError: A level is out of range, or nothing that is returned is uncertain.
    """
    from medalopt.analysis.risk.price_of_confidence import compute_price_of_confidence
    from medalopt.report.confidence import build_confidence_report

    found = compute_price_of_confidence(instance, levels)
    return AnalysisResult(build_confidence_report(found), found)


def value_of_information(
    instance: Instance, confidence: float | None = None, samples: int = 10, sample_error: float = 0.5
) -> AnalysisResult:
    """Compute the saving by better knowledge of each uncertain parameter at the same promised confidence.

    Args:
        instance: Instance.
        confidence: Promised confidence, from 0.5 to below 1; None: that of the instance.
        samples: Number of samples of each parameter.
        sample_error: Standard error of one sample, relative to the mean.

    Returns:
        Frame `value_of_information`: savings by half the `cv` and by the samples, the largest saving by samples first.

    Raises:
        UsageError: Nothing is promised or uncertain, or an argument is out of range.
        NoPlanError: No plan keeps the promise.
    """
    from medalopt.analysis.risk.information import compute_information_value
    from medalopt.report.confidence import build_information_report

    promised = instance if confidence is None else instance.with_changes({"policy.confidence": confidence})
    found = compute_information_value(promised, samples, sample_error)
    return AnalysisResult(build_information_report(found), found)


def two_stage_plan(
    instance: Instance,
    draws: int | None = None,
    seed: int = 2020,
    known: str | None = None,
    take_or_pay: float = 1.0,
    risk_weight: float = 0.0,
    risk_level: float = 0.9,
    gap: float | None = None,
    time_limit: float | None = None,
) -> AnalysisResult:
    """Decide contracts before the scenario is known, and shipments and purchases after it, at least expected cost.

    Args:
        instance: Instance.
        draws: Number of scenarios drawn from the uncertain parameters; None: those of the file with a probability.
        seed: Seed of the random generator.
        known: Period from which the scenario is known, such as `2018-04`; None: the first.
        take_or_pay: Share of the price that is paid for agreed quantities not used, 0 to 1.
        risk_weight: Weight of the mean cost of the worst cases (conditional value at risk) beside the expected cost.
        risk_level: Level beyond which a case is one of the worst, between 0 and 1.
        gap: Certified gap at which a search in whole lots stops, of all payments; None: that of branch and bound.
        time_limit: Time limit of that search [s], from the beginning; None: no limit.

    Returns:
        Frames `contracts`, `scenarios`, `smelters`, `offers`, `values` and others; `data` is the certified plan.

    Raises:
        UsageError: An argument is out of range, or there are no scenarios.
        InfeasibleError: No contracts allow a plan in every scenario.
        LimitError: The scenarios make too large a program.
    """
    from medalopt.analysis.risk.two_stage_plan import TwoStageOptions, compute_two_stage_plan
    from medalopt.report.two_stage import build_two_stage_report

    options = TwoStageOptions(draws, seed, known, take_or_pay, risk_weight, risk_level, gap, time_limit)
    options.check()
    found = compute_two_stage_plan(_open_runner(instance, "cost"), options)
    return AnalysisResult(build_two_stage_report(found), found)


def compare(*subjects: Instance | Plan | str | os.PathLike[str], objective: str = "cost") -> AnalysisResult:
    """Compare plans: every quantity side by side, with differences from the first.

    Args:
        *subjects: Two or more instances, plans, instance files, `FILE.yaml#SCENARIO` or saved plans.
        objective: Objective to minimise.

    Returns:
        Frames of totals, parameters, cost by kind and decisions.
    """
    from medalopt.analysis.comparison import compare_plans, load_plan_summary, summarize_instance
    from medalopt.report.compare import build_comparison_report

    summaries = []
    for number, subject in enumerate(subjects, start=1):
        if isinstance(subject, Instance | Plan):
            instance = subject if isinstance(subject, Instance) else subject.instance
            summaries.append(summarize_instance(f"{instance.name} ({number})", subject, objective))
        else:
            summaries.append(load_plan_summary(os.fspath(subject), {}, objective, lambda warning: None))
    found = compare_plans(summaries)
    return AnalysisResult(build_comparison_report(found), found)


def sweep(
    instance: Instance,
    scenarios: Iterable[Mapping[str, Any]] | Mapping[str, Mapping[str, Any]] | None = None,
    objective: str = "cost",
    jobs: int = 1,
) -> AnalysisResult:
    """Solve many scenarios to whole plans; an invalid or infeasible one does not stop the others.

    Args:
        instance: Base instance.
        scenarios: Changes of each, as for `Instance.with_changes`, with or without names; None: those of the instance.
        objective: Objective to minimise.
        jobs: Number of processes.

    Returns:
        Frame `scenarios`, one row each: changes, status, objective, cost by kind, tonnes, footprint and the shadow
        price of each metal (the highest of the periods in which it is used).
    """
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    named = _name_scenarios(instance, scenarios)
    if jobs == 1:
        rows = [_solve_row(instance, objective, changes) for changes in named.values()]
    else:
        with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
            rows = list(pool.map(partial(_solve_row, instance, objective), named.values()))
    return AnalysisResult(_report_scenarios(instance, named, rows), rows)


def _report_scenarios(
    instance: Instance, named: Mapping[str, Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]
) -> Report:
    """Return the report of scenarios: a table with a row for each."""
    from medalopt.report.document import Report, ReportColumn, ReportTable

    solved = sum(row["status"] in ("optimal", "feasible") for row in rows)
    rows_by_scenario = [
        {"scenario": name, **changes, **row} for (name, changes), row in zip(named.items(), rows, strict=True)
    ]
    keys = dict.fromkeys(key for row in rows_by_scenario for key in row)
    columns = []
    for key in keys:
        title, _, unit = key.partition(" [")
        numeric = any(isinstance(row.get(key), int | float) for row in rows_by_scenario)
        columns.append(ReportColumn(key, title, unit.rstrip("]") if numeric else None, style="significant"))
    cells = tuple(tuple(_format_cell(row.get(key)) for key in keys) for row in rows_by_scenario)
    table = ReportTable("scenarios", "Scenarios", "Every scenario with its changes.", tuple(columns), cells)
    title = f"Scenarios of {instance.title or instance.name}"
    return Report(title, (f"{len(rows)} scenarios, {solved} with a plan.",), (table,))


def _format_cell(value: Any) -> str | float | None:
    """Return a value as a cell; a change of several values as text."""
    return value if value is None or isinstance(value, str | int | float) else format_value(value)


def _name_scenarios(instance: Instance, scenarios: Any) -> dict[str, Mapping[str, Any]]:
    """Return scenarios by name; numbers from 1 where they have none."""
    if scenarios is None:
        return {one.name: one.texts for one in _open_runner(instance, "cost").named_scenarios()}
    if isinstance(scenarios, Mapping):
        return dict(scenarios)
    return {str(number): changes for number, changes in enumerate(scenarios, start=1)}


def _solve_row(instance: Instance, objective: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Solve a scenario and return its row."""
    from medalopt.plan.metal_values import MetalValues

    try:
        plan = solve_instance(instance.with_changes(changes) if changes else instance, objective)
    except NoPlanError as error:
        return {"status": error.status, "message": str(error)}
    except (InputError, UsageError) as error:
        return {"status": "wrong", "message": str(error)}
    except SolverError as error:
        return {"status": "unanswered", "message": str(error)}
    metal_values, money = MetalValues(plan), plan.instance.currency
    prices = [
        values[used].max(initial=0.0) for values, used in zip(metal_values.at_hand, metal_values.used, strict=True)
    ]
    return {
        "status": plan.status,
        f"objective [{plan.unit}]": plan.objective,
        f"total cost [{money}]": plan.cost,
        **{f"{kind} [{money}]": value for kind, value in plan.costs.items()},
        "taken [t]": plan.tonnes,
        "footprint [kg CO2e]": plan.footprint,
        **{
            f"shadow price of {metal} [{plan.unit}/kg]": float(price)
            for metal, price in zip(plan.instance.metals.names, prices, strict=True)
        },
    }


def _open_runner(instance: Instance, objective: str) -> ScenarioRunner:
    """Open an instance for solving scenarios of it. Raises UsageError if it was edited in memory."""
    from medalopt.analysis.scenario_runner import ScenarioRunner

    if objective not in ("cost", *OBJECTIVE_UNITS):
        raise UsageError(f"'{objective}' is no objective: choose one of cost, {', '.join(OBJECTIVE_UNITS)}")
    if instance.origin is None:
        raise UsageError(f"{instance.name}: was edited in memory; use `load` and `with_changes`")
    return ScenarioRunner(instance.origin.file, {}, objective, in_lots=True)


def _wrap_part(instance: Instance, part: SensitivityPart, data: Any) -> AnalysisResult:
    """Return the result of a sensitivity analysis."""
    from medalopt.report.sensitivity.report_part import build_sensitivity_report

    return AnalysisResult(build_sensitivity_report(instance, [part]), data)
