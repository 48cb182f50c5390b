"""Report as an Excel workbook: cover sheet, pictures, a sheet for each table and document, editable decisions."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

import xlsxwriter

from medalopt.errors import UsageError
from medalopt.plan.digests import digest_parts
from medalopt.report.charts.chart import Chart
from medalopt.report.sourcing.content import Content
from medalopt.report.sourcing.workbook.front import Entry, front_sheet
from medalopt.report.sourcing.workbook.pen import Pen, across, height, paper
from medalopt.report.sourcing.workbook.record import editable, hide
from medalopt.report.sourcing.workbook.sheets import document_sheet, table_sheet

_MADE = datetime(2000, 1, 1)  # fixed, so that equal reports give equal bytes
_OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_A_PAGE, _ON_PAPER = 2, 75  # pictures on a printed page, and the print scale in per cent
_SCALE = 0.5  # pictures are drawn at twice their size


class _Picture(NamedTuple):
    """Chart with its picture."""

    chart: Chart
    png: bytes


def workbook(content: Content, record: Mapping[str, str] = MappingProxyType({}), currency: str = "") -> bytes:
    """Render the report as an .xlsx file.

    Args:
        content: Report to render.
        record: CSV files of the plan by name, which `medalopt verify` reads back; empty for a report without a plan.
        currency: Currency of the plan's costs.

    Returns:
        The bytes of the file.
    """
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, _OPTIONS)
    book.set_properties({"title": content.title[:200], "created": _MADE})
    pen = Pen(book)
    front = pen.names.sheet("Decision")
    sheet = pen.sheet(front)
    decisions = editable(record, currency) if record else []
    reserved = [pen.names.sheet(table.title) for table in decisions]
    seal = hide(pen, record)
    entries = [_pictures(pen, front, content.charts)]
    entries += [_table(pen, front, table) for table in content.tables]
    documents = []
    for document in content.documents:
        name = pen.names.sheet(f"{document.number} {document.kind}")
        document_sheet(pen, name, front, document)
        party = next((value for _, value in document.party if value), "")
        documents.append(Entry(name, f"{document.kind.capitalize()}: {party}", document.stamp))
    for table, name in zip(decisions, reserved, strict=True):
        table_sheet(pen, name, front, table)
        entries.append(Entry(name, table.says))
    front_sheet(pen, sheet, content, [entry for entry in entries if entry], documents, bool(record))
    if record:
        seal(digest_parts("xlsx", {name: one.rows for name, one in pen.sheets.items()}))
    book.close()
    return buffer.getvalue()


def _table(pen: Pen, front: str, table: Any) -> Entry:
    name = pen.names.sheet(table.title)
    table_sheet(pen, name, front, table)
    return Entry(name, table.says, title=table.title)


def _pictures(pen: Pen, front: str, charts: tuple[Chart, ...]) -> Entry | None:
    """Add a sheet of pictures; none without charts or without the drawing libraries."""
    drawn = _drawn(charts)
    if not drawn:
        return None
    name = pen.names.sheet("Pictures")
    sheet = pen.sheet(name)
    sheet.set_column(0, 0, 118)
    breaks = []
    sheet.write_url(0, 0, f"internal:'{front}'!A1", pen.style("link"), "to the first sheet")
    row = 1
    for number, (chart, png) in enumerate(drawn):
        if number and number % _A_PAGE == 0:
            breaks.append(row)
        options = {
            "image_data": io.BytesIO(png),
            "x_scale": _SCALE,
            "y_scale": _SCALE,
            "description": chart.title[:250],
            "object_position": 2,
        }
        sheet.insert_image(row, 0, "chart.png", options)
        row += (chart.height + 60) // 20 + 2
        for note in chart.notes:
            across(sheet, row, 0, note, pen.style("faint"))
            sheet.set_row(row, height(note, 118))
            row += 1
        row += 1
    paper(sheet, row, 0, landscape=False)
    sheet.set_print_scale(_ON_PAPER)  # page breaks need a print scale instead of fit-to-page
    sheet.set_h_pagebreaks(breaks)
    return Entry(name, "The charts; what each shows stands above it.")


def _drawn(charts: tuple[Chart, ...]) -> list[_Picture]:
    from medalopt.report.charts.drawing import png

    try:
        return [_Picture(chart, png(chart)) for chart in charts]
    except UsageError:  # the drawing libraries are not installed
        return []
