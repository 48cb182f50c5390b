"""Shares of the variance: of functions whose shares are known, and of instances whose cost is arithmetic."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.analysis.sensitivity.test_tornado import BY_HAND
from tests.analysis.varied import TINY

from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.uncertain_parameters import draw_saltelli_sample, find_uncertain_inputs
from medalopt.analysis.sensitivity.variance import (
    MIN_COMPLETE_ROWS,
    SobolIndices,
    analyse_variance,
    estimate_sobol_indices,
)
from medalopt.errors import UsageError
from medalopt.instance.arrays import Floats

TOKYO = TINY.parent / "tokyo2020.yaml"
UNCERTAIN = TINY.parents[1] / "tests" / "instance" / "uncertain.yaml"
ROWS = 4_096


def ishigami(x: Floats) -> Floats:
    """Return the function of Ishigami and Homma, of three numbers evenly from -pi to pi."""
    return np.asarray(np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0]))


def known(lost: Floats | None = None) -> tuple[SobolIndices, ...]:
    """Return the shares of that function, without the values of the rows that are `lost`."""
    random = np.random.default_rng(5)
    a, b = (random.uniform(-math.pi, math.pi, (ROWS, 3)) for _ in range(2))
    mixed = [np.where(np.arange(3) == at, b, a) for at in range(3)]
    first = ishigami(a) if lost is None else np.where(lost, np.nan, ishigami(a))
    return estimate_sobol_indices(first, ishigami(b), np.array([ishigami(one) for one in mixed]))


def test_shares_of_a_function_that_is_known() -> None:
    """Ishigami's shares (0.314, 0.442, 0 alone; 0.558, 0.442, 0.244 in all) lie inside narrow intervals."""
    wanted = ((0.3139, 0.5576), (0.4424, 0.4424), (0.0, 0.2437))
    for found, (first, total) in zip(known(), wanted, strict=True):
        assert found.first is not None and found.total is not None
        assert found.first.low - 0.02 <= first <= found.first.high + 0.02
        assert found.total.low - 0.02 <= total <= found.total.high + 0.02
        assert found.total.high - found.total.low < 0.15


def test_rows_without_a_value_are_left_out() -> None:
    """Half of the rows tell the same shares, less surely; too few tell none."""
    half = known(np.arange(ROWS) % 2 == 0)
    assert half[0].rows == ROWS // 2
    assert half[0].total is not None and half[0].total.value == pytest.approx(0.5576, abs=0.06)
    assert known(np.arange(ROWS) >= MIN_COMPLETE_ROWS - 1)[0] == SobolIndices(None, None, MIN_COMPLETE_ROWS - 1)


def test_what_does_not_vary_has_no_shares() -> None:
    """If all values are equal, there are no variance shares."""
    same = np.full(20, 3.0)
    assert estimate_sobol_indices(same, same, np.array([same])) == (SobolIndices(None, None, 20),)


def test_shares_of_a_cost_that_is_a_sum() -> None:
    """With enough supply the cost is linear in the metal of the phones: shares follow by arithmetic."""
    changes = {
        "market.silver.limit": "100 kg",
        "market.silver.cv": "",
        "devices.phone.cv": "{Ag: 20 %}",
        "treatments.hand.cv": "10 %",
        "smelters.near.cv": "",
    }
    found = analyse_variance(ScenarioRunner(BY_HAND, changes), 64, 1)
    assert found.without == 0
    by = {cause.path[0]: one for cause, one in zip(found.inputs, found.objective_indices, strict=True)}
    # the cost is linear in a product of two lognormals, but that 80 % recovered cannot pass 100 %
    phones, hand = math.log1p(0.2**2), math.log1p(0.1**2)
    expected = math.expm1(phones) / math.expm1(phones + hand)
    first, total = by["devices"].first, by["devices"].total
    assert first is not None and total is not None
    assert first.value == pytest.approx(expected, abs=0.15)
    assert total.value == pytest.approx(expected, abs=0.2)
    assert found.quantiles[1] == pytest.approx(684_000, rel=0.03)


