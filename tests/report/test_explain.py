"""An explanation on paper and as JSON."""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from typing import Any

import pytest
from rich.cells import cell_len
from tests.analysis.nearby import ROOT, offer, silver
from tests.analysis.test_explain_taking import EAST, SOUTH, WEST, phones
from tests.report.reading import list_numbers, mentions

import medalopt
from medalopt.analysis.explain.explanation import Explanation, explain_plan, explain_stream
from medalopt.report.explain import (
    _build_explanation_object,
    _build_stream_object,
    _summarize_explanation,
    build_explanation_report,
    build_stream_report,
)
from medalopt.report.explain_tables import build_binding_table
from medalopt.report.render.json import render_json
from medalopt.report.render.text import SCREEN_LINES, render_report_text

NAMES = ("tiny", "rio2016", "dantzig", "tokyo2020")


@cache
def explained(name: str) -> Explanation:
    """Return the explanation of a shipped instance."""
    return explain_plan(medalopt.solve(medalopt.load(ROOT / f"instances/{name}.yaml")))


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", NAMES)
def test_the_page_fits(name: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """At 80 and 120 columns no line is wider and no column omitted; without --full the page takes at most 40 lines."""
    monkeypatch.setenv("COLUMNS", str(width))
    report = build_explanation_report(explained(name))
    lines = render_report_text(report).splitlines()
    assert max(cell_len(line) for line in lines) <= width
    assert len(render_report_text(report, full=False).splitlines()) <= SCREEN_LINES
    assert not any("do not fit" in line for line in lines)


def test_what_matters_comes_first() -> None:
    """After the cost of Tokyo comes the price of silver, its reason, and the next source."""
    line = _summarize_explanation(explained("tokyo2020"))[2]
    assert mentions(line, "silver", "mined_silver", "recycled", "pick_up (bundle) from kanto")


def test_prices_on_a_kink_are_distinguished() -> None:
    """If the prices of one more and one fewer differ by less than a digit, more digits are shown."""
    row = next(
        line
        for line in render_report_text(build_explanation_report(explained("tokyo2020-fy2013"))).splitlines()
        if line.startswith("medal silver")
    )
    more, fewer = row.split()[2:4]
    assert more != fewer and more > fewer


def test_what_is_left_out_is_reported_with_its_price() -> None:
    """South asks 400 and comes in below 250, which a sentence says."""
    line = next(
        line
        for line in _summarize_explanation(explain_plan(medalopt.solve(phones(EAST, WEST, SOUTH))))
        if "phone from south" in line
    )
    assert mentions(line, numbers=(20, 250, 400))  # t offered; JPY/t below which it enters, and now


def test_a_member_may_have_the_name_of_a_field() -> None:
    """An offer called `limits` is named in the cost breakdown like any other."""
    found = explain_plan(medalopt.solve(silver({"limits": offer(10, limit=3), "dear": offer(30)}, 5)))
    assert "limit of limits" in render_report_text(build_explanation_report(found))


@pytest.mark.parametrize("name", NAMES)
def test_the_object_holds_what_the_page_says(name: str) -> None:
    """As JSON the invoice adds up to the objective, every path can be read back, and no number is infinite."""
    told = parsed(_build_explanation_object(explained(name)))
    assert list(told["explanation"]) == ["binding", "prices", "sources", "invoice", "alternatives", "unproven"]
    total = sum(line["value"] for line in told["explanation"]["invoice"])
    assert total == pytest.approx(told["objective"]["value"], rel=1e-9)
    assert all(row["path"] for row in told["explanation"]["prices"] + told["explanation"]["invoice"])


def parsed(content: dict[str, Any]) -> dict[str, Any]:
    """Return the object as strict JSON reads it; infinity is an error."""
    return dict(json.loads(render_json(content), parse_constant=lambda word: pytest.fail(word)))


def test_a_stream_in_a_bundle_shows_both_stories(monkeypatch: pytest.MonkeyPatch) -> None:
    """A phone in a bundle is explained alone and with its bundle, also as JSON."""
    monkeypatch.setenv("COLUMNS", "80")
    plan = explained("tiny").plan
    found = explain_stream(plan, plan.instance.streams.names.index("phone@west"))
    page = render_report_text(build_stream_report(found))
    assert (
        mentions(" ".join(page.split()), "box (bundle) from west")
        and max(cell_len(line) for line in page.splitlines()) <= 80
    )
    told = parsed(_build_stream_object(found))["explanation"]
    assert told["stream"]["streams"] == ["streams.phone@west"]
    assert told["bundle"]["streams"] == ["streams.kettle@west", "streams.phone@west"]


def test_a_stream_on_its_own_has_no_bundle() -> None:
    """The explanation of east has its route, cost and metal per tonne, and break-even prices."""
    found = explain_stream(explain_plan(medalopt.solve(phones(EAST, WEST, SOUTH))).plan, 0)
    page = " ".join(render_report_text(build_stream_report(found)).split())
    assert found.bundle is None
    assert mentions(page, "6 t by whole to near", numbers=(6, 100))
    assert mentions(page, numbers=(250, 400))  # JPY a tonne up to which all, and some of it, is taken


def test_what_binds_little_is_left_to_the_json() -> None:
    """Figures of which a hundredth saves less than a thousandth of the first are counted, not listed; own rules are."""
    found = explained("tiny")
    first, second, third = found.binding[:3]
    little = dataclasses.replace(second, name="a little", hint=first.hint * 1e-4)
    own = dataclasses.replace(third, name="an own rule", paths=("extension.own",), hint=first.hint * 1e-5)
    table = build_binding_table(dataclasses.replace(found, binding=(first, little, own)))
    assert [row[0] for row in table.rows] == [first.name, "an own rule"]
    assert len(build_binding_table(dataclasses.replace(found, binding=(first, little, own)), whole=True).rows) == 3
    assert [list_numbers(note)[-1] for note in table.notes] == [1]  # constraints omitted


def test_what_is_ample_is_listed_below_the_prices() -> None:
    """Gold and copper come back beside silver: their low prices are a note, and no row of the table."""
    lines = render_report_text(build_explanation_report(explained("tokyo2020"))).splitlines()
    assert any("market" in line and "gold (" in line for line in lines)
    assert not any(line.startswith("kg of gold") for line in lines)
