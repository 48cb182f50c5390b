"""Who is paid what and when: the cost of a plan, shared out among the counterparties of its documents.

A region is paid for what it hands over, and for its way up to the smelter's gate: collection, treatment, freight,
residues, storage. A smelter charges for treatment and refining; an offer is paid at its price. Interest on stock, metal
sold and process scrap left have no counterparty here: they stand on one's own account.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from medalopt.instance.arithmetic import summed
from medalopt.instance.decisions import Account
from medalopt.instance.figures import Floats
from medalopt.instance.instance import Names
from medalopt.instance.routes import refining_costs
from medalopt.plan.rows import ROUNDING
from medalopt.proof.certificate import paid

CALL_OFF, TOLL, ORDER, OWN = "call-off", "toll-refining instruction", "metal purchase order", "own account"
KINDS = (CALL_OFF, TOLL, ORDER, OWN)


@dataclass(frozen=True, eq=False)
class Payments:
    """Money by kind of document: of each, the parties and by kind of cost what each is paid in each period, (P, T).

    What is earned is negative.
    """

    parties: Mapping[str, Names]
    amounts: Mapping[str, Mapping[str, Floats]]

    def of(self, kind: str) -> Floats:
        """Return what each party of a kind of document is paid in each period, (P, T)."""
        return np.asarray(sum(self.amounts[kind].values()))

    def by_kind(self) -> Floats:
        """Return what is paid by each kind of document in each period, (4, T), in the order of `KINDS`."""
        return np.array([self.of(kind).sum(axis=0) for kind in KINDS])


def payments(account: Account) -> Payments:
    """Return who is paid what and when; all together it is the cost of the plan."""
    instance, found, sent = account.instance, account.found, account.decisions.sent
    region = instance.streams.region[found.stream]

    def by_region(rate: Floats) -> Floats:
        return np.asarray(summed(rate[:, None] * sent, region, len(instance.regions)))

    travels = found.smelter >= 0
    smelter = found.smelter[travels]

    def by_smelter(money: Floats) -> Floats:
        return np.asarray(summed(money[travels], smelter, len(instance.smelters.names)))

    waiting = instance.streams.storage_cost.value[:, None] * account.decisions.stockpile
    least = ROUNDING * paid(account, "cost")
    own = {kind: _counting(account.costs[kind], least)[None, :] for kind in ("holding", "sales", "scrap")}
    return Payments(
        {
            CALL_OFF: instance.regions,
            TOLL: instance.smelters.names,
            ORDER: instance.market.names,
            OWN: ("own account",),
        },
        {
            CALL_OFF: {
                "supply": by_region(found.supply),
                "collection": by_region(found.collection),
                "treatment": by_region(found.treating),
                "transport": by_region(found.transport),
                "residue": by_region(found.residue),
                "storage": np.asarray(summed(waiting, instance.streams.region, len(instance.regions))),
            },
            TOLL: {
                "smelting": by_smelter(found.smelting[:, None] * sent),
                "refining": by_smelter(refining_costs(instance, found) * sent - account.not_refined(sent)),
            },
            ORDER: {"purchases": instance.market.price.value * account.purchases},
            OWN: own,
        },
    )


def _counting(each: Floats, least: float) -> Floats:
    """Return amounts without what rounding alone leaves of a stock."""
    return np.where(abs(each) > least, each, 0.0)
