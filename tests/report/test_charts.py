"""Charts without a browser, and on a self-contained page."""

from __future__ import annotations

import base64
import hashlib
import re
import struct
import sys
import zlib
from collections.abc import Iterable, Sequence
from html.parser import HTMLParser
from importlib import resources

import pytest

from medalopt.errors import UsageError
from medalopt.report.charts import (
    ECHARTS_FILE,
    PICTURE_WIDTH,
    Chart,
    ChartAxis,
    _load_engine,
    build_line_series,
    build_plot_option,
    mark_base_case,
    mark_infeasible_range,
    render_png,
    render_svg,
    shorten_name,
)
from medalopt.report.document import Report, ReportColumn, ReportTable
from medalopt.report.render.html import _render_page
from medalopt.report.render.text import TextColumn, TextTable, format_table, split_summary

Parts = Sequence[TextTable | Chart]


def render_html(title: str, lines: Iterable[str], parts: Parts, foot: Iterable[str] = ()) -> str:
    """Return a page with sentences, parts and lines at its bottom."""
    return _render_page(title, split_summary(Report(title, tuple(lines))), parts, foot)


HOSTILE = "</script><script>alert(1)</script><img src=http://evil.example/x onerror=alert(2)>=1+1\u2028"
COLUMNS = (ReportColumn("silver", "silver"), ReportColumn("cost", "cost", "", style="significant"))
FIGURES = ReportTable("figures", "The figures", "", COLUMNS, (("91 %", 20.0),), total=("100 %", 9.3))
TABLE = format_table(FIGURES)
SHA256 = "15b171b4b4489cccd236a9402769011d91980babe1aadb6a8f4316e3598dada6"


def chart(name: str = "cost", title: str = "Less silver costs more") -> Chart:
    """Return a chart of one line with all marks."""
    points = [(70.0, None), (91.0, 20.0), (100.0, 9.3)]
    drawn = build_line_series(
        name,
        points,
        markLine=mark_base_case(100, "as it is"),
        markArea=mark_infeasible_range(70, 91, "no plan below 91 %"),
    )
    up = ChartAxis("cost", "bn JPY", minimum=0)
    return Chart(
        title,
        build_plot_option(ChartAxis("silver", "%"), up, [drawn, build_line_series("other", points)]),
        (FIGURES,),
        ("A note.",),
    )


