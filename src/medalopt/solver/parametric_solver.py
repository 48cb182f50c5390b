"""Solver of the scenarios of one program: passes changed coefficients to HiGHS and verifies every solution.

The scaling is that of the first program. A variant with the same rows, columns and sparsity pattern is solved from the
final basis of the previous one; a variant of another structure, or with an unverified result, is solved from scratch.

Variants with fewer rows or columns are padded to the shape of the program that is kept in HiGHS. Those that promise a
confidence are solved with cuts, which later ones start with.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from medalopt.errors import SolverError
from medalopt.instance.arrays import Floats, Ints
from medalopt.instance.confidence import build_confidence
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes
from medalopt.model.network import Network, SparseEntries
from medalopt.solver.confidence import MAX_CUT_ROUNDS, add_cut_rows, separate_cuts
from medalopt.solver.highs import (
    DUAL_SIMPLEX,
    PRIMAL_SIMPLEX,
    load_highs,
    load_simplex,
)
from medalopt.solver.local_analysis import ActiveSet
from medalopt.solver.program import Basis, SolverProgram, have_same_structure, share_structure
from medalopt.solver.scaling import ScaledProgram, scale_program
from medalopt.solver.solve_lp import extract_decisions
from medalopt.solver.verification import (
    MatrixLayout,
    ProgramBatch,
    VerifiedResult,
    make_single_batch,
    solve_from_scratch,
    verify_infeasibility,
    verify_optima,
)


@dataclasses.dataclass(frozen=True, eq=False)
class _PaddedProgram:
    """Variant in another program's shape, with the positions of its own columns (n,) and rows (m,) there."""

    program: SolverProgram
    columns: Ints
    rows: Ints


def _pad_to_shape(base: SolverProgram, variant: SolverProgram, columns: Ints) -> _PaddedProgram | None:
    """Pad a variant to the shape of another program; missing columns are fixed at 0, missing rows are free."""
    place = {name: number for number, name in enumerate(base.rows)}
    rows = np.array([place.get(name, -1) for name in variant.rows], dtype=np.intp)
    behind = {name: base.network + number for number, name in enumerate(base.places)}
    columns = np.concatenate([columns, np.array([behind.get(name, -1) for name in variant.places], dtype=np.intp)])
    if (rows < 0).any() or (columns < 0).any():
        return None
    entries = _pad_entries(base, variant, rows, columns)
    if entries is None:
        return None
    lower, upper, size = np.zeros((3, len(base.lower)))
    costs = np.zeros_like(base.costs)
    row_lower, row_upper = np.full(len(base.rows), -np.inf), np.full(len(base.rows), np.inf)
    lower[columns], upper[columns], size[columns] = variant.lower, variant.upper, variant.size
    costs[:, columns] = variant.costs
    row_lower[rows], row_upper[rows] = variant.row_lower, variant.row_upper
    program = dataclasses.replace(
        base,
        lower=lower,
        upper=upper,
        size=size,
        costs=costs,
        row_lower=row_lower,
        row_upper=row_upper,
        entries=entries,
    )
    return _PaddedProgram(program, columns, rows)


def _pad_entries(base: SolverProgram, program: SolverProgram, rows: Ints, columns: Ints) -> SparseEntries | None:
    """Return the entries of `program` at the positions of those of `base`; None where one has no position.

    Entries in rows or columns that the variant lacks keep their value.
    """
    width, own = len(base.lower), base.entries
    code = own.row * width + own.column
    order = np.argsort(code)
    positions = rows[program.entries.row] * width + columns[program.entries.column]
    index = np.searchsorted(code[order], positions)
    if (index == len(code)).any() or (code[order][index] != positions).any():
        return None
    there = np.isin(own.row, rows) & np.isin(own.column, columns)
    value = np.where(there, 0.0, own.value)
    value[order[index]] = program.entries.value
    return SparseEntries(own.row, own.column, value)


_MATRIX_RELOAD_ENTRIES = 2_000  # number of changed entries from which the whole matrix is passed
_PRIMAL_FIRST_ENTRIES = 20_000  # number of entries from which primal simplex is faster even from a basis
_LOAD_FAILURE = "the model could not be prepared for its variants"
IndexArray = NDArray[np.int32]
_MOST_DIRECTIONS = 30  # kept for each metal and deadline, the latest ones


@dataclass(frozen=True, eq=False)
class ProgramChanges:
    """Positions at which two programs of one shape differ: matrix entries, costs, bounds of columns and of rows."""

    value: IndexArray
    cost: IndexArray
    column: IndexArray
    row: IndexArray

    @classmethod
    def between(cls, one: ScaledProgram, other: ScaledProgram) -> ProgramChanges:
        """Return the positions at which two programs differ.

        Args:
            one: Scaled program.
            other: Scaled program of the same shape.

        Returns:
            The positions.
        """
        return cls(
            _find_differences((one.value, other.value)),
            _find_differences((one.costs[0], other.costs[0])),
            _find_differences((one.lower, other.lower), (one.upper, other.upper)),
            _find_differences((one.row_lower, other.row_lower), (one.row_upper, other.row_upper)),
        )


