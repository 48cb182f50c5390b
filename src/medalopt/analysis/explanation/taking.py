"""Why each source is taken, and up to what price it stays; why one is left out, and at what price it would come in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np

from medalopt.analysis.explanation.groups import Source
from medalopt.analysis.explanation.invoice import rents
from medalopt.analysis.explanation.near import Near
from medalopt.analysis.sensitivity.steps import attempted
from medalopt.errors import SolverError
from medalopt.instance.figures import Floats
from medalopt.instance.routes import refining_costs

NOTHING = 1e-9  # of what is offered: less is not taken


@dataclass(frozen=True)
class Way:
    """A treatment and a smelter (none: it leaves the project), with the tonnes sent that way.

    `short`: by how much a tonne is at least dearer there than on the best way, at the plan's prices.
    """

    treatment: str
    smelter: str | None
    tonnes: float
    short: float


@dataclass(frozen=True)
class Taking:
    """A source in the plan. Prices are per tonne and rise or fall by so much for all its streams alike.

    `falls_at`: less of it is taken when it costs more by more than that; `leaves_at`: none. `enters_at`: more of it
    is taken when it costs less by more than that. Infinite where no price does it, and where it is already so, 0.
    """

    source: Source
    offered: float
    taken: float
    price: float  # paid to suppliers and for collection, per tonne on offer
    costs: tuple[tuple[str, float], ...]  # what a tonne costs on its way by kind (left out: on the best way)
    rent: float  # what a tonne on offer takes off the measure
    falls_at: float
    leaves_at: float
    enters_at: float
    least: float  # tonnes, over all optimal plans
    most: float
    returned: tuple[tuple[str, float, float], ...]  # metal, kg and worth per tonne, likewise; the dearest first
    ways: tuple[Way, ...]  # those taken, the most tonnes first, then the others, the nearest rival first

    @property
    def cost(self) -> float:
        """What a tonne costs on its way."""
        return sum(cost for _, cost in self.costs)

    @property
    def worth(self) -> float:
        """What the metals that a tonne brings are worth, at the plan's prices."""
        return sum(worth for _, _, worth in self.returned)

    @property
    def left_out(self) -> bool:
        """Whether nothing of it is taken."""
        return self.taken <= NOTHING * self.offered


def takings(near: Near, told: tuple[Source, ...], unproven: list[str]) -> tuple[Taking, ...]:
    """Return every source of `told`, the groups of the sums that `near` was made with; the most tonnes first.

    A source of which a price cannot be proven goes to `unproven`, by its name.
    """
    supply, found = rents(near)[0], []
    for group, source in enumerate(told):
        try:
            found.append(_taking(near, group, source, supply))
        except SolverError:
            unproven.append(source.name)
    return tuple(sorted(found, key=lambda one: (-one.taken, -one.offered, one.source.name)))


def entering(near: Near, groups: int) -> tuple[float | None, ...]:
    """Return for each of the `groups` of sources that `near` was made with by how much it must cost less, a tonne.

    Then more of it is taken; 0 where that is so already, infinite where no price does it, None where it is not proven.
    """
    return tuple(attempted(partial(_slope, near, group, 1)) for group in range(groups))


def _taking(near: Near, group: int, source: Source, supply: Floats) -> Taking:
    instance, rerun, at = near.instance, near.rerun, source.streams
    available = instance.streams.available.value[at].sum(axis=1)
    offered, taken = float(available.sum()), float(rerun.total[group])
    each = (instance.streams.price.value + instance.streams.collection.value)[at]
    some = taken > NOTHING * offered
    sent = np.where(np.isin(near.account.found.stream, at)[:, None], near.account.decisions.sent, 0.0)
    least, most = rerun.least_and_most(group)
    way = sent if some else _best_way(near, source)
    return Taking(
        source=source,
        offered=offered,
        taken=taken if some else 0.0,
        price=float(each @ available) / offered if offered else float(each.mean()),
        costs=_costs(near, way),
        rent=0.0 - float(supply[at].sum()) / offered if offered else 0.0,
        falls_at=_slope(near, group, -1) if some else 0.0,
        leaves_at=rerun.leaves_at(group) if some else 0.0,
        enters_at=_slope(near, group, 1),
        least=least,
        most=most,
        returned=_returned(near, way),
        ways=_ways(near, source, sent, way),
    )


