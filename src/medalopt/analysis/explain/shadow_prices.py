r"""Shadow prices of a plan: binding constraints, and the breakdown of its cost.

Shadow price of a binding constraint: the saving per unit by which it is relaxed.

Cost breakdown: by strong duality, the objective equals $\sum_iy_ib_i$ over all right-hand sides. Needs and commitments
have positive terms; supply, capacities, limits and opening stock have negative ones (rents). Constraints on shares
(fineness, recycled content, device mix) have right-hand side zero and hence no line; they raise the prices of needs. If
the optimal duals are not unique there are several such breakdowns, all with the same total.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from medalopt.analysis.explain.local_analysis import PlanNeighbourhood, RowMove, SupplySource
from medalopt.catalog import LOWER, STEP_TITLE, Limit, group_limits, list_limits
from medalopt.errors import SolverError
from medalopt.instance.arrays import Floats, Ints
from medalopt.instance.bounds import get_limit, is_stocked, list_axis_names, list_axis_titles
from medalopt.instance.instance import Instance
from medalopt.instance.lots import STEP_KINDS
from medalopt.instance.smelter_terms import has_limit
from medalopt.proof.bound import price_bundles, price_medals, price_offer_stock, price_stockpiles, price_supply
from medalopt.proof.certificate import sum_absolute_costs
from medalopt.proof.extension_rows import select_usable_duals
from medalopt.proof.extensions import compute_activity
from medalopt.proof.marginal import compute_policy_bases, compute_regional_supply
from medalopt.proof.prices import expand_reserve_prices
from medalopt.solver.local_analysis import BoundChange
from medalopt.text import ParameterPath, parse_path, render_path
from medalopt.tolerances import AMOUNT_TOLERANCE, PRICE_TOLERANCE, SUM_TOLERANCE
from medalopt.units import PER_CENT

MAX_PRICED_CONSTRAINTS = 24  # constraints that are verified, by descending estimate


@dataclass(frozen=True)
class BindingConstraint:
    """Binding constraint: relaxing its parameter by one `unit` (`step` 1: increase, -1: decrease) `saves` so much.

    Tightening it by one unit `costs` so much, at the rate of a small change; None if that is infeasible.
    """

    paths: tuple[str, ...]
    name: str
    step: int
    unit: str
    every_period: bool
    saves: float
    hint: float  # saving of one per cent of the parameter, the order of the report
    costs: float | None

    @property
    def has_kink(self) -> bool:
        """Return whether relaxing saves another amount than tightening costs, or tightening is infeasible."""
        return self.costs is None or abs(self.costs - self.saves) > PRICE_TOLERANCE * max(abs(self.costs), self.saves)


@dataclass(frozen=True, eq=False)
class _ConstraintCandidate:
    """Constraint that may bind, with an estimate of its value and the perturbation that verifies it."""

    paths: tuple[str, ...]
    name: str
    step: int
    unit: str
    amount: float  # parameter value, in its unit
    estimate: float  # of the whole amount at the duals of the plan: an estimate
    change: BoundChange
    every_period: bool = False


def find_binding_constraints(
    neighbourhood: PlanNeighbourhood,
    sources: Iterable[SupplySource],
    unproven: list[str],
    settled: frozenset[str] = frozenset(),
) -> tuple[BindingConstraint, ...]:
    """Find the binding constraints of a plan.

    Args:
        sources: Groups of sources in which supply is reported.
        unproven: Receives the first path of each constraint whose shadow price cannot be verified.
        settled: Parties that have delivered already, so that their limits cannot be relaxed and are left out.

    Returns:
        The others by descending saving of one per cent of the parameter.
    """
    minimum = AMOUNT_TOLERANCE * max(1.0, sum_absolute_costs(neighbourhood.account, neighbourhood.plan.measure))
    fixed = _list_settled_contracts(neighbourhood.instance, settled)
    makers = (
        _list_supply_limits(neighbourhood, sources),
        _list_reserves(neighbourhood),
        _list_limits(neighbourhood),
        _list_price_steps(neighbourhood),
        _list_composition_windows(neighbourhood),
        _list_charge_limits(neighbourhood),
        _list_impurity_limits(neighbourhood),
        _list_policy_rules(neighbourhood),
        _list_extension_limits(neighbourhood),
    )
    values = sorted(
        (
            figure
            for make in makers
            for figure in make
            if figure.estimate > minimum and not fixed.issuperset(parse_path(path)[:2] for path in figure.paths)
        ),
        key=lambda figure: (-figure.estimate, figure.paths),
    )
    result = []
    for figure in values[:MAX_PRICED_CONSTRAINTS]:
        try:
            saves = -(neighbourhood.compute_price(figure.change) or 0.0)
            costs = neighbourhood.compute_price(figure.change.reverse()) if saves * figure.amount > minimum else None
        except SolverError:
            unproven.append(figure.paths[0])
            continue
        if saves * figure.amount > minimum:
            hint = saves * figure.amount * float(PER_CENT)
            how = (figure.paths, figure.name, figure.step, figure.unit, figure.every_period)
            result.append(BindingConstraint(*how, saves, hint, costs))
    return tuple(sorted(result, key=lambda row: (-row.hint, row.paths)))


def _list_settled_contracts(instance: Instance, settled: frozenset[str]) -> frozenset[ParameterPath]:
    """Return the paths of the streams, smelters and offers of parties that have delivered already."""
    streams, regions = instance.streams, np.array([region in settled for region in instance.regions], dtype=bool)
    own = {("streams", streams.names[i]) for i in np.flatnonzero(regions[streams.region]).tolist()}
    return frozenset(own.union((section, name) for section in ("smelters", "market") for name in settled))


def _list_supply_limits(
    neighbourhood: PlanNeighbourhood, sources: Iterable[SupplySource]
) -> Iterator[_ConstraintCandidate]:
    """Yield supply of sources and storage limits."""
    streams, network = neighbourhood.instance.streams, neighbourhood.network
    supply, storage = compute_supply_rents(neighbourhood)
    for source in sources:
        offered = float(streams.available.value[source.streams].sum())
        paths = tuple(f"{path}.available" for path in source.list_paths(neighbourhood.instance))
        value = -float(supply[source.streams].sum())
        if value > 0:
            yield _ConstraintCandidate(
                paths, source.name, 1, "t", offered, value, _make_supply_change(neighbourhood, source.streams)
            )
    for i in np.flatnonzero(storage < 0).tolist():
        limit, columns = float(streams.storage_limit.value[i]), np.flatnonzero(network.stock_stream == i)
        path, what = render_path(("streams", streams.names[i], "storage", "limit")), f"storage of {streams.names[i]}"
        change = BoundChange({}, dict.fromkeys((len(network.route) + columns).tolist(), 1.0))
        yield _ConstraintCandidate((path,), what, 1, "t", limit, -float(storage[i]), change)


def _list_reserves(neighbourhood: PlanNeighbourhood) -> Iterator[_ConstraintCandidate]:
    """Yield safety stocks, relaxed by one kilogram in every period."""
    instance = neighbourhood.instance
    if not (instance.metals.reserve > 0).any():
        return
    prices, coming = expand_reserve_prices(instance, neighbourhood.prices), neighbourhood.account.compute_coming_need()
    for e, name in enumerate(instance.metals.names):
        if (prices[e] > 0).any():
            path, what = render_path(("metals", name, "reserve")), f"safety stock of {instance.metals.titles[e]}"
            rows = ((("reserve", name, t), -1.0, 0.0) for t in instance.periods)
            amount = max(float(coming[e][prices[e] > 0].mean()), 1.0)
            worth = float(prices[e] @ np.maximum(coming[e], 1.0))
            change = neighbourhood.move_rows(rows)
            yield _ConstraintCandidate((path,), what, -1, "kg", amount, worth, change, every_period=True)


def _list_limits(neighbourhood: PlanNeighbourhood) -> Iterator[_ConstraintCandidate]:
    """Yield capacities, and commitments and limits over the horizon."""
    instance, names = neighbourhood.instance, list_axis_names(neighbourhood.instance)
    for family, limit in list_limits("smelters", "treatments", "alloys", "market", "streams"):
        values, price = get_limit(instance, limit).value, getattr(neighbourhood.prices, family.name)
        for n, name in enumerate(names[family.axes[0]]):
            binds = price[n] > 0 if limit.side == LOWER else price[n] < 0
            if not binds.any():
                continue
            path, what = (render_path(limit.locate(name)),), limit.title.format(name)
            if family.periodic:
                amount = max(float(values[n][binds].mean()), 1.0)
                value = -float(price[n][binds] @ np.maximum(values[n][binds], 1.0))
                change = neighbourhood.move_rows(((family.name, name, t), 0.0, 1.0) for t in instance.periods)
            else:
                amount = float(values[n]) or 1.0
                value = abs(float(price[n])) * amount
                change = neighbourhood.move_rows([((family.name, name), *_relax_side(limit, 1.0))])
            every = family.periodic and len(instance.periods) > 1
            yield _ConstraintCandidate(path, what, limit.step, limit.unit, amount, value, change, every)


def _list_price_steps(neighbourhood: PlanNeighbourhood) -> Iterator[_ConstraintCandidate]:
    """Yield the limits of price steps."""
    for kind in STEP_KINDS:
        steps, prices = kind.get_steps(neighbourhood.instance), getattr(neighbourhood.prices, f"{kind.name}_steps")
        owners = getattr(neighbourhood.instance, kind.part).names
        for row, path in enumerate(kind.list_steps(neighbourhood.instance)):
            if prices[row] < 0:
                amount = float(steps.above.value[row])
                change = neighbourhood.move_rows([((f"{kind.name}_steps", path), 0.0, 1.0)])
                what = STEP_TITLE.format(steps.number[row] + 1, owners[steps.owner[row]])
                value = -float(prices[row]) * amount
                yield _ConstraintCandidate((path,), what, 1, kind.unit, amount, value, change)


def _relax_side(limit: Limit, by: float) -> tuple[float, float]:
    """Return the changes of a row's lower and upper bound that relax it by an amount."""
    return (-by, 0.0) if limit.side == LOWER else (0.0, by)


