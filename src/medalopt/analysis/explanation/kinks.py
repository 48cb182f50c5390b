"""What one more, and one fewer, of each metal and medal costs: two prices, which differ where the plan is on a kink."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from medalopt.analysis.explanation import changes
from medalopt.analysis.explanation.groups import sources
from medalopt.analysis.explanation.near import Near
from medalopt.errors import NoPlanError, SolverError
from medalopt.instance.figures import Floats
from medalopt.instance.paths import render
from medalopt.solving import solve

_LEAST = 1e-9  # of the largest part of a change, below which it is none
PURE = 0.5  # an offer is one of the metal that it holds more of than of all else


@dataclass(frozen=True)
class Part:
    """One part of what one more unit changes in the plan: tonnes of a source, or kilograms of an offer."""

    what: str
    amount: float
    unit: str


@dataclass(frozen=True)
class Market:
    """What a kilogram of a metal is asked for, or fetches: `path` is the figure that says so."""

    path: str
    name: str
    price: float
    offered: bool  # else it is what is fetched


@dataclass(frozen=True)
class Kink:
    """The two prices of one metal (per kg) or kind of medal (per piece); None where no plan lies that way."""

    path: str
    name: str
    metal: int | None
    more: float | None  # what one more costs
    fewer: float | None  # what one fewer saves
    unit: str | None
    market: Market | None
    parts: tuple[Part, ...]  # of the plan with one more

    @property
    def ratio(self) -> float | None:
        """How many times the market's price one more costs."""
        if self.market is None or self.more is None or not self.market.price > 0:
            return None
        return self.more / self.market.price


def kinks(near: Near, unproven: list[str]) -> tuple[Kink, ...]:
    """Return the prices of every metal that the plan has a use for or a surplus of, then of every kind of medal.

    A metal or a kind of medal of which a price cannot be proven goes to `unproven`, by its path.
    """
    found = []
    for section, names, priced in (
        ("metals", near.instance.metals.names, _metal),
        ("medals", near.instance.medals.names, _medal),
    ):
        for number, name in enumerate(names):
            try:
                found.append(priced(near, number))
            except SolverError:
                unproven.append(render((section, name)))
    return tuple(kink for kink in found if kink is not None)


def _metal(near: Near, e: int) -> Kink | None:
    more, fewer = changes.metal(near, e, 1), changes.metal(near, e, -1)
    if more is None or fewer is None:
        return None
    up, down = near.slope(more), near.slope(fewer)
    metals = near.instance.metals
    return Kink(
        render(("metals", metals.names[e])),
        metals.titles[e],
        e,
        near.proven(up),
        _saved(near.proven(down)),
        "kg",
        _market(near, e),
        () if up is None else parts(near, up.x),
    )


def _medal(near: Near, m: int) -> Kink | None:
    medals = near.instance.medals
    name, count = medals.names[m], int(medals.count[m])
    more: float | None
    taken: tuple[Part, ...] = ()
    if count:
        up = near.rerun.step(changes.medal(near, m, 1))
        more, taken = (None, ()) if up is None else (up.value, parts(near, up.x))
    else:  # its alloys may stand in no row yet
        more = _anew(near, m)
    down = near.rerun.step(changes.medal(near, m, -1)) if count else None
    fewer = None if down is None else _saved(down.value)
    return Kink(render(("medals", name, "count")), name, None, more, fewer, None, None, taken)


def _anew(near: Near, m: int) -> float | None:
    instance = near.instance
    count = instance.medals.count.copy()
    count[m] += 1
    changed = dataclasses.replace(instance, medals=dataclasses.replace(instance.medals, count=count))
    try:
        return solve(changed, near.plan.measure, near.extensions).objective - near.plan.objective
    except NoPlanError:
        return None


def _saved(value: float | None) -> float | None:
    return None if value is None else 0.0 - value


def _market(near: Near, e: int) -> Market | None:
    """Return the cheapest offer of a metal, on average over the periods in which it is used; else what it fetches."""
    instance = near.instance
    if near.plan.measure != "cost":
        return None
    weights = _when(near, e)
    content, asked = instance.market.composition.value[:, e], instance.market.price.value @ weights
    each = np.divide(asked, content, out=np.full_like(asked, np.inf), where=content > PURE)
    if len(each) and np.isfinite(each.min()):
        offer = int(each.argmin())
        name = instance.market.names[offer]
        return Market(render(("market", name, "price")), name, float(each[offer]), True)
    fetched = float(instance.metals.sell.value[e] @ weights)
    symbol = instance.metals.names[e]
    return Market(render(("metals", symbol, "sell")), "sold", fetched, False) if fetched else None


def _when(near: Near, e: int) -> Floats:
    """Return how the use of a metal, or else what is left over of it, spreads over the periods, (T,)."""
    used = near.account.composition[:, e].sum(axis=0)
    spread = used if used.sum() > 0 else near.account.decisions.surplus[e]
    return np.asarray(spread / spread.sum())


def parts(near: Near, x: Floats) -> tuple[Part, ...]:
    """Return the sources and offers of which a plan that differs by `x`, (N,), takes more or less, the most first."""
    instance, block = near.instance, near.block
    tonnes = np.bincount(near.account.found.stream[block.route], x[: len(block.route)], len(instance.streams.names))
    taken = [Part(source.name, float(tonnes[source.streams].sum()), "t") for source in sources(instance)]
    bought = dict.fromkeys(instance.market.names, 0.0)
    stocked = {index[0] for name, index in near.columns if name == "acquire" and isinstance(index, tuple)}
    for (name, index), column in near.columns.items():
        if isinstance(index, tuple) and (name == "acquire" or (name == "buy" and index[0] not in stocked)):
            bought[index[0]] += float(x[column])
    return (*_noticed(taken), *_noticed([Part(offer, kg, "kg") for offer, kg in bought.items()]))


def _noticed(parts: list[Part]) -> list[Part]:
    least = _LEAST * max((abs(part.amount) for part in parts), default=0.0)
    return sorted((part for part in parts if abs(part.amount) > least), key=lambda part: -abs(part.amount))
