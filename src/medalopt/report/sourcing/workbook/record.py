"""Sheets that `medalopt verify` reads back: editable decisions, and the plan as it was made on hidden sheets."""

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
    """Return the decisions of the plan as tables that may be edited."""
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
    """Add the CSV files of the plan as hidden sheets; return a function that appends digests of visible sheets."""
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
