"""Alterations of a saved plan: of its JSON, its folder of CSV and its workbook, by their structure and byte by byte."""

from __future__ import annotations

import contextlib
import copy
import csv
import io
import json
from random import Random
from typing import Any

from tests.spreadsheets import packed, parts

from medalopt.instance.reader.excel_reader import UnreadableCell

ODD: tuple[Any, ...] = (
    *(None, True, False, "", " ", "x", "0", "1e999", "NaN", "=1+1", "'", '"', "\x1b[31m", "\x00", "\u202e", "\ud800"),
    *("x" * 20_000, "9" * 5_000, [], {}, [[]], {"a": 1}, 0, -1, -0.0, 1e308, -1e308, 5e-324, 10**400, 2**53 + 1),
    *(float("nan"), float("inf"), "2017-04", "t", "JPY", "Ag"),
)
FACTORS = (10.0, -1.0, 0.0, 1.5, 1 + 1e-3, 1 + 1e-6, 1 + 1e-9, 1 - 1e-13)
BYTES = (
    b"\x00",
    b"\xff",
    b"\n",
    b'"',
    b",",
    b"{",
    b"[",
    b"}",
    b"9",
    b"-",
    b"e",
    b"'",
    b"\\u001b",
    b"null",
    b"<",
    b"&#0;",
)


def altered_value(random: Random, value: Any, others: list[Any]) -> Any:
    """Return another value than `value`: one close to it, one of the `others` of its kind, or an invalid one."""
    way = random.random()
    if way < 0.15:
        return random.choice(ODD)
    if way < 0.35 and others:
        return random.choice(others)
    if isinstance(value, bool) or value is None:
        return random.choice(ODD)
    if isinstance(value, int | float):
        if abs(value) > 1e300:
            return -value
        return value * random.choice(FACTORS) if random.random() < 0.7 else value + random.choice((1, -1, 1e-3))
    if isinstance(value, str):
        return _altered_text(random, value)
    return random.choice(ODD)


def _altered_text(random: Random, text: str) -> str:
    at = random.randrange(len(text) + 1)
    return random.choice(
        (
            text[:at] + random.choice("0123456789axé .-\n") + text[at:],
            text[:at] + text[at + 1 :],
            text.swapcase(),
            text + text,
            " " + text,
        )
    )


def altered_tree(random: Random, content: Any) -> Any:
    """Return JSON content with one or two places of it altered."""
    content = copy.deepcopy(content)
    for _ in range(random.choice((1, 1, 1, 2))):
        holder, key = _place(random, content)
        _alter(random, holder, key)
    return content


def _place(random: Random, content: Any) -> tuple[Any, Any]:
    """Return a container and a key in it: a walk from the root, each step to any of the children."""
    holder = content
    while True:
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        if not keys:
            return content, random.choice(list(content))
        key = random.choice(keys)
        inner = holder[key]
        if not isinstance(inner, dict | list) or not inner or random.random() < 0.12:
            return holder, key
        holder = inner


def _alter(random: Random, holder: Any, key: Any) -> None:
    value, way = holder[key], random.random()
    if not isinstance(value, dict | list) and way < 0.8:
        holder[key] = altered_value(random, value, _like(random, holder, key))
    elif way < 0.86:
        del holder[key]
    elif isinstance(holder, list):
        other = random.randrange(len(holder))
        if way < 0.93:
            holder.insert(other, copy.deepcopy(value))
        else:
            holder[key], holder[other] = holder[other], holder[key]
    elif way < 0.93:
        holder[random.choice(("x", "tonnes", f"{key} ", f"{key}2"))] = copy.deepcopy(value)
    else:
        holder[random.choice(list(holder))], holder[key] = value, random.choice(ODD)


def _like(random: Random, holder: Any, key: Any) -> list[Any]:
    values = list(holder.values()) if isinstance(holder, dict) else list(holder)
    return [value for value in values if type(value) is type(holder[key])]


