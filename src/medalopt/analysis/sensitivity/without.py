"""What a plan costs, or how much metal is missing, when one thing in turn is not there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from medalopt.analysis.sensitivity.absence import Absence, absences, chosen, closed
from medalopt.analysis.sensitivity.premium import Premium, premium
from medalopt.analysis.sensitivity.shortage import Short, Shortage
from medalopt.analysis.sensitivity.steps import Tell, attempted, more, silent, titles_of, unit_of, with_plan
from medalopt.analysis.variants import Variants
from medalopt.errors import UsageError
from medalopt.instance.figures import Bools
from medalopt.instance.instance import Instance
from medalopt.instance.resolve.periods import Calendar
from medalopt.solver.outcome import Outcome


@dataclass(frozen=True)
class Loss:
    """What is lost with one thing: `extra` of the measure, infinite where there is no plan.

    `short` is then the least metal that is missing, None where no metal would help; `share` the greatest of needs.
    Where it is not `proven` what comes of it, `extra` is 0 and says nothing.
    """

    kind: str
    name: str
    path: str
    extra: float
    short: Short | None
    share: float
    proven: bool = True

    @property
    def feasible(self) -> bool:
        """Whether there is a plan without it."""
        return self.proven and self.extra < np.inf


@dataclass(frozen=True)
class Without:
    """All losses, the most serious first; `value` is the plan's own, `start` the first period of absence."""

    value: float
    unit: str
    start: str
    whole: bool  # whether things are absent in all periods
    losses: tuple[Loss, ...]
    titles: dict[str, str]  # of metals
    premium: Premium | None


def without(variants: Variants, paths: Sequence[str] = (), start: str | None = None, tell: Tell = silent) -> Without:
    """Return what is lost without each thing that `paths` name, or each smelter, treatment, region, channel and offer.

    `start`: the period from which on it is not there. Raises NoPlanError where there is no plan with all of them.
    """
    instance = variants.instance
    first = 0 if start is None else period_named(instance, start)
    asked = chosen(instance, paths) if paths else absences(instance)
    outcome = with_plan(variants)
    periods = np.arange(len(instance.periods)) >= first
    shortage = Shortage(instance)
    losses = []
    for number, away in enumerate(asked):
        tell(f"without {away.name} ({number + 1} of {len(asked)})")
        loss = attempted(partial(_loss, variants, shortage, away, periods, outcome))
        losses.append(loss or Loss(away.kind, away.name, away.path, 0.0, None, 0.0, proven=False))
    losses.sort(key=lambda loss: (not loss.proven, -loss.share, -loss.extra, loss.path))
    return Without(
        value=outcome.value,
        unit=unit_of(variants),
        start=instance.periods[first],
        whole=first == 0,
        losses=tuple(losses),
        titles=titles_of(variants),
        premium=attempted(partial(premium, variants)) if variants.measure == "cost" else None,
    )


def _loss(variants: Variants, shortage: Shortage, away: Absence, periods: Bools, outcome: Outcome) -> Loss:
    """Return what is lost without `away`. That metal is missing shows sooner than that there is no plan."""
    short = shortage.short(closed(shortage.variant, away, periods))
    if short == {}:
        answer = variants.moving.solve(closed(variants.base, away, periods))
        if answer.feasible:
            extra = more(answer.value, outcome, variants.base.linear)
            return Loss(away.kind, away.name, away.path, extra, None, 0.0)
    return Loss(away.kind, away.name, away.path, np.inf, short, shortage.weight(short))


def period_named(instance: Instance, text: str) -> int:
    """Return the number of the period that `text` names, any month in it. Raises UsageError where it names none."""
    start = None if instance.periods[0].isdecimal() else instance.periods[0]
    calendar = Calendar(start, len(instance.periods), instance.period_length)
    index = calendar.index(text)
    if index is None:
        raise UsageError(f"--from {calendar.unknown(text)}")
    return index
