"""Verification of the printed report: every number and text of a saved plan, in each form."""

from __future__ import annotations

import copy
import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from campaigns.saved_plans import Base, bases, sourced, written
from tests.cli.runs import TINY, here

from campaigns import saved_plans
from medalopt.errors import InputError
from medalopt.instance.reader.excel_reader import UnreadableCell
from medalopt.instance.reader.files import FileBytes
from medalopt.plan.digests import compute_part_digests, compute_plan_digests
from medalopt.plan.reader import SavedFile, read_plan_file, read_plan_json, read_plan_workbook
from medalopt.plan.schema import SavedPlan
from medalopt.plan.tables import PLAN_TABLES
from medalopt.proof.verdict import verify_plan
from medalopt.report.sourcing.plan_report import build_plan_report
from medalopt.report.sourcing.table_verification import (
    _compare_parts,
    _compute_file_digests,
    _match_texts,
    check_tables,
    rebuild_plan,
)

Path_ = tuple[Any, ...]
NOT_DERIVED = ("rules", "risks")  # tables that took further solves: digests alone cover them
SOLVED = "comes_in_per_t"  # likewise a column of the award table
WITHOUT_MEANING = ("instance", "files")  # other bytes may hold the same figures, and it is these that are verified


def leaves(content: Any, path: Path_ = ()) -> Iterator[Path_]:
    """Yield the place of every number and text in JSON content."""
    if isinstance(content, dict | list):
        for key, inner in content.items() if isinstance(content, dict) else enumerate(content):
            yield from leaves(inner, (*path, key))
    elif content not in (None, ""):
        yield path


def altered(content: Any, path: Path_) -> Any:
    """Return a copy of the content that says something else at `path`; all but its way there is shared."""
    if not path:
        return content + "x" if isinstance(content, str) else 10 * content + 1
    new = copy.copy(content)
    new[path[0]] = altered(content[path[0]], path[1:])
    return new


def columns(content: Any) -> list[Path_]:
    """Return the last place of every column of every table: places that differ in their row alone are one column."""
    found = {tuple("*" if isinstance(key, int) else key for key in path): path for path in leaves(content)}
    return list(found.values())


def from_json(content: Any) -> SavedFile:
    """Return the plan read from JSON."""
    return read_plan_json(FileBytes("plan.json", json.dumps(content).encode()))


def refused(base: Base, read: Callable[[], SavedFile]) -> bool:
    """Return whether a plan is rejected, on reading or checking."""
    try:
        return not base.accepts(read())
    except InputError:
        return True


def test_plans_are_accepted_as_they_were_written() -> None:
    """In every form, with all that can be in a plan: parties, uncertainty, whole lots, rows of one's own."""
    for base in bases():
        for form in ("json", "csv", "xlsx") if base.book else ("json", "csv"):
            assert base.accepts(written(base, form)), form


@pytest.mark.parametrize("number", range(3))
def test_no_column_of_a_plan_in_json_can_be_altered(number: int) -> None:
    """A figure or text in each column of each table, and in each member, altered in turn: the plan is refused."""
    base = bases()[number]
    content = json.loads(base.text)
    places = columns(content)
    assert len(places) > 70
    let_pass = [path for path in places if not refused(base, lambda path=path: from_json(altered(content, path)))]
    assert {path[:2] for path in let_pass} <= {WITHOUT_MEANING}


