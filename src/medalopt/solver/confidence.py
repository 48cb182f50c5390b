r"""Promised confidence in a program: cuts at its solutions, and dual values of chance constraints from those of cuts.

In a decomposed task deviations by variate are linking variables, and cuts are rows on them. The chance constraint of a
metal and deadline with the quantile $z$ becomes

$$\bar R(x)-zs\ge W-S,\qquad e_n\ge(L^\top Dg(x))_n,\qquad s\ge u^\top e\ \text{ for each cut } u\ge0,$$

with a column $s$ for the deviation and a column $e_n$ for each variate $n$. A cut is a row on these columns alone:
block solutions need not be computed again for it, so cuts are added in each iteration, and in crossover.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medalopt.instance.accounting import Decisions, PlanAccount
from medalopt.instance.arrays import Floats, Ints
from medalopt.instance.confidence import (
    ConfidenceRow,
    build_confidence,
    list_budget_parts,
    list_variate_parts,
    measure_confidence,
)
from medalopt.instance.instance import Instance
from medalopt.instance.routes import ConfidenceCut, Routes
from medalopt.instance.smelter_terms import find_pooled_lots
from medalopt.model.network import Network
from medalopt.model.variables import list_cut_keys
from medalopt.proof.confidence import CONE_RULE, DIRECTION_RULE, read_cone_prices
from medalopt.proof.prices import Duals
from medalopt.solver.highs import HighsSession
from medalopt.solver.program import ComponentKey, ProgramBuilder, SolverProgram
from medalopt.solver.scaling import compute_exponents
from medalopt.tolerances import CUT_TOLERANCE

_PART_RULE = "protected"  # of the deviations of an uncertainty budget
MAX_CUT_ROUNDS = 60  # programs with further cuts, beyond which the last one counts
MAX_VARIATES = 400  # deviations by variate, of all chance constraints, up to which they are linking variables
_CUT_ROW, _PART_ROW = "deviation_cut", "deviation_part"


def separate_cuts(instance: Instance, routes: Routes, decisions: Decisions) -> tuple[ConfidenceCut, ...]:
    """Return the cuts that a solution violates.

    Args:
        decisions: The solution.

    Returns:
        One cut for each violated chance constraint; empty where all hold.
    """
    policy = build_confidence(instance)
    if policy is None or policy.budget is not None:  # a budget is part of the program from the start
        return ()
    slacks = measure_confidence(policy, PlanAccount(instance, routes, decisions))
    return tuple(
        policy.build_cut(routes, slack.row, slack.direction) for slack in slacks if slack.excess > CUT_TOLERANCE
    )


def add_cut_rows(
    program: SolverProgram, instance: Instance, routes: Routes, network: Network, cuts: tuple[ConfidenceCut, ...]
) -> SolverProgram:
    """Return a program with the rows of cuts, written on its own columns.

    Args:
        program: Program of the instance, also with other bounds.
        cuts: Cuts of a promised confidence.

    Returns:
        The program with one more row for each cut.
    """
    built, lead = ProgramBuilder.extend(program), instance.smelters.lead
    keeper = find_pooled_lots(instance, routes).smelter[network.withheld_pool]
    place = {period: number for number, period in enumerate(instance.periods)}
    melts = [
        (number, index) for number, (name, index) in enumerate(program.places, program.network) if name == "charge"
    ]
    first_withheld = program.network - len(network.withheld_pool)
    opening = instance.metals.opening_stock.value
    for number, cut in enumerate(cuts):
        metal, period = instance.metals.names[cut.metal], instance.periods[cut.period]
        row = built.add_rows([(CONE_RULE, (metal, period, str(number)))], -float(opening[cut.metal]))
        by = routes.smelter[network.route]
        back = (by >= 0) & (network.period + lead[by, cut.metal] <= cut.period)
        ships = np.flatnonzero(back & (cut.rate[network.route] != 0))
        built.add_entries(np.repeat(row, len(ships)), ships, cut.rate[network.route[ships]])
        due = network.withheld_period + lead[keeper, cut.metal] <= cut.period
        kept = first_withheld + np.flatnonzero(due & (network.withheld_metal == cut.metal))
        gone = [column for column, (_, e, t) in melts if e == metal and place[t] <= cut.period]
        less = np.concatenate([kept, np.array(gone, dtype=np.intp)])
        built.add_entries(np.repeat(row, len(less)), less, -1.0)
    return built.build()


def select_active_cuts(instance: Instance, cuts: tuple[ConfidenceCut, ...], duals: Duals) -> tuple[ConfidenceCut, ...]:
    """Return the cuts with a dual value: they alone give the same optimal value.

    Args:
        cuts: Cuts of the program.
        duals: Dual values, those of cuts by metal, period and number.

    Returns:
        The binding cuts.
    """
    given = duals.get(CONE_RULE, {})
    keys = [(instance.metals.names[cut.metal], instance.periods[cut.period], str(n)) for n, cut in enumerate(cuts)]
    return tuple(cut for cut, key in zip(cuts, keys, strict=True) if given.get(key, 0.0) > 0)


def _sum_cut_duals(
    instance: Instance, cuts: tuple[ConfidenceCut, ...], duals: Duals
) -> tuple[dict[tuple[str, str], float], dict[tuple[str, str], Floats]]:
    """Return the sums of the dual values of cuts, and of their directions times these, by metal and period.

    The dual value of a deviation of an uncertainty budget weighs its axis.
    """
    values: dict[tuple[str, str], float] = {}
    vectors: dict[tuple[str, str], Floats] = {}
    for number, cut in enumerate(cuts):
        key = instance.metals.names[cut.metal], instance.periods[cut.period]
        rule = _PART_RULE if cut.part else CONE_RULE
        value = max(duals.get(rule, {}).get((*key, str(number)), 0.0), 0.0)
        values[key] = values.get(key, 0.0) + value * (not cut.part)
        vectors[key] = vectors.get(key, 0.0) + value * cut.direction
    return values, vectors


def merge_cut_duals(instance: Instance, cuts: tuple[ConfidenceCut, ...], duals: Duals) -> Duals:
    """Replace the dual values of cuts by those of their chance constraints and by the vectors of their directions.

    Args:
        cuts: Cuts of the program.
        duals: Dual values by rule and names, those of cuts by metal, period and number.

    Returns:
        Dual values of the chance constraints by metal and period, of directions also by variate.
    """
    if not cuts:
        return duals
    values, vectors = _sum_cut_duals(instance, cuts, duals)
    directions: dict[Any, float] = {
        (*key, str(n)): float(vector[n]) for key, vector in vectors.items() for n in np.flatnonzero(vector).tolist()
    }
    others = {rule: rows for rule, rows in duals.items() if rule not in (CONE_RULE, _PART_RULE, "define_assured")}
    return {**others, CONE_RULE: values, DIRECTION_RULE: directions}


def split_cut_duals(instance: Instance, cuts: tuple[ConfidenceCut, ...], duals: Duals) -> Duals:
    """Distribute the dual values of chance constraints over the rows of the program, the reverse of `merge_cut_duals`.

    Args:
        cuts: Cuts of the program, from `join_cuts`.
        duals: Dual values with those of chance constraints by metal and period, and their directions.

    Returns:
        Dual values with those of cuts by metal, period and number.
    """
    if not cuts:
        return duals
    rows: dict[str, dict[Any, float]] = {CONE_RULE: {}, _PART_RULE: {}}
    for number, cut in enumerate(cuts):
        key = instance.metals.names[cut.metal], instance.periods[cut.period]
        if cut.part:
            variate = str(int(np.flatnonzero(cut.direction)[0]))
            rows[_PART_RULE][*key, str(number)] = duals.get(DIRECTION_RULE, {}).get((*key, variate), 0.0)
        else:
            rows[CONE_RULE][*key, str(number)] = duals.get(CONE_RULE, {}).get(key, 0.0)
    return {**{rule: given for rule, given in duals.items() if rule not in (CONE_RULE, DIRECTION_RULE)}, **rows}


def compute_budget_columns(account: PlanAccount) -> dict[tuple[str, Any], float]:
    """Compute the columns of an uncertainty budget at a plan: threshold and deviations beyond it.

    Args:
        account: Plan, with the parts of the budget among its cuts.

    Returns:
        Kilograms by component and index; empty without a budget.
    """
    policy = build_confidence(account.instance)
    if policy is None or policy.budget is None or not account.routes.cuts:
        return {}
    values: dict[tuple[str, Any], float] = {}
    places = {(slack.row.metal, slack.row.period): slack.spread for slack in measure_confidence(policy, account)}
    for number, cut in enumerate(account.routes.cuts):
        key = account.instance.metals.names[cut.metal], account.instance.periods[cut.period]
        spread = places[cut.metal, cut.period]
        first = int(policy.budget)  # the deviation that the budget covers in part, or not at all
        threshold = float(np.sort(spread)[::-1][first]) if first < len(spread) else 0.0
        if cut.part:
            over = float(cut.direction @ spread) - threshold
            values["protection", (*key, str(number))] = max(over, 0.0)
        else:
            values["budget_threshold", key] = max(threshold, 0.0)
    return values


def join_cuts(instance: Instance, routes: Routes, duals: Duals) -> tuple[ConfidenceCut, ...]:
    """Return one cut for each chance constraint with a dual value: the sum of its cuts, weighted by their duals.

    The plan and these dual values are optimal for the program with these cuts alone. An uncertainty budget has all its
    parts.

    Args:
        duals: Dual values with those of chance constraints, from `merge_cut_duals`.

    Returns:
        The cuts.
    """
    policy = build_confidence(instance)
    if policy is None:
        return ()
    if policy.budget is not None:
        return list_budget_parts(instance, routes)
    prices = read_cone_prices(instance, duals)
    return tuple(policy.build_cut(routes, price.row, price.direction / price.value) for price in prices)


@dataclass(frozen=True, eq=False)
class Cone:
    """One chance constraint; its columns are counted from the first one that is no linking variable."""

    row: ConfidenceRow
    deviation: int  # column of s
    parts: Ints  # (n,) columns of e
    variates: Ints  # (n,)
    charges: Ints  # columns of the metal charged
    entry: int  # of the program, of the quantile


@dataclass(frozen=True, eq=False)
class ConeCut:
    """Cut of a cone: its deviation is at least the product of `direction` and its deviations by variate."""

    cone: Cone
    direction: Floats  # (n,) of length at most 1

    @property
    def columns(self) -> Ints:
        """Columns of the cut, counted as those of the cone, (nonzero coefficients,)."""
        return np.append(self.cone.parts[self.direction != 0], self.cone.deviation)

    @property
    def coefficients(self) -> Floats:
        """Coefficients of these columns; their sum of products is at least 0, (nonzero coefficients,)."""
        return np.append(-self.direction[self.direction != 0], 1.0)


def lift_routes(instance: Instance, routes: Routes) -> Routes:
    """Return routes whose cuts are the metal returned and the deviations by variate of each chance constraint.

    Args:
        routes: Routes of a task.

    Returns:
        The routes; unchanged without a promised confidence, or where there would be more than `MAX_VARIATES`.
    """
    policy = build_confidence(instance)
    if policy is None or policy.budget is not None or len(policy.rows) * policy.model.loading.shape[1] > MAX_VARIATES:
        return routes
    return replace(routes, cuts=list_variate_parts(policy, routes))


def add_cones(
    instance: Instance, routes: Routes, program: SolverProgram, linking: int
) -> tuple[SolverProgram, tuple[Cone, ...]]:
    """Add the columns and rows of cones, yet without cuts, to the constraints on linking variables.

    Args:
        routes: Routes from `lift_routes`.
        program: Compiled constraints, those of the promised confidence on the metal returned.
        linking: Number of linking variables, which are the first columns.

    Returns:
        The program with the cones, and these; none where `routes` are not lifted.
    """
    policy = build_confidence(instance) if any(cut.part for cut in routes.cuts) else None
    if policy is None or policy.budget is not None:
        return program, ()
    keys, supply = list_cut_keys(instance, routes), instance.streams.available.value.sum(axis=1)
    column = {place: number for number, place in enumerate(program.places)}
    number = {key: row for row, key in enumerate(program.rows)}
    built, entry, cones = ProgramBuilder.extend(program), len(program.entries.row), []
    for row in policy.rows:
        base, *parts = [n for n, cut in enumerate(routes.cuts) if (cut.metal, cut.period) == (row.metal, row.period)]
        bounds = [_bound_deviation(routes, routes.cuts[part], supply) for part in parts]
        names = [("deviation", keys[base]), *(("deviation_part", keys[part]) for part in parts)]
        first, *own = built.add_columns(names, size=np.array([np.linalg.norm(bounds), *bounds])).tolist()
        built.add_entries(np.array([number[CONE_RULE, keys[base]]]), first, -row.quantile)
        at = built.add_rows([(_PART_ROW, keys[part]) for part in parts], 0.0)
        assured = [column["assured", keys[part]] for part in parts]
        pairs = np.column_stack([own, assured]).astype(np.intp).ravel()
        built.add_entries(np.repeat(at, 2), pairs, np.tile([1.0, -1.0], len(parts)))
        variates = np.array([int(np.flatnonzero(routes.cuts[part].direction)[0]) for part in parts], dtype=np.intp)
        charges = program.entries.column[program.entries.row == number[CONE_RULE, keys[base]]]
        places = first - linking, np.array(own, dtype=np.intp) - linking
        cones.append(Cone(row, *places, variates, charges[charges >= linking] - linking, entry))
        entry += 1 + 2 * len(parts)
    return built.build(), tuple(cones)


def _bound_deviation(routes: Routes, part: ConfidenceCut, supply: Floats) -> float:
    """Return a bound of the deviation along one variate: each stream sent whole on its route with the largest one."""
    most = np.zeros(len(supply))
    np.maximum.at(most, routes.stream, part.rate)
    return float(most @ supply)


def change_quantiles(
    program: SolverProgram, cones: tuple[Cone, ...], rows: Sequence[ConfidenceRow]
) -> tuple[SolverProgram, tuple[Cone, ...]] | None:
    """Change the quantiles of cones, and nothing else.

    Args:
        program: Constraints on linking variables with those of the cones.
        rows: Chance constraints of the same metals and deadlines.

    Returns:
        Program and cones; None where metals or deadlines differ.
    """
    of = {(row.metal, row.period): row for row in rows}
    if of.keys() != {(cone.row.metal, cone.row.period) for cone in cones}:
        return None
    changed = tuple(replace(cone, row=of[cone.row.metal, cone.row.period]) for cone in cones)
    value = program.entries.value.copy()
    value[[cone.entry for cone in cones]] = [-cone.row.quantile for cone in changed]
    return replace(program, entries=replace(program.entries, value=value)), changed


def add_cone_cuts(program: SolverProgram, cuts: tuple[ConeCut, ...], linking: int) -> SolverProgram:
    """Add rows of cuts.

    Args:
        program: Constraints on linking variables with those of cones.

    Returns:
        The program; its last rows are those of the cuts.
    """
    if not cuts:
        return program
    built = ProgramBuilder.extend(program)
    for row, cut in zip(built.add_rows(list_cut_rows(0, len(cuts)), 0.0).tolist(), cuts, strict=True):
        built.add_entries(row, linking + cut.columns, cut.coefficients)
    return built.build()


def list_cut_rows(first: int, end: int) -> list[ComponentKey]:
    """List the keys of rows of cuts.

    Args:
        first: Number of the first cut.
        end: Number after the last one.

    Returns:
        The keys.
    """
    return [(_CUT_ROW, number) for number in range(first, end)]


def assign_cuts(cones: tuple[Cone, ...], cuts: tuple[ConeCut, ...]) -> tuple[ConeCut, ...]:
    """Assign cuts to the cones of the same metals and deadlines: their directions hold at every quantile.

    Args:
        cones: Cones, such as those with other quantiles.
        cuts: Cuts of cones.

    Returns:
        The cuts in the same order.
    """
    of = {(cone.row.metal, cone.row.period): cone for cone in cones}
    return tuple(replace(cut, cone=of[cut.cone.row.metal, cut.cone.row.period]) for cut in cuts)


def separate_cones(cones: tuple[Cone, ...], x: Floats) -> tuple[ConeCut, ...]:
    """Return the cuts that a solution violates.

    Args:
        x (n,): Its columns that are no linking variables.

    Returns:
        One cut for each violated cone; empty where all hold.
    """
    cuts = []
    for cone in cones:
        length, quantile = float(np.linalg.norm(x[cone.parts])), cone.row.quantile
        size = max(float(x[cone.charges].sum()), quantile * length)
        if quantile * (length - x[cone.deviation]) > CUT_TOLERANCE * size:
            cuts.append(ConeCut(cone, np.maximum(x[cone.parts], 0.0) / length))
    return tuple(cuts)


def add_scaled_cut(session: HighsSession, cut: ConeCut, network: int, exponents: Ints) -> int:
    """Add the row of a cut to a program in HiGHS.

    Args:
        session: Program in HiGHS.
        network: Number of columns before those from which the columns of cones are counted.
        exponents (N,): Exponents of the columns.

    Returns:
        Exponent of the row.
    """
    columns = network + cut.columns
    values = np.ldexp(cut.coefficients, exponents[columns])
    row = -int(compute_exponents(np.abs(values).max(keepdims=True))[0])
    session.add_rows(np.zeros(1), np.full(1, np.inf), np.zeros(1, dtype=np.intp), columns, np.ldexp(values, row))
    return row


def merge_cuts(cuts: tuple[ConeCut, ...], values: Floats) -> tuple[ConeCut, ...]:
    """Merge the cuts of each cone to one, along the sum of their directions times their dual values.

    It gives the same lower bound at these dual values. Many cuts that are nearly parallel make bases singular.

    Args:
        values (n,): Dual values of the first of them, not negative.

    Returns:
        A cut for each cone with a dual value.
    """
    sums: dict[int, tuple[Cone, Floats]] = {}
    for cut, value in zip(cuts, values.tolist(), strict=False):
        before = sums.get(id(cut.cone), (cut.cone, np.zeros(len(cut.direction))))[1]
        sums[id(cut.cone)] = cut.cone, before + value * cut.direction
    return tuple(ConeCut(cone, own / np.linalg.norm(own)) for cone, own in sums.values() if own.any())


def convert_cuts(cones: tuple[Cone, ...], cuts: tuple[ConfidenceCut, ...]) -> tuple[ConeCut, ...]:
    """Convert cuts of chance constraints to those of cones.

    Args:
        cuts: Cuts, those without a direction left out.

    Returns:
        Cuts.
    """
    of = {(cone.row.metal, cone.row.period): cone for cone in cones}
    return tuple(
        ConeCut(cone, cut.direction[cone.variates])
        for cut in cuts
        if (cone := of.get((cut.metal, cut.period))) is not None and cut.direction.any()
    )


def read_cuts(
    instance: Instance, routes: Routes, cuts: tuple[ConeCut, ...], duals: Duals
) -> tuple[tuple[ConfidenceCut, ...], Duals]:
    r"""Read the cuts with a dual value, and the dual values of the program that has them in place of the cones.

    A kilogram of deviation less saves $z$ times what a kilogram of assured metal saves.

    Args:
        cuts: Cuts of the cones, in the order of their rows.
        duals: Dual values with those of the rows of cones.

    Returns:
        The cuts, and the dual values by rule and names.
    """
    policy = build_confidence(instance)
    assert policy is not None
    given, values = duals.get(_CUT_ROW, {}), {}
    binding: list[ConfidenceCut] = []
    for number, cut in enumerate(cuts):
        row = cut.cone.row
        value = given.get(number, 0.0) / row.quantile
        if value > 0:
            direction = np.zeros(policy.model.loading.shape[1])
            direction[cut.cone.variates] = cut.direction
            values[instance.metals.names[row.metal], instance.periods[row.period], str(len(binding))] = value
            binding.append(policy.build_cut(routes, row, direction))
    rest = {rule: rows for rule, rows in duals.items() if rule not in (CONE_RULE, _CUT_ROW, _PART_ROW)}
    return tuple(binding), {**rest, CONE_RULE: values}
