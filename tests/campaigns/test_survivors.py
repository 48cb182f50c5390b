"""The mutants that are said to make no difference: each is a change of the code as it is now, with its reason."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from campaigns.definitions import FragmentError, replace_fragment

ROOT = Path(__file__).parents[2]
SURVIVORS = yaml.safe_load((ROOT / "campaigns/survivors.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", SURVIVORS)
def test_each_survivor_is_a_change_of_the_code_as_it_is(file: str) -> None:
    """Each survivor changes one fragment of a definition of its file, no two alike, with a reason why it may live."""
    path = ROOT / "src/medalopt" / file
    assert path.is_file(), f"{file} is gone; move its survivors to where the code is now"
    source = path.read_text(encoding="utf-8")
    changed, astray = set(), []
    for survivor in SURVIVORS[file]:
        assert survivor.keys() == {"within", "operator", "was", "becomes", "why"}
        assert len(survivor["why"].split()) > 3
        try:
            changed.add(replace_fragment(source, survivor["within"], survivor["was"], survivor["becomes"]))
        except FragmentError as reason:
            astray.append(f"{file}: {survivor['within']}: {survivor['operator']}: {reason}")
    assert astray == []
    assert len(changed) == len(SURVIVORS[file])
