"""Writer of one XlsxWriter workbook: sheets, formats, names within Excel's limits, and typed cells.

A table is an Excel table with filters; its totals are formulas.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import xlsxwriter

from medalopt.plan.digests import FormulaValue
from medalopt.report.document import (
    CellValue,
    PlainValue,
    ReportColumn,
    ReportTable,
    ShownValue,
    format_cell,
    sum_column,
)
from medalopt.text import escape_control_characters

_CREATION_DATE = datetime(2000, 1, 1)  # of every workbook, so that equal reports give equal bytes


def open_workbook(buffer: io.BytesIO, **properties: str) -> Any:
    """Open a workbook in which text stays text: no cell becomes a formula, a link or a number.

    Args:
        buffer: Its bytes, once it is closed.
        properties: Properties of the document, such as `title`.
    """
    as_text = dict.fromkeys(("strings_to_formulas", "strings_to_urls", "strings_to_numbers"), False)
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, **as_text})
    book.set_properties({**properties, "created": _CREATION_DATE})
    return book


MOST_CELL_UNITS = 32_767  # UTF-16 units of one cell
_MOST_NAME_UNITS = 31  # UTF-16 units of the name of a sheet
_FORBIDDEN_IN_NAME = re.compile(r"[\[\]:*?/\\]")
_FORMULA_STARTS = "=+-@'＝＋－＠"  # first characters of a formula or a quote
_RESERVED_NAMES = ("history",)  # reserved by Excel


def clean_cell_text(value: str) -> str:
    """Clean a text for a cell: control characters escaped, cut to Excel's length.

    Returns:
        At most `MOST_CELL_UNITS` UTF-16 units.
    """
    text = escape_control_characters(value).replace("\r\n", "\n")
    return text if _count_units(text) <= MOST_CELL_UNITS else _truncate_text(text, MOST_CELL_UNITS)


def _count_units(value: str) -> int:
    return len(value.encode("utf-16-le")) // 2


def _truncate_text(value: str, maximum: int) -> str:
    """Cut a text to at most `maximum` UTF-16 units, with an ellipsis at its end."""
    text = value[: maximum - 1]
    while _count_units(text) > maximum - 1:
        text = text[: len(text) - max(1, (_count_units(text) - maximum) // 2)]
    return f"{text}…"


class SheetNames:
    """Distinct names of sheets and tables of one workbook, irrespective of case."""

    def __init__(self) -> None:
        self._sheets: set[str] = set(_RESERVED_NAMES)
        self._tables: set[str] = set()

    def name_sheet(self, title: str) -> str:
        """Return a free sheet name.

        Args:
            title: Preferred name.

        Returns:
            The nearest name within Excel's rules.
        """
        plain = (
            " ".join(_FORBIDDEN_IN_NAME.sub(" ", clean_cell_text(title)).split()).lstrip(_FORMULA_STARTS).strip("' ")
        )
        return _reserve_name(plain or "Sheet", self._sheets, _MOST_NAME_UNITS)

    def name_table_sheet(self, title: str, key: str) -> str:
        """Return a free sheet name for a table: its title, or a name from its key where the title is too long.

        Args:
            title: Title of the table.
            key: Key of the table.
        """
        short = " ".join(key.replace("_", " ").split())
        return self.name_sheet(title if _count_units(title) <= _MOST_NAME_UNITS else short[:1].upper() + short[1:])

    def name_document_sheet(self, number: str, party: str) -> str:
        """Return a free sheet name for an order document: the end of its number, and the party where there is room.

        Args:
            number: Number of the document, such as `tiny-C01`.
            party: Name of the party.
        """
        end = number.rpartition("-")[2]
        return self.name_sheet(f"{end} {party}" if _count_units(f"{end} {party}") <= _MOST_NAME_UNITS else end)

    def name_table(self, title: str) -> str:
        """Return a free table name: letters, digits and underscores, distinct from cell addresses.

        Returns:
            The name, which begins with `plan_`.
        """
        plain = re.sub(r"\W+", "_", title, flags=re.ASCII).strip("_")
        return _reserve_name(f"plan_{plain or 'table'}", self._tables, 200)


def _reserve_name(name: str, taken: set[str], maximum: int) -> str:
    """Return `name`, cut to `maximum` units, with a number where it is in use."""
    number = 1
    while True:
        tail = f" {number}" if number > 1 else ""
        tail = tail.replace(" ", "_") if maximum > _MOST_NAME_UNITS else tail
        room = maximum - len(tail)
        found = (name if _count_units(name) <= room else _truncate_text(name, room)) + tail
        if found.casefold() not in taken:
            taken.add(found.casefold())
            return found
        number += 1


INK, FAINT, RED, FILL, PALE = "#1F2328", "#57606A", "#B42318", "#E8EEF5", "#FFF4E5"
_STYLES: Mapping[str, Mapping[str, Any]] = {
    "title": {"bold": True, "font_size": 16, "text_wrap": True, "valign": "top"},
    "heading": {"bold": True, "font_size": 12, "bottom": 1, "bottom_color": FAINT},
    "text": {"text_wrap": True, "valign": "top"},
    "faint": {"text_wrap": True, "valign": "top", "font_color": FAINT},
    "strong": {"bold": True, "text_wrap": True, "valign": "top"},
    "stamp": {"bold": True, "font_size": 14, "font_color": RED, "align": "center", "border": 2, "border_color": RED},
    "missing": {"bg_color": PALE, "font_color": RED, "valign": "top", "bottom": 3},
    "link": {"font_color": "#0B5CAD", "underline": 1, "valign": "top"},
    "entry": {"font_color": "#0B5CAD", "underline": 1, "valign": "top", "text_wrap": True},
    "header": {
        "bold": True,
        "text_wrap": True,
        "align": "left",
        "indent": 1,
        "valign": "top",
        "bg_color": FILL,
        "bottom": 1,
    },
    "figures header": {
        "bold": True,
        "text_wrap": True,
        "valign": "top",
        "bg_color": FILL,
        "bottom": 1,
        "align": "right",
    },
}


class _RecordedSheet:
    """XlsxWriter worksheet that records its cells, for a digest of them."""

    def __init__(self, sheet: Any) -> None:
        self._sheet = sheet
        self._cells: dict[tuple[int, int], PlainValue] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sheet, name)

    def write_string(self, row: int, position: int, value: str, form: Any = None) -> None:
        """Write text."""
        self._cells[row, position] = value
        self._sheet.write_string(row, position, value, form)

    def write_number(self, row: int, position: int, value: float, form: Any = None) -> None:
        """Write a number."""
        self._cells[row, position] = value
        self._sheet.write_number(row, position, value, form)

    def write_formula(self, row: int, position: int, formula: str, form: Any, value: float) -> None:
        """Write a formula with its value."""
        self._cells[row, position] = FormulaValue.of(value, formula)
        self._sheet.write_formula(row, position, formula, form, value)

    def write_url(self, row: int, position: int, target: str, form: Any, value: str) -> None:
        """Write a link to another sheet."""
        self._cells[row, position] = value
        self._sheet.write_url(row, position, target, form, value)

    def add_table(self, top: int, left: int, last: int, right: int, options: dict[str, Any]) -> None:
        """Add an Excel table over heads that are written already, and record the label of its total row."""
        for position, column in enumerate(options["columns"], start=left):
            if options["total_row"] and "total_string" in column:
                self._cells[last, position] = column["total_string"]
        self._sheet.add_table(top, left, last, right, options)

    @property
    def rows(self) -> list[list[PlainValue]]:
        """Values of the recorded cells by row, without empty rows."""
        result: dict[int, dict[int, PlainValue]] = {}
        for (row, position), value in self._cells.items():
            result.setdefault(row, {})[position] = value
        return [[row.get(position) for position in range(max(row) + 1)] for _, row in sorted(result.items())]


class WorkbookWriter:
    """Workbook of XlsxWriter with its sheets, names and formats; each format is created once."""

    def __init__(self, book: Any, head: str = "", date: str = "") -> None:
        self.book = book
        self.head, self.date = head, date  # of the printed pages
        self.names = SheetNames()
        self.sheets: dict[str, _RecordedSheet] = {}
        self._formats: dict[str, Any] = {}

    def add_sheet(self, name: str) -> _RecordedSheet:
        """Add a visible sheet.

        Args:
            name: Name of the sheet.
        """
        self.sheets[name] = _RecordedSheet(self.book.add_worksheet(name))
        return self.sheets[name]

    def get_format(self, name: str) -> Any:
        """Return a named format.

        Args:
            name: Key of `_STYLES`.
        """
        return self._make_format(name, _STYLES[name])

    def number_format(self, column: ReportColumn, total: bool = False) -> Any:
        """Return the format of the cells of a column, with its decimal places and unit.

        Args:
            column: Column of a table.
            total: True for the total row, in bold.
        """
        edge = {"bold": True, "top": 1} if total else {}
        if column.unit is None:
            return self._make_format(
                f"text {total}", {"text_wrap": True, "valign": "top", "align": "left", "indent": 1, **edge}
            )
        shape = _make_number_format(column)
        return self._make_format(f"{shape} {total}", {"num_format": shape, "valign": "top", "align": "right", **edge})

    def _make_format(self, key: str, properties: Mapping[str, Any]) -> Any:
        if key not in self._formats:
            self._formats[key] = self.book.add_format({"font_size": 10, "font_color": INK, **properties})
        return self._formats[key]


def _make_number_format(column: ReportColumn) -> str:
    """Return Excel's number format of a column: thousands separators, decimal places, unit."""
    places = f".{'0' * column.digits}" if column.digits else ""
    if column.unit == "%":
        return f"0{places}%"
    unit = (column.unit or "").replace('"', "").replace("\\", "")
    return f'#,##0{places}" {unit}"' if unit else f"#,##0{places}"


