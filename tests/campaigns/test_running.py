"""Campaign runs: separate processes, a table, and exit code 1 for any fault."""

from __future__ import annotations

from collections import Counter

import pytest
from campaigns.running import Found, campaign

from campaigns import units


def odd_is_wrong(number: int) -> Found:
    """Find every third number odd enough to be wrong."""
    return Found(Counter({"tried": 1}), () if number % 3 else (f"{number}: divisible",))


def test_what_is_found_is_counted_and_reported(capsys: pytest.CaptureFixture[str]) -> None:
    """Trials run for consecutive seeds; faults are listed with their number, exit code 1."""
    assert campaign("some", odd_is_wrong, 1000, ["5", "--seed", "4", "--jobs", "1"]) == 1
    said = capsys.readouterr()
    assert said.out.split() == ["some,", "5", "from", "4", "tried", "5", "WRONG", "1"]
    assert said.err == "6: divisible\n"


def failing(number: int) -> Found:
    """Fail."""
    raise ValueError("no such number")


def test_a_trial_that_fails_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    """An exception in a trial is reported with its number, and the other trials run."""
    assert campaign("some", failing, 2, ["--jobs", "1"]) == 1
    assert capsys.readouterr().err == "0: ValueError: no such number\n1: ValueError: no such number\n"


def test_nothing_wrong_ends_in_0(capsys: pytest.CaptureFixture[str]) -> None:
    """Without faults the exit code is 0, for any number of processes."""
    assert campaign("some", odd_is_wrong, 2, ["--seed", "1"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("seed", range(12))
def test_units_far_apart(seed: int) -> None:
    """Twelve of the instances of `campaigns.units`: no other plan in units a thousand and a million times apart."""
    assert units.trial(seed).wrong == ()
