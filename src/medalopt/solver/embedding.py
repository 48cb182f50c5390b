"""Variants with fewer rows or columns are padded to the shape of the program that is kept in HiGHS."""

from __future__ import annotations

import dataclasses

import numpy as np

from medalopt.instance.figures import Ints
from medalopt.model.network import Entries
from medalopt.solver.linear import Linear


@dataclasses.dataclass(frozen=True, eq=False)
class Embedded:
    """Variant in another program's shape, with the positions of its own columns (n,) and rows (m,) there."""

    linear: Linear
    columns: Ints
    rows: Ints


def embedded(base: Linear, variant: Linear, columns: Ints) -> Embedded | None:
    """Pad a variant to the shape of another program; missing columns are fixed at 0, missing rows are free.

    Args:
        base: Program that sets the shape.
        variant: Program to pad.
        columns: Position of each network column of the variant in the base, -1 for none.

    Returns:
        The padded program; None where the variant has a row, column or entry that the base lacks.
    """
    place = {name: number for number, name in enumerate(base.rows)}
    rows = np.array([place.get(name, -1) for name in variant.rows], dtype=np.intp)
    behind = {name: base.network + number for number, name in enumerate(base.places)}
    columns = np.concatenate([columns, np.array([behind.get(name, -1) for name in variant.places], dtype=np.intp)])
    if (rows < 0).any() or (columns < 0).any():
        return None
    entries = _entries(base, variant, rows, columns)
    if entries is None:
        return None
    lower, upper, size = np.zeros((3, len(base.lower)))
    costs = np.zeros_like(base.costs)
    row_lower, row_upper = np.full(len(base.rows), -np.inf), np.full(len(base.rows), np.inf)
    lower[columns], upper[columns], size[columns] = variant.lower, variant.upper, variant.size
    costs[:, columns] = variant.costs
    row_lower[rows], row_upper[rows] = variant.row_lower, variant.row_upper
    linear = dataclasses.replace(
        base,
        lower=lower,
        upper=upper,
        size=size,
        costs=costs,
        row_lower=row_lower,
        row_upper=row_upper,
        entries=entries,
    )
    return Embedded(linear, columns, rows)


def _entries(base: Linear, variant: Linear, rows: Ints, columns: Ints) -> Entries | None:
    """Return the entries of `variant` at the positions of those of `base`; None where one has no position.

    Entries in rows or columns that the variant lacks keep their value.
    """
    width, own = len(base.lower), base.entries
    code = own.row * width + own.column
    order = np.argsort(code)
    wanted = rows[variant.entries.row] * width + columns[variant.entries.column]
    at = np.searchsorted(code[order], wanted)
    if (at == len(code)).any() or (code[order][at] != wanted).any():
        return None
    there = np.isin(own.row, rows) & np.isin(own.column, columns)
    value = np.where(there, 0.0, own.value)
    value[order[at]] = variant.entries.value
    return Entries(own.row, own.column, value)
