r"""Derived values of a saved plan (totals and tables) compared with those that follow from its decisions.

Rows of risk are derived by other formulas than those of `instance.uncertainty`: each shipment is differentiated by the
case of its settlement, and the variance is the quadratic form $\sum_{fg}C_{fg}v_fv_g$ with the correlation of supply
summed by region, device type and all streams: no factor of the correlation matrix is formed.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np

from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arithmetic import zero_where_infinite
from medalopt.instance.bounds import is_stocked
from medalopt.instance.instance import Instance
from medalopt.instance.lot_relaxation import list_used_contracts
from medalopt.instance.lots import compute_purchase_prices
from medalopt.instance.payers import compute_party_costs, has_payers
from medalopt.instance.routes import compute_fraction_amounts
from medalopt.instance.smelter_terms import leaves_metal
from medalopt.instance.uncertainty import has_uncertain_returns
from medalopt.proof.extensions import QuantityIndex
from medalopt.proof.marginal import SUPPLY_MEANING, MarginalValue
from medalopt.proof.saved_plan import Violation, list_route_names
from medalopt.text import escape_text, render_path
from medalopt.tolerances import AMOUNT_TOLERANCE, FEASIBILITY_TOLERANCE

_PRICE_TOLERANCE = 1e-9  # objective per unit: smallest reference size of a marginal value


def check_derived_values(account: PlanAccount, plan: Any, value: float, unit: str) -> Iterator[Violation]:
    """Yield every derived value of a saved plan that does not follow from its decisions.

    Args:
        account: Plan of the saved decisions.
        plan: Saved plan, see `plan.schema.SavedPlan`.
        value: Objective value computed from the decisions.
        unit: Unit of the objective.

    Yields:
        One violation per wrong, missing or superfluous value.
    """
    instance = account.instance
    if plan.objective.unit != unit:
        text = f"objective.unit is stated as {plan.objective.unit}, and the objective is measured in {unit}"
        yield Violation("objective", "objective.unit", 0.0, "", text)
    by_kind = {kind: float(by_period.sum()) for kind, by_period in account.costs.items()}
    by_kind["total"] = float(account.cost)
    size = max(1.0, sum(abs(by_period).sum() for by_period in account.costs.values()))
    if set(plan.cost) != set(by_kind):
        yield Violation("cost", "cost", 0.0, "", f"the cost must have the kinds {', '.join(by_kind)}")
    for kind in (kind for kind in by_kind if kind in plan.cost):
        yield from _compare_values("cost", f"cost.{kind}", plan.cost[kind], by_kind[kind], size, instance.currency)
    yield from _compare_values("objective", "objective.value", plan.objective.value, value, max(size, abs(value)), "")
    emitted, tonnes = float(account.footprint), float(account.tonnes)
    yield from _compare_values("footprint", "footprint", plan.footprint, emitted, max(1.0, abs(emitted)), "kg CO2e")
    yield from _compare_values("mass", "tonnes", plan.tonnes, tonnes, max(1.0, tonnes), "t")
    yield from _check_tables(account, plan)


def _compare_values(rule: str, path: str, stated: float, true: float, size: float, unit: str) -> Iterator[Violation]:
    """Yield a violation if a stated value is off by more than the tolerance times `size`."""
    off = abs(stated - true)
    if not off <= FEASIBILITY_TOLERANCE * size:
        apart = f"{off:.6g} {unit}".rstrip()
        text = f"{path} is stated as {stated:.10g}, and its parts give {true:.10g}: {apart} apart"
        yield Violation(rule, path, off, unit, text)


def _check_tables(account: PlanAccount, plan: Any) -> Iterator[Violation]:
    """Check the tables of metals, castings, melts and offers in stock."""
    instance = account.instance
    yield from _check_row_costs(account, plan)
    metals = {(row.metal, row.period): row for row in plan.metals}
    back, used = account.returned.sum(axis=0), account.decisions.charged.sum(axis=0)
    turnover = instance.metals.opening_stock.value + back.sum(axis=1)
    for e, metal in enumerate(instance.metals.names):
        for t, period in enumerate(instance.periods):
            row = metals.get((metal, period))
            if row is None:
                text = f"metals: the row {metal}, {period} is missing; every metal and period has one"
                yield Violation("metal balance", f"metals.{metal}", 0.0, "kg", text)
                continue
            parts = [("returned", back[e, t]), ("used", used[e, t]), ("stock", account.stock[e, t])]
            if leaves_metal(instance):
                parts.append(("called_back", account.called_back[e, t]))
            for name, true in parts:
                path = f"metals.{metal}.{name}, {period}"
                yield from _compare_values(
                    "metal balance", path, getattr(row, name) or 0.0, true, max(turnover[e], 1e-3), "kg"
                )
    casts = {(row.alloy, row.period): row for row in plan.casts}
    cast, charge = account.cast, account.charge
    for a, alloy in enumerate(instance.alloys.names):
        for t, period in enumerate(instance.periods):
            row = casts.get((alloy, period))
            for name, true in (("charged", charge[a, t]), ("cast", cast[a, t])):
                stated = getattr(row, name) if row is not None else 0.0
                path = f"casts.{alloy}.{name}, {period}"
                yield from _compare_values("melt", path, stated, true, max(1e-3, cast[a].sum(), abs(true)), "kg")
    yield from _check_party_costs(account, plan)
    yield from _check_unnamed_matter(account, plan)
    yield from _check_offer_stock(account, plan)
    yield from _check_risk(account, plan)
    yield from _check_left_revenue(account, plan)
    yield from _check_fractions(account, plan)
    yield from _check_feed_content(account, plan)
    yield from _check_charges(account, plan)
    yield from _check_price_steps(account, plan)


def _check_row_costs(account: PlanAccount, plan: Any) -> Iterator[Violation]:
    """Check the cost of each shipment and purchase; rows without a decision are reported elsewhere."""
    instance = account.instance
    places = QuantityIndex(instance, account.routes, ())
    periods, offers, alloys = (places.numbers[axis] for axis in ("period", "offer", "alloy"))
    spent = account.shipment_costs
    bought = compute_purchase_prices(account)[:, None, :] * account.decisions.bought
    penalty = zero_where_infinite(instance.medals.shortfall.value) * account.missed
    for row in plan.shortfall:
        if row.medal in places.numbers["medal"]:
            true = float(penalty[places.numbers["medal"][row.medal]])
            path = f"shortfall.{escape_text(row.medal)}.cost"
            yield from _compare_values("cost", path, row.cost, true, max(1.0, float(penalty.sum())), instance.currency)
    sent = [((places.routes.get(list_route_names(row)), periods.get(row.period)), row) for row in plan.shipments]
    taken = [((offers.get(row.offer), alloys.get(row.alloy), periods.get(row.period)), row) for row in plan.purchases]
    for table, true, rows in (("shipments", spent, sent), ("purchases", bought, taken)):
        size = max(1.0, float(abs(true).sum()))
        for at, row in rows:
            if None not in at:
                path = f"{table}.cost, {getattr(row, 'stream', None) or row.offer}, {row.period}"
                yield from _compare_values("cost", path, row.cost, float(true[at]), size, instance.currency)


def check_marginal_values(follow: Iterable[MarginalValue], told: Iterable[Any]) -> Iterator[Violation]:
    """Yield every marginal value of a saved plan that does not follow from its dual values, or is missing.

    Supply is skipped: a saved plan does not hold all dual values of supply constraints.

    Args:
        follow: Marginal values computed from the dual values.
        told: Marginal values of the saved plan.

    Yields:
        One violation per wrong, missing or duplicate value.
    """
    true = {
        (marginal.meaning, marginal.path, marginal.period): marginal
        for marginal in follow
        if marginal.meaning != SUPPLY_MEANING
    }
    stated: dict[tuple[Any, ...], Any] = {}
    for row in (row for row in told if row.meaning != SUPPLY_MEANING):
        key = (row.meaning, row.path, row.period)
        if key in stated or (key in true and row.unit != true[key].unit):
            reason = "twice" if key in stated else f"in {row.unit} instead of {true[key].unit}"
            text = f"prices: {escape_text(row.path)} is stated {reason}"
            yield Violation("prices", f"prices.{row.path}", 0.0, "", text)
        stated[key] = row
    size: dict[str, float] = {}
    for marginal in true.values():
        size[marginal.meaning] = max(size.get(marginal.meaning, _PRICE_TOLERANCE), abs(marginal.value))
    for key in {**true, **stated}:
        meaning, path, period = key
        value, follows_ = (rows[key].value if key in rows else 0.0 for rows in (stated, true))
        where = (
            f"prices.{escape_text(path)}" if period is None else f"prices.{escape_text(path)}, {escape_text(period)}"
        )
        yield from _compare_values("prices", where, value, follows_, size.get(meaning, _PRICE_TOLERANCE), "")


def _check_party_costs(account: PlanAccount, plan: Any) -> Iterator[Violation]:
    """Check the cost of every party and kind against the decisions; a row left out states 0."""
    if not plan.parties and not has_payers(account.instance):
        return
    size = max(1.0, sum(float(abs(by_period).sum()) for by_period in account.costs.values()))
    stated = {(row.party, row.kind): row.cost for row in plan.parties}
    true = {
        (party, kind): float(spent.sum())
        for party, kinds in compute_party_costs(account).items()
        for kind, spent in kinds.items()
    }
    for key in {**true, **stated}:
        path = f"parties.{escape_text(key[0])}.{escape_text(key[1])}"
        value = stated.get(key, 0.0)
        yield from _compare_values("cost", path, value, true.get(key, 0.0), size, account.instance.currency)
    if len(stated) < len(plan.parties):
        yield Violation("cost", "parties", 0.0, "", "parties: a party and kind of cost is listed twice")


def _check_unnamed_matter(account: PlanAccount, plan: Any) -> Iterator[Violation]:
    """Check that the unnamed matter charged equals the content of the offers."""
    instance = account.instance
    stated = {(row.alloy, row.period): row.kg for row in plan.melts if row.metal == "other"}
    charge, other = account.charge, account.charge - account.composition.sum(axis=1)
    for a, alloy in enumerate(instance.alloys.names):
        for t, period in enumerate(instance.periods):
            path, size = f"melts.{alloy}.other, {period}", max(1e-3, charge[a, t])
            yield from _compare_values("melt", path, stated.get((alloy, period), 0.0), float(other[a, t]), size, "kg")


def _check_offer_stock(account: PlanAccount, plan: Any) -> Iterator[Violation]:
    """Check charges, stock and cost of offers bought into stock against the decisions."""
    instance = account.instance
    stated = {(row.offer, row.period): row for row in plan.offer_stock}
    paid = account.purchases * compute_purchase_prices(account)
    charged, size = (
        account.decisions.bought.sum(axis=1),
        np.maximum(account.bought + instance.market.opening_stock.value, 1e-3),
    )
    for o in np.flatnonzero(is_stocked(instance)).tolist():
        for t, period in enumerate(instance.periods):
            row = stated.get((instance.market.names[o], period))
            for name, true, of, unit in (
                ("charged", charged[o, t], size[o], "kg"),
                ("stock", account.offer_stock[o, t], size[o], "kg"),
                ("cost", paid[o, t], max(1.0, abs(paid).sum()), instance.currency),
            ):
                path = f"offer_stock.{instance.market.names[o]}.{name}, {period}"
                yield from _compare_values("metal balance", path, getattr(row, name, 0.0), float(true), float(of), unit)


def _check_risk(account: PlanAccount, plan: Any) -> Iterator[Violation]:
    """Check need, distribution and probability of every metal and deadline; a plan of an earlier version has none."""
    stated = {(row.metal, row.period): row for row in plan.risk}
    if not stated and "risk" not in plan.digests:
        return
    follows = dict(derive_risk(account)) if has_uncertain_returns(account.instance) else {}
    for key in [*follows, *(key for key in stated if key not in follows)]:
        path = f"risk.{escape_text(key[0])}, {escape_text(key[1])}"
        if (key in stated) != (key in follows) or len(stated) != len(plan.risk):
            reason = "is missing" if key in follows else "belongs to no deadline, or occurs twice"
            yield Violation("risk", path, 0.0, "", f"{path} {reason}; solve the instance again")
            continue
        values = follows[key]
        size = max(values["mean_kg"], values["needed_kg"], 1e-3)
        for name, true in values.items():
            unit, of = ("", 1.0) if name == "probability" else ("kg", size)
            yield from _compare_values("risk", f"{path}: {name}", getattr(stated[key], name), true, of, unit)


def _check_charges(account: PlanAccount, plan: Any) -> Iterator[Violation]:
    """Check which contracts with a minimum lot or a charge are used, their quantities and charges."""
    true = {(used.contract, used.period): used for used in list_used_contracts(account)}
    stated = {(row.contract, row.period): row for row in plan.charges}
    size = max(1.0, sum(float(charges.sum()) for charges in account.charges.values()))
    for key in [*true, *(key for key in stated if key not in true)]:
        path = f"charges.{escape_text(key[0])}, {escape_text(key[1])}"
        if key not in stated or key not in true or stated[key].unit != true[key].unit:
            reason = "is missing" if key not in stated else "is not used" if key not in true else "has another unit"
            yield Violation("cost", path, 0.0, "", f"{path} {reason}")
            continue
        row, follows, currency = stated[key], true[key], account.instance.currency
        quantity = max(1e-3, follows.quantity)
        yield from _compare_values("cost", f"{path}: quantity", row.quantity, follows.quantity, quantity, row.unit)
        yield from _compare_values("cost", f"{path}: charge", row.charge, follows.charge, size, currency)
    if len(stated) < len(plan.charges):
        yield Violation("cost", "charges", 0.0, "", "charges: a contract and period is listed twice")


class _DerivedStep(NamedTuple):
    """A step of a price in use: its limit (None: none), price, quantity, their unit, and the cost at this price."""

    up_to: float | None
    price: float
    quantity: float
    unit: str
    cost: float


def _derive_price_steps(account: PlanAccount) -> dict[tuple[str, float], _DerivedStep]:
    """Derive the steps of the prices in use, by contract and number: quantities are differences of those beyond limits.

    The tables of a plan are filled by `list_used_steps`, which goes from step to step.
    """
    instance, result = account.instance, {}
    for section, part, taken, unit in (
        ("streams", instance.streams, account.sent, "t"),
        ("market", instance.market, account.bought, "kg"),
    ):
        for owner in set(part.steps.owner[taken[part.steps.owner] > 0].tolist()):
            own, contract = part.steps.owner == owner, render_path((section, part.names[owner]))
            limits, rises = part.steps.above.value[own], part.steps.surcharge.value[own]
            rises = rises[np.isfinite(rises)]  # one fewer than limits where nothing can be had beyond the last
            beyond = np.maximum(float(taken[owner]) - np.append(0.0, limits), 0.0)
            prices = float(part.price.value[owner, 0]) + np.append(0.0, np.cumsum(rises))
            amounts, ends = beyond - np.append(beyond[1:], 0.0), (*limits.tolist(), None)
            for n, (price, amount) in enumerate(zip(prices.tolist(), amounts.tolist(), strict=False), start=1):
                step = float(part.steps.number[own][0] + n)
                result[contract, step] = _DerivedStep(ends[n - 1], price, amount, unit, price * amount)
    return result


def _check_price_steps(account: PlanAccount, plan: Any) -> Iterator[Violation]:
    """Check the steps of the prices in use, with quantity and cost; a plan of an earlier version has none."""
    stated = {(row.contract, row.step): row for row in plan.price_steps}
    if not stated and "price_steps" not in plan.digests:
        return
    true = _derive_price_steps(account)
    if len(stated) < len(plan.price_steps):
        yield Violation("cost", "price_steps", 0.0, "", "price_steps: a step is listed twice")
    for key in [*true, *(key for key in stated if key not in true)]:
        path = f"price_steps.{escape_text(key[0])}, {key[1]:g}"
        if key not in stated or key not in true:
            yield Violation("cost", path, 0.0, "", f"{path} is {'missing' if key in true else 'not used'}")
            continue
        row, follows, currency = stated[key], true[key], account.instance.currency
        if row.unit != follows.unit or (row.up_to is None) != (follows.up_to is None):
            yield Violation("cost", path, 0.0, "", f"{path} has another unit, or a limit where there is none")
            continue
        most = max(1e-3, *(step.quantity for (contract, _), step in true.items() if contract == key[0]))
        each = max(1e-3, abs(follows.price))
        for name, unit, size in (
            *(("quantity", row.unit, most), ("up_to", row.unit, follows.up_to)),
            *(("price", currency, each), ("cost", currency, max(1.0, each * most))),
        ):
            if size is not None:
                values = getattr(row, name), getattr(follows, name)
                yield from _compare_values("cost", f"{path}: {name}", *values, size, unit)


def _check_feed_content(account: PlanAccount, plan: Any) -> Iterator[Violation]:
    """Check feed, content and limit of every smelter, period and element; a plan of an earlier version has none."""
    instance = account.instance
    stated = {(row.smelter, row.period, row.element): row for row in plan.feed_content}
    if not stated and "feed_content" not in plan.digests:
        return
    impurities, held, size = instance.impurities, account.impurity, max(1.0, float(account.feed.sum()))
    places = [
        {name: n for n, name in enumerate(names)}
        for names in (instance.smelters.names, instance.periods, impurities.names)
    ]
    true = {
        (instance.smelters.names[k], instance.periods[t], impurities.names[x]): (k, t, x)
        for k, x, t in np.argwhere(held > FEASIBILITY_TOLERANCE * size).tolist()
    }
    if len(stated) < len(plan.feed_content):
        yield Violation("impurity limits", "feed_content", 0.0, "", "feed_content: a row is listed twice")
    for key in {**true, **stated}:
        path, row = f"feed_content.{', '.join(map(escape_text, key))}", stated.get(key)
        at = tuple(place.get(name) for place, name in zip(places, key, strict=True))
        if row is None or None in at:
            yield Violation(
                "impurity limits", path, 0.0, "", f"{path}: {'is missing' if row is None else 'no such feed'}"
            )
            continue
        k, t, x = at
        mass, most = row.feed * row.content, float(impurities.limit.value[k, x])
        yield from _compare_values("impurity limits", f"{path}: feed", row.feed, float(account.feed[k, t]), size, "t")
        total = max(1.0, float(held[:, x].sum()))
        yield from _compare_values("impurity limits", f"{path}: content", mass, float(held[k, x, t]), total, "kg")
        if row.limit != (most if np.isfinite(most) else None):
            yield Violation("impurity limits", path, 0.0, "", f"{path}: the limit is another")


def _check_left_revenue(account: PlanAccount, plan: Any) -> Iterator[Violation]:
    """Check the revenue for metal left with the smelters; rows without a decision are reported elsewhere."""
    instance, left = account.instance, account.decisions.left
    if not len(left):
        return
    paid, index = left * instance.terms.pays.value, QuantityIndex(instance, account.routes, ())
    places = [index.numbers[axis] for axis in ("terms", "metal", "period")]
    size = max(1.0, float(abs(paid).sum()))
    for row in plan.left:
        names = (row.terms, row.metal, row.period)
        at = tuple(place.get(name) for place, name in zip(places, names, strict=True))
        if None not in at:
            path = f"left.revenue, {', '.join(names)}"
            yield from _compare_values("cost", path, row.revenue, float(paid[at]), size, instance.currency)


def _check_fractions(account: PlanAccount, plan: Any) -> Iterator[Violation]:
    """Check the feed of every shipment, and the tonnes and revenue of every fraction; a row left out states 0."""
    instance = account.instance
    if not instance.treatments.has_fractions:
        return
    index = QuantityIndex(instance, account.routes, ())
    tonnes, paid = compute_fraction_amounts(account)
    size = max(1.0, float(tonnes.sum()))
    for row in plan.shipments:
        route = index.routes.get(list_route_names(row))
        if route is not None:
            path = f"shipments.feed, {escape_text(row.stream)}, {escape_text(row.period)}"
            true = float(account.routes.to_smelter[route]) * row.tonnes
            yield from _compare_values("fractions", path, row.feed or 0.0, true, size, "t")
    stated = {(row.treatment, row.fraction, row.period): row for row in plan.fractions}
    true = {
        (*instance.treatments.split_name(h), period): (float(tonnes[h, t]), float(paid[h, t]))
        for h in np.flatnonzero(instance.treatments.parent >= 0).tolist()
        for t, period in enumerate(instance.periods)
    }
    if len(stated) < len(plan.fractions):
        yield Violation("fractions", "fractions", 0.0, "", "fractions: a fraction is listed twice in a period")
    for key in {**true, **stated}:
        path = f"fractions.{', '.join(map(str, map(escape_text, key)))}"
        row, (amount, revenue) = stated.get(key), true.get(key, (0.0, 0.0))
        yield from _compare_values("fractions", path, getattr(row, "tonnes", 0.0), amount, size, "t")
        of = max(1.0, float(abs(paid).sum()))
        yield from _compare_values("cost", path, getattr(row, "revenue", 0.0), revenue, of, instance.currency)


_QUANTILES = (("q05_kg", 0.05), ("q95_kg", 0.95))


Deviations = dict[tuple[str, str, str], float]  # kilograms of one deviation by kind, owner and metal ('': all)


def derive_risk(account: PlanAccount) -> Iterator[tuple[tuple[str, str], dict[str, float]]]:
    """Derive the risk of each metal and deadline.

    Args:
        account: Accounting of a plan.

    Yields:
        Metal and period, with need, mean, standard deviation, quantiles (kg) and probability.
    """
    instance = account.instance
    returned = np.cumsum(account.returned.sum(axis=0), axis=1)
    for (e, t), needed in _sum_needs(account).items():
        mean = float(returned[e, t])
        deviation = math.sqrt(max(_sum_variance(instance, _list_deviations(account, e, t)), 0.0))
        values = {"needed_kg": needed, "mean_kg": mean, "sd_kg": deviation}
        for name, level in _QUANTILES:
            values[name] = max(mean + deviation * NormalDist().inv_cdf(level), 0.0)
        enough = mean >= needed * (1 - AMOUNT_TOLERANCE)
        tail = NormalDist(needed, deviation).cdf(mean) if deviation > 0 else float(enough)
        values["probability"] = 1.0 if needed == 0 else tail
        yield (instance.metals.names[e], instance.periods[t]), values


def _sum_needs(account: PlanAccount) -> dict[tuple[int, int], float]:
    """Return the need of every metal and deadline: melts of each alloy in order until the castings owed are made."""
    instance, charged, medals = account.instance, account.decisions.charged, account.instance.medals
    needs: dict[tuple[int, int], float] = {}
    for e in range(len(instance.metals.names)):
        alloys = [
            a
            for a in range(len(instance.alloys.names))
            if charged[a, e].sum() > AMOUNT_TOLERANCE * charged[a].sum() and charged[a, e].sum() > 0
        ]
        due = {int(medals.due[m]) for m in range(len(medals.names)) for a in alloys if _contains(instance, m, a)}
        for t in sorted(due):
            total = sum(_charge_until_owed(account, a, e, t) for a in alloys)
            needs[e, t] = max(total - float(instance.metals.opening_stock.value[e]), 0.0)
    return needs


def _contains(instance: Instance, medal: int, alloy: int) -> bool:
    """Return whether a medal that is ordered contains the alloy."""
    return bool(instance.medals.count[medal] > 0 and instance.medals.parts.value[medal, alloy] > 0)


def _charge_until_owed(account: PlanAccount, alloy: int, metal: int, period: int) -> float:
    """Return the metal charged from the account for the castings of the alloy owed by the end of a period."""
    instance, medals = account.instance, account.instance.medals
    owed = sum(
        medals.parts.value[m, alloy]
        * (1 + medals.allowance.value[m])
        * (int(medals.count[m]) - float(account.missed[m]))
        for m in range(len(medals.names))
        if medals.due[m] <= period
    )
    total = 0.0
    for t in range(len(instance.periods)):
        made = float(account.cast[alloy, t]) * (1 - float(instance.alloys.scrap_share.value[alloy]))
        if made > 0 and owed > 0:
            total += min(1.0, owed / made) * float(account.decisions.charged[alloy, metal, t])
            owed -= made
    return total


def _list_deviations(account: PlanAccount, metal: int, period: int) -> Deviations:
    """Return the change of the metal returned by the end of a period for one deviation of each factor."""
    instance, routes = account.instance, account.routes
    result: Deviations = defaultdict(float)
    names = instance.metals.names
    cv = {name: instance.annex.get(f"{name}_cv", {}) for name in ("devices", "treatments", "smelters", "streams")}
    for j, t in np.argwhere(account.decisions.sent > 0).tolist():
        k = int(routes.smelter[j])
        if k < 0 or t + int(instance.smelters.lead[k, metal]) > period:
            continue
        stream = int(routes.stream[j])
        device = int(instance.streams.device[stream])
        by_metal, by_share, total = _differentiate_shipment(account, j, t, metal)
        owners = (
            ("devices", instance.devices.names[device], by_metal),
            ("treatments", instance.treatments.names[int(instance.treatments.owner[routes.treatment[j]])], by_metal),
            ("smelters", instance.smelters.names[k], by_share),
            ("streams", instance.streams.names[stream], total),
        )
        for section, owner, moved in owners:
            given = cv[section].get(owner, {}).get("cv") or 0.0
            by_name: dict[str, float] = given if isinstance(given, dict) else {"default": given}
            one = by_name.get(names[metal], by_name.get("default", 0.0))
            result[section, owner, names[metal] if section == "devices" else ""] += one * moved
    return result


def _differentiate_shipment(account: PlanAccount, route: int, period: int, metal: int) -> tuple[float, float, float]:
    """Return the metal of one shipment times its derivative by metal in the feed, by accountability and by tonnes."""
    instance, routes = account.instance, account.routes
    stream, line = int(routes.stream[route]), int(routes.line[route])
    device, treatment = int(instance.streams.device[stream]), int(routes.treatment[route])
    tonnes = float(account.decisions.sent[route, period]) * float(instance.streams.credited.value[stream, metal])
    held = float(
        instance.devices.assay.value[device, metal] * instance.treatments.recovery.value[treatment, device, metal]
    )
    share, lost = (
        float(instance.terms.returned.value[line, metal]),
        float(instance.terms.deduction.value[line, metal] * routes.to_smelter[route]),
    )
    if instance.terms.pooled[line]:
        pool = int(np.flatnonzero(np.flatnonzero(instance.terms.pooled) == line)[0])
        by_share = not account.decisions.withheld[pool, metal, period] > AMOUNT_TOLERANCE * float(
            account.gross_payable[pool, metal, period]
        )
        settled = share * held if by_share else held - lost
        if share == 0 or held == 0:
            return 0.0, 0.0, 0.0
    else:
        by_share, settled = share * held <= held - lost, min(share * held, held - lost)
        if settled <= 0:
            return 0.0, 0.0, 0.0
    return tonnes * (share if by_share else 1.0) * held, tonnes * share * held * by_share, tonnes * settled


def _sum_variance(instance: Instance, deviations: Deviations) -> float:
    """Return the quadratic form of the deviations with the correlation matrix."""
    supply, streams = instance.annex.get("supply_correlation", {}), instance.streams
    place = {name: number for number, name in enumerate(streams.names)}
    total = 0.0
    sums: dict[tuple[str, int], float] = defaultdict(float)
    for (section, owner, _), amount in deviations.items():
        own = 1.0
        if section == "streams":
            groups = {
                "all": 0,
                "region": int(streams.region[place[owner]]),
                "device": int(streams.device[place[owner]]),
            }
            for name, group in groups.items():
                own -= supply.get(name, 0.0)
                sums[name, group] += amount
        total += own * amount**2
    return total + sum(supply.get(name, 0.0) * whole**2 for (name, _), whole in sums.items())
