"""The sourcing plan as a workbook: text stays text, totals are live and right, and Excel's limits are kept."""

from __future__ import annotations

import dataclasses
import io
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook
from tests.report.sourcing.handmade import HOSTILE, content

from medalopt.report.document import Report, ReportColumn, ReportTable, sum_column
from medalopt.report.render.worksheet import MOST_CELL_UNITS, SheetNames, _make_number_format, clean_cell_text
from medalopt.report.render.xlsx import render_report_xlsx

_RECALCULATES = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode"><value>0</value></prop></item>
</oor:items>"""


def _without_pictures(made: Report) -> Report:
    return dataclasses.replace(made, charts=())


@pytest.fixture(scope="module")
def made() -> bytes:
    """Return the workbook of the plan made by hand."""
    return render_report_xlsx(content())


def _parts(made: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(made)) as file:
        return {name: file.read(name).decode("utf-8", "replace") for name in file.namelist()}


def _sheets(made: bytes) -> dict[str, list[list[object]]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(made))
    return {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}


def test_the_same_plan_gives_the_same_bytes(made: bytes) -> None:
    """The file does not depend on the time or the machine."""
    assert render_report_xlsx(content()) == made


def test_hostile_text_is_neither_formula_nor_link(made: bytes) -> None:
    """The only formulas are totals, the only links lead to sheets of the file, and hostile text is kept as text."""
    parts = _parts(made)
    formulas = {one for part in parts.values() for one in re.findall(r"<f>(.*?)</f>", part)}
    assert formulas == {
        "SUBTOTAL(109,plan_award[Taken])",
        "SUBTOTAL(109,plan_award_2[Taken])",
        "SUBTOTAL(109,plan_award_3[Taken])",
    }
    links = [link for part in parts.values() for link in re.findall(r"<hyperlink [^>]*>", part)]
    assert links
    assert all('location="' in link and "r:id" not in link for link in links)
    assert not any("http" in part for name, part in parts.items() if "/_rels/" in name and "schemas" not in part)
    award = _sheets(made)["What is taken"]
    assert [row[0] for row in award[4:7]] == list(HOSTILE[:3])


def test_the_first_sheet_leads_to_all_others(made: bytes) -> None:
    """The decision comes first, and every sheet is linked from it."""
    sheets = _sheets(made)
    names = list(sheets)
    assert names[0] == "Decision"
    told = [str(row[0]) for row in sheets["Decision"]]
    assert set(names[1:]) <= set(told)
    assert "It costs 9.3 bn JPY." in told
    front = _parts(made)["xl/worksheets/sheet1.xml"]
    for name in names[1:]:
        assert f"location=\"'{name}'!A1\"" in front


def test_a_total_holds_what_the_plan_says(made: bytes) -> None:
    """The value that a formula shows before anyone recalculates is the sum of its column."""
    table = content().tables[0]
    row = next(row for row in _sheets(made)["What is taken"] if row[0] == "Total")
    assert row[1] == sum_column(table, 1)


@pytest.mark.skipif(shutil.which("libreoffice") is None, reason="needs LibreOffice")
def test_another_spreadsheet_comes_to_the_same_totals(tmp_path: Path) -> None:
    """LibreOffice recalculates all formulas and finds the sums of the plan."""
    heads = ("Sent, dry (t)", "What's [here] #1", "Cost")
    columns = (
        ReportColumn("stream", "Stream"),
        *(ReportColumn(f"c{n}", head, "t", 1, True) for n, head in enumerate(heads)),
    )
    rows = tuple((f"s{n}", 0.1 * n, 1.5 * n, -2.0) for n in range(1, 40))
    table = ReportTable("sent", "Sent", "Says.", columns, rows)
    plain = dataclasses.replace(_without_pictures(content(documents=0)), tables=(table,))
    (tmp_path / "plan.xlsx").write_bytes(_with_wrong_values(render_report_xlsx(plain)))
    (tmp_path / "profile/user").mkdir(parents=True)
    (tmp_path / "profile/user/registrymodifications.xcu").write_text(_RECALCULATES, encoding="utf-8")
    command = ["libreoffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless"]
    options = ["--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", str(tmp_path / "out")]
    subprocess.run([*command, *options, str(tmp_path / "plan.xlsx")], check=True, capture_output=True, timeout=120)
    again = _sheets((tmp_path / "out/plan.xlsx").read_bytes())["Sent"]
    row = next(row for row in again if row[0] == "Total")
    assert row[1:4] == pytest.approx([sum_column(table, place) for place in (1, 2, 3)])


def _with_wrong_values(made: bytes) -> bytes:
    """Return the workbook with another value beside each formula, so that only a calculation can be right."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(made)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            new.writestr(name, re.sub(rb"</f><v>[^<]*</v>", b"</f><v>1</v>", old.read(name)))
    assert buffer.getvalue() != made
    return buffer.getvalue()


