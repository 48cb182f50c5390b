"""Verification of the tables of a saved plan in any form, against its decisions and against the digests of the file."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel

from medalopt import __version__
from medalopt.instance.source_values import SourceValues
from medalopt.plan.digests import PART_PREFIXES, SCALAR_MEMBERS, compute_part_digests, compute_plan_digests
from medalopt.plan.plan import Plan, WholeLots
from medalopt.plan.reader import SavedFile
from medalopt.plan.schema import SavedPlan
from medalopt.plan.tables import EDITABLE_TABLES, PLAN_TABLES, name_visible_sheet
from medalopt.proof.certificate import Certificate
from medalopt.proof.marginal import SUPPLY_MEANING
from medalopt.proof.saved_plan import Violation, parse_duals, parse_extensions
from medalopt.proof.verdict import Verdict
from medalopt.report.document import CellValue, OrderDocument, Report, ReportColumn, ReportTable
from medalopt.report.render.text import split_summary
from medalopt.report.render.worksheet import SheetNames, clean_cell_text, make_unique_heads
from medalopt.report.render.xlsx import BLANK_FIELD, list_line_tables, plan_sheets
from medalopt.report.replanning import remove_settled_parties
from medalopt.report.sourcing.plan_report import BOTTLENECK, build_plan_report
from medalopt.text import escape_text
from medalopt.tolerances import AMOUNT_TOLERANCE

ALTERED, DERIVED, NOT_VERIFIED = "altered", "derived", "not verified"
_MOST_DIFFERENCES = 20  # differences reported of one table
_NUMBER_PATTERN = re.compile(r"\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")


def check_tables(
    saved: SavedFile,
    verdict: Verdict,
    source: Callable[[], SourceValues | None] = lambda: None,
    settled: frozenset[str] = frozenset(),
) -> Verdict:
    """Verify the tables of a saved plan.

    Tables that follow from the decisions are derived and compared; every part of the file is compared with its digest.

    Args:
        saved: File as it was read.
        verdict: Verdict on the plan, from the instance alone.
        source: Returns the parameters as the instance file writes them; None for an instance without a file.
        settled: Parties that have delivered already and receive no order.

    Returns:
        The verdict with every difference as a broken rule; `unchecked` names the parts that cannot be verified.
    """
    plan = saved.plan
    assert isinstance(plan, SavedPlan)
    altered = _find_altered(saved)
    derived: list[Violation] = []
    left = [f"sourcing plan: {part}" for part in saved.parts]
    if saved.parts and not (saved.edits or verdict.against):
        report = remove_settled_parties(
            build_plan_report(rebuild_plan(plan, verdict), source_values=source(), pictures=False, settled=settled),
            settled,
        )
        derived, left = _compare_parts(report, saved)
    wrong = {violation.path.partition("[")[0] for violation in derived}
    broken = [*derived, *(violation for violation in altered if violation.path not in wrong)]
    if saved.edits and not (broken or verdict.broken):
        first = saved.edits[0]
        broken.append(Violation(ALTERED, first.cell, 0.0, "", f"{first.cell} was changed by hand: {first.text}"))
    if plan.digests:
        return replace(verdict, broken=(*verdict.broken, *broken))
    reason = "cannot be verified: the file has no digests (written by an earlier version); write the plan again"
    broken += (
        [Violation(NOT_VERIFIED, part, 0.0, "", f"{escape_text(part)}: {reason}") for part in left]
        if not saved.edits
        else []
    )
    return replace(verdict, broken=(*verdict.broken, *broken), unchecked=_list_underivable(plan))


def _find_altered(saved: SavedFile) -> list[Violation]:
    """Return the parts of a file that do not match their digests."""
    plan = saved.plan
    assert isinstance(plan, SavedPlan)
    if not plan.digests:
        return []
    prefix = PART_PREFIXES[saved.file_format]
    edited = (
        {*EDITABLE_TABLES, *(f"{prefix}{name_visible_sheet(name)}" for name in EDITABLE_TABLES)}
        if saved.edits
        else set()
    )
    written, result = plan.digests, _compute_file_digests(saved)
    broken = []
    for name in (
        name for name in {**written, **result} if written.get(name) != result.get(name) and name not in edited
    ):
        reason = "does not match its digest in the file: it was altered after"
        if name not in result:
            reason = "is missing, and the file has its digest: it was removed after"
        elif name not in written:
            reason = "has no digest in the file: it was added after"
        part = name.removeprefix(prefix)
        broken.append(Violation(ALTERED, part, 0.0, "", f"{escape_text(part)} {reason} it was written"))
    return broken


def _compute_file_digests(saved: SavedFile) -> dict[str, str]:
    """Compute the digest of every part of a file."""
    plan = saved.plan
    values = plan.model_dump(include=set(SCALAR_MEMBERS))
    tables = {name: getattr(plan, name) for name in PLAN_TABLES}
    columns = {
        name: {key: [getattr(row, key) for row in rows] for key in _list_columns(rows)}
        for name, rows in tables.items()
        if rows
    }
    return {**compute_plan_digests(values, columns), **compute_part_digests(saved.file_format, saved.parts)}


def _list_columns(rows: Sequence[BaseModel]) -> list[str]:
    """Return the columns of a table; those that only some plans have come all or none."""
    fields = type(rows[0]).model_fields
    optional = [name for name, field in fields.items() if not field.is_required()]
    stated = any(getattr(row, name) is not None for row in rows for name in optional)
    return [name for name in fields if stated or name not in optional]


def _list_underivable(plan: SavedPlan) -> tuple[str, ...]:
    """Return the parts of a plan that do not follow from its decisions and duals; only digests verify them."""
    names = []
    if any(row.meaning == SUPPLY_MEANING for row in plan.prices):
        names.append(f"prices ({SUPPLY_MEANING})")
    return (*names, *(("prices_at_lots",) if plan.prices_at_lots else ()), "solver")


def rebuild_plan(saved: SavedPlan, verdict: Verdict) -> Plan:
    """Rebuild a saved plan, whose tables are then derived from its decisions.

    Args:
        saved: Plan as the file states it.
        verdict: Verdict on it, with the account of its decisions.
    """
    account, claim = verdict.account, saved.certificate
    instance = account.instance
    certificate = Certificate(**{**claim.model_dump(), "exact_value": claim.exact_value or None})  # empty in a workbook
    duals = parse_duals(instance, saved.duals)[0]
    lots = None
    if saved.lots is not None:
        lots = WholeLots(saved.objective.value, saved.lots.without, saved.lots.lower_bound, {})
    extensions = parse_extensions(instance, account.routes, saved)[0]
    version, method = saved.solver.get("version", ""), saved.solver.get("method", "")
    return Plan(
        instance, saved.objective.measure, account, duals, certificate, method, version, added=extensions, lots=lots
    )


def _compare_parts(report: Report, saved: SavedFile) -> tuple[list[Violation], list[str]]:
    """Compare the tables, documents and summary of a file with those derived from its decisions."""
    stored = _READERS[saved.file_format](saved.parts, report)
    part, prose = stored.decision
    alike = any(
        line.startswith(f"medalopt {__version__},") for line in prose
    )  # other versions may word sentences differently
    broken: list[Violation] = []
    seen = {part, *stored.known}
    more: list[str] = []
    for table in report.tables:
        own = _drop_underivable(stored.tables[table.key], table.key)
        table = replace(table, rows=tuple(row for row in table.rows if not _is_underivable(table.key, row[0])))
        broken += _compare_table(own, table.key, table.columns, table.rows, alike)
        more += _list_extra_columns(own, table.columns)
        seen |= {own.part} if own else set()
    for document in report.documents:
        own = stored.documents[document.number]
        broken += _compare_table(own, document.number, document.lines.columns, document.lines.rows, alike)
        broken += _compare_fields(own, stored.fields[document.number], alike)
        for table, of_sheet in stored.grouped.get(document.number, ()):
            broken += _compare_table(of_sheet, document.number, table.columns, table.rows, alike)
        seen |= {own.part} if own else set()
    derived = report.headline if alike else ()
    broken += _compare_decision(part, derived, prose)
    if stored.first_page is not None and alike:
        name, texts = stored.first_page
        broken += _compare_decision(name, (split_summary(report).status, ""), texts)
    left = [name for name in saved.parts if name not in seen]
    return broken, [*left, *more]


def _is_underivable(key: str, cell: CellValue) -> bool:
    """Return True for the key figure that follows from the duals, which need not be stored."""
    return key == "key_figures" and cell == BOTTLENECK


def _drop_underivable(stored: _StoredPart | None, key: str) -> _StoredPart | None:
    if stored is None:
        return None
    return replace(stored, rows=[row for row in stored.rows if not _is_underivable(key, row.get("figure"))])


def _list_extra_columns(stored: _StoredPart | None, columns: Sequence[ReportColumn]) -> list[str]:
    if stored is None:
        return []
    return [f"{stored.part}.{key}" for key in sorted(stored.keys - {column.key for column in columns} - {"document"})]


def _compare_table(
    stored: _StoredPart | None,
    key: str,
    columns: Sequence[ReportColumn],
    rows: Sequence[Sequence[CellValue]],
    alike: bool,
) -> Iterator[Violation]:
    """Yield the differences of a stored table from its derived rows."""
    if stored is None:
        if alike:
            yield Violation(DERIVED, key, 0.0, "", f"{key} is missing; the decisions give {len(rows)} rows of it")
        return
    lacking = [column.key for column in columns if column.key not in stored.keys]
    if lacking and stored.rows and alike:
        yield Violation(
            DERIVED, stored.part, 0.0, "", f"{escape_text(stored.part)} has no column {escape_text(lacking[0])}"
        )
    known = [column for column in columns if column.key in stored.keys]
    places = {column.key: position for position, column in enumerate(columns)}
    true = [{column.key: row[places[column.key]] for column in known} for row in rows]
    size = {column.key: _largest_magnitude(row[column.key] for row in true) for column in known}
    differences = list(_compare_rows(stored, known, true, size))
    yield from differences[:_MOST_DIFFERENCES]
    if not differences and stored.total is not None:
        sums = {
            column.key: sum(map(_finite_or_zero, (row[column.key] for row in true))) for column in known if column.total
        }
        for column in (column for column in known if column.total):
            yield from _compare_cell(
                stored, "Total", column, stored.total.get(column.key), sums[column.key], size[column.key]
            )


def _compare_rows(
    stored: _StoredPart, columns: Sequence[ReportColumn], true: Sequence[StoredRow], size: Mapping[str, float]
) -> Iterator[Violation]:
    texts = [column.key for column in columns if column.unit is None]
    pairs, extra, missing = _pair_rows(stored.rows, true, texts)
    for row, want in pairs:
        label = _row_label(want, texts)
        for column in columns:
            key = column.key
            yield from _compare_cell(stored, label, column, row.get(key), want[key], size[key])
    values = {key: maximum for key, maximum in size.items() if key not in texts}
    for rows, reason in ((extra, "does not follow from them"), (missing, "follows from them, and is missing")):
        for row in (row for row in rows if (extra and missing) or not _is_negligible(row, values)):
            text = (
                f"{escape_text(stored.part)}: the decisions are other than its rows: {_row_label(row, texts)} {reason}"
            )
            yield Violation(DERIVED, stored.part, 0.0, "", text)


def _is_negligible(row: StoredRow, size: Mapping[str, float]) -> bool:
    """Return True where a row has numbers and all of them are rounding."""
    return bool(size) and all(
        abs(_finite_or_zero(row.get(key))) <= AMOUNT_TOLERANCE * maximum for key, maximum in size.items()
    )


def _pair_rows(
    stored: Sequence[StoredRow], true: Sequence[StoredRow], texts: Sequence[str]
) -> tuple[list[tuple[StoredRow, StoredRow]], list[StoredRow], list[StoredRow]]:
    """Pair stored with derived rows by their texts, then by texts without numbers; return the unpaired too."""
    pairs: list[tuple[StoredRow, StoredRow]] = []
    left, wanted = list(stored), list(true)
    for exact in (True, False):
        waiting: dict[tuple[str, ...], list[StoredRow]] = {}
        for want in reversed(wanted):
            waiting.setdefault(_row_key(want, texts, exact), []).append(want)
        rest = []
        for row in left:
            same = waiting.get(_row_key(row, texts, exact))
            if same:
                pairs.append((row, same.pop()))
            else:
                rest.append(row)
        left, wanted = rest, [want for rows in waiting.values() for want in reversed(rows)]
    return pairs, left, wanted


def _row_key(row: StoredRow, texts: Sequence[str], exact: bool) -> tuple[str, ...]:
    cells = tuple(_cell_text(row.get(key)) for key in texts)
    return cells if exact else tuple(_NUMBER_PATTERN.sub("#", cell) for cell in cells)


def _compare_cell(
    stored: _StoredPart, row: str, column: ReportColumn, cell: Any, true: CellValue, size: float
) -> Iterator[Violation]:
    if isinstance(true, int | float) and math.isfinite(true):
        value = _parse_number(cell)
        if value is not None and abs(value - true) <= AMOUNT_TOLERANCE * max(size, abs(true), 1e-6):
            return
        off, text = (abs(value - true), f"{value:.10g}") if value is not None else (0.0, repr(_cell_text(cell)))
        given, unit = f"{true:.10g}", column.unit or ""
    else:
        if _match_texts(_cell_text(cell), _cell_text(true)):
            return
        off, unit, text, given = 0.0, "", repr(_cell_text(cell)), repr(_cell_text(true))
    path = f"{stored.part}[{row}].{column.key}"
    yield Violation(DERIVED, path, off, unit, _describe_difference(stored.part, f"{column.key} of {row}", text, given))


def _compare_fields(stored: _StoredPart | None, wanted: Mapping[str, str], alike: bool) -> Iterator[Violation]:
    """Yield the fields of an order that differ from those derived from decisions and instance."""
    if stored is None:
        return
    for name, true in wanted.items():
        stated = stored.fields.get(name)
        if (stated is not None and not _match_texts(stated, true)) or (stated is None and alike):
            text = _describe_difference(stored.part, name, repr(stated), repr(true))
            yield Violation(DERIVED, f"{stored.part}[{name}]", 0.0, "", text)


def _describe_difference(part: str, what: str, text: str, given: str) -> str:
    stated, derived = escape_text(text, 80), escape_text(given, 80)
    return f"{escape_text(part)}: {escape_text(what, 200)} is stated as {stated}, and the decisions give {derived}"


def _compare_decision(part: str, derived: Iterable[str], prose: Sequence[str]) -> Iterator[Violation]:
    """Yield derived summary sentences missing in the file, but not scarcity (duals not stored) or the verification."""
    *lines, _ = derived or ("",)
    for line in lines:
        if not line.startswith(("Bottleneck", "Next source")) and not any(_match_texts(text, line) for text in prose):
            text = f"{escape_text(part)}: `{escape_text(line, 200)}` is missing, and follows from the decisions"
            yield Violation(DERIVED, part, 0.0, "", text)


def _match_texts(one: str, other: str) -> bool:
    """Return True where two texts are equal up to spaces and to one unit of the last digit of their numbers."""
    if one == other or one.split() == other.split():
        return True
    values, others = _NUMBER_PATTERN.findall(one), _NUMBER_PATTERN.findall(other)
    if len(values) != len(others) or _NUMBER_PATTERN.sub("#", one).split() != _NUMBER_PATTERN.sub("#", other).split():
        return False
    return all(_match_numbers(*pair) for pair in zip(values, others, strict=True))


def _match_numbers(one: str, other: str) -> bool:
    """Return True where two numbers are equal, or have as many decimal places and differ by one unit of the last."""
    if "e" not in one + other and float(one.replace(",", "")) == float(other.replace(",", "")):
        return True
    places = [len(text.partition(".")[2]) for text in (one, other)]
    grouped = "," in one and "," in other  # a large amount, not a date or an order number
    if "e" in one + other or places[0] != places[1] or not (places[0] or grouped):
        return False
    return abs(float(one.replace(",", "")) - float(other.replace(",", ""))) <= 1.01 * 10.0 ** -places[0]


def _cell_text(cell: Any) -> str:
    if isinstance(cell, float) and math.isinf(cell):
        return "no limit" if cell > 0 else ""
    return "" if cell is None else cell if isinstance(cell, str) else repr(cell)


def _parse_number(cell: Any) -> float | None:
    try:
        return None if cell is None or isinstance(cell, bool) else float(cell)
    except (TypeError, ValueError, OverflowError):
        return None


def _finite_or_zero(cell: Any) -> float:
    found = _parse_number(cell) if not isinstance(cell, str) else None
    return found if found is not None and math.isfinite(found) else 0.0


def _largest_magnitude(cells: Iterable[Any]) -> float:
    return max((abs(_finite_or_zero(cell)) for cell in cells), default=0.0)


def _row_label(row: StoredRow, texts: Sequence[str]) -> str:
    return escape_text(", ".join(_cell_text(row.get(key)) for key in texts[:3] if row.get(key)), 120)


StoredRow = Mapping[str, Any]  # cell by the key of its column


@dataclass(frozen=True)
class _StoredPart:
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


@dataclass(frozen=True)
class _StoredReport:
    """Tables, orders and sentences of a saved report, whatever the form of its file.

    Attributes:
        known: Parts that are compared otherwise or hold no values of their own.
        tables: Stored part by key of the table; None for one that the file lacks.
        documents: Lines and fields by number of the order; None for one that the file lacks.
        fields: Fields that this form must have of each order, by its number.
        decision: Part with the summary, and its lines with the footer.
        grouped: Grouped tables of each order with their stored parts, in the form that has them.
        first_page: First page and its texts, in the form that has one of its own.
    """

    known: frozenset[str]
    tables: Mapping[str, _StoredPart | None]
    documents: Mapping[str, _StoredPart | None]
    fields: Mapping[str, Mapping[str, str]]
    decision: tuple[str, Sequence[str]]
    grouped: Mapping[str, Sequence[tuple[ReportTable, _StoredPart | None]]] = field(default_factory=dict)
    first_page: tuple[str, Sequence[str]] | None = None


def _read_json_report(parts: Mapping[str, Any], report: Report) -> _StoredReport:
    numbers = {one["number"]: part for part, one in parts.items() if part.startswith("documents.")}

    def read_rows(part: str, table: Mapping[str, Any]) -> _StoredPart:
        """Return the rows of a table."""
        return _StoredPart(part, frozenset(key for row in table["rows"] for key in row), table["rows"])

    def read_document(part: str) -> _StoredPart:
        """Return the lines and fields of an order."""
        one = parts[part]
        fields = {"kind": one["kind"], "stamp": one["stamp"], "missing": ", ".join(one["missing"])}
        return replace(read_rows(part, one["lines"]), fields={**fields, **one["party"], **one["terms"]})

    named = {table.key: f"tables.{table.key}" for table in report.tables}
    return _StoredReport(
        frozenset({"title", "foot", "date", "documents", "tables"}),
        {key: read_rows(part, parts[part]) if part in parts else None for key, part in named.items()},
        {one.number: read_document(numbers[one.number]) if one.number in numbers else None for one in report.documents},
        {
            one.number: {"kind": one.kind, "stamp": one.stamp, "missing": ", ".join(one.missing)}
            | dict(one.party)
            | dict(one.terms)
            for one in report.documents
        },
        ("decision", [*parts["decision"], *parts["foot"]]),
    )


def _read_folder(parts: Mapping[str, Any], report: Report) -> _StoredReport:
    def read_rows(part: str) -> _StoredPart | None:
        """Return the rows of a file."""
        head, *rows = parts.get(part) or [[]]
        keys = [name.removeprefix("'") for name in head]
        cells = [dict(zip(keys, (cell.removeprefix("'") for cell in row), strict=False)) for row in rows]
        return _StoredPart(part, frozenset(keys), cells) if keys else None

    own = read_rows("documents")

    def read_document(document: OrderDocument) -> _StoredPart | None:
        """Return the lines and fields of an order."""
        lines = read_rows(document.lines.key)
        if lines is None or own is None:
            return None
        said = [row for row in own.rows if row.get("document") == document.number]
        fields = {f"{row.get('part', '')}: {row.get('field', '')}": str(row.get("value", "")) for row in said}
        kinds = {f"{row.get('kind', '')}, {row.get('stamp', '')}" for row in said}
        rows = [row for row in lines.rows if row.get("document") == document.number]
        return replace(lines, rows=rows, fields={**fields, "kind": "; ".join(sorted(kinds))})

    return _StoredReport(
        frozenset({"documents", "tables"}),
        {table.key: read_rows(table.key) for table in report.tables},
        {one.number: read_document(one) for one in report.documents},
        {
            one.number: {f"party: {name}": value for name, value in one.party}
            | {f"terms: {name}": value for name, value in one.terms}
            | {"kind": f"{one.kind}, {one.stamp}"}
            for one in report.documents
        },
        ("decision", [row[0].removeprefix("'") for row in parts.get("decision", [])[1:] if row]),
    )


def _read_workbook(parts: Mapping[str, Any], report: Report) -> _StoredReport:
    names = plan_sheets(report, SheetNames())
    joined = {table.key: table for table in list_line_tables(report)}

    def read_document(document: OrderDocument) -> _StoredPart | None:
        """Return the lines, from the data sheet of their kind, and fields of an order."""
        shown = _read_sheet(parts, names.documents[document.number], document.grouped[0].columns)
        lines = _read_sheet(parts, names.lines[document.lines.key], joined[document.lines.key].columns)
        if shown is None or lines is None:
            return None
        rows = [row for row in lines.rows if row.get("document") == document.number]
        return replace(lines, rows=rows, fields=shown.fields)

    def list_texts(sheet: str) -> tuple[str, Sequence[str]]:
        """Return a sheet with the texts of its first column."""
        return sheet, [row[0] for row in parts.get(sheet, []) if row and isinstance(row[0], str)]

    named = (names.summary, names.contents, names.pictures, *names.decisions.values(), *names.documents.values())
    return _StoredReport(
        frozenset(named),
        {
            table.key: _read_sheet(parts, names.tables.get(table.key, names.summary), table.columns)
            for table in report.tables
        },
        {one.number: read_document(one) for one in report.documents},
        {
            one.number: {name: clean_cell_text(value) or BLANK_FIELD for name, value in (*one.party, *one.terms)}
            for one in report.documents
        },
        list_texts(names.contents),
        {
            one.number: [
                (table, _read_sheet(parts, names.documents[one.number], table.columns)) for table in one.grouped
            ]
            for one in report.documents
        },
        list_texts(names.summary) if names.summary else None,
    )


def _read_sheet(parts: Mapping[str, Any], sheet: str, columns: Sequence[ReportColumn]) -> _StoredPart | None:
    rows, wanted = parts.get(sheet), make_unique_heads(tuple(columns))
    keys = dict(zip(wanted, (column.key for column in columns), strict=True))
    top = next((index for index, row in enumerate(rows or ()) if keys.keys() <= set(map(_text_or_empty, row))), None)
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
    return _StoredPart(sheet, frozenset(places.values()), cells, fields, total)


def _is_filled(cell: Any) -> bool:
    return cell is not None and cell != ""


def _text_or_empty(cell: Any) -> str:
    return cell if isinstance(cell, str) else ""


_READERS = {"json": _read_json_report, "csv": _read_folder, "xlsx": _read_workbook}
