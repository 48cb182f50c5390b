"""Many programs on one line, solved in a row."""

from __future__ import annotations

import numpy as np
import pytest
from tests.solver.programs import two_by_two
from tests.solver.test_moving import at_least

from medalopt.errors import SolverError
from medalopt.model.network import Entries
from medalopt.solver import sweep
from medalopt.solver.line import Line
from medalopt.solver.linear import Linear
from medalopt.solver.moving import Outcome, cold
from medalopt.solver.sweep import Sweep

ENTRIES = at_least(1.0).entries
STEEP = Entries(ENTRIES.row, ENTRIES.column, np.array([3.0, 0.5, 1.0, -500.0]))


@pytest.mark.parametrize(
    "end",
    [
        at_least(1.0, 7.0),
        at_least(1.5),
        at_least(1.0, row_lower=np.array([-np.inf, -1.0])),
        at_least(1.0, row_upper=np.array([9.0, 2.0])),
        at_least(1.0, entries=STEEP),
        at_least(1.25, 3.0, entries=STEEP, row_upper=np.array([8.0, 0.0])),
    ],
)
def test_each_is_solved_as_it_would_be_alone(end: Linear, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever moves, every answer, within the line and beyond, is that of a solve from the beginning."""
    monkeypatch.setattr(sweep, "_TOGETHER", 12)  # three at once
    line = Line(at_least(1.0), end, 0.0, 2.0)
    positions = [0.0, 0.5, 1.7, 2.0, 2.25, 1.0, 0.25]
    for position, found in zip(positions, Sweep(line).outcomes(positions), strict=True):
        alone = cold(line.at(position))
        assert found.warm
        assert found.value == pytest.approx(alone.value, rel=1e-12)
        assert found.bound == pytest.approx(alone.value, rel=1e-9)
        np.testing.assert_allclose(found.x, alone.x, atol=1e-9)


def test_what_has_no_plan_is_answered_otherwise() -> None:
    """Where more is asked than there can be, another is asked, and then the sweep goes on."""
    asked: list[Linear] = []

    def otherwise(linear: Linear) -> Outcome:
        asked.append(linear)
        return cold(linear)

    found = list(Sweep(Line(at_least(1.0), at_least(3.0), 0.0, 1.0), otherwise).outcomes([0.0, 1.0, 0.25]))
    assert [one.status for one in found] == ["optimal", "infeasible", "optimal"]
    assert [one.lower[0] for one in asked] == [3.0]


def test_an_answer_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With tolerances that no answer keeps, each is answered otherwise."""
    monkeypatch.setattr(sweep, "NEAR", -1.0)
    found = list(Sweep(Line(at_least(1.0), at_least(1.5), 0.0, 1.0)).outcomes([0.5]))
    assert not found[0].warm


def test_figures_too_far_apart_are_refused() -> None:
    """A program of which HiGHS would take only a part is not kept."""
    apart = two_by_two(entries=Entries(ENTRIES.row, ENTRIES.column, np.array([3.0, 1e-30, 1.0, -1000.0])))
    with pytest.raises(SolverError, match="far apart"):
        Sweep(Line(apart, apart, 0.0, 1.0))


def test_a_row_without_entries_is_kept_or_not() -> None:
    """A row and a column that no entry touches take part in the check."""

    def wide(lower: float) -> Linear:
        made = at_least(lower)
        return two_by_two(
            places=(*made.places, ("z", None)),
            lower=np.append(made.lower, 0.0),
            upper=np.append(made.upper, 1.0),
            size=np.append(made.size, 1.0),
            costs=np.hstack([made.costs, [[-1.0], [0.0]]]),
            rows=(*made.rows, ("empty", None)),
            row_lower=np.append(made.row_lower, -1.0),
            row_upper=np.append(made.row_upper, 1.0),
        )

    found = list(Sweep(Line(wide(1.0), wide(1.5), 0.0, 1.0)).outcomes([0.0, 1.0]))
    assert [one.value for one in found] == [pytest.approx(4.00025), pytest.approx(6.500375)]
