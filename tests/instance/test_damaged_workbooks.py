"""Damaged workbooks are read exactly or refused in plain words: a sample of `campaigns.fuzz_workbooks`."""

from __future__ import annotations

import pytest
from campaigns.fuzz_workbooks import judged

from medalopt.instance.reader.excel_reader import UnreadableCell, WorkbookValue, _SheetParser


def test_damage_is_read_exactly_or_refused() -> None:
    """After any damage every cell is read exactly, or the error is explained."""
    found = [judged(number) for number in range(300)]
    assert [wrong for one in found for wrong in one.wrong] == []
    ends = sum((one.seen for one in found), start=found[0].seen)
    assert min(ends[kind] for kind in ("plans in workbooks", "accepted", "refused: the input")) > 50


@pytest.mark.parametrize("lost", ["a formula", "the error value"])
def test_a_reader_that_passes_cells_over_is_found(lost: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader for which errors, or formulas without a value, are empty cells does not pass the campaign."""
    value = _SheetParser._read_value

    def careless(self: _SheetParser, kind: str, text: str) -> WorkbookValue:
        found = value(self, kind, text)
        return None if isinstance(found, UnreadableCell) and found.reason.startswith(lost) else found

    monkeypatch.setattr(_SheetParser, "_read_value", careless)
    assert any(judged(number).wrong for number in range(200))
