"""Files of scenarios: a table or a mapping, and every fault with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from medalopt.errors import InputError
from medalopt.instance.reader import limits
from medalopt.instance.resolve.scenarios import read_scenario_file


def names_of(folder: Path, text: str, name: str = "cases.csv") -> dict[str, list[str]]:
    """Return of each scenario in a file of this text which figures it changes."""
    (folder / name).write_text(text, encoding="utf-8")
    return {one.name: list(one.texts) for one in read_scenario_file(folder / name)}


def faults_of(folder: Path, text: str, name: str = "cases.csv") -> list[tuple[int, int, str]]:
    """Return line, column and message of every fault of a file of this text."""
    with pytest.raises(InputError) as caught:
        names_of(folder, text, name)
    return [(fault.line, fault.column, fault.message) for fault in caught.value.faults]


def test_a_row_is_a_scenario(tmp_path: Path) -> None:
    """A scenario is named by its column or its number, and an empty cell has no effect."""
    text = "scenario,metals.Au.sell,policy.participation\nhigh,200,\n,,20 %\n"
    assert names_of(tmp_path, text) == {"high": ["metals.Au.sell"], "2": ["policy.participation"]}
    assert names_of(tmp_path, "metals.Au.sell\n200\n300\n") == {"1": ["metals.Au.sell"], "2": ["metals.Au.sell"]}


def test_a_mapping_of_scenarios(tmp_path: Path) -> None:
    """In YAML they stand by name, alone or under `scenarios`."""
    for text in ("high: {metals.Au.sell: 200}\n", "scenarios:\n  high: {metals.Au.sell: 200}\n"):
        assert names_of(tmp_path, text, "cases.yaml") == {"high": ["metals.Au.sell"]}


def test_what_is_wrong_with_a_header(tmp_path: Path) -> None:
    """Duplicate columns and invalid paths are reported at their places."""
    found = faults_of(tmp_path, "scenario,a.b,a.b,x,a.b\nhigh,1,2,3,4\n")
    assert [(line, column) for line, column, said in found if "is defined twice" in said] == [(1, 3), (1, 5)]
    found = faults_of(tmp_path, "scenario,a..b\nhigh,1\n")
    assert [each[:2] for each in found] == [(1, 2)]


def test_what_is_wrong_with_a_row(tmp_path: Path) -> None:
    """A row of another width is reported with its line; blank lines are ignored."""
    found = faults_of(tmp_path, "scenario,metals.Au.sell\n\nhigh,1,2\n")
    assert found == [(3, 1, "this row has 3 cells, but the header has 2")]


def test_a_file_that_holds_none(tmp_path: Path) -> None:
    """An empty table has no scenarios; a missing or binary file is reported once."""
    assert faults_of(tmp_path, "scenario\n") == [(0, 0, "contains no scenarios")]
    with pytest.raises(InputError) as caught:
        read_scenario_file(tmp_path / "nowhere.csv")
    assert len(caught.value.faults) == 1
    (tmp_path / "zeros.csv").write_bytes(b"scenario,a\n\x00\xff\xfe\x81\x00")
    with pytest.raises(InputError) as caught:
        read_scenario_file(tmp_path / "zeros.csv")
    assert len(caught.value.faults) == 1


def test_a_table_of_scenarios_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many columns are an error before one of them is looked at, too many cells end the table."""
    path = tmp_path / "rows.csv"
    path.write_text("scenario,medals.gold.count,a..b\none,1,2\n", encoding="utf-8")
    for limit, value, says in (("MAX_COLUMNS", 2, "has 3 columns"), ("MAX_CELLS", 2, "has more than 2 cells")):
        monkeypatch.setattr(limits, limit, value)
        with pytest.raises(InputError, match=says) as caught:
            read_scenario_file(path)
        assert len(caught.value.faults) == (1 if limit == "MAX_COLUMNS" else 2)
        monkeypatch.undo()


def test_no_text_holds_a_control_character(tmp_path: Path) -> None:
    """Control characters in a name, path or value are reported with their line, in table and YAML."""
    found = faults_of(tmp_path, "scenario,metals.Au.sell\nhi\u202egh,1\nlow,1\u2066\n")
    assert [each[0] for each in found] == [2, 3] and all("U+20" in said for _, _, said in found)
    found = faults_of(tmp_path, '{high: {"metals.A\\u202Eu.sell": 2}}', "cases.yaml")
    assert [said[:50] for _, _, said in found] == ["text must not contain control characters; U+202E i"]
