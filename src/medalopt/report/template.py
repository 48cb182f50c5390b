"""Excel workbook of an instance for editing: a sheet for each section, with units, meanings and drop-down lists."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import xlsxwriter

from medalopt.errors import UsageError
from medalopt.instance.book import layout
from medalopt.instance.book.columns import SHARE, Filled, cell, columns, labels_of, whole
from medalopt.instance.book.columns import column as made_of
from medalopt.instance.book.layout import Leaf, Section, leaves
from medalopt.instance.loading import Opened
from medalopt.instance.paths import Path, render
from medalopt.instance.reader.nodes import Mapping, Node, Scalar
from medalopt.instance.schema.shapes import Form, Shape, shape_at
from medalopt.quantity import Money
from medalopt.report.sourcing.workbook.names import text
from medalopt.report.sourcing.workbook.pen import height
from medalopt.wording import shown

_OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_MADE = datetime(2000, 1, 1)
_SPARE = 1_000  # empty rows with drop-down lists
_MOST_COLUMNS = 16_384
_TWICE = re.compile("_x[0-9A-Fa-f]{4}_x[0-9A-Fa-f]{4}_")  # the writer escapes only the first; readers decode both
_VALUES = 50  # characters
_README = (
    "One row for each entry, one column for each figure. Blue heads may be moved, added and deleted, but not renamed.",
    "The unit stands above its head and counts for the numbers below it; another may be written into that cell, or "
    "behind a single figure, as text: 390 g/t.",
    "Shares are per cent as Excel has them: 17 % is the number 0.17.",
    "A figure by metal, or of a part: content.Au, storage.limit. For one period: available[2017-04]. The two ends of a "
    "window: composition.Ag[least], composition.Ag[greatest]. More such columns may be added.",
    "Several names, and several sources, stand in one cell, one a line (Alt+Enter). An empty cell is left out.",
    "Then: medalopt import NAME.xlsx -o NAME.yaml",
)
_NAMED = {"metal": "Metals", "device": "Devices", "treatment": "Treatments", "smelter": "Smelters", "alloy": "Alloys"}
_FIELDS = ("format", "name", "title", "currency", "periods.start", "periods.count", "periods.length", "transport_rate")
_RULES = ("participation", "footprint_cap")


class _Sheets:
    """Writer of the workbook: formats, and cells with checked content."""

    def __init__(self, book: Any, root: Mapping, money: Money) -> None:
        self.book, self.root, self.money = book, root, money
        head = {"bold": True, "bg_color": "#DCE9F7", "bottom": 1, "text_wrap": True, "valign": "top"}
        self.head = book.add_format(head)
        self.unit = book.add_format({"italic": True, "font_color": "#57606A"})
        self.title = book.add_format({"bold": True, "font_size": 14})
        self.words = book.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
        self.number = book.add_format({"valign": "top"})
        self.left = book.add_format({"valign": "top", "align": "left"})
        self.link = book.add_format({"font_color": "#0B5CAD", "underline": 1})
        self.shares: dict[int, Any] = {}

    def share(self, places: int) -> Any:
        """Return the percentage format with a number of decimals."""
        if places not in self.shares:
            self.shares[places] = self.book.add_format(
                {"num_format": f"0{'.' if places else ''}{'0' * places}%", "valign": "top"}
            )
        return self.shares[places]

    def put(self, sheet: Any, row: int, place: int, value: str | float, form: Any = None) -> None:
        """Write text as text and a number as a number. Raises UsageError where a cell cannot hold the text."""
        if isinstance(value, str):
            if text(value) != value.replace("\r\n", "\n") or _TWICE.search(value):
                raise UsageError(
                    f"a cell of a workbook cannot hold `{shown(value)}`; shorten it, or keep to YAML and CSV"
                )
            sheet.write_string(row, place, text(value), form or self.words)
        else:
            sheet.write_number(row, place, value, form or self.number)


def template(opened: Opened) -> bytes:
    """Render the instance of a file as an Excel workbook.

    Args:
        opened: Instance file.

    Returns:
        The bytes of the .xlsx file.

    Raises:
        InputError: The instance has errors.
        UsageError: A text or a table does not fit into a workbook.
    """
    opened.with_changes()
    money = opened.written().money
    root = whole(opened)
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, _OPTIONS)
    book.set_properties({"created": _MADE})
    sheets = _Sheets(book, root, money)
    names = [layout.GIVEN, *(section.sheet for section in layout.SECTIONS), layout.POLICY, layout.SCENARIOS]
    _readme(sheets, names)
    _pairs(sheets, layout.GIVEN, Mapping({**root.items, "policy": Scalar("", True, root.place)}, {}, root.place), ())
    for section in layout.SECTIONS:
        _section(sheets, section)
    _pairs(sheets, layout.POLICY, root.items.get("policy"), ("policy",))
    _scenarios(sheets)
    book.close()
    return buffer.getvalue()


def _readme(sheets: _Sheets, names: Iterable[str]) -> None:
    """Add the sheet of instructions with links to all sheets."""
    sheet = sheets.book.add_worksheet("Read me")
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, 1, 100)
    sheets.put(sheet, 0, 0, "An instance of medalopt", sheets.title)
    for row, line in enumerate(_README, start=1):
        sheet.merge_range(row, 0, row, 1, "", sheets.words)
        sheets.put(sheet, row, 0, line)
        sheet.set_row(row, height(line, 115))
    for row, name in enumerate(names, start=len(_README) + 2):
        sheet.write_url(row, 0, f"internal:'{name}'!A1", sheets.link, name)
        sheets.put(sheet, row, 1, _says(name))
    sheet.hide_gridlines(2)
    sheet.fit_to_pages(1, 0)


def _says(name: str) -> str:
    """Return the description of a sheet."""
    paths: dict[str, tuple[str, ...]] = {section.sheet: section.path for section in layout.SECTIONS}
    own: dict[str, str] = {
        layout.GIVEN: "Name, currency, exchange rates, periods.",
        layout.SCENARIOS: "Named sets of changes, path to value.",
        "Treatment devices": "What a treatment does differently with one device.",
        "Smelter terms": "Lines of a smelter's schedule of feeds; what a line leaves out is the smelter's.",
    }
    shape = shape_at(paths.get(name, ("policy",))[:1])
    return own.get(name) or (shape.says if shape else "")


def _pairs(sheets: _Sheets, name: str, node: Node | None, above: tuple[str, ...]) -> None:
    """Add a sheet of fields and their values."""
    sheet = sheets.book.add_worksheet(name)
    _top(sheets, sheet, name)
    for place, (head, width) in enumerate(zip(layout.PAIRS, (34, _VALUES, 16, 60), strict=True)):
        sheet.set_column(place, place, width)
        sheets.put(sheet, layout.HEADS, place, head, sheets.head)
    found = list(leaves(node, above)) if node is not None else []
    given = {leaf.path for leaf in found}
    offered = [tuple(one.split(".")) for one in (_RULES if above else _FIELDS)]
    found += [Leaf(path, Scalar("", True, sheets.root.place)) for path in offered if path not in given]
    order: dict[Path, int] = {path: place for place, path in enumerate(offered)}
    found.sort(key=lambda leaf: order.get(leaf.path, len(order)))
    row, labels = layout.HEADS, labels_of(sheets.root)
    for leaf in found:
        own = made_of(leaf.path, above, [leaf.node] if leaf.node.text else [], labels, sheets.money)
        row += 1
        sheets.put(sheet, row, 0, own.head)
        sheets.put(sheet, row, 2, own.unit)
        sheets.put(sheet, row, 3, own.shape.says if own.shape else "")
        if leaf.node.text:
            _value(sheets, sheet, row, 1, leaf.node, own, _places([leaf.node], own, sheets.money), sheets.left)
            sheet.set_row(row, height(leaf.node.text, _VALUES))
        _choice(sheets, sheet, row, row, 1, own.shape)
    sheet.freeze_panes(layout.HEADS + 1, 1)


def _top(sheets: _Sheets, sheet: Any, name: str) -> None:
    """Set up page, title and description of a sheet."""
    sheet.set_paper(9)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(layout.HEADS)
    sheet.set_footer("&L&9&A&R&9&P / &N")
    sheets.put(sheet, 0, 0, name, sheets.title)
    sheets.put(sheet, 0, 2, _says(name), sheets.unit)


def _section(sheets: _Sheets, section: Section) -> None:
    """Add a sheet with a row for each entry of a section."""
    rows = layout.rows(sheets.root, section)
    filled = columns(sheets.root, section, [row.leaves for row in rows], sheets.money)
    keys = len(section.keys)
    if keys + len(filled) > _MOST_COLUMNS:
        raise UsageError(f"{section.sheet}: a workbook has room for {_MOST_COLUMNS:,} columns; keep the table as CSV")
    sheet = sheets.book.add_worksheet(section.sheet)
    _top(sheets, sheet, section.sheet)
    for place, key in enumerate(section.keys):
        sheet.set_column(place, place, 20)
        sheets.put(sheet, layout.HEADS, place, key, sheets.head)
    last = layout.HEADS + len(rows)
    parents = _parents(section)
    if parents:
        _list_of(sheet, layout.HEADS + 1, last + _SPARE, 0, parents)
    for place, column in enumerate(filled, start=keys):
        _heading(sheets, sheet, place, column)
        _choice(sheets, sheet, layout.HEADS + 1, last + _SPARE, place, column.shape)
    at = {column.path: place for place, column in enumerate(filled)}
    nodes = [[leaf.node for row in rows for leaf in row.leaves if leaf.path == column.path] for column in filled]
    places = [_places(own, column, sheets.money) for own, column in zip(nodes, filled, strict=True)]
    for number, row in enumerate(rows, start=layout.HEADS + 1):
        for place, name in enumerate(row.names):
            sheets.put(sheet, number, place, name)
        tall = [height(leaf.node.text, _width(filled[at[leaf.path]])) for leaf in row.leaves]
        sheet.set_row(number, max(tall, default=16))
        for leaf in row.leaves:
            own = at[leaf.path]
            _value(sheets, sheet, number, keys + own, leaf.node, filled[own], places[own])
    sheet.autofilter(layout.HEADS, 0, max(last, layout.HEADS + 1), keys + len(filled) - 1)
    sheet.freeze_panes(layout.HEADS + 1, keys or 2)


def _parents(section: Section) -> str:
    """Return the sheet whose names the first column refers to, '' without one."""
    return {"Treatment devices": "Treatments", "Smelter terms": "Smelters"}.get(section.sheet, "")


def _heading(sheets: _Sheets, sheet: Any, place: int, column: Filled) -> None:
    """Write unit, heading and comment of a column."""
    sheet.set_column(place, place, _width(column))
    sheets.put(sheet, layout.UNITS, place, column.unit, sheets.unit)
    sheets.put(sheet, layout.HEADS, place, column.head, sheets.head)
    if column.shape is not None and column.path[-1] not in range(1, 1_000):
        sheet.write_comment(layout.HEADS, place, _meaning(column), {"x_scale": 1.6})


def _width(column: Filled) -> int:
    """Return the width of a column in characters."""
    return 50 if column.path[-1] in ("source", "note") else min(30, max(12, len(column.head) + 2))


def _meaning(column: Filled) -> str:
    """Return the description of a column for its comment."""
    shape = column.shape
    assert shape is not None, "a heading without a shape has no comment"
    more = {
        Form.PERIODS: f"One for all periods; or, instead, {render(column.path[:1])}[PERIOD] for each.",
        Form.WINDOW: "One for both ends; or, instead, [least] and [greatest].",
        Form.LIST: "One a line.",
    }
    parts = [shape.says, more.get(shape.form, ""), f"One of: {', '.join(shape.words)}." if shape.words else ""]
    return "\n".join(part for part in parts if part)


def _choice(sheets: _Sheets, sheet: Any, first: int, last: int, place: int, shape: Shape | None) -> None:
    """Add a drop-down list of the allowed words, or of the names on another sheet."""
    if shape is None or shape.form is not Form.ONE:
        return
    if shape.words:
        sheet.data_validation(first, place, last, place, {"validate": "list", "source": list(shape.words)})
    elif shape.measure is None and shape.name_of in _NAMED:
        _list_of(sheet, first, last, place, _NAMED[shape.name_of])


def _list_of(sheet: Any, first: int, last: int, place: int, named: str) -> None:
    """Add a drop-down list of the names on a sheet."""
    top = layout.HEADS + 2
    sheet.data_validation(
        first,
        place,
        last,
        place,
        {"validate": "list", "source": f"='{named}'!$A${top}:$A${top + _SPARE}", "error_type": "warning"},
    )


def _value(
    sheets: _Sheets, sheet: Any, row: int, place: int, node: Scalar, column: Filled, places: int, form: Any = None
) -> None:
    """Write one value, a share in per cent."""
    value = cell(node, column, sheets.money)
    share = column.unit == SHARE and not isinstance(value, str)
    plain = form if not isinstance(value, str) else None
    sheets.put(sheet, row, place, value, sheets.share(places) if share else plain)


def _places(nodes: list[Scalar], column: Filled, money: Money) -> int:
    """Return the number of decimals that the percentages of a column need."""
    if column.unit != SHARE:
        return 0
    numbers = [value for value in (cell(node, column, money) for node in nodes) if isinstance(value, float)]
    texts = [f"{100 * value:.10f}".rstrip("0") for value in numbers]
    return max((len(one.partition(".")[2]) for one in texts), default=0)


def _scenarios(sheets: _Sheets) -> None:
    """Add the sheet of scenarios with a row for each change."""
    sheet = sheets.book.add_worksheet(layout.SCENARIOS)
    _top(sheets, sheet, layout.SCENARIOS)
    for place, (head, width) in enumerate(zip(layout.CHANGES, (26, 50, 30), strict=True)):
        sheet.set_column(place, place, width)
        sheets.put(sheet, layout.HEADS, place, head, sheets.head)
    row = layout.HEADS
    section = sheets.root.items.get("scenarios")
    for name, changes in section.items.items() if isinstance(section, Mapping) else ():
        if not isinstance(changes, Mapping) or name in ("source", "note"):
            continue
        items: list[tuple[str, Node | None]] = list(changes.items.items()) or [("", None)]
        for path, node in items:
            row += 1
            sheets.put(sheet, row, 0, name)
            if node is not None:
                sheets.put(sheet, row, 1, path)
                sheets.put(sheet, row, 2, _flow(node))
    sheet.freeze_panes(layout.HEADS + 1, 1)


def _flow(node: Node) -> str:
    """Return a value in YAML flow style, a list or a mapping on one line."""
    if isinstance(node, Scalar):
        return layout.quoted(node.text, alone=False)
    return _inner(node)


def _inner(node: Node) -> str:
    """Return a nested value in YAML flow style."""
    if isinstance(node, Scalar):
        return _quoted(node.text)
    if isinstance(node, Mapping):
        return f"{{{', '.join(f'{_quoted(name)}: {_inner(item)}' for name, item in node.items.items())}}}"
    return f"[{', '.join(map(_inner, node.items))}]"


def _quoted(name: str) -> str:
    """Return a name in double quotes."""
    return json.dumps(name, ensure_ascii=False)
