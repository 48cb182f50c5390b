"""Answers that last, while prices move less than would change them."""

from dataclasses import replace

import numpy as np
import pytest
from tests.laws import pool

from medalopt.instance.bounds import implied
from medalopt.instance.routes import routes
from medalopt.solver.decomposition import lasting
from medalopt.solver.decomposition.needs import Needs
from medalopt.solver.decomposition.split import Split
from medalopt.solver.ladder import Task


@pytest.mark.parametrize("seed", [0, 3, 11, 27])
@pytest.mark.parametrize("owing", [False, True])
def test_answers_that_last_are_those_of_prices_anew(seed: int, owing: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Along prices that move by less and less, answers that are kept are those found anew, and come to the same."""
    monkeypatch.setattr(lasting, "FEW", 1.0)
    instance = pool.instance(seed)
    found = routes(instance)
    taken = Split.of(Task(instance, found, implied(instance, found), "cost")).asked
    chance, last = np.random.default_rng(seed), None
    if owing:
        need = 0.3 * np.bincount(
            instance.streams.region, taken.pricing.available.sum(axis=1), len(instance.regions)
        ).astype(np.float64)
        need[np.unique(instance.streams.region[~taken.sorts.alone])] = 0.0
        taken = replace(taken, needs=Needs.but(instance, need, chance.random(taken.block.shape) < 0.2))
    weights = chance.normal(0, 1e3, taken.pricing.linking.count)
    for step in range(12):
        last = taken.again(weights, last)
        answer, made = taken.answer(weights)
        assert np.array_equal(last.answer.sent, answer.sent) and np.array_equal(last.answer.kept, answer.kept)
        assert np.array_equal(last.answer.by[answer.sent > 0], answer.by[answer.sent > 0])
        assert last.made == pytest.approx(made, rel=1e-9, abs=1e-9 * np.abs(made).max(initial=1.0))
        weights = weights + chance.normal(0, 10.0 ** (2 - step), len(weights))
    assert (last is not None) and (last.margin > 0).any()
