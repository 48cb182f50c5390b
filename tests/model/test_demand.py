"""When an alloy is owed: the rows of demand, by hand."""

from __future__ import annotations

from tests.model.cases import changed, loaded

import medalopt


def test_demand_has_a_row_when_something_falls_due_and_is_met_exactly_at_the_end() -> None:
    """Of twelve periods each alloy has a row where its medals are due, and one at the end: met exactly there alone."""
    alloys = {name: {"composition": {"Ag": "100 %"}} for name in ("first", "second")}
    medals = {
        name: {"count": 1, "due": due, "parts": {name: "1 kg"}} for name, due in (("first", "1"), ("second", "9"))
    }
    document = changed(periods={"count": 12}, alloys=alloys, medals=medals)
    rows = medalopt.build(loaded(document)).demand
    found = {key: (row.lower, row.upper) for key, row in rows.items()}
    assert found == {
        ("first", "1"): (1.0, None),
        ("first", "12"): (1.0, 1.0),
        ("second", "9"): (1.0, None),
        ("second", "12"): (1.0, 1.0),
    }
