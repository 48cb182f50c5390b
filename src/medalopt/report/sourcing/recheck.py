"""Verification of the tables of a saved plan, against its decisions and against the digests of the file."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from medalopt import __version__
from medalopt.instance.written import Written
from medalopt.plan.digests import PARTS, PLAN_TABLES, SCALARS, digest_parts, digest_plan
from medalopt.plan.plan import Plan
from medalopt.plan.saved import SavedFile, SavedPlan
from medalopt.plan.saved_workbook import EDITABLE, visible
from medalopt.plan.whole_lots import WholeLots
from medalopt.proof.certificate import Certificate
from medalopt.proof.marginal import ON_OFFER
from medalopt.proof.stated import Broken, priced
from medalopt.proof.stated_added import added
from medalopt.proof.verdict import Verdict
from medalopt.report.replanning.added import without_settled
from medalopt.report.sourcing.content import Cell, Column, Content
from medalopt.report.sourcing.contents import contents
from medalopt.report.sourcing.stored import Row, StoredForm, StoredPart, form_of
from medalopt.wording import shown

ALTERED, DERIVED, UNSHOWN = "altered", "derived", "not verified"
EQUAL = 1e-9  # of a number or of the largest of its column: allowed difference from the derived value
_MOST = 20  # differences reported of one table
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")


def check_tables(
    saved: SavedFile,
    found: Verdict,
    source: Callable[[], Written | None] = lambda: None,
    settled: frozenset[str] = frozenset(),
) -> Verdict:
    """Verify the tables of a saved plan.

    Tables that follow from the decisions are derived and compared; every part of the file is compared with its digest.

    Args:
        saved: File as it was read.
        found: Verdict on the plan, from the instance alone.
        source: Returns the parameters as the instance file writes them; None for an instance without a file.
        settled: Parties that have delivered already and receive no order.

    Returns:
        The verdict with every difference as a broken rule; `unchecked` names the parts that cannot be verified.
    """
    plan = saved.plan
    assert isinstance(plan, SavedPlan)
    altered = find_altered(saved)
    derived: list[Broken] = []
    left = [f"sourcing plan: {part}" for part in saved.parts]
    if saved.parts and not (saved.edits or found.against):
        content = without_settled(contents(plan_of(plan, found), written=source(), pictures=False), settled)
        derived, left = compare_parts(form_of(saved, content), content, saved)
    wrong = {one.path.partition("[")[0] for one in derived}
    broken = [*derived, *(one for one in altered if one.path not in wrong)]
    if saved.edits and not (broken or found.broken):
        first = saved.edits[0]
        broken.append(Broken(ALTERED, first.cell, 0.0, "", f"{first.cell} was changed by hand: {first.text}"))
    if plan.digests:
        return replace(found, broken=(*found.broken, *broken))
    why = "cannot be verified: the file carries no digests, as an earlier version wrote it; write the plan anew"
    broken += [Broken(UNSHOWN, part, 0.0, "", f"{shown(part)}: {why}") for part in left] if not saved.edits else []
    return replace(found, broken=(*found.broken, *broken), unchecked=_without_digests(plan))


def find_altered(saved: SavedFile) -> list[Broken]:
    """Return the parts of a file that do not match their digests.

    Args:
        saved: File as it was read.

    Returns:
        One broken rule for each altered, added or removed part; none where the file has no digests.
    """
    plan = saved.plan
    assert isinstance(plan, SavedPlan)
    if not plan.digests:
        return []
    prefix = PARTS[saved.form]
    edited = {*EDITABLE, *(f"{prefix}{visible(name)}" for name in EDITABLE)} if saved.edits else set()
    written, found = plan.digests, digests_of(saved)
    broken = []
    for name in (name for name in {**written, **found} if written.get(name) != found.get(name) and name not in edited):
        why = "does not match its digest in the file: it was altered after"
        if name not in found:
            why = "is missing, and the file has its digest: it was removed after"
        elif name not in written:
            why = "has no digest in the file: it was added after"
        part = name.removeprefix(prefix)
        broken.append(Broken(ALTERED, part, 0.0, "", f"{shown(part)} {why} it was written"))
    return broken


def digests_of(saved: SavedFile) -> dict[str, str]:
    """Compute the digest of every part of a file.

    Args:
        saved: File as it was read.

    Returns:
        Digest by name of the part.
    """
    plan = saved.plan
    figures = plan.model_dump(include=set(SCALARS))
    tables = {name: getattr(plan, name) for name in PLAN_TABLES}
    columns = {
        name: {key: [getattr(row, key) for row in rows] for key in type(rows[0]).model_fields}
        for name, rows in tables.items()
        if rows
    }
    return {**digest_plan(figures, columns), **digest_parts(saved.form, saved.parts)}


def _without_digests(plan: SavedPlan) -> tuple[str, ...]:
    """Return the parts of a plan that do not follow from its decisions and duals; only digests verify them."""
    names = []
    if any(row.meaning == ON_OFFER for row in plan.prices):
        names.append(f"prices ({ON_OFFER})")
    return (*names, *(("prices_at_lots",) if plan.prices_at_lots else ()), "solver")


def plan_of(saved: SavedPlan, found: Verdict) -> Plan:
    """Rebuild a saved plan, whose tables are then derived from its decisions.

    Args:
        saved: Plan as the file states it.
        found: Verdict on it, with the account of its decisions.

    Returns:
        The plan.
    """
    account, claim = found.account, saved.certificate
    instance = account.instance
    certificate = Certificate(**claim.model_dump())
    duals = priced(instance, saved.duals)[0]
    lots = None
    if saved.lots is not None:
        lots = WholeLots(saved.objective.value, saved.lots.without, saved.lots.lower_bound, {})
    own = added(instance, account.found, saved)[0]
    version, method = saved.solver.get("version", ""), saved.solver.get("method", "")
    return Plan(instance, saved.objective.measure, account, duals, certificate, method, version, added=own, lots=lots)


def compare_parts(form: StoredForm, content: Content, saved: SavedFile) -> tuple[list[Broken], list[str]]:
    """Compare the tables, documents and summary of a file with those derived from its decisions.

    Args:
        form: Parts of the file.
        content: Report derived from the decisions.
        saved: File as it was read.

    Returns:
        The differences, and the names of parts that no derived part corresponds to.
    """
    part, prose = form.prose()
    alike = any(
        line.startswith(f"medalopt {__version__},") for line in prose
    )  # other versions may word sentences differently
    broken: list[Broken] = []
    seen = {part, "title", "foot", "documents", "tables"}
    more: list[str] = []
    for table in content.tables:
        stored = form.table(table)
        broken += _table(stored, table.key, table.columns, table.rows, alike)
        more += _columns_left(stored, table.columns)
        seen |= {stored.part} if stored else set()
    for document in content.documents:
        stored = form.document(document)
        broken += _table(stored, document.number, document.lines.columns, document.lines.rows, alike)
        broken += _fields(stored, form.fields(document), alike)
        seen |= {stored.part} if stored else set()
    derived = content.decision if alike else ()
    broken += _lines(part, derived, prose)
    if saved.form == "xlsx":
        seen |= {"Pictures", *map(visible, EDITABLE)}
    left = [name for name in saved.parts if name not in seen]
    return broken, [*left, *more]


def _columns_left(stored: StoredPart | None, columns: Sequence[Column]) -> list[str]:
    if stored is None:
        return []
    return [f"{stored.part}.{key}" for key in sorted(stored.keys - {column.key for column in columns} - {"document"})]


def _table(
    stored: StoredPart | None, key: str, columns: Sequence[Column], rows: Sequence[Sequence[Cell]], alike: bool
) -> Iterator[Broken]:
    """Yield the differences of a stored table from its derived rows."""
    if stored is None:
        if alike:
            yield Broken(DERIVED, key, 0.0, "", f"{key} is missing; the decisions give {len(rows)} rows of it")
        return
    lacking = [column.key for column in columns if column.key not in stored.keys]
    if lacking and stored.rows and alike:
        yield Broken(DERIVED, stored.part, 0.0, "", f"{shown(stored.part)} has no column {shown(lacking[0])}")
    known = [column for column in columns if column.key in stored.keys]
    places = {column.key: place for place, column in enumerate(columns)}
    true = [{column.key: row[places[column.key]] for column in known} for row in rows]
    size = {column.key: _largest(row[column.key] for row in true) for column in known}
    differences = list(_rows(stored, known, true, size))
    yield from differences[:_MOST]
    if not differences and stored.total is not None:
        sums = {column.key: sum(map(_figure, (row[column.key] for row in true))) for column in known if column.total}
        for column in (column for column in known if column.total):
            yield from _cell(stored, "Total", column, stored.total.get(column.key), sums[column.key], size[column.key])


def _rows(
    stored: StoredPart, columns: Sequence[Column], true: Sequence[Row], size: Mapping[str, float]
) -> Iterator[Broken]:
    texts = [column.key for column in columns if column.unit is None]
    pairs, extra, missing = _paired(stored.rows, true, texts)
    for row, want in pairs:
        label = _label(want, texts)
        for column in columns:
            key = column.key
            yield from _cell(stored, label, column, row.get(key), want[key], size[key])
    figures = {key: most for key, most in size.items() if key not in texts}
    for rows, why in ((extra, "does not follow from them"), (missing, "follows from them, and is missing")):
        for row in (row for row in rows if (extra and missing) or not _negligible(row, figures)):
            text = f"{shown(stored.part)}: the decisions are other than its rows: {_label(row, texts)} {why}"
            yield Broken(DERIVED, stored.part, 0.0, "", text)


def _negligible(row: Row, size: Mapping[str, float]) -> bool:
    """Return True where a row has numbers and all of them are rounding."""
    return bool(size) and all(abs(_figure(row.get(key))) <= EQUAL * most for key, most in size.items())


def _paired(
    stored: Sequence[Row], true: Sequence[Row], texts: Sequence[str]
) -> tuple[list[tuple[Row, Row]], list[Row], list[Row]]:
    """Pair stored with derived rows by their texts, then by texts without numbers; return the unpaired too."""
    pairs: list[tuple[Row, Row]] = []
    left, wanted = list(stored), list(true)
    for exact in (True, False):
        waiting: dict[tuple[str, ...], list[Row]] = {}
        for want in reversed(wanted):
            waiting.setdefault(_key(want, texts, exact), []).append(want)
        rest = []
        for row in left:
            same = waiting.get(_key(row, texts, exact))
            if same:
                pairs.append((row, same.pop()))
            else:
                rest.append(row)
        left, wanted = rest, [want for rows in waiting.values() for want in reversed(rows)]
    return pairs, left, wanted


def _key(row: Row, texts: Sequence[str], exact: bool) -> tuple[str, ...]:
    cells = tuple(_text(row.get(key)) for key in texts)
    return cells if exact else tuple(_NUMBER.sub("#", cell) for cell in cells)


def _cell(stored: StoredPart, row: str, column: Column, cell: Any, true: Cell, size: float) -> Iterator[Broken]:
    if isinstance(true, int | float) and math.isfinite(true):
        figure = _number(cell)
        if figure is not None and abs(figure - true) <= EQUAL * max(size, abs(true), 1e-6):
            return
        off, said = (abs(figure - true), f"{figure:.10g}") if figure is not None else (0.0, repr(_text(cell)))
        given, unit = f"{true:.10g}", column.unit or ""
    else:
        if same_text(_text(cell), _text(true)):
            return
        off, unit, said, given = 0.0, "", repr(_text(cell)), repr(_text(true))
    path = f"{stored.part}[{row}].{column.key}"
    yield Broken(DERIVED, path, off, unit, _differs(stored.part, f"{column.key} of {row}", said, given))


def _fields(stored: StoredPart | None, wanted: Mapping[str, str], alike: bool) -> Iterator[Broken]:
    """Yield the fields of an order that differ from those derived from decisions and instance."""
    if stored is None:
        return
    for name, true in wanted.items():
        said = stored.fields.get(name)
        if (said is not None and not same_text(said, true)) or (said is None and alike):
            text = _differs(stored.part, name, repr(said), repr(true))
            yield Broken(DERIVED, f"{stored.part}[{name}]", 0.0, "", text)


def _differs(part: str, what: str, said: str, given: str) -> str:
    stated, derived = shown(said, 80), shown(given, 80)
    return f"{shown(part)}: {shown(what, 200)} is stated as {stated}, and the decisions give {derived}"


def _lines(part: str, derived: Iterable[str], prose: Sequence[str]) -> Iterator[Broken]:
    """Yield derived summary sentences missing in the file, but not scarcity (duals not stored) or the verification."""
    *lines, _ = derived or ("",)
    for line in lines:
        if not line.startswith("Scarce") and not any(same_text(said, line) for said in prose):
            text = f"{shown(part)}: `{shown(line, 200)}` follows from the decisions, and is not said"
            yield Broken(DERIVED, part, 0.0, "", text)


def same_text(one: str, other: str) -> bool:
    """Return True where two texts are equal up to spaces and to one unit of the last digit of their numbers.

    Args:
        one: Stored text.
        other: Derived text.

    Returns:
        True where they match.
    """
    if one == other or one.split() == other.split():
        return True
    figures, others = _NUMBER.findall(one), _NUMBER.findall(other)
    if len(figures) != len(others) or _NUMBER.sub("#", one).split() != _NUMBER.sub("#", other).split():
        return False
    return all(_near(*pair) for pair in zip(figures, others, strict=True))


def _near(one: str, other: str) -> bool:
    """Return True where two numbers are equal, or have as many decimal places and differ by one unit of the last."""
    if "e" not in one + other and float(one.replace(",", "")) == float(other.replace(",", "")):
        return True
    places = [len(text.partition(".")[2]) for text in (one, other)]
    grouped = "," in one and "," in other  # a large amount, not a date or an order number
    if "e" in one + other or places[0] != places[1] or not (places[0] or grouped):
        return False
    return abs(float(one.replace(",", "")) - float(other.replace(",", ""))) <= 1.01 * 10.0 ** -places[0]


def _text(cell: Any) -> str:
    if isinstance(cell, float) and math.isinf(cell):
        return "no limit" if cell > 0 else ""
    return "" if cell is None else cell if isinstance(cell, str) else repr(cell)


def _number(cell: Any) -> float | None:
    try:
        return None if cell is None or isinstance(cell, bool) else float(cell)
    except (TypeError, ValueError, OverflowError):
        return None


def _figure(cell: Any) -> float:
    found = _number(cell) if not isinstance(cell, str) else None
    return found if found is not None and math.isfinite(found) else 0.0


def _largest(cells: Iterable[Any]) -> float:
    return max((abs(_figure(cell)) for cell in cells), default=0.0)


def _label(row: Row, texts: Sequence[str]) -> str:
    return shown(", ".join(_text(row.get(key)) for key in texts[:3] if row.get(key)), 120)
