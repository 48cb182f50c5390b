"""A plan as a folder of CSV: a file for every table, and one with all that is said of the plan as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from medalopt.plan.added_rows import csv_tables
from medalopt.plan.plan import Plan
from medalopt.plan.rows import POOL_TABLES, STOCK_TABLES
from medalopt.proof.marginal import Marginal
from medalopt.report.jsonplan import members
from medalopt.report.rowtext import coded

OPTIONAL = frozenset({"added_rows.csv", "added_terms.csv", "added_variables.csv", "prices_at_lots.csv"}) | {
    f"{table}.csv" for table in (*STOCK_TABLES, *POOL_TABLES)
}
_NOTHING = '""'  # a row of one empty cell: an empty line would be none
_ENDS = frozenset(',"\r\n')
_FORMULA = frozenset("=+-@'\t\r＝＋－＠")  # an apostrophe too: so one can tell which was added


def folder(plan: Plan) -> dict[str, str]:
    """Return the files of the folder, name to text."""
    return {name: "".join(text) for name, text in files(plan).items()}


def digest_rows(digests: Mapping[str, str]) -> str:
    """Return more digests as the rows of `plan.csv` that hold them."""
    return "".join(f"{_quoted(f'digests.{name}')},{value}\n" for name, value in digests.items())


def files(plan: Plan) -> dict[str, Iterator[str]]:
    """Return the files of the folder, name to its text in pieces."""
    content = members(plan)
    duals = content["duals"]
    columns: dict[str, Mapping[str, Sequence[Any]]] = {
        **plan.tables,
        "prices": plan.priced,
        **({"prices_at_lots": _prices(plan.marginals_at_lots)} if plan.lots is not None else {}),
        "duals": {
            "rule": [row["rule"] for row in duals],
            **{f"key{n + 1}": [row["key"][n] if len(row["key"]) > n else "" for row in duals] for n in range(3)},
            "value": [row["value"] for row in duals],
        },
        **csv_tables(plan.added),
        "plan": _summary(content),
    }
    return {f"{name}.csv": csv_pieces(table) for name, table in columns.items()}


def _prices(marginals: Iterable[Marginal]) -> dict[str, list[Any]]:
    rows = list(marginals)
    return {name: [getattr(marginal, name) for marginal in rows] for name in Marginal.COLUMNS}


def _summary(content: Mapping[str, object]) -> dict[str, list[object]]:
    """Everything that is one figure: the objective, the cost by kind, the certificate, the instance it belongs to."""
    rows: list[tuple[str, object]] = []
    for member in ("format", "status", "instance", "objective", "cost", "footprint", "tonnes", "certificate", "solver"):
        rows += _flat(member, content[member])
    rows += _flat("lots", content.get("lots", {}))
    rows += _flat("digests", content["digests"])
    return {"item": [name for name, _ in rows], "value": [value for _, value in rows]}


def _flat(name: str, value: object) -> list[tuple[str, object]]:
    if isinstance(value, dict):
        return [row for key, part in value.items() for row in _flat(f"{name}.{key}", part)]
    return [(name, value)]


def csv_text(columns: Mapping[str, Iterable[Any]]) -> str:
    """Return a table as CSV; text that a spreadsheet would run as a formula is written behind an apostrophe."""
    return "".join(csv_pieces({name: list(column) for name, column in columns.items()}))


def csv_pieces(columns: Mapping[str, Sequence[Any]]) -> Iterator[str]:
    """Yield the same text in pieces."""
    yield f"{','.join(map(_cell, columns))}\n"
    for rows in coded(columns, _cell):
        yield "".join(f"{row or _NOTHING}\n" for row in map(",".join, rows))


def _cell(value: Any) -> str:
    if isinstance(value, str) and value.lstrip()[:1] in _FORMULA:
        return _quoted(f"'{value}")
    return repr(value) if isinstance(value, float) else "" if value is None else _quoted(str(value))


def _quoted(text: str) -> str:
    """Return a cell as it stands beside others: in quotes where it holds what would end it."""
    if not _ENDS.intersection(text):
        return text
    return '"' + text.replace('"', '""') + '"'
