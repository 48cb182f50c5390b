"""By hand: the row of unnamed matter of an alloy, where an offer at the allowed share has coefficient 0; demand."""

from __future__ import annotations

from typing import Any

import pytest
from pyomo.core.expr import identify_variables as variables
from tests.model.cases import changed, loaded, plain

import medalopt


def three(others: str, shares: tuple[str, str, str]) -> dict[str, Any]:
    """Return an alloy of three metals, and an offer of them with a share `others` of unnamed matter."""
    metals = ("Ag", "Cu", "Zn")
    return {
        **plain(),
        "metals": {metal: {} for metal in metals},
        "alloys": {"silver": {"composition": {metal: ["0 %", "100 %"] for metal in metals}, "others": others}},
        "market": {"scrap": {"composition": dict(zip(metals, shares, strict=True)), "price": "5 JPY/kg"}},
    }


@pytest.mark.parametrize(
    ("others", "shares"),
    [
        ("0.7 %", ("67.8 %", "6.1 %", "25.4 %")),
        ("0.1 %", ("57.7 %", "20 %", "22.2 %")),
        ("3 %", ("54.2 %", "17.1 %", "25.7 %")),
        ("0.01", ("0.673", "26.1 %", "5.6 %")),
    ],
)
def test_an_offer_at_the_limit_leaves_no_residue(others: str, shares: tuple[str, str, str]) -> None:
    """Rounding of sums leaves no coefficient of 1e-16, which no solver accepts: the plan buys all its silver."""
    instance = loaded(three(others, shares))
    held = {
        var.parent_component().name for row in medalopt.build(instance).others.values() for var in variables(row.body)
    }
    assert held == {"charge"}
    plan = medalopt.solve(instance)
    assert plan.status == "optimal" and plan.cost == pytest.approx(25)


def test_an_alloy_of_offers_at_the_limit_alone() -> None:
    """A row without coefficients is omitted."""
    bought = {
        key: value for key, value in three("1 %", ("67 %", "26 %", "6 %")).items() if key not in ("streams", "smelters")
    }
    instance = loaded(bought)
    assert not len(medalopt.build(instance).others)
    assert medalopt.solve(instance).cost == pytest.approx(25)


def test_demand_has_a_row_when_something_falls_due_and_is_met_exactly_at_the_end() -> None:
    """Of twelve periods each alloy has a row where its medals are due, and one at the end: met exactly there alone."""
    alloys = {name: {"composition": {"Ag": "100 %"}} for name in ("first", "second")}
    medals = {
        name: {"count": 1, "due": due, "parts": {name: "1 kg"}} for name, due in (("first", "1"), ("second", "9"))
    }
    document = changed(periods={"count": 12}, alloys=alloys, medals=medals)
    rows = medalopt.build(loaded(document)).demand
    found = {key: (row.lower, row.upper) for key, row in rows.items()}
    assert found == {
        ("first", "1"): (1.0, None),
        ("first", "12"): (1.0, 1.0),
        ("second", "9"): (1.0, None),
        ("second", "12"): (1.0, 1.0),
    }
