"""Comparison of plans as text, JSON, CSV and HTML."""

from __future__ import annotations

from typing import Any

from medalopt.analysis.comparing.comparison import Comparison
from medalopt.report.comparing.tables import lines, names, tables
from medalopt.report.csvplan import csv_text
from medalopt.report.jsonplan import text
from medalopt.report.page import printed
from medalopt.report.screen import Screen

FORMAT = "medalopt/comparison/1"
_EVERY = 100_000  # rows of a table in a file


def on_screen(found: Comparison, screen: Screen | None = None) -> str:
    """Render a comparison as text.

    Args:
        found: Comparison.
        screen: Width and style, with all rows; None for standard output, with the rows that differ most.

    Returns:
        The text.
    """
    made = tables(found) if screen is None else tables(found, _EVERY)
    return printed(screen or Screen.of_output(), _title(found), [(line, "plain") for line in lines(found)], made)


def as_json(found: Comparison) -> str:
    """Render a comparison as JSON: every value of every plan, and the differences in the data.

    Args:
        found: Comparison.

    Returns:
        The JSON text.
    """
    return text(
        {
            "format": FORMAT,
            "subjects": [
                {
                    "name": one.name,
                    "label": label,
                    "status": one.status,
                    "currency": one.currency,
                    "figures": one.digest,
                }
                for label, one in zip(found.labels, found.outcomes, strict=True)
            ],
            "data": list(_data(found)),
            "rows": [
                {
                    "part": row.part,
                    "item": row.item,
                    "unit": row.unit,
                    "values": list(row.values),
                    "differs": row.differs,
                }
                for row in found.rows
            ],
        }
    )


def _data(found: Comparison) -> list[dict[str, Any]]:
    """Return a row for each parameter and each subject in which it differs from the first."""
    return [
        {"path": one.path, "subject": other.name, "from": one.values[0], "to": value}
        for one in found.data
        for other, value in zip(found.outcomes[1:], one.values[1:], strict=True)
        if other.data is not None and value != one.values[0]
    ]


def as_csv(found: Comparison) -> str:
    """Render a comparison as CSV: a row for each parameter or result, a column for each subject.

    Args:
        found: Comparison.

    Returns:
        The CSV text.
    """
    head = ["data" for _ in found.data] + [row.part for row in found.rows]
    values = [one.values for one in found.data] + [row.values for row in found.rows]
    columns: dict[str, list[Any]] = {
        "part": head,
        "item": [one.path for one in found.data] + [row.item for row in found.rows],
        "unit": ["" for _ in found.data] + [row.unit for row in found.rows],
    }
    for number, one in enumerate(found.outcomes):
        columns[one.name] = [row[number] for row in values]
    return csv_text(columns)


def as_page(found: Comparison) -> str:
    """Render a comparison as one self-contained HTML file.

    Args:
        found: Comparison.

    Returns:
        The HTML text.
    """
    from medalopt.report.charts.htmlpage import html
    from medalopt.report.comparing.charts import charts

    drawn = charts(found)
    carried = {table.title for chart in drawn for table in chart.tables}
    rest = [table for table in tables(found, 200) if table.title not in carried]
    foot = (f"{one.name}: sha256 of its figures {one.digest}." for one in found.outcomes)
    return html(_title(found), lines(found), [*rest[:2], *drawn, *rest[2:]], foot)


def _title(found: Comparison) -> str:
    """Return the title of the report."""
    first, *others = names(found)
    return f"{first} compared with {', '.join(others)}"
