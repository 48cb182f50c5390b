"""A part of the columns asked in place of the whole program: it finds what the whole one does, or says it cannot."""

from __future__ import annotations

import numpy as np
import pytest
from tests.laws import pool

from medalopt.analysis.explanation.near import Near
from medalopt.solver import part, warm
from medalopt.solver.rerun import Change
from medalopt.solver.warm import Warm

SEEDS = [seed for seed in range(24) if seed % 2 == 0]


def answers(seed: int) -> list[tuple[float, ...]] | None:
    """Return prices of supply and of sums of shipments in a random plan, and what a whole step costs; NaN: no plan."""
    plan = pool.plan(seed)
    if plan is None:
        return None
    near = Near.of(plan, [np.array([i]) for i in range(len(plan.instance.streams.names))])
    found = []
    for row in range(0, len(near.rerun.linear.rows), 3):
        for by in (1.0, -1.0):
            change = Change(rows={row: (by, by)})
            told = (near.slope(change), near.rerun.step(Change(rows={row: (100 * by, 100 * by)})))
            found.append(tuple(np.nan if one is None else one.value for one in told))
    for group in range(len(near.rerun.sums)):
        sums = (near.rerun.slope_of_sum(group, 1), near.rerun.slope_of_sum(group, -1))
        found.append(tuple(np.nan if one is None else one.value for one in sums))
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_a_part_answers_as_the_whole(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prices, steps and what has no plan are the same, also where hardly a column is there from the beginning."""
    whole = answers(seed)
    if whole is None:
        return
    asked: list[object] = []
    answer = part.Part.answer
    monkeypatch.setattr(part.Part, "answer", lambda *given: (asked.append(1), answer(*given))[1])
    monkeypatch.setattr(part, "_PER_ROW", 0)
    monkeypatch.setattr(warm, "_LARGE", 0)
    apart = answers(seed)
    assert asked and apart is not None
    for one, other in zip(whole, apart, strict=True):
        assert one == pytest.approx(other, rel=1e-7, abs=1e-6, nan_ok=True)


def test_where_a_part_cannot_tell_the_whole_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a step allowed to it, or a ray that proves anything, a part leaves the answer to the whole program."""
    whole = answers(10)
    monkeypatch.setattr(warm, "_LARGE", 0)
    monkeypatch.setattr(part, "_STEPS", 0)
    monkeypatch.setattr(part, "PROVEN", np.inf)
    full: list[object] = []
    attempted = Warm._attempted
    monkeypatch.setattr(Warm, "_attempted", lambda *given: (full.append(1), attempted(*given))[1])
    apart = answers(10)
    assert full and whole is not None and apart is not None
    for one, other in zip(whole, apart, strict=True):
        assert one == pytest.approx(other, rel=1e-7, abs=1e-6, nan_ok=True)