def _list_composition_windows(neighbourhood: PlanNeighbourhood) -> Iterator[_ConstraintCandidate]:
    """Yield composition windows and shares of unnamed metals, relaxed by one percentage point."""
    instance, y = neighbourhood.instance, neighbourhood.prices
    alloys, charge = instance.alloys, neighbourhood.account.charge * float(PER_CENT)
    for a, alloy in enumerate(alloys.names):
        for e, metal in enumerate(instance.metals.names):
            for end, price, row, step in (
                (0, y.fineness_low[a, e], "fineness_low", -1),
                (1, y.fineness_high[a, e], "fineness_high", 1),
            ):
                path = render_path(("alloys", alloy, "composition", metal, end))
                what = f"{'least' if step < 0 else 'greatest'} {instance.metals.titles[e]} in {alloy}"
                change = _make_composition_change(neighbourhood, row, alloy, metal, step * charge[a])
                yield _ConstraintCandidate((path,), what, step, "%", 1.0, float(np.abs(price) @ charge[a]), change)
        path, what = render_path(("alloys", alloy, "others")), f"unnamed matter in {alloy}"
        change = _make_composition_change(neighbourhood, "others", alloy, None, charge[a])
        yield _ConstraintCandidate((path,), what, 1, "%", 1.0, float(np.abs(y.others[a]) @ charge[a]), change)


