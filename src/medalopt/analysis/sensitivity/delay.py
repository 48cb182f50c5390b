"""Delays and named scenarios, each solved and compared with the base case.

A delay of metal and supply costs money, or metal is short; it also gives the latest start of each contract.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from medalopt.analysis.scenario_runner import ScenarioProgram, ScenarioRunner
from medalopt.analysis.sensitivity.base_case import (
    MAX_LOT_SECONDS,
    MetalShortage,
    ShortageSolver,
    StepCallback,
    compute_objective_increase,
    compute_objective_tolerance,
    get_metal_titles,
    solve_base_case,
    solve_or_none,
)
from medalopt.analysis.sensitivity.outages import Outage, apply_outage, list_contracts
from medalopt.errors import NoPlanError, SolverError, UsageError
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arrays import Bools, ExactArray
from medalopt.instance.instance import Instance
from medalopt.instance.loading import NO_CHANGES
from medalopt.instance.lot_relaxation import drop_lot_constraints
from medalopt.instance.scenario import Scenario
from medalopt.solve_instance import solve
from medalopt.solver.highs import TimeBudget
from medalopt.solver.mip import solve_program_in_lots
from medalopt.solver.verification import VerifiedResult
from medalopt.text import render_path
from medalopt.tolerances import VALUE_TOLERANCE


@dataclass(frozen=True)
class ContractDeadline:
    """Signing deadline of a contract: supply of a bundle or stream, a smelter's feed, or an offer.

    `last` is the last period in which it can be signed at no extra cost (None if it is never needed), `first` the
    period of its first use in the plan, `extra` the increase of the objective if it is signed one period after `last`
    (infinite if infeasible). If not `proven`, `last` and `extra` have no meaning.
    """

    kind: str
    name: str
    path: str
    first: str | None
    last: str | None
    extra: float
    proven: bool = True


def _find_deadlines(
    runner: ScenarioRunner, outcome: VerifiedResult, report_progress: StepCallback
) -> tuple[ContractDeadline, ...]:
    """Return all contract deadlines, earliest first; a contract is usable from the period of its signature on.

    `outcome` is that of the base case without lots; with lots, each step of a search is a search of its own.
    """
    base = runner.base_in_lots or runner.base
    outcome = outcome if base is runner.base else runner.lots_result
    same, account = compute_objective_tolerance(outcome, base.program), base.compute_account(outcome)
    every = list_contracts(runner.instance)
    result = []
    for number, contract in enumerate(every):
        report_progress(f"signing {contract.name} later ({number + 1} of {len(every)})")
        value = outcome.value, same
        deadline = solve_or_none(partial(_find_contract_deadline, runner, contract, account, value))
        result.append(
            deadline or ContractDeadline(contract.kind, contract.name, contract.path, None, None, 0.0, proven=False)
        )
    periods = {name: number for number, name in enumerate(runner.instance.periods)}
    return tuple(
        sorted(
            result,
            key=lambda deadline: (periods.get(deadline.last or "", len(periods)), -deadline.extra, deadline.path),
        )
    )


def _find_contract_deadline(
    runner: ScenarioRunner, contract: Outage, account: PlanAccount, value: tuple[float, float]
) -> ContractDeadline:
    """Search the last period of free signing, from the first use on: doubling steps, then bisection.

    `value`: objective of the base case, and the tolerance within which it counts as unchanged.
    """
    instance, base = runner.instance, runner.base_in_lots or runner.base
    used = np.flatnonzero(_mark_usage_periods(account, contract))
    if not len(used):
        return ContractDeadline(contract.kind, contract.name, contract.path, None, None, 0.0)
    first, periods = int(used[0]), np.arange(len(instance.periods))
    values: dict[int, float] = {}

    def free(index: int) -> bool:
        """Return whether the contract can be missing before a period at no extra cost."""
        program = apply_outage(base, contract, periods < index, bound=True)
        in_lots = base is not runner.base
        solved = (
            solve_program_in_lots(program, TimeBudget(MAX_LOT_SECONDS)) if in_lots else runner.solve_program(program)
        )
        values[index] = solved.value
        return values[index] <= sum(value)

    low, high = first, first + 1
    while high < len(periods) and free(high):
        low, high = high, min(2 * high - first, len(periods))
    if high == len(periods) and high not in values and free(high):
        return ContractDeadline(contract.kind, contract.name, contract.path, instance.periods[first], None, 0.0)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if free(middle) else (low, middle)
    later = values[high] - value[0]
    return ContractDeadline(
        contract.kind, contract.name, contract.path, instance.periods[first], instance.periods[low], later
    )


def _mark_usage_periods(account: PlanAccount, contract: Outage) -> Bools:
    """Return the periods (T,) in which the plan uses the contract."""
    instance = account.instance
    if contract.axis == "smelters":
        amounts = account.feed[[instance.smelters.names.index(name) for name in contract.names]]
    elif contract.axis == "market":
        amounts = account.purchases[[instance.market.names.index(name) for name in contract.names]]
    else:
        amounts = account.taken[[instance.streams.names.index(name) for name in contract.names]]
    return np.asarray((amounts > 0).any(axis=0))


@dataclass(frozen=True)
class DelayEffect:
    """Effect of one delay: `extra` objective, infinite if infeasible; `shortage` is then the missing metal in kg.

    `lost`: tonnes of supply shifted beyond the horizon. If not `proven`, `extra` is infinite and has no meaning.
    """

    what: str  # kind of delay: leads, supply, both
    extra: float
    shortage: MetalShortage | None
    lost: float
    proven: bool = True

    @property
    def feasible(self) -> bool:
        """Return whether a plan exists."""
        return self.extra < np.inf


@dataclass(frozen=True)
class DelayAnalysis:
    """Effects of delays by `periods` periods, and the signing deadline of each contract."""

    periods: int
    value: float
    unit: str
    effects: tuple[DelayEffect, ...]
    deadlines: tuple[ContractDeadline, ...]
    titles: dict[str, str]  # of metals
    in_lots: bool = False  # lots and charges count


def evaluate_delays(
    runner: ScenarioRunner, periods: int, report_progress: StepCallback = lambda activity: None
) -> DelayAnalysis:
    """Solve the instance with late returns, late supply and both, and find the signing deadlines.

    Args:
        periods: Length of the delay in periods, 0 or more.

    Returns:
        Three delay effects and all contract deadlines.

    Raises:
        NoPlanError: If the base case is infeasible.
        UsageError: If `periods` is negative.
    """
    instance = runner.instance
    if periods < 0:
        raise UsageError(f"--delay {periods}: a delay is a whole number of periods, 0 or more")
    result, lots = solve_base_case(runner), runner.base_in_lots
    late = []
    for what, back, supply in (("leads", periods, 0), ("supply", 0, periods), ("both", periods, periods)):
        report_progress(f"{what} {periods} later")
        blank = DelayEffect(what, np.inf, None, _sum_lost_supply(instance, supply), proven=False)
        late_instance = delay_instance(instance if lots is None else lots.instance, back, supply)
        late.append(solve_or_none(partial(_evaluate_delay, runner, result, late_instance, blank)) or blank)
    return DelayAnalysis(
        periods=periods,
        value=result.value if lots is None else runner.lots_result.value,
        unit=runner.unit,
        effects=tuple(late),
        deadlines=_find_deadlines(runner, result, report_progress),
        titles=get_metal_titles(runner),
        in_lots=lots is not None,
    )


def _evaluate_delay(
    runner: ScenarioRunner, outcome: VerifiedResult, instance: Instance, blank: DelayEffect
) -> DelayEffect:
    """Return `blank` with the result of the delayed `instance`; raise SolverError if it is not verified."""
    scenario, base = ScenarioProgram.build(instance, runner.objective), runner.base
    if runner.base_in_lots is None:
        result = runner.solve_scenario(scenario)
    else:
        base, outcome = runner.base_in_lots, runner.lots_result
        result = solve_program_in_lots(scenario.program, TimeBudget(MAX_LOT_SECONDS))
    short = None if result.feasible else ShortageSolver(drop_lot_constraints(instance)).compute_shortage() or None
    extra = compute_objective_increase(result.value, outcome, base.program)
    return dataclasses.replace(blank, extra=extra, shortage=short, proven=True)


def delay_instance(instance: Instance, back: int, supply: int) -> Instance:
    """Return the instance with returns and supply shifted to later periods; supply beyond the horizon is dropped.

    Args:
        instance: Instance without the delay.
        back: Periods added to every smelter's lead time.
        supply: Periods by which all available tonnes are shifted.

    Returns:
        The delayed instance.
    """
    smelters, streams = instance.smelters, instance.streams
    available = streams.available
    unit = np.broadcast_to(available.unit, available.shape)
    return dataclasses.replace(
        instance,
        smelters=dataclasses.replace(smelters, lead=smelters.lead + back),
        streams=dataclasses.replace(
            streams,
            available=ExactArray(
                _shift_columns(available.raw, supply), _shift_columns(unit, supply), available.factors
            ),
        ),
    )


def _sum_lost_supply(instance: Instance, supply: int) -> float:
    """Return the tonnes shifted beyond the horizon if supply is `supply` periods late."""
    periods = len(instance.periods)
    return float(instance.streams.available.value[:, max(0, periods - supply) :].sum()) if supply else 0.0


def _shift_columns(array: np.ndarray[tuple[int, ...], np.dtype[np.generic]], by: int) -> np.ndarray:
    """Return an array (I, T) with its columns shifted `by` periods and zeros before."""
    shifted = np.zeros_like(array)
    remaining = array.shape[1] - by
    if remaining > 0:
        shifted[:, by:] = array[:, :remaining]
    return shifted


@dataclass(frozen=True)
class NamedScenarioResult:
    """Result of one scenario: its `changes` as written in the file, and its plan compared with the base case.

    If infeasible, `value`, `extra`, `footprint` and `tonnes` are infinite and `shortage` gives the missing metal in kg;
    if
    no verified result exists, `fault` gives the reason.
    """

    name: str
    changes: Mapping[str, str]
    value: float
    extra: float
    footprint: float  # kg CO2e
    tonnes: float  # t of devices collected
    shortage: MetalShortage | None
    note: str = ""
    fault: str = ""

    @property
    def status(self) -> str:
        """Status of the scenario: `optimal`, `infeasible`, or `unanswered`."""
        return "optimal" if self.feasible else "unanswered" if self.fault else "infeasible"

    @property
    def feasible(self) -> bool:
        """Return whether a plan exists."""
        return self.value < np.inf


@dataclass(frozen=True)
class ScenarioComparison:
    """The base case and all named scenarios, in the order of the instance."""

    base: NamedScenarioResult
    scenarios: tuple[NamedScenarioResult, ...]
    unit: str
    titles: dict[str, str]  # of metals


def evaluate_scenarios(
    runner: ScenarioRunner, report_progress: StepCallback = lambda activity: None
) -> ScenarioComparison:
    """Solve the named scenarios of the instance.

    Returns:
        Objective, footprint and tonnes of each scenario and of the base case.

    Raises:
        NoPlanError: If the base case is infeasible.
        UsageError: If the instance names no scenario.
        InputError: If a change of a scenario is invalid.
    """
    named = runner.named_scenarios()
    if not named:
        raise UsageError(
            f"{runner.instance.name}: has no `scenarios:`; write some, such as "
            'scenarios: {poorer: {"devices.*.content.Ag": 85 %}}'
        )
    in_lots, outcome = runner.apply_to_lots(NO_CHANGES), None
    if in_lots is not None:
        plan = solve(in_lots, runner.objective)
        base = NamedScenarioResult("", {}, plan.objective, 0.0, plan.footprint, plan.tonnes, None)
    else:
        outcome = solve_base_case(runner)
        account = runner.base.compute_account(outcome)
        base = NamedScenarioResult("", {}, outcome.value, 0.0, float(account.footprint), float(account.tonnes), None)
    notes = {render_path(("scenarios", one.name)): one.name for one in named}
    notes = {notes[source.path]: source.note for source in runner.instance.sources if source.path in notes}
    collected = []
    for one in named:
        report_progress(f"scenario {one.name}")
        try:
            result = _solve_named(runner, one, base, outcome)
        except SolverError as error:  # only this row lacks a result
            result = NamedScenarioResult(one.name, one.texts, *_NO_PLAN, None, fault=str(error))
        collected.append(dataclasses.replace(result, note=notes.get(one.name, "")))
    return ScenarioComparison(base, tuple(collected), runner.unit, get_metal_titles(runner))


_NO_PLAN = (np.inf, np.inf, np.inf, np.inf)  # value, extra, footprint, tonnes


def _solve_named(
    runner: ScenarioRunner, scenario: Scenario, base: NamedScenarioResult, outcome: VerifiedResult | None
) -> NamedScenarioResult:
    """Return the result of one scenario; `outcome` is that of a base case without lots. May raise SolverError."""
    name, changes = scenario.name, scenario.texts
    in_lots = runner.apply_to_lots(changes)
    if in_lots is not None:
        return _solve_in_lots(in_lots, runner, scenario, base)
    built = runner.build_scenario(changes)
    result = runner.solve_scenario(built)
    if not result.feasible:
        return NamedScenarioResult(name, changes, *_NO_PLAN, ShortageSolver(built.instance).compute_shortage())
    made = built.compute_account(result)
    extra = result.value - base.value
    if outcome is not None:
        extra = compute_objective_increase(result.value, outcome, runner.base.program)
    return NamedScenarioResult(name, changes, result.value, extra, float(made.footprint), float(made.tonnes), None)


def _solve_in_lots(
    instance: Instance, runner: ScenarioRunner, scenario: Scenario, base: NamedScenarioResult
) -> NamedScenarioResult:
    """Return the result of one scenario with whole lots. May raise SolverError."""
    name, changes = scenario.name, scenario.texts
    try:
        plan = solve(instance, runner.objective)
    except NoPlanError:
        short = ShortageSolver(runner.apply_changes(changes)).compute_shortage()
        return NamedScenarioResult(name, changes, *_NO_PLAN, short or None)
    extra = plan.objective - base.value
    same = abs(extra) <= VALUE_TOLERANCE * max(1.0, abs(base.value))
    return NamedScenarioResult(name, changes, plan.objective, 0.0 if same else extra, plan.footprint, plan.tonnes, None)
