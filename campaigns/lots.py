"""Small random instances with lots, charges and falling prices: each analysis against enumeration of the integers.

An instance has at most eight integers. Enumeration fixes them in every combination and solves the linear program of
each; what `solve` and the analyses find by branch and bound must agree. Of an instance that is infeasible only in lots,
the conflict is irreducible, and each repair restores a plan of the stated cost and is the least.
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from tests.instances_at_random.figures import Document, RandomStream, maybe
from tests.random_instances import Case, as_text

from campaigns.running import Found, campaign
from medalopt.analysis.explain.explanation import explain_plan_in_lots
from medalopt.analysis.infeasibility.diagnosis import diagnose_infeasibility
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.curves import compute_curve
from medalopt.analysis.sensitivity.device_mix import analyse_device_mix
from medalopt.analysis.sensitivity.parameter_range import parse_parameter_range
from medalopt.analysis.sensitivity.ranges import compute_ranges
from medalopt.analysis.sensitivity.supply_mix import MixSolver
from medalopt.analysis.sensitivity.what_if import apply_outage, evaluate_delays, evaluate_outages, list_contracts
from medalopt.errors import InputError, NoPlanError, WholeLotsNotFoundError
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.confidence import build_program_routes
from medalopt.instance.instance import Instance
from medalopt.instance.loading import InstanceFile, open_instance
from medalopt.instance.lots import STEP_KINDS, list_used_keys
from medalopt.solve_instance import solve
from medalopt.solver.program import SolverProgram, find_integer_columns
from medalopt.solver.solve_lp import SolveTask, build_program
from medalopt.solver.verification import solve_from_scratch

CLOSE = 1e-7  # of the objective, and at least 1
MOST_LOTS = 3  # lots of one order

Pair = tuple[str, float, float]  # what is compared, its value, and that of enumeration
Check = Callable[[ScenarioRunner, RandomStream], list[Pair]]


def make_document(seed: int) -> Document:
    """Return small random instance number `seed`: two streams, two smelters, two periods and one metal."""
    root = RandomStream(f"{seed}/small lots")
    pick = root.at

    def stream(device: str) -> Document:
        own = pick(device)
        price = own.at("price").choice((50, 80, 120))
        steps = [{"up_to": "3 t", "price": f"{price} JPY/t"}, {"price": f"{price // 2} JPY/t"}]
        return {
            "device": device,
            "region": "north",
            "available": f"{own.at('available').choice((3, 4, 5.5, 7))} t",
            "price": steps if own.at("falls").random() < 0.3 else f"{price} JPY/t",
            **maybe(own, 0.3, "fixed_charge", lambda own: f"{own.choice((20, 150))} JPY"),
            **maybe(own, 0.25, "minimum_order", lambda own: f"{own.choice((2, 4))} t"),
        }

    tight = seed % 2 > 0  # often infeasible only in lots
    count = pick("count").randint(6, 11 if tight else 16)
    limit = f"{pick('limit').choice((0.2, 0.5, 1) if tight else (0.5, 2, 5, 30))} kg"
    near = {
        "minimum_lot": f"{pick('lot').choice((4, 5, 6) if tight else (2.5, 4, 5))} t",
        "lot_charge": f"{pick('charge').choice((0, 100, 400))} JPY",
    }
    far = maybe(pick("far"), 0.6, "fixed_charge", lambda own: f"{own.choice((100, 500))} JPY")
    far |= maybe(pick("far"), 1.0 if tight else 0.4, "minimum_lot", lambda own: f"{own.choice((3.4, 4.5, 6))} t")
    return {
        "format": "medalopt/1",
        "name": f"small_lots_{seed}",
        "currency": "JPY",
        "periods": {"count": 2},
        "metals": {"Ag": {}},
        "devices": {"phone": {"content": {"Ag": "1 kg/t"}}, "laptop": {"content": {"Ag": "600 g/t"}}},
        "streams": [stream("phone"), stream("laptop")] if pick("laptop").random() < 0.6 else [stream("phone")],
        "smelters": {
            "near": {"returned": {"Ag": "100 %"}, **near},
            "far": {"returned": {"Ag": "90 %"}, "treatment_charge": "60 JPY/t", **far},
        },
        "market": {
            "silver": {
                "composition": {"Ag": "100 %"},
                "price": f"{pick('silver').choice((150, 260))} JPY/kg",
                "limit": limit,
                **maybe(pick("market"), 0.4, "fixed_charge", lambda own: f"{own.choice((50, 300))} JPY"),
            }
        },
        "alloys": {"silver": {"composition": {"Ag": "100 %"}}},
        "medals": {"medal": {"count": count, "parts": {"silver": "1 kg"}, "due": pick("due").randint(1, 2)}},
    }


def enumerate_optimum(instance: Instance, objective: str = "cost") -> float:
    """Return the least objective over all combinations of the integers; infinite where none has a plan."""
    routes = build_program_routes(instance)
    program = build_program(SolveTask(instance, routes, compute_bounds(instance, routes), objective))[1]
    return enumerate_program(program)


def enumerate_program(program: SolverProgram) -> float:
    """Return the least value of a program over all combinations of its integer columns."""
    whole = np.flatnonzero(find_integer_columns(program))
    ranges = [range(int(min(program.upper[column], MOST_LOTS)) + 1) for column in whole]
    best = np.inf
    for numbers in product(*ranges):
        lower, upper = program.lower.copy(), program.upper.copy()
        lower[whole] = upper[whole] = numbers
        if (lower <= upper).all():
            result = solve_from_scratch(dataclasses.replace(program, lower=lower, upper=upper))
            best = min(best, float(result.value) if result.feasible else np.inf)
    return best


def same(one: float, other: float) -> bool:
    """Return whether two objective values agree."""
    return one == other or abs(one - other) <= CLOSE * max(1.0, abs(other))


def trial(seed: int) -> Found:
    """Compare the analyses of small random instance number `seed`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Case({"instance.yaml": as_text(make_document(seed))}).write(Path(folder))
        file = open_instance(path)
        try:
            instance = file.with_changes({})
        except InputError:
            return Found(Counter({"lots above all supply": 1}))
        best = enumerate_optimum(instance)
        try:
            plan = solve(instance)
        except WholeLotsNotFoundError:
            wrong = [] if np.isinf(best) else [f"{seed}: no plan in lots, by enumeration {best}"]
            return Found(Counter({"infeasible only in lots": 1}), (*wrong, *check_diagnosis(seed, file, path)))
        except NoPlanError:
            wrong = [] if np.isinf(best) else [f"{seed}: no plan, by enumeration {best}"]
            return Found(Counter({"infeasible": 1}), tuple(wrong))
        wrong = [] if same(plan.objective, best) else [f"{seed}: {plan.objective}, by enumeration {best}"]
        runner = ScenarioRunner(path, in_lots=True)
        seen = Counter({"plans": 1})
        for check in (check_curve, check_deadlines, check_outages, check_mix, check_ranges, check_explanation):
            found = _try(check, runner, RandomStream(f"{seed}/{check.__name__}"))
            seen[f"values of {check.__name__.removeprefix('check_')}"] = len(found)
            wrong += [
                f"{seed}: {what} is {one}, by enumeration {other}" for what, one, other in found if not same(one, other)
            ]
        return Found(seen, tuple(wrong))


