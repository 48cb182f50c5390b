"""Values of very different magnitude: the result is right, or an error."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.model.cases import MEASURES, Document, changed, loaded, plain, planned
from tests.twin import glpk

import medalopt
from medalopt.export import write_mathprog
from medalopt.instance.instance import Instance


def agrees_with_glpk(instance: Instance) -> None:
    """Fail unless GLPK, in exact arithmetic, finds the same optimum for each objective."""
    for measure in MEASURES:
        plan, answer = planned(instance, measure), glpk.solve(write_mathprog(instance, measure))
        assert plan is not None
        assert plan.objective == pytest.approx(answer.objective, rel=1e-9, abs=1e-12)


def of_size(factor: float) -> Document:
    """Return the plain case with every mass `factor` times as large."""
    document = plain()
    document["streams"][0]["available"] = 10 * factor
    document["medals"]["medal"]["parts"]["silver"] = 0.5 * factor
    return document


@pytest.mark.parametrize("factor", [1e-9, 1e-6, 1e-3, 1e3, 1e6, 1e9])
def test_the_size_of_the_whole_changes_nothing(factor: float) -> None:
    """Milligrams or megatonnes: the cost of a plan goes with its size."""
    plan, usual = planned(loaded(of_size(factor))), planned(loaded(plain()))
    assert plan is not None
    assert usual is not None
    assert plan.cost == pytest.approx(factor * usual.cost, rel=1e-9)


@pytest.mark.parametrize("rate", ["1e-6", "1e3", "1e9"])
def test_the_currency_changes_nothing(rate: str) -> None:
    """A currency in which a kilogram of silver costs a hundredth or a billion leads to the same tonnes."""
    factor = float(rate)
    document = plain()
    document["streams"][0]["collection"] = 900 * factor
    document["market"]["silver"]["price"] = 60000 * factor
    plan = planned(loaded(document))
    assert plan is not None
    assert plan.cost == pytest.approx(4500 * factor, rel=1e-9)
    assert plan.tonnes == pytest.approx(5, rel=1e-9)


def a_little_gold(available_t: float) -> Document:
    """Return an instance that requires 0.05 g of gold: `available_t` tonnes at 300 g/t in each period."""
    return changed(
        metals={"Au": {"title": "gold"}, "Cu": {}},
        devices={"phone": {"content": {"Au": "300 g/t", "Cu": "100 kg/t"}}},
        streams=[{"device": "phone", "region": "north", "available": available_t, "collection": "300000 JPY/t"}],
        smelters={"smelter": {"returned": {"Au": "97 %", "Cu": "90 %"}}},
        market=None,
        alloys={"gold": {"composition": {"Au": ["99.9 %", "100 %"]}}},
        medals={"medal": {"count": 1, "parts": {"gold": "0.05 g"}}},
    )


@pytest.mark.parametrize("available_t", [1e-3, 1.0, 1e3, 1e5, 1e6, 1e8])
def test_a_little_gold_out_of_very_much(available_t: float) -> None:
    """A pinch in a ship's load is still sent for: 0.05 g at 0.291 g a kilogram of phones is 172 g of them."""
    instance = loaded(a_little_gold(available_t))
    plan = planned(instance)
    assert plan is not None
    assert plan.tonnes == pytest.approx(0.05e-3 / (0.3 * 0.97), rel=1e-9)
    assert plan.cost == pytest.approx(300_000 * 0.05e-3 / (0.3 * 0.97), rel=1e-9)
    agrees_with_glpk(instance)


def test_raw_yen_and_tonnes_of_metal() -> None:
    """Cathode copper by the ten thousand tonnes, gold by the gram, prices in raw yen: GLPK finds the same."""
    document = changed(
        metals={"Au": {"sell": "4_400_000 JPY/kg"}, "Cu": {"sell": "700 JPY/kg"}, "Ag": {}},
        devices={"phone": {"content": {"Au": "3 mg/t", "Cu": "600 kg/t", "Ag": "1 g/t"}}},
        streams=[{"device": "phone", "region": "north", "available": "50_000 t", "collection": "900_000 JPY/t"}],
        smelters={"smelter": {"returned": {"Au": "97 %", "Cu": "90 %", "Ag": "95 %"}}},
        market={"gold": {"composition": {"Au": "100 %"}, "price": "5_000_000_000 JPY/t"}},
        alloys={
            "gold": {"composition": {"Au": ["99.9 %", "100 %"]}},
            "copper": {"composition": {"Cu": ["99 %", "100 %"]}},
        },
        medals={"medal": {"count": 9, "parts": {"gold": "6 g", "copper": "1 t"}}},
    )
    agrees_with_glpk(loaded(document))


def test_a_little_emitted_where_very_much_could_be() -> None:
    """The best plan emits 56 g, others could emit very much more: a proof to 1e-9 needs finer prices."""
    instance = medalopt.load(Path(__file__).parent / "little_footprint.yaml")
    plan, answer = planned(instance, "footprint"), glpk.solve(write_mathprog(instance, "footprint"))
    assert plan is not None
    assert plan.objective == pytest.approx(answer.objective, rel=1e-9)
    assert plan.objective < 0.06
