"""Infeasibility: Farkas multipliers, irreducible infeasible subsets and least relaxations.

Multipliers y of the rows prove infeasibility if the least that `sum(y * row)` requires exceeds the most that the
columns can contribute within their bounds (Farkas 1902). They are found as duals of a feasibility program (phase one).

Conflicts are sets of row sides, `row_lower <= A x` or `A x <= row_upper`, that no column values satisfy together.

The least relaxation in a given direction is found by one program with a column for the step.

That no plan in lots exists is proven by cases: a quantity is 0 or at least a least lot, or a multiple of a lot size.
Where a solution of the linear program without lots has it in between, it is either below or above: two cases. A case
whose program is infeasible has multipliers that prove it; if all are, there is no plan. The integer columns and their
upper bounds are not used, so that a row is part of the proof only where its multipliers are.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medalopt.catalog import LOWER, UPPER
from medalopt.errors import SolverError
from medalopt.instance.arrays import Bools, Floats, Ints
from medalopt.model.network import Network
from medalopt.solver.highs import (
    METHODS,
    NO_TIME_LIMIT,
    PRIMAL_SIMPLEX,
    HighsResult,
    TimeBudget,
    load_highs,
    solve_by_method,
)
from medalopt.solver.program import (
    Basis,
    ComponentKey,
    ProgramBasis,
    ProgramBuilder,
    SolverProgram,
    find_integer_columns,
    have_same_structure,
    maximise_over_bounds,
    split_ranged_rows,
    subtract_bounds,
)
from medalopt.solver.scaling import ScaledProgram, scale_program
from medalopt.tolerances import CANCELLATION_TOLERANCE, FARKAS_TOLERANCE

MULTIPLIER_TOLERANCE = 1e-13  # multipliers below it count as zero
RowEnd = tuple[int, int]  # row, and `LOWER` or `UPPER`
STOCKPILE_ROW = "stockpile"
MISSED_ROW = "missed"
_SPLIT_TOLERANCE = 1e-7  # distance from an allowed quantity, of the least lot or the lot size
LEAST_ROWS = ("line_least", "least_order", "offer_least_order")
MULTIPLE_ROWS = ("whole_lots", "offer_whole_lots")


def find_farkas_multipliers(program: ScaledProgram, budget: TimeBudget = NO_TIME_LIMIT) -> Iterator[Floats]:
    """Yield candidate Farkas multipliers, by one method after the other.

    Yields:
        Multipliers (M,) of magnitude at most 1, scaled; not verified.
    """
    for method in METHODS:
        if not budget.seconds_left():
            return
        result = solve_by_method(_build_elastic_program(program), method, None, budget)
        if result.status == "optimal":
            yield result.y


def compute_farkas_margin(linear: SolverProgram, program: ScaledProgram, y: Floats) -> float:
    """Compute the margin by which multipliers prove infeasibility, columns limited by their implied bounds too.

    Args:
        linear: Program in own units, for the implied bounds.
        program: The same program, scaled.
        y (M,): Multipliers, scaled.

    Returns:
        Required minus possible activity; above 0 there is no feasible solution.
    """
    maximum = np.minimum(program.upper, np.ldexp(linear.size, -program.column))
    minimum = np.maximum(program.lower, -np.ldexp(linear.size, -program.column))
    return compute_contradiction(program, y, minimum, maximum)


def compute_contradiction(program: ScaledProgram, y: Floats, minimum: Floats, maximum: Floats) -> float:
    """Compute required minus possible activity of the rows weighted by multipliers.

    Args:
        y (M,): Multipliers.
        minimum (N,): Lower bounds of the columns.
        maximum (N,): Upper bounds of the columns.

    Returns:
        The margin; above 0 the rows contradict the bounds.
    """
    weights, required = _weigh_rows(program, y)
    parts = program.value * weights[program.index]
    pull, terms = (
        np.bincount(program.entry_columns, each, len(program.lower)).astype(np.float64) for each in (parts, abs(parts))
    )
    return required - float(maximise_over_bounds(pull, terms, minimum, maximum))


def _weigh_rows(program: ScaledProgram, y: Floats) -> tuple[Floats, float]:
    """Return the multipliers of rows that have the bound in question, else 0, and the activity that they require."""
    end = np.where(y > 0, program.row_lower, program.row_upper)
    usable = np.isfinite(end)
    weights = np.where(usable, y, 0.0)
    return weights, float((weights[usable] * end[usable]).sum())


@dataclass(frozen=True, eq=False)
class RowSides:
    """Selection of lower and upper sides of the rows of a program."""

    lower: Bools  # (M,)
    upper: Bools  # (M,)

    @classmethod
    def of_ends(cls, ends: Iterable[RowEnd], height: int) -> RowSides:
        """Select sides by row and end.

        Args:
            ends: Rows with `LOWER` or `UPPER`.
            height: Number of rows M.

        Returns:
            The selection.
        """
        bounds = np.zeros((2, height), dtype=bool)
        for row, end in ends:
            bounds[end, row] = True
        return cls(bounds[LOWER], bounds[UPPER])

    def __and__(self, other: RowSides) -> RowSides:
        """Return the intersection."""
        return RowSides(self.lower & other.lower, self.upper & other.upper)

    def __or__(self, other: RowSides) -> RowSides:
        """Return the union."""
        return RowSides(self.lower | other.lower, self.upper | other.upper)


@dataclass(frozen=True, eq=False)
class ElasticSolution:
    """Optimum of the elastic program in scaled units.

    `value` is the least sum of violations, `multipliers` (M,) its duals, `x` (N,) the columns, and `basis` the final
    basis, from which a similar program can start.
    """

    value: float
    multipliers: Floats
    x: Floats
    basis: Basis | None = None

    def transfer(self, mine: SolverProgram, other: SolverProgram) -> ElasticSolution:
        """Return the solution with its basis transferred to a similar program.

        Args:
            mine: Program that this solution belongs to.
            other: Program to start.

        Returns:
            A start for `other`.
        """
        if self.basis is None:
            return self
        return dataclasses.replace(self, basis=ProgramBasis(mine, self.basis).transfer(other))

    @property
    def contradicts(self) -> bool:
        """Return whether the rows cannot all be satisfied: the least violation exceeds `FARKAS_TOLERANCE`."""
        return self.value > FARKAS_TOLERANCE


def find_support(y: Floats, among: RowSides) -> set[RowEnd]:
    """Find the row sides that multipliers weight.

    Args:
        y (M,): Multipliers.
        among: Sides in question.

    Returns:
        Rows with `LOWER` or `UPPER`.
    """
    used = (among.lower & (y > MULTIPLIER_TOLERANCE), among.upper & (y < -MULTIPLIER_TOLERANCE))
    return {(row, end) for end in (LOWER, UPPER) for row in np.flatnonzero(used[end]).tolist()}


def minimise_violation(program: ScaledProgram, ends: RowSides, start: ElasticSolution | None = None) -> ElasticSolution:
    """Minimise the sum of violations of selected row sides; other sides are dropped.

    Args:
        ends: Row sides to satisfy.
        start: Solution of a program of the same shape, to start from.

    Returns:
        The optimum of the elastic program.

    Raises:
        SolverError: No method finds it.
    """
    elastic, columns = _build_elastic_program(program, ends), len(program.lower)
    quick = _solve_elastic(elastic, start)
    if quick is not None:
        return ElasticSolution(float(quick.x[columns:].sum()), quick.y, quick.x[:columns], quick.basis)
    for method in METHODS:
        result = solve_by_method(elastic, method)
        if result.status == "optimal":
            return ElasticSolution(float(result.x[columns:].sum()), result.y, result.x[:columns])
    raise SolverError("the size of the conflict between the rows could not be computed")


def _solve_elastic(elastic: ScaledProgram, start: ElasticSolution | None) -> HighsResult | None:
    """Return the optimum by primal simplex, which tolerates changed data; None without one."""
    session = load_highs(elastic)
    if session is None:
        return None
    if start is not None and start.basis is not None:
        session.set_basis(start.basis)
    session.use_simplex(PRIMAL_SIMPLEX)
    if session.run() != "optimal":
        return None
    return HighsResult("optimal", METHODS[0], *session.read_solution(), session.basis)


def _build_elastic_program(program: ScaledProgram, ends: RowSides | None = None) -> ScaledProgram:
    """Return the elastic program: each row may be violated at cost 1, and nothing else has a cost."""
    columns, rows = len(program.lower), len(program.row_lower)
    slack = np.arange(rows)
    return dataclasses.replace(
        program,
        column=np.concatenate([program.column, np.zeros(2 * rows, dtype=np.intp)]),
        cost=np.zeros(1, dtype=np.intp),
        lower=np.concatenate([program.lower, np.zeros(2 * rows)]),
        upper=np.concatenate([program.upper, np.full(2 * rows, np.inf)]),
        costs=np.concatenate([np.zeros((1, columns)), np.ones((1, 2 * rows))], axis=1),
        row_lower=program.row_lower if ends is None else np.where(ends.lower, program.row_lower, -np.inf),
        row_upper=program.row_upper if ends is None else np.where(ends.upper, program.row_upper, np.inf),
        start=np.concatenate([program.start, program.start[-1] + np.arange(1, 2 * rows + 1)]),
        index=np.concatenate([program.index, slack, slack]),
        value=np.concatenate([program.value, np.ones(rows), -np.ones(rows)]),
    )


def find_irreducible_subset(program: ScaledProgram, seconds: float) -> RowSides | None:
    """Find an irreducible infeasible subset of row sides by HiGHS.

    Args:
        program: Scaled infeasible program.
        seconds: Time limit.

    Returns:
        The row sides, None where HiGHS finds none in time.
    """
    session = load_highs(program)
    sides = None if session is None else session.find_irreducible_subset(seconds)
    return None if sides is None else RowSides(*sides)


def verify_conflict_multipliers(linear: SolverProgram, program: ScaledProgram, y: Floats) -> bool:
    """Return whether multipliers prove a conflict among the rows they weight alone.

    Implied bounds of a column, which come from other rows, are used only against weights left by rounding.

    Args:
        linear: Program in own units, for the implied bounds.
        program: The same program, scaled.
        y (M,): Multipliers, scaled.

    Returns:
        True where the margin exceeds twice `FARKAS_TOLERANCE`.
    """
    weights, required = _weigh_rows(program, y)
    pull = program.transpose_multiply(weights)
    size = np.ldexp(linear.size, -program.column)
    rounding = np.abs(pull) <= CANCELLATION_TOLERANCE
    maximum = np.where(rounding, np.minimum(program.upper, size), program.upper)
    minimum = np.where(rounding, np.maximum(program.lower, -size), program.lower)
    possible = np.where(pull == 0, 0.0, np.where(pull > 0, maximum, minimum)) * pull
    return required - float(possible.sum()) > 2 * FARKAS_TOLERANCE


def convert_stockpile_limits(
    program: SolverProgram, network: Network, names: tuple[str, ...], periods: tuple[str, ...]
) -> SolverProgram:
    """Return the program with stockpile limits as rows `stockpile[i, t]`, so that they have duals and can be relaxed.

    Args:
        program: Program with the limits as upper bounds of columns.
        names (I,): Streams.
        periods (T,): Periods.

    Returns:
        The program with one row for each finite limit, last.
    """
    first = len(network.route)
    columns = first + np.arange(len(network.stock_stream))
    limited = np.isfinite(program.upper[columns])
    at = zip(network.stock_stream[limited].tolist(), network.stock_period[limited].tolist(), strict=True)
    return _convert_upper_bounds(program, columns[limited], [(STOCKPILE_ROW, (names[i], periods[t])) for i, t in at])


def convert_missed_limits(program: SolverProgram) -> SolverProgram:
    """Return the program with the greatest numbers of missed medals as rows `missed[m]`, so that they have duals.

    Args:
        program: Program with these limits as upper bounds of columns.

    Returns:
        The program with one row for each kind of medal that may be missed, last.
    """
    found = [number for number, (name, _) in enumerate(program.places) if name == MISSED_ROW]
    columns = np.array(found, dtype=np.intp) + program.network
    return _convert_upper_bounds(program, columns, [program.places[number] for number in found])


def _convert_upper_bounds(program: SolverProgram, columns: Ints, rows: list[ComponentKey]) -> SolverProgram:
    """Return the program with the upper bounds of some columns as rows, last."""
    limit, upper = program.upper[columns], program.upper.copy()
    upper[columns] = np.inf
    built = ProgramBuilder.extend(dataclasses.replace(program, upper=upper))
    built.add_entries(built.add_rows(rows, upper=limit), columns)
    return built.build()


def have_same_matrix(program: SolverProgram, other: SolverProgram) -> bool:
    """Return whether two programs differ at most in right-hand sides, sizes and costs.

    Returns:
        True where rows, columns, bounds and matrix are equal.
    """
    pairs = ((program.lower, other.lower), (program.upper, other.upper), (program.entries.value, other.entries.value))
    return have_same_structure(program, other) and all(np.array_equal(*pair) for pair in pairs)


def find_least_relaxation(start: SolverProgram, goal: SolverProgram, maximum: float) -> float | None:
    """Find the least step from one program's right-hand sides towards another's at which a feasible solution exists.

    Args:
        start: Infeasible program, step 0.
        goal: Program with the same matrix, step 1.
        maximum: Upper bound of the step.

    Returns:
        The step; None where even `maximum` is not feasible, or no method answers.
    """
    program = scale_program(_add_step_column(start, goal, maximum))
    for method in METHODS:
        result = solve_by_method(program, method)
        if result.status == "optimal":
            return float(program.unscale_columns(result.x)[-1])
        if result.status == "infeasible":
            return None
    return None


def _add_step_column(start: SolverProgram, goal: SolverProgram, maximum: float) -> SolverProgram:
    """Return the program with the step as its last column; a row with only one changing side becomes two."""
    lower, upper = (
        subtract_bounds(start.row_lower, goal.row_lower),
        subtract_bounds(start.row_upper, goal.row_upper),
    )
    both = np.isfinite(start.row_lower) & np.isfinite(start.row_upper)
    split = np.flatnonzero(both & (lower != upper))
    move = np.append(np.where(np.isfinite(start.row_lower), lower, upper), upper[split])
    size, width = np.maximum(start.size, goal.size), len(start.lower)
    base = dataclasses.replace(split_ranged_rows(start, split), size=size, costs=np.zeros((1, width)))
    built = ProgramBuilder.extend(base)
    step = built.add_columns([("step", None)], upper=maximum, costs=1.0)
    moving = np.flatnonzero(move != 0)
    built.add_entries(moving, step, -move[moving])
    return built.build()


@dataclass(frozen=True)
class LotRow:
    """Row of a quantity that is 0 or at least `size`, or a multiple of it where `multiple`; `size` in own units."""

    row: int
    size: float
    multiple: bool

    def split(self, quantity: float) -> tuple[float, float] | None:
        """Return the nearest allowed quantities below and above one that is not allowed; None if it is allowed.

        Args:
            quantity: Quantity, in own units.
        """
        share = quantity / self.size
        low = math.floor(share + _SPLIT_TOLERANCE) if self.multiple else 0
        if share - low <= _SPLIT_TOLERANCE or (not self.multiple and share >= 1 - _SPLIT_TOLERANCE):
            return None
        return low * self.size, (low + 1) * self.size


@dataclass(frozen=True, eq=False)
class LotProgram:
    """Program with its lots as rows of quantities: integer columns are fixed at 0, and their rows are free.

    `integer_rows` (M,) masks the rows with integer columns, those of lots among them.
    """

    program: SolverProgram
    scaled: ScaledProgram
    lots: tuple[LotRow, ...]
    integer_rows: Bools

    @classmethod
    def build(cls, program: SolverProgram) -> LotProgram:
        """Separate the lots of a program with integer columns.

        Args:
            program: Program in own units.

        Returns:
            The program without integers, with the rows of its lots.
        """
        whole = find_integer_columns(program)
        lots = [number for number, (name, _) in enumerate(program.rows) if name in (*LEAST_ROWS, *MULTIPLE_ROWS)]
        entries = program.entries
        size, free = np.zeros(len(program.rows)), np.zeros(len(program.rows), dtype=bool)
        of_integer = whole[entries.column]
        size[entries.row[of_integer]] = -entries.value[of_integer]
        free[entries.row[of_integer]] = True
        open_program = dataclasses.replace(
            program,
            lower=np.where(whole, 0.0, program.lower),
            upper=np.where(whole, 0.0, program.upper),
            size=np.where(whole, 1.0, program.size),
            row_lower=np.where(free, -np.inf, program.row_lower),
            row_upper=np.where(free, np.inf, program.row_upper),
        )
        rows = (LotRow(row, float(size[row]), program.rows[row][0] in MULTIPLE_ROWS) for row in lots)
        return cls(open_program, scale_program(open_program), tuple(rows), free)


@dataclass(frozen=True, eq=False)
class LotCases:
    """Outcome of a proof by cases.

    Attributes:
        status: `refuted`, `feasible`, or `open` where a limit ended the proof, or multipliers do not suffice.
        cases: Number of cases refuted by multipliers.
        used: Row ends that some multipliers weight, those of lots included.
    """

    status: str
    cases: int
    used: frozenset[RowEnd] = frozenset()


def refute_lots(
    lots: LotProgram, ends: RowSides, considered: Collection[int], limit: int, budget: TimeBudget
) -> LotCases:
    """Refute every case of the lots of a program.

    Args:
        ends: Sides of other rows that must hold.
        considered: Rows of the lots that must hold.
        limit: Greatest number of cases.
        budget: Time limit.

    Returns:
        Whether all cases are refuted, with the row ends that this takes.
    """
    search = _CaseSearch(lots, ends, [lot for lot in lots.lots if lot.row in considered], limit, budget)
    used = search.refute({}, None)
    return LotCases(search.status if used is None else "refuted", search.cases, used or frozenset())


class _CaseSearch:
    """Depth-first search over the cases; `status` says why it ended without a proof."""

    def __init__(
        self, lots: LotProgram, ends: RowSides, considered: Sequence[LotRow], limit: int, budget: TimeBudget
    ) -> None:
        self.lots, self.ends, self.considered, self.limit, self.budget = lots, ends, considered, limit, budget
        self.cases, self.status = 0, "open"

    def refute(self, bounds: Mapping[RowEnd, float], start: ElasticSolution | None) -> frozenset[RowEnd] | None:
        """Return the row ends that refute a case, given by bounds on quantities of lots; None without a proof."""
        if self.cases >= self.limit or not self.budget.seconds_left():
            return None
        program, sides = self._restrict(bounds)
        found = minimise_violation(program, sides, start)
        if found.contradicts:
            if not verify_conflict_multipliers(self.lots.program, program, found.multipliers):
                return None
            self.cases += 1
            return frozenset(find_support(found.multipliers, sides))
        split = self._choose_split(found.x)
        if split is None:
            self.status = "feasible"
            return None
        lot, (low, high) = split
        used: frozenset[RowEnd] = frozenset()
        for end, bound in ((LOWER, high), (UPPER, low)):
            own = self.refute({**bounds, (lot.row, end): bound}, found)
            if own is None:
                return None
            if (lot.row, end) not in own:
                return own  # refuted without this bound, so the other case is refuted as well
            used |= own
        return used

    def _restrict(self, bounds: Mapping[RowEnd, float]) -> tuple[ScaledProgram, RowSides]:
        """Return the program of a case, without the row sides that need not hold in it, and those that must."""
        scaled = self.lots.scaled
        sides = self.ends | RowSides.of_ends(bounds, len(scaled.row_lower))
        limits = np.where(sides.lower, scaled.row_lower, -np.inf), np.where(sides.upper, scaled.row_upper, np.inf)
        for (row, end), bound in bounds.items():
            limits[end][row] = np.ldexp(bound, int(scaled.row[row]))
        return dataclasses.replace(scaled, row_lower=limits[LOWER], row_upper=limits[UPPER]), sides

    def _choose_split(self, x: Floats) -> tuple[LotRow, tuple[float, float]] | None:
        """Return the lot farthest from an allowed quantity, with the allowed quantities beside it; None if all are."""
        scaled = self.lots.scaled
        activity = np.ldexp(scaled.compute_activity(x), -scaled.row)
        splits = [(lot, lot.split(float(activity[lot.row]))) for lot in self.considered]
        open_lots = [(lot, between) for lot, between in splits if between is not None]
        if not open_lots:
            return None
        return max(
            open_lots,
            key=lambda one: min(activity[one[0].row] - one[1][0], one[1][1] - activity[one[0].row]) / one[0].size,
        )
