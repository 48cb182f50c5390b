"""Warm-started solver: results do not depend on earlier solves, even unsuccessful ones."""

from __future__ import annotations

from typing import Any

import pytest
from tests.model.cases import changed, loaded, planned

from medalopt.analysis.explain.local_analysis import PlanNeighbourhood
from medalopt.solver.warm_solver import WarmSolver

LITTLE, FAR_TOO_MUCH = 1e-3, 1e6  # scaled, in which a quantity is about 1 at most


@pytest.fixture
def near() -> PlanNeighbourhood:
    """Return a plan for 5 kg of silver from phones, of which there are 9 kg, and from nowhere else."""
    plan = planned(loaded(changed(market=None)))
    assert plan is not None
    return PlanNeighbourhood.build(plan)


def statuses(warm: WarmSolver) -> list[list[int]]:
    """Return the status of each column and row of the solver."""
    basis = warm._session.basis
    assert basis is not None
    return [basis.columns.tolist(), basis.rows.tolist()]


def more(near: PlanNeighbourhood, by: float) -> dict[int, tuple[float, float]]:
    """Return that so much more has to be cast in the end."""
    row = max(number for (name, _), number in near.row_numbers.items() if name == "demand")
    return {row: (by, by)}


def test_after_a_question_without_an_answer_the_next_starts_where_the_first_did(near: PlanNeighbourhood) -> None:
    """After an infeasible solve the next one starts from the basis of the plan, with the same cost."""
    warm = near.local.whole
    before = statuses(warm)
    expected = warm.solve_shifted_bounds(more(near, LITTLE), {})
    assert expected is not None and expected.value > 0
    for _ in range(3):
        assert warm.solve_shifted_bounds(more(near, FAR_TOO_MUCH), {}) is None
        assert statuses(warm) == before
        again = warm.solve_shifted_bounds(more(near, LITTLE), {})
        assert again is not None
        assert again.value == pytest.approx(expected.value, rel=1e-9)


def test_a_refusal_from_the_beginning_is_one_too(near: PlanNeighbourhood, monkeypatch: pytest.MonkeyPatch) -> None:
    """If neither method finishes from the basis, the solve from scratch decides."""
    warm = near.local.whole
    before, run, tried = statuses(warm), warm._run_simplex, list[int]()

    def late(costs: Any, strategy: int) -> Any:
        tried.append(strategy)
        return run(costs, strategy) if len(tried) > 2 else ("unanswered", None)

    monkeypatch.setattr(warm, "_run_simplex", late)
    assert warm.solve_shifted_bounds(more(near, FAR_TOO_MUCH), {}) is None
    assert len(tried) == 3 and statuses(warm) == before
