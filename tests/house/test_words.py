"""Words that no file of the project may contain, and links that every document must have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# put together here, so that this file does not hold them
REGISTRIES = [".".join(parts) for parts in (("py" + "pi", "org"), ("python" + "hosted", "org"), ("npm" + "js", "org"))]
PLACES = [str(ROOT), str(Path.home()) if len(Path.home().parts) > 2 else "", "/ro" + "ot/", "/ho" + "me/"]
FORBIDDEN = [word for word in (*REGISTRIES, *PLACES) if word]


def files(folder: Path) -> Iterator[Path]:
    """Yield the project's own files below `folder`: no hidden ones except .ci, no build output."""
    for path in sorted(folder.iterdir()):
        if (path.name.startswith(".") and path.name != ".ci") or path.name in {"__pycache__", "build", "dist"}:
            continue
        if path.is_dir():
            yield from files(path)
        else:
            yield path


def words_in(text: str) -> list[str]:
    """Return the forbidden words that stand in `text`."""
    return [word for word in FORBIDDEN if word in text]


def links_in(text: str) -> list[str]:
    """Return the targets of the links and pictures of a Markdown text that stay within the project."""
    targets = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def anchors(text: str) -> set[str]:
    """Return the anchors of the headings of a Markdown text."""
    titles = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken(document: Path) -> list[str]:
    """Return the links of a Markdown file that lead nowhere."""
    lost = []
    for link in links_in(document.read_text(encoding="utf-8")):
        place, _, anchor = link.partition("#")
        target = document.parent / place if place else document
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            lost.append(link)
    return lost


DOCUMENTS = [path for path in files(ROOT) if path.suffix == ".md"]


def test_no_file_names_a_machine_or_a_registry() -> None:
    """No file holds a path of one machine or the host of a package registry."""
    found = {
        str(path.relative_to(ROOT)): words_in(path.read_text(encoding="utf-8", errors="replace"))
        for path in files(ROOT)
    }
    assert {path: words for path, words in found.items() if words} == {}
    assert "README.md" in found


def test_a_forbidden_word_is_seen() -> None:
    """A machine's path and a registry's host are found where they are planted."""
    assert words_in(f"see {ROOT}/README.md") and words_in(f"from {REGISTRIES[0]}")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    """Every link of a document to a file, or to a heading in one, finds it."""
    assert broken(document) == []


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    """A link to a missing file and one to a missing heading are found where they are planted."""
    page = tmp_path / "page.md"
    page.write_text("# Here\n[a](gone.md) [b](#here) [c](#there) ![d](https://example.org/d.png)\n", encoding="utf-8")
    assert broken(page) == ["gone.md", "#there"]
