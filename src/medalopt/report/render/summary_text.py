"""Summary of a report for page and print: status, key figures, and the other sentences."""

from __future__ import annotations

import re
from dataclasses import dataclass

from medalopt.report.document import Report, get_cell_value

_STATUS_WORDS = ("Optimal", "Feasible", "Stopped", "Infeasible", "Plan is", "No plan", "No errors")
_KEY_FIGURE_PATTERN = re.compile(
    r"(?P<label>[A-Z][^.:;,]{1,31}): (?P<value>.+?)(?:(?:[,;.] | (?=[(][0-9]))(?P<detail>.*))?"
)
_MAX_KEY_VALUE = 48  # characters of a key figure; longer sentences stay sentences


@dataclass(frozen=True)
class KeyFigure:
    """A line `label: value, detail` of the summary."""

    label: str
    value: str
    detail: str


@dataclass(frozen=True)
class SummaryText:
    """Summary of a page: status, key figures and the other sentences."""

    status: str
    key_figures: tuple[KeyFigure, ...]
    lines: tuple[str, ...]


def split_summary(report: Report) -> SummaryText:
    """Split the headline of a report into status, key figures and sentences.

    Args:
        report: Report; the key figures of one with a first page are those of its table.

    Returns:
        The parts.
    """
    found = split_headline(report.headline)
    if report.summary is None:
        return found
    rows = ([str(get_cell_value(cell) or "") for cell in row] for row in report.summary.figures.rows)
    figures = tuple(KeyFigure(*row) for row in rows)
    return SummaryText(found.status, figures, tuple(line for line in report.headline if line != found.status))


def split_headline(lines: tuple[str, ...]) -> SummaryText:
    """Split sentences into the status, key figures and the others.

    Args:
        lines: Sentences below a title.

    Returns:
        The parts.
    """
    status = next((line for line in lines if line.startswith(_STATUS_WORDS)), "")
    figures: dict[str, KeyFigure] = {}
    for line in lines:
        found = _KEY_FIGURE_PATTERN.fullmatch(line)
        if found and line != status and len(found["value"]) <= _MAX_KEY_VALUE:
            figures[line] = KeyFigure(found["label"], found["value"].removesuffix("."), found["detail"] or "")
    rest = tuple(line for line in lines if line not in figures and line != status)
    return SummaryText(status, tuple(figures.values()), rest)
