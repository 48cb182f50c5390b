"""Reader of saved plans: JSON, a folder of CSV files, or a workbook; input is untrusted until validated."""

from __future__ import annotations

import csv
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError

from medalopt.errors import Fault, FaultKind, InputError
from medalopt.instance.reader.excel_reader import LARGEST_WORKBOOK, ZIP_SIGNATURE, Spreadsheet
from medalopt.instance.reader.files import FileBytes, read_file
from medalopt.instance.reader.limits import MAX_CELLS, MAX_PLAN_BYTES, MAX_PLAN_FILES, MAX_PLAN_VALUES
from medalopt.plan.digests import SCALARS_PART, split_sourcing_parts
from medalopt.plan.schema import SavedInfeasibility, SavedPlan, describe_schema_errors
from medalopt.plan.tables import (
    EXTENSION_TABLES,
    PLAN_TABLES,
    REQUIRED_TABLES,
    list_csv_columns,
    name_hidden_sheet,
    parse_csv_rows,
    parse_number,
    parse_rows,
)
from medalopt.plan.workbook import PlanWorkbook, WorkbookEdit
from medalopt.text import escape_text

_MAX_FAULTS, _MAX_PATH_LENGTH = 20, 300
_CONTROL_CHARACTERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_CONTROL_ESCAPES = re.compile(
    rf"{_CONTROL_CHARACTERS.pattern}|\\[bf]|\\u(?:00[01789]|202|206|[dD][89a-fA-F])"
)  # also as JSON escapes
PLAN_SUFFIXES = (".json", ".xlsx")  # suffixes of files with a plan

TableSource = Callable[[str, list[str]], list[list[str]]]
"""Return the rows of a table, given its name and columns; raise InputError if one is missing."""


def _reject(name: str, reason: str, line: int = 0) -> InputError:
    """Return the error of a file that is no plan."""
    return InputError([Fault(name, line, 0, "", reason, kind=FaultKind.SAVED_PLAN)])


def _name_file(path: Path) -> str:
    """Return the name of a file in messages."""
    return escape_text(str(path), _MAX_PATH_LENGTH)


def read_saved_plan(path: Path) -> SavedPlan | SavedInfeasibility:
    """Read a saved plan or statement of infeasibility.

    Args:
        path: JSON file, folder of CSV files or workbook.

    Returns:
        The validated content; its claims are not verified.

    Raises:
        InputError: The file cannot be read or is no plan.
    """
    return read_plan_file(path, parts=False).plan


@dataclass(frozen=True)
class SavedFile:
    """Content of a saved file or folder: plan, edits by a user, and the parts of the sourcing plan by name.

    `file_format` is `json`, `csv` or `xlsx`; a part is a JSON value, the rows of a file or the rows of a sheet.
    """

    plan: SavedPlan | SavedInfeasibility
    file_format: str
    edits: tuple[WorkbookEdit, ...] = ()
    parts: Mapping[str, Any] = field(default_factory=dict)


def read_plan_file(path: Path, *, parts: bool = True) -> SavedFile:
    """Read a saved plan from a file or folder.

    Args:
        path: JSON file, folder of CSV files or workbook.
        parts: Also return the parts of its sourcing plan.

    Raises:
        InputError: The file cannot be read or is no plan.
    """
    name = _name_file(path)
    if os.path.isdir(path):
        plan = _validate_plan(_parse_folder(path), name)
        return SavedFile(plan, "csv", parts=_read_extra_tables(path) if parts else {})
    if (data := _read_bytes(path)).content.startswith(ZIP_SIGNATURE):
        return read_plan_workbook(data, parts=parts)
    if path.suffix.lower() == ".xlsx":
        reason = "is not an Excel workbook; give a file written by `medalopt plan -o NAME.xlsx`"
        raise _reject(name, reason)
    return read_plan_json(data, parts=parts)


