"""Metal of a plan: account, melting and fineness, uncertainty of returned metal, and traceability by mass balance.

A lot is the quantity on one route in one period. Its metal is the product of assay, recovery and return, so relative
variances add (first order). If the minimum deduction determines the payment, a richer lot gains all its additional
metal, and the returned share has no effect.

Each account (metal stock, melt, process scrap and blanks of an alloy) is taken as perfectly mixed, so every withdrawal
has the composition of the account. Process scrap is charged again one period later at the earliest, so the scrap loop
is a triangular system, solved exactly backwards in time.

The ledger of recycled metal draws charges and sales of a period on all suppliers in proportion to their balance (mass
balance, not segregation). Process scrap that is charged again was claimed when it was first charged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arithmetic import sum_by_group
from medalopt.instance.arrays import Bools, ExactArray, Floats, Ints
from medalopt.instance.bounds import compute_scrap_rate, is_stocked
from medalopt.instance.instance import Instance
from medalopt.instance.routes import build_routes
from medalopt.instance.uncertainty import compute_yield_derivatives, has_uncertain_returns
from medalopt.tolerances import AMOUNT_TOLERANCE, SUM_TOLERANCE


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
    taken, rate = _compute_scrap_reuse(account), compute_scrap_rate(instance)
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


class MetalDestination(IntEnum):
    """Destinations of metal other than medals, indexed from the last."""

    STOCK = -1  # in stock at the end of the horizon of the horizon
    SURPLUS = -2  # surplus, sold or not
    SCRAP_LEFT = -3  # process scrap left at the end of the horizon
    SCRAP_LOST = -4  # process scrap that cannot be charged again
    MELT = -5  # lost in melting
    ALLOWANCE = -6  # used in striking the medals and not recovered


def compute_destination_shares(account: PlanAccount) -> tuple[Floats, Floats]:
    """Compute the shares of a kilogram by destination (the M medals, then `MetalDestination`); each sums to 1.

    Returns:
        Of metal charged to an alloy in a period (A, T, M + 6); of metal in stock in a period, before withdrawals (E, T,
        M + 6).
    """
    charged = _trace_charged_metal(account)
    decisions = account.decisions
    metals, periods = account.stock.shape
    stocked = np.zeros((metals, periods, charged.shape[2]))
    after = np.zeros((metals, charged.shape[2]))
    after[:, MetalDestination.STOCK] = 1
    turnover = account.instance.metals.opening_stock.value + account.returned.sum(axis=(0, 2))
    stays = np.where(account.stock > AMOUNT_TOLERANCE * turnover[:, None], account.stock, 0)
    held = decisions.charged.sum(axis=0) + decisions.surplus + stays
    for t in reversed(range(periods)):
        found = np.einsum("ae,ad->ed", decisions.charged[:, :, t], charged[:, t]) + stays[:, t, None] * after
        found[:, MetalDestination.SURPLUS] += decisions.surplus[:, t]
        none = held[:, t] <= 0  # empty stock: any shares that sum to 1
        after = np.where(none[:, None], after, found / np.where(none, 1, held[:, t])[:, None])
        stocked[:, t] = after
    return charged, stocked


def _trace_charged_metal(account: PlanAccount) -> Floats:
    """Return the destination shares (A, T, M + 6) of metal charged to an alloy in a period."""
    alloys = account.instance.alloys
    loss, fallen, fit = alloys.loss.value, alloys.scrap_share.value, compute_scrap_rate(account.instance)
    blanks, again = _trace_blanks(account), _compute_scrap_reuse(account)
    count, periods, ends = blanks.shape
    fresh = np.zeros((count, periods, ends))
    scrap = np.zeros((count, periods + 1, ends))  # shares of process scrap in stock
    scrap[:, periods, MetalDestination.SCRAP_LEFT] = 1
    rows, lead = np.arange(count), alloys.scrap_lead
    for t in reversed(range(periods)):
        back = scrap[rows, np.minimum(t + lead, periods)]
        cast = (1 - fallen)[:, None] * blanks[:, t] + fit[:, None] * back
        cast[:, MetalDestination.SCRAP_LOST] += fallen - fit
        fresh[:, t] = (1 - loss)[:, None] * cast
        fresh[:, t, MetalDestination.MELT] += loss
        scrap[:, t] = again[:, t, None] * fresh[:, t] + (1 - again[:, t, None]) * scrap[:, t + 1]
    return fresh


def _compute_scrap_reuse(account: PlanAccount) -> Floats:
    """Return the share of the process scrap at hand in a period that is charged again, (A, T)."""
    again = np.maximum(account.decisions.recharged, 0)
    there = again + np.maximum(account.scrap, 0)
    return np.divide(again, there, out=np.zeros_like(again), where=there > 0)


def _trace_blanks(account: PlanAccount) -> Floats:
    """Return the destination shares (A, T, M + 6) of blanks of an alloy; medals are struck at their due date."""
    instance = account.instance
    medals, parts = instance.medals, instance.medals.parts.value  # (M, A)
    kinds, alloys = parts.shape
    weights = parts * ((1 + medals.allowance.value) * (medals.count - account.missed))[:, None]
    into = np.zeros(
        (kinds, kinds + len(MetalDestination))
    )  # destination shares of a kilogram struck to a kind of medal
    into[:, :kinds] = np.diag(1 / (1 + medals.allowance.value))
    into[:, MetalDestination.ALLOWANCE] = 1 - into[:, :kinds].sum(axis=1)
    usable = ((1 - instance.alloys.scrap_share.value)[:, None] * account.cast).cumsum(axis=1)
    due = account.demand
    fate = np.zeros((alloys, due.shape[1], into.shape[1]))
    after = _share_among_medals(weights, np.ones(kinds, dtype=bool)) @ into
    for t in reversed(range(due.shape[1])):
        now = medals.due == t
        taken = (weights * now[:, None]).sum(axis=0)  # (A,)
        there = usable[:, t] - (due[:, t] - taken)
        share = np.divide(taken, there, out=np.ones(alloys), where=there > taken + AMOUNT_TOLERANCE * due[:, -1])
        share = np.where(taken > 0, share, 0.0)[:, None]
        after = share * (_share_among_medals(weights, now) @ into) + (1 - share) * after
        fate[:, t] = after
    return fate


def _share_among_medals(weights: Floats, kinds: Bools) -> Floats:
    """Return the share (A, M) of each of the marked medals in an alloy; 0 if none contains it."""
    chosen = weights * kinds[:, None]
    whole = chosen.sum(axis=0)
    return np.divide(chosen, whole, out=np.zeros_like(chosen), where=whole > 0).T


class StreamLoss(IntEnum):
    """Destinations of a stream's metal before it reaches the account."""

    LATE = 0  # returned after the horizon
    ELSEWHERE = 1  # credited to other projects
    SMELTER = 2  # not returned by the smelter
    RESIDUE = 3  # left in the residue of the treatment
    LEFT = 4  # in devices passed on to ordinary recycling