class Page(HTMLParser):
    """Content of a page: elements with attributes, and the text of each script and style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inside: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self.inside.append((tag if "type" not in dict(attrs) else "data", ""))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem:
            tag, before = self.inside[-1]
            self.inside[-1] = (tag, before + data)


def test_the_drawing_library_is_the_one_that_was_made() -> None:
    """The parts of ECharts are byte for byte those that docs/how-to/add_a_chart.md builds, with licence and notice."""
    folder = resources.files("medalopt.report").joinpath("assets")
    assert hashlib.sha256(folder.joinpath(ECHARTS_FILE).read_bytes()).hexdigest() == SHA256
    assert "Apache License" in folder.joinpath("echarts-LICENSE.txt").read_text(encoding="utf-8")
    assert "ECharts" in folder.joinpath("echarts-NOTICE.txt").read_text(encoding="utf-8")


def test_a_chart_is_drawn_without_a_browser() -> None:
    """The SVG holds the finding, both axes with their units, the base case and where no plan exists."""
    drawn = render_svg(chart())
    for text in ("Less silver costs more", "silver (%)", "cost (bn JPY)", "as it is", "no plan below 91 %", "other"):
        assert f">{text}</text>" in drawn
    assert "Less silver" not in render_svg(chart(), title=False)
    fall = build_line_series("", [(0.0, -2000.0), (1.0, 1000.0)])
    assert ">−2,000</text>" in render_svg(Chart("Fall", build_plot_option(ChartAxis("x"), ChartAxis("y"), [fall])))


def test_a_long_finding_is_broken_into_lines() -> None:
    """A title wider than the chart goes on below, and the chart becomes higher by its lines."""
    short, long = render_svg(chart(title="One")), render_svg(chart(title="word " * 60))
    height = [int(re.search(r'height="(\d+)"', text).group(1)) for text in (short, long)]  # type: ignore[union-attr]
    assert height[1] > height[0] + 30


def test_a_chart_becomes_pixels_with_its_text() -> None:
    """The PNG has the size of the chart twice over, and is neither empty nor of one colour."""
    data = render_png(chart())
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, _ = struct.unpack(">II", data[16:24])
    assert width == 2 * PICTURE_WIDTH
    without = render_png(Chart("", {"series": []}))
    assert len(data) > 2 * len(without)
    assert zlib.crc32(data) != zlib.crc32(render_png(chart(title="")))


def test_an_axis_of_names_shortens_them() -> None:
    """Names too long for an axis end in an ellipsis, and the others stay."""
    assert shorten_name("phone") == "phone"
    assert len(shorten_name("x" * 100)) == 24
    assert ChartAxis("device", names=["phone", "x" * 30]).encode()["data"] == ["phone", "x" * 23 + "…"]
    assert ChartAxis("cost", logarithmic=True).encode(upward=True)["type"] == "log"


def test_a_page_allows_only_its_own_style_and_script() -> None:
    """The policy forbids all but the very style and script that stand on the page, by their hashes."""
    page = Page(render_html("Title", ["A line."], [TABLE, chart()], ["foot"]))
    policy = next(attributes["content"] for tag, attributes in page.elements if "http-equiv" in attributes)
    assert policy is not None and policy.startswith("default-src 'none'; ") and "unsafe" not in policy
    for tag, text in page.inside:
        if tag != "data":
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not any("style" in attributes or "onerror" in attributes for _, attributes in page.elements)


def test_a_page_asks_for_nothing_from_outside() -> None:
    """No element of a page names an address, and its pictures are inside it."""
    page = Page(render_html("Title", [], [chart()]))
    named = [value for _, attributes in page.elements for key, value in attributes.items() if key in ("src", "href")]
    skip, picture = map(str, named)
    assert skip == "#main" and picture.startswith("data:image/svg+xml;base64,")


def test_hostile_names_stay_text() -> None:
    """A name full of markup makes no element on the page, none in the drawing, and ends no script."""
    harmless = Page(render_html("Title", ["line"], [TABLE, chart()], ["foot"]))
    row = TextTable(HOSTILE, (TextColumn(HOSTILE),), ((HOSTILE,),), notes=(HOSTILE,))
    page = Page(render_html(HOSTILE, [HOSTILE], [row, chart(HOSTILE, HOSTILE)], [HOSTILE]))
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in harmless.elements} | {"wbr"}
    assert [kind for kind, _ in page.inside] == [kind for kind, _ in harmless.inside]
    assert "<script" not in render_svg(chart(HOSTILE, HOSTILE)) and "<img" not in render_svg(chart(HOSTILE, HOSTILE))


def test_what_is_no_number_is_refused() -> None:
    """An infinite value in a chart is a fault of the program, never half a page."""
    with pytest.raises(ValueError, match="JSON"):
        render_html("Title", [], [Chart("t", {"series": [{"data": [float("inf")]}]})])


def test_a_page_of_tables_carries_no_script() -> None:
    """Without a chart there is no script, and the policy allows none."""
    page = render_html("Title", [], [TABLE])
    assert "<script" not in page and "script-src" not in page and '<tr class="total">' in page


def test_without_the_engine_the_page_is_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the engine the page has no images beside its charts; SVG names the package to install."""
    _load_engine.cache_clear()
    for name in ("quickjs", "resvg_py"):
        monkeypatch.setitem(sys.modules, name, None)
    assert "img" not in {tag for tag, _ in Page(render_html("Title", [], [chart()])).elements}
    with pytest.raises(UsageError, match=r"quickjs.*medalopt\[pictures\]"):
        render_svg(chart())
    with pytest.raises(UsageError, match="resvg_py"):
        render_png(chart())
