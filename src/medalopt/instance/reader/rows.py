"""Sheets: rows of streams or lanes stored by column, from a YAML list or a CSV table.

Columns of text become columns of numbers: each distinct cell is parsed once, columns of bare numbers all at once.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from medalopt.errors import FaultKind
from medalopt.instance.arrays import Bools, ExactArray, Floats, Ints
from medalopt.instance.reader import limits
from medalopt.instance.reader.files import FaultLog, Location
from medalopt.instance.reader.yaml_nodes import MappingNode, Node, ScalarNode, SequenceNode, is_null, name_list_entry
from medalopt.instance.schema.containers import STEP_LIST_FAULT
from medalopt.instance.schema.field_types import QuantityField
from medalopt.text import ParameterPath, format_count, state_count
from medalopt.units import Money, Quantity, QuantityError

ColumnKey = tuple[str, ...]
"""Field of a column: ('collection',), or ('storage', 'limit') for a nested one."""

CellText = str | None

PERIOD: ColumnKey = ("period",)


@dataclass(frozen=True, eq=False)
class CellColumn:
    """A column of R cells: its distinct `texts` (T,), and `code` (R,), the index of the text of each row.

    `texts[0]` is None, the text of an empty cell. Each distinct text is thus parsed once, however many rows share it.
    """

    texts: tuple[CellText, ...]
    code: Ints

    @classmethod
    def build(cls, cells: Sequence[CellText], gap: CellText = None) -> CellColumn:
        """Build a column.

        Args:
            cells: Text of each row (R,).
            gap: Text that counts as empty.

        Returns:
            The column.
        """
        place: dict[CellText, int] = {None: 0, gap: 0}
        texts: list[CellText] = [None]
        for text in dict.fromkeys(cells):
            if text not in place:
                place[text] = len(texts)
                texts.append(text)
        code = np.fromiter(map(place.__getitem__, cells), dtype=np.intp, count=len(cells))
        return cls(tuple(texts), code)

    @classmethod
    def build_empty(cls, count: int) -> CellColumn:
        """Build a column of empty cells.

        Args:
            count: Number of rows.

        Returns:
            The column.
        """
        return cls((None,), np.zeros(count, dtype=np.intp))

    def __len__(self) -> int:
        return len(self.code)

    def __getitem__(self, row: int) -> CellText:
        return self.texts[self.code[row]]

    def __iter__(self) -> Iterator[CellText]:
        return map(self.texts.__getitem__, self.code.tolist())

    def select_rows(self, rows: Sequence[int] | Ints) -> CellColumn:
        """Select rows.

        Args:
            rows: Row indices, in the order of the result; duplicates are allowed.

        Returns:
            The cells of these rows.
        """
        return CellColumn(self.texts, self.code[np.asarray(rows, dtype=np.intp)])

    def list_codes(self) -> Ints:
        """Return the codes of all texts that occur, except empty.

        Returns:
            Codes, ordered by first occurrence.
        """
        first = self.find_first_rows()
        there = np.flatnonzero(first < len(self))
        there = there[there > 0]
        return there[np.argsort(first[there])]

    def find_first_rows(self) -> Ints:
        """Return the first row of each text.

        Returns:
            (T,) row index; R if the text does not occur.
        """
        first = np.full(len(self.texts), len(self), dtype=np.intp)
        first[self.code[::-1]] = np.arange(len(self))[::-1]  # the last assignment, of the first row, prevails
        return first

    def group_rows(self) -> dict[CellText, list[int]]:
        """Return the row indices of each text that occurs.

        Returns:
            Row indices, ascending, by text.
        """
        order = np.argsort(self.code, kind="stable")
        found, first = np.unique(self.code[order], return_index=True)
        rows = np.split(order, first[1:]) if len(found) else []  # `split` of an empty array would return one part
        return {self.texts[code]: own.tolist() for code, own in zip(found.tolist(), rows, strict=True)}

    def find_rows(self, text: CellText) -> list[int]:
        """Find the rows with a text.

        Args:
            text: Text of a cell; None for empty.

        Returns:
            Row indices, ascending.
        """
        return np.flatnonzero(self.code == self.texts.index(text)).tolist() if text in self.texts else []

    def replace_texts(self, cells: Iterable[tuple[int, CellText]]) -> CellColumn:
        """Replace the text of some cells.

        Args:
            cells: Pairs of row and new text.

        Returns:
            The changed column.
        """
        place = {text: number for number, text in enumerate(self.texts)}
        code = self.code.copy()
        for row, text in cells:
            code[row] = place.setdefault(text, len(place))
        return CellColumn(tuple(place), code)


@dataclass(frozen=True, eq=False)
class InputSheet:
    """Columns of cells with their locations.

    Attributes:
        section: `streams` or `lanes`.
        file: File name for messages.
        columns: Cells (R,) of each column.
        lines: Line of each row in the file (R,).
        header_locations: Location of each column header of a CSV table.
        cell_locations: Location of each cell of a YAML list, and under () of each row.
        entry_index: Index of the list entry of each row (R,), whose `available` may take several rows; None for a CSV
            table,
            in which rows of one name form one stream if there is a `period` column.
    """

    section: str
    file: str
    columns: dict[ColumnKey, CellColumn]
    lines: Ints
    header_locations: dict[ColumnKey, Location]
    cell_locations: dict[tuple[int, ColumnKey], Location]
    entry_index: Ints | None = None

    @classmethod
    def build_empty(cls, section: str) -> InputSheet:
        """Build an empty list.

        Args:
            section: `streams` or `lanes`.

        Returns:
            Sheet without rows.
        """
        none = np.zeros(0, dtype=np.intp)
        return cls(section, "", {}, none, {}, {}, none)

    @property
    def count(self) -> int:
        """Number of rows without the header."""
        return len(self.lines)

    def locate_cell(self, row: int, key: ColumnKey = ()) -> Location:
        """Locate a cell.

        Args:
            row: Row index.
            key: Column; () for the row.

        Returns:
            Location of the cell, or of its row if the cell is absent.
        """
        if own := self.cell_locations.get((row, key)):
            return own
        if self.entry_index is None:
            return Location(
                self.file,
                int(self.lines[row]),
                self.header_locations[key].column if key in self.header_locations else 1,
            )
        return self.cell_locations[row, ()]

    def get_column(self, key: ColumnKey) -> CellColumn:
        """Get a column.

        Args:
            key: Column.

        Returns:
            Its cells (R,); all empty if there is no such column.
        """
        return self.columns.get(key) or CellColumn.build_empty(self.count)

    def select_rows(self, rows: Sequence[int] | Ints) -> InputSheet:
        """Select rows.

        Args:
            rows: Row indices, in the order of the result; duplicates are allowed.

        Returns:
            Sheet of these rows.
        """
        listed = np.asarray(rows, dtype=np.intp)
        where: dict[int, list[int]] = {}
        for new, old in enumerate(listed.tolist() if self.cell_locations else ()):
            where.setdefault(old, []).append(new)
        return replace(
            self,
            columns={key: cells.select_rows(listed) for key, cells in self.columns.items()},
            lines=self.lines[listed],
            cell_locations={
                (new, key): location
                for (old, key), location in self.cell_locations.items()
                for new in where.get(old, ())
            },
            entry_index=None if self.entry_index is None else self.entry_index[listed],
        )

    def with_cells(self, cells: Iterable[tuple[int, ColumnKey, CellText]], location: Location) -> InputSheet:
        """Replace the text of some cells.

        Args:
            cells: Triples of row, column and new text.
            location: Location of the new cells.

        Returns:
            The changed sheet.
        """
        written: dict[ColumnKey, list[tuple[int, CellText]]] = {}
        for row, key, text in cells:
            written.setdefault(key, []).append((row, text))
        columns = {key: self.get_column(key).replace_texts(new) for key, new in written.items()}
        places = {(row, key): location for key, new in written.items() for row, _ in new}
        return replace(self, columns={**self.columns, **columns}, cell_locations={**self.cell_locations, **places})


PER_PERIOD_FIELDS = ("available", "price", "collection")  # of streams, one value or a list with one per period
STEPPED_FIELD = "price"  # of streams, whose steps by quantity have columns such as ('price', '1', 'up_to')
_NAME_FIELDS = ("device", "region", "smelter", "name", "bundle", "payer")


@dataclass
class _SheetBuilder:
    """Sheet under construction."""

    columns: dict[ColumnKey, list[CellText]] = field(default_factory=dict)
    places: dict[tuple[int, ColumnKey], Location] = field(default_factory=dict)
    entry: list[int] = field(default_factory=list)

    def add(self, number: int, place: Location, cells: dict[ColumnKey, tuple[CellText, Location]]) -> None:
        """Append a row."""
        row = len(self.entry)
        for key, (text, location) in cells.items():
            column = self.columns.setdefault(key, [])
            column.extend([None] * (row - len(column)))
            column.append(text)
            self.places[row, key] = location
        self.places[row, ()] = place
        self.entry.append(number)


def build_list_sheet(section: str, node: SequenceNode, periods: tuple[str, ...] | None, faults: FaultLog) -> InputSheet:
    """Convert a YAML list to a sheet; an entry with a list by period (`available`, `price`) takes one row per period.

    Args:
        section: `streams` or `lanes`.
        node: List node.
        periods: Period labels; None if the calendar is invalid.
        faults: Log for errors.

    Returns:
        The sheet.
    """
    rows = _SheetBuilder()
    for number, item in enumerate(node.items):
        path = (section, name_list_entry((section,), number, item))
        if not isinstance(item, MappingNode):
            faults.add_error(
                item.place,
                path,
                "expected a mapping such as {device: phone, region: tokyo, available: 10 t}",
                kind=FaultKind.STRUCTURE,
            )
            continue
        lists = {
            name: one
            for name in PER_PERIOD_FIELDS
            if isinstance(one := item.items.get(name), SequenceNode) and not is_step_list(name, one)
        }
        cells = _read_entry(item, path, faults)
        for extra in _split_by_period(lists, path, periods, faults):
            rows.add(number, item.place, {**cells, **extra})
        if len(rows.columns) * len(rows.entry) > limits.MAX_FIGURES:
            keys = f"{len(rows.columns):_} different keys in {len(rows.entry):_} entries"
            faults.add_error(
                item.place, (section,), f"{keys} are more than any list has: look for unknown keys", kind=FaultKind.SIZE
            )
            break
    for column in rows.columns.values():
        column.extend([None] * (len(rows.entry) - len(column)))
    lines, entry = (
        np.array(numbers, dtype=np.intp)
        for numbers in ([rows.places[row, ()].line for row in range(len(rows.entry))], rows.entry)
    )
    columns = {key: CellColumn.build(cells) for key, cells in rows.columns.items()}
    return InputSheet(section, node.place.file, columns, lines, {}, rows.places, entry)


def _read_entry(
    entry: MappingNode, path: ParameterPath, faults: FaultLog
) -> dict[ColumnKey, tuple[CellText, Location]]:
    """Return the cells of one entry, including nested fields."""
    result: dict[ColumnKey, tuple[CellText, Location]] = {}
    for name, node in entry.items.items():
        key_place = entry.keys[name]
        if isinstance(node, MappingNode) or (name == "storage" and is_null(node)):
            result[name, "{}"] = ("", key_place)
            for inner, item in node.items.items() if isinstance(node, MappingNode) else ():
                _read_cell((name, inner), item, (*path, name, inner), result, faults)
        elif isinstance(node, SequenceNode) and is_step_list(name, node):
            if empty := find_empty_step(node):
                message = f"step {empty} has no `price`"
                faults.add_error(node.place, (*path, name, empty - 1), message, kind=FaultKind.VALUE)
            for number, step in enumerate(node.items):
                for inner, item in step.items.items() if isinstance(step, MappingNode) else (("price", step),):
                    _read_cell((name, str(number + 1), inner), item, (*path, name, number, inner), result, faults)
        elif not (name in PER_PERIOD_FIELDS and isinstance(node, SequenceNode)):
            _read_cell((name,), node, (*path, name), result, faults)
    return result


def is_step_list(field: str | int, node: SequenceNode) -> bool:
    """Test if a list holds the price steps of a stream, and not prices by period.

    Args:
        field: Field of the stream.
        node: Its list.

    Returns:
        True where an item is a mapping.
    """
    return field == STEPPED_FIELD and any(isinstance(item, MappingNode) for item in node.items)


def find_empty_step(steps: SequenceNode) -> int:
    """Find a price step without any value, which would count as absent.

    Args:
        steps: Price steps.

    Returns:
        Number of the first one, from 1; 0 where there is none.
    """
    for number, step in enumerate(steps.items, start=1):
        values = step.items.values() if isinstance(step, MappingNode) else (step,)
        if all(isinstance(value, ScalarNode) and value.null for value in values):
            return number
    return 0


def _read_cell(
    key: ColumnKey, node: Node, path: ParameterPath, found: dict[ColumnKey, tuple[CellText, Location]], faults: FaultLog
) -> None:
    """Add one value to `found`, unless it is empty."""
    if (
        isinstance(node, SequenceNode)
        and key == ("source",)
        and all(isinstance(item, ScalarNode) for item in node.items)
    ):
        texts = [item.text for item in node.items if isinstance(item, ScalarNode)]
        found[key] = ("\n".join(texts), node.place)
    elif not isinstance(node, ScalarNode):
        if isinstance(node, SequenceNode) and path[-3:-2] == (STEPPED_FIELD,) and path[-1] == "price":
            fault = STEP_LIST_FAULT.format(part="stream", quantity="available")
            faults.add_error(node.place, path, fault, kind=FaultKind.STRUCTURE)
            return
        kind = "list" if isinstance(node, SequenceNode) else "mapping"
        faults.add_error(node.place, path, f"expected one value; found a {kind}", kind=FaultKind.STRUCTURE)
    elif not node.null or (key[0] in ("device", "region", "smelter") and node.text):
        found[key] = (node.text if key[0] in _NAME_FIELDS else format_scalar(node), node.place)
    else:
        found[key] = (None, node.place)


def format_scalar(node: ScalarNode) -> str:
    """Format a scalar as cell text: numbers of YAML's core schema in decimals, any other text unchanged.

    Args:
        node: Scalar node.

    Returns:
        Text of the cell.
    """
    value = node.value
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return repr(value) if number and not (isinstance(value, float) and not math.isfinite(value)) else node.text


def _split_by_period(
    lists: dict[str, SequenceNode], path: ParameterPath, periods: tuple[str, ...] | None, faults: FaultLog
) -> list[dict[ColumnKey, tuple[CellText, Location]]]:
    """Return the cells of the rows of an entry with lists by period, at most one per period; one row without lists."""
    count = 0
    for name, node in lists.items():
        if periods is not None and len(node.items) != len(periods):
            values = format_count(len(node.items), "value")
            message = f"{state_count(len(periods), 'period')}, but {values}: give one for each, or one for all"
            faults.add_error(node.place, (*path, name), message, kind=FaultKind.VALUE)
        count = max(count, len(node.items) if periods is None else min(len(node.items), len(periods)))
    rows: list[dict[ColumnKey, tuple[CellText, Location]]] = [{} for _ in range(count)]
    for name, node in lists.items():
        for index, item in enumerate(node.items[:count]):
            rows[index].setdefault(PERIOD, (periods[index] if periods else "?", item.place))
            if is_null(item):
                message = "a list has a value for each period: write 0 where there is none"
                faults.add_error(item.place, (*path, name, index), message, kind=FaultKind.VALUE)
            _read_cell((name,), item, (*path, name, index), rows[index], faults)
    return rows or [{(name,): ("0", node.place) for name, node in lists.items()}]


_BARE_NUMBERS = re.compile(r"(?:[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,2})?\n)*")
_MIN_MAGNITUDE, _MAX_MAGNITUDE = 1e-90, 1e90
_MAX_BARE_LENGTH = 40  # characters; a number this short does not underflow to 0


@dataclass(frozen=True, eq=False)
class NumericColumn:
    """A parsed column of R quantities.

    Attributes:
        raw: Numbers as written (R,).
        unit: Index into `factors` of each row (R,).
        factors: Exact factors to the canonical unit.
        pieces: Power of the mass of one piece in each row (R,).
        filled: True for cells that are not empty (R,).
        errors: Error message of each distinct cell that is not a valid quantity.
    """

    raw: Floats
    unit: Ints
    factors: tuple[Fraction, ...]
    pieces: Ints
    filled: Bools
    errors: dict[str, str]

    def select_rows(self, rows: Ints) -> NumericColumn:
        """Select rows.

        Args:
            rows: Row indices.

        Returns:
            Quantities of these rows.
        """
        return replace(
            self, raw=self.raw[rows], unit=self.unit[rows], pieces=self.pieces[rows], filled=self.filled[rows]
        )


def parse_column(cells: CellColumn, measure: QuantityField, money: Money, default: Quantity) -> NumericColumn:
    """Parse a column, each distinct text once.

    Args:
        cells: Column of text (R,).
        measure: Field type with unit and allowed range.
        money: Currency and exchange rates.
        default: Quantity of an empty cell.

    Returns:
        Parsed column (R,), with the errors in `wrong`.
    """
    found = cells.list_codes()
    texts = [cells.texts[code] or "" for code in found.tolist()]
    raw = np.full(len(cells.texts), default.raw)
    unit, pieces = np.zeros((2, len(cells.texts)), dtype=np.intp)
    pieces[0] = default.pieces
    wrong: dict[str, str] = {}
    if (bare := _parse_bare_numbers(texts, measure)) is not None:
        factors = tuple(dict.fromkeys([default.factor, Fraction(1)]))
        raw[found], unit[found] = bare, len(factors) - 1
    else:
        values = [_parse_cell(text, measure, money, default, wrong) for text in texts]
        factors = tuple(dict.fromkeys([default.factor, *(quantity.factor for quantity in values)]))
        place = {factor: number for number, factor in enumerate(factors)}
        raw[found] = [quantity.raw for quantity in values]
        unit[found] = [place[quantity.factor] for quantity in values]
        pieces[found] = [quantity.pieces for quantity in values]
    code = cells.code
    return NumericColumn(raw[code], unit[code], factors, pieces[code], code != 0, wrong)


def _parse_cell(text: str, measure: QuantityField, money: Money, default: Quantity, wrong: dict[str, str]) -> Quantity:
    """Parse one text; log an error in `wrong` and return `default` if it is invalid."""
    try:
        return measure.check(text, money)
    except QuantityError as error:
        wrong[text] = str(error)
        return default


def build_absent_column(count: int, default: Quantity) -> NumericColumn:
    """Build a column of empty cells.

    Args:
        count: Number of rows.
        default: Quantity of an empty cell.

    Returns:
        Column of `default` (R,).
    """
    none = np.zeros(count, dtype=np.intp)
    raw = np.full(count, default.raw)
    return NumericColumn(raw, none, (default.factor,), none, np.zeros(count, dtype=np.bool_), {})


def _parse_bare_numbers(texts: list[str], measure: QuantityField) -> Floats | None:
    """Parse texts that are all bare numbers in the allowed range; return None if any is not."""
    if max(map(len, texts), default=0) > _MAX_BARE_LENGTH or not _BARE_NUMBERS.fullmatch("\n".join([*texts, ""])):
        return None
    try:
        raw = np.fromiter(map(float, texts), dtype=np.float64, count=len(texts))
    except ValueError:
        return None
    size = np.abs(raw[raw != 0])
    fine = bool(np.all((size > _MIN_MAGNITUDE) & (size < _MAX_MAGNITUDE)))
    high = np.inf if measure.high is None else measure.high
    low = -np.inf if measure.low is None else measure.low
    fine = fine and bool(np.all(raw < high if measure.below else raw <= high))
    return raw + 0.0 if fine and bool(np.all(raw > low if measure.above else raw >= low)) else None


def convert_column(
    column: NumericColumn, device: Ints, unit_mass: Sequence[Fraction | None], spread: int = 1
) -> ExactArray:
    """Convert a parsed column to exact figures; quantities per piece are completed by the unit mass of the device.

    Args:
        column: Parsed column (R,).
        device: Device index of each row (R,).
        unit_mass: Mass of one piece of each device (D,) [kg]; None leaves the factor incomplete (an error logged
            before).
        spread: Divisor of all values, such as the number of periods of a total.

    Returns:
        Figures (R,) in the canonical unit.
    """
    factors = {factor / spread: number for number, factor in enumerate(column.factors)}
    unit = column.unit.copy()
    counted = np.flatnonzero(column.pieces)
    kinds, which = np.unique(
        np.stack([column.unit[counted], device[counted], column.pieces[counted]]), axis=1, return_inverse=True
    )
    result = []
    for own, kind, pieces in kinds.T.tolist():
        factor = column.factors[own] * (unit_mass[kind] or Fraction(1)) ** pieces / spread
        result.append(factors.setdefault(factor, len(factors)))
    unit[counted] = np.array(result, dtype=np.intp)[which]
    return ExactArray(column.raw, unit, tuple(factors))
