"""Charts: drawn without a browser, and on a page that needs nothing and lets nothing in."""

from __future__ import annotations

import base64
import hashlib
import re
import struct
import sys
import zlib
from html.parser import HTMLParser
from importlib import resources

import pytest

from medalopt.errors import UsageError
from medalopt.report.charts import drawing
from medalopt.report.charts.chart import Axis, Chart, barred, base_case, line, plot, shortened
from medalopt.report.charts.drawing import png, svg
from medalopt.report.charts.htmlpage import html
from medalopt.report.section import Column, Section

HOSTILE = "</script><script>alert(1)</script><img src=http://evil.example/x onerror=alert(2)>=1+1\u2028"
TABLE = Section(
    "The figures", (Column("silver", False), Column("cost")), (("91 %", "20"), ("100 %", "9.3")), total=True
)
SHA256 = "15b171b4b4489cccd236a9402769011d91980babe1aadb6a8f4316e3598dada6"


def chart(name: str = "cost", title: str = "Less silver costs more") -> Chart:
    """Return a chart of one line with all marks."""
    points = [(70.0, None), (91.0, 20.0), (100.0, 9.3)]
    drawn = line(name, points, markLine=base_case(100, "as it is"), markArea=barred(70, 91, "no plan below 91 %"))
    up = Axis("cost", "bn JPY", least=0)
    return Chart(title, plot(Axis("silver", "%"), up, [drawn, line("other", points)]), (TABLE,), ("A note.",))


class Page(HTMLParser):
    """What stands on a page: its elements with their attributes, and the text of each script and style."""

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
    """The parts of ECharts are byte for byte what CONTRIBUTING.md says how to make, with licence and notice."""
    folder = resources.files("medalopt.report").joinpath("assets")
    assert hashlib.sha256(folder.joinpath(drawing.ECHARTS).read_bytes()).hexdigest() == SHA256
    assert "Apache License" in folder.joinpath("echarts-LICENSE.txt").read_text(encoding="utf-8")
    assert "ECharts" in folder.joinpath("echarts-NOTICE.txt").read_text(encoding="utf-8")


def test_a_chart_is_drawn_without_a_browser() -> None:
    """The SVG holds the finding, both axes with their units, the base case and where no plan exists."""
    drawn = svg(chart())
    for text in ("Less silver costs more", "silver (%)", "cost (bn JPY)", "as it is", "no plan below 91 %", "other"):
        assert f">{text}</text>" in drawn
    assert "Less silver" not in svg(chart(), title=False)


def test_a_long_finding_is_broken_into_lines() -> None:
    """A title wider than the chart goes on below, and the chart becomes higher by its lines."""
    short, long = svg(chart(title="One")), svg(chart(title="word " * 60))
    height = [int(re.search(r'height="(\d+)"', text).group(1)) for text in (short, long)]  # type: ignore[union-attr]
    assert height[1] > height[0] + 30


def test_a_chart_becomes_pixels_with_its_text() -> None:
    """The PNG has the size of the chart twice over, and is neither empty nor of one colour."""
    data = png(chart())
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, _ = struct.unpack(">II", data[16:24])
    assert width == 2 * drawing.WIDTH
    without = png(Chart("", {"series": []}))
    assert len(data) > 2 * len(without)
    assert zlib.crc32(data) != zlib.crc32(png(chart(title="")))


def test_an_axis_of_names_shortens_them() -> None:
    """Names too long for an axis end in an ellipsis, and the others stay."""
    assert shortened("phone") == "phone"
    assert len(shortened("x" * 100)) == 24
    assert Axis("device", names=["phone", "x" * 30]).option()["data"] == ["phone", "x" * 23 + "…"]
    assert Axis("cost", logarithmic=True).option(upward=True)["type"] == "log"


def test_a_page_allows_only_its_own_style_and_script() -> None:
    """The policy forbids all but the very style and script that stand on the page, by their hashes."""
    page = Page(html("Title", ["A line."], [TABLE, chart()], ["foot"]))
    policy = next(attributes["content"] for tag, attributes in page.elements if "http-equiv" in attributes)
    assert policy is not None and policy.startswith("default-src 'none'; ") and "unsafe" not in policy
    for tag, text in page.inside:
        if tag != "data":
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not any("style" in attributes or "onerror" in attributes for _, attributes in page.elements)


def test_a_page_asks_for_nothing_from_outside() -> None:
    """No element of a page names an address, and its pictures are inside it."""
    page = Page(html("Title", [], [chart()]))
    named = [value for _, attributes in page.elements for key, value in attributes.items() if key in ("src", "href")]
    assert len(named) == 1 and str(named[0]).startswith("data:image/svg+xml;base64,")


def test_hostile_names_stay_text() -> None:
    """A name full of markup makes no element on the page, none in the drawing, and ends no script."""
    harmless = Page(html("Title", ["line"], [TABLE, chart()], ["foot"]))
    row = Section(HOSTILE, (Column(HOSTILE),), ((HOSTILE,),), notes=(HOSTILE,))
    page = Page(html(HOSTILE, [HOSTILE], [row, chart(HOSTILE, HOSTILE)], [HOSTILE]))
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in harmless.elements} | {"wbr"}
    assert [kind for kind, _ in page.inside] == [kind for kind, _ in harmless.inside]
    assert "<script" not in svg(chart(HOSTILE, HOSTILE)) and "<img" not in svg(chart(HOSTILE, HOSTILE))


def test_what_is_no_number_is_refused() -> None:
    """An infinite value in a chart is a fault of the program, never half a page."""
    with pytest.raises(ValueError, match="JSON"):
        html("Title", [], [Chart("t", {"series": [{"data": [float("inf")]}]})])


def test_a_page_of_tables_carries_no_script() -> None:
    """Without a chart there is no script, and the policy allows none."""
    page = html("Title", [], [TABLE])
    assert "<script" not in page and "script-src" not in page and '<tr class="total">' in page


def test_without_the_engine_the_page_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing draws without a browser the page has no pictures beside its charts; SVG says what to install."""
    drawing._engine.cache_clear()
    for name in ("quickjs", "resvg_py"):
        monkeypatch.setitem(sys.modules, name, None)
    assert "img" not in {tag for tag, _ in Page(html("Title", [], [chart()])).elements}
    with pytest.raises(UsageError, match=r"quickjs.*medalopt\[pictures\]"):
        svg(chart())
    with pytest.raises(UsageError, match="resvg_py"):
        png(chart())
