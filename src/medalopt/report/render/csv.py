"""CSV: a report or a plan as a folder with a file for every table, described as a Frictionless data package."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from medalopt.instance.reader.files import read_file
from medalopt.plan.digests import compute_part_digests
from medalopt.plan.plan import Plan
from medalopt.plan.tables import (
    EXTENSION_TABLES,
    OPTIONAL_TABLE_BUILDERS,
    build_extension_tables,
    parse_csv_rows,
    split_keys,
)
from medalopt.proof.marginal import MarginalValue
from medalopt.report.atomic_write import FileContent
from medalopt.report.document import (
    OrderDocument,
    Report,
    ReportColumn,
    ReportTable,
    get_cell_value,
    list_order_lines,
    list_tables,
)
from medalopt.report.render.json import build_plan_members, encode_rows

FILE_LIST = "tables.csv"  # description of each file
_MOST_LIST_BYTES = 1 << 20  # of the list
_FILE_NAME_PATTERN = re.compile(r"[A-Za-z0-9_]+\.csv")
_PLAN_DESCRIPTION = "the plan itself, as `medalopt solve` writes it"
_FILE_DESCRIPTIONS = {
    "headline": "The summary, with versions, digests and method.",
    "decision": "The decision on one page, with versions, digests and method.",
    "documents": "Party and terms of every document; its lines are in the file of its kind.",
    "tables": "Contents of the files.",
}


def render_report_csv(report: Report) -> Mapping[str, FileContent]:
    """Render the report as the files of a folder.

    Args:
        report: Report to render; `medalopt verify` reads that of a plan.
    """
    if report.csv:
        return report.csv(report)
    plan, tables = report.plan, {table.key: table for table in _list_file_tables(report)}
    streams, resources = ({}, []) if plan is None else _stream_plan_folder(plan)
    files = {name: "".join(text) for name, text in streams.items()}
    assert files.keys().isdisjoint(f"{key}.csv" for key in tables), "a table has the name of one of the plan itself"
    names = sorted({*files, *(f"{key}.csv" for key in tables), FILE_LIST})
    descriptions = {f"{key}.csv": table.description for key, table in tables.items()} | {
        FILE_LIST: _FILE_DESCRIPTIONS["tables"]
    }
    listed = tuple((name, descriptions.get(name, _PLAN_DESCRIPTION)) for name in names)
    tables["tables"] = _make_text_columns("tables", ("file", "says"), listed)
    report_files = {f"{key}.csv": render_table_csv(table) for key, table in tables.items()}
    resources += [_describe_resource(f"{key}.csv", table) for key, table in tables.items()]
    if plan is not None:
        parts = {name.removesuffix(".csv"): parse_csv_rows(text) for name, text in report_files.items()}
        files["plan.csv"] += "".join(
            (
                f"{_quote_csv_cell(f'digests.{name}')},{value}\n"
                for name, value in compute_part_digests("csv", parts).items()
            )
        )
    return {**files, **report_files, PACKAGE_FILE: _render_package(report.title, resources)}


def render_table_csv(table: ReportTable) -> str:
    """Render one table as CSV: keys of the columns, values unrounded.

    Args:
        table: Table to render.

    Returns:
        The CSV text.
    """
    cells = list(zip(*table.rows, strict=True)) or [()] * len(table.columns)
    values = (map(get_cell_value, column) for column in cells)
    return render_csv(dict(zip([column.key for column in table.columns], values, strict=True)))


def list_replaceable_files(path: Path) -> frozenset[str]:
    """Return the file names of an earlier report that may be replaced in a folder.

    Returns:
        File names that the folder's `tables.csv` lists, the optional files of a plan, and the data package.
    """
    listed = read_file(path / FILE_LIST, FILE_LIST, _MOST_LIST_BYTES, lambda message: None)
    text = listed.content.decode("utf-8", "replace") if listed else ""
    result = {
        row[0] for row in csv.reader(io.StringIO(text, newline="")) if row and _FILE_NAME_PATTERN.fullmatch(row[0])
    }
    return OPTIONAL_FILES | result | {PACKAGE_FILE}


def _list_file_tables(report: Report) -> Iterator[ReportTable]:
    """Yield all tables, the lines of the documents of each kind, the fields of the documents, and the summary."""
    tables = list_tables(report)
    yield from tables
    if report.single is not None and report.single.key not in {table.key for table in tables}:
        yield report.single
    yield from list_order_lines(report.documents)
    if report.documents:
        yield _list_document_fields(report.documents)
    key = "headline" if report.plan is None else "decision"
    yield _make_text_columns(key, (key,), tuple((line,) for line in (*_list_lines(report), *report.foot)))


def _list_lines(report: Report) -> Iterator[str]:
    """Yield the sentences of a report and its parts."""
    yield from report.headline
    for part in report.parts:
        yield from (part.title, *_list_lines(part))


def _make_text_columns(key: str, names: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> ReportTable:
    """Return a table of text that is in the folder only."""
    return ReportTable(key, key, _FILE_DESCRIPTIONS[key], tuple(ReportColumn(name, name) for name in names), rows)


def _list_document_fields(documents: tuple[OrderDocument, ...]) -> ReportTable:
    """Return one row for every field of every document."""
    rows = tuple(
        (document.number, document.kind, document.stamp, part, field, value)
        for document in documents
        for part, pairs in (("party", document.party), ("terms", document.terms))
        for field, value in pairs
    )
    return _make_text_columns("documents", ("document", "kind", "stamp", "part", "field", "value"), rows)


PACKAGE_FILE = "datapackage.json"
_MOST_NAME_CHARACTERS = 80


def _describe_resource(path: str, table: ReportTable) -> dict[str, Any]:
    """Describe the CSV file of a table."""
    columns = zip(*table.rows, strict=True) if table.rows else [()] * len(table.columns)
    fields = [_describe_column(column, cells) for column, cells in zip(table.columns, columns, strict=True)]
    return _make_resource(path, table.description or table.title, fields)


def _describe_columns(
    path: str, columns: Mapping[str, Sequence[Any]], description: str, units: Mapping[str, str]
) -> dict[str, Any]:
    """Describe the CSV file of a table of the plan, whose columns are known by their names."""
    fields = [
        {"name": name, "type": _find_type(cells), **({"unit": units[name]} if name in units else {})}
        for name, cells in columns.items()
    ]
    return _make_resource(path, description, fields)


def _render_package(title: str, resources: Sequence[Mapping[str, Any]]) -> str:
    """Render the data package of a folder."""
    name = re.sub(r"[^a-z0-9._-]+", "-", title.lower()).strip("-")[:_MOST_NAME_CHARACTERS] or "report"
    package = {"profile": "tabular-data-package", "name": name, "title": title, "resources": list(resources)}
    return json.dumps(package, ensure_ascii=False, indent=1) + "\n"


def _make_resource(path: str, description: str, fields: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "profile": "tabular-data-resource",
        "name": path.removesuffix(".csv").lower(),
        "path": path,
        "description": description,
        "encoding": "utf-8",
        "schema": {"fields": fields, "missingValues": [""]},
    }


def _describe_column(column: ReportColumn, cells: Iterable[Any]) -> dict[str, Any]:
    """Return the field of a column; shares are numbers from 0 to 1."""
    kind = _find_type([get_cell_value(cell) for cell in cells], "string" if column.unit is None else "number")
    unit = {"unit": "1" if column.unit == "%" else column.unit} if column.unit else {}
    return {"name": column.key, "type": kind, "title": column.title or column.key, **unit}


def _find_type(cells: Sequence[Any], empty: str = "string") -> str:
    """Return the Frictionless type of cells; `any` where they are mixed, `empty` where there is none."""
    kinds = set(map(type, cells)) - {type(None)}
    if not kinds:
        return empty
    if kinds <= {int, float}:
        return "integer" if kinds == {int} else "number"
    return "string" if kinds == {str} else "any"


OPTIONAL_FILES = frozenset(f"{table}.csv" for table in (*OPTIONAL_TABLE_BUILDERS, *EXTENSION_TABLES, "prices_at_lots"))
PlanColumns = Mapping[str, Mapping[str, Sequence[Any]]]  # cells by name of the column, by name of the table
_EMPTY_ROW = '""'  # a row of one empty cell: an empty line would be none
_QUOTED_CHARACTERS = frozenset(',"\r\n')
_FORMULA_STARTS = frozenset("=+-@'\t\r＝＋－＠")  # an apostrophe too: the added one can then be told apart


def render_csv_folder(plan: Plan) -> dict[str, str]:
    """Return a plan as the files of a CSV folder.

    Returns:
        File name to text.
    """
    return {name: "".join(text) for name, text in _stream_files(_list_columns(plan)).items()}


def _stream_files(tables: PlanColumns) -> dict[str, Iterator[str]]:
    """Return the text of every file in pieces."""
    return {f"{name}.csv": _stream_csv(table) for name, table in tables.items()}


def _stream_plan_folder(plan: Plan) -> tuple[dict[str, Iterator[str]], list[dict[str, Any]]]:
    """Return the files of a CSV folder and their descriptions, from one pass over the plan."""
    tables = _list_columns(plan)
    units = {**_COLUMN_UNITS, "cost": plan.instance.currency, "revenue": plan.instance.currency}
    resources = [
        _describe_columns(f"{name}.csv", columns, f"{name.replace('_', ' ')} of the plan", units)
        for name, columns in tables.items()
    ]
    return _stream_files(tables), resources


def render_packaged_folder(plan: Plan) -> dict[str, FileContent]:
    """Return the files of a CSV folder with the data package that describes them.

    Returns:
        File name to its text, in pieces where it is long.
    """
    files, resources = _stream_plan_folder(plan)
    return {**files, PACKAGE_FILE: _render_package(plan.instance.title or plan.instance.name, resources)}


_COLUMN_UNITS = {
    **dict.fromkeys(["tonnes", "feed"], "t"),
    **dict.fromkeys(["kg", "bought", "charged", "stock", "returned", "called_back"], "kg"),
    **dict.fromkeys(["used", "surplus", "scrap", "cast"], "kg"),
}


def _list_columns(plan: Plan) -> PlanColumns:
    """Return the columns of every file of a plan."""
    content = build_plan_members(plan)
    duals, marginals = content["duals"], list(plan.marginals_at_lots)
    at_lots = {name: [getattr(marginal, name) for marginal in marginals] for name in MarginalValue.COLUMNS}
    return {
        **plan.tables,
        "prices": plan.priced,
        **({} if plan.lots is None else {"prices_at_lots": at_lots}),
        "duals": split_keys("duals", {name: [row[name] for row in duals] for name in ("rule", "key", "value")}),
        **{name: split_keys(name, table) for name, table in build_extension_tables(plan.added).items()},
        "plan": _tabulate_summary(content),
    }


def _tabulate_summary(content: Mapping[str, object]) -> dict[str, list[object]]:
    """Return all scalars as (item, value): objective, cost by kind, certificate, solver, digests of the instance."""
    rows: list[tuple[str, object]] = []
    for member in ("format", "status", "instance", "objective", "cost", "footprint", "tonnes", "certificate", "solver"):
        rows += _flatten_member(member, content[member])
    rows += _flatten_member("lots", content.get("lots", {}))
    rows += _flatten_member("digests", content["digests"])
    return {"item": [name for name, _ in rows], "value": [value for _, value in rows]}


def _flatten_member(name: str, value: object) -> list[tuple[str, object]]:
    """Return the leaves of nested mappings, each with its dotted path."""
    if isinstance(value, dict):
        return [row for key, part in value.items() for row in _flatten_member(f"{name}.{key}", part)]
    return [(name, value)]


def render_csv(columns: Mapping[str, Iterable[Any]]) -> str:
    """Render a table as CSV, one header line and one line for each row.

    Text that a spreadsheet would evaluate as a formula is prefixed with an apostrophe.

    Args:
        columns: Header to cells; all columns of the same length.

    Returns:
        The CSV text; floats are written with all digits that reading back requires.
    """
    return "".join(_stream_csv({name: list(column) for name, column in columns.items()}))


def _stream_csv(columns: Mapping[str, Sequence[Any]]) -> Iterator[str]:
    """Yield the text of `render_csv` in pieces."""
    yield f"{','.join(map(_encode_csv_cell, columns))}\n"
    for rows in encode_rows(columns, _encode_csv_cell):
        lines = map(",".join, rows)
        text = "\n".join(lines if len(columns) > 1 else (line or _EMPTY_ROW for line in lines))
        if text:  # of one column too, a row is not empty
            yield f"{text}\n"


def _encode_csv_cell(value: Any) -> str:
    """Encode one value as a CSV cell; text that begins like a formula is prefixed with an apostrophe."""
    if isinstance(value, str) and value.lstrip()[:1] in _FORMULA_STARTS:
        return _quote_csv_cell(f"'{value}")
    return repr(value) if isinstance(value, float) else "" if value is None else _quote_csv_cell(str(value))


def _quote_csv_cell(text: str) -> str:
    """Quote a cell that contains a comma, a quote or a line break."""
    if not _QUOTED_CHARACTERS.intersection(text):
        return text
    return '"' + text.replace('"', '""') + '"'
