"""Scenarios with `changes` and `probability`: read, rejected, and preserved by a workbook."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.random_instances import Case

import medalopt
from medalopt.errors import InputError
from medalopt.instance.loading import open_instance
from medalopt.instance.reader.files import FileBytes
from medalopt.instance.resolve.scenarios import read_scenario_file
from medalopt.instance.workbook.importer import import_workbook
from medalopt.report.instance_workbook import render_instance_workbook

TEXT = """format: medalopt/1
name: small
currency: EUR
metals: {Ag: {}}
market: {bullion: {composition: {Ag: 100 %}, price: 600, option: 20 EUR/kg}}
alloys: {silver: {composition: {Ag: 100 %}}}
medals: {first: {count: 20, parts: {silver: 1}}}
scenarios:
"""


def write(folder: Path, *scenarios: str) -> Path:
    """Write an instance with scenarios, a line each."""
    return Case({"instance.yaml": TEXT + "".join(f"  {line}\n" for line in scenarios)}).write(folder)


def test_forms_and_workbook(tmp_path: Path) -> None:
    """Changes stand in the entry or below `changes`; a workbook keeps them, the probabilities and the premium."""
    path = write(
        tmp_path,
        "dear: {changes: {market.bullion.price: 700}, probability: 33.3 %, note: a remark}",
        "cheap: {market.bullion.price: 500, probability: 0.333}",
        "usual: {probability: 33.3 %}",
        "what_if: {medals.first.count: 30}",
        "never: {changes: {medals.first.count: 40}, probability: 0 %}",
    )
    instance = medalopt.load(path)
    assert instance.annex["scenarios"]["dear"] == {"market.bullion.price": "700"}
    assert instance.annex["scenarios"]["usual"] == {}
    assert instance.annex["scenario_probabilities"] == {
        **dict.fromkeys(("dear", "cheap", "usual"), pytest.approx(1 / 3)),
        "never": 0.0,
    }
    assert instance.annex["market_option"] == {"bullion": 20.0}
    assert instance.sources[0].path == "scenarios.dear"
    opened = open_instance(path)
    opened.with_effective_changes(scenarios=True)
    book = FileBytes("book.xlsx", render_instance_workbook(opened))
    assert import_workbook(book).instance.annex == instance.annex
    listed = tmp_path / "listed.yaml"
    listed.write_text("dear: {changes: {market.bullion.price: 700}, probability: 5 %}\n", encoding="utf-8")
    assert [one.texts for one in read_scenario_file(listed)] == [{"market.bullion.price": "700"}]


@pytest.mark.parametrize(
    ("line", "place", "path", "text"),
    [
        ("a: {probability: 90 %}", (9, 3), "scenarios", "sum to 90 %"),
        ("a: {probability: -10 %}", (9, 20), "scenarios.a.probability", "between 0 % and 100 %"),
        ("a: {probability: 110 %}", (9, 20), "scenarios.a.probability", "between 0 % and 100 %"),
        ("a: {probability: likely}", (9, 20), "scenarios.a.probability", "such as probability: 20 %"),
        ("a: {probability: true}", (9, 20), "scenarios.a.probability", "such as probability: 20 %"),
        ("a: {probability: [1]}", (9, 20), "scenarios.a.probability", "such as probability: 20 %"),
        ("a: {changes: 5}", (9, 16), "scenarios.a.changes", "path to value"),
        ("a: {changes: {}, medals.first.count: 3}", (9, 20), 'scenarios.a."medals.first.count"', "below `changes`"),
    ],
)
def test_refused(tmp_path: Path, line: str, place: tuple[int, int], path: str, text: str) -> None:
    """A probability that is none, or a sum other than 100 %, is refused at its place."""
    with pytest.raises(InputError) as caught:
        medalopt.load(write(tmp_path, line))
    fault = caught.value.faults[0]
    assert ((fault.line, fault.column), fault.path) == (place, path) and text in fault.message


def test_check_passes_on_warnings_of_scenarios(tmp_path: Path) -> None:
    """A warning that only a scenario draws names the scenario; one of the instance itself is not repeated."""
    path = write(tmp_path, "free: {market.bullion.price: 0}", "dear: {market.bullion.price: 700}")
    path.write_text(path.read_text().replace("metals: {Ag: {}}", "metals: {Ag: {}, Au: {}}"))
    loaded = open_instance(path).with_effective_changes(scenarios=True, warn=True)
    alone, named = (
        {warning.path for warning in loaded.warnings if warning.path.startswith("scenarios") is of}
        for of in (False, True)
    )
    assert alone and named == {"scenarios.free"}
    assert any("in this scenario: market.bullion" in warning.message for warning in loaded.warnings)
