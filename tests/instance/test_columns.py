"""Columns of figures read at once say what each cell says by itself."""

from __future__ import annotations

import pytest

from medalopt.instance.reader import columns
from medalopt.instance.reader.sheet import Cells
from medalopt.instance.schema.fields import Measure
from medalopt.instance.schema.kinds import ZERO
from medalopt.quantity import Money

JPY = Money("JPY")


@pytest.mark.parametrize(
    ("measure", "fine", "wrong"),
    [
        (Measure(high=1), ["0", "1", "0.5"], ["1.0000001", "-0.0000001", "2"]),
        (Measure(high=1, below=True), ["0", "0.9999999"], ["1", "-1"]),
        (Measure("kg", above=True), ["0.0000001", "1e90", "1e91"], ["0", "-0", "-1"]),
        (Measure("money/t", low=None), ["-5", "0", "-1e99", "1e-91"], []),
    ],
)
def test_a_column_of_numbers_is_checked_as_each_alone(measure: Measure, fine: list[str], wrong: list[str]) -> None:
    """Each end of a range, just inside and just outside, in a column whose other cells are right."""
    for text in [*fine, *wrong]:
        found = columns.read(Cells.of(["0.25", text, None]), measure, JPY, ZERO)
        assert list(found.wrong) == [one for one in ("0.25", text) if one in wrong]
        assert found.given.tolist() == [True, True, False] and found.raw[0] == 0.25 and found.raw[2] == 0
        assert text in wrong or found.raw[1] == float(text)


@pytest.mark.parametrize("text", ["0.001e-99", "1000e98", "-1000e98"])
def test_a_column_of_what_cannot_be_calculated_with(text: str) -> None:
    """Figures beyond a hundred powers of ten are refused, though each is a bare number and a float can hold it."""
    found = columns.read(Cells.of([text, text, None]), Measure("money/t", low=None), JPY, ZERO)
    assert list(found.wrong) == [text] and "cannot be calculated with" in found.wrong[text]
