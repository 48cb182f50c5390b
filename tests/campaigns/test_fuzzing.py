"""Some trials of the campaigns that damage journals, settlement sheets and changes."""

from __future__ import annotations

import json
from collections import Counter
from types import ModuleType

import pytest
from campaigns.running import Found

from campaigns import fuzz, fuzz_changes, fuzz_journals, fuzz_settlements
from medalopt.errors import UsageError


@pytest.mark.parametrize("campaign", [fuzz_changes, fuzz_journals, fuzz_settlements], ids=lambda one: one.__name__)
def test_damage_is_refused_or_read(campaign: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two hundred trials some are read, some rejected, and no other outcome occurs."""
    monkeypatch.setattr(campaign, "confine", lambda: None)
    found = sum((campaign.trial(number) for number in range(200)), start=Found())
    assert found.wrong == ()
    assert found.seen["accepted"] > 5 and sum(found.seen[end] for end in found.seen if "refused" in end) > 50


def test_what_is_wrong_is_seen() -> None:
    """A crash, a message that cannot be shown and a wrong reading each count as wrong."""

    def crash() -> str:
        raise ZeroDivisionError("x")

    def unclear() -> str:
        raise UsageError("\x1b")

    assert fuzz.watched(1, "calls", crash).wrong == ("1: ZeroDivisionError: x",)
    assert fuzz.watched(2, "calls", unclear).wrong == ("2: a message that cannot be shown, '\\x1b'",)
    assert fuzz.watched(3, "calls", lambda: "odd") == Found(Counter({"calls": 1, "accepted": 1}), ("3: odd",))


def test_a_forged_line_has_the_digest_that_fits() -> None:
    """Forged lines carry a valid digest, else the campaign would test only the digest."""
    header, *lines = (json.loads(line) for line in fuzz_journals._lines())
    for line in lines:
        check = line.pop("check")
        assert fuzz_journals.compute_line_digest(header, line) == check
