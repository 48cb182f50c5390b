"""Every uncertain figure moved alone, down and up: on which the cost, and the existence of a plan, depend most."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from medalopt.analysis import pool
from medalopt.analysis.journal import Answer, Journal
from medalopt.analysis.sensitivity.shortage import Short, Shortage
from medalopt.analysis.sensitivity.uncertain import Factor, factors
from medalopt.analysis.variants import NONE, Variants
from medalopt.errors import SolverError

MEASURED = 40  # figures, of which it is told how much metal is short
SAME = 1e-9  # of the cost, below which a difference is none


@dataclass(frozen=True)
class End:
    """One figure moved by `factor`; `held` of its figures stay below that, at the most they can be.

    Where that leaves no plan, `short` is the least metal that would have to come from elsewhere, kg; None: none helps.
    It is told of the first figures, `measured`.
    """

    factor: float
    held: int
    answer: Answer
    short: Short | None = None
    measured: bool = False

    def effect(self, base: Answer) -> float | None:
        """Return what it does to the measure, None where it or the base case has no plan."""
        if self.answer.value is None or base.value is None:
            return None
        by = self.answer.value - base.value
        return by if abs(by) > SAME * max(abs(base.value), abs(self.answer.value)) else 0.0


@dataclass(frozen=True)
class Bar:
    """One figure moved both ways."""

    factor: Factor
    down: End
    up: End

    @property
    def ends(self) -> tuple[End, End]:
        """Both ends, down first."""
        return self.down, self.up

    def turns(self, base: Answer) -> int:
        """Return at how many ends a plan comes to exist, or ceases to."""
        return sum(
            end.answer.status in ("optimal", "infeasible") and end.answer.status != base.status for end in self.ends
        )

    def swing(self, base: Answer) -> float:
        """Return the greater of what both ends do to the measure."""
        return max(abs(end.effect(base) or 0.0) for end in self.ends)

    def idle(self, base: Answer) -> bool:
        """Whether nothing comes of it, either way."""
        return not self.turns(base) and all(end.effect(base) == 0.0 or self._without(end, base) for end in self.ends)

    def _without(self, end: End, base: Answer) -> bool:
        return end.answer.status == base.status == "infeasible"


@dataclass(frozen=True)
class Tornado:
    """All bars, the first of which matters most; `asked` figures, of which an interruption may have left some out."""

    base: Answer
    bars: tuple[Bar, ...]
    asked: int
    interrupted: bool = False


def tornado(
    variants: Variants, jobs: int | None = None, journal: Journal | None = None, told: pool.Told = pool.quiet
) -> Tornado:
    """Return the bars of every figure, moved by its `cv`, or by 10 % where the instance gives none.

    Those at whose ends a plan comes to exist or ceases to rank first, of them the ones that moved least; then those
    that change the measure most.
    """
    moved = factors(variants)
    steps = [(max(1 - factor.step, 0.0), 1 + factor.step) for factor in moved]
    asked = [NONE, *(factor.changes(by) for factor, ends in zip(moved, steps, strict=True) for by in ends)]
    answers = pool.answered(variants, asked, jobs, journal, told)
    base, found = answers.found[0], answers.found[1:]
    if base is None:
        raise KeyboardInterrupt
    bars = []
    for number, (factor, ends) in enumerate(zip(moved, steps, strict=True)):
        low, high = found[2 * number], found[2 * number + 1]
        if low is not None and high is not None:
            down, up = (End(by, factor.held(by), answer) for by, answer in zip(ends, (low, high), strict=True))
            bars.append(Bar(factor, down, up))
    bars = list(ranked(bars, base))
    if not answers.interrupted:
        shortage = Shortage(variants.instance)
        bars[:MEASURED] = [_measured(variants, shortage, bar, base) for bar in bars[:MEASURED]]
    return Tornado(base, tuple(bars), len(moved), answers.interrupted)


def ranked(bars: Sequence[Bar], base: Answer) -> tuple[Bar, ...]:
    """Return the bars, the first of which matters most."""
    return tuple(sorted(bars, key=lambda bar: _rank(bar, base)))


def _measured(variants: Variants, shortage: Shortage, bar: Bar, base: Answer) -> Bar:
    """Return `bar` with the metal that is short at ends which leave no plan where there was one."""

    def measured(end: End) -> End:
        if end.answer.status != "infeasible" or not base.feasible:
            return end
        changed = variants.changed(bar.factor.changes(end.factor))
        try:
            return dataclasses.replace(end, short=shortage.of(changed), measured=True)
        except SolverError:  # that there is no plan is proven, what is missing is not
            return end

    return Bar(bar.factor, measured(bar.down), measured(bar.up))


def _rank(bar: Bar, base: Answer) -> tuple[bool, float, float]:
    turns = bar.turns(base)
    return not turns, bar.factor.step if turns else 0.0, -bar.swing(base)
