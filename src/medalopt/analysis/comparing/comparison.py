"""Several outcomes side by side, each held against the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from medalopt.analysis.comparing.data import Difference, differences
from medalopt.analysis.comparing.outcome import PARTS, Key, Outcome
from medalopt.errors import UsageError
from medalopt.plan.rows import ROUNDING


@dataclass(frozen=True)
class Row:
    """One figure in every outcome; None where there is no plan. `differs`: by more than rounding."""

    part: str
    item: str
    unit: str
    values: tuple[float | None, ...]
    differs: bool

    @property
    def most(self) -> float:
        """By how much it differs most from the first; 0 where one of the two has no plan."""
        first = self.values[0]
        changes = [abs(value - first) for value in self.values[1:] if value is not None and first is not None]
        return max(changes, default=0.0)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Outcomes, what differs in their data, and every figure of their plans side by side."""

    outcomes: tuple[Outcome, ...]

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """A short name for each: the file's, without folder and ending, or the scenario's; in full where two agree."""
        short = [one.name.rpartition("#")[2] if "#" in one.name else Path(one.name).stem for one in self.outcomes]
        return tuple(
            name if short.count(name) == 1 and name else one.name
            for name, one in zip(short, self.outcomes, strict=True)
        )

    @cached_property
    def data(self) -> tuple[Difference, ...]:
        """The figures of the files that are not the same everywhere."""
        return differences([outcome.data for outcome in self.outcomes])

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """Every figure that any plan has, part by part."""
        keys = dict.fromkeys(key for part in PARTS for one in self.outcomes for key in one.figures if key[0] == part)
        sizes: dict[str, float] = {}
        for one in self.outcomes:
            for (part, _, _), value in one.figures.items():
                sizes[part] = max(sizes.get(part, 0.0), abs(value))
        return tuple(self._row(key, ROUNDING * sizes[key[0]]) for key in keys)

    def _row(self, key: Key, nothing: float) -> Row:
        values = tuple(one.figures.get(key, 0.0) if one.figures else None for one in self.outcomes)
        there = [value for value in values if value is not None]
        return Row(*key, values, max(there) - min(there) > nothing)

    @property
    def cost(self) -> Row | None:
        """What each costs in all; None where nothing has a plan."""
        return next((row for row in self.of("totals") if row.item == "cost"), None)

    def of(self, part: str) -> tuple[Row, ...]:
        """The figures of one part."""
        return tuple(row for row in self.rows if row.part == part)


def compared(outcomes: Sequence[Outcome]) -> Comparison:
    """Return `outcomes` side by side. Raises UsageError where they are fewer than two or of several currencies."""
    if len(outcomes) < 2:
        raise UsageError(
            "one thing alone cannot be compared: name two or more instances or plans, or --scenario of an instance"
        )
    currencies = sorted({one.currency for one in outcomes})
    if len(currencies) > 1:
        raise UsageError(f"costs in {' and '.join(currencies)} cannot be compared: compare instances of one currency")
    return Comparison(tuple(outcomes))
