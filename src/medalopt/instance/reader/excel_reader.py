"""Read the cells of an Excel workbook within limits: each as displayed, or with the reason why it is unreadable."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from medalopt.instance.reader.excel_package import (
    PARSE_ERRORS,
    ExcelPackage,
    NumberFormat,
    TooLargeError,
    XmlAttributes,
    classify_number_format,
    format_date,
    format_serial_date,
)
from medalopt.instance.reader.files import FileBytes
from medalopt.instance.reader.limits import (
    MAX_CELL_CHARACTERS,
    MAX_COLUMNS,
    MAX_WORKBOOK_BYTES,
    MAX_WORKBOOK_CELLS,
    MAX_WORKBOOK_CHARACTERS,
    MIB,
)
from medalopt.text import escape_text

LARGEST_WORKBOOK = MAX_WORKBOOK_BYTES
ZIP_SIGNATURE = b"PK\x03\x04"
_MAX_ROWS = 1_048_576  # rows of an Excel sheet
_MAX_DIGITS = 9  # longest integer in the XML
_CELL_REFERENCE = re.compile("([A-Z]{1,3})([1-9][0-9]{0,6})")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_ESCAPED_CHARACTER = re.compile("_x([0-9A-Fa-f]{4})_")
_BOOLEANS = {"1": True, "true": True, "0": False, "false": False}
_SCALED_MESSAGE = (
    "a number that its format shows divided by a thousand or more: give the cell the format `General` and check it"
)
_UNCALCULATED_MESSAGE = (
    "a formula whose value has not been calculated: open the workbook in Excel, save it, and try again"
)


@dataclass(frozen=True)
class UnreadableCell:
    """A cell without a usable value.

    Attributes:
        reason: Content of the cell, and the remedy.
        shown_value: Displayed value: None in a covered part of a merged cell, the cached value of a formula.
    """

    reason: str
    shown_value: str | float | bool | None = None


class DateText(str):
    """Date as displayed: month for the first day of a month, else date, or date and time."""


class PercentNumber(float):
    """Number displayed as a percentage: 0.17 as 17 %."""


WorkbookValue = str | float | bool | None | UnreadableCell
SheetRows = list[list[WorkbookValue]]
SheetFormulas = dict[tuple[int, int], str]


@dataclass(frozen=True)
class Spreadsheet:
    """Sheets of a workbook.

    Attributes:
        name: File name for messages.
        sheets: Rows of values from A1 of each sheet, without trailing empty cells; None for an empty cell.
        formulas: Text of each formula by (row, column) from 0, of each sheet.
    """

    name: str
    sheets: dict[str, SheetRows]
    formulas: dict[str, SheetFormulas] = field(default_factory=dict)


def format_cell_address(sheet: str, row: int, column: int) -> str:
    """Format the address of a cell, such as `streams!B7`.

    Args:
        sheet: Name of the sheet.
        row: Row from 0.
        column: Column from 0.

    Returns:
        The address, with quotes around the sheet name if needed.
    """
    plain = sheet if re.fullmatch(r"\w+", sheet) else "'" + sheet.replace("'", "''") + "'"
    return f"{plain}!{_format_column_letters(column)}{row + 1}"


def _format_column_letters(column: int) -> str:
    """Format a column from 0 as letters."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _parse_cell_reference(reference: str) -> tuple[int, int]:
    """Parse a reference such as `D7` to row and column from 0; raise ValueError if it is invalid."""
    match = _CELL_REFERENCE.fullmatch(reference)
    column = 0
    for letter in match[1] if match else "":
        column = 26 * column + ord(letter) - ord("A") + 1
    if match is None or column > MAX_COLUMNS or int(match[2]) > _MAX_ROWS:
        raise ValueError(f"`{escape_text(reference)}` is no cell")
    return int(match[2]) - 1, column - 1


def _parse_integer(text: str) -> int:
    """Parse a nonnegative integer; raise ValueError if it is invalid."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise ValueError(f"`{escape_text(text)}` is no whole number")
    return int(text)


def read_workbook(
    data: FileBytes,
    report: Callable[[str], None],
    is_needed: Callable[[str], bool] = lambda name: True,
    maximum: int = MAX_WORKBOOK_CELLS,
) -> Spreadsheet | None:
    """Read the cells of a workbook.

    Args:
        data: Content of the file.
        report: Callback for the error message.
        is_needed: Predicate on sheet names; other sheets have no rows in the result.
        maximum: Maximal number of cells.

    Returns:
        The workbook; None after an error.
    """
    try:
        book = _WorkbookParser(ExcelPackage(data.content), maximum)
        return Spreadsheet(data.name, book.parse_sheets(is_needed), book.formulas)
    except TooLargeError as error:
        report(f"is no workbook that medalopt reads: {error}")
    except PARSE_ERRORS as error:
        reason = escape_text(str(error), 150)
        report(f"is not a readable Excel workbook ({reason}); save it again in Excel as .xlsx, without a password")
    return None


def format_cell(value: WorkbookValue) -> str:
    """Format a cell value as text; integers without a decimal point, an empty cell as ''.

    Args:
        value: Value of a cell.

    Returns:
        The text.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else float.__repr__(value)
    return str((value.reason if isinstance(value, UnreadableCell) else value) or "")