def test_no_plan_is_counted() -> None:
    """Infeasible draws are counted and attributed to the assay."""
    found = analyse_variance(ScenarioRunner(BY_HAND), 32, 1)
    assert 0.15 < found.without < 0.5
    totals = {
        cause.path[0]: one.total.value
        for cause, one in zip(found.inputs, found.feasibility_indices, strict=True)
        if one.total
    }
    assert max(totals, key=lambda name: totals[name]) == "devices"
    assert totals["market"] == 0
    assert 0 < found.capped_fraction < 1


def test_metals_of_a_device_are_drawn_together() -> None:
    """The assays of one device are one cause, with the correlation and the spread that the instance gives."""
    found = find_uncertain_inputs(ScenarioRunner(TOKYO))
    phone = next(cause for cause in found if cause.path == ("devices", "feature_phone"))
    assert (len(phone.factors), phone.correlation, phone.variate_count) == (2, 0.6, 3)
    drawn = draw_saltelli_sample((phone,), 4_000).first[0]
    assert drawn.mean(axis=0) == pytest.approx([1.0, 1.0], abs=0.02)
    assert sorted(drawn.std(axis=0)) == pytest.approx([0.30, 0.45], abs=0.03)
    assert np.corrcoef(np.log(drawn).T)[0, 1] == pytest.approx(0.6, abs=0.05)


def test_without_any_cv_a_tenth_is_drawn() -> None:
    """Without a cv, assays, recoveries, accountabilities and prices vary by 10 %, other parameters do not."""
    found = find_uncertain_inputs(ScenarioRunner(TINY))
    assert {cause.path[0] for cause in found} == {"devices", "treatments", "smelters", "market"}
    drawn = draw_saltelli_sample(found[:1], 100).first[0]
    assert drawn.min() >= 0.9 and drawn.max() <= 1.1
    assert np.sort(np.floor((drawn[:, 0] - 0.9) / 0.002 + 1e-9)).tolist() == list(range(100))


@pytest.mark.parametrize(("rows", "said"), [(7, "8 to"), (10**6, "8 to")])
def test_too_few_or_too_many_rows(rows: int, said: str) -> None:
    """A sample size out of range is rejected."""
    with pytest.raises(UsageError, match=said):
        analyse_variance(ScenarioRunner(BY_HAND), rows)


def test_nothing_is_uncertain() -> None:
    """An instance without uncertain parameters is rejected."""
    with pytest.raises(UsageError, match="no assay"):
        analyse_variance(ScenarioRunner(TINY.parent / "dantzig.yaml", objective="footprint"), 8)


def test_interrupted_shares_are_of_what_is_there() -> None:
    """After Ctrl-C the shares are those of the finished rows."""

    def report(done: int, of: int) -> None:
        if done == 40:
            raise KeyboardInterrupt

    found = analyse_variance(ScenarioRunner(BY_HAND), 16, 1, report_progress=report)
    assert (found.interrupted, found.solved_count, found.scenario_count) == (True, 40, 96)
    assert [one.rows for one in found.feasibility_indices] == [8, 0, 0, 0]


def test_supplies_are_drawn_as_correlated() -> None:
    """Streams with a cv are drawn with the correlation of the file; a draw scales their supply."""
    inputs = find_uncertain_inputs(ScenarioRunner(UNCERTAIN))
    (supply,) = [one for one in inputs if one.path[0] == "streams"]
    assert [str(factor.path[1]) for factor in supply.factors] == ["laptop@east", "phone@east", "phone@west"]
    drawn = draw_saltelli_sample((supply,), 4_000)
    assert np.corrcoef(np.log(drawn.first[0]).T) == pytest.approx(
        np.array([[1, 0.4, 0.1], [0.4, 1, 0.3], [0.1, 0.3, 1]]), abs=0.05
    )
    assert set(next(drawn.iterate_draws())) == {f"streams.{factor.path[1]}.available" for factor in supply.factors}
