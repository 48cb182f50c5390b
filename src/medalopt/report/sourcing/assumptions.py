"""Assumptions of the plan, with their sources and marks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from medalopt.instance.instance import Instance, SourceNote
from medalopt.instance.paths import ParameterPath, parse_path, render_path
from medalopt.instance.schema.fields_at_path import TABLE_SECTIONS
from medalopt.instance.source_values import SourceValues
from medalopt.report.document import CellValue, ReportColumn, ReportTable
from medalopt.text import format_count

_ASSUMPTIONS_DESCRIPTION = (
    "Every parameter of the plan, as written in the instance, with its source and its author's mark."
)
_ASSUMPTIONS_NOTES = (
    "Mark: the words seen, recalled, derived and estimated in source and note; 'no source' where neither is given. A "
    "parameter without a source has that of its section.",
)
_MARK_PATTERN = re.compile(r"\b(seen|recalled|derived|estimated)\b", re.IGNORECASE)
_WHOLE_FILE = "(the whole file)"
NO_SOURCE = "no source"


def tabulate_assumptions(instance: Instance, source_values: SourceValues | None) -> tuple[ReportTable, ...]:
    """Tabulate the assumptions in the order of the instance file.

    Args:
        instance: Instance with its sources and notes.
        source_values: Parameters as the file writes them; None lists the sources alone.

    Returns:
        The table `assumptions`.
    """
    columns = (
        ReportColumn("path", "Path"),
        ReportColumn("figure", "Value"),
        ReportColumn("mark", "Mark"),
        ReportColumn("source", "Source"),
        ReportColumn("note", "Note"),
    )
    remarks = {_parse_path(source.path): source for source in instance.sources}
    listed = _parameter_rows(instance, source_values, remarks) if source_values is not None else _remark_rows(remarks)
    return (
        ReportTable("assumptions", "Assumptions", _ASSUMPTIONS_DESCRIPTION, columns, tuple(listed), _ASSUMPTIONS_NOTES),
    )


def _parse_path(path: str) -> ParameterPath:
    """Return the path of a source; the empty path is the whole file."""
    return parse_path(path) if path else ()


def _parameter_rows(
    instance: Instance, source_values: SourceValues, remarks: dict[ParameterPath, SourceNote]
) -> Iterator[tuple[CellValue, ...]]:
    yield from _remark_rows({path: note for path, note in remarks.items() if not path})
    for section in TABLE_SECTIONS:
        rows = {path[1] for path, _, _ in source_values.iterate_parameters() if path[0] == section}
        if rows:
            yield _assumption_row(
                render_path((section,)), format_count(len(rows), "row"), _find_remark((section,), remarks)
            )
    for path, scalar, _ in source_values.iterate_parameters():
        if path[0] not in TABLE_SECTIONS:
            yield _assumption_row(render_path(path), scalar.text, _find_remark(path, remarks))
    below = {path: note for path, note in remarks.items() if path}
    yield from _remark_rows({path: note for path, note in below.items() if path[0] in TABLE_SECTIONS and len(path) > 1})
    yield from _remark_rows(
        {path: note for path, note in below.items() if path[0] in ("mixes", "scenarios", "parties", "project")}
    )


def _remark_rows(remarks: dict[ParameterPath, SourceNote]) -> Iterator[tuple[CellValue, ...]]:
    for path, source in remarks.items():
        yield _assumption_row(render_path(path) or _WHOLE_FILE, "", source)


def _find_remark(path: ParameterPath, remarks: dict[ParameterPath, SourceNote]) -> SourceNote | None:
    """Return the source of the innermost section around a parameter, at last that of the whole file."""
    return next((remarks[path[:size]] for size in range(len(path), -1, -1) if path[:size] in remarks), None)


def _assumption_row(path: str, figure: str, source: SourceNote | None) -> tuple[CellValue, ...]:
    if source is None:
        return (path, figure, NO_SOURCE, "", "")
    return (path, figure, extract_marks(source), "; ".join(source.source), source.note)


def extract_marks(source: SourceNote) -> str:
    """Return the marks in a source and its note: seen, recalled, derived, estimated.

    Args:
        source: Source and note of a parameter.

    Returns:
        The marks in their order, without repetition; `unmarked` or `NO_SOURCE` where there is none.
    """
    result = _MARK_PATTERN.findall(" ".join((*source.source, source.note)))
    return ", ".join(dict.fromkeys(word.lower() for word in result)) or ("unmarked" if source.source else NO_SOURCE)
