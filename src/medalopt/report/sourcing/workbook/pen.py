"""Writer of one XlsxWriter workbook: sheets, formats, and cells that keep their type."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from medalopt.plan.digests import Calculated
from medalopt.report.sourcing.content import Cell, Column
from medalopt.report.sourcing.workbook.names import Names, text

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


class Sheet:
    """XlsxWriter worksheet that records its cells, for a digest of them."""

    def __init__(self, sheet: Any) -> None:
        self._sheet = sheet
        self._cells: dict[tuple[int, int], Cell] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sheet, name)

    def write_string(self, row: int, place: int, value: str, form: Any = None) -> None:
        """Write text.

        Args:
            row: Row index.
            place: Column index.
            value: Text of the cell.
            form: XlsxWriter format.
        """
        self._cells[row, place] = value
        self._sheet.write_string(row, place, value, form)

    def write_number(self, row: int, place: int, value: float, form: Any = None) -> None:
        """Write a number.

        Args:
            row: Row index.
            place: Column index.
            value: Number of the cell.
            form: XlsxWriter format.
        """
        self._cells[row, place] = value
        self._sheet.write_number(row, place, value, form)

    def write_formula(self, row: int, place: int, formula: str, form: Any, value: float) -> None:
        """Write a formula with its value.

        Args:
            row: Row index.
            place: Column index.
            formula: Formula, from `=` on.
            form: XlsxWriter format.
            value: Result of the formula.
        """
        self._cells[row, place] = Calculated.of(value, formula)
        self._sheet.write_formula(row, place, formula, form, value)

    def write_url(self, row: int, place: int, target: str, form: Any, value: str) -> None:
        """Write a link to another sheet.

        Args:
            row: Row index.
            place: Column index.
            target: Address of the link.
            form: XlsxWriter format.
            value: Text of the cell.
        """
        self._cells[row, place] = value
        self._sheet.write_url(row, place, target, form, value)

    def add_table(self, top: int, left: int, last: int, right: int, options: dict[str, Any]) -> None:
        """Add an Excel table over heads that are written already, and record the label of its total row.

        Args:
            top: First row.
            left: First column.
            last: Last row.
            right: Last column.
            options: Options of XlsxWriter.
        """
        for place, column in enumerate(options["columns"], start=left):
            if options["total_row"] and "total_string" in column:
                self._cells[last, place] = column["total_string"]
        self._sheet.add_table(top, left, last, right, options)

    @property
    def rows(self) -> list[list[Cell]]:
        """Recorded cells by row, without empty rows."""
        found: dict[int, dict[int, Cell]] = {}
        for (row, place), value in self._cells.items():
            found.setdefault(row, {})[place] = value
        return [[row.get(place) for place in range(max(row) + 1)] for _, row in sorted(found.items())]


class Pen:
    """Workbook of XlsxWriter with its sheets, names and formats; each format is created once."""

    def __init__(self, book: Any) -> None:
        self.book = book
        self.names = Names()
        self.sheets: dict[str, Sheet] = {}
        self._formats: dict[str, Any] = {}

    def sheet(self, name: str) -> Sheet:
        """Add a visible sheet.

        Args:
            name: Name of the sheet.

        Returns:
            The sheet.
        """
        self.sheets[name] = Sheet(self.book.add_worksheet(name))
        return self.sheets[name]

    def style(self, name: str) -> Any:
        """Return a named format.

        Args:
            name: Key of `_STYLES`.

        Returns:
            The XlsxWriter format.
        """
        return self._made(name, _STYLES[name])

    def figures(self, column: Column, total: bool = False) -> Any:
        """Return the format of the cells of a column, with its decimal places and unit.

        Args:
            column: Column of a table.
            total: True for the total row, in bold.

        Returns:
            The XlsxWriter format.
        """
        edge = {"bold": True, "top": 1} if total else {}
        if column.unit is None:
            return self._made(
                f"text {total}", {"text_wrap": True, "valign": "top", "align": "left", "indent": 1, **edge}
            )
        shape = number_format(column)
        return self._made(f"{shape} {total}", {"num_format": shape, "valign": "top", **edge})

    def _made(self, key: str, properties: Mapping[str, Any]) -> Any:
        if key not in self._formats:
            self._formats[key] = self.book.add_format({"font_size": 10, "font_color": INK, **properties})
        return self._formats[key]


def number_format(column: Column) -> str:
    """Return Excel's number format of a column: thousands separators, decimal places, unit.

    Args:
        column: Column of numbers.

    Returns:
        The format code.
    """
    places = f".{'0' * column.digits}" if column.digits else ""
    if column.unit == "%":
        return f"0{places}%"
    unit = (column.unit or "").replace('"', "").replace("\\", "")
    return f'#,##0{places}" {unit}"' if unit else f"#,##0{places}"


def put(sheet: Any, row: int, place: int, value: Cell, form: Any) -> None:
    """Write one cell: text as text, never as formula or link; None and '' as an empty cell; infinity as `no limit`.

    Args:
        sheet: Sheet to write to.
        row: Row index.
        place: Column index.
        value: Value of the cell.
        form: XlsxWriter format.
    """
    if value is None or value == "":
        sheet.write_blank(row, place, None, form)
    elif isinstance(value, str):
        sheet.write_string(row, place, text(value), form)
    elif math.isfinite(value):
        sheet.write_number(row, place, value, form)
    else:
        sheet.write_string(row, place, "no limit" if value > 0 else "", form)


def across(sheet: Any, row: int, last: int, value: str, form: Any) -> None:
    """Write text into the merged columns 0 to `last` of a row.

    Args:
        sheet: Sheet to write to.
        row: Row index.
        last: Index of the last column.
        value: Text.
        form: XlsxWriter format.
    """
    if last > 0:
        sheet.merge_range(row, 0, row, last, "", form)
    put(sheet, row, 0, value, form)


def height(value: str, width: float) -> float:
    """Compute the height of wrapped text in a cell.

    Args:
        value: Text.
        width: Width of the cell in characters.

    Returns:
        Height [points], at most 409, Excel's limit.
    """
    lines = sum(max(1, math.ceil(len(line) / max(width, 1))) for line in value.split("\n"))
    return min(409.0, 14.0 * lines + 2)


def paper(sheet: Any, last_row: int, last_column: int, *, landscape: bool, stamp: str = "") -> None:
    """Set the print layout: A4, one page wide, sheet name and page number in the footer.

    Args:
        sheet: Sheet to print.
        last_row: Last row of the print area.
        last_column: Last column of the print area.
        landscape: Print in landscape.
        stamp: Text of the header, such as that of a draft.
    """
    sheet.set_paper(9)
    if landscape:
        sheet.set_landscape()
    sheet.set_margins(left=0.5, right=0.5, top=0.9 if stamp else 0.6, bottom=0.7)
    sheet.fit_to_pages(1, 0)
    sheet.print_area(0, 0, max(last_row, 1), last_column)
    sheet.set_footer("&L&9&A&R&9&P / &N")
    if stamp:
        sheet.set_header(f"&C&16&B&K{RED[1:]}{stamp.replace('&', '&&')}")
    sheet.hide_gridlines(2)
