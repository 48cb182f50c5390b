"""Workbooks read within limits: their cells, and packages rejected before they use memory."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.spreadsheets import packed, parts, with_sheet

from medalopt.instance.reader import excel_package, excel_reader
from medalopt.instance.reader.excel_package import NumberFormat, classify_number_format, format_serial_date
from medalopt.instance.reader.excel_reader import (
    PercentNumber,
    SheetRows,
    UnreadableCell,
    WorkbookValue,
    format_cell,
    format_cell_address,
    read_workbook,
)
from medalopt.instance.reader.files import FileBytes

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def _made(fill: Callable[[Any, Any], None] | None = None, **options: object) -> bytes:
    """Return a workbook with the sheet `Here`, filled by `fill`, which is given the sheet and the book."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, **options})
    (fill or _few)(book.add_worksheet("Here"), book)
    book.close()
    return buffer.getvalue()


def _few(sheet: Any, book: Any) -> None:
    sheet.write_string(1, 1, "=1+1")
    sheet.write_number(1, 2, 0.1)
    sheet.write_boolean(2, 1, True)
    sheet.write_datetime(2, 2, datetime(2017, 4, 1), book.add_format({"num_format": "mmm yy"}))
    sheet.write_datetime(3, 2, datetime(2017, 4, 9), book.add_format({"num_format": "d mmm"}))


def _read(content: bytes) -> SheetRows:
    found = read_workbook(FileBytes("in.xlsx", content), pytest.fail)
    assert found is not None
    return found.sheets["Here"]


def _refused(content: bytes, most: int = 5_000_000) -> str:
    reports: list[str] = []
    assert read_workbook(FileBytes("in.xlsx", content), reports.append, maximum=most) is None
    assert len(reports) == 1
    return reports[0]


def _with_rows(xml: str) -> bytes:
    """Return a workbook whose sheet holds these rows, with four texts to refer to."""
    found = parts(_made())
    found["xl/workbook.xml"] = found["xl/workbook.xml"].replace(b' fullCalcOnLoad="1"', b"")
    strings = "<si><t>a</t></si><si><r><t>b</t></r><r><t xml:space='preserve'> c</t></r><rPh><t>X</t></rPh></si>"
    strings += "<si><t>_x0041__xD800_</t></si><si><t> d </t></si>"
    found["xl/sharedStrings.xml"] = f'<sst xmlns="{MAIN}">{strings}</sst>'.encode()
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{xml}</sheetData></worksheet>'
    return packed({**found, "xl/worksheets/sheet1.xml": sheet.encode()})


def test_cells_are_what_is_in_them() -> None:
    """Text, numbers and truth values stand where they stood; a day is text, the first of a month that month."""
    found = read_workbook(FileBytes("in.xlsx", _made()), pytest.fail)
    assert found is not None
    rows = [[], [None, "=1+1", 0.1], [None, True, "2017-04"], [None, None, "2017-04-09"]]
    assert found.sheets == {"Here": rows}


def test_cells_have_the_names_that_people_know() -> None:
    """Letters for columns, numbers from 1 for rows, and quotes around a sheet's name where it needs them."""
    assert [
        format_cell_address("Streams", 6, 3),
        format_cell_address("a b", 0, 26),
        format_cell_address("it's", 0, 702),
    ] == [
        "Streams!D7",
        "'a b'!AA1",
        "'it''s'!AAA1",
    ]