def _try(check: Check, runner: ScenarioRunner, random: RandomStream) -> list[Pair]:
    """Return what a check compares; nothing where a value of its parameter is refused."""
    try:
        return check(runner, random)
    except InputError:
        return []


def check_curve(runner: ScenarioRunner, random: RandomStream) -> list[Pair]:
    """Return three points of a curve and its base case."""
    vary = random.choice(
        ("smelters.near.minimum_lot=1..6", "market.silver.price=60..300 JPY/kg", "medals.medal.count=4..12")
    )
    curve = compute_curve(runner, parse_parameter_range(runner, vary))
    pairs = [("the base case", _infinite(curve.base), enumerate_optimum(runner.file.with_changes({})))]
    for point in random.sample(curve.points, 3):
        changed = runner.file.with_changes(curve.vary.make_changes(point.value))
        pairs.append((f"{vary} at {point.value}", _infinite(point.objective), enumerate_optimum(changed)))
        if point.objective is not None:
            assert point.bound is not None and point.bound <= point.objective + CLOSE * abs(point.objective)
    return pairs


def _infinite(value: float | None) -> float:
    """Return a value, infinite without a plan."""
    return np.inf if value is None else float(value)


def check_deadlines(runner: ScenarioRunner, _: RandomStream) -> list[Pair]:
    """Return what each contract costs if it is signed in the second period, where its deadline is the first."""
    base, pairs = runner.base_in_lots, list[Pair]()
    assert base is not None
    deadlines = {one.path: one for one in evaluate_delays(runner, 1).deadlines}
    best, periods = enumerate_program(base.program), np.arange(2)
    for contract in list_contracts(runner.instance):
        found = deadlines[contract.path]
        late = enumerate_program(apply_outage(base, contract, periods < 1, bound=True).program)
        if found.last == "1":
            pairs.append((f"{contract.path} signed late", float(found.extra), late - best))
        elif found.first == "1":
            pairs.append((f"{contract.path} signed late", 0.0, late - best))
    return pairs