def altered_bytes(random: Random, content: bytes) -> bytes:
    """Return the bytes with some of them changed, taken out, put in, repeated or cut off."""
    at = random.randrange(len(content) + 1)
    end = min(len(content), at + random.choice((1, 1, 2, 8, 200)))
    ways = (
        content[:at] + random.choice(BYTES) + content[at:],
        content[:at] + content[end:],
        content[:at] + random.choice(BYTES) + content[end:],
        content[:at] + content[at:end] * 2 + content[end:],
        content[:at],
        content[:at] + b"[" * random.choice((10, 100_000)) + content[at:],
    )
    return random.choice(ways)


def altered_json(random: Random, content: dict[str, Any], text: bytes) -> bytes:
    """Return the bytes of a plan in JSON, altered in its tree or its bytes; sometimes with a duplicate member."""
    way = random.random()
    if way < 0.75:
        return json.dumps(altered_tree(random, content)).encode("utf-8", "surrogatepass")
    if way < 0.8:
        key = random.choice(list(content))
        twice = json.dumps({key: random.choice(ODD)})[1:-1].encode("utf-8", "surrogatepass")
        return text.rstrip()[:-1] + b"," + twice + b"}"
    return altered_bytes(random, text)


def altered_folder(random: Random, files: dict[str, str]) -> dict[str, bytes | None]:
    """Return the altered files of a CSV folder, None for a deleted one."""
    name = random.choice(list(files))
    way, text = random.random(), files[name]
    if way < 0.03:
        return {name: None}
    if way < 0.06:
        return {random.choice(("new.csv", "risks2.csv", "plan.CSV", "note.txt")): text.encode()}
    if way < 0.2:
        return {name: altered_bytes(random, text.encode())}
    rows = altered_rows(random, list(csv.reader(io.StringIO(text, newline=""))))
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\n").writerows([["" if cell is None else cell for cell in row] for row in rows])
    return {name: written.getvalue().encode("utf-8", "surrogatepass")}


def altered_rows(random: Random, rows: list[list[Any]]) -> list[list[Any]]:
    """Return the rows of a table with a cell, a row or a head altered."""
    rows = [list(row) for row in rows]
    full = [row for row in rows if row]
    if not full:
        return [["x"]]
    row, way = random.choice(full), random.random()
    at = random.randrange(len(row))
    if way < 0.8:
        others = [other[at] for other in full if len(other) > at]
        cell = row[at]
        with contextlib.suppress(TypeError, ValueError):
            cell = float(cell)
        row[at] = altered_value(random, cell, others)
    elif way < 0.87:
        rows.remove(row)
    elif way < 0.93:
        rows.insert(random.randrange(len(rows) + 1), list(row))
    elif way < 0.97:
        del row[at]
    else:
        row.insert(at, random.choice(ODD))
    return rows


def altered_sheets(random: Random, sheets: dict[str, list[list[Any]]]) -> dict[str, list[list[Any]]]:
    """Return the sheets of a workbook as cells, one of them altered, deleted, added or renamed."""
    name, way = random.choice(list(sheets)), random.random()
    if way < 0.02:
        return {one: rows for one, rows in sheets.items() if one != name}
    if way < 0.04:
        return {**sheets, f"{name} 2": sheets[name]}
    if way < 0.05:
        return {("Renamed" if one == name else one): rows for one, rows in sheets.items()}
    return {**sheets, name: [list(map(_as_cell, row)) for row in altered_rows(random, sheets[name])]}


def _as_cell(value: Any) -> Any:
    """Return a value as the reader of workbooks gives it."""
    if isinstance(value, UnreadableCell):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if abs(value) < 1e300 else 1e300
    return value if isinstance(value, str | bool) and value != "" else None


def altered_workbook(random: Random, made: bytes) -> bytes:
    """Return the bytes of a workbook, altered in a file within or as a whole."""
    if random.random() < 0.3:
        return altered_bytes(random, made)
    files = parts(made)
    name = random.choice(list(files))
    return packed({**files, name: altered_bytes(random, files[name])})
