"""Lanes against each other and against themselves."""

from __future__ import annotations

from pathlib import Path

from tests.instance.writing import faults


def test_a_lane_has_a_distance_or_a_cost(tmp_path: Path) -> None:
    """Twenty of many lanes with both are reported at their cost, and a duplicate lane at its second row."""
    rows = [*(f"r{number},kosaka,5,6" for number in range(31)), "tokyo,kosaka,5,", "osaka,kosaka,,6", "tokyo,kosaka,5,"]
    (tmp_path / "rows.csv").write_text("\n".join(["region,smelter,distance,cost", *rows]), encoding="utf-8")
    found = faults(tmp_path, lanes="lanes: {table: rows.csv}")
    both = [(line, 4, f"lanes.r{line - 2}@kosaka.cost", "give `distance` or `cost`, not both") for line in range(2, 22)]
    assert found == [*both, (35, 1, "lanes.tokyo@kosaka", "this lane is defined in line 33 already: delete one")]
