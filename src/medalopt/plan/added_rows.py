"""Extensions as tables of a saved plan, and the schema to validate them when they are read back."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from medalopt.plan.rows import Rows
from medalopt.proof.added import Added
from medalopt.proof.stated_added import OBJECTIVE

Number = Annotated[float, Field(allow_inf_nan=False)]
_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True)
KEYS = 4  # most names of a term


class SavedRow(BaseModel):
    """An extension row `lower <= sum of its terms <= upper` with its dual value; None for an infinite bound."""

    model_config = _STRICT
    name: str
    lower: Number | None
    upper: Number | None
    dual: Number


class SavedTerm(BaseModel):
    """A term of a row, or of the added costs: coefficient times the quantity of a component and key."""

    model_config = _STRICT
    row: str
    component: str
    key: list[str]
    coefficient: Number


class SavedVariable(BaseModel):
    """A user variable with bounds and value."""

    model_config = _STRICT
    name: str
    lower: Number | None
    upper: Number | None
    value: Number


def tables(added: Added) -> dict[str, Rows]:
    """Return extensions as tables of columns.

    Args:
        added: User extensions with their solution.

    Returns:
        Columns by table; empty without extensions.
    """
    if added == Added():
        return {}
    terms = [(row.name, term) for row in added.rows for term in row.terms]
    terms += [(OBJECTIVE, term) for term in added.costs]
    return {
        "added_rows": {
            "name": [row.name for row in added.rows],
            "lower": [_end(row.lower) for row in added.rows],
            "upper": [_end(row.upper) for row in added.rows],
            "dual": [row.dual for row in added.rows],
        },
        "added_terms": {
            "row": [row for row, _ in terms],
            "component": [term.component for _, term in terms],
            "key": [list(term.key) for _, term in terms],
            "coefficient": [term.coefficient for _, term in terms],
        },
        "added_variables": {
            "name": [one.name for one in added.variables],
            "lower": [_end(one.lower) for one in added.variables],
            "upper": [_end(one.upper) for one in added.variables],
            "value": [one.value for one in added.variables],
        },
    }


def csv_tables(added: Added) -> dict[str, Rows]:
    """Return the tables as CSV files hold them: each name of a key in its own column.

    Args:
        added: User extensions with their solution.

    Returns:
        Columns by table; empty without extensions.
    """
    made = tables(added)
    if made:
        keys = made["added_terms"].pop("key")
        split = {f"key{n + 1}": [key[n] if len(key) > n else "" for key in keys] for n in range(KEYS)}
        made["added_terms"] = {**made["added_terms"], **split}
    return made


def from_tables(
    has: Callable[[str], bool], read: Callable[[str, list[str]], list[list[str]]]
) -> dict[str, list[dict[str, Any]]]:
    """Parse extensions from CSV files or sheets.

    Args:
        has: Returns True if a table exists.
        read: Returns the rows of a table, given its name and columns.

    Returns:
        Rows by table, as JSON has them and not yet validated; empty without any of the tables.
    """
    columns = {
        "added_rows": ["name", "lower", "upper", "dual"],
        "added_terms": ["row", "component", "coefficient", *(f"key{n + 1}" for n in range(KEYS))],
        "added_variables": ["name", "lower", "upper", "value"],
    }
    if not any(map(has, columns)):
        return {}
    rows = {table: read(table, names) for table, names in columns.items()}
    return {
        table: [
            {
                "row": row[0],
                "component": row[1],
                "key": [name for name in row[3:] if name],
                "coefficient": _cell(row[2]),
            }
            if table == "added_terms"
            else dict(zip(columns[table], (row[0], *map(_cell, row[1:])), strict=True))
            for row in found
        ]
        for table, found in rows.items()
    }


def _end(value: float) -> float | None:
    """Return a bound, None if infinite."""
    return value if math.isfinite(value) else None


def _cell(cell: str) -> Any:
    """Return a cell as a number if it is one, None if empty."""
    try:
        return float(cell) if cell else None
    except ValueError:
        return cell  # reported by validation
