"""All errors of a file are reported in the first round."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest
from tests.instance.test_faults import FAULTS
from tests.instance.writing import faults

HIDES = {"not a mapping", "not a mapping of names", "list for one period", "duplicate key"}
"""After these it cannot be known how many periods or which metals there are, or words tell of another line."""
PAIRS = [
    (one, other)
    for one, other in itertools.combinations(sorted(FAULTS.keys() - HIDES), 2)
    if not FAULTS[one][0].keys() & FAULTS[other][0].keys()
]


@pytest.mark.parametrize("number", range(4))
def test_two_faults_are_reported_together(number: int, tmp_path: Path) -> None:
    """Errors in two sections are reported together, as each is alone."""
    for one, other in random.Random(number).sample(PAIRS, 25):
        both = {fault[2] for fault in faults(tmp_path, **{**FAULTS[one][0], **FAULTS[other][0]})}
        for name in (one, other):
            assert {fault[2] for fault in faults(tmp_path, **FAULTS[name][0])} <= both


TOGETHER: dict[str, tuple[dict[str, str], list[tuple[str, str]]]] = {
    "a list of a wrong length with a wrong figure": (
        {"smelters": "smelters: {kosaka: {capacity: [1, 2 km, 3]}}"},
        [
            ("smelters.kosaka.capacity", "there are 2 periods, but 3 values"),
            ("smelters.kosaka.capacity[1]", "expected"),
        ],
    ),
    "a list of one value": (
        {"smelters": "smelters: {kosaka: {capacity: [1]}}"},
        [("smelters.kosaka.capacity", "there are 2 periods, but 1 value: give")],
    ),
    "a window of three with a wrong share": (
        {"alloys": "alloys: {silver: {composition: {Ag: [1 km, 0, 1]}}}"},
        [
            ("alloys.silver.composition.Ag", "expected a pair, [least, greatest]; found a list of 3"),
            ("alloys.silver.composition.Ag[0]", "expected a share"),
        ],
    ),
    "what a stream offers, in a list of a wrong length": (
        {"streams": "streams:\n- {device: phone, region: tokyo, available: [1 km, 2, 3]}"},
        [
            ("streams.phone@tokyo.available", "there are 2 periods, but 3 values"),
            ("streams.phone@tokyo.available", "expected a number in t"),
        ],
    ),
    "lists beside a wrong month": (
        {
            "periods": "periods: {start: 2017-13, count: 2}",
            "smelters": "smelters: {kosaka: {capacity: [1, 2, 3]}}",
            "streams": "streams:\n- {device: phone, region: tokyo, available: [1 km, 2, 3]}",
        },
        [
            ("periods.start", "expected a month"),
            ("smelters.kosaka.capacity", "there are 2 periods, but 3 values"),
            ("streams.phone@tokyo.available", "there are 2 periods, but 3 values"),
            ("streams.phone@tokyo.available", "expected a number in t"),
        ],
    ),
    "figures beside a wrong number of periods": (
        {
            "periods": "periods: {count: none}",
            "smelters": "smelters: {kosaka: {capacity: [1, 2 km, 3]}}",
            "streams": "streams:\n- {device: phone, region: tokyo, available: [1 km, 2, 3]}",
        },
        [
            ("periods.count", "expected a whole number"),
            ("smelters.kosaka.capacity[1]", "expected a number in t"),
            ("streams.phone@tokyo.available", "expected a number in t"),
        ],
    ),
    "an offer without a price": (
        {"x": "market: {b: {composition: {Ag: 80 %, Au: 30 %}, committed: 5, limit: 4}}"},
        [
            ("market.b.price", "`price` is missing"),
            ("market.b.composition", "the metals sum to 110 %"),
            ("market.b.committed", "more is committed than the `limit` allows"),
        ],
    ),
    "an offer with a wrong price": (
        {"x": "market: {b: {price: 5 km, composition: {Ag: 80 %, Au: 30 %}}}"},
        [("market.b.price", "expected a number in JPY/kg"), ("market.b.composition", "the metals sum to 110 %")],
    ),
    "a medal without a count": (
        {"medals": "medals: {first: {due: 2020-01, parts: {silver: 1}}}"},
        [("medals.first.count", "`count` is missing"), ("medals.first.due", "`2020-01` names no period")],
    ),
    "a group without its devices": (
        {"x": "policy: {device_share: {rich: {share: [50 %, 20 %]}}}"},
        [
            ("policy.device_share.rich.devices", "`devices` is missing"),
            ("policy.device_share.rich.share", "the window is turned round"),
        ],
    ),
    "a mix of a bundle without its name": (
        {"x": "mixes: {m: {shares: {phone: 80 %, laptop: 30 %}}}"},
        [("mixes.m.bundle", "`bundle` is missing"), ("mixes.m", "the shares sum to 110 %")],
    ),
}


@pytest.mark.parametrize("case", TOGETHER.values(), ids=TOGETHER.keys())
def test_nothing_waits_for_another_round(case: tuple[dict[str, str], list[tuple[str, str]]], tmp_path: Path) -> None:
    """All errors of one element are reported together, and no others."""
    parts, expected = case
    found = sorted((path, message) for _, _, path, message in faults(tmp_path, **parts))
    assert len(found) == len(expected)
    for (path, message), (there, beginning) in zip(found, sorted(expected), strict=True):
        assert path == there and message.startswith(beginning)
