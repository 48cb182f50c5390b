"""The page as a browser shows it. Where no Chromium is installed only its text is looked at."""

import itertools
import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from tests.report.sourcing.handmade import HOSTILE, content

from medalopt.report.sourcing.pageform import document_lines, page

CHROMIUM = shutil.which("chromium")
QUIET = ("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, list[str], list[str]]]:
    """Give the page in a browser, what it asked for, and what it complained of."""
    if not CHROMIUM:
        pytest.skip("no chromium on this machine (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    path = tmp_path_factory.mktemp("page") / "plan.html"
    path.write_text(page(content(rows=200)), encoding="utf-8")
    asked: list[str] = []
    said: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *QUIET])
        tab = browser.new_page()
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.goto(path.as_uri())
        yield tab, asked, said
        browser.close()


def test_no_request_leaves_the_file(shown: tuple[Any, list[str], list[str]]) -> None:
    """The page asks for itself alone, also where names would like it to ask for more, and complains of nothing."""
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
    assert tab.locator("section details table").count() == 1


def test_hostile_names_stay_text(shown: tuple[Any, list[str], list[str]]) -> None:
    """Markup in a name is shown with its signs, runs nothing, and makes no element."""
    tab, _, _ = shown
    assert tab.title() == f"Sourcing plan {HOSTILE[0]} {HOSTILE[2]}"
    assert tab.locator("img[src*='example']").count() == 0
    assert tab.locator("td", has_text="<img src=https").count() > 0
    assert tab.locator("a[href^='http']").count() == 0


def test_who_listens_finds_the_way(shown: tuple[Any, list[str], list[str]]) -> None:
    """Headings go down one step at a time, every table has headers, every chart says what it shows."""
    tab, _, _ = shown
    levels = [int(level) for level in tab.locator("h1, h2, h3").evaluate_all("all => all.map(h => h.tagName[1])")]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert tab.locator("table:not(:has(th[scope=col]))").count() == 0
    assert tab.locator(".chart:not([aria-label])").count() == 0
    assert tab.locator("nav a").count() == tab.locator("main > section[id^=part], main > article").count()


def test_each_document_is_printed_on_a_sheet_of_its_own(shown: tuple[Any, list[str], list[str]]) -> None:
    """On paper the contents are left out, and every document starts a sheet."""
    tab, _, _ = shown
    tab.emulate_media(media="print")
    assert not tab.locator("nav").is_visible()
    assert set(tab.locator("article").evaluate_all("all => all.map(a => getComputedStyle(a).breakBefore)")) == {"page"}
    tab.emulate_media(media="screen")


def test_a_draft_is_stamped_and_an_order_is_not() -> None:
    """A document is stamped as a draft while its party is incomplete, and says what is missing."""
    drafts = re.findall(r"<article.*?</article>", page(content(documents=2)), re.DOTALL)
    assert ["DRAFT, NOT AN ORDER" in draft for draft in drafts] == [True, False]
    assert "Still to be known of this party: address." in drafts[0]


def test_a_long_document_is_told_in_sums() -> None:
    """The page stays small: the lines of many periods are folded, and it says where they stand one by one."""
    whole, long = (next(iter(content(rows=rows).documents)) for rows in (3, 200))
    assert len(document_lines(whole.lines)) == 1
    assert [len(part.rows) for part in document_lines(long.lines)] == [len(HOSTILE) + 1]
    assert "in the workbook" in document_lines(long.lines)[-1].notes[-1]
