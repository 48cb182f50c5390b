"""Import an instance from a workbook: a node tree built cell by cell, each value with the place of its cell."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path as FilePath
from typing import NamedTuple

from medalopt import quantity
from medalopt.errors import Fault, InputError
from medalopt.instance.book import layout
from medalopt.instance.book.columns import COUNT, ONE_A_LINE, SHARE
from medalopt.instance.book.growing import Growing
from medalopt.instance.book.layout import Section
from medalopt.instance.instance import Instance
from medalopt.instance.loading import Opened, calendar_of
from medalopt.instance.paths import Path, PathError
from medalopt.instance.reader import yamltext
from medalopt.instance.reader.faults import ENOUGH, Faults, Place
from medalopt.instance.reader.files import Bytes
from medalopt.instance.reader.limits import MAX_INSTANCE_CELLS
from medalopt.instance.reader.nodes import Mapping, Node, Scalar, Sequence
from medalopt.instance.reader.spreadsheet import Date, Percent, Rows, Unreadable, Value, address, read, written
from medalopt.instance.resolve.periods import Calendar
from medalopt.instance.schema.document import Document
from medalopt.instance.schema.fields import Measure, Whole
from medalopt.instance.schema.shapes import Form, Shape, shape_at
from medalopt.quantity import Money, QuantityError
from medalopt.wording import did_you_mean, listed, shown

_CELL = re.compile(r"(.*)\x1f(.*)", re.DOTALL)
_KNOWN = frozenset({layout.GIVEN, layout.POLICY, layout.SCENARIOS, *(section.sheet for section in layout.SECTIONS)})
_PERIODS = re.compile(r"periods\.start|medals\..*\.due", re.DOTALL)  # paths of fields that hold a period


@dataclass(frozen=True)
class Imported:
    """An instance imported from a workbook, with its node tree and planning periods."""

    root: Mapping
    instance: Instance
    calendar: Calendar | None


def imported(data: Bytes) -> Imported:
    """Import the instance from a workbook.

    Args:
        data: Bytes of the workbook.

    Returns:
        The instance and its tree.

    Raises:
        InputError: With every fault, each with its sheet and cell.
    """
    reports: list[str] = []
    book = read(data, reports.append, _KNOWN.__contains__, MAX_INSTANCE_CELLS)
    if book is None:
        raise InputError([Fault(data.name, 0, 0, "", reports[0])])
    reading = _Reading(data.name)
    try:
        root = reading.tree(book.sheets)
        instance = Opened(FilePath(data.name), _lists(root), {}, tuple(reading.faults.found)).with_changes()
    except InputError as error:
        raise InputError([_in_cells(fault) for fault in reading.without_consequences(error.faults)]) from error
    instance = replace(instance, warnings=tuple(map(_in_cells, instance.warnings)))
    return Imported(root, instance, calendar_of(root))


def _in_cells(fault: Fault) -> Fault:
    """Return a fault with its cell address instead of line and column."""
    match = _CELL.fullmatch(fault.file.replace("\\x1f", "\x1f"))
    if match is None:
        return fault
    cell = address(match[2], fault.line - 1, fault.column - 1) if fault.line else match[2]
    return Fault(f"{match[1]}:{cell}", 0, 0, fault.path, fault.message)


class _Column(NamedTuple):
    """A column below a heading: the path and description of its field, and its unit."""

    path: Path
    shape: Shape | None
    unit: str


@dataclass
class _Reading:
    """State of the import of one workbook: faults so far, and the periods once they are read."""

    name: str
    faults: Faults = field(default_factory=Faults)
    calendar: Calendar | None = None

    def without_consequences(self, faults: Iterable[Fault]) -> list[Fault]:
        """Return `faults` without those that merely follow from an unreadable value in the same cell."""
        own = set(self.faults.found)
        cells = {(fault.file, fault.line, fault.column) for fault in own if fault.line}
        return [fault for fault in faults if fault in own or (fault.file, fault.line, fault.column) not in cells]

    def tree(self, sheets: dict[str, Rows]) -> Mapping:
        """Build the root node from all sheets; raise InputError where the sheet `Instance` is missing."""
        if layout.GIVEN not in sheets:
            told = f"has no sheet `{layout.GIVEN}`; `medalopt template NAME.xlsx` writes a workbook to fill in"
            raise InputError([Fault(self.name, 0, 0, "", told)])
        for sheet in sheets.keys() - _KNOWN - {"Read me"}:
            near = did_you_mean(sheet, _KNOWN)
            self.faults.add(self._place(sheet), (), f"unknown sheet{near or f'; those known are {listed(_KNOWN, 30)}'}")
        for sheet in sorted(_KNOWN - sheets.keys()):
            told = f"has no sheet `{sheet}`, which every template has: restore it, empty where it is not needed"
            self.faults.add(Place(self.name), (), told)
        for sheet in _KNOWN & sheets.keys():
            self._check_cells(sheet, sheets[sheet])
        grown = Growing(self.faults, self._place(layout.GIVEN))
        self._pairs(sheets, layout.GIVEN, (), grown)
        self.calendar = calendar_of(grown.node())
        self._pairs(sheets, layout.POLICY, ("policy",), grown)
        for section in layout.SECTIONS:
            if section.sheet in sheets:
                self._section(section, sheets[section.sheet], grown)
        self._scenarios(sheets.get(layout.SCENARIOS, []), grown)
        root = grown.node()
        missing = {
            name: Mapping({}, {}, self._place(name.capitalize()))
            for name in ("metals", "alloys", "medals")
            if name not in root.items and Document.model_fields[name].is_required()
        }
        items = {**root.items, **missing}
        order = {name: place for place, name in enumerate(Document.model_fields)}
        ordered = dict(sorted(items.items(), key=lambda item: order.get(item[0], len(order))))
        return Mapping(ordered, root.keys, root.place)

    def _place(self, sheet: str, row: int = -1, column: int = -1) -> Place:
        """Return the place of a cell, with row and column from 0."""
        return Place(f"{self.name}\x1f{sheet}", row + 1, column + 1)

    def _check_cells(self, sheet: str, rows: Rows) -> None:
        """Record the cells that cannot be read; the first row is a title and is ignored."""
        for number, row in enumerate(rows[1:], start=1):
            for place, value in enumerate(row if len(self.faults.found) < ENOUGH else ()):
                if isinstance(value, bool):
                    told = (
                        f"the truth value {str(value).upper()}: where it is a name or a text, format the cell as text"
                    )
                    self.faults.add(self._place(sheet, number, place), (), f"holds {told} and type it anew")
                elif isinstance(value, Unreadable):
                    self.faults.add(self._place(sheet, number, place), (), f"holds {value.why}")

    def _check_heads(self, sheet: str, rows: Rows, heads: tuple[str, ...], alone: bool) -> bool:
        """Return whether the sheet begins with `heads`; with `alone`, cells in further columns are faults."""
        if len(rows) <= layout.HEADS:
            return False
        if [written(value) for value in rows[layout.HEADS][: len(heads)]] != list(heads):
            told = f"its first heads must be {', '.join(heads)}, in row {layout.HEADS + 1}; restore them"
            self.faults.add(self._place(sheet), (), told)
            return False
        below = rows[layout.HEADS] if not alone else rows[layout.HEADS][: len(heads)]
        headed = {place for place, head in enumerate(below) if head is not None or place < len(heads)}
        for number, row in enumerate(rows[layout.HEADS :], start=layout.HEADS):
            for place in range(len(row)):
                if row[place] is not None and place not in headed:
                    headed.add(place)  # report each column once
                    told = (
                        "stands in a column without a head, and would count for nothing: give it a head, or delete it"
                    )
                    self.faults.add(self._place(sheet, number, place), (), f"`{shown(written(row[place]))}` {told}")
        return True

    def _pairs(self, sheets: dict[str, Rows], sheet: str, above: Path, grown: Growing) -> None:
        """Read a sheet of fields and their values."""
        rows = sheets.get(sheet, [])
        if not self._check_heads(sheet, rows, layout.PAIRS, alone=True):
            return
        for number, row in enumerate(rows[layout.HEADS + 1 :], start=layout.HEADS + 1):
            name, value, unit = (*row[:3], None, None, None)[:3]
            if value is None:
                continue
            path = self._path(written(name), above, self._place(sheet, number, 0))
            if path is not None:
                shape, own = shape_at(path), written(unit)
                self._check_unit(shape, own, self._place(sheet, number, 2))
                node = self._shaped(shape, _month(path, value), own, self._place(sheet, number, 1))
                grown.put(path, node, self._place(sheet, number, 0))

    def _section(self, section: Section, rows: Rows, grown: Growing) -> None:
        """Read a sheet with a row for each entry."""
        if not self._check_heads(section.sheet, rows, section.keys, alone=False):
            return
        columns = self._columns(section, rows)
        keys = len(section.keys)
        for number, row in enumerate(rows[layout.HEADS + 1 :], start=layout.HEADS + 1):
            if all(cell is None for cell in row):
                continue
            above = self._entry(section, number, row)
            if above is None:
                continue
            grown.entry(above, self._place(section.sheet, number, 0), numbered=not keys)
            for place, (path, shape, unit) in columns.items():
                cell = row[place] if place < len(row) else None
                if cell is not None:
                    found = _month((*above, *path), cell)
                    node = self._shaped(shape, found, unit, self._place(section.sheet, number, place))
                    grown.put((*above, *path), node, self._place(section.sheet, layout.HEADS, place))

    def _columns(self, section: Section, rows: Rows) -> dict[int, _Column]:
        """Return the columns by position; headings that are no paths, or repeated, are faults."""
        units, heads = rows[layout.UNITS], rows[layout.HEADS]
        found: dict[int, _Column] = {}
        seen: dict[Path, int] = {}
        example = tuple(f"\0{step}" if step == "*" else step for step in section.path)
        for place in range(len(section.keys), len(heads)):
            at = self._place(section.sheet, layout.HEADS, place)
            path = None if heads[place] is None else self._path(written(heads[place]), (), at)
            if path is not None and seen.setdefault(path, place) != place:
                self.faults.add(at, path, f"the heading `{shown(written(heads[place]))}` stands twice")
            elif path is not None:
                shape = shape_at((*example, *path))
                unit = written(units[place]) if place < len(units) else ""
                self._check_unit(shape, unit, self._place(section.sheet, layout.UNITS, place))
                found[place] = _Column(path, shape, unit)
        return found

    def _check_unit(self, shape: Shape | None, unit: str, place: Place) -> None:
        """Record a unit on a field that takes none."""
        if shape is not None and not isinstance(shape.measure, Measure) and unit not in ("", COUNT, ONE_A_LINE):
            self.faults.add(place, (), f"the unit `{shown(unit)}` would count for nothing here: delete it")

    def _entry(self, section: Section, number: int, row: list[Value]) -> Path | None:
        """Return the path of the entry in a row; None, and a fault, where it has no name."""
        if not section.keys:
            return (section.path[0], f"{number}")
        names = [written(cell) for cell in (*row[: len(section.keys)], *[None] * (len(section.keys) - len(row)))]
        for place, cell in enumerate(row[: len(section.keys)]):
            self._check_text(cell, self._place(section.sheet, number, place), (section.path[0],), "name")
        for place, (key, name) in enumerate(zip(section.keys, names, strict=True)):
            if not name:
                self.faults.add(
                    self._place(section.sheet, number, place), (section.path[0],), f"the name of the {key} is missing"
                )
                return None
        given = iter(names)
        return tuple(next(given) if step == "*" else step for step in section.path)

    def _scenarios(self, rows: Rows, grown: Growing) -> None:
        """Read the sheet of scenario changes."""
        if not self._check_heads(layout.SCENARIOS, rows, layout.CHANGES, alone=True):
            return
        for number, row in enumerate(rows[layout.HEADS + 1 :], start=layout.HEADS + 1):
            name, change, value = (*row[:3], None, None, None)[:3]
            if name is None and change is None and value is None:
                continue
            at = self._place(layout.SCENARIOS, number, 0)
            if name is None or (change is None) != (value is None):
                self.faults.add(at, (), "a change has a scenario, the path that it changes, and what it is to be")
                continue
            for column, (cell, kind) in enumerate(((name, "name"), (change, "path"))):
                self._check_text(cell, self._place(layout.SCENARIOS, number, column), ("scenarios",), kind)
            above = ("scenarios", written(name))
            grown.entry(above, at, again=True)
            if change is not None:
                place = self._place(layout.SCENARIOS, number, 2)
                found = _month((written(change),), value)
                grown.put((*above, written(change)), self._free(found, place), place)

    def _free(self, value: Value, place: Place) -> Node:
        """Return the node of a new value; lists and mappings are parsed as YAML."""
        if isinstance(value, Date):
            self._check_text(value, place, ())
        text = _decimal(value) if isinstance(value, float) else written(value)
        if isinstance(value, str) and text[:1] in "[{" and text:
            own = Faults()
            node = yamltext.parse(text, "", own)
            if node is not None and not own.found:
                return _moved(node, place)
        return Scalar(layout.unquoted(text), not isinstance(value, str), place)

    def _check_text(self, value: Value, place: Place, path: Path, kind: str = "text") -> None:
        """Record a date or percentage where text is expected: Excel may have converted the text typed."""
        if isinstance(value, Date | Percent):
            told = f"holds a date or a share in place of a {kind}: format the cell as text, and type it anew"
            self.faults.add(place, path, told)

    def _path(self, text: str, above: Path, place: Place) -> Path | None:
        """Return the path of a heading; None, and a fault, where it is none."""
        try:
            return (*above, *layout.path_of(text, self.calendar))
        except PathError as error:
            self.faults.add(place, above, f"the heading `{shown(text)}` is no path: {error}")
            return None

    def _shaped(self, shape: Shape | None, value: Value, unit: str, place: Place) -> Node:
        """Return the node of a cell in the form that its field requires."""
        if value in layout.EMPTY:
            return Mapping({}, {}, place) if value == "{}" else Sequence((), place)
        if shape is not None and shape.measure is not None:
            if isinstance(value, Date):
                told = f"holds the date {value} in place of a number: give it the number format `General`"
                self.faults.add(place, (), f"{told}, and type it anew")
            return Scalar(_figure(value, shape.measure, unit), isinstance(value, float), place)
        self._check_text(value, place, ())
        text = written(value)
        lines = text.split("\n")
        if shape is not None and shape.form is Form.LIST and (len(lines) > 1 or not _remark(shape)):
            found = (layout.unquoted(line.strip()) for line in lines if line.strip())
            return Sequence(tuple(Scalar(line, False, place) for line in found), place)
        return Scalar(layout.unquoted(text), False, place)


def _month(path: Path, value: Value) -> Value:
    """Return the month of a date where `path` leads to a period; any other value unchanged."""
    period = isinstance(value, Date) and _PERIODS.fullmatch(".".join(map(str, path)))
    return str(value)[: len("2017-04")] if period else value


def _remark(shape: Shape) -> bool:
    """Return whether the field is `source`."""
    return shape.says.startswith("Where the figures come from")


def _figure(value: Value, measure: Measure | Whole, unit: str) -> str:
    """Return a number with its unit as text, at the 15 significant digits that a workbook keeps.

    A cell formatted as per cent gets the unit %, unless the field is a share: there 0.17 is already the share 17 %.
    """
    if not isinstance(value, float):
        return _with_unit(written(value), measure, unit)
    text = _decimal(value)
    share = isinstance(measure, Measure) and not measure.unit and unit in ("", SHARE)
    if isinstance(value, Percent) and not share:
        return f"{(Decimal(text) * 100).normalize():f} %"
    return _with_unit(text, measure, unit)


def _with_unit(text: str, measure: Measure | Whole, unit: str) -> str:
    """Return a number with the unit of its column, unless it has its own."""
    if not isinstance(measure, Measure) or unit == "" or (unit == SHARE and not measure.unit):
        return text
    try:
        own = quantity.split(text, measure.unit, Money(""))[1]
    except QuantityError:
        return text
    return text if own else f"{text.strip()} {unit}"


def _decimal(value: float) -> str:
    """Return a number at the 15 significant digits that a workbook keeps: 0.1 + 0.2 is 0.3."""
    return written(float(f"{value:.15g}"))


def _moved(node: Node, place: Place) -> Node:
    """Return a node with another place."""
    if isinstance(node, Mapping):
        return Mapping({name: _moved(item, place) for name, item in node.items.items()}, {}, place)
    if isinstance(node, Sequence):
        return Sequence(tuple(_moved(item, place) for item in node.items), place)
    return Scalar(node.text, node.plain, place)


def _lists(root: Mapping) -> Mapping:
    """Return the tree with streams and lanes as lists, without the tables' own source and note."""
    items = dict(root.items)
    for name in layout.LISTS:
        node = items.get(name)
        if isinstance(node, Mapping):
            entries = [item for key, item in node.items.items() if key not in ("source", "note")]
            items[name] = Sequence(tuple(entries), node.place)
    return Mapping(items, root.keys, root.place)
