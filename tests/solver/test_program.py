"""A start from another program: the answer is the same, and rows and columns are found again by name."""

from __future__ import annotations

from typing import Any

import pytest
from tests.model.cases import changed, loaded

from medalopt.instance.bounds import compute_bounds
from medalopt.instance.instance import Instance
from medalopt.instance.routes import build_routes
from medalopt.solve_instance import solve, solve_continuous
from medalopt.solver.highs import load_highs
from medalopt.solver.program import BASIC, SolverProgram
from medalopt.solver.scaling import scale_program
from medalopt.solver.solve_lp import SolveTask, build_program

FLOOR = {"recycled": {"Ag": "50 %"}}
NEARBY: tuple[dict[str, Any], ...] = (
    {"medals": {"medal": {"count": 12, "parts": {"silver": "500 g"}}}},
    {"policy": FLOOR},
    {"policy": FLOOR, "streams": [{"device": "phone", "region": "north", "available": "2 t"}]},
    {"streams": [{"device": "phone", "region": region, "available": "10 t"} for region in ("north", "south")]},
)


def linear(instance: Instance) -> SolverProgram:
    """Return the program of an instance."""
    found = build_routes(instance)
    return build_program(SolveTask(instance, found, compute_bounds(instance, found)))[1]


@pytest.mark.parametrize("sections", NEARBY)
def test_the_answer_is_the_same_wherever_one_starts(sections: dict[str, Any]) -> None:
    """From where the solver stood on the plain instance, others are solved to the same proven optimum."""
    standing = solve_continuous(loaded(changed()))[1]
    other = loaded(changed(**sections))
    plan, _ = solve_continuous(other, basis=standing)
    assert plan.certificate.optimal
    assert plan.cost == pytest.approx(solve(other).cost, rel=1e-12)


def test_rows_and_columns_are_found_again_by_name() -> None:
    """With an additional row, all others keep their status, the new row is basic, and no iteration is needed."""
    before, after = loaded(changed()), loaded(changed(policy=FLOOR))
    standing = solve_continuous(before)[1]
    assert standing is not None
    basis = standing.transfer(linear(after))
    assert basis is not None
    was = dict(zip(standing.program.rows, standing.basis.rows.tolist(), strict=True))
    for place, now in zip(linear(after).rows, basis.rows.tolist(), strict=True):
        assert now == was.get(place, BASIC)
    session = load_highs(scale_program(linear(after)))
    assert session is not None
    session.set_basis(basis)
    session.run()
    assert session.iterations == 0  # phones are all recycled: the floor does not bind


def test_another_network_has_no_start() -> None:
    """With an additional stream no basis is transferred, since the network columns differ."""
    standing = solve_continuous(loaded(changed()))[1]
    assert standing is not None
    assert standing.transfer(linear(loaded(changed(**NEARBY[3])))) is None
