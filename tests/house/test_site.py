"""The documentation site, as far as it can be checked without the tool that renders it."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site() -> ModuleType:
    """Return docs/site/build.py as a module."""
    spec = importlib.util.spec_from_file_location("build_site", ROOT / "docs/site/build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_navigation_reaches_every_page(site: ModuleType) -> None:
    """Each page in docs/ and of the mathematics is a page of the navigation, under one of the four kinds of page."""
    sections = site.read_navigation()
    titles = [title for section in sections for title in section]
    assert titles[:5] == ["medalopt", "Tutorials", "How-to", "Reference", "Explanation"]
    reached = [
        path for section in sections[1:] for pages in section.values() for page in pages for path in page.values()
    ]
    assert len(reached) == len(set(reached))
    pages = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert pages - {"docs/README.md"} | {"models/sourcing.md", site.API_PAGE} <= set(reached)


def test_the_site_holds_what_pages_link_to(site: ModuleType) -> None:
    """Every link of every page leads to a file, never to a folder, and that file is on the site."""
    files = {path.relative_to(ROOT).as_posix() for path in site.collect_files()}
    assert {"LICENSE", "CONTRIBUTING.md", "docs/images/tornado.svg", "models/sourcing.mod"} <= files


def test_the_api_page_has_every_public_name(site: ModuleType) -> None:
    """The page of the Python API has a directive for each name that the package offers."""
    import medalopt

    page = site.render_api_page()
    assert [name for name in medalopt.__all__ if f"heading: {name}\n" not in page and name != "__version__"] == []


def test_the_search_shows_no_layout_of_formulas(site: ModuleType) -> None:
    """Results of the search show a formula as plain text."""
    index = r'{"text": "with \\(\\bar R_{et}(x)\\) kilograms of \\(\\alpha\\)"}'
    assert json.loads(site.simplify_formulas(index)) == {"text": "with  R_et(x) kilograms of alpha"}


PAGE = '<h1 id="top">Title</h1><a href="{}">link</a>'


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (PAGE.format("gone.html"), "leads to no file"),
        (PAGE.format("#gone"), "leads to no heading"),
        (PAGE.format("other.html#gone"), "leads to no heading"),
        ('<script src="https://example.org/a.js"></script>', "is loaded from a network"),
        ('<img src="//example.org/a.png">', "is loaded from a network"),
        (PAGE.format("other.html#top"), None),
        (PAGE.format("https://example.org/"), None),
    ],
)
def test_a_fault_of_the_site_is_found(site: ModuleType, tmp_path: Path, text: str, fault: str | None) -> None:
    """A broken link, a missing heading and a resource on a network are found where they are planted."""
    (tmp_path / "index.html").write_text(text, encoding="utf-8")
    (tmp_path / "other.html").write_text(PAGE.format("index.html"), encoding="utf-8")
    faults = list(site.list_faults(tmp_path))
    assert len(faults) == (fault is not None) and all(str(fault) in each for each in faults)