def check_outages(runner: ScenarioRunner, _: RandomStream) -> list[Pair]:
    """Return the extra cost of each outage."""
    base = runner.base_in_lots
    assert base is not None
    best, always = enumerate_program(base.program), np.ones(2, dtype=np.bool_)
    outages = {one.path: one for one in list_contracts(runner.instance)}
    found = evaluate_outages(runner)
    return [
        (
            f"the loss of {loss.path}",
            float(loss.extra),
            enumerate_program(apply_outage(base, outages[loss.path], always).program) - best,
        )
        for loss in found.losses
        if loss.path in outages
    ]


def check_mix(runner: ScenarioRunner, random: RandomStream) -> list[Pair]:
    """Return two points of the curve of a device."""
    mix, solver = analyse_device_mix(runner), MixSolver(runner)
    pairs = list[Pair]()
    for curve in mix.curves[:1]:
        device = runner.instance.devices.names.index(curve.device)
        for point in random.sample(curve.points, 2):
            program = solver.build_scenario(solver.offer.scale_share(device, point.times)).program
            pairs.append(
                (f"{point.times} of {curve.device}", _infinite(point.result.value), enumerate_program(program))
            )
    return pairs


def fix_integers(instance: Instance, account: PlanAccount) -> float:
    """Return the optimum of an instance with the integers of a plan; infinite without a plan."""
    routes = build_program_routes(instance)
    program = build_program(SolveTask(instance, routes, compute_bounds(instance, routes)))[1]
    used, reached = list_used_keys(account), set[str]()
    for kind, totals in zip(STEP_KINDS, (account.sent_by_stream, account.purchases), strict=True):
        steps = kind.get_steps(account.instance)
        for row, name in enumerate(kind.list_steps(account.instance)):
            beyond = float(totals[steps.owner[row]].sum()) > float(steps.above.value[row]) * (1 + 1e-9)
            reached |= {name} if beyond else set()
    ordered = {
        (name, period)
        for name, row in zip(account.instance.streams.names, account.sent_by_stream, strict=True)
        for period, tonnes in zip(account.instance.periods, row, strict=True)
        if tonnes > 0
    }
    lower, upper = program.lower.copy(), program.upper.copy()
    for column, (name, index) in enumerate(program.places, start=program.network):
        if find_integer_columns(program)[column]:
            taken = index in ordered if name == "ordered" else index in reached or (name, index) in used
            lower[column] = upper[column] = float(taken)
    result = solve_from_scratch(dataclasses.replace(program, lower=lower, upper=upper))
    return float(result.value) if result.feasible else np.inf