def test_numbers_are_written_in_full() -> None:
    """A whole number has no point; all others have every digit that tells them from their neighbours."""
    cells: list[WorkbookValue] = [
        7.0,
        0.1,
        1e300,
        True,
        False,
        "x",
        None,
        PercentNumber(0.17),
        UnreadableCell("broken"),
    ]
    told = ["7", "0.1", "1e+300", "true", "false", "x", "", "0.17", "broken"]
    assert [format_cell(cell) for cell in cells] == told


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ('<c r="B1"><v>1.5e3</v></c>', 1500.0),
        ('<c r="B1" t="n"><v> 2 </v></c>', 2.0),
        ('<c r="B1"/>', None),
        ('<c r="B1"><v/></c>', None),
        ('<c r="B1" t="s"><v>0</v></c>', "a"),
        ('<c r="B1" t="s"><v>1</v></c>', "b c"),
        ('<c r="B1" t="s"><v>2</v></c>', "A_xD800_"),
        ('<c r="B1" t="s"><v>3</v></c>', "d"),
        ('<c r="B1" t="str"><f>A1</f><v> x</v></c>', " x"),
        ('<c r="B1" t="str"><f>A1</f><v></v></c>', None),
        ('<c r="B1" t="inlineStr"><is><t>x</t></is></c>', "x"),
        ('<c r="B1" t="inlineStr"><is><r><t>x</t></r><r><t>y</t></r><rPh><t>z</t></rPh></is></c>', "xy"),
        ('<c r="B1" t="inlineStr"><is><t> </t></is></c>', None),
        ('<c r="B1" t="b"><v>0</v></c>', False),
        ('<c r="B1" t="d"><v>2017-04-01T00:00:00Z</v></c>', "2017-04"),
        ('<c r="B1" t="d"><v>2017-04-02</v></c>', "2017-04-02"),
        ('<c r="B1" t="d"><v>2017-04-01T06:00</v></c>', "2017-04-01 06:00:00"),
    ],
)
def test_every_kind_of_cell(cell: str, value: WorkbookValue) -> None:
    """Numbers, texts, truth values and days, in each of the ways in which programs write them."""
    rows = _read(_with_rows(f'<row r="1">{cell}</row>'))
    assert rows == [[None, value] if value is not None else []]


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ('<c r="B1" t="e"><v>#REF!</v></c>', "the error value #REF!"),
        ('<c r="B1" t="e"><f>1/0</f><v>#DIV/0!</v></c>', "the error value #DIV/0!"),
        ('<c r="B1" t="e"></c>', "the error value"),
        ('<c r="B1"><f>A1</f></c>', "has not been calculated"),
        ('<c r="B1"><f>A1</f><v/></c>', "has not been calculated"),
        ('<c r="B1" t="str"><f>A1</f></c>', "has not been calculated"),
        ('<c r="B1"><v>1,5</v></c>', "`1,5` instead of a number"),
        ('<c r="B1"><v>1e999</v></c>', "`1e999` instead of a number"),
        ('<c r="B1"><v>nan</v></c>', "`nan` instead of a number"),
        ('<c r="B1"><v>1_0</v></c>', "`1_0` instead of a number"),
        ('<c r="B1" t="b"><v>2</v></c>', "`2` in place of a truth value"),
        ('<c r="B1" t="d"><v>May</v></c>', "`May` instead of a date"),
    ],
)
def test_a_cell_without_a_value_says_why(cell: str, why: str) -> None:
    """Errors, formulas that nobody has calculated and numbers that are none are never taken for an empty cell."""
    (row,) = _read(_with_rows(f'<row r="1">{cell}</row>'))
    assert isinstance(row[1], UnreadableCell) and why in row[1].reason


def test_values_of_formulas_that_are_to_be_calculated_on_opening_do_not_count() -> None:
    """Programs that cannot calculate write a stopgap, and say that Excel is to calculate: the stopgap is no value."""
    made = _made(lambda sheet, _: sheet.write_formula(0, 0, "=1+1"))
    assert isinstance(_read(made)[0][0], UnreadableCell)
    found = parts(made)
    saved = {**found, "xl/workbook.xml": found["xl/workbook.xml"].replace(b' fullCalcOnLoad="1"', b"")}
    assert _read(packed(saved)) == [[0.0]]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ('<row r="1"><c r="b1"><v>1</v></c></row>', "`b1` is no cell"),
        ('<row r="1"><c r="XFE1"><v>1</v></c></row>', "`XFE1` is no cell"),
        ('<row r="1"><c r="A0"><v>1</v></c></row>', "`A0` is no cell"),
        ('<row r="1048577"/>', "row 1048577 of the sheet Here is in the wrong place"),
        ('<row r="0"/>', "row 0 of the sheet Here is in the wrong place"),
        ('<row r="99999999999999999999"/>', "is no whole number"),
        ('<row r="2"/><row r="2"/>', "row 2 of the sheet Here is in the wrong place"),
        ('<row r="1"><c r="A2"><v>1</v></c></row>', "the cell A2 of the sheet Here is in the wrong place"),
        ('<row r="1"><c r="B1"><v>1</v></c><c r="A1"/></row>', "the cell A1 of the sheet Here"),
        ('<row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c></row>', "the cell A1 of the sheet Here"),
        ('<row r="1"><c r="A1"><c r="B1"/></c></row>', "is nested in another"),
        ('<c r="A1"><v>1</v></c>', "outside a row"),
        ('<row r="1"><c r="A1" t="s"><v>4</v></c></row>', "refers to a text that there is not"),
        ('<row r="1"><c r="A1" t="s"><v>x</v></c></row>', "`x` is no whole number"),
        ('<row r="1"><c r="A1" t="z"><v>1</v></c></row>', "of the unknown type z"),
        ('<row r="1"><c r="A1" s="99"><v>1</v></c></row>', "the style 99, which there is not"),
        ('<row r="1">', "mismatched tag"),
    ],
)
def test_cells_in_no_order_are_refused(rows: str, told: str) -> None:
    """A sheet that two readers might understand in two ways is a broken one, with the place that is wrong."""
    assert told in _refused(_with_rows(rows))


