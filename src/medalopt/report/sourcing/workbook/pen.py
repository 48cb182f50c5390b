"""What every sheet shares: the open workbook, its formats, and how a value gets into a cell as what it is."""

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
    """A worksheet of XlsxWriter that remembers what its cells say, so that a digest of it can be written."""

    def __init__(self, sheet: Any) -> None:
        self._sheet = sheet
        self._cells: dict[tuple[int, int], Cell] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sheet, name)

    def write_string(self, row: int, place: int, value: str, form: Any = None) -> None:
        """Write text."""
        self._cells[row, place] = value
        self._sheet.write_string(row, place, value, form)

    def write_number(self, row: int, place: int, value: float, form: Any = None) -> None:
        """Write a number."""
        self._cells[row, place] = value
        self._sheet.write_number(row, place, value, form)

    def write_formula(self, row: int, place: int, formula: str, form: Any, value: float) -> None:
        """Write a formula with the value that it comes to."""
        self._cells[row, place] = Calculated.of(value, formula)
        self._sheet.write_formula(row, place, formula, form, value)

    def write_url(self, row: int, place: int, target: str, form: Any, value: str) -> None:
        """Write text that leads to another sheet."""
        self._cells[row, place] = value
        self._sheet.write_url(row, place, target, form, value)

    def add_table(self, top: int, left: int, last: int, right: int, options: dict[str, Any]) -> None:
        """Add an Excel table, whose heads are written already; the word of its totals is written with it."""
        for place, column in enumerate(options["columns"], start=left):
            if options["total_row"] and "total_string" in column:
                self._cells[last, place] = column["total_string"]
        self._sheet.add_table(top, left, last, right, options)

    @property
    def rows(self) -> list[list[Cell]]:
        """What the cells say, by rows; rows of nothing are left out."""
        found: dict[int, dict[int, Cell]] = {}
        for (row, place), value in self._cells.items():
            found.setdefault(row, {})[place] = value
        return [[row.get(place) for place in range(max(row) + 1)] for _, row in sorted(found.items())]


class Pen:
    """Writes into one workbook of XlsxWriter; formats are made once each."""

    def __init__(self, book: Any) -> None:
        self.book = book
        self.names = Names()
        self.sheets: dict[str, Sheet] = {}
        self._formats: dict[str, Any] = {}

    def sheet(self, name: str) -> Sheet:
        """Add a sheet that a person reads."""
        self.sheets[name] = Sheet(self.book.add_worksheet(name))
        return self.sheets[name]

    def style(self, name: str) -> Any:
        """Return the format called `name`."""
        return self._made(name, _STYLES[name])

    def figures(self, column: Column, total: bool = False) -> Any:
        """Return the format of the cells of a column: its digits and its unit; bold for its total."""
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
    """Return Excel's format of a column's figures: groups of three, its digits, its unit behind."""
    places = f".{'0' * column.digits}" if column.digits else ""
    if column.unit == "%":
        return f"0{places}%"
    unit = (column.unit or "").replace('"', "").replace("\\", "")
    return f'#,##0{places}" {unit}"' if unit else f"#,##0{places}"


def put(sheet: Any, row: int, place: int, value: Cell, form: Any) -> None:
    """Write one cell: text as text, never as formula or link; a figure as a number; nothing as an empty cell."""
    if value is None or value == "":
        sheet.write_blank(row, place, None, form)
    elif isinstance(value, str):
        sheet.write_string(row, place, text(value), form)
    elif math.isfinite(value):
        sheet.write_number(row, place, value, form)
    else:
        sheet.write_string(row, place, "no limit" if value > 0 else "", form)


def across(sheet: Any, row: int, last: int, value: str, form: Any) -> None:
    """Write text over the columns 0 to `last` of a row."""
    if last > 0:
        sheet.merge_range(row, 0, row, last, "", form)
    put(sheet, row, 0, value, form)


def height(value: str, width: float) -> float:
    """Return the points that wrapped text needs in a cell `width` characters wide."""
    lines = sum(max(1, math.ceil(len(line) / max(width, 1))) for line in value.split("\n"))
    return min(409.0, 14.0 * lines + 2)


def paper(sheet: Any, last_row: int, last_column: int, *, landscape: bool, stamp: str = "") -> None:
    """Set the sheet up for printing: A4, one page wide, its print area, its name and page below, a stamp above."""
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
