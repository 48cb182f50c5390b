"""The mutants that are said to make no difference: each is a change of the code as it is now, with its reason."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SURVIVORS = yaml.safe_load((ROOT / "campaigns/survivors.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", SURVIVORS)
def test_each_survivor_is_a_change_of_the_code_as_it_is(file: str) -> None:
    """What a survivor changes stands in its file, becomes something else, and is told why that is all the same."""
    text = " ".join((ROOT / "src/medalopt" / file).read_text(encoding="utf-8").split())
    for survivor in SURVIVORS[file]:
        assert survivor.keys() == {"operator", "was", "becomes", "why"}
        assert " ".join(survivor["was"].split()) in text
        assert survivor["becomes"] != survivor["was"]
        assert len(survivor["why"].split()) > 3