def test_cells_without_names_follow_each_other() -> None:
    """Rows and cells that do not say where they stand, stand behind the one before."""
    rows = '<row><c><v>1</v></c><c><v>2</v></c></row><row r="3"><c r="B3"><v>3</v></c><c><v>4</v></c></row>'
    assert _read(_with_rows(rows)) == [[1.0, 2.0], [], [None, 3.0, 4.0]]


def test_merged_cells_are_no_empty_ones() -> None:
    """The cells that a merged one covers may be meant to have its value: they say that they are merged."""

    def fill(sheet: Any, _: Any) -> None:
        sheet.merge_range(0, 1, 1, 2, 7)
        sheet.merge_range(0, 4, 1, 4, "")
        sheet.merge_range(5, 0, 9, 3, "")
        sheet.write(1, 0, "x")

    first, second, *more = _read(_made(fill))
    covered = [first[2], second[1], second[2]]
    assert all(isinstance(cell, UnreadableCell) and "the merged cells B1:C2" in cell.reason for cell in covered)
    assert (first[:2], second[0], len(second), any(more)) == ([None, 7.0], "x", 3, False)


def test_shares_in_per_cent_are_known_from_other_numbers() -> None:
    """A cell that shows 17 % holds 0.17, and that it shows so goes with it."""

    def fill(sheet: Any, book: Any) -> None:
        for row, form in enumerate(("0%", "0.00%", "0.0 %;[Red]-0.0 %", '0"%"', "0")):
            sheet.write_number(row, 0, 0.17, book.add_format({"num_format": form}))

    rows = _read(_made(fill))
    assert [(row[0], isinstance(row[0], PercentNumber)) for row in rows] == [(0.17, n < 3) for n in range(5)]


@pytest.mark.parametrize(
    ("number", "code", "kind"),
    [
        (0, "", NumberFormat.PLAIN),
        (0, "General", NumberFormat.PLAIN),
        (9, "", NumberFormat.PERCENT),
        (14, "", NumberFormat.DATE),
        (22, "", NumberFormat.DATE),
        (23, "", NumberFormat.PLAIN),
        (44, "", NumberFormat.PLAIN),
        (58, "", NumberFormat.DATE),
        (0, "yyyy-mm-dd;@", NumberFormat.DATE),
        (0, "[h]:mm", NumberFormat.DATE),
        (0, "[ss]", NumberFormat.DATE),
        (0, '[Red]0.00" days"', NumberFormat.PLAIN),
        (0, "[$-409]d mmm yy", NumberFormat.DATE),
        (0, "[$¥-411]#,##0", NumberFormat.PLAIN),
        (0, r"0\d", NumberFormat.PLAIN),
        (0, "0_d", NumberFormat.PLAIN),
        (0, '"yes";;', NumberFormat.PLAIN),
        (0, "0.0E+00", NumberFormat.PLAIN),
        (0, "0,", NumberFormat.SCALED),
        (0, "#,##0,,", NumberFormat.SCALED),
        (0, "0,.0", NumberFormat.SCALED),
        (0, '0, "k"', NumberFormat.SCALED),
        (0, "[<1000]0;[>=1000]0,", NumberFormat.SCALED),
        (0, "0,%", NumberFormat.SCALED),
        (0, "#,##0.00;(#,##0.00)", NumberFormat.PLAIN),
        (0, '0", "', NumberFormat.PLAIN),
        (0, "mmm d, yyyy", NumberFormat.DATE),
        (0, "[" * 100_000 + '"' * 99_999, NumberFormat.PLAIN),
    ],
)
def test_formats_of_numbers(number: int, code: str, kind: NumberFormat) -> None:
    """Number formats of dates and shares, by number or code; quoted text in them is ignored."""
    assert classify_number_format(number, code) is kind