def write_cell(sheet: Any, row: int, position: int, value: CellValue, form: Any) -> None:
    """Write one cell: text as text, never as formula or link; None and '' as an empty cell; infinity as `no limit`.

    Args:
        sheet: Sheet to write to.
        row: Row index.
        position: Column index.
        value: Value of the cell.
        form: XlsxWriter format.
    """
    value = _get_sheet_value(value)
    if value is None or value == "":
        sheet.write_blank(row, position, None, form)
    elif isinstance(value, str):
        sheet.write_string(row, position, clean_cell_text(value), form)
    elif math.isfinite(value):
        sheet.write_number(row, position, value, form)
    else:
        sheet.write_string(row, position, "no limit" if value > 0 else "", form)


def _get_sheet_value(cell: CellValue) -> PlainValue:
    """Return the value of a cell in a workbook; of one without a value its text."""
    if isinstance(cell, ShownValue):
        return cell.text if cell.value is None else cell.value
    return cell


def write_merged(sheet: Any, row: int, last: int, value: str, form: Any, first: int = 0) -> None:
    """Write text into the merged columns `first` to `last` of a row.

    Args:
        sheet: Sheet of the workbook.
        row: Row, from 0.
        last: Last column, from 0.
        value: Text; never written as a formula.
        form: Format of the cells.
        first: First column, from 0.
    """
    if last > first:
        sheet.merge_range(row, first, row, last, "", form)
    write_cell(sheet, row, first, value, form)


