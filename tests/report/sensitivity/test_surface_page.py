"""A map of two figures as the report has it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from tests.analysis.varied import TINY
from tests.report.reading import mentions

from medalopt.analysis.sensitivity.curves import SensitivitySurface
from medalopt.analysis.sensitivity.parameter_range import ParameterRange
from medalopt.cli.run import run_command
from medalopt.report.charts import render_svg
from medalopt.report.render.text import format_table
from medalopt.report.sensitivity.curves import report_surface

NEED = ParameterRange("medals.gold.count", None, 10.0, 30.0, True, 20.0, lambda value: {})
SILVER = ParameterRange("devices.*.content.Ag", "%", 80.0, 120.0, False, 100.0, lambda value: {})
FOUND = SensitivitySurface(
    NEED,
    SILVER,
    "cost",
    3.0e6,
    (10.0, 20.0, 30.0),
    (80.0, 100.0, 120.0),
    ((2.5e6, None, None), (2.0e6, 3.0e6, 4.25e6), (1.0e6, 2.0e6, 3.5e6)),
)


def test_what_is_found_is_said_and_drawn() -> None:
    """The title has the ends and how often there is no plan; such cells are crossed, and the base case is marked."""
    told = report_surface(FOUND, "JPY")
    (said,) = told.lines
    assert mentions(said, "medals.gold.count", "devices.*.content.Ag", "infeasible", numbers=(1e6, 4.25e6, 2, 9))
    (chart,) = told.charts
    heat, base = chart.option["series"]
    assert [cell["value"][:2] for cell in heat["data"] if "label" in cell] == [[1, 0], [2, 0]]
    assert base["data"] == [{"value": [1, 1]}]
    assert chart.notes == ("× infeasible.", "◆ base case.")
    rows = format_table(chart.tables[0]).rows
    assert [row[0] for row in rows] == ["80 %", "100 %", "120 %"]
    assert rows[0][2:] == ("infeasible", "infeasible")
    assert "devices.*.content.Ag (%)" in render_svg(chart)


def test_every_step_of_colour_is_used_from_end_to_end() -> None:
    """The steps meet, from the least to the greatest, in the scale of the cells."""
    (chart,) = report_surface(FOUND, "JPY").charts
    pieces, values = (
        chart.option["visualMap"]["pieces"],
        [cell["value"][2] for cell in chart.option["series"][0]["data"]],
    )
    ends = [piece["lte"] for piece in pieces]
    assert [piece.get("gt", piece.get("gte")) for piece in pieces[1:]] == ends[:-1]
    assert (pieces[0]["gte"], ends[-1]) == (min(value for value in values if value), max(values))


def test_as_plain_data() -> None:
    """Paths, units, values and a row of objectives for each value of the second figure, null where there is no plan."""
    members = report_surface(FOUND, "JPY").members["map"]
    assert members["paths"] == ["medals.gold.count", "devices.*.content.Ag"]
    assert (members["units"], members["values"][0]) == ([None, "%"], [10.0, 20.0, 30.0])
    assert members["objective"][0] == [2.5e6, None, None]
    assert members["base"] == {"values": [20.0, 100.0], "objective": 3.0e6}


def test_a_map_without_a_plan_says_so() -> None:
    """A map without feasible point says so, and has no mark outside the grid."""
    nowhere = dataclasses.replace(FOUND, columns=(11.0,), rows=(80.0,), objective=((None,),), base=None, measure="mass")
    told = report_surface(nowhere, "JPY")
    assert told.lines[0].startswith("Infeasible everywhere over medals.gold.count")
    assert told.charts[0].notes == ("× infeasible.",)
    assert report_surface(dataclasses.replace(FOUND, measure="mass"), "JPY").lines[0].startswith("Least mass from ")


def test_two_varied_parameters_give_a_map(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--vary twice is a map, on the terminal, as JSON and drawn; and three are refused."""
    one, two = "--vary", "smelters.*.lead=0..2"
    asked = ["sensitivity", str(TINY), one, "medals.gold.count=36..38", one, two]
    assert run_command([*asked, "--json", "-o", str(tmp_path / "map.svg")]) == 0
    told = json.loads(capsys.readouterr().out)["map"]
    assert told["values"] == [[36.0, 37.0, 38.0], [0.0, 1.0, 2.0]]
    assert len(told["objective"]) == 3
    assert "medals.gold.count" in (tmp_path / "map.svg").read_text(encoding="utf-8")
    assert run_command([*asked, one, "policy.footprint_cap=1..8"]) == 2
    assert "--vary" in capsys.readouterr().err
