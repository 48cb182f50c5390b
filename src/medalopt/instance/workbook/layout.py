"""Layout of an instance workbook: the sheet of each section, and the headings, units and cells of its columns.

A column is headed by the path of its field below the row: `content.Au`, `storage.limit`. For a field that takes a
list, the position follows in brackets: `available[2017-04]`, `composition.Ag[least]`. Several names or sources share
one cell, one per line.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from medalopt.instance.loading import InstanceFile, read_calendar
from medalopt.instance.reader.yaml_nodes import MappingNode, Node, ScalarNode, SequenceNode
from medalopt.instance.resolve.parsed_document import Calendar
from medalopt.instance.schema.field_types import IntegerField, QuantityField
from medalopt.instance.schema.validation import FieldDescription, ValueForm, find_field_description, list_fields
from medalopt.text import ParameterPath, PathError, parse_path, render_path
from medalopt.units import Money, QuantityError, name_unit, split_number_unit

INSTANCE_SHEET, POLICY_SHEET, SCENARIOS_SHEET = "Instance", "Policy", "Scenarios"
FIELD_HEADINGS = ("field", "value", "unit", "meaning")
SCENARIO_HEADINGS = ("scenario", "change", "to")
UNIT_ROW, HEADING_ROW = 1, 2  # row indices from 0; entries follow below
WINDOW_ENDS = ("least", "greatest")
EMPTY_TEXTS = ("{}", "[]")
_BRACKETED_HEADING = re.compile(r"(.*)\[([^\[\]]*)\]", re.DOTALL)


class SheetSection(NamedTuple):
    """A sheet with a row for each entry at `path`, in which `*` is a name; `keys` head the columns of those names."""

    sheet: str
    path: tuple[str, ...]
    keys: tuple[str, ...] = ()


SHEET_SECTIONS = (
    SheetSection("Metals", ("metals", "*"), ("metal",)),
    SheetSection("Impurities", ("impurities", "*"), ("impurity",)),
    SheetSection("Devices", ("devices", "*"), ("device",)),
    SheetSection("Streams", ("streams", "*")),
    SheetSection("Treatments", ("treatments", "*"), ("treatment",)),
    SheetSection("Treatment devices", ("treatments", "*", "devices", "*"), ("treatment", "device")),
    SheetSection("Smelters", ("smelters", "*"), ("smelter",)),
    SheetSection("Smelter terms", ("smelters", "*", "terms", "*"), ("smelter", "line")),
    SheetSection("Lanes", ("lanes", "*")),
    SheetSection("Market", ("market", "*"), ("offer",)),
    SheetSection("Alloys", ("alloys", "*"), ("alloy",)),
    SheetSection("Medals", ("medals", "*"), ("medal",)),
    SheetSection("Mixes", ("mixes", "*"), ("mix",)),
    SheetSection("Transfers", ("transfers", "*"), ("transfer",)),
    SheetSection("Parties", ("parties", "*"), ("party",)),
)
LIST_SECTIONS = ("streams", "lanes")


class EntryCell(NamedTuple):
    """One cell: the path of its field below the row, and the value as written."""

    path: ParameterPath
    node: ScalarNode


class SheetEntry(NamedTuple):
    """An entry: its names and its cells."""

    names: tuple[str, ...]
    cells: tuple[EntryCell, ...]


def list_entries(root: MappingNode, section: SheetSection) -> list[SheetEntry]:
    """List the entries of a sheet.

    Args:
        root: Root node, with streams and lanes by name.
        section: The sheet.

    Returns:
        The entries in the order of the file.
    """
    return [
        SheetEntry(names if section.keys else (), tuple(iterate_cells(entry, path)))
        for names, path, entry in _iterate_entries(root, section.path, (), ())
    ]


def _iterate_entries(
    node: Node | None, pattern: tuple[str, ...], names: tuple[str, ...], path: ParameterPath
) -> Iterator[tuple[tuple[str, ...], ParameterPath, MappingNode]]:
    """Yield names, path and node of every entry below `node` that the pattern matches; null is an empty entry."""
    if not pattern:
        if isinstance(node, MappingNode):
            yield names, path, node
        elif isinstance(node, ScalarNode) and node.null:
            yield names, path, MappingNode({}, {}, node.place)
    elif isinstance(node, MappingNode):
        named = pattern[0] == "*"
        for name, item in node.items.items():
            if name == pattern[0] or (named and name not in ("source", "note")):
                yield from _iterate_entries(item, pattern[1:], (*names, name) if named else names, (*path, name))


def iterate_cells(node: Node, above: ParameterPath, path: ParameterPath = ()) -> Iterator[EntryCell]:
    """Iterate over the cells of an entry, without those that have a row of their own.

    Args:
        node: Node at or below the entry.
        above: Path of the entry.
        path: Path of the node below the entry.

    Yields:
        The cells, lists of names or sources joined by line breaks.
    """
    shape = find_field_description((*above, *path))
    if isinstance(node, ScalarNode):
        if not node.null:
            words = shape is not None and shape.measure is None
            text = quote_text(node.text, alone=shape.value_form is not ValueForm.LIST) if shape and words else node.text
            yield EntryCell(path, ScalarNode(text, node.plain, node.place))
    elif isinstance(node, SequenceNode) and shape is not None and shape.value_form is ValueForm.LIST and node.items:
        texts = [quote_text(item.text, alone=False) for item in node.items if isinstance(item, ScalarNode)]
        yield EntryCell(path, ScalarNode("\n".join(texts), False, node.place))
    elif isinstance(node, SequenceNode):
        if not node.items:
            yield EntryCell(path, ScalarNode("[]", False, node.place))
        for number, item in enumerate(node.items):
            yield from iterate_cells(item, above, (*path, number))
    else:
        if not node.items and path:
            yield EntryCell(path, ScalarNode("{}", False, node.place))
        for name, item in node.items.items():
            if not _has_own_row((*above, *path, name), item):
                yield from iterate_cells(item, above, (*path, name))


def quote_text(text: str, *, alone: bool) -> str:
    """Quote a text for a cell where it would otherwise be read differently.

    Args:
        text: The text.
        alone: The text fills the cell; else it is one line of it.

    Returns:
        The text, as a JSON string where needed.
    """
    needs_quotes = text in EMPTY_TEXTS or unquote_text(text) != text or (text[:1] in '[{"' and not alone)
    trimmed = not text.strip() if alone else text != text.strip() or "\n" in text
    return json.dumps(text, ensure_ascii=False) if needs_quotes or trimmed else text


def unquote_text(text: str) -> str:
    """Read the text of a cell or of one line of it.

    Args:
        text: Content of the cell; double quotes are removed.

    Returns:
        The text.
    """
    if text[:1] == text[-1:] == '"' and len(text) > 1:
        try:
            return str(json.loads(text))
        except ValueError:
            pass
    return text


def _has_own_row(path: ParameterPath, node: Node) -> bool:
    """Return whether the node at `path` is an entry with a row of its own, or a section with a sheet of its own."""
    empty = isinstance(node, ScalarNode) and node.null
    if path[-1] in ("source", "note") or not (empty or isinstance(node, MappingNode)):
        return False
    if path[0] in (POLICY_SHEET.lower(), SCENARIOS_SHEET.lower()) and len(path) == 1:
        return True
    return any(
        len(path) == len(section.path) and all(own in ("*", step) for own, step in zip(section.path, path, strict=True))
        for section in SHEET_SECTIONS
    )


def _render_heading(path: ParameterPath, above: ParameterPath, labels: tuple[str, ...]) -> str:
    """Render the heading of a column."""
    if not isinstance(path[-1], int):
        return render_path(path, exact=True)
    shape = find_field_description((*above, *path))
    window = shape is not None and shape.value_form is ValueForm.WINDOW
    names = WINDOW_ENDS if window else labels
    return f"{render_path(path[:-1], exact=True)}[{names[path[-1]] if path[-1] < len(names) else path[-1]}]"


def parse_heading(text: str, calendar: Calendar | None) -> ParameterPath:
    """Parse the heading of a column.

    Args:
        text: The heading.
        calendar: The planning periods; None where they cannot be read.

    Returns:
        The path of the field below the row.

    Raises:
        PathError: The heading is no path or names an unknown period.
    """
    match = _BRACKETED_HEADING.fullmatch(text.strip())
    if match is None:
        return parse_path(text.strip())
    steps, place = parse_path(match[1]), match[2].strip()
    if place.casefold() in WINDOW_ENDS:
        return (*steps, WINDOW_ENDS.index(place.casefold()))
    if calendar is None:
        raise PathError("names a period, and the periods on the sheet `Instance` cannot be read")
    number = calendar.find_period(place)
    if number is None:
        raise PathError(calendar.describe_unknown(place))
    return (*steps, number)


_MAX_DIGITS = 15  # significant digits of a number in a workbook
_EXPANDED_FIELDS = {"content": "metals", "parts": "alloys"}  # mappings with a column for every name of the section
SHARE_UNIT, COUNT_UNIT, LINES_UNIT = "share", "count", "one a line"


class SheetColumn(NamedTuple):
    """A column: its heading, its path below the row, the description of its field, and its unit."""

    head: str
    path: ParameterPath
    shape: FieldDescription | None
    unit: str


def build_source_tree(opened: InstanceFile) -> MappingNode:
    """Build the node tree of a file as written, with streams and lanes by name whether inline or from a table.

    Args:
        opened: The parsed file.

    Returns:
        The root node.
    """
    node = opened.read_source_values().root
    items = dict(opened.root.items)
    for name in ("streams", "lanes"):
        present, listed = opened.root.items.get(name), node.items.get(name)
        if isinstance(listed, MappingNode) and listed.items:
            present_entries = present.items if isinstance(present, MappingNode) else {}
            remarks: dict[str, Node] = {
                key: present_entries[key] for key in ("source", "note") if key in present_entries
            }
            items[name] = MappingNode({**listed.items, **remarks}, {}, listed.place)
    return MappingNode(items, opened.root.keys, opened.root.place)


def list_columns(
    root: MappingNode, section: SheetSection, rows: list[tuple[EntryCell, ...]], money: Money
) -> list[SheetColumn]:
    """List the columns of a sheet: fields in use, then others that the format allows, in the order of the format.

    Args:
        root: Root node.
        section: The sheet.
        rows: Cells of each entry.
        money: Currencies of the file.

    Returns:
        The columns; sources and notes are last.
    """
    used: dict[ParameterPath, list[ScalarNode]] = {}
    for row in rows:
        for leaf in row:
            used.setdefault(leaf.path, []).append(leaf.node)
    labels = list_period_labels(root)
    paths = _order_paths(root, section.path, list(used))
    return [make_column(path, section.path, used.get(path, []), labels, money) for path in paths]


def list_period_labels(root: MappingNode) -> tuple[str, ...]:
    """List the names of the periods.

    Returns:
        The names; empty where the periods are invalid.
    """
    calendar = read_calendar(root)
    return calendar.labels if calendar else ()


def make_column(
    path: ParameterPath, above: ParameterPath, nodes: list[ScalarNode], labels: tuple[str, ...], money: Money
) -> SheetColumn:
    """Make the column of one field.

    Args:
        path: Path of the field below the row.
        above: Path of an entry.
        nodes: Values of the field as written, from which the unit is chosen.
        labels: Names of the periods.
        money: Currencies of the file.

    Returns:
        The column.
    """
    shape = find_field_description((*above, *path))
    return SheetColumn(_render_heading(path, above, labels), path, shape, _choose_unit(nodes, shape, money))


def _order_paths(root: MappingNode, above: ParameterPath, used: list[ParameterPath]) -> list[ParameterPath]:
    """Return the paths in use and the allowed ones in the order of the format; sources and notes are last."""
    offered = [path for path in _list_allowed_paths(root, above, ()) if not any(_overlaps(path, one) for one in used)]
    order = {path: position for position, path in enumerate(_list_allowed_paths(root, above, ()))}
    every = dict.fromkeys([*used, *offered])

    def place(path: ParameterPath) -> tuple[int, int, int]:
        """Return the sort key of a path: remarks last, then the place of its longest known ancestor, then its index."""
        names = tuple(step for step in path if isinstance(step, str))
        first = [order[names[:length]] for length in range(len(names), 0, -1) if names[:length] in order]
        kin = [number for known, number in order.items() if known[:1] == names[:1]]
        index = path[-1] if isinstance(path[-1], int) else 0
        remark = names[-1] in ("source", "note")
        return (int(remark and len(names) == 1), (first or kin[:1] or [len(order)])[0], index)

    return sorted(every, key=place)


def _overlaps(offered: ParameterPath, used: ParameterPath) -> bool:
    """Return whether one path is a proper prefix of the other, so that both columns would hold the same value."""
    short = min(len(offered), len(used))
    return offered != used and offered[:short] == used[:short]


def _list_allowed_paths(root: MappingNode, above: ParameterPath, below: ParameterPath) -> list[ParameterPath]:
    """Return every path that the format allows below an entry at `above`."""
    result: list[ParameterPath] = []
    for name in list_fields((*above, *below)):
        path = (*below, name)
        inner = list_fields((*above, *path))
        if name in _EXPANDED_FIELDS:
            section = root.items.get(_EXPANDED_FIELDS[name])
            names = section.items if isinstance(section, MappingNode) else {}
            result += [(*path, one) for one in names if one not in ("source", "note")]
        elif inner:
            result += _list_allowed_paths(root, above, path)
        elif not _is_named_below(name, above):
            result.append(path)
    return result if below else [*result, ("source",), ("note",)]


def _is_named_below(field: str, above: ParameterPath) -> bool:
    """Return whether a field of an entry holds named entries, which have rows or columns of their own where given."""
    if above[0] == "treatments" and field == "fractions":
        return True
    return field in ("devices", "terms") and above[0] in ("treatments", "smelters") and len(above) == 2


def _choose_unit(nodes: list[ScalarNode], shape: FieldDescription | None, money: Money) -> str:
    """Return the unit of a column: the most frequent one as written, or the canonical unit."""
    measure = shape.measure if shape is not None else None
    if isinstance(measure, IntegerField):
        return COUNT_UNIT
    if not isinstance(measure, QuantityField):
        return LINES_UNIT if shape is not None and shape.value_form is ValueForm.LIST else ""
    if not measure.unit:
        return SHARE_UNIT
    unit = name_unit(measure.unit, money.currency)
    units = Counter(_split_quantity(node, measure, money)[1] or unit for node in nodes)
    return units.most_common(1)[0][0] if units else unit


def format_cell(leaf: ScalarNode, column: SheetColumn, money: Money) -> str | float:
    """Format the content of a cell.

    Args:
        leaf: The value as written.
        column: Its column.
        money: Currencies of the file.

    Returns:
        A number in the unit of the column, or the text as written.
    """
    measure = column.shape.measure if column.shape is not None else None
    if measure is None or leaf.text in EMPTY_TEXTS:
        return leaf.text
    if isinstance(measure, IntegerField):
        return _convert_to_number(leaf.text, 0) if leaf.text.replace("_", "").isdecimal() else leaf.text
    number, unit = _split_quantity(leaf, measure, money)
    own = name_unit(measure.unit, money.currency)
    if column.unit == SHARE_UNIT:
        return _convert_to_number(number, {"%": -2, "": 0}.get(unit), leaf.text)
    text = leaf.text if unit else f"{leaf.text} {own}"
    return _convert_to_number(number, 0 if (unit or own) == column.unit else None, text)


def _split_quantity(leaf: ScalarNode, measure: QuantityField, money: Money) -> tuple[str, str]:
    """Return number and unit of a quantity as written; no unit where it cannot be read."""
    try:
        return split_number_unit(leaf.text, measure.unit, money)
    except QuantityError:
        return leaf.text, ""


def _convert_to_number(text: str, shift: int | None, whole: str = "") -> str | float:
    """Return `text` times 10**shift as a number, or as text where a workbook cannot hold all its digits."""
    try:
        exact = Decimal(text.replace("_", "")).scaleb(shift or 0)
    except ArithmeticError:
        return whole or text
    digits = len(exact.normalize().as_tuple().digits)
    return float(exact) if shift is not None and digits <= _MAX_DIGITS and abs(float(exact)) < 1e100 else whole or text
