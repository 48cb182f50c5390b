"""Metal account, melting and fineness, and the uncertainty of returned metal.

A lot is the quantity on one route in one period. Its metal is the product of assay, recovery and return, so relative
variances add (first order). If the minimum deduction determines the payment, a richer lot gains all its additional
metal, and the returned share has no effect.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.analysis.sourcing.traceability import compute_scrap_reuse
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arrays import Bools, Floats, Ints
from medalopt.instance.demand import compute_scrap_rate, is_stocked
from medalopt.instance.instance import Instance
from medalopt.instance.uncertainty import compute_yield_derivatives, has_uncertain_returns
from medalopt.tolerances import AMOUNT_TOLERANCE


@dataclass(frozen=True, eq=False)
class ReturnUncertainty:
    """Standard deviations of the metal returned in a period, and cumulated up to it, (E, T) kg.

    `independent`: lots vary independently. `correlated`: lots of one device, treatment or smelter are fully correlated.
    """

    independent: Floats
    independent_cumulated: Floats
    correlated: Floats
    correlated_cumulated: Floats


def compute_return_uncertainty(account: PlanAccount) -> ReturnUncertainty | None:
    """Compute the standard deviation of the returned metal.

    Returns:
        Standard deviations; None if the instance gives no coefficient of variation.
    """
    instance, routes = account.instance, account.routes
    if not has_uncertain_returns(instance):
        return None
    used = np.nonzero((routes.smelter >= 0) & (account.decisions.sent > 0).any(axis=1))[0]
    device = instance.streams.device[routes.stream[used]]
    groups = (device, instance.treatments.owner[routes.treatment[used]], routes.smelter[used])
    counts = (len(instance.devices.names), len(instance.treatments.names), len(instance.smelters.names))
    square = np.zeros((len(instance.metals.names), len(instance.periods)))
    alike, alike_so_far = square.copy(), square.copy()
    for group, count, rate in zip(groups, counts, _compute_route_deviations(account, used, device), strict=True):
        lots = _shift_to_return(account, used, rate)
        square += (lots**2).sum(axis=0)
        together = np.zeros((count, *square.shape))
        np.add.at(together, group, lots)
        alike += (together**2).sum(axis=0)
        alike_so_far += (together.cumsum(axis=2) ** 2).sum(axis=0)
    return ReturnUncertainty(np.sqrt(square), np.sqrt(square.cumsum(axis=1)), np.sqrt(alike), np.sqrt(alike_so_far))


def _compute_route_deviations(account: PlanAccount, used: Ints, device: Ints) -> tuple[Floats, Floats, Floats]:
    """Return the standard deviation of each route's metal due to assay, recovery and return, (J, E) kg/t of devices."""
    instance, routes = account.instance, account.routes
    treatment, smelter = instance.treatments.owner[routes.treatment[used]], routes.smelter[used]
    yields = compute_yield_derivatives(instance, routes, used)
    by_share = yields.by_share
    if instance.terms.pooled.any():  # settled by the pooled lot, not by route
        wholly = [
            account.compute_settled_share(used, e).min(axis=1, initial=1) >= 1
            for e in range(len(instance.metals.names))
        ]
        by_share = np.where(instance.terms.pooled[routes.line[used]][:, None], np.stack(wholly, axis=1), by_share)
    moves = np.where(yields.active, np.where(by_share, yields.payable, yields.credited), 0)
    return (
        moves * get_relative_deviations(instance, "devices", instance.devices.names)[device],
        moves * get_relative_deviations(instance, "treatments", instance.treatments.names)[treatment],
        np.where(by_share, moves, 0) * get_relative_deviations(instance, "smelters", instance.smelters.names)[smelter],
    )


def get_relative_deviations(instance: Instance, section: str, names: tuple[str, ...]) -> Floats:
    """Return the coefficients of variation of a section.

    Args:
        section: `devices`, `treatments` or `smelters`.
        names: Names of its members.

    Returns:
        (names, E): coefficients of variation, 0 where the instance gives none.
    """
    deviations = instance.annex.get(f"{section}_cv", {})
    table = np.zeros((len(names), len(instance.metals.names)))
    for row, name in enumerate(names):
        cv = deviations.get(name, {}).get("cv") or {}
        by_metal = cv if isinstance(cv, dict) else {"default": cv}
        rest = by_metal.get("default", 0.0)
        table[row] = [by_metal.get(metal, rest) for metal in instance.metals.names]
    return table


