"""Traceability by mass balance: origin of the metal in the medals, and destinations of the metal of each stream."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from medalopt.analysis.sourcing.fates import fates
from medalopt.instance.decisions import Account
from medalopt.instance.figures import Figures, Floats, Ints
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes
from medalopt.instance.routes import routes as find_routes

ROUNDING = 1e-12  # fraction of the metal in the devices that counts as 0


class Gone(IntEnum):
    """Destinations of a stream's metal before it reaches the account."""

    LATE = 0  # returned after the horizon
    ELSEWHERE = 1  # credited to other projects
    SMELTER = 2  # not returned by the smelter
    RESIDUE = 3  # left in the residue of the treatment
    LEFT = 4  # in devices passed on to ordinary recycling


@dataclass(frozen=True, eq=False)
class Trace:
    """Kilograms of each metal by origin and destination: the M medals, then those of `MetalDestination`.

    `routes` (J,): indices of the routes in use. `returned` (E, J, M + 6), `bought` (E, O, M + 6) and `opening` (E, M +
    6) are all inflows of the accounts. `gone` (E, J, 5): metal that does not reach the account, by `StreamLoss`.
    """

    routes: Ints
    returned: Floats
    bought: Floats
    opening: Floats
    gone: Floats


def trace(account: Account) -> Trace:
    """Attribute all metal to origin and destination.

    Args:
        account: Accounting of the plan.

    Returns:
        Kilograms by origin and destination; each kilogram is counted once.
    """
    instance, made = account.instance, account.decisions
    found = fates(account)
    routes = np.flatnonzero((made.sent > 0).any(axis=1))
    back = _back(account, routes)
    content = instance.market.composition.value
    return Trace(
        routes,
        np.einsum("ejt,etd->ejd", back, found.stocked),
        np.einsum("oe,oat,atd->eod", content, made.bought, found.charged, optimize=True),
        instance.metals.opening_stock.value[:, None] * found.stocked[:, 0],
        _gone(account, routes, back),
    )


def _back(account: Account, routes: Ints) -> Floats:
    """Return the metal returned by the routes in the period of return, (E, J, T) kg."""
    instance, found = account.instance, account.found
    sent = account.decisions.sent[routes]
    rate = found.returned[routes].T  # (E, J)
    back = np.zeros((*rate.shape, sent.shape[1]))
    smelts = found.smelter[routes] >= 0
    for metal in range(len(rate)):
        lead = instance.smelters.lead[found.smelter[routes], metal] if smelts.any() else found.smelter[routes]
        for wait in np.unique(lead[smelts]).tolist():
            those = np.flatnonzero(smelts & (lead == wait))
            if wait < sent.shape[1]:
                settled = account.settled(routes[those], metal) * sent[those]
                back[metal, those, wait:] = rate[metal, those, None] * settled[:, : sent.shape[1] - wait]
    return back


def all_credited(instance: Instance) -> Routes:
    """Return the routes with all metal credited to the project, as the smelter settles."""
    whole = np.ones_like(instance.streams.credited.raw)
    credited = Figures(whole, np.zeros(whole.shape, dtype=np.intp))
    return find_routes(replace(instance, streams=replace(instance.streams, credited=credited)))


def _gone(account: Account, routes: Ints, back: Floats) -> Floats:
    """Return the metal of the routes that does not reach the account, (E, J, 5) kg."""
    instance, found = account.instance, account.found
    stream, treatment, smelts = found.stream[routes], found.treatment[routes], found.smelter[routes] >= 0
    device = instance.streams.device[stream]
    tonnes = account.decisions.sent[routes].sum(axis=1)[:, None]
    content = tonnes * instance.devices.assay.value[device]
    feed = content * instance.treatments.recovery.value[treatment, device]
    metals = range(len(instance.metals.names))
    returning = np.stack(
        [(account.decisions.sent[routes] * account.settled(routes, e)).sum(axis=1) for e in metals], axis=1
    )
    credited = returning * found.returned[routes]
    settled = returning * all_credited(instance).returned[routes]
    gone = np.zeros((len(Gone), *content.shape))
    gone[Gone.LATE] = credited - back.sum(axis=2).T
    gone[Gone.ELSEWHERE] = settled - credited
    gone[Gone.SMELTER] = feed - settled
    gone[Gone.RESIDUE] = content - feed
    gone[:, ~smelts] = 0
    gone[Gone.LEFT, ~smelts] = content[~smelts]
    return np.asarray(np.where(gone > ROUNDING * content, gone, 0).transpose(2, 1, 0))
