"""The page as a browser shows it. Where no Chromium is installed only its text is looked at."""

import itertools
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.report.plans import plan
from tests.report.sourcing.handmade import HOSTILE, content

from medalopt.report.document import Report
from medalopt.report.render.html import _format_document_lines, render_report_html
from medalopt.report.sourcing.plan_report import build_plan_report

CHROMIUM = shutil.which("chromium")
QUIET = ("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Give a browser of our own."""
    if not CHROMIUM:
        pytest.skip("no chromium on this machine (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *QUIET])
        yield started
        started.close()


def opened(browser: Any, path: Path, told: Report) -> tuple[Any, list[str], list[str]]:
    """Return the page in a browser, its requests, and its console errors."""
    path.write_text(render_report_html(told), encoding="utf-8")
    asked: list[str] = []
    said: list[str] = []
    tab = browser.new_page()
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.goto(path.as_uri())
    return tab, asked, said


@pytest.fixture(scope="module")
def shown(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, list[str], list[str]]:
    """Give the page of the plan made by hand."""
    return opened(browser, tmp_path_factory.mktemp("page") / "plan.html", content(rows=200))


@pytest.mark.parametrize("name", ["tiny", "tokyo2020"])
def test_the_page_of_a_plan_is_whole(browser: Any, tmp_path: Path, name: str) -> None:
    """Every chart of a real plan is drawn, every table and document is there, without requests."""
    told = build_plan_report(plan(name))
    tab, asked, said = opened(browser, tmp_path / "plan.html", told)
    assert (tmp_path / "plan.html").stat().st_size < 1_500_000
    drawn = tab.locator("figure .chart svg").evaluate_all(
        "all => all.map(s => s.querySelectorAll('path, text').length)"
    )
    assert len(drawn) == len(told.charts) and min(drawn) > 5
    heads = tab.locator("main h2, main h3").all_text_contents()
    assert told.summary is not None and tab.locator("header dt").count() == len(told.summary.figures.rows)
    assert tab.locator("table:not(:has(caption))").count() == 0
    assert {table.title for table in told.tables if table.key != "key_figures"} | {
        chart.title for chart in told.charts
    } <= set(heads)
    assert tab.locator("article").count() == len(told.documents)
    tab.set_viewport_size({"width": 390, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390  # a telephone scrolls tables, not the page
    assert (len([url for url in asked if not url.startswith("data:")]), said) == (1, [])


def test_no_request_leaves_the_file(shown: tuple[Any, list[str], list[str]]) -> None:
    """The page requests only itself, also with hostile names, and logs no error."""
    _, asked, said = shown
    assert len([url for url in asked if not url.startswith("data:")]) == 1
    assert said == []


def test_every_chart_is_drawn_from_its_data(shown: tuple[Any, list[str], list[str]]) -> None:
    """Each chart holds a drawing with its lines and names, and its figures as a table beside it."""
    tab, _, _ = shown
    charts = tab.locator("figure .chart")
    assert charts.count() == 1
    assert charts.locator("svg path").count() > 5
    assert HOSTILE[1] in charts.locator("svg").text_content()
    assert tab.locator("section details:not(.rows) table").count() == 1


def test_hostile_names_stay_text(shown: tuple[Any, list[str], list[str]]) -> None:
    """Markup in a name is shown as text, runs no script and makes no element."""
    tab, _, _ = shown
    assert tab.title() == f"Sourcing plan {HOSTILE[0]} {HOSTILE[2]}"
    assert tab.locator("img[src*='example']").count() == 0
    assert tab.locator("td", has_text="<img src=https").count() > 0
    assert tab.locator("a[href^='http']").count() == 0


def test_who_listens_finds_the_way(shown: tuple[Any, list[str], list[str]]) -> None:
    """For screen readers headings descend one level at a time, tables have headers, charts a description."""
    tab, _, _ = shown
    levels = [int(level) for level in tab.locator("h1, h2, h3").evaluate_all("all => all.map(h => h.tagName[1])")]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert tab.locator("table:not(:has(th[scope=col]))").count() == 0
    assert tab.locator(".chart:not([aria-label])").count() == 0
    assert tab.locator("nav a").count() == 1 + tab.locator("main > section[id^=part], main > article").count()


def test_a_table_is_sorted_and_filtered_on_the_page(shown: tuple[Any, list[str], list[str]]) -> None:
    """A click on a head sorts its column both ways, the total stays last, and a filter hides the other rows."""
    tab, _, _ = shown
    table = tab.locator("table[data-sort]").first
    tab.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
    column = table.locator("th").count()

    def amounts() -> list[str]:
        cells = table.locator(f"tbody tr:not([hidden]):not(.total) td:nth-child({column})").all_inner_texts()
        return [cell.replace(",", "") for cell in cells if cell]

    button = table.locator("th button").last
    for sign, state in ((1, "ascending"), (-1, "descending")):
        button.press("Enter")
        assert table.locator("th").last.get_attribute("aria-sort") == state
        found = [float(amount) for amount in amounts()]
        assert found == sorted(found, reverse=sign < 0) and len(found) > 12
    assert table.locator("tbody tr.total").count() == table.locator("tbody tr.total:last-child").count()
    box = table.locator("xpath=../preceding-sibling::input[1]")
    box.fill(table.locator("tbody td").first.inner_text())
    assert 0 < len(amounts()) <= len(found)
    box.fill("there is no such row")
    assert amounts() == []
    box.fill("")


def test_the_summary_shows_status_and_key_figures() -> None:
    """Lines of the form `label: value, detail` are key figures; the status and whole sentences stay sentences."""
    lines = ("Optimal (verified).", "Total cost: 3.35 m JPY, 552.8 JPY per medal.", "Nothing else is known.")
    page = render_report_html(Report("Plan", lines))
    assert '<p class="status">Optimal (verified).</p>' in page and "<p>Nothing else is known.</p>" in page
    assert "<dt>Total cost</dt><dd><strong>3.35 m JPY</strong> <span>552.8 JPY per medal.</span></dd>" in page
    for other in (Report("Plan", lines[1:], status=lines[0]), Report("Plan", (), parts=(Report("Part", lines),))):
        assert '<p class="status">Optimal (verified).</p>' in render_report_html(other)


def test_each_document_is_printed_on_a_sheet_of_its_own(shown: tuple[Any, list[str], list[str]]) -> None:
    """On paper the contents are left out, and every document starts a sheet."""
    tab, _, _ = shown
    tab.emulate_media(media="print")
    assert not tab.locator("nav").is_visible()
    assert set(tab.locator("article").evaluate_all("all => all.map(a => getComputedStyle(a).breakBefore)")) == {"page"}
    tab.emulate_media(media="screen")


def test_a_draft_is_stamped_and_an_order_is_not() -> None:
    """A document is a draft while its party is incomplete, and lists the missing fields."""
    drafts = re.findall(r"<article.*?</article>", render_report_html(content(documents=2)), re.DOTALL)
    assert ["DRAFT, NOT AN ORDER" in draft for draft in drafts] == [True, False]
    assert "Missing: address" in drafts[0]


def test_a_long_document_is_shown_as_sums() -> None:
    """The page stays small: the lines of many periods are folded, and it says where they stand one by one."""
    whole, long = (next(iter(content(rows=rows).documents)) for rows in (3, 200))
    assert len(_format_document_lines(whole.lines)) == 1
    assert [len(part.rows) for part in _format_document_lines(long.lines)] == [len(HOSTILE) + 1]
    assert _format_document_lines(long.lines)[-1].notes[-1].endswith("and award.csv of the folder.")
