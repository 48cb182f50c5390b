"""Digests of a saved plan: SHA-256 of the canonical form of each of its tables, stored in the file itself.

A digest detects a table altered after writing. It is no signature, since anyone can compute it for an altered table;
therefore `proof.verdict` and `report.sourcing.table_verification` also derive every value from the decisions.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from pydantic_core import to_json

SCALARS_PART = "plan"  # name of the digest of the scalar members: objective, cost by kind, certificate, instance
SCALAR_MEMBERS = (
    "format",
    "status",
    "instance",
    "objective",
    "cost",
    "footprint",
    "tonnes",
    "lots",
    "certificate",
    "solver",
)
PART_PREFIXES = {"json": "sourcing.", "csv": "file.", "xlsx": "sheet."}  # prefix of a part's name, by file format


_ENCODED_AT_ONCE = 10_000  # numbers of a column
_ESCAPED = frozenset('"\\')  # printable ASCII that JSON escapes


class FormulaValue(float):
    """Number of a sheet that is computed by a formula."""

    formula: str

    @classmethod
    def of(cls, value: float, formula: str) -> FormulaValue:
        """Return a value with the text of its formula.

        Args:
            value: Computed value.
            formula: Formula as in the sheet.
        """
        digest = cls(value)
        digest.formula = formula
        return digest


def join_floats(values: Sequence[float]) -> str | None:
    """Write floats as `repr` does, by pydantic in a fifth of the time.

    Returns:
        Texts separated by commas; None where one is not finite.
    """
    size = np.abs(np.fromiter(values, dtype=np.float64, count=len(values)))
    other = np.flatnonzero(~((size == 0) | ((size >= 1e-4) & (size < 1e16))))  # written with an exponent
    if not np.isfinite(size[other]).all():
        return None
    text = to_json(values)[1:-1].decode("ascii")
    if not len(other):
        return text
    cells = text.split(",")
    for number in other.tolist():
        cells[number] = repr(values[number])
    return ",".join(cells)


TableColumns = Mapping[str, Sequence[Any]]


def compute_digest(content: Any) -> str:
    """Return the SHA-256 of the canonical form: sorted keys, numbers as doubles, no empty values.

    Returns:
        Hexadecimal digest.

    Raises:
        ValueError: A number is not finite.
        RecursionError: The content is nested too deeply.
    """
    return hashlib.sha256(_encode(_canonicalize(content)).encode("ascii")).hexdigest()


def _digest_columns(columns: TableColumns) -> str:
    """Return the digest of a table given by columns, row order included; its text is passed on column by column."""
    digest = hashlib.sha256(b"{")
    for number, name in enumerate(sorted(columns)):
        digest.update(f"{',' if number else ''}{json.dumps(name)}:".encode("ascii"))
        digest.update(_encode_column(columns[name]).encode("ascii"))
    digest.update(b"}")
    return digest.hexdigest()


def _encode_column(column: Sequence[Any]) -> str:
    """Return the canonical JSON text of a column; a text that occurs in many rows is encoded once."""
    kinds = set(map(type, column))
    if kinds <= {str, type(None)}:
        together = "".join(filter(None, set(column)))
        if together.isascii() and together.isprintable() and not _ESCAPED.intersection(together):
            return to_json(list(column)).decode("ascii")
    if kinds == {str}:
        texts = {cell: json.dumps(cell) for cell in set(column)}
        return f"[{','.join(map(texts.__getitem__, column))}]"
    if kinds == {float}:
        starts = range(0, len(column), _ENCODED_AT_ONCE)
        parts = [column[start : start + _ENCODED_AT_ONCE] for start in starts]
        return f"[{','.join(join_floats(part) or _encode(part)[1:-1] for part in parts)}]"
    plain = kinds <= {str, float, type(None)}
    return _encode(column if plain else [_canonicalize(cell) for cell in column])


def compute_plan_digests(totals: Mapping[str, Any], tables: Mapping[str, TableColumns]) -> dict[str, str]:
    """Return the digests of a plan: one of its scalar members, one of every table with rows.

    Digests of the input files are left out: reordered input gives the same plan, and `verify` checks the
    parameters against the instance.

    Returns:
        Digest by name.
    """
    plain = {name: totals[name] for name in SCALAR_MEMBERS if name in totals}
    if isinstance(plain.get("instance"), Mapping):
        plain["instance"] = {name: one for name, one in plain["instance"].items() if name != "files"}
    result = {SCALARS_PART: compute_digest(plain)}
    return result | {name: _digest_columns(table) for name, table in tables.items() if any(map(len, table.values()))}


def compute_part_digests(form: str, parts: Mapping[str, Any]) -> dict[str, str]:
    """Return the digests of the parts of a sourcing plan.

    Args:
        form: File format, a key of `PART_PREFIXES`.
        parts: Content by name: JSON values, or rows of a file or sheet.

    Returns:
        Digest by name, with the prefix of the format.
    """
    return {
        f"{PART_PREFIXES[form]}{name}": compute_digest(part if form != "xlsx" else _canonicalize_sheet(part))
        for name, part in parts.items()
    }


def split_sourcing_parts(sourcing: Mapping[str, Any]) -> dict[str, Any]:
    """Split the JSON member `sourcing` into parts: each table, each document, and the remaining members.

    Args:
        sourcing: The JSON member.

    Returns:
        Content by name.
    """
    named = {name: part for name, part in sourcing.items() if name not in ("tables", "documents")}
    named |= {f"tables.{key}": table for key, table in sourcing.get("tables", {}).items()}
    return named | {f"documents.{number}": one for number, one in enumerate(sourcing.get("documents", ()), start=1)}


def _canonicalize_sheet(rows: Iterable[Iterable[Any]]) -> list[list[Any]]:
    """Return the cells of a sheet in canonical form: sorted rows, numbers with 16 digits, single spaces.

    The form is invariant under sorting a table and under saving by another program.
    """
    kept = [_trim_row([_canonical_cell(cell) for cell in row]) for row in rows]
    return sorted((row for row in kept if row), key=json.dumps)


def normalize_formula(text: str) -> str:
    """Return a formula in canonical form: without spaces, in lower case, with single brackets.

    Returns:
        Text that is equal for all programs that save the formula.
    """
    bare = "".join(text.split()).casefold().removeprefix("=").replace("[#data],", "")
    return bare.replace("[[", "[").replace("]]", "]")


def _canonical_cell(cell: Any) -> Any:
    """Return a cell in canonical form."""
    if isinstance(cell, FormulaValue):
        return [_canonical_cell(float(cell)), normalize_formula(cell.formula)]
    if isinstance(cell, str):
        return " ".join(cell.split())
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return f"{float(cell):.16G}"
    return cell if cell is None or isinstance(cell, bool) else repr(cell)


def _trim_row(row: list[Any]) -> list[Any]:
    """Return a row without trailing empty cells."""
    while row and row[-1] in (None, ""):
        row.pop()
    return [None if cell == "" else cell for cell in row]


def _canonicalize(content: Any) -> Any:
    """Return a JSON value in canonical form."""
    if isinstance(content, int) and not isinstance(content, bool):
        return float(content)
    if isinstance(content, Mapping):
        return {name: _canonicalize(one) for name, one in content.items() if one is not None and one != ""}
    if isinstance(content, list | tuple):
        return [_canonicalize(one) for one in content]
    return content


def _encode(content: Any) -> str:
    """Return a canonical JSON value as compact text."""
    return json.dumps(content, sort_keys=True, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
