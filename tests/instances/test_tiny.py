"""The tiny instance is only worth something while every family of constraints binds in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import medalopt
from medalopt import Plan

TINY = Path(__file__).parents[2] / "instances" / "tiny.yaml"
PRICED = {  # the families with a marginal value in the plan, by the name of their rows
    "feed_capacity",
    "treatment_capacity",
    "cast_capacity",
    "balance",
    "melt",
    "fineness_low",
    "fineness_high",
    "others",
    "demand",
    "purchase",
    "stream_commitment",
    "feed_total",
    "recycled",
    "mix_low",
    "mix_high",
    "participation",
    "footprint_cap",
    "process_scrap",
}
RELAXED = {  # a figure of the file, and the looser one that must cost less
    "supply": ("[2 t, 2 t, 2 t, 2 t]", "[2 t, 2.1 t, 2 t, 2 t]"),
    "stockpile limit": ("limit: 4 t, cost", "limit: 4.1 t, cost"),
    "bundle": ("region: west, bundle: box, available: 3 t", "region: west, available: 3 t"),
    "supply of a bundle": ("device: phone, region: west, bundle: box", "device: phone, region: west"),
    "feed capacity": ("capacity: 2 t ", "capacity: 2.1 t "),
    "treatment capacity": ("capacity: 2.5 t}", "capacity: 2.6 t}"),
    "casting capacity": ("capacity: 14 kg", "capacity: 14.1 kg"),
    "fineness, least": ("Ag: [92.5 %, 100 %]", "Ag: [92.4 %, 100 %]"),
    "fineness, greatest": ("Zn: [0 %, 5 %]", "Zn: [0 %, 5.1 %]"),
    "others": ("others: 2 %", "others: 2.1 %"),
    "demand with a due date": ("due: 2017-05", "due: 2017-06"),
    "purchase commitment": ("committed: 0.5 kg", "committed: 0.4 kg"),
    "purchase limit": ("limit: 2 kg", "limit: 2.1 kg"),
    "stream commitment": ("committed: 1 t}", "committed: 0.9 t}"),
    "feed commitment": ("committed: 9.6 t", "committed: 9.59 t"),
    "feed limit": ("limit: 3 t", "limit: 3.01 t"),
    "recycled content": ("recycled: {Ag: 60 %}", "recycled: {Ag: 59 %}"),
    "device mix, greatest": ("phone: [0 %, 35 %]", "phone: [0 %, 35.1 %]"),
    "device mix, least": ("kettle: [34 %, 100 %]", "kettle: [33.9 %, 100 %]"),
    "participation": ("participation: 50 %", "participation: 49 %"),
    "footprint": ("footprint_cap: 4.5 t", "footprint_cap: 4.51 t"),
    "process scrap": ("returned: 90 %, lead: 1}", "returned: 91 %, lead: 1}"),
    "metal balance": ("opening_stock: 1 kg", "opening_stock: 1.1 kg"),
    "melt": ("loss: 1 %", "loss: 0.9 %"),
}


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Return the plan of the instance as it is shipped."""
    return medalopt.solve(medalopt.load(TINY))


@pytest.fixture
def cost_with(tmp_path: Path) -> Callable[[str, str], float]:
    """Return a function that solves the instance with one text in it replaced, and returns the cost."""

    def changed(old: str, new: str) -> float:
        text = TINY.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"'{old}' stands {text.count(old)} times in tiny.yaml"
        path = tmp_path / "tiny.yaml"
        path.write_text(text.replace(old, new), encoding="utf-8")
        return medalopt.solve(medalopt.load(path)).cost

    return changed


def test_every_family_has_a_marginal_value(plan: Plan) -> None:
    """Each family with prices has a non-zero marginal value in the plan."""
    priced = {rule for rule, values in plan.duals.items() if any(abs(value) > 1e-3 for value in values.values())}
    assert PRICED - priced == set()


@pytest.mark.parametrize("family", RELAXED)
def test_every_constraint_costs_something(family: str, plan: Plan, cost_with: Callable[[str, str], float]) -> None:
    """Relaxing any constraint a little reduces the cost, so each is binding."""
    assert cost_with(*RELAXED[family]) < plan.cost - 1


def test_both_ends_of_a_range_bind(plan: Plan) -> None:
    """Limit and commitment of purchases and of feed are each reached by one offer and one smelter."""
    assert {name: value > 0 for name, value in plan.duals["purchase"].items() if value} == {
        "old_silver": False,
        "refined_silver": True,
    }
    assert {name: value > 0 for name, value in plan.duals["feed_total"].items() if value} == {
        "near": False,
        "far": True,
    }