@pytest.mark.parametrize(
    ("days", "from_1904", "text"),
    [
        (42826, False, "2017-04"),
        (42827, False, "2017-04-02"),
        (42826.25, False, "2017-04-01 06:00:00"),
        (1, False, "1900-01"),
        (59, False, "1900-02-28"),
        (61, False, "1900-03"),
        (60, True, "1904-03"),
        (41364, True, "2017-04"),
    ],
)
def test_days_are_counted_as_excel_does(days: float, from_1904: bool, text: str) -> None:
    """From the end of 1899, with a leap day that there was not, or from 1904; a time of day is kept."""
    assert format_serial_date(days, from_1904) == text


@pytest.mark.parametrize("days", [-1, 0.5, 60, 3e6, 1e300])
def test_days_that_there_are_not(days: float) -> None:
    """A serial number without a date in a date cell is reported with a remedy."""
    with pytest.raises(ValueError, match="are not a date"):
        format_serial_date(days, False)

    def fill(sheet: Any, book: Any) -> None:
        sheet.write_number(0, 0, days, book.add_format({"num_format": "yyyy"}))

    (row,) = _read(_made(fill))
    assert isinstance(row[0], UnreadableCell) and "a date that there is not" in row[0].reason


def test_days_from_1904_are_read_so() -> None:
    """A workbook of the old Macintosh counts its days from 1904."""
    assert _read(_made(date_1904=True)) == _read(_made())


_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
_VALUES = st.one_of(
    st.none(), st.booleans(), st.floats(-1e300, 1e300), st.integers(-(2**53), 2**53), _TEXT, st.just("_x0041_")
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(_VALUES, max_size=6), max_size=6))
def test_another_reader_finds_the_same(rows: list[list[Any]]) -> None:
    """Whatever a workbook holds, calamine, which shares no line with this reader, finds the same in each cell."""
    import python_calamine

    def fill(sheet: Any, _: Any) -> None:
        for number, row in enumerate(rows):
            for place, value in enumerate(row):
                if isinstance(value, str):
                    sheet.write_string(number, place, value)
                elif value is not None:
                    (sheet.write_boolean if isinstance(value, bool) else sheet.write_number)(number, place, value)

    made = _made(fill)
    other = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(made)).get_sheet_by_name("Here")
    theirs = {
        (number, place): value
        for number, row in enumerate(other.to_python(skip_empty_area=False))
        for place, value in enumerate(row)
        if not isinstance(value, str) or value.strip()
    }
    ours = {(n, at): cell for n, row in enumerate(_read(made)) for at, cell in enumerate(row) if cell is not None}
    assert ours == theirs
    kinds = [(isinstance(ours[at], bool), isinstance(theirs[at], bool)) for at in ours]
    assert all(own == their for own, their in kinds)


def test_the_strict_form_is_read_too() -> None:
    """A workbook saved as `Strict Open XML` has other namespaces and says the same."""
    strict = [
        (MAIN.encode(), b"http://purl.oclc.org/ooxml/spreadsheetml/main"),
        (RELATIONS.encode(), b"http://purl.oclc.org/ooxml/officeDocument/relationships"),
    ]
    files = parts(_made())
    for before, after in strict:
        files = {name: content.replace(before, after) for name, content in files.items()}
    assert _read(packed(files)) == _read(_made())


def test_parts_in_utf16_are_read() -> None:
    """XML says in which encoding it is written."""
    files = parts(_made())
    book = files["xl/workbook.xml"].decode().replace('encoding="UTF-8"', 'encoding="UTF-16"')
    assert _read(packed({**files, "xl/workbook.xml": book.encode("utf-16")})) == _read(_made())


