"""Report as a folder of CSV: the files of `solve`, and one for every table and kind of document."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from pathlib import Path

from medalopt.instance.reader.files import read
from medalopt.plan.digests import digest_parts
from medalopt.plan.plan import Plan
from medalopt.plan.saved import read_rows
from medalopt.report import csvplan
from medalopt.report.csvplan import csv_text, digest_rows, folder
from medalopt.report.sourcing.content import Cell, Column, Content, Document

LIST = "tables.csv"  # description of each file
_LARGEST = 1 << 20  # of the list
_OWN_NAME = re.compile(r"[A-Za-z0-9_]+\.csv")
_PLAN = "the plan itself, as `medalopt solve` writes it"


def as_folder(content: Content, plan: Plan) -> dict[str, str]:
    """Render the report as CSV files, which `medalopt verify` reads.

    Args:
        content: Report to render.
        plan: Plan of the report.

    Returns:
        Text of each file by its name.
    """
    files = {**folder(plan), "decision.csv": csv_text({"decision": [*content.decision, *content.foot]})}
    own = {f"{table.key}.csv": _csv(table.columns, table.rows) for table in content.tables}
    lines: dict[str, list[Document]] = {}
    for document in content.documents:
        lines.setdefault(f"{document.lines.key}.csv", []).append(document)
    own |= {name: _lines(documents) for name, documents in lines.items()}
    if content.documents:
        own["documents.csv"] = _documents(content.documents)
    assert files.keys().isdisjoint(own), "a table of the sourcing plan has the name of one of the plan itself"
    told = {f"{table.key}.csv": table.says for table in (*content.tables, *(one.lines for one in content.documents))}
    every = sorted({*files, *own, LIST})
    listed = {"file": every, "says": [told.get(name, _SAYS.get(name, _PLAN)) for name in every]}
    own |= {"decision.csv": files.pop("decision.csv"), LIST: csv_text(listed)}
    digests = digest_parts("csv", {name.removesuffix(".csv"): read_rows(text) for name, text in own.items()})
    return {**files, "plan.csv": files["plan.csv"] + digest_rows(digests), **own}


_SAYS = {
    "decision.csv": "The decision on one page, and what it rests on.",
    "documents.csv": "Party and terms of every document; its lines stand in the files of its kind.",
    LIST: "What stands in which file.",
}


def replaceable(path: Path) -> frozenset[str]:
    """Return the file names of an earlier report that may be replaced in a folder.

    Args:
        path: Folder.

    Returns:
        File names that the folder's `tables.csv` lists, and the optional files of a plan.
    """
    listed = read(path / LIST, LIST, _LARGEST, lambda message: None)
    text = listed.content.decode("utf-8", "replace") if listed else ""
    found = {row[0] for row in csv.reader(io.StringIO(text, newline="")) if row and _OWN_NAME.fullmatch(row[0])}
    return csvplan.OPTIONAL | found


def _csv(columns: tuple[Column, ...], rows: Iterable[tuple[Cell, ...]]) -> str:
    cells = list(zip(*rows, strict=True)) or [()] * len(columns)
    return csv_text(dict(zip([column.key for column in columns], cells, strict=True)))


def _lines(documents: list[Document]) -> str:
    columns = (Column("document", "Document"), *documents[0].lines.columns)
    return _csv(columns, ((document.number, *row) for document in documents for row in document.lines.rows))


def _documents(documents: tuple[Document, ...]) -> str:
    """Return one row for every field of every document."""
    rows = [
        (document.number, document.kind, document.stamp, part, field, value)
        for document in documents
        for part, pairs in (("party", document.party), ("terms", document.terms))
        for field, value in pairs
    ]
    keys = ("document", "kind", "stamp", "part", "field", "value")
    return _csv(tuple(Column(key, key) for key in keys), rows)
