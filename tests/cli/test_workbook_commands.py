"""`medalopt template` and `medalopt import` from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.runs import TINY, here, plain
from tests.spreadsheets import with_cell

from medalopt.instance.loading import load


def test_an_instance_goes_through_a_workbook(tmp_path: Path) -> None:
    """`import` of a workbook written by `template` gives the same instance."""
    book, again = str(tmp_path / "t.xlsx"), str(tmp_path / "again.yaml")
    assert here("template", book, TINY).code == 0
    run = here("import", book, "-o", again)
    assert (run.code, run.out) == (0, "")
    assert load(again).figures == load(TINY).figures


def test_without_an_instance_there_is_one_to_start_from(tmp_path: Path) -> None:
    """The template alone holds the instance that `new` writes, called as the file is."""
    assert here("template", str(tmp_path / "My Games.xlsx")).code == 0
    assert here("import", str(tmp_path / "My Games.xlsx"), "-o", str(tmp_path / "games.yaml")).code == 0
    assert load(tmp_path / "games.yaml").name == "my-games"


def test_long_lists_become_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many streams stand in CSV beside the YAML, and the instance is the same."""
    from medalopt.instance.workbook import yaml_writer

    monkeypatch.setattr(yaml_writer, "MAX_INLINE_ENTRIES", 2)
    here("template", str(tmp_path / "t.xlsx"), TINY)
    run = here("import", str(tmp_path / "t.xlsx"), "-o", str(tmp_path / "again.yaml"))
    assert "streams.csv: written" in run.err
    assert (tmp_path / "again/streams.csv").is_file()
    assert load(tmp_path / "again.yaml").figures == load(TINY).figures


@pytest.mark.parametrize("there", ["again.yaml", "again/streams.csv"])
def test_an_existing_instance_is_not_overwritten(there: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No existing instance or table is overwritten, and no file is written."""
    from medalopt.instance.workbook import yaml_writer

    monkeypatch.setattr(yaml_writer, "MAX_INLINE_ENTRIES", 2)
    here("template", str(tmp_path / "t.xlsx"), TINY)
    (tmp_path / "again").mkdir()
    (tmp_path / there).write_text("mine", encoding="utf-8")
    run = here("import", str(tmp_path / "t.xlsx"), "-o", str(tmp_path / "again.yaml"))
    assert (run.code, run.out, (tmp_path / there).read_text(encoding="utf-8")) == (5, "", "mine")
    assert "exists already and is unchanged" in run.err and ": written" not in run.err
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"t.xlsx", Path(there).name}


def test_a_mistake_writes_nothing(tmp_path: Path) -> None:
    """Every mistake is a line with its cell, and no file comes of it."""
    book = tmp_path / "t.xlsx"
    here("template", str(book), TINY)
    book.write_bytes(with_cell(book.read_bytes(), "Devices", "C4", "many"))
    run = here("import", str(book), "-o", str(tmp_path / "again.yaml"))
    assert run.code == 2
    assert "t.xlsx:Devices!C4: devices.phone.content.Ag: expected a number" in run.err
    assert plain(run.err)
    assert not (tmp_path / "again.yaml").exists()


@pytest.mark.parametrize(
    "arguments", [("template", "t.txt"), ("import", "t.xlsx", "-o", "t.txt"), ("import", "none.xlsx", "-o", "t.yaml")]
)
def test_other_files_are_refused(arguments: tuple[str, ...]) -> None:
    """A template is a workbook, an instance is YAML, and a workbook that is not there cannot be read."""
    run = here(*arguments)
    assert (run.code, len(run.err.splitlines())) == (2, 1)
