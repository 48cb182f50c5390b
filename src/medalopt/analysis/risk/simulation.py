"""Simulation of the risk of a plan as ordered, and the share of each factor in the variance of each metal.

Each draw settles every lot again: recovery and accountability are cut at 100 %, an assay at a tonne in a tonne, and the
smelter pays the lower of the payable share and the metal less the minimum deduction. Routes of one kind, with the same
factor on their supply, form one cell.

Recourse: melts are re-timed, and at each deadline the metal still missing is bought from the offers that some alloy
charged with it admits and that hold at least 95 % of it, the cheapest of that period first: within the limit of each
offer and, for offers that are not wholly recycled, the recycled-content rule. Lots and minimum orders are not observed.
The rest is unmet.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from medalopt.analysis.sampling import (
    SAMPLING_SEED,
    compute_factors,
    compute_normal_quantiles,
    compute_wilson_interval,
    draw_latin_hypercube,
)
from medalopt.errors import UsageError
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arrays import Bools, Floats, Ints
from medalopt.instance.bounds import may_buy
from medalopt.instance.lots import OFFER_STEPS, bound_by_steps, compute_marginal_prices, compute_purchase_costs
from medalopt.instance.routes import classify_routes, compute_base_costs
from medalopt.instance.uncertainty import (
    ACCOUNTABILITY,
    ASSAY,
    RECOVERY,
    SUPPLY,
    TAIL,
    DeadlineRisk,
    UncertainFactor,
    UncertaintyModel,
    build_uncertainty,
    index_factors,
)
from medalopt.plan.plan import Plan
from medalopt.tolerances import AMOUNT_TOLERANCE

DEFAULT_DRAWS, MIN_DRAWS, MAX_DRAWS = 20_000, 1_000, 1_000_000
_BINS = 40  # of a histogram
_OUTER = 0.002  # share of the draws beyond each end of a histogram, counted in its last bin


@dataclass(frozen=True)
class Estimate:
    """Probability estimated from draws, with its 95 % confidence interval."""

    probability: float
    low: float
    high: float

    @classmethod
    def count(cls, met: Bools) -> Estimate:
        """Estimate a probability.

        Args:
            met (N,): Whether the event occurs in each draw.

        Returns:
            The estimate.
        """
        share = float(met.mean())
        return cls(share, *compute_wilson_interval(share, len(met)))


@dataclass(frozen=True, eq=False)
class SimulatedRisk:
    """Distribution of the metal returned for one metal and deadline, kg; `risk` is its normal approximation."""

    risk: DeadlineRisk
    mean: float
    deviation: float
    low: float  # 5 % quantile
    high: float  # 95 % quantile
    enough: Estimate
    as_timed: float  # probability that the plan's own melts can be carried out in their own periods
    shortfall: float  # kg, unconditional mean of max(0, needed - returned)
    edges: Floats  # (B + 1,) kg
    counts: Floats  # (B,) draws


@dataclass(frozen=True)
class CostDistribution:
    """Cost of the plan with recourse, in money, and the metal that cannot be bought, in kg."""

    planned: float
    mean: float
    deviation: float
    low: float  # 5 % quantile
    median: float
    high: float  # 95 % quantile
    purchases: float  # mean cost of metal bought in addition
    unmet: tuple[tuple[int, float, float], ...]  # metal, mean kilograms unmet, probability that some is


@dataclass(frozen=True)
class VarianceShare:
    """Share of one factor in the variance of the metal returned for one metal and deadline."""

    factor: UncertainFactor
    risk: DeadlineRisk
    share: float


@dataclass(frozen=True, eq=False)
class RiskSimulation:
    """Simulated risk of one plan."""

    plan: Plan
    draws: int
    seed: int
    rows: tuple[SimulatedRisk, ...]
    joint: Estimate
    cost: CostDistribution
    shares: tuple[VarianceShare, ...]  # largest first, of the metal and deadline most at risk first


def simulate_risk(plan: Plan, draws: int = DEFAULT_DRAWS, seed: int = SAMPLING_SEED) -> RiskSimulation:
    """Simulate the risk of a plan as ordered: shipments and purchases as planned.

    Args:
        plan: Plan.
        draws: Number of draws.
        seed: Seed of the random generator.

    Returns:
        Distribution of each metal and deadline, joint probability, cost with recourse and shares of the variance.

    Raises:
        UsageError: The number of draws is out of range, or nothing returned is uncertain.
    """
    if not MIN_DRAWS <= draws <= MAX_DRAWS:
        raise UsageError(f"--draws {draws}: give {MIN_DRAWS:_} to {MAX_DRAWS:_} draws; 20_000 are the default")
    if seed < 0:
        raise UsageError(f"--seed {seed}: a seed is 0 or more")
    if not plan.risks:
        raise UsageError(
            f"{plan.instance.name}: no metal returned is uncertain and needed by a date; give a `cv` to devices, "
            "treatments, smelters or streams"
        )
    sampler = PlanSampler(plan.account)
    returned = np.zeros((draws, len(plan.risks)))
    timed = np.zeros((draws, len(plan.risks)), dtype=np.bool_)
    money, bought = np.zeros(draws), np.zeros(draws)
    metals = sorted({risk.metal for risk in plan.risks})
    unmet = np.zeros((draws, len(metals)))
    start = 0
    for block in sampler.draw_blocks(draws, seed):
        rows = slice(start, start + len(block.returned))
        start = rows.stop
        for number, risk in enumerate(plan.risks):
            returned[rows, number] = block.returned[:, risk.metal, risk.period]
            timed[rows, number] = _can_melt_as_timed(plan.account, risk, block.returned[:, risk.metal])
        bought[rows], unmet[rows] = _buy_all(plan, metals, block)
        money[rows] = _sum_costs(plan, block) + bought[rows]
    return RiskSimulation(
        plan,
        draws,
        seed,
        tuple(_summarize_row(*pair) for pair in zip(plan.risks, returned.T, timed.T, strict=True)),
        Estimate.count(np.asarray(_covers(returned, np.array([risk.needed for risk in plan.risks])).all(axis=1))),
        _summarize_cost(plan.cost, money, bought, unmet, metals),
        tuple(_rank_variance_shares(plan, sampler)),
    )


def _covers(returned: Floats, needed: Floats | float) -> Bools:
    """Return whether the metal returned covers the need, within rounding."""
    return np.asarray(returned >= np.asarray(needed) * (1 - AMOUNT_TOLERANCE))


def _can_melt_as_timed(account: PlanAccount, risk: DeadlineRisk, returned: Floats) -> Bools:
    """Return in which draws (N,) the plan's melts up to the deadline have their metal in their own periods."""
    charged = account.decisions.charged[:, risk.metal].sum(axis=0)
    spent = charged.cumsum() - float(account.instance.metals.opening_stock.value[risk.metal])
    melts = np.flatnonzero(charged[: risk.period + 1] > 0)
    return np.asarray(_covers(returned[:, melts], np.maximum(spent[melts], 0.0)).all(axis=1))


