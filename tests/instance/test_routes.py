"""Routes: which way each stream may go, and what a tonne on it brings and costs, in floats and exactly."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from tests.model.cases import ROOT, Document, at_random, changed, conforming, loaded

import medalopt
from medalopt.instance.arrays import ExactArray
from medalopt.instance.instance import Instance
from medalopt.instance.routes import (
    build_routes,
    classify_routes,
    compute_refining_costs,
    compute_route_costs,
    compute_shipment_unit_costs,
    has_supply,
)

LINKING = ROOT / "tests" / "model" / "golden" / "linking.yaml"


def ways(instance: Instance) -> list[tuple[str, str, str | None]]:
    """Return the routes by name; None for a route without a smelter."""
    found = build_routes(instance)
    smelters = (*instance.smelters.names, None)
    return [
        (instance.streams.names[i], instance.treatments.names[h], smelters[k])
        for i, h, k in zip(found.stream, found.treatment, found.smelter, strict=True)
    ]


def case(**sections: object) -> Document:
    """Return two devices in two regions, two treatments and two smelters, everything with everything."""
    document = changed(
        devices={"phone": {"content": {"Ag": "1 kg/t"}}, "tube": {"content": {}}},
        streams=[
            {"device": "phone", "region": "north", "available": "10 t"},
            {"device": "tube", "region": "south", "available": "10 t"},
        ],
        treatments={"shred": {"to_smelter": "50 %"}, "whole": {}},
        smelters={"far": {"returned": "90 %"}, "near": {"returned": "90 %"}},
    )
    return document | sections


def test_every_way_is_a_route() -> None:
    """Two streams, two treatments, two smelters: eight routes, in the order of their names."""
    assert ways(loaded(case())) == [
        (stream, treatment, smelter)
        for stream in ("phone@north", "tube@south")
        for treatment in ("shred", "whole")
        for smelter in ("far", "near")
    ]


def test_what_is_not_accepted_is_no_route() -> None:
    """Devices a treatment or a smelter does not take, regions it does not serve, lanes that do not exist."""
    treatments = {"shred": {"to_smelter": "50 %", "accepts": ["phone"]}, "whole": {"regions": ["south"]}}
    smelters = {"far": {"returned": "90 %", "accepts": ["tube"]}, "near": {"returned": "90 %"}}
    assert ways(loaded(case(treatments=treatments, smelters=smelters))) == [
        ("phone@north", "shred", "near"),
        ("tube@south", "whole", "far"),
        ("tube@south", "whole", "near"),
    ]
    lanes = [{"region": "north", "smelter": "far"}, {"region": "south", "smelter": "near"}]
    assert ways(loaded(case(treatments=treatments, smelters=smelters, lanes=lanes))) == [
        ("tube@south", "whole", "near")
    ]


def test_terms_decide_what_is_accepted() -> None:
    """Where a smelter has terms, a feed that no line names does not go there."""
    smelters = case()["smelters"]
    smelters["far"]["terms"] = {"phones": {"devices": ["phone"], "treatments": ["shred"]}}
    assert [way for way in ways(loaded(case(smelters=smelters))) if way[2] == "far"] == [
        ("phone@north", "shred", "far")
    ]


def test_each_feed_is_settled_by_its_own_line() -> None:
    """A line of terms counts for the feeds that it names, and for no other smelter's; charges are of that line too."""

    def terms(shredded: Document, whole: Document) -> Document:
        return {"a": {"treatments": ["shred"], **shredded}, "b": {"treatments": ["whole"], **whole}}

    smelters = {
        "far": {"returned": "80 %", "terms": terms({"returned": "50 %"}, {})},
        "near": {"returned": "20 %", "treatment_charge": 6, "terms": terms({}, {"returned": "10 %"})},
    }
    found = build_routes(loaded(case(smelters=smelters)))
    assert found.returned[:4, 0].tolist() == [0.5, 0.2, 0.8, 0.1]
    assert found.smelting[:4].tolist() == [0.0, 3.0, 0.0, 6.0]


def test_a_deduction_above_what_there_is_takes_no_more() -> None:
    """A smelter that keeps 1.1 kg/t of a feed with 1 kg/t returns nothing of it, and asks nothing back."""
    smelters = {"far": {"returned": "90 %", "deduction": "1.1 kg/t"}}
    found = build_routes(loaded(case(smelters=smelters, treatments={"whole": {}})))
    assert found.returned.tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_what_leaves_has_no_smelter() -> None:
    """A treatment that sends nothing on gives one route, whatever smelters there are; nothing comes back from it."""
    treatments = {"leave": {"to_smelter": 0, "cost": 7, "residue_value": -2}, "whole": {"accepts": ["phone"]}}
    instance = loaded(case(treatments=treatments))
    assert ways(instance) == [
        ("phone@north", "leave", None),
        ("phone@north", "whole", "far"),
        ("phone@north", "whole", "near"),
        ("tube@south", "leave", None),
    ]
    found = build_routes(instance)
    assert (found.returned[found.smelter < 0] == 0).all()
    assert compute_route_costs(instance, found)[0].tolist() == [9.0, 9.0]


