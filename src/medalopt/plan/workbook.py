"""Plans read back from a workbook: the original plan from hidden sheets, and the edits made on the visible ones."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn

from medalopt.errors import Fault, FaultKind, InputError
from medalopt.instance.reader.excel_reader import (
    SheetRows,
    Spreadsheet,
    UnreadableCell,
    WorkbookValue,
    format_cell,
    format_cell_address,
    read_workbook,
)
from medalopt.instance.reader.files import FileBytes
from medalopt.plan.digests import FormulaValue, normalize_formula
from medalopt.plan.tables import EDITABLE_TABLES, PLAN_TABLES, name_hidden_sheet, name_visible_sheet
from medalopt.text import escape_text

_NUMBER_COLUMNS = frozenset(
    name for table in EDITABLE_TABLES for name, one in PLAN_TABLES[table].items() if one.unit is not None
)
_MAX_HEADER_ROWS = 20  # rows
_ROUNDING_TOLERANCE = 1e-14  # relative: a workbook stores 16 digits
_MAX_NAMED_CELLS = 5  # cells that identify a row in a message
_MAX_FAULTS = 1_000
_TOTAL_FORMULA = re.compile(r"subtotal\(109,plan_\w+\[(.*)\]\)", re.DOTALL)  # the only formula that medalopt writes


@dataclass(frozen=True, order=True)
class WorkbookEdit:
    """A cell or row that differs from the original plan."""

    cell: str
    text: str


class PlanWorkbook:
    """The tables of a plan in a workbook; `edits` and `faults` are filled while tables are read."""

    def __init__(self, workbook: Spreadsheet) -> None:
        self.book = workbook
        self.edits: list[WorkbookEdit] = []
        self.faults: list[Fault] = []

    @classmethod
    def open(cls, data: FileBytes | Spreadsheet) -> PlanWorkbook:
        """Open the workbook of a plan.

        Args:
            data: Bytes and name of the file, or its cells.

        Raises:
            InputError: It is no workbook, or contains no plan.
        """
        reports: list[str] = []
        workbook = data if isinstance(data, Spreadsheet) else read_workbook(data, reports.append)
        if workbook is None:
            raise InputError([Fault(data.name, 0, 0, "", reports[0], kind=FaultKind.SAVED_PLAN)])
        if name_hidden_sheet("plan") not in workbook.sheets:
            reason = "contains no plan; give a workbook written by `medalopt plan -o NAME.xlsx`, with its hidden sheets"
            raise InputError([Fault(data.name, 0, 0, "", reason, kind=FaultKind.SAVED_PLAN)])
        return cls(workbook)

    def iterate_texts(self) -> Iterator[tuple[str, str]]:
        """Yield every text with non-printable characters and its cell, and the names of the sheets.

        Yields:
            Pairs of place and text.
        """
        for name, rows in self.book.sheets.items():
            yield name, name
            for number, row in enumerate(rows):
                for position, cell in enumerate(row):
                    if isinstance(cell, str) and not cell.isprintable():  # only these need a closer look
                        yield format_cell_address(name, number, position), cell

    def has_table(self, table: str) -> bool:
        """Return True if the workbook contains a table.

        Returns:
            True if the hidden sheet exists.
        """
        return name_hidden_sheet(table) in self.book.sheets

    @property
    def visible(self) -> dict[str, SheetRows]:
        """Rows of the visible sheets by name: the parts of the sourcing plan, and the editable tables."""
        return {
            name: [
                [self._read_shown_value(name, number, position, cell) for position, cell in enumerate(row)]
                for number, row in lines
            ]
            for name, lines in ((name, enumerate(rows)) for name, rows in self.book.sheets.items())
            if not name.startswith(name_hidden_sheet(""))
        }

    def _read_shown_value(self, sheet: str, row: int, column: int, cell: WorkbookValue) -> WorkbookValue:
        """Return the displayed value of a cell, with its formula if it has one."""
        shows = cell.shown_value if isinstance(cell, UnreadableCell) else cell
        formula = self.book.formulas.get(sheet, {}).get((row, column))
        return FormulaValue.of(shows, formula) if isinstance(shows, float) and formula is not None else shows

    def check_formulas(self) -> None:
        """Record every formula except the totals of tables as a fault: Excel may display an unverified value."""
        for name, rows in self.book.sheets.items():
            formulas = self.book.formulas.get(name, {})
            heads = _first_rows(rows, {position for _, position in formulas})
            for (number, position), formula in formulas.items():
                total = _TOTAL_FORMULA.fullmatch(normalize_formula(formula))
                if (
                    total is None
                    or name.startswith(name_hidden_sheet(""))
                    or heads.get((position, total[1]), number) >= number
                ):
                    reason = (
                        f"contains the formula `{escape_text(formula, 100)}`, not written by medalopt: enter its value"
                    )
                    self._record_fault(format_cell_address(name, number, position), reason)

    def read_rows(self, table: str, columns: list[str]) -> list[list[str]]:
        """Return the rows of a table, as edited if it is editable.

        Returns:
            Cells as text, by row.

        Raises:
            InputError: The sheet or its header is missing.
        """
        result = self._read_original_rows(table, columns)
        if table not in EDITABLE_TABLES or (not result and name_visible_sheet(table) not in self.book.sheets):
            return result
        return self._read_edited_rows(table, columns, result)

    def _read_original_rows(self, table: str, columns: list[str]) -> list[list[str]]:
        """Return the rows of the original table from the hidden sheet."""
        name = name_hidden_sheet(table)
        sheet = self.book.sheets.get(name, [])
        if not sheet or [format_cell(cell) for cell in sheet[0] if cell is not None] != columns:
            self._raise_fault(name, f"must have the headings {', '.join(columns)}; restore the sheet")
        width = len(columns)
        empty = next((number for number, row in enumerate(sheet) if not any(cell is not None for cell in row)), None)
        if empty is not None:
            self._record_fault(format_cell_address(name, empty, 0), "the row is empty; restore the sheet")
            sheet = sheet[:empty]
        for number, row in enumerate(sheet):
            for position, cell in enumerate(row):
                at = format_cell_address(name, number, position)
                if isinstance(cell, UnreadableCell):
                    self._record_fault(at, f"contains {cell.reason}")
                elif position >= width and cell is not None:
                    self._record_fault(
                        at, f"`{escape_text(format_cell(cell))}` is outside the table; restore the sheet"
                    )
        rows = [([format_cell(cell) for cell in row] + [""] * width)[:width] for row in sheet[1:]]
        if table in EDITABLE_TABLES:
            self._check_figures(name, columns, rows)
        return rows

    def _check_figures(self, name: str, columns: list[str], rows: list[list[str]]) -> None:
        """Record non-finite numbers as faults, and replace them by 0."""
        for number, row in enumerate(rows, start=1):
            for position, column in enumerate(columns):
                if column in _NUMBER_COLUMNS and not _is_finite(row[position]):
                    self._record_fault(
                        format_cell_address(name, number, position), _number_message(column, row[position])
                    )
                    row[position] = "0"

    def _read_edited_rows(self, table: str, columns: list[str], original_rows: list[list[str]]) -> list[list[str]]:
        """Return the rows of the visible sheet in the original order, and record the edits."""
        name = name_visible_sheet(table)
        rows = self.book.sheets.get(name)
        if rows is None:
            self._raise_fault(name, "the sheet is missing; restore it")
        top = self._find_header(name, rows, columns)
        texts = [position for position, column in enumerate(columns) if column not in _NUMBER_COLUMNS]
        known = {tuple(row[position] for position in texts): row for row in original_rows}
        result: list[list[str]] = []
        for number, row in _rows_below(rows, top, len(columns)):
            key = tuple(format_cell(row[position]) for position in texts)
            was = known.get(key)
            result.append(self._read_row(name, number, row, columns, was))
        keys = [tuple(row[position] for position in texts) for row in result]
        left = known.keys() - set(keys)
        for key, gone in known.items():
            if key in left:
                self.edits.append(WorkbookEdit(name, f"the row {_row_label(gone)} of the plan is gone"))
        order = {key: number for number, key in enumerate(known)}  # sorting a sheet is no edit
        places = sorted(range(len(result)), key=lambda index: order.get(keys[index], len(order)))
        return [result[index] for index in places]

    def _find_header(self, name: str, rows: SheetRows, columns: list[str]) -> int:
        """Return the number of the header row."""
        for number, row in enumerate(rows[:_MAX_HEADER_ROWS]):
            if [format_cell(cell).strip() for cell in row[: len(columns)]] == columns:
                return number
        self._raise_fault(name, f"its headings must be {', '.join(columns)}, in this order; restore them")

    def _read_row(
        self, name: str, number: int, row: list[WorkbookValue], columns: list[str], was: list[str] | None
    ) -> list[str]:
        """Return a row as it is, with full precision where unchanged; record its edits."""
        result = []
        for position, (column, cell) in enumerate(zip(columns, row, strict=True)):
            at = format_cell_address(name, number, position)
            if column not in _NUMBER_COLUMNS:
                if isinstance(cell, UnreadableCell):
                    self._record_fault(at, f"contains {cell.reason}")
                result.append(format_cell(cell))
                continue
            if not isinstance(cell, float):
                self._record_fault(at, _number_message(column, format_cell(cell)))
                cell = 0.0
            before = float(was[position]) if was else cell
            same = math.isclose(before, cell, rel_tol=_ROUNDING_TOLERANCE)
            result.append(was[position] if was and same else repr(cell))
            if not same:
                self.edits.append(
                    WorkbookEdit(at, f"{column} of {_row_label(row)} was {before:.10g}, and is {cell:.10g}")
                )
        if was is None:
            self.edits.append(
                WorkbookEdit(format_cell_address(name, number, 0), f"the row {_row_label(row)} is none of the plan")
            )
        return result

    def cell_of(self, path: tuple[str | int, ...]) -> str:
        """Return the place of a value in the hidden tables.

        Args:
            path: Path of the value in the JSON content.

        Returns:
            `:SHEET!CELL`, or an empty string if there is no such cell.
        """
        table, row, column = (*path, "", "", "")[:3]
        heads = [format_cell(cell) for cell in self.book.sheets.get(name_hidden_sheet(str(table)), [[]])[0]]
        if table in EDITABLE_TABLES or not isinstance(row, int) or column not in heads:
            return ""
        return f":{format_cell_address(name_hidden_sheet(str(table)), row + 1, heads.index(str(column)))}"

    def raise_faults(self) -> None:
        """Raise all recorded faults.

        Raises:
            InputError: A cell cannot be read.
        """
        if self.faults:
            raise InputError(sorted(set(self.faults)))

    def _record_fault(self, where: str, reason: str) -> None:
        """Record a fault of a cell."""
        if len(self.faults) < _MAX_FAULTS:
            self.faults.append(Fault(f"{self.book.name}:{where}", 0, 0, "", reason, kind=FaultKind.SAVED_PLAN))

    def _raise_fault(self, where: str, reason: str) -> NoReturn:
        """Raise the recorded faults and a final one."""
        raise InputError(
            [*self.faults, Fault(f"{self.book.name}:{where}", 0, 0, "", reason, kind=FaultKind.SAVED_PLAN)]
        )


def _first_rows(rows: SheetRows, columns: set[int]) -> dict[tuple[int, str], int]:
    """Return the first row of each text in some columns, by column and canonical text."""
    result: dict[tuple[int, str], int] = {}
    for number, row in enumerate(rows if columns else ()):
        for position, cell in enumerate(row):
            if position in columns and isinstance(cell, str):
                result.setdefault((position, normalize_formula(cell)), number)
    return result


def _rows_below(rows: SheetRows, top: int, width: int) -> Iterator[tuple[int, list[WorkbookValue]]]:
    """Yield number and cells of each row below the header, except empty rows and totals."""
    for number, row in enumerate(rows[top + 1 :], start=top + 1):
        cells = (list(row) + [None] * width)[:width]
        alone = cells[0] in ("Total", "none") and not any(isinstance(cell, str) for cell in cells[1:])
        if not alone and any(cell is not None for cell in cells):
            yield number, cells


def _row_label(row: Sequence[WorkbookValue]) -> str:
    """Return the text cells that identify a row in a message."""
    texts = [escape_text(cell) for cell in row if isinstance(cell, str) and cell and not _is_number(cell)]
    return ", ".join(texts[:_MAX_NAMED_CELLS])


def _number_message(column: str, found: str) -> str:
    """Return the message for a cell that is no number."""
    return f"`{column}` must be a number; found {f'`{escape_text(found)}`' if found else 'nothing'}"


def _is_number(text: str) -> bool:
    """Return True if the text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_finite(text: str) -> bool:
    """Return True if the text is a finite number."""
    return _is_number(text) and math.isfinite(float(text))
