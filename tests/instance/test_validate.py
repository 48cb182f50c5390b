"""Errors of the form of a value in words, and how much text they show."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.instance.writing import faults

from medalopt.errors import FaultKind
from medalopt.instance.reader.files import FaultLog, Location
from medalopt.instance.schema.validation import _explain_type


def test_what_the_models_say_in_words_of_their_own_is_shown_cut() -> None:
    """An unknown kind of error is shown in the words of pydantic, cut at two hundred characters."""
    assert (
        _explain_type("string_type", "m" * 201) == "m" * 200 + "…" and _explain_type("a_type", "m" * 200) == "m" * 200
    )
    assert _explain_type("list_type", "") == "expected a list, such as [a, b]" and "mapping" in _explain_type(
        "dict_type", ""
    )


def test_the_name_of_a_file_is_shown_cut() -> None:
    """Of a name that is longer than any path may be 4,096 characters are shown."""
    found = FaultLog()
    found.add_error(Location("f" * 4_097), (), "", kind=FaultKind.FILE)
    found.add_error(Location("f" * 4_096), (), "", kind=FaultKind.FILE)
    assert [fault.file for fault in found.errors] == ["f" * 4_096 + "…", "f" * 4_096]


@pytest.mark.parametrize(
    "name", ["C:\\rows.csv", "C:rows.csv", "\\\\host\\rows.csv", "/rows.csv", "~rows.csv", "a/../rows.csv"]
)
def test_a_table_stays_below_its_instance(name: str, tmp_path: Path) -> None:
    """No path from a root, a drive or a home, whatever system it is of, and none that leads upwards."""
    ((*_, path, message),) = faults(tmp_path, streams=f"streams: {{table: '{name}'}}")
    assert path == "streams.table" and message.startswith("the path of a table is relative to the instance")


def test_one_period_takes_one_value(tmp_path: Path) -> None:
    """A list longer than its periods is reported with their number, singular or plural."""
    streams = "streams:\n- {device: phone, region: a, available: [1, 2, 3]}"
    for count, there in ((1, "is 1 period"), (2, "are 2 periods")):
        ((*_, message),) = faults(tmp_path, streams=streams, periods=f"periods: {{count: {count}}}")
        assert message == f"there {there}, but 3 values: give one for each, or one for all"


def test_what_lacks_something_takes_nothing_else_with_it(tmp_path: Path) -> None:
    """A medal without a count is left out alone: the date of another is still looked at."""
    medals = "medals: {first: {parts: {silver: 1}}, second: {count: 1, due: 2030-01, parts: {silver: 1}}}"
    assert [path for *_, path, _ in faults(tmp_path, medals=medals)] == ["medals.first.count", "medals.second.due"]
