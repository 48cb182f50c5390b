"""Break-even prices of sources: by hand, and by re-solving."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
from tests.analysis.explained import explained
from tests.analysis.nearby import dearer, explanation, explanations, size, taken, written
from tests.laws import pool
from tests.model.cases import ROOT

import medalopt
from medalopt import Instance, Plan
from medalopt.analysis.explain.explanation import Explanation, explain_plan
from medalopt.analysis.explain.sources import SourceAnalysis

BY = 1e-3  # relative: slightly more, slightly less
LEAST = 1e-3  # money a tonne: a threshold below this is none to move across


def phones(*streams: dict[str, Any], coins: int = 10) -> Instance:
    """Return an instance in which a tonne of phones brings a kilogram of silver, of which so many are needed."""
    return written(
        {
            "metals": {"Ag": {"title": "silver"}},
            "devices": {"phone": {"content": {"Ag": 1.0}}, "kettle": {}},
            "treatments": {"whole": {"accepts": ["phone"]}, "leave": {"to_smelter": 0}},
            "streams": [{"device": "phone", **stream} for stream in streams],
            "smelters": {"near": {"returned": 1.0}},
            "alloys": {"pure": {"composition": {"Ag": 1.0}}},
            "medals": {"coin": {"count": coins, "parts": {"pure": "1 kg"}}},
        }
    )


def by_region(found: Explanation) -> dict[str, SourceAnalysis]:
    """Return the sources by region."""
    return {one.source.region: one for one in found.source_analyses}


def solved(instance: Instance) -> Plan:
    """Return the plan of an instance that has one."""
    plan = pool.solved(instance)
    assert plan is not None
    return plan


EAST = {"region": "east", "available": 6, "price": 100}
WEST = {"region": "west", "available": 8, "price": 250}
SOUTH = {"region": "south", "available": 20, "price": 400}


def test_prices_by_hand() -> None:
    """Ten tonnes are needed: 6 from east at 100, 4 of 8 from west at 250, none from south at 400.

    West replaces part of east above 250, a rise of 150; above 400, a rise of 300, south replaces the rest. West leaves
    at 400 and takes no more below 250, as east is cheaper down to 100. South enters below 250, a fall of 150.
    """
    found = by_region(explained(phones(EAST, WEST, SOUTH)))
    assert (found["east"].falls_at, found["east"].leaves_at) == pytest.approx((150, 300))
    assert (found["west"].falls_at, found["west"].leaves_at) == pytest.approx((150, 150))
    assert found["west"].enters_at == pytest.approx(150)
    assert (found["south"].left_out, found["south"].enters_at) == (True, pytest.approx(150))
    assert found["east"].enters_at == math.inf and found["east"].rent == pytest.approx(150)


def test_what_a_tonne_costs_and_brings() -> None:
    """A tonne from east costs 100 and returns a kilogram worth the marginal price of 250."""
    east = by_region(explained(phones(EAST, WEST)))["east"]
    assert dict(east.costs) == {"supply": 100}
    assert east.returned == (("silver", pytest.approx(1), pytest.approx(250)),)
    assert east.metal_value - east.cost == pytest.approx(east.rent)


def test_what_cannot_be_done_without_stays_at_any_price() -> None:
    """East offers all there is: no price drives it out."""
    east = by_region(explained(phones({**EAST, "available": 10})))["east"]
    assert (east.falls_at, east.leaves_at) == (math.inf, math.inf)


def test_what_is_contracted_stays_at_any_price() -> None:
    """A tonne of south is committed: less is never taken, whatever it costs, and more for less than west's 250."""
    south = by_region(explained(phones(EAST, WEST, {**SOUTH, "committed": 1})))["south"]
    assert (south.taken, south.falls_at, south.leaves_at) == (pytest.approx(1), math.inf, math.inf)
    assert south.enters_at == pytest.approx(150)


