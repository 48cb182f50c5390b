"""Outage analysis: extra cost, or metal shortage, when each element in turn drops out."""

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
    """Effect of one outage: `extra` objective, infinite if infeasible.

    If infeasible, `short` is the least external metal in kg (None if no metal restores feasibility) and `share` the
    largest missing fraction of a metal's minimum charge. If not `proven`, `extra` is 0 and has no meaning.
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
        """True if a plan without the element exists."""
        return self.proven and self.extra < np.inf


@dataclass(frozen=True)
class Without:
    """All outages, most severe first; `value` is the base-case objective, `start` the first period without."""

    value: float
    unit: str
    start: str
    whole: bool  # outages last the whole horizon
    losses: tuple[Loss, ...]
    titles: dict[str, str]  # of metals
    premium: Premium | None


def without(variants: Variants, paths: Sequence[str] = (), start: str | None = None, tell: Tell = silent) -> Without:
    """Solve the instance without each element in turn.

    Args:
        variants: Scenarios of the instance.
        paths: Paths of elements, such as `smelters.kosaka`; empty for all elements.
        start: First period of the outage; None for the whole horizon.
        tell: Progress callback.

    Returns:
        The outages sorted by severity, and the premium over buying if the objective is cost.

    Raises:
        NoPlanError: If the base case is infeasible.
        UsageError: If a path or period is unknown.
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
    """Solve one outage: first for metal shortage, which shows infeasibility sooner, then for the extra objective."""
    short = shortage.short(closed(shortage.variant, away, periods))
    if short == {}:
        answer = variants.moving.solve(closed(variants.base, away, periods))
        if answer.feasible:
            extra = more(answer.value, outcome, variants.base.linear)
            return Loss(away.kind, away.name, away.path, extra, None, 0.0)
    return Loss(away.kind, away.name, away.path, np.inf, short, shortage.weight(short))


def period_named(instance: Instance, text: str) -> int:
    """Return the index of the period that contains the month `text`; raise UsageError if there is none."""
    start = None if instance.periods[0].isdecimal() else instance.periods[0]
    calendar = Calendar(start, len(instance.periods), instance.period_length)
    index = calendar.index(text)
    if index is None:
        raise UsageError(f"--from {calendar.unknown(text)}")
    return index
