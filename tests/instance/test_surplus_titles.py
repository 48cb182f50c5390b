"""Reading of `surplus` and `pays`: errors with place, warnings, lists by period, and changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.model.cases import ROOT

import medalopt
from medalopt.errors import InputError

BY_HAND = ROOT / "tests" / "planted" / "instances" / "left_metal.yaml"


def prices(**changes: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the price paid for silver by line of terms and period, after changes with __ for a dot."""
    instance = medalopt.load(BY_HAND, {path.replace("__", "."): value for path, value in changes.items()})
    assert instance.metals.surplus_to_smelter.tolist() == [True, True]
    return instance.terms.pays.value[:, 0]


@pytest.mark.parametrize(
    ("changes", "path", "text"),
    [
        ({"metals.Ag.sell": "5 JPY/kg"}, "metals.Ag.sell", "who pay for it by `pays`: delete `sell`"),
        ({"metals.Ag.sell": "[0, 5]"}, "metals.Ag.sell", "delete `sell`"),
        ({"metals.Pd.surplus": "project"}, "smelters.near.pays.Pd", "give `metals.Pd.surplus: smelter`"),
        ({"metals.Ag.surplus": "project"}, "smelters.near.terms.boards.pays.Ag", "give `metals.Ag.surplus: smelter`"),
        ({"metals.Ag.surplus": "mint"}, "metals.Ag.surplus", "expected `project` or `smelter`; found `mint`"),
        ({"smelters.near.pays.Au": "5 JPY/kg"}, "smelters.near.pays.Au", "no metal is called `Au`"),
        ({"smelters.near.pays.Ag": "5 JPY/t of feed"}, "smelters.near.pays.Ag", "unknown unit"),
        ({"smelters.near.pays.Ag": "[1, 2, 3]"}, "smelters.near.pays.Ag", "2 periods, but 3 values"),
        ({"smelters.near.returned": "{Ag: 90 %}"}, "smelters.near.pays.Pd", "the smelter returns no `Pd`"),
        ({"smelters.near.returned": "{Ag: 90 %}"}, "metals.Pd.surplus", "no smelter returns `Pd`"),
    ],
)
def test_what_is_refused(changes: dict[str, str], path: str, text: str) -> None:
    """Each error names path and valid values; values without effect give warnings."""
    try:
        found = [*medalopt.load(BY_HAND, changes).warnings]
    except InputError as error:
        found = [*error.faults]
    assert [fault for fault in found if fault.path == path and text in fault.message], found


def test_prices_by_line_and_period() -> None:
    """A line overrides its smelter, metal by metal; a list gives each period its price, one figure all of them."""
    assert prices().tolist() == [[39, 40], [60, 60]]
    assert prices(smelters__near__pays__Ag="[61, 0.062 JPY/g]").tolist() == [[39, 40], [61, 62]]
    assert prices(**{"smelters__near__pays__Ag[1]": "70 JPY/kg"}).tolist() == [[39, 40], [60, 70]]
    assert prices(smelters__near__terms__boards__pays__Ag="*2").tolist() == [[78, 80], [60, 60]]
    assert prices(smelters__near__terms__phones__pays__Ag="1").tolist() == [[39, 40], [1, 1]]
    assert prices(metals__Ag__sell="0").tolist() == [[39, 40], [60, 60]]


def test_no_warning_of_refining_without_a_price() -> None:
    """Metal left has no refining charge: only refining for the project warns if unpriced."""
    assert medalopt.load(BY_HAND).warnings == ()
    owned = {"metals.Pd.surplus": "project", "smelters.near.pays.Pd": "0"}
    assert any("Pd" in warning.path for warning in medalopt.load(BY_HAND, owned).warnings)


def test_a_party_that_gets_the_by_products() -> None:
    """The revenue of metal left counts as by-products: the party that receives it alone calls as little back."""
    instance = medalopt.load(BY_HAND, {"payers.by_products": "operators"})
    plan = medalopt.solve(instance, "cost@operators")
    assert plan.certificate.optimal and plan.objective == pytest.approx(-(2 * 40 + 8 * 60 + 500))
    assert plan.party_costs["operators"] == {"sales": pytest.approx(-1060)}
    other = medalopt.solve(instance, "cost@project")
    assert other.certificate.optimal and other.objective < plan.cost - plan.objective + 1e-9
