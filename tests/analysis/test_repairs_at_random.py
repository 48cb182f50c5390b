"""On random instances without a plan: the rules that are said to conflict do, and every repair offered cures."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.laws import pool
from tests.random_instances import from_seed

import medalopt
from medalopt.analysis.infeasibility.conflict import Conflict, build_feasibility_problem, find_conflict
from medalopt.analysis.infeasibility.diagnosis import diagnose_infeasibility
from medalopt.analysis.infeasibility.repair import Diagnosis, RepairChange
from medalopt.analysis.infeasibility.repair_parameter import format_file_value
from medalopt.analysis.infeasibility.search import measure_infeasibility
from medalopt.errors import NoPlanError, SolverError
from medalopt.solver.infeasibility import RowSides, minimise_violation

WITHOUT = range(50)  # of the random instances without a plan
SOME = WITHOUT[::2]
SIX_DIGITS = 2e-5  # of a figure: two steps of its sixth digit, the least that can be told of it


def file(seed: int, folder: str) -> Path:
    """Write the random instance number `seed` and return its path."""
    path = Path(folder) / "instance.yaml"
    path.write_text(from_seed(seed), encoding="utf-8")
    return path


@cache
def diagnosis(seed: int) -> Diagnosis:
    """Return the diagnosis of the random instance number `seed`, worked out on its file."""
    with tempfile.TemporaryDirectory() as folder:
        path = file(seed, folder)
        found = diagnose_infeasibility(medalopt.load(path), source=path)
        assert found is not None
        return found


def objective(seed: int, changes: Mapping[str, str]) -> float | None:
    """Return the cost of the plan of the random instance number `seed` with changes; None where none is found."""
    with tempfile.TemporaryDirectory() as folder:
        instance = medalopt.load(file(seed, folder), changes)
    try:
        return medalopt.solve(instance).cost
    except (NoPlanError, SolverError):  # at the very edge neither a plan nor its absence may be provable
        return None


def rules(seed: int) -> tuple[Any, Conflict]:
    """Return the program of the random instance number `seed`, and the rules in conflict."""
    with tempfile.TemporaryDirectory() as folder:
        instance = medalopt.load(file(seed, folder))
    examined = build_feasibility_problem(instance)
    at = measure_infeasibility(instance, problem=examined)
    assert at is not None
    return examined, find_conflict(examined, at.violation)


@pytest.mark.parametrize("number", WITHOUT)
def test_the_rules_conflict_and_none_is_too_many(number: int) -> None:
    """The conflicting constraints are infeasible together, and feasible without any one of them."""
    examined, found = rules(pool.infeasible(number))
    assert minimise_violation(examined.scaled, examined.unconditional | found.bounds).contradicts
    for ends in without_one(examined, found):
        assert not minimise_violation(examined.scaled, examined.unconditional | ends).contradicts
    assert found.irreducible
    for ends in others_whole(examined, found):
        assert not minimise_violation(examined.scaled, examined.unconditional | ends).contradicts


def others_whole(examined: Any, found: Conflict) -> Iterator[RowSides]:
    """Yield for every constraint all bounds of the others: in all periods and of all members."""
    for left_out in found.rules:
        lower, upper = np.zeros_like(found.bounds.lower), np.zeros_like(found.bounds.upper)
        for (row, end), (rule, _) in examined.rule_by_bound.items():
            told = next((one for one in found.rules if one == rule or (one.kind == rule.kind and not one.names)), None)
            if told is not None and told != left_out:
                (lower, upper)[end][row] = True
        yield RowSides(lower, upper)


def without_one(examined: Any, found: Conflict) -> Iterator[RowSides]:
    """Yield the ends in conflict without those of one rule, for every rule."""
    told = {rule: (np.zeros_like(found.bounds.lower), np.zeros_like(found.bounds.upper)) for rule in found.rules}
    for (row, end), (rule, _) in examined.rule_by_bound.items():
        if (found.bounds.lower, found.bounds.upper)[end][row]:
            own = next(one for one in found.rules if one == rule or (one.kind == rule.kind and not one.names))
            told[own][end][row] = True
    for own in told.values():
        yield RowSides(found.bounds.lower & ~own[0], found.bounds.upper & ~own[1])


@pytest.mark.parametrize("number", SOME)
def test_every_repair_cures_at_the_price_it_says(number: int) -> None:
    """Each repair applied to the file gives a plan at the stated objective; the cheapest comes first."""
    seed = pool.infeasible(number)
    told = diagnosis(seed)
    for repair in told.repairs:
        changes = {change.path: format_file_value(change.after, change.unit) for change in repair.changes}
        assert objective(seed, changes) == pytest.approx(repair.objective, rel=1e-9, abs=1e-6)
    costs = [repair.objective for repair in told.repairs]
    assert costs == sorted(costs)


@pytest.mark.parametrize("number", SOME)
def test_a_smaller_change_does_not_cure(number: int) -> None:
    """Of a repair by one figure, 99 per cent of the change (of a count or date, one step less) leaves no plan."""
    seed = pool.infeasible(number)
    for repair in diagnosis(seed).repairs:
        if len(repair.changes) == 1:
            less = smaller(repair.changes[0], seed)
            if less is not None:
                assert objective(seed, {repair.changes[0].path: less}) is None, repair


def smaller(change: RepairChange, seed: int) -> str | None:
    """Return a change one per cent smaller as a file holds it; None where six digits cannot tell them apart."""
    before, after = change.before, change.after
    if isinstance(before, str) or isinstance(after, str):
        return None
    if isinstance(before, list) and isinstance(after, list):
        if any(abs(b - a) * 0.01 < SIX_DIGITS * a for a, b in zip(before, after, strict=True) if a):
            return None
        return format_file_value([a + 0.99 * (b - a) for a, b in zip(before, after, strict=True)], change.unit)
    if isinstance(after, list) or isinstance(before, list):
        return None  # a window of one number, whose other end stays
    if change.unit is None:
        step = 1 if after > before else -1
        return None if after - step == before else format_file_value(int(after) - step, None)
    if abs(after - before) * 0.01 < SIX_DIGITS * max(abs(before), abs(after)):
        return None
    return format_file_value(float(f"{before + 0.99 * (after - before):.12g}"), change.unit)