class ParametricSolver:
    """Warm-started solver for variants of a program.

    Args:
        program: First program.
        start: Its optimal columns (N,) and duals (M,), if known.
    """

    def __init__(self, program: SolverProgram, start: tuple[Floats, Floats] | None = None) -> None:
        self.linear = program
        self._base = scale_program(program)
        self._order = np.lexsort((program.entries.row, program.entries.column))
        self._now = self._base
        self._last: SolverProgram | None = program
        self._layout = MatrixLayout(self._base.start, self._base.index, len(self._base.row_lower))
        self._session = load_simplex(self._base, _LOAD_FAILURE)
        self._restart: tuple[Basis | None] | None = None  # basis to start the next variant from, in a new session
        self._first: Basis | None = None
        if start is not None:
            self._session.set_basis(self._compute_basis(*start))
            self._first = self._session.basis

    def solve(self, program: SolverProgram | None = None) -> VerifiedResult:
        """Solve a variant.

        Args:
            program: The variant, by default the first program.

        Returns:
            The verified result.

        Raises:
            SolverError: No result can be verified.
        """
        target = self.linear if program is None else program
        if not share_structure(target, self.linear) and not have_same_structure(target, self.linear):
            return solve_from_scratch(target)
        return self._solve_verified(target) or solve_from_scratch(target)

    def solve_padded(self, program: SolverProgram, columns: Ints) -> VerifiedResult:
        """Solve a variant of another shape, warm if it has fewer rows, columns or entries than the first program.

        Args:
            program: The variant.
            columns: Position of each of its network columns in the first program, -1 for none.

        Returns:
            The verified result in the shape of the variant.
        """
        placed = _pad_to_shape(self.linear, program, columns)
        result = None if placed is None else self._solve_verified(placed.program)
        if placed is None or result is None:
            return solve_from_scratch(program)
        if len(result.x) == len(program.lower):
            return result
        x = result.x[placed.columns] if result.feasible else result.x
        return dataclasses.replace(result, x=x, y=result.y[placed.rows])

    @cached_property
    def base_basis(self) -> Basis | None:
        """Final basis of the first program, independent of the variants solved before; None if infeasible."""
        self._last = self.linear
        result = self._run_simplex(self.linear, self._base) if self._reload(self._base, self._first) else None
        basis = self._session.basis if result is not None and result.feasible else None
        return None if basis is None else basis.detach()

    def start_from(self, basis: Basis | None) -> None:
        """Let the next variant start from a given basis in a new session, independent of earlier variants.

        Args:
            basis: Basis, None to start without one.
        """
        self._restart = (basis,)

    def verify(self, programs: ProgramBatch, x: Floats, y: Floats) -> list[VerifiedResult | None]:
        """Verify claimed optima of a batch of variants.

        Args:
            programs: Batch of K scaled programs.
            x (K, N): Scaled columns.
            y (K, M): Scaled duals.

        Returns:
            One result for each program, None where not verified.
        """
        return verify_optima(self._layout, self._base, programs, x, y, warm=True)

    def solve_unverified(self, ready: ScaledProgram, moves: ProgramChanges, x: Floats, y: Floats) -> bool:
        """Solve a scaled variant without verification.

        Args:
            ready: Variant in the scaling of the first program.
            moves: Positions at which it may differ from the current program.
            x (N,): Receives the scaled columns.
            y (M,): Receives the scaled duals.

        Returns:
            Whether HiGHS reports an optimum.
        """
        if self._restart is not None or len(moves.value) > _MATRIX_RELOAD_ENTRIES or not ready.value[moves.value].all():
            return False
        self._change_numbers(ready, moves)
        self._last = None
        if self._session.run() != "optimal":
            return False
        x[:], y[:] = self._session.read_solution()
        return True

    def _solve_verified(self, target: SolverProgram) -> VerifiedResult | None:
        """Return the verified result of a variant of the same structure, None without one."""
        ready = self.scaled(target)
        if not np.isfinite(ready.value).all() or not self._pass_changes(ready):
            return None
        self._last = target
        return self._run_simplex(target, ready)

    def scaled(self, program: SolverProgram) -> ScaledProgram:
        """Return a variant in the scaling of the first program.

        Args:
            program: Variant of the same structure.

        Returns:
            The scaled program; arrays shared with the previous variant are scaled once.
        """
        base, last, now = self._base, self._last, self._now
        if last is None:
            last, now = self.linear, base
        same = program.entries.value is last.entries.value
        value = now.value if same else np.ldexp(program.entries.value[self._order], self._exponents)
        return dataclasses.replace(
            base,
            lower=now.lower if program.lower is last.lower else np.ldexp(program.lower, -base.column),
            upper=now.upper if program.upper is last.upper else np.ldexp(program.upper, -base.column),
            costs=now.costs
            if program.costs is last.costs
            else np.ldexp(program.costs, base.column[None, :] + base.cost[:, None]),
            row_lower=now.row_lower if program.row_lower is last.row_lower else np.ldexp(program.row_lower, base.row),
            row_upper=now.row_upper if program.row_upper is last.row_upper else np.ldexp(program.row_upper, base.row),
            value=value,
        )

    @property
    def _exponents(self) -> Ints:
        """Scale exponent of each matrix entry."""
        return self._base.column[self._base.entry_columns] + self._base.row[self._base.index]

    def _pass_changes(self, ready: ScaledProgram) -> bool:
        """Pass the changes to HiGHS; return whether it accepted them."""
        if self._restart is not None:
            (basis,), self._restart = self._restart, None
            return self._reload(ready, basis)
        moves = ProgramChanges.between(ready, self._now)
        if len(moves.value) > _MATRIX_RELOAD_ENTRIES or not ready.value[moves.value].all():
            return self._reload(ready, self._session.basis)
        self._change_numbers(ready, moves)
        return True

    def _change_numbers(self, ready: ScaledProgram, moves: ProgramChanges) -> None:
        """Pass the numbers of `ready` at the changed positions to HiGHS."""
        index, session = moves.value, self._session
        session.change_coefficients(ready.index[index], self._base.entry_columns[index], ready.value[index])
        session.change_costs(moves.cost, ready.costs[0][moves.cost])
        session.change_columns(moves.column, ready.lower[moves.column], ready.upper[moves.column])
        session.change_rows(moves.row, ready.row_lower[moves.row], ready.row_upper[moves.row])
        self._now = ready

    def _reload(self, ready: ScaledProgram, basis: Basis | None) -> bool:
        """Pass the whole program and a starting basis; return whether HiGHS accepted it."""
        session = load_highs(ready)
        if session is None:
            return False
        self._session, self._now = session, ready
        session.set_options(solver="simplex")
        if basis is not None:
            session.set_basis(basis)
        return True

    def _run_simplex(self, program: SolverProgram, ready: ScaledProgram) -> VerifiedResult | None:
        """Solve by one simplex method, then by the other; None where neither result can be verified."""
        for strategy in (
            (DUAL_SIMPLEX, PRIMAL_SIMPLEX)
            if len(ready.value) < _PRIMAL_FIRST_ENTRIES
            else (PRIMAL_SIMPLEX, DUAL_SIMPLEX)
        ):
            self._session.use_simplex(strategy)
            status, found = self._session.run(), None
            if status == "optimal":
                x, y = self._session.read_solution()
                found = self.verify(make_single_batch(program, ready), x[None, :], y[None, :])[0]
            elif status == "infeasible":
                primal = strategy == PRIMAL_SIMPLEX
                ray = self._session.compute_phase_one_duals(ready) if primal else self._session.read_dual_ray()
                found = verify_infeasibility(program, ready, (ray, -ray), warm=True)
            if found is not None:
                return found
        return None

    def _compute_basis(self, x: Floats, y: Floats) -> Basis:
        """Return the basis of optimal columns and duals in own units."""
        base = self._base
        x, y = np.ldexp(x, -base.column), np.ldexp(y, base.cost[0] - base.row)
        return ActiveSet.find(base, x, y, base.costs[0] - base.transpose_multiply(y)).basis


