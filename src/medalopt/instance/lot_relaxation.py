r"""Relaxations of lots, charges and price steps, bounds on the quantities of contracts, and their use by a plan.

With $M$ the greatest quantity, the charge $\eta$ of a used activity is at least $\eta F/M$ for every quantity $F\le M$:
the instance with unit prices raised by $\eta/M$ is a relaxation without integers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from medalopt.instance.arithmetic import (
    bound_below,
    sum_by_group,
    zero_where_infinite,
)
from medalopt.instance.arrays import ExactArray, Floats
from medalopt.instance.bounds import (
    VariableBounds,
    bound_purchases,
    compute_bounds,
    is_stocked,
)
from medalopt.instance.instance import NO_STEPS, Instance
from medalopt.instance.lots import (
    ACTIVITY_KINDS,
    LINE_KIND,
    OFFER_STEPS,
    STEP_KINDS,
    STREAM_STEPS,
    ActivityKind,
    bound_by_steps,
    compute_quantity,
    has_price_steps,
    list_charging_kinds,
    list_falling_paths,
    mark_falling,
    select_steps,
)
from medalopt.instance.routes import Routes, build_routes
from medalopt.text import render_path
from medalopt.tolerances import AMOUNT_TOLERANCE

if TYPE_CHECKING:
    from medalopt.instance.accounting import PlanAccount


_ROUNDING = 2.0**-40  # relative margin for the rounding errors of greatest quantities and raised prices


def describe_lot_rules(paths: Sequence[str]) -> str:
    """Describe the rules that make an instance a mixed-integer program.

    Args:
        paths: Paths of its lots, minimum orders, minimum lots, charges and falling prices (`Instance.lots`).

    Returns:
        A noun phrase in the plural.
    """
    fields = {path.rpartition(".")[2] for path in paths}
    rules = ["whole lots and minimum orders"] if fields & {"lot", "minimum_order"} else []
    rules += ["lots of feed"] if fields & {LINE_KIND.least, LINE_KIND.charge} else []
    rules += ["fixed charges"] if "fixed_charge" in fields else []
    rules += ["falling prices"] if "up_to" in fields else []
    return " and ".join(filter(None, (", ".join(rules[:-1]), rules[-1])))


def bound_line_feed(instance: Instance, routes: Routes, bounds: VariableBounds) -> Floats:
    r"""Bound the feed of each line of terms in each period.

    $\min\bigl(u_{kt},\overline u_k,\sum_h\min(v_{ht}\max_j\pi_j,\sum_j\pi_j\hat s_{it})\bigr)$ over the routes $j$ of
    the line, with $\hat s_{it}$ the most that a stream can send.

    Args:
        instance: Instance.
        routes: Routes (J).
        bounds: Implied bounds, for the most that each stream can send.

    Returns:
        Upper bounds (L, T), t.
    """
    lines, treatments, periods = len(instance.terms.names), len(instance.treatments.names), len(instance.periods)
    fed = np.flatnonzero(routes.line >= 0)
    group, share = routes.line[fed] * treatments + routes.treatment[fed], np.asarray(routes.to_smelter, float)[fed]
    supplied = sum_by_group(share[:, None] * np.asarray(bounds.sent)[routes.stream[fed]], group, lines * treatments)
    greatest = np.zeros(lines * treatments)
    np.maximum.at(greatest, group, share)
    capacity = instance.treatments.capacity.value[instance.treatments.owner]
    treated = np.where(greatest.reshape(lines, treatments, 1) > 0, capacity[None], 0.0)
    treated = greatest.reshape(lines, treatments, 1) * treated
    feed = np.minimum(supplied.reshape(lines, treatments, periods), treated).sum(axis=1)
    smelters, smelter = instance.smelters, instance.terms.smelter
    feed = np.minimum(feed, np.minimum(smelters.capacity.value, smelters.limit.value[:, None])[smelter])
    return np.asarray(feed)


def bound_activities(instance: Instance, routes: Routes, bounds: VariableBounds) -> dict[str, Floats]:
    """Bound the quantity of every activity: no plan uses more.

    Returns:
        By kind, upper bounds of lines of terms by period (L, T), of the others over the horizon (N,); t, of offers kg.
    """
    sent, smelters, treatments = np.asarray(bounds.sent), instance.smelters, instance.treatments
    lines = bound_line_feed(instance, routes, bounds)
    fed = np.minimum(sum_by_group(lines, instance.terms.smelter, len(smelters.names)), smelters.capacity.value)
    taken = np.zeros((len(treatments.names), len(instance.streams.names)), dtype=np.bool_)
    taken[routes.treatment, routes.stream] = True
    treated = np.minimum(taken.astype(np.float64) @ sent, treatments.capacity.value)
    capacity = np.where(taken & (treatments.parent < 0)[:, None], treatments.capacity.value.sum(axis=1)[:, None], 0.0)
    supply = np.minimum(instance.streams.available.value.sum(axis=1), capacity.sum(axis=0))
    offers = bound_purchases(instance, bounds)
    repeated = is_stocked(instance) & instance.policy.couples_offers  # else one bound holds in all
    often = np.where(repeated, len(instance.periods), 1)
    return {
        "line": lines,
        "smelter": np.minimum(fed.sum(axis=1), smelters.limit.value),
        "treatment": treated.sum(axis=1),
        "stream": bound_by_steps(STREAM_STEPS, instance, supply),
        "offer": bound_by_steps(OFFER_STEPS, instance, np.minimum(offers * often, instance.market.limit.value)),
    }


def spread_charges(instance: Instance, quantities: Mapping[str, Floats] | None = None) -> Instance:
    """Return the relaxation in which every charge is paid pro rata, and every falling price given: no integers.

    Prices are rounded down, so that no plan costs less than in the instance.

    Args:
        instance: Instance, with or without lots and minimum orders, which are left unchanged.
        quantities: Quantities above 0 over which charges are spread, by kind as `bound_activities` gives them; None:
            the greatest ones. With others the result is no relaxation.

    Returns:
        The relaxed instance; `instance` itself where it has no charges and no falling prices.
    """
    if not list_charging_kinds(instance) and not list_falling_paths(instance):
        return instance
    routes = build_routes(instance)
    upper = bound_activities(instance, routes, compute_bounds(instance, routes))
    if quantities is not None:
        upper = {name: np.where(quantities[name] > 0, quantities[name], most) for name, most in upper.items()}
    rate = {}
    for kind in ACTIVITY_KINDS:
        quantity = upper[kind.name]
        charge = kind.get_charge(instance).value.reshape((-1,) + (1,) * (quantity.ndim - 1))
        rate[kind.name] = np.where(quantity > 0, charge / np.where(quantity > 0, quantity, 1.0), 0.0) * (
            1 - 2 * _ROUNDING
        )
    instance, falling = _spread_falling_steps(instance, upper)
    rate |= {name: rate[name] + lower for name, lower in falling.items()}
    terms, market, streams = instance.terms, instance.market, instance.streams
    treatments, feed = instance.treatments, rate["line"] + rate["smelter"][terms.smelter][:, None]
    return replace(
        instance,
        terms=replace(terms, treatment_charge=_raise_prices(terms.treatment_charge, feed)),
        treatments=replace(treatments, cost=_raise_prices(treatments.cost, rate["treatment"])),
        streams=replace(streams, price=_raise_prices(streams.price, rate["stream"])),
        market=replace(market, price=_raise_prices(market.price, rate["offer"])),
    )


def _raise_prices(prices: ExactArray, rate: Floats) -> ExactArray:
    """Return prices changed by a rate along their first axes, rounded down; those of rate 0 are unchanged."""
    added = rate.reshape(rate.shape + (1,) * (prices.raw.ndim - rate.ndim))
    total = prices.value + added
    total = total - 4 * np.spacing(np.maximum(abs(prices.value), abs(total)))
    chosen = np.broadcast_to(added != 0, total.shape)
    unit = np.where(chosen, len(prices.factors), np.broadcast_to(prices.unit, prices.raw.shape))
    return ExactArray(np.where(chosen, total, prices.raw), unit, (*prices.factors, Fraction(1)))


def _spread_falling_steps(instance: Instance, most: Mapping[str, Floats]) -> tuple[Instance, dict[str, Floats]]:
    r"""Return the instance without the limits above which prices fall, and rates that stand for them.

    For $0\le Q\le M$ the surcharge $\Delta\max(0,Q-u)$ with $\Delta<0$ is concave, and so at least
    $\Delta(1-u/M)Q$: the relaxation in which every unit is cheaper by this rate.

    `most` has upper bounds on the quantity over the horizon by kind, (N,), those of `bound_by_steps` included; the
    rates by kind, (N,), are at most 0.
    """
    rates = {}
    for kind in STEP_KINDS:
        steps, count = kind.get_steps(instance), len(getattr(instance, kind.part).names)
        falls = mark_falling(instance, kind)
        if falls.any():
            limit = most[kind.name][steps.owner]
            over = np.maximum(1.0 - steps.above.value / np.where(limit > 0, limit, 1.0), 0.0)
            surcharge = np.where(falls & (limit > 0), steps.surcharge.value, 0.0)
            each = surcharge * over * (1 + _ROUNDING)
            rates[kind.name] = sum_by_group(each, steps.owner, count)
    return _drop_falling_steps(instance), rates


def relax_lots(instance: Instance) -> Instance:
    """Return the continuous relaxation: no whole lots and minimum orders, charges and falling prices pro rata.

    Args:
        instance: Instance, with or without lots.

    Returns:
        The relaxed instance; no plan of it costs less than the cheapest of the instance.
    """
    return drop_lot_constraints(spread_charges(instance))


def drop_lot_constraints(instance: Instance) -> Instance:
    """Return an instance without whole lots, minimum orders, lots of feed, fixed charges and falling prices.

    Where prices fall, that of the step before holds for all of the quantity; `spread_charges` gives a relaxation.

    Returns:
        The instance, a relaxation where no price falls; `instance` itself where it has no such constraint.
    """
    if not instance.lots:
        return instance

    stated_digest, instance = instance.figures, _drop_falling_steps(instance)

    def drop(part: Any, *fields: str) -> Any:
        """Return a part of the instance with some of its arrays set to 0."""
        count = len(part.names)
        zero = ExactArray(np.zeros(count), np.zeros(count, dtype=np.intp))
        return replace(part, **dict.fromkeys(fields, zero))

    return replace(
        instance,
        lots=(),
        stated_digest=stated_digest,
        whole=None if instance.whole is None else drop_lot_constraints(instance.whole),
        streams=drop(instance.streams, "lot", "minimum_order", "fixed_charge"),
        market=drop(instance.market, "lot", "minimum_order", "fixed_charge"),
        treatments=drop(instance.treatments, "fixed_charge"),
        smelters=drop(instance.smelters, "fixed_charge"),
        terms=drop(instance.terms, "minimum_lot", "lot_charge"),
    )


def _drop_falling_steps(instance: Instance) -> Instance:
    """Return the instance without the limits above which prices fall; itself where no price falls."""
    if not list_falling_paths(instance):
        return instance
    whole = None if instance.whole is None else _drop_falling_steps(instance.whole)
    kept = {}
    for kind in STEP_KINDS:
        part, rises = getattr(instance, kind.part), ~mark_falling(instance, kind)
        kept[kind.part] = replace(part, steps=select_steps(part.steps, rises))
    return replace(instance, whole=whole, **kept)


def drop_price_steps(instance: Instance) -> Instance:
    """Return the instance without price steps: the price of the first step holds for all of the quantity.

    Returns:
        The instance; itself where no price has steps.
    """
    if not has_price_steps(instance):
        return instance
    parts = {kind.part: replace(getattr(instance, kind.part), steps=NO_STEPS) for kind in STEP_KINDS}
    return replace(instance, **parts)


def use_up_steps(instance: Instance, kind: ActivityKind, used: Floats, least: Floats) -> Any:
    """Return streams or offers of which a part is bought already, which has used up the first steps of their prices.

    Args:
        instance: Instance.
        kind: Streams or offers.
        used (N,): Quantity bought, t, of offers kg.
        least (N,): Quantity still to be bought at least, which the limit of a last step does not fall below.

    Returns:
        Streams or offers with the price of the step in use, and the limits less the quantity used.
    """
    part, steps = getattr(instance, kind.part), kind.get_steps(instance)
    if not len(steps.owner):
        return part
    gone, above, last = used[steps.owner], steps.above.value, np.isinf(steps.surcharge.value)
    left = np.where(above - gone > AMOUNT_TOLERANCE * above, above - gone, 0.0)
    left = np.where(last, np.maximum(left, least[steps.owner]), left)
    kept = last | (left > 0)
    paid = np.where(kept, 0.0, steps.surcharge.value)
    added = sum_by_group(zero_where_infinite(paid), steps.owner, len(part.names))[:, None]
    limits = np.where(gone > 0, left, above)
    changed = replace(steps, above=ExactArray(limits, np.zeros(limits.shape, dtype=np.intp)))
    price = part.price
    if added.any():
        price = ExactArray(price.value + added, np.zeros(price.shape, dtype=np.intp))
    return replace(part, price=price, steps=select_steps(changed, kept))


class UsedContract(NamedTuple):
    """A contract with a minimum lot or a charge that a plan uses: its path, period of use, quantity and charge."""

    contract: str
    period: str  # of a fixed charge, the first period of use
    quantity: float  # in the period; of a fixed charge, over the horizon
    unit: str  # t, of offers kg
    charge: float  # money


def list_used_contracts(account: PlanAccount) -> tuple[UsedContract, ...]:
    """List the uses of contracts with a minimum lot or a charge.

    Returns:
        One use for each period in which a line of terms is fed, and one for each other contract that is used.
    """
    used: list[UsedContract] = []
    instance = account.instance
    for kind in ACTIVITY_KINDS:
        members = kind.find_members(instance)
        if not members.any():
            continue
        quantity, names = compute_quantity(account, kind), kind.list_paths(instance)
        charge = account.read(kind.get_charge(instance))
        taken = (bound_below(quantity) > 0) & members[:, None]
        first = taken & (kind.periodic | (np.cumsum(taken, axis=1) == 1))
        for n, t in zip(*(axis.tolist() for axis in np.nonzero(first)), strict=True):
            amount = float(quantity[n, t] if kind.periodic else quantity[n].sum())
            used.append(UsedContract(names[n], instance.periods[t], amount, kind.unit, float(charge[n])))
    return tuple(used)


class UsedStep(NamedTuple):
    """A step of the price of a stream or offer that a plan uses, with the quantity at this price and its cost."""

    contract: str
    step: int  # from 1
    up_to: float | None  # of the quantity over the horizon; None: no limit
    price: float  # money per unit
    quantity: float
    unit: str  # t, of offers kg
    cost: float  # money


def list_used_steps(account: PlanAccount) -> tuple[UsedStep, ...]:
    """List all steps of the prices of the streams and offers that a plan in floats uses, those not reached included.

    Args:
        account: Account of a plan in floats.

    Returns:
        The steps in the order of streams, then offers, by rising limit.
    """
    used: list[UsedStep] = []
    for kind in STEP_KINDS:
        part, steps = getattr(account.instance, kind.part), kind.get_steps(account.instance)
        total = np.asarray(compute_quantity(account, kind), dtype=np.float64).sum(axis=1)
        for owner in np.unique(steps.owner[total[steps.owner] > 0]).tolist():
            own = np.flatnonzero(steps.owner == owner)
            price, reached = float(part.price.value[owner, 0]), 0.0
            name, number = render_path((kind.part, part.names[owner])), int(steps.number[own[0]])
            limits = zip(steps.above.value[own].tolist(), steps.surcharge.value[own].tolist(), strict=True)
            for above, surcharge in (*limits, (None, np.inf)):
                most = np.inf if above is None else above
                amount = max(min(float(total[owner]), most) - reached, 0.0)
                number, reached = number + 1, most
                used.append(UsedStep(name, number, above, price, amount, kind.unit, price * amount))
                if np.isinf(surcharge):
                    break
                price += surcharge
    return tuple(used)
