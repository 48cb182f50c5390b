"""Call-offs, toll-refining instructions and purchase orders: together they are the plan, to the yen."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from tests.report.plans import plan
from tests.report.sourcing.parties import PARTY, with_parties

from medalopt import Plan
from medalopt.analysis.sourcing.orders import CALL_OFF, PURCHASE_ORDER, SALES_ORDER, TOLL, allocate_payments
from medalopt.report.document import DRAFT_STAMP, OrderDocument
from medalopt.report.render.text import format_table
from medalopt.report.sourcing.metals import tabulate_melting
from medalopt.report.sourcing.order_terms import format_delivery_window
from medalopt.report.sourcing.orders import build_orders, tabulate_orders


def figures(made: Iterable[OrderDocument], key: str, kind: str | None = None) -> list[float]:
    """Return the figures of a column in all documents (of one kind)."""
    found = []
    for document in made:
        if kind is None or document.kind == kind:
            at = [column.key for column in document.lines.columns].index(key)
            found += [float(row[at] or 0) for row in document.lines.rows]  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize("name", ["tiny", "tokyo2020", "dantzig", "rio2016", "fractions", "food_manufacture_1"])
def test_what_is_ordered_is_what_the_plan_costs(name: str) -> None:
    """All documents, less what is sold, and one's own account add up to the cost, each kind of cost in one place."""
    made = plan(name)
    orders, own = build_orders(made).documents, sum(made.costs[kind] for kind in ("holding", "scrap"))
    ordered = sum(figures(orders, "amount")) - 2 * sum(figures(orders, "amount", SALES_ORDER))
    assert ordered + own == pytest.approx(made.cost, rel=1e-12)
    assert abs(ordered + own - made.cost) < 0.5


def test_what_is_sold_has_an_order_of_its_own() -> None:
    """A fraction and surplus metal have seller, buyer, quantity, place and price, and lines for their revenue."""
    parties = {"steel": {**PARTY, "legal_name": "Steel Works"}, "Cu": {"legal_name": "Metal Trading"}}
    made = with_parties(plan("fractions"), parties)
    steel, copper = (one for one in build_orders(made).documents if one.kind == SALES_ORDER)
    terms = dict(steel.terms)
    assert (terms["Seller"], terms["Buyer"]) == ("Organising Committee, 1 Games Road", "Steel Works, 1-1 Works Road")
    assert (terms["Quantity"], terms["Amount"].partition(",")[0]) == (
        "4.75 t of steel, as weighed, in total",
        "190.00 EUR",
    )
    assert steel.lines.rows == (("1", "steel", "dismantle", "north", 4.75, 40.0, 190.0, "TNE"),) and not steel.missing
    assert (
        dict(copper.party)["Deliver to"] == "transfer on the metal account at far, near"
        and "contract" in copper.missing
    )
    assert figures([copper], "sold_kg") == pytest.approx([619.5])
    payers = replace(made.instance, annex={**made.instance.annex, "payers": {"by_products": "river"}})
    sold = build_orders(replace(made, instance=payers, account=replace(made.account, instance=payers))).documents[-1]
    assert dict(sold.terms)["Seller"] == "river"
    spent = allocate_payments(made.account)
    assert spent.parties[SALES_ORDER] == ("steel", "Cu") and float(spent.of(SALES_ORDER).sum()) == pytest.approx(-1429)


@pytest.mark.parametrize("name", ["tiny", "tokyo2020"])
def test_what_is_called_off_is_what_is_sent(name: str) -> None:
    """The tonnes of the call-offs are the shipments; feed and kilograms of the instructions are the smelters'."""
    made = plan(name)
    orders = build_orders(made).documents
    assert sum(figures(orders, "tonnes_t", "call-off")) == pytest.approx(sum(made.tables["shipments"]["tonnes"]))
    toll = "toll-refining instruction"
    assert sum(figures(orders, "feed_t", toll)) == pytest.approx(float(made.account.feed.sum()))
    in_time = 0.0
    for document in orders:
        if document.kind == toll:
            at = [column.key for column in document.lines.columns]
            rows = [dict(zip(at, row, strict=True)) for row in document.lines.rows]
            credited = ("returned_kg", "left_kg")
            in_time += sum(float(row.get(key) or 0) for key in credited for row in rows if row["back"] != "later")  # type: ignore[arg-type]
    assert in_time == pytest.approx(float(made.account.returned.sum()))
    bought = figures(orders, "bought_kg", "metal purchase order")
    assert sum(bought) == pytest.approx(sum(made.tables["purchases"]["kg"]))


