"""Traceability by mass balance: origin of the metal in the medals, and destinations of the metal of each stream.

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
from medalopt.instance.demand import compute_scrap_rate
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes, build_routes
from medalopt.tolerances import AMOUNT_TOLERANCE, SUM_TOLERANCE


class MetalDestination(IntEnum):
    """Destinations of metal other than medals, indexed from the last."""

    STOCK = -1  # in stock at the end of the horizon of the horizon
    SURPLUS = -2  # surplus, sold or not
    SCRAP_LEFT = -3  # process scrap left at the end of the horizon
    SCRAP_LOST = -4  # process scrap that cannot be charged again
    MELT = -5  # lost in melting
    ALLOWANCE = -6  # used in striking the medals and not recovered


@dataclass(frozen=True, eq=False)
class DestinationShares:
    """Shares of a kilogram by destination (the M medals, then `MetalDestination`); each sums to 1.

    `charged` (A, T, M + 6): metal charged to an alloy in a period. `stocked` (E, T, M + 6): metal in stock in a period,
    before withdrawals.
    """

    charged: Floats
    stocked: Floats


def compute_destination_shares(account: PlanAccount) -> DestinationShares:
    """Compute the destination shares of metal charged and metal in stock.

    Returns:
        Shares by destination, from the accounts and periods.
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
    return DestinationShares(charged, stocked)


def _trace_charged_metal(account: PlanAccount) -> Floats:
    """Return the destination shares (A, T, M + 6) of metal charged to an alloy in a period."""
    alloys = account.instance.alloys
    loss, fallen, fit = alloys.loss.value, alloys.scrap_share.value, compute_scrap_rate(account.instance)
    blanks, again = _trace_blanks(account), compute_scrap_reuse(account)
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


def compute_scrap_reuse(account: PlanAccount) -> Floats:
    """Compute the share of available process scrap that is charged again.

    Returns:
        (A, T): share of the scrap at hand in the period.
    """
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
    found = compute_destination_shares(account)
    routes = np.flatnonzero((decisions.sent > 0).any(axis=1))
    back = compute_route_returns(account, routes)
    content = instance.market.composition.value
    called = _select_called_back(account, routes, back)
    returned = np.einsum("ejt,etd->ejd", called, found.stocked)
    returned[..., MetalDestination.SURPLUS] += (back - called).sum(axis=2)
    return MetalTrace(
        routes,
        returned,
        np.einsum("oe,oat,atd->eod", content, decisions.bought, found.charged, optimize=True),
        instance.metals.opening_stock.value[:, None] * found.stocked[:, 0],
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


def _credit_all_metal(instance: Instance) -> Routes:
    """Return the routes with all metal credited to the project, as the smelter settles."""
    whole = np.ones_like(instance.streams.credited.raw)
    credited = ExactArray(whole, np.zeros(whole.shape, dtype=np.intp))
    return build_routes(replace(instance, streams=replace(instance.streams, credited=credited)))


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
    settled = returning * _credit_all_metal(instance).returned[routes]
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
