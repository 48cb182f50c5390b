"""Routes: admissible ways of each stream, metal and cost per tonne, separable participation, pooled lots."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from tests.instance import writing
from tests.model.cases import ROOT, Document, at_random, changed, conforming, loaded

import medalopt
from medalopt.errors import InputError
from medalopt.instance.accounting import Decisions, PlanAccount
from medalopt.instance.arrays import ExactArray
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.instance import Instance
from medalopt.instance.routes import (
    Routes,
    build_routes,
    classify_routes,
    compute_refining_costs,
    compute_routable_supply,
    compute_route_costs,
    compute_separable_participation,
    compute_shipment_unit_costs,
    has_supply,
)
from medalopt.instance.smelter_terms import bound_withheld, find_pooled_lots, list_pool_names

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
    """A smelter with terms accepts only the feeds of its lines."""
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
    assert found.smelting[:4, 0].tolist() == [0.0, 3.0, 0.0, 6.0]


def test_a_deduction_above_what_there_is_takes_no_more() -> None:
    """A deduction of 1.1 kg/t of a feed with 1 kg/t returns 0 and has no negative return."""
    smelters = {"far": {"returned": "90 %", "deduction": "1.1 kg/t"}}
    found = build_routes(loaded(case(smelters=smelters, treatments={"whole": {}})))
    assert found.returned.tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_what_leaves_has_no_smelter() -> None:
    """A treatment without output to smelters gives one route, without returns."""
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
    """A tonne of phones, shredded: half of it smelted, with 75 % of its silver.

    That is 0.75 kg. `far` returns the lower of 95 % and all less 0.05 kg: 0.7 kg, half of it credited to the project,
    with a refining charge of 1,000 JPY/kg; `near` returns half, 0.375 kg, of which 0.1875 kg are credited, at 2,000
    JPY/kg.
    """
    instance = medalopt.load(LINKING)
    found = build_routes(instance)
    far, near, leave = range(3)
    assert found.returned.tolist() == [[0.35, 81.0], [0.1875, 0.0], [0.0, 0.0]]
    assert (found.supply + found.collection)[:, 0].tolist() == [37.0, 37.0, 0.0]
    assert found.treating[:, 0].tolist() == [100.0, 100.0, 13.0]
    assert found.transport[:, 0].tolist() == [100.0, 25.0, 0.0]
    assert found.smelting[:, 0].tolist() == [20.0, 30.0, 0.0]
    assert found.refining[:, 0, 0].tolist() == [350.0, 375.0, 0.0]
    assert found.residue[:, 0].tolist() == [-10.0, -10.0, 2.0]
    assert found.footprint.tolist() == [20.0, 10.0, 1.0]
    assert compute_refining_costs(instance, found).tolist() == [[350.0, 0.0], [375.0, 375.0], [0.0, 0.0]]
    assert compute_route_costs(instance, found)[far].tolist() == [597.0, 247.0]
    assert compute_route_costs(instance, found)[near].tolist() == [557.0, 557.0]
    assert compute_route_costs(instance, found)[leave].tolist() == [15.0, 15.0]


def test_values_are_exact_on_request() -> None:
    """The same arithmetic in fractions: 0.35 kg is seven twentieths, and not the double next to it."""
    found = build_routes(medalopt.load(LINKING), ExactArray.exact)
    assert found.returned[0, 0] == Fraction(7, 20)
    assert found.refining[0, 0, 0] == 350


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
    """Without smelters each route costs its treatment in each period, without refining."""
    treatments = {"leave": {"to_smelter": 0, "cost": 7, "residue_value": -2}}
    instance = loaded(case(treatments=treatments))
    found = build_routes(instance)
    assert ways(instance) == [("phone@north", "leave", None), ("tube@south", "leave", None)]
    both = np.array([0, 1])
    assert compute_shipment_unit_costs(instance, found, both, both).tolist() == [9.0, 9.0]
    assert compute_refining_costs(instance, found).tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_costs_in_single_periods_are_those_of_all() -> None:
    """The cost of a route in one period equals the table of all periods, late metal included."""
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


TINY = Path(__file__).parents[2] / "instances" / "tiny.yaml"


def test_a_region_where_something_may_wait_does_not() -> None:
    """Regions with a participation of 10 % and without storage are listed with their tonnes."""
    instance = medalopt.load(TINY, {"policy.participation": "10 %"})
    need = compute_separable_participation(instance, build_routes(instance))
    offers = np.bincount(instance.streams.region, instance.streams.available.value.sum(axis=1))
    waits = np.bincount(instance.streams.region, instance.streams.storable) > 0
    assert waits.any() and not waits.all()
    assert np.allclose(need, np.where(waits, 0.0, 0.1 * offers))


def test_nothing_is_asked_where_there_is_no_rule() -> None:
    """Without participation no region has a share of its own."""
    instance = medalopt.load(TINY, {"policy.participation": "0 %"})
    assert not compute_separable_participation(instance, build_routes(instance)).any()


def test_what_cannot_be_sent_is_left_to_the_rows() -> None:
    """A region that can just send its minimum is not separable: the rows decide."""
    instance = medalopt.load(TINY, {"policy.participation": "100 %"})
    assert not compute_separable_participation(instance, build_routes(instance)).any()


def test_what_can_go_somewhere(tmp_path: Path) -> None:
    """A stream without a route is not sent, nor is its bundle while it has supply."""
    streams = (
        "streams:\n- {device: phone, region: a, bundle: box, available: [4, 3]}\n"
        "- {device: laptop, region: a, bundle: box, available: [0, 1]}\n- {device: phone, region: b, available: 1}"
    )
    instance = writing.loaded(tmp_path, streams=streams, smelters="smelters: {kosaka: {returned: 1, accepts: [phone]}}")
    assert instance.streams.names == ("laptop@a", "phone@a", "phone@b")
    assert compute_routable_supply(instance, build_routes(instance)).tolist() == [0, 4, 2]


def golden() -> tuple[Instance, Routes]:
    """Return the instance of the golden file, and its routes."""
    instance = medalopt.load(ROOT / "tests" / "model" / "golden" / "pooled_settlement.yaml")
    return instance, build_routes(instance)


def account(sent: list[float], withheld: float) -> PlanAccount:
    """Return poor and rich boards, poor and rich rest sent in the first period, with so much withheld of the boards."""
    instance, found = golden()
    periods, metals = len(instance.periods), len(instance.metals.names)
    kept = np.zeros((1, metals, periods))
    kept[0, 0, 0] = withheld
    shape = (len(instance.alloys.names), metals, periods)
    made = Decisions(
        sent=np.array(sent)[:, None] * np.array([1.0, 0.0]),
        stockpile=np.zeros((2, periods)),
        charged=np.zeros(shape),
        bought=np.zeros((0, 1, periods)),
        surplus=np.zeros((metals, periods)),
        recharged=np.zeros((1, periods)),
        withheld=kept,
    )
    return PlanAccount(instance, found, made)


def test_what_a_pooled_lot_is() -> None:
    """Boards are pooled: of poor ones 22 g are withheld beyond the share, of rich ones 76 g less."""
    instance, found = golden()
    lots = find_pooled_lots(instance, found)
    assert list_pool_names(instance) == ("smelters.kosaka.terms.lot",)
    assert [instance.streams.names[i] for i in found.stream[lots.routes]] == ["poor@north", "rich@north"]
    assert lots.withheld[:, 0] == pytest.approx([0.022, -0.076]) and (lots.withheld[:, 1] <= 0).all()
    assert lots.exists.tolist() == [[[True, False], [False, False]]]
    exact = find_pooled_lots(instance, build_routes(instance, ExactArray.exact), ExactArray.exact)
    assert exact.withheld[:, 0].tolist() == [Fraction(22, 1000), Fraction(-76, 1000)]
    assert (exact.exists == lots.exists).all()
    most = bound_withheld(instance, found, lots, compute_bounds(instance, found).sent)
    assert most[0, 0].tolist() == pytest.approx([0.018 * 10 + 0.9 * 10, 0])


def test_what_is_withheld_is_neither_returned_nor_refined() -> None:
    """Ten tonnes of each as boards, 100 g withheld: 9.08 kg of silver come back a period later, and are refined."""
    made = account([10, 0, 10, 0], 0.1)
    assert made.returned[0, 0].tolist() == pytest.approx([0, 0.18 + 9 - 0.1])
    assert made.costs["refining"].tolist() == pytest.approx([9080, 0])
    assert made.shipment_costs.sum() == pytest.approx(9080)
    assert made.compute_settled_share(np.arange(4), 0)[:, 0] == pytest.approx([1 - 0.1 / 9.18, 1, 1 - 0.1 / 9.18, 1])


@pytest.mark.parametrize(
    ("sent", "withheld", "settled"),
    [([10, 0, 1, 0], 5.0, 0.22), ([10, 0, 1, 0], 0.0, 0.22 - 0.076), ([10, 0, 10, 0], 0.0, 0.0), ([0] * 4, 1.0, 0.0)],
)
def test_a_lot_is_settled_within_its_bounds(sent: list[float], withheld: float, settled: float) -> None:
    """Metal withheld is clipped between the deduction of the lot and the sum over its routes."""
    assert account(sent, withheld).clip_withheld().withheld[0, 0, 0] == pytest.approx(settled)


def test_rounding_withholds_nothing() -> None:
    """5 % of 0.6 kg are 30 g, the deduction: no trace of rounding makes a column of it."""
    share = {"smelter": {"returned": "95 %", "deduction": {"Ag": "30 g/t"}, "settlement_lot": "pooled"}}
    instance = loaded(changed(devices={"phone": {"content": {"Ag": "0.6 kg/t"}}}, smelters=share))
    lots = find_pooled_lots(instance, build_routes(instance))
    assert not lots.exists.any() and not lots.withheld.any()


@pytest.mark.parametrize(("lot", "wrong"), [("pooled", True), ("route", False)])
def test_streams_of_a_pooled_lot_credit_the_same(lot: str, wrong: bool) -> None:
    """Streams of one lot with another share of a metal that is deducted are an error, each with both names."""
    stream = {"device": "phone", "available": "1 t"}
    streams = [{**stream, "region": "north"}, {**stream, "region": "south", "credited": {"Ag": "50 %"}}]
    smelters = {"smelter": {"returned": "95 %", "deduction": {"Ag": "30 g/t"}, "settlement_lot": lot}}
    if not wrong:
        assert loaded(changed(streams=streams, smelters=smelters))
        return
    with pytest.raises(InputError) as caught:
        loaded(changed(streams=streams, smelters=smelters))
    (fault,) = caught.value.faults
    assert fault.path == "smelters.smelter"
    assert "`phone@north` and `phone@south` credit different shares of Ag" in fault.message


def test_a_line_of_terms_has_its_own_lot() -> None:
    """A line overrides its smelter; another word is an error that names the two."""
    smelters = {"smelter": {"settlement_lot": "pooled", "terms": {"a": {}, "b": {"settlement_lot": "route"}}}}
    smelters["smelter"]["terms"]["b"]["devices"] = []  # type: ignore[index]
    smelters["smelter"]["terms"]["a"]["devices"] = ["phone"]  # type: ignore[index]
    assert loaded(changed(smelters=smelters)).terms.pooled.tolist() == [True, False]
    with pytest.raises(InputError, match="route"):
        loaded(changed(smelters={"smelter": {"settlement_lot": "lot"}}))
