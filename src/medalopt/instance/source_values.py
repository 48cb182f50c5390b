"""Values as written in an instance file, by parameter path; streams and lanes by name, inline or from a table."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from operator import attrgetter

from medalopt.instance.reader.rows import PER_PERIOD_FIELDS, PERIOD, STEPPED_FIELD, CellColumn, InputSheet
from medalopt.instance.reader.yaml_nodes import (
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    convert_to_plain,
    find_node,
    get_child,
    iterate_scalars,
)
from medalopt.instance.resolve.parsed_document import Calendar, Draft
from medalopt.instance.resolve.row_validation import is_step_column, name_stream_rows
from medalopt.instance.resolve.streams import name_lane_rows
from medalopt.instance.schema.field_types import QuantityField
from medalopt.instance.schema.validation import PER_METAL_FIELDS, ParameterKind, find_parameter_kind
from medalopt.text import ParameterPath
from medalopt.units import Money, Quantity, QuantityError, name_unit, parse_quantity, split_number_unit

_PER_CENT = "%", Fraction(1, 100)


class SourceValues:
    """The values of one file as written; `root` is its node tree, `money` its currencies.

    Args:
        draft: The parsed file.
    """

    def __init__(self, draft: Draft) -> None:
        root = draft.root
        items = dict(root.items)
        for name, sheet, names in (
            ("streams", draft.streams, name_stream_rows(draft.streams)),
            ("lanes", draft.lanes, name_lane_rows(draft.lanes) if draft.lanes else CellColumn.build_empty(0)),
        ):
            if name in items and sheet is not None:
                items[name] = MappingNode(_group_rows_by_name(sheet, names, draft.calendar), {}, root.items[name].place)
        self.root = MappingNode(items, root.keys, root.place)
        self.money: Money = draft.context.money
        self._calendar = draft.calendar
        self._read: dict[tuple[ParameterPath, str, bool], Fraction | None] = {}

    @property
    def periods(self) -> tuple[str, ...]:
        """Names of the periods, (T,) labels; empty where the calendar cannot be read."""
        return self._calendar.labels if self._calendar else ()

    def find_period(self, text: str) -> int | None:
        """Look up a period by name.

        Args:
            text: Name of a period.

        Returns:
            Its index from 0; None where there is no such period.
        """
        return self._calendar.find_period(text) if self._calendar else None

    def iterate_parameters(self) -> Iterator[tuple[ParameterPath, ScalarNode, ParameterKind]]:
        """Iterate over all parameters that the file states.

        Yields:
            Path, scalar node and kind of each.
        """
        for path, scalar in self.iterate_scalars():
            kind = find_parameter_kind(path)
            if kind is not None:
                yield path, scalar, kind

    def iterate_scalars(self) -> Iterator[tuple[ParameterPath, ScalarNode]]:
        """Iterate over all scalars that the file states, numbers and text.

        Yields:
            Path and scalar node of each.
        """
        yield from iterate_scalars(self.root)

    def find_value(self, path: ParameterPath) -> Node | None:
        """Look up the value in effect at a path: stated there, or by one value for all metals or periods above it.

        Returns:
            The node; None where nothing is stated.
        """
        node: Node | None = self.root
        for index, name in enumerate(path):
            inner = get_child(node, name)
            if inner is None and isinstance(node, ScalarNode) and index == len(path) - 1:
                return node if isinstance(name, int) or path[index - 1] in PER_METAL_FIELDS else None
            if inner is None and isinstance(node, MappingNode) and index and path[index - 1] in PER_METAL_FIELDS:
                inner = node.items.get("default")
            node = inner
        return node

    def get_comparable_value(self, path: ParameterPath) -> object:
        """Return the value in effect at a path in a form independent of units and notation, for comparison.

        Returns:
            Exact canonical values, text, or plain lists and mappings; the default where nothing is stated.
        """
        node, kind = self.find_value(path), find_parameter_kind(path)
        default = kind.default if kind is not None else None
        if node is None or (isinstance(default, Quantity) and isinstance(node, ScalarNode) and node.null):
            if isinstance(default, Quantity):
                return default.exact if math.isfinite(default.raw) else default
            return Fraction(default) if isinstance(default, int) else default
        if kind is None or isinstance(node, MappingNode):
            return convert_to_plain(node, attrgetter("text"))
        values = node.items if isinstance(node, SequenceNode) else (node,)
        numbers = [self.convert_exact(path, one, kind) if isinstance(one, ScalarNode) else None for one in values]
        return numbers[0] if len(set(numbers)) == 1 else tuple(numbers)

    def get_node(self, path: ParameterPath) -> Node | None:
        """Look up the node at exactly this path.

        Returns:
            The node; None where nothing is stated.
        """
        return find_node(self.root, path)

    def read_number(self, path: ParameterPath) -> Fraction | None:
        """Return the number stated at exactly this path.

        Returns:
            Its exact canonical value; None where there is no single number.
        """
        kind, node = find_parameter_kind(path), self.get_node(path)
        return self.convert_exact(path, node, kind) if kind is not None and isinstance(node, ScalarNode) else None

    def convert_exact(self, path: ParameterPath, scalar: ScalarNode, kind: ParameterKind) -> Fraction | None:
        """Convert a scalar to its canonical unit.

        Args:
            path: Path of the scalar.
            scalar: The scalar node.
            kind: Kind of the parameter.

        Returns:
            The exact value; None where it cannot be read.
        """
        key = (path, scalar.text, scalar.plain)
        if key not in self._read:
            self._read[key] = self._exact(path, scalar, kind)
        return self._read[key]

    def _exact(self, path: ParameterPath, scalar: ScalarNode, kind: ParameterKind) -> Fraction | None:
        """Convert a scalar to its canonical unit, without the cache."""
        if not isinstance(kind.field_type, QuantityField):
            digits = scalar.text.strip().removeprefix("+").replace("_", "")
            return Fraction(int(digits)) if digits.isascii() and digits.isdigit() else None
        if scalar.null:
            return None
        try:
            quantity = kind.field_type.check(scalar.value, self.money)
            return quantity.exact * (self._get_unit_mass(path) ** quantity.pieces if quantity.pieces else 1)
        except QuantityError:
            return None

    def get_unit(self, path: ParameterPath, scalar: ScalarNode, measure: QuantityField) -> tuple[str, Fraction]:
        """Return the unit in which a parameter is reported: as written, else the canonical one, per cent for a share.

        Args:
            path: Path of the scalar.
            scalar: The scalar node.
            measure: Canonical unit and range of the parameter.

        Returns:
            Name of the unit, and its factor to the canonical unit.

        Raises:
            QuantityError: The scalar is no quantity, or counts devices of unknown mass.
        """
        written = split_number_unit(scalar.text, measure.unit, self.money)[1]
        if not written:
            return (name_unit(measure.unit, self.money.currency), Fraction(1)) if measure.unit else _PER_CENT
        quantity = parse_quantity(f"1 {written}", measure.unit, self.money)
        return written, quantity.factor * (self._get_unit_mass(path) ** quantity.pieces if quantity.pieces else 1)

    def _get_unit_mass(self, path: ParameterPath) -> Fraction:
        """Return the mass of one device, kg, of the device type that the parameter at `path` belongs to."""
        device: str | int = path[1]
        if path[0] == "streams":
            node = self.get_node((*path[:2], "device"))
            device = node.text if isinstance(node, ScalarNode) else ""
        elif path[0] == "treatments":
            device = path[3]
        mass = self.get_node(("devices", device, "unit_mass"))
        if not isinstance(mass, ScalarNode):
            raise QuantityError("the device has no `unit_mass`")  # reported as a fault at the place of that parameter
        return parse_quantity(mass.value, "kg", self.money).exact


def _group_rows_by_name(sheet: InputSheet, names: CellColumn, calendar: Calendar | None) -> dict[str, Node]:
    """Return the rows of a table by name; a supply with one row per period becomes a list."""
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        rows.setdefault(name or "", []).append(row)
    items: dict[str, Node] = {}
    for name, own in rows.items():
        location = sheet.locate_cell(own[0])
        items[name] = MappingNode({}, {}, location)
        for key, cells in sheet.columns.items():
            node = (
                _build_periodic_node(sheet, own, calendar, key)
                if key[0] in PER_PERIOD_FIELDS and len(key) == 1
                else _make_scalar(sheet, cells[own[0]], own[0], key)
            )
            if node is not None and key != PERIOD and not is_step_column(key):
                items[name] = _insert_node(items[name], key, node)
        steps = _list_steps(sheet, own[0])
        if steps is not None:
            items[name] = _insert_node(items[name], (STEPPED_FIELD,), steps)
    return items


def _list_steps(sheet: InputSheet, row: int) -> SequenceNode | None:
    """Return the price steps of a stream as a list; None where it has none."""
    steps: dict[int, Node] = {}
    for key in filter(is_step_column, sheet.columns):
        scalar = _make_scalar(sheet, sheet.get_column(key)[row], row, key)
        if scalar is not None:
            number = int(key[1])
            steps[number] = _insert_node(steps.get(number) or MappingNode({}, {}, scalar.place), key[2:], scalar)
    return SequenceNode(tuple(steps[n] for n in sorted(steps)), sheet.locate_cell(row)) if steps else None


def _insert_node(node: Node, key: tuple[str, ...], value: Node) -> Node:
    """Return a mapping node with `value` inserted at the nested key."""
    if not key or key == ("{}",):
        return node if key else value
    inner = node.items if isinstance(node, MappingNode) else {}
    below = inner.get(key[0]) or MappingNode({}, {}, node.place)
    return MappingNode({**inner, key[0]: _insert_node(below, key[1:], value)}, {}, node.place)


def _make_scalar(sheet: InputSheet, text: str | None, row: int, key: tuple[str, ...]) -> ScalarNode | None:
    """Return a cell as a scalar; text such as `null` stays text, an empty cell is None."""
    if text is None:
        return None
    node = ScalarNode(text, True, sheet.locate_cell(row, key))
    return ScalarNode(text, False, node.place) if node.null else node


def _build_periodic_node(
    sheet: InputSheet, rows: list[int], calendar: Calendar | None, key: tuple[str, ...]
) -> Node | None:
    """Return the supply or a price of a stream: one scalar, or a list with one per period."""
    cells, periods = sheet.get_column(key), sheet.get_column(PERIOD)
    every = len(rows) == (calendar.count if calendar else 0) and len({sheet.locate_cell(row, key) for row in rows}) == 1
    single = len({cells[row] for row in rows}) == 1 and (every or key != ("available",))  # one scalar of the file
    if calendar is None or single or (len(rows) == 1 and periods[rows[0]] is None):
        return _make_scalar(sheet, cells[rows[0]], rows[0], key)
    stated = {
        calendar.find_period((periods[row] or "").strip()): _make_scalar(sheet, cells[row], row, key) for row in rows
    }
    nothing = ScalarNode("0", True, sheet.locate_cell(rows[0]))
    return SequenceNode(tuple(stated.get(t) or nothing for t in range(calendar.count)), sheet.locate_cell(rows[0]))