def test_sheets_of_charts_hold_no_cells() -> None:
    """A chart on a sheet of its own is no sheet of cells."""

    def fill(sheet: Any, book: Any) -> None:
        _few(sheet, book)
        chart = book.add_chart({"type": "line"})
        chart.add_series({"values": "=Here!$C$2:$C$3"})
        book.add_chartsheet("Chart").set_chart(chart)

    found = read_workbook(FileBytes("in.xlsx", _made(fill)), pytest.fail)
    assert found is not None and list(found.sheets) == ["Here"]


def _changed(name: str, before: bytes, after: bytes) -> bytes:
    files = parts(_made())
    assert before in files[name]
    return packed({**files, name: files[name].replace(before, after)})


def test_a_broken_package_is_refused() -> None:
    """Duplicate, missing or external sheets, document types and duplicate parts: one line each."""
    book, rels = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
    sheet = b'<sheet name="Here" sheetId="1" r:id="rId1"/>'
    twice = sheet + sheet.replace(b"Here", b"here")
    for made, told in (
        (_changed(book, sheet, twice), "two sheets are called here"),
        (_changed(book, b'r:id="rId1"', b'r:id="rId9"'), "the sheet Here is missing, or in another file"),
        (_changed(rels, b'Target="worksheets', b'TargetMode="External" Target="worksheets'), "or in another file"),
        (_changed(rels, b"sheet1.xml", b"sheet2.xml"), "the part xl/worksheets/sheet2.xml is missing"),
        (_changed(book, b"<workbook", b"<!DOCTYPE workbook><workbook"), "a document type declaration"),
        (packed({**parts(_made()), "XL/Workbook.xml": b""}), "two parts are called XL/Workbook.xml"),
        (packed({"a.xml": b"<a/>"}), "the part _rels/.rels is missing"),
        (packed({"_rels/.rels": b"<a/>"}), "the part xl/_rels/workbook.xml.rels is missing"),
        (_zipped(zipfile.ZIP_BZIP2), "compressed in a way that Excel does not use"),
    ):
        assert told in _refused(made)