def _list_charge_limits(neighbourhood: PlanNeighbourhood) -> Iterator[_ConstraintCandidate]:
    """Yield limits on groups of offers charged, relaxed by one kilogram in all periods."""
    instance, prices = neighbourhood.instance, np.abs(neighbourhood.prices.charge_limit)
    limits, periods = instance.charge_limits, instance.periods
    for a, n in np.argwhere((prices > 0).any(axis=2)).tolist():
        alloy, name, most = instance.alloys.names[a], limits.names[n], limits.most.value[a, n]
        amount = max(float(most[prices[a, n] > 0].mean()), 1.0)
        worth = float(prices[a, n] @ np.where(np.isfinite(most), np.maximum(most, 1.0), 0.0))
        change = neighbourhood.move_rows([(("charge_limit", alloy, name, t), 0.0, 1.0) for t in periods])
        path, what = render_path(("alloys", alloy, "limits", name, "most")), f"limit {name} of {alloy}"
        yield _ConstraintCandidate((path,), what, 1, "kg", amount, worth, change, len(periods) > 1)


def _list_impurity_limits(neighbourhood: PlanNeighbourhood) -> Iterator[_ConstraintCandidate]:
    """Yield limits on the mean content of feed, relaxed by one kilogram per tonne in all periods."""
    instance, prices = neighbourhood.instance, np.abs(neighbourhood.prices.impurity_limit)
    impurities, feed = instance.impurities, neighbourhood.account.feed
    for k, x in np.argwhere(has_limit(instance)).tolist():
        smelter, element, limit = instance.smelters.names[k], impurities.names[x], float(impurities.limit.value[k, x])
        tonnes = zip(instance.periods, feed[k].tolist(), strict=True)
        rows = [(("impurity_limit", smelter, element, t), by, by) for t, by in tonnes]
        change, path = neighbourhood.move_rows(rows), ("smelters", smelter, "limits", element)
        worth, what = float(prices[k, x] @ feed[k]) * limit, f"{impurities.titles[x]} in the feed of {smelter}"
        yield _ConstraintCandidate((render_path(path),), what, 1, "kg/t", limit or 1.0, worth, change)


