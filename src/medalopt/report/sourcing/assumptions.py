"""Assumptions of the plan: each parameter as the instance writes it, with its source and the author's mark."""

from __future__ import annotations

import re
from collections.abc import Iterator

from medalopt.instance.instance import Instance, Source
from medalopt.instance.paths import Path, parse, render
from medalopt.instance.written import Written
from medalopt.report.sourcing.content import Cell, Column, Table
from medalopt.wording import counted

_SAYS = "Every figure that the plan rests on, as the instance writes it, with its source and its author's mark."
_NOTES = (
    "Mark: the words seen, recalled, derived and estimated as they stand in source and note; 'no source' where neither "
    "is given. A figure without remark of its own has that of what it belongs to.",
)
_MARK = re.compile(r"\b(seen|recalled|derived|estimated)\b", re.IGNORECASE)
_TABLES = ("streams", "lanes")
_WHOLE = "(the whole file)"
NO_SOURCE = "no source"


def tables(instance: Instance, written: Written | None) -> tuple[Table, ...]:
    """Tabulate the assumptions in the order of the instance file.

    Args:
        instance: Instance with its sources and notes.
        written: Parameters as the file writes them; None lists the sources alone.

    Returns:
        The table `assumptions`.
    """
    columns = (
        Column("path", "Where it stands"),
        Column("figure", "Figure"),
        Column("mark", "Mark"),
        Column("source", "Source"),
        Column("note", "Note"),
    )
    remarks = {_steps(source.path): source for source in instance.sources}
    listed = _figures(instance, written, remarks) if written is not None else _remarks(remarks)
    return (Table("assumptions", "Assumptions", _SAYS, columns, tuple(listed), _NOTES),)


def _steps(path: str) -> Path:
    """Return the path of a source; the empty path is the whole file."""
    return parse(path) if path else ()


def _figures(instance: Instance, written: Written, remarks: dict[Path, Source]) -> Iterator[tuple[Cell, ...]]:
    yield from _remarks({path: one for path, one in remarks.items() if not path})
    for section in _TABLES:
        rows = {path[1] for path, _, _ in written.figures() if path[0] == section}
        if rows:
            yield _row(render((section,)), counted(len(rows), "row"), _nearest((section,), remarks))
    for path, scalar, _ in written.figures():
        if path[0] not in _TABLES:
            yield _row(render(path), scalar.text, _nearest(path, remarks))
    below = {path: one for path, one in remarks.items() if path}
    yield from _remarks({path: one for path, one in below.items() if path[0] in _TABLES and len(path) > 1})
    yield from _remarks({path: one for path, one in below.items() if path[0] in ("mixes", "scenarios", "parties")})


def _remarks(remarks: dict[Path, Source]) -> Iterator[tuple[Cell, ...]]:
    for path, source in remarks.items():
        yield _row(render(path) or _WHOLE, "", source)


def _nearest(path: Path, remarks: dict[Path, Source]) -> Source | None:
    """Return the source of the innermost section around a parameter, at last that of the whole file."""
    return next((remarks[path[:size]] for size in range(len(path), -1, -1) if path[:size] in remarks), None)


def _row(path: str, figure: str, source: Source | None) -> tuple[Cell, ...]:
    if source is None:
        return (path, figure, NO_SOURCE, "", "")
    return (path, figure, mark(source), "; ".join(source.source), source.note)


def mark(source: Source) -> str:
    """Return the marks in a source and its note: seen, recalled, derived, estimated.

    Args:
        source: Source and note of a parameter.

    Returns:
        The marks in their order, without repetition; `unmarked` or `NO_SOURCE` where there is none.
    """
    found = _MARK.findall(" ".join((*source.source, source.note)))
    return ", ".join(dict.fromkeys(word.lower() for word in found)) or ("unmarked" if source.source else NO_SOURCE)
