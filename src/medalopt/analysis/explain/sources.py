"""Supply sources: the supply of one region and kind, which is a single stream or the bundle it belongs to.

Break-even prices of supply sources: price increase at which one leaves the plan, decrease at which it enters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np

from medalopt.analysis.explain.cost_breakdown import compute_supply_rents
from medalopt.analysis.explain.local_analysis import PlanNeighbourhood
from medalopt.analysis.sensitivity.base_case import solve_or_none
from medalopt.errors import SolverError
from medalopt.instance.arrays import Floats, Ints
from medalopt.instance.instance import Instance
from medalopt.instance.paths import render_path
from medalopt.instance.routes import compute_refining_costs
from medalopt.tolerances import AMOUNT_TOLERANCE

MAX_SOURCES = 12  # sources reported one by one


@dataclass(frozen=True, eq=False)
class SupplySource:
    """Streams that are reported together; `region` is empty for all regions."""

    what: str
    region: str
    streams: Ints

    @property
    def name(self) -> str:
        """Name of the source for a sentence."""
        return f"{self.what} from {self.region}" if self.region else self.what

    def paths(self, instance: Instance) -> list[str]:
        """Return the paths of its streams.

        Args:
            instance: Instance.

        Returns:
            One path per stream.
        """
        return [render_path(("streams", instance.streams.names[i])) for i in self.streams.tolist()]


def list_sources(instance: Instance) -> tuple[SupplySource, ...]:
    """List the sources of an instance.

    Args:
        instance: Instance.

    Returns:
        Sources in the order of their first streams.
    """
    return _group_streams([_make_source_key(instance, i) for i in range(len(instance.streams.names))])


def group_sources(instance: Instance) -> tuple[SupplySource, ...]:
    """Group streams for a report: by source if there are at most twelve, else by kind over all regions.

    Args:
        instance: Instance.

    Returns:
        The groups.
    """
    each = list_sources(instance)
    if len(each) <= MAX_SOURCES:
        return each
    return _group_streams([(_make_source_key(instance, i)[0], "") for i in range(len(instance.streams.names))])


def find_source(instance: Instance, stream: int) -> SupplySource:
    """Find the source of a stream.

    Args:
        instance: Instance.
        stream: Number of the stream.

    Returns:
        The source.
    """
    return next(source for source in list_sources(instance) if stream in source.streams)


def _make_source_key(instance: Instance, stream: int) -> tuple[str, str]:
    """Return kind and region of the source of a stream."""
    streams = instance.streams
    region, bundle = instance.regions[streams.region[stream]], streams.bundle[stream]
    if bundle >= 0:
        return f"{instance.bundles[bundle][1]} (bundle)", region
    return streams.names[stream].removesuffix(f"@{region}"), region


def _group_streams(keys: list[tuple[str, str]]) -> tuple[SupplySource, ...]:
    """Group streams by their keys."""
    members: dict[tuple[str, str], list[int]] = {}
    for stream, key in enumerate(keys):
        members.setdefault(key, []).append(stream)
    return tuple(SupplySource(*key, np.array(streams, dtype=np.intp)) for key, streams in members.items())


@dataclass(frozen=True)
class SourceRoute:
    """Route of a source: treatment and smelter (None: passed on to ordinary recycling), with the tonnes sent on it.

    `short`: least excess of its reduced cost over that of the best route, per tonne.
    """

    treatment: str
    smelter: str | None
    tonnes: float
    short: float


@dataclass(frozen=True)
class SourceAnalysis:
    """Source in the plan with its break-even prices, as equal changes of the price per tonne of all its streams.

    `falls_at`: increase above which less of it is taken; `leaves_at`: increase above which none is; `enters_at`:
    decrease above which more of it is. They are infinite if no price has the effect, and 0 if any price change has it.
    """

    source: SupplySource
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
    ways: tuple[SourceRoute, ...]  # routes by descending tonnes, unused ones by ascending excess cost

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
        return self.taken <= AMOUNT_TOLERANCE * self.offered


def analyse_sources(
    near: PlanNeighbourhood, told: tuple[SupplySource, ...], unproven: list[str]
) -> tuple[SourceAnalysis, ...]:
    """Analyse sources.

    Args:
        near: Neighbourhood of the plan, prepared with the streams of these sources.
        told: Sources.
        unproven: Receives the names of sources whose break-even prices cannot be verified.

    Returns:
        The other sources by descending tonnes taken.
    """
    supply, found = compute_supply_rents(near)[0], []
    for group, source in enumerate(told):
        try:
            found.append(_analyse_source(near, group, source, supply))
        except SolverError:
            unproven.append(source.name)
    return tuple(sorted(found, key=lambda one: (-one.taken, -one.offered, one.source.name)))


def compute_entry_discounts(near: PlanNeighbourhood, groups: int) -> tuple[float | None, ...]:
    """Compute the price decrease per tonne at which more of each source is taken.

    Args:
        near: Neighbourhood of the plan, prepared with the streams of the sources.
        groups: Number of sources.

    Returns:
        Decrease of each source, 0 if any decrease does, infinite if none does, None if it cannot be verified.
    """
    return tuple(solve_or_none(partial(_compute_source_slope, near, group, 1)) for group in range(groups))


def _analyse_source(near: PlanNeighbourhood, group: int, source: SupplySource, supply: Floats) -> SourceAnalysis:
    """Analyse one source. Raises SolverError if a break-even price cannot be verified."""
    instance, local, at = near.instance, near.local, source.streams
    available = instance.streams.available.value[at].sum(axis=1)
    offered, taken = float(available.sum()), local.totals[group]
    each = (instance.streams.price.value + instance.streams.collection.value)[at]
    some = taken > AMOUNT_TOLERANCE * offered
    sent = np.where(np.isin(near.account.routes.stream, at)[:, None], near.account.decisions.sent, 0.0)
    least, most = local.find_optimal_range(group)
    way = sent if some else _choose_best_routes(near, source)
    return SourceAnalysis(
        source=source,
        offered=offered,
        taken=taken if some else 0.0,
        price=float(each @ available) / offered if offered else float(each.mean()),
        costs=_average_costs(near, way),
        rent=0.0 - float(supply[at].sum()) / offered if offered else 0.0,
        falls_at=_compute_source_slope(near, group, -1) if some else 0.0,
        leaves_at=local.find_leaving_price(group) if some else 0.0,
        enters_at=_compute_source_slope(near, group, 1),
        least=least,
        most=most,
        returned=_average_returns(near, way),
        ways=_compare_routes(near, source, sent, way),
    )


def _compute_source_slope(near: PlanNeighbourhood, group: int, by: int) -> float:
    """Return the price change at which the tonnes of a source change by `by`; infinite if none does."""
    shift = near.local.solve_metered_direction(group, by)
    return math.inf if shift is None else max(shift.value, 0.0)


def _average_costs(near: PlanNeighbourhood, sent: Floats) -> tuple[tuple[str, float], ...]:
    """Return the average cost per tonne of the tonnes sent, (J, T), by kind."""
    found, tonnes = near.account.routes, float(sent.sum()) or 1.0
    kinds = ("supply", "collection", "treating", "transport", "smelting", "residue")
    each = {kind: float((getattr(found, kind) @ sent).sum()) / tonnes for kind in kinds}
    refined = compute_refining_costs(near.instance, found) * sent - near.account.compute_unrefined_charge(sent)
    each["refining"] = float(refined.sum()) / tonnes
    return tuple((kind, cost) for kind, cost in each.items() if cost)


def _average_returns(near: PlanNeighbourhood, sent: Floats) -> tuple[tuple[str, float, float], ...]:
    """Return each metal recovered from the tonnes sent, (J, T): kilograms and value per tonne."""
    instance, found = near.instance, near.account.routes
    tonnes, periods = float(sent.sum()) or 1.0, len(instance.periods)
    rows = []
    travels = np.flatnonzero(found.smelter >= 0)
    for e, title in enumerate(instance.metals.titles):
        back = np.arange(periods)[None, :] + instance.smelters.lead[found.smelter[travels], e][:, None]
        settled = near.account.compute_settled_share(travels, e) * sent[travels]
        kilograms = np.where(back < periods, found.returned[travels, e][:, None] * settled, 0.0)
        worth = -near.prices.balance[e][np.minimum(back, periods - 1)] * kilograms
        if kilograms.sum() > 0:
            rows.append((title, float(kilograms.sum()) / tonnes, float(worth.sum()) / tonnes))
    return tuple(sorted(rows, key=lambda row: (-row[2], row[0])))


def _choose_best_routes(near: PlanNeighbourhood, source: SupplySource) -> Floats:
    """Return the supply of each stream of a source on its best route at shadow prices, (J, T) [t]."""
    found, available = near.account.routes, near.instance.streams.available.value
    price = near.route_prices
    sent = np.zeros_like(price)
    for i in source.streams.tolist():
        ways = np.flatnonzero(found.stream == i)
        if len(ways):
            sent[ways[price[ways].argmin(axis=0)], np.arange(price.shape[1])] = available[i]
    return sent


def _compare_routes(
    near: PlanNeighbourhood, source: SupplySource, sent: Floats, best_way: Floats
) -> tuple[SourceRoute, ...]:
    """Return the routes of a source; alternatives are compared in the periods in which the stream is sent or best."""
    instance, found = near.instance, near.account.routes
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
        SourceRoute(
            instance.treatments.names[treatment],
            instance.smelters.names[smelter] if smelter >= 0 else None,
            float(sent[routes].sum()),
            max(float(short[routes].min()), 0.0),
        )
        for (treatment, smelter), routes in groups.items()
    ]
    return tuple(sorted(ways, key=lambda way: (-way.tonnes, way.short, way.treatment, way.smelter or "")))
