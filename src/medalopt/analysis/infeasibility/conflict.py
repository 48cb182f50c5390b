"""Conflict of an infeasible instance: irreducible set of rules, each kind of rule with its sentence and repairs.

The rules of a conflict cannot all hold, while those of each proper subset can.

An elastic program measures the violation; its dual multipliers are a Farkas certificate and name a first set of rows.
On a small program HiGHS supplies an irreducible infeasible subset (IIS) of rows instead. A deletion filter over whole
rules (all periods of a rule at once) then makes the set irreducible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from typing import Any, NamedTuple

import numpy as np

from medalopt.analysis.infeasibility.messages import (
    SPECIAL_STATEMENTS,
    InfeasibilityReason,
    RuleKey,
    RuleStatement,
    describe_limit,
    merge_rule_keys,
)
from medalopt.analysis.infeasibility.repair_parameter import SPECIAL_REPAIRS, RepairParameter, list_limit
from medalopt.catalog import FAMILIES, LOWER, UPPER
from medalopt.instance.arrays import Floats
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.instance import Instance
from medalopt.instance.routes import build_routes
from medalopt.model.extensions import Extension
from medalopt.proof.extensions import ExtensionRow
from medalopt.solver.infeasibility import (
    ElasticSolution,
    RowEnd,
    RowSides,
    convert_stockpile_limits,
    find_irreducible_subset,
    find_support,
    minimise_violation,
    verify_conflict_multipliers,
)
from medalopt.solver.program import SolverProgram
from medalopt.solver.scaling import ScaledProgram, scale_program
from medalopt.solver.solve_lp import SolveTask, build_program


class RuleFamily(NamedTuple):
    """One constraint kind.

    Attributes:
        family: Constraint family of the formulation.
        describe: Describer of a rule of this kind.
        list_parameters: Lister of the parameters that relax it.
    """

    family: str
    describe: Callable[..., RuleStatement]
    list_parameters: Callable[..., Iterator[RepairParameter]]


_DROPPED_LAST = (  # the order in which the deletion filter tries to drop kinds from a conflict; all others come first
    *("footprint_cap", "participation", "mix_low", "mix_high", "stockpile", "together", "charge_limit"),
    *("impurity_limit", "treatment_capacity", "feed_capacity", "cast_capacity", "no_more", "stream_commitment"),
    *("feed_committed", "feed_limit", "offer_committed", "offer_limit", "offer_storage", "closing_stock"),
    *("others", "fineness_high", "fineness_low"),
    *("recycled", "withheld_least", "withheld_most", "withheld_all", "supply", "demand"),
)
_KINDS_BY_END: Mapping[str, tuple[str, str]] = {
    **{
        family.name: (family.limits[LOWER].kind, family.limits[UPPER].kind)
        for family in FAMILIES.values()
        if len(family.limits) > 1
    },
    "demand": ("demand", "no_more"),
    "bundle_supply": ("together", "supply"),
}


def _list_rule_families() -> Iterator[tuple[str, RuleFamily]]:
    """Yield every kind of rule: those of extensions and stockpiles, and the limits and other rows of the catalogue."""
    for kind, title in (("extension", "extension"), ("stockpile", "supply")):
        yield kind, RuleFamily(title, SPECIAL_STATEMENTS[kind], SPECIAL_REPAIRS[kind])
    for family in FAMILIES.values():
        if family.identity or not family.priced:
            continue
        for limit in family.limits:
            says = SPECIAL_STATEMENTS.get(limit.kind) or partial(describe_limit, family, limit)
            lists = SPECIAL_REPAIRS.get(limit.kind) or partial(list_limit, family, limit)
            yield limit.kind, RuleFamily(family.title, says, lists)
        if not family.limits:
            for kind in dict.fromkeys(_KINDS_BY_END.get(family.name, (family.name,))):
                yield kind, RuleFamily(family.title, SPECIAL_STATEMENTS[kind], SPECIAL_REPAIRS[kind])


RULE_FAMILIES: Mapping[str, RuleFamily] = dict(_list_rule_families())
DELETION_ORDER: Mapping[str, int] = {
    kind: _DROPPED_LAST.index(kind) if kind in _DROPPED_LAST else -1 for kind in RULE_FAMILIES
}
_REPORT_ORDER = ("demand", "commitments and limits", "participation", "supply", "capacity")
_LAST_FIELDS = ("available",)  # tried last: more supply than was offered


@lru_cache(maxsize=2**16)
def identify_rule(place: tuple[str, Any], end: int) -> tuple[RuleKey, str] | None:
    """Identify the rule that one bound of a model row enforces.

    Args:
        place: Pyomo component and index of the row; not of a user's extension (see `_identify_extension_rule`).
        end: `LOWER` or `UPPER`.

    Returns:
        Rule and period (empty if over the horizon); None for definitions and balances, which state no rule.
    """
    component, index = place
    if component.startswith("define_") or (component in FAMILIES and FAMILIES[component].identity):
        return None
    kind = _KINDS_BY_END[component][end] if component in _KINDS_BY_END else component
    at = _normalize_index(index)
    if component in FAMILIES and not FAMILIES[component].periodic:
        return RuleKey(kind, tuple(at)), ""
    if kind == "demand":
        return RuleKey(kind, tuple(at)), at[-1]  # one rule per deadline
    return RuleKey(kind, tuple(at[:-1])), at[-1]


def _identify_extension_rule(place: tuple[str, Any]) -> tuple[RuleKey, str]:
    """Identify the rule of a row that a user's extension added."""
    component, index = place
    return RuleKey("extension", (component, *map(str, _normalize_index(index)))), ""


