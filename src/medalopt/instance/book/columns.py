from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import NamedTuple

from medalopt import quantity
from medalopt.instance.book.layout import EMPTY, Leaf, Section, head
from medalopt.instance.loading import Opened, calendar_of
from medalopt.instance.paths import Path
from medalopt.instance.reader.nodes import Mapping, Node, Scalar
from medalopt.instance.schema.fields import Measure, Whole
from medalopt.instance.schema.shapes import Form, Shape, fields, shape_at
from medalopt.quantity import Money, QuantityError

_DIGITS = 15  # significant digits of a number in a workbook
_BY_NAME = {"content": "metals", "parts": "alloys"}  # mappings with a column for every name of the section
SHARE, COUNT, ONE_A_LINE = "share", "count", "one a line"


class Filled(NamedTuple):
    """A column: its heading, its path below the row, the description of its field, and its unit."""

    head: str
    path: Path
    shape: Shape | None
    unit: str


def whole(opened: Opened) -> Mapping:
    """Build the node tree of a file as written, with streams and lanes by name whether inline or from a table.

    Args:
        opened: The parsed file.

    Returns:
        The root node.
    """
    written = opened.written().root
    items = dict(opened.root.items)
    for name in ("streams", "lanes"):
        given, listed = opened.root.items.get(name), written.items.get(name)
        if isinstance(listed, Mapping) and listed.items:
            kept = given.items if isinstance(given, Mapping) else {}
            remarks: dict[str, Node] = {key: kept[key] for key in ("source", "note") if key in kept}
            items[name] = Mapping({**listed.items, **remarks}, {}, listed.place)
    return Mapping(items, opened.root.keys, opened.root.place)


def columns(root: Mapping, section: Section, rows: list[tuple[Leaf, ...]], money: Money) -> list[Filled]:
    """List the columns of a sheet: fields in use, then others that the format allows, in the order of the format.

    Args:
        root: Root node.
        section: The sheet.
        rows: Cells of each entry.
        money: Currencies of the file.

    Returns:
        The columns; sources and notes are last.
    """
    used: dict[Path, list[Scalar]] = {}
    for row in rows:
        for leaf in row:
            used.setdefault(leaf.path, []).append(leaf.node)
    labels = labels_of(root)
    paths = _ordered(root, section.path, list(used))
    return [column(path, section.path, used.get(path, []), labels, money) for path in paths]


def labels_of(root: Mapping) -> tuple[str, ...]:
    """List the names of the periods.

    Args:
        root: Root node.

    Returns:
        The names; empty where the periods are invalid.
    """
    calendar = calendar_of(root)
    return calendar.labels if calendar else ()


def column(path: Path, above: Path, written: list[Scalar], labels: tuple[str, ...], money: Money) -> Filled:
    """Make the column of one field.

    Args:
        path: Path of the field below the row.
        above: Path of an entry.
        written: Values of the field as written, from which the unit is chosen.
        labels: Names of the periods.
        money: Currencies of the file.

    Returns:
        The column.
    """
    shape = shape_at((*above, *path))
    return Filled(head(path, above, labels), path, shape, _unit(written, shape, money))


def _ordered(root: Mapping, above: Path, used: list[Path]) -> list[Path]:
    """Return the paths in use and the allowed ones in the order of the format; sources and notes are last."""
    offered = [path for path in _offered(root, above, ()) if not any(_clashes(path, one) for one in used)]
    order = {path: place for place, path in enumerate(_offered(root, above, ()))}
    every = dict.fromkeys([*used, *offered])

    def place(path: Path) -> tuple[int, int, int]:
        names = tuple(step for step in path if isinstance(step, str))
        first = [order[names[:length]] for length in range(len(names), 0, -1) if names[:length] in order]
        kin = [number for known, number in order.items() if known[:1] == names[:1]]
        at = path[-1] if isinstance(path[-1], int) else 0
        remark = names[-1] in ("source", "note")
        return (int(remark and len(names) == 1), (first or kin[:1] or [len(order)])[0], at)

    return sorted(every, key=place)


def _clashes(offered: Path, used: Path) -> bool:
    """Return whether one path is a proper prefix of the other, so that both columns would hold the same value."""
    short = min(len(offered), len(used))
    return offered != used and offered[:short] == used[:short]


def _offered(root: Mapping, above: Path, below: Path) -> list[Path]:
    """Return every path that the format allows below an entry at `above`."""
    found: list[Path] = []
    for name in fields((*above, *below)):
        path = (*below, name)
        inner = fields((*above, *path))
        if name in _BY_NAME:
            section = root.items.get(_BY_NAME[name])
            names = section.items if isinstance(section, Mapping) else {}
            found += [(*path, one) for one in names if one not in ("source", "note")]
        elif inner:
            found += _offered(root, above, path)
        elif not (name in ("devices", "terms") and above[0] in ("treatments", "smelters") and len(above) == 2):
            found.append(path)
    return found if below else [*found, ("source",), ("note",)]


def _unit(written: list[Scalar], shape: Shape | None, money: Money) -> str:
    """Return the unit of a column: the most frequent one as written, or the canonical unit."""
    measure = shape.measure if shape is not None else None
    if isinstance(measure, Whole):
        return COUNT
    if not isinstance(measure, Measure):
        return ONE_A_LINE if shape is not None and shape.form is Form.LIST else ""
    if not measure.unit:
        return SHARE
    own = quantity.spoken(measure.unit, money.currency)
    told = Counter(_parted(one, measure, money)[1] or own for one in written)
    return told.most_common(1)[0][0] if told else own


def cell(leaf: Scalar, column: Filled, money: Money) -> str | float:
    """Format the content of a cell.

    Args:
        leaf: The value as written.
        column: Its column.
        money: Currencies of the file.

    Returns:
        A number in the unit of the column, or the text as written.
    """
    measure = column.shape.measure if column.shape is not None else None
    if measure is None or leaf.text in EMPTY:
        return leaf.text
    if isinstance(measure, Whole):
        return _number(leaf.text, 0) if leaf.text.replace("_", "").isdecimal() else leaf.text
    number, unit = _parted(leaf, measure, money)
    own = quantity.spoken(measure.unit, money.currency)
    if column.unit == SHARE:
        return _number(number, {"%": -2, "": 0}.get(unit), leaf.text)
    text = leaf.text if unit else f"{leaf.text} {own}"
    return _number(number, 0 if (unit or own) == column.unit else None, text)


def _parted(leaf: Scalar, measure: Measure, money: Money) -> tuple[str, str]:
    """Return number and unit of a quantity as written; no unit where it cannot be read."""
    try:
        return quantity.split(leaf.text, measure.unit, money)
    except QuantityError:
        return leaf.text, ""


def _number(text: str, shift: int | None, whole: str = "") -> str | float:
    """Return `text` times 10**shift as a number, or as text where a workbook cannot hold all its digits."""
    try:
        exact = Decimal(text.replace("_", "")).scaleb(shift or 0)
    except ArithmeticError:
        return whole or text
    digits = len(exact.normalize().as_tuple().digits)
    return float(exact) if shift is not None and digits <= _DIGITS and abs(float(exact)) < 1e100 else whole or text
