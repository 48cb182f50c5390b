"""Diagnosis of an instance that is infeasible only in lots: conflicting lots and constraints, and repairs.

Without lots a plan exists, so that no multipliers refute the instance as a whole. Where the cases of its lots are few,
each is refuted by multipliers of its own, and a deletion filter over rules and lots makes the conflict irreducible;
else only the search of the solver says so. Repairs are found by bisection, each step a search for any plan in lots.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from functools import lru_cache, partial

import numpy as np

from medalopt.analysis.infeasibility.conflict import (
    DELETION_ORDER,
    FeasibilityProblem,
    build_feasibility_problem,
    describe_rules,
    list_repair_parameters,
)
from medalopt.analysis.infeasibility.messages import InfeasibilityReason, RuleKey, merge_rule_keys
from medalopt.analysis.infeasibility.repair import (
    Diagnosis,
    Repair,
    RepairRequest,
    drop_firm,
    price_repair,
    round_repair,
)
from medalopt.analysis.infeasibility.repair_parameter import RepairParameter
from medalopt.analysis.infeasibility.search import MAX_MOVE_FACTOR, ProblemBuilder, interpolate_problems
from medalopt.catalog import LOWER, UPPER
from medalopt.errors import SolverError
from medalopt.instance.instance import Instance
from medalopt.instance.smelter_terms import list_terms_names
from medalopt.plan.plan import OBJECTIVE_UNITS
from medalopt.solver.highs import TimeBudget
from medalopt.solver.infeasibility import MULTIPLE_ROWS, LotCases, LotProgram, RowEnd, RowSides, refute_lots
from medalopt.solver.mip import solve_program_in_lots
from medalopt.text import parse_path, render_path

MAX_CASES = 500  # greatest number of cases of one proof
MAX_CASE_ENTRIES = 100_000_000  # matrix entries times cases of all proofs: so large programs end before the time limit
DIAGNOSIS_SECONDS = 240.0  # [s] time limit of a diagnosis in lots
MAX_LOT_REPAIRS, MAX_LOT_TRIALS = 8, 16  # greatest number of repairs; of parameters that are tried
_MAX_RULES = 24  # greatest number of rules of the deletion filter
_MOVE_TOLERANCE = 1e-6  # relative distance between a position without a plan and one with a plan
_MOST_MOVES = 40  # greatest number of positions of one parameter
_NEAT_DISTANCE = 1e-3  # relative distance from which a position of few digits is tried
_DIVISORS = range(2, 11)  # by which a lot size is divided
RowEnds = frozenset[RowEnd]


@dataclass(frozen=True)
class LotConflict:
    """Lots and rules that no plan satisfies together.

    Attributes:
        lots: Paths of the lots.
        rules: Other rules, each with its periods.
        cases: Number of cases refuted by multipliers; 0 where the conflict is not proven.
        irreducible: Whether a plan exists without any one of them.
    """

    lots: tuple[str, ...]
    rules: Mapping[RuleKey, tuple[str, ...]]
    cases: int
    irreducible: bool


def diagnose_lots(instance: Instance, request: RepairRequest) -> Diagnosis:
    """Diagnose an instance for which no plan in lots is found although one exists without lots.

    Args:
        request: Request for repairs in lots; its time is limited to `DIAGNOSIS_SECONDS`.

    Returns:
        The diagnosis; its `cases` is the number of cases that prove the conflict, 0 where it is not proven.
    """
    seconds = min(request.budget.seconds_left(), DIAGNOSIS_SECONDS)
    request = dataclasses.replace(request, budget=TimeBudget(seconds))
    request.report_progress("finding conflicting lots")
    problem = build_feasibility_problem(instance, request.extensions)
    conflict = find_lot_conflict(instance, problem, TimeBudget(seconds / 2))
    lots = [reason for reason in _list_lots(instance) if reason.path in conflict.lots]
    reasons = (*lots, *describe_rules(instance, conflict.rules))
    repairs = _find_lot_repairs(instance, problem, conflict, request)
    return Diagnosis(
        (),
        reasons,
        conflict.irreducible,
        tuple(repairs),
        OBJECTIVE_UNITS.get(request.objective, instance.currency),
        stopped=not request.budget.seconds_left(),
        cases=conflict.cases,
        in_lots=True,
    )


def _list_lots(instance: Instance) -> Iterator[InfeasibilityReason]:
    """Yield every lot size, minimum order and minimum lot of an instance as a reason."""
    for path, amount in instance.annex.get("lots", {}).items():
        section, name, *_, field = (str(step) for step in parse_path(path))
        unit = "kg" if section == "market" else "t"
        verb = {"smelters": "feeds", "streams": "sends", "market": "buys"}[section]
        what = "multiples of" if field == "lot" else "nothing or at least"
        where = path.rpartition(".")[0] if section == "smelters" else name
        text = f"{where}: a period {verb} {what} {amount:g} {unit}"
        yield InfeasibilityReason("whole lots", path, amount, unit, text)


def find_lot_conflict(instance: Instance, problem: FeasibilityProblem, budget: TimeBudget) -> LotConflict:
    """Find lots and rules that conflict, proven by cases where these are few.

    Args:
        instance: Instance without a plan in lots.
        problem: Its program.
        budget: Time limit.

    Returns:
        The conflict; without a proof, all lots and no other rules.
    """
    lots = LotProgram.build(problem.program)
    groups = _group_ends(instance, problem, lots)
    allowance = MAX_CASE_ENTRIES // max(1, len(problem.program.entries.row))  # cases of all proofs
    first = _refute_groups(problem, lots, groups, budget, allowance)
    if first.status != "refuted":
        return LotConflict(tuple(instance.annex.get("lots", {})), {}, 0, irreducible=False)
    kept, shown, sure, allowance = _keep_used(groups, first), first, True, allowance - first.cases
    for key in sorted(kept, key=_order_deletion):
        rest = {other: ends for other, ends in kept.items() if other != key}
        if key not in kept or not rest:
            continue
        if len(kept) > _MAX_RULES and not isinstance(key, str):
            sure = False
            continue
        tried = _refute_groups(problem, lots, rest, budget, allowance)
        allowance -= tried.cases
        if tried.status == "refuted":
            kept, shown = _keep_used(rest, tried), tried
        sure &= tried.status != "open"
    rules = {
        key: tuple(
            dict.fromkeys(problem.rule_by_bound[end][1] for end in sorted(ends) if problem.rule_by_bound[end][1])
        )
        for key, ends in kept.items()
        if isinstance(key, RuleKey)
    }
    return LotConflict(tuple(key for key in kept if isinstance(key, str)), rules, shown.cases, sure)


_GroupKey = str | RuleKey  # path of a lot, or a rule


def _order_deletion(key: _GroupKey) -> tuple[int, tuple[str, ...]]:
    """Return the order in which the deletion filter tries rules: lots first, so that few of them remain."""
    return (-2, (key,)) if isinstance(key, str) else (DELETION_ORDER[key.kind], key.names)


def _group_ends(instance: Instance, problem: FeasibilityProblem, lots: LotProgram) -> dict[_GroupKey, RowEnds]:
    """Return the row ends of each lot, by its path, and of each rule; of many rules of one kind, those of all."""
    groups: dict[_GroupKey, set[RowEnd]] = {}
    stated = instance.annex.get("lots", {})
    for lot in lots.lots:
        name, index = problem.program.rows[lot.row]
        path = _find_lot_path(stated, name, str(index[0]))
        groups.setdefault(path, set()).update({(lot.row, LOWER), (lot.row, UPPER)})
    ends = {end: rule for end, (rule, _) in problem.rule_by_bound.items() if not lots.integer_rows[end[0]]}
    merged = merge_rule_keys(set(ends.values()), _MAX_RULES)
    for end, rule in ends.items():
        groups.setdefault(merged[rule], set()).add(end)
    return {key: frozenset(members) for key, members in groups.items()}


def _find_lot_path(stated: Mapping[str, float], name: str, owner: str) -> str:
    """Return the path that states the lot of a row: of a line of terms its own, or that of its smelter."""
    field = "lot" if name in MULTIPLE_ROWS else "minimum_order"
    if name == "line_least":
        path = f"{owner}.minimum_lot"
        return path if path in stated else render_path((*parse_path(owner)[:2], "minimum_lot"))
    return render_path(("market" if name.startswith("offer_") else "streams", owner, field))


def _refute_groups(
    problem: FeasibilityProblem,
    lots: LotProgram,
    groups: Mapping[_GroupKey, RowEnds],
    budget: TimeBudget,
    allowance: int,
) -> LotCases:
    """Return the proof of the lots and rules of some groups, of at most `allowance` cases."""
    rules = (at for key, ends in groups.items() if isinstance(key, RuleKey) for at in ends)
    own = {row for key, ends in groups.items() if isinstance(key, str) for row, _ in ends}
    sides = problem.unconditional | RowSides.of_ends(rules, len(problem.program.rows))
    return refute_lots(lots, sides, own, min(MAX_CASES, allowance), budget)


def _keep_used(groups: Mapping[_GroupKey, RowEnds], found: LotCases) -> dict[_GroupKey, RowEnds]:
    """Return the groups that a proof uses; of rules, their ends in use."""
    used = {key: ends & found.used for key, ends in groups.items()}
    return {key: groups[key] if isinstance(key, str) else own for key, own in used.items() if own}


def _find_lot_repairs(
    instance: Instance, problem: FeasibilityProblem, conflict: LotConflict, request: RepairRequest
) -> list[Repair]:
    """Return repairs of one parameter each; if there is none, without lots that conflict."""
    supplied = [rule.names[0] for rule in conflict.rules if rule.kind == "supply" and rule.names]
    likely = {name: len(instance.periods) - 1 for name in supplied}
    parameters = [
        *_list_lot_parameters(instance, conflict.lots),
        *list_repair_parameters(instance, conflict.rules, likely),
    ]
    repairs: list[Repair] = []
    for parameter in drop_firm(instance, parameters)[:MAX_LOT_TRIALS]:
        if not request.budget.seconds_left() or len(repairs) == MAX_LOT_REPAIRS:
            break
        request.report_progress(f"trying a change of {render_path(parameter.paths[0])}")
        repair = _repair_in_lots(instance, problem, parameter, request)
        repairs += [] if repair is None else [repair]
    if not repairs and request.budget.seconds_left():
        repairs = _drop_lots(instance, request)
    return sorted(repairs, key=lambda repair: (repair.objective, repair.changes[0].path))


def _list_lot_parameters(instance: Instance, paths: Sequence[str]) -> Iterator[RepairParameter]:
    """Yield the lots at some paths as parameters; a minimum lot of a smelter for each of its lines."""
    for path in paths:
        section, name, *_, field = (str(step) for step in parse_path(path))
        part, unit = ("terms", "t") if section == "smelters" else (section, "kg" if section == "market" else "t")
        names = getattr(instance, section).names
        rows = [names.index(name)]
        if section == "smelters":
            values = instance.terms.minimum_lot.value
            own = [f"{line}.{field}" for line in list_terms_names(instance)]
            of_smelter = (np.flatnonzero((instance.terms.smelter == rows[0]) & (values > 0))).tolist()
            rows = [own.index(path)] if path in own else of_smelter
        values = getattr(getattr(instance, part), field).value[rows]
        if len(rows) and (values == values[0]).all():
            yield RepairParameter(
                (parse_path(path),), part, field, (rows,), unit, Fraction(1), (float(values[0]),), "one", False, 0.0
            )


def _repair_in_lots(
    instance: Instance, problem: FeasibilityProblem, parameter: RepairParameter, request: RepairRequest
) -> Repair | None:
    """Return the repair that moves one parameter as little as suffices; None if none does."""

    @lru_cache(maxsize=2)
    def build(position: float) -> FeasibilityProblem:
        """Return the program at a position."""
        if position == parameter.start:
            return problem
        return build_feasibility_problem(parameter.at_position(instance, position), request.extensions)

    if parameter.field == "lot":
        sizes = (parameter.start / by for by in _DIVISORS)
        least = next((size for size in sizes if _has_plan_at(build, size, request)), None)
    else:
        least = _bisect_position(parameter, build, request)
    if least is None:
        return None

    def works(values: tuple[float, ...]) -> Repair | None:
        """Return the repair at these values if a plan in lots is found."""
        if not request.budget.seconds_left():
            return None
        return price_repair(instance, request, ((parameter, values),))

    return round_repair(parameter, least, works)


def _bisect_position(parameter: RepairParameter, build: ProblemBuilder, request: RepairRequest) -> float | None:
    """Return the position nearest to the present one at which a plan is found, to six digits; None if there is none."""
    whole = parameter.kind in ("whole", "date")
    bracket = _bracket_position(parameter, lambda position: _has_plan_at(build, position, request))
    if bracket is None:
        return None
    start, end = bracket
    drawn = build
    if not parameter.is_stepwise:
        drawn = interpolate_problems(build, build(start), build(end), start, end, whole)
    has_plan = partial(_has_plan_at, drawn, request=request)
    for _ in range(_MOST_MOVES):
        if abs(end - start) <= (1 if whole else _MOVE_TOLERANCE * max(abs(start), abs(end))):
            break
        middle = float(round((start + end) / 2)) if whole else (start + end) / 2
        neat = None if whole or abs(end - start) > _NEAT_DISTANCE * abs(end) else _find_neat(start, end)
        trial = middle if neat is None else neat
        if not has_plan(trial):
            start = trial
            continue
        end = trial
        if neat is not None:
            before = neat + math.copysign(_MOVE_TOLERANCE * abs(neat), start - neat)
            if not has_plan(before):
                return neat
            end = before
    return end


def _bracket_position(parameter: RepairParameter, has_plan: Callable[[float], bool]) -> tuple[float, float] | None:
    """Return a position without a plan and one beyond it with a plan; None if none is found."""
    start, end = parameter.start, parameter.end
    if end == start:
        return None
    if math.isfinite(end):
        return (start, end) if has_plan(end) else None
    step, most = max(abs(start), 1.0), MAX_MOVE_FACTOR * max(abs(start), 1.0)
    while step <= most:
        if has_plan(end := start + step):
            return start, end
        start, step = end, 4 * step
    return None


def _find_neat(start: float, end: float) -> float | None:
    """Return the position of fewest digits, at most three, after `start` and not beyond `end`; None without one."""
    rounding = ROUND_CEILING if end > start else ROUND_FLOOR
    for digits in (1, 2, 3):
        neat = float(Context(prec=digits, rounding=rounding).plus(Decimal(repr(start))))
        if min(start, end) < neat < max(start, end) or neat == end:
            return neat
    return None


def _has_plan_at(build: ProblemBuilder, position: float, request: RepairRequest) -> bool:
    """Return whether a plan in lots is found at a position; False, without building a program, if no time is left."""
    return request.budget.seconds_left() > 0 and _has_plan(build(position), request)


def _has_plan(problem: FeasibilityProblem, request: RepairRequest) -> bool:
    """Return whether any plan in lots is found, whatever it costs."""
    free = dataclasses.replace(problem.program, costs=np.zeros((1, len(problem.program.lower))))
    try:
        return solve_program_in_lots(free, request.budget).feasible
    except SolverError:
        return False


def _drop_lots(instance: Instance, request: RepairRequest) -> list[Repair]:
    """Return the repair without all lots, or with as many of them as are possible."""
    parameters = drop_firm(instance, list(_list_lot_parameters(instance, tuple(instance.annex.get("lots", {})))))
    dropped = list(parameters)
    for parameter in parameters:
        rest = [other for other in dropped if other is not parameter]
        trial = instance
        for other in rest:
            trial = other.apply(trial, (0.0,))
        if rest and _has_plan(build_feasibility_problem(trial, request.extensions), request):
            dropped = rest
    repair = price_repair(instance, request, tuple((parameter, (0.0,)) for parameter in dropped))
    return [] if repair is None else [repair]
