"""Excel workbook of an instance for editing: a sheet for each section, with units, meanings and drop-down lists."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from medalopt.catalog import list_limits
from medalopt.errors import UsageError
from medalopt.instance.loading import InstanceFile
from medalopt.instance.reader.yaml_nodes import MappingNode, Node, ScalarNode
from medalopt.instance.resolve.parsed_document import list_scenario_items
from medalopt.instance.schema.validation import FieldDescription, ValueForm, find_field_description
from medalopt.instance.workbook.layout import (
    FIELD_HEADINGS,
    HEADING_ROW,
    INSTANCE_SHEET,
    POLICY_SHEET,
    SCENARIO_HEADINGS,
    SCENARIOS_SHEET,
    SHARE_UNIT,
    SHEET_SECTIONS,
    UNIT_ROW,
    EntryCell,
    SheetColumn,
    SheetSection,
    build_source_tree,
    format_cell,
    iterate_cells,
    list_columns,
    list_entries,
    list_period_labels,
    make_column,
    quote_text,
)
from medalopt.report.render.worksheet import clean_cell_text, compute_text_height, open_workbook
from medalopt.text import ParameterPath, escape_text, render_path
from medalopt.units import Money

_SPARE_ROWS = 1_000  # empty rows with drop-down lists
_MAX_COLUMNS = 16_384
_DOUBLE_ESCAPE = re.compile(
    "_x[0-9A-Fa-f]{4}_x[0-9A-Fa-f]{4}_"
)  # the writer escapes only the first; readers decode both
_VALUE_WIDTH = 50  # characters
_README = (
    "One row per entry, one column per parameter. Blue headings may be moved, added and deleted, not renamed.",
    "The cell above a heading has the unit of the numbers below it. To use another unit, change that cell, or enter "
    "a single value with its unit as text: 390 g/t.",
    "Shares are percentages as in Excel: 17 % is the number 0.17.",
    "Headings are paths. By metal or part: content.Au, storage.limit. For one period: available[2017-04]. Least and "
    "greatest share: composition.Ag[least], composition.Ag[greatest]. Columns of this form may be added.",
    "A cell with several names or sources has one per line (Alt+Enter). Empty cells are ignored.",
    "Convert with: medalopt import NAME.xlsx -o NAME.yaml",
)
_NAME_SHEETS = {
    "metal": "Metals",
    "device": "Devices",
    "treatment": "Treatments",
    "smelter": "Smelters",
    "alloy": "Alloys",
}
_TOP_FIELDS = (
    "format",
    "name",
    "title",
    "currency",
    "periods.start",
    "periods.count",
    "periods.length",
    "transport_rate",
    "project.buyer",
    "project.fiscal_year_start",
    "project.jurisdiction",
    "project.incoterm",
    "project.tax",
    "distribution",
    *(f"supply_correlation.{part}" for part in ("region", "device", "all")),
)
_POLICY_FIELDS = tuple(".".join(map(str, one.path[1:])) for _, one in list_limits("policy") if one.common)


class _InstanceWriter:
    """Writer of the workbook: formats, and cells with checked content."""

    def __init__(self, book: Any, root: MappingNode, money: Money) -> None:
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
        """Return the format of a percentage."""
        if places not in self.shares:
            self.shares[places] = self.book.add_format(
                {"num_format": f"0{'.' if places else ''}{'0' * places}%", "valign": "top"}
            )
        return self.shares[places]

    def put(self, sheet: Any, row: int, position: int, value: str | float, form: Any = None) -> None:
        """Write text as text and a number as a number."""
        if isinstance(value, str):
            if clean_cell_text(value) != value.replace("\r\n", "\n") or _DOUBLE_ESCAPE.search(value):
                raise UsageError(
                    f"a cell of a workbook cannot contain `{escape_text(value)}`; shorten it, or keep to YAML and CSV"
                )
            sheet.write_string(row, position, clean_cell_text(value), form or self.words)
        else:
            sheet.write_number(row, position, value, form or self.number)


def render_instance_workbook(opened: InstanceFile) -> bytes:
    """Render the instance of a file as an Excel workbook.

    Raises:
        InputError: The instance has errors.
        UsageError: A text or a table does not fit into a workbook.
    """
    opened.with_changes()
    money = opened.read_source_values().money
    root = build_source_tree(opened)
    buffer = io.BytesIO()
    book = open_workbook(buffer)
    sheets = _InstanceWriter(book, root, money)
    names = [INSTANCE_SHEET, *(section.sheet for section in SHEET_SECTIONS), POLICY_SHEET, SCENARIOS_SHEET]
    _add_readme(sheets, names)
    _add_field_sheet(
        sheets,
        INSTANCE_SHEET,
        MappingNode({**root.items, "policy": ScalarNode("", True, root.place)}, {}, root.place),
        (),
    )
    for section in SHEET_SECTIONS:
        _add_entry_sheet(sheets, section)
    _add_field_sheet(sheets, POLICY_SHEET, root.items.get("policy"), ("policy",))
    _add_scenario_sheet(sheets)
    book.close()
    return buffer.getvalue()


def _add_readme(sheets: _InstanceWriter, names: Iterable[str]) -> None:
    """Add the sheet of instructions with links to all sheets."""
    sheet = sheets.book.add_worksheet("Read me")
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, 1, 100)
    sheets.put(sheet, 0, 0, "medalopt instance", sheets.title)
    for row, line in enumerate(_README, start=1):
        sheet.merge_range(row, 0, row, 1, "", sheets.words)
        sheets.put(sheet, row, 0, line)
        sheet.set_row(row, compute_text_height(line, 115))
    for row, name in enumerate(names, start=len(_README) + 2):
        sheet.write_url(row, 0, f"internal:'{name}'!A1", sheets.link, name)
        sheets.put(sheet, row, 1, _describe_sheet(name))
    sheet.hide_gridlines(2)
    sheet.fit_to_pages(1, 0)


def _describe_sheet(name: str) -> str:
    """Return the description of a sheet."""
    paths: dict[str, tuple[str, ...]] = {section.sheet: section.path for section in SHEET_SECTIONS}
    descriptions: dict[str, str] = {
        INSTANCE_SHEET: "Name, project, currency, exchange rates, periods.",
        SCENARIOS_SHEET: "Named scenarios: new values by path.",
        "Treatment devices": "Values of a treatment that differ for one device.",
        "Smelter terms": "Lines of a smelter's schedule of feeds; values missing in a line are those of the smelter.",
    }
    shape = find_field_description(paths.get(name, ("policy",))[:1])
    return descriptions.get(name) or (shape.description if shape else "")


def _add_field_sheet(sheets: _InstanceWriter, name: str, node: Node | None, above: tuple[str, ...]) -> None:
    """Add a sheet of fields and their values."""
    sheet = _add_sheet(sheets, name, dict(zip(FIELD_HEADINGS, (34, _VALUE_WIDTH, 16, 60), strict=True)))
    result = list(iterate_cells(node, above)) if node is not None else []
    present = {leaf.path for leaf in result}
    offered = [tuple(one.split(".")) for one in (_POLICY_FIELDS if above else _TOP_FIELDS)]
    result += [EntryCell(path, ScalarNode("", True, sheets.root.place)) for path in offered if path not in present]
    order: dict[ParameterPath, int] = {path: position for position, path in enumerate(offered)}
    result.sort(key=lambda leaf: order.get(leaf.path, len(order)))
    row, labels = HEADING_ROW, list_period_labels(sheets.root)
    for leaf in result:
        column = make_column(leaf.path, above, [leaf.node] if leaf.node.text else [], labels, sheets.money)
        row += 1
        sheets.put(sheet, row, 0, column.head)
        sheets.put(sheet, row, 2, column.unit)
        sheets.put(sheet, row, 3, column.shape.description if column.shape else "")
        if leaf.node.text:
            _write_value(
                sheets,
                sheet,
                row,
                1,
                leaf.node,
                column,
                _count_percent_decimals([leaf.node], column, sheets.money),
                sheets.left,
            )
            sheet.set_row(row, compute_text_height(leaf.node.text, _VALUE_WIDTH))
        _add_choices(sheets, sheet, row, row, 1, column.shape)
    sheet.freeze_panes(HEADING_ROW + 1, 1)


def _add_sheet(sheets: _InstanceWriter, name: str, widths: Mapping[str, int]) -> Any:
    """Add a sheet with page layout, title and description, and its first headings with the widths of their columns."""
    sheet = sheets.book.add_worksheet(name)
    sheet.set_paper(9)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(HEADING_ROW)
    sheet.set_footer("&L&9&A&R&9&P / &N")
    sheets.put(sheet, 0, 0, name, sheets.title)
    sheets.put(sheet, 0, 2, _describe_sheet(name), sheets.unit)
    for position, (head, width) in enumerate(widths.items()):
        sheet.set_column(position, position, width)
        sheets.put(sheet, HEADING_ROW, position, head, sheets.head)
    return sheet


def _add_entry_sheet(sheets: _InstanceWriter, section: SheetSection) -> None:
    """Add a sheet with a row for each entry of a section."""
    rows = list_entries(sheets.root, section)
    filled = list_columns(sheets.root, section, [row.cells for row in rows], sheets.money)
    keys = len(section.keys)
    if keys + len(filled) > _MAX_COLUMNS:
        raise UsageError(f"{section.sheet}: a workbook has at most {_MAX_COLUMNS:,} columns; keep the table as CSV")
    sheet = _add_sheet(sheets, section.sheet, dict.fromkeys(section.keys, 20))
    last = HEADING_ROW + len(rows)
    parents = {"Treatment devices": "Treatments", "Smelter terms": "Smelters"}.get(section.sheet, "")
    if parents:
        _add_name_list(sheet, HEADING_ROW + 1, last + _SPARE_ROWS, 0, parents)
    for position, column in enumerate(filled, start=keys):
        _write_heading(sheets, sheet, position, column)
        _add_choices(sheets, sheet, HEADING_ROW + 1, last + _SPARE_ROWS, position, column.shape)
    at = {column.path: position for position, column in enumerate(filled)}
    nodes = [[leaf.node for row in rows for leaf in row.cells if leaf.path == column.path] for column in filled]
    places = [_count_percent_decimals(own, column, sheets.money) for own, column in zip(nodes, filled, strict=True)]
    for number, row in enumerate(rows, start=HEADING_ROW + 1):
        for position, name in enumerate(row.names):
            sheets.put(sheet, number, position, name)
        tall = [compute_text_height(leaf.node.text, _get_column_width(filled[at[leaf.path]])) for leaf in row.cells]
        sheet.set_row(number, max(tall, default=16))
        for leaf in row.cells:
            own = at[leaf.path]
            _write_value(sheets, sheet, number, keys + own, leaf.node, filled[own], places[own])
    sheet.autofilter(HEADING_ROW, 0, max(last, HEADING_ROW + 1), keys + len(filled) - 1)
    sheet.freeze_panes(HEADING_ROW + 1, keys or 2)


def _write_heading(sheets: _InstanceWriter, sheet: Any, position: int, column: SheetColumn) -> None:
    """Write unit, heading and comment of a column."""
    sheet.set_column(position, position, _get_column_width(column))
    sheets.put(sheet, UNIT_ROW, position, column.unit, sheets.unit)
    sheets.put(sheet, HEADING_ROW, position, column.head, sheets.head)
    if column.shape is not None and column.path[-1] not in range(1, 1_000):
        sheet.write_comment(HEADING_ROW, position, _describe_column(column), {"x_scale": 1.6})


def _get_column_width(column: SheetColumn) -> int:
    """Return the width of a column in characters."""
    return 50 if column.path[-1] in ("source", "note") else min(30, max(12, len(column.head) + 2))


def _describe_column(column: SheetColumn) -> str:
    """Return the description of a column for its comment."""
    shape = column.shape
    assert shape is not None, "a heading without a shape has no comment"
    more = {
        ValueForm.PERIODS: f"One value for all periods; or instead {render_path(column.path[:1])}[PERIOD] for each.",
        ValueForm.WINDOW: "One value for both ends; or instead [least] and [greatest].",
        ValueForm.LIST: "One per line.",
    }
    parts = [
        shape.description,
        more.get(shape.value_form, ""),
        f"One of: {', '.join(shape.words)}." if shape.words else "",
    ]
    return "\n".join(part for part in parts if part)


def _add_choices(
    sheets: _InstanceWriter, sheet: Any, first: int, last: int, position: int, shape: FieldDescription | None
) -> None:
    """Add a drop-down list of the allowed words, or of the names on another sheet."""
    if shape is None or shape.value_form is not ValueForm.ONE:
        return
    if shape.words:
        sheet.data_validation(first, position, last, position, {"validate": "list", "source": list(shape.words)})
    elif shape.measure is None and shape.name_of in _NAME_SHEETS:
        _add_name_list(sheet, first, last, position, _NAME_SHEETS[shape.name_of])


def _add_name_list(sheet: Any, first: int, last: int, position: int, named: str) -> None:
    """Add a drop-down list of the names on a sheet."""
    top = HEADING_ROW + 2
    sheet.data_validation(
        first,
        position,
        last,
        position,
        {"validate": "list", "source": f"='{named}'!$A${top}:$A${top + _SPARE_ROWS}", "error_type": "warning"},
    )


def _write_value(
    sheets: _InstanceWriter,
    sheet: Any,
    row: int,
    position: int,
    node: ScalarNode,
    column: SheetColumn,
    places: int,
    form: Any = None,
) -> None:
    """Write one value, a share in per cent."""
    value = format_cell(node, column, sheets.money)
    share = column.unit == SHARE_UNIT and not isinstance(value, str)
    plain = form if not isinstance(value, str) else None
    sheets.put(sheet, row, position, value, sheets.share(places) if share else plain)


def _count_percent_decimals(nodes: list[ScalarNode], column: SheetColumn, money: Money) -> int:
    """Return the number of decimals that the percentages of a column need."""
    if column.unit != SHARE_UNIT:
        return 0
    numbers = [value for value in (format_cell(node, column, money) for node in nodes) if isinstance(value, float)]
    texts = [f"{100 * value:.10f}".rstrip("0") for value in numbers]
    return max((len(one.partition(".")[2]) for one in texts), default=0)


def _add_scenario_sheet(sheets: _InstanceWriter) -> None:
    """Add the sheet of scenarios with a row for each change."""
    sheet = _add_sheet(sheets, SCENARIOS_SHEET, dict(zip(SCENARIO_HEADINGS, (26, 50, 30), strict=True)))
    row = HEADING_ROW
    section = sheets.root.items.get("scenarios")
    for name, changes in section.items.items() if isinstance(section, MappingNode) else ():
        if not isinstance(changes, MappingNode) or name in ("source", "note"):
            continue
        items: list[tuple[str, Node | None]] = [*list_scenario_items(changes)] or [("", None)]
        for path, node in items:
            row += 1
            sheets.put(sheet, row, 0, name)
            if node is not None:
                sheets.put(sheet, row, 1, path)
                sheets.put(sheet, row, 2, _render_flow_value(node))
    sheet.freeze_panes(HEADING_ROW + 1, 1)


def _render_flow_value(node: Node) -> str:
    """Return a value in YAML flow style, a list or a mapping on one line."""
    if isinstance(node, ScalarNode):
        return quote_text(node.text, alone=False)
    return _render_flow_item(node)


def _render_flow_item(node: Node) -> str:
    """Return a nested value in YAML flow style."""
    if isinstance(node, ScalarNode):
        return _quote_name(node.text)
    if isinstance(node, MappingNode):
        return (
            f"{{{', '.join(f'{_quote_name(name)}: {_render_flow_item(item)}' for name, item in node.items.items())}}}"
        )
    return f"[{', '.join(map(_render_flow_item, node.items))}]"


def _quote_name(name: str) -> str:
    """Return a name in double quotes."""
    return json.dumps(name, ensure_ascii=False)
