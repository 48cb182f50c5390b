"""Columns of numbers parsed at once agree with cell by cell."""

from __future__ import annotations

import pytest

from medalopt.instance.reader.rows import CellColumn, parse_column
from medalopt.instance.schema.field_types import ZERO_QUANTITY, QuantityField
from medalopt.units import Money

JPY = Money("JPY")


@pytest.mark.parametrize(
    ("measure", "fine", "wrong"),
    [
        (QuantityField(high=1), ["0", "1", "0.5"], ["1.0000001", "-0.0000001", "2"]),
        (QuantityField(high=1, below=True), ["0", "0.9999999"], ["1", "-1"]),
        (QuantityField("kg", above=True), ["0.0000001", "1e90", "1e91"], ["0", "-0", "-1"]),
        (QuantityField("money/t", low=None), ["-5", "0", "-1e99", "1e-91"], []),
    ],
)
def test_a_column_of_numbers_is_checked_as_each_alone(
    measure: QuantityField, fine: list[str], wrong: list[str]
) -> None:
    """Each end of a range, just inside and just outside, in a column whose other cells are right."""
    for text in [*fine, *wrong]:
        found = parse_column(CellColumn.build(["0.25", text, None]), measure, JPY, ZERO_QUANTITY)
        assert list(found.errors) == [one for one in ("0.25", text) if one in wrong]
        assert found.filled.tolist() == [True, True, False] and found.raw[0] == 0.25 and found.raw[2] == 0
        assert text in wrong or found.raw[1] == float(text)


@pytest.mark.parametrize("text", ["0.001e-99", "1000e98", "-1000e98"])
def test_a_column_of_what_cannot_be_calculated_with(text: str) -> None:
    """Figures beyond a hundred powers of ten are refused, though each is a bare number and a float can hold it."""
    found = parse_column(CellColumn.build([text, text, None]), QuantityField("money/t", low=None), JPY, ZERO_QUANTITY)
    assert list(found.errors) == [text] and "is out of range" in found.errors[text]
