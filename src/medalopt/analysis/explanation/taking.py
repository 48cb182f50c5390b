"""Break-even prices of supply sources: price increase at which one leaves the plan, decrease at which it enters."""

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

NOTHING = 1e-9  # share of the supply below which a source counts as not taken


@dataclass(frozen=True)
class Way:
    """Route of a source: treatment and smelter (None: passed on to ordinary recycling), with the tonnes sent on it.

    `short`: least excess of its reduced cost over that of the best route, per tonne.
    """

    treatment: str
    smelter: str | None
    tonnes: float
    short: float


@dataclass(frozen=True)
class Taking:
    """Source in the plan with its break-even prices, as equal changes of the price per tonne of all its streams.

    `falls_at`: increase above which less of it is taken; `leaves_at`: increase above which none is; `enters_at`:
    decrease above which more of it is. They are infinite if no price has the effect, and 0 if any price change has it.
    """

    source: Source
    offered: float
    taken: float
    price: float  # of goods and collection, per tonne of supply
    costs: tuple[tuple[str, float], ...]  # cost per tonne by kind (if not taken: on the best route)
    rent: float  # decrease of the objective per tonne of supply
    falls_at: float
    leaves_at: float
    enters_at: float
    least: float  # least and greatest tonnes over all optimal plans
    most: float
    returned: tuple[tuple[str, float, float], ...]  # metal, kg and value per tonne; by descending value
    ways: tuple[Way, ...]  # routes by descending tonnes, unused ones by ascending excess cost

    @property
    def cost(self) -> float:
        """Cost of one tonne along its routes."""
        return sum(cost for _, cost in self.costs)

    @property
    def worth(self) -> float:
        """Value of the metals recovered from one tonne, at shadow prices."""
        return sum(worth for _, _, worth in self.returned)

    @property
    def left_out(self) -> bool:
        """True if nothing of it is taken."""
        return self.taken <= NOTHING * self.offered


def takings(near: Near, told: tuple[Source, ...], unproven: list[str]) -> tuple[Taking, ...]:
    """Analyse sources.

    Args:
        near: Neighbourhood of the plan, prepared with the streams of these sources.
        told: Sources.
        unproven: Receives the names of sources whose break-even prices cannot be verified.

    Returns:
        The other sources by descending tonnes taken.
    """
    supply, found = rents(near)[0], []
    for group, source in enumerate(told):
        try:
            found.append(_taking(near, group, source, supply))
        except SolverError:
            unproven.append(source.name)
    return tuple(sorted(found, key=lambda one: (-one.taken, -one.offered, one.source.name)))


def entering(near: Near, groups: int) -> tuple[float | None, ...]:
    """Compute the price decrease per tonne at which more of each source is taken.

    Args:
        near: Neighbourhood of the plan, prepared with the streams of the sources.
        groups: Number of sources.

    Returns:
        Decrease of each source, 0 if any decrease does, infinite if none does, None if it cannot be verified.
    """
    return tuple(attempted(partial(_slope, near, group, 1)) for group in range(groups))


def _taking(near: Near, group: int, source: Source, supply: Floats) -> Taking:
    """Analyse one source. Raises SolverError if a break-even price cannot be verified."""
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
    """Return the price change at which the tonnes of a source change by `by`; infinite if none does."""
    shift = near.rerun.slope_of_sum(group, by)
    return math.inf if shift is None else max(shift.value, 0.0)


def _costs(near: Near, sent: Floats) -> tuple[tuple[str, float], ...]:
    """Return the average cost per tonne of the tonnes sent, (J, T), by kind."""
    found, tonnes = near.account.found, float(sent.sum()) or 1.0
    kinds = ("supply", "collection", "treating", "transport", "smelting", "residue")
    each = {kind: float((getattr(found, kind) @ sent).sum()) / tonnes for kind in kinds}
    refined = refining_costs(near.instance, found) * sent - near.account.not_refined(sent)
    each["refining"] = float(refined.sum()) / tonnes
    return tuple((kind, cost) for kind, cost in each.items() if cost)


def _returned(near: Near, sent: Floats) -> tuple[tuple[str, float, float], ...]:
    """Return each metal recovered from the tonnes sent, (J, T): kilograms and value per tonne."""
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
    """Return the supply of each stream of a source on its best route at shadow prices, (J, T) [t]."""
    found, available = near.account.found, near.instance.streams.available.value
    price = near.route_prices
    sent = np.zeros_like(price)
    for i in source.streams.tolist():
        ways = np.flatnonzero(found.stream == i)
        if len(ways):
            sent[ways[price[ways].argmin(axis=0)], np.arange(price.shape[1])] = available[i]
    return sent


def _ways(near: Near, source: Source, sent: Floats, best_way: Floats) -> tuple[Way, ...]:
    """Return the routes of a source; alternatives are compared in the periods in which the stream is sent or best."""
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
