"""CSV: a saved plan as a folder with one file per table, and the rendering of any table of columns as CSV."""

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
_FORMULA = frozenset("=+-@'\t\r＝＋－＠")  # an apostrophe too: the added one can then be told apart


def folder(plan: Plan) -> dict[str, str]:
    """Return a plan as the files of a CSV folder.

    Args:
        plan: Solved plan.

    Returns:
        File name to text.
    """
    return {name: "".join(text) for name, text in files(plan).items()}


def digest_rows(digests: Mapping[str, str]) -> str:
    """Return rows of `plan.csv` that hold further digests.

    Args:
        digests: Name to hexadecimal digest.

    Returns:
        The rows as CSV text, without a header.
    """
    return "".join(f"{_quoted(f'digests.{name}')},{value}\n" for name, value in digests.items())


def files(plan: Plan) -> dict[str, Iterator[str]]:
    """Return the files of a CSV folder as iterators, so that a large table is never held as one string.

    Args:
        plan: Solved plan.

    Returns:
        File name to its text in pieces.
    """
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
    """Return marginal values by column."""
    rows = list(marginals)
    return {name: [getattr(marginal, name) for marginal in rows] for name in Marginal.COLUMNS}


def _summary(content: Mapping[str, object]) -> dict[str, list[object]]:
    """Return all scalars as (item, value): objective, cost by kind, certificate, solver, digests of the instance."""
    rows: list[tuple[str, object]] = []
    for member in ("format", "status", "instance", "objective", "cost", "footprint", "tonnes", "certificate", "solver"):
        rows += _flat(member, content[member])
    rows += _flat("lots", content.get("lots", {}))
    rows += _flat("digests", content["digests"])
    return {"item": [name for name, _ in rows], "value": [value for _, value in rows]}


def _flat(name: str, value: object) -> list[tuple[str, object]]:
    """Return the leaves of nested mappings, each with its dotted path."""
    if isinstance(value, dict):
        return [row for key, part in value.items() for row in _flat(f"{name}.{key}", part)]
    return [(name, value)]


def csv_text(columns: Mapping[str, Iterable[Any]]) -> str:
    """Render a table as CSV, one header line and one line for each row.

    Text that a spreadsheet would evaluate as a formula is prefixed with an apostrophe.

    Args:
        columns: Header to cells; all columns of the same length.

    Returns:
        The CSV text; floats are written with all digits that reading back requires.
    """
    return "".join(csv_pieces({name: list(column) for name, column in columns.items()}))


def csv_pieces(columns: Mapping[str, Sequence[Any]]) -> Iterator[str]:
    """Yield the text of `render_csv` in pieces."""
    yield f"{','.join(map(_cell, columns))}\n"
    for rows in coded(columns, _cell):
        yield "".join(f"{row or _NOTHING}\n" for row in map(",".join, rows))


def _cell(value: Any) -> str:
    """Encode one value as a CSV cell; text that begins like a formula is prefixed with an apostrophe."""
    if isinstance(value, str) and value.lstrip()[:1] in _FORMULA:
        return _quoted(f"'{value}")
    return repr(value) if isinstance(value, float) else "" if value is None else _quoted(str(value))


def _quoted(text: str) -> str:
    """Quote a cell that contains a comma, a quote or a line break."""
    if not _ENDS.intersection(text):
        return text
    return '"' + text.replace('"', '""') + '"'