def test_a_line_can_be_checked_with_a_pencil() -> None:
    """Tonnes times the prices of a line are its amount; unit codes are those of UN/CEFACT, and hidden."""
    for document in build_orders(plan("tiny")).documents:
        keys = [column.key for column in document.lines.columns]
        assert document.lines.columns[keys.index("unit_code")].hidden
        for row in document.lines.rows:
            line = dict(zip(keys, row, strict=True))
            assert line["unit_code"] in ("TNE", "KGM")
            if document.kind == "call-off" and line["tonnes_t"] is not None:
                rates = sum(float(line[key]) for key in keys if key.endswith("_per_t"))  # type: ignore[arg-type]
                assert float(line["tonnes_t"]) * rates == pytest.approx(line["amount"])
            if document.kind == "metal purchase order":
                assert float(line["bought_kg"]) * float(line["price_per_kg"]) == pytest.approx(line["amount"])  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "kind", "key"), [("surplus", TOLL, "left_kg"), ("fractions", CALL_OFF, "amount")])
def test_grouped_tables_hold_what_the_lines_hold(name: str, kind: str, key: str) -> None:
    """The last table of an order sums a column of its lines; rates of goods times tonnes are their amount."""
    for document in build_orders(plan(name)).documents:
        if document.kind != kind:
            continue
        goods = document.grouped[-1]
        keys = [column.key for column in goods.columns]
        whole = sum(figures([document], key))
        assert sum(float(row[keys.index(key)] or 0) for row in goods.rows) == pytest.approx(whole)  # type: ignore[arg-type]
        for row in goods.rows if kind == CALL_OFF else ():
            rates = sum(float(cell or 0) for cell, at in zip(row, keys, strict=True) if at.endswith("_per_t"))  # type: ignore[arg-type]
            assert rates * float(row[keys.index("tonnes_t")]) == pytest.approx(row[keys.index("amount")])  # type: ignore[arg-type]


def test_orders_say_where_devices_go_and_whose_the_metal_is() -> None:
    """A call-off names what becomes of each fraction, a toll-refining instruction the metal left and its price."""
    (call_off,) = [document for document in build_orders(plan("fractions")).documents if document.kind == CALL_OFF]
    said = dict(call_off.terms)["Treatment and destination"]
    parts = ("steel (sold) 4.75 t", "boards to near 1.50 t", "cables to far 0.95 t", "boards to far 0.40 t")
    assert said == f"dismantle 9.50 t: {', '.join(parts)}"
    (toll,) = [document for document in build_orders(plan("surplus")).documents if document.kind == TOLL]
    assert dict(toll.terms)["Metal not called back"].endswith("kg of palladium: stays with the smelter, for 1,060 JPY")


def test_what_waits_is_charged_as_storage_and_called_off_once() -> None:
    """A stockpile has a line of its own with its storage; its tonnes are not counted with those handed over."""
    made = plan("tiny")
    east = build_orders(made).documents[0]
    waiting = [row for row in east.lines.rows if row[3] == "waits"]
    assert sum(float(row[-2]) for row in waiting) == pytest.approx(made.costs["storage"])  # type: ignore[arg-type]
    assert all(row[6] is None for row in waiting)


def test_a_party_that_is_known_takes_the_stamp_off() -> None:
    """While a field is missing the document is a draft that names it; with all of them it can be signed."""
    made = with_parties(plan("tiny"), {"near": PARTY, "far": {**PARTY, "contract": " "}})
    by_party = {document.party[0][1]: document for document in build_orders(made).documents}
    assert by_party["near"].stamp == ""
    assert dict(by_party["near"].party)["Legal name"] == "Near Smelting K.K."
    terms = dict(by_party["near"].terms)
    assert terms["Payment"] == "30 days after receipt"
    assert terms["Further terms"] == "weighed on arrival"
    assert terms["Approved by"] == ""
    assert by_party["far"].stamp == DRAFT_STAMP
    assert by_party["far"].missing == ("contract",)
    assert ", ".join(by_party["east"].missing) == (
        "legal name, address, contract, waste licence, delivery term, title and risk, data destruction, "
        "batteries, payment"
    )
    assert "parties.east" in by_party["east"].notes[-1]
    states = {row[2]: row[-1] for row in tabulate_orders(made, build_orders(made)).rows}
    assert states["near"] == "complete"
    assert states["far"] == "draft: 1 missing"


def test_every_order_names_the_buyer_and_the_clauses_of_the_project() -> None:
    """Buyer and tax are on all three kinds of order; the delivery term of a party wins over that of the project.

    Where no buyer is stated its line is blank and missing.
    """
    project = {"buyer": "Organising Committee", "tax": "VAT not included", "incoterm": "FCA"}
    made = with_parties(plan("tiny"), {"near": PARTY})
    made = replace(made, instance=replace(made.instance, annex={**made.instance.annex, "project": project}))
    documents = build_orders(made).documents
    assert {one.kind for one in documents} == {CALL_OFF, TOLL, PURCHASE_ORDER}
    for one in documents:
        terms, party = dict(one.terms), dict(one.party)
        assert (terms["Buyer"], terms["Tax"]) == ("Organising Committee", "VAT not included")
        assert party["Delivery term"] == ("DAP" if one.party[0][1] == "near" else "FCA")
    for one in build_orders(plan("tiny")).documents:
        assert dict(one.terms)["Buyer"] == "" and "buyer" in one.missing and "Tax" not in dict(one.terms)