def read_plan_json(data: FileBytes, *, parts: bool = True) -> SavedFile:
    """Read a saved plan from the bytes of a JSON file.

    Args:
        data: Bytes and name of the file.
        parts: Also return the parts of its sourcing plan.

    Raises:
        InputError: The bytes are no plan.
    """
    content = _parse_json(_decode_text(data), data.name)
    plan = _validate_plan(content, data.name)
    stored_parts = isinstance(plan, SavedPlan) and plan.sourcing is not None and parts
    return SavedFile(plan, "json", parts=split_sourcing_parts(content["sourcing"]) if stored_parts else {})


def read_plan_workbook(data: FileBytes | Spreadsheet, *, parts: bool = True) -> SavedFile:
    """Read a saved plan from a workbook.

    Args:
        data: Bytes and name of the file, or its cells.
        parts: Also return the visible sheets.

    Returns:
        The content, with the edits by a user.

    Raises:
        InputError: The workbook is no plan or contains an invalid cell.
    """
    workbook = PlanWorkbook.open(data)
    _reject_control_characters(data.name, workbook.iterate_texts())
    workbook.check_formulas()
    content = _parse_tables(f"{data.name}:{name_hidden_sheet('plan')}", workbook.has_table, workbook.read_rows)
    workbook.raise_faults()
    plan = _validate_plan(content, data.name, workbook.cell_of)
    return SavedFile(plan, "xlsx", tuple(workbook.edits), workbook.visible if parts else {})


def _validate_plan(
    content: Any, name: str, place: Callable[[tuple[str | int, ...]], str] = lambda path: ""
) -> SavedPlan | SavedInfeasibility:
    """Return the validated plan; an error is located by `place`, such as a cell, given its path."""
    try:
        refused = isinstance(content, dict) and content.get("status") == "infeasible"
        return (SavedInfeasibility if refused else SavedPlan).model_validate(content)
    except ValidationError as error:
        described = list(describe_schema_errors(content, error.errors(include_url=False)))[:_MAX_FAULTS]
        faults = [
            Fault(name + place(path), 0, 0, escape_text(".".join(map(str, path)), 200), text, kind=FaultKind.SAVED_PLAN)
            for path, text in described
        ]
        raise InputError(faults) from error


def find_instance_file(plan: Path, files: Mapping[str, str]) -> Path | None:
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


def _read_bytes(path: Path) -> FileBytes:
    """Return the bytes of a file. Raises InputError."""
    reports: list[str] = []
    largest = LARGEST_WORKBOOK if path.suffix.lower() == ".xlsx" else MAX_PLAN_BYTES
    data = read_file(path, _name_file(path), largest, reports.append)
    if data is None:
        raise _reject(_name_file(path), reports[0])
    return data


def _decode_text(data: FileBytes) -> str:
    """Return bytes decoded as UTF-8. Raises InputError."""
    try:
        return data.content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _reject(
            data.name, "is not UTF-8 text; give a plan written by medalopt as JSON, workbook (.xlsx) or folder of CSV"
        ) from error


