"""Reader of saved plans: JSON, a folder of CSV files, or a workbook; input is untrusted until validated."""

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
_MAY_CONTROL = re.compile(rf"{_CONTROL.pattern}|\\[bf]|\\u(?:00[01789]|202|206|[dD][89a-fA-F])")  # also as JSON escapes
PLANS = (".json", ".xlsx")  # suffixes of files with a plan
__all__ = ["PLANS", "Edit", "SavedFile", "SavedPlan", "SavedRefusal", "instance_file", "read_file", "saved_plan"]

Read = Callable[[str, list[str]], list[list[str]]]
"""Takes a table's name and columns, and gives its rows; raises InputError where they are not there."""


def saved_plan(path: Path) -> SavedPlan | SavedRefusal:
    """Read a saved plan or statement of infeasibility.

    Args:
        path: JSON file, folder of CSV files or workbook.

    Returns:
        The validated content; its claims are not verified.

    Raises:
        InputError: The file cannot be read or is no plan.
    """
    return read_file(path, parts=False).plan


@dataclass(frozen=True)
class SavedFile:
    """Content of a saved file or folder: plan, edits by a user, and the parts of the sourcing plan by name.

    `form` is `json`, `csv` or `xlsx`; a part is a JSON value, the rows of a file or the rows of a sheet.
    """

    plan: SavedPlan | SavedRefusal
    form: str
    edits: tuple[Edit, ...] = ()
    parts: Mapping[str, Any] = field(default_factory=dict)


def read_file(path: Path, *, parts: bool = True) -> SavedFile:
    """Read a saved plan from a file or folder.

    Args:
        path: JSON file, folder of CSV files or workbook.
        parts: Also return the parts of its sourcing plan.

    Returns:
        The content.

    Raises:
        InputError: The file cannot be read or is no plan.
    """
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
    """Read a saved plan from the bytes of a JSON file.

    Args:
        data: Bytes and name of the file.
        parts: Also return the parts of its sourcing plan.

    Returns:
        The content.

    Raises:
        InputError: The bytes are no plan.
    """
    content = _from_json(_text(data), data.name)
    plan = _formed(content, data.name)
    told = isinstance(plan, SavedPlan) and plan.sourcing is not None and parts
    return SavedFile(plan, "json", parts=sourcing_parts(content["sourcing"]) if told else {})


def read_book(data: Bytes | Spreadsheet, *, parts: bool = True) -> SavedFile:
    """Read a saved plan from a workbook.

    Args:
        data: Bytes and name of the file, or its cells.
        parts: Also return the visible sheets.

    Returns:
        The content, with the edits by a user.

    Raises:
        InputError: The workbook is no plan or contains an invalid cell.
    """
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
    """Return the validated plan; an error is located by `place`, such as a cell, given its path."""
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
    """Find the instance file that a saved plan names, in the working folder or beside the plan.

    Args:
        plan: Path of the plan.
        files: Digests by file name, as in the plan.

    Returns:
        The path, or None if there is none.
    """
    names = [name for name in files if name.endswith((".yaml", ".yml")) and not Path(name).is_absolute()]
    for folder in (Path(), plan.parent):
        for name in names:
            if ".." not in Path(name).parts and os.path.isfile(folder / name):
                return folder / name
    return None


def _bytes(path: Path) -> Bytes:
    """Return the bytes of a file. Raises InputError."""
    reports: list[str] = []
    largest = LARGEST_WORKBOOK if path.suffix.lower() == ".xlsx" else MAX_PLAN_BYTES
    data = read(path, shown(str(path), _PATH), largest, reports.append)
    if data is None:
        raise InputError([Fault(shown(str(path), _PATH), 0, 0, "", reports[0])])
    return data


def _text(data: Bytes) -> str:
    """Return bytes decoded as UTF-8. Raises InputError."""
    try:
        return data.content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError([Fault(data.name, 0, 0, "", "is not UTF-8 text; give a plan that medalopt wrote")]) from error


def _from_json(text: str, name: str) -> Any:
    """Return the JSON content, without duplicate members, non-finite numbers and control characters."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Return an object. Raises ValueError for a duplicate member."""
        found = dict(pairs)
        if len(found) < len(pairs):
            twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
            raise ValueError(f"the member `{shown(twice)}` comes twice")
        return found

    def refuse(constant: str) -> NoReturn:
        """Raise ValueError for a constant such as NaN."""
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
    """Yield every string of a JSON value, keys included, with its path."""
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
    """Raise InputError for a string with control characters, which could mislead a terminal or a reader."""
    why = "holds a control character ({}); no plan that medalopt writes has one"
    found = ((path, _CONTROL.search(text)) for path, text in strings)
    faults = [
        Fault(name, 0, 0, shown(path, 200), why.format(shown(hit.group()))) for path, hit in found if hit is not None
    ]
    if faults:
        raise InputError(faults[:_MOST_FAULTS])


def _files(folder: Path) -> dict[str, list[list[str]]]:
    """Return the rows of every CSV file in the folder that is not a table of the plan itself."""
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
    """Return the JSON content of a folder of CSV files."""
    return _from_tables(
        shown(str(path / "plan.csv"), _PATH),
        lambda table: os.path.exists(path / f"{table}.csv"),
        lambda table, columns: _rows(path / f"{table}.csv", columns),
    )


def _from_tables(name: str, has: Callable[[str], bool], read: Read) -> dict[str, Any]:
    """Return the JSON content of a plan given by tables."""
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
    """Return the rows of a table with the types of its model."""
    columns = list(model.model_fields)
    return [_typed(model, dict(zip(columns, row, strict=True))) for row in read(table, columns)]


def _rows(path: Path, columns: list[str]) -> list[list[str]]:
    """Return the rows of a CSV file with the given columns. Raises InputError."""
    name, (header, *rows) = shown(str(path), _PATH), _table(path) or [[]]
    if header != columns or any(len(row) != len(columns) for row in rows):
        wanted = f"must have the columns {', '.join(columns)}, and each row all of them"
        raise InputError([Fault(name, 1, 0, "", wanted)])
    return [[cell[1:] if cell.startswith("'") else cell for cell in row] for row in rows]


def _table(path: Path) -> list[list[str]]:
    """Return the raw cells of a CSV file. Raises InputError."""
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
    """Parse a table in CSV.

    Args:
        text: Content of the file.

    Returns:
        Cells by row.

    Raises:
        csv.Error: The text is no valid CSV.
    """
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def _put(content: dict[str, Any], item: str, value: str) -> bool:
    """Insert an item of plan.csv at its path in the JSON object; return False if the path is taken.

    Names may contain dots, members do not.
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
    """Return a row with numbers and missing values by the types of its model."""
    kinds = {name: field.annotation for name, field in model.model_fields.items()}
    return {
        name: _number(cell) if kinds[name] is float else (None if cell == "" and kinds[name] is not str else cell)
        for name, cell in row.items()
    }


def _number(cell: str) -> Any:
    """Return a cell as a number if it is one."""
    try:
        return float(cell)
    except ValueError:
        return cell  # reported by validation
