"""Report of a saved file as table rows and order fields, in JSON, CSV or workbook form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from medalopt.plan.reader import SavedFile
from medalopt.report.document import OrderDocument, Report, ReportColumn, ReportTable
from medalopt.report.render.summary_sheet import list_line_tables, plan_sheets
from medalopt.report.render.worksheet import SheetNames, clean_cell_text, make_unique_heads
from medalopt.report.render.xlsx import BLANK_FIELD

StoredRow = Mapping[str, Any]  # cell by the key of its column


@dataclass(frozen=True)
class StoredPart:
    """Table or order of a file.

    Attributes:
        part: Name of the part in the file.
        keys: Keys of its columns.
        rows: Its rows.
        fields: Fields of an order.
        total: Total row of a table in a workbook.
    """

    part: str
    keys: frozenset[str]
    rows: Sequence[StoredRow]
    fields: Mapping[str, str] = field(default_factory=dict)
    total: StoredRow | None = None


class StoredForm(Protocol):
    """Access to the parts of a saved report in any form; None for a part that the file lacks."""

    def list_known_parts(self) -> frozenset[str]:
        """Return the parts that are compared otherwise or hold no values of their own.

        Returns:
            Names of parts.
        """

    def read_first_page(self) -> tuple[str, Sequence[str]] | None:
        """Return the first page.

        Returns:
            Name and texts; None where this form has none of its own.
        """

    def list_grouped_tables(self, document: OrderDocument) -> Sequence[tuple[ReportTable, StoredPart | None]]:
        """Return the grouped tables of an order with their stored parts, where this form has them.

        Args:
            document: Derived order.

        Returns:
            Derived table and stored part.
        """

    def read_table(self, table: ReportTable) -> StoredPart | None:
        """Return the stored part of a table.

        Args:
            table: Derived table.

        Returns:
            Its rows in the file.
        """

    def read_document(self, document: OrderDocument) -> StoredPart | None:
        """Return the stored lines and fields of an order.

        Args:
            document: Derived order.

        Returns:
            Its lines and fields in the file.
        """

    def list_fields(self, document: OrderDocument) -> Mapping[str, str]:
        """Return the fields that this form must have of an order.

        Args:
            document: Derived order.

        Returns:
            Value by field.
        """

    def read_decision(self) -> tuple[str, Sequence[str]]:
        """Return the part with the summary.

        Returns:
            Name, and its lines with the footer.
        """


def open_stored_form(saved: SavedFile, report: Report) -> StoredForm:
    """Open the report of a saved file in its form.

    Args:
        saved: File as it was read.
        report: Report derived from the decisions, for the names of sheets.

    Returns:
        Access to its parts.
    """
    if saved.file_format == "xlsx":
        return _StoredWorkbook(saved.parts, report)
    return _StoredJson(saved.parts) if saved.file_format == "json" else _StoredFolder(saved.parts)


class _StoredJson:
    def __init__(self, parts: Mapping[str, Any]) -> None:
        self.parts = parts
        self.numbers = {one["number"]: part for part, one in parts.items() if part.startswith("documents.")}

    def list_known_parts(self) -> frozenset[str]:
        """Return the parts that are compared otherwise."""
        return frozenset({"title", "foot", "date", "documents", "tables"})

    def read_first_page(self) -> tuple[str, Sequence[str]] | None:
        """Return None: this form has no first page of its own."""
        return None

    def list_grouped_tables(self, document: OrderDocument) -> Sequence[tuple[ReportTable, StoredPart | None]]:
        """Return no tables: this form has the exact lines alone."""
        return ()

    def read_table(self, table: ReportTable) -> StoredPart | None:
        """Return the stored part of a table."""
        part = f"tables.{table.key}"
        return _read_json_rows(part, self.parts[part]) if part in self.parts else None

    def read_document(self, document: OrderDocument) -> StoredPart | None:
        """Return the stored lines and fields of an order."""
        part = self.numbers.get(document.number)
        if part is None:
            return None
        one = self.parts[part]
        fields = {"kind": one["kind"], "stamp": one["stamp"], "missing": ", ".join(one["missing"])}
        rows = _read_json_rows(part, one["lines"])
        return StoredPart(part, rows.keys, rows.rows, {**fields, **one["party"], **one["terms"]})

    def list_fields(self, document: OrderDocument) -> Mapping[str, str]:
        """Return the fields that JSON must have of an order."""
        fields = {"kind": document.kind, "stamp": document.stamp, "missing": ", ".join(document.missing)}
        return {**fields, **dict(document.party), **dict(document.terms)}

    def read_decision(self) -> tuple[str, Sequence[str]]:
        """Return the part with the summary."""
        return "decision", [*self.parts["decision"], *self.parts["foot"]]


def _read_json_rows(part: str, table: Mapping[str, Any]) -> StoredPart:
    return StoredPart(part, frozenset(key for row in table["rows"] for key in row), table["rows"])


class _StoredFolder:
    def __init__(self, parts: Mapping[str, Any]) -> None:
        self.parts = parts

    def list_known_parts(self) -> frozenset[str]:
        """Return the parts that are compared otherwise."""
        return frozenset({"documents", "tables"})

    def read_first_page(self) -> tuple[str, Sequence[str]] | None:
        """Return None: this form has no first page of its own."""
        return None

    def list_grouped_tables(self, document: OrderDocument) -> Sequence[tuple[ReportTable, StoredPart | None]]:
        """Return no tables: this form has the exact lines alone."""
        return ()

    def read_table(self, table: ReportTable) -> StoredPart | None:
        """Return the stored part of a table."""
        return self._read_rows(table.key)

    def read_document(self, document: OrderDocument) -> StoredPart | None:
        """Return the stored lines and fields of an order."""
        lines, own = self._read_rows(document.lines.key), self._read_rows("documents")
        if lines is None or own is None:
            return None
        said = [row for row in own.rows if row.get("document") == document.number]
        fields = {f"{row.get('part', '')}: {row.get('field', '')}": str(row.get("value", "")) for row in said}
        kinds = {f"{row.get('kind', '')}, {row.get('stamp', '')}" for row in said}
        rows = [row for row in lines.rows if row.get("document") == document.number]
        return StoredPart(lines.part, lines.keys, rows, {**fields, "kind": "; ".join(sorted(kinds))})

    def list_fields(self, document: OrderDocument) -> Mapping[str, str]:
        """Return the fields that the folder must have of an order."""
        parts = (("party", document.party), ("terms", document.terms))
        fields = {f"{part}: {name}": value for part, pairs in parts for name, value in pairs}
        return {**fields, "kind": f"{document.kind}, {document.stamp}"}

    def read_decision(self) -> tuple[str, Sequence[str]]:
        """Return the part with the summary."""
        return "decision", [row[0].removeprefix("'") for row in self.parts.get("decision", [])[1:] if row]

    def _read_rows(self, part: str) -> StoredPart | None:
        head, *rows = self.parts.get(part) or [[]]
        keys = [name.removeprefix("'") for name in head]
        cells = [dict(zip(keys, (cell.removeprefix("'") for cell in row), strict=False)) for row in rows]
        return StoredPart(part, frozenset(keys), cells) if keys else None


class _StoredWorkbook:
    def __init__(self, parts: Mapping[str, Any], report: Report) -> None:
        self.parts = parts
        self.report = report
        self.names = plan_sheets(report, SheetNames())

    def list_known_parts(self) -> frozenset[str]:
        """Return the sheets that are compared cell by cell or hold no values of their own."""
        names = self.names
        named = (names.summary, names.contents, names.pictures, *names.decisions.values(), *names.documents.values())
        return frozenset(named)

    def read_table(self, table: ReportTable) -> StoredPart | None:
        """Return the stored part of a table."""
        return self._read_rows(self.names.tables.get(table.key, self.names.summary), table.columns)

    def read_document(self, document: OrderDocument) -> StoredPart | None:
        """Return the stored lines, from the data sheet of its kind, and fields of an order."""
        shown = self._read_rows(self.names.documents[document.number], document.grouped[0].columns)
        joined = next(table for table in list_line_tables(self.report) if table.key == document.lines.key)
        lines = self._read_rows(self.names.lines[joined.key], joined.columns)
        if shown is None or lines is None:
            return None
        rows = [row for row in lines.rows if row.get("document") == document.number]
        return replace(lines, rows=rows, fields=shown.fields)

    def read_first_page(self) -> tuple[str, Sequence[str]] | None:
        """Return the first sheet."""
        if not self.names.summary:
            return None
        cells = [row[0] for row in self.parts.get(self.names.summary, []) if row]
        return self.names.summary, [cell for cell in cells if isinstance(cell, str)]

    def list_grouped_tables(self, document: OrderDocument) -> Sequence[tuple[ReportTable, StoredPart | None]]:
        """Return the grouped tables of an order with their stored parts."""
        sheet = self.names.documents[document.number]
        return [(table, self._read_rows(sheet, table.columns)) for table in document.grouped]

    def list_fields(self, document: OrderDocument) -> Mapping[str, str]:
        """Return the fields that the workbook must have of an order."""
        return {name: clean_cell_text(value) or BLANK_FIELD for name, value in (*document.party, *document.terms)}

    def read_decision(self) -> tuple[str, Sequence[str]]:
        """Return the sheet with the summary."""
        cells = [row[0] for row in self.parts.get(self.names.contents, []) if row]
        return self.names.contents, [cell for cell in cells if isinstance(cell, str)]

    def _read_rows(self, sheet: str, columns: Sequence[ReportColumn]) -> StoredPart | None:
        rows, wanted = self.parts.get(sheet), make_unique_heads(tuple(columns))
        keys = dict(zip(wanted, (column.key for column in columns), strict=True))
        top = next(
            (index for index, row in enumerate(rows or ()) if keys.keys() <= set(map(_text_or_empty, row))), None
        )
        if rows is None or top is None:
            return None
        places = {
            position: keys.get(_text_or_empty(cell), _text_or_empty(cell))
            for position, cell in enumerate(rows[top])
            if cell is not None
        }
        end = next((index for index in range(top + 1, len(rows)) if not any(map(_is_filled, rows[index]))), len(rows))
        cells = [
            {key: row[position] if position < len(row) else None for position, key in places.items()}
            for row in rows[top + 1 : end]
        ]
        total = cells.pop() if cells and any(column.total for column in columns) else None
        pairs = [row[:2] for row in rows[:top] if len(row) > 1 and _is_filled(row[0]) and _is_filled(row[1])]
        fields = {_text_or_empty(name): _text_or_empty(value) for name, value in pairs}
        return StoredPart(sheet, frozenset(places.values()), cells, fields, total)


def _is_filled(cell: Any) -> bool:
    return cell is not None and cell != ""


def _text_or_empty(cell: Any) -> str:
    return cell if isinstance(cell, str) else ""
