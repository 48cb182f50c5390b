"""Report as a folder of CSV: a file for every table and kind of document, described as a Frictionless data package."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from medalopt.instance.reader.files import read_file
from medalopt.plan.digests import compute_part_digests
from medalopt.plan.reader import parse_csv_rows
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
from medalopt.report.plan_csv import OPTIONAL_FILES, render_csv, render_digest_rows, stream_plan_folder
from medalopt.report.render.data_package import PACKAGE_FILE, describe_resource, render_package

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

    Returns:
        Content of each file by its name.
    """
    if report.csv:
        return report.csv(report)
    plan, tables = report.plan, {table.key: table for table in _list_file_tables(report)}
    streams, resources = ({}, []) if plan is None else stream_plan_folder(plan)
    files = {name: "".join(text) for name, text in streams.items()}
    assert files.keys().isdisjoint(f"{key}.csv" for key in tables), "a table has the name of one of the plan itself"
    names = sorted({*files, *(f"{key}.csv" for key in tables), FILE_LIST})
    descriptions = {f"{key}.csv": table.description for key, table in tables.items()} | {
        FILE_LIST: _FILE_DESCRIPTIONS["tables"]
    }
    listed = tuple((name, descriptions.get(name, _PLAN_DESCRIPTION)) for name in names)
    tables["tables"] = _make_text_columns("tables", ("file", "says"), listed)
    own = {f"{key}.csv": render_table_csv(table) for key, table in tables.items()}
    resources += [describe_resource(f"{key}.csv", table) for key, table in tables.items()]
    if plan is not None:
        parts = {name.removesuffix(".csv"): parse_csv_rows(text) for name, text in own.items()}
        files["plan.csv"] += render_digest_rows(compute_part_digests("csv", parts))
    return {**files, **own, PACKAGE_FILE: render_package(report.title, resources)}


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

    Args:
        path: Folder.

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