@dataclass(frozen=True, eq=False)
class MetalTrace:
    """Kilograms of each metal by origin and destination: the M medals, then those of `MetalDestination`.

    `routes` (J,): indices of the routes in use. `returned` (E, J, M + 6), `bought` (E, O, M + 6) and `opening` (E, M +
    6) are all inflows of the accounts; metal left with the smelters is surplus. `destinations` (E, J, 5): metal not
    reaching the account, by `StreamLoss`.
    """

    routes: Ints
    returned: Floats
    bought: Floats
    opening: Floats
    destinations: Floats


def trace_metal(account: PlanAccount) -> MetalTrace:
    """Attribute all metal to origin and destination.

    Returns:
        Kilograms by origin and destination; each kilogram is counted once.
    """
    instance, decisions = account.instance, account.decisions
    charged, stocked = compute_destination_shares(account)
    routes = np.flatnonzero((decisions.sent > 0).any(axis=1))
    back = compute_route_returns(account, routes)
    content = instance.market.composition.value
    called = _select_called_back(account, routes, back)
    returned = np.einsum("ejt,etd->ejd", called, stocked)
    returned[..., MetalDestination.SURPLUS] += (back - called).sum(axis=2)
    return MetalTrace(
        routes,
        returned,
        np.einsum("oe,oat,atd->eod", content, decisions.bought, charged, optimize=True),
        instance.metals.opening_stock.value[:, None] * stocked[:, 0],
        _compute_stream_losses(account, routes, back),
    )


def compute_route_returns(account: PlanAccount, routes: Ints) -> Floats:
    """Compute the metal returned by routes in the period of return.

    Args:
        routes: Indices of the routes (J,).

    Returns:
        (E, J, T) kg.
    """
    instance, all_routes = account.instance, account.routes
    sent = account.decisions.sent[routes]
    rate = all_routes.returned[routes].T  # (E, J)
    back = np.zeros((*rate.shape, sent.shape[1]))
    smelts = all_routes.smelter[routes] >= 0
    for metal in range(len(rate)):
        lead = instance.smelters.lead[all_routes.smelter[routes], metal] if smelts.any() else all_routes.smelter[routes]
        for wait in np.unique(lead[smelts]).tolist():
            those = np.flatnonzero(smelts & (lead == wait))
            if wait < sent.shape[1]:
                settled = account.compute_settled_share(routes[those], metal) * sent[those]
                back[metal, those, wait:] = rate[metal, those, None] * settled[:, : sent.shape[1] - wait]
    return back


def _select_called_back(account: PlanAccount, routes: Ints, back: Floats) -> Floats:
    """Return the metal called back of that which the routes return, (E, J, T) kg by period of return."""
    if not len(account.decisions.left):
        return back
    credited, left = account.credited_by_line, account.decisions.left
    ratio = np.divide(left, credited, out=np.zeros_like(left), where=credited > 0)
    share = np.clip(1 - ratio, 0, 1)  # where all is left, rounding may leave a trace of either sign
    of_route = np.moveaxis(share[account.routes.line[routes]], 1, 0)  # (E, J, T)
    return np.asarray(np.where(account.instance.metals.surplus_to_smelter[:, None, None], back * of_route, back))