def test_tables_have_filters_and_frozen_heads(made: bytes) -> None:
    """A list is an Excel table with a filter; its heads stay in sight, and come again on every page."""
    parts = _parts(made)
    tables = [part for name, part in parts.items() if name.startswith("xl/tables/")]
    assert len(tables) == 3
    assert all("<autoFilter" in table for table in tables)
    sheet = next(part for part in parts.values() if 'topLeftCell="B5"' in part)
    assert 'state="frozen"' in sheet
    assert 'orientation="landscape"' in sheet
    assert 'fitToHeight="0"' in sheet
    assert "_xlnm.Print_Titles" in parts["xl/workbook.xml"]


def test_columns_for_machines_are_hidden(made: bytes) -> None:
    """Unit codes are there, and out of sight."""
    sheet = next(part for part in _parts(made).values() if 'topLeftCell="B5"' in part)
    assert re.search(r'<col min="3" max="3"[^>]* hidden="1"', sheet)


def test_a_draft_is_stamped_on_paper_and_screen(made: bytes) -> None:
    """The sheet of an incomplete order says so at its top and in the head of the print; a complete one does not."""
    drafts = [part for part in _parts(made).values() if "DRAFT, NOT AN ORDER</oddHeader>" in part]
    assert len(drafts) == 1
    sheets = _sheets(made)
    assert sheets["001"][1][0] == "DRAFT, NOT AN ORDER"
    assert not any("DRAFT" in str(cell) for row in sheets["002"] for cell in row)


def test_pictures_are_left_out_where_nothing_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the engine that draws the workbook is whole but for the sheet of pictures."""
    from medalopt.errors import UsageError
    from medalopt.report.render import xlsx

    def refuse(chart: object, width: int) -> bytes:
        raise UsageError("not installed")

    monkeypatch.setattr(xlsx, "render_png", refuse)
    names = list(_sheets(render_report_xlsx(content())))
    assert "Pictures" not in names
    assert "What is taken" in names


def test_names_of_sheets_keep_the_rules_of_excel() -> None:
    """Forbidden signs, length, apostrophes, formulas, doubles in other capitals and kept names are all mended."""
    names = SheetNames()
    wanted = ["=cmd|x", "a[b]:c*d?e/f\\g", "'quoted'", "x" * 50, "X" * 50, "\U0001f3c5" * 30, "History", "", "\x07"]
    found = [names.name_sheet(one) for one in wanted]
    assert found[:3] == ["cmd|x", "a b c d e f g", "quoted"]
    assert all(1 <= len(one.encode("utf-16-le")) // 2 <= 31 for one in found)
    assert len({one.casefold() for one in found}) == len(found)
    assert "history" not in {one.casefold() for one in found}


def test_names_of_tables_are_plain() -> None:
    """A table is called by letters, digits and underscores, and no two are called the same."""
    names = SheetNames()
    found = [names.name_table(one) for one in ("award", "Award", "R1C1", "=x y", "ａ")]
    assert len({one.casefold() for one in found}) == len(found)
    assert all(re.fullmatch("plan_[A-Za-z0-9_]+", one) for one in found)


def test_text_is_cut_and_cleaned() -> None:
    """A control character, half a pair or a sign that XML knows not is escaped; no cell is longer than Excel takes."""
    assert clean_cell_text("a\x00\x1b\ud800\ufffeb\nc\r\nd") == "a\\u0000\\u001b\\ud800\\ufffeb\nc\nd"
    assert len(clean_cell_text("y" * 40_000)) == MOST_CELL_UNITS
    assert len(clean_cell_text("\U0001f3c5" * 40_000).encode("utf-16-le")) // 2 <= MOST_CELL_UNITS


def test_figures_carry_their_units() -> None:
    """A number format groups digits, keeps those of its column and names the unit, which cannot break out of it."""
    assert _make_number_format(ReportColumn("a", "A", "t", 1)) == '#,##0.0" t"'
    assert _make_number_format(ReportColumn("a", "A", "%", 2)) == "0.00%"
    assert _make_number_format(ReportColumn("a", "A", "")) == "#,##0"
    assert _make_number_format(ReportColumn("a", "A", 'x";[Red]')) == '#,##0" x;[Red]"'


def test_what_is_no_number_is_an_empty_cell_or_words() -> None:
    """Infinity is written in words; None and NaN give no number."""
    rows = (("a", float("inf")), ("b", float("nan")), ("c", None), ("d", 2.0))
    table = ReportTable(
        "t", "T", "Says.", (ReportColumn("n", "N"), ReportColumn("v", "V", "t"), ReportColumn("w", "V", "t"))[:2], rows
    )
    plain = dataclasses.replace(_without_pictures(content(documents=0)), tables=(table,))
    assert [row[1] for row in _sheets(render_report_xlsx(plain))["T"][4:8]] == ["no limit", "", "", 2.0]


def test_heads_that_say_the_same_are_distinguished() -> None:
    """Excel wants every head of a table to be another: the unit tells them apart, then a number."""
    columns = tuple(ReportColumn(f"c{n}", "Same", "t") for n in range(3))
    table = ReportTable("t", "T", "Says.", columns, ((1, 2, 3),))
    plain = dataclasses.replace(_without_pictures(content(documents=0)), tables=(table,))
    assert _sheets(render_report_xlsx(plain))["T"][3] == ["Same", "Same, t", "Same 3"]
