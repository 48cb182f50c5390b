"""First page, print and workbook of a sourcing plan equal the plan and keep their size."""

import io
import re
from dataclasses import replace

import pytest
from python_calamine import CalamineWorkbook
from tests.report.plans import plan

from medalopt.report.document import Report, ReportTable, select_summary, sum_column
from medalopt.report.numbers import format_money, format_tonnes
from medalopt.report.render.pdf import render_report_pdf
from medalopt.report.render.xlsx import render_report_xlsx
from medalopt.report.sourcing.order_layout import MOST_DUE_ORDERS, _choose_trade_decimals
from medalopt.report.sourcing.plan_report import build_plan_report, select_due_orders


@pytest.fixture(scope="module")
def sourcing_report() -> Report:
    """Return the sourcing plan of the tiny instance."""
    return build_plan_report(plan("tiny"), date="2017-03-01")


def _count_pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type */Page\b", pdf))


def _column(table: ReportTable, key: str) -> list[object]:
    position = [column.key for column in table.columns].index(key)
    return [row[position] for row in table.rows]


def test_the_print_keeps_its_size(sourcing_report: Report) -> None:
    """The summary is one page, also where it has too much for it; the plan has at most 14."""
    assert (
        2
        < _count_pages(
            render_report_pdf(replace(sourcing_report, charts=(), summary=replace(sourcing_report.summary, charts=())))
        )
        <= 14
    )
    first = select_summary(sourcing_report)
    assert _count_pages(render_report_pdf(first)) == 1
    assert first.summary is not None
    long = replace(first, summary=replace(first.summary, risks=("A long risk. " * 60,) * 12))
    assert _count_pages(render_report_pdf(long)) == 1


def test_the_first_page_says_what_the_plan_says(sourcing_report: Report) -> None:
    """Key figures, orders and the last day to sign follow from the plan."""
    made, summary = plan("tiny"), sourcing_report.summary
    assert summary is not None
    figures = dict(zip(_column(summary.figures, "figure"), _column(summary.figures, "value"), strict=True))
    assert figures["Total cost"] == format_money(made.cost, "JPY")
    assert figures["Devices collected"] == format_tonnes(made.tonnes)
    amount = [column.key for column in summary.orders.columns].index("amount")
    assert sum_column(summary.orders, amount) == pytest.approx(made.cost)
    due = dict(zip(_column(summary.orders, "party"), _column(summary.orders, "sign_by"), strict=True))
    assert due["east"] == "2017-03-31" and due["south"] == "2017-05-31"  # the first deliveries are in April and June


def test_orders_that_do_not_fit_are_counted(sourcing_report: Report) -> None:
    """The largest orders are listed, the rest with its amount."""
    orders = next(table for table in sourcing_report.tables if table.key == "orders")
    many = select_due_orders(replace(orders, rows=orders.rows * 2))
    assert len(many.rows) == MOST_DUE_ORDERS and many.notes[0].startswith(f"{2 * len(orders.rows) - MOST_DUE_ORDERS} ")


def test_grouped_lines_add_up_to_the_exact_ones(sourcing_report: Report) -> None:
    """Each grouped table of an order has its amount, and a bundle has one line a month with its composition."""
    for document in sourcing_report.documents:
        whole = sum(float(cell) for cell in _column(document.lines, "amount") if isinstance(cell, float))
        for table in document.grouped:
            assert sum(map(float, _column(table, "amount"))) == pytest.approx(whole)  # type: ignore[arg-type]
    west = next(document for document in sourcing_report.documents if document.party[0][1] == "west")
    quantities, goods = west.grouped
    assert _column(quantities, "period") == ["2017-04", "2017-05", "2017-06", "2017-07"]
    assert _column(goods, "goods") == ["box (bundle)"] and _column(goods, "contains") == ["kettle 75 %, phone 25 %"]


@pytest.mark.parametrize(
    ("amounts", "unit", "digits"),
    [((3400.0, 12.4), "t", 0), ((0.49, 3.566), "t", 2), ((0.0004,), "kg", 3), ((), "t", 0)],
)
def test_quantities_are_rounded_as_weighed(amounts: tuple[float, ...], unit: str, digits: int) -> None:
    """Two to three significant digits, never finer than the scale."""
    assert _choose_trade_decimals(amounts, unit) == digits


def test_sheets_have_short_names_and_the_summary_is_first(sourcing_report: Report) -> None:
    """No name is cut or doubled; the first sheet has the key figures."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(render_report_xlsx(replace(sourcing_report, charts=()))))
    names = book.sheet_names
    assert names[:2] == ["Summary", "Contents"] and "C01 east" in names and "Call-off lines" in names
    assert all(len(name) <= 31 and "…" not in name for name in names)
    assert len({name.casefold() for name in names}) == len(names)
    cells = [cell for row in book.get_sheet_by_name("Summary").to_python() for cell in row]
    assert {"2017-03-01", "3.35 m JPY", "Orders to sign", sourcing_report.headline[0]} <= set(cells)
