"""Simulation of the risk of a plan as ordered, and the share of each factor in the variance of each metal."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from medalopt.analysis.risk.draws import PlanSampler, ReturnDraws
from medalopt.analysis.risk.recourse import buy_missing_metal
from medalopt.analysis.sampling import SAMPLING_SEED, compute_wilson_interval
from medalopt.errors import UsageError
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arrays import Bools, Floats
from medalopt.instance.price_steps import compute_purchase_costs
from medalopt.instance.risk import TAIL, DeadlineRisk
from medalopt.instance.uncertainty import UncertainFactor
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
