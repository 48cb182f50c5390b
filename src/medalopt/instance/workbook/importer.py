"""Import an instance from a workbook: a node tree built cell by cell, each value with the place of its cell."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path as FilePath
from typing import Any, NamedTuple

from medalopt.errors import Fault, FaultKind, InputError
from medalopt.instance.instance import Instance
from medalopt.instance.loading import InstanceFile, read_calendar
from medalopt.instance.reader.excel_reader import (
    DateText,
    PercentNumber,
    SheetRows,
    UnreadableCell,
    WorkbookValue,
    format_cell,
    format_cell_address,
    read_workbook,
)
from medalopt.instance.reader.files import MAX_WORDED_FAULTS, FaultLog, FileBytes, Location
from medalopt.instance.reader.limits import MAX_INSTANCE_CELLS
from medalopt.instance.reader.yaml_nodes import MappingNode, Node, ScalarNode, SequenceNode, parse_yaml, relocate_node
from medalopt.instance.resolve.parsed_document import Calendar
from medalopt.instance.schema.document import Document
from medalopt.instance.schema.field_types import IntegerField, QuantityField
from medalopt.instance.schema.validation import FieldDescription, ValueForm, find_field_description
from medalopt.instance.workbook.layout import (
    COUNT_UNIT,
    EMPTY_TEXTS,
    FIELD_HEADINGS,
    HEADING_ROW,
    INSTANCE_SHEET,
    LINES_UNIT,
    LIST_SECTIONS,
    POLICY_SHEET,
    SCENARIO_HEADINGS,
    SCENARIOS_SHEET,
    SHARE_UNIT,
    SHEET_SECTIONS,
    UNIT_ROW,
    SheetSection,
    parse_heading,
    unquote_text,
)
from medalopt.text import ParameterPath, PathError, escape_text, join_names, render_path, suggest_name
from medalopt.units import Money, QuantityError, split_number_unit

_DUPLICATE_MESSAGE = "`{}` is given already, as a whole or in parts: empty one of the cells"
_GAP_MESSAGE = "a list has a value for each period: write 0 where there is none"
_WINDOW_MESSAGE = "a window has both ends: give the least and the greatest share"


def _report(faults: FaultLog, location: Location, message: str, path: ParameterPath = ()) -> None:
    """Record a fault of the workbook."""
    faults.add_error(location, path, message, kind=FaultKind.WORKBOOK)


@dataclass
class _Branch:
    """A mapping or list under construction: children by name or index, and the place of each key."""

    place: Location
    items: dict[Any, _Branch | Node] = field(default_factory=dict)
    keys: dict[Any, Location] = field(default_factory=dict)


class _TreeBuilder:
    """The tree under construction; a value that cannot be inserted is recorded as a fault.

    Args:
        faults: Collects the faults.
        location: Place of the root.
    """

    def __init__(self, faults: FaultLog, location: Location) -> None:
        self.faults = faults
        self.top = _Branch(location)

    def insert_entry(
        self, path: ParameterPath, location: Location, *, numbered: bool = False, again: bool = False
    ) -> None:
        """Insert an empty entry."""
        branch = self._get_branch(path[:-1], location)
        if branch is None:
            return
        if path[-1] in branch.items and not again:
            named_only = isinstance(branch.items[path[-1]], _Branch) and not numbered
            first = branch.keys[path[-1]]
            if named_only and first.file != location.file:
                return  # a sheet of parts came first
            _report(
                self.faults,
                location,
                f"`{path[-1]}` is defined in row {first.line} already: give it another name",
                path,
            )
        elif path[-1] not in branch.items:
            branch.items[path[-1]] = _Branch(location)
            branch.keys[path[-1]] = location

    def insert_node(self, path: ParameterPath, node: Node, key: Location) -> None:
        """Insert a node; an existing value at or above the path is a fault."""
        branch = self._get_branch(path[:-1], node.place, key)
        if branch is None:
            return
        if path[-1] in branch.items:
            _report(self.faults, node.place, _DUPLICATE_MESSAGE.format(render_path(path)), path)
            return
        branch.items[path[-1]] = node
        branch.keys[path[-1]] = key

    def _get_branch(self, path: ParameterPath, location: Location, key: Location | None = None) -> _Branch | None:
        """Return the branch at `path`, created if missing; None, and a fault, where a value exists on the way."""
        branch = self.top
        for index, step in enumerate(path):
            if step not in branch.items:
                branch.items[step] = _Branch(location)
                branch.keys[step] = key or location
            inner = branch.items[step]
            if not isinstance(inner, _Branch):
                _report(self.faults, location, _DUPLICATE_MESSAGE.format(render_path(path[: index + 1])), path)
                return None
            branch = inner
        return branch

    def build_tree(self) -> MappingNode:
        """Build the node tree; lists with gaps are faults."""
        found = self._build_node(self.top, ())
        return found if isinstance(found, MappingNode) else MappingNode({}, {}, self.top.place)

    def _build_node(self, branch: _Branch | Node, path: ParameterPath) -> Node:
        """Build the node of a branch."""
        if not isinstance(branch, _Branch):
            return branch
        if branch.items and all(isinstance(step, int) for step in branch.items):
            return self._build_list(branch, path)
        items = {str(step): self._build_node(item, (*path, str(step))) for step, item in branch.items.items()}
        return MappingNode(items, {str(step): location for step, location in branch.keys.items()}, branch.place)

    def _build_list(self, branch: _Branch, path: ParameterPath) -> Node:
        """Build a list node; a list must have all periods, a window both ends."""
        shape = find_field_description(path)
        window = shape is not None and shape.value_form is ValueForm.WINDOW
        count = 2 if window else max(branch.items) + 1
        if set(branch.items) != set(range(count)):
            _report(self.faults, branch.place, _WINDOW_MESSAGE if window else _GAP_MESSAGE, path)
        items = tuple(self._build_node(branch.items[place], path) for place in sorted(branch.items))
        return SequenceNode(items, branch.place)


_CELL_PLACE = re.compile(r"(.*)\x1f(.*)", re.DOTALL)
_KNOWN_SHEETS = frozenset(
    {INSTANCE_SHEET, POLICY_SHEET, SCENARIOS_SHEET, *(section.sheet for section in SHEET_SECTIONS)}
)
# Sheets that older templates lack. What they declare is named on other sheets, where a missing name is an error.
_LATER_SHEETS = frozenset({"Impurities"})
_PERIOD_PATHS = re.compile(r"periods\.start|medals\..*\.due", re.DOTALL)  # paths of fields that hold a period


@dataclass(frozen=True)
class ImportedInstance:
    """An instance imported from a workbook, with its node tree and planning periods."""

    root: MappingNode
    instance: Instance
    calendar: Calendar | None


def import_workbook(data: FileBytes) -> ImportedInstance:
    """Import the instance from a workbook.

    Returns:
        The instance and its tree.

    Raises:
        InputError: With every fault, each with its sheet and cell.
    """
    reports: list[str] = []
    workbook = read_workbook(data, reports.append, _KNOWN_SHEETS.__contains__, MAX_INSTANCE_CELLS)
    if workbook is None:
        raise InputError([Fault(data.name, 0, 0, "", reports[0], kind=FaultKind.WORKBOOK)])
    reading = _WorkbookImport(data.name)
    try:
        root = reading.build_tree(workbook.sheets)
        instance = InstanceFile(
            FilePath(data.name), _convert_to_lists(root), {}, tuple(reading.faults.errors)
        ).with_changes()
    except InputError as error:
        raise InputError([_locate_in_cell(fault) for fault in reading.without_consequences(error.faults)]) from error
    instance = replace(instance, warnings=tuple(map(_locate_in_cell, instance.warnings)))
    return ImportedInstance(root, instance, read_calendar(root))


def _locate_in_cell(fault: Fault) -> Fault:
    """Return a fault with its cell address instead of line and column."""
    match = _CELL_PLACE.fullmatch(fault.file.replace("\\x1f", "\x1f"))
    if match is None:
        return fault
    cell = format_cell_address(match[2], fault.line - 1, fault.column - 1) if fault.line else match[2]
    return Fault(f"{match[1]}:{cell}", 0, 0, fault.path, fault.message, kind=fault.kind)


class _HeadedColumn(NamedTuple):
    """A column below a heading: the path and description of its field, and its unit."""

    path: ParameterPath
    shape: FieldDescription | None
    unit: str


@dataclass
class _WorkbookImport:
    """State of the import of one workbook: faults so far, and the periods once they are read."""

    name: str
    faults: FaultLog = field(default_factory=FaultLog)
    calendar: Calendar | None = None

    def without_consequences(self, faults: Iterable[Fault]) -> list[Fault]:
        """Return `faults` without those that merely follow from an unreadable value in the same cell."""
        errors = set(self.faults.errors)
        cells = {(fault.file, fault.line, fault.column) for fault in errors if fault.line}
        return [fault for fault in faults if fault in errors or (fault.file, fault.line, fault.column) not in cells]

    def build_tree(self, sheets: dict[str, SheetRows]) -> MappingNode:
        """Build the root node from all sheets."""
        if INSTANCE_SHEET not in sheets:
            text = f"has no sheet `{INSTANCE_SHEET}`; `medalopt template NAME.xlsx` writes a workbook to fill in"
            raise InputError([Fault(self.name, 0, 0, "", text, kind=FaultKind.WORKBOOK)])
        for sheet in sheets.keys() - _KNOWN_SHEETS - {"Read me"}:
            suggestion = suggest_name(sheet, _KNOWN_SHEETS)
            _report(
                self.faults,
                self._locate(sheet),
                f"unknown sheet{suggestion or f'; those known are {join_names(_KNOWN_SHEETS, 30)}'}",
            )
        for sheet in sorted(_KNOWN_SHEETS - _LATER_SHEETS - sheets.keys()):
            text = f"has no sheet `{sheet}`, which every template has: restore it, empty where it is not needed"
            _report(self.faults, Location(self.name), text)
        for sheet in _KNOWN_SHEETS & sheets.keys():
            self._check_cells(sheet, sheets[sheet])
        grown = _TreeBuilder(self.faults, self._locate(INSTANCE_SHEET))
        self._read_fields(sheets, INSTANCE_SHEET, (), grown)
        self.calendar = read_calendar(grown.build_tree())
        self._read_fields(sheets, POLICY_SHEET, ("policy",), grown)
        for section in SHEET_SECTIONS:
            if section.sheet in sheets:
                self._read_section(section, sheets[section.sheet], grown)
        self._read_scenarios(sheets.get(SCENARIOS_SHEET, []), grown)
        root = grown.build_tree()
        missing = {
            name: MappingNode({}, {}, self._locate(name.capitalize()))
            for name in ("metals", "alloys", "medals")
            if name not in root.items and Document.model_fields[name].is_required()
        }
        items = {**root.items, **missing}
        order = {name: position for position, name in enumerate(Document.model_fields)}
        ordered = dict(sorted(items.items(), key=lambda item: order.get(item[0], len(order))))
        return MappingNode(ordered, root.keys, root.place)

    def _locate(self, sheet: str, row: int = -1, column: int = -1) -> Location:
        """Return the place of a cell, with row and column from 0."""
        return Location(f"{self.name}\x1f{sheet}", row + 1, column + 1)

    def _check_cells(self, sheet: str, rows: SheetRows) -> None:
        """Record the cells that cannot be read; the first row is a title and is ignored."""
        for number, row in enumerate(rows[1:], start=1):
            for position, value in enumerate(row if len(self.faults.errors) < MAX_WORDED_FAULTS else ()):
                if isinstance(value, bool):
                    text = (
                        f"the truth value {str(value).upper()}: where it is a name or a text, format the cell as text"
                    )
                    _report(self.faults, self._locate(sheet, number, position), f"contains {text} and enter it again")
                elif isinstance(value, UnreadableCell):
                    _report(self.faults, self._locate(sheet, number, position), f"contains {value.reason}")

    def _check_heads(self, sheet: str, rows: SheetRows, heads: tuple[str, ...], alone: bool) -> bool:
        """Return whether the sheet begins with `heads`; with `alone`, cells in further columns are faults."""
        if len(rows) <= HEADING_ROW:
            return False
        if [format_cell(value) for value in rows[HEADING_ROW][: len(heads)]] != list(heads):
            text = f"its first headings must be {', '.join(heads)}, in row {HEADING_ROW + 1}; restore them"
            _report(self.faults, self._locate(sheet), text)
            return False
        below = rows[HEADING_ROW] if not alone else rows[HEADING_ROW][: len(heads)]
        headed = {position for position, head in enumerate(below) if head is not None or position < len(heads)}
        for number, row in enumerate(rows[HEADING_ROW:], start=HEADING_ROW):
            for position in range(len(row)):
                if row[position] is not None and position not in headed:
                    headed.add(position)  # report each column once
                    text = "is in a column without a heading, and would be ignored: add a heading, or delete it"
                    _report(
                        self.faults,
                        self._locate(sheet, number, position),
                        f"`{escape_text(format_cell(row[position]))}` {text}",
                    )
        return True

    def _read_fields(self, sheets: dict[str, SheetRows], sheet: str, above: ParameterPath, grown: _TreeBuilder) -> None:
        """Read a sheet of fields and their values."""
        rows = sheets.get(sheet, [])
        if not self._check_heads(sheet, rows, FIELD_HEADINGS, alone=True):
            return
        for number, row in enumerate(rows[HEADING_ROW + 1 :], start=HEADING_ROW + 1):
            name, value, unit = (*row[:3], None, None, None)[:3]
            if value is None:
                continue
            path = self._parse_heading(format_cell(name), above, self._locate(sheet, number, 0))
            if path is not None:
                shape, own = find_field_description(path), format_cell(unit)
                self._check_unit(shape, own, self._locate(sheet, number, 2))
                node = self._convert_cell(shape, _truncate_to_month(path, value), own, self._locate(sheet, number, 1))
                grown.insert_node(path, node, self._locate(sheet, number, 0))

    def _read_section(self, section: SheetSection, rows: SheetRows, grown: _TreeBuilder) -> None:
        """Read a sheet with a row for each entry."""
        if not self._check_heads(section.sheet, rows, section.keys, alone=False):
            return
        columns = self._parse_headings(section, rows)
        keys = len(section.keys)
        for number, row in enumerate(rows[HEADING_ROW + 1 :], start=HEADING_ROW + 1):
            if all(cell is None for cell in row):
                continue
            above = self._read_entry_path(section, number, row)
            if above is None:
                continue
            grown.insert_entry(above, self._locate(section.sheet, number, 0), numbered=not keys)
            for position, (path, shape, unit) in columns.items():
                cell = row[position] if position < len(row) else None
                if cell is not None:
                    found = _truncate_to_month((*above, *path), cell)
                    node = self._convert_cell(shape, found, unit, self._locate(section.sheet, number, position))
                    grown.insert_node((*above, *path), node, self._locate(section.sheet, HEADING_ROW, position))

    def _parse_headings(self, section: SheetSection, rows: SheetRows) -> dict[int, _HeadedColumn]:
        """Return the columns by position; headings that are no paths, or repeated, are faults."""
        units, heads = rows[UNIT_ROW], rows[HEADING_ROW]
        result: dict[int, _HeadedColumn] = {}
        seen: dict[ParameterPath, int] = {}
        example = tuple(f"\0{step}" if step == "*" else step for step in section.path)
        for position in range(len(section.keys), len(heads)):
            location = self._locate(section.sheet, HEADING_ROW, position)
            path = None if heads[position] is None else self._parse_heading(format_cell(heads[position]), (), location)
            if path is not None and seen.setdefault(path, position) != position:
                _report(
                    self.faults,
                    location,
                    f"the heading `{escape_text(format_cell(heads[position]))}` is defined twice",
                    path,
                )
            elif path is not None:
                shape = find_field_description((*example, *path))
                unit = format_cell(units[position]) if position < len(units) else ""
                self._check_unit(shape, unit, self._locate(section.sheet, UNIT_ROW, position))
                result[position] = _HeadedColumn(path, shape, unit)
        return result

    def _check_unit(self, shape: FieldDescription | None, unit: str, location: Location) -> None:
        """Record a unit on a field that takes none."""
        if (
            shape is not None
            and not isinstance(shape.measure, QuantityField)
            and unit not in ("", COUNT_UNIT, LINES_UNIT)
        ):
            _report(self.faults, location, f"the unit `{escape_text(unit)}` would have no effect here: delete it")

    def _read_entry_path(self, section: SheetSection, number: int, row: list[WorkbookValue]) -> ParameterPath | None:
        """Return the path of the entry in a row; None, and a fault, where it has no name."""
        if not section.keys:
            return (section.path[0], f"{number}")
        names = [format_cell(cell) for cell in (*row[: len(section.keys)], *[None] * (len(section.keys) - len(row)))]
        for position, cell in enumerate(row[: len(section.keys)]):
            self._check_text(cell, self._locate(section.sheet, number, position), (section.path[0],), "name")
        for position, (key, name) in enumerate(zip(section.keys, names, strict=True)):
            if not name:
                _report(
                    self.faults,
                    self._locate(section.sheet, number, position),
                    f"the name of the {key} is missing",
                    (section.path[0],),
                )
                return None
        remaining = iter(names)
        return tuple(next(remaining) if step == "*" else step for step in section.path)

    def _read_scenarios(self, rows: SheetRows, grown: _TreeBuilder) -> None:
        """Read the sheet of scenario changes."""
        if not self._check_heads(SCENARIOS_SHEET, rows, SCENARIO_HEADINGS, alone=True):
            return
        for number, row in enumerate(rows[HEADING_ROW + 1 :], start=HEADING_ROW + 1):
            name, change, value = (*row[:3], None, None, None)[:3]
            if name is None and change is None and value is None:
                continue
            location = self._locate(SCENARIOS_SHEET, number, 0)
            if name is None or (change is None) != (value is None):
                _report(self.faults, location, "a change needs a scenario, the path of a parameter, and its new value")
                continue
            for column, (cell, kind) in enumerate(((name, "name"), (change, "path"))):
                self._check_text(cell, self._locate(SCENARIOS_SHEET, number, column), ("scenarios",), kind)
            above = ("scenarios", format_cell(name))
            grown.insert_entry(above, location, again=True)
            if change is not None:
                place = self._locate(SCENARIOS_SHEET, number, 2)
                found = _truncate_to_month((format_cell(change),), value)
                grown.insert_node((*above, format_cell(change)), self._parse_value(found, place), place)

    def _parse_value(self, value: WorkbookValue, location: Location) -> Node:
        """Return the node of a new value; lists and mappings are parsed as YAML."""
        if isinstance(value, DateText):
            self._check_text(value, location, ())
        text = _format_decimal(value) if isinstance(value, float) else format_cell(value)
        if isinstance(value, str) and text[:1] in "[{" and text:
            faults = FaultLog()
            node = parse_yaml(text, "", faults)
            if node is not None and not faults.errors:
                return relocate_node(node, location)
        return ScalarNode(unquote_text(text), not isinstance(value, str), location)

    def _check_text(self, value: WorkbookValue, location: Location, path: ParameterPath, kind: str = "text") -> None:
        """Record a date or percentage where text is expected: Excel may have converted the text typed."""
        if isinstance(value, DateText | PercentNumber):
            text = f"contains a date or a share instead of a {kind}: format the cell as text, and enter it again"
            _report(self.faults, location, text, path)

    def _parse_heading(self, text: str, above: ParameterPath, location: Location) -> ParameterPath | None:
        """Return the path of a heading; None, and a fault, where it is none."""
        try:
            return (*above, *parse_heading(text, self.calendar))
        except PathError as error:
            _report(self.faults, location, f"the heading `{escape_text(text)}` is no path: {error}", above)
            return None

    def _convert_cell(
        self, shape: FieldDescription | None, value: WorkbookValue, unit: str, location: Location
    ) -> Node:
        """Return the node of a cell in the form that its field requires."""
        if value in EMPTY_TEXTS:
            return MappingNode({}, {}, location) if value == "{}" else SequenceNode((), location)
        if shape is not None and shape.measure is not None:
            if isinstance(value, DateText):
                message = f"contains the date {value} instead of a number: give it the number format `General`"
                _report(self.faults, location, f"{message}, and enter it again")
            return ScalarNode(_format_parameter(value, shape.measure, unit), isinstance(value, float), location)
        self._check_text(value, location, ())
        text = format_cell(value)
        lines = text.split("\n")
        of_sources = shape is not None and shape.description.startswith("Sources of the values")
        if shape is not None and shape.value_form is ValueForm.LIST and (len(lines) > 1 or not of_sources):
            found = (unquote_text(line.strip()) for line in lines if line.strip())
            return SequenceNode(tuple(ScalarNode(line, False, location) for line in found), location)
        return ScalarNode(unquote_text(text), False, location)


def _truncate_to_month(path: ParameterPath, value: WorkbookValue) -> WorkbookValue:
    """Return the month of a date where `path` leads to a period; any other value unchanged."""
    period = isinstance(value, DateText) and _PERIOD_PATHS.fullmatch(".".join(map(str, path)))
    return str(value)[: len("2017-04")] if period else value


def _format_parameter(value: WorkbookValue, measure: QuantityField | IntegerField, unit: str) -> str:
    """Return a number with its unit as text, at the 15 significant digits that a workbook keeps.

    A cell formatted as per cent gets the unit %, unless the field is a share: there 0.17 is already the share 17 %.
    """
    if not isinstance(value, float):
        return _append_unit(format_cell(value), measure, unit)
    text = _format_decimal(value)
    share = isinstance(measure, QuantityField) and not measure.unit and unit in ("", SHARE_UNIT)
    if isinstance(value, PercentNumber) and not share:
        return f"{(Decimal(text) * 100).normalize():f} %"
    return _append_unit(text, measure, unit)


def _append_unit(text: str, measure: QuantityField | IntegerField, unit: str) -> str:
    """Return a number with the unit of its column, unless it has its own."""
    if not isinstance(measure, QuantityField) or unit == "" or (unit == SHARE_UNIT and not measure.unit):
        return text
    try:
        own = split_number_unit(text, measure.unit, Money(""))[1]
    except QuantityError:
        return text
    return text if own else f"{text.strip()} {unit}"


def _format_decimal(value: float) -> str:
    """Return a number at the 15 significant digits that a workbook keeps: 0.1 + 0.2 is 0.3."""
    return format_cell(float(f"{value:.15g}"))


def _convert_to_lists(root: MappingNode) -> MappingNode:
    """Return the tree with streams and lanes as lists, without the tables' own source and note."""
    items = dict(root.items)
    for name in LIST_SECTIONS:
        node = items.get(name)
        if isinstance(node, MappingNode):
            entries = [item for key, item in node.items.items() if key not in ("source", "note")]
            items[name] = SequenceNode(tuple(entries), node.place)
    return MappingNode(items, root.keys, root.place)
