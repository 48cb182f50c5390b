"""Iterative refinement: demands of very different magnitude are met, and the plan is verified."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from tests.model.cases import Document, loaded, plain

import medalopt
from medalopt.cli.run import run_guarded
from medalopt.errors import CoefficientRangeError, SolverError
from medalopt.instance.instance import find_widest_spread
from medalopt.solver import solve_lp

HARD = (1, 11, 46, 51)  # instances of which no answer can be proven as it comes
HARDEST = (8, 16, 60, 105, 134, 145, 171, 224)  # of which no refined answer can be proven either


def _draw_alloys(random: Random, metals: list[str]) -> dict[str, Any]:
    """Return an alloy of each metal, some with a second metal."""
    alloys: dict[str, Any] = {}
    for metal in metals:
        least = random.choice([90, 99, 99.9])
        alloys[metal.lower()] = {"composition": {metal: [f"{least} %", "100 %"]}}
        if random.random() < 0.5:
            other = random.choice([one for one in metals if one != metal])
            alloys[metal.lower()]["composition"][other] = ["0 %", f"{100 - least:.4g} %"]
    return alloys


def far_apart(seed: int) -> Document:
    """Return needs, contents, prices and supply each spread over up to 21 decades."""
    random = Random(seed)

    def spread(low: float, high: float, unit: str) -> str:
        return f"{10 ** random.uniform(low, high):.4g} {unit}"

    metals = ["Au", "Ag", "Cu", "Sn"][: random.choice([2, 3, 4])]
    alloys = _draw_alloys(random, metals)
    medals = {
        metal.lower(): {
            "count": int(10 ** random.uniform(0, random.choice([0.1, 9]))),
            "parts": {metal.lower(): spread(-6, 9, "g")},
        }
        for metal in metals
    }
    devices = {
        name: {"content": {metal: spread(-9, 2.3, "kg/t") for metal in metals}}
        for name in ("phone", "camera", "tablet")[: random.choice([1, 2, 3])]
    }
    streams = [
        {"device": device, "region": region, "available": spread(-3, 12, "t"), "collection": spread(-6, 6, "EUR/t")}
        for device in devices
        for region in ("north", "south")[: random.choice([1, 2])]
    ]
    market = {
        metal.lower(): {"composition": {metal: "100 %"}, "price": spread(-6, 9, "EUR/kg")}
        for metal in metals
        if random.random() < 0.8
    }
    return {
        "format": "medalopt/1",
        "name": "spread",
        "currency": "EUR",
        "periods": {"count": random.choice([1, 2, 3])},
        "metals": {metal: {} for metal in metals},
        "devices": devices,
        "streams": streams,
        "smelters": {
            "smelter": {
                "returned": {metal: f"{random.uniform(50, 99):.3g} %" for metal in metals},
                "treatment_charge": spread(-3, 4, "EUR/t"),
            }
        },
        "market": market,
        "alloys": alloys,
        "medals": medals,
    }


@pytest.mark.parametrize("seed", HARD)
def test_needs_far_apart_are_proven(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """If no result can be proven directly, a refined one is, by the same certificate."""
    instance = loaded(far_apart(seed))
    plan = medalopt.solve(instance)
    assert plan.certificate.optimal
    monkeypatch.setattr(solve_lp, "refine_iteratively", lambda *_: ())
    with pytest.raises(SolverError, match="no method found a solution that can be verified"):
        medalopt.solve(instance)


@pytest.mark.parametrize("seed", HARDEST)
def test_what_no_refinement_proves_the_exact_simplex_method_does(seed: int) -> None:
    """Needs spread over more than 12 decades have a proven plan: the last pivots are made in fractions."""
    plan = medalopt.solve(loaded(far_apart(seed)))
    assert plan.certificate.optimal and plan.certificate.basis == "proven"
    assert plan.method == "exact simplex, direct"


def test_what_cannot_be_proven_names_the_figures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """If no result is proven, the two parameters of most different magnitude are named, exit code 2."""
    instance = loaded(far_apart(1))
    monkeypatch.setattr(solve_lp, "refine_iteratively", lambda *_: ())
    with pytest.raises(CoefficientRangeError) as refusal:
        medalopt.solve(instance)
    spread = find_widest_spread(instance)
    assert spread is not None and str(spread) in str(refusal.value)

    def fail() -> int:
        raise refusal.value

    assert run_guarded(fail, as_json=True) == 2
    printed = capsys.readouterr()
    assert "decades apart; check their units" in printed.err
    assert '"status": "input"' in printed.out


def test_the_two_figures_that_lie_farthest_apart() -> None:
    """The two named parameters are of one kind, with path, value and unit."""
    document = plain()
    assert find_widest_spread(loaded(document)) is None
    document["medals"]["pin"] = {"count": 1, "parts": {"silver": "1e-6 g"}}
    assert str(find_widest_spread(loaded(document))) == (
        "medals.pin.parts.silver (1e-09 kg) and medals.medal.parts.silver (0.5 kg) lie 9 decades apart; "
        "check their units"
    )
