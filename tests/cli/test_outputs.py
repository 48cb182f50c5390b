"""Outputs that cannot be written: exit code 5, one line, and an existing file is unchanged."""

from __future__ import annotations

import os
import re
import subprocess
from datetime import date
from pathlib import Path
from random import Random

import pytest
from campaigns.kills import standing
from tests.cli.runs import MEDALOPT, PATIENCE, TINY, apart, here, plain

from campaigns import kills


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Return a folder with things that are in the way of an output."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "letter.txt").write_text("dear", encoding="utf-8")
    (tmp_path / "a file").write_text("dear", encoding="utf-8")
    (tmp_path / "folder.json").mkdir()
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "link.json").symlink_to(tmp_path / "gone" / "plan.json")
    return tmp_path


@pytest.mark.parametrize(
    "output",
    ["gone/plan.json", "gone/plan", "own", "a file", "folder.json", "pipe.json", "link.json", "a file/plan.json"],
)
def test_an_output_that_cannot_be_is_refused(output: str, desk: Path) -> None:
    """Missing or foreign folders and special files: exit code 5 in one line, no file changed."""
    before = standing(desk)
    ran = here("solve", TINY, "-o", str(desk / output))
    assert (ran.code, ran.out) == (5, "")
    assert len(ran.err.splitlines()) == 1 and output.split("/")[0] in ran.err and plain(ran.err)
    assert standing(desk) == before


@pytest.mark.parametrize("name", kills.OBSTACLES)
def test_an_obstacle_ends_with_5(name: str) -> None:
    """A full disk, a read-only folder, the instance itself, a closed pipe: code 5, one line, and all is as it was."""
    assert kills.refused(0, name, Random(name)).wrong == ()


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_a_full_device_ends_with_5(arguments: list[str]) -> None:
    """Full standard output: exit code 5 and one line, also for output of typer."""
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run([*MEDALOPT, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
    assert ran.returncode == 5
    assert ran.stderr == "standard output could not be written (No space left on device)\n"


def test_a_closed_pipe_ends_with_5_in_silence() -> None:
    """A closed pipe ends without message, also for output of typer."""
    reading, writing = os.pipe()
    os.close(reading)
    ran = subprocess.run([*MEDALOPT, "--help"], stdout=writing, stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (5, "")


def test_closed_standard_streams_do_no_harm() -> None:
    """Without standard output the end is code 5; without standard error the exit code tells all."""
    for close, arguments, code in ((1, ["check", TINY], 5), (2, ["check", "nowhere.yaml"], 2)):
        command = ["sh", "-c", f'"$@" {close}>&-', "sh", *MEDALOPT, *arguments]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        assert ran.returncode == code
        assert "Traceback" not in ran.stdout + ran.stderr


def test_an_output_of_few_signs_gets_plain_ones() -> None:
    """An output that knows ASCII alone is given signs it knows, and none is lost in silence."""
    rich, poor = here("solve", TINY), here("solve", TINY, encoding="ascii")
    assert (poor.code, poor.err) == (0, "")
    assert poor.out.isascii() and not rich.out.isascii()
    assert len(poor.out.splitlines()) == len(rich.out.splitlines())


def test_the_working_folder_may_be_another(tmp_path: Path) -> None:
    """Relative outputs are written to the working folder."""
    assert apart("solve", TINY, "-o", "plan.json", folder=tmp_path).code == 0
    assert (tmp_path / "plan.json").is_file()


@pytest.mark.parametrize("name", ["x" * 300 + ".json", "銀" * 90 + ".json", f"{'y' * 200}/" * 30 + "z.json"])
def test_a_name_that_is_too_long(name: str) -> None:
    """A file name too long for the system is reported before any solve, by every command."""
    for verb in (["solve", TINY], ["plan", TINY], ["explain", TINY], ["sensitivity", TINY], ["compare", TINY, "x"]):
        ran = here(*verb, "-o", name)
        assert (ran.code, ran.out) == (5, "") and "File name too long" in ran.err, verb


@pytest.mark.parametrize("verb", [["verify"], ["compare", TINY], ["plan", TINY, "--after", "2017-04", "--frozen"]])
def test_a_name_to_read_that_is_too_long(verb: list[str]) -> None:
    """An input name that is too long: exit code 2 and one line."""
    ran = here(*verb, "x" * 300)
    assert ran.code == 2 and "File name too long" in ran.err and len(ran.err.splitlines()) == 1


def test_a_working_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a deleted working folder an output is an error reported at once."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    for verb in (["solve", TINY], ["plan", TINY], ["export", TINY]):
        ran = here(*verb, "-o", "x.lp" if "export" in verb else "x.json")
        assert (ran.code, ran.out) == (5, "") and "No such file or directory" in ran.err


@pytest.mark.parametrize("verb", ["check", "solve", "explain", "compare", "plan"])
def test_documents_are_dated_and_data_are_not(verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page has the date given, else that of SOURCE_DATE_EPOCH, else today's; JSON and screen have the one given."""
    names = ("dantzig", "rio2016") if verb == "compare" else ("dantzig",)
    instances = [str(Path(TINY).with_name(f"{name}.yaml")) for name in names]

    def write(*given: str) -> tuple[str, str, str, str]:
        """Return the date in the page, the page, the JSON and the screen."""
        page, data = tmp_path / "x.html", tmp_path / "x.json"
        ran = here(verb, *instances, *given, "-o", str(page), "-o", str(data))
        assert ran.code == 0
        text = page.read_text(encoding="utf-8")
        (day,) = re.findall('<time datetime="([0-9-]+)">', text)
        return day, text, data.read_text(encoding="utf-8"), ran.out

    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    before = date.today()
    today, page, data, screen = write()
    assert before <= date.fromisoformat(today) <= date.today()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1522540800")
    of_epoch = write()
    assert of_epoch == ("2018-04-01", page.replace(today, "2018-04-01"), data, screen)
    assert write("--date", "2018-04-01")[:2] == of_epoch[:2]
    assert write("--date", "2026-11-29")[0] == "2026-11-29"
    assert here(verb, *instances, "--date", "30 November").code == 2
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    refused = here(verb, *instances)
    assert (refused.code, refused.out) == (2, "") and "SOURCE_DATE_EPOCH=yesterday" in refused.err
