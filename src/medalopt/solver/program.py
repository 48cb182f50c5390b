"""The linear program as arrays, in the order in which it goes to the solver, and its builder.

The columns of the network block come first, all other columns and every row are identified by component and index.

Presolve by hand: linking variables that no constraint uses are eliminated.

A linking variable is a sum of network columns (row `define_...`), so its cost can be moved to those columns; where no
other row uses it, its row and column are dropped. Each step is exact but for one rounding and leaves the objective on
columns of similar size.

A simplex basis of a program can be transferred to one with other rows and columns.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medalopt.instance.arrays import Bools, Floats, Ints
from medalopt.model.lots import INTEGER_VARIABLES
from medalopt.model.network import SparseEntries
from medalopt.proof.extensions import NO_EXTENSIONS, ExtensionData
from medalopt.tolerances import CANCELLATION_TOLERANCE

CAST_STOCK_ROW = "define_cast_stock"  # balance of the castings in stock
ComponentKey = tuple[str, Any]  # component of the Pyomo model, and index in it
LOWER, BASIC, UPPER = 0, 1, 2  # statuses, numbered as in HiGHS; 3 is a nonbasic column without bounds
Statuses = NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class SolverProgram:
    """Linear program in own units: minimise `costs[0] @ x`, ties broken by `costs[1]` and so on.

    Subject to `lower <= x <= upper` and `row_lower <= A x <= row_upper`. The first `network` columns are those of the
    network block; `places` identifies the others, `rows` every row. `size` is the implied bound by which each column is
    scaled, infinite for variables of extensions. `dual_offsets` holds the amount to add to the dual of a row whose
    linking variable passed its cost on to the network (see `eliminate_linking_variables`). The rows and variables of
    extensions, `added`, come last.
    """

    network: int
    places: tuple[ComponentKey, ...]
    lower: Floats  # (N,)
    upper: Floats  # (N,)
    size: Floats  # (N,)
    costs: Floats  # (objectives, N)
    rows: tuple[ComponentKey, ...]
    row_lower: Floats  # (M,)
    row_upper: Floats  # (M,)
    entries: SparseEntries
    dual_offsets: Mapping[ComponentKey, float] = field(default_factory=dict)
    added: ExtensionData = NO_EXTENSIONS

    @property
    def bounds(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Lower and upper bounds of rows (M,), then of columns (N,)."""
        return self.row_lower, self.row_upper, self.lower, self.upper