def _shift_to_return(account: PlanAccount, used: Ints, rate: Floats) -> Floats:
    """Return `rate` times the tonnes sent, by period of return, (J, E, T); returns after the horizon are left out."""
    instance, sent = account.instance, account.decisions.sent[used]
    periods = len(instance.periods)
    lead = instance.smelters.lead[account.routes.smelter[used]]  # (J, E)
    back = np.arange(periods)[None, None, :] - lead[:, :, None]
    when = np.where(back >= 0, sent[np.arange(len(used))[:, None, None], np.maximum(back, 0)], 0)
    return np.asarray(rate[:, :, None] * when)


@dataclass(frozen=True, eq=False)
class MetalAccount:
    """Kilograms by metal and period (E, T): opening + returned + bought = charged + left + closing.

    Metal bought is charged at once or stocked; `surplus` is surplus, sold if the metal has a sale price, or metal left
    with the smelters.
    """

    opening: Floats
    returned: Floats
    bought: Floats
    charged: Floats
    surplus: Floats
    closing: Floats
    metal_due: Floats  # (E, T) kg in the medals due by the end of the period, at the composition of the charge
    sold: Bools  # (E,) the surplus has a sale price
    uncertainty: ReturnUncertainty | None

    @property
    def at_hand(self) -> Floats:
        """Cumulated inflow up to each period, including the opening stock, (E, T) kg."""
        return self.opening[:, :1] + (self.returned + self.bought).cumsum(axis=1)

    @property
    def has_movement(self) -> Bools:
        """Metals with any inflow or charge, (E,) mask."""
        return np.asarray((self.at_hand[:, -1] > 0) | (self.charged.sum(axis=1) > 0))


def compute_metal_account(account: PlanAccount) -> MetalAccount:
    """Compute the account of every metal.

    Returns:
        Stocks and flows by metal and period.
    """
    instance = account.instance
    start = instance.metals.opening_stock.value
    returned = account.returned.sum(axis=0)
    turnover = (start + returned.sum(axis=1))[:, None]
    stock = np.where(abs(account.stock) > AMOUNT_TOLERANCE * turnover, account.stock, 0.0)
    content = instance.market.composition.value
    charged = np.einsum("oat,oe->et", account.decisions.bought, content)
    bought = charged
    if is_stocked(instance).any():
        bought = content.T @ account.purchases
        kept = np.where(abs(account.offer_stock) > AMOUNT_TOLERANCE * account.bought[:, None], account.offer_stock, 0.0)
        stock = stock + content.T @ kept
    return MetalAccount(
        opening=np.concatenate([start[:, None], stock[:, :-1]], axis=1),
        returned=returned,
        bought=bought,
        charged=account.decisions.charged.sum(axis=0) + charged,
        surplus=account.decisions.surplus + account.left,
        closing=stock,
        metal_due=_compute_metal_due(account),
        sold=np.asarray((instance.metals.sell.value > 0).any(axis=1)),
        uncertainty=compute_return_uncertainty(account),
    )


def _compute_metal_due(account: PlanAccount) -> Floats:
    """Return the metal due in medals, cumulated (E, T) kg, at the average composition of each alloy's charge."""
    charge = account.charge.sum(axis=1)
    metal = account.composition.sum(axis=2)  # (A, E)
    share = np.divide(metal, charge[:, None], out=np.zeros_like(metal), where=charge[:, None] > 0)
    return np.asarray(share.T @ account.demand)


MAX_PLATING_SHARE = 0.1  # mass fraction of a medal below which an alloy is plating


@dataclass(frozen=True, eq=False)
class ScrapAccount:
    """Process scrap by alloy and period, (A, T) kg: opening + fit = recharged + closing.

    Of the metal cast, `fallen` becomes scrap; `lost` cannot be charged again, the rest becomes `fit` after the lead
    time. `waiting` has fallen by the end of the period and is not fit yet.
    """

    cast: Floats
    fallen: Floats
    lost: Floats
    opening: Floats
    fit: Floats
    recharged: Floats
    closing: Floats
    waiting: Floats
    value: Floats  # (A, T) money, of scrap in stock or waiting at the end of the period


