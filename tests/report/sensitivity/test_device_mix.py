"""Report of the device mix: sentences, tables and charts."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from tests.analysis.nearby import ROOT
from tests.report.reading import list_numbers, mentions

import medalopt
from medalopt.analysis.sensitivity.device_mix import (
    DeviceMix,
    MixTriangle,
    NamedMix,
    ShareCurve,
    SharePoint,
    TriangleSplit,
)
from medalopt.analysis.sensitivity.supply_mix import MixResult
from medalopt.report.charts import render_svg
from medalopt.report.render.html import render_report_html
from medalopt.report.render.json import render_report_json
from medalopt.report.render.text import format_table, render_report_text
from medalopt.report.sensitivity.device_mix import report_device_mix
from medalopt.report.sensitivity.report_part import build_sensitivity_report

INSTANCE = medalopt.load(ROOT / "instances/tiny.yaml")  # kettles, laptops, phones; silver and copper
NONE = MixResult((0.2, 0.3, 0.5), 40.0, None, {}, {"Ag": 214.0})
STUCK = dataclasses.replace(NONE, shortage=None)


def answer(value: float, **scarce: float) -> MixResult:
    """Return an answer that costs so much."""
    return MixResult((0.2, 0.3, 0.5), 40.0, value, scarce, {})


BASE = answer(1000.0, Ag=2_500_000.0, Cu=3.0)


def curve(device: str, *answers: MixResult, **changed: Any) -> ShareCurve:
    """Return a curve from none of a device to double its 20 %."""
    step = 0.4 / (len(answers) - 1)
    points = [SharePoint(step * n / 0.2, step * n, one) for n, one in enumerate(answers)]
    plain = ShareCurve(device, 0.2, tuple(points), -5.0, 5.0, 0.0, 0.0)
    return dataclasses.replace(plain, **changed)


LAPTOP = curve("laptop", NONE, NONE, BASE, answer(1200.0), less=None, shortage_less=12.0)
PHONE = curve("phone", answer(1900.0), BASE, NONE)
KETTLE = curve("kettle", answer(400.0), BASE, answer(1600.0))


def mix(*curves: ShareCurve, **changed: Any) -> DeviceMix:
    """Return the mix of these curves."""
    return dataclasses.replace(DeviceMix(INSTANCE, "cost", BASE, curves, (), ()), **changed)


def named(name: str, found: MixResult, **changed: Any) -> NamedMix:
    """Return a named mix."""
    plain = NamedMix(name, None, {"phone": 1.0}, 0.0, (), found, {"Ag": 1000.0})
    return dataclasses.replace(plain, **changed)


def test_the_lines_say_the_finding() -> None:
    """Indispensable devices, the dearest to lose, and the largest effect on cost."""
    lines = report_device_mix(mix(LAPTOP, PHONE, KETTLE, fixed=("phone", "kettle", "laptop"))).lines
    base, laptop, phone, kettle, most, fixed = lines
    assert list_numbers(base)[:2] == [40, 1_000] and "JPY" in base
    assert mentions(laptop, "laptop", "silver", numbers=(214,)) and mentions(phone, "phone", numbers=(1_900, 900))
    assert mentions(kettle, "kettle", numbers=(400, 600))
    assert mentions(most, "laptop", numbers=(20, 5, 12))
    assert mentions(fixed, "phone", "kettle", "laptop")


def test_many_without_a_plan_are_reported_together() -> None:
    """The first four infeasible devices are listed with the shortage, the others by name."""
    curves = [
        curve(name, dataclasses.replace(NONE, shortage={"Ag": kg}), BASE)
        for name, kg in zip("abcdef", range(6, 0, -1), strict=True)
    ]
    lines = report_device_mix(mix(*curves)).lines
    for line, name, kg in zip(lines[1:5], "abcd", range(6, 2, -1), strict=True):
        assert mentions(line, f" {name}:", "silver", numbers=(kg,))
    assert mentions(lines[5], " e ", " f") and list_numbers(lines[5]) == []


def test_without_a_base_plan() -> None:
    """An infeasible base case is reported with its shortage."""
    lines = report_device_mix(mix(LAPTOP, base=dataclasses.replace(NONE, shortage={"Ag": 2.0, "Cu": 3.0}))).lines
    (said,) = lines
    assert mentions(said, "nfeasible", "copper", "silver") and list_numbers(said) == [40, 3, 2]
    (said,) = report_device_mix(mix(base=dataclasses.replace(STUCK, reason="r: 5 t are committed"))).lines
    assert mentions(said, "nfeasible", "r: 5 t are committed")
    for base in (STUCK, dataclasses.replace(NONE, shortage={})):
        (said,) = report_device_mix(mix(base=base)).lines
        assert "nfeasible" in said and list_numbers(said) == [40]


def test_the_shares_are_a_table() -> None:
    """Each device with its costs at both ends, the rates, and where there is a plan; the weightiest first."""
    table, metals = map(format_table, report_device_mix(mix(PHONE, KETTLE, LAPTOP)).tables)
    rows = {row[0]: row[1:] for row in table.rows}
    assert list(rows) == ["laptop", "phone", "kettle"]
    assert rows["laptop"] == ("20.0", "infeasible", "12 kg short", "+5", "1,200", "from 26.7 %")
    assert rows["phone"] == ("20.0", "1,900", "−5", "+5", "infeasible", "up to 20.0 %")
    assert rows["kettle"][-1] == "any"
    assert {row[0]: row[1:] for row in metals.rows}["laptop"] == (
        "214 kg of silver short",
        "silver 2.5 m, copper 3",
        "none",
    )


def test_ends_that_are_neither_none_nor_double_are_reported() -> None:
    """If a share cannot be 0 or twice as large, the feasible end is shown beside its cost, or infeasibility."""
    short = curve("phone", BASE, BASE)
    short = dataclasses.replace(
        short, points=tuple(SharePoint(p.times, p.share / 2 + 0.1, p.result) for p in short.points)
    )
    row = format_table(report_device_mix(mix(short)).tables[0]).rows[0]
    assert row[2] == "1,000 at 10.0 %"
    assert row[5] == "1,000 at 30.0 %"
    nowhere = curve("kettle", NONE, STUCK, NONE, less=None, more=None)
    row = format_table(report_device_mix(mix(nowhere)).tables[0]).rows[0]
    assert row[2:] == ("infeasible", "infeasible", "infeasible", "infeasible", "no share")
    inside = curve("kettle", NONE, BASE, BASE, NONE)
    assert format_table(report_device_mix(mix(inside)).tables[0]).rows[0][-1] == "13.3 % to 26.7 %"


def test_named_mixes_stand_side_by_side() -> None:
    """The cost beside the present supply; an infeasible mix shows its coverage of the demand."""
    mixes = (
        named("phones", NONE, missing=0.9),
        named("boxes", answer(1100.0), bundle="box", missing=0.05, absent=("kettle",)),
        named("two", dataclasses.replace(NONE, shortage={"Ag": 1.0, "Cu": 2.0})),
    )
    part = report_device_mix(mix(named=mixes))
    phones, two = part.lines[1:]
    assert mentions(phones, "phones", "silver", numbers=(40, 214, 786, 1_000))
    assert mentions(two, "two", "copper", "silver") and list_numbers(two) == [40, 2, 1]
    table = format_table(part.tables[0])
    assert [row[:4] for row in table.rows] == [
        ("as offered", "40", "1,000", ""),
        ("phones", "40", "infeasible", ""),
        ("boxes", "40", "1,100", "+100"),
        ("two", "40", "infeasible", ""),
    ]
    missing, absent, left = table.notes
    assert mentions(missing, "phones", numbers=(90,)) and mentions(absent, "boxes", "kettle")
    assert mentions(left, "boxes", "box", numbers=(5,))
    (chart,) = part.charts
    assert mentions(chart.title, "nfeasible", "phones", "two")
    assert mentions(render_svg(chart), "infeasible: 214 kg of silver")
    (chart,) = report_device_mix(mix(named=mixes[:2])).charts
    assert mentions(chart.title, "nfeasible", "phones", "silver", numbers=(214,))
    (chart,) = report_device_mix(mix(named=mixes[1:2])).charts
    assert "nfeasible" not in chart.title


def test_charts_mark_the_base_case_and_what_has_no_plan() -> None:
    """A small chart for each device, shaded where there is no plan, the present share marked; and bars both ways."""
    curves, ranking = report_device_mix(mix(LAPTOP, PHONE, KETTLE)).charts
    assert "kettle" in curves.title
    first, second, third = curves.option["series"]
    assert [(one["name"], one["markLine"]["data"]) for one in (first, second, third)] == [
        ("laptop", [{"xAxis": 20.0}]),
        ("phone", [{"xAxis": 20.0}]),
        ("kettle", [{"xAxis": 20.0}]),
    ]
    assert [(area[0]["xAxis"], area[1]["xAxis"]) for area in first["markArea"]["data"]] == [
        (0.0, pytest.approx(26.67, abs=0.01))
    ]
    assert "markArea" not in third
    assert "laptop" in ranking.title
    assert mentions(render_svg(ranking), "infeasible: 12 kg")
    assert mentions(render_svg(curves), "laptop, %")


def test_where_nothing_has_a_plan_the_charts_say_so() -> None:
    """Charts without any cost are drawn all the same."""
    corner = TriangleSplit((1.0, 0.0, 0.0), STUCK)
    triangle = MixTriangle(("phone", "laptop", "kettle"), 0.5, corner, (corner,))
    nowhere = curve("kettle", NONE, NONE, less=None, more=None)
    charts = report_device_mix(mix(nowhere, base=NONE, named=(named("m", NONE),), triangle=triangle)).charts
    assert mentions(charts[-1].title, "phone", "laptop", "kettle", "plan") and list_numbers(charts[-1].title) == [50]
    assert all(render_svg(chart) for chart in charts)


def test_the_triangle_is_a_map_with_a_table() -> None:
    """Cost as colour and number, shortage by symbol, the present split as a ring, corners as rows."""
    splits = (
        TriangleSplit((1.0, 0.0, 0.0), answer(2e6, Ag=5.0)),
        TriangleSplit((0.0, 1.0, 0.0), NONE),
        TriangleSplit((0.0, 0.0, 1.0), answer(1e6)),
        TriangleSplit((0.5, 0.5, 0.0), answer(3e6, Ag=5.0)),
    )
    now = TriangleSplit((0.2, 0.3, 0.5), BASE)
    triangle = MixTriangle(("phone", "laptop", "kettle"), 0.9, now, splits)
    chart = report_device_mix(mix(triangle=triangle)).charts[-1]
    assert mentions(chart.title, "phone", "laptop", "kettle", "nfeasible")
    assert list_numbers(chart.title) == [90, 1e6, 1, 4]  # percent, cost of the cheapest, splits without a plan
    names = [one.get("name") for one in chart.option["series"]]
    assert names == [None, "silver scarce", "no metal scarce", "infeasible", None, "now"]
    drawn = render_svg(chart)
    for text in ("all phone", "all kettle", "214 kg", "cost, m JPY"):
        assert text in drawn
    table = format_table(chart.tables[0])
    assert [row[0] for row in table.rows] == ["now", "cheapest", "most phone", "most laptop", "most kettle"]
    assert table.rows[3][4] == "infeasible"


def test_all_of_it_goes_into_object_and_page() -> None:
    """The member `mix` holds it all, the page draws it, the terminal tells the tables."""
    corner = TriangleSplit((1.0, 0.0, 0.0), STUCK)
    triangle = MixTriangle(("phone", "laptop", "kettle"), 0.5, corner, (corner,))
    nowhere = curve("kettle", NONE, NONE)
    part = report_device_mix(
        mix(LAPTOP, nowhere, named=(named("phones", NONE, bundle="box"),), triangle=triangle, fixed=("phone",))
    )
    found = json.loads(render_report_json(build_sensitivity_report(INSTANCE, [part])))["mix"]
    assert (found["measure"], found["unit"], found["fixed"]) == ("cost", "JPY", ["phone"])
    assert found["present"]["scarce"] == {"Ag": 2_500_000.0, "Cu": 3.0}
    laptop, kettle = found["devices"]
    assert (laptop["tenth_less"], laptop["tenth_less_short"], laptop["high"]) == (None, 12.0, 0.4)
    assert laptop["points"][0] == {"times": 0.0, "share": 0.0, "objective": None, "scarce": {}, "short": {"Ag": 214.0}}
    assert (kettle["low"], kettle["high"]) == (None, None)
    assert (found["mixes"][0]["name"], found["mixes"][0]["bundle"]) == ("phones", "box")
    assert found["triangle"]["splits"][0]["parts"] == {"phone": 1.0, "laptop": 0.0, "kettle": 0.0}
    assert found["triangle"]["splits"][0]["short"] is None
    assert "chart-3" in render_report_html(build_sensitivity_report(INSTANCE, [part]))
    assert "Named mixes" in render_report_text(build_sensitivity_report(INSTANCE, [part]))


def test_where_there_is_no_mix_that_is_said() -> None:
    """No supply, and an objective that no share changes, are reported."""
    (said,) = report_device_mix(mix(base=dataclasses.replace(BASE, tonnes=0.0))).lines
    assert list_numbers(said) == []
    still = report_device_mix(mix(curve("phone", BASE, BASE, less=0.0, more=0.0))).lines[-1]
    assert "phone" not in still and list_numbers(still) == []
