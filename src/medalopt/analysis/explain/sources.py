"""Break-even prices of supply sources: price increase at which one leaves the plan, decrease at which it enters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.analysis.explain.local_analysis import PlanNeighbourhood, SupplySource
from medalopt.analysis.explain.shadow_prices import compute_supply_rents
from medalopt.errors import SolverError
from medalopt.instance.arrays import Floats, Ints
from medalopt.instance.lots import STREAM_STEPS, allocate_surcharges, compute_marginal_prices, compute_mean_price
from medalopt.instance.routes import Routes, compute_refining_costs, fold_branches, sum_over_routes
from medalopt.instance.smelter_terms import read_at_credit
from medalopt.proof.prices import value_credited_metal
from medalopt.tolerances import AMOUNT_TOLERANCE


@dataclass(frozen=True)
class SourceRoute:
    """Route of a source: treatment and smelter (None: passed on to ordinary recycling), with the tonnes sent on it.

    `shortfall`: least excess of its reduced cost over that of the best route, or best smelter of a fraction, per tonne.
    """

    treatment: str
    smelter: str | None
    tonnes: float
    shortfall: float
    split: bool = False  # whether its fractions go on


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
    minimum: float  # least and greatest tonnes over all optimal plans
    maximum: float
    returned: tuple[tuple[str, float, float], ...]  # metal, kg and value per tonne; by descending value
    routes: tuple[SourceRoute, ...]  # routes by descending tonnes, unused ones by ascending excess cost

    @property
    def cost(self) -> float:
        """Cost of one tonne along its routes, money per t."""
        return sum(cost for _, cost in self.costs)

    @property
    def metal_value(self) -> float:
        """Value of the metals recovered from one tonne, at shadow prices, money per t."""
        return sum(value for _, _, value in self.returned)

    @property
    def left_out(self) -> bool:
        """Return whether nothing of it is taken, within rounding."""
        return self.taken <= AMOUNT_TOLERANCE * self.offered


def analyse_sources(
    neighbourhood: PlanNeighbourhood, sources: tuple[SupplySource, ...], unproven: list[str]
) -> tuple[SourceAnalysis, ...]:
    """Analyse sources.

    Args:
        neighbourhood: Neighbourhood of the plan, prepared with the streams of these sources.
        unproven: Receives the names of sources whose break-even prices cannot be verified.

    Returns:
        The other sources by descending tonnes taken.
    """
    supply, result = compute_supply_rents(neighbourhood)[0], []
    for group, source in enumerate(sources):
        try:
            result.append(_analyse_source(neighbourhood, group, source, supply))
        except SolverError:
            unproven.append(source.name)
    return tuple(sorted(result, key=lambda analysis: (-analysis.taken, -analysis.offered, analysis.source.name)))


def _analyse_source(
    neighbourhood: PlanNeighbourhood, group: int, source: SupplySource, supply: Floats
) -> SourceAnalysis:
    """Analyse one source. Raises SolverError if a break-even price cannot be verified."""
    instance, local, index = neighbourhood.instance, neighbourhood.local, source.streams
    available = instance.streams.available.value[index].sum(axis=1)
    offered, taken = float(available.sum()), local.totals[group]
    each = compute_mean_price(instance, compute_marginal_prices(neighbourhood.account, STREAM_STEPS))[index]
    some = taken > AMOUNT_TOLERANCE * offered
    sent = np.where(
        np.isin(neighbourhood.account.routes.stream, index)[:, None], neighbourhood.account.decisions.sent, 0.0
    )
    minimum, maximum = local.find_optimal_range(group)
    shipped = sent if some else _choose_best_routes(neighbourhood, source)
    return SourceAnalysis(
        source=source,
        offered=offered,
        taken=taken if some else 0.0,
        price=float(each @ available) / offered if offered else float(each.mean()),
        costs=_average_costs(neighbourhood, shipped, planned=some),
        rent=0.0 - float(supply[index].sum()) / offered if offered else 0.0,
        falls_at=neighbourhood.compute_source_slope(group, -1) if some else 0.0,
        leaves_at=local.find_leaving_price(group) if some else 0.0,
        enters_at=neighbourhood.compute_source_slope(group, 1),
        minimum=minimum,
        maximum=maximum,
        returned=_average_returns(neighbourhood, shipped),
        routes=_compare_routes(neighbourhood, source, sent, shipped),
    )


def _average_costs(neighbourhood: PlanNeighbourhood, sent: Floats, planned: bool) -> tuple[tuple[str, float], ...]:
    """Return the average cost per tonne of the tonnes sent, (J, T), by kind; `planned`: as the plan sends them."""
    routes = neighbourhood.account.routes
    tonnes = float(routes.mask_branches(sent).sum()) or 1.0
    kinds: tuple[str, ...] = ("supply", "collection", "treating", "transport", "smelting", "residue")
    kinds = kinds if routes.parent is None else (*kinds, "sales")
    each = {kind: float(sum_over_routes(getattr(routes, kind), sent).sum()) / tonnes for kind in kinds}
    if planned and "stream" in neighbourhood.account.surcharges:
        surcharge = np.where(sent > 0, allocate_surcharges(neighbourhood.account), 0.0)
        each["supply"] += float(surcharge.sum()) / tonnes
    refined = compute_refining_costs(
        neighbourhood.instance, routes
    ) * sent - neighbourhood.account.compute_unrefined_charge(sent)
    each["refining"] = float(refined.sum()) / tonnes
    return tuple((kind, cost) for kind, cost in each.items() if cost)


def _average_returns(neighbourhood: PlanNeighbourhood, sent: Floats) -> tuple[tuple[str, float, float], ...]:
    """Return each metal recovered from the tonnes sent, (J, T): kilograms and value per tonne."""
    instance, routes = neighbourhood.instance, neighbourhood.account.routes
    tonnes, periods = float(routes.mask_branches(sent).sum()) or 1.0, len(instance.periods)
    rows = []
    travels = np.flatnonzero(routes.smelter >= 0)
    prices = neighbourhood.prices.replace(balance=neighbourhood.metal_prices)
    for e, title in enumerate(instance.metals.titles):
        back = np.arange(periods)[None, :] + instance.smelters.lead[routes.smelter[travels], e][:, None]
        settled = neighbourhood.account.compute_settled_share(travels, e) * sent[travels]
        kilograms = np.where(back < periods, routes.returned[travels, e][:, None] * settled, 0.0)
        saved = value_credited_metal(instance, routes, prices, travels, e, back)
        value = saved * kilograms
        if instance.metals.surplus_to_smelter[e]:  # its refining charge is not among the costs
            left = kilograms * (1 - neighbourhood.account.compute_called_share(travels, e))
            charge = instance.terms.refining_charge.value[routes.line[travels], e]
            lead = instance.smelters.lead[routes.smelter[travels], e]
            value = value - read_at_credit(charge, lead, periods) * left
        if kilograms.sum() > 0:
            rows.append((title, float(kilograms.sum()) / tonnes, float(value.sum()) / tonnes))
    return tuple(sorted(rows, key=lambda row: (-row[2], row[0])))


def _choose_best_routes(neighbourhood: PlanNeighbourhood, source: SupplySource) -> Floats:
    """Return the supply of each stream of a source on its best route at shadow prices, (J, T) [t]."""
    routes, available = neighbourhood.account.routes, neighbourhood.instance.streams.available.value
    price = neighbourhood.route_prices
    folded, groups = fold_branches(routes, price), routes.fraction_groups
    sent, periods = np.zeros_like(price), np.arange(price.shape[1])
    for i in source.streams.tolist():
        candidates = np.flatnonzero((routes.stream == i) & routes.treats)
        if len(candidates):
            sent[candidates[folded[candidates].argmin(axis=0)], periods] = available[i]
    for group in np.flatnonzero(np.isin(routes.stream[groups.parent], source.streams)).tolist():
        branches = np.flatnonzero(groups.group == group)
        sent[branches[price[branches].argmin(axis=0)], periods] += sent[groups.parent[group]]
    return sent


def _compare_alternatives(routes: Routes, price: Floats) -> tuple[Ints, Floats, Floats]:
    """Return the choice that each route belongs to (J,), its price and the least price of that choice, (J, T) each.

    A choice is that of a stream, among routes that take devices with all their fractions, or that of one fraction.
    """
    groups, own = routes.fraction_groups, price
    choice = np.where(groups.group >= 0, groups.group + int(routes.stream.max(initial=-1)) + 1, routes.stream)
    if len(groups.parent):
        own = np.where(routes.treats[:, None], fold_branches(routes, price), price)
    least = np.full((int(choice.max(initial=-1)) + 1, price.shape[1]), np.inf)
    np.minimum.at(least, choice, own)
    return choice, own, least[choice]


def _compare_routes(
    neighbourhood: PlanNeighbourhood, source: SupplySource, sent: Floats, best_way: Floats
) -> tuple[SourceRoute, ...]:
    """Return the routes of a source; alternatives are compared in the periods in which the stream is sent or best."""
    instance, all_routes = neighbourhood.instance, neighbourhood.account.routes
    choice, price, least = _compare_alternatives(all_routes, neighbourhood.route_prices)
    busy = np.zeros((int(choice.max(initial=-1)) + 1, len(instance.periods)))
    np.add.at(busy, choice, best_way)
    short = np.where(busy[choice] > 0, price - least, np.inf).min(axis=1, initial=np.inf)
    groups: dict[tuple[int, int], list[int]] = {}
    split = instance.treatments.mark_split()
    for route in np.flatnonzero(np.isin(all_routes.stream, source.streams)).tolist():
        groups.setdefault((int(all_routes.treatment[route]), int(all_routes.smelter[route])), []).append(route)
    candidates = [
        SourceRoute(
            instance.treatments.names[treatment],
            instance.smelters.names[smelter] if smelter >= 0 else None,
            float(sent[routes].sum()),
            max(float(short[routes].min()), 0.0),
            bool(split[treatment, instance.streams.device[all_routes.stream[routes]]].any()),
        )
        for (treatment, smelter), routes in groups.items()
    ]
    return tuple(
        sorted(candidates, key=lambda route: (-route.tonnes, route.shortfall, route.treatment, route.smelter or ""))
    )
