"""Coefficients where an index or a share is easily mistaken, by hand."""

from __future__ import annotations

from typing import Any

import pytest
from pyomo.repn import generate_standard_repn
from tests.model.cases import changed, loaded, plain

import medalopt


def coefficients(body: Any) -> dict[tuple[str, ...], float]:
    """Return the coefficients of a linear expression by component and index of its variables."""
    form = generate_standard_repn(body)
    pairs = zip(form.linear_coefs, form.linear_vars, strict=True)
    return {(column.parent_component().local_name, *_key(column.index())): value for value, column in pairs if value}


def _key(index: Any) -> tuple[str, ...]:
    return index if isinstance(index, tuple) else (index,)


def test_of_what_is_bought_the_mined_part_of_its_metal_counts_against_recycled_content() -> None:
    """An offer that is half silver, a quarter of it recycled, brings 0.375 kg of mined silver a kilogram."""
    half = {"composition": {"Ag": "50 %", "Cu": "50 %"}, "recycled": "25 %", "price": 1}
    policy = {"recycled": {"Ag": "80 %"}}
    model = medalopt.build(loaded(changed(market={"half": half}, policy=policy, periods=None)))
    found = coefficients(model.recycled["Ag"].body)
    assert found["buy", "half", "silver", "1"] == pytest.approx(0.375 - 0.2 * 0.5)
    assert found["charge", "silver", "Ag", "1"] == pytest.approx(-0.2)


@pytest.mark.parametrize(("lead", "late"), [(1, ["2"]), (2, ["1", "2"]), (3, ["1", "2"]), (9, ["1", "2"])])
def test_scrap_that_comes_too_late_is_worth_something_too(lead: int, late: list[str]) -> None:
    """Process scrap that is available only after the horizon is sold at its end: a tenth, at 1,000 JPY/kg."""
    scrap = {"share": "10 %", "returned": "100 %", "lead": lead, "value": "1_000 JPY/kg"}
    alloys = {"silver": plain()["alloys"]["silver"] | {"scrap": scrap}}
    found = coefficients(medalopt.build(loaded(changed(alloys=alloys))).objective.expr)
    cast = {key: value for key, value in found.items() if key[0] == "cast"}
    assert cast == {("cast", "silver", period): pytest.approx(-100) for period in late}


def test_a_worth_of_scrap_that_never_falls_is_nothing() -> None:
    """An alloy may have a scrap value without producing process scrap."""
    alloys = {"silver": plain()["alloys"]["silver"] | {"scrap": {"value": "1_000 JPY/kg"}}}
    found = coefficients(medalopt.build(loaded(changed(alloys=alloys))).objective.expr)
    assert not [key for key in found if key[0] in ("cast", "scrap")]


def test_lots_and_least_orders_of_streams_and_offers() -> None:
    """A lot counts its mass, a minimum order bounds orders from below, and every order is at most its maximum."""
    order = {"lot": 3, "minimum_order": 5}
    market = {"bar": {"composition": {"Ag": "100 %"}, "price": 1, "limit": "4 kg", **order}}
    streams = [{"device": "phone", "region": "north", "available": "10 t", **order}]
    model = medalopt.build(loaded(changed(market=market, streams=streams, periods=None)))
    buy, offer = ("buy", "bar", "silver", "1"), ("bar", "1")
    assert coefficients(model.offer_whole_lots[offer].body) == {buy: 1.0, ("offer_lots", *offer): -3.0}
    assert coefficients(model.offer_least_order[offer].body) == {buy: 1.0, ("offer_ordered", *offer): -5.0}
    assert coefficients(model.offer_most_order[offer].body) == {buy: 1.0, ("offer_ordered", *offer): -4.0}
    sent = ("shipped", "phone@north", "1")
    assert coefficients(model.whole_lots[sent[1:]].body) == {sent: 1.0, ("lots", *sent[1:]): -3.0}
    assert coefficients(model.least_order[sent[1:]].body) == {sent: 1.0, ("ordered", *sent[1:]): -5.0}
    assert coefficients(model.most_order[sent[1:]].body) == {sent: 1.0, ("ordered", *sent[1:]): -10.0}


def test_what_is_shipped_of_a_stream_that_comes_in_lots() -> None:
    """Only streams with lots or a minimum order have tonnes by period, summed over their own routes."""
    streams = [
        {"device": "phone", "region": "east", "available": "9 t"},
        {"device": "phone", "region": "north", "available": "9 t", "lot": 3},
        {"device": "phone", "region": "south", "available": "9 t"},
        {"device": "phone", "region": "west", "available": "9 t", "minimum_order": 2},
    ]
    model = medalopt.build(loaded(changed(streams=streams)))
    rows = {key: coefficients(row.body) for key, row in model.define_shipped.items()}
    assert rows == {
        (stream, period): {("shipped", stream, period): 1.0, ("ship", stream, "whole", "smelter", period): -1.0}
        for stream in ("phone@north", "phone@west")
        for period in ("1", "2")
    }
    names = [f"phone@{region}" for region in ("east", "north", "south", "west")]
    ships = {period: {("ship", name, "whole", "smelter", period): -1.0 for name in names} for period in ("1", "2")}
    for period, sent in ships.items():
        feed = ("smelter", period)
        assert coefficients(model.define_feed[feed].body) == {("feed", *feed): 1.0, **sent}
    for name in names:
        own = {key: value for sent in ships.values() for key, value in sent.items() if key[1] == name}
        assert coefficients(model.define_sent_stream[name].body) == {("sent_stream", name): 1.0, **own}
