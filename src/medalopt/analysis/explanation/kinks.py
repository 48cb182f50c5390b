"""Marginal prices of metals and medals: cost of one more, saving of one less; they differ at a degenerate optimum."""

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

_LEAST = 1e-9  # relative to the largest change; smaller ones are dropped
PURE = 0.5  # share of a metal above which an offer counts as an offer of it


@dataclass(frozen=True)
class Part:
    """Change of one quantity per unit of need: tonnes of a source, or kilograms of an offer."""

    what: str
    amount: float
    unit: str


@dataclass(frozen=True)
class Market:
    """Market price of a metal [per kg]: that of the cheapest offer, or its sales price; `path` is the parameter."""

    path: str
    name: str
    price: float
    offered: bool  # price of an offer, else the sales price


@dataclass(frozen=True)
class Kink:
    """Marginal prices of one metal (per kg) or kind of medal (per piece); None if that direction is infeasible."""

    path: str
    name: str
    metal: int | None
    more: float | None  # cost of one more
    fewer: float | None  # saving of one less
    unit: str | None
    market: Market | None
    parts: tuple[Part, ...]  # changes of the plan with one more

    @property
    def ratio(self) -> float | None:
        """Cost of one more as multiple of the market price; None if there is no market price."""
        if self.market is None or self.more is None or not self.market.price > 0:
            return None
        return self.more / self.market.price


def kinks(near: Near, unproven: list[str]) -> tuple[Kink, ...]:
    """Compute the marginal prices of all metals that the plan needs or has a surplus of, and of all kinds of medal.

    Args:
        near: Neighbourhood of the plan.
        unproven: Receives the path of each metal or medal whose price cannot be verified.

    Returns:
        The other prices, metals first.
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
    """Return the marginal prices of a metal; None if the plan neither needs it nor has a surplus."""
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
    """Return the marginal prices of a kind of medal, for whole medals."""
    medals = near.instance.medals
    name, count = medals.names[m], int(medals.count[m])
    more: float | None
    taken: tuple[Part, ...] = ()
    if count:
        up = near.rerun.step(changes.medal(near, m, 1))
        more, taken = (None, ()) if up is None else (up.value, parts(near, up.x))
    else:  # the LP may have no rows for its alloys
        more = _anew(near, m)
    down = near.rerun.step(changes.medal(near, m, -1)) if count else None
    fewer = None if down is None else _saved(down.value)
    return Kink(render(("medals", name, "count")), name, None, more, fewer, None, None, taken)


def _anew(near: Near, m: int) -> float | None:
    """Return the cost of the first medal of a kind, by solving the changed instance; None if it is infeasible."""
    instance = near.instance
    count = instance.medals.count.copy()
    count[m] += 1
    changed = dataclasses.replace(instance, medals=dataclasses.replace(instance.medals, count=count))
    try:
        return solve(changed, near.plan.measure, near.extensions).objective - near.plan.objective
    except NoPlanError:
        return None


def _saved(value: float | None) -> float | None:
    """Return a derivative with the opposite sign (without negative zero)."""
    return None if value is None else 0.0 - value


def _market(near: Near, e: int) -> Market | None:
    """Return the cheapest offer of a metal, averaged over the periods of its use; else its sales price."""
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
    """Return the share of each period in the use of a metal, or else in its surplus, (T,)."""
    used = near.account.composition[:, e].sum(axis=0)
    spread = used if used.sum() > 0 else near.account.decisions.surplus[e]
    return np.asarray(spread / spread.sum())


def parts(near: Near, x: Floats) -> tuple[Part, ...]:
    """List the sources and offers whose quantities change in a direction of the plan.

    Args:
        near: Neighbourhood of the plan.
        x: Direction, (N,).

    Returns:
        Changes of sources, then of offers, by descending absolute value; negligible ones are dropped.
    """
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
    """Drop negligible changes and sort the others by absolute value."""
    least = _LEAST * max((abs(part.amount) for part in parts), default=0.0)
    return sorted((part for part in parts if abs(part.amount) > least), key=lambda part: -abs(part.amount))