def check_ranges(runner: ScenarioRunner, random: RandomStream) -> list[Pair]:
    """Return changes of three parameters halfway to both ends of their ranges, with the lots of the plan kept."""
    ranges, pairs = compute_ranges(runner), list[Pair]()
    assert ranges.lots is not None
    account, cost = ranges.chosen.account, ranges.chosen.objective
    moved = [row for row in ranges.rows if row.unit is not None]
    for row in random.sample(moved, min(3, len(moved))):
        for price, end, sign in ((row.price_up, row.high, 1), (row.price_down, row.low, -1)):
            step = 0.1 * max(abs(row.value), 1.0) if end is None else abs(end - row.value) / 2
            value = row.value + sign * step
            if price is None or step <= 1e-6 * abs(row.value) or value < 0:
                continue
            changed = runner.file.with_changes({row.path: f"{value!r} {row.unit}"})
            pairs.append((f"{row.path} at {value}", cost + price * step, fix_integers(changed, account)))
    return pairs


def check_explanation(runner: ScenarioRunner, _: RandomStream) -> list[Pair]:
    """Return one more medal with lots kept and with lots re-planned, and the total of the cost breakdown."""
    found = explain_plan_in_lots(solve(runner.file.with_changes({})))
    assert found.lots is not None
    chosen, count = found.lots.chosen, int(found.lots.chosen.instance.medals.count[0])
    more = runner.file.with_changes({"medals.medal.count": str(count + 1)})
    kept = next(price.more for price in found.marginal_prices if price.path == "medals.medal.count")
    resolved = found.replanned[0].more
    total = sum(line.value for line in found.cost_breakdown)
    return [
        ("one more medal, lots kept", _infinite(kept) + chosen.objective, fix_integers(more, chosen.account)),
        ("one more medal, re-planned", _infinite(resolved) + chosen.objective, enumerate_optimum(more)),
        ("the cost breakdown", total, chosen.objective),
    ]


def _best_with(file: InstanceFile, changes: Mapping[str, Any]) -> float:
    """Return the optimum with changes, by enumeration."""
    return enumerate_optimum(file.with_changes({path: str(value) for path, value in changes.items()}))


def check_diagnosis(seed: int, file: InstanceFile, path: Path) -> list[str]:
    """Return the errors of the diagnosis of an instance that is infeasible only in lots."""
    instance = file.with_changes({})
    found = diagnose_infeasibility(instance, source=path, in_lots=True)
    wrong = [] if found.cases and found.irreducible else [f"{seed}: not proven, or not irreducible"]
    wrong += [] if found.repairs else [f"{seed}: no repair"]
    lots = [reason for reason in found.rules if reason.rule == "whole lots"]
    wrong += [] if lots else [f"{seed}: no lots in the conflict"]
    for repair in found.repairs:
        changes = {change.path: f"{change.after} {change.unit or ''}".strip() for change in repair.changes}
        best = _best_with(file, changes)
        if not same(repair.objective, best):
            wrong.append(f"{seed}: repair {changes} costs {repair.objective}, by enumeration {best}")
        (change, *more) = repair.changes
        if more or change.path.endswith((".lot", ".due")):
            continue
        nearer = _move_back(change.before, change.after)
        if nearer is not None and np.isfinite(_best_with(file, {change.path: f"{nearer} {change.unit or ''}".strip()})):
            wrong.append(f"{seed}: repair {changes} is not the least: {nearer} suffices")
    return wrong


def _move_back(before: Any, after: Any) -> float | int | None:
    """Return a value a little less far from the present one; None for lists."""
    if isinstance(before, list) or isinstance(after, list):
        return None
    if isinstance(after, int):
        return after + (1 if before > after else -1)
    return float(after) + 1e-3 * (float(before) - float(after))


if __name__ == "__main__":
    sys.exit(campaign("lots", trial, 200, sys.argv[1:]))