def _list_policy_rules(neighbourhood: PlanNeighbourhood) -> Iterator[_ConstraintCandidate]:
    """Yield policies, relaxed by one percentage point, or the footprint cap by one tonne."""
    instance, names = neighbourhood.instance, list_axis_names(neighbourhood.instance)
    bases = compute_policy_bases(neighbourhood.account)
    for axes, limits in group_limits("policy"):
        members = names[axes[0]] if axes else ("",)
        for n, title in enumerate(list_axis_titles(instance, axes) if not limits[0][1].common else ("",)):
            for family, limit in limits:
                chosen = slice(None) if limit.common else slice(n, n + 1)
                base, factor = bases[family.name]
                moved = (base * factor)[chosen]
                change = neighbourhood.move_rows(
                    (
                        ((family.name, name) if axes else (family.name,), *_relax_side(limit, by))
                        for name, by in zip(members[chosen], moved.tolist(), strict=True)
                    ),
                )
                amount = 1.0 if limit.unit == "%" else float(get_limit(instance, limit).value) / factor
                if np.isfinite(amount):
                    value = (
                        float(np.abs(np.atleast_1d(getattr(neighbourhood.prices, family.name))[chosen]) @ moved)
                        * amount
                    )
                    path = (render_path(limit.locate("" if limit.common else members[n])),)
                    what = limit.title.format(title)
                    yield _ConstraintCandidate(path, what, limit.step, limit.unit, amount, value, change)


def _list_extension_limits(neighbourhood: PlanNeighbourhood) -> Iterator[_ConstraintCandidate]:
    """Yield rows that extensions added, at their binding bounds, and upper bounds of their variables."""
    added, program = neighbourhood.plan.added, neighbourhood.local.linear
    duals, bounds = select_usable_duals(neighbourhood.placed_extensions)
    sizes = compute_activity(neighbourhood.account, neighbourhood.placed_extensions)[1]
    first = len(program.rows) - len(added.rows)
    for number, row in enumerate(added.rows):
        dual, end = float(duals[number]), float(bounds[number])
        change = BoundChange({first + number: (-1.0, 0.0) if dual > 0 else (0.0, 1.0)})
        amount = abs(end) or float(sizes[number]) or 1.0
        path, step = render_path(("extension", row.name)), -1 if dual > 0 else 1
        yield _ConstraintCandidate((path,), row.name, step, "", amount, abs(dual) * amount, change)
    width = len(program.lower) - len(added.variables)
    for number, variable in enumerate(added.variables):
        value = -float(neighbourhood.extension_reduced_costs[number]) if np.isfinite(variable.upper) else 0.0
        amount, path = abs(variable.upper) or 1.0, render_path(("extension", variable.name))
        change = BoundChange({}, {width + number: 1.0})
        yield _ConstraintCandidate((path,), f"upper bound of {variable.name}", 1, "", amount, value * amount, change)


def _make_supply_change(neighbourhood: PlanNeighbourhood, streams: Ints) -> BoundChange:
    """Perturb the supply of streams by one tonne in all, spread in proportion to supply; bundles stay proportional.

    The participation constraint scales with supply, so that its right-hand side rises as well.
    """
    instance, network = neighbourhood.instance, neighbourhood.network
    available = instance.streams.available.value
    total = float(available[streams].sum())
    names, bundle, region = instance.streams.names, instance.streams.bundle, instance.streams.region
    rows: list[RowMove] = []
    for i in streams.tolist():
        required_share = float(instance.policy.participation.value * available[i].sum()) / total
        rows.append((("participation", instance.regions[region[i]]), required_share, 0.0))
        if bundle[i] < 0:
            each = zip(instance.periods, (available[i] / total).tolist(), strict=True)
            rows += [(("supply", names[i], t), 0.0, tonnes) for t, tonnes in each]
    first = len(network.route) + len(network.stock_stream)
    member = bundle[streams]
    taken = np.flatnonzero(np.isin(network.take_bundle, np.unique(member[member >= 0])))
    return neighbourhood.move_rows(rows, dict.fromkeys((first + taken).tolist(), 1 / total))


def _make_composition_change(
    neighbourhood: PlanNeighbourhood, constraint: str, alloy: str, metal_name: str | None, by: Floats
) -> BoundChange:
    """Perturb one end of a composition window."""
    index = (alloy,) if metal_name is None else (alloy, metal_name)
    periods = zip(neighbourhood.instance.periods, by.tolist(), strict=True)
    return neighbourhood.move_rows(((((constraint, *index, t)), kg, kg) for t, kg in periods))


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
        lines = zip(kind.list_steps(neighbourhood.instance), steps.above.value.tolist(), prices.tolist(), strict=True)
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