def compute_scrap_account(account: PlanAccount) -> ScrapAccount:
    """Compute the account of process scrap.

    Returns:
        Stocks and flows by alloy and period.
    """
    instance = account.instance
    rate, share = compute_scrap_rate(instance), instance.alloys.scrap_share.value
    cast = account.cast
    closing = np.where(account.scrap > AMOUNT_TOLERANCE * cast.sum(axis=1)[:, None], account.scrap, 0.0)
    fit = np.zeros_like(cast)
    for alloy, lead in enumerate(instance.alloys.scrap_lead.tolist()):
        fit[alloy, lead:] = rate[alloy] * cast[alloy, : max(cast.shape[1] - lead, 0)]
    waiting = (rate[:, None] * cast - fit).cumsum(axis=1)
    waiting = np.where(waiting > AMOUNT_TOLERANCE * cast.sum(axis=1)[:, None], waiting, 0.0)
    return ScrapAccount(
        cast=cast,
        fallen=share[:, None] * cast,
        lost=(share - rate)[:, None] * cast,
        opening=np.concatenate([np.zeros((len(cast), 1)), closing[:, :-1]], axis=1),
        fit=fit,
        recharged=account.decisions.recharged,
        closing=closing,
        waiting=waiting,
        value=instance.alloys.scrap_value.value[:, None] * (closing + waiting),
    )


def compute_fineness(account: PlanAccount) -> Floats:
    """Compute the composition of each cast, process scrap included.

    Returns:
        (A, E, T): mass fraction of each metal; 0 where nothing is cast.
    """
    instance, fresh = account.instance, account.composition
    taken, rate = compute_scrap_reuse(account), compute_scrap_rate(instance)
    loss, lead = instance.alloys.loss.value[:, None], instance.alloys.scrap_lead
    alloys, metals, periods = fresh.shape
    share, pool = np.zeros_like(fresh), np.zeros((alloys, metals))
    falls = np.zeros((periods, alloys, metals))  # process scrap by period of reuse
    for t in range(periods):
        pool = pool + falls[t]
        again = taken[:, t, None] * pool
        pool = pool - again
        cast = (fresh[:, :, t] + again) * (1 - loss)
        back = t + lead
        known = np.flatnonzero(back < periods)
        falls[back[known], known] += (rate[:, None] * cast)[known]
        whole = account.cast[:, t, None]
        share[:, :, t] = np.divide(cast, whole, out=np.zeros_like(cast), where=whole > 0)
    return share


def count_strikable_medals(account: PlanAccount) -> Ints:
    """Count the medals of each kind that can be struck by the end of each period; the counts never decrease.

    Periods are processed backwards: by the end of a period at most as many medals of a kind are struck as by the end of
    the next one, earliest due first. So every medal due is struck by its date, as the demand constraint ensures enough
    castings, and no metal is counted for two medals.

    Args:
        account: Accounting of the plan, with its casts.

    Returns:
        (M, T): medals struck by the end of each period.
    """
    instance = account.instance
    medals = instance.medals
    need = medals.parts.value * (1 + medals.allowance.value)[:, None]  # (M, A) kg each
    there = ((1 - instance.alloys.scrap_share.value)[:, None] * account.cast).cumsum(axis=1)
    result = np.zeros((len(medals.names), there.shape[1]), dtype=np.intp)
    maximum = medals.count.astype(np.intp)
    for t in reversed(range(there.shape[1])):
        left = there[:, t].copy()
        for kind in np.lexsort((np.arange(len(medals.names)), medals.due)).tolist():
            asks = need[kind] > 0
            enough = left[asks] / need[kind][asks] + AMOUNT_TOLERANCE * medals.count[kind] + AMOUNT_TOLERANCE
            result[kind, t] = min(int(np.floor(max(enough.min(), 0))), int(maximum[kind])) if asks.any() else 0
            left -= result[kind, t] * need[kind]
        maximum = result[:, t]
    return result


def find_plating_alloys(account: PlanAccount) -> Bools:
    """Find the alloys that are plated on medals of another alloy: a small part of every medal that contains them.

    Returns:
        (A,): True for plating alloys.
    """
    parts = account.instance.medals.parts.value
    whole = parts.sum(axis=1, keepdims=True)
    small = (parts > 0) & (parts < MAX_PLATING_SHARE * whole)
    return np.asarray(small.any(axis=0) & (small == (parts > 0)).all(axis=0))
