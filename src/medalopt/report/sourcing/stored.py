"""The sourcing plan of a saved file as rows of tables and fields of orders, whatever the form of the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from medalopt.plan.saved import SavedFile
from medalopt.plan.saved_workbook import EDITABLE, visible
from medalopt.report.sourcing.content import Column, Content, Document, Table
from medalopt.report.sourcing.workbook.grid import unique_heads
from medalopt.report.sourcing.workbook.names import Names, text
from medalopt.report.sourcing.workbook.sheets import BLANK

Row = Mapping[str, Any]  # cells by the key of their column


@dataclass(frozen=True)
class StoredPart:
    """A table or an order as the file holds it: the name of the part, the keys of its columns, its rows.

    `fields` are those of an order, `total` the last row of a table in a workbook.
    """

    part: str
    keys: frozenset[str]
    rows: Sequence[Row]
    fields: Mapping[str, str] = field(default_factory=dict)
    total: Row | None = None


class StoredForm(Protocol):
    """What every form of a saved sourcing plan can be asked for; None where it has no such part."""

    def table(self, table: Table) -> StoredPart | None:
        """Return what stands for `table`."""

    def document(self, document: Document) -> StoredPart | None:
        """Return what stands for `document`: its lines and its fields."""

    def fields(self, document: Document) -> Mapping[str, str]:
        """Return the fields that this form must have of `document`."""

    def prose(self) -> tuple[str, Sequence[str]]:
        """Return the name of the part with the decision, and its lines with those at the foot."""


def form_of(saved: SavedFile, content: Content) -> StoredForm:
    """Return what `saved` holds of a sourcing plan; `content` is what follows of it from the decisions."""
    if saved.form == "xlsx":
        return _Book(saved.parts, content)
    return _Json(saved.parts) if saved.form == "json" else _Folder(saved.parts)


class _Json:
    def __init__(self, parts: Mapping[str, Any]) -> None:
        self.parts = parts
        self.numbers = {one["number"]: part for part, one in parts.items() if part.startswith("documents.")}

    def table(self, table: Table) -> StoredPart | None:
        """Return what stands for `table`."""
        part = f"tables.{table.key}"
        return _json_rows(part, self.parts[part]) if part in self.parts else None

    def document(self, document: Document) -> StoredPart | None:
        """Return what stands for `document`: its lines and its fields."""
        part = self.numbers.get(document.number)
        if part is None:
            return None
        one = self.parts[part]
        said = {"kind": one["kind"], "stamp": one["stamp"], "missing": ", ".join(one["missing"])}
        rows = _json_rows(part, one["lines"])
        return StoredPart(part, rows.keys, rows.rows, {**said, **one["party"], **one["terms"]})

    def fields(self, document: Document) -> Mapping[str, str]:
        """Return the fields that this form must have of `document`."""
        said = {"kind": document.kind, "stamp": document.stamp, "missing": ", ".join(document.missing)}
        return {**said, **dict(document.party), **dict(document.terms)}

    def prose(self) -> tuple[str, Sequence[str]]:
        """Return the name of the part with the decision, and its lines with those at the foot."""
        return "decision", [*self.parts["decision"], *self.parts["foot"]]


def _json_rows(part: str, table: Mapping[str, Any]) -> StoredPart:
    return StoredPart(part, frozenset(key for row in table["rows"] for key in row), table["rows"])


class _Folder:
    def __init__(self, parts: Mapping[str, Any]) -> None:
        self.parts = parts

    def table(self, table: Table) -> StoredPart | None:
        """Return what stands for `table`."""
        return self._rows(table.key)

    def document(self, document: Document) -> StoredPart | None:
        """Return what stands for `document`: its lines and its fields."""
        lines, own = self._rows(document.lines.key), self._rows("documents")
        if lines is None or own is None:
            return None
        said = [row for row in own.rows if row.get("document") == document.number]
        fields = {f"{row.get('part', '')}: {row.get('field', '')}": str(row.get("value", "")) for row in said}
        kinds = {f"{row.get('kind', '')}, {row.get('stamp', '')}" for row in said}
        rows = [row for row in lines.rows if row.get("document") == document.number]
        return StoredPart(lines.part, lines.keys, rows, {**fields, "kind": "; ".join(sorted(kinds))})

    def fields(self, document: Document) -> Mapping[str, str]:
        """Return the fields that this form must have of `document`."""
        parts = (("party", document.party), ("terms", document.terms))
        fields = {f"{part}: {name}": value for part, pairs in parts for name, value in pairs}
        return {**fields, "kind": f"{document.kind}, {document.stamp}"}

    def prose(self) -> tuple[str, Sequence[str]]:
        """Return the name of the part with the decision, and its lines with those at the foot."""
        return "decision", [_unguarded(row[0]) for row in self.parts.get("decision", [])[1:] if row]

    def _rows(self, part: str) -> StoredPart | None:
        head, *rows = self.parts.get(part) or [[]]
        keys = [_unguarded(name) for name in head]
        cells = [dict(zip(keys, map(_unguarded, row), strict=False)) for row in rows]
        return StoredPart(part, frozenset(keys), cells) if keys else None


def _unguarded(cell: str) -> str:
    return cell[1:] if cell.startswith("'") else cell


class _Book:
    def __init__(self, parts: Mapping[str, Any], content: Content) -> None:
        self.parts = parts
        names = Names()  # in the order in which the sheets were named
        self.front = names.sheet("Decision")
        for name in (*map(visible, EDITABLE), "Pictures"):
            if name in parts:
                names.sheet(name)
        self.sheets = {table.key: names.sheet(table.title) for table in content.tables}
        self.sheets |= {one.number: names.sheet(f"{one.number} {one.kind}") for one in content.documents}

    def table(self, table: Table) -> StoredPart | None:
        """Return what stands for `table`."""
        return self._rows(self.sheets[table.key], table.columns)

    def document(self, document: Document) -> StoredPart | None:
        """Return what stands for `document`: its lines and its fields."""
        return self._rows(self.sheets[document.number], document.lines.columns)

    def fields(self, document: Document) -> Mapping[str, str]:
        """Return the fields that this form must have of `document`."""
        return {name: text(value) or BLANK for name, value in (*document.party, *document.terms)}

    def prose(self) -> tuple[str, Sequence[str]]:
        """Return the name of the part with the decision, and its lines with those at the foot."""
        cells = [row[0] for row in self.parts.get(self.front, []) if row]
        return self.front, [cell for cell in cells if isinstance(cell, str)]

    def _rows(self, sheet: str, columns: Sequence[Column]) -> StoredPart | None:
        rows, wanted = self.parts.get(sheet), unique_heads(tuple(columns))
        keys = dict(zip(wanted, (column.key for column in columns), strict=True))
        top = next((at for at, row in enumerate(rows or ()) if keys.keys() <= set(map(_word, row))), None)
        if rows is None or top is None:
            return None
        places = {place: keys.get(_word(cell), _word(cell)) for place, cell in enumerate(rows[top]) if cell is not None}
        end = next((at for at in range(top + 1, len(rows)) if not any(map(_said, rows[at]))), len(rows))
        cells = [
            {key: row[place] if place < len(row) else None for place, key in places.items()}
            for row in rows[top + 1 : end]
        ]
        total = cells.pop() if cells and any(column.total for column in columns) else None
        pairs = [row[:2] for row in rows[:top] if len(row) > 1 and _said(row[0]) and _said(row[1])]
        fields = {_word(name): _word(value) for name, value in pairs}
        return StoredPart(sheet, frozenset(places.values()), cells, fields, total)


def _said(cell: Any) -> bool:
    return cell is not None and cell != ""


def _word(cell: Any) -> str:
    return cell if isinstance(cell, str) else ""