def _buy_all(plan: Plan, metals: list[int], block: ReturnDraws) -> tuple[Floats, Floats]:
    """Return the cost of missing metal (N,), money, and the unmet need by metal (N, M), kg."""
    pairs = [buy_missing_metal(plan.account, plan.risks, metal, block) for metal in metals]
    return sum((cost for cost, _ in pairs), np.zeros(len(block.returned))), np.stack([u for _, u in pairs], axis=1)


def _sum_costs(plan: Plan, block: ReturnDraws) -> Floats:
    """Return the cost of the plan in each draw (N,), money, without the purchase of missing metal."""
    instance, account = plan.instance, plan.account
    planned = plan.costs
    paid = np.asarray(compute_purchase_costs(account)).sum(axis=1)
    total = plan.cost - planned["refining"] + block.refining + block.supply + (block.price - 1) @ paid
    price = instance.metals.sell.value[:, -1]
    for metal in np.flatnonzero(price != 0).tolist():
        more = block.returned[:, metal, -1] - float(np.asarray(account.returned)[:, metal].sum())
        surplus = float(np.asarray(account.decisions.surplus)[metal].sum())
        total = total - price[metal] * np.maximum(more, -surplus)
    return np.asarray(total)


def _summarize_row(risk: DeadlineRisk, returned: Floats, timed: Bools) -> SimulatedRisk:
    """Return the statistics of one metal and deadline."""
    low, high, first, last = np.quantile(returned, [TAIL, 1 - TAIL, _OUTER, 1 - _OUTER]).tolist()
    edges = _choose_edges(min(first, risk.needed), max(last, risk.needed), risk.needed)
    counts = np.histogram(np.clip(returned, edges[0], edges[-1]), edges)[0]
    covered = _covers(returned, risk.needed)
    return SimulatedRisk(
        risk,
        float(returned.mean()),
        float(returned.std()),
        low,
        high,
        Estimate.count(covered),
        float((timed & covered).mean()),
        float(np.where(covered, 0.0, risk.needed - returned).mean()),
        edges,
        counts.astype(np.float64),
    )


