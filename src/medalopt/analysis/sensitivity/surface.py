"""A map: the measure where two figures move at once, on a grid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from medalopt.analysis.sensitivity.curve import LARGE, Progress
from medalopt.analysis.sensitivity.vary import Vary
from medalopt.analysis.sensitivity.wholes import few
from medalopt.analysis.variants import Changes, Variants
from medalopt.errors import UsageError
from medalopt.solver.outcome import Outcome
from medalopt.wording import shown

SIZE, SMALL = (15, 11), (7, 5)  # values of each figure; of a large program


@dataclass(frozen=True, eq=False)
class Surface:
    """The measure for each value of the second figure, and in it of the first; None where there is no plan."""

    across: Vary
    up: Vary
    measure: str
    base: float | None
    columns: tuple[float, ...]
    rows: tuple[float, ...]
    objective: tuple[tuple[float | None, ...], ...]


def surface(variants: Variants, across: Vary, up: Vary, progress: Progress = lambda step: None) -> Surface:
    """Return the measure on a grid of both figures. Raises UsageError where they are the same."""
    both = across.at(across.low).keys() & up.at(up.low).keys()
    if both:
        raise UsageError(f"--vary: both move {shown(min(both))}; name figures that have nothing in common")
    found = variants.answer()
    wide, high = SMALL if len(variants.base.linear.entries.row) >= LARGE else SIZE
    columns, rows = _values(across, wide), _values(up, high)
    row, cells = _Rows(variants, across, up, columns), []
    for number, value in enumerate(rows):
        progress(f"row {number + 1} of {len(rows)}")
        cells.append(tuple(found.value if found.feasible else None for found in row(value)))
    base = found.value if found.feasible else None
    return Surface(across, up, variants.measure, base, columns, rows, tuple(cells))


class _Rows:
    """The optima at all `columns`, for a value of the other figure."""

    def __init__(self, variants: Variants, across: Vary, up: Vary, columns: tuple[float, ...]) -> None:
        self._variants, self._across, self._up, self._columns = variants, across, up, columns
        self._straight = not across.whole  # else counts would be taken as continuous

    def __call__(self, value: float) -> Iterator[Outcome]:
        def changes(at: float) -> Changes:
            return {**self._across.at(at), **self._up.at(value)}

        if self._straight:
            way = self._variants.along(changes, self._across.low, self._across.high)
            if way.line is not None:
                return way.outcomes(self._columns)
        self._straight = False  # what is no line in one row is none in the others
        return (self._variants.answer(self._variants.variant(changes(at))) for at in self._columns)


def _values(vary: Vary, many: int) -> tuple[float, ...]:
    """Return `many` values spread evenly, where the instance stands among them; or whole ones."""
    if vary.whole:
        return tuple(few(vary.low, vary.high, many)[0])
    even = {vary.low + (vary.high - vary.low) * step / (many - 1) for step in range(many)}
    base = {vary.base} if vary.base is not None and vary.low < vary.base < vary.high else set()
    return tuple(sorted(even | base))
