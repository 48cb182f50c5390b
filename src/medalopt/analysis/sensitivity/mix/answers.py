"""Solves of changed device mixes: objective, scarce metals with shadow prices, and metal shortage if infeasible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from medalopt.analysis.refusal_arithmetic import known
from medalopt.analysis.refusal_arithmetic import needed as least_charged
from medalopt.analysis.sensitivity.mix.composition import Offer
from medalopt.analysis.sensitivity.shortage import Shortage
from medalopt.analysis.variants import Variant, Variants
from medalopt.instance.bounds import implied
from medalopt.instance.instance import Instance
from medalopt.solver.linear import Linear
from medalopt.solver.outcome import Outcome

CLEARLY = 1 + 1e-6  # multiple of the offer or sale price above which a metal is scarce

Amounts = Mapping[str, float]  # by metal


@dataclass(frozen=True)
class Answer:
    """Result of one device mix: `value` of the objective, None if infeasible.

    `scarce`: shadow price per kilogram of each scarce metal. `short`: missing kilograms by metal if infeasible; None if
    no metal restores feasibility, and `why` then gives the reason found by screening.
    """

    shares: tuple[float, ...]  # (D,) of all tonnes offered
    tonnes: float
    value: float | None
    scarce: Amounts
    short: Amounts | None
    why: str = ""

    @property
    def short_in_all(self) -> float:
        """Sum of the missing kilograms over all metals."""
        return sum((self.short or {}).values())


class Answers:
    """Solves device mixes of one instance with warm-started programs.

    Args:
        variants: Scenarios of the instance.
    """

    def __init__(self, variants: Variants) -> None:
        self.variants, self.offer = variants, Offer.of(variants.instance)

    @cached_property
    def owed(self) -> Amounts:
        """Minimum charge of each metal up to the last due date, kg."""
        instance = self.variants.instance
        return dict(zip(instance.metals.names, least_charged(instance)[:, -1].tolist(), strict=True))

    @cached_property
    def base(self) -> Answer:
        """Result of the instance as it is."""
        return self.of(self.variants.base)

    def made(self, instance: Instance) -> Variant:
        """Build the program of an instance with a changed mix.

        Args:
            instance: Changed instance.

        Returns:
            The scenario with its program.
        """
        return Variant.of(instance, self.variants.measure)

    def of(self, variant: Variant, short: bool = True) -> Answer:
        """Solve one mix.

        Args:
            variant: Scenario with the changed mix.
            short: Determine the metal shortage if infeasible.

        Returns:
            Objective, scarce metals, and shortage.
        """
        outcome = self.variants.answer(variant)
        shares = tuple(self.offer.shares(variant.instance).tolist())
        tonnes = float(variant.instance.streams.available.value.sum())
        if outcome.feasible:
            return Answer(shares, tonnes, outcome.value, self._scarce(variant.linear, outcome), {})
        lack = self._shortage.of(variant.instance) if short else None
        return Answer(shares, tonnes, None, {}, lack, _why(variant) if short and lack is None else "")

    def _scarce(self, linear: Linear, outcome: Outcome) -> Amounts:
        """Return the shadow price of each scarce metal, in the period of its charges where it is highest."""
        columns = enumerate(linear.places, start=linear.network)
        charged = {index[1:] for column, (name, index) in columns if name == "charge" and outcome.x[column] > 0}
        worth: dict[str, float] = {}
        for row, (family, index) in enumerate(linear.rows):
            if family == "balance" and index in charged:
                worth[index[0]] = max(worth.get(index[0], 0.0), -float(outcome.y[row]))
        return {metal: saves for metal, saves in worth.items() if saves > CLEARLY * self._known[metal] + 1e-9}

    @cached_property
    def _known(self) -> dict[str, float]:
        """Price of a kilogram of each metal apart from the plan: the larger of offer price and sale price."""
        instance = self.variants.instance
        names, content = instance.metals.names, instance.market.composition.value
        if self.variants.measure != "cost":
            return dict.fromkeys(names, 0.0)
        price = np.broadcast_to(instance.market.price.value.max(axis=1, initial=0)[:, None], content.shape)
        asked = np.divide(price, content, out=np.zeros_like(content), where=content > 0)
        asked = np.where(content > 0, asked, np.inf).min(axis=0, initial=np.inf)
        sold = instance.metals.sell.value.max(axis=1)
        known = np.where(np.isfinite(asked), np.maximum(asked, sold), sold)
        return dict(zip(names, known.tolist(), strict=True))

    @cached_property
    def _shortage(self) -> Shortage:
        """The solver of metal shortages."""
        return Shortage(self.variants.instance)


def _why(variant: Variant) -> str:
    """Return the first reason for infeasibility that screening finds, '' if none."""
    reasons = known(variant.instance, variant.found, implied(variant.instance, variant.found))
    return reasons[0].text if reasons else ""