def _parse_json(text: str, name: str) -> Any:
    """Return the JSON content, without duplicate members, non-finite numbers and control characters."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Return an object."""
        result = dict(pairs)
        if len(result) < len(pairs):
            twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
            raise ValueError(f"the member `{escape_text(twice)}` comes twice")
        return result

    def refuse(constant: str) -> NoReturn:
        """Reject a constant such as NaN."""
        raise ValueError(f"{constant} is no number")

    try:
        if sum(map(text.count, "[{,:")) > MAX_PLAN_VALUES:
            raise ValueError(f"it contains more than {MAX_PLAN_VALUES:_} values")
        content = json.loads(text, object_pairs_hook=once, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        reason = f"is not a plan in JSON ({escape_text(str(error), 120)}); give a file written by `medalopt solve -o`"
        raise _reject(name, reason) from error
    if _CONTROL_ESCAPES.search(text):
        _reject_control_characters(name, _walk_strings(content, ()))
    return content


def _walk_strings(content: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield every string of a JSON value, keys included, with its path."""
    if isinstance(content, str):
        yield ".".join(path), content
    elif isinstance(content, dict):
        for key, value in content.items():
            yield ".".join((*path, key)), key
            yield from _walk_strings(value, (*path, key))
    elif isinstance(content, list):
        for number, value in enumerate(content):
            yield from _walk_strings(value, (*path, str(number)))


def _reject_control_characters(name: str, strings: Iterable[tuple[str, str]]) -> None:
    """Raise InputError for a string with control characters, which could mislead a terminal or a reader."""
    reason = "contains a control character ({}); plans written by medalopt have none"
    found = ((path, _CONTROL_CHARACTERS.search(text)) for path, text in strings)
    faults = [
        Fault(name, 0, 0, escape_text(path, 200), reason.format(escape_text(hit.group())), kind=FaultKind.SAVED_PLAN)
        for path, hit in found
        if hit is not None
    ]
    if faults:
        raise InputError(faults[:_MAX_FAULTS])


def _read_extra_tables(folder: Path) -> dict[str, list[list[str]]]:
    """Return the rows of every CSV file in the folder that is not a table of the plan itself."""
    own = {f"{name}.csv" for name in (SCALARS_PART, *PLAN_TABLES)}
    try:
        names = sorted({entry.name for entry in folder.iterdir() if entry.suffix == ".csv"} - own)
    except OSError as error:
        reason = f"cannot be read: {escape_text(error.strerror or type(error).__name__)}"
        raise _reject(_name_file(folder), reason) from error
    if len(names) > MAX_PLAN_FILES:
        reason = f"contains more than {MAX_PLAN_FILES:_} tables; name the folder of a plan"
        raise _reject(_name_file(folder), reason)
    return {name.removesuffix(".csv"): _read_table(folder / name) for name in names}


def _parse_folder(path: Path) -> dict[str, Any]:
    """Return the JSON content of a folder of CSV files."""
    return _parse_tables(
        _name_file(path / "plan.csv"),
        lambda table: os.path.exists(path / f"{table}.csv"),
        lambda table, columns: _read_columns(path / f"{table}.csv", columns),
    )


def _parse_tables(name: str, has: Callable[[str], bool], read: TableSource) -> dict[str, Any]:
    """Return the JSON content of a plan given by tables."""
    content: dict[str, Any] = {"instance": {"files": {}}, **{table: [] for table in REQUIRED_TABLES}}
    for item, value in read("plan", ["item", "value"]):
        if not _insert_value(content, item, value):
            reason = f"the item {escape_text(item)} occurs twice, or is nested in another"
            raise _reject(name, reason)
    extended = any(map(has, EXTENSION_TABLES))
    for table in PLAN_TABLES:
        if table in REQUIRED_TABLES or has(table) or (extended and table in EXTENSION_TABLES):
            columns = list_csv_columns(table, has)
            content[table] = parse_rows(table, columns, read(table, columns))
    return content


def _read_columns(path: Path, columns: list[str]) -> list[list[str]]:
    """Return the rows of a CSV file with the given columns. Raises InputError."""
    name, (header, *rows) = _name_file(path), _read_table(path) or [[]]
    if header != columns or any(len(row) != len(columns) for row in rows):
        expected = f"must have the columns {', '.join(columns)}, and each row all of them"
        raise _reject(name, expected, line=1)
    return [[cell[1:] if cell.startswith("'") else cell for cell in row] for row in rows]


def _read_table(path: Path) -> list[list[str]]:
    """Return the raw cells of a CSV file. Raises InputError."""
    name, text = _name_file(path), _decode_text(_read_bytes(path))
    try:
        if text.count(",") + text.count("\n") > MAX_CELLS:
            raise ValueError(f"it has more than {MAX_CELLS:_} cells")
        rows = parse_csv_rows(text)
    except (csv.Error, ValueError) as error:
        raise _reject(name, f"is not a table of a plan ({escape_text(str(error))})") from error
    if _CONTROL_CHARACTERS.search(text):
        _reject_control_characters(name, ((str(line), cell) for line, row in enumerate(rows, start=1) for cell in row))
    return rows


def _insert_value(content: dict[str, Any], item: str, value: str) -> bool:
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
    missing = parts[-1] == "exact_value" and not value  # the vertex was not proven exactly
    at[parts[-1]] = None if missing else value if plain else parse_number(value)
    return True
