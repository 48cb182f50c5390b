"""Rows and columns exist only where they can bind."""

from __future__ import annotations

import pyomo.core as pyo
from tests.model.cases import changed, loaded

import medalopt


def there(component: pyo.Component) -> set[object]:
    """Return the indices of a component, without the period, which is the same for all."""
    return {key if isinstance(key, str) else key[:-1] for key in component}


def test_a_window_up_to_everything_or_from_nothing_has_no_row() -> None:
    """Each window has a row for every end that can bind, and none for the other."""
    metals = {"Ag": {}, "Cu": {}, "Zn": {}}
    alloys = {
        "hard": {"composition": {"Ag": ["90 %", "100 %"], "Cu": ["0 %", "10 %"]}, "others": "5 %"},
        "soft": {"composition": {"Ag": ["0 %", "100 %"]}, "others": "100 %"},
    }
    medals = {"medal": {"count": 10, "parts": {"hard": "500 g", "soft": "1 g"}}}
    devices = {name: {"content": {"Ag": "1 kg/t", "Cu": "100 kg/t", "Zn": "1 kg/t"}} for name in ("phone", "tube")}
    share = {"few": {"devices": ["phone"], "share": ["0 %", "50 %"]}, "many": {"devices": ["tube"], "share": [0.1, 1]}}
    smelters = {"smelter": {"returned": "90 %"}}
    policy = {"device_share": share}
    streams = [{"device": name, "region": "north", "available": "10 t"} for name in devices]
    sections = {"metals": metals, "alloys": alloys, "medals": medals, "devices": devices, "streams": streams}
    model = medalopt.build(loaded(changed(**sections, smelters=smelters, policy=policy, periods=None)))
    assert there(model.fineness_low) == {("hard", "Ag")}
    assert there(model.fineness_high) == {("hard", "Cu")}
    assert there(model.others) == {("hard",)}
    assert there(model.mix_low) == {"many"}
    assert there(model.mix_high) == {"few"}


def test_a_small_participation_of_a_small_region_has_a_row() -> None:
    """A minimum of one tonne in a region of twenty has a row; a region without supply has none."""
    streams = [
        {"device": "phone", "region": "north", "available": "10 t"},
        {"device": "phone", "region": "south", "available": "0 t"},
    ]
    model = medalopt.build(loaded(changed(streams=streams, policy={"participation": "5 %"})))
    assert {key: pyo.value(row.lower) for key, row in model.participation.items()} == {"north": 1.0}


def test_a_bundle_is_taken_when_it_offers_something() -> None:
    """A bundle that comes in the second period cannot be taken in the first."""
    bundled = {"device": "phone", "bundle": "box"}
    streams = [
        {**bundled, "region": "north", "available": ["0 t", "1 t"]},
        {**bundled, "region": "south", "available": ["2 t", "0 t"]},
    ]
    model = medalopt.build(loaded(changed(streams=streams)))
    assert {key[1:] for key in model.take} == {("box", "1"), ("box", "2")}
    assert len(model.take) == 2
