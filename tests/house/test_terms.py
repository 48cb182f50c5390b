"""The documents use the terms of the field, not the words that they replaced."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.house.test_documents import PAGES

ROOT = Path(__file__).parents[2]
PROSE = [*PAGES, ROOT / "models/sourcing.md", ROOT / "instances/README.md", ROOT / "campaigns/README.md"]
INSTEAD = {  # old word: term to use
    "cures?": "repair",
    "refusals?": "infeasible, rejection",
    "what binds": "binding constraints",
    "what is scarce": "bottleneck, shadow prices",
    "made least": "minimised",
    "leaves? the project": "passed on to ordinary recycling",
    "taken apart": "decomposed, dismantled",
    "told|tells": "reported, states",
    "anew": "again, recomputed",
    "figures?": "parameter, value, number",
    "goods": "devices, supply",
    "invoice": "cost breakdown by shadow price",
}


def old_words(text: str) -> list[str]:
    """Return the old words in a Markdown text, outside code and quoted output."""
    prose = re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
    return [word for word in INSTEAD if re.search(rf"\b({word})\b", prose, flags=re.IGNORECASE)]


@pytest.mark.parametrize("page", PROSE, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_page_uses_the_terms(page: Path) -> None:
    """No page holds a word that a term of the field replaces; `INSTEAD` names the term. Generated help is exempt."""
    if page.name != "cli.md":
        assert old_words(page.read_text(encoding="utf-8")) == []


def test_an_old_word_is_seen() -> None:
    """Old words are found in prose, and passed over in code and output."""
    assert old_words("The cure for these figures.\n") == ["cures?", "figures?"]
    assert old_words("`figures` is a member.\n```text\nWhat binds\n```\n") == []
