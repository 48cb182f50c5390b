"""Facts of a plan that several parts of a report share, each computed once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from medalopt.analysis.sourcing.metals import MetalAccount, compute_metal_account
from medalopt.analysis.sourcing.payments import Payments, allocate_payments
from medalopt.analysis.sourcing.traceability import MetalTrace, trace_metal
from medalopt.plan.plan import Plan


@dataclass(frozen=True, eq=False)
class PlanFacts:
    """A plan with its payments, metal account and trace of metal, computed on first access."""

    plan: Plan

    @cached_property
    def payments(self) -> Payments:
        """Payments by document, party, kind of cost and period.

        Returns:
            Payments, computed once.
        """
        return allocate_payments(self.plan.account)

    @cached_property
    def metal_account(self) -> MetalAccount:
        """Metal returned, bought, charged and left.

        Returns:
            Kilograms by metal and period, computed once.
        """
        return compute_metal_account(self.plan.account)

    @cached_property
    def trace(self) -> MetalTrace:
        """Metal from each source to each destination.

        Returns:
            Kilograms, computed once.
        """
        return trace_metal(self.plan.account)
