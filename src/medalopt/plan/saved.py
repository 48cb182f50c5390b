"""A saved plan read back: JSON, the folder of CSV, or a workbook; hostile until it has the form of a plan."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError

from medalopt.errors import Fault, InputError
from medalopt.instance.reader.files import Bytes, read
from medalopt.instance.reader.limits import MAX_CELLS, MAX_PLAN_BYTES, MAX_PLAN_FILES, MAX_PLAN_VALUES
from medalopt.instance.reader.spreadsheet import LARGEST_WORKBOOK, SIGNATURE, Spreadsheet
from medalopt.plan.added_rows import from_tables
from medalopt.plan.digests import FIGURES, PLAN_TABLES, sourcing_parts
from medalopt.plan.saved_form import OPTIONAL, TABLES, SavedPlan, SavedRefusal, Strict
from medalopt.plan.saved_workbook import Edit, Workbook, hidden
from medalopt.wording import shown

_MOST_FAULTS, _PATH = 20, 300
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_MAY_CONTROL = re.compile(rf"{_CONTROL.pattern}|\\[bf]|\\u(?:00[01789]|202|206|[dD][89a-fA-F])")  # as JSON has them
PLANS = (".json", ".xlsx")  # endings of files that hold a plan
__all__ = ["PLANS", "Edit", "SavedFile", "SavedPlan", "SavedRefusal", "instance_file", "read_file", "saved_plan"]

Read = Callable[[str, list[str]], list[list[str]]]
"""Takes a table's name and columns, and gives its rows; raises InputError where they are not there."""


def saved_plan(path: Path) -> SavedPlan | SavedRefusal:
    """Return the plan in the JSON file, the folder of CSV or the workbook at `path`, or the answer that there is none.

    Raises InputError where it is none of them.
    """
    return read_file(path, parts=False).plan


@dataclass(frozen=True)
class SavedFile:
    """What was read of a file, or folder: the plan, what a person changed, and the parts of the sourcing plan by name.

    `form` is `json`, `csv` or `xlsx`; a part is a JSON value, the rows of a file or the rows of a sheet.
    """

    plan: SavedPlan | SavedRefusal
    form: str
    edits: tuple[Edit, ...] = ()
    parts: Mapping[str, Any] = field(default_factory=dict)


def read_file(path: Path, *, parts: bool = True) -> SavedFile:
    """Return what is saved at `path`, with the `parts` of its sourcing plan or without. Raises InputError."""
    name = shown(str(path), _PATH)
    if os.path.isdir(path):
        plan = _formed(_from_folder(path), name)
        return SavedFile(plan, "csv", parts=_files(path) if parts else {})
    if (data := _bytes(path)).content.startswith(SIGNATURE):
        return read_book(data, parts=parts)
    if path.suffix.lower() == ".xlsx":
        why = "is no Excel workbook; give a file that `medalopt plan -o NAME.xlsx` wrote"
        raise InputError([Fault(name, 0, 0, "", why)])
    return read_json(data, parts=parts)


def read_json(data: Bytes, *, parts: bool = True) -> SavedFile:
    """Return the plan in the bytes of a JSON file. Raises InputError."""
    content = _from_json(_text(data), data.name)
    plan = _formed(content, data.name)
    told = isinstance(plan, SavedPlan) and plan.sourcing is not None and parts
    return SavedFile(plan, "json", parts=sourcing_parts(content["sourcing"]) if told else {})


def read_book(data: Bytes | Spreadsheet, *, parts: bool = True) -> SavedFile:
    """Return the plan in the bytes of a workbook, or in its cells. Raises InputError."""
    book = Workbook.of(data)
    _refuse_controls(data.name, book.texts())
    book.check_formulas()
    content = _from_tables(f"{data.name}:{hidden('plan')}", book.has, book.rows)
    book.settle()
    plan = _formed(content, data.name, book.cell_of)
    return SavedFile(plan, "xlsx", tuple(book.edits), book.visible if parts else {})


