r"""Cost breakdown by shadow price: needs at marginal prices, less the rents of scarce supply, capacities and limits.

By strong duality, the objective equals $\sum_iy_ib_i$ over all right-hand sides. Needs and commitments have positive
terms; supply, capacities, limits and opening stock have negative ones (rents). Constraints on shares (fineness,
recycled content, device mix) have right-hand side zero and hence no line; they raise the prices of needs. If the
optimal duals are not unique there are several such breakdowns, all with the same total.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from medalopt.analysis.explain.local_analysis import PlanNeighbourhood
from medalopt.catalog import LOWER, group_limits
from medalopt.instance.arrays import Floats
from medalopt.instance.bounds import get_limit, list_axis_names
from medalopt.instance.demand import is_stocked
from medalopt.instance.price_steps import STEP_KINDS
from medalopt.proof.bound import (
    price_bundles,
    price_medals,
    price_stockpiles,
    price_supply,
)
from medalopt.proof.extension_rows import select_usable_duals
from medalopt.proof.marginal import compute_regional_supply
from medalopt.proof.prices import price_offer_stock
from medalopt.text import render_path
from medalopt.tolerances import SUM_TOLERANCE


@dataclass(frozen=True)
class CostLine:
    """One line of the breakdown: `amount` of a parameter at its average shadow price is `value` (negative: a rent)."""

    kind: str  # need, commitment, supply, stock, capacity, limit, rule, added, charges
    path: str
    amount: float
    unit: str | None
    value: float

    @property
    def price(self) -> float:
        """Shadow price averaged over the periods, money per unit; 0 for an amount of 0."""
        return self.value / self.amount if self.amount else 0.0


def compute_cost_breakdown(neighbourhood: PlanNeighbourhood) -> tuple[CostLine, ...]:
    """Compute the cost breakdown of a plan.

    Returns:
        Lines without negligible ones, needs first; their values add up to the objective, within rounding.
    """
    lines = [
        line
        for make in (
            _list_need_lines,
            _list_stock_lines,
            _list_supply_lines,
            _list_limit_lines,
            _list_charge_limit_lines,
            _list_step_lines,
            _list_stored_offer_lines,
            partial(_list_limit_lines, sections=("streams",)),
            _list_policy_lines,
            _list_extension_lines,
        )
        for line in make(neighbourhood)
    ]
    largest = max((abs(line.value) for line in lines), default=0.0)
    return tuple(line for line in lines if abs(line.value) > SUM_TOLERANCE * largest)


def _list_need_lines(neighbourhood: PlanNeighbourhood) -> Iterator[CostLine]:
    """Yield a line for each kind of medal: count times marginal cost of its alloys, at most its penalty."""
    instance, medals = neighbourhood.instance, neighbourhood.instance.medals
    prices = price_medals(instance, neighbourhood.prices, neighbourhood.weights, neighbourhood.context.pull)
    for name, count, price in zip(medals.names, medals.count.astype(float).tolist(), prices.tolist(), strict=True):
        yield CostLine("need", render_path(("medals", name, "count")), count, None, price * count)


def _list_stock_lines(neighbourhood: PlanNeighbourhood) -> Iterator[CostLine]:
    """Yield a line for the opening stock of each metal and of each offer in stock."""
    metals = neighbourhood.instance.metals
    for e, name in enumerate(metals.names):
        kg = float(metals.opening_stock.value[e])
        path = render_path(("metals", name, "opening_stock"))
        yield CostLine("stock", path, kg, "kg", float(neighbourhood.prices.balance[e, 0]) * kg)
    market, balance = neighbourhood.instance.market, neighbourhood.prices.offer_balance
    for number, o in enumerate(np.flatnonzero(is_stocked(neighbourhood.instance)).tolist()):
        kg, path = float(market.opening_stock.value[o]), render_path(("market", market.names[o], "opening_stock"))
        yield CostLine("stock", path, kg, "kg", float(balance[number, 0]) * kg)


def compute_supply_rents(neighbourhood: PlanNeighbourhood) -> tuple[Floats, Floats]:
    """Compute the rents of supply and storage of each stream.

    Returns:
        Rents of supply, (I, T), and of storage, (I,), in units of the objective. They are negative or zero; in a bundle
        that is taken, those of single streams may be positive.
    """
    streams, context = neighbourhood.instance.streams, neighbourhood.context
    available, own = streams.available.value, price_supply(context, neighbourhood.prices, neighbourhood.weights)
    member = streams.bundle >= 0
    alone = np.where(member[:, None], 0.0, own) * available
    offers = np.where(member[:, None], available, 0.0)
    terms = np.multiply(own, offers, out=np.zeros_like(offers), where=offers > 0)
    everything, shared = np.zeros((2, len(neighbourhood.instance.bundles) + 1, available.shape[1]))
    np.add.at(everything, streams.bundle[member], offers[member])
    if "take" in context.pull:  # the price of extension rows on a bundle is spread over its tonnes
        np.divide(context.pull["take"], everything[:-1], out=shared[:-1], where=everything[:-1] > 0)
        terms = terms - shared[streams.bundle] * offers
    bundle_prices = (
        np.append(price_bundles(context, own), np.zeros((1, available.shape[1])), axis=0)[streams.bundle] < 0
    )
    stored = np.minimum(price_stockpiles(context, own, neighbourhood.weights), 0) * neighbourhood.bounds.stockpile
    return alone + np.where(bundle_prices, terms, 0.0), stored.sum(axis=1)


def _list_supply_lines(neighbourhood: PlanNeighbourhood) -> Iterator[CostLine]:
    """Yield lines for supply and storage limit of each stream."""
    streams = neighbourhood.instance.streams
    supply, storage = compute_supply_rents(neighbourhood)
    offered = streams.available.value.sum(axis=1)
    for i, name in enumerate(streams.names):
        yield CostLine(
            "supply", render_path(("streams", name, "available")), float(offered[i]), "t", float(supply[i].sum())
        )
        limit = float(streams.storage_limit.value[i])
        maximum = limit if np.isfinite(limit) else 0.0
        yield CostLine("limit", render_path(("streams", name, "storage", "limit")), maximum, "t", float(storage[i]))


def _list_limit_lines(
    neighbourhood: PlanNeighbourhood, sections: tuple[str, ...] = ("smelters", "treatments", "alloys", "market")
) -> Iterator[CostLine]:
    """Yield lines for the capacities, commitments and limits of some sections."""
    instance, y = neighbourhood.instance, neighbourhood.prices
    names = list_axis_names(instance)
    for axes, limits in group_limits(*sections):
        for n, name in enumerate(names[axes[0]]):
            for family, limit in limits:
                values, price = get_limit(instance, limit).value[n], getattr(y, family.name)[n]
                finite = np.where(np.isfinite(values), values, 0.0)
                own = np.maximum(price, 0.0) if limit.side == LOWER else np.minimum(price, 0.0)
                kind = "capacity" if family.periodic else "commitment" if limit.side == LOWER else "limit"
                path, value = render_path(limit.locate(name)), float(np.dot(own, finite))
                yield CostLine(kind, path, float(finite.sum()), limit.unit, value)


def _list_charge_limit_lines(neighbourhood: PlanNeighbourhood) -> Iterator[CostLine]:
    """Yield lines for the limits on groups of offers charged to alloys."""
    instance, prices = neighbourhood.instance, neighbourhood.prices.charge_limit
    limits = instance.charge_limits
    for a, n in np.argwhere(prices.any(axis=2)).tolist():
        most = np.where(np.isfinite(limits.most.value[a, n]), limits.most.value[a, n], 0.0)
        path = render_path(("alloys", instance.alloys.names[a], "limits", limits.names[n], "most"))
        yield CostLine("limit", path, float(most.sum()), "kg", float(prices[a, n] @ most))


def _list_step_lines(neighbourhood: PlanNeighbourhood) -> Iterator[CostLine]:
    """Yield lines for the limits of price steps."""
    for kind in STEP_KINDS:
        steps = kind.get_steps(neighbourhood.instance)
        prices = getattr(neighbourhood.prices, f"{kind.name}_steps")
        lines = zip(kind.list_names(neighbourhood.instance), steps.above.value.tolist(), prices.tolist(), strict=True)
        for path, limit, price in lines:
            yield CostLine("limit", path, limit, kind.unit, price * limit)


def _list_stored_offer_lines(neighbourhood: PlanNeighbourhood) -> Iterator[CostLine]:
    """Yield lines for the greatest purchases of offers that are bought into stock."""
    instance = neighbourhood.instance
    if is_stocked(instance).any():
        reduced, most = next(price_offer_stock(neighbourhood.context, neighbourhood.prices, neighbourhood.weights))
        value = (np.minimum(reduced, 0) * most).sum(axis=1)
        for o, name in enumerate(instance.market.names):
            yield CostLine("limit", render_path(("market", name, "storable")), float(most[o, 0]), "kg", float(value[o]))


def _list_policy_lines(neighbourhood: PlanNeighbourhood) -> Iterator[CostLine]:
    """Yield lines for participation and the footprint cap."""
    instance, y = neighbourhood.instance, neighbourhood.prices
    policy, offers = instance.policy, compute_regional_supply(instance)
    required_share = float(policy.participation.value)
    yield CostLine(
        "rule", "policy.participation", 100 * required_share, "%", float(y.participation @ offers) * required_share
    )
    cap = float(policy.footprint_cap.value)
    if np.isfinite(cap):
        yield CostLine("rule", "policy.footprint_cap", cap / 1000, "t", float(y.footprint_cap * cap))


def _list_extension_lines(neighbourhood: PlanNeighbourhood) -> Iterator[CostLine]:
    """Yield lines of extensions: each row at its binding bound, each variable at the bound that holds it."""
    added = neighbourhood.plan.added
    duals, bounds = select_usable_duals(neighbourhood.placed_extensions)
    for row, dual, end in zip(added.rows, duals.tolist(), bounds.tolist(), strict=True):
        yield CostLine("added", render_path(("extension", row.name)), end, None, dual * end)
    for variable, reduced in zip(added.variables, neighbourhood.extension_reduced_costs.tolist(), strict=True):
        end = variable.upper if reduced < 0 else variable.lower
        end = end if np.isfinite(end) else 0.0  # a reduced cost without a finite bound is rounding
        yield CostLine("added", render_path(("extension", variable.name)), end, None, reduced * end)
