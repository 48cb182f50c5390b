"""Demand by period, and admissible charges."""

from __future__ import annotations

from fractions import Fraction

import pytest
from tests.model.cases import ROOT, changed, loaded

import medalopt
from medalopt.instance.arrays import ExactArray
from medalopt.instance.bounds import (
    can_be_in_stock,
    can_return_metal,
    compute_cumulative_demand,
    compute_scrap_rate,
    has_demand,
    is_excluded_by_unnamed,
    may_buy,
    may_charge,
)
from medalopt.instance.instance import Instance
from medalopt.instance.routes import build_routes

GOLDEN = ROOT / "tests" / "model" / "golden"


def golden(family: str) -> Instance:
    """Return the instance of one family's golden files."""
    return medalopt.load(GOLDEN / f"{family}.yaml")


def test_what_is_owed_by_hand() -> None:
    """Four medals of 0.5 kg with half as much again that never comes back, by period 1; two of 0.25 kg by period 2."""
    instance = golden("demand")
    assert instance.alloys.names == ("idle", "plate", "silver")
    assert compute_cumulative_demand(instance).tolist() == [[0.0, 0.0], [0.0, 0.014], [3.0, 3.5]]
    assert compute_cumulative_demand(instance, ExactArray.exact).tolist() == [
        [0, 0],
        [0, Fraction(14, 1000)],
        [3, Fraction(7, 2)],
    ]
    assert has_demand(instance).tolist() == [False, True, True]


@pytest.mark.parametrize("medal", [{"count": 0, "parts": {"silver": "1 kg"}}, {"count": 5, "parts": {"silver": 0}}])
def test_nothing_is_owed_for_nothing(medal: dict[str, object]) -> None:
    """An alloy without medals has no demand, no charge and no purchase."""
    instance = loaded(changed(medals={"medal": medal}))
    assert has_demand(instance).tolist() == [False]
    assert not may_charge(instance, build_routes(instance)).any()
    assert not may_buy(instance).any()
    assert compute_scrap_rate(instance).tolist() == [0]


def test_when_metal_can_come_back() -> None:
    """`far` returns silver and copper after a period, `near` silver at once; zinc is returned by nobody."""
    instance = golden("metal_balance")
    found = build_routes(instance)
    assert instance.metals.names == ("Ag", "Cu", "Zn")
    assert can_return_metal(instance, found).tolist() == [
        [[False, True], [False, True], [False, False]],
        [[True, True], [False, False], [False, False]],
    ]
    assert can_be_in_stock(instance, found).tolist() == [True, True, False]


def test_metal_that_comes_too_late_is_on_no_account() -> None:
    """With a lead time of the whole horizon no metal returns; opening stock is on the account."""
    late = {"smelter": {"returned": "90 %", "lead": 2}}
    instance = loaded(changed(smelters=late, metals={"Ag": {"opening_stock": "1 g"}, "Cu": {}}))
    found = build_routes(instance)
    assert not can_return_metal(instance, found).any()
    assert can_be_in_stock(instance, found).tolist() == [True, False]


def test_what_may_be_charged() -> None:
    """Metals of the composition, or any if others are admitted, among those on the account."""
    instance = golden("fineness")
    assert instance.alloys.names == ("brass", "silver")
    assert may_charge(instance, build_routes(instance)).tolist() == [[False, True, False], [True, True, False]]


def test_what_may_be_bought() -> None:
    """An offer for an alloy that names every metal in it, or admits others."""
    instance = golden("fineness")
    assert instance.market.names == ("new", "old")
    assert may_buy(instance).tolist() == [[False, True], [False, True]]
    assert not is_excluded_by_unnamed(instance).any()


@pytest.mark.parametrize(
    ("composition", "others", "may"),
    [
        ({"Cu": "80 %"}, None, False),
        ({"Cu": "99.99 %"}, None, False),
        ({"Cu": "99.9999999999999 %"}, None, False),
        ({"Cu": "80 %"}, "0 %", True),  # then a row decides
        ({"Cu": 0.7, "Ag": 0.2, "Zn": 0.1}, None, True),  # as floats they sum to less than 1
        ({"Cu": 0.7, "Ag": 0.2, "Zn": "9.99 %"}, None, False),
    ],
)
def test_unnamed_matter_bars_an_offer_where_no_others_are_admitted(
    composition: dict[str, object], others: str | None, may: bool
) -> None:
    """However little it is, and exactly: only an alloy that gives `others` may be charged with it, and 0 % bars it."""
    bronze = {"composition": {metal: ["0 %", "100 %"] for metal in ("Ag", "Cu", "Zn")}}
    instance = loaded(
        changed(
            metals={"Ag": {}, "Cu": {}, "Zn": {}},
            market={"scrap": {"composition": composition, "price": 1}},
            alloys={"bronze": bronze | ({"others": others} if others else {})},
            medals={"medal": {"count": 1, "parts": {"bronze": 1}}},
        )
    )
    assert may_buy(instance).tolist() == [[may]]
    assert is_excluded_by_unnamed(instance).tolist() == [[not may or others == "0 %"]]


def test_process_scrap_that_is_fit_to_charge() -> None:
    """Of silver 40 % falls and half of it is fit; of plate a quarter, and all of it; of waste none."""
    instance = golden("process_scrap")
    assert instance.alloys.names == ("plate", "silver", "waste")
    assert compute_scrap_rate(instance).tolist() == [0.25, 0.2, 0.0]