def _normalize_index(index: Any) -> tuple[Any, ...]:
    """Return an index as a tuple."""
    return index if isinstance(index, tuple) else () if index is None else (index,)


def describe_rules(instance: Instance, rules: Mapping[RuleKey, tuple[str, ...]]) -> tuple[InfeasibilityReason, ...]:
    """Describe rules as sentences: demand first, then commitments, participation, supply and capacity, then all others.

    Returns:
        Reasons in the order of the report.
    """
    rows = []
    for rule, periods in rules.items():
        kind = RULE_FAMILIES[rule.kind]
        path, amount, unit, text = kind.describe(instance, rule, periods)
        rows.append(InfeasibilityReason.state(kind.family, path, amount, unit, text))
    place = {family: number for number, family in enumerate(_REPORT_ORDER)}
    return tuple(sorted(rows, key=lambda row: (place.get(row.rule, len(place)), row.path, row.text)))


def list_repair_parameters(
    instance: Instance, rules: Mapping[RuleKey, tuple[str, ...]], likely: Mapping[str, int]
) -> list[RepairParameter]:
    """List the parameters that relax the rules of a conflict, each once, supply in all periods last.

    Args:
        likely: Streams in the order in which more supply helps most, the likeliest first.

    Returns:
        Parameters in the order in which they are tried.
    """
    parameters: list[RepairParameter] = []
    for rule, periods in rules.items():
        parameters += RULE_FAMILIES[rule.kind].list_parameters(instance, rule.names, periods, likely)
    once = list({parameter.paths[0]: parameter for parameter in parameters}.values())
    return sorted(once, key=lambda parameter: parameter.field in _LAST_FIELDS)


MAX_RULES_PER_KIND = 6  # rules of one kind reported separately; more are merged
SMALL_PROGRAM_ROWS = 2_000  # rows up to which HiGHS computes an IIS
IIS_SECONDS = 5.0  # [s] time limit of the IIS
MAX_DELETION_TRIALS = 12  # trials of the deletion filter on a large program


@dataclass(frozen=True, eq=False)
class Extensions:
    """User's extensions: the files that add constraints, and replaced bounds of rows they add.

    Attributes:
        files: Python files or functions.
        relaxed: Name of an added row to the bounds that replace its own.
    """

    files: tuple[Extension, ...] = ()
    relaxed: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # row name to lower and upper bound


NO_EXTENSIONS = Extensions()


@dataclass(frozen=True, eq=False)
class FeasibilityProblem:
    """Linear program with the rule that each row bound enforces; limits of stockpiles are converted to rows."""

    program: SolverProgram
    rule_by_bound: dict[tuple[int, int], tuple[RuleKey, str]]  # row and end (lower, upper) to rule and period
    rule_bounds: RowSides  # row bounds that enforce a rule: the keys of `said`
    unconditional: RowSides  # row bounds of definitions and balances, which are never relaxed
    extension_rows: dict[int, ExtensionRow]  # row number to the row that an extension added

    @cached_property
    def scaled(self) -> ScaledProgram:
        """Program scaled as the solver receives it."""
        return scale_program(self.program)


@dataclass(frozen=True, eq=False)
class Conflict:
    """Conflicting rules, each with its periods, and the multipliers that prove the conflict.

    Attributes:
        rules: Each rule with the periods in which it takes part.
        multipliers: Farkas multipliers of the rows, (M,), scaled.
        irreducible: True if each rule was verified to be needed for the conflict.
        bounds: Row bounds of these rules.
    """

    rules: dict[RuleKey, tuple[str, ...]]
    multipliers: Floats  # (M,), scaled
    irreducible: bool
    bounds: RowSides


def build_feasibility_problem(instance: Instance, extensions: Extensions = NO_EXTENSIONS) -> FeasibilityProblem:
    """Build the linear program of an instance with the rule of each row bound.

    Returns:
        The program.
    """
    routes = build_routes(instance)
    task = SolveTask(
        instance, routes, compute_bounds(instance, routes), extensions=extensions.files, relaxed=extensions.relaxed
    )
    network, program = build_program(task)
    first = len(program.rows) - len(program.added.rows)
    added = {first + number: row for number, row in enumerate(program.added.rows)}
    program = convert_stockpile_limits(program, network, instance.streams.names, instance.periods)
    finite = (np.isfinite(program.row_lower), np.isfinite(program.row_upper))
    rules = {}
    for end in (LOWER, UPPER):
        for row in np.flatnonzero(finite[end]).tolist():
            meaning = (
                _identify_extension_rule(program.rows[row]) if row in added else identify_rule(program.rows[row], end)
            )
            if meaning is not None:
                rules[row, end] = meaning
    spoken = RowSides.of_ends(rules, len(program.rows))
    always = RowSides(finite[LOWER] & ~spoken.lower, finite[UPPER] & ~spoken.upper)
    return FeasibilityProblem(program, rules, spoken, always, added)