def compute_text_height(value: str, width: float) -> float:
    """Compute the height of wrapped text in a cell.

    Args:
        value: Text.
        width: Width of the cell in characters.

    Returns:
        Height [points], at most 409, Excel's limit.
    """
    lines = sum(max(1, math.ceil(len(line) / max(width, 1))) for line in value.split("\n"))
    return min(409.0, 14.0 * lines + 2)


def set_print_layout(
    writer: WorkbookWriter, sheet: Any, last_row: int, last_column: int, landscape: bool = False, stamp: str = ""
) -> None:
    """Set the print layout: A4, one page wide; title or stamp, sheet, date and page number in header and footer.

    Args:
        writer: Writer of the workbook.
        sheet: Sheet.
        last_row: Last row of the print area, from 0.
        last_column: Last column of the print area, from 0.
        landscape: Print in landscape.
        stamp: Text in the header in place of the title.
    """
    head = writer.head
    sheet.set_paper(9)
    if landscape:
        sheet.set_landscape()
    sheet.set_margins(left=0.5, right=0.5, top=0.9 if stamp or head else 0.6, bottom=0.7)
    sheet.fit_to_pages(1, 0)
    sheet.print_area(0, 0, max(last_row, 1), last_column)
    sheet.set_footer(f"&L&9&A&C&9 {_escape_header(writer.date)}&R&9 Page &P of &N")
    if stamp:
        sheet.set_header(f"&C&16&B&K{RED[1:]}{_escape_header(stamp)}")
    elif head:
        sheet.set_header(f"&L&9 {_escape_header(head)}")
    sheet.hide_gridlines(2)


_MOST_HEADER_CHARACTERS = 120  # Excel allows 255 with all codes


def _escape_header(text: str) -> str:
    """Return a text for header or footer, in which `&` begins a code."""
    text = clean_cell_text(text)
    text = text if len(text) <= _MOST_HEADER_CHARACTERS else f"{text[: _MOST_HEADER_CHARACTERS - 1]}…"
    return text.replace("&", "&&").replace("\n", " ")


MOST_COLUMN_WIDTH, LEAST_COLUMN_WIDTH = 46, 9
_PLAIN_SIGNS = str.maketrans({"[": "(", "]": ")", "'": "’", "#": "", "@": " "})
_LINE_HEIGHT = 16.0  # points of a line of text
_MOST_ROWS_MEASURED = 1_000  # rows used to measure a column


