"""Names of the sheets of a report's workbook, the same for the writer and for the verification of a saved file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from medalopt.plan.workbook import EDITABLE_TABLES, name_visible_sheet
from medalopt.report.document import Report, ReportTable, list_order_lines, list_tables
from medalopt.report.render.worksheet import SheetNames


@dataclass(frozen=True)
class SheetPlan:
    """Names of the sheets: first page and contents ('' where there is none), pictures, and by key or number the rest.

    `lines` are the data sheets with the exact lines of the orders, which are empty where these have no grouped lines.
    """

    summary: str
    contents: str
    pictures: str
    decisions: Mapping[str, str]
    tables: Mapping[str, str]
    documents: Mapping[str, str]
    lines: Mapping[str, str]

    @property
    def front(self) -> str:
        """Sheet that lists the others.

        Returns:
            Name; the first page where there is no other.
        """
        return self.contents or self.summary


def list_sheet_tables(report: Report) -> tuple[ReportTable, ...]:
    """Return the tables with a sheet of their own: all but those of the first page.

    Args:
        report: Report.

    Returns:
        The tables in their order.
    """
    first = () if report.summary is None else tuple(table.key for table in report.summary.tables)
    return tuple(table for table in list_tables(report) if table.key not in first)


def list_line_tables(report: Report) -> tuple[ReportTable, ...]:
    """Return the data sheets of exact order lines; none where the documents show their lines themselves.

    Args:
        report: Report.

    Returns:
        A table for each kind of document, without totals, which would add up different goods.
    """
    tables = list_order_lines([document for document in report.documents if document.grouped])
    return tuple(
        replace(table, columns=tuple(replace(column, total=False) for column in table.columns)) for table in tables
    )


def plan_sheets(report: Report, names: SheetNames) -> SheetPlan:
    """Name the sheets of a report.

    Args:
        report: Report.
        names: Names of the workbook, in which those of the sheets are reserved.

    Returns:
        The names.
    """
    alone = report.summary is not None and not (report.plan or report.documents)
    summary = names.name_sheet("Summary") if report.summary is not None else ""
    cover = "Contents" if summary else "Decision" if report.plan or report.documents else "Summary"
    contents = "" if alone else names.name_sheet(cover)
    decisions = {key: names.name_sheet(name_visible_sheet(key)) for key in (EDITABLE_TABLES if report.plan else ())}
    pictures = names.name_sheet("Pictures")
    tables = {table.key: names.name_table_sheet(table.title, table.key) for table in list_sheet_tables(report)}
    documents = {
        document.number: names.name_document_sheet(document.number, document.party[0][1])
        for document in report.documents
    }
    lines = {table.key: names.name_table_sheet(table.title, table.key) for table in list_line_tables(report)}
    return SheetPlan(summary, contents, pictures, decisions, tables, documents, lines)
