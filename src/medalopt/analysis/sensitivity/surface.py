"""Sensitivity surface: the objective on a grid of two parameters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from medalopt.analysis.sensitivity.curve import LARGE, Progress
from medalopt.analysis.sensitivity.steps import attempted
from medalopt.analysis.sensitivity.vary import Vary
from medalopt.analysis.sensitivity.wholes import few
from medalopt.analysis.variants import Changes, Variants
from medalopt.errors import SolverError, UsageError
from medalopt.solver.outcome import Outcome
from medalopt.wording import shown

SIZE, SMALL = (15, 11), (7, 5)  # (columns, rows) of the grid; of a large program


@dataclass(frozen=True, eq=False)
class Surface:
    """The objective by value of the second parameter (rows) and of the first (columns); None if infeasible.

    At the places `unproven`, (row, column), it is None because no verified result exists.
    """

    across: Vary
    up: Vary
    measure: str
    base: float | None
    columns: tuple[float, ...]
    rows: tuple[float, ...]
    objective: tuple[tuple[float | None, ...], ...]
    unproven: frozenset[tuple[int, int]] = frozenset()


def surface(variants: Variants, across: Vary, up: Vary, progress: Progress = lambda step: None) -> Surface:
    """Compute the objective on a grid of two parameters.

    Args:
        variants: Scenarios of the instance.
        across: Parameter of the columns, with its range.
        up: Parameter of the rows, with its range.
        progress: Progress callback.

    Returns:
        The grid of objective values.

    Raises:
        UsageError: If both ranges change the same parameter.
    """
    both = across.at(across.low).keys() & up.at(up.low).keys()
    if both:
        raise UsageError(f"--vary: both move {shown(min(both))}; name figures that have nothing in common")
    found = variants.answer()
    wide, high = SMALL if len(variants.base.linear.entries.row) >= LARGE else SIZE
    columns, rows = _values(across, wide), _values(up, high)
    row, cells, unproven = _Rows(variants, across, up, columns), [], set()
    for number, value in enumerate(rows):
        progress(f"row {number + 1} of {len(rows)}")
        answers = row(value)
        cells.append(tuple(one.value if one is not None and one.feasible else None for one in answers))
        unproven |= {(number, at) for at, one in enumerate(answers) if one is None}
    base = found.value if found.feasible else None
    return Surface(across, up, variants.measure, base, columns, rows, tuple(cells), frozenset(unproven))


class _Rows:
    """Solves one row of the grid: a parametric program along the columns if it is affine, else one scenario each."""

    def __init__(self, variants: Variants, across: Vary, up: Vary, columns: tuple[float, ...]) -> None:
        self._variants, self._across, self._up, self._columns = variants, across, up, columns
        self._straight = not across.whole  # a parametric line would treat counts as continuous

    def __call__(self, value: float) -> list[Outcome | None]:
        """Return the results at all columns for a value of the row parameter; None where not verified."""

        def changes(at: float) -> Changes:
            """Return the changes of both parameters."""
            return {**self._across.at(at), **self._up.at(value)}

        if self._straight:
            way = self._variants.along(changes, self._across.low, self._across.high)
            if way.line is not None:
                try:
                    return list(way.outcomes(self._columns))
                except SolverError:  # one result is not verified: solve one by one
                    return [attempted(partial(way.answer, at)) for at in self._columns]
        self._straight = False  # not affine in one row, so in none
        built = (self._variants.variant(changes(at)) for at in self._columns)
        return [attempted(partial(self._variants.answer, variant)) for variant in built]


def _values(vary: Vary, many: int) -> tuple[float, ...]:
    """Return `many` evenly spaced values and the base value, or whole values."""
    if vary.whole:
        return tuple(few(vary.low, vary.high, many)[0])
    even = {vary.low + (vary.high - vary.low) * step / (many - 1) for step in range(many)}
    base = {vary.base} if vary.base is not None and vary.low < vary.base < vary.high else set()
    return tuple(sorted(even | base))
