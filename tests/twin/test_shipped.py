"""Every shipped instance: Pyomo with HiGHS and MathProg with GLPK come to the same end."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.model.cases import MEASURES
from tests.twin.agreement import assert_same_optimum

import medalopt

INSTANCES = sorted(
    path
    for path in (Path(__file__).parents[2] / "instances").glob("*.yaml")
    if path.stem != "forward_plan"  # promises a confidence, whose cuts the twin does not have
)
LARGE = {path.stem for path in INSTANCES if path.stem.startswith("tokyo2020")}  # some ten seconds each with GLPK


CASES = [
    (path, measure)
    for path in INSTANCES
    for measure in MEASURES
    if path.stem not in LARGE or (measure, path.stem) == ("cost", "tokyo2020")
]
VARIANTS = sorted(LARGE - {"tokyo2020"})


@pytest.mark.parametrize("number", range(len(VARIANTS)), ids=VARIANTS)
def test_a_variant_of_the_large_case_has_one_optimum(number: int) -> None:
    """The same optimum of both ways on the variants of the large case, of which a sample is run by default."""
    assert_same_optimum(medalopt.load(INSTANCES[0].with_name(f"{VARIANTS[number]}.yaml")), "cost")


@pytest.mark.parametrize(("path", "measure"), CASES, ids=lambda part: getattr(part, "stem", part))
def test_a_shipped_instance_has_one_optimum(path: Path, measure: str) -> None:
    """The same status, and optima within 1e-9 of all payments; large instances for cost only."""
    assert_same_optimum(medalopt.load(path), measure)
