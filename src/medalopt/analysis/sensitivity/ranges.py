"""Sensitivity ranges: shadow price of every cost and right-hand-side parameter, up and down, with allowable changes."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import numpy as np

from medalopt.analysis.explain.explanation import (
    REPLAN_SECONDS,
    KeptLots,
    QuantityChange,
    can_keep_lots,
    choose_lots,
    keep_lots,
    list_quantity_changes,
)
from medalopt.analysis.explain.local_analysis import PlanNeighbourhood
from medalopt.analysis.scenario_runner import LotSearch, ScenarioProgram, ScenarioRunner
from medalopt.analysis.sensitivity.base_case import solve_or_none
from medalopt.analysis.sensitivity.parameter_derivatives import CostDerivatives, compute_row_shifts
from medalopt.errors import InputError, LimitError, NoPlanError, SolverError
from medalopt.instance.arrays import Floats, drop_infinite
from medalopt.instance.loading import NO_CHANGES
from medalopt.instance.lots import list_used_keys
from medalopt.instance.reader.yaml_nodes import ScalarNode
from medalopt.instance.schema.field_types import QuantityField
from medalopt.instance.schema.validation import ParameterKind
from medalopt.plan.plan import Plan
from medalopt.solver.confidence import split_cut_duals
from medalopt.solver.infeasibility import convert_missed_limits, convert_stockpile_limits
from medalopt.solver.local_analysis import LocalAnalysis, MeterRow, RhsColumn
from medalopt.solver.program import SolverProgram
from medalopt.solver.ranging import RangeLimit, find_cost_range, find_rhs_range
from medalopt.solver.solve_lp import reconstruct_duals
from medalopt.text import ParameterPath, parse_path, render_path
from medalopt.tolerances import PRICE_TOLERANCE

_RATE_PERTURBATION = Fraction(1025, 1024)  # factor on an exchange rate for the finite difference


@dataclass(frozen=True, eq=False)
class SensitivityParameter:
    """A parameter in the unit of the file (None for a count), with the least and greatest value that the file allows.

    One unit more adds `weights` (N,) to the cost vector, or shifts row bounds: `ends` maps a row to (lower, upper).
    """

    path: str
    unit: str | None
    value: float
    least: float
    greatest: float
    weights: Floats | None
    ends: Mapping[int, tuple[float, float]]


def find_parameters(
    runner: ScenarioRunner, program: SolverProgram, base: ScenarioProgram | None = None
) -> Iterator[SensitivityParameter]:
    """Find the parameters written in the file that enter the objective or a right-hand side.

    Args:
        program: Program with stockpile limits as rows.
        base: Program in which the lots of a plan are kept; None: that of the base instance. With it exchange rates and
            prices that fall, which also move what is constant in it, are left out.

    Yields:
        Parameters in the order of the file.
    """
    costed = CostDerivatives(base or runner.base, runner.source_values, runner.objective)
    falling = {parse_path(path)[:2] for path in runner.lots if path.endswith(".up_to")}
    numbers = {place: row for row, place in enumerate(program.rows)}
    for path, scalar, kind in runner.source_values.iterate_parameters():
        if base is not None and (path[0] == "exchange" or (path[:2] in falling and "price" in path)):
            continue
        weights = (
            _differentiate_exchange_rate(runner, path, scalar, kind)
            if path[0] == "exchange"
            else costed.differentiate(path)
        )
        ends = {} if weights is not None else _sum_row_shifts(runner, program, numbers, path)
        if weights is not None or ends:
            yield _make_parameter(runner, path, scalar, kind, weights, ends)


def _make_parameter(
    runner: ScenarioRunner,
    path: ParameterPath,
    scalar: ScalarNode,
    kind: ParameterKind,
    weights: Floats | None,
    ends: Mapping[int, tuple[float, float]],
) -> SensitivityParameter:
    """Return the parameter with value, limits and derivatives converted from canonical to file units."""
    exact = runner.source_values.convert_exact(path, scalar, kind)
    assert exact is not None, "a value of a valid instance can be read"
    measure, unit, factor = kind.field_type, None, Fraction(1)
    if isinstance(measure, QuantityField):
        unit, factor = runner.source_values.get_unit(path, scalar, measure)
    each = float(factor)
    return SensitivityParameter(
        render_path(path),
        unit,
        float(exact / factor),
        -np.inf if measure.low is None else float(measure.low / factor),
        float(measure.high / factor) if isinstance(measure, QuantityField) and measure.high is not None else np.inf,
        None if weights is None else weights * each,
        {row: (low * each, high * each) for row, (low, high) in ends.items()},
    )


def _sum_row_shifts(
    runner: ScenarioRunner, program: SolverProgram, numbers: Mapping[tuple[str, object], int], path: ParameterPath
) -> dict[int, tuple[float, float]]:
    """Return the shift of finite row bounds per canonical unit; empty if a row that the parameter needs is missing."""
    moves: dict[int, tuple[float, float]] = {}
    rows = compute_row_shifts(runner.instance, path)
    for (name, *index), low, high in rows:
        row = numbers.get((name, tuple(index) if len(index) > 1 else index[0] if index else None))
        if row is None:
            continue
        before = moves.get(row, (0.0, 0.0))
        moves[row] = (
            before[0] + low if np.isfinite(program.row_lower[row]) else 0.0,
            before[1] + high if np.isfinite(program.row_upper[row]) else 0.0,
        )
    moves = {row: by for row, by in moves.items() if any(by)}
    return moves if _has_all_rows(runner, numbers, path) else {}


def _has_all_rows(runner: ScenarioRunner, numbers: Mapping[tuple[str, object], int], path: ParameterPath) -> bool:
    """Return True if the rows that an increase needs exist: those of supply above 0, or of demand above 0."""
    instance = runner.instance
    if path[0] == "medals":
        m = instance.medals.names.index(str(path[1]))
        due = instance.periods[int(instance.medals.due[m])]
        parts = np.flatnonzero(instance.medals.parts.value[m]).tolist()
        owed = (("demand", (instance.alloys.names[a], due)) in numbers for a in parts)
        return bool(instance.medals.count[m]) and all(owed)
    if path[0] == "streams" and path[2] in ("available", "total"):
        i = instance.streams.names.index(str(path[1]))
        offered = instance.streams.available.value[i]
        return bool((offered if len(path) < 4 else offered[[path[3]]]).all())
    return True


def _differentiate_exchange_rate(
    runner: ScenarioRunner, path: ParameterPath, scalar: ScalarNode, kind: ParameterKind
) -> Floats | None:
    """Return the derivative of the costs by an exchange rate; None if matrix coefficients change too."""
    exact = runner.source_values.convert_exact(path, scalar, kind)
    if exact is None:
        return None
    base = runner.base.program
    moved = runner.build_scenario({render_path(path): repr(float(exact * _RATE_PERTURBATION))}).program
    weights = (moved.costs[0] - base.costs[0]) / float(exact * (_RATE_PERTURBATION - 1))
    still = len(moved.lower) == len(base.lower) and np.array_equal(moved.entries.value, base.entries.value)
    return weights if still and weights.any() else None


RangeProgress = Callable[[int, int], None]  # parameters done, and in all


@dataclass(frozen=True)
class SensitivityRangeEnd:
    """Change of the plan at one end of a range: sources and offers that it takes more and less of.

    `stops`: infeasible beyond. Empty if the end is only the limit of the parameter itself, such as a supply of 0.
    """

    more: tuple[QuantityChange, ...] = ()
    less: tuple[QuantityChange, ...] = ()
    stops: bool = False


@dataclass(frozen=True)
class SensitivityRange:
    """Sensitivity range of one parameter: change of the objective per unit up and per unit down, and its range.

    A price is None if that direction is infeasible, `low` or `high` None if the range is unbounded. `costs`: the
    parameter is an objective coefficient, else a right-hand side.
    """

    path: str
    unit: str | None
    value: float
    price_up: float | None
    price_down: float | None
    low: float | None
    high: float | None
    at_low: SensitivityRangeEnd
    at_high: SensitivityRangeEnd
    costs: bool

    @property
    def has_kink(self) -> bool:
        """Return whether the shadow price differs between increase and decrease, or one of them is infeasible."""
        if self.price_up is None or self.price_down is None:
            return True
        return abs(self.price_up + self.price_down) > PRICE_TOLERANCE * max(abs(self.price_up), abs(self.price_down))


REPLANNED_CHANGE, MAX_REPLANNED_PARAMETERS = 0.1, 3  # relative change with lots re-planned; number of parameters


@dataclass(frozen=True)
class ReplannedParameter:
    """Effects of a change of one parameter by 10 %: at its shadow price with lots kept, and with lots re-planned.

    `kept` and `resolved` are changes of the objective for less and for more; None if infeasible, or not found in time.
    """

    path: str
    kept: tuple[float | None, float | None]
    resolved: tuple[float | None, float | None]


@dataclass(frozen=True, eq=False)
class SensitivityRanges:
    """Sensitivity ranges of a verified optimal plan, in the order of the file.

    `only`: the optimum is unique (None if that is not verified). `unproven`: paths of parameters without a verified
    range.
    """

    plan: Plan
    rows: tuple[SensitivityRange, ...]
    only: bool | None
    unproven: tuple[str, ...] = ()
    lots: KeptLots | None = None  # of a plan in lots: `plan` is that with its lots kept
    replanned: tuple[ReplannedParameter, ...] = ()

    @property
    def chosen(self) -> Plan:
        """The plan whose ranges these are: of an instance with lots the plan in lots."""
        return self.plan if self.lots is None else self.lots.chosen


def compute_ranges(runner: ScenarioRunner, progress: RangeProgress = lambda done, of: None) -> SensitivityRanges:
    """Compute the sensitivity range of every cost and right-hand-side parameter, one at a time.

    Args:
        progress: Callback with the number of parameters done and in all.

    Returns:
        The optimal plan and its ranges.

    Raises:
        NoPlanError: If the instance is infeasible.
    """
    in_lots = runner.apply_to_lots(NO_CHANGES)
    kept = in_lots is not None and can_keep_lots(in_lots)
    lots = keep_lots(choose_lots(in_lots, runner.objective)) if in_lots is not None and kept else None
    plan = runner.plan if lots is None else lots.plan
    neighbourhood = PlanNeighbourhood.build(plan, (), () if lots is None else lots.extensions)
    instance, program = plan.instance, neighbourhood.local.linear
    rows = convert_missed_limits(
        convert_stockpile_limits(program, neighbourhood.network, instance.streams.names, instance.periods)
    )
    parameters = list(find_parameters(runner, rows, None if lots is None else neighbourhood.scenario))
    meters = [MeterRow.of(parameter.weights) for parameter in parameters if parameter.weights is not None]
    movers = [RhsColumn(parameter.ends, abs(parameter.value)) for parameter in parameters if parameter.weights is None]
    at = (rows, neighbourhood.local.x, _extend_duals(neighbourhood, program, rows))
    metered, moved = (
        LocalAnalysis(*at, meters, ()),
        LocalAnalysis(*at, (), movers),
    )  # separate, as cost rows are dense
    costs = sides = 0
    ranges: list[SensitivityRange] = []
    unproven: list[str] = []
    for number, parameter in enumerate(parameters):
        progress(number, len(parameters))
        if parameter.weights is not None:
            asked = partial(_make_cost_range, neighbourhood, metered, parameter, costs)
            costs += 1
        else:
            asked = partial(_make_rhs_range, neighbourhood, moved, parameter, sides)
            sides += 1
        row = solve_or_none(asked)
        if row is None:
            unproven.append(parameter.path)
        else:
            ranges.append(row)
    others = solve_or_none(neighbourhood.find_alternatives)
    only, resolved = (
        None if others is None else not others,
        () if lots is None else _replan_parameters(runner, lots, ranges),
    )
    return SensitivityRanges(plan, tuple(ranges), only, tuple(unproven), lots, resolved)


def _replan_parameters(
    runner: ScenarioRunner, lots: KeptLots, ranges: Sequence[SensitivityRange]
) -> tuple[ReplannedParameter, ...]:
    """Return the effects of the parameters of greatest value, with lots re-planned."""

    def rank(row: SensitivityRange) -> float:
        """Return the value of a parameter at its shadow price."""
        return abs(row.value) * max(abs(row.price_up or 0.0), abs(row.price_down or 0.0))

    search = LotSearch(REPLAN_SECONDS, start=list_used_keys(lots.chosen.account))
    result = []
    for row in sorted((row for row in ranges if row.unit is not None), key=rank, reverse=True)[
        :MAX_REPLANNED_PARAMETERS
    ]:
        step = REPLANNED_CHANGE * abs(row.value)
        resolved: list[float | None] = []
        for value in (row.value - step, row.value + step):
            cost: float | None = None
            with contextlib.suppress(InputError, LimitError, NoPlanError, SolverError):  # input: above another limit
                changed = None if lots.chosen.stopped else runner.apply_to_lots({row.path: f"{value!r} {row.unit}"})
                plan = None if changed is None else search.solve(changed, runner.objective)
                if plan is not None and not plan.stopped:
                    cost = plan.objective - lots.chosen.objective
            resolved.append(cost)
        prices = (row.price_down, row.price_up)
        kept = tuple(None if price is None else price * step for price in prices)
        result.append(ReplannedParameter(row.path, (kept[0], kept[1]), (resolved[0], resolved[1])))
    return tuple(result)


def _extend_duals(neighbourhood: PlanNeighbourhood, program: SolverProgram, rows: SolverProgram) -> Floats:
    """Extend the duals of the plan by those of upper bounds as rows: the negative part of the reduced costs."""
    duals = split_cut_duals(neighbourhood.instance, neighbourhood.account.routes.cuts, neighbourhood.plan.duals)
    y, entries = reconstruct_duals(duals, program, neighbourhood.plan.added), program.entries
    pull = np.bincount(entries.column, entries.value * y[entries.row], len(program.lower))
    height = len(program.rows)
    limits = rows.entries.row >= height
    above = np.minimum(program.costs[0] - pull, 0.0)[rows.entries.column[limits]]
    return np.append(y, above)


def _make_cost_range(
    neighbourhood: PlanNeighbourhood, analysis: LocalAnalysis, parameter: SensitivityParameter, meter: int
) -> SensitivityRange:
    """Return the range of an objective coefficient by re-solving in both directions."""
    slope_up, up = find_cost_range(analysis, meter, 1)
    slope_down, down = find_cost_range(analysis, meter, -1)
    return _make_range(neighbourhood, parameter, slope_up, 0.0 - slope_down, up, down, costs=True)


def _make_rhs_range(
    neighbourhood: PlanNeighbourhood, analysis: LocalAnalysis, parameter: SensitivityParameter, mover: int
) -> SensitivityRange:
    """Return the range of a right-hand side, limited by the values that the parameter may take."""
    more, less = find_rhs_range(
        analysis, mover, parameter.greatest - parameter.value, parameter.value - parameter.least
    )
    return _make_range(neighbourhood, parameter, more[0], less[0], more[1], less[1], costs=False)


def _make_range(
    neighbourhood: PlanNeighbourhood,
    parameter: SensitivityParameter,
    price_up: float | None,
    price_down: float | None,
    up: RangeLimit,
    down: RangeLimit,
    *,
    costs: bool,
) -> SensitivityRange:
    """Assemble the range from prices and distances, cut at the limits of the parameter."""
    high, low = parameter.value + up.distance, parameter.value - down.distance
    return SensitivityRange(
        parameter.path,
        parameter.unit,
        parameter.value,
        price_up,
        price_down,
        drop_infinite(max(low, parameter.least)),
        drop_infinite(min(high, parameter.greatest)),
        _make_range_end(neighbourhood, down) if low >= parameter.least else SensitivityRangeEnd(),
        _make_range_end(neighbourhood, up) if high <= parameter.greatest else SensitivityRangeEnd(),
        costs,
    )


def _make_range_end(neighbourhood: PlanNeighbourhood, end: RangeLimit) -> SensitivityRangeEnd:
    """Return the change of sources and offers at an end of a range."""
    if math.isinf(end.distance):
        return SensitivityRangeEnd()
    if end.direction is None:
        return SensitivityRangeEnd(stops=True)
    moved = list_quantity_changes(neighbourhood, end.direction)
    return SensitivityRangeEnd(
        tuple(part for part in moved if part.amount > 0), tuple(part for part in moved if part.amount < 0)
    )
