"""A plan workbook read back: the original is accepted, and every change by hand is found."""

from __future__ import annotations

import contextlib
import json
import random
import re
from pathlib import Path

import pytest
from tests.cli.runs import ROOT, TINY, Run, here
from tests.documents import list_untrue_lines
from tests.spreadsheets import packed, parts, sheet_file, with_cell, with_sheet, without_row

from medalopt.errors import InputError
from medalopt.plan.reader import read_plan_file, read_saved_plan
from medalopt.plan.schema import SavedPlan
from medalopt.plan.tables import name_hidden_sheet
from medalopt.plan.workbook import WorkbookEdit


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the plan of the small case as a workbook."""
    path = tmp_path_factory.mktemp("plan") / "plan.xlsx"
    assert here("plan", TINY, "-o", str(path)).code == 0
    return path.read_bytes()


def verify(made: bytes, folder: Path, *more: str) -> Run:
    """Return the output of `verify` for a workbook."""
    (folder / "plan.xlsx").write_bytes(made)
    return here("verify", str(folder / "plan.xlsx"), TINY, *more)


def changed(made: bytes, folder: Path) -> tuple[WorkbookEdit, ...]:
    """Return the manual changes of a workbook."""
    (folder / "plan.xlsx").write_bytes(made)
    return read_plan_file(folder / "plan.xlsx").edits


def test_what_is_written_is_accepted(made: bytes, tmp_path: Path) -> None:
    """A workbook as `plan` wrote it is right, proven in fractions, and the same plan as the JSON: no digit got lost."""
    assert here("plan", TINY, "-o", str(tmp_path / "plan.json")).code == 0
    (tmp_path / "plan.xlsx").write_bytes(made)
    file = read_plan_file(tmp_path / "plan.xlsx")
    saved, edits = file.plan, file.edits
    told = read_saved_plan(tmp_path / "plan.json")
    assert isinstance(saved, SavedPlan) and isinstance(told, SavedPlan)
    alike = {"sourcing": None, "digests": {}}  # each form has its own parts besides the plan
    assert (saved.model_copy(update=alike), edits) == (told.model_copy(update=alike), ())
    assert {name: one for name, one in saved.digests.items() if not name.startswith("sheet.")} == {
        name: one for name, one in told.digests.items() if not name.startswith("sourcing.")
    }
    assert verify(made, tmp_path).code == 0


def test_the_page_shows_what_an_edit_prints(made: bytes, tmp_path: Path) -> None:
    """docs/how-to/workbook.md has the message about its example of an edited cell word for word."""
    page = (ROOT / "docs/how-to/workbook.md").read_text(encoding="utf-8")
    shown = page.split("```text\nPlan is not valid.\n")[1].split("\n```")[0]
    run = verify(with_cell(made, "Shipments", "G7", 3.0), tmp_path)
    assert run.code == 1 and list_untrue_lines(shown.splitlines(), run.out.replace(f"{tmp_path}/", "")) == []


@pytest.mark.parametrize(
    ("sheet", "cell", "value", "rule"),
    [
        ("Shipments", "G6", 9.0, "bundle_supply[kettle@west, 2017-04] violated by 1.5 t"),
        ("Shipments", "G6", -3.0, "bundle_supply"),
        ("Purchases", "D12", 0.5, "recycled[Ag] violated by"),
        ("Stockpiles", "C5", 9.0, "stock"),
        ("Shipments", "A6", "nobody", "uses a route that the instance does not allow"),
        ("Shipments", "C6", "east", "names another device or region"),
        ("Purchases", "A12", "nothing", "names something that the instance does not have"),
    ],
)
def test_a_change_is_found_with_its_cell_and_the_rule_it_breaks(
    made: bytes, tmp_path: Path, sheet: str, cell: str, value: float | str, rule: str
) -> None:
    """A changed value is reported with its cell and the violated constraint."""
    run = verify(with_cell(made, sheet, cell, value), tmp_path)
    assert run.code == 1
    assert re.search(r"\b[12] cells? edited", run.out)
    assert f"{sheet}!{cell}" in run.out or f"{sheet}!A{cell[1:]}" in run.out
    assert rule in run.out.split("of the instance:")[1]


def test_what_a_change_costs_is_reported(made: bytes, tmp_path: Path) -> None:
    """Six tonnes more of a stream that costs 25,000 JPY/t with its treatment: 150,000 above the optimum."""
    found = json.loads(verify(with_cell(made, "Shipments", "G6", 9.0), tmp_path, "--json").out)
    assert found["above_bound"] == pytest.approx(150_000)
    assert found["edits"] == [
        {"cell": "Shipments!G6", "text": "tonnes of kettle@west, kettle, west, leave, 2017-04 was 3, and is 9"}
    ]
    assert not found["accepted"]


def test_a_cost_that_does_not_add_up_is_found(made: bytes, tmp_path: Path) -> None:
    """A cost changed beside its tonnes breaks no rule of the instance, and is not accepted all the same."""
    run = verify(with_cell(made, "Shipments", "H6", 9.0), tmp_path)
    assert run.code == 1
    assert "no constraint of the instance" in run.out
    assert "the certified lower bound." in run.out
    assert "1 other value of the workbook no longer matches" in run.out


def test_a_row_that_is_gone_is_found(made: bytes, tmp_path: Path) -> None:
    """A deleted row is reported with its tonnes, and the apparent saving."""
    run = verify(without_row(made, "Shipments", 6), tmp_path)
    assert run.code == 1
    assert "Shipments: the row kettle@west, kettle, west, leave, 2017-04 of the plan is gone" in run.out
    assert "below the certified lower bound" in run.out


def test_a_hidden_row_moved_far_down_is_refused(made: bytes, tmp_path: Path) -> None:
    """A gap in a hidden sheet is named by its cell, and the rows of the gap are not read one by one."""
    sheet = name_hidden_sheet("shipments")
    last = max(map(int, re.findall(r'<row r="(\d+)"', parts(made)[sheet_file(parts(made), sheet)].decode())))
    moved = with_sheet(made, sheet, lambda text: re.sub(f'r="([A-Z]*){last}"', r'r="\g<1>900000"', text))
    run = verify(moved, tmp_path)
    assert (run.code, run.out) == (2, "")
    assert f"{sheet}!A{last}: the row is empty" in run.err


def test_rows_in_another_order_are_the_same_plan(made: bytes, tmp_path: Path) -> None:
    """Sorting a table is no change."""

    def turned(text: str) -> str:
        five, six = (text[text.index(f'<row r="{n}"') : text.index(f'<row r="{n + 1}"')] for n in (5, 6))
        down, up = (
            re.sub(f' r="([A-C]?){old}"', rf' r="\g<1>{new}"', row) for row, old, new in ((five, 5, 6), (six, 6, 5))
        )
        return text.replace(five + six, up + down)

    assert changed(with_sheet(made, "Stockpiles", turned), tmp_path) == ()
    assert verify(with_sheet(made, "Stockpiles", turned), tmp_path).code == 0


def test_a_number_that_is_text_is_refused_with_its_cell(made: bytes, tmp_path: Path) -> None:
    """Text or an empty cell in place of tonnes is an input error with sheet and cell."""
    run = verify(with_cell(made, "Shipments", "G7", "three"), tmp_path)
    assert (run.code, "plan.xlsx:Shipments!G7: `tonnes` must be a number; found `three`" in run.err) == (2, True)
    run = verify(with_cell(made, "Shipments", "G7", None), tmp_path)
    assert (run.code, "Shipments!G7: `tonnes` must be a number; found nothing" in run.err) == (2, True)


@pytest.mark.parametrize(("sheet", "cell"), [("plan_melts", "D3"), ("plan_metals", "C2"), ("plan_shipments", "G3")])
@pytest.mark.parametrize("value", ["many", "nan", None, "true"])
def test_a_figure_of_a_hidden_sheet_that_is_none_is_reported_with_its_cell(
    made: bytes, tmp_path: Path, sheet: str, cell: str, value: str | None
) -> None:
    """Text, empty cells and non-finite numbers in hidden tables are input errors with sheet and cell."""
    run = verify(with_cell(made, sheet, cell, value), tmp_path)
    assert (run.code, f"plan.xlsx:{sheet}!{cell}: " in run.err) == (2, True), run.err


def test_all_cells_that_are_no_figures_are_reported_at_once(made: bytes, tmp_path: Path) -> None:
    """All unreadable cells are reported together."""
    wrong = with_cell(with_cell(made, "Shipments", "G7", "three"), "plan_stockpiles", "C2", None)
    broken = with_sheet(
        wrong, "Purchases", lambda text: re.sub('<c r="D12".*?</c>', '<c r="D12" t="e"><v>#REF!</v></c>', text, count=1)
    )
    run = verify(broken, tmp_path)
    places = [line.split(".xlsx:")[1].split(":")[0] for line in run.err.splitlines() if ".xlsx:" in line]
    assert (run.code, places) == (2, ["Purchases!D12", "Shipments!G7", "plan_stockpiles!C2"]), run.err


def _order(made: bytes) -> tuple[str, str, str]:
    """Return the sheet of an order with a number cell and the cell of a total on it."""
    for sheet in re.findall('<sheet name="([^"]+)"', parts(made)["xl/workbook.xml"].decode()):
        text = parts(made)[sheet_file(parts(made), sheet)].decode()
        totals = re.findall('<c r="([A-Z]+[0-9]+)"[^>]*><f>SUBTOTAL', text)
        figures = re.findall('<c r="([A-Z]+[0-9]+)"(?: s="[0-9]+")?><v>', text)
        if re.match("C[0-9]+ ", sheet) and totals and figures:
            return sheet, figures[0], totals[0]
    raise AssertionError("no order has a total")


@pytest.mark.parametrize("alteration", ["figure", "new cell", "total", "shared", "array", "empty text"])
def test_formulas_that_were_not_written_are_refused_with_their_cell(
    made: bytes, tmp_path: Path, alteration: str
) -> None:
    """A formula instead of a number, in a new cell or in place of a total is refused with its cell."""
    sheet, figure, total = _order(made)
    new = {
        "new cell": "<f>A1</f>",
        "shared": '<f t="shared" si="0"/><v>7</v>',
        "array": '<f t="array" ref="T900">SUBTOTAL(109,plan_lines[x])</f>',
        "empty text": '<f>""</f><v></v>',
    }
    cell = {"figure": figure, "total": total}.get(alteration, "T900")

    def alter(text: str) -> str:
        if alteration == "figure":
            return re.sub(f'(<c r="{figure}"[^>]*>)<v>', r"\g<1><f>999999</f><v>", text, count=1)
        if alteration == "total":
            return re.sub(f'(<c r="{total}"[^>]*>)<f>[^<]*</f>', r"\g<1><f>1+1</f>", text, count=1)
        kind = ' t="str"' if alteration == "empty text" else ""
        row = f'<row r="900"><c r="T900"{kind}>{new[alteration]}</c></row></sheetData>'
        return text.replace("</sheetData>", row)

    run = verify(with_sheet(made, sheet, alter), tmp_path)
    assert run.code == 2, run.out
    assert f"plan.xlsx:{_address(sheet, cell)}: contains the formula" in run.err


def _address(sheet: str, cell: str) -> str:
    return f"{sheet}!{cell}" if re.fullmatch(r"\w+", sheet) else f"'{sheet}'!{cell}"


def test_a_total_of_another_table_is_found(made: bytes, tmp_path: Path) -> None:
    """A total that sums another table or column differs from the digest."""
    sheet, _, total = _order(made)
    other = with_sheet(made, sheet, lambda text: re.sub(r"(SUBTOTAL\(109,plan_)\w+", r"\g<1>award", text, count=1))
    run = verify(other, tmp_path)
    assert (run.code, f"{sheet} does not match its digest" in run.out) == (1, True), run.out + run.err

    def moved(text: str) -> str:
        written = re.search(f'<c r="{total}"[^>]*>(<f>[^<]*</f>)', text)
        assert written
        column = total.rstrip("0123456789")
        return re.sub(f'(<c r="{column}[0-9]+" s="[0-9]+">)<v>', rf"\g<1>{written[1]}<v>", text, count=1)

    run = verify(with_sheet(made, sheet, moved), tmp_path)
    assert (run.code, f"{sheet} does not match its digest" in run.out) == (1, True), run.out + run.err


def test_totals_may_be_written_as_other_programs_write_them(made: bytes, tmp_path: Path) -> None:
    """Spaces, small letters and a column in two brackets make no other formula of a total."""
    sheet, _, _ = _order(made)
    pattern = r"SUBTOTAL\(109,(\w+)\[([^\]]*)\]\)"
    again = with_sheet(made, sheet, lambda text: re.sub(pattern, r"subtotal(109, \1[[#Data],[\2]])", text))
    run = verify(again, tmp_path)
    assert run.code == 0, run.out + run.err


@pytest.mark.parametrize("sheet", ["plan_shipments", "Shipments"])
def test_formulas_among_the_decisions_are_refused(made: bytes, tmp_path: Path, sheet: str) -> None:
    """A formula among the decisions, hidden or not, is reported with its cell."""
    change = with_sheet(
        made, sheet, lambda text: re.sub('<c r="G6".*?</c>', '<c r="G6"><f>9</f><v>9</v></c>', text, count=1)
    )
    run = verify(change, tmp_path)
    assert (run.code, f"plan.xlsx:{sheet}!G6: contains the formula `9`" in run.err) == (2, True), run.err


def test_heads_that_were_changed_are_refused(made: bytes, tmp_path: Path) -> None:
    """A renamed heading and a deleted sheet are reported by name."""
    run = verify(with_cell(made, "Shipments", "G4", "t"), tmp_path)
    assert (run.code, "its headings must be stream, device" in run.err) == (2, True)
    files = parts(made)
    for old, new, told in (
        ("Shipments", "Gone", "Shipments: the sheet is missing"),
        ("plan_duals", "gone", "plan_duals: must have the headings rule, key1"),
        ("plan_plan", "gone", "contains no plan"),
    ):
        book = files["xl/workbook.xml"].replace(f'name="{old}"'.encode(), f'name="{new}"'.encode())
        run = verify(packed({**files, "xl/workbook.xml": book}), tmp_path)
        assert (run.code, told in run.err) == (2, True), run.err


def test_an_instance_that_has_changed_since_is_found(made: bytes, tmp_path: Path) -> None:
    """A plan of an instance that has changed since is reported as stale."""
    run = verify(made, tmp_path, "--set", "devices.phone.content.Ag=900 g/t")
    assert run.code == 1
    assert "the plan was computed from other parameter values" in run.out


def test_no_bound_that_is_read_is_believed(made: bytes, tmp_path: Path) -> None:
    """A bound altered in the hidden sheets is found wrong."""
    claimed = parts(made)["xl/sharedStrings.xml"].decode()
    assert "certificate.lower_bound" in claimed
    files = parts(made)
    name = sheet_file(files, "plan_plan")
    rows = files[name].decode().split("<row ")
    place = next(n for n, row in enumerate(rows) if f"<v>{_string(claimed, 'certificate.lower_bound')}</v>" in row)
    cell = rows[place].split("<c ")[2]
    rows[place] = rows[place].replace(cell, f'r="B{place}"><v>9999999</v></c></row>')
    run = verify(packed({**files, name: "<row ".join(rows).encode()}), tmp_path)
    assert run.code == 1
    assert "lower bound 9999999" in run.out


def _string(shared: str, text: str) -> int:
    return [part.split("</t>")[0].split(">")[-1] for part in shared.split("<si>")[1:]].index(text)


def test_a_workbook_that_is_no_plan_is_refused(tmp_path: Path) -> None:
    """A damaged workbook and one without a plan are input errors of one line."""
    for content in (b"PK\x03\x04 and no more", packed({"a.xml": b"<a/>"})):
        run = verify(content, tmp_path)
        assert (run.code, len(run.err.splitlines())) == (2, 1), run.err


def test_bytes_thrown_about_are_never_a_traceback(made: bytes, tmp_path: Path) -> None:
    """A workbook with altered bytes gives a plan or an input error, never a traceback."""
    dice = random.Random(7)
    files = parts(made)
    for _ in range(15):
        name = dice.choice([sheet_file(files, sheet) for sheet in ("Shipments", "plan_plan", "plan_duals")])
        broken = bytearray(files[name])
        for _ in range(dice.choice((1, 3, 40))):
            broken[dice.randrange(len(broken))] = dice.choice(b"<>\"'&/0aZ \xff")
        with contextlib.suppress(InputError):
            changed(packed({**files, name: bytes(broken)}), tmp_path)


def test_a_sheet_may_say_the_total_or_not(made: bytes, tmp_path: Path) -> None:
    """Deleting the line of totals does not change the plan."""
    last = parts(made)[sheet_file(parts(made), "Stockpiles")].decode().count("<row ")
    assert changed(without_row(made, "Stockpiles", last), tmp_path) == ()


def test_a_date_means_its_month(made: bytes, tmp_path: Path) -> None:
    """A day that Excel made of `2017-04` is read as that month."""
    day = '<c r="B5" s="{style}"><v>42826</v></c>'
    style = parts(made)["xl/styles.xml"].decode()
    date = '<xf numFmtId="14" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>'
    count = style[style.index("<cellXfs") :].split(">")[0].split('"')[1]
    files = parts(made)
    files["xl/styles.xml"] = (
        style.replace("</cellXfs>", date)
        .replace(f'<cellXfs count="{count}"', f'<cellXfs count="{int(count) + 1}"')
        .encode()
    )
    book = with_sheet(
        packed(files),
        "Stockpiles",
        lambda text: re.sub(r'<c r="B5".*?</c>', day.format(style=count), text, count=1),
    )
    assert changed(book, tmp_path) == ()