def test_a_bundle_is_priced_as_a_whole() -> None:
    """In the box a tonne of phones brings two of scrap along: three tonnes for a kilogram of silver, at 100 each.

    That is 300 a kilogram against 400 from south, so the box stays until each of its tonnes costs 133.33, 33.33 more.
    """
    scrap = {"region": "east", "bundle": "box", "available": 12, "price": 100}
    instance = phones({**EAST, "bundle": "box"}, {"device": "kettle", **scrap}, SOUTH)
    found = explained(instance)
    box = by_region(found)["east"]
    assert box.source.kind_name == "box (bundle)" and box.taken == pytest.approx(18)
    assert box.falls_at == pytest.approx(100 / 3) == pytest.approx(box.leaves_at)


def test_the_nearest_rival_is_named() -> None:
    """Two smelters that differ by 7 a tonne: the dearer is the nearest other way, by just that."""
    instance = written(
        {
            "metals": {"Ag": {}},
            "devices": {"phone": {"content": {"Ag": 1.0}}},
            "streams": [{"device": "phone", **EAST}],
            "smelters": {
                "near": {"returned": 1.0, "treatment_charge": 10},
                "far": {"returned": 1.0, "treatment_charge": 17},
            },
            "alloys": {"pure": {"composition": {"Ag": 1.0}}},
            "medals": {"coin": {"count": 5, "parts": {"pure": "1 kg"}}},
        }
    )
    ways = by_region(explained(instance))["east"].routes
    assert [(way.smelter, way.tonnes) for way in ways] == [("near", pytest.approx(5)), ("far", 0)]
    assert ways[1].shortfall == pytest.approx(7)


def random_takings(seeds: range) -> Iterator[tuple[Plan, SourceAnalysis]]:
    """Yield plans of random instances with each of their sources."""
    for seed in seeds:
        found = explanation(seed)
        if found is not None:
            yield from ((found.plan, one) for one in found.source_analyses)


def test_what_is_left_out_comes_in_at_its_price_and_not_before() -> None:
    """On thirty random instances a source enters slightly below its break-even price, not above."""
    moved = 0
    for found in explanations():
        for one in found.source_analyses:
            if not one.left_out or not LEAST < one.enters_at < math.inf or moved >= 40:
                continue
            instance, streams = found.plan.instance, one.source.streams
            below, above = (solved(dearer(instance, streams, -one.enters_at * (1 + s))) for s in (BY, -BY))
            assert taken(below, streams) > 1e-9 * one.offered >= taken(above, streams)
            moved += 1
            break
    assert moved >= 30


def test_what_is_taken_stays_up_to_its_prices() -> None:
    """Below the first price the quantity is unchanged; above it less is taken; at the second none."""
    fell, left = 0, 0
    for plan, one in random_takings(range(40)):
        if one.left_out:
            continue
        if LEAST < one.falls_at < math.inf:
            low, high = (one.falls_at * (1 + s) for s in (-BY, BY))
            again = solved(dearer(plan.instance, one.source.streams, low))
            assert again.objective == pytest.approx(plan.objective + low * one.taken, abs=3e-9 * size(again))
            again = solved(dearer(plan.instance, one.source.streams, high))
            assert taken(again, one.source.streams) < one.taken * (1 - 1e-9)
            fell += 1
        if LEAST < one.leaves_at < math.inf:
            high, low = (solved(dearer(plan.instance, one.source.streams, one.leaves_at * (1 + s))) for s in (BY, -BY))
            assert taken(high, one.source.streams) <= 1e-9 * one.offered < taken(low, one.source.streams)
            left += 1
    assert fell >= 10 and left >= 5


def test_the_cost_of_a_tonne_is_the_mean_over_price_steps() -> None:
    """Ten tonnes at 300 and fifteen at 650; the next one would cost 650, to which break-even prices refer."""
    found = explain_plan(medalopt.solve(medalopt.load(ROOT / "instances/price_steps.yaml")))
    (phones_of_north,) = found.source_analyses
    assert dict(phones_of_north.costs)["supply"] == pytest.approx((10 * 300 + 15 * 650) / 25)
    assert phones_of_north.price == pytest.approx(750)
