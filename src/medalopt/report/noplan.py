"""What plain arithmetic knows of an instance without a plan: metals and castings that cannot suffice in any case."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from medalopt.instance.bounds import implied
from medalopt.instance.figures import Floats
from medalopt.instance.instance import Instance
from medalopt.instance.needs import may_buy, owed
from medalopt.instance.routes import routes
from medalopt.report.numbers import mass

MOST = 3
_CLEARLY = 1 + 1e-9

Shortage = tuple[float, str]  # how many times what there can be is needed, and what is said


def known(instance: Instance) -> tuple[str, ...]:
    """Return up to three lines on what cannot suffice whatever the plan, the worst first, or one that nothing is so."""
    found = sorted((*_metals(instance), *_castings(instance)), key=lambda shortage: (-shortage[0], shortage[1]))
    if not found:
        return ("No metal and no casting falls short by itself: what stands in the way are several figures together.",)
    return tuple(text for _, text in found[:MOST])


def _metals(instance: Instance) -> Iterator[Shortage]:
    """Each metal at the deadline at which it falls short most, and over the horizon by its recycled share."""
    market, titles = instance.market, instance.metals.titles
    back = implied(instance, routes(instance)).stock  # (E, T): opening stock, and all that can have come back
    limit = np.where(may_buy(instance).any(axis=1), market.limit.value, 0.0)
    new, used = 1 - market.recycled.value, market.recycled.value
    need = _needed(instance)
    floor = instance.policy.recycled.value
    for e, title in enumerate(titles):
        most = back[e] + _bought(limit, market.composition.value[:, e])
        t = _worst(need[e], most)
        if need[e, t] > _CLEARLY * most[t]:
            when = f"by the end of {instance.periods[t]}"
            had = f"at most {mass(most[t])} can be at hand, returned or bought by then"
            yield _times(need[e, t], most[t]), f"{title}: at least {mass(need[e, t])} needed {when}, {had}"
        elif new.any() and floor[e] > 0:
            recycled = float(back[e, -1]) + _bought(limit, market.composition.value[:, e] * used)
            wanted = float(floor[e] * need[e, -1])
            if wanted > _CLEARLY * recycled:
                had = f"at most {mass(recycled)} of that can be had"
                yield _times(wanted, recycled), f"{title}: at least {mass(wanted)} must be recycled, {had}"


def _castings(instance: Instance) -> Iterator[Shortage]:
    most = np.cumsum(instance.alloys.capacity.value, axis=1)
    need = owed(instance) / (1 - instance.alloys.scrap_share.value)[:, None]
    for a, alloy in enumerate(instance.alloys.names):
        t = _worst(need[a], most[a])
        if need[a, t] > _CLEARLY * most[a, t]:
            when = f"by the end of {instance.periods[t]}"
            had = f"at most {mass(most[a, t])} can be"
            text = f"{alloy}: at least {mass(need[a, t])} to be cast {when}, process scrap included, {had}"
            yield _times(need[a, t], most[a, t]), text


def _needed(instance: Instance) -> Floats:
    r"""Return the least of each metal that is charged by the end of each period, (E, T), kg.

    Fresh charge is at least $Q_{at}/(1-\sigma_a)\cdot(1/(1-\lambda_a)-\omega_a\sigma_a)$; of it a metal takes its least
    share, or what the greatest shares of all others leave.
    """
    alloys = instance.alloys
    share, high = alloys.scrap_share.value, alloys.high.value
    fresh = (1 / (1 - alloys.loss.value) - alloys.scrap_returned.value * share) / (1 - share)
    rest = 1 - (high.sum(axis=1) + np.where(alloys.admits_others, alloys.others.value, 0.0))[:, None] + high
    least = np.where(alloys.named, np.maximum(alloys.low.value, rest), 0.0)  # (A, E)
    return np.asarray(np.maximum(least, 0.0).T @ (fresh[:, None] * owed(instance)))


def _bought(limit: Floats, content: Floats) -> float:
    """Return the most of a metal that offers of this content can bring; an offer without it brings none."""
    return float(np.where(content > 0, limit * np.where(content > 0, content, 1), 0).sum())


def _worst(need: Floats, most: Floats) -> int:
    return int(np.argmax(np.divide(need, most, out=np.where(need > 0, np.inf, 0.0), where=most > 0)))


def _times(need: float, most: float) -> float:
    return float(need / most) if most > 0 else float("inf")
