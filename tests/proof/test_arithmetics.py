"""One certificate in three arithmetics: fractions are the truth, and floats with an error bound never claim more."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.random_instances import from_seed

import medalopt
from medalopt.errors import NoPlanError
from medalopt.instance.arithmetic import EXACT_ARITHMETIC, FLOAT_ARITHMETIC, INTERVAL_ARITHMETIC
from medalopt.instance.bounds import compute_bounds
from medalopt.proof.certificate import EXACT_SIZE_LIMIT, certify_plan

ROOT = Path(__file__).parents[2]
CONFORMANCE = sorted(path.stem for path in (ROOT / "tests/conformance").glob("*.yaml"))


def in_all(instance: medalopt.Instance) -> None:
    """Certify the plan of `instance`, if it has one, in each arithmetic, and hold them against each other."""
    try:
        plan = medalopt.solve(instance)
    except NoPlanError:
        return
    bounds = compute_bounds(instance, plan.account.routes)
    exact, enclosed, floats = (
        certify_plan(plan.account, bounds, plan.duals, "cost", arithmetic)
        for arithmetic in (EXACT_ARITHMETIC, INTERVAL_ARITHMETIC, FLOAT_ARITHMETIC)
    )
    size = max(1.0, sum(abs(part).sum() for part in plan.account.costs.values()))
    assert enclosed.lower_bound <= exact.lower_bound
    assert enclosed.lower_bound == pytest.approx(exact.lower_bound, abs=1e-9 * size)
    assert floats.lower_bound == pytest.approx(exact.lower_bound, abs=1e-9 * size)
    assert enclosed.gap >= exact.gap - 1e-15
    assert enclosed.primal_violation >= exact.primal_violation
    assert exact.optimal and enclosed.optimal


@pytest.mark.parametrize("name", CONFORMANCE)
def test_the_conformance_plans_are_proven_in_each_arithmetic(name: str) -> None:
    """Floats with an error bound never claim a better bound, or a smaller violation, than fractions find."""
    in_all(medalopt.load(ROOT / f"tests/conformance/{name}.yaml"))


@pytest.mark.parametrize("seed", range(1000, 1040))
def test_random_plans_are_proven_in_each_arithmetic(seed: int, tmp_path: Path) -> None:
    """Random plans are verified in each arithmetic."""
    path = tmp_path / "random.yaml"
    path.write_text(from_seed(seed), encoding="utf-8")
    in_all(medalopt.load(path))


def test_small_is_exact_and_large_is_enclosed() -> None:
    """A certificate states its arithmetic: fractions for small instances, intervals for large ones."""
    small = medalopt.solve(medalopt.load(ROOT / "instances/tiny.yaml"))
    assert small.account.decisions.sent.size <= EXACT_SIZE_LIMIT
    assert small.certificate.arithmetic == EXACT_ARITHMETIC.name
    large = certify_plan(
        small.account, compute_bounds(small.instance, small.account.routes), small.duals, "cost", INTERVAL_ARITHMETIC
    )
    assert large.arithmetic == INTERVAL_ARITHMETIC.name
