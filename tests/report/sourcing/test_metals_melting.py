import pytest
from tests.report.plans import plan

from medalopt.report.document import CellValue, ReportTable, get_cell_number
from medalopt.report.sourcing.metals import tabulate_melting

Row = dict[str, CellValue]


def _told(name: str) -> dict[str, list[Row]]:
    def rows(table: ReportTable) -> list[Row]:
        return [dict(zip([column.key for column in table.columns], row, strict=True)) for row in table.rows]

    return {table.key: rows(table) for table in tabulate_melting(plan(name))}


def test_a_melt_card_is_what_goes_into_the_heat() -> None:
    """The silver heat of May: silver from stock, mined silver and copper bought, and 3.78 kg of its own scrap."""
    card = [row for row in _told("tiny")["melt_cards"] if (row["alloy"], row["period"]) == ("silver_925", "2017-05")]
    assert [(row["charge"], row["origin"]) for row in card] == [
        ("silver", "stock"),
        ("mined_copper", "bought"),
        ("mined_silver", "bought"),
        ("process scrap", "the mint"),
    ]
    assert card[-1]["charge_kg"] == pytest.approx(0.9 * 0.3 * 14)
    assert sum(float(row["share"]) for row in card) == pytest.approx(1)  # type: ignore[arg-type]
    whole = sum(float(row["charge_kg"]) for row in card)  # type: ignore[arg-type]
    assert card[0]["cast_kg"] == pytest.approx(0.99 * whole)


def test_a_month_is_as_many_heats_as_the_furnace_needs() -> None:
    """14.1 kg of silver in a furnace of 4 kg are four heats alike, each a lot; of bronze no heat is stated."""
    (cards, *_) = tabulate_melting(plan("tiny", ("alloys.silver_925.heat", "4 kg")))
    rows = [dict(zip([column.key for column in cards.columns], row, strict=True)) for row in cards.rows]
    may = [row for row in rows if (row["alloy"], row["period"]) == ("silver_925", "2017-05")]
    whole = sum(get_cell_number(row["charge_kg"]) for row in may)
    assert 12 < whole <= 16 and {row["heats"] for row in may} == {4}
    assert {row["lots"] for row in may} == {"silver_925-2017-05-1 to -4"}
    assert 4 * sum(get_cell_number(row["heat_kg"]) for row in may) == pytest.approx(whole)
    assert {(row["heats"], row["heat_kg"]) for row in rows if row["alloy"] == "bronze"} == {(None, None)}


def test_fineness_is_shown_as_the_trade_does() -> None:
    """Silver in parts of a thousand, copper in per cent alone, and all others beside their limit."""
    rows = [row for row in _told("tiny")["fineness"] if (row["alloy"], row["period"]) == ("silver_925", "2017-06")]
    silver, copper, others = rows
    assert (silver["least_share"], silver["greatest_share"]) == (0.925, 1.0)
    assert silver["fineness_permille"] == pytest.approx(925)
    assert copper["fineness_permille"] is None
    assert (others["metal"], others["resulting_share"], others["greatest_share"]) == ("all others", 0, 0)


def test_the_plating_requisition_is_tokyos_gold() -> None:
    """Six grams on each of 1,646 gold medals, 9.876 kg on the medals, and 32 kg to draw; tiny has no plating."""
    (row,) = _told("tokyo2020")["plating"]
    assert (row["medal"], row["medals"], row["each_g"], row["due"]) == ("gold", 1646, 6, "2019-11")
    assert row["on_medals_kg"] == pytest.approx(9.876)
    assert row["drawn_kg"] == pytest.approx(32, abs=0.01)
    assert "plating" not in _told("tiny")


def test_the_scrap_account_leaves_out_idle_months_and_alloys() -> None:
    """Bronze has no scrap; four months of silver are listed."""
    rows = _told("tiny")["scrap_account"]
    assert [(row["alloy"], row["period"]) for row in rows] == [
        ("silver_925", f"2017-0{month}") for month in range(4, 8)
    ]
    assert rows[1]["recharged_kg"] == pytest.approx(3.78)
    assert [row["period"] for row in _told("tokyo2020")["scrap_account"]] == ["2019-11"] * 3


def test_medals_so_far_are_reported_where_they_change() -> None:
    """Gold in April and May, when it is due; silver from June on."""
    rows = _told("tiny")["medals"]
    told = [(row["medal"], row["period"], row["struck"], row["due"]) for row in rows if row["medal"] != "bronze"]
    assert told == [
        ("gold", "2017-04", 19, ""),
        ("gold", "2017-05", 38, "due"),
        ("silver", "2017-06", 11, ""),
        ("silver", "2017-07", 22, "due"),
    ]
