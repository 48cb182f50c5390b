"""Ranges as plain data and as a page."""

from __future__ import annotations

import json
from functools import cache

from tests.analysis.varied import TINY

from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.ranges import SensitivityRanges, compute_ranges
from medalopt.report.render.html import render_report_html
from medalopt.report.render.json import render_report_json
from medalopt.report.render.text import Screen, render_report_text
from medalopt.report.sensitivity.ranges import report_ranges
from medalopt.report.sensitivity.report_part import build_sensitivity_report


@cache
def found() -> SensitivityRanges:
    """Return the ranges of the small case."""
    return compute_ranges(ScenarioRunner(TINY))


def test_rows_are_those_of_the_contract() -> None:
    """Each row holds the path, unit, value, both prices and both ends, and what happens beyond them."""
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
    """The same stands on one page of HTML."""
    assert "market.mined_silver.price[1]" in render_report_html(
        build_sensitivity_report(found().plan.instance, [report_ranges(found())])
    )


def test_the_page_tells_what_matters() -> None:
    """Needs and supply stand first with both prices, costs by how little they may move, and what takes over."""
    text = render_report_text(build_sensitivity_report(found().plan.instance, [report_ranges(found())]), Screen(200))
    assert text.startswith("How sensitive the plan is: A small case")
    assert "What a unit of need, supply or capacity is worth" in text
    assert "Costs that may move least" in text
    assert "where it would come in" in text
    assert "above that" in text
    assert "more (--json has all)" in text
    assert "while market.mined_silver.price[1] (66 JPY/g) moves down to 65.78 JPY/g" in text
    assert "a kink where the plan stands" in text


def test_each_list_of_values_is_told_once_before_its_others() -> None:
    """Of more figures than a table holds, no value of a list takes the place of another figure that is worth less."""
    part = report_ranges(found())
    assert part.screen is not None and len(part.tables[0].rows) > 12
    told = [row[0] for row in part.screen[0].rows]
    lists = [name.partition("[")[0] for name in told if "[" in name]
    others = {row.path for row in found().rows if not row.costs and (row.price_up or row.price_down)} - set(told)
    assert len(told) == 12 and others
    assert len(set(lists)) == len(lists) or not {path for path in others if "[" not in path}
