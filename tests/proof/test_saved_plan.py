"""Rows of a saved plan parsed one by one; invalid ones are reported with their size."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.instance.test_accounting import nothing
from tests.model.cases import changed, loaded

from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arithmetic import FLOAT_ARITHMETIC
from medalopt.instance.instance import Instance
from medalopt.instance.routes import build_routes
from medalopt.proof.extensions import NO_EXTENSIONS, ExtensionData, ExtensionVariable, place_extensions
from medalopt.proof.saved_plan import (
    TableParser,
    check_extension_rows,
    list_route_names,
    parse_decisions,
    parse_duals,
    parse_extensions,
)

ROW = SimpleNamespace
Terms = tuple[tuple[str, str, tuple[str, ...]], ...]  # row, component and key of each
NONE: dict[str, Any] = dict.fromkeys(
    (
        *("shipments", "stockpiles", "purchases", "metals", "casts", "melts"),
        *("withheld", "left", "offer_stock", "offer_charges", "shortfall"),
    ),
    (),
)
KNOWN = {"stream": "phone@north", "offer": "silver", "alloy": "silver", "metal": "Ag", "period": "2"}


def instance() -> Instance:
    """Return the plain instance, where phones may also be sold as they are."""
    return loaded(changed(treatments={"whole": {"to_smelter": 1}, "sold": {"to_smelter": 0}}))


def test_a_row_is_filled_in_at_its_names() -> None:
    """Each value is placed once at its names; entries without a row are 0."""
    tables = TableParser(instance())
    rows = [(("phone@north", "2"), 3.5), (("phone@north", "1"), -0.5)]
    assert tables.fill_array("stockpiles", ("stream", "period"), rows).tolist() == [[-0.5, 3.5]]
    assert tables.fill_array("melts", ("melted", "period"), [(("other", "1"), 2.0)]).tolist() == [
        [0, 0],
        [0, 0],
        [2, 0],
    ]
    assert tables.broken == []


@pytest.mark.parametrize("axis", KNOWN)
def test_a_row_of_something_else_is_reported_and_left_out(axis: str) -> None:
    """A name that the instance does not have fits no place, the first as little as the last."""
    tables = TableParser(instance())
    names = tuple("nobody" if each == axis else name for each, name in KNOWN.items())
    assert not tables.fill_array("table", tuple(KNOWN), [(names, -2.5)]).any()
    (found,) = tables.broken
    assert (found.rule, found.path, found.amount, found.unit) == ("table", ", ".join(names), 2.5, "")
    assert found.text == f"table: the row {', '.join(names)} names something that the instance does not have"


def test_a_row_that_comes_twice_counts_once() -> None:
    """Of duplicate rows the first is used, the second is reported with its size."""
    tables = TableParser(instance())
    rows = [(("Ag", "1"), 1.0), (("Ag", "1"), -4.0), (("Ag", "2"), 2.0)]
    assert tables.fill_array("metals", ("metal", "period"), rows).tolist() == [[1.0, 2.0], [0.0, 0.0]]
    assert [(each.path, each.amount, each.text) for each in tables.broken] == [
        ("Ag, 1", 4.0, "metals: the row Ag, 1 comes twice")
    ]


def shipment(**changes: Any) -> Any:
    """Return a row of shipments."""
    row = {"stream": "phone@north", "treatment": "whole", "smelter": "smelter", "period": "2", "tonnes": 1.5}
    return ROW(**row | {"device": "phone", "region": "north"} | changes)


def sent(*rows: Any) -> tuple[list[list[float]], list[tuple[str, float]]]:
    """Return the tonnes on each route by these rows, and the rows reported with their size."""
    of = instance()
    made, broken = parse_decisions(of, build_routes(of), ROW(**NONE | {"shipments": rows}))
    assert not any(part.any() for name, part in vars(made).items() if name != "sent")
    return made.sent.tolist(), [(each.text.partition(" the row ")[2], each.amount) for each in broken]


def test_shipments_go_by_their_routes() -> None:
    """Shipments without a route, repeated, or with a wrong device or region are reported and not used."""
    leaves = shipment(treatment="sold", smelter=None, period="1", tonnes=0.25)
    assert list_route_names(leaves) == ("phone@north", "sold") and list_route_names(shipment()) == (
        "phone@north",
        "whole",
        "smelter",
    )
    assert sent(shipment(), leaves) == ([[0.25, 0.0], [0.0, 1.5]], [])
    none = [[0.0, 0.0], [0.0, 0.0]]
    nowhere = "uses a route that the instance does not allow"
    for wrong in ({"stream": "x"}, {"treatment": "x"}, {"smelter": "x"}, {"smelter": None}, {"period": "x"}):
        row = shipment(**wrong)
        names = f"{row.stream}, {row.treatment}, {row.smelter or 'no smelter'}, {row.period}"
        assert sent(row) == (none, [(f"{names} {nowhere}", 1.5)])
    assert sent(shipment(), shipment(tonnes=-3.0)) == (
        [[0.0, 0.0], [0.0, 1.5]],
        [("phone@north, whole, smelter, 2 comes twice", 3.0)],
    )
    for wrong in ({"device": "laptop"}, {"region": "south"}):
        told = "phone@north, whole, smelter, 2 names another device or region than its stream's"
        assert sent(shipment(**wrong)) == (none, [(told, 1.5)])


def test_what_is_charged_from_stock_is_what_offers_do_not_hold() -> None:
    """Of 2 kg of silver charged 1.5 kg were bought; a difference within rounding counts as 0."""
    of = instance()
    buys = [
        ROW(offer="silver", alloy="silver", period="1", kg=1.5),
        ROW(offer="silver", alloy="silver", period="2", kg=1),
    ]
    for more, left in ((0.0, 0.0), (1e-12, 0.0), (3e-12, 3e-12)):
        melts = [
            ROW(alloy="silver", metal="Ag", period="1", kg=2.0),
            ROW(alloy="silver", metal="Ag", period="2", kg=1.0 + more),
            ROW(alloy="silver", metal="Cu", period="1", kg=0.25),
        ]
        plan = ROW(**NONE | {"purchases": buys, "melts": melts})
        made, broken = parse_decisions(of, build_routes(of), plan)
        assert broken == []
        assert made.bought[0, 0].tolist() == [1.5, 1.0]
        assert made.charged[0].ravel() == pytest.approx(np.array([0.5, left, 0.25, 0.0]), rel=1e-3, abs=0)


def test_rounding_is_measured_by_both_figures() -> None:
    """A difference of 2 between two values of 1e12 is rounding, one of 4 is not."""
    of = instance()
    for melted, left in ((1e12 + 1, 0.0), (1e12 + 3, 4.0)):
        plan = ROW(
            **{name: rows for name, rows in NONE.items() if name not in ("purchases", "melts")},
            purchases=[ROW(offer="silver", alloy="silver", period="1", kg=1e12 - 1)],
            melts=[
                ROW(alloy="silver", metal="Ag", period="1", kg=melted),
                ROW(alloy="silver", metal="Cu", period="1", kg=0.001),
            ],
        )
        assert parse_decisions(of, build_routes(of), plan)[0].charged[0, :, 0].tolist() == [left, 0.001]


def test_a_bound_of_a_variable_may_be_off_by_rounding() -> None:
    """1e-9 beyond a bound is accepted, the next larger float is reported with its amount."""
    of = instance()
    found = build_routes(of)
    beyond = math.nextafter(1e-9, 1)
    for value, told in ((1e-9, []), (beyond, [("own", beyond, "added rows: own violated by 1e-09")])):
        rows = place_extensions(
            of, found, ExtensionData((), (ExtensionVariable("own", -1.0, 0.0, value),)), FLOAT_ARITHMETIC.lift
        )
        broken = check_extension_rows(PlanAccount(of, found, nothing(of)), rows)
        assert [(each.path, each.amount, each.text) for each in broken] == told


def test_prices_are_those_of_rows() -> None:
    """A price is placed by the names of its row; any other is reported with its size."""
    rows = [
        ROW(rule="balance", key=["Ag", "2"], value=1.0),
        ROW(rule="purchase", key=["silver"], value=2.0),
        ROW(rule="footprint_cap", key=[], value=-3.0),
    ]
    duals, broken = parse_duals(instance(), rows)
    assert duals == {"balance": {("Ag", "2"): 1.0}, "purchase": {"silver": 2.0}, "footprint_cap": {None: -3.0}}
    assert broken == []
    for rule, key in (("wish", []), ("balance", ["Ag"]), ("balance", ["2", "Ag"]), ("balance", ["Ag", "2", "2"])):
        duals, broken = parse_duals(instance(), [ROW(rule=rule, key=key, value=-0.5)])
        told = f"duals: the row {rule}[{', '.join(key)}] is of no rule that the instance has"
        assert duals == {} and [(each.amount, each.text) for each in broken] == [(0.5, told)]
    duals, broken = parse_duals(instance(), [rows[0], ROW(rule="balance", key=["Ag", "2"], value=-7.0)])
    assert duals == {"balance": {("Ag", "2"): 1.0}}
    assert [(each.amount, each.text) for each in broken] == [(7.0, "duals: the row balance[Ag, 2] comes twice")]


def of_added(rows: tuple[str, ...] = (), variables: tuple[str, ...] = (), terms: Terms = ()) -> Any:
    """Return a plan to which rows and variables of these names were added, from 1 to 2, and terms of 4 each."""
    ends = {"lower": 1.0, "upper": 2.0}
    return ROW(
        added_rows=[ROW(name=name, dual=0.5, **ends) for name in rows],
        added_variables=[ROW(name=name, value=1.5, **ends) for name in variables],
        added_terms=[
            ROW(row=row, component=component, key=list(key), coefficient=4.0) for row, component, key in terms
        ],
    )


def taken(plan: Any) -> tuple[Any, list[tuple[str, float, str]]]:
    """Return the parsed extension, and the rows reported."""
    of = instance()
    added, broken = parse_extensions(of, build_routes(of), plan)
    return added, [(each.path, each.amount, each.text) for each in broken]


def test_added_rows_are_taken_over() -> None:
    """Rows, variables and terms are parsed as saved; without any the extension is empty."""
    assert taken(of_added()) == (NO_EXTENSIONS, [])
    terms = (("row", "feed", ("smelter", "1")), ("row", "own", ()), ("objective", "own", ()))
    added, broken = taken(of_added(("row",), ("own",), terms))
    assert broken == []
    assert [(row.name, row.lower, row.upper, row.dual, len(row.terms)) for row in added.rows] == [("row", 1, 2, 0.5, 2)]
    assert [(one.name, one.lower, one.upper, one.value) for one in added.variables] == [("own", 1, 2, 1.5)]
    assert [(term.component, term.key, term.coefficient) for term in added.costs] == [("own", (), 4.0)]


def test_an_open_end_is_infinite() -> None:
    """A missing bound is infinite; equal bounds are allowed, crossed ones are reported."""
    plan = of_added(("open", "fixed", "crossed"), ("own",))
    plan.added_rows[0].lower = plan.added_rows[0].upper = plan.added_variables[0].lower = None
    plan.added_rows[1].upper, plan.added_rows[2].lower = 1.0, 2.5
    plan.added_variables[0].upper = None
    added, broken = taken(plan)
    assert (added.rows[0].lower, added.rows[0].upper) == (added.variables[0].lower, added.variables[0].upper)
    assert (added.rows[0].lower, added.rows[0].upper) == (-np.inf, np.inf)
    assert broken == [("crossed", 0.0, "added rows: crossed has a lower end above its upper one")]
    plan = of_added((), ("own",))
    plan.added_variables[0].lower = 3.0
    assert taken(plan)[1] == [("own", 0.0, "added rows: own has a lower end above its upper one")]


@pytest.mark.parametrize(
    ("plan", "name", "why"),
    [
        (of_added(("row", "row")), "row", "comes twice"),
        (of_added(("objective",)), "objective", "comes twice"),
        (of_added((), ("own", "own")), "own", "comes twice"),
        (of_added((), (), (("row", "feed", ("smelter", "1")),)), "row", "has a term, and is no row of the plan"),
        (of_added(("row",), (), (("row", "own", ()),)), "row", "names own[], which the instance does not have"),
        (
            of_added(("row",), ("own",), (("row", "own", ("1",)),)),
            "row",
            "names own[1], which the instance does not have",
        ),
        (
            of_added(("row",), (), (("row", "feed", ("smelter",)),)),
            "row",
            "names feed[smelter], which the instance does not have",
        ),
    ],
)
def test_what_cannot_have_been_added_is_reported(plan: Any, name: str, why: str) -> None:
    """Duplicate names, terms without a row, and unknown quantities are reported."""
    assert taken(plan)[1] == [(name, 0.0, f"added rows: {name} {why}")]
