"""Metal shortage of infeasible scenarios: the least metal from an external source that restores feasibility.

The instance is extended by free, pure, unlimited offers of every metal that an alloy needs. The LP then minimises the
kilograms bought from these offers, Σ_e buy_e, instead of the objective of the plan.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cached_property

import numpy as np

from medalopt.analysis.refusal_arithmetic import needed
from medalopt.analysis.variants import Variant
from medalopt.instance.figures import ALL, NOTHING, UNLIMITED, Bools, Figures, Number
from medalopt.instance.instance import Instance
from medalopt.instance.needs import is_owed
from medalopt.instance.routes import routes
from medalopt.solver.linear import Linear
from medalopt.solver.master import Master
from medalopt.solver.moving import Moving

ELSEWHERE = "\0"  # prefix of external offers; not allowed in names of a file
LEAST = 1e-7  # fraction of a metal's minimum charge below which it is not short

Short = Mapping[str, float]  # metal to kg


class Shortage:
    """Minimises external metal for scenarios of one instance, with one warm-started program.

    Args:
        instance: The instance whose scenarios are evaluated.
    """

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    @cached_property
    def variant(self) -> Variant:
        """The instance extended by external offers; the costs of its program are 1 per kilogram bought from them."""
        return self._offered(self._instance)

    @cached_property
    def _master(self) -> Master:
        """The compiled model of the extended instance, shared by all scenarios."""
        made = self._with_gifts(self._instance)
        return Master.of(made, routes(made), "cost")

    def _with_gifts(self, instance: Instance) -> Instance:
        """Return `instance` with free external offers of every metal that an alloy to be delivered contains."""
        wanted = np.logical_or.reduce(self._instance.alloys.named[is_owed(self._instance)], axis=0)
        return offering(instance, wanted, ELSEWHERE)

    def _offered(self, instance: Instance) -> Variant:
        """Return the program of the extended `instance` that minimises external metal."""
        variant = Variant.of(self._with_gifts(instance), "cost", self._master)
        costs = np.zeros_like(variant.linear.costs)
        costs[0, list(_gifts(variant.linear))] = 1.0
        return dataclasses.replace(variant, linear=dataclasses.replace(variant.linear, costs=costs))

    @cached_property
    def _moving(self) -> Moving:
        """The warm-started solver of the extended program."""
        return Moving(self.variant.linear)

    @cached_property
    def need(self) -> Mapping[str, float]:
        """Minimum charge of each metal over the horizon, kg by metal symbol."""
        return dict(zip(self._instance.metals.names, needed(self._instance)[:, -1].tolist(), strict=True))

    def short(self, linear: Linear | None = None) -> Short | None:
        """Return the least external metal that makes a program feasible.

        Args:
            linear: Program of the shape of `variant`; by default that of `variant` itself.

        Returns:
            Kilograms by metal symbol, without those below tolerance; empty if the program is feasible by itself, None
            if no metal restores feasibility.
        """
        wanted = self.variant.linear if linear is None else linear
        outcome = self._moving.solve(wanted)
        if not outcome.feasible:
            return None
        found: dict[str, float] = {}
        for column, metal in _gifts(wanted).items():
            found[metal] = found.get(metal, 0.0) + float(outcome.x[column])
        return {metal: kg for metal, kg in sorted(found.items()) if kg > LEAST * max(self.need[metal], LEAST)}

    def of(self, instance: Instance) -> Short | None:
        """Return the least external metal that makes another instance feasible.

        Args:
            instance: Changed instance with the same names as the original.

        Returns:
            Kilograms by metal symbol; None if no metal restores feasibility.
        """
        return self.short(self._offered(instance).linear)

    def weight(self, short: Short | None) -> float:
        """Return the severity of a shortage.

        Args:
            short: Kilograms by metal symbol, or None.

        Returns:
            The largest missing fraction of a metal's minimum charge, 0 to 1; infinite for None.
        """
        if short is None:
            return np.inf
        return max((kg / max(self.need[metal], kg) for metal, kg in short.items()), default=0.0)


def _gifts(linear: Linear) -> dict[int, str]:
    """Return the columns of external purchases, each with its metal symbol."""
    return {
        linear.network + number: index[0][len(ELSEWHERE) :]
        for number, (place, index) in enumerate(linear.places)
        if place == "buy" and index[0].startswith(ELSEWHERE)
    }


def offering(instance: Instance, metals: Bools, prefix: str, prices: Figures | None = None) -> Instance:
    """Return `instance` with pure, unlimited, recycled offers of `metals` (E,) at `prices` (E, T) in money/kg, or 0."""
    market, periods = instance.market, len(instance.periods)
    numbers = np.flatnonzero(metals).tolist()
    names = [f"{prefix}{instance.metals.names[e]}" for e in numbers]
    order = np.array(sorted(range(len(market.names) + len(names)), key=[*market.names, *names].__getitem__), dtype=int)
    pure = [ALL if e == one else NOTHING for one in numbers for e in range(len(metals))]
    price = [NOTHING] * (len(numbers) * periods)
    if prices is not None:
        price = [Number(float(value)) for e in numbers for value in prices.value[e]]

    def with_(figures: Figures, more: list[Number]) -> Figures:
        """Append entries to an array of the market, and reorder it by offer name."""
        return _joined(figures, Figures.of(more, (len(numbers), *figures.shape[1:])), order)

    return dataclasses.replace(
        instance,
        market=dataclasses.replace(
            market,
            names=tuple([*market.names, *names][number] for number in order.tolist()),
            composition=with_(market.composition, pure),
            price=with_(market.price, price),
            limit=with_(market.limit, [UNLIMITED] * len(numbers)),
            recycled=with_(market.recycled, [ALL] * len(numbers)),
            storable=np.append(market.storable, np.zeros(len(numbers), dtype=bool))[order],
            committed=with_(market.committed, [NOTHING] * len(numbers)),
            footprint=with_(market.footprint, [NOTHING] * len(numbers)),
            lot=with_(market.lot, [NOTHING] * len(numbers)),
            minimum_order=with_(market.minimum_order, [NOTHING] * len(numbers)),
        ),
    )


def _joined(one: Figures, other: Figures, order: np.ndarray[tuple[int, ...], np.dtype[np.intp]]) -> Figures:
    """Concatenate two arrays with units along the first axis and permute the result by `order`."""
    units = [np.broadcast_to(figures.unit, figures.shape) for figures in (one, other)]
    unit = np.concatenate([units[0], units[1] + len(one.factors)])
    return Figures(np.concatenate([one.raw, other.raw])[order], unit[order], (*one.factors, *other.factors))
