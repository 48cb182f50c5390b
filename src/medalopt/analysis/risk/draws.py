"""Draws of the metal that a plan's shipments return: exact piecewise yields under random factors.

Each draw settles every lot again: recovery and accountability are cut at 100 %, an assay at a tonne in a tonne, and the
smelter pays the lower of the payable share and the metal less the minimum deduction. Routes of one kind, with the same
factor on their supply, form one cell.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from medalopt.analysis.sampling import compute_factors, compute_normal_quantiles, draw_latin_hypercube
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arrays import Floats, Ints
from medalopt.instance.routes import classify_routes, compute_base_costs
from medalopt.instance.uncertainty import (
    ACCOUNTABILITY,
    ASSAY,
    RECOVERY,
    SUPPLY,
    UncertaintyModel,
    build_uncertainty,
    index_factors,
)

_MAX_BLOCK_CELLS = 20_000_000  # numbers in one block of draws
_MIN_BLOCK = 1_000  # draws in a block, so that each is stratified finely
_PURE_ASSAY = 1_000.0  # kg/t


@dataclass(frozen=True, eq=False)
class ReturnDraws:
    """N draws of one plan: metal back by the end of each period, and the change of its cost.

    `refining` is the refining charge of all metal back within the horizon, `supply` the cost of more or less supply
    than planned, `price` the factor on the price of each offer.
    """

    returned: Floats  # (N, E, T) kg, cumulated
    refining: Floats  # (N,) money
    supply: Floats  # (N,) money
    price: Floats  # (N, O)


class PlanSampler:
    """Sampler of the metal returned by the shipments of one plan."""

    def __init__(self, account: PlanAccount) -> None:
        self.account, instance, routes = account, account.instance, account.routes
        sent = np.asarray(account.decisions.sent)
        self.used = np.flatnonzero((sent > 0).any(axis=1))
        self.model: UncertaintyModel = build_uncertainty(instance, routes, self.used)
        self.smelted = self.used[routes.smelter[self.used] >= 0]
        kind = classify_routes(instance, routes)[0][self.smelted]
        supply = index_factors(instance, self.model.factors, SUPPLY)[:, 0]
        pairs, first, self.cell = np.unique(
            np.stack([kind, supply[routes.stream[self.smelted]]]), axis=1, return_index=True, return_inverse=True
        )
        self.cell = self.cell.ravel()
        self.supply = pairs[1].astype(np.intp)  # (C,) factor on the supply of each cell, -1: none
        self.route = self.smelted[first]  # (C,) a route of each cell
        cv = instance.annex.get("market_cv", {})
        self.price_cv = np.array([float(cv.get(name, {}).get("cv") or 0.0) for name in instance.market.names])

    @cached_property
    def _tonnes(self) -> Floats:
        """Devices sent by cell and period (C, T), t."""
        total = np.zeros((len(self.route), len(self.account.instance.periods)))
        np.add.at(total, self.cell, np.asarray(self.account.decisions.sent)[self.smelted])
        return total

    def draw_blocks(self, count: int, seed: int) -> Iterator[ReturnDraws]:
        """Draw in blocks that fit into memory, each a Latin hypercube sample.

        Args:
            count: Draws.
            seed: Seed of the random generator.

        Yields:
            Blocks, `count` draws together.
        """
        instance = self.account.instance
        wide = len(self.model.factors) + 3 * len(self.route) + len(instance.metals.names) * len(instance.periods) + 1
        size = max(_MIN_BLOCK, _MAX_BLOCK_CELLS // wide)
        random = np.random.Generator(np.random.PCG64(seed))
        done = 0
        while done < count:
            rows = min(size, count - done)
            yield self._draw_block(random, rows)
            done += rows

    def _draw_block(self, random: np.random.Generator, count: int) -> ReturnDraws:
        """Return `count` draws."""
        model, prices = self.model, np.flatnonzero(self.price_cv > 0)
        width = model.loading.shape[1]
        z = compute_normal_quantiles(draw_latin_hypercube(random, count, width + len(prices)))
        factors = compute_factors(model.loading.apply(z[:, :width]), model.deviation, model.normal)
        price = np.ones((count, len(self.price_cv)))
        price[:, prices] = compute_factors(z[:, width:], self.price_cv[prices], model.normal)
        returned, refining = self.settle_lots(factors)
        return ReturnDraws(returned, refining, self._sum_supply_costs(factors), price)

    def settle_lots(self, factors: Floats) -> tuple[Floats, Floats]:
        """Settle every lot under given factors.

        Args:
            factors (N, F): Factors of the model, with mean 1.

        Returns:
            Metal back by the end of each period (N, E, T), kg, and its refining charge (N,), money.
        """
        instance, routes = self.account.instance, self.account.routes
        periods, smelter, line = len(instance.periods), routes.smelter[self.route], routes.line[self.route]
        pooled = instance.terms.pooled[line]
        arrived = np.where(self.supply >= 0, factors[:, self.supply], 1.0) if factors.shape[1] else 1.0
        returned = np.zeros((len(factors), len(instance.metals.names), periods))
        refining = np.zeros(len(factors))
        for metal in range(len(instance.metals.names)):
            if not (np.asarray(routes.returned)[self.route, metal] > 0).any():
                continue
            share, rest = self._compute_yields(factors, metal)
            charge, lead = instance.terms.refining_charge.value[line, metal], instance.smelters.lead[smelter, metal]
            for wait in np.unique(lead[lead < periods]).tolist():
                own = np.flatnonzero((lead == wait) & ~pooled)
                tonnes = self._tonnes[own, : periods - wait]
                yields = np.maximum(np.minimum(share[:, own], rest[:, own]), 0.0) * _pick(arrived, own)
                returned[:, metal, wait:] += yields @ tonnes
                refining += yields @ _charge_tonnes(charge[own], tonnes)
            for pool in np.unique(line[pooled]).tolist():
                own = np.flatnonzero(line == pool)
                wait = int(lead[own[0]])
                tonnes = self._tonnes[own, : max(periods - wait, 0)]
                paid, left = ((part[:, own] * _pick(arrived, own)) @ tonnes for part in (share, rest))
                settled = np.maximum(np.minimum(paid, left), 0.0)
                returned[:, metal, wait:] += settled
                refining += _charge_tonnes(charge[own[:1]], settled)
        return returned.cumsum(axis=2), refining

    def _compute_yields(self, factors: Floats, metal: int) -> tuple[Floats, Floats]:
        """Return the payable share and the metal less the deduction of each cell (N, C), credited kg/t of devices."""
        instance, routes, route = self.account.instance, self.account.routes, self.route
        stream, treatment, line = routes.stream[route], routes.treatment[route], routes.line[route]
        device = instance.streams.device[stream]

        def scale(kind: str, owner: Ints, value: Floats, most: float) -> Floats:
            """Scale a value by the factors drawn.

            Args:
                kind: Kind of the factor.
                owner: Index of the owner of each value.
                value: Planned values.
                most: Upper limit of the scaled value, unless the planned value is above it.

            Returns:
                (draws, values).
            """
            which = index_factors(instance, self.model.factors, kind)[owner, metal]
            drawn = np.where(which >= 0, factors[:, which], 1.0) if factors.shape[1] else np.ones((len(factors), 1))
            return np.asarray(np.minimum(value * drawn, np.maximum(most, value)))

        assay = scale(ASSAY, device, instance.devices.assay.value[device, metal], _PURE_ASSAY)
        recovery = scale(RECOVERY, treatment, instance.treatments.recovery.value[treatment, device, metal], 1.0)
        share = scale(ACCOUNTABILITY, routes.smelter[route], instance.terms.returned.value[line, metal], 1.0)
        held, credited = assay * recovery, instance.streams.credited.value[stream, metal]
        deducted = instance.terms.deduction.value[line, metal] * np.asarray(routes.to_smelter)[route]
        return credited * share * held, credited * (held - deducted)

    def _sum_supply_costs(self, factors: Floats) -> Floats:
        """Return the cost, without refining, of more (positive) or less supply than planned (N,), money."""
        routes, instance = self.account.routes, self.account.instance
        which = index_factors(instance, self.model.factors, SUPPLY)[routes.stream[self.used], 0]
        own = np.flatnonzero(which >= 0)
        if not len(own):
            return np.zeros(len(factors))
        spent = _charge_tonnes(
            compute_base_costs(routes)[self.used], np.asarray(self.account.decisions.sent)[self.used]
        )
        by_factor = np.bincount(which[own], spent[own], factors.shape[1])
        return np.asarray((factors - 1.0) @ by_factor)


def _charge_tonnes(charge: Floats, amount: Floats) -> Floats:
    """Return the money (N,) for amounts (N, last periods) at charges (N or 1, 1 or T)."""
    if charge.shape[1] == 1:
        return np.asarray(amount.sum(axis=1) * charge[:, 0])
    return np.asarray((amount * charge[:, charge.shape[1] - amount.shape[1] :]).sum(axis=1))


def _pick(arrived: Floats | float, own: Ints) -> Floats | float:
    """Return the factors on the supply of some cells."""
    return arrived if isinstance(arrived, float) else arrived[:, own]
