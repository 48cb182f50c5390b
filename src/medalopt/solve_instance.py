"""Solve an instance: LP or whole-lot search, verification of every solution, and the plan with its certificate."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, NamedTuple

from medalopt.errors import (
    CoefficientRangeError,
    ConfidenceNotReachedError,
    LimitError,
    NoPlanError,
    SolverError,
    UsageError,
    WholeLotsNotFoundError,
)
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.confidence import (
    LARGEST_CONFIDENCE,
    JointSplit,
    build_confidence,
    build_program_routes,
    has_joint_split,
    measure_confidence,
    split_joint_confidence,
)
from medalopt.instance.instance import Instance, find_widest_spread
from medalopt.instance.lot_relaxation import drop_lot_constraints, spread_charges
from medalopt.instance.lots import UsedContracts, has_activities, list_falling_paths
from medalopt.instance.payers import parse_cost_objective, restrict_costs
from medalopt.instance.routes import ConfidenceCut, Routes, build_routes
from medalopt.instance.uncertainty import get_joint_confidence, has_confidence
from medalopt.model.build import OBJECTIVES
from medalopt.model.extensions import Extension, list_extensions
from medalopt.plan.plan import Plan, WholeLots
from medalopt.proof.basis import ExactBasis
from medalopt.proof.certificate import (
    Certificate,
    InfeasibilityProof,
    adopt_compiled_proof,
    certify_plan,
    prove_infeasibility,
    sum_absolute_costs,
)
from medalopt.proof.confidence import CONE_RULE, LEVEL_RULE, reallocate_risk
from medalopt.proof.extensions import NO_EXTENSIONS, ExtensionData
from medalopt.proof.prices import DUAL_SHRINKAGE, Duals, shrink_duals
from medalopt.solver.assemble import CompiledMaster
from medalopt.solver.confidence import MAX_CUT_ROUNDS, join_cuts, merge_cut_duals, select_active_cuts, separate_cuts
from medalopt.solver.highs import NO_TIME_LIMIT, TimeBudget, get_highs_version
from medalopt.solver.program import ProgramBasis
from medalopt.solver.solve_lp import Solution, SolveTask, leave_rounding, solve_linear_program
from medalopt.text import escape_text
from medalopt.tolerances import FARKAS_TOLERANCE

if TYPE_CHECKING:
    from medalopt.solver.decomposition.column_generation import ConfidencePath
    from medalopt.solver.highest_confidence import HighestConfidence

NO_RELAXED_ROWS: Mapping[str, tuple[float, float]] = {}
METHODS = ("auto", "direct", "decomposition")
_LEAST_STEP = 0.05  # of the change to the wanted split of a joint confidence
MAX_SPLITS, SPLIT_TOLERANCE = 8, 1e-5  # splits of a joint confidence, and the relative saving by one that is kept
NEARLY_CERTAIN = 1 - 1e-6  # confidence that is looked for where no plan keeps a joint one
_JOINT_TOLERANCE = 2e-3  # between the joint confidence attained and that of each metal, which count as one
LARGEST_CONFIDENCE_SEARCH = 200_000  # routes times periods, up to which the highest confidence is computed
DECOMPOSITION_THRESHOLD = 50_000  # routes times periods; larger LPs are solved by column generation


def solve(
    instance: Instance,
    objective: str = "cost",
    extensions: Sequence[Extension] = (),
    gap: float | None = None,
    time_limit: float | None = None,
    method: str = "auto",
    start: UsedContracts | None = None,
) -> Plan:
    """Solve an instance to a verified plan; ties of the objective are broken by cost, then by tonnes.

    Args:
        objective: Objective to minimise: `cost`, `footprint`, `mass`, or `cost@PARTY` for the costs of one payer.
        extensions: Python files or functions `extend(model, instance)` that add constraints or variables.
        gap: Relative optimality gap at which to stop, 0 or more; None: verified optimum.
        time_limit: Time limit [s], after which the best plan so far is returned, marked `stopped`; None: no limit.
        method: `direct` (the whole LP), `decomposition` (column generation) or `auto` (by size).
        start: Contracts with lots or charges that a similar plan uses; the search begins with them too.

    Returns:
        The plan, duals and certificate; in whole lots the best plan found, with a lower bound on all plans.

    Raises:
        NoPlanError: Infeasible, or unbounded by an extension.
        LimitError, UsageError: No plan within the time limit; invalid argument or unsupported method.
        SolverError: No solution verified; a CoefficientRangeError if coefficients span too wide a range.
    """
    budget = TimeBudget(math.inf if time_limit is None else time_limit)
    if gap is not None and not 0 <= gap < math.inf:
        raise UsageError(f"a gap of {gap} is not valid: give a share of 0 or more, such as 1 %")
    if not budget.seconds >= 0:
        raise UsageError(f"a time limit of {budget.seconds} s is not valid: give 0 or more")
    if method not in METHODS:
        raise UsageError(f"'{method}' is no method: choose one of {', '.join(METHODS)}")
    if method == "decomposition" and not _can_be_decomposed(build_routes(instance)):
        raise UsageError("fractions with so many smelters need the complete model; omit the method, or choose direct")
    if method == "decomposition" and extensions:
        raise UsageError("extension constraints need the complete model; omit the method, or choose direct")
    again = partial(solve, extensions=extensions, gap=gap, time_limit=time_limit, method=method)
    if get_joint_confidence(instance) and not has_joint_split(instance):
        rounds = MAX_SPLITS if time_limit is None else 0
        return _split_risk(instance, partial(again, objective=objective), rounds)
    measure, party = parse_cost_objective(objective)
    if party is not None:
        own = again(restrict_costs(instance, party), objective=measure)
        account = PlanAccount(instance, build_routes(instance), own.account.decisions)
        return replace(own, instance=instance, measure=objective, account=account)
    if instance.lots:
        return _solve_whole_lots(instance, objective, extensions, gap, budget, method, start)
    warm = NO_WARM_START
    if instance.origin is not None and instance.origin.base is not None and not extensions and time_limit is None:
        warm = _prepare_warm_start(instance.origin.base, objective)
    basis, master = warm if method != "decomposition" else NO_WARM_START
    return solve_continuous(
        instance, objective, extensions, basis, gap or 0.0, budget, method, NO_RELAXED_ROWS, master
    )[0]


def _split_risk(instance: Instance, solve_split: Callable[[Instance], Plan], rounds: int) -> Plan:
    """Return the plan with the best split of a joint confidence: an equal one, reallocated while that saves cost."""
    policy = build_confidence(instance)
    if policy is None:
        return solve_split(replace(instance, annex={**instance.annex, "confidence": {}}))
    names, periods = instance.metals.names, instance.periods
    equal = {(names[row.metal], periods[row.period]): row.level for row in policy.rows}
    levels: JointSplit = equal
    try:
        plan = solve_split(split_joint_confidence(instance, equal))
    except ConfidenceNotReachedError as error:  # some metals need less than their share: begin with what others leave
        bare = solve_split(split_joint_confidence(instance, dict.fromkeys(equal, 0.5)))
        slacks = measure_confidence(policy, bare.account)
        short = {(names[one.row.metal], periods[one.row.period]): 1.0 for one in slacks if one.excess > 0}
        shared = PlanAccount(split_joint_confidence(instance, equal), bare.account.routes, bare.account.decisions)
        levels = reallocate_risk(shared, {CONE_RULE: short})
        try:
            if len(short) == len(equal):
                raise error
            plan = solve_split(split_joint_confidence(instance, levels))
        except ConfidenceNotReachedError as worse:  # the safest plan may keep a split of its own
            explained = _explain_joint(instance, worse)
            safest: HighestConfidence | None = explained.highest
            levels = {} if safest is None else safest.split_risk(get_joint_confidence(instance) or 0.5)
            if not levels:
                raise explained from worse
            plan = solve_split(split_joint_confidence(instance, levels))
    step = 1.0
    for _ in range(rounds if len(equal) > 1 and plan.duals.get(CONE_RULE) else 0):
        wanted = reallocate_risk(plan.account, plan.duals)
        tried = {key: level + step * (wanted[key] - level) for key, level in levels.items()}
        with contextlib.suppress(NoPlanError):
            other = solve_split(split_joint_confidence(instance, tried))
            if other.objective < plan.objective - SPLIT_TOLERANCE * abs(plan.objective):
                plan, levels = other, tried
                continue
        step /= 4  # too far: the plan changes
        if step < _LEAST_STEP:
            break
    return replace(plan, duals={**plan.duals, LEVEL_RULE: levels} if levels is not equal else plan.duals)


class _WarmStart(NamedTuple):
    """Start of the solves of changed instances: optimal basis and compiled constraints of the unchanged one, if any."""

    basis: ProgramBasis | None
    master: CompiledMaster | None


NO_WARM_START = _WarmStart(None, None)


@lru_cache(maxsize=4)
def _prepare_warm_start(base: Instance, objective: str) -> _WarmStart:
    """Solve the unchanged instance once, so that its changed ones are solved from its basis.

    The start depends on the unchanged instance alone, so that a plan does not depend on earlier solves.
    """
    routes = build_routes(base)
    if base.lots or is_large_instance(base, routes):
        return NO_WARM_START
    master = CompiledMaster.compile(base, routes, objective)
    try:
        return _WarmStart(solve_continuous(base, objective, master=master)[1], master)
    except (NoPlanError, SolverError):
        return _WarmStart(None, master)


@lru_cache(maxsize=4)
def _drop_promise(instance: Instance) -> Instance:
    """Return the instance without confidence or uncertainty budget; the same object for the last instances."""
    return replace(instance, annex={**instance.annex, "confidence": {}, "uncertainty_budget": {}})


def solve_from_base(
    instance: Instance, base: Instance, objective: str = "cost", path: ConfidencePath | None = None
) -> Plan:
    """Solve an instance with a promised confidence from the basis of a similar one without it.

    Args:
        base: Similar instance, the same one for many solves.
        objective: Objective to minimise.
        path: Decomposition kept from confidence to confidence, where instances differ in nothing else.

    Returns:
        The plan of `solve`, or an alternative optimum; raises as `solve`.
    """
    if instance.lots or get_joint_confidence(instance):
        return solve(instance, objective)
    warm = _prepare_warm_start(_drop_promise(base), objective)
    return solve_continuous(instance, objective, basis=warm.basis, method="auto", master=warm.master, path=path)[0]


def _solve_whole_lots(
    instance: Instance,
    objective: str,
    extensions: Sequence[Extension],
    gap: float | None,
    budget: TimeBudget,
    method: str,
    start: UsedContracts | None,
) -> Plan:
    """Return a plan in whole lots, bounded from below by the duals of the optimal plan of the continuous relaxation."""
    falling = list_falling_paths(instance)
    if falling and extensions:
        raise UsageError(f"{escape_text(falling[0])}: extensions cannot be combined with prices that fall")
    relaxed = drop_lot_constraints(instance if extensions else spread_charges(instance))
    without = solve_continuous(relaxed, objective, extensions, None, 0.0, budget, method)[0]
    if without.certificate.scope != without.added.scope:
        names = ", ".join(escape_text(variable.name) for variable in without.added.variables)
        raise UsageError(f"{names}: with whole lots, variables of an extension need a lower and an upper bound")
    routes, given = build_program_routes(instance), list_extensions(extensions)
    from medalopt.solver.mip import select_lot_columns, solve_lot_mip, solve_rounded_lots

    task = SolveTask(instance, routes, compute_bounds(instance, routes), objective, given, None, budget, used=start)
    if without.method.startswith("decomposition"):
        task = replace(task, columns=select_lot_columns(without.account, without.duals, objective))
    best: Plan | None = None
    stopped = False
    if task.columns is not None or gap:
        best = _scale_slopes(task, without, method, gap or 0.0)
        if best is None and has_activities(instance):
            best = _search_whole_lots(task, without, solve_rounded_lots, required=False)
        if best is not None and gap and best.certificate.gap <= gap:
            return best
    for search_gap in dict.fromkeys((gap or 0.0, 0.0)):  # that of the search may be smaller than the verified gap
        found = _search_whole_lots(task, without, partial(solve_lot_mip, gap=search_gap))
        stopped |= found is None or found.stopped
        best = _select_smaller_gap(found, best)
        if best is None or best.certificate.optimal or gap is None or best.certificate.gap <= gap or stopped:
            break
    if best is None:
        return _finish_stopped(None, instance.name)
    reached = best.certificate.optimal or (gap is not None and best.certificate.gap <= gap)
    return replace(best, stopped=not reached and (stopped or gap is not None))


def _scale_slopes(task: SolveTask, without: Plan, method: str, gap: float) -> Plan | None:
    """Return the cheapest plan of slope scaling, or the first within a gap; None for other integers than charges."""
    from medalopt.solver.mip import PricedPlan, has_only_charges, iterate_slopes

    instance, best = task.instance, None
    if task.extensions or task.objective != "cost" or instance.whole is not None or not has_only_charges(instance):
        return None

    def solve_priced(priced: Instance) -> PricedPlan | None:
        """Solve with charges spread."""
        try:
            plan = solve_continuous(priced, budget=task.budget, method=method)[0]
        except (LimitError, SolverError):
            return None
        return None if plan.stopped else PricedPlan(plan.account, plan.duals)

    for account, duals in iterate_slopes(instance, PricedPlan(without.account, without.duals), solve_priced):
        solution = Solution("optimal", "slope scaling", account.decisions)
        plan = _certify_solution(task, solution, without.duals, solution.added)
        if plan.certificate.feasible and (best is None or plan.objective < best.objective):
            lots = WholeLots(plan.objective, without.objective, plan.certificate.lower_bound, duals)
            best = replace(plan, method=plan.method.removesuffix(", direct"), lots=lots)
            if best.certificate.gap <= gap:
                break
    return best


def _search_whole_lots(
    posed: SolveTask, without: Plan, search: Callable[[SolveTask], Iterator[Solution]], required: bool = True
) -> Plan | None:
    """Return a plan in whole lots, certified by the duals of the relaxation `without`; None if the time expired.

    Where no plan is verified, that is an error, or None if no plan is `required`.
    """
    for task, solution in _iterate_with_cuts(posed, search):
        if solution.status == "infeasible":
            raise WholeLotsNotFoundError(task.instance.name)
        if solution.decisions is not None:
            if solution.added.without_solution() != without.added.without_solution():
                raise UsageError(
                    f"{task.instance.lots[0]}: an extension constraint contains lots; write it in quantities"
                )
            plan = _certify_solution(task, solution, without.duals, solution.added.with_duals_of(without.added))
            if plan.certificate.feasible:
                named = plan.method.removesuffix(", direct")
                named = f"decomposition, then {named}" if without.method.startswith("decomposition") else plan.method
                lots = WholeLots(plan.objective, without.objective, plan.certificate.lower_bound, solution.duals)
                certificate = replace(plan.certificate, search_bound=solution.search_bound)
                stopped = solution.status == "stopped"
                return replace(plan, method=named, certificate=certificate, stopped=stopped, lots=lots)
        elif solution.status == "stopped":
            return None
    if not required:
        return None
    raise _build_unproven_error(posed.instance)


def solve_continuous(
    instance: Instance,
    objective: str = "cost",
    extensions: Sequence[Extension] = (),
    basis: ProgramBasis | None = None,
    gap: float = 0.0,
    budget: TimeBudget = NO_TIME_LIMIT,
    method: str = "direct",
    eased: Mapping[str, tuple[float, float]] = NO_RELAXED_ROWS,
    master: CompiledMaster | None = None,
    path: ConfidencePath | None = None,
) -> tuple[Plan, ProgramBasis | None]:
    """Solve the continuous relaxation (no whole lots, no minimum orders), optionally from a starting basis.

    Args:
        objective: Objective to minimise.
        extensions: Python files or functions `extend(model, instance)` that add constraints or variables.
        basis: Basis of a similar instance, for a warm start.
        gap: Relative optimality gap at which to stop.
        method: `direct`, `decomposition` or `auto`.
        eased: Row bounds (lower, upper) that replace those of extension rows, by name.
        master: Compiled constraints of a similar instance.
        path: Decomposition kept from confidence to confidence.

    Returns:
        The plan and the final basis (None if stopped); raises as `solve`.
    """
    if objective not in OBJECTIVES:
        text = f"'{escape_text(objective)}' is no objective: choose one of {', '.join((*OBJECTIVES, 'cost@PARTY'))}"
        raise UsageError(text)
    instance = drop_lot_constraints(instance)
    routes = build_program_routes(instance)
    given = list_extensions(extensions)
    task = SolveTask(instance, routes, compute_bounds(instance, routes), objective, given, basis, budget, eased, master)
    best: Plan | None = None
    prices = BestDuals({}, -math.inf)
    for task, solution in _iterate_with_cuts(task, lambda task: _iterate_solutions(task, gap, method, path)):
        if solution.status == "unbounded":
            raise NoPlanError(instance.name, "unbounded")
        if solution.status == "stopped":
            return _finish_stopped(best, instance.name), None
        if solution.status == "infeasible":
            proof = _prove_infeasible(task, solution)
            if proof.holds:
                raise _explain_infeasibility(task, proof)
            continue
        plan, prices = _select_certified(task, solution, prices)
        best = _select_smaller_gap(best, plan)
        if best and (best.certificate.optimal or best.certificate.gap <= gap):
            return best, solution.basis
    raise _build_unproven_error(instance)


def _iterate_with_cuts(
    task: SolveTask, solve_task: Callable[[SolveTask], Iterator[Solution]]
) -> Iterator[tuple[SolveTask, Solution]]:
    """Yield solutions with their tasks; one that violates the promised confidence is cut off and solved again."""
    if not has_confidence(task.instance):
        yield from ((task, solution) for solution in solve_task(task))
        return
    posed, solutions, rounds = task, solve_task(task), 0
    while (solution := next(solutions, None)) is not None:
        task = posed if solution.cuts is None else replace(posed, routes=replace(posed.routes, cuts=solution.cuts))
        cuts: tuple[ConfidenceCut, ...] = ()
        if solution.decisions is not None and solution.status == "optimal" and rounds < MAX_CUT_ROUNDS:
            cuts = separate_cuts(task.instance, task.routes, solution.decisions)
        if cuts:
            rounds += 1
            routes = replace(task.routes, cuts=(*task.routes.cuts, *cuts))
            posed = replace(task, routes=routes, basis=solution.basis or task.basis)
            solutions = solve_task(posed)
            continue
        yield task, replace(solution, duals=merge_cut_duals(task.instance, task.routes.cuts, solution.duals))
        if rounds and solution.decisions is not None:  # the dual values of a warm start are less precise
            cuts = select_active_cuts(task.instance, task.routes.cuts, solution.duals)
            other = next(solve_task(replace(task, routes=replace(task.routes, cuts=cuts), basis=None)), solution)
            if other.decisions is not None:
                yield task, replace(solution, duals=merge_cut_duals(task.instance, cuts, other.duals))


def _iterate_solutions(
    task: SolveTask, gap: float, method: str, path: ConfidencePath | None = None
) -> Iterator[Solution]:
    """Yield solutions, by column generation or by the direct solvers, until one can be verified."""
    whole = bool(task.extensions) or task.instance.terms.pooled.any()
    large = is_large_instance(task.instance, task.routes) and not whole and _can_be_decomposed(task.routes)
    if method == "decomposition" or (method == "auto" and large):
        from medalopt.solver.decomposition.column_generation import solve_by_column_generation

        return solve_by_column_generation(task, gap) if path is None else path.solve(task)
    return solve_linear_program(task)


def _can_be_decomposed(routes: Routes) -> bool:
    """Test if the combinations of smelters for the fractions of devices are few enough to be priced."""
    if routes.parent is None:
        return True
    from medalopt.solver.decomposition.pricing import MAX_COMBINATIONS, count_combinations

    return count_combinations(routes) <= MAX_COMBINATIONS


def is_large_instance(instance: Instance, routes: Routes) -> bool:
    """Test if an instance is solved by column generation: more than `DECOMPOSITION_THRESHOLD` routes times periods.

    Returns:
        True if the LP is large.
    """
    return len(routes) * len(instance.periods) > DECOMPOSITION_THRESHOLD


def _build_unproven_error(instance: Instance) -> SolverError:
    """Return the error that no solution was verified, with the two parameters farthest apart in magnitude if any."""
    text = f"{instance.name}: no method found a solution that can be verified"
    spread = find_widest_spread(instance)
    if spread is None:
        return SolverError(f"{text}; look for a wrong unit")
    return CoefficientRangeError(f"{text}: {spread}")


def _prove_infeasible(task: SolveTask, solution: Solution) -> InfeasibilityProof:
    """Return the infeasibility proof of the duals: for the instance, with its extensions, or for the compiled LP."""
    shown = prove_infeasibility(task.instance, solution.duals)
    if task.extensions and not shown.holds:
        shown, margin = prove_infeasibility(task.instance, solution.duals, added=solution.added), solution.compiled[0]
        if not shown.holds and margin > FARKAS_TOLERANCE:
            return adopt_compiled_proof(solution.duals, margin, solution.added)
    return shown


def _explain_infeasibility(task: SolveTask, proof: InfeasibilityProof) -> NoPlanError:
    """Return the error of an infeasible instance; where a promised confidence is the cause, with the highest one."""
    from medalopt.solver.highest_confidence import describe_highest

    name, large = task.instance.name, _has_large_search(task)
    if task.routes.cuts and has_joint_split(task.instance):
        return ConfidenceNotReachedError(name, proof, None, "this split cannot be kept", task)
    if large:
        bare = replace(task, instance=_drop_promise(task.instance), routes=replace(task.routes, cuts=()))
        if next(_iterate_solutions(bare, 1.0, "auto")).status == "infeasible":
            return NoPlanError(name, "infeasible", proof)
    highest = _find_highest(task, proof)
    if highest is None and not large:
        return NoPlanError(name, "infeasible", proof)
    return ConfidenceNotReachedError(
        name, proof, highest, describe_highest(task.instance, highest, _has_large_search(task))
    )


def _has_large_search(task: SolveTask) -> bool:
    """Return whether the highest confidence of a task is bracketed, as its program is too large to be computed."""
    return bool(task.routes.cuts) and len(task.routes) * len(task.instance.periods) > LARGEST_CONFIDENCE_SEARCH


def _find_highest(task: SolveTask, proof: InfeasibilityProof) -> HighestConfidence | None:
    """Return the highest confidence, computed or, for a large instance, bracketed; None where it is not found."""
    from medalopt.solver.highest_confidence import bracket_highest_confidence, find_highest_confidence

    if _has_large_search(task):
        return bracket_highest_confidence(task, proof.duals, _solve_roughly)
    return find_highest_confidence(task)


def _explain_joint(instance: Instance, error: ConfidenceNotReachedError) -> ConfidenceNotReachedError:
    """Return the error of a joint confidence that no plan keeps, with the highest one of each metal by itself."""
    from medalopt.solver.highest_confidence import describe_highest, describe_limit

    joint = get_joint_confidence(instance)
    assert joint is not None
    most = min(max(1 - (1 - joint) ** 2, NEARLY_CERTAIN), LARGEST_CONFIDENCE)
    each = dict.fromkeys(instance.metals.names, most)
    task = replace(error.task, instance=replace(instance, annex={**instance.annex, "confidence": each}))
    highest = _find_highest(task, error.proof)
    if highest is None:
        text = f"found no split of the joint confidence of {100 * joint:g} % that a plan keeps: require less"
    elif highest.upper - highest.jointly <= _JOINT_TOLERANCE:
        text = describe_highest(task.instance, highest, _has_large_search(task))
    else:
        level, upper = math.floor(highest.jointly * 1000) / 10, math.ceil(highest.upper * 1000) / 10
        text = f"a plan can promise {level:g} % jointly, none {upper:g} %: {describe_limit(highest)}"
    return ConfidenceNotReachedError(instance.name, error.proof, highest, text)


def _solve_roughly(task: SolveTask) -> tuple[SolveTask, Solution]:
    """Return any plan of a task that keeps its promised confidence, or that there is none."""
    return next(_iterate_with_cuts(task, lambda one: _iterate_solutions(one, 1.0, "auto")))


def _finish_stopped(best: Plan | None, name: str) -> Plan:
    """Return the best plan so far, marked as stopped; raise LimitError if there is none."""
    if best is None:
        raise LimitError(f"{name}: the time limit expired before a plan was found; raise it")
    return replace(best, stopped=True)


def _select_smaller_gap(one: Plan | None, other: Plan | None) -> Plan | None:
    """Return the plan with the smaller verified gap."""
    return min((plan for plan in (one, other) if plan), key=lambda plan: plan.certificate.gap, default=None)


class BestDuals(NamedTuple):
    """Duals of the rows, and the lower bound on the objective of every plan that they prove."""

    duals: Duals
    bound: float


def _select_certified(task: SolveTask, solution: Solution, before: BestDuals) -> tuple[Plan | None, BestDuals]:
    """Certify a solution with several dual vectors; return its plan and the best dual vector so far.

    The plan is None if it violates a constraint. The best duals of earlier solutions (`before`) may prove it optimal if
    its own do not, because their bound holds for every plan.
    """
    best: Plan | None = None
    without: Duals = {}  # zero duals: the lower bound of costs and bounds alone
    for duals, added in (
        (solution.duals, solution.added),
        (shrink_duals(solution.duals), solution.added.scale_duals(1 - DUAL_SHRINKAGE)),
        (without, solution.added.scale_duals(0)),
    ):
        plan = _certify_solution(task, solution, duals, added)
        best = _select_smaller_gap(best, plan if plan.certificate.feasible else None)
        if plan.certificate.optimal:
            return best, before
        if plan.certificate.lower_bound > before.bound:
            before = BestDuals(duals, plan.certificate.lower_bound)
    if best is not None and solution.added == NO_EXTENSIONS:
        plan = _certify_solution(task, solution, before.duals, NO_EXTENSIONS)
        best = plan if plan.certificate.optimal else best
    return best, before


def _certify_solution(task: SolveTask, solution: Solution, duals: Duals, added: ExtensionData) -> Plan:
    """Return the certified plan of a solution, from its exact basic solution if there are no extensions or lots."""
    assert solution.decisions is not None
    routes = task.routes
    if routes.cuts:  # an uncertainty budget has all its parts
        routes = replace(routes, cuts=join_cuts(task.instance, routes, duals))
    account = leave_rounding(PlanAccount(task.instance, routes, solution.decisions))
    linear = added == NO_EXTENSIONS and not task.instance.lots
    basis = ExactBasis.build(account, task.bounds, duals, task.objective) if linear else None
    account = basis.round_plan(account) if basis else account
    certificate = certify_plan(account, task.bounds, duals, task.objective, added=added)
    certificate = basis.add_to_certificate(certificate) if basis else certificate
    if certificate.lower_bound == -math.inf and added.variables and not task.instance.lots:
        certificate = _certify_compiled(certificate, account, task, solution)
    method = solution.method if solution.method.startswith("decomposition") else f"{solution.method}, direct"
    return Plan(task.instance, task.objective, account, duals, certificate, method, get_highs_version(), added=added)


def _certify_compiled(
    certificate: Certificate, account: PlanAccount, task: SolveTask, solution: Solution
) -> Certificate:
    """Certify value, bound and violations on the compiled LP.

    Needed if a variable of an extension has no bound, not even an implied one: a rounding error of a dual then makes
    the lower bound minus infinity.
    """
    bound, violation = solution.compiled
    gap = (solution.value - bound) / max(1.0, float(sum_absolute_costs(account, task.objective)))
    worst = max(certificate.primal_violation, violation)
    return Certificate(worst, bound, gap, "float64", "instance and extensions as compiled")