def test_the_list_comes_to_what_the_documents_come_to() -> None:
    """The list of documents has each of them once, with its amount."""
    made = build_orders(plan("tiny"))
    table = tabulate_orders(plan("tiny"), made)
    assert [row[0] for row in table.rows] == [document.number for document in made.documents]
    assert sum(float(row[4]) for row in table.rows) == pytest.approx(sum(figures(made.documents, "amount")))  # type: ignore[arg-type]


def test_metal_after_the_horizon_is_reported_and_not_charged() -> None:
    """Metal returned after the horizon has a line without a charge, and a note."""
    late = plan("tiny", ("smelters.far.lead", "4"))
    made = [document for document in build_orders(late).documents if document.party[0][1] == "far"]
    keys = [column.key for column in made[0].lines.columns]
    rows = [dict(zip(keys, row, strict=True)) for row in made[0].lines.rows]
    assert any(row["back"] == "later" and row["amount"] == 0 for row in rows)
    assert any("after 2017-07" in note for note in made[0].notes)


def _periods(names: tuple[str, ...], length: str) -> Plan:
    one = plan("tiny")
    return replace(one, instance=replace(one.instance, periods=names, period_length=length))


@pytest.mark.parametrize(
    ("names", "length", "said"),
    [
        (("2017-04", "2017-05"), "month", "each line within its month; 2017-04-01 to 2017-05-31 in total"),
        (("2017-10", "2018-01"), "quarter", "each line within its quarter; 2017-10-01 to 2018-03-31 in total"),
        (("2019-01", "2020-01"), "year", "each line within its year; 2019-01-01 to 2020-12-31 in total"),
        (("2019-04", "2020-04"), "year", "each line within its year; 2019-04-01 to 2021-03-31 in total"),
        (("1", "2"), "month", "each line within its period; periods 1 to 2 in total"),
    ],
)
def test_the_delivery_window_ends_with_the_last_day(names: tuple[str, ...], length: str, said: str) -> None:
    """The window runs from the first day of the first period to the last day of the last one."""
    assert format_delivery_window(_periods(names, length).instance, [0, 1]) == said


def test_one_period_without_a_date_is_the_window() -> None:
    """Without dates a single period is called by its name."""
    assert format_delivery_window(_periods(("1",), "month").instance, [0]) == "within its period"


@pytest.mark.parametrize(("fineness", "printed"), [("99.99 %", "silver 99.99 %"), ("99.95 %", "silver 99.95 %")])
def test_an_order_states_the_fineness_that_was_offered(fineness: str, printed: str) -> None:
    """An offer of 99.99 % silver is ordered as 99.99 %, with all digits of its recycled share."""
    made = plan(
        "tiny", ("market.refined_silver.composition.Ag", fineness), ("market.refined_silver.recycled", "99.97 %")
    )
    (goods,) = [
        (dict(document.terms)["Goods"], dict(document.terms)["Recycled claim"])
        for document in build_orders(made).documents
        if document.party[0][1] == "refined_silver"
    ]
    assert goods[0] == f"refined_silver: {printed}" and goods[1].startswith("99.97 % recycled")


def test_contract_figures_print_as_they_are() -> None:
    """A price of 70.1234 and a return of 97.0625 % are printed with all their digits in the lines of an order."""
    made = plan(
        "tiny",
        ("market.refined_silver.price", "150.012345 JPY/kg"),
        ("smelters.far.returned.Cu", "97.0625 %"),
        ("smelters.far.deduction.Cu", "0.125 g/t"),
    )
    texts = {
        cell for document in build_orders(made).documents for row in format_table(document.lines).rows for cell in row
    }
    assert {"150.012345", "97.0625", "0.125"} <= texts


def test_a_small_amount_is_not_rounded_away() -> None:
    """Four significant digits of the least amount ordered are printed, in the lines and in the terms."""
    made = plan("tiny", ("market.refined_silver.committed", "0.0123456 kg"))
    (order,) = [one for one in build_orders(made).documents if one.party[0][1] == "refined_silver"]
    texts = {cell for row in format_table(order.lines).rows for cell in row}
    assert "0.01235" in texts and dict(order.terms)["Quantity"] == "0.01235 kg in total"


def test_fineness_is_never_rounded_up_to_pure() -> None:
    """99.995 % is printed with all digits, and no value below 100 % as 100 %."""
    made = plan("tiny", ("alloys.silver_925.composition.Ag[1]", "99.995 %"))
    (table,) = [one for one in tabulate_melting(made) if one.key == "fineness"]
    cells = {cell for row in format_table(table).rows for cell in row}
    assert "99.995" in cells
    columns = {column.key: column.digits for column in table.columns}
    assert columns["greatest_share"] == 3 and columns["fineness_permille"] == 2


def test_instructions_name_the_fractions_that_are_fed() -> None:
    """A smelter is told which fractions come under a line of terms without a name."""
    orders = build_orders(plan("fractions")).documents
    told = [str(row[1]) for one in orders if one.kind == TOLL for row in one.lines.rows]
    assert {*told} == {"every feed (dismantle/boards, dismantle/cables)", "every feed (dismantle/boards)"}
