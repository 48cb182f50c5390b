"""From the cells of a workbook to the tree of an instance, in which every value knows its cell."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from medalopt.errors import Fault, InputError
from medalopt.instance.book import layout
from medalopt.instance.book.growing import Growing
from medalopt.instance.book.layout import Section
from medalopt.instance.instance import Instance
from medalopt.instance.loading import Opened, calendar_of
from medalopt.instance.paths import Path, PathError
from medalopt.instance.reader import yamltext
from medalopt.instance.reader.faults import Faults, Place
from medalopt.instance.reader.files import Bytes
from medalopt.instance.reader.nodes import Mapping, Node, Scalar, Sequence
from medalopt.instance.reader.spreadsheet import Rows, Value, address, read, written
from medalopt.instance.resolve.periods import Calendar
from medalopt.instance.schema.document import Document
from medalopt.instance.schema.fields import Measure
from medalopt.instance.schema.shapes import Form, Shape, shape_at
from medalopt.wording import did_you_mean, listed, shown

_CELL = re.compile(r"(.*)\x1f(.*)", re.DOTALL)


@dataclass(frozen=True)
class Imported:
    """An instance that was read from a workbook, and its tree."""

    root: Mapping
    instance: Instance
    calendar: Calendar | None


def imported(data: Bytes) -> Imported:
    """Return the instance in the workbook `data`. Raises InputError with every fault, each with its sheet and cell."""
    reports: list[str] = []
    book = read(data, reports.append)
    if book is None:
        raise InputError([Fault(data.name, 0, 0, "", reports[0])])
    reading = _Reading(data.name)
    try:
        root = reading.tree(book.sheets)
        instance = Opened(FilePath(data.name), _lists(root), {}, tuple(reading.faults.found)).with_changes()
    except InputError as error:
        raise InputError([_in_cells(fault) for fault in error.faults]) from error
    return Imported(root, instance, calendar_of(root))


def _in_cells(fault: Fault) -> Fault:
    """Return a fault with its cell as people name it, instead of line and column."""
    match = _CELL.fullmatch(fault.file.replace("\\x1f", "\x1f"))
    if match is None:
        return fault
    cell = address(match[2], fault.line - 1, fault.column - 1) if fault.line else match[2]
    return Fault(f"{match[1]}:{cell}", 0, 0, fault.path, fault.message)


@dataclass
class _Reading:
    """The reading of one workbook: what is wrong so far, and the periods, once they are known."""

    name: str
    faults: Faults = field(default_factory=Faults)
    calendar: Calendar | None = None

    def tree(self, sheets: dict[str, Rows]) -> Mapping:
        """Return the tree of the instance."""
        known = {layout.GIVEN, layout.POLICY, layout.SCENARIOS, *(section.sheet for section in layout.SECTIONS)}
        if layout.GIVEN not in sheets:
            told = f"has no sheet `{layout.GIVEN}`; `medalopt template NAME.xlsx` writes a workbook to fill in"
            raise InputError([Fault(self.name, 0, 0, "", told)])
        for sheet in sheets.keys() - known - {"Read me"}:
            near = did_you_mean(sheet, known)
            self.faults.add(self._place(sheet), (), f"unknown sheet{near or f'; those known are {listed(known, 30)}'}")
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
        return Place(f"{self.name}\x1f{sheet}", row + 1, column + 1)

    def _pairs(self, sheets: dict[str, Rows], sheet: str, above: Path, grown: Growing) -> None:
        """Read a sheet of fields and their values."""
        for number, row in enumerate(sheets.get(sheet, [])):
            name, value, unit = (*row[:3], None, None, None)[:3]
            if number <= layout.HEADS or value is None:
                continue
            path = self._path(written(name), above, self._place(sheet, number, 0))
            if path is not None:
                node = self._node(path, value, written(unit), self._place(sheet, number, 1))
                grown.put(path, node, self._place(sheet, number, 0))

    def _section(self, section: Section, rows: Rows, grown: Growing) -> None:
        """Read a sheet with a row for each entry."""
        if len(rows) <= layout.HEADS:
            return
        units, heads = rows[layout.UNITS], rows[layout.HEADS]
        keys = len(section.keys)
        columns: dict[int, Path] = {}
        seen: dict[Path, int] = {}
        example = tuple(f"\0{step}" if step == "*" else step for step in section.path)
        for place in range(keys, len(heads)):
            if heads[place] is None:
                continue
            at = self._place(section.sheet, layout.HEADS, place)
            path = self._path(written(heads[place]), (), at)
            if path is not None and seen.setdefault(path, place) != place:
                self.faults.add(at, path, f"the heading `{shown(written(heads[place]))}` stands twice")
            elif path is not None:
                columns[place] = path
        shapes = {place: shape_at((*example, *path)) for place, path in columns.items()}
        for number, row in enumerate(rows[layout.HEADS + 1 :], start=layout.HEADS + 1):
            if all(cell is None for cell in row):
                continue
            above = self._entry(section, number, row)
            if above is None:
                continue
            grown.entry(above, self._place(section.sheet, number, 0), numbered=not keys)
            for place, path in columns.items():
                cell = row[place] if place < len(row) else None
                if cell is not None:
                    unit = written(units[place]) if place < len(units) else ""
                    at = self._place(section.sheet, number, place)
                    node = self._shaped(shapes[place], cell, unit, at)
                    grown.put((*above, *path), node, self._place(section.sheet, layout.HEADS, place))

    def _entry(self, section: Section, number: int, row: list[Value]) -> Path | None:
        """Return where the entry of a row stands; None, and a fault, where it has no name."""
        if not section.keys:
            return (section.path[0], f"{number}")
        names = [written(cell) for cell in row[: len(section.keys)]]
        for place, (key, name) in enumerate(zip(section.keys, names, strict=True)):
            if not name:
                self.faults.add(
                    self._place(section.sheet, number, place), (section.path[0],), f"the name of the {key} is missing"
                )
                return None
        given = iter(names)
        return tuple(next(given) if step == "*" else step for step in section.path)

    def _scenarios(self, rows: Rows, grown: Growing) -> None:
        for number, row in enumerate(rows):
            name, change, value = (*row[:3], None, None, None)[:3]
            if number <= layout.HEADS or name is None:
                continue
            at = self._place(layout.SCENARIOS, number, 0)
            above = ("scenarios", written(name))
            grown.entry(above, at, again=True)
            if change is not None and value is not None:
                place = self._place(layout.SCENARIOS, number, 2)
                grown.put((*above, written(change)), self._free(value, place), place)

    def _free(self, value: Value, place: Place) -> Node:
        """Return what a change is to; a list or a mapping as YAML writes it."""
        text = written(value)
        if isinstance(value, str) and text[:1] in "[{" and text:
            own = Faults()
            node = yamltext.parse(text, "", own)
            if node is not None and not own.found:
                return _moved(node, place)
        return Scalar(text, not isinstance(value, str), place)

    def _path(self, text: str, above: Path, place: Place) -> Path | None:
        try:
            return (*above, *layout.path_of(text, self.calendar))
        except PathError as error:
            self.faults.add(place, above, f"the heading `{shown(text)}` is no path: {error}")
            return None

    def _node(self, path: Path, value: Value, unit: str, place: Place) -> Node:
        return self._shaped(shape_at(path), value, unit, place)

    def _shaped(self, shape: Shape | None, value: Value, unit: str, place: Place) -> Node:
        """Return a cell as the node that the format wants there."""
        if value in layout.EMPTY:
            return Mapping({}, {}, place) if value == "{}" else Sequence((), place)
        if isinstance(value, float):
            return Scalar(_figure(value, shape, unit), True, place)
        lines = written(value).split("\n")
        if shape is not None and shape.form is Form.LIST and (len(lines) > 1 or shape.name_of or not _remark(shape)):
            return Sequence(tuple(Scalar(line.strip(), False, place) for line in lines if line.strip()), place)
        return Scalar(written(value), isinstance(value, bool), place)


def _remark(shape: Shape) -> bool:
    return shape.measure is None and shape.says.startswith("Where the figures come from")


def _figure(value: float, shape: Shape | None, unit: str) -> str:
    """Return a number with the unit of its column, at the 15 digits that a workbook keeps; a share has none."""
    text = written(float(f"{value:.15g}"))
    measure = shape.measure if shape is not None else None
    return f"{text} {unit}" if isinstance(measure, Measure) and measure.unit and unit else text


def _moved(node: Node, place: Place) -> Node:
    if isinstance(node, Mapping):
        return Mapping({name: _moved(item, place) for name, item in node.items.items()}, {}, place)
    if isinstance(node, Sequence):
        return Sequence(tuple(_moved(item, place) for item in node.items), place)
    return Scalar(node.text, node.plain, place)


def _lists(root: Mapping) -> Mapping:
    """Return the tree with streams and lanes as lists; a table's own remarks are left to who writes the file."""
    items = dict(root.items)
    for name in layout.LISTS:
        node = items.get(name)
        if isinstance(node, Mapping):
            entries = [item for key, item in node.items.items() if key not in ("source", "note")]
            items[name] = Sequence(tuple(entries), node.place)
    return Mapping(items, root.keys, root.place)
