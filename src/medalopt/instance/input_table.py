"""A CSV table given on the command line, read by column and checked against an instance."""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medalopt.errors import FaultKind
from medalopt.instance.arrays import Floats, Ints
from medalopt.instance.instance import Instance
from medalopt.instance.reader.csv_reader import build_csv_sheet
from medalopt.instance.reader.files import SAVE_CSV_AS_UTF8, FaultLog, Location, decode_utf8, read_file
from medalopt.instance.reader.limits import MAX_LIST_BYTES
from medalopt.instance.reader.rows import InputSheet, parse_column
from medalopt.instance.resolve.parsed_document import Calendar
from medalopt.instance.schema.field_types import ZERO_QUANTITY, QuantityField
from medalopt.text import escape_text, join_names, suggest_name
from medalopt.units import Money

_MAX_FAULTS = 20  # most faults reported per column
_DAY_PATTERN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MONTH_PATTERN = re.compile(r"[0-9]{4}-[0-9]{2}")


@dataclass(frozen=True, eq=False)
class InputTable:
    """The rows of one file; `sha256` is the digest of its bytes, errors are recorded in `faults`."""

    sheet: InputSheet
    sha256: str
    calendar: Calendar
    money: Money
    faults: FaultLog

    @classmethod
    def read(
        cls,
        path: Path,
        section: str,
        known: Collection[str],
        needed: Collection[str],
        instance: Instance,
        faults: FaultLog,
    ) -> InputTable | None:
        """Read the table in a file.

        Args:
            path: Path of the CSV file.
            section: Name of the table in messages.
            known: Columns that it may have.
            needed: Columns that it must have.
            instance: The instance to which its names and periods refer.
            faults: Collects the faults.

        Returns:
            The table; None, and faults, where it cannot be read or lacks columns.
        """
        name = str(path)
        data = read_file(
            path,
            name,
            MAX_LIST_BYTES,
            lambda message: faults.add_error(Location(name), (), message, kind=FaultKind.FILE),
        )
        text = decode_utf8(data, SAVE_CSV_AS_UTF8, faults) if data else None
        sheet = build_csv_sheet(section, name, text, known, faults) if text is not None else None
        if data is None or sheet is None:
            return None
        lacks = [column for column in needed if (column,) not in sheet.columns]
        if lacks:
            faults.add_error(
                Location(name, 1, 1),
                (),
                f"lacks the column{'s' if lacks[1:] else ''} {join_names(lacks)}; add them",
                kind=FaultKind.ACTUALS,
            )
            return None
        return cls(sheet, data.sha256, make_calendar(instance), Money(instance.currency), faults)

    @property
    def count(self) -> int:
        """Number of rows without the header."""
        return self.sheet.count

    def is_filled(self, name: str, row: int) -> bool:
        """Return whether a cell is filled.

        Args:
            name: The column.
            row: Index of the row.

        Returns:
            True where it is.
        """
        cells = self.sheet.columns.get((name,))
        return cells is not None and cells[row] is not None

    def add_fault(self, row: int, name: str, message: str) -> None:
        """Record a fault of a cell.

        Args:
            row: Index of the row.
            name: The column; '' for the whole row.
            message: The fault and its remedy.
        """
        self.faults.add_error(
            self.sheet.locate_cell(row, (name,)), (), f"{name}: {message}" if name else message, kind=FaultKind.ACTUALS
        )

    def add_warning(self, row: int, name: str, message: str) -> None:
        """Record a warning on a cell.

        Args:
            row: Index of the row.
            name: The column; '' for the whole row.
            message: The warning and its remedy.
        """
        self.faults.add_warning(
            self.sheet.locate_cell(row, (name,)), (), f"{name}: {message}" if name else message, kind=FaultKind.ACTUALS
        )

    def report_missing(self, row: int, name: str) -> None:
        """Record that a required cell is empty.

        Args:
            row: Index of the row.
            name: The column.
        """
        self.add_fault(row, name, "is missing here; fill it")

    def read_texts(self, name: str) -> list[str]:
        """Read a column of text.

        Args:
            name: The column.

        Returns:
            Stripped text per row, '' where empty.
        """
        return [(cell or "").strip() for cell in self.sheet.get_column((name,))]

    def read_quantities(self, name: str, measure: QuantityField) -> Floats:
        """Read a column of quantities.

        Args:
            name: The column.
            measure: Canonical unit and range.

        Returns:
            Values (N,) in the canonical unit; NaN where empty or invalid.
        """
        cells = self.sheet.get_column((name,))
        read = parse_column(cells, measure, self.money, ZERO_QUANTITY)
        for cell, message in list(read.errors.items())[:_MAX_FAULTS]:
            self.add_fault(cells.find_rows(cell)[0], name, message)
        factors = np.array([float(factor) for factor in read.factors])
        wrong = np.array([cell in read.errors for cell in cells], dtype=bool)
        return np.where(read.filled & ~wrong, read.raw * factors[read.unit], np.nan)

    def read_names(self, name: str, known: Sequence[str]) -> Ints:
        """Read a column of names.

        Args:
            name: The column.
            known: The names of the instance.

        Returns:
            Indices (N,) into `known`; -1 where empty or unknown.
        """
        place = {one: number for number, one in enumerate(known)}
        found, reported = np.full(self.count, -1, dtype=np.intp), set[str]()
        for row, text in enumerate(self.read_texts(name)):
            found[row] = place.get(text, -1)
            if text and text not in place and text not in reported and len(reported) < _MAX_FAULTS:
                reported.add(text)
                hint = suggest_name(text, known) or f"; the instance has {join_names(known)}" if known else ""
                self.add_fault(row, name, f"`{escape_text(text)}` is not in the instance{hint}")
        return found

    def read_periods(self) -> Ints:
        """Read the column `period`.

        Returns:
            Indices (N,) from 0; -1 where empty or invalid.
        """
        found = np.full(self.count, -1, dtype=np.intp)
        for row, text in enumerate(self.read_texts("period")):
            period = self.calendar.find_period(text)
            if text and period is None:
                self.add_fault(row, "period", self.calendar.describe_unknown(text))
            found[row] = -1 if period is None else period
        return found

    def read_dates(self, name: str) -> Ints:
        """Read a column of dates as periods; a month or period name is accepted too.

        Returns:
            Indices (N,) from 0; -1 where empty or invalid, the number of periods for dates after the horizon.
        """
        found = np.full(self.count, -1, dtype=np.intp)
        for row, text in enumerate(self.read_texts(name)):
            if text:
                period = self._parse_date(text)
                if period is None:
                    days = "a day such as 2018-06-30, or a month" if self.calendar.start else "a period"
                    self.add_fault(row, name, f"`{escape_text(text)}` is not {days}, from {self.calendar.labels[0]} on")
                found[row] = -1 if period is None else period
        return found

    def _parse_date(self, text: str) -> int | None:
        """Return the period of a date; the number of periods where it is after the horizon, None where invalid."""
        if self.calendar.start is None:
            return self.calendar.find_period(text)
        if _DAY_PATTERN.fullmatch(text):
            try:
                datetime.date.fromisoformat(text)
            except ValueError:
                return None
        elif not _MONTH_PATTERN.fullmatch(text):
            return None
        month = text[:7]
        period = self.calendar.find_period(month)
        late = "01" <= month[5:] <= "12" and month > self.calendar.labels[-1]
        return self.calendar.count if period is None and late else period


def make_calendar(instance: Instance) -> Calendar:
    """Make the calendar of an instance.

    Returns:
        Its periods.
    """
    first = instance.periods[0]
    return Calendar(first if _MONTH_PATTERN.fullmatch(first) else None, len(instance.periods), instance.period_length)
