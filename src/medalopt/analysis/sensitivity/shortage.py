"""How much metal is missing where there is no plan: the least that would have to come from elsewhere."""

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

ELSEWHERE = "\0"  # begins the name of an offer that no file can name
LEAST = 1e-7  # of what is needed of a metal, below which it is not short

Short = Mapping[str, float]  # metal to kg


class Shortage:
    """Variants of `instance` into which any metal that an alloy names may come from elsewhere, when it is wanted."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    @cached_property
    def variant(self) -> Variant:
        """The instance with that metal on offer; its program counts the kilograms of it and nothing else."""
        return self._offered(self._instance)

    @cached_property
    def _master(self) -> Master:
        made = self._with_gifts(self._instance)
        return Master.of(made, routes(made), "cost")

    def _with_gifts(self, instance: Instance) -> Instance:
        wanted = np.logical_or.reduce(self._instance.alloys.named[is_owed(self._instance)], axis=0)
        return offering(instance, wanted, ELSEWHERE)

    def _offered(self, instance: Instance) -> Variant:
        variant = Variant.of(self._with_gifts(instance), "cost", self._master)
        costs = np.zeros_like(variant.linear.costs)
        costs[0, list(_gifts(variant.linear))] = 1.0
        return dataclasses.replace(variant, linear=dataclasses.replace(variant.linear, costs=costs))

    @cached_property
    def _moving(self) -> Moving:
        return Moving(self.variant.linear)

    @cached_property
    def need(self) -> Mapping[str, float]:
        """The least of each metal that is charged in all, kg."""
        return dict(zip(self._instance.metals.names, needed(self._instance)[:, -1].tolist(), strict=True))

    def short(self, linear: Linear | None = None) -> Short | None:
        """Return the least metal, kg by metal, with which `linear` has a plan; None where no metal helps.

        `linear` is the program of `variant`, by default, or one of the same shape.
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
        """Return the least metal with which another `instance`, of the same names, has a plan; None: none helps."""
        return self.short(self._offered(instance).linear)

    def weight(self, short: Short | None) -> float:
        """Return how serious a shortage is: the greatest share of a need that is missing; infinite for None."""
        if short is None:
            return np.inf
        return max((kg / max(self.need[metal], kg) for metal, kg in short.items()), default=0.0)


def _gifts(linear: Linear) -> dict[int, str]:
    """Return the columns of metal from elsewhere, each with its metal."""
    return {
        linear.network + number: index[0][len(ELSEWHERE) :]
        for number, (place, index) in enumerate(linear.places)
        if place == "buy" and index[0].startswith(ELSEWHERE)
    }


def offering(instance: Instance, metals: Bools, prefix: str, prices: Figures | None = None) -> Instance:
    """Return `instance` with more offers, pure and without limit, of some `metals`, (E,), each named prefix and symbol.

    They count as recycled. `prices`, (E, T), money/kg; by default they are free.
    """
    market, periods = instance.market, len(instance.periods)
    numbers = np.flatnonzero(metals).tolist()
    names = [f"{prefix}{instance.metals.names[e]}" for e in numbers]
    order = np.array(sorted(range(len(market.names) + len(names)), key=[*market.names, *names].__getitem__), dtype=int)
    pure = [ALL if e == one else NOTHING for one in numbers for e in range(len(metals))]
    price = [NOTHING] * (len(numbers) * periods)
    if prices is not None:
        price = [Number(float(value)) for e in numbers for value in prices.value[e]]

    def with_(figures: Figures, more: list[Number]) -> Figures:
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
    units = [np.broadcast_to(figures.unit, figures.shape) for figures in (one, other)]
    unit = np.concatenate([units[0], units[1] + len(one.factors)])
    return Figures(np.concatenate([one.raw, other.raw])[order], unit[order], (*one.factors, *other.factors))
