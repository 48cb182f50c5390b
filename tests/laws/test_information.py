"""Value of information: the posterior variance, and savings that agree with instances changed in the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.laws.test_confidence import TEXT

import medalopt
from medalopt.analysis.risk import information
from medalopt.analysis.risk.information import compute_information_value, compute_posterior_deviation
from medalopt.errors import UsageError
from medalopt.instance.instance import Instance
from medalopt.report.confidence import _encode_information
from medalopt.solve_instance import solve


@pytest.fixture(scope="module")
def promised(tmp_path_factory: pytest.TempPathFactory) -> Instance:
    """Return two device types and two deadlines with a confidence of 70 %."""
    file: Path = tmp_path_factory.mktemp("information") / "two_sources.yaml"
    file.write_text(TEXT)
    return medalopt.load(file).with_changes({"policy.confidence": "70 %"})


def check_posterior() -> None:
    """Compare the posterior deviation with the spread of true means among draws whose samples agree."""
    rng, prior, error, samples = np.random.default_rng(7), 0.4, 0.5, 4
    means = rng.normal(1.0, prior, 400_000)
    seen = means + rng.normal(0.0, error / np.sqrt(samples), len(means))
    near = means[np.abs(seen - 1.2) < 0.01]
    assert near.std() == pytest.approx(information.compute_posterior_deviation(prior, samples, error), rel=0.03)


def test_posterior_deviation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws confirm the posterior deviation; one without the prior, or with n in place of n/s², is found."""
    check_posterior()
    assert compute_posterior_deviation(0.3, 1, 0.3) == pytest.approx(0.3 / np.sqrt(2), rel=1e-15)
    for wrong in (
        lambda deviation, samples, error: error / np.sqrt(samples),
        lambda deviation, samples, error: 1 / np.sqrt(1 / deviation**2 + samples),
    ):
        monkeypatch.setattr(information, "compute_posterior_deviation", wrong)
        with pytest.raises(AssertionError):
            check_posterior()


def test_savings_agree_with_the_changed_file(promised: Instance) -> None:
    """Each saving is that of the instance with another `cv`; more samples save more, and ranks hold."""
    found = compute_information_value(promised, samples=4, sample_error=0.3)
    assert [one.factor.owner for one in found.factors][:1] == ["phone"]
    for one in found.factors[:2]:
        path = f"{one.factor.path[0]}.{one.factor.owner}.cv{'.Ag' if one.factor.metal else ''}"
        for cv, saved in ((one.factor.deviation / 2, one.halved), (one.posterior, one.sampled)):
            changed = solve(promised.with_changes({path: f"{100 * cv!r} %"}))
            assert saved == pytest.approx(found.plan.cost - changed.cost, rel=1e-6)
        assert one.halved == pytest.approx(one.estimate, rel=0.3)
    savings = [one.sampled for one in found.factors]
    assert savings == sorted(savings, reverse=True) and all(saved > 0 for saved in savings)
    assert sum(one.share for one in found.factors) == pytest.approx(1)
    more = compute_information_value(promised, samples=8, sample_error=0.3)
    assert more.factors[0].sampled > found.factors[0].sampled
    assert _encode_information(found)["rows"][0]["per_sample"] == pytest.approx(found.factors[0].sampled / 4)


def test_information_needs_a_promise(promised: Instance) -> None:
    """Without promised confidence, or with invalid samples, no value is computed."""
    with pytest.raises(UsageError, match="--confidence"):
        compute_information_value(promised.with_changes({"policy.confidence": "50 %"}))
    with pytest.raises(UsageError, match="--samples"):
        compute_information_value(promised, samples=0)