class _WorkbookParser:
    """Parser of a workbook: shared strings, number formats, and the remaining budget of cells and characters."""

    def __init__(self, package: ExcelPackage, maximum: int) -> None:
        self.package, self.most = package, maximum
        self.texts: list[str] = []
        self.kinds: list[NumberFormat] = []
        self.formulas: dict[str, SheetFormulas] = {}
        self.from_1904 = self.uncalculated = False
        self.cells, self.characters = maximum, MAX_WORKBOOK_CHARACTERS

    def parse_sheets(self, is_needed: Callable[[str], bool]) -> dict[str, SheetRows]:
        """Parse the worksheets, and return their rows by name."""
        begins = self.package.relationships("").values()
        main = next((part.target for part in begins if part.kind == "officeDocument"), "xl/workbook.xml")
        related = self.package.relationships(main)
        named: dict[str, str] = {}

        def sheet(attributes: XmlAttributes) -> None:
            """Add a sheet of cells."""
            identifier = next((value for name, value in attributes.items() if name.endswith("relationships id")), "")
            if identifier not in related:
                raise ValueError(f"the sheet {escape_text(attributes.get('name', ''))} is missing, or in another file")
            if related[identifier].kind == "worksheet":
                self._add_sheet(named, attributes.get("name", ""), related[identifier].target)

        self.package.parse(main, {"sheet": sheet, "workbookPr": self._read_epoch, "calcPr": self._read_calculation})
        for part in related.values():
            if part.kind == "sharedStrings":
                self._read_texts(part.target)
            elif part.kind == "styles":
                self._read_styles(part.target)
        return {name: _SheetParser(self, name, part).rows if is_needed(name) else [] for name, part in named.items()}

    def _add_sheet(self, named: dict[str, str], name: str, target: str) -> None:
        """Add a sheet; raise ValueError if its name is a duplicate."""
        if name.casefold() in {one.casefold() for one in named}:
            raise ValueError(f"two sheets are called {escape_text(name)}")
        named[name] = target

    def _read_epoch(self, attributes: XmlAttributes) -> None:
        """Read the epoch of dates."""
        self.from_1904 = attributes.get("date1904") in ("1", "true")

    def _read_calculation(self, attributes: XmlAttributes) -> None:
        """Read if formulas await calculation."""
        self.uncalculated = attributes.get("fullCalcOnLoad") in ("1", "true")  # cached values are placeholders

    def _read_texts(self, part: str) -> None:
        """Parse the shared strings."""
        text = _TextCollector()
        starts = {**text.starts, "si": lambda _: text.begin()}
        self.package.parse(part, starts, {**text.ends, "si": lambda: self.texts.append(text.take_text())}, text.add)

    def _read_styles(self, part: str) -> None:
        """Parse the number formats of the cell styles."""
        codes: dict[str, str] = {}
        within: list[bool] = []

        def form(attributes: XmlAttributes) -> None:
            """Record the code of a number format."""
            codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")

        def style(attributes: XmlAttributes) -> None:
            """Append the kind of number of a cell style."""
            number = attributes.get("numFmtId", "0")
            if within:
                built_in = _parse_integer(number) if number not in codes else 0
                self.kinds.append(classify_number_format(built_in, codes.get(number, "")))

        starts = {"numFmt": form, "cellXfs": lambda _: within.append(True), "xf": style}
        self.package.parse(part, starts, {"cellXfs": within.clear})

    def deduct_budget(self, cells: int = 0, characters: int = 0) -> None:
        """Deduct cells and characters from the budget."""
        self.cells -= cells
        self.characters -= characters
        if self.cells < 0:
            raise TooLargeError(f"its cells are more than {self.most:_}; delete the cells far below or to the right")
        if self.characters < 0:
            raise TooLargeError(f"its cells contain more than {MAX_WORKBOOK_CHARACTERS // MIB} MiB of text")

    def interpret_number(self, text: str, style: str) -> WorkbookValue:
        """Interpret the number in a cell by its number format."""
        found = float(text) if _NUMBER.fullmatch(text) else math.nan
        if not math.isfinite(found):
            return UnreadableCell(f"`{escape_text(text)}` instead of a number: enter the number again")
        index = _parse_integer(style or "0")
        if index >= len(self.kinds or "?"):
            raise ValueError(f"a cell has the style {escape_text(style)}, which there is not")
        kind = self.kinds[index] if self.kinds else NumberFormat.PLAIN
        if kind is NumberFormat.PLAIN:
            return found
        if kind is NumberFormat.PERCENT:
            return PercentNumber(found)
        if kind is NumberFormat.SCALED:
            return UnreadableCell(_SCALED_MESSAGE, found)
        try:
            return DateText(format_serial_date(found, self.from_1904))
        except ValueError as error:
            return UnreadableCell(f"a date that there is not ({error}): give the cell the number format `General`")


