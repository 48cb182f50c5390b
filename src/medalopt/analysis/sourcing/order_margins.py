"""Margin of every order: by how much it may fall short, and the cost of rounding the quantities of all orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from medalopt.analysis.sourcing.traceability import compute_route_returns
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arithmetic import sum_by_group
from medalopt.instance.arrays import Floats, Ints
from medalopt.instance.demand import is_stocked
from medalopt.instance.instance import Instance
from medalopt.tolerances import AMOUNT_TOLERANCE

_WITHOUT_OFFER = 1e6  # a metal that no offer replaces, in units of the dearest price


@dataclass(frozen=True)
class OrderMargin:
    """Share of an order that may fail while all else goes as planned.

    Attributes:
        share: Largest share of the order that may fail, 0 to 1; more than 1 where the rest of the plan suffices.
        metal: Index of the metal that is short first; of several the one whose loss costs most to replace.
        period: Index of the period in which it is short.
        kilograms: What the whole order brings of that metal until then.
    """

    share: float
    metal: int
    period: int
    kilograms: float


@dataclass(frozen=True)
class MetalShortage:
    """Metal that is missing by the end of a period [kg], and its charge over the horizon [kg]."""

    metal: int
    period: int
    kilograms: float
    needed: float


@dataclass(frozen=True, eq=False)
class OrderMargins:
    """Margins of the orders to each region (G,), smelter (K,) and offer (O,); None where an order brings no metal."""

    regions: Sequence[OrderMargin | None]
    smelters: Sequence[OrderMargin | None]
    offers: Sequence[OrderMargin | None]


def compute_spare_metal(account: PlanAccount) -> Floats:
    """Compute the metal that no melt of the plan needs until the end of each period.

    Args:
        account: Accounting of the plan.

    Returns:
        (E, T) kg: stock, with all that was sold or left with the smelters before.
    """
    return np.asarray(account.stock + (account.decisions.surplus + account.left).cumsum(axis=1))


def compute_order_margins(account: PlanAccount) -> OrderMargins:
    """Compute the margin of the orders to every region, smelter and offer.

    Args:
        account: Accounting of the plan.

    Returns:
        The margins; each order fails alone, by the same share in all periods.
    """
    instance, routes = account.instance, account.routes
    used = np.flatnonzero((account.decisions.sent > 0).any(axis=1))
    back = np.moveaxis(compute_route_returns(account, used), 1, 0)  # (J, E, T)
    travels = routes.smelter[used] >= 0
    spare, price = compute_spare_metal(account), compute_replacement_prices(instance)
    turnover = spare + _sum_charged(account).cumsum(axis=1)

    def find_margins(members: Ints, brought: Floats, count: int) -> list[OrderMargin | None]:
        """Return the margin of each group of routes.

        Args:
            members: (J,) group of each route.
            brought: (J, E, T) kg of metal by route and period of return.
            count: Number of groups.

        Returns:
            Margin by group; None for a group without metal.
        """
        each = np.asarray(sum_by_group(brought, members, count)).cumsum(axis=2)
        return [_find_margin(metal, spare, turnover, price) for metal in each]

    region = instance.streams.region[routes.stream[used]]
    content = instance.market.composition.value[:, :, None]  # (O, E, 1)
    bought = content * account.decisions.bought.sum(axis=1)[:, None, :]
    return OrderMargins(
        find_margins(region, back, len(instance.regions)),
        find_margins(routes.smelter[used][travels], back[travels], len(instance.smelters.names)),
        [_find_margin(metal, spare, turnover, price) for metal in bought.cumsum(axis=2)],
    )


def _sum_charged(account: PlanAccount) -> Floats:
    """Return the metal charged (E, T) kg, from stock and with offers."""
    with_offers = np.einsum("oat,oe->et", account.decisions.bought, account.instance.market.composition.value)
    return np.asarray(account.decisions.charged.sum(axis=0) + with_offers)


def compute_replacement_prices(instance: Instance) -> Floats:
    """Compute the price of a kilogram of each metal in the cheapest offer that is recycled enough.

    Args:
        instance: Instance.

    Returns:
        (E,) money/kg; of a metal that no offer can replace far more than any price.
    """
    market, floor = instance.market, instance.policy.recycled.value
    content = market.composition.value  # (O, E)
    price = market.price.value.min(axis=1, initial=np.inf)[:, None]
    suits = (content > 0) & (market.recycled.value[:, None] >= floor)
    each = np.divide(price, content, out=np.full_like(content, np.inf), where=suits)
    least = np.maximum(each.min(axis=0, initial=np.inf), 0)
    known = least[np.isfinite(least)]
    return np.where(np.isfinite(least), least, _WITHOUT_OFFER * max(1.0, float(known.max(initial=0.0))))


def _find_margin(brought: Floats, spare: Floats, turnover: Floats, price: Floats) -> OrderMargin | None:
    """Return the margin of an order that brings so much metal until each period, (E, T) kg."""
    spare = np.where(spare > AMOUNT_TOLERANCE * turnover, spare, 0.0)
    counts = brought > AMOUNT_TOLERANCE * np.maximum(turnover, 1e-12)
    if not counts.any():
        return None
    share = np.divide(spare, brought, out=np.full_like(spare, np.inf), where=counts)
    first = share <= share.min() + AMOUNT_TOLERANCE  # of metals that are short at once, the dearest loss
    value = np.where(first, brought * price[:, None], -1.0)
    metal, period = np.unravel_index(int(value.argmax()), share.shape)
    return OrderMargin(float(share[metal, period]), int(metal), int(period), float(brought[metal, period]))


def find_rounding_shortages(
    account: PlanAccount, tonnes: Mapping[tuple[int, int], float], bought: Mapping[tuple[int, int], float]
) -> tuple[MetalShortage, ...]:
    """Find the metals that are short where every order is delivered as rounded, and all melts are charged as planned.

    Args:
        account: Accounting of the plan.
        tonnes: Rounded over planned quantity, by index of stream and period.
        bought: Likewise by index of offer and period.

    Returns:
        The greatest shortage of each metal; none where all suffice.
    """
    instance, decisions = account.instance, account.decisions
    factors = np.ones(instance.streams.available.value.shape)
    for place, factor in tonnes.items():
        factors[place] = factor
    rounded = replace(account, decisions=replace(decisions, sent=decisions.sent * factors[account.routes.stream]))
    delivered = decisions.bought.sum(axis=1)
    extra = np.zeros_like(delivered)
    for (offer, period), factor in bought.items():
        amount = float(account.purchases[offer, period]) if is_stocked(instance)[offer] else delivered[offer, period]
        extra[offer, period] = amount * (factor - 1)
    spare = compute_spare_metal(rounded) + (instance.market.composition.value.T @ extra).cumsum(axis=1)
    needed = _sum_charged(account).sum(axis=1)
    found = []
    for metal in np.flatnonzero(needed > 0).tolist():
        period = int(spare[metal].argmin())
        short = -float(spare[metal, period])
        if short > AMOUNT_TOLERANCE * needed[metal]:
            found.append(MetalShortage(metal, period, short, float(needed[metal])))
    return tuple(found)
