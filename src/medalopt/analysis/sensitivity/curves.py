"""Sensitivity curves: the optimal objective as a function of one parameter, with breakpoints and feasible interval.

If a cost varies, the plan is constant on each piece and changes at a breakpoint. If a right-hand side varies, the plan
changes linearly on each piece, and its rates change at a breakpoint. A surface shows a grid of two parameters.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np

from medalopt.analysis.explain.local_analysis import group_sources
from medalopt.analysis.infeasibility.conflict import RULE_FAMILIES, identify_rule
from medalopt.analysis.process_pool import ScenarioResult, solve_scenarios
from medalopt.analysis.scenario_runner import LotSearch, ParametricScenarios, ScenarioRunner
from medalopt.analysis.sensitivity.base_case import MAX_LOT_SECONDS, solve_or_none
from medalopt.analysis.sensitivity.parameter_range import ParameterRange
from medalopt.analysis.sensitivity.piecewise_linear import (
    BudgetRange,
    LinearPiece,
    ObjectiveFunction,
    ParametricObjective,
    PiecewiseLinear,
    SolvedVariant,
    evaluate_at_whole_values,
    find_budget_range,
    sample_curve,
    select_whole_values,
    trace_pieces,
)
from medalopt.errors import InputError, LimitError, NoPlanError, SolverError, UsageError
from medalopt.instance.loading import NO_CHANGES
from medalopt.instance.lots import list_used_keys
from medalopt.instance.scenario import ParameterChanges
from medalopt.solver.verification import VerifiedResult
from medalopt.text import escape_text, render_path
from medalopt.tolerances import AMOUNT_TOLERANCE, DISPLAY_TOLERANCE, POSITION_TOLERANCE

MAX_DESCRIBED_BREAKPOINTS = 120  # maximum number of breakpoints with a description
_UNREPORTED_RULES = frozenset({"supply", "together", "demand", "no_more", "extension"})
PlanQuantities = Mapping[tuple[str, str], float]  # by name and unit


@dataclass(frozen=True)
class BreakpointShift:
    """One quantity of the plan `before` and `after` a breakpoint; per unit of the parameter if `by_step`.

    `here` is the quantity at the breakpoint.
    """

    what: str
    unit: str
    before: float
    after: float
    here: float
    by_step: bool


@dataclass(frozen=True)
class BreakpointChange:
    """Changes at the breakpoint `value`: quantities, and paths of limits that become binding or cease to be."""

    value: float
    shifts: tuple[BreakpointShift, ...]  # largest relative change first
    binds: tuple[str, ...]
    frees: tuple[str, ...]


def _describe_breakpoints(pieces: tuple[LinearPiece, ...], along_costs: bool) -> tuple[BreakpointChange, ...]:
    """Return the changes between adjacent linear pieces; none for pieces not known to be linear."""
    known = [(piece, piece.line.solved) for piece in pieces if piece.line is not None]  # each with its supporting line
    if not known or len(known) > MAX_DESCRIBED_BREAKPOINTS:
        return ()
    solved = (each for piece, line in known for each in (piece.left.solved, piece.right.solved, line))
    amounts = {id(each): _measure_quantities(each) for each in solved}
    binding = [_find_binding_paths(line) for _, line in known]

    def describe(piece: LinearPiece, line: SolvedVariant) -> PlanQuantities:
        """Return the quantities on a piece, constant if costs vary, or their changes per unit of the parameter."""
        if along_costs:
            return amounts[id(line)]
        one, two = amounts[id(piece.left.solved)], amounts[id(piece.right.solved)]
        return {name: (two[name] - one[name]) / piece.width for name in one}

    rows = []
    for (one, two), (old, new) in zip(pairwise(known), pairwise(binding), strict=True):
        if one[0].right is not two[0].left:
            continue
        here = amounts[id(one[0].right.solved)]
        steps = 1.0 if along_costs else min(piece.width for piece, _ in (one, two))
        shifts = _find_quantity_changes(describe(*one), describe(*two), here, steps, not along_costs)
        value = two[0].left.position
        rows.append(BreakpointChange(value, shifts, tuple(sorted(new - old)), tuple(sorted(old - new))))
    return tuple(rows)


def _find_quantity_changes(
    before: PlanQuantities, after: PlanQuantities, here: PlanQuantities, steps: float, by_step: bool
) -> tuple[BreakpointShift, ...]:
    """Return the quantities that change, largest relative change first."""
    largest = {unit: max(here[name] for name in here if name[1] == unit) for _, unit in here}
    moved = {name: abs(after[name] - before[name]) * steps / max(largest[name[1]], 1e-9) for name in here}
    return tuple(
        BreakpointShift(*name, before[name], after[name], here[name], by_step)
        for name in sorted(here, key=lambda name: -moved[name])
        if moved[name] > DISPLAY_TOLERANCE
    )


def _measure_quantities(solved: SolvedVariant) -> PlanQuantities:
    """Return quantities of the plan: tonnes by source, treatment and smelter, kilograms bought and surplus."""
    account = solved.variant.compute_account(solved.outcome)
    instance, decisions = account.instance, account.decisions
    sent, bought = account.sent, account.bought
    amounts = {(source.name, "t"): float(sent[source.streams].sum()) for source in group_sources(instance)}
    amounts |= {(name, "kg"): float(kg) for name, kg in zip(instance.market.names, bought, strict=True)}
    fed, treated = account.feed.sum(axis=1), account.treated.sum(axis=1)
    amounts |= {(f"feed of {name}", "t"): float(t) for name, t in zip(instance.smelters.names, fed, strict=True)}
    amounts |= {(f"input of {name}", "t"): float(t) for name, t in zip(instance.treatments.names, treated, strict=True)}
    over = (decisions.surplus + account.left).sum(axis=1)
    return amounts | {(f"surplus of {n}", "kg"): float(kg) for n, kg in zip(instance.metals.titles, over, strict=True)}


def _find_binding_paths(solved: SolvedVariant) -> set[str]:
    """Return the paths of the limits that bind, from the dual values of their rows."""
    program, x, y = solved.variant.program, solved.outcome.x, solved.outcome.y
    entries = program.entries
    parts = np.bincount(entries.row, np.abs(entries.value * x[entries.column]), len(program.rows))
    minimum = AMOUNT_TOLERANCE * max(1.0, float(np.abs(program.costs[0]) @ np.abs(x)))
    paths = set()
    for row in np.flatnonzero(np.abs(y) * parts > minimum).tolist():
        rule = identify_rule(program.rows[row], 0 if y[row] > 0 else 1)
        if rule is not None and rule[0].kind in RULE_FAMILIES.keys() - _UNREPORTED_RULES:
            periods = (rule[1],) if rule[1] else ()
            paths.add(render_path(RULE_FAMILIES[rule[0].kind].describe(solved.variant.instance, rule[0], periods)[0]))
    return paths


OBJECTIVE_NOISE = 2e-9  # fraction of |c|ᵀ|x| to which the objective is known
MAX_EVALUATIONS = 2_000  # maximum number of solves for one curve
MAX_SAMPLES = 80  # maximum number of samples of a nonlinear curve
LARGE_ENTRIES = 20_000  # matrix entries from which a curve is traced to an accuracy only
LARGE_ACCURACY = 2e-4  # relative accuracy of the curve of a large program
LOT_POINTS = (13, 7)  # points of a curve in lots; of a large program
LARGE_LOT_GAP = 0.01  # relative gap at which the search for a plan of a large program in lots ends
_SOLVED = ("optimal", "infeasible")
COUNT_FIELD = "count"  # the field of medals
CurveProgress = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class CurvePoint:
    """The objective at `value` of the parameter, None if infeasible; of a plan in lots with its certified bound."""

    value: float
    objective: float | None
    breakpoint: bool = False
    bound: float | None = None

    @property
    def coordinates(self) -> tuple[float, float]:
        """Value and objective, infinite if infeasible."""
        return self.value, math.inf if self.objective is None else self.objective


@dataclass(frozen=True, eq=False)
class SensitivityCurve:
    """The objective along a parameter: `convex` or `concave` (piecewise linear), `sampled`, or at `whole` values.

    In `lots` it is known at the points only: each is the cost of a plan found by a search, with a certified bound. The
    time limit ended `stopped` of the searches.

    Linear interpolation between the points is within `accuracy` (None if nothing is known between them).
    `feasible_range` is
    the interval with plans, None if there is none. At the values `unproven` no verified result exists; they are not
    points.
    """

    vary: ParameterRange
    objective: str
    base: float | None  # objective of the base case, None if infeasible
    shape: str
    points: tuple[CurvePoint, ...]
    exact: bool
    accuracy: float | None
    feasible_range: tuple[float, float] | None
    breakpoints: tuple[BreakpointChange, ...] = ()
    budget: BudgetRange | None = None
    unproven: tuple[float, ...] = ()
    stopped: int = 0

    @property
    def is_proven(self) -> bool:
        """Return whether the accuracy is a proven bound: the curve is convex or concave."""
        return self.shape in ("convex", "concave")


@dataclass(frozen=True, eq=False)
class CurveOptions:
    """Options of a curve: all breakpoints of a large program (`exactly`), and a `budget` to invert the curve at."""

    exactly: bool = False
    budget: float | None = None
    progress: CurveProgress = lambda step: None


def compute_curve(runner: ScenarioRunner, vary: ParameterRange, asking: CurveOptions | None = None) -> SensitivityCurve:
    """Compute the objective along a parameter.

    A parameter that moves only costs, or only right-hand sides and bounds, gives an exact piecewise linear curve;
    integer parameters are evaluated at whole values, all others are sampled.

    Args:
        vary: Parameter with its range.
        asking: Options.

    Returns:
        The curve with breakpoints, feasible interval and changes of the plan.
    """
    asking = asking or CurveOptions()
    if any(runner.apply_to_lots(vary.make_changes(value)) for value in (vary.low, vary.high)):
        return _search_points(runner, vary, asking)
    result = runner.solve_scenario()
    blank = SensitivityCurve(vary, runner.objective, result.value if result.feasible else None, "", (), True, 0.0, None)
    family = _make_parametric_line(runner, vary)
    line = None if family is None else family.line
    if family is not None and line is not None and not line.moves_matrix and not (line.moves_costs and line.moves_ends):
        with contextlib.suppress(SolverError):  # one supporting line is not verified: sample the curve instead
            return _trace_linear_curve(
                runner, blank, ParametricObjective(runner, family, line, asking.progress), asking
            )
    if vary.is_integer:
        return _evaluate_whole_values(runner, blank, asking)
    assert family is not None, "only counts and lead times are integer"
    return _sample_nonlinear_curve(runner, blank, family, asking)


def _search_points(runner: ScenarioRunner, vary: ParameterRange, asking: CurveOptions) -> SensitivityCurve:
    """Return the curve in lots: evenly spaced values, each searched in a process of its own from the base plan."""
    positions = _space_values(vary, LOT_POINTS[1] if _is_large(runner) else LOT_POINTS[0])
    base, results = _solve_in_lots(runner, [vary.make_changes(value) for value in positions], asking.progress)
    pairs = list(zip(positions, results, strict=True))
    points = [CurvePoint(value, one.value, bound=one.bound) for value, one in pairs if one.status in _SOLVED]
    return SensitivityCurve(
        vary,
        runner.objective,
        base,
        "lots",
        tuple(points),
        exact=False,
        accuracy=None,
        feasible_range=_get_feasible_range(points),
        budget=_apply_budget(points, asking, None, vary.is_integer),
        unproven=tuple(value for value, one in pairs if one.status not in _SOLVED),
        stopped=sum(one.stopped for one in results),
    )


def _is_large(runner: ScenarioRunner) -> bool:
    """Return whether a program is so large that few points are solved."""
    return len(runner.base.program.entries.row) >= LARGE_ENTRIES


def _solve_in_lots(
    runner: ScenarioRunner, scenarios: Sequence[ParameterChanges], progress: CurveProgress
) -> tuple[float | None, list[ScenarioResult]]:
    """Return the objective of the base case, and the results of scenarios in lots, found in parallel.

    Each search begins with the contracts of the base plan. Of a large program it ends at a gap. Raise KeyboardInterrupt
    where the searches are interrupted.
    """
    instance, limits = (
        runner.apply_to_lots(NO_CHANGES),
        LotSearch(MAX_LOT_SECONDS, LARGE_LOT_GAP if _is_large(runner) else None),
    )
    base: float | None = None
    with contextlib.suppress(LimitError, NoPlanError, SolverError):
        if instance is None:
            result = runner.solve_scenario()
            base = result.value if result.feasible else None
        else:
            plan = limits.solve(instance, runner.objective)
            base, limits = plan.objective, replace(limits, start=list_used_keys(plan.account))
    searched = ScenarioRunner(runner.file, objective=runner.objective, in_lots=True, lot_search=limits)
    found = solve_scenarios(
        searched, scenarios, report_progress=lambda done, of: progress(f"{done} of {of} searches in lots")
    )
    results = [one for one in found.results if one is not None]
    if len(results) < len(scenarios):
        raise KeyboardInterrupt
    return base, results


def _make_parametric_line(runner: ScenarioRunner, vary: ParameterRange) -> ParametricScenarios | None:
    """Return the parametric family of programs; None for integer parameters other than counts, which are not affine."""
    if not vary.is_integer:
        return ParametricScenarios(runner, vary.make_changes, vary.low, vary.high)
    if vary.unit is not None or vary.path.split(".")[-1] != COUNT_FIELD:
        return None
    try:
        return ParametricScenarios(
            runner, vary.make_changes, vary.low, vary.low + 4 * math.ceil((vary.high - vary.low) / 4)
        )
    except InputError:
        return None


def _trace_linear_curve(
    runner: ScenarioRunner, blank: SensitivityCurve, objective: ParametricObjective, asking: CurveOptions
) -> SensitivityCurve:
    """Return the exact piecewise linear curve; of a large program only to within LARGE_ACCURACY."""
    vary = blank.vary
    shaped = replace(blank, shape="convex" if objective.sign > 0 else "concave")
    low = objective.find_feasible(vary.low, vary.high)
    high = None if low is None else objective.find_feasible(vary.high, low)
    if low is None or high is None:
        nowhere = [CurvePoint(vary.low, None), CurvePoint(vary.high, None)]
        return replace(shaped, points=tuple(nowhere), budget=_apply_budget(nowhere, asking, None, False))
    if high - low <= POSITION_TOLERANCE * (vary.high - vary.low):  # feasible at a single value
        low = high = vary.high if high == vary.high else low
    noise = OBJECTIVE_NOISE * max(
        _sum_absolute_costs(objective.solve_at(low)), _sum_absolute_costs(objective.solve_at(high)), 1.0
    )
    large = _is_large(runner) and not asking.exactly
    accuracy = LARGE_ACCURACY * abs(objective.solve_at(low).outcome.value) if large else 0.0
    traced = (
        trace_pieces(objective.evaluate, low, high, noise, max(noise, accuracy), MAX_EVALUATIONS)
        if low < high
        else PiecewiseLinear((), 0.0)
    )
    points = [
        CurvePoint(position, value, bend) for position, value, bend in _list_piece_ends(objective, traced.pieces, low)
    ]
    curve = replace(
        shaped,
        points=_add_infeasible_ends(vary, points),
        exact=traced.gap == 0,
        accuracy=traced.gap,
        feasible_range=(low, high),
        breakpoints=_describe_breakpoints(traced.pieces, objective.sign < 0),
        budget=_apply_budget(
            points, asking, lambda position: objective.solve_at(position).outcome.value, vary.is_integer
        ),
    )
    return _restrict_to_whole_values(curve) if vary.is_integer else curve


def _list_piece_ends(
    objective: ParametricObjective, traced: tuple[LinearPiece, ...], only: float
) -> list[tuple[float, float, bool]]:
    """Return position, objective and breakpoint flag at each end of a piece."""
    if not traced:
        return [(only, objective.solve_at(only).outcome.value, False)]
    touches = [traced[0].left, *(piece.right for piece in traced)]
    known = [bool(piece.line) for piece in traced]
    bends = [False, *(a and b for a, b in pairwise(known)), False]
    return [(touch.position, objective.sign * touch.value, bend) for touch, bend in zip(touches, bends, strict=True)]


def _add_infeasible_ends(vary: ParameterRange, points: list[CurvePoint]) -> tuple[CurvePoint, ...]:
    """Add infeasible points beyond both ends, and mark the ends of feasibility as breakpoints."""
    first, last = points[0], points[-1]
    before = [CurvePoint(vary.low, None)] if vary.low < first.value else []
    after = [CurvePoint(vary.high, None)] if last.value < vary.high else []
    if before:
        points[0] = replace(first, breakpoint=True)
    if after:
        points[-1] = replace(points[-1], breakpoint=True)
    return (*before, *points, *after)


def _restrict_to_whole_values(curve: SensitivityCurve) -> SensitivityCurve:
    """Return the curve evaluated at whole values."""
    plans = [point.coordinates for point in curve.points if point.objective is not None]
    rows = evaluate_at_whole_values(plans, (curve.vary.low, curve.vary.high))
    points = [CurvePoint(position, value if math.isfinite(value) else None, bend) for position, value, bend in rows]
    return replace(curve, points=tuple(points), feasible_range=_get_feasible_range(points))


def _evaluate_whole_values(runner: ScenarioRunner, blank: SensitivityCurve, asking: CurveOptions) -> SensitivityCurve:
    """Return the curve of an integer parameter, at all whole values if they are few."""
    vary, points, unproven = blank.vary, [], []
    values, every = select_whole_values(vary.low, vary.high)
    for value in values:
        asking.progress(f"{vary.path} at {value:g}")
        result = solve_or_none(partial(runner.solve_scenario, runner.build_scenario(vary.make_changes(value))))
        if result is None:
            unproven.append(value)
        else:
            points.append(CurvePoint(value, result.value if result.feasible else None))
    exact = every and vary.unit is None and not unproven
    accuracy = 0.0 if exact else None
    budget = _apply_budget(points, asking, None, True)
    return replace(
        blank,
        shape="whole",
        points=tuple(points),
        exact=exact,
        accuracy=accuracy,
        feasible_range=_get_feasible_range(points),
        budget=budget,
        unproven=tuple(unproven),
    )


def _sample_nonlinear_curve(
    runner: ScenarioRunner, blank: SensitivityCurve, family: ParametricScenarios, asking: CurveOptions
) -> SensitivityCurve:
    """Return the curve by adaptive sampling."""
    vary = blank.vary

    def ask(position: float) -> SolvedVariant:
        """Solve the scenario at a position."""
        asking.progress(f"{vary.path} at {position:g}")
        scenario = family.build_scenario(position)
        return SolvedVariant(scenario, runner.solve_scenario(scenario))

    samples = sample_curve(ask, vary.low, vary.high, OBJECTIVE_NOISE * max(abs(blank.base or 0.0), 1.0), MAX_SAMPLES)
    points = [
        CurvePoint(position, solved.outcome.value if solved.outcome.feasible else None)
        for position, solved in samples.samples
    ]
    return replace(
        blank,
        shape="sampled",
        points=tuple(points),
        exact=False,
        accuracy=samples.accuracy,
        feasible_range=_get_feasible_range(points),
        budget=_apply_budget(points, asking, lambda position: ask(position).outcome.value, False),
        unproven=samples.unproven,
    )


def _apply_budget(
    points: list[CurvePoint], asking: CurveOptions, ask: ObjectiveFunction | None, whole: bool
) -> BudgetRange | None:
    """Invert the curve at the budget, if there is one."""
    if asking.budget is None:
        return None
    return find_budget_range([point.coordinates for point in points], asking.budget, ask, whole)


def _get_feasible_range(points: list[CurvePoint]) -> tuple[float, float] | None:
    """Return the first and last feasible value."""
    values = [point.value for point in points if point.objective is not None]
    return (values[0], values[-1]) if values else None


def _sum_absolute_costs(solved: SolvedVariant) -> float:
    """Return |c|ᵀ|x|, the scale of numerical noise in the objective."""
    return float(np.abs(solved.variant.program.costs[0]) @ np.abs(solved.outcome.x))


GRID_SIZE, LARGE_PROGRAM_GRID_SIZE = (15, 11), (7, 5)  # (columns, rows) of the grid; of a large program


@dataclass(frozen=True, eq=False)
class SensitivitySurface:
    """The objective by value of the second parameter (rows) and of the first (columns); None if infeasible.

    At the places `unproven`, (row, column), it is None because no verified result exists. With `in_lots` each is the
    objective of a plan found by a search; the time limit ended `stopped` of them.
    """

    across: ParameterRange
    up: ParameterRange
    measure: str
    base: float | None
    columns: tuple[float, ...]
    rows: tuple[float, ...]
    objective: tuple[tuple[float | None, ...], ...]
    unproven: frozenset[tuple[int, int]] = frozenset()
    in_lots: bool = False
    stopped: int = 0


def compute_surface(
    runner: ScenarioRunner, across: ParameterRange, up: ParameterRange, progress: CurveProgress = lambda step: None
) -> SensitivitySurface:
    """Compute the objective on a grid of two parameters.

    Args:
        across: Parameter of the columns, with its range.
        up: Parameter of the rows, with its range.
        progress: Progress callback.

    Returns:
        The grid of objective values.

    Raises:
        UsageError: If both ranges change the same parameter.
    """
    both = across.make_changes(across.low).keys() & up.make_changes(up.low).keys()
    if both:
        raise UsageError(f"--vary: both change {escape_text(min(both))}; name parameters without a value in common")
    if runner.apply_to_lots({**across.make_changes(across.high), **up.make_changes(up.high)}) is not None:
        return _search_surface(runner, across, up, progress)
    result = runner.solve_scenario()
    wide, high = LARGE_PROGRAM_GRID_SIZE if _is_large(runner) else GRID_SIZE
    columns, rows = _space_values(across, wide), _space_values(up, high)
    row, cells, unproven = _SurfaceRows(runner, across, up, columns), [], set()
    for number, value in enumerate(rows):
        progress(f"row {number + 1} of {len(rows)}")
        answers = row(value)
        cells.append(tuple(result.value if result is not None and result.feasible else None for result in answers))
        unproven |= {(number, index) for index, result in enumerate(answers) if result is None}
    base = result.value if result.feasible else None
    return SensitivitySurface(across, up, runner.objective, base, columns, rows, tuple(cells), frozenset(unproven))


def _search_surface(
    runner: ScenarioRunner, across: ParameterRange, up: ParameterRange, progress: CurveProgress
) -> SensitivitySurface:
    """Return the grid in lots, which is coarse: each place is a search of its own."""
    columns, rows = (
        _space_values(vary, many) for vary, many in zip((across, up), LARGE_PROGRAM_GRID_SIZE, strict=True)
    )
    places = [{**across.make_changes(x), **up.make_changes(y)} for y in rows for x in columns]
    base, results = _solve_in_lots(runner, places, progress)
    cells = [results[len(columns) * row :][: len(columns)] for row in range(len(rows))]
    unproven = {(y, x) for y, row in enumerate(cells) for x, one in enumerate(row) if one.status not in _SOLVED}
    return SensitivitySurface(
        across,
        up,
        runner.objective,
        base,
        columns,
        rows,
        tuple(tuple(one.value for one in row) for row in cells),
        frozenset(unproven),
        in_lots=True,
        stopped=sum(one.stopped for one in results),
    )


class _SurfaceRows:
    """Solves one row of the grid: a parametric program along the columns if it is affine, else one scenario each."""

    def __init__(
        self, runner: ScenarioRunner, across: ParameterRange, up: ParameterRange, columns: tuple[float, ...]
    ) -> None:
        self._variants, self._across, self._up, self._columns = runner, across, up, columns
        self._straight = not across.is_integer  # a parametric line would treat counts as continuous

    def __call__(self, value: float) -> list[VerifiedResult | None]:
        """Return the results at all columns for a value of the row parameter; None where not verified."""

        def changes(position: float) -> ParameterChanges:
            """Return the changes of both parameters."""
            return {**self._across.make_changes(position), **self._up.make_changes(value)}

        if self._straight:
            family = ParametricScenarios(self._variants, changes, self._across.low, self._across.high)
            if family.line is not None:
                try:
                    return list(family.solve_all(self._columns))
                except SolverError:  # one result is not verified: solve one by one
                    return [solve_or_none(partial(family.solve_at, position)) for position in self._columns]
        self._straight = False  # not affine in one row, so in none
        built = (self._variants.build_scenario(changes(position)) for position in self._columns)
        return [solve_or_none(partial(self._variants.solve_scenario, scenario)) for scenario in built]


def _space_values(vary: ParameterRange, many: int) -> tuple[float, ...]:
    """Return `many` evenly spaced values and the base value, or whole values."""
    if vary.is_integer:
        return tuple(select_whole_values(vary.low, vary.high, many)[0])
    even = {vary.low + (vary.high - vary.low) * step / (many - 1) for step in range(many)}
    base = {vary.base} if vary.base is not None and vary.low < vary.base < vary.high else set()
    return tuple(sorted(even | base))
