r"""Minimum lots, charges and price steps of contracts: which contracts have them, and what a plan pays for them.

An activity is a contract that is used or not, with a least quantity and a charge where it is used: a line of smelter
terms has a `minimum_lot` and a `lot_charge` in each period in which it is fed; a smelter, treatment, stream or offer
has a `fixed_charge`, due once if it is used at all. Charges make the program a mixed-integer one.

The price of a stream or offer may change with the quantity taken over the horizon. With the quantity $Q$, the limits
$u_n$ of the steps and $\Delta_n$ the difference between the prices after and before $u_n$, the surcharge over the price
of the first step is $\sum_n\Delta_n\max(0,Q-u_n)$: every unit costs the price of its own step, in order of purchase.
Where prices rise this is convex, and the program remains linear. A price that falls needs a binary variable, as the
plan would otherwise buy at the lower price first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from medalopt.instance.arithmetic import (
    NumberReader,
    Numbers,
    bound_below,
    read_floats,
    sum_by_group,
    zero_where_infinite,
)
from medalopt.instance.arrays import Bools, ExactArray, Floats, Ints
from medalopt.instance.instance import Instance, MarketOffers, Names, PriceSteps, Streams
from medalopt.instance.smelter_terms import list_terms_names
from medalopt.text import render_path
from medalopt.tolerances import AMOUNT_TOLERANCE

if TYPE_CHECKING:
    from medalopt.instance.accounting import PlanAccount


@dataclass(frozen=True)
class ActivityKind:
    """One kind of activity; streams and offers may have price steps.

    Attributes:
        name: Prefix of its components in the program: `line`, `smelter`, `treatment`, `stream` or `offer`.
        part: Member of the instance with its parameters.
        charge: Parameter of its charge, money.
        least: Parameter of its least quantity in a period, t; empty for none.
        cost: Kind of cost of the charge.
        periodic: Whether the charge is due in every period in which it is used, else once.
        unit: Unit of its quantity.
    """

    name: str
    part: str
    charge: str
    least: str
    cost: str
    periodic: bool
    unit: str

    def get_charge(self, instance: Instance) -> ExactArray:
        """Return the charge of each member, (N,), money.

        Args:
            instance: Instance.
        """
        charge: ExactArray = getattr(getattr(instance, self.part), self.charge)
        return charge

    def get_least(self, instance: Instance) -> Floats:
        """Return the least quantity of each member where it is used, (N,), t; 0 for none.

        Args:
            instance: Instance.
        """
        if not self.least:
            return np.zeros(len(self.get_charge(instance).raw))
        least: Floats = getattr(getattr(instance, self.part), self.least).value
        return least

    def find_members(self, instance: Instance) -> Bools:
        """Return which members are activities: those with a charge, whoever pays it, or a least quantity, (N,).

        Args:
            instance: Instance.
        """
        return (self.get_charge(instance.whole or instance).raw > 0) | (self.get_least(instance) > 0)

    def list_names(self, instance: Instance) -> tuple[str, ...]:
        """List the names of the members (N,); of lines of terms, their paths.

        Args:
            instance: Instance.
        """
        if self.part == "terms":
            return list_terms_names(instance)
        names: tuple[str, ...] = getattr(instance, self.part).names
        return names

    def get_steps(self, instance: Instance) -> PriceSteps:
        """Return the limits of the price steps of streams or offers.

        Args:
            instance: Instance.
        """
        steps: PriceSteps = getattr(instance, self.part).steps
        return steps

    def list_steps(self, instance: Instance) -> Names:
        """List the limits of price steps by the paths of their `up_to`, (S,).

        Args:
            instance: Instance.
        """
        steps, names = self.get_steps(instance), getattr(instance, self.part).names
        return tuple(
            render_path((self.part, names[owner], "price", number, "up_to"))
            for owner, number in zip(steps.owner.tolist(), steps.number.tolist(), strict=True)
        )

    def list_paths(self, instance: Instance) -> tuple[str, ...]:
        """List the paths of the members (N,).

        Args:
            instance: Instance.
        """
        names = self.list_names(instance)
        return names if self.part == "terms" else tuple(render_path((self.part, name)) for name in names)


LINE_KIND = ActivityKind("line", "terms", "lot_charge", "minimum_lot", "smelting", True, "t")
ACTIVITY_KINDS = (
    LINE_KIND,
    ActivityKind("smelter", "smelters", "fixed_charge", "", "smelting", False, "t"),
    ActivityKind("treatment", "treatments", "fixed_charge", "", "treatment", False, "t"),
    ActivityKind("stream", "streams", "fixed_charge", "", "supply", False, "t"),
    ActivityKind("offer", "market", "fixed_charge", "", "purchases", False, "kg"),
)
STEP_KINDS = STREAM_STEPS, OFFER_STEPS = ACTIVITY_KINDS[3:]  # whose prices may have steps


def has_activities(instance: Instance) -> bool:
    """Return whether any contract has a minimum lot, a lot charge or a fixed charge.

    Args:
        instance: Instance.
    """
    return any(kind.find_members(instance).any() for kind in ACTIVITY_KINDS)


def list_charging_kinds(instance: Instance) -> tuple[ActivityKind, ...]:
    """List the kinds of activity of which some member has a charge.

    Args:
        instance: Instance.
    """
    return tuple(kind for kind in ACTIVITY_KINDS if (kind.get_charge(instance).raw > 0).any())


def list_charge_paths(instance: Instance) -> tuple[str, ...]:
    """List the paths of all lot charges and fixed charges of an instance.

    Returns:
        Paths; a lot charge has that of its line of terms.
    """
    return tuple(
        f"{path}.{kind.charge}"
        for kind in list_charging_kinds(instance)
        for path, charged in zip(kind.list_paths(instance), kind.get_charge(instance).raw > 0, strict=True)
        if charged
    )


def has_lot_constraint(part: Streams | MarketOffers) -> Bools:
    """Return which streams or offers have a lot size or a minimum order.

    Args:
        part: The streams or the market of an instance.

    Returns:
        Mask (I,) or (O,).
    """
    return (part.lot.raw > 0) | (part.minimum_order.raw > 0)


def compute_line_feed(account: PlanAccount) -> Numbers:
    r"""Compute $F_{\ell t}$, the feed of each line of terms.

    Returns:
        (L, T) t.
    """
    routes, fed = account.routes, account.routes.line >= 0
    tonnes = routes.to_smelter[fed, None] * account.decisions.sent[fed]
    return sum_by_group(tonnes, routes.line[fed], len(account.instance.terms.names))


def compute_quantity(account: PlanAccount, kind: ActivityKind) -> Numbers:
    """Compute the quantity of each activity of a kind by period.

    Args:
        account: Plan.
        kind: Kind of activity.

    Returns:
        (N, T) t, of offers kg.
    """
    if kind.name == "line":
        return compute_line_feed(account)
    quantities = {"smelter": "feed", "treatment": "treated", "stream": "sent_by_stream", "offer": "purchases"}
    quantity: Numbers = getattr(account, quantities[kind.name])
    return quantity


def measure_activities(account: PlanAccount) -> dict[str, Floats]:
    """Measure the quantity of every activity of a plan.

    Returns:
        By kind, of lines of terms by period (L, T), of the others over the horizon (N,); t, of offers kg; negligible
        quantities are 0.
    """
    result = {}
    for kind in ACTIVITY_KINDS:
        quantity = np.asarray(compute_quantity(account, kind), dtype=np.float64)
        quantity = quantity if kind.periodic else quantity.sum(axis=1)
        result[kind.name] = np.where(quantity > AMOUNT_TOLERANCE * quantity.max(initial=0.0), quantity, 0.0)
    return result


UsedContracts = frozenset[tuple[str, Any]]  # binary variable and its index


def list_used_keys(account: PlanAccount) -> UsedContracts:
    """List the contracts with lots or charges that a plan uses.

    Returns:
        Names of the binary variables that are 1, each with its index.
    """
    instance, result, quantities = account.instance, set[tuple[str, Any]](), measure_activities(account)
    for kind in ACTIVITY_KINDS:
        names = kind.list_names(instance)
        for n, *when in np.argwhere(quantities[kind.name] > 0).tolist():
            result.add((f"{kind.name}_used", (names[n], instance.periods[when[0]]) if when else names[n]))
    return frozenset(result)


def compute_charges(account: PlanAccount) -> dict[str, Numbers]:
    """Compute lot charges and fixed charges; a fixed charge is due in the first period of use.

    Returns:
        By kind of activity (N, T) money; kinds without charges are left out.
    """
    result = {}
    for kind in list_charging_kinds(account.instance):
        used = bound_below(compute_quantity(account, kind)) > 0
        if not kind.periodic:
            used = used & (np.cumsum(used, axis=1) == 1)
        result[kind.name] = np.where(used, account.read(kind.get_charge(account.instance))[:, None], 0)
    return result


def has_price_steps(instance: Instance) -> bool:
    """Return whether the price of any stream or offer changes with the quantity.

    Args:
        instance: Instance.
    """
    return any(len(kind.get_steps(instance).owner) for kind in STEP_KINDS)


def mark_falling(instance: Instance, kind: ActivityKind) -> Bools:
    """Return the limits above which the price is lower, whoever pays it, (S,).

    Args:
        instance: Instance.
        kind: Streams or offers.
    """
    return np.asarray(kind.get_steps(instance.whole or instance).surcharge.value < 0)


def list_falling_paths(instance: Instance) -> Names:
    """List the limits above which a price is lower, which make the program a mixed-integer one.

    Returns:
        Paths of their `up_to`.
    """
    return tuple(
        name
        for kind in STEP_KINDS
        for name, falls in zip(kind.list_steps(instance), mark_falling(instance, kind).tolist(), strict=True)
        if falls
    )


def list_step_prices(instance: Instance, kind: ActivityKind) -> tuple[Floats, Floats]:
    """Return the lowest and the greatest price of each stream or offer, over all periods and steps.

    Returns:
        Two arrays (N,), money/t, of offers money/kg.
    """
    price, steps = getattr(instance, kind.part).price.value, kind.get_steps(instance)
    lowest, greatest = price.min(axis=1, initial=np.inf), price.max(axis=1, initial=-np.inf)
    current = np.array(price[:, 0]) if len(steps.owner) else lowest  # a price with steps is the same in all periods
    for owner, surcharge in zip(steps.owner.tolist(), steps.surcharge.value.tolist(), strict=True):
        if np.isfinite(surcharge):
            current[owner] += surcharge
            lowest[owner] = min(lowest[owner], current[owner])
            greatest[owner] = max(greatest[owner], current[owner])
    return lowest, greatest


def has_other_lots(instance: Instance) -> bool:
    """Return whether lots, minimum orders or charges make the program a mixed-integer one, and not only falling prices.

    Args:
        instance: Instance.
    """
    return bool(set(instance.lots) - set(list_falling_paths(instance)))


def measure_excess(steps: PriceSteps, quantity: Numbers, read: NumberReader) -> Numbers:
    """Return the quantity beyond each limit by the end of each period, (S, T) t, of offers kg.

    Args:
        steps: Price steps of streams or offers, S of them.
        quantity: Quantity of each stream or offer by period, (N, T) t, of offers kg.
        read: Reads an array in floats, intervals or fractions.

    Returns:
        (S, T) t, of offers kg.
    """
    taken = np.cumsum(quantity, axis=1)[steps.owner]
    return np.maximum(taken - read(steps.above)[:, None], 0)


def list_excess_columns(account: PlanAccount) -> dict[tuple[str, str], float]:
    """Return the quantity beyond each limit by component and index of its variable in the program.

    Returns:
        Quantities, t, of offers kg.
    """
    result: dict[tuple[str, str], float] = {}
    for kind in STEP_KINDS:
        if len(kind.get_steps(account.instance).owner):
            steps, quantity = kind.get_steps(account.instance), compute_quantity(account, kind)
            excess = measure_excess(steps, quantity, account.read)[:, -1].tolist()
            names = kind.list_steps(account.instance)
            result |= {(f"{kind.name}_excess", name): over for name, over in zip(names, excess, strict=True)}
    return result


def sum_step_surcharges(
    instance: Instance, kind: ActivityKind, quantity: Numbers, read: NumberReader = read_floats
) -> Numbers:
    """Sum the cost of each stream or offer beyond the price of its first step, in the order of purchase.

    Args:
        instance: Instance with price steps of the kind.
        kind: Streams or offers.
        quantity (N, T): Quantity in each period, t, of offers kg.
        read: Reads parameters in the arithmetic of the result.

    Returns:
        (N, T) money, negative where prices fall.
    """
    steps = kind.get_steps(instance)
    excess = measure_excess(steps, quantity, read)
    added = np.concatenate([excess[:, :1], excess[:, 1:] - excess[:, :-1]], axis=1)
    paid = zero_where_infinite(read(steps.surcharge))[:, None] * added
    return sum_by_group(paid, steps.owner, len(getattr(instance, kind.part).names))


def allocate_surcharges(account: PlanAccount) -> Numbers:
    """Allocate the surcharges of streams to their shipments of the period, in proportion to the tonnes.

    Args:
        account: Plan with price steps of streams.

    Returns:
        (J, T) money.
    """
    sent = account.sent_by_stream
    mean = account.surcharges["stream"] / np.where(sent > 0, sent, 1)
    return mean[account.routes.stream] * account.treated_devices


def compute_purchase_costs(account: PlanAccount) -> Numbers:
    """Return the cost of each offer in each period at the prices of the steps in use, without fixed charges.

    Returns:
        (O, T) money.
    """
    paid = account.read(account.instance.market.price) * account.purchases
    return paid + account.surcharges["offer"] if "offer" in account.surcharges else paid


def compute_purchase_prices(account: PlanAccount) -> Floats:
    """Return the mean price of the purchases of each offer in each period.

    Returns:
        (O, T) money/kg; where nothing is bought, the price of the next kilogram.
    """
    price, bought = account.instance.market.price.value, account.purchases
    if "offer" not in account.surcharges:
        return price
    mean = price + account.surcharges["offer"] / np.where(bought > 0, bought, 1.0)
    return np.asarray(np.where(bought > 0, mean, compute_marginal_prices(account, OFFER_STEPS)))


def compute_marginal_prices(account: PlanAccount, kind: ActivityKind) -> Floats:
    """Return the price of one more unit of each stream or offer: that of the step in use.

    Returns:
        (N, 1 or T) money/t, of offers money/kg; at the limit of a step, the price of the next one.
    """
    prices: Floats = getattr(account.instance, kind.part).price.value
    steps = kind.get_steps(account.instance)
    if not len(steps.owner):
        return prices
    taken = compute_quantity(account, kind).sum(axis=1)[steps.owner]
    used = taken >= steps.above.value * (1 - AMOUNT_TOLERANCE)
    added = np.where(used & np.isfinite(steps.surcharge.value), steps.surcharge.value, 0.0)
    return np.asarray(prices + sum_by_group(added, steps.owner, len(prices))[:, None])


def compute_mean_price(instance: Instance, price: Floats) -> Floats:
    """Compute price and collection of a tonne of each stream, on average over its supply where they change over time.

    Args:
        instance: Instance.
        price (I, 1 or T): Price of a tonne, that of the step in use.

    Returns:
        Money per tonne (I,).
    """
    streams = instance.streams
    each = price + streams.collection.value
    if each.shape[1] == 1:
        return np.asarray(each[:, 0])
    available = streams.available.value
    total = available.sum(axis=1)
    weights = np.where(total[:, None] > 0, available, 1.0)
    return np.asarray((each * weights).sum(axis=1) / weights.sum(axis=1))


def bound_by_steps(kind: ActivityKind, instance: Instance, most: Floats) -> Floats:
    """Return bounds on quantities over the horizon that respect the limit of a last step.

    Args:
        kind: Streams or offers.
        instance: Instance.
        most (N,): Upper bounds without these limits.

    Returns:
        Upper bounds (N,), t, of offers kg.
    """
    steps, result = kind.get_steps(instance), np.array(most, dtype=np.float64)
    last = np.isinf(steps.surcharge.value)
    np.minimum.at(result, steps.owner[last], steps.above.value[last])
    return result


def select_steps(steps: PriceSteps, chosen: Bools | Ints) -> PriceSteps:
    """Select limits of price steps.

    Args:
        steps: Limits.
        chosen: Mask (S,), or indices in the order wanted.

    Returns:
        The limits chosen.
    """

    def take(values: ExactArray) -> ExactArray:
        """Select the members of an array."""
        return ExactArray(values.raw[chosen], np.broadcast_to(values.unit, values.raw.shape)[chosen], values.factors)

    return PriceSteps(steps.owner[chosen], steps.number[chosen], take(steps.above), take(steps.surcharge))


def reorder_steps(steps: PriceSteps, place: Ints) -> PriceSteps:
    """Return the limits of price steps for owners in another order.

    Args:
        steps: Limits.
        place (N,): New index of every owner.

    Returns:
        The limits, by new owner and in order.
    """
    owner = place[steps.owner]
    return select_steps(replace(steps, owner=owner), np.lexsort((steps.number, owner)))