def _compute_stream_losses(account: PlanAccount, routes: Ints, back: Floats) -> Floats:
    """Return the metal of the routes that does not reach the account, (E, J, 5) kg."""
    instance, all_routes = account.instance, account.routes
    stream, treatment, smelts = all_routes.stream[routes], all_routes.treatment[routes], all_routes.smelter[routes] >= 0
    device = instance.streams.device[stream]
    tonnes = account.decisions.sent[routes].sum(axis=1)[:, None]
    content = tonnes * instance.devices.assay.value[device]
    feed = content * instance.treatments.recovery.value[treatment, device]
    metals = range(len(instance.metals.names))
    returning = np.stack(
        [(account.decisions.sent[routes] * account.compute_settled_share(routes, e)).sum(axis=1) for e in metals],
        axis=1,
    )
    credited = returning * all_routes.returned[routes]
    every = ExactArray(np.ones_like(instance.streams.credited.raw), np.zeros(instance.streams.credited.shape, np.intp))
    all_credited = replace(instance, streams=replace(instance.streams, credited=every))
    settled = returning * build_routes(all_credited).returned[routes]
    lost = np.zeros((len(StreamLoss), *content.shape))
    lost[StreamLoss.LATE] = credited - back.sum(axis=2).T
    lost[StreamLoss.ELSEWHERE] = settled - credited
    lost[StreamLoss.SMELTER] = feed - settled
    lost[StreamLoss.RESIDUE] = content - feed
    lost[:, ~smelts] = 0
    lost[StreamLoss.LEFT, ~smelts] = content[~smelts]
    return np.asarray(np.where(lost > SUM_TOLERANCE * content, lost, 0).transpose(2, 1, 0))


@dataclass(frozen=True)
class ClaimEntry:
    """Entry of the ledger: recycled metal of one supplier in one period, kg.

    Attributes:
        metal: Index of the metal.
        period: Index of the period.
        smelter: Index of the smelter; −1 for another supplier.
        offer: Index of the offer; −1 for another supplier, −1 in both: opening stock.
        credited: Credited in the period.
        claimed: Claimed as charged to an alloy.
        released: Sold or returned without a claim.
        balance: Credited and neither claimed nor released by the end of the period.
    """

    metal: int
    period: int
    smelter: int
    offer: int
    credited: float
    claimed: float
    released: float
    balance: float


def list_claims(account: PlanAccount) -> Iterator[ClaimEntry]:
    """List the ledger of recycled metal.

    Yields:
        Entries with a movement, by metal, period and supplier: smelters, opening stock, offers.
    """
    smelters = len(account.instance.smelters.names)
    credit, claim, release = _compute_movements(account)
    balance = (credit - claim - release).cumsum(axis=2)
    size = AMOUNT_TOLERANCE * np.maximum(credit.sum(axis=(0, 2)), 1e-12)  # (E,)
    moves = np.maximum(np.maximum(abs(credit), abs(claim)), abs(release)) > size[None, :, None]
    for metal, period, supplier in np.argwhere(moves.transpose(1, 2, 0)).tolist():
        place = (supplier, metal, period)
        rest = float(balance[place])
        yield ClaimEntry(
            metal,
            period,
            supplier if supplier < smelters else -1,
            supplier - smelters - 1 if supplier > smelters else -1,
            float(credit[place]),
            float(claim[place]),
            float(release[place]),
            rest if rest > size[metal] else 0.0,
        )


def _compute_movements(account: PlanAccount) -> tuple[Floats, Floats, Floats]:
    """Return credits, claims and releases (K + 1 + O, E, T) kg of smelters, opening stock and offers."""
    instance, decisions = account.instance, account.decisions
    called = np.asarray(account.returned, dtype=float)  # (K, E, T)
    if len(decisions.left):
        smelters = len(instance.smelters.names)
        back = called - sum_by_group(decisions.left, instance.terms.smelter, smelters)
        called = np.where(back > SUM_TOLERANCE * called, back, 0.0)
    opening = np.zeros((1, *called.shape[1:]))
    opening[0, :, 0] = instance.metals.opening_stock.value
    credit = np.concatenate([called, opening])
    claim, release = np.zeros_like(credit), np.zeros_like(credit)
    charged, surplus = decisions.charged.sum(axis=0), decisions.surplus
    pool = np.zeros(credit.shape[:2])
    for t in range(credit.shape[2]):
        pool = pool + credit[:, :, t]
        whole = pool.sum(axis=0)
        share = np.divide(pool, whole, out=np.zeros_like(pool), where=whole > 0)
        claim[:, :, t], release[:, :, t] = share * charged[:, t], share * surplus[:, t]
        pool = np.maximum(pool - claim[:, :, t] - release[:, :, t], 0)
    recycled = instance.market.recycled.value[:, None] * instance.market.composition.value  # (O, E)
    bought, used = account.purchases, decisions.bought.sum(axis=1)  # (O, T)
    offers = tuple(recycled[:, :, None] * amount[:, None, :] for amount in (bought, used))
    return (
        np.concatenate([credit, offers[0]]),
        np.concatenate([claim, offers[1]]),
        np.concatenate([release, np.zeros_like(offers[0])]),
    )
