"""Cuts of the promised confidence at a solution, and the dual values of chance constraints from those of their cuts."""

from __future__ import annotations

from typing import Any

import numpy as np

from medalopt.instance.accounting import Decisions, PlanAccount
from medalopt.instance.arrays import Floats
from medalopt.instance.confidence import build_confidence, list_budget_parts, measure_confidence
from medalopt.instance.instance import Instance
from medalopt.instance.routes import ConfidenceCut, Routes
from medalopt.instance.smelter_terms import find_pooled_lots
from medalopt.model.network import Network
from medalopt.proof.confidence import CONE_RULE, DIRECTION_RULE, read_cone_prices
from medalopt.proof.prices import Duals
from medalopt.solver.program import ProgramBuilder, SolverProgram
from medalopt.tolerances import CUT_TOLERANCE

_PART_RULE = "protected"  # of the deviations of an uncertainty budget
MAX_CUT_ROUNDS = 60  # programs with further cuts, beyond which the last one counts


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