class ProgramBuilder:
    """Builder of a program from blocks of columns, rows and entries, which keep the order in which they are added.

    Args:
        objectives: Number of objectives.
    """

    def __init__(self, objectives: int = 1) -> None:
        self._base: SolverProgram | None = None
        self._network, self._width, self._height = 0, 0, 0
        self._places: list[ComponentKey] = []
        self._rows: list[ComponentKey] = []
        self._arrays: dict[str, list[Floats]] = {name: [np.zeros(0)] for name in _BUILT_ARRAYS}
        self._costs: list[Floats] = [np.zeros((objectives, 0))]
        self._entries = [_NO_ENTRIES]

    @classmethod
    def extend(cls, program: SolverProgram) -> ProgramBuilder:
        """Return a builder that begins with all of a program.

        Returns:
            The builder.
        """
        result = cls(len(program.costs))
        result._base, result._network = program, program.network
        result._width, result._height = len(program.lower), len(program.rows)
        result._places, result._rows = list(program.places), list(program.rows)
        result._arrays = {name: [getattr(program, name)] for name in _BUILT_ARRAYS}
        result._costs, result._entries = [program.costs], [program.entries]
        return result

    def add_network_columns(self, upper: Floats, size: Floats, costs: Floats | float = 0.0) -> Ints:
        """Add columns of the network, before all others; their lower bound is 0.

        Args:
            upper (n,): Upper bounds.
            size (n,): Implied bounds.
            costs (objectives, n): Costs.

        Returns:
            Numbers of the columns, (n,).
        """
        self._network += len(upper)
        return self._append_columns(len(upper), 0.0, upper, size, costs)

    def add_columns(
        self,
        keys: Sequence[ComponentKey],
        lower: Floats | float = 0.0,
        upper: Floats | float = np.inf,
        size: Floats | float = 1.0,
        costs: Floats | float = 0.0,
    ) -> Ints:
        """Add columns.

        Args:
            keys (n,): Component and index of each.
            lower (n,): Lower bounds.
            upper (n,): Upper bounds.
            size (n,): Implied bounds.
            costs (objectives, n): Costs.

        Returns:
            Numbers of the columns, (n,).
        """
        self._places += keys
        return self._append_columns(len(keys), lower, upper, size, costs)

    def _append_columns(
        self, count: int, lower: Floats | float, upper: Floats | float, size: Floats | float, costs: Floats | float
    ) -> Ints:
        """Append `count` columns and return their numbers; a single number holds for all of them."""
        for name, each in (("lower", lower), ("upper", upper), ("size", size)):
            self._arrays[name].append(np.broadcast_to(np.asarray(each, dtype=np.float64), (count,)))
        self._costs.append(np.broadcast_to(np.asarray(costs, dtype=np.float64), (len(self._costs[0]), count)))
        self._width += count
        return np.arange(self._width - count, self._width)

    def add_rows(
        self, keys: Sequence[ComponentKey], lower: Floats | float = -np.inf, upper: Floats | float = np.inf
    ) -> Ints:
        """Add rows.

        Args:
            keys (n,): Component and index of each.
            lower (n,): Lower bounds.
            upper (n,): Upper bounds.

        Returns:
            Numbers of the rows, (n,).
        """
        for name, each in (("row_lower", lower), ("row_upper", upper)):
            self._arrays[name].append(np.broadcast_to(np.asarray(each, dtype=np.float64), (len(keys),)))
        self._rows += keys
        self._height += len(keys)
        return np.arange(self._height - len(keys), self._height)

    def add_entries(self, row: Ints | int, column: Ints | int, value: Floats | float = 1.0) -> None:
        """Add entries of the matrix; a single number holds for all of them.

        Args:
            row (n,): Row of each entry.
            column (n,): Column of each entry.
            value (n,): Coefficients.
        """
        self._entries.append(SparseEntries(*np.broadcast_arrays(row, column, np.asarray(value, dtype=np.float64))))

    def build(self) -> SolverProgram:
        """Return the program.

        Returns:
            The program, with the dual offsets and extensions of the one it began with.
        """
        parts = ([getattr(part, name) for part in self._entries] for name in ("row", "column", "value"))
        row, column, value = (np.concatenate(part) for part in parts)
        arrays: dict[str, Any] = {name: np.concatenate(part) for name, part in self._arrays.items()}
        if self._base is not None:
            arrays |= {"dual_offsets": self._base.dual_offsets, "added": self._base.added}
        return SolverProgram(
            network=self._network,
            places=tuple(self._places),
            costs=np.concatenate(self._costs, axis=1),
            rows=tuple(self._rows),
            entries=SparseEntries(row.astype(np.intp, copy=False), column.astype(np.intp, copy=False), value),
            **arrays,
        )


_BUILT_ARRAYS = ("lower", "upper", "size", "row_lower", "row_upper")
_NO_ENTRIES = SparseEntries(np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp), np.zeros(0))


def split_ranged_rows(program: SolverProgram, rows: Ints) -> SolverProgram:
    """Split rows with two bounds: each keeps the lower one, and a copy of it, last, has the upper one.

    Args:
        rows (n,): Numbers of the rows, ascending.

    Returns:
        The program with n more rows, in the order of `rows`.
    """
    row_upper, copy = program.row_upper.copy(), np.full(len(program.rows), -1, dtype=np.intp)
    row_upper[rows] = np.inf
    built = ProgramBuilder.extend(replace(program, row_upper=row_upper))
    copy[rows] = built.add_rows([program.rows[row] for row in rows.tolist()], upper=program.row_upper[rows])
    entries = program.entries
    copied = copy[entries.row] >= 0
    built.add_entries(copy[entries.row[copied]], entries.column[copied], entries.value[copied])
    return built.build()


def order_by_column(entries: SparseEntries, width: int) -> tuple[Ints, Ints]:
    """Return the order of entries by column, then row, and the first of each column (compressed sparse columns).

    Args:
        width: Number of columns, N.

    Returns:
        Order (entries,), and starts (N + 1,).
    """
    height = int(entries.row.max(initial=-1)) + 1
    order = np.argsort(entries.column * height + entries.row, kind="stable")
    return order, np.concatenate([[0], np.cumsum(np.bincount(entries.column, minlength=width))])


