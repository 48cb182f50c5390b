"""A plan read back from a workbook: the plan as it was made, from hidden sheets, and what a person changed since."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn

from medalopt.errors import Fault, InputError
from medalopt.instance.reader.files import Bytes
from medalopt.instance.reader.spreadsheet import Rows, Spreadsheet, Unreadable, Value, address, read, written
from medalopt.plan.digests import Calculated, plain_formula
from medalopt.wording import shown

EDITABLE = ("shipments", "purchases", "stockpiles")
_FIGURES = frozenset({"tonnes", "kg", "cost"})
_HEAD_WITHIN = 20  # rows
_ROUNDED = 1e-14  # relative: a workbook holds 16 digits
_MOST_TOLD = 5  # cells of a row that names it
_MOST_FAULTS = 1_000
_TOTAL = re.compile(r"subtotal\(109,plan_\w+\[(.*)\]\)", re.DOTALL)  # the one formula that is written


def hidden(table: str) -> str:
    """Return the name of the hidden sheet that holds a table of the plan."""
    return f"plan_{table}"


def visible(table: str) -> str:
    """Return the name of the sheet on which a person may change a table of the plan."""
    return table.capitalize()


@dataclass(frozen=True, order=True)
class Edit:
    """A cell or row that is no longer as the plan had it."""

    cell: str
    text: str


class Workbook:
    """The tables of a plan in a workbook; `edits`, what a person changed, and `faults` fill as tables are read."""

    def __init__(self, book: Spreadsheet) -> None:
        self.book = book
        self.edits: list[Edit] = []
        self.faults: list[Fault] = []

    @classmethod
    def of(cls, data: Bytes | Spreadsheet) -> Workbook:
        """Return the workbook in `data`. Raises InputError where it is none, or holds no plan."""
        reports: list[str] = []
        book = data if isinstance(data, Spreadsheet) else read(data, reports.append)
        if book is None:
            raise InputError([Fault(data.name, 0, 0, "", reports[0])])
        if hidden("plan") not in book.sheets:
            why = "holds no plan; give a workbook that `medalopt plan -o NAME.xlsx` wrote, with its hidden sheets"
            raise InputError([Fault(data.name, 0, 0, "", why)])
        return cls(book)

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield every text in a cell with the cell's name, and the names of the sheets."""
        for name, rows in self.book.sheets.items():
            yield name, name
            for number, row in enumerate(rows):
                for place, cell in enumerate(row):
                    if isinstance(cell, str) and not cell.isprintable():  # few are worth a closer look
                        yield address(name, number, place), cell

    def has(self, table: str) -> bool:
        """Whether the workbook holds a table of the plan."""
        return hidden(table) in self.book.sheets

    @property
    def visible(self) -> dict[str, Rows]:
        """The sheets that a person reads: the parts of the sourcing plan, and the decisions."""
        return {
            name: [[self._shown(name, number, place, cell) for place, cell in enumerate(row)] for number, row in lines]
            for name, lines in ((name, enumerate(rows)) for name, rows in self.book.sheets.items())
            if not name.startswith(hidden(""))
        }

    def _shown(self, sheet: str, row: int, column: int, cell: Value) -> Value:
        """Return what a cell shows, with its formula where it has one."""
        shows = cell.shows if isinstance(cell, Unreadable) else cell
        formula = self.book.formulas.get(sheet, {}).get((row, column))
        return Calculated.of(shows, formula) if isinstance(shows, float) and formula is not None else shows

    def check_formulas(self) -> None:
        """Note every formula but the totals of tables: opened in Excel, it may show what no one verified."""
        for name, rows in self.book.sheets.items():
            formulas = self.book.formulas.get(name, {})
            heads = _first_rows(rows, {place for _, place in formulas})
            for (number, place), formula in formulas.items():
                total = _TOTAL.fullmatch(plain_formula(formula))
                if total is None or name.startswith(hidden("")) or heads.get((place, total[1]), number) >= number:
                    why = f"holds the formula `{shown(formula, 100)}`, which medalopt did not write: type its value"
                    self._note(address(name, number, place), why)

    def rows(self, table: str, columns: list[str]) -> list[list[str]]:
        """Return the rows of a table: as a person left them, where they may be changed. Raises InputError."""
        made = self._made(table, columns)
        if table not in EDITABLE or (not made and visible(table) not in self.book.sheets):
            return made
        return self._edited(table, columns, made)

    def _made(self, table: str, columns: list[str]) -> list[list[str]]:
        name = hidden(table)
        sheet = self.book.sheets.get(name, [])
        if not sheet or [written(cell) for cell in sheet[0] if cell is not None] != columns:
            self._refuse(name, f"must have the heads {', '.join(columns)}; restore the sheet")
        width = len(columns)
        for number, row in enumerate(sheet):
            for place, cell in enumerate(row):
                at = address(name, number, place)
                if isinstance(cell, Unreadable):
                    self._note(at, f"holds {cell.why}")
                elif place >= width and cell is not None:
                    self._note(at, f"`{shown(written(cell))}` stands beside the table; restore the sheet")
        rows = [([written(cell) for cell in row] + [""] * width)[:width] for row in sheet[1:]]
        if table in EDITABLE:
            self._check_figures(name, columns, rows)
        return rows

    def _check_figures(self, name: str, columns: list[str], rows: list[list[str]]) -> None:
        """Note the figures that are no finite numbers, and put 0 in their place."""
        for number, row in enumerate(rows, start=1):
            for place, column in enumerate(columns):
                if column in _FIGURES and not _is_finite(row[place]):
                    self._note(address(name, number, place), _no_number(column, row[place]))
                    row[place] = "0"

    def _edited(self, table: str, columns: list[str], made: list[list[str]]) -> list[list[str]]:
        name = visible(table)
        rows = self.book.sheets.get(name)
        if rows is None:
            self._refuse(name, "the sheet is missing; restore it")
        top = self._head(name, rows, columns)
        texts = [place for place, column in enumerate(columns) if column not in _FIGURES]
        known = {tuple(row[place] for place in texts): row for row in made}
        found: list[list[str]] = []
        for number, row in _below(rows, top, len(columns)):
            key = tuple(written(row[place]) for place in texts)
            was = known.get(key)
            found.append(self._row(name, number, row, columns, was))
        keys = [tuple(row[place] for place in texts) for row in found]
        left = known.keys() - set(keys)
        for key, gone in known.items():
            if key in left:
                self.edits.append(Edit(name, f"the row {_called(gone)} of the plan is gone"))
        order = {key: number for number, key in enumerate(known)}  # sorting a sheet is no change
        places = sorted(range(len(found)), key=lambda at: order.get(keys[at], len(order)))
        return [found[at] for at in places]

    def _head(self, name: str, rows: Rows, columns: list[str]) -> int:
        for number, row in enumerate(rows[:_HEAD_WITHIN]):
            if [written(cell).strip() for cell in row[: len(columns)]] == columns:
                return number
        self._refuse(name, f"its heads must be {', '.join(columns)}, in this order; restore them")

    def _row(self, name: str, number: int, row: list[Value], columns: list[str], was: list[str] | None) -> list[str]:
        """Return a row as it stands, with all digits where it is as it was; note what was changed in it."""
        result = []
        for place, (column, cell) in enumerate(zip(columns, row, strict=True)):
            at = address(name, number, place)
            if column not in _FIGURES:
                if isinstance(cell, Unreadable):
                    self._note(at, f"holds {cell.why}")
                result.append(written(cell))
                continue
            if not isinstance(cell, float):
                self._note(at, _no_number(column, written(cell)))
                cell = 0.0
            before = float(was[place]) if was else cell
            same = math.isclose(before, cell, rel_tol=_ROUNDED)
            result.append(was[place] if was and same else repr(cell))
            if not same:
                self.edits.append(Edit(at, f"{column} of {_called(row)} was {before:.10g}, and is {cell:.10g}"))
        if was is None:
            self.edits.append(Edit(address(name, number, 0), f"the row {_called(row)} is none of the plan"))
        return result

    def cell_of(self, path: tuple[str | int, ...]) -> str:
        """Return `:SHEET!CELL` for the cell of a hidden table that holds what is at `path`; '' where none does."""
        table, row, column = (*path, "", "", "")[:3]
        heads = [written(cell) for cell in self.book.sheets.get(hidden(str(table)), [[]])[0]]
        if table in EDITABLE or not isinstance(row, int) or column not in heads:
            return ""
        return f":{address(hidden(str(table)), row + 1, heads.index(str(column)))}"

    def settle(self) -> None:
        """Raise InputError where any cell cannot be read: every such cell."""
        if self.faults:
            raise InputError(sorted(set(self.faults)))

    def _note(self, where: str, why: str) -> None:
        if len(self.faults) < _MOST_FAULTS:
            self.faults.append(Fault(f"{self.book.name}:{where}", 0, 0, "", why))

    def _refuse(self, where: str, why: str) -> NoReturn:
        raise InputError([*self.faults, Fault(f"{self.book.name}:{where}", 0, 0, "", why)])


