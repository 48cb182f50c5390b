"""What `medalopt verify` reads back: decisions that a person may edit, and the plan as it was made on hidden sheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from typing import Any

from medalopt.plan.saved_workbook import EDITABLE, hidden, visible
from medalopt.report.sourcing.content import Cell, Column, Table
from medalopt.report.sourcing.workbook.names import text
from medalopt.report.sourcing.workbook.pen import Pen

_UNITS = {"tonnes": ("t", 3), "kg": ("kg", 4)}
_HOLDS = {
    "shipments": "Tonnes of every stream by treatment, smelter and period.",
    "purchases": "Kilograms of every offer by alloy and period.",
    "stockpiles": "Tonnes of every stream that wait at the end of a period.",
}
_SAYS = "May be changed: `medalopt verify` then says what breaks and what it costs. The heads stay as they are."


def editable(record: Mapping[str, str], currency: str) -> list[Table]:
    """Return the decisions of the plan in `record` (files of CSV by name) as tables that a person may edit."""
    found = []
    for key in EDITABLE:
        header, *rows = csv.reader(io.StringIO(record[f"{key}.csv"], newline=""))
        columns = tuple(_column(name, currency) for name in header)
        if rows:
            cells = tuple(tuple(map(_cell, row, columns)) for row in rows)
            found.append(Table(key, visible(key), f"{_HOLDS[key]} {_SAYS}", columns, cells))
    return found


def _column(name: str, currency: str) -> Column:
    unit, digits = {**_UNITS, "cost": (currency, 0)}.get(name, (None, 0))
    return Column(name, name, unit, digits, total=unit is not None and name != "cost")


def _cell(value: str, column: Column) -> Cell:
    return _plain(value) if column.unit is None else float(value)


def _plain(value: str) -> str:
    return value[1:] if value.startswith("'") else value


def hide(pen: Pen, record: Mapping[str, str]) -> Callable[[Mapping[str, str]], None]:
    """Add a hidden sheet for every file of `record`, each cell as its text, so that no digit is lost.

    Return what writes digests of the other sheets below the figures of the plan, once these sheets are written.
    """
    ends: dict[str, tuple[Any, int]] = {}
    for name, content in record.items():
        sheet: Any = pen.book.add_worksheet(pen.names.sheet(hidden(name.removesuffix(".csv"))))
        for number, row in enumerate(csv.reader(io.StringIO(content, newline=""))):
            for place, value in enumerate(row):
                if value:
                    sheet.write_string(number, place, text(_plain(value)))
            ends[name] = sheet, number + 1
        sheet.hide()

    def write(digests: Mapping[str, str]) -> None:
        sheet, row = ends["plan.csv"]
        for number, (name, value) in enumerate(digests.items(), start=row):
            sheet.write_string(number, 0, f"digests.{name}")
            sheet.write_string(number, 1, value)

    return write