def find_integer_columns(program: SolverProgram) -> Bools:
    """Return which columns must be integer.

    Returns:
        Mask (N,).
    """
    named = [name in INTEGER_VARIABLES for name, _ in program.places]
    return np.concatenate([np.zeros(program.network, dtype=bool), np.array(named, dtype=bool)])


def find_defining_rows(program: SolverProgram) -> Bools:
    """Return which rows define a linking variable as a sum of other columns.

    The balance of castings in stock is excluded, since deliveries are subtracted there. Rows of extensions are
    excluded.

    Args:
        program: Program of M rows.

    Returns:
        Mask (M,).
    """
    rows = np.array([name.startswith("define_") and name != CAST_STOCK_ROW for name, _ in program.rows], dtype=bool)
    rows[len(rows) - len(program.added.rows) :] = False
    return rows


def maximise_over_bounds(pull: Floats, terms: Floats, minimum: Floats, maximum: Floats) -> Floats:
    """Return the maximum of `pull @ x` over the box `minimum <= x <= maximum`; infinite where a needed bound is.

    A coefficient with an infinite bound counts as 0 if it may be rounding, that is within `CANCELLATION_TOLERANCE` of
    `terms`.

    Args:
        pull (..., N): Coefficient of each column; the sum runs over the last axis.
        terms (..., N): Sum of the magnitudes that make up each coefficient.
        minimum (..., N): Lower bounds.
        maximum (..., N): Upper bounds.

    Returns:
        Maximum, one for each leading index.
    """
    end = np.where(pull > 0, maximum, minimum)
    idle = np.isinf(end) & (np.abs(pull) <= CANCELLATION_TOLERANCE * terms)
    return np.asarray((np.where(idle, 0.0, end) * pull).sum(axis=-1))


def eliminate_linking_variables(program: SolverProgram) -> SolverProgram:
    """Return an equivalent program with the costs of linking variables on the network and without the unused ones.

    Args:
        program: Program with one defining row for each linking variable.

    Returns:
        The smaller program; its `dual_offsets` hold one of each definition.
    """
    quantity = _find_defined_columns(program, find_defining_rows(program))
    costs = _substitute_costs(program, quantity)
    used = np.bincount(program.entries.column, minlength=len(program.lower)) > 1
    rows = np.flatnonzero(quantity >= 0)
    gone = rows[~used[quantity[rows]] & _find_free_rows(program, quantity)[rows]]
    shifts = program.costs[0, quantity[rows]]
    offsets = {program.rows[row]: float(shift) for row, shift in zip(rows.tolist(), shifts.tolist(), strict=True)}
    return _drop_rows_and_columns(replace(program, costs=costs, dual_offsets=offsets), gone, quantity[gone])


def substitute_linking_variable(program: SolverProgram, name: str) -> SolverProgram:
    """Return the program with a family of free linking variables replaced by their definitions.

    Args:
        program: Program; each variable of the family has one defining row, and no cost.
        name: Component of the variables.

    Returns:
        The program without these variables and rows.
    """
    entries, definition = program.entries, f"define_{name}"
    defining = np.array([row == definition for row, _ in program.rows], dtype=bool)
    if not defining.any():
        return program
    quantity = np.zeros(len(program.lower), dtype=bool)
    quantity[program.network :] = [component == name for component, _ in program.places]
    own = defining[entries.row] & quantity[entries.column]
    row_of = np.full(len(program.lower), -1, dtype=np.intp)  # defining row of each variable
    row_of[entries.column[own]] = entries.row[own]
    terms = np.flatnonzero(defining[entries.row] & ~own)
    terms = terms[np.argsort(entries.row[terms], kind="stable")]
    used = np.flatnonzero(quantity[entries.column] & ~defining[entries.row])
    parts = [
        SparseEntries(*(part[~defining[entries.row] & ~quantity[entries.column]] for part in vars(entries).values()))
    ]
    for at in used.tolist():
        first, last = np.searchsorted(entries.row[terms], row_of[entries.column[at]] + np.arange(2))
        its = terms[first:last]
        value = -entries.value[at] * entries.value[its]
        parts.append(SparseEntries(np.full(len(its), entries.row[at]), entries.column[its], value))
    joined = SparseEntries(
        *(np.concatenate([getattr(part, axis) for part in parts]) for axis in ("row", "column", "value"))
    )
    return _drop_rows_and_columns(replace(program, entries=joined), np.flatnonzero(defining), np.flatnonzero(quantity))


