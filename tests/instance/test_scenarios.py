"""Files of scenarios."""

from __future__ import annotations

from pathlib import Path

import pytest

from medalopt.errors import InputError
from medalopt.instance.resolve.scenarios import read_scenario_file


def list_errors(path: Path, content: str | bytes) -> list[tuple[int, int, str, str]]:
    """Return the faults of a file of scenarios."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as caught:
        read_scenario_file(path)
    return [(fault.line, fault.column, fault.path, fault.message) for fault in caught.value.faults]


def test_scenarios_in_a_table(tmp_path: Path) -> None:
    """Each row is a scenario by name or number; empty cells and blank rows are ignored."""
    path = tmp_path / "s.csv"
    path.write_text("scenario,metals.Au.sell, policy.footprint_cap \npoor,1,\n,2,3 t\n\n", encoding="utf-8")
    assert {one.name: one.texts for one in read_scenario_file(path)} == {
        "poor": {"metals.Au.sell": "1"},
        "2": {"metals.Au.sell": "2", "policy.footprint_cap": "3 t"},
    }
    assert list_errors(path, "scenario,metals.Au.sell,metals.Au.sell,x.y\na,1,2,3\na,1,2,3\nb,1\n") == [
        (1, 3, "", "the column `metals.Au.sell` is defined twice"),
        (1, 4, '"x.y"', "a path begins with a section; `x` is none"),
        (3, 1, "", "the scenario `a` is defined twice: rename one of them"),
        (4, 1, "", "this row has 2 cells, but the header has 4"),
    ]
    assert list_errors(path, 'scenario\n"a') == [
        (2, 0, "", "is not a CSV table: unexpected end of data; look for a quote that is not closed")
    ]
    assert list_errors(path, "scenario,metals.Au.sell\n") == [(0, 0, "", "contains no scenarios")]
    with pytest.raises(InputError, match="cannot be read"):
        read_scenario_file(tmp_path / "none.csv")


def test_scenarios_in_yaml(tmp_path: Path) -> None:
    """Scenarios are read by name, below `scenarios:` or not; an invalid change is reported at its place."""
    path = tmp_path / "s.yaml"
    for text in ("scenarios: {a: {metals.Au.sell: [1, 2]}}", "a: {metals.Au.sell: [1, 2]}"):
        path.write_text(text, encoding="utf-8")
        assert {one.name: one.texts for one in read_scenario_file(path)} == {"a": {"metals.Au.sell": "[1, 2]"}}
    assert list_errors(path, "a: 1\nb: {metals.Au.sell: {c: 1}, metals.Au.holding: [1, ~], x: 1}\n") == [
        (1, 4, "a", "expected changes, path to value, such as {devices.*.content.Ag: 85 %}"),
        (2, 21, 'b."metals.Au.sell"', "expected the new value: one value, or a list of them"),
        (2, 48, 'b."metals.Au.holding"', "expected the new value: one value, or a list of them"),
        (2, 56, "x", "a path begins with a section; `x` is none"),
    ]
    assert [told[:2] for told in list_errors(path, "[1]")] == [(1, 1)] and len(list_errors(path, b"a: \xff")) == 1
