"""The mutants that are said to make no difference: each is a change of the code as it is now, with its reason."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from campaigns.definitions import FragmentError, replace_fragment
from campaigns.parts import PACKAGE, PARTS
from tests.matrix import SUBSET

ROOT = Path(__file__).parents[2]
SURVIVORS = yaml.safe_load((ROOT / "campaigns/survivors.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", SURVIVORS)
def test_each_survivor_is_a_change_of_the_code_as_it_is(file: str) -> None:
    """Each survivor changes one fragment of a definition of its file, no two alike, with a reason why it may live."""
    path = ROOT / "src/medalopt" / file
    assert path.is_file(), f"{file} is gone; move its survivors to where the code is now"
    source = path.read_text(encoding="utf-8")
    changed, misplaced = set(), []
    for survivor in SURVIVORS[file]:
        assert survivor.keys() == {"within", "operator", "was", "becomes", "why"}
        assert len(survivor["why"].split()) > 3
        try:
            changed.add(replace_fragment(source, survivor["within"], survivor["was"], survivor["becomes"]))
        except FragmentError as reason:
            misplaced.append(f"{file}: {survivor['within']}: {survivor['operator']}: {reason}")
    assert misplaced == []
    assert len(changed) == len(SURVIVORS[file])


def test_what_is_mutated_and_what_has_to_see_it_exists() -> None:
    """Each pattern of the campaign's parts matches a file, and each of its tests, and of the matrix, exists."""
    patterns = [pattern for part in PARTS.values() for pattern in part.files]
    assert [pattern for pattern in patterns if not any(PACKAGE.glob(pattern))] == []
    tests = {*SUBSET, *(test for part in PARTS.values() for test in part.tests)}
    assert [test for test in sorted(tests) if not (ROOT / test.partition("::")[0]).exists()] == []