def _slope(near: Near, group: int, by: int) -> float:
    shift = near.rerun.slope_of_sum(group, by)
    return math.inf if shift is None else max(shift.value, 0.0)


def _costs(near: Near, sent: Floats) -> tuple[tuple[str, float], ...]:
    """Return what the tonnes `sent`, (J, T), cost on average, by kind."""
    found, tonnes = near.account.found, float(sent.sum()) or 1.0
    kinds = ("supply", "collection", "treating", "transport", "smelting", "residue")
    each = {kind: float((getattr(found, kind) @ sent).sum()) / tonnes for kind in kinds}
    refined = refining_costs(near.instance, found) * sent - near.account.not_refined(sent)
    each["refining"] = float(refined.sum()) / tonnes
    return tuple((kind, cost) for kind, cost in each.items() if cost)


def _returned(near: Near, sent: Floats) -> tuple[tuple[str, float, float], ...]:
    """Return each metal that comes back of the tonnes `sent`, kg per tonne and what they are worth."""
    instance, found = near.instance, near.account.found
    tonnes, periods = float(sent.sum()) or 1.0, len(instance.periods)
    rows = []
    travels = np.flatnonzero(found.smelter >= 0)
    for e, title in enumerate(instance.metals.titles):
        back = np.arange(periods)[None, :] + instance.smelters.lead[found.smelter[travels], e][:, None]
        settled = near.account.settled(travels, e) * sent[travels]
        kilograms = np.where(back < periods, found.returned[travels, e][:, None] * settled, 0.0)
        worth = -near.prices.balance[e][np.minimum(back, periods - 1)] * kilograms
        if kilograms.sum() > 0:
            rows.append((title, float(kilograms.sum()) / tonnes, float(worth.sum()) / tonnes))
    return tuple(sorted(rows, key=lambda row: (-row[2], row[0])))


def _best_way(near: Near, source: Source) -> Floats:
    """Return, as tonnes sent, what each stream of a source offers on its best way at the plan's prices, (J, T)."""
    found, available = near.account.found, near.instance.streams.available.value
    price = near.route_prices
    sent = np.zeros_like(price)
    for i in source.streams.tolist():
        ways = np.flatnonzero(found.stream == i)
        if len(ways):
            sent[ways[price[ways].argmin(axis=0)], np.arange(price.shape[1])] = available[i]
    return sent


def _ways(near: Near, source: Source, sent: Floats, best_way: Floats) -> tuple[Way, ...]:
    """Return the ways of a source; a rival counts in the periods in which its stream is sent, or would be best."""
    instance, found = near.instance, near.account.found
    price = near.route_prices
    best = np.full((len(instance.streams.names), len(instance.periods)), np.inf)
    np.minimum.at(best, found.stream, price)
    busy = np.zeros(best.shape)
    np.add.at(busy, found.stream, best_way)
    short = np.where(busy[found.stream] > 0, price - best[found.stream], np.inf).min(axis=1, initial=np.inf)
    groups: dict[tuple[int, int], list[int]] = {}
    for route in np.flatnonzero(np.isin(found.stream, source.streams)).tolist():
        groups.setdefault((int(found.treatment[route]), int(found.smelter[route])), []).append(route)
    ways = [
        Way(
            instance.treatments.names[treatment],
            instance.smelters.names[smelter] if smelter >= 0 else None,
            float(sent[routes].sum()),
            max(float(short[routes].min()), 0.0),
        )
        for (treatment, smelter), routes in groups.items()
    ]
    return tuple(sorted(ways, key=lambda way: (-way.tonnes, way.short, way.treatment, way.smelter or "")))