def find_conflict(problem: FeasibilityProblem, first: ElasticSolution) -> Conflict:
    """Find an irreducible set of conflicting rules.

    Args:
        first: Its least violation, with multipliers.

    Returns:
        The conflict.
    """
    height = len(problem.program.rows)
    kept = _find_first_set(problem, first)
    merged_keys = merge_rule_keys({problem.rule_by_bound[at][0] for at in kept}, MAX_RULES_PER_KIND)
    reduced, shown, sure = _delete_redundant_rules(problem, _collect_rule_ends(problem, merged_keys), first)
    used = _get_support(problem, shown, RowSides.of_ends(set().union(*reduced.values()), height))
    reduced = {one: ats & used or ats for one, ats in reduced.items()}
    rules = {
        one: tuple(dict.fromkeys(problem.rule_by_bound[at][1] for at in sorted(ats) if problem.rule_by_bound[at][1]))
        for one, ats in reduced.items()
    }
    return Conflict(rules, shown.multipliers, sure, RowSides.of_ends(set().union(*reduced.values()), height))


def _collect_rule_ends(
    problem: FeasibilityProblem, merged_keys: dict[RuleKey, RuleKey]
) -> dict[RuleKey, set[tuple[int, int]]]:
    """Return the row bounds of each reported rule, in all periods; of merged rules, those of the whole kind."""
    names, groups = set(merged_keys.values()), dict[RuleKey, set[tuple[int, int]]]()
    for at, (one, _) in problem.rule_by_bound.items():
        rule = merged_keys.get(one, RuleKey(one.kind, ()))
        if rule in names:
            groups.setdefault(rule, set()).add(at)
    return groups


def _get_support(problem: FeasibilityProblem, solution: ElasticSolution, among: RowSides) -> set[RowEnd]:
    """Return the row bounds with a nonzero multiplier that enforce a rule."""
    return find_support(solution.multipliers, among) & problem.rule_by_bound.keys()


def _find_first_set(problem: FeasibilityProblem, first: ElasticSolution) -> set[tuple[int, int]]:
    """Return conflicting row bounds: the IIS of HiGHS if small and confirmed, else the support of the multipliers."""
    height = len(problem.program.rows)
    found = find_irreducible_subset(problem.scaled, IIS_SECONDS) if height <= SMALL_PROGRAM_ROWS else None
    if found is not None:
        bounds = (found.lower, found.upper)
        members = {(row, end) for row, end in problem.rule_by_bound if bounds[end][row]}  # that enforce a rule
        if minimise_violation(problem.scaled, problem.unconditional | RowSides.of_ends(members, height)).contradicts:
            return members
    return _get_support(problem, first, problem.rule_bounds)


def _delete_redundant_rules(
    problem: FeasibilityProblem, groups: dict[RuleKey, set[tuple[int, int]]], first: ElasticSolution
) -> tuple[dict[RuleKey, set[tuple[int, int]]], ElasticSolution, bool]:
    """Delete each rule in turn whose removal leaves the others infeasible (deletion filter)."""
    kept, height = dict(groups), len(problem.program.rows)
    shown = first
    if height <= SMALL_PROGRAM_ROWS:
        shown = minimise_violation(
            problem.scaled, problem.unconditional | RowSides.of_ends(set().union(*kept.values()), height)
        )
    trials = 0
    sure = True
    for one in sorted(groups, key=lambda one: (DELETION_ORDER[one.kind], one.names)):
        if one not in kept or len(kept) == 1:
            continue
        rest = {other: ats for other, ats in kept.items() if other != one}
        ends = RowSides.of_ends(set().union(*rest.values()), height)
        if _is_proven_without(problem, shown, kept[one]):
            kept = rest
            continue
        trials += 1
        if trials > MAX_DELETION_TRIALS and height > SMALL_PROGRAM_ROWS:
            sure = False
            break
        tried = minimise_violation(problem.scaled, problem.unconditional | ends, shown)
        if tried.contradicts:
            used = _get_support(problem, tried, ends)
            kept = {other: ats for other, ats in rest.items() if ats & used}
            shown = tried
    return kept, shown, sure


def _is_proven_without(problem: FeasibilityProblem, shown: ElasticSolution, left_out: set[tuple[int, int]]) -> bool:
    """Return True if the multipliers prove infeasibility without those of one rule, which is then redundant."""
    y = shown.multipliers.copy()
    for row, end in left_out:
        if (y[row] > 0) == (end == LOWER):
            y[row] = 0.0
    return verify_conflict_multipliers(problem.program, problem.scaled, y)
