"""Numbers as a person reads them."""

from __future__ import annotations

import math

import pytest

from medalopt.report.numbers import (
    choose_money_scale,
    format_change_value,
    format_column,
    format_confidence,
    format_mass,
    format_money,
    format_money_range,
    format_number,
    format_share,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (1, "1"),
        (0.5, "0.5"),
        (12.3456, "12.35"),
        (-12.3456, "−12.35"),
        (999.96, "1,000"),
        (352213.4, "352,213"),
        (0.012345, "0.0123"),
        (1.5e-9, "1.5e−09"),
        (math.inf, "inf"),
    ],
)
def test_a_single_figure(value: float, text: str) -> None:
    """Four significant digits below a thousand, integers above, and no minus before zero."""
    assert format_number(value) == text


def test_no_confidence_is_rounded_up_to_certainty() -> None:
    """Four significant digits, but never 100 %."""
    levels = (0.5, 0.95, 0.9995, 0.99996, 1 - 1e-12, 1.0)
    assert [format_confidence(level) for level in levels] == ["50 %", "95 %", "99.95 %", *["99.99 %"] * 3]


def test_a_column_has_one_number_of_decimals() -> None:
    """All figures of a column end at the same decimal, so that they can be compared and added by eye."""
    assert format_column([5809.5424, 0.0318, -32.501, 0.0]) == ["5,809.54", "0.03", "−32.50", "0"]
    assert format_column([44.0, 16.0, 8.0]) == ["44", "16", "8"]
    assert format_column([79653.2, 310.4]) == ["79,653", "310"]
    assert format_column([4.9812]) == ["4.981"]
    assert format_column([]) == [] and format_column([0.0, 0.0]) == ["0", "0"]


def test_what_is_little_is_not_shown_as_nothing() -> None:
    """A value that rounds to 0 beside large ones is shown as small."""
    assert format_column([9325.0, 0.001]) == ["9,325.00", "≈0"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (9_325_024_723, "9.325 bn JPY"),
        (999_999_999, "1 bn JPY"),
        (1_864_000, "1.864 m JPY"),
        (2.5e13, "25 tn JPY"),
        (552.8, "552.8 JPY"),
        (-3e6, "−3 m JPY"),
    ],
)
def test_money(value: float, text: str) -> None:
    """Money from a million on has a word for its size."""
    assert format_money(value, "JPY") == text


def test_the_unit_of_a_column_of_money_fits_the_largest() -> None:
    """A column is in single units up to a hundred millions, then in millions, billions and so on."""
    assert choose_money_scale([5e7, -1.0]) == (1.0, "")
    assert choose_money_scale([9.3e9, 3e4]) == (1e6, "m ")
    assert choose_money_scale([-2e11]) == (1e9, "bn ")
    assert choose_money_scale([]) == (1.0, "")


@pytest.mark.parametrize(
    ("kilograms", "text"),
    [
        (0, "0 kg"),
        (0.000006, "6 mg"),
        (0.006, "6 g"),
        (0.55, "550 g"),
        (32, "32 kg"),
        (3500, "3,500 kg"),
        (2e4, "20 t"),
    ],
)
def test_masses_of_metal(kilograms: float, text: str) -> None:
    """A mass of metal is shown in a suitable unit."""
    assert format_mass(kilograms) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (1, 1, "100 %"),
        (0, 5, "0 %"),
        (9999, 10000, "99.9 %"),
        (0.984, 1, "98.4 %"),
        (3.4e-6, 1, "≈0 %"),
        (-0.0035, 1, "−0.4 %"),
        (1, 0, "–"),
        (1.5, 1, "150.0 %"),
    ],
)
def test_shares(part: float, whole: float, text: str) -> None:
    """Only the whole is 100 %, only zero is 0 %."""
    assert format_share(part, whole) == text


def test_a_span_is_one_figure_where_its_ends_are_close() -> None:
    """Least to greatest in the unit of the greatest; one figure where they hardly differ."""
    assert format_money_range([7_269_000.0, 7_270_000.0]) == "7.27 m"
    assert format_money_range([75_364.0, 112_100.0]) == "75,364 to 112,100"
    assert format_money_range([4_570_000.0, 4_650_000.0]) == "4.57 to 4.65 m"


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("[0, 0, 0, 1.9, 1.9, 2 t]", "[3 × 0, 1.9, 1.9, 2 t]"),
        ("[1]", "[1]"),
        ("[]", "[]"),
        ("70 %", "70 %"),
        ("[{up_to: 1, price: 2}, {price: 2}]", "[{up_to: 1, price: 2}, {price: 2}]"),
    ],
)
def test_equal_entries_of_a_list_are_counted(text: str, short: str) -> None:
    """Three or more equal neighbours in a list of values are shown as a count; other values remain as written."""
    assert format_change_value(text) == short