def _find_differences(*pairs: tuple[Floats, Floats]) -> IndexArray:
    """Return the positions at which any pair of arrays differs, as 32-bit integers."""
    differs = [one != other for one, other in pairs if one is not other]
    return np.flatnonzero(np.logical_or.reduce(differs)).astype(np.int32) if differs else np.zeros(0, dtype=np.int32)


class PromiseSolver:
    """Solver of scenarios with a promised confidence; keeps the directions of its cuts, valid in every scenario."""

    def __init__(self) -> None:
        self._directions: dict[tuple[int, int], list[Floats]] = {}

    def solve(self, instance: Instance, routes: Routes, network: Network, program: SolverProgram) -> VerifiedResult:
        """Solve a scenario: add the cuts that its solution violates, until it violates none.

        Args:
            instance: Instance of the scenario.
            program: Its program, also with other bounds.

        Returns:
            Verified result, with the columns of the program; its rows are the first ones.

        Raises:
            SolverError: If no result can be verified, or the cuts do not end.
        """
        policy = build_confidence(instance)
        assert policy is not None
        width = policy.model.loading.shape[1]
        known = {
            (row.metal, row.period): [
                one for one in self._directions.get((row.metal, row.period), []) if len(one) == width
            ]
            for row in policy.rows
        }
        for _ in range(MAX_CUT_ROUNDS):
            cuts = tuple(
                policy.build_cut(routes, row, direction)
                for row in policy.rows
                for direction in known[row.metal, row.period]
            )
            result = solve_from_scratch(add_cut_rows(program, instance, routes, network, cuts))
            if not result.feasible:
                return result
            added = separate_cuts(instance, routes, extract_decisions(instance, routes, network, program, result.x))
            if not added:
                return dataclasses.replace(result, y=result.y[: len(program.rows)])
            for cut in added:
                known[cut.metal, cut.period].append(cut.direction)
                self._directions.setdefault((cut.metal, cut.period), []).append(cut.direction)
                del self._directions[cut.metal, cut.period][:-_MOST_DIRECTIONS]
        raise SolverError(f"{instance.name}: a promised confidence could not be approximated")
