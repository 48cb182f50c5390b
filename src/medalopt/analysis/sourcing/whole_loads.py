"""Plans in whole loads: the tonnes called off in a period are a whole number of truckloads, or all that is available.

Streams of a bundle share their trucks; streams with a lot size or minimum order of their own keep it. Metal, melts and
purchases are optimised again for these loads, and the plan is verified like any other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from medalopt.analysis.explain.local_analysis import list_sources
from medalopt.errors import UsageError
from medalopt.instance.accounting import Decisions, PlanAccount
from medalopt.instance.arrays import Floats
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.lots import has_lot_constraint
from medalopt.instance.routes import Routes
from medalopt.model.network import Network
from medalopt.plan.plan import Plan
from medalopt.proof.certificate import certify_plan
from medalopt.solver.highs import NO_TIME_LIMIT, TimeBudget
from medalopt.solver.mip import TruckloadGroup, solve_truckload_mip
from medalopt.solver.solve_lp import SolveTask, build_program, extract_decisions
from medalopt.tolerances import INTEGRALITY_TOLERANCE


@dataclass(frozen=True, eq=False)
class WholeLoadPlan:
    """The plan in loads of `size` t and the `exact` plan: number of loads, of which `part` are partly filled."""

    plan: Plan
    exact: Plan
    size: float
    loads: int
    part: int

    @property
    def extra(self) -> float:
        """Extra cost of whole loads, money."""
        return self.plan.cost - self.exact.cost


def plan_whole_loads(exact: Plan, size: float, budget: TimeBudget = NO_TIME_LIMIT) -> WholeLoadPlan:
    """Solve the plan in whole loads by branch and bound.

    Args:
        exact: Optimal continuous plan.
        size: Size of a load, t.
        budget: Limit of computing time.

    Returns:
        The best verified plan found.

    Raises:
        UsageError: If no plan in such loads is found, or it cannot be verified.
    """
    instance = exact.instance
    bounds = compute_bounds(instance, exact.account.routes)
    network, program = build_program(SolveTask(instance, exact.account.routes, bounds, exact.measure))
    loads = _list_loads(exact, network, size)
    found = solve_truckload_mip(program, loads, budget)
    if found is None:
        raise UsageError(f"--round {size:g} t: no plan in loads of this size is feasible; give a smaller size")
    amounts, result = found
    decisions = extract_decisions(instance, exact.account.routes, network, program, result.x[: len(program.lower)])
    scaled = _scale_to_loads(decisions, exact.account.routes, network, loads, amounts)
    account = PlanAccount(instance, exact.account.routes, scaled)
    account = replace(account, decisions=account.clip_withheld())
    certificate = certify_plan(account, bounds, exact.duals, exact.measure)
    if not certificate.feasible:
        raise UsageError(f"--round {size:g} t: the plan in loads of this size could not be verified; give another size")
    method = f"{exact.method}; loads of {size:g} t by branch and bound"
    plan = replace(exact, account=account, certificate=certificate, method=method)
    lots = replace(exact.lots, value=plan.objective) if exact.lots else None
    counted = np.ceil(amounts / size - INTEGRALITY_TOLERANCE)
    part = np.abs(amounts - np.rint(amounts / size) * size) > INTEGRALITY_TOLERANCE * size
    return WholeLoadPlan(replace(plan, lots=lots), exact, size, int(counted.sum()), int(part.sum()))


def _list_loads(exact: Plan, network: Network, size: float) -> list[TruckloadGroup]:
    """Return the load group of each source and period that is delivered in loads."""
    instance, streams = exact.instance, exact.instance.streams
    every, periods = list_sources(instance), len(instance.periods)
    group = np.zeros(len(streams.names), dtype=np.intp)
    for number, source in enumerate(every):
        group[source.streams] = number
    offered, known = np.zeros((2, len(every), periods))
    np.add.at(offered, group, streams.available.value)
    np.add.at(known, group[exact.account.routes.stream], exact.account.treated_devices)
    ordered, waits = (
        np.bincount(group, some, len(every)) > 0 for some in (has_lot_constraint(streams), streams.storable)
    )
    maximum = np.where(waits[:, None], offered.cumsum(axis=1), offered)
    place = group[exact.account.routes.stream[network.route]] * periods + network.period
    order = np.argsort(place, kind="stable")
    order = order[exact.account.routes.treats[network.route[order]]]  # branches carry what is delivered already
    places, first = np.unique(place[order], return_index=True)
    loads = []
    for at, columns in zip(places.tolist(), np.split(order, first[1:]), strict=False):
        one, t = divmod(at, periods)
        if maximum[one, t] > 0 and not ordered[one]:
            loads.append(TruckloadGroup(columns, size, float(maximum[one, t]), float(known[one, t]), bool(waits[one])))
    return loads


def _scale_to_loads(
    decisions: Decisions, routes: Routes, network: Network, loads: list[TruckloadGroup], amounts: Floats
) -> Decisions:
    """Scale shipments so that each sum equals its load exactly, beyond the solver's tolerance, and their fractions."""
    sent = decisions.sent.copy()
    for load, amount in zip(loads, amounts.tolist(), strict=True):
        route, period = network.route[load.columns], network.period[load.columns]
        total = float(sent[route, period].sum())
        if routes.parent is not None:
            branches = np.flatnonzero((routes.parent >= 0) & np.isin(routes.parent, route))
            route, period = np.append(route, branches), np.append(period, np.full(len(branches), period[0]))
        sent[route, period] *= amount / total if amount and total else 0.0
    return replace(decisions, sent=sent)
