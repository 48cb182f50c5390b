"""Frictionless data package: a JSON file that tells the columns of CSV files, their types and units."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from medalopt.report.document import ReportColumn, ReportTable, get_cell_value

PACKAGE_FILE = "datapackage.json"
_MOST_NAME_CHARACTERS = 80


def describe_resource(path: str, table: ReportTable) -> dict[str, Any]:
    """Describe the CSV file of a table.

    Args:
        path: File name.
        table: Table with its columns.

    Returns:
        The resource: types, titles and units of its fields.
    """
    columns = zip(*table.rows, strict=True) if table.rows else [()] * len(table.columns)
    fields = [_describe_column(column, cells) for column, cells in zip(table.columns, columns, strict=True)]
    return _make_resource(path, table.description or table.title, fields)


def describe_columns(
    path: str, columns: Mapping[str, Sequence[Any]], description: str, units: Mapping[str, str]
) -> dict[str, Any]:
    """Describe the CSV file of a table of the plan, whose columns are known by their names.

    Args:
        path: File name.
        columns: Cells by name of the column.
        description: Description of the table.
        units: Unit by name of the column.

    Returns:
        The resource: types and units of its fields.
    """
    fields = [
        {"name": name, "type": _find_type(cells), **({"unit": units[name]} if name in units else {})}
        for name, cells in columns.items()
    ]
    return _make_resource(path, description, fields)


def render_package(title: str, resources: Sequence[Mapping[str, Any]]) -> str:
    """Render the data package of a folder.

    Args:
        title: Title of the report.
        resources: Resources, one for each file.

    Returns:
        The JSON text.
    """
    name = re.sub(r"[^a-z0-9._-]+", "-", title.lower()).strip("-")[:_MOST_NAME_CHARACTERS] or "report"
    package = {"profile": "tabular-data-package", "name": name, "title": title, "resources": list(resources)}
    return json.dumps(package, ensure_ascii=False, indent=1) + "\n"


def _make_resource(path: str, description: str, fields: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "profile": "tabular-data-resource",
        "name": path.removesuffix(".csv").lower(),
        "path": path,
        "description": description,
        "encoding": "utf-8",
        "schema": {"fields": fields, "missingValues": [""]},
    }


def _describe_column(column: ReportColumn, cells: Iterable[Any]) -> dict[str, Any]:
    """Return the field of a column; shares are numbers from 0 to 1."""
    kind = _find_type([get_cell_value(cell) for cell in cells], "string" if column.unit is None else "number")
    unit = {"unit": "1" if column.unit == "%" else column.unit} if column.unit else {}
    return {"name": column.key, "type": kind, "title": column.title or column.key, **unit}


def _find_type(cells: Sequence[Any], empty: str = "string") -> str:
    """Return the Frictionless type of cells; `any` where they are mixed, `empty` where there is none."""
    kinds = {type(cell) for cell in cells} - {type(None)}
    if not kinds:
        return empty
    if kinds <= {int, float}:
        return "integer" if kinds == {int} else "number"
    return "string" if kinds == {str} else "any"