def _find_defined_columns(program: SolverProgram, definition: Bools) -> Ints:
    """Return the linking column that each row defines, with coefficient 1, (M,); -1 for other rows."""
    entries = program.entries
    its_own = definition[entries.row] & (entries.column >= program.network) & (entries.value == 1)
    alone = np.bincount(entries.row[its_own], minlength=len(program.rows)) == 1
    equation = (program.row_lower == 0) & (program.row_upper == 0)
    quantity = np.full(len(program.rows), -1, dtype=np.intp)
    quantity[entries.row[its_own]] = entries.column[its_own]
    return np.where(alone & equation, quantity, -1)


def _substitute_costs(program: SolverProgram, quantity: Ints) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return the costs (objectives, N) with those of linking variables moved to the columns that define them."""
    entries, width = program.entries, len(program.lower)
    own = quantity[entries.row]
    costly = (program.costs != 0).any(axis=0)  # few linking variables have a cost
    terms = (own >= 0) & (own != entries.column) & costly[own]
    own, column, value = own[terms], entries.column[terms], entries.value[terms]
    costs = program.costs.copy()
    defined = quantity[quantity >= 0]
    for objective in np.flatnonzero(program.costs[:, defined].any(axis=1)).tolist():
        costs[objective] += np.bincount(column, -program.costs[objective, own] * value, width)
        costs[objective, defined] = 0.0
    return costs


def _find_free_rows(program: SolverProgram, quantity: Ints) -> Bools:
    """Return for each row whether the bounds of the variable it defines are never binding, (M,)."""
    entries = program.entries
    own = quantity[entries.row]
    below = (own != entries.column) & ((entries.value > 0) | (program.lower[entries.column] < 0))
    may_be_negative = np.bincount(entries.row[below], minlength=len(quantity)) > 0
    lower, upper = program.lower[quantity], program.upper[quantity]
    return (upper == np.inf) & ((lower == -np.inf) | ((lower <= 0) & ~may_be_negative))


def _drop_rows_and_columns(program: SolverProgram, rows: Ints, columns: Ints) -> SolverProgram:
    """Return the program without the given rows and columns."""
    kept_row, kept_column = np.ones(len(program.rows), dtype=bool), np.ones(len(program.lower), dtype=bool)
    kept_row[rows], kept_column[columns] = False, False
    entries = program.entries
    kept = kept_row[entries.row]
    places = zip(program.places, kept_column[program.network :].tolist(), strict=True)
    return replace(
        program,
        places=tuple(place for place, stays in places if stays),
        lower=program.lower[kept_column],
        upper=program.upper[kept_column],
        size=program.size[kept_column],
        costs=program.costs[:, kept_column],
        rows=tuple(name for name, stays in zip(program.rows, kept_row.tolist(), strict=True) if stays),
        row_lower=program.row_lower[kept_row],
        row_upper=program.row_upper[kept_row],
        entries=SparseEntries(
            (np.cumsum(kept_row) - 1)[entries.row[kept]],
            (np.cumsum(kept_column) - 1)[entries.column[kept]],
            entries.value[kept],
        ),
    )


def have_same_structure(program: SolverProgram, other: SolverProgram) -> bool:
    """Return whether two programs have the same rows, columns, sparsity pattern and finite bounds.

    Returns:
        True where only numbers differ.
    """
    return (
        program.rows == other.rows
        and program.places == other.places
        and len(program.lower) == len(other.lower)
        and np.array_equal(program.entries.row, other.entries.row)
        and np.array_equal(program.entries.column, other.entries.column)
        and all(
            np.array_equal(np.isfinite(a), np.isfinite(b)) for a, b in zip(program.bounds, other.bounds, strict=True)
        )
    )


def subtract_bounds(start: Floats, end: Floats) -> Floats:
    """Return the differences `end - start`, 0 where `start` is infinite.

    Returns:
        Differences of the same shape.
    """
    by = np.zeros(start.shape)
    np.subtract(end, start, out=by, where=np.isfinite(start))
    return by


def share_structure(program: SolverProgram, other: SolverProgram) -> bool:
    """Return whether two programs share the very same key and index arrays, so that comparison is unnecessary.

    Returns:
        True where the objects are identical.
    """
    return program.rows is other.rows and program.places is other.places and program.entries.row is other.entries.row


class Basis:
    """Simplex basis: status of each column, (N,), and row, (M,).

    A basis that HiGHS returned is converted to numbers only where they are read, and is returned to HiGHS as it is.

    Args:
        columns (N,): Status of each column.
        rows (M,): Status of each row.
    """

    def __init__(self, columns: Statuses, rows: Statuses) -> None:
        self._statuses: tuple[Statuses, Statuses] | None = (columns, rows)
        self.native: Any = None  # the same in HiGHS's form, once it is known

    @classmethod
    def wrap(cls, native: Any) -> Basis:
        """Return the basis that HiGHS returned.

        Args:
            native: Valid basis in the form of HiGHS.

        Returns:
            The basis.
        """
        result = cls(np.zeros(0, dtype=np.int8), np.zeros(0, dtype=np.int8))
        result._statuses, result.native = None, native
        return result

    def detach(self) -> Basis:
        """Return the basis as numbers only, as it arrives in another process.

        Returns:
            The same statuses, to be checked by HiGHS.
        """
        return Basis(self.columns, self.rows)

    def _read(self) -> tuple[Statuses, Statuses]:
        """Return the statuses, converted from HiGHS's form where necessary."""
        if self._statuses is None:
            each = (self.native.col_status, self.native.row_status)  # each look at it is a copy
            columns, rows = (np.array([int(status) for status in statuses], dtype=np.int8) for statuses in each)
            self._statuses = columns, rows
        return self._statuses

    @property
    def columns(self) -> Statuses:
        """Status of each column, (N,)."""
        return self._read()[0]

    @property
    def rows(self) -> Statuses:
        """Status of each row, (M,)."""
        return self._read()[1]

    def __reduce__(self) -> tuple[type[Basis], tuple[Statuses, Statuses]]:
        return Basis, (self.columns, self.rows)


