"""Columns and rows of whole lots and minimum orders."""

from __future__ import annotations

import pyomo.core as pyo
import pytest
from pyomo.repn import generate_standard_repn
from tests.model.cases import changed, loaded

import medalopt

STREAMS = [
    {"name": "free", "device": "phone", "region": "north", "available": "10 t"},
    {"name": "from", "device": "phone", "region": "north", "available": "10 t", "minimum_order": "0.5 t"},
    {"name": "lots", "device": "phone", "region": "north", "available": "10 t", "lot": "0.25 t"},
]
MARKET = {
    name: {"composition": {"Ag": "100 %"}, "price": "60000 JPY/kg"} | more
    for name, more in (
        ("bars", {"lot": "1 kg"}),
        ("grain", {"limit": "3 kg"}),
        ("least", {"minimum_order": "1 kg", "limit": "3 kg"}),
    )
}


@pytest.fixture
def model() -> pyo.ConcreteModel:
    """Return a program of two periods with one order of each kind, and one without lots."""
    return medalopt.build(loaded(changed(streams=STREAMS, market=MARKET)))


def indices(component: pyo.Component) -> set[str]:
    """Return the first index of each member."""
    assert {key[1] for key in component} <= {"1", "2"}
    return {key[0] for key in component}


def test_only_lots_of_the_instance_have_columns_and_rows(model: pyo.ConcreteModel) -> None:
    """Lots below one unit count as lots; supply without lots or minimum order has neither column nor row."""
    for prefix, lots, least in (("", "lots", "from"), ("offer_", "bars", "least")):
        found = {name: indices(model.component(prefix + name)) for name in ("lots", "whole_lots")}
        assert found == {"lots": {lots}, "whole_lots": {lots}}
        found = {name: indices(model.component(prefix + name)) for name in ("ordered", "least_order", "most_order")}
        assert found == {"ordered": {least}, "least_order": {least}, "most_order": {least}}


def row(model: pyo.ConcreteModel, name: str, key: str) -> tuple[object, object, dict[str, float]]:
    """Return the limits of a row of the first period and its coefficients, by the family of the column."""
    found = model.component(name)[key, "1"]
    form = generate_standard_repn(found.body)
    terms = zip(form.linear_vars, form.linear_coefs, strict=True)
    return found.lower, found.upper, {column.parent_component().local_name: value for column, value in terms}


def test_rows_of_streams(model: pyo.ConcreteModel) -> None:
    """Shipped tonnes are a number of lots, at least the minimum and at most the supply where anything is ordered."""
    assert row(model, "whole_lots", "lots") == (0.0, 0.0, {"shipped": 1.0, "lots": -0.25})
    assert row(model, "least_order", "from") == (0.0, None, {"shipped": 1.0, "ordered": -0.5})
    assert row(model, "most_order", "from") == (None, 0.0, {"shipped": 1.0, "ordered": -10.0})


def test_rows_of_offers(model: pyo.ConcreteModel) -> None:
    """Purchases are a number of lots, at most the limit of the offer."""
    assert row(model, "offer_whole_lots", "bars") == (0.0, 0.0, {"buy": 1.0, "offer_lots": -1.0})
    assert row(model, "offer_least_order", "least") == (0.0, None, {"buy": 1.0, "offer_ordered": -1.0})
    assert row(model, "offer_most_order", "least") == (None, 0.0, {"buy": 1.0, "offer_ordered": -3.0})


def test_counts_are_whole_and_orders_are_yes_or_no(model: pyo.ConcreteModel) -> None:
    """The columns are of the kinds that the rows need."""
    assert all(column.is_integer() and column.lb == 0 for column in model.lots.values())
    assert all(column.is_binary() for column in model.ordered.values())


def test_without_lots_there_is_nothing() -> None:
    """A program without lots and minimum orders has no such component at all."""
    model = medalopt.build(loaded(changed()))
    assert not any(model.component(name) for name in ("lots", "ordered", "offer_lots", "offer_ordered", "whole_lots"))
