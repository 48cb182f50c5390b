"""Workbooks read within bounds: their cells, and what is refused before it would take the memory of the machine."""

from __future__ import annotations

import io
from datetime import datetime
from typing import NoReturn

import pytest
import xlsxwriter
from tests.spreadsheets import packed, parts, with_sheet

from medalopt.instance.reader import spreadsheet
from medalopt.instance.reader.files import Bytes
from medalopt.instance.reader.spreadsheet import address, read, written


def _made() -> bytes:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    sheet = book.add_worksheet("Here")
    sheet.write_string(1, 1, "=1+1")
    sheet.write_number(1, 2, 0.1)
    sheet.write_boolean(2, 1, True)
    sheet.write_datetime(2, 2, datetime(2017, 4, 1), book.add_format({"num_format": "mmm yy"}))
    sheet.write_datetime(3, 2, datetime(2017, 4, 9), book.add_format({"num_format": "d mmm"}))
    book.close()
    return buffer.getvalue()


def _refused(content: bytes) -> str:
    reports: list[str] = []
    assert read(Bytes("in.xlsx", content), reports.append) is None
    assert len(reports) == 1
    return reports[0]


def test_cells_are_what_stands_in_them() -> None:
    """Text, numbers and truth values stand where they stood; a day is text, the first of a month that month."""
    found = read(Bytes("in.xlsx", _made()), pytest.fail)
    assert found is not None
    nothing = [None, None, None]
    rows = [nothing, [None, "=1+1", 0.1], [None, True, "2017-04"], [None, None, "2017-04-09"]]
    assert found.sheets == {"Here": rows}


def test_cells_have_the_names_that_people_know() -> None:
    """Letters for columns, numbers from 1 for rows, and quotes around a sheet's name where it needs them."""
    assert [address("Streams", 6, 3), address("a b", 0, 26), address("it's", 0, 702)] == [
        "Streams!D7",
        "'a b'!AA1",
        "'it''s'!AAA1",
    ]


def test_numbers_are_written_in_full() -> None:
    """A whole number has no point; all others have every digit that tells them from their neighbours."""
    assert [written(cell) for cell in (7.0, 0.1, 1e300, True, False, "x", None)] == [
        "7",
        "0.1",
        "1e+300",
        "true",
        "false",
        "x",
        "",
    ]


@pytest.mark.parametrize(
    "cells",
    [
        '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        '<row r="1048576"><c r="A1048576"><v>1</v></c>' + "<c><v>1</v></c>" * 100 + "</row>",
    ],
)
def test_a_cell_far_away_does_not_take_the_memory(cells: str) -> None:
    """A sheet of two cells whose rectangle is the whole sheet is refused before anyone makes room for it."""
    made = with_sheet(_made(), "Here", lambda text: text.replace("</sheetData>", f"{cells}</sheetData>"))
    assert "rows and" in _refused(made)


def test_a_text_that_is_everywhere_does_not_take_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """One long text to which very many cells refer is counted as often as it stands there."""
    monkeypatch.setattr(spreadsheet, "_MOST_TEXT", 100_000)
    files = parts(_made())
    files["xl/sharedStrings.xml"] = files["xl/sharedStrings.xml"].replace(b"=1+1", b"x" * 30_000)
    more = '<row r="9">' + "".join(f'<c r="{letter}9" t="s"><v>0</v></c>' for letter in "ABCDE") + "</row>"
    made = with_sheet(packed(files), "Here", lambda text: text.replace("</sheetData>", f"{more}</sheetData>"))
    assert "MiB of text" in _refused(made)


def test_a_bomb_is_refused_before_it_goes_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """What would unpack to too much, or has too many parts, is refused unread."""
    monkeypatch.setattr(spreadsheet, "_UNPACKED", 2**20)
    assert "unpacks to more than 1 MiB" in _refused(packed({**parts(_made()), "xl/more.xml": b" " * 2**21}))
    monkeypatch.setattr(spreadsheet, "_MOST_PARTS", 3)
    assert "more than 3 parts" in _refused(_made())


def test_what_is_no_workbook_is_refused() -> None:
    """Other bytes, a broken archive, parts in UTF-16 and an archive of something else are told in a line each."""
    made = _made()
    files = parts(made)
    utf16 = {**files, "xl/workbook.xml": files["xl/workbook.xml"].decode().encode("utf-16")}
    for content in (b"", b"PK\x03\x04", made[:-40], made[:200] + b"\0" * 50 + made[250:], packed(utf16)):
        assert "is no Excel workbook that can be read" in _refused(content)
    assert "is no Excel workbook" in _refused(packed({"a.xml": b"<a/>"}))


def test_a_workbook_of_just_the_greatest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """What unpacks to exactly what may be is read; one byte less of room, and it is refused."""
    made, reports = _made(), list[str]()
    size = sum(len(part) for name, part in parts(made).items() if name.endswith((".xml", ".rels")))
    monkeypatch.setattr(spreadsheet, "_UNPACKED", size)
    assert spreadsheet.read(Bytes("in.xlsx", made), reports.append) is not None and not reports
    monkeypatch.setattr(spreadsheet, "_UNPACKED", size - 1)
    assert spreadsheet.read(Bytes("in.xlsx", made), reports.append) is None and len(reports) == 1
    monkeypatch.setattr(spreadsheet, "_UNPACKED", size)
    monkeypatch.setattr(spreadsheet, "_MOST_PARTS", len(parts(made)))
    assert spreadsheet.read(Bytes("in.xlsx", made), pytest.fail) is not None


def test_what_the_cells_of_a_sheet_take() -> None:
    """Rows and columns are counted by their names, or where they have none by their number."""
    for part, size in {
        b"": (0, 0),
        b"<row/>": (1, 0),
        b"<row><c/><c/></row><row><c/></row>": (2, 2),
        b'<row r="7"><c r="AB7"/></row>': (7, 28),
        b'<x:row r="3"/>': (3, 0),
        b'<row r="1"><c r="A1"/></row><row/><row/>': (3, 1),
    }.items():
        assert spreadsheet._extent(part) == size, part


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_only_a_broken_file_is_called_broken(error: type[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of the run is no fault of the workbook; a panic of its reader is, and an error keeps its words."""
    import python_calamine

    panic = type("PanicException", (BaseException,), {})

    def fails(kind: type[BaseException], *words: str) -> None:
        class Reader:
            @staticmethod
            def from_filelike(_: object) -> NoReturn:
                raise kind(*words)

        monkeypatch.setattr(python_calamine, "CalamineWorkbook", Reader)

    for kind, words, told in (
        (panic, (), "(it is broken)"),
        (python_calamine.CalamineError, ("odd zip",), "(odd zip)"),
        (python_calamine.CalamineError, (), "(it is broken)"),
    ):
        said: list[str] = []
        fails(kind, *words)
        assert spreadsheet.read(Bytes("in.xlsx", packed(parts(_made()))), said.append) is None
        assert told in said[0]
    fails(error)
    with pytest.raises(error):
        spreadsheet.read(Bytes("in.xlsx", _made()), pytest.fail)
