"""A plan as a folder of CSV."""

from __future__ import annotations

import csv
import io
import math

import pytest
from tests.report.plans import NAMES, plan

from medalopt.report.render.csv import render_csv, render_csv_folder
from medalopt.report.render.json import build_plan_object

TABLES = ("shipments", "stockpiles", "purchases", "metals", "melts", "casts", "prices")


def read(text: str) -> list[dict[str, str]]:
    """Return the rows of a CSV text."""
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("name", NAMES)
def test_the_folder_holds_what_json_holds(name: str) -> None:
    """Every table has the rows and columns of the JSON object, and every number comes back to the last bit."""
    content, files = build_plan_object(plan(name)), render_csv_folder(plan(name))
    tables = (*TABLES, *(table for table in ("parties", "risk", "left") if table in content))
    assert set(files) == {f"{table}.csv" for table in (*tables, "duals", "plan")}
    for table in tables:
        rows = read(files[f"{table}.csv"])
        assert len(rows) == len(content[table])
        for row, told in zip(rows, content[table], strict=True):
            assert list(row) == list(told)
            for key, value in told.items():
                assert float(row[key]) == value if isinstance(value, float) else row[key] == (value or "")


def test_the_summary_holds_every_single_figure() -> None:
    """plan.csv has the scalars: objective, costs, certificate, instance."""
    content = build_plan_object(plan("tiny"))
    items = {row["item"]: row["value"] for row in read(render_csv_folder(plan("tiny"))["plan.csv"])}
    assert float(items["cost.total"]) == content["cost"]["total"]
    assert items["instance.files.tiny.yaml"] == content["instance"]["files"]["tiny.yaml"]
    assert items["status"] == "optimal" and float(items["certificate.gap"]) == content["certificate"]["gap"]


def test_duals_spread_their_key() -> None:
    """A dual's key takes three columns, empty where it has fewer parts."""
    rows, content = read(render_csv_folder(plan("tiny"))["duals.csv"]), build_plan_object(plan("tiny"))["duals"]
    assert len(rows) == len(content)
    for row, told in zip(rows, content, strict=True):
        assert [row["key1"], row["key2"], row["key3"]] == [*told["key"], "", "", ""][:3]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "'quoted", "\t=1", " =1", "＝1", "＠SUM"])
def test_no_name_is_a_formula(name: str) -> None:
    """Names that a spreadsheet would run are behind an apostrophe; numbers are not, also negative ones."""
    (row,) = read(render_csv({"name": [name], "value": [-1.5]}))
    assert row == {"name": f"'{name}", "value": "-1.5"}


@pytest.mark.parametrize("name", ["a,b", 'say "so"', "a\nb", "携帯", "NA", "007", ""])
def test_names_come_back(name: str) -> None:
    """Separators, quotes and wide signs in names are read back as they were."""
    assert read(render_csv({"name": [name], "kg": [1.0]}))[0]["name"] == name


@pytest.mark.parametrize("value", [0.1 + 0.2, 1 / 3, 1e-300, 1.7976931348623157e308, 5e-324, 2.0, math.pi * 1e9])
def test_numbers_come_back_to_the_last_bit(value: float) -> None:
    """A number is written with as many digits as it takes to read it back."""
    assert float(read(render_csv({"x": [value]}))[0]["x"]) == value


def test_nothing_is_an_empty_cell() -> None:
    """Without smelter or period the cell is empty."""
    assert render_csv({"smelter": [None], "count": [3]}) == "smelter,count\n,3\n"
