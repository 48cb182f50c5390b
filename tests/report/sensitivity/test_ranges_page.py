"""Ranges as plain data and as a page."""

from __future__ import annotations

import io
import json
from functools import cache

import pytest
from python_calamine import CalamineWorkbook
from tests.analysis.varied import TINY
from tests.report.reading import mentions

import medalopt
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.ranges import SensitivityRanges, compute_ranges
from medalopt.report.document import get_cell_number, get_cell_value
from medalopt.report.render.html import render_report_html
from medalopt.report.render.json import render_report_json
from medalopt.report.render.text import Screen, render_report_text
from medalopt.report.render.xlsx import render_report_xlsx
from medalopt.report.sensitivity.ranges import MOST_TABLE_ROWS, report_ranges
from medalopt.report.sensitivity.report_part import build_sensitivity_report


@cache
def found() -> SensitivityRanges:
    """Return the ranges of the small case."""
    return compute_ranges(ScenarioRunner(TINY))


def test_rows_are_those_of_the_contract() -> None:
    """Each row has path, unit, value, both prices and both ends with their reasons."""
    content = json.loads(render_report_json(build_sensitivity_report(found().plan.instance, [report_ranges(found())])))
    assert content["objective"]["unit"] == "JPY"
    row = next(one for one in content["ranges"] if one["path"] == "market.old_silver.price")
    assert list(row)[:7] == ["path", "unit", "value", "price_up", "price_down", "low", "high"]
    assert (row["unit"], row["value"], row["low"]) == ("JPY/g", 80, None)
    assert row["above_high"]["plan"] is True
    assert {"old_coins", "old_silver"} <= {one["what"] for one in row["above_high"]["takes"]}
    count = next(one for one in content["ranges"] if one["path"] == "medals.gold.count")
    assert count["unit"] is None


def test_a_page_for_a_browser() -> None:
    """The HTML page has the same content."""
    page = render_report_html(build_sensitivity_report(found().plan.instance, [report_ranges(found())]))
    assert "market.mined_silver.price 2017-05" in page.replace("<wbr>", "")


def test_the_workbook_names_parameters_as_people_do() -> None:
    """Periods are months and values have their unit beside them."""
    book = CalamineWorkbook.from_filelike(
        io.BytesIO(render_report_xlsx(build_sensitivity_report(found().plan.instance, [report_ranges(found())])))
    )
    rows = [row for name in book.sheet_names for row in book.get_sheet_by_name(name).to_python()]
    assert [66, "JPY/g"] in [row[1:3] for row in rows if row[0] == "market.mined_silver.price 2017-05"]
    assert not any("price[" in str(cell) for row in rows for cell in row)


def test_the_page_shows_what_matters() -> None:
    """The summary names the largest right-hand side, the tightest cost range with its end, and the kinks."""
    text = render_report_text(build_sensitivity_report(found().plan.instance, [report_ranges(found())]), Screen(200))
    summary = " ".join(report_ranges(found()).lines)
    assert mentions(summary, "medals.bronze.count", numbers=(6_000, 490.5))
    assert mentions(summary, "market.mined_silver.price 2017-05", "green_copper", numbers=(66, 65.78, 4))
    assert all(table.title in text for table in report_ranges(found()).screen or ())


def test_each_list_of_values_is_shown_once_before_its_others() -> None:
    """Of more figures than a table holds, no value of a list takes the place of another figure that is worth less."""
    part = report_ranges(found())
    assert part.screen is not None and len(part.tables[0].rows) > MOST_TABLE_ROWS
    told = [str(get_cell_value(row[0])) for row in part.screen[0].rows]
    lists = [name.partition("[")[0] for name in told if "[" in name]
    others = {row.path for row in found().rows if not row.costs and (row.price_up or row.price_down)} - set(told)
    assert len(told) == MOST_TABLE_ROWS and others
    assert len(set(lists)) == len(lists) or not {path for path in others if "[" not in path}


def test_the_chart_shows_what_one_per_cent_costs() -> None:
    """Bars are sorted by size, and the effect of 1 % more bronze in a medal is that of solving with it."""
    (chart,) = report_ranges(found()).charts
    (table,) = chart.tables
    effects = {str(get_cell_value(row[0])): get_cell_number(row[1]) for row in table.rows}
    assert sorted(effects.values(), key=abs, reverse=True) == list(effects.values())
    bars = [bar["value"] for bar in chart.option["series"][0]["data"]]
    assert bars == pytest.approx(list(effects.values()))
    heavier = medalopt.solve(medalopt.load(TINY, {"medals.bronze.parts.bronze": "505 g"}))
    assert effects["medals.bronze.parts.bronze"] == pytest.approx(heavier.cost - found().plan.objective, rel=1e-6)
