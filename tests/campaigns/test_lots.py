"""Some trials of the campaign that compares analyses in lots with enumeration."""

from __future__ import annotations

import pytest
from campaigns.lots import trial


@pytest.mark.parametrize(("seed", "outcome"), [(5, "plans"), (9, "infeasible only in lots")])
def test_lots_by_enumeration(seed: int, outcome: str) -> None:
    """Optimum, curve, deadlines, outages and mix, or conflict and repairs, agree with enumeration."""
    found = trial(seed)
    assert not found.wrong and found.seen[outcome] == 1
