"""Names of periods."""

from __future__ import annotations

import pytest

from medalopt.instance.resolve.parsed_document import Calendar


@pytest.mark.parametrize(
    ("start", "count", "length", "labels"),
    [
        (None, 3, "month", ("1", "2", "3")),
        ("2017-11", 3, "month", ("2017-11", "2017-12", "2018-01")),
        ("2017-11", 3, "quarter", ("2017-11", "2018-02", "2018-05")),
        ("2017-04", 2, "year", ("2017-04", "2018-04")),
    ],
)
def test_labels(start: str | None, count: int, length: str, labels: tuple[str, ...]) -> None:
    """A period is named by its first month, or by its number."""
    assert Calendar(start, count, length).labels == labels


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("2017-11", 0),
        ("2018-01", 0),
        ("2018-02", 1),
        ("2018-07", 2),
        ("2018-08", None),
        ("2017-10", None),
        ("1", None),
        ("2018", None),
        ("2018-13", None),
        ("2018-1", None),
        ("", None),
    ],
)
def test_any_month_inside_names_a_quarter(text: str, index: int | None) -> None:
    """Any month of a period names it; a month outside, or no month, names none."""
    assert Calendar("2017-11", 3, "quarter").find_period(text) == index


def test_numbers_name_periods_without_a_start() -> None:
    """Without a start a period's number names it, and no month does."""
    calendar = Calendar(None, 12, "month")
    assert calendar.find_period("12") == 11 and calendar.find_period("13") is None
    assert (
        calendar.find_period("0") is None
        and calendar.find_period("2017-04") is None
        and calendar.find_period("01") is None
    )


@pytest.mark.parametrize(
    ("start", "count", "length", "those"),
    [
        (None, 1, "quarter", "`1` alone"),
        (None, 3, "quarter", "`1` to `3`"),
        ("2017-04", 2, "month", "`2017-04` to `2017-05`"),
        ("2017-04", 2, "year", "`2017-04` to `2018-04`, or any month inside one"),
    ],
)
def test_which_periods_there_are(start: str | None, count: int, length: str, those: str) -> None:
    """An unknown period is reported with the first and the last one, and with months for longer periods."""
    assert Calendar(start, count, length).describe_unknown("x") == f"`x` names no period: those are {those}"