def test_figures_of_a_tonne_by_hand() -> None:
    """A tonne of phones, shredded: half of it smelted, 75 % of its silver with it.

    It holds 0.75 kg. `far` returns the lower of 95 % and all less 0.05 kg, 0.7 kg, half of it the project's, and asks
    1,000 JPY/kg for that; `near` half, 0.375 kg, likewise 0.1875 kg, at 2,000 JPY/kg.
    """
    instance = medalopt.load(LINKING)
    found = build_routes(instance)
    far, near, leave = range(3)
    assert found.returned.tolist() == [[0.35, 81.0], [0.1875, 0.0], [0.0, 0.0]]
    assert (found.supply + found.collection).tolist() == [37.0, 37.0, 0.0]
    assert found.treating.tolist() == [100.0, 100.0, 13.0]
    assert found.transport.tolist() == [100.0, 25.0, 0.0]
    assert found.smelting.tolist() == [20.0, 30.0, 0.0]
    assert found.refining[:, 0].tolist() == [350.0, 375.0, 0.0]
    assert found.residue.tolist() == [-10.0, -10.0, 2.0]
    assert found.footprint.tolist() == [20.0, 10.0, 1.0]
    assert compute_refining_costs(instance, found).tolist() == [[350.0, 0.0], [375.0, 375.0], [0.0, 0.0]]
    assert compute_route_costs(instance, found)[far].tolist() == [597.0, 247.0]
    assert compute_route_costs(instance, found)[near].tolist() == [557.0, 557.0]
    assert compute_route_costs(instance, found)[leave].tolist() == [15.0, 15.0]


def test_figures_are_exact_where_that_is_asked() -> None:
    """The same arithmetic in fractions: 0.35 kg is seven twentieths, and not the double next to it."""
    found = build_routes(medalopt.load(LINKING), ExactArray.exact)
    assert found.returned[0, 0] == Fraction(7, 20)
    assert found.refining[0, 0] == 350


def test_floats_and_fractions_agree() -> None:
    """On conformance and random instances the two readings differ by rounding alone."""
    for instance in (*conforming().values(), *map(at_random, range(40))):
        floats, exact = build_routes(instance), build_routes(instance, ExactArray.exact)
        assert (floats.smelter == exact.smelter).all()
        for name in ("to_smelter", "returned", "treating", "transport", "smelting", "refining", "residue", "footprint"):
            rounded = getattr(exact, name).astype(np.float64)
            assert getattr(floats, name) == pytest.approx(rounded, rel=1e-13, abs=1e-13)


def test_what_is_offered_may_wait() -> None:
    """Without storage a stream is there when it is offered; with it, from then on."""
    streams = [
        {"name": "gone", "device": "phone", "region": "north", "available": ["0 t", "1 t", "0 t"]},
        {"name": "kept", "device": "phone", "region": "north", "available": ["0 t", "1 t", "0 t"], "storage": {}},
        {"name": "none", "device": "phone", "region": "north", "available": "0 t", "storage": {}},
    ]
    assert has_supply(loaded(case(streams=streams, periods={"count": 3}))).tolist() == [
        [False, True, False],
        [False, True, True],
        [False, False, False],
    ]


def test_no_streams_no_routes() -> None:
    """Without streams and smelters there are none, and every figure has its shape all the same."""
    instance = loaded(changed(streams=None, smelters=None))
    found = build_routes(instance)
    assert len(found) == 0
    assert found.returned.shape == (0, 2)
    assert compute_route_costs(instance, found).shape == (0, 2)


def test_all_may_leave() -> None:
    """Where nothing goes to a smelter each route costs what its treatment costs, in each period, without refining."""
    treatments = {"leave": {"to_smelter": 0, "cost": 7, "residue_value": -2}}
    instance = loaded(case(treatments=treatments))
    found = build_routes(instance)
    assert ways(instance) == [("phone@north", "leave", None), ("tube@south", "leave", None)]
    both = np.array([0, 1])
    assert compute_shipment_unit_costs(instance, found, both, both).tolist() == [9.0, 9.0]
    assert compute_refining_costs(instance, found).tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_costs_in_single_periods_are_those_of_all() -> None:
    """The cost of a route in one period is what stands there in the table of all periods, late metal and all."""
    for instance in (medalopt.load(LINKING), *map(at_random, range(10))):
        found = build_routes(instance)
        route, period = np.nonzero(np.ones((len(found), len(instance.periods)), dtype=bool))
        assert (
            compute_shipment_unit_costs(instance, found, route, period)
            == compute_route_costs(instance, found)[route, period]
        ).all()


def test_routes_of_a_kind_have_the_same_refining() -> None:
    """Device, treatment, smelter and credit make the kind; streams alike in these are of one kind, others are not."""
    streams = [
        {"name": name, "device": device, "region": region, "available": "1 t", "credited": credited}
        for name, device, region, credited in (
            ("a", "phone", "north", "50 %"),
            ("b", "phone", "south", "50 %"),
            ("c", "phone", "north", "100 %"),
            ("d", "tube", "north", "50 %"),
            ("e", "phone", "north", "1 %"),
            ("f", "phone", "north", "1"),
        )
    ]
    instance = loaded(case(streams=streams))
    found = build_routes(instance)
    kind, typical = classify_routes(instance, found)
    of_stream = [kind[found.stream == number].tolist() for number in range(6)]
    assert of_stream[0] == of_stream[1]
    assert len({number for some in of_stream for number in some}) == len(typical) == 5 * 4
    assert (kind[typical] == np.arange(20)).all()