def transfer_statuses(
    statuses: Statuses, keys: Iterable[Hashable], new_keys: Sequence[Hashable], default: Statuses
) -> Statuses:
    """Transfer statuses by key.

    Args:
        statuses (n,): Statuses of `keys`.
        keys (n,): Key of each status.
        new_keys (m,): Keys to find a status for.
        default (m,): Status of each new key that is not among `keys`.

    Returns:
        Statuses (m,).
    """
    known = dict(zip(keys, statuses.tolist(), strict=True))
    result = [known.get(key, other) for key, other in zip(new_keys, default.tolist(), strict=True)]
    return np.array(result, dtype=np.int8)


@dataclass(frozen=True, eq=False)
class ProgramBasis:
    """Final `basis` of `program`.

    The program's own columns may be followed by elastic ones, a whole number of them for each row.
    """

    program: SolverProgram
    basis: Basis

    def drop_elastic_columns(self) -> ProgramBasis:
        """Return the basis of the program's own columns.

        Returns:
            The basis, to be completed.
        """
        return ProgramBasis(self.program, Basis(self.basis.columns[: len(self.program.lower)], self.basis.rows))

    def transfer(self, other: SolverProgram) -> Basis | None:
        """Transfer the basis to another program, matching rows and columns by key.

        Args:
            other: Program to start.

        Returns:
            The basis, new columns at their lower bound and new rows basic; None where the networks differ in their
            number of columns.
        """
        mine = self.program
        if mine.network != other.network:
            return None
        if mine.rows == other.rows and mine.places == other.places:
            return self.basis
        width, columns, rows = len(mine.lower), self.basis.columns, self.basis.rows
        new_columns, new_rows = np.full(len(other.places), LOWER, np.int8), np.full(len(other.rows), BASIC, np.int8)
        elastic = columns[width:].reshape(-1, len(mine.rows)) if len(columns) > width else columns[:0].reshape(0, 0)
        parts = [
            columns[: mine.network],
            transfer_statuses(columns[mine.network : width], mine.places, other.places, new_columns),
            *(transfer_statuses(each, mine.rows, other.rows, np.zeros_like(new_rows)) for each in elastic),
        ]
        return Basis(np.concatenate(parts), transfer_statuses(rows, mine.rows, other.rows, new_rows))
