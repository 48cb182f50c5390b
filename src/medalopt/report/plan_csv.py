"""CSV: a saved plan as a folder with one file per table, and the rendering of any table of columns as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from medalopt.plan.plan import Plan
from medalopt.plan.tables import OPTIONAL_TABLE_BUILDERS, build_extension_csv_tables
from medalopt.proof.marginal import MarginalValue
from medalopt.report.atomic_write import FileContent
from medalopt.report.plan_json import build_plan_members, encode_rows
from medalopt.report.render.data_package import PACKAGE_FILE, describe_columns, render_package

OPTIONAL_FILES = frozenset({"added_rows.csv", "added_terms.csv", "added_variables.csv", "prices_at_lots.csv"}) | {
    f"{table}.csv" for table in OPTIONAL_TABLE_BUILDERS
}
PlanColumns = Mapping[str, Mapping[str, Sequence[Any]]]  # cells by name of the column, by name of the table
_EMPTY_ROW = '""'  # a row of one empty cell: an empty line would be none
_QUOTED_CHARACTERS = frozenset(',"\r\n')
_FORMULA_STARTS = frozenset("=+-@'\t\r＝＋－＠")  # an apostrophe too: the added one can then be told apart


def render_csv_folder(plan: Plan) -> dict[str, str]:
    """Return a plan as the files of a CSV folder.

    Args:
        plan: Solved plan.

    Returns:
        File name to text.
    """
    return {name: "".join(text) for name, text in stream_csv_files(plan).items()}


def render_digest_rows(digests: Mapping[str, str]) -> str:
    """Return rows of `plan.csv` that hold further digests.

    Args:
        digests: Name to hexadecimal digest.

    Returns:
        The rows as CSV text, without a header.
    """
    return "".join(f"{_quote_csv_cell(f'digests.{name}')},{value}\n" for name, value in digests.items())


def stream_csv_files(plan: Plan) -> dict[str, Iterator[str]]:
    """Return the files of a CSV folder as iterators, so that a large table is never held as one string.

    Args:
        plan: Solved plan.

    Returns:
        File name to its text in pieces.
    """
    return _stream_files(_list_columns(plan))


def _stream_files(tables: PlanColumns) -> dict[str, Iterator[str]]:
    """Return the text of every file in pieces."""
    return {f"{name}.csv": _stream_csv(table) for name, table in tables.items()}


def stream_plan_folder(plan: Plan) -> tuple[dict[str, Iterator[str]], list[dict[str, Any]]]:
    """Return the files of a CSV folder and their descriptions, from one pass over the plan.

    Args:
        plan: Solved plan.

    Returns:
        File name to its text in pieces; and one resource of a data package for each file.
    """
    tables = _list_columns(plan)
    units = {**_COLUMN_UNITS, "cost": plan.instance.currency, "revenue": plan.instance.currency}
    resources = [
        describe_columns(f"{name}.csv", columns, f"{name.replace('_', ' ')} of the plan", units)
        for name, columns in tables.items()
    ]
    return _stream_files(tables), resources


def render_packaged_folder(plan: Plan) -> dict[str, FileContent]:
    """Return the files of a CSV folder with the data package that describes them.

    Args:
        plan: Solved plan.

    Returns:
        File name to its text, in pieces where it is long.
    """
    files, resources = stream_plan_folder(plan)
    return {**files, PACKAGE_FILE: render_package(plan.instance.title or plan.instance.name, resources)}


_COLUMN_UNITS = {
    **dict.fromkeys(["tonnes", "feed"], "t"),
    **dict.fromkeys(["kg", "bought", "charged", "stock", "returned", "called_back"], "kg"),
    **dict.fromkeys(["used", "surplus", "scrap", "cast"], "kg"),
}


def _list_columns(plan: Plan) -> PlanColumns:
    """Return the columns of every file of a plan."""
    content = build_plan_members(plan)
    duals = content["duals"]
    return {
        **plan.tables,
        "prices": plan.priced,
        **({"prices_at_lots": _tabulate_marginals(plan.marginals_at_lots)} if plan.lots is not None else {}),
        "duals": {
            "rule": [row["rule"] for row in duals],
            **{f"key{n + 1}": [row["key"][n] if len(row["key"]) > n else "" for row in duals] for n in range(3)},
            "value": [row["value"] for row in duals],
        },
        **build_extension_csv_tables(plan.added),
        "plan": _tabulate_summary(content),
    }


def _tabulate_marginals(marginals: Iterable[MarginalValue]) -> dict[str, list[Any]]:
    """Return marginal values by column."""
    rows = list(marginals)
    return {name: [getattr(marginal, name) for marginal in rows] for name in MarginalValue.COLUMNS}


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
        yield "".join(f"{row or _EMPTY_ROW}\n" for row in map(",".join, rows))


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
