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
from medalopt.report.screen import Screen
from medalopt.report.sourcing.content import Content
from medalopt.report.sourcing.contents import contents
from medalopt.report.sourcing.csvform import as_folder, replaceable
from medalopt.report.sourcing.jsonform import as_json
from medalopt.report.sourcing.screenform import on_screen
from medalopt.report.sourcing.written import total

FORMULA = "=+-@"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[Content, Plan]:
    """Return a plan in which a party would like to be a formula."""
    made = solve(load(known(tmp_path_factory.mktemp("known"))))
    return contents(made), made


def test_no_cell_can_become_a_formula(hostile: tuple[Content, Plan]) -> None:
    """Text that a spreadsheet would run stands behind an apostrophe, wherever it comes from."""
    for files in (as_folder(*hostile), as_folder(content(), plan("tiny"))):
        for name, text in files.items():
            for row in csv.reader(io.StringIO(text, newline="")):
                for cell in row:
                    assert cell[:1] not in FORMULA or _is_number(cell), (name, cell)
    assert f"'{PARTY}" in {cell for row in _rows(as_folder(*hostile)["documents.csv"]) for cell in row}
    assert f"'{HOSTILE[4]}" in as_folder(content(rows=5), plan("tiny"))["award.csv"].replace('""', '"')


def _rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def _is_number(cell: str) -> bool:
    try:
        float(cell or "0")
    except ValueError:
        return False
    return True


def test_the_json_has_everything(hostile: tuple[Content, Plan]) -> None:
    """Documents with party, terms and lines; tables by their keys; the stamp while a field is missing."""
    said, made = hostile
    told = json.loads(as_json(said, made))
    sourcing = told["sourcing"]
    assert told["format"] == "medalopt/plan/1"
    assert sourcing["decision"] == list(said.decision)
    by_party = {next(iter(one["party"].values())): one for one in sourcing["documents"]}
    assert by_party["near"]["stamp"] == ""
    assert by_party["east"]["party"]["Legal name"] == PARTY
    assert by_party["east"]["missing"][0] == "address"
    assert by_party["near"]["lines"]["rows"][0]["unit_code"] == "TNE"
    assert sourcing["tables"]["award"]["units"]["taken_t"] == "t"
    assert len(sourcing["documents"]) == len(said.documents)


def test_the_folder_says_what_stands_where(hostile: tuple[Content, Plan], tmp_path: Path) -> None:
    """Every file is listed; a folder written before may be replaced, one with other files not."""
    files = as_folder(*hostile)
    listed = {row[0]: row[1] for row in _rows(files["tables.csv"])[1:]}
    assert listed.keys() == files.keys()
    assert "handed over" in listed["call_off_lines.csv"] or "hand over" in listed["call_off_lines.csv"]
    assert "medalopt solve" in listed["shipments.csv"]
    (tmp_path / "tables.csv").write_text(files["tables.csv"] + "../secret.csv,x\n\nnotes.txt,y\n", encoding="utf-8")
    own = replaceable(tmp_path)
    assert files.keys() <= own
    assert "../secret.csv" not in own
    assert "notes.txt" not in own
    assert "award.csv" not in replaceable(tmp_path / "nowhere")


def test_lines_belong_to_their_documents(hostile: tuple[Content, Plan]) -> None:
    """The lines of one kind of document stand in one file, each with the number of its document."""
    said, made = hostile
    rows = _rows(as_folder(said, made)["toll_lines.csv"])
    tolls = [document for document in said.documents if document.lines.key == "toll_lines"]
    assert [row[0] for row in rows[1:]] == [one.number for one in tolls for _ in one.lines.rows]


def test_without_documents_there_is_no_file_of_them() -> None:
    """What is not there has no file."""
    assert "documents.csv" not in as_folder(content(documents=0), plan("tiny"))


def test_a_terminal_shows_what_one_decides_by(hostile: tuple[Content, Plan]) -> None:
    """Decision, documents and award are shown; what is worked with later is named in one line."""
    text = on_screen(hostile[0], Screen(100))
    assert "Documents to sign" in text
    assert "Award table" in text
    assert "Medals that can be struck\n" in text
    assert "\nMelt cards\n" not in text
    assert "Besides, in what -o writes: " in text
    assert all(line.isprintable() for line in text.splitlines())
    assert max(map(len, text.splitlines())) <= 100


def test_a_terminal_shows_two_screens_of_it(hostile: tuple[Content, Plan]) -> None:
    """The spend stands by kind of document and adds up as all of it does; the award has one line for a stream."""
    said, made = hostile
    text = on_screen(said, Screen(110))
    assert len(text.splitlines()) <= 110
    years = next(table for table in said.tables if table.key == "fiscal_years")
    lines = text.partition("\nFiscal years\n")[2].partition("\n\n")[0].splitlines()
    assert len([line for line in lines if line.startswith(("call-off", "toll-refining", "metal purchase"))]) == 3
    assert (
        next(line for line in lines if line.startswith("in all")).split()[-1]
        == f"{total(years, len(years.columns) - 1):,.0f}"
    )
    assert len(text.partition("\nAward table\n")[2].partition("\nin all")[0].splitlines()) == 2 + 6
    assert made.cost


def test_of_a_plan_that_is_written_a_terminal_shows_the_decision(hostile: tuple[Content, Plan]) -> None:
    """With `-o` the tables stand in what was written, and the decision alone on the terminal."""
    text = on_screen(hostile[0], Screen(100), written=True)
    assert hostile[0].decision[0] in text and "sha256" in text
    assert "Documents to sign\n" not in text and "Besides" not in text


def test_without_dates_the_spend_is_shown_by_period(hostile: tuple[Content, Plan]) -> None:
    """Where periods have no dates there is no fiscal year, and the terminal shows the spend of each period."""
    said, _ = hostile
    undated = replace(said, tables=tuple(table for table in said.tables if table.key != "fiscal_years"))
    assert "\nSpend and commitment\n" in on_screen(undated, Screen(120))
