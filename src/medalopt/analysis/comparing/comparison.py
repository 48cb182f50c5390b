"""Comparison of plans: every quantity side by side, with differences from the first plan."""

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
    """One quantity in every plan; None where there is no plan. `differs`: by more than rounding."""

    part: str
    item: str
    unit: str
    values: tuple[float | None, ...]
    differs: bool

    @property
    def most(self) -> float:
        """Largest absolute difference from the first plan; 0 if one of the two has no plan."""
        first = self.values[0]
        changes = [abs(value - first) for value in self.values[1:] if value is not None and first is not None]
        return max(changes, default=0.0)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Plans, the parameters in which their instances differ, and all quantities side by side."""

    outcomes: tuple[Outcome, ...]

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Short unique name of each plan: file name without folder and suffix, or the scenario; in full if equal."""
        short = [one.name.rpartition("#")[2] if "#" in one.name else Path(one.name).stem for one in self.outcomes]
        return tuple(
            name if short.count(name) == 1 and name else one.name
            for name, one in zip(short, self.outcomes, strict=True)
        )

    @cached_property
    def data(self) -> tuple[Difference, ...]:
        """Parameters that are not equal in all instance files."""
        return differences([outcome.data for outcome in self.outcomes])

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """All quantities of any plan, by part."""
        keys = dict.fromkeys(key for part in PARTS for one in self.outcomes for key in one.figures if key[0] == part)
        sizes: dict[str, float] = {}
        for one in self.outcomes:
            for (part, _, _), value in one.figures.items():
                sizes[part] = max(sizes.get(part, 0.0), abs(value))
        return tuple(self._row(key, ROUNDING * sizes[key[0]]) for key in keys)

    def _row(self, key: Key, nothing: float) -> Row:
        """Return one quantity of all plans; differences up to `nothing` count as rounding."""
        values = tuple(one.figures.get(key, 0.0) if one.figures else None for one in self.outcomes)
        there = [value for value in values if value is not None]
        return Row(*key, values, max(there) - min(there) > nothing)

    @property
    def cost(self) -> Row | None:
        """Total cost of each plan; None if there is no plan at all."""
        return next((row for row in self.of("totals") if row.item == "cost"), None)

    def of(self, part: str) -> tuple[Row, ...]:
        """Select the quantities of one part.

        Args:
            part: Name of the part, see `PLAN_PARTS`.

        Returns:
            Rows of that part.
        """
        return tuple(row for row in self.rows if row.part == part)


def compared(outcomes: Sequence[Outcome]) -> Comparison:
    """Compare plans.

    Args:
        outcomes: Summaries of two or more plans; differences refer to the first.

    Returns:
        The comparison.

    Raises:
        UsageError: If there are fewer than two plans, or several currencies.
    """
    if len(outcomes) < 2:
        raise UsageError(
            "one thing alone cannot be compared: name two or more instances or plans, or --scenario of an instance"
        )
    currencies = sorted({one.currency for one in outcomes})
    if len(currencies) > 1:
        raise UsageError(f"costs in {' and '.join(currencies)} cannot be compared: compare instances of one currency")
    return Comparison(tuple(outcomes))
