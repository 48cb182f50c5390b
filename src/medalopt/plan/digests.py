"""Digests of a saved plan: SHA-256 over a canonical form of each of its tables, carried by the file itself.

A digest shows that a table was altered after it was written. It is no signature: whoever alters a table can write its
digest anew, so whatever follows from the decisions is derived again besides (`proof.verdict`, `report.recheck`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

FIGURES = "plan"  # all that is no table: the objective, the cost by kind, the certificate, the instance
SCALARS = ("format", "status", "instance", "objective", "cost", "footprint", "tonnes", "lots", "certificate", "solver")
PLAN_TABLES = (
    *("shipments", "stockpiles", "purchases", "metals", "melts", "casts", "prices", "prices_at_lots", "duals"),
    *("offer_stock", "offer_charges", "withheld", "added_rows", "added_terms", "added_variables"),
)
PARTS = {"json": "sourcing.", "csv": "file.", "xlsx": "sheet."}  # what names the parts of a sourcing plan, by form


class Calculated(float):
    """A number of a sheet that a formula gives."""

    formula: str

    @classmethod
    def of(cls, value: float, formula: str) -> Calculated:
        """Return `value`, with the text of its formula."""
        made = cls(value)
        made.formula = formula
        return made


Columns = Mapping[str, Sequence[Any]]


def digest(content: Any) -> str:
    """Return the SHA-256 of `content` in canonical form: keys in order, numbers as doubles, nothing that is empty.

    Raises ValueError where a number is not finite, RecursionError where the content is nested too deeply.
    """
    return _sha256(_canonical(content))


def digest_columns(columns: Columns) -> str:
    """Return the digest of a table by its columns, its rows in their order."""
    plain = {str, float, type(None)}
    return _sha256(
        {
            name: column if set(map(type, column)) <= plain else [_canonical(cell) for cell in column]
            for name, column in columns.items()
        }
    )


def digest_plan(figures: Mapping[str, Any], tables: Mapping[str, Columns]) -> dict[str, str]:
    """Return the digests of a plan by name: of its `figures`, and of every table that has rows.

    The digests of the files are left out: the same figures in another order give the same plan but for them, and
    `verify` holds the figures against the instance.
    """
    plain = {name: figures[name] for name in SCALARS if name in figures}
    if isinstance(plain.get("instance"), Mapping):
        plain["instance"] = {name: one for name, one in plain["instance"].items() if name != "files"}
    found = {FIGURES: digest(plain)}
    return found | {name: digest_columns(table) for name, table in tables.items() if any(map(len, table.values()))}


def digest_parts(form: str, parts: Mapping[str, Any]) -> dict[str, str]:
    """Return the digests of the parts of a sourcing plan that is written in `form` (a key of `PARTS`)."""
    return {
        f"{PARTS[form]}{name}": digest(part if form != "xlsx" else sheet_rows(part)) for name, part in parts.items()
    }


def sourcing_parts(sourcing: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of the JSON member `sourcing`: each table, each document, and the prose."""
    named = {name: part for name, part in sourcing.items() if name not in ("tables", "documents")}
    named |= {f"tables.{key}": table for key, table in sourcing.get("tables", {}).items()}
    return named | {f"documents.{number}": one for number, one in enumerate(sourcing.get("documents", ()), start=1)}


def sheet_rows(rows: Iterable[Iterable[Any]]) -> list[list[Any]]:
    """Return the cells of a sheet in canonical form: in any order of its rows, numbers of 16 digits, single spaces.

    So it stays the same where a person sorts a table, or another program saves the workbook.
    """
    kept = [_trimmed([_cell(cell) for cell in row]) for row in rows]
    return sorted((row for row in kept if row), key=json.dumps)


def plain_formula(text: str) -> str:
    """Return a formula as programs that save it may differ: without spaces, in small letters, with single brackets."""
    bare = "".join(text.split()).casefold().removeprefix("=").replace("[#data],", "")
    return bare.replace("[[", "[").replace("]]", "]")


def _cell(cell: Any) -> Any:
    if isinstance(cell, Calculated):
        return [_cell(float(cell)), plain_formula(cell.formula)]
    if isinstance(cell, str):
        return " ".join(cell.split())
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return f"{float(cell):.16G}"
    return cell if cell is None or isinstance(cell, bool) else repr(cell)


def _trimmed(row: list[Any]) -> list[Any]:
    while row and row[-1] in (None, ""):
        row.pop()
    return [None if cell == "" else cell for cell in row]


def _canonical(content: Any) -> Any:
    if isinstance(content, int) and not isinstance(content, bool):
        return float(content)
    if isinstance(content, Mapping):
        return {name: _canonical(one) for name, one in content.items() if one is not None and one != ""}
    if isinstance(content, list | tuple):
        return [_canonical(one) for one in content]
    return content


def _sha256(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()
