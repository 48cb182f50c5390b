"""A map: the measure where two figures move at once, on a grid."""

from __future__ import annotations

from dataclasses import dataclass

from medalopt.analysis.sensitivity.curve import LARGE, Progress
from medalopt.analysis.sensitivity.vary import Vary
from medalopt.analysis.sensitivity.wholes import few
from medalopt.analysis.variants import Variants
from medalopt.errors import UsageError
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
    cells = []
    for number, value in enumerate(rows):
        progress(f"row {number + 1} of {len(rows)}")
        cells.append(tuple(_cell(variants, across, up, at, value) for at in columns))
    base = found.value if found.feasible else None
    return Surface(across, up, variants.measure, base, columns, rows, tuple(cells))


def _cell(variants: Variants, across: Vary, up: Vary, at: float, value: float) -> float | None:
    found = variants.answer(variants.variant({**across.at(at), **up.at(value)}))
    return found.value if found.feasible else None


def _values(vary: Vary, many: int) -> tuple[float, ...]:
    """Return `many` values spread evenly, where the instance stands among them; or whole ones."""
    if vary.whole:
        return tuple(few(vary.low, vary.high, many)[0])
    even = {vary.low + (vary.high - vary.low) * step / (many - 1) for step in range(many)}
    base = {vary.base} if vary.base is not None and vary.low < vary.base < vary.high else set()
    return tuple(sorted(even | base))