def write_table(writer: WorkbookWriter, sheet: Any, top: int, table: ReportTable) -> int:
    """Write a table as an Excel table.

    Args:
        writer: Writer of the workbook.
        sheet: Sheet to write to.
        top: Row of the heads.
        table: Table to write.

    Returns:
        The row after its end.
    """
    heads = make_unique_heads(table.columns)
    for position, (head, column) in enumerate(zip(heads, table.columns, strict=True)):
        write_cell(sheet, top, position, head, writer.get_format("header" if column.unit is None else "figures header"))
    sheet.set_row(
        top,
        14.0 * max(_count_head_lines(head, width) for head, width in zip(heads, measure_widths(table), strict=True))
        + 4,
    )
    if not table.rows:
        write_cell(sheet, top + 1, 0, "none", writer.get_format("faint"))
        return top + 2
    sums = [column.total for column in table.columns]
    name = writer.names.name_table(table.key)
    last = top + len(table.rows) + any(sums)
    sheet.add_table(
        top,
        0,
        last,
        len(heads) - 1,
        {
            "name": name,
            "style": "Table Style Light 1",
            "total_row": any(sums),
            "columns": [_column_options(writer, table, position, heads[position]) for position in range(len(heads))],
        },
    )
    forms = [writer.number_format(column) for column in table.columns]
    wide = measure_widths(table)
    for number, row in enumerate(table.rows, start=top + 1):
        tall = _row_height(table, row, wide)
        if tall > _LINE_HEIGHT:
            sheet.set_row(number, tall)
        for position, value in enumerate(row):
            write_cell(sheet, number, position, value, forms[position])
    if any(sums):
        _write_totals(writer, sheet, last, table, [f"{name}[{head}]" for head in heads])
    return last + 1


def _row_height(table: ReportTable, row: tuple[CellValue, ...], wide: list[int]) -> float:
    """Return the height of a row [points] for text on several lines, which spreadsheet programs do not compute."""
    shown = zip(row, wide, table.columns, strict=True)
    texts = [
        compute_text_height(value, width - 1)
        for cell, width, column in shown
        if isinstance(value := _get_sheet_value(cell), str) and not column.hidden
    ]
    return max(texts, default=_LINE_HEIGHT)


def _column_options(writer: WorkbookWriter, table: ReportTable, position: int, head: str) -> dict[str, Any]:
    column = table.columns[position]
    result = {"header": head, "header_format": writer.get_format("header" if column.unit is None else "figures header")}
    if column.total:
        result |= {"total_function": "sum", "total_value": sum_column(table, position)}
    elif position == 0:
        result |= {"total_string": "Total"}
    return {**result, "format": writer.number_format(column, total=True)}


def _write_totals(writer: WorkbookWriter, sheet: Any, row: int, table: ReportTable, named: list[str]) -> None:
    """Write each total as a formula with the table's name, which LibreOffice needs to resolve the column."""
    for position, column in enumerate(table.columns):
        form = writer.number_format(column, total=True)
        if column.total:
            sheet.write_formula(row, position, f"=SUBTOTAL(109,{named[position]})", form, sum_column(table, position))
        elif position:
            sheet.write_blank(row, position, None, form)


def make_unique_heads(columns: tuple[ReportColumn, ...]) -> list[str]:
    """Return distinct column heads without the special characters of structured references.

    Returns:
        One head for each column, distinct irrespective of case.
    """
    taken: set[str] = set()
    heads = []
    for column in columns:
        title = " ".join(clean_cell_text(column.title).translate(_PLAIN_SIGNS).split())[:200] or column.key
        head, number = title, 1
        while head.casefold() in taken:
            number += 1
            head = f"{title}, {column.unit}" if number == 2 and column.unit else f"{title} {number}"
        taken.add(head.casefold())
        heads.append(head)
    return heads


def measure_widths(table: ReportTable) -> list[int]:
    """Return the width of each column.

    Args:
        table: Table to measure.
    """
    return [_measure_width(table, position) for position in range(len(table.columns))]


def _measure_width(table: ReportTable, position: int) -> int:
    column = table.columns[position]
    unit = f" {column.unit}" if column.unit else ""
    shown = [f"{format_cell(row[position], column)}{unit}" for row in table.rows[:_MOST_ROWS_MEASURED]]
    if column.total:
        shown.append(f"{format_cell(sum_column(table, position), column)}{unit}")
    words = max(map(len, column.title.split()), default=1) + 3  # room for the filter button
    longest = max((len(line) for one in shown for line in one.split("\n")), default=0)
    return max(LEAST_COLUMN_WIDTH, words, min(MOST_COLUMN_WIDTH, longest + 2), min(len(column.title) + 3, 16))


def _count_head_lines(head: str, width: int) -> int:
    """Return the number of lines of a head at the width of its column."""
    lines, room = 1, 0
    for word in head.split():
        if room + len(word) > width - 2 and room:
            lines, room = lines + 1, 0
        room += len(word) + 1
    return lines
