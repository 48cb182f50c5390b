"""The MathProg model against optima that were found by another reading of the mathematics."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.twin import glpk

import medalopt
from medalopt.export import write_mathprog

FOLDER = Path(__file__).parents[1] / "conformance"
EXPECTED = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("measure", ["cost", "footprint", "mass"])
@pytest.mark.parametrize("name", EXPECTED)
def test_mathprog_finds_the_expected_optimum(name: str, measure: str) -> None:
    """GLPK on sourcing.mod gives the status and the optimum that stand in expected.json."""
    answer = glpk.solve(write_mathprog(medalopt.load(FOLDER / f"{name}.yaml"), measure))
    expected = EXPECTED[name][measure]
    assert answer.status == expected["status"]
    if answer.objective is not None:
        assert answer.objective == pytest.approx(expected["value"], rel=1e-7, abs=1e-7)


def test_there_is_something_to_compare() -> None:
    """The expectations hold plans and refusals, under three objectives."""
    statuses = [answer["status"] for answers in EXPECTED.values() for answer in answers.values()]
    assert statuses.count("optimal") >= 30
    assert statuses.count("infeasible") >= 15