def _formed(
    content: Any, name: str, place: Callable[[tuple[str | int, ...]], str] = lambda path: ""
) -> SavedPlan | SavedRefusal:
    """Return the plan that `content` is; a fault has the place, such as a cell, that `place` has for its path."""
    try:
        refused = isinstance(content, dict) and content.get("status") == "infeasible"
        return (SavedRefusal if refused else SavedPlan).model_validate(content)
    except ValidationError as error:
        faults = [
            Fault(
                name + place(fault["loc"]), 0, 0, shown(".".join(map(str, fault["loc"])), 200), shown(fault["msg"], 200)
            )
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
    largest = LARGEST_WORKBOOK if path.suffix.lower() == ".xlsx" else MAX_PLAN_BYTES
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
            twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
            raise ValueError(f"the member `{shown(twice)}` comes twice")
        return found

    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is no number")

    try:
        if sum(map(text.count, "[{,:")) > MAX_PLAN_VALUES:
            raise ValueError(f"it holds more than {MAX_PLAN_VALUES:_} values")
        content = json.loads(text, object_pairs_hook=once, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        why = f"is not a plan in JSON ({shown(str(error), 120)}); give a file that `medalopt solve -o` wrote"
        raise InputError([Fault(name, 0, 0, "", why)]) from error
    if _MAY_CONTROL.search(text):
        _refuse_controls(name, _strings(content, ()))
    return content


def _strings(content: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield every string of `content`, keys too, with its path."""
    if isinstance(content, str):
        yield ".".join(path), content
    elif isinstance(content, dict):
        for key, value in content.items():
            yield ".".join((*path, key)), key
            yield from _strings(value, (*path, key))
    elif isinstance(content, list):
        for number, value in enumerate(content):
            yield from _strings(value, (*path, str(number)))


def _refuse_controls(name: str, strings: Iterable[tuple[str, str]]) -> None:
    """Raise InputError where a string holds what a terminal, or a reader's eye, would be led by."""
    why = "holds a control character ({}); no plan that medalopt writes has one"
    found = ((path, _CONTROL.search(text)) for path, text in strings)
    faults = [
        Fault(name, 0, 0, shown(path, 200), why.format(shown(hit.group()))) for path, hit in found if hit is not None
    ]
    if faults:
        raise InputError(faults[:_MOST_FAULTS])


def _files(folder: Path) -> dict[str, list[list[str]]]:
    """Return the rows of every file of CSV in the folder of a sourcing plan that is none of the plan itself."""
    own = {f"{name}.csv" for name in (FIGURES, *PLAN_TABLES)}
    try:
        names = sorted({entry.name for entry in folder.iterdir() if entry.suffix == ".csv"} - own)
    except OSError as error:
        why = f"cannot be read: {shown(error.strerror or type(error).__name__)}"
        raise InputError([Fault(shown(str(folder), _PATH), 0, 0, "", why)]) from error
    if len(names) > MAX_PLAN_FILES:
        why = f"holds more than {MAX_PLAN_FILES:_} tables; name the folder of a plan"
        raise InputError([Fault(shown(str(folder), _PATH), 0, 0, "", why)])
    return {name.removesuffix(".csv"): _table(folder / name) for name in names}


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
    name, (header, *rows) = shown(str(path), _PATH), _table(path) or [[]]
    if header != columns or any(len(row) != len(columns) for row in rows):
        wanted = f"must have the columns {', '.join(columns)}, and each row all of them"
        raise InputError([Fault(name, 1, 0, "", wanted)])
    return [[cell[1:] if cell.startswith("'") else cell for cell in row] for row in rows]


def _table(path: Path) -> list[list[str]]:
    """Return the rows of a table in CSV, each cell as it stands. Raises InputError."""
    name, text = shown(str(path), _PATH), _text(_bytes(path))
    try:
        if text.count(",") + text.count("\n") > MAX_CELLS:
            raise ValueError(f"it has more than {MAX_CELLS:_} cells")
        rows = read_rows(text)
    except (csv.Error, ValueError) as error:
        raise InputError([Fault(name, 0, 0, "", f"is not a table of a plan ({shown(str(error))})")]) from error
    if _CONTROL.search(text):
        _refuse_controls(name, ((str(line), cell) for line, row in enumerate(rows, start=1) for cell in row))
    return rows


def read_rows(text: str) -> list[list[str]]:
    """Return the rows of a table in CSV. Raises csv.Error."""
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


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
    texts = ("format", "status", "instance", "solver", "digests")
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
