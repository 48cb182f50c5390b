"""A plan converted back to its program, and post-optimal analysis around it."""

from __future__ import annotations

import numpy as np
import pytest
from tests.laws import pool

from medalopt.analysis.explain.local_analysis import PlanNeighbourhood
from medalopt.solver.local_analysis import BoundChange

PLANS = [seed for seed in range(40) if seed % 2 == 0]


def near(seed: int) -> PlanNeighbourhood | None:
    """Return a random plan with its neighbourhood and every stream as a source; None if infeasible."""
    plan = pool.plan(seed)
    return (
        None
        if plan is None
        else PlanNeighbourhood.build(plan, [np.array([i]) for i in range(len(plan.instance.streams.names))])
    )


@pytest.mark.parametrize("seed", PLANS)
def test_a_plan_is_traced_back_into_its_program(seed: int) -> None:
    """The reconstructed columns satisfy all rows and bounds, and have the cost of the plan."""
    found = near(seed)
    if found is None:
        return
    linear, x = found.local.linear, found.local.x
    entries = linear.entries
    terms = entries.value * x[entries.column]
    activity = np.bincount(entries.row, terms, len(linear.rows))
    size = 1e-9 * np.maximum(np.bincount(entries.row, np.abs(terms), len(linear.rows)), 1.0)
    assert ((activity >= linear.row_lower - size) & (activity <= linear.row_upper + size)).all()
    assert ((x >= linear.lower) & (x <= linear.upper + 1e-9)).all()
    assert float(linear.costs[0] @ x) == pytest.approx(found.plan.objective, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("seed", PLANS)
def test_nothing_changed_costs_nothing(seed: int) -> None:
    """No change is free, and along every way that leaves the plan the cost only rises."""
    found = near(seed)
    if found is None:
        return
    nothing = found.local.solve_direction(BoundChange())
    assert nothing is not None and nothing.value == 0
    for group in range(len(found.local.meters)):
        for by in (1, -1):
            shift = found.local.solve_metered_direction(group, by)
            assert shift is None or shift.value >= -1e-6 * max(1.0, abs(found.plan.objective))
            assert shift is None or found.local.meters[group].measure(shift.x) == pytest.approx(by)


@pytest.mark.parametrize("seed", PLANS)
def test_slopes_are_homogeneous(seed: int) -> None:
    """Twice the change costs twice as much: the size of a step does not matter to a one-sided derivative."""
    found = near(seed)
    if found is None:
        return
    for row, (name, _) in enumerate(found.local.linear.rows):
        if name != "demand":
            continue
        one, two = (found.local.solve_direction(BoundChange({row: (by, by)})) for by in (1.0, 2.0))
        assert (one is None) == (two is None)
        assert one is None or two is None or two.value == pytest.approx(2 * one.value, rel=1e-9, abs=1e-9)


def test_asking_leaves_no_trace() -> None:
    """The same question gives the same answer before and after others."""
    found = next(one for seed in PLANS if (one := near(seed)) is not None and one.local.meters)
    before = [found.local.solve_metered_direction(0, by) for by in (1, -1)]
    found.local.find_leaving_price(0)
    found.local.find_optimal_range(0)
    found.local.find_other_optimum()
    after = [found.local.solve_metered_direction(0, by) for by in (1, -1)]
    values = [[None if shift is None else shift.value for shift in told] for told in (before, after)]
    assert values[0] == pytest.approx(values[1]) if None not in values[0] else values[0] == values[1]