def _choose_edges(start: float, end: float, needed: float) -> Floats:
    """Return the edges of equal bins that hold `start` and `end`, one edge at the need."""
    width = (end - start) / _BINS or 1.0
    below, above = math.ceil((needed - start) / width - 1e-9), math.ceil((end - needed) / width - 1e-9)
    edges = needed + width * np.arange(-below - 1, above + 2)
    return np.maximum(edges[edges > -width], 0.0)


def _summarize_cost(
    planned: float, money: Floats, bought: Floats, unmet: Floats, metals: list[int]
) -> CostDistribution:
    """Return the statistics of the cost."""
    low, median, high = np.quantile(money, [TAIL, 0.5, 1 - TAIL]).tolist()
    rows = tuple(
        (metal, float(own.mean()), float((own > 0).mean())) for metal, own in zip(metals, unmet.T, strict=True)
    )
    return CostDistribution(
        planned, float(money.mean()), float(money.std()), low, median, high, float(bought.mean()), rows
    )


def _rank_variance_shares(plan: Plan, sampler: PlanSampler) -> list[VarianceShare]:
    """Rank the factors by their share of the variance of each metal and deadline."""
    result = []
    for risk in sorted(plan.risks, key=lambda risk: (risk.probability, risk.period, risk.metal)):
        if risk.deviation == 0:
            continue
        shares = sampler.model.compute_variance_shares(risk.exposure)
        for number in np.argsort(-shares, kind="stable").tolist():
            if shares[number] != 0:
                result.append(VarianceShare(sampler.model.factors[number], risk, float(shares[number])))
    return result


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


MIN_OFFER_CONTENT = 0.95  # mass fraction of the metal in an offer that replaces it


@dataclass(frozen=True, eq=False)
class RecourseRoom:
    """Offers that can replace one metal, and how much of it they may."""

    offer: Ints  # (O',) index of the offer
    price: Floats  # (O', T) money per kg of the metal
    limit: Floats  # (O',) kg of the metal
    primary: Floats  # (O',) share that counts as new metal
    new_metal: float  # kg of new metal that the recycled-content rule still allows


def _find_room(account: PlanAccount, metal: int) -> RecourseRoom:
    """Return the offers that can replace a metal, beyond the purchases of the plan, with prices and limits."""
    instance, market = account.instance, account.instance.market
    content = market.composition.value[:, metal]
    alloys = account.decisions.charged[:, metal].sum(axis=1) > 0
    offer = np.flatnonzero((content >= MIN_OFFER_CONTENT) & may_buy(instance)[:, alloys].any(axis=1))
    most = bound_by_steps(OFFER_STEPS, instance, market.limit.value)
    left = np.maximum(most[offer] - np.asarray(account.bought)[offer], 0.0)
    mined = ((1 - market.recycled.value) * content)[:, None, None] * account.decisions.bought
    allowed = (1 - float(instance.policy.recycled.value[metal])) * float(account.composition[:, metal].sum())
    return RecourseRoom(
        offer,
        compute_marginal_prices(account, OFFER_STEPS)[offer] / content[offer, None],
        left * content[offer],
        1 - market.recycled.value[offer],
        max(allowed - float(mined.sum()), 0.0) if instance.policy.recycled.raw[metal] > 0 else np.inf,
    )


def buy_missing_metal(
    account: PlanAccount, risks: tuple[DeadlineRisk, ...], metal: int, draws: ReturnDraws
) -> tuple[Floats, Floats]:
    """Buy the metal missing at each deadline of one metal.

    Args:
        account: Accounting of the plan.
        risks: Need of each metal and deadline.
        metal: Index of the metal.
        draws: Metal returned (N draws).

    Returns:
        Cost of the purchases (N,), money, and metal unmet (N,), kg.
    """
    room, count = _find_room(account, metal), len(draws.returned)
    left, new_metal = np.tile(room.limit, (count, 1)), np.full(count, room.new_metal)
    cost, covered, unmet = np.zeros(count), np.zeros(count), np.zeros(count)
    for risk in sorted((risk for risk in risks if risk.metal == metal), key=lambda risk: risk.period):
        missing = np.maximum(risk.needed - draws.returned[:, metal, risk.period] - covered - unmet, 0.0)
        missing[missing <= 1e-9 * risk.needed] = 0.0
        for number in np.argsort(room.price[:, risk.period], kind="stable").tolist():
            primary = room.primary[number]
            bought = np.minimum(missing, left[:, number])
            if primary > 0:
                bought = np.minimum(bought, new_metal / primary)
                new_metal = new_metal - primary * bought
            left[:, number] -= bought
            cost += bought * room.price[number, risk.period] * draws.price[:, room.offer[number]]
            covered, missing = covered + bought, missing - bought
        unmet += missing
    return cost, unmet
