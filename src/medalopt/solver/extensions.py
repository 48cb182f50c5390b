"""Extensions: the difference between a compiled program with the constraints of extensions and the one without.

An extension may add rows, variables and costs, and tighten the bounds of existing variables; a tightened bound is
converted to a row, so that rows state everything that an extension restricts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from medalopt.errors import UsageError
from medalopt.instance.arrays import Bools
from medalopt.instance.price_steps import STEP_KINDS
from medalopt.model.network import SparseEntries
from medalopt.proof.extensions import ExtensionData, ExtensionRow, ExtensionTerm, ExtensionVariable
from medalopt.solver.compile import CompiledModel
from medalopt.solver.program import SolverProgram
from medalopt.text import check_control_characters, escape_text


def separate_extensions(before: CompiledModel, after: CompiledModel, where: str) -> tuple[CompiledModel, ExtensionData]:
    """Separate the rows, variables and costs that extensions added.

    Args:
        before: Model compiled without the extensions.
        after: Model compiled with them.
        where: Names of the extension files, for messages.

    Returns:
        `after` with each tightened bound as a row, added rows and variables last; and the added data, without duals and
        values.

    Raises:
        UsageError: The extensions changed existing rows, bounds or objectives.
    """
    _check_unchanged(before, after, where)
    after = _convert_bounds_to_rows(before, after)
    width, height = len(before.columns), len(before.rows)
    names: list[tuple[str, tuple[str, ...]]] = [_split_column_name(column) for column in after.columns[:width]]
    names += [(column.name, ()) for column in after.columns[width:]]
    terms: list[list[ExtensionTerm]] = [[] for _ in after.rows]
    own = after.entries.row >= height
    _check_price_steps({names[column][0] for column in after.entries.column[own].tolist()}, where)
    entries = (axis[own].tolist() for axis in (after.entries.row, after.entries.column, after.entries.value))
    for row, column, value in zip(*entries, strict=True):
        terms[row].append(_make_term(names[column], value))
    _check_names(
        [*(_format_row_name(*row) for row in after.rows[height:]), *(name for name, _ in names[width:])], where
    )
    dearer = after.costs[0].copy()
    dearer[:width] -= before.costs[0]
    return after, ExtensionData(
        tuple(
            ExtensionRow(
                _format_row_name(*after.rows[row]),
                float(after.row_lower[row]),
                float(after.row_upper[row]),
                tuple(terms[row]),
            )
            for row in range(height, len(after.rows))
        ),
        tuple(
            ExtensionVariable(after.columns[number].name, float(after.lower[number]), float(after.upper[number]))
            for number in range(width, len(after.columns))
        ),
        tuple(_make_term(names[number], float(dearer[number])) for number in np.flatnonzero(dearer).tolist()),
    )


def relax_extension_rows(program: SolverProgram, ends: Mapping[str, tuple[float, float]]) -> SolverProgram:
    """Return the program with other bounds for some rows of extensions.

    Args:
        program: Program with extension rows.
        ends: New lower and upper bound by row name.

    Returns:
        The relaxed program; rows that are not named keep their bounds.
    """
    rows = tuple(
        replace(row, lower=low, upper=high)
        for row in program.added.rows
        for low, high in [ends.get(row.name, (row.lower, row.upper))]
    )
    first = len(program.rows) - len(rows)
    return replace(
        program,
        row_lower=np.append(program.row_lower[:first], [row.lower for row in rows]),
        row_upper=np.append(program.row_upper[:first], [row.upper for row in rows]),
        added=replace(program.added, rows=rows),
    )


def _make_term(name: tuple[str, tuple[str, ...]], coefficient: float) -> ExtensionTerm:
    """Return the term of a named column with a coefficient."""
    return ExtensionTerm(name[0], name[1], coefficient)


def _split_column_name(column: Any) -> tuple[str, tuple[str, ...]]:
    """Return component name and index of a Pyomo variable."""
    index = column.index()
    return column.parent_component().name, index if isinstance(index, tuple) else () if index is None else (index,)


def _format_row_name(component: str, index: Any) -> str:
    """Return `component[index]` as text."""
    if index is None:
        return component
    return f"{component}[{','.join(str(part) for part in (index if isinstance(index, tuple) else (index,)))}]"


def _check_price_steps(components: Iterable[str], where: str) -> None:
    """Raise UsageError where a row of an extension holds what is taken beyond the limit of a price step."""
    if {f"{kind.name}_excess" for kind in STEP_KINDS} & set(components):
        raise UsageError(f"{where}: an extension constraint contains the cost of price steps; write it in quantities")


def _check_names(names: Sequence[str], where: str) -> None:
    """Raise UsageError where a component name contains control characters."""
    for name in names:
        if problem := check_control_characters(name):
            raise UsageError(f"{where}: in the name of a component, {problem}")


def _check_unchanged(before: CompiledModel, after: CompiledModel, where: str) -> None:
    """Raise UsageError where existing parts changed, apart from tighter bounds and the main objective."""
    width, height = len(before.columns), len(before.rows)
    there = len(after.columns) >= width and all(a is b for a, b in zip(before.columns, after.columns, strict=False))
    if not there or after.rows[:height] != before.rows:
        raise UsageError(f"{where}: an index of the model was added or removed; add separate constraints instead")
    changed = _find_changed_rows(before, after, height)
    if changed.any():
        name = _format_row_name(*before.rows[int(np.argmax(changed))])
        raise UsageError(f"{where}: `{escape_text(name)}` of the model was changed; add a separate constraint instead")
    if (after.costs[1:, :width] != before.costs[1:]).any() or after.costs[1:, width:].any():
        raise UsageError(f"{where}: `cost` or `tonnes` of the model was changed; add what it costs to `objective`")
    wider = (after.lower[:width] < before.lower) | (after.upper[:width] > before.upper)
    if wider.any():
        name = escape_text(before.columns[int(np.argmax(wider))].name)
        raise UsageError(f"{where}: `{name}` was given a value or a bound outside those of the model; keep within them")


def _find_changed_rows(before: CompiledModel, after: CompiledModel, height: int) -> Bools:
    """Return which of the first `height` rows differ from before, (height,)."""
    changed = (after.row_lower[:height] != before.row_lower) | (after.row_upper[:height] != before.row_upper)
    old, new = ((part.row, part.column, part.value) for part in (before.entries, after.entries))
    in_model = new[0] < height
    new = (new[0][in_model], new[1][in_model], new[2][in_model])
    if not all(np.array_equal(a, b) for a, b in zip(old, new, strict=True)):
        sets = (set(zip(*(axis.tolist() for axis in part), strict=True)) for part in (old, new))
        changed[[entry[0] for entry in set.symmetric_difference(*sets)]] = True
    return changed


def _convert_bounds_to_rows(before: CompiledModel, after: CompiledModel) -> CompiledModel:
    """Return `after` with the original bounds, each tightened bound being a row of its own."""
    width = len(before.columns)
    lower, upper = after.lower[:width], after.upper[:width]
    tight = np.flatnonzero((lower != before.lower) | (upper != before.upper))
    rows = len(after.rows) + np.arange(len(tight))
    entries = after.entries
    return replace(
        after,
        lower=np.concatenate([before.lower, after.lower[width:]]),
        upper=np.concatenate([before.upper, after.upper[width:]]),
        rows=(*after.rows, *((f"bounds of {after.columns[number].name}", None) for number in tight.tolist())),
        row_lower=np.concatenate([after.row_lower, lower[tight]]),
        row_upper=np.concatenate([after.row_upper, upper[tight]]),
        entries=SparseEntries(
            np.concatenate([entries.row, rows]),
            np.concatenate([entries.column, tight]),
            np.concatenate([entries.value, np.ones(len(tight))]),
        ),
    )
