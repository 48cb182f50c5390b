"""`solve --json` writes the same bytes for the same figures, wherever it runs: a sample of the campaign."""

from __future__ import annotations

import pytest

from campaigns import same_bytes


@pytest.mark.parametrize("number", [0, 5, 7])
def test_the_bytes_depend_on_nothing_but_the_figures(number: int) -> None:
    """Order of entries, hash seed, time zone, locale and working folder change no byte of any output."""
    found = same_bytes.trial(number)
    assert found.wrong == () and found.seen
