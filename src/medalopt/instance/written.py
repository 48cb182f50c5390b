"""What a file writes, figure by figure: its tree, in which streams and lanes stand by name wherever they came from."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from medalopt import quantity
from medalopt.instance.paths import Path
from medalopt.instance.reader.nodes import Mapping, Node, Scalar, Sequence, find, step
from medalopt.instance.reader.sheet import PERIOD, Cells, Sheet
from medalopt.instance.resolve import grouping, lanes
from medalopt.instance.resolve.draft import Draft
from medalopt.instance.resolve.periods import Calendar
from medalopt.instance.schema.at import Kind, kind_at
from medalopt.instance.schema.fields import Measure
from medalopt.quantity import Money, QuantityError

PER_CENT = "%", Fraction(1, 100)
_BY_METAL = ("recovery", "returned", "refining_charge", "deduction", "lead", "credited", "cv")


class Written:
    """The figures of one file as they are written; `root` is its tree, `money` its currencies."""

    def __init__(self, draft: Draft) -> None:
        root = draft.root
        items = dict(root.items)
        for name, sheet, names in (
            ("streams", draft.streams, grouping.row_names(draft.streams)),
            ("lanes", draft.lanes, lanes.row_names(draft.lanes) if draft.lanes else Cells.none(0)),
        ):
            if name in items and sheet is not None:
                items[name] = Mapping(_by_name(sheet, names, draft.calendar), {}, root.items[name].place)
        self.root = Mapping(items, root.keys, root.place)
        self.money: Money = draft.context.money
        self._calendar = draft.calendar
        self._read: dict[tuple[Path, str, bool], Fraction | None] = {}

    @property
    def periods(self) -> tuple[str, ...]:
        """The names of the periods; none where they cannot be read."""
        return self._calendar.labels if self._calendar else ()

    def period(self, text: str) -> int | None:
        """Return the number of the period, from 0, that `text` names; None where it names none."""
        return self._calendar.index(text) if self._calendar else None

    def figures(self) -> Iterator[tuple[Path, Scalar, Kind]]:
        """Yield every figure that is written, with its path and kind."""
        for path, scalar in self.scalars():
            kind = kind_at(path)
            if kind is not None:
                yield path, scalar, kind

    def scalars(self) -> Iterator[tuple[Path, Scalar]]:
        """Yield all that is written, figures and words, with its path."""
        yield from _scalars(self.root, ())

    def find(self, path: Path) -> Node | None:
        """Return what counts at `path`: what stands there, or the one figure for all metals or periods above it."""
        node: Node | None = self.root
        for at, name in enumerate(path):
            inner = step(node, name)
            if inner is None and isinstance(node, Scalar) and at == len(path) - 1:
                return node if isinstance(name, int) or path[at - 1] in _BY_METAL else None
            if inner is None and isinstance(node, Mapping) and at and path[at - 1] in _BY_METAL:
                inner = node.items.get("default")
            node = inner
        return node

    def value(self, path: Path) -> object:
        """Return what counts at `path` so that equal values are equal, whatever units and forms they are written in."""
        node, kind = self.find(path), kind_at(path)
        default = kind.default if kind is not None else None
        if node is None:
            return Fraction(default) if isinstance(default, int) else getattr(default, "exact", default)
        if kind is None or isinstance(node, Mapping):
            return _plain(node)
        values = node.items if isinstance(node, Sequence) else (node,)
        figures = [self.exact(path, one, kind) if isinstance(one, Scalar) else None for one in values]
        return figures[0] if len(set(figures)) == 1 else tuple(figures)

    def at(self, path: Path) -> Node | None:
        """Return what is written at `path` itself."""
        return find(self.root, path)

    def figure(self, path: Path) -> Fraction | None:
        """Return the one figure that is written at `path` itself, in its canonical unit; None where there is none."""
        kind, node = kind_at(path), self.at(path)
        return self.exact(path, node, kind) if kind is not None and isinstance(node, Scalar) else None

    def exact(self, path: Path, scalar: Scalar, kind: Kind) -> Fraction | None:
        """Return the figure `scalar` at `path` in its canonical unit; None where it cannot be read."""
        key = (path, scalar.text, scalar.plain)
        if key not in self._read:
            self._read[key] = self._exact(path, scalar, kind)
        return self._read[key]

    def _exact(self, path: Path, scalar: Scalar, kind: Kind) -> Fraction | None:
        if not isinstance(kind.measure, Measure):
            digits = scalar.text.strip().removeprefix("+").replace("_", "")
            return Fraction(int(digits)) if digits.isascii() and digits.isdigit() else None
        try:
            figure = kind.measure.check(scalar.value, self.money)
            return figure.exact * (self._piece(path) ** figure.pieces if figure.pieces else 1)
        except QuantityError:
            return None

    def unit(self, path: Path, scalar: Scalar, measure: Measure) -> tuple[str, Fraction]:
        """Return the unit in which a figure is told, and its factor to the canonical one: as it is written.

        A bare number is told in the canonical unit, a share in per cent.
        """
        written = quantity.split(scalar.text, measure.unit, self.money)[1]
        if not written:
            return (quantity.spoken(measure.unit, self.money.currency), Fraction(1)) if measure.unit else PER_CENT
        figure = quantity.read(f"1 {written}", measure.unit, self.money)
        return written, figure.factor * (self._piece(path) ** figure.pieces if figure.pieces else 1)

    def _piece(self, path: Path) -> Fraction:
        """Return the mass, in kg, of one piece of the device that the figure at `path` belongs to."""
        device: str | int = path[1]
        if path[0] == "streams":
            node = self.at((*path[:2], "device"))
            device = node.text if isinstance(node, Scalar) else ""
        elif path[0] == "treatments":
            device = path[3]
        mass = self.at(("devices", device, "unit_mass"))
        if not isinstance(mass, Scalar):
            raise QuantityError("the device has no `unit_mass`")  # a fault that is noted where the figure stands
        return quantity.read(mass.value, "kg", self.money).exact


def _plain(node: Node) -> object:
    if isinstance(node, Mapping):
        return {name: _plain(item) for name, item in node.items.items()}
    return [_plain(item) for item in node.items] if isinstance(node, Sequence) else node.text


def _scalars(node: Node, path: Path) -> Iterator[tuple[Path, Scalar]]:
    if isinstance(node, Scalar):
        if not node.null:
            yield path, node
    elif isinstance(node, Mapping):
        for name, item in node.items.items():
            yield from _scalars(item, (*path, name))
    else:
        for number, item in enumerate(node.items):
            yield from _scalars(item, (*path, number))


def _by_name(sheet: Sheet, names: Cells, calendar: Calendar | None) -> dict[str, Node]:
    """Return the rows of `sheet` by name; what has a value for each period is a list."""
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        rows.setdefault(name or "", []).append(row)
    items: dict[str, Node] = {}
    for name, own in rows.items():
        place = sheet.place(own[0])
        items[name] = Mapping({}, {}, place)
        for key, cells in sheet.columns.items():
            node = _listed(sheet, own, calendar) if key == ("available",) else _cell(sheet, cells[own[0]], own[0], key)
            if node is not None and key != PERIOD:
                items[name] = _put(items[name], key, node)
    return items


def _put(node: Node, key: tuple[str, ...], value: Node) -> Node:
    if not key or key == ("{}",):
        return node if key else value
    inner = node.items if isinstance(node, Mapping) else {}
    below = inner.get(key[0]) or Mapping({}, {}, node.place)
    return Mapping({**inner, key[0]: _put(below, key[1:], value)}, {}, node.place)


def _cell(sheet: Sheet, text: str | None, row: int, key: tuple[str, ...]) -> Scalar | None:
    """Return a cell; what is left out is None, so that a name such as `null` is one whatever it looks like."""
    if text is None:
        return None
    node = Scalar(text, True, sheet.place(row, key))
    return Scalar(text, False, node.place) if node.null else node


def _listed(sheet: Sheet, rows: list[int], calendar: Calendar | None) -> Node | None:
    """Return what a stream offers: one figure, or a list with one for each period."""
    cells, periods = sheet.column(("available",)), sheet.column(PERIOD)
    if calendar is None or (len(rows) == 1 and periods[rows[0]] is None):
        return _cell(sheet, cells[rows[0]], rows[0], ("available",))
    said = {calendar.index((periods[row] or "").strip()): _cell(sheet, cells[row], row, ("available",)) for row in rows}
    nothing = Scalar("0", True, sheet.place(rows[0]))
    return Sequence(tuple(said.get(t) or nothing for t in range(calendar.count)), sheet.place(rows[0]))