def _zipped(method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, content in parts(_made()).items():
            file.writestr(name, content)
    return buffer.getvalue()


def test_a_workbook_that_is_not_packed_is_read() -> None:
    """An archive may hold its parts as they are."""
    assert _read(_zipped(zipfile.ZIP_STORED)) == _read(_made())


def test_a_part_that_is_encrypted_is_refused() -> None:
    """An encrypted part is reported, not read."""
    made = bytearray(_made())
    at = made.rindex(b"_rels/.rels") - 46
    assert made[at : at + 4] == b"PK\x01\x02"
    made[at + 8] |= 1
    assert "is encrypted" in _refused(bytes(made))


@pytest.mark.parametrize(
    "cells",
    [
        '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        "".join(f'<row r="{row}"><c r="XFD{row}"><v>1</v></c></row>' for row in range(9, 2_000)),
    ],
)
def test_a_cell_far_away_does_not_take_the_memory(cells: str) -> None:
    """Empty cells before one far aside, and empty rows above one far below, count as cells."""
    made = with_sheet(_made(), "Here", lambda text: text.replace("</sheetData>", f"{cells}</sheetData>"))
    assert "its cells are more than 1_000_000" in _refused(made, 1_000_000)


def test_merged_cells_do_not_take_the_memory() -> None:
    """The whole sheet merged again and again is counted as often."""
    merged = '</sheetData><mergeCells count="9">' + '<mergeCell ref="A1:XFD1048576"/>' * 9 + "</mergeCells>"
    made = _with_rows('<row r="1"><c r="A1"><v>1</v></c></row>')
    assert "its cells are more" in _refused(
        with_sheet(made, "Here", lambda text: text.replace("</sheetData>", merged)), 100_000
    )


def test_a_text_that_is_everywhere_does_not_take_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long shared string counts once per cell towards the limits."""
    monkeypatch.setattr(excel_reader, "MAX_WORKBOOK_CHARACTERS", 100_000)
    files = parts(_made())
    files["xl/sharedStrings.xml"] = files["xl/sharedStrings.xml"].replace(b"=1+1", b"x" * 30_000)
    more = '<row r="9">' + "".join(f'<c r="{letter}9" t="s"><v>0</v></c>' for letter in "ABCDE") + "</row>"
    made = with_sheet(packed(files), "Here", lambda text: text.replace("</sheetData>", f"{more}</sheetData>"))
    assert "MiB of text" in _refused(made)
    monkeypatch.setattr(excel_reader, "MAX_CELL_CHARACTERS", 29_999)
    assert "a cell contains more than 29_999 characters" in _refused(packed(files))


def test_a_bomb_is_refused_before_it_goes_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packages that unpack to too many bytes, parts, elements, levels or an endless tag are rejected."""
    sheet = "xl/worksheets/sheet1.xml"

    def bomb(xml: bytes) -> bytes:
        return _changed(sheet, b"<sheetData>", xml + b"<sheetData>")

    assert "nested more than 100 deep" in _refused(bomb(b"<a>" * 101))
    monkeypatch.setattr(excel_package, "MAX_XML_TAG_BYTES", 2**20)
    assert "a tag of more than 1 MiB" in _refused(bomb(b"<a " + b" " * 2**21))
    monkeypatch.setattr(excel_package, "MAX_UNPACKED_BYTES", 2**20)
    assert "unpacks to more than 1 MiB" in _refused(bomb(b" " * 2**21))
    monkeypatch.setattr(excel_package, "MAX_WORKBOOK_ELEMENTS", 1_000)
    assert "more than 1_000 elements" in _refused(bomb(b"<a/>" * 1_000))
    monkeypatch.setattr(excel_package, "MAX_WORKBOOK_PARTS", 3)
    assert "more than 3 parts" in _refused(_made())


def test_a_workbook_of_just_the_greatest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """A workbook exactly at a limit is read; with a limit lower by one it is rejected."""
    made = _with_rows('<row r="2"><c r="C2" t="s"><v>1</v></c></row>')
    files = parts(made)
    read_parts = ["_rels/.rels", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/sharedStrings.xml"]
    read_parts += ["xl/styles.xml", "xl/worksheets/sheet1.xml"]
    size = sum(len(files[name]) for name in read_parts)
    elements = sum(files[name].count(b"<") - files[name].count(b"</") - files[name].count(b"<?") for name in read_parts)
    for module, name, most in (
        (excel_package, "MAX_UNPACKED_BYTES", size),
        (excel_package, "MAX_WORKBOOK_ELEMENTS", elements),
        (excel_package, "MAX_WORKBOOK_PARTS", len(files)),
        (excel_reader, "MAX_WORKBOOK_CHARACTERS", 3),
        (excel_reader, "MAX_CELL_CHARACTERS", 14),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, most)
            assert _read(made) == [[], [None, None, "b c"]]
            patch.setattr(module, name, most - 1)
            assert _refused(made)
    assert read_workbook(FileBytes("in.xlsx", made), pytest.fail, maximum=5) and _refused(made, 4)


def test_what_is_no_workbook_is_refused() -> None:
    """Other bytes, a broken archive and another archive give one line each."""
    made = _made()
    at = made.index(b"xl/worksheets/sheet1.xml") + 60
    for content in (b"", b"PK\x03\x04", made[:-40], made[:at] + b"\0" * 50 + made[at + 50 :]):
        assert "is not a readable Excel workbook" in _refused(content)
    assert "is not a readable Excel workbook" in _refused(packed({"a.xml": b"<a/>"}))


def test_broken_markup_takes_no_time() -> None:
    """Half a megabyte of unclosed rows or values is rejected at once."""
    for xml in ("<row " * 100_000, "<v>" * 90, '<row r="1">' + "<c" * 200_000):
        assert "is not a readable Excel workbook" in _refused(_with_rows(xml))


def test_nothing_is_unpacked_to_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A workbook is read from memory: its parts' names, hostile or not, never become paths."""
    monkeypatch.chdir(tmp_path)
    assert _read(packed({**parts(_made()), "../../evil.xml": b"<a/>", "/evil.xml": b"<a/>"})) == _read(_made())
    assert not list(tmp_path.iterdir())