class _TextCollector:
    """Collector of the text of elements `t` and `v`, without phonetic runs."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.current: list[str] = []
        self.taking = self.preserve = self.aside = False
        self.length = 0
        self.starts = {"t": self._open, "rPh": lambda _: self._store_text(True)}
        self.ends = {"t": self.close, "v": self.close, "rPh": lambda: self._store_text(False)}

    def begin(self) -> None:
        """Discard the collected text."""
        self.pieces, self.length = [], 0

    def add(self, text: str) -> None:
        """Collect character data of an open element."""
        if self.taking:
            self.length += len(text)
            if self.length > MAX_CELL_CHARACTERS:
                raise TooLargeError(f"a cell contains more than {MAX_CELL_CHARACTERS:_} characters")
            self.current.append(text)

    def take_text(self) -> str:
        """Return the collected text."""
        return "".join(self.pieces)

    def open(self, preserve: bool) -> None:
        """Start collecting."""
        self.taking, self.preserve, self.current = not self.aside, preserve, []

    def close(self) -> None:
        """Stop collecting."""
        if self.taking:
            text = "".join(self.current)
            self.pieces.append(
                _ESCAPED_CHARACTER.sub(_unescape_character, text if self.preserve else text.strip(" \t\r\n"))
            )
        self.taking = False

    def _open(self, attributes: XmlAttributes) -> None:
        """Start collecting at a start tag."""
        self.open(attributes.get("http://www.w3.org/XML/1998/namespace space") == "preserve")

    def _store_text(self, aside: bool) -> None:
        """Ignore text inside a phonetic run."""
        self.aside = aside


def _unescape_character(match: re.Match[str]) -> str:
    """Return the character of an escape such as `_x000D_`; surrogates stay as written."""
    code = int(match[1], 16)
    return match[0] if 0xD800 <= code < 0xE000 else chr(code)


class _SheetParser:
    """Parser of a worksheet; its rows and the cells of each row must be in order, without duplicates."""

    def __init__(self, book: _WorkbookParser, name: str, part: str) -> None:
        self.book, self.name = book, name
        self.rows: SheetRows = []
        self.row = -1
        self.column: int | None = None  # column of the open cell
        self.attributes: XmlAttributes = {}
        self.formula = self.valued = False
        self.kind = ""  # type of its formula
        self.text = _TextCollector()
        self.merged: list[str] = []
        starts = {**self.text.starts, "row": self._start_row, "c": self._start_cell, "f": self._start_formula}
        starts |= {"v": self._start_value, "mergeCell": lambda found: self.merged.append(found.get("ref", ""))}
        ends = {**self.text.ends, "c": self._end_cell, "f": self._end_formula}
        self.formulas = book.formulas[name] = {}
        book.package.parse(part, starts, ends, self.text.add)
        for reference in self.merged:
            self._mark_merged(reference)

    def _start_row(self, attributes: XmlAttributes) -> None:
        """Start a row; skipped rows are empty."""
        number = _parse_integer(attributes["r"]) - 1 if "r" in attributes else self.row + 1
        if not self.row < number < _MAX_ROWS:
            raise ValueError(f"row {number + 1} of the sheet {escape_text(self.name)} is in the wrong place")
        self.book.deduct_budget(number - self.row)
        self.rows += [*[[]] * (number - self.row - 1), []]  # skipped rows share one list
        self.row = number

    def _start_cell(self, attributes: XmlAttributes) -> None:
        """Start a cell."""
        if not self.rows or self.column is not None:
            raise ValueError(f"a cell of the sheet {escape_text(self.name)} is nested in another, or outside a row")
        row = self.rows[-1]
        at = _parse_cell_reference(attributes["r"]) if "r" in attributes else (self.row, len(row))
        if at[0] != self.row or not len(row) <= at[1] < MAX_COLUMNS:
            cell = f"{_format_column_letters(at[1])}{at[0] + 1}"
            raise ValueError(f"the cell {cell} of the sheet {escape_text(self.name)} is in the wrong place")
        self.column, self.attributes, self.formula, self.valued = at[1], attributes, False, False
        self.text.begin()

    def _start_formula(self, attributes: XmlAttributes) -> None:
        """Start a formula."""
        self.formula = True
        self.kind = attributes.get("t", "normal")
        self.text.open(preserve=True)

    def _end_formula(self) -> None:
        """Store the text of a formula."""
        self.text.close()
        text = self.text.pieces.pop() if self.text.pieces else ""
        if self.column is not None:
            self.book.deduct_budget(characters=len(text))
            self.formulas[self.row, self.column] = text if self.kind == "normal" else f"{self.kind}: {text}"

    def _start_value(self, _: XmlAttributes) -> None:
        """Start the value of a cell."""
        self.valued = True
        self.text.open(self.attributes.get("t") == "str")

    def _end_cell(self) -> None:
        """Store the value of a cell."""
        assert self.column is not None, "a cell that ends has begun"
        value = self._read_value(self.attributes.get("t", "n"), self.text.take_text())
        row = self.rows[-1]
        if value is not None:
            gap = self.column - len(row)
            self.book.deduct_budget(gap + 1, len(value) if isinstance(value, str) else 0)
            row += [None] * gap
            row.append(value)
        self.column = None

    def _read_value(self, kind: str, text: str) -> WorkbookValue:
        """Return the value of a cell, unreadable for an error value or an uncalculated formula."""
        bare = kind != "inlineStr" and not (text if kind not in ("str", "s") else self.valued)
        if kind == "e":
            return UnreadableCell(f"the error value {escape_text(text)}: correct it, or leave the cell empty", text)
        if self.formula and (bare or self.book.uncalculated):
            value = None if bare else self._read_stored_value(kind, text)
            return value if isinstance(value, UnreadableCell) else UnreadableCell(_UNCALCULATED_MESSAGE, value)
        return self._read_stored_value(kind, text, bare)

    def _read_stored_value(self, kind: str, text: str, bare: bool = False) -> WorkbookValue:
        """Return the stored value by its cell type."""
        if bare:
            return None
        if kind == "n":
            return self.book.interpret_number(text, self.attributes.get("s", ""))
        if kind == "b":
            return (
                _BOOLEANS[text]
                if text in _BOOLEANS
                else UnreadableCell(f"`{escape_text(text)}` in place of a truth value")
            )
        if kind == "d":
            return self._format_date(text)
        if kind == "s":
            text = self._read_shared_string(text)
        elif kind not in ("str", "inlineStr"):
            raise ValueError(f"a cell of the sheet {escape_text(self.name)} is of the unknown type {escape_text(kind)}")
        return text if text.strip() else None

    def _read_shared_string(self, text: str) -> str:
        """Look up a shared string."""
        number = _parse_integer(text)
        if number >= len(self.book.texts):
            raise ValueError(f"a cell of the sheet {escape_text(self.name)} refers to a text that there is not")
        return self.book.texts[number]

    def _format_date(self, text: str) -> WorkbookValue:
        """Return an ISO 8601 date as displayed."""
        try:
            return DateText(format_date(datetime.datetime.fromisoformat(text).replace(tzinfo=None)))
        except ValueError:
            return UnreadableCell(f"`{escape_text(text)}` instead of a date: enter it again")

    def _mark_merged(self, reference: str) -> None:
        """Mark the covered cells of a merged range as unreadable, since its value may be meant for each of them."""
        first, _, last = reference.partition(":")
        (top, left), (bottom, right) = _parse_cell_reference(first), _parse_cell_reference(last or first)
        why = UnreadableCell(
            f"a part of the merged cells {escape_text(reference)}: unmerge them, and give each cell its value"
        )
        if top >= len(self.rows) or left >= len(self.rows[top]) or self.rows[top][left] is None:
            return
        for number in range(top, min(bottom + 1, len(self.rows))):
            row = [*self.rows[number], *[None] * (right + 1 - len(self.rows[number]))]
            self.book.deduct_budget(right + 1)
            self.rows[number] = row
            for column in range(left, right + 1):
                if (number, column) != (top, left):
                    row[column] = why
