"""Random damage to a good file ends in an instance or in InputError, never otherwise: a sample of `campaigns.fuzz`."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random

import numpy as np
import pytest
from campaigns.fuzz import judged
from campaigns.mutating import Damaged
from tests.laws.figures import changed, plain

from campaigns import fuzz, mutating
from medalopt import Instance
from medalopt.instance import load

SAMPLE = 250  # of each kind of damage


@pytest.mark.parametrize("damage", [mutating.in_tree, mutating.in_text, mutating.in_table, mutating.by_changes])
def test_damage_is_refused_in_plain_words(damage: Callable[[Random], Damaged]) -> None:
    """After any damage the loader returns finite values or explains the error."""
    found = [judged(number, damage(Random(number))) for number in range(SAMPLE)]
    assert [wrong for one in found for wrong in one.wrong] == []
    ends = sum((one.seen for one in found), start=found[0].seen)
    assert ends["accepted"] and ends["refused: the input"] > SAMPLE / 2


@pytest.mark.parametrize("text", mutating.BASES)
def test_the_undamaged_files_are_good(text: str) -> None:
    """The files are valid before the damage, also when written on one line."""
    for written in (text, mutating.flow(mutating.parsed(text))):
        assert judged(0, Damaged(written)).seen["accepted"] == 1


def endless(path: Path, changes: Mapping[str, str]) -> Instance:
    """Read for ever."""
    while True:
        pass


def failing(path: Path, changes: Mapping[str, str]) -> Instance:
    """Fail as a loader must not."""
    raise IndexError("tuple index out of range")


def with_nan(path: Path, changes: Mapping[str, str]) -> Instance:
    """Return an instance of which a figure is no number."""
    return changed(load(path), "metals", sell=plain(np.full((1, 1), math.nan)))


@pytest.mark.parametrize(
    ("loader", "says"),
    [(endless, "7: TimeoutError"), (failing, "7: IndexError: tuple"), (with_nan, "7: not finite: metals.sell")],
)
def test_what_must_not_be_is_seen(
    loader: Callable[[Path, Mapping[str, str]], Instance], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loader that hangs, crashes or accepts NaN is detected, with the number of the case."""
    monkeypatch.setattr(fuzz, "load", loader)
    monkeypatch.setattr(fuzz, "LONGEST", 0.1)
    found = judged(7, Damaged(mutating.SMALL[0]))
    assert len(found.wrong) == 1 and found.wrong[0].startswith(says)


def test_a_trial_is_the_same_every_time() -> None:
    """The number of a trial says all of it."""
    cases = [[dataclasses.astuple(mutating.damaged(Random(number))) for number in range(50)] for _ in range(2)]
    assert cases[0] == cases[1]