@pytest.mark.parametrize("number", range(3))
def test_no_column_of_a_folder_of_csv_can_be_altered(number: int, tmp_path: Path) -> None:
    """The last filled cell of each column of each file, heads too, altered in turn: the plan is refused."""
    base = bases()[number]
    for name, text in base.folder.items():
        (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    tried, let_pass = 0, []
    for name, text in base.folder.items():
        rows = list(csv.reader(io.StringIO(text, newline="")))
        for row, place in filled(rows):
            changed = copy.deepcopy(rows)
            cell = changed[row][place]
            changed[row][place] = f"{cell}x" if number_of(cell) is None else repr(10 * float(cell) + 1)
            (tmp_path / name).write_text(written_rows(changed), encoding="utf-8", newline="")
            tried += 1
            let_pass += [] if refused(base, lambda: read_plan_file(tmp_path)) else [(name, row, place)]
        (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    assert tried > 60 and let_pass == []


def written_rows(rows: list[list[str]]) -> str:
    """Return rows as CSV."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def number_of(cell: Any) -> float | None:
    """Return the number in a cell; None where there is none."""
    try:
        return float(cell)
    except (TypeError, ValueError):
        return None


def filled(rows: list[list[Any]]) -> list[tuple[int, int]]:
    """Return row and place of the first and the last filled cell of each column."""
    ends = {}
    for way in (range(len(rows)), range(len(rows) - 1, -1, -1)):
        first: dict[int, int] = {}
        for row in way:
            for place, cell in enumerate(rows[row]):
                if cell not in (None, ""):
                    first.setdefault(place, row)
        ends |= {(row, place): None for place, row in first.items()}
    return list(ends)


def test_no_column_of_a_workbook_can_be_altered() -> None:
    """The last filled cell of each column of each sheet, of hidden ones the head too: the plan is refused."""
    base = sourced()
    cells, visible = saved_plans.sheets_of(base), written(base, "xlsx").parts
    tried, let_pass = 0, []
    for name, rows in cells.sheets.items():
        ends = filled(rows)
        for row, place in ends[len(ends) // 2 :] if name in visible else ends:
            cell = rows[row][place]
            cell = cell.shown_value if isinstance(cell, UnreadableCell) else cell
            new = 10 * cell + 1 if isinstance(cell, float) else f"{cell}x"
            changed = [list(one) for one in rows]
            changed[row][place] = new
            book = replace(cells, sheets={**cells.sheets, name: changed})
            tried += 1
            let_pass += [] if refused(base, partial(read_plan_workbook, book)) else [(name, row, place)]
    assert tried > 300 and let_pass == []


def find_uncovered(saved: SavedFile) -> tuple[int, list[tuple[Any, ...]]]:
    """Count the numbers and texts of all tables of a plan; return those that, altered alone, leave its digest."""
    tried, uncovered = 0, []
    for name, part in saved.parts.items():
        before = compute_part_digests(saved.file_format, {name: part})
        for path in leaves(part):
            tried += 1
            if compute_part_digests(saved.file_format, {name: altered(part, path)}) == before:
                uncovered.append((name, *path))
    assert isinstance(saved.plan, SavedPlan)
    content = saved.plan.model_dump(exclude={"sourcing", "digests"})
    for name, table in content.items():
        if name == WITHOUT_MEANING[0]:
            table = {key: one for key, one in table.items() if key != WITHOUT_MEANING[1]}
        before = digest_member(name, table)
        for path in leaves(table):
            tried += 1
            if digest_member(name, altered(table, path)) == before:
                uncovered.append((name, *path))
    return tried, uncovered


def digest_member(name: str, table: Any) -> dict[str, str]:
    """Return the digest of one member of a plan: a table of rows, or one of the others."""
    if name not in PLAN_TABLES:
        return compute_plan_digests({name: table}, {})
    return compute_plan_digests({}, {name: {key: [row[key] for row in table] for key in table[0]}} if table else {})


@pytest.mark.parametrize("form", ["json", "csv", "xlsx"])
def test_every_single_cell_counts_in_the_digest(form: str) -> None:
    """Each number and text of each table of the saved plans, altered alone, gives its part another digest."""
    for base in bases() if form != "xlsx" else bases()[:1]:
        tried, uncovered = find_uncovered(written(base, form))
        assert tried > (2_000 if base.book else 70)
        assert uncovered == []


@cache
def derived(form: str) -> tuple[SavedFile, Any]:
    """Return the sourcing plan as read, and the report derived from its decisions."""
    base, saved = sourced(), written(sourced(), form)
    assert isinstance(saved.plan, SavedPlan)
    plan = rebuild_plan(saved.plan, verify_plan(base.instance, saved.plan))
    return saved, build_plan_report(plan, source_values=base.written, pictures=False)


def find_unnoticed(saved: SavedFile, content: Any, changes: dict[str, list[Any]]) -> tuple[int, list[str]]:
    """Alter one part of each name at a time, as `changes` lists them; count the parts altered, name those not found."""
    tried, unnoticed = 0, []
    for number in range(max(map(len, changes.values()))):
        now = {name: listed[number] for name, listed in changes.items() if number < len(listed)}
        file = replace(saved, parts={**saved.parts, **now})
        broken, _ = _compare_parts(content, file)
        tried += len(now)
        unnoticed += [f"{name}, {number}" for name in now if not any(one.path.startswith(name) for one in broken)]
    return tried, unnoticed


def test_tables_are_derived_again_from_the_decisions() -> None:
    """With recomputed digests no column of a table or order can be altered, except those that took further solves."""
    saved, content = derived("json")
    changes: dict[str, list[Any]] = {}
    for name, part in saved.parts.items():
        if not name.startswith(("tables.", "documents.")) or name.removeprefix("tables.") in NOT_DERIVED:
            continue
        for path in columns(part):
            if path[0] in ("title", "says", "units", "notes", "number") or SOLVED in path:
                continue  # prose, which digests alone cover
            if path[:2] in (("lines", "title"), ("lines", "says"), ("lines", "units"), ("lines", "notes")):
                continue
            changes.setdefault(name, []).append(altered(part, path))
    tried, unnoticed = find_unnoticed(saved, content, changes)
    assert tried > 150 and unnoticed == []


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_tables_are_derived_again_in_the_other_forms(form: str) -> None:
    """An altered cell of any column of any table of figures is found without a digest."""
    saved, content = derived(form)
    changes: dict[str, list[Any]] = {}
    for table in content.tables:
        part = table.key if form == "csv" else table.title
        rows = saved.parts.get(part)
        if rows is None or table.key in NOT_DERIVED:
            continue
        top = 0 if form == "csv" else 3
        for row, place in filled(rows[top + 1 : top + 1 + len(table.rows)]):
            if place < len(table.columns) and table.columns[place].key != SOLVED:
                changed = [list(one) for one in rows]
                cell = changed[row + top + 1][place]
                figure = number_of(cell)
                new = f"{cell}x" if figure is None or (isinstance(cell, str) and form == "xlsx") else 10 * figure + 1
                changed[row + top + 1][place] = repr(new) if form == "csv" and figure is not None else new
                changes.setdefault(part, []).append(changed)
    tried, unnoticed = find_unnoticed(saved, content, changes)
    assert tried > 150 and unnoticed == []


def test_a_row_that_is_gone_or_added_is_found_without_a_digest() -> None:
    """The row is named, and whether it follows from the decisions."""
    saved, content = derived("json")
    table = saved.parts["tables.melt_cards"]
    for rows, why in ((table["rows"][1:], "is missing"), ([*table["rows"], table["rows"][0]], "does not follow")):
        file = replace(saved, parts={**saved.parts, "tables.melt_cards": {**table, "rows": rows}})
        (broken,) = _compare_parts(content, file)[0]
        assert why in broken.text and "bronze, 2017-04, green_copper" in broken.text


def test_rows_in_another_order_say_the_same_in_a_workbook() -> None:
    """A person may sort a table by any of its heads: the workbook is as valid as before."""
    base, cells = sourced(), saved_plans.sheets_of(sourced())
    award = cells.sheets["Award table"]
    turned = [*award[:4], *award[9:3:-1], *award[10:]]
    assert award[10][0] == "Total" and turned != award
    assert base.accepts(read_plan_workbook(replace(cells, sheets={**cells.sheets, "Award table": turned})))


@pytest.fixture(scope="module")
def printed() -> str:
    """Return the sourcing plan of the small instance as JSON."""
    return json.dumps(json.loads(here("plan", TINY, "--json").out))


@pytest.fixture
def saved(printed: str, tmp_path: Path) -> Path:
    """Return a file with the sourcing plan of the small instance as JSON."""
    path = tmp_path / "plan.json"
    path.write_text(printed, encoding="utf-8")
    return path


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the JSON in a file."""
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def ten_times(content: dict[str, Any]) -> None:
    """Multiply every figure on every order by ten."""
    for document in content["sourcing"]["documents"]:
        for row in document["lines"]["rows"]:
            row |= {key: 10 * value for key, value in row.items() if isinstance(value, float)}


def test_figures_on_orders_that_are_ten_times_as_large_are_refused(saved: Path) -> None:
    """With digests and without: not valid, with order, row and column, the figure stated and the one that follows."""
    for change in (ten_times, lambda content: content.update(digests={})):
        edit(saved, change)
        run = here("verify", str(saved), TINY)
        assert run.code == 1 and run.out.startswith("Plan is not valid.\n")
        said = "documents.1: tonnes_t of kettle@east, kettle, 2017-07 is stated as 10, and the decisions give 1"
        assert said in run.out


def test_what_took_further_solves_is_covered_by_its_digest(saved: Path) -> None:
    """A risk that is altered: the message names the table, and says that it was altered after it was written."""
    edit(saved, lambda content: content["sourcing"]["tables"]["risks"]["rows"][0].update(lower_costs=1.0))
    run = here("verify", str(saved), TINY)
    why = "tables.risks does not match its digest in the file: it was altered after it was written"
    assert run.code == 1 and why in run.out
    told = json.loads(here("verify", str(saved), TINY, "--json").out)
    assert [(row["rule"], row["path"]) for row in told["broken"]] == [("altered", "tables.risks")]


def test_tables_that_are_gone_or_added_are_named(saved: Path) -> None:
    """A table without its digest was added, a digest without its table means that one was removed."""
    edit(saved, lambda content: content["sourcing"]["tables"].pop("rules"))
    edit(saved, lambda content: content["sourcing"]["tables"].update(more=content["sourcing"]["tables"]["risks"]))
    out = here("verify", str(saved), TINY).out
    assert "tables.rules is missing, and the file has its digest: it was removed" in out
    assert "tables.more has no digest in the file: it was added" in out


def test_a_plan_of_an_earlier_version_says_what_was_not_checked(saved: Path, tmp_path: Path) -> None:
    """Without digests a plan of `solve` is valid, with a list of unverified parts; a sourcing plan is not."""
    edit(saved, lambda content: content.pop("digests"))
    run = here("verify", str(saved), TINY)
    why = "cannot be verified: the file has no digests (written by an earlier version); write the plan again"
    assert run.code == 1
    assert all(f"{part}: {why}" in run.out for part in ("tables.risks", "tables.rules", "tables.award.comes_in_per_t"))
    plain = tmp_path / "plain.json"
    plain.write_text(here("solve", TINY, "--json").out, encoding="utf-8")
    edit(plain, lambda content: content.pop("digests"))
    run = here("verify", str(plain), TINY)
    assert run.code == 0 and run.out.startswith("Plan is valid.\n")
    assert "prices (one more tonne on offer)" in " ".join(run.out.split())
    told = json.loads(here("verify", str(plain), TINY, "--json").out)
    assert told["accepted"] and told["unchecked"] == ["prices (one more tonne on offer)", "solver"]


def test_a_brief_plan_without_digests_holds_nothing_that_is_not_derived(tmp_path: Path) -> None:
    """All tables of `plan --brief` follow from the decisions: an older file of them is valid."""
    path = tmp_path / "brief.json"
    path.write_text(here("plan", TINY, "--brief", "--json").out, encoding="utf-8")
    edit(path, lambda content: content.pop("digests"))
    run = here("verify", str(path), TINY)
    assert run.code == 0, run.out


@pytest.mark.parametrize("name", ["plan.xlsx", "plan.json", "plan"])
def test_every_kind_of_plan_that_is_written_is_valid(name: str, tmp_path: Path) -> None:
    """`verify` accepts plans in loads, brief plans and replans with the same options."""
    for more, same in (((), ()), (("--round", "1t"), ()), (("--brief", "--set", "market.zinc.price=2"), ("--set",
        "market.zinc.price=2"))):  # fmt: skip
        assert here("plan", TINY, "-o", str(tmp_path / name), *more).code == 0
        run = here("verify", str(tmp_path / name), TINY, *same)
        assert run.code == 0, run.out


def test_a_number_may_be_rounded_and_no_word_may_differ() -> None:
    """Texts are the same where only the last digit of a number is another; dates and whole numbers are not rounded."""
    assert _match_texts("1,234.5 t of  phones", "1,234.6 t of phones")
    assert _match_texts("12,345 JPY", "12,346 JPY") and _match_texts("0.500 kg", "0.5000 kg")
    for one, other in (("2017-04", "2017-05"), ("5 t", "6 t"), ("1.5 t", "1.7 t"), ("1.5 t", "1.5 kg"), ("a", "a 1")):
        assert not _match_texts(one, other)
    assert not _match_texts("gap 1e-16", "gap 2e-16")


HOSTILE: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "an infinite number": (lambda content: content.update(tonnes=float("inf")), "Infinity is no number"),
    "no number": (lambda content: content["sourcing"]["tables"]["award"]["rows"][0].update(cost=float("nan")), "NaN"),
    "too large a number": (
        lambda content: content["sourcing"]["tables"]["award"]["rows"][0].update(cost=10**400),
        "sourcing.tables.award.rows.0.cost",
    ),
    "an odd type": (
        lambda content: content["sourcing"]["tables"]["award"]["rows"][0].update(cost=[]),
        "sourcing.tables.award.rows.0.cost",
    ),
    "a truth value": (
        lambda content: content["sourcing"]["tables"]["award"]["rows"][0].update(cost=True),
        "sourcing.tables.award.rows.0.cost",
    ),
    "a member more": (lambda content: content["sourcing"].update(more=1), "sourcing.more"),
    "an escape in a name": (
        lambda content: content["shipments"][0].update(stream="\x1b[31mred"),
        "shipments.0.stream: contains a control character (\\x1b)",
    ),
    "an escape in a key": (lambda content: content.update({"\x9bx": 1}), "\\x9bx: contains a control character"),
    "letters from right to left": (
        lambda content: content["sourcing"].update(title="a\u202eb"),
        "sourcing.title: contains a control character (\\u202e)",
    ),
    "half a letter": (lambda content: content["sourcing"].update(title="\ud800"), "contains a control character"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_no_plan_holds_is_a_fault_of_input(name: str, saved: Path) -> None:
    """Exit code 2 and a message with place, without control characters."""
    change, where = HOSTILE[name]
    edit(saved, change)
    run = here("verify", str(saved), TINY)
    assert run.code == 2 and where in run.err, run.err
    assert all(char.isprintable() or char == "\n" for char in run.err)


def test_a_member_that_comes_twice_is_named(saved: Path) -> None:
    """JSON that says a thing twice is refused with the name of the member."""
    text = saved.read_text(encoding="utf-8").rstrip()
    saved.write_text(text[:-1] + ', "status": "feasible"}', encoding="utf-8")
    run = here("verify", str(saved), TINY)
    assert run.code == 2 and "the member `status` comes twice" in run.err


def test_a_plan_that_is_too_large_is_refused_before_it_is_read(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More values, cells or tables than any plan has: exit code 2, and the limit is named."""
    monkeypatch.setattr("medalopt.plan.reader.MAX_PLAN_VALUES", 1_000)
    run = here("verify", str(saved), TINY)
    assert run.code == 2 and "it contains more than 1_000 values" in run.err
    folder = tmp_path / "folder"
    assert here("plan", TINY, "--brief", "-o", str(folder)).code == 0
    monkeypatch.setattr("medalopt.plan.reader.MAX_PLAN_FILES", 5)
    run = here("verify", str(folder), TINY)
    assert run.code == 2 and "contains more than 5 tables" in run.err
    monkeypatch.setattr("medalopt.plan.reader.MAX_CELLS", 10)
    run = here("verify", str(folder), TINY)
    assert run.code == 2 and "has more than 10 cells" in run.err


def test_control_characters_are_refused_in_tables_and_sheets_too(tmp_path: Path) -> None:
    """A folder of CSV is refused with the line, a workbook with the cell."""
    folder = tmp_path / "folder"
    assert here("plan", TINY, "--brief", "-o", str(folder)).code == 0
    award = (folder / "award.csv").read_text(encoding="utf-8")
    (folder / "award.csv").write_text(award.replace("kettle@east", "kettle\x1b@east"), encoding="utf-8")
    run = here("verify", str(folder), TINY)
    assert run.code == 2 and "award.csv: 3: contains a control character (\\x1b)" in run.err
    cells = saved_plans.sheets_of(sourced())
    rows = [list(row) for row in cells.sheets["Award table"]]
    rows[4][0] = "east\u2066"
    with pytest.raises(InputError, match=r"'Award table'!A5: contains a control character"):
        read_plan_workbook(replace(cells, sheets={**cells.sheets, "Award table": rows}))


@pytest.mark.parametrize("numbers", [range(60), range(60, 120), range(120, 180)])
def test_altered_plans_are_not_accepted(numbers: range) -> None:
    """Alterations by structure and by bytes, in all forms: none of a plan that says something else is accepted."""
    assert [wrong for number in numbers for wrong in saved_plans.tried(number).wrong] == []


def test_forged_digests_do_not_help() -> None:
    """An altered order with a new digest does not follow from the decisions."""
    base = sourced()
    content = json.loads(base.text)
    ten_times(content)
    file = from_json(content)
    assert isinstance(file.plan, SavedPlan)
    forged = replace(file, plan=file.plan.model_copy(update={"digests": _compute_file_digests(file)}))
    found = check_tables(forged, verify_plan(base.instance, file.plan), lambda: base.written)
    assert not found.accepted and {one.rule for one in found.broken} == {"derived"}