def _first_rows(rows: Rows, columns: set[int]) -> dict[tuple[int, str], int]:
    """Return the first row of each text in some columns, by column and text, the latter as formulas are compared."""
    found: dict[tuple[int, str], int] = {}
    for number, row in enumerate(rows if columns else ()):
        for place, cell in enumerate(row):
            if place in columns and isinstance(cell, str):
                found.setdefault((place, plain_formula(cell)), number)
    return found


def _below(rows: Rows, top: int, width: int) -> Iterator[tuple[int, list[Value]]]:
    """Yield number and cells of each row below the heads; not those that are empty, and not the totals."""
    for number, row in enumerate(rows[top + 1 :], start=top + 1):
        cells = (list(row) + [None] * width)[:width]
        alone = cells[0] in ("Total", "none") and not any(isinstance(cell, str) for cell in cells[1:])
        if not alone and any(cell is not None for cell in cells):
            yield number, cells


def _called(row: Sequence[Value]) -> str:
    texts = [shown(cell) for cell in row if isinstance(cell, str) and cell and not _is_number(cell)]
    return ", ".join(texts[:_MOST_TOLD])


def _no_number(column: str, found: str) -> str:
    return f"`{column}` is a number; found {f'`{shown(found)}`' if found else 'nothing'}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_finite(text: str) -> bool:
    return _is_number(text) and math.isfinite(float(text))
