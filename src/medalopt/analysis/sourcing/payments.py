"""Payments by counterparty and period: the cost of a plan allocated to its documents.

Regions are paid for devices and for all costs up to the smelter's gate: collection, treatment, transport, residues,
storage. Smelters charge for treatment and refining; offers are paid at their price. Interest on stock, metal sales and
process scrap left have no counterparty and are internal items.
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
    """Money by kind of document: the parties, and by kind of cost their payments (P, T). Receipts are negative."""

    parties: Mapping[str, Names]
    amounts: Mapping[str, Mapping[str, Floats]]

    def of(self, kind: str) -> Floats:
        """Sum the payments of a kind of document.

        Args:
            kind: Kind of document, of DOCUMENT_KINDS.

        Returns:
            (P, T): payments by party and period.
        """
        return np.asarray(sum(self.amounts[kind].values()))

    def by_kind(self) -> Floats:
        """Sum the payments by kind of document.

        Returns:
            (4, T): payments in the order of DOCUMENT_KINDS.
        """
        return np.array([self.of(kind).sum(axis=0) for kind in KINDS])


def payments(account: Account) -> Payments:
    """Allocate the cost of a plan to counterparties and periods.

    Args:
        account: Accounting of the plan.

    Returns:
        Payments by document, party, kind of cost and period; they sum to the cost of the plan.
    """
    instance, found, sent = account.instance, account.found, account.decisions.sent
    region = instance.streams.region[found.stream]

    def by_region(rate: Floats) -> Floats:
        """Sum a rate by region, times the tonnes sent."""
        return np.asarray(summed(rate[:, None] * sent, region, len(instance.regions)))

    travels = found.smelter >= 0
    smelter = found.smelter[travels]

    def by_smelter(money: Floats) -> Floats:
        """Sum money by smelter."""
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
    """Return amounts with those below rounding error set to 0."""
    return np.where(abs(each) > least, each, 0.0)
