"""A saved plan read back: JSON, the folder of CSV, or a workbook; hostile until it has the form of a plan."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from medalopt.errors import Fault, InputError
from medalopt.instance.reader.files import Bytes, read
from medalopt.instance.reader.spreadsheet import LARGEST_WORKBOOK, SIGNATURE
from medalopt.plan.added_rows import from_tables
from medalopt.plan.saved_form import OPTIONAL, TABLES, SavedPlan, SavedRefusal, Strict
from medalopt.plan.saved_workbook import Edit, Workbook, hidden
from medalopt.wording import shown

LARGEST = 1 << 30  # bytes of one file of a plan
_MOST_FAULTS, _PATH = 20, 300
PLANS = (".json", ".xlsx")  # endings of files that hold a plan
__all__ = ["PLANS", "Edit", "SavedPlan", "SavedRefusal", "instance_file", "saved_plan", "with_edits"]

Read = Callable[[str, list[str]], list[list[str]]]
"""Takes a table's name and columns, and gives its rows; raises InputError where they are not there."""


def saved_plan(path: Path) -> SavedPlan | SavedRefusal:
    """Return the plan in the JSON file, the folder of CSV or the workbook at `path`, or the answer that there is none.

    Raises InputError where it is none of them.
    """
    return with_edits(path)[0]


def with_edits(path: Path) -> tuple[SavedPlan | SavedRefusal, tuple[Edit, ...]]:
    """Return the plan at `path`, and what a person has changed in it where it is a workbook. Raises InputError."""
    name = shown(str(path), _PATH)
    edits: tuple[Edit, ...] = ()
    if os.path.isdir(path):
        content = _from_folder(path)
    elif (data := _bytes(path)).content.startswith(SIGNATURE):
        book = Workbook.of(data)
        content = _from_tables(f"{name}:{hidden('plan')}", book.has, book.rows)
        book.settle()
        edits = tuple(book.edits)
    elif path.suffix.lower() == ".xlsx":
        why = "is no Excel workbook; give a file that `medalopt plan -o NAME.xlsx` wrote"
        raise InputError([Fault(name, 0, 0, "", why)])
    else:
        content = _from_json(_text(data), name)
    return _formed(content, name), edits


def _formed(content: Any, name: str) -> SavedPlan | SavedRefusal:
    try:
        refused = isinstance(content, dict) and content.get("status") == "infeasible"
        return (SavedRefusal if refused else SavedPlan).model_validate(content)
    except ValidationError as error:
        faults = [
            Fault(name, 0, 0, ".".join(str(step) for step in fault["loc"]), shown(fault["msg"], 200))
            for fault in error.errors()[:_MOST_FAULTS]
        ]
        raise InputError(faults) from error


def instance_file(plan: Path, files: Mapping[str, str]) -> Path | None:
    """Return the instance file that a saved plan names, here or beside the plan; None where it is in neither place."""
    names = [name for name in files if name.endswith((".yaml", ".yml")) and not Path(name).is_absolute()]
    for folder in (Path(), plan.parent):
        for name in names:
            if ".." not in Path(name).parts and os.path.isfile(folder / name):
                return folder / name
    return None


def _bytes(path: Path) -> Bytes:
    reports: list[str] = []
    largest = LARGEST_WORKBOOK if path.suffix.lower() == ".xlsx" else LARGEST
    data = read(path, shown(str(path), _PATH), largest, reports.append)
    if data is None:
        raise InputError([Fault(shown(str(path), _PATH), 0, 0, "", reports[0])])
    return data


def _text(data: Bytes) -> str:
    try:
        return data.content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError([Fault(data.name, 0, 0, "", "is not UTF-8 text; give a plan that medalopt wrote")]) from error


def _from_json(text: str, name: str) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a member comes twice")
        return found

    try:
        return json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        why = f"is not a plan in JSON ({shown(str(error))}); give a file that `medalopt solve -o` wrote"
        raise InputError([Fault(name, 0, 0, "", why)]) from error


def _from_folder(path: Path) -> dict[str, Any]:
    return _from_tables(
        shown(str(path / "plan.csv"), _PATH),
        lambda table: os.path.exists(path / f"{table}.csv"),
        lambda table, columns: _rows(path / f"{table}.csv", columns),
    )


def _from_tables(name: str, has: Callable[[str], bool], read: Read) -> dict[str, Any]:
    content: dict[str, Any] = {"instance": {"files": {}}, "duals": [], **{table: [] for table in TABLES}}
    for item, value in read("plan", ["item", "value"]):
        if not _put(content, item, value):
            why = f"the item {shown(item)} comes twice, or stands within another"
            raise InputError([Fault(name, 0, 0, "", why)])
    for table, model in TABLES.items():
        content[table] = _typed_rows(read, table, model)
    duals = read("duals", ["rule", "key1", "key2", "key3", "value"])
    content["duals"] = [
        {"rule": rule, "key": [part for part in key if part], "value": _number(value)} for rule, *key, value in duals
    ]
    for table, model in OPTIONAL.items():
        if has(table):
            content[table] = _typed_rows(read, table, model)
    return {**content, **from_tables(has, read)}


def _typed_rows(read: Read, table: str, model: type[Strict]) -> list[dict[str, Any]]:
    columns = list(model.model_fields)
    return [_typed(model, dict(zip(columns, row, strict=True))) for row in read(table, columns)]


def _rows(path: Path, columns: list[str]) -> list[list[str]]:
    name = shown(str(path), _PATH)
    try:
        header, *rows = list(csv.reader(io.StringIO(_text(_bytes(path)), newline=""), strict=True))
    except (csv.Error, ValueError) as error:
        raise InputError([Fault(name, 0, 0, "", f"is not a table of a plan ({shown(str(error))})")]) from error
    if header != columns or any(len(row) != len(columns) for row in rows):
        wanted = f"must have the columns {', '.join(columns)}, and each row all of them"
        raise InputError([Fault(name, 1, 0, "", wanted)])
    return [[cell[1:] if cell.startswith("'") else cell for cell in row] for row in rows]


def _put(content: dict[str, Any], item: str, value: str) -> bool:
    """Put a figure of plan.csv where it stands in the JSON object, and return whether that place is free.

    Names may hold dots, members do not.
    """
    parts = item.split(".", 2 if item.startswith("instance.files.") else 1)
    at = content
    for part in parts[:-1]:
        at = at.setdefault(part, {})
        if not isinstance(at, dict):
            return False
    if parts[-1] in at:
        return False
    texts = ("format", "status", "instance", "solver")
    plain = parts[0] in texts or parts[-1] in ("measure", "unit", "arithmetic", "scope", "basis", "exact_value")
    at[parts[-1]] = value if plain else _number(value)
    return True


def _typed(model: type[Strict], row: dict[str, str]) -> dict[str, Any]:
    kinds = {name: field.annotation for name, field in model.model_fields.items()}
    return {
        name: _number(cell) if kinds[name] is float else (None if cell == "" and kinds[name] is not str else cell)
        for name, cell in row.items()
    }


def _number(cell: str) -> Any:
    try:
        return float(cell)
    except ValueError:
        return cell  # the form of a plan says what is wrong with it
