"""Report as a folder of CSV: the files of `solve`, and one for every table and kind of document."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from pathlib import Path

from medalopt.instance.reader.files import read_file
from medalopt.plan.digests import compute_part_digests
from medalopt.plan.plan import Plan
from medalopt.plan.reader import parse_csv_rows
from medalopt.report.document import CellValue, OrderDocument, Report, ReportColumn
from medalopt.report.plan_csv import OPTIONAL_FILES, render_csv, render_csv_folder, render_digest_rows

FILE_LIST = "tables.csv"  # description of each file
_MOST_LIST_BYTES = 1 << 20  # of the list
_FILE_NAME_PATTERN = re.compile(r"[A-Za-z0-9_]+\.csv")
_PLAN_DESCRIPTION = "the plan itself, as `medalopt solve` writes it"


def render_report_csv(content: Report, plan: Plan) -> dict[str, str]:
    """Render the report as CSV files, which `medalopt verify` reads.

    Args:
        content: Report to render.
        plan: Plan of the report.

    Returns:
        Text of each file by its name.
    """
    files = {**render_csv_folder(plan), "decision.csv": render_csv({"decision": [*content.decision, *content.foot]})}
    own = {f"{table.key}.csv": _encode_rows(table.columns, table.rows) for table in content.tables}
    lines: dict[str, list[OrderDocument]] = {}
    for document in content.documents:
        lines.setdefault(f"{document.lines.key}.csv", []).append(document)
    own |= {name: _encode_lines(documents) for name, documents in lines.items()}
    if content.documents:
        own["documents.csv"] = _encode_documents(content.documents)
    assert files.keys().isdisjoint(own), "a table of the sourcing plan has the name of one of the plan itself"
    told = {f"{table.key}.csv": table.says for table in (*content.tables, *(one.lines for one in content.documents))}
    every = sorted({*files, *own, FILE_LIST})
    listed = {
        "file": every,
        "says": [told.get(name, _FILE_DESCRIPTIONS.get(name, _PLAN_DESCRIPTION)) for name in every],
    }
    own |= {"decision.csv": files.pop("decision.csv"), FILE_LIST: render_csv(listed)}
    digests = compute_part_digests(
        "csv", {name.removesuffix(".csv"): parse_csv_rows(text) for name, text in own.items()}
    )
    return {**files, "plan.csv": files["plan.csv"] + render_digest_rows(digests), **own}


_FILE_DESCRIPTIONS = {
    "decision.csv": "The decision on one page, and what it rests on.",
    "documents.csv": "Party and terms of every document; its lines stand in the files of its kind.",
    FILE_LIST: "What stands in which file.",
}


def list_replaceable_files(path: Path) -> frozenset[str]:
    """Return the file names of an earlier report that may be replaced in a folder.

    Args:
        path: Folder.

    Returns:
        File names that the folder's `tables.csv` lists, and the optional files of a plan.
    """
    listed = read_file(path / FILE_LIST, FILE_LIST, _MOST_LIST_BYTES, lambda message: None)
    text = listed.content.decode("utf-8", "replace") if listed else ""
    found = {
        row[0] for row in csv.reader(io.StringIO(text, newline="")) if row and _FILE_NAME_PATTERN.fullmatch(row[0])
    }
    return OPTIONAL_FILES | found


def _encode_rows(columns: tuple[ReportColumn, ...], rows: Iterable[tuple[CellValue, ...]]) -> str:
    cells = list(zip(*rows, strict=True)) or [()] * len(columns)
    return render_csv(dict(zip([column.key for column in columns], cells, strict=True)))


def _encode_lines(documents: list[OrderDocument]) -> str:
    columns = (ReportColumn("document", "Document"), *documents[0].lines.columns)
    return _encode_rows(columns, ((document.number, *row) for document in documents for row in document.lines.rows))


def _encode_documents(documents: tuple[OrderDocument, ...]) -> str:
    """Return one row for every field of every document."""
    rows = [
        (document.number, document.kind, document.stamp, part, field, value)
        for document in documents
        for part, pairs in (("party", document.party), ("terms", document.terms))
        for field, value in pairs
    ]
    keys = ("document", "kind", "stamp", "part", "field", "value")
    return _encode_rows(tuple(ReportColumn(key, key) for key in keys), rows)
