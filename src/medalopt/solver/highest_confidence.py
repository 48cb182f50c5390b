r"""Highest confidence that any plan can promise, and which right-hand sides limit it.

Let $F(z)=\min_x\max_rz\lVert h_r(x)\rVert-s_r(x)$ be the least shortfall of the chance constraints $r$ at quantile
$z$; its zero is the highest quantile. A plan $x$ attains the quantile $\min_rs_r(x)/\lVert h_r(x)\rVert$, a lower
bound. $F$ is bounded from below by programs with cuts, at a quantile a little above the best attained (fractional
programming, Dinkelbach 1967): the plan found attains more, or violates the cuts that are added, or the shortfall is
positive, and no plan attains that quantile. An uncertainty budget is linear, and its bounds are halved.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from medalopt.catalog import FAMILIES
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arrays import Floats
from medalopt.instance.confidence import (
    LARGEST_CONFIDENCE,
    ConfidencePolicy,
    ConfidenceSlack,
    build_confidence,
    find_attained_budget,
    measure_confidence,
)
from medalopt.instance.instance import Instance
from medalopt.instance.routes import ConfidenceCut
from medalopt.instance.uncertainty import get_uncertainty_budget
from medalopt.model.network import Network
from medalopt.proof.certificate import prove_infeasibility
from medalopt.proof.confidence import CONE_RULE, differentiate_deviation
from medalopt.proof.prices import Duals
from medalopt.solver.confidence import add_cut_rows
from medalopt.solver.highs import METHODS, solve_by_method
from medalopt.solver.program import ProgramBasis, ProgramBuilder, SolverProgram
from medalopt.solver.scaling import scale_program
from medalopt.solver.solve_lp import Solution, SolveTask, build_program, extract_decisions

LEVEL_TOLERANCE = 1e-4  # distance of upper and lower bound of the confidence that suffices
BUDGET_TOLERANCE = 1e-2  # the same for an uncertainty budget, in parameters
BRACKET_TOLERANCE = 5e-3  # the same where it is found by bisection
MAX_ROUNDS = 40
_NEARLY_CERTAIN = 0.9999  # from where a confidence is described with two decimals of a per cent
_SHRINKAGE = 2.0**-40  # relative, so that risks sum to no more than the joint one
MAX_REMEDIES = 3  # right-hand sides named where no plan can promise a confidence
RELAXED_SHARE = 0.1  # share by which a right-hand side is relaxed in the list of what raises the confidence


@dataclass(frozen=True)
class HighestConfidence:
    """Highest confidence, or uncertainty budget, that a plan can promise for all metals and deadlines at once.

    `gains` is the increase by 10 % more of each right-hand side, by family and name, to first order.
    """

    level: float  # attained by a plan
    upper: float  # no plan promises more
    metal: str  # of the chance constraint that limits it
    period: str
    gains: Mapping[tuple[str, str], float]
    attained: Mapping[
        tuple[str, str], float
    ]  # confidences by metal and deadline of the plan with the least sum of risks

    @property
    def jointly(self) -> float:
        """Joint confidence that a plan attains by Boole's inequality.

        Returns:
            At least 0.
        """
        return max(0.0, 1 - sum(1 - level for level in self.attained.values())) if self.attained else 0.0

    def split_risk(self, joint: float) -> dict[tuple[str, str], float]:
        """Split the risk of a lower joint confidence as the safest plan does.

        Args:
            joint: Joint confidence.

        Returns:
            Confidence by metal and deadline; empty where the safest plan does not attain so much.
        """
        risk = sum(1 - level for level in self.attained.values())
        if not 0 < risk <= 1 - joint:
            return {}
        share = (1 - joint) / risk * (1 - _SHRINKAGE)
        risks = {key: min((1 - level) * share, 0.5) for key, level in self.attained.items()}
        return {key: min(1 - own, LARGEST_CONFIDENCE) for key, own in risks.items()}


@dataclass(frozen=True, eq=False)
class _ShortfallOptimum:
    """Least shortfall at some quantile: kilograms, slope in the quantile, chance constraints at the plan, and gains."""

    shortfall: float
    slope: float
    slacks: Sequence[ConfidenceSlack]
    gains: Mapping[tuple[str, str], float]  # kg per 10 % of each right-hand side
    basis: ProgramBasis | None  # final basis, from which the program with further cuts starts


def find_highest_confidence(task: SolveTask) -> HighestConfidence | None:
    """Find the highest confidence that some plan can promise; metals with a lower promise keep theirs.

    Args:
        task: Instance with a promised confidence, and the cuts that make its program infeasible; or an instance with
            an uncertainty budget.

    Returns:
        The highest confidence or budget; None where it is not found, also where there is no plan without a promise.
    """
    policy = build_confidence(task.instance)
    if policy is None or not task.routes.cuts:
        return None
    if policy.budget is not None:
        return _find_highest_budget(task, policy.budget)
    required, normal, cuts = policy, NormalDist(), task.routes.cuts
    most, reached = max(row.quantile for row in policy.rows), 0.0
    levels: Mapping[tuple[str, str], float] = {}
    basis: ProgramBasis | None = None
    bare = build_program(replace(task, routes=replace(task.routes, cuts=()), basis=None))
    for _ in range(MAX_ROUNDS):
        if reached >= most:
            return None
        quantile = min(reached + LEVEL_TOLERANCE / 2 / normal.pdf(reached), most)
        policy = _cap_quantiles(required, quantile)
        found = _minimise_shortfall(task, policy, cuts, basis, bare)
        if found is None:
            return None
        basis = found.basis
        attained = [slack.attained_quantile for slack in found.slacks]
        if found.shortfall > 0:
            limiting = found.slacks[int(np.argmin(attained))].row
            factor = normal.pdf(quantile) / found.slope if found.slope > 0 else 0.0
            return HighestConfidence(
                normal.cdf(reached),
                normal.cdf(quantile),
                task.instance.metals.names[limiting.metal],
                task.instance.periods[limiting.period],
                {key: gain * factor for key, gain in found.gains.items()},
                levels,
            )
        reached, levels = (
            max(reached, min(attained)),
            _choose_safer(levels, _list_attained(task.instance, found.slacks)),
        )
        cuts = (*cuts, *(policy.build_cut(task.routes, slack.row, slack.direction) for slack in found.slacks))
    return None


def bracket_highest_confidence(
    task: SolveTask, duals: Duals, solve_task: Callable[[SolveTask], tuple[SolveTask, Solution]]
) -> HighestConfidence | None:
    """Bracket the highest confidence of a large instance by bisection: a plan for each level below, a proof above.

    Args:
        task: Instance with a promised confidence that is infeasible, and feasible without it.
        duals: Dual values of its infeasibility proof.
        solve_task: Returns the solution of a task, of which any plan suffices, and the task with its cuts.

    Returns:
        The highest confidence, without gains; None where a solve proves neither.
    """
    levels = task.instance.annex.get("confidence", {})
    if get_uncertainty_budget(task.instance):
        return None
    reached, upper, safest = 0.5, max(levels.values()), dict[tuple[str, str], float]()
    while upper - reached > BRACKET_TOLERANCE:
        level = (reached + upper) / 2
        annex = {**task.instance.annex, "confidence": {name: min(one, level) for name, one in levels.items()}}
        instance = replace(task.instance, annex=annex)
        tried = replace(task, instance=instance, routes=replace(task.routes, cuts=()), basis=None)
        solved, solution = solve_task(tried)
        policy = build_confidence(instance)
        if solution.status == "infeasible" and prove_infeasibility(instance, solution.duals).holds:
            upper, duals = level, solution.duals
        elif solution.decisions is not None and policy is not None:
            slacks = measure_confidence(policy, PlanAccount(instance, solved.routes, solution.decisions))
            attained = min((slack.attained_quantile for slack in slacks), default=math.inf)
            reached = max(reached, min(level, NormalDist().cdf(attained)))
            safest = _choose_safer(safest, _list_attained(instance, slacks))
            if reached < level - BRACKET_TOLERANCE:
                return None
        else:
            return None
    rows = duals.get(CONE_RULE, {})
    if not rows:
        return None
    metal, period = max(rows, key=lambda key: abs(rows[key]))
    return HighestConfidence(reached, upper, metal, period, {}, safest)


def _list_attained(instance: Instance, slacks: Sequence[ConfidenceSlack]) -> dict[tuple[str, str], float]:
    """Return the confidence that a plan attains for each metal and deadline, by names."""
    names, periods = instance.metals.names, instance.periods
    return {(names[one.row.metal], periods[one.row.period]): NormalDist().cdf(one.attained_quantile) for one in slacks}


def _choose_safer(
    one: Mapping[tuple[str, str], float], other: dict[tuple[str, str], float]
) -> dict[tuple[str, str], float]:
    """Return the confidences with the smaller sum of risks."""
    return other if not one or sum(other.values()) > sum(one.values()) else dict(one)


def _find_highest_budget(task: SolveTask, required: float) -> HighestConfidence | None:
    """Find the highest uncertainty budget that some plan can hold, below one that none can."""
    reached, upper, cuts = 0.0, math.inf, task.routes.cuts
    last: _ShortfallOptimum | None = None
    while upper - reached > BUDGET_TOLERANCE:
        budget = required if last is None else (reached + upper) / 2
        annex = {**task.instance.annex, "uncertainty_budget": {"number": budget}}
        tried = replace(task, instance=replace(task.instance, annex=annex))
        policy = build_confidence(tried.instance)
        found = None if policy is None else _minimise_shortfall(tried, policy, cuts, last.basis if last else None)
        if found is None:
            return None
        if found.shortfall > 0:
            upper, last = budget, found
        else:
            attained = min(find_attained_budget(slack.spread, slack.buffer) for slack in found.slacks)
            reached = max(budget, min(attained, upper))
            if last is None:
                return None
    if last is None or not reached:
        return None
    limiting = max(last.slacks, key=lambda slack: slack.excess).row
    factor = 1 / last.slope if last.slope > 0 else 0.0
    names = task.instance.metals.names[limiting.metal], task.instance.periods[limiting.period]
    return HighestConfidence(reached, upper, *names, {key: gain * factor for key, gain in last.gains.items()}, {})


def _cap_quantiles(policy: ConfidencePolicy, most: float) -> ConfidencePolicy:
    """Return the chance constraints with quantiles of at most `most`."""
    level = NormalDist().cdf(most)
    rows = tuple(row if row.quantile <= most else replace(row, quantile=most, level=level) for row in policy.rows)
    return replace(policy, rows=rows)


def _minimise_shortfall(
    task: SolveTask,
    policy: ConfidencePolicy,
    cuts: tuple[ConfidenceCut, ...],
    basis: ProgramBasis | None,
    bare: tuple[Network, SolverProgram] | None = None,
) -> _ShortfallOptimum | None:
    """Minimise the largest shortfall of the chance constraints, approximated by cuts; None without an optimum.

    The program is that of `bare` with the cuts, where it is given.
    """
    rows = {(row.metal, row.period): row for row in policy.rows}
    if policy.budget is None:
        cuts = tuple(policy.build_cut(task.routes, rows[cut.metal, cut.period], cut.direction) for cut in cuts)
    if bare is None:
        network, program = build_program(replace(task, routes=replace(task.routes, cuts=cuts), basis=None))
    else:
        network, program = bare[0], add_cut_rows(bare[1], task.instance, task.routes, bare[0], cuts)
    program = _add_shortfall(program)
    ready = scale_program(program)
    result = None
    if basis is not None:  # it stays nearly dual feasible: only cuts are added and their quantile rises
        result = solve_by_method(ready, METHODS[1], basis.transfer(program), task.budget)
    if result is None or result.status != "optimal":
        result = solve_by_method(ready, METHODS[0], budget=task.budget)
    if result.status != "optimal":
        return None
    x, y = ready.unscale_columns(result.x), ready.unscale_duals(result.y)
    reached = None if result.basis is None else ProgramBasis(program, result.basis)
    decisions = extract_decisions(task.instance, task.routes, network, program, x)
    slacks = measure_confidence(policy, PlanAccount(task.instance, task.routes, decisions))
    state = {(slack.row.metal, slack.row.period): slack for slack in slacks}
    weights = [max(value, 0.0) for (name, _), value in zip(program.rows, y.tolist(), strict=True) if name == CONE_RULE]
    slope = 0.0
    for weight, cut in zip(weights, [cut for cut in cuts if not cut.part], strict=True):
        slack = state[cut.metal, cut.period]
        along = slack.deviation * float(cut.direction @ slack.direction)
        slope += weight * (along if policy.budget is None else differentiate_deviation(policy, slack))
    return _ShortfallOptimum(float(x[-1]), slope, slacks, _sum_gains(task.instance, program, y), reached)


def _add_shortfall(program: SolverProgram) -> SolverProgram:
    """Return the program that minimises a shortfall common to all cuts, its last column."""
    rows = [number for number, (name, _) in enumerate(program.rows) if name == CONE_RULE]
    built = ProgramBuilder.extend(replace(program, costs=np.zeros((3, len(program.lower)))))
    size = float(np.abs(program.row_lower[rows]).max(initial=1.0))
    column = built.add_columns([("shortfall", None)], -np.inf, size=size, costs=np.array([[1.0], [0.0], [0.0]]))
    built.add_entries(np.array(rows), column)
    return built.build()


def _sum_gains(instance: Instance, program: SolverProgram, y: Floats) -> dict[tuple[str, str], float]:
    """Return the shortfall saved by 10 % more of right-hand sides (kg), supply by device type."""
    device = dict(zip(instance.streams.names, instance.streams.device.tolist(), strict=True))
    gains: dict[tuple[str, str], float] = {}
    for (name, index), value, upper in zip(program.rows, y.tolist(), program.row_upper.tolist(), strict=True):
        family = FAMILIES.get(name)
        if family is None or not 0 < upper < np.inf or not value < 0:
            continue
        first = index[0] if isinstance(index, tuple) else index
        key = instance.devices.names[device[first]] if name == "supply" else str(first or "")
        gains[name, key] = gains.get((name, key), 0.0) - value * upper * RELAXED_SHARE
    return gains


def describe_highest(instance: Instance, highest: HighestConfidence | None, bracketed: bool) -> str:
    """Describe the highest confidence or uncertainty budget, what limits it, and what would raise it.

    Args:
        instance: Instance with the promise that no plan keeps.
        highest: The highest one; None where it was not found.
        bracketed: Whether it is only bracketed.

    Returns:
        A clause.
    """
    if highest is None:
        return "no plan can keep the promise required; without it the instance is feasible: require less"
    if get_uncertainty_budget(instance) > 0:
        most = math.floor(highest.level * 100) / 100
        return f"no plan can hold an uncertainty budget above {most:g}: {describe_limit(highest, 1, '')}"
    steps = 1000 if highest.level < _NEARLY_CERTAIN else 10_000
    level, upper = math.floor(highest.level * steps) / steps * 100, math.ceil(highest.upper * steps) / steps * 100
    limit = describe_limit(highest)
    if bracketed:
        return f"a plan can promise {level:g} %, none {upper:g} %: {limit}"
    return f"no plan can promise more than {level:g} %: {limit}"


def describe_limit(highest: HighestConfidence, scale: float = 100, unit: str = " points") -> str:
    """Describe the metal and deadline that limit a promise, and the right-hand sides that would raise it most.

    Args:
        highest: The highest promise.
        scale: Factor of its gains.
        unit: Their unit.

    Returns:
        A clause.
    """
    raised = sorted(highest.gains.items(), key=lambda item: -item[1])[:MAX_REMEDIES]
    remedies = [f"10 % more of {_name_remedy(*key)} +{gain * scale:.2g}{unit}" for key, gain in raised if gain > 0]
    text = f"{highest.metal} by {highest.period} limits it"
    return f"{text}; options to raise it: {', '.join(remedies)}" if remedies else text


def _name_remedy(family: str, name: str) -> str:
    """Return the amount that a right-hand side limits, in words."""
    known = FAMILIES[family]
    return f"supply of {name}" if family == "supply" else " ".join(filter(None, (known.title, name)))
