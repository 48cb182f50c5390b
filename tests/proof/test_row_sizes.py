"""Reference sizes of violated rows, whole lots and minimum orders, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from tests.instance.test_accounting import nothing
from tests.model.cases import Document, changed, loaded
from tests.proof.test_extensions_quantities import account as at_random

from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arithmetic import FLOAT_ARITHMETIC
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.routes import build_routes
from medalopt.proof.extension_rows import (
    ExtensionResiduals,
    compute_extension_residuals,
    evaluate_extension_costs,
    sum_extension_costs,
)
from medalopt.proof.extensions import (
    NO_EXTENSIONS,
    ExtensionData,
    ExtensionRow,
    ExtensionTerm,
    compute_activity,
    place_extensions,
)
from medalopt.proof.rows import ConstraintResidual, compute_residuals


def bars(**more: float) -> Document:
    """Return an offer of silver."""
    return {"composition": {"Ag": "100 %"}, "price": "60000 JPY/kg", **more}


def account(document: Document, sent: float, bought: float = 0.0) -> PlanAccount:
    """Return an account in which each route sends so much in the first period, and so much of each offer is bought."""
    instance = loaded(document)
    made = nothing(instance)
    made.sent[:, 0], made.bought[:, :, 0] = sent, bought
    return PlanAccount(instance, build_routes(instance), made)


def rule(of: PlanAccount, name: str, number: int = 0) -> ConstraintResidual:
    """Return the rule of this name, the first or a later one."""
    named = [each for each in compute_residuals(of, compute_bounds(of.instance, of.routes)) if each.name == name]
    return named[number]


def test_a_row_is_measured_by_the_larger_of_its_limit_and_what_it_holds() -> None:
    """Four tonnes beside ten on offer are measured by ten, eleven by eleven; beside no limit by themselves alone."""
    few, many = account(changed(), 0.25), account(changed(), 11.0)
    assert rule(few, "supply").size.tolist() == [[10.0, 10.0]]
    assert rule(many, "supply").size.tolist() == [[11.0, 10.0]]
    assert rule(many, "supply").excess.tolist() == [[1.0, 0.0]]
    assert rule(few, "feed_capacity").size.tolist() == [[0.25, 0.0]]
    limited = account(changed(smelters={"smelter": {"returned": "90 %", "capacity": "2 t"}}), 0.25)
    assert rule(limited, "feed_capacity").size.tolist() == [[2.0, 2.0]]


def test_metal_is_measured_by_what_there_is_or_has_left() -> None:
    """The size of a metal balance is the sum of surplus and charges to date, by metal."""
    of = account(changed(), 10.0)
    of.decisions.surplus[:] = [[40.0, 30.0], [9000.0, 1.0]]
    assert rule(of, "balance").size[:, 1] == pytest.approx([70.0, 9001.0])
    of.decisions.charged[0] = [[20.0, 5.0], [0.0, 0.5]]
    assert rule(of, "balance").size[:, 1] == pytest.approx([95.0, 9001.5])
    fresh = PlanAccount(of.instance, of.routes, of.decisions)
    assert rule(fresh, "charge").size[0].tolist() == [[40.0, 10.0], [0.0, 1.0]]  # itself, and all of it in the melt


def test_what_waits_counts_in_the_size_of_supply() -> None:
    """Six tonnes are sent, four put by and, next, drawn again: fourteen move in all beside ten on offer."""
    stream = {"device": "phone", "region": "north", "available": ["10 t", "1 t"], "storage": {}}
    of = account(changed(streams=[stream]), 6.0)
    of.decisions.stockpile[0] = [4.0, 8.0]
    assert rule(of, "supply").size.tolist() == [[10.0, 12.0]]
    assert rule(of, "supply").excess.tolist() == [[0.0, 3.0]]
    of.decisions.stockpile[0] = [5.0, 0.0]
    assert rule(of, "supply").size.tolist() == [[11.0, 5.0]]
    assert rule(of, "supply").excess.tolist() == [[1.0, 0.0]]


def test_no_row_is_broken_by_less_than_nothing() -> None:
    """Excess and size are never negative, and each belongs to one row."""
    for of in (at_random(), account(changed(), 1.0, bought=3.0)):
        for each in compute_residuals(of, compute_bounds(of.instance, of.routes)):
            assert (np.asarray(each.excess) >= 0).all() and (np.asarray(each.size) >= 0).all()
            assert np.shape(each.excess) == np.shape(each.size) or np.ndim(each.excess) == 0
    whole = [rule(account(changed(), 1.0), name) for name in ("footprint_cap", "participation", "recycled")]
    assert [each.excess.shape for each in whole] == [(1,), (1,), (2,)]


def test_a_rule_shows_its_worst_row() -> None:
    """The greatest excess beside its size, however small that is; beside no size as it is; 0 where there is no row."""
    for excess, size, worst in (
        ([0.25, 0.5], [0.5, 4.0], 0.5),
        ([0.25, 0.5], [0.5, 0.0], 0.5),
        ([0.0, 3.0], [0.0, 1.5], 2.0),
        ([], [], 0.0),
    ):
        assert ConstraintResidual("", "", "", (), np.array(excess), np.array(size)).get_worst() == worst


def test_demand_is_met_in_time_and_exactly_at_the_end() -> None:
    """Of 2 kg due at once and 5 kg in total, 1.6 kg cast is 0.4 kg short, and 5.6 kg is 0.6 kg too much."""
    medals = {
        "first": {"count": 4, "parts": {"silver": "500 g"}, "due": "1"},
        "last": {"count": 6, "parts": {"silver": "500 g"}},
    }
    alloys = {"silver": {"composition": {"Ag": ["90 %", "100 %"]}, "scrap": {"share": "20 %"}}}
    of = account(changed(medals=medals, alloys=alloys), 0.0)
    for charged, excess, size in (
        ([2.0, 5.0], [0.4, 0.6], [5.0, 5.6]),
        ([5.0, 0.0], [0.0, 1.0], [5.0, 5.0]),
        ([10.0, 0.0], [0.0, 3.0], [8.0, 8.0]),
    ):
        of.decisions.charged[0, 0] = charged
        fresh = PlanAccount(of.instance, of.routes, of.decisions)
        assert rule(fresh, "demand").excess[0].tolist() == pytest.approx(excess)
        assert rule(fresh, "demand").size[0].tolist() == pytest.approx(size)


def test_a_bundle_of_nothing_is_taken_fairly() -> None:
    """For a bundle without supply zero shipments are feasible, and any shipment violates it."""
    box = {"device": "phone", "region": "north", "bundle": "box"}
    streams = [box | {"name": "a", "available": ["400 kg", "0 t"]}, box | {"name": "b", "available": ["200 kg", "0 t"]}]
    of = account(changed(streams=streams), 0.15)
    assert rule(of, "bundle_supply").excess == pytest.approx(np.array([[0.05, 0], [0.05, 0]]))
    of.decisions.sent[0, 1] = 0.5
    fresh = PlanAccount(of.instance, of.routes, of.decisions)
    assert rule(fresh, "bundle_supply").excess[:, 1].tolist() == [0.5, 0.0]
    assert rule(fresh, "take").excess.tolist() == [[0.0, 0.5]]


def test_every_region_sends_its_share() -> None:
    """A quarter of twenty tonnes is five: of three, two are missing; it is measured by all twenty."""
    of = account(changed(policy={"participation": "25 %"}), 3.0)
    assert rule(of, "participation").excess.tolist() == [2.0]
    assert rule(of, "participation").size.tolist() == [20.0]


def test_metal_is_measured_by_what_the_melts_need_of_it() -> None:
    """18 kg of silver and 1,800 kg of copper can come back, 9 and 900 of them at once; the melts take 5 and no zinc."""
    metals = {"Ag": {}, "Cu": {}, "Zn": {}}
    phone = {"phone": {"content": {"Ag": "1 kg/t", "Cu": "100 kg/t", "Zn": "10 kg/t"}}}
    smelter = {"smelter": {"returned": {"Ag": "90 %", "Cu": "90 %", "Zn": "90 %"}}}
    much = {"medal": {"count": 10, "parts": {"silver": "5 kg"}}}
    little = {"medal": {"count": 1, "parts": {"silver": "500 g"}}}
    for medals, silver, copper in ((None, 5.0, 5.0), (much, 18.0, 50.0), (little, 0.5, 0.5)):
        more = {} if medals is None else {"medals": medals}
        of = account(changed(metals=metals, devices=phone, smelters=smelter, **more), 0.0)
        sizes = rule(of, "balance").size
        assert sizes[:, 0].tolist() == sizes[:, 1].tolist()
        assert sizes[0, 0] == pytest.approx(silver)
        assert sizes[1, 0] == pytest.approx(copper)
        assert sizes[2, 0] == pytest.approx(180.0)  # none of it is needed: it is measured by all there can be


def test_a_small_recycled_content_has_rows_too() -> None:
    """A floor written as a share of 1 is one: new silver beyond a tenth of it all is too much."""
    of = account(changed(policy={"recycled": {"Ag": 0.9}}), 0.0, bought=2.0)
    assert rule(of, "recycled").excess.tolist() == pytest.approx([1.8, 0.0])
    none = account(changed(), 0.0, bought=2.0)
    none.decisions.charged[0, 0, 0] = -1.0  # which another rule forbids
    assert rule(none, "recycled").excess.tolist() == [0.0, 0.0]


def test_whole_lots_and_least_orders_of_streams() -> None:
    """0.3 t are 0.05 t off a lot of 0.25 t, and 0.2 t short of a minimum order of 0.5 t."""
    stream = {"device": "phone", "region": "north", "available": "10 t"}
    streams = [
        stream | {"name": "a", "lot": 0.25},
        stream | {"name": "b", "minimum_order": 0.5},
        stream | {"name": "c"},
    ]
    of = account(changed(streams=streams), 0.3)
    assert rule(of, "whole_lots").excess[:, 0].tolist() == pytest.approx([0.05, 0.0, 0.0])
    assert rule(of, "least_order").excess[:, 0].tolist() == pytest.approx([0.0, 0.2, 0.0])
    assert rule(of, "whole_lots").size[:, 0].tolist() == pytest.approx([0.3, 0.3, 0.3])
    assert rule(of, "least_order").size[:, 1].tolist() == pytest.approx([0.0, 0.5, 0.0])
    assert not rule(of, "whole_lots").excess[:, 1].any() and not rule(of, "least_order").excess[:, 1].any()
    assert not rule(account(changed(streams=streams), 0.5), "least_order").excess.any()


def test_whole_lots_and_least_orders_of_offers() -> None:
    """Purchases, in kilograms of all alloys, are compared with lots and minimum orders."""
    market = {"a": bars(lot=0.5), "b": bars(minimum_order=1.0), "c": bars()}
    of = account(changed(market=market), 0.0, bought=0.7)
    assert rule(of, "whole_lots", 1).excess.shape == (3, 2)
    assert rule(of, "whole_lots", 1).excess[:, 0].tolist() == pytest.approx([0.2, 0.0, 0.0])
    assert rule(of, "least_order", 1).excess[:, 0].tolist() == pytest.approx([0.0, 0.3, 0.0])


def row(
    name: str, *terms: tuple[str, tuple[str, ...], float], ends: tuple[float, float] = (-np.inf, np.inf)
) -> ExtensionRow:
    """Return an added row of these terms."""
    return ExtensionRow(name, *ends, tuple(ExtensionTerm(*each) for each in terms), 0.0)


def test_an_added_row_is_measured_by_its_terms() -> None:
    """Its activity is the sum of its terms, its size that of their magnitudes; the costs are the last of all."""
    of = account(changed(), 4.0)
    rows = (
        row("all", ("sent_device", ("phone",), 2.0), ("feed", ("smelter", "1"), -3.0)),
        row("least", ("sent_stream", ("phone@north",), 0.5), ends=(5.0, np.inf)),
    )
    added = ExtensionData(rows, (), (ExtensionTerm("sent_region", ("north",), -7.0),))
    set_ = place_extensions(of.instance, of.routes, added, FLOAT_ARITHMETIC.lift)
    total, size = compute_activity(of, set_)
    by_name = {each.name: (total[n], size[n]) for n, each in enumerate(rows)}
    assert by_name["all"] == (-4.0, 20.0)
    assert by_name["least"] == (2.0, 2.0)
    assert (total[-1], size[-1]) == (-28.0, 28.0)
    assert [float(each) for each in evaluate_extension_costs(of, set_)] == [-28.0, 28.0]
    assert sum_extension_costs(of, added) == -28.0
    found, own = compute_extension_residuals(of, set_)
    assert dict(zip(found.names, found.excess.tolist(), strict=True))["least"] == 3.0
    assert dict(zip(found.names, found.size.tolist(), strict=True))["least"] == 5.0
    assert own.names == ()


def test_added_rows_of_nothing_cost_nothing() -> None:
    """Without added rows there is no activity but the costs', which are 0."""
    of = account(changed(), 4.0)
    assert [
        each.tolist()
        for each in compute_activity(of, place_extensions(of.instance, of.routes, NO_EXTENSIONS, FLOAT_ARITHMETIC.lift))
    ] == [
        [0.0],
        [0.0],
    ]


def test_how_far_a_row_is_broken_is_beside_its_size() -> None:
    """An excess of a half beside a size of a quarter is two; beside no size at all it is itself."""
    found = ExtensionResiduals(("a", "b", "c"), np.array([0.5, 0.5, 4.0]), np.array([0.25, 0.0, 2.0]))
    assert found.get_worst().tolist() == [2.0, 0.5, 2.0]
