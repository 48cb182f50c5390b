r"""Price steps: the price of a stream or offer changes with the quantity taken over the horizon.

With the quantity $Q$, the limits $u_n$ of the steps and $\Delta_n$ the difference between the prices after and before
$u_n$, the surcharge over the price of the first step is $\sum_n\Delta_n\max(0,Q-u_n)$: every unit costs the price of
its own step, in the order of purchase. Where prices rise this is convex, and the program remains linear. A price that
falls needs a binary variable, as the plan would otherwise buy at the lower price first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from medalopt.instance.arithmetic import Numbers, read_floats, sum_by_group, zero_where_infinite
from medalopt.instance.arrays import Bools, ExactArray, Floats, Ints
from medalopt.instance.instance import NO_STEPS, Instance, Names, PriceSteps
from medalopt.text import render_path
from medalopt.tolerances import AMOUNT_TOLERANCE

if TYPE_CHECKING:
    from medalopt.instance.accounting import PlanAccount
    from medalopt.instance.arithmetic import NumberReader


_ROUNDING = 2.0**-40  # relative margin for the rounding errors of rates


@dataclass(frozen=True)
class StepKind:
    """Kind of contract whose price has steps: stream or offer.

    Attributes:
        name: Prefix of its components in the program: `stream` or `offer`.
        part: Member of the instance.
        unit: Unit of the quantity.
    """

    name: str
    part: str
    unit: str

    def get_steps(self, instance: Instance) -> PriceSteps:
        """Return the limits of the price steps of this kind.

        Args:
            instance: Instance.
        """
        steps: PriceSteps = getattr(instance, self.part).steps
        return steps

    def list_names(self, instance: Instance) -> Names:
        """List the limits by the paths of their `up_to`, (S,).

        Args:
            instance: Instance.
        """
        steps, names = self.get_steps(instance), getattr(instance, self.part).names
        return tuple(
            render_path((self.part, names[owner], "price", number, "up_to"))
            for owner, number in zip(steps.owner.tolist(), steps.number.tolist(), strict=True)
        )

    def get_quantity(self, account: PlanAccount) -> Numbers:
        """Return the quantity of every owner in each period, (N, T) t, of offers kg.

        Args:
            account: Plan.
        """
        return account.purchases if self.name == "offer" else account.sent_by_stream


STREAM_STEPS = StepKind("stream", "streams", "t")
OFFER_STEPS = StepKind("offer", "market", "kg")
STEP_KINDS = (STREAM_STEPS, OFFER_STEPS)


def has_price_steps(instance: Instance) -> bool:
    """Return whether the price of any stream or offer changes with the quantity.

    Args:
        instance: Instance.
    """
    return any(len(kind.get_steps(instance).owner) for kind in STEP_KINDS)


def mark_falling(instance: Instance, kind: StepKind) -> Bools:
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
        for name, falls in zip(kind.list_names(instance), mark_falling(instance, kind).tolist(), strict=True)
        if falls
    )


def list_step_prices(instance: Instance, kind: StepKind) -> tuple[Floats, Floats]:
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


def _select_steps(steps: PriceSteps, chosen: Bools | Ints) -> PriceSteps:
    """Return the limits of price steps that a mask (S,) chooses, or those at indices, in this order."""

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
    return _select_steps(replace(steps, owner=owner), np.lexsort((steps.number, owner)))


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
            steps, quantity = kind.get_steps(account.instance), kind.get_quantity(account)
            excess = measure_excess(steps, quantity, account.read)[:, -1].tolist()
            names = kind.list_names(account.instance)
            result |= {(f"{kind.name}_excess", name): over for name, over in zip(names, excess, strict=True)}
    return result


def sum_step_surcharges(
    instance: Instance, kind: StepKind, quantity: Numbers, read: NumberReader = read_floats
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


def compute_step_surcharges(account: PlanAccount) -> dict[str, Numbers]:
    """Compute the costs of streams and offers beyond the prices of their first steps, in the order of purchase.

    Returns:
        By kind (N, T) money, negative where prices fall; kinds without price steps are left out.
    """
    return {
        kind.name: sum_step_surcharges(account.instance, kind, kind.get_quantity(account), account.read)
        for kind in STEP_KINDS
        if len(kind.get_steps(account.instance).owner)
    }


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
        total = np.asarray(kind.get_quantity(account), dtype=np.float64).sum(axis=1)
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


def allocate_surcharges(account: PlanAccount) -> Numbers:
    """Allocate the surcharges of streams to their shipments of the period, in proportion to the tonnes.

    Args:
        account: Plan with price steps of streams.

    Returns:
        (J, T) money.
    """
    sent = STREAM_STEPS.get_quantity(account)
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


def compute_marginal_prices(account: PlanAccount, kind: StepKind) -> Floats:
    """Return the price of one more unit of each stream or offer: that of the step in use.

    Returns:
        (N, 1 or T) money/t, of offers money/kg; at the limit of a step, the price of the next one.
    """
    prices: Floats = getattr(account.instance, kind.part).price.value
    steps = kind.get_steps(account.instance)
    if not len(steps.owner):
        return prices
    taken = kind.get_quantity(account).sum(axis=1)[steps.owner]
    used = taken >= steps.above.value * (1 - AMOUNT_TOLERANCE)
    added = np.where(used & np.isfinite(steps.surcharge.value), steps.surcharge.value, 0.0)
    return np.asarray(prices + sum_by_group(added, steps.owner, len(prices))[:, None])


def spread_falling_steps(instance: Instance, most: Mapping[str, Floats]) -> tuple[Instance, dict[str, Floats]]:
    r"""Return the instance without the limits above which prices fall, and rates that stand for them.

    For $0\le Q\le M$ the surcharge $\Delta\max(0,Q-u)$ with $\Delta<0$ is concave, and so at least
    $\Delta(1-u/M)Q$: the relaxation in which every unit is cheaper by this rate.

    Args:
        instance: Instance.
        most: Upper bounds on the quantity of each stream and offer over the horizon, by kind (N,), those of
            `bound_by_steps` included.

    Returns:
        Instance without falling prices, and by kind the rates to add to the price (N,), at most 0.
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
    return drop_falling_steps(instance), rates


def drop_falling_steps(instance: Instance) -> Instance:
    """Return the instance without the limits above which prices fall: the price before holds for all of the quantity.

    Returns:
        The instance; itself where no price falls.
    """
    if not list_falling_paths(instance):
        return instance
    whole = None if instance.whole is None else drop_falling_steps(instance.whole)
    kept = {}
    for kind in STEP_KINDS:
        part, rises = getattr(instance, kind.part), ~mark_falling(instance, kind)
        kept[kind.part] = replace(part, steps=_select_steps(part.steps, rises))
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


def use_up_steps(instance: Instance, kind: StepKind, used: Floats, least: Floats) -> Any:
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
    return replace(part, price=price, steps=_select_steps(changed, kept))


def bound_by_steps(kind: StepKind, instance: Instance, most: Floats) -> Floats:
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
