"""The sourcing plan as a folder of CSV: the files that `solve` writes, and one for every table and kind of document."""

from __future__ import annotations

from collections.abc import Iterable

from medalopt.plan.plan import Plan
from medalopt.report import csvplan
from medalopt.report.csvplan import csv_text, folder
from medalopt.report.replanning.added import KEYS as ACTUAL
from medalopt.report.sourcing.content import Cell, Column, Content, Document

KEYS = ("award", "bought", "metal_account")  # of all tables and lines of documents
OPTIONAL = csvplan.OPTIONAL | {f"{key}.csv" for key in (*KEYS, *ACTUAL, "documents")}  # of which a folder may hold any


def as_folder(content: Content, plan: Plan) -> dict[str, str]:
    """Return the files of the folder, name to text; `medalopt verify` reads it."""
    files = {**folder(plan), "decision.csv": csv_text({"decision": [*content.decision, *content.foot]})}
    own = {f"{table.key}.csv": _csv(table.columns, table.rows) for table in content.tables}
    lines: dict[str, list[Document]] = {}
    for document in content.documents:
        lines.setdefault(f"{document.lines.key}.csv", []).append(document)
    own |= {name: _lines(documents) for name, documents in lines.items()}
    if content.documents:
        own["documents.csv"] = _documents(content.documents)
    assert files.keys().isdisjoint(own), "a table of the sourcing plan has the name of one of the plan itself"
    return files | own


def _csv(columns: tuple[Column, ...], rows: Iterable[tuple[Cell, ...]]) -> str:
    cells = list(zip(*rows, strict=True)) or [()] * len(columns)
    return csv_text(dict(zip([column.key for column in columns], cells, strict=True)))


def _lines(documents: list[Document]) -> str:
    columns = (Column("document", "Document"), *documents[0].lines.columns)
    return _csv(columns, ((document.number, *row) for document in documents for row in document.lines.rows))


def _documents(documents: tuple[Document, ...]) -> str:
    """Return a row for every field of every document."""
    rows = [
        (document.number, document.kind, document.stamp, part, field, value)
        for document in documents
        for part, pairs in (("party", document.party), ("terms", document.terms))
        for field, value in pairs
    ]
    keys = ("document", "kind", "stamp", "part", "field", "value")
    return _csv(tuple(Column(key, key) for key in keys), rows)
