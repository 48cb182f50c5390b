"""Integers and numbers at the limits of their ranges."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.instance.writing import faults


@pytest.mark.parametrize(
    ("section", "line", "count"),
    [
        ("periods: {count: #}", "periods.count", (1, 1_000)),
        ("medals: {first: {count: #, parts: {silver: 1}}}", "medals.first.count", (0, 10**12)),
        ("smelters: {kosaka: {lead: #}}", "smelters.kosaka.lead", (0, 10**6)),
        (
            "alloys: {silver: {composition: {Ag: 1}, scrap: {lead: #, share: 0}}}",
            "alloys.silver.scrap.lead",
            (1, 10**6),
        ),
    ],
)
def test_whole_numbers_have_ends(section: str, line: str, count: tuple[int, int], tmp_path: Path) -> None:
    """The least and greatest integers are valid; one beyond is an error with both limits."""
    name = section.partition(":")[0]
    least, most = count
    for number, allowed in ((least - 1, False), (least, True), (most, True), (most + 1, False)):
        told = [
            (path, message)
            for *_, path, message in faults(tmp_path, **{name: section.replace("#", str(number))})
            if path == line
        ]
        assert told == (
            [] if allowed else [(line, f"expected a whole number from {least} to {most:_}; found `{number}`")]
        )
