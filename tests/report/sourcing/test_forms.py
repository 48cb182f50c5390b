"""JSON, CSV and terminal: all that the plan says, and names that stay text."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.report.plans import plan
from tests.report.sourcing.handmade import HOSTILE, content
from tests.report.sourcing.known import HOSTILE as PARTY
from tests.report.sourcing.known import known

from medalopt import Plan, load, solve
from medalopt.report.document import Report, sum_column
from medalopt.report.render.csv import PACKAGE_FILE, list_replaceable_files, render_report_csv
from medalopt.report.render.json import render_report_json
from medalopt.report.render.text import Screen, render_report_text
from medalopt.report.sourcing.plan_report import build_plan_report, select_screen_tables

FORMULA = "=+-@"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, Plan]:
    """Return a plan in which a party would like to be a formula."""
    made = solve(load(known(tmp_path_factory.mktemp("known"))))
    return build_plan_report(made), made


def test_no_cell_can_become_a_formula(hostile: tuple[Report, Plan]) -> None:
    """Text that a spreadsheet would run is written behind an apostrophe, from any source."""
    handmade = replace(content(rows=5), plan=plan("tiny"))
    for files in (render_report_csv(hostile[0]), render_report_csv(handmade)):
        for name, text in files.items():
            if name == PACKAGE_FILE:
                continue
            for row in csv.reader(io.StringIO(text, newline="")):
                for cell in row:
                    assert cell[:1] not in FORMULA or _is_number(cell), (name, cell)
    assert f"'{PARTY}" in {cell for row in _rows(render_report_csv(hostile[0])["documents.csv"]) for cell in row}
    assert f"'{HOSTILE[4]}" in render_report_csv(handmade)["award.csv"].replace('""', '"')


def _rows(text: object) -> list[list[str]]:
    return list(csv.reader(io.StringIO(str(text), newline="")))


def _is_number(cell: str) -> bool:
    try:
        float(cell or "0")
    except ValueError:
        return False
    return True


def test_the_json_has_everything(hostile: tuple[Report, Plan]) -> None:
    """Documents with party, terms and lines; tables by their keys; the stamp while a field is missing."""
    said, _ = hostile
    told = json.loads(render_report_json(said))
    sourcing = told["sourcing"]
    assert told["format"] == "medalopt/plan/1"
    assert sourcing["decision"] == list(said.headline)
    by_party = {next(iter(one["party"].values())): one for one in sourcing["documents"]}
    assert by_party["near"]["stamp"] == ""
    assert by_party["east"]["party"]["Legal name"] == PARTY
    assert by_party["east"]["missing"][0] == "address"
    assert by_party["near"]["lines"]["rows"][0]["unit_code"] == "TNE"
    assert sourcing["tables"]["award"]["units"]["taken_t"] == "t"
    assert len(sourcing["documents"]) == len(said.documents)


def test_the_folder_lists_its_files(hostile: tuple[Report, Plan], tmp_path: Path) -> None:
    """Every file is listed; a folder written before may be replaced, one with other files not."""
    said = hostile[0]
    assert said.plan is not None
    files = render_report_csv(said)
    listed = {row[0]: row[1] for row in _rows(files["tables.csv"])[1:]}
    assert listed.keys() == files.keys() - {PACKAGE_FILE}
    assert "handed over" in listed["call_off_lines.csv"] or "hand over" in listed["call_off_lines.csv"]
    assert "medalopt solve" in listed["shipments.csv"]
    package = json.loads(str(files[PACKAGE_FILE]))
    fields = {one["path"]: {field["name"]: field for field in one["schema"]["fields"]} for one in package["resources"]}
    assert fields.keys() == listed.keys()
    assert all(list(names) == _rows(files[path])[0] for path, names in fields.items())
    assert (fields["shipments.csv"]["tonnes"]["type"], fields["shipments.csv"]["tonnes"]["unit"]) == ("number", "t")
    assert fields["award.csv"]["cost"]["unit"] == said.plan.instance.currency
    (tmp_path / "tables.csv").write_text(
        str(files["tables.csv"]) + "../secret.csv,x\n\nnotes.txt,y\n", encoding="utf-8"
    )
    own = list_replaceable_files(tmp_path)
    assert files.keys() <= own
    assert "../secret.csv" not in own
    assert "notes.txt" not in own
    assert "award.csv" not in list_replaceable_files(tmp_path / "nowhere")


def test_lines_belong_to_their_documents(hostile: tuple[Report, Plan]) -> None:
    """The lines of one kind of document stand in one file, each with the number of its document."""
    said, _ = hostile
    rows = _rows(render_report_csv(said)["toll_lines.csv"])
    tolls = [document for document in said.documents if document.lines.key == "toll_lines"]
    assert [row[0] for row in rows[1:]] == [one.number for one in tolls for _ in one.lines.rows]


def test_without_documents_there_is_no_file_of_them() -> None:
    """Empty parts have no file."""
    assert "documents.csv" not in render_report_csv(content(documents=0))


def test_a_terminal_shows_what_one_decides_by(hostile: tuple[Report, Plan]) -> None:
    """Decision, documents and award are printed; working tables are named in one line."""
    text = render_report_text(hostile[0], Screen(100))
    assert "\nOrders to sign\n" in text
    assert "Award table" in text
    assert "Medals that can be struck\n" in text
    assert "\nMelt cards\n" not in text
    assert "Further tables in files written by -o: " in text
    assert all(line.isprintable() for line in text.splitlines())
    assert max(map(len, text.splitlines())) <= 100


def test_a_terminal_shows_two_screens_of_it(hostile: tuple[Report, Plan]) -> None:
    """Spend is by kind of document with the same total; the award has one line per stream."""
    said, made = hostile
    text = render_report_text(said, Screen(110))
    assert len(text.splitlines()) <= 110
    years = next(table for table in said.tables if table.key == "fiscal_years")
    lines = text.partition("\nFiscal years\n")[2].partition("\n\n")[0].splitlines()
    assert len([line for line in lines if line.startswith(("call-off", "toll-refining", "metal purchase"))]) == 3
    assert (
        next(line for line in lines if line.startswith("total")).split()[-1]
        == f"{sum_column(years, len(years.columns) - 1):,.0f}"
    )
    assert len(text.partition("\nAward table\n")[2].partition("\ntotal")[0].splitlines()) == 2 + 6
    assert made.cost


def test_of_a_plan_that_is_written_a_terminal_shows_the_decision(hostile: tuple[Report, Plan]) -> None:
    """With `-o` the tables are in the file and only the decision on the terminal."""
    text = render_report_text(hostile[0], Screen(100), written=True)
    assert hostile[0].headline[0] in text and "sha256" in text
    assert "\nOrders to sign\n" not in text and "Besides" not in text


def test_without_dates_the_spend_is_shown_by_period(hostile: tuple[Report, Plan]) -> None:
    """Without dates there is no fiscal year, and the spend is by period."""
    said, _ = hostile
    tables = tuple(table for table in said.tables if table.key != "fiscal_years")
    undated = replace(said, tables=tables, screen=select_screen_tables(tables))
    assert "\nSpend and commitment\n" in render_report_text(undated, Screen(120))
