"""Every report in every form of `-o`: each is written, and can be read back."""

from __future__ import annotations

import csv
import io
import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook
from tests.cli.runs import INFEASIBLE, TINY, here

REPORTS = {
    "solve": ["solve", TINY],
    "plan": ["plan", TINY, "--brief"],
    "explain": ["explain", TINY],
    "one stream": ["explain", TINY, "streams.phone@east"],
    "infeasible": ["explain", INFEASIBLE],
    "ranges": ["sensitivity", TINY, "--ranges", "--vary", "medals.gold.count=36..40"],
    "compare": ["compare", TINY, INFEASIBLE],
    "sweep": ["sweep", TINY, "--grid", "medals.gold.count=30,60", "--jobs", "1"],
    "check": ["check", TINY],
    "verify": ["verify", "plan.json", TINY],
}
VOID = {"meta", "img", "wbr", "br", "col", "input", "link", "hr"}


class Balanced(HTMLParser):
    """Reader of a page that notes every element that is not closed where it should be."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Note an element that is open."""
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost element."""
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def check_folder(folder: Path) -> None:
    """The data package lists every CSV file, and its fields are the header and the types of the cells."""
    package = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    listed = {resource["path"]: resource["schema"]["fields"] for resource in package["resources"]}
    assert listed.keys() == {path.name for path in folder.glob("*.csv")}
    for name, fields in listed.items():
        header, *rows = csv.reader(io.StringIO((folder / name).read_text(encoding="utf-8"), newline=""))
        assert [field["name"] for field in fields] == header
        for field, *cells in zip(fields, *rows, strict=False):
            assert field["type"] in {"string", "number", "integer", "any"}
            if field["type"] in ("number", "integer"):
                assert all(float(cell) is not None for cell in cells if cell)


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_is_written_in_every_form(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON parses, CSV has types, the workbook opens, PDF and HTML are well-formed."""
    monkeypatch.chdir(tmp_path)
    if name == "verify":
        assert here("solve", TINY, "-o", "plan.json").code == 0
    forms = ("r.txt", "r.json", "r.html", "r.xlsx", "r.pdf", "r.csv", "folder")
    ran = here(*REPORTS[name], *(part for form in forms for part in ("-o", form)))
    assert ran.code == (3 if name == "infeasible" else 0), ran.err
    assert all(f"{form}: " in ran.err for form in forms)
    assert json.loads(Path("r.json").read_text(encoding="utf-8"))
    assert Path("r.txt").read_text(encoding="utf-8").splitlines()[0] in ran.out
    page = Balanced()
    page.feed(Path("r.html").read_text(encoding="utf-8"))
    assert (page.open, page.wrong) == ([], [])
    assert len(CalamineWorkbook.from_path("r.xlsx").sheet_names) > 1
    assert Path("r.pdf").read_bytes().startswith(b"%PDF")
    check_folder(Path("folder"))
    assert Path("r.csv").is_file() == (name in ("compare", "sweep"))


def test_a_saved_plan_of_every_form_is_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`verify` accepts the JSON, the workbook and the folder that `solve` writes at once."""
    monkeypatch.chdir(tmp_path)
    forms = ("plan.json", "plan.xlsx", "plan")
    assert here("solve", TINY, *(part for form in forms for part in ("-o", form))).code == 0
    assert [here("verify", form, TINY).out.splitlines()[0] for form in forms] == ["Plan is valid."] * 3


def test_an_output_is_named_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Duplicate paths, and JSON lines of a report without rows, are rejected and no file is written."""
    monkeypatch.chdir(tmp_path)
    ran = here("check", TINY, "-o", "a.txt", "-o", "a.txt")
    assert ran.code == 2 and "named twice" in ran.err
    ran = here("check", TINY, "-o", "a.txt", "-o", "a.jsonl")
    assert ran.code == 2 and "only scenarios" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_without_a_plan_there_is_no_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Charts are left out where there is no plan, and the other forms are written."""
    monkeypatch.chdir(tmp_path)
    ran = here("explain", INFEASIBLE, "-o", "a.svg", "-o", "a.txt")
    assert ran.code == 3 and "no plan to draw" in ran.err.lower()
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
