"""Recourse after the metal is known: melts are re-timed, and missing metal is bought where the instance allows it.

At each deadline the metal still missing is bought from the offers that some alloy charged with it admits and that hold
at least 95 % of it, the cheapest of that period first: within the limit of each offer and, for offers that are not
wholly recycled, the recycled-content rule. Lots and minimum orders are not observed. The rest is unmet.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.analysis.risk.draws import ReturnDraws
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arrays import Floats, Ints
from medalopt.instance.demand import may_buy
from medalopt.instance.price_steps import OFFER_STEPS, bound_by_steps, compute_marginal_prices
from medalopt.instance.risk import DeadlineRisk

MIN_OFFER_CONTENT = 0.95  # mass fraction of the metal in an offer that replaces it


@dataclass(frozen=True, eq=False)
class RecourseRoom:
    """Offers that can replace one metal, and how much of it they may."""

    offer: Ints  # (O',) index of the offer
    price: Floats  # (O', T) money per kg of the metal
    limit: Floats  # (O',) kg of the metal
    primary: Floats  # (O',) share that counts as new metal
    new_metal: float  # kg of new metal that the recycled-content rule still allows


def find_room(account: PlanAccount, metal: int) -> RecourseRoom:
    """Find the offers that can replace a metal, beyond the purchases of the plan.

    Args:
        account: Accounting of the plan.
        metal: Index of the metal.

    Returns:
        Offers, prices and limits.
    """
    instance, market = account.instance, account.instance.market
    content = market.composition.value[:, metal]
    alloys = account.decisions.charged[:, metal].sum(axis=1) > 0
    offer = np.flatnonzero((content >= MIN_OFFER_CONTENT) & may_buy(instance)[:, alloys].any(axis=1))
    most = bound_by_steps(OFFER_STEPS, instance, market.limit.value)
    left = np.maximum(most[offer] - np.asarray(account.bought)[offer], 0.0)
    mined = ((1 - market.recycled.value) * content)[:, None, None] * account.decisions.bought
    allowed = (1 - float(instance.policy.recycled.value[metal])) * float(account.composition[:, metal].sum())
    return RecourseRoom(
        offer,
        compute_marginal_prices(account, OFFER_STEPS)[offer] / content[offer, None],
        left * content[offer],
        1 - market.recycled.value[offer],
        max(allowed - float(mined.sum()), 0.0) if instance.policy.recycled.raw[metal] > 0 else np.inf,
    )


def buy_missing_metal(
    account: PlanAccount, risks: tuple[DeadlineRisk, ...], metal: int, draws: ReturnDraws
) -> tuple[Floats, Floats]:
    """Buy the metal missing at each deadline of one metal.

    Args:
        account: Accounting of the plan.
        risks: Need of each metal and deadline.
        metal: Index of the metal.
        draws: Metal returned (N draws).

    Returns:
        Cost of the purchases (N,), money, and metal unmet (N,), kg.
    """
    room, count = find_room(account, metal), len(draws.returned)
    left, new_metal = np.tile(room.limit, (count, 1)), np.full(count, room.new_metal)
    cost, covered, unmet = np.zeros(count), np.zeros(count), np.zeros(count)
    for risk in sorted((risk for risk in risks if risk.metal == metal), key=lambda risk: risk.period):
        missing = np.maximum(risk.needed - draws.returned[:, metal, risk.period] - covered - unmet, 0.0)
        missing[missing <= 1e-9 * risk.needed] = 0.0
        for number in np.argsort(room.price[:, risk.period], kind="stable").tolist():
            primary = room.primary[number]
            bought = np.minimum(missing, left[:, number])
            if primary > 0:
                bought = np.minimum(bought, new_metal / primary)
                new_metal = new_metal - primary * bought
            left[:, number] -= bought
            cost += bought * room.price[number, risk.period] * draws.price[:, room.offer[number]]
            covered, missing = covered + bought, missing - bought
        unmet += missing
    return cost, unmet
