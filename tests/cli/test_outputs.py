"""Outputs that cannot be written: exit code 5, one line, and what stood there before still stands."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from tests.cli.runs import MEDALOPT, PATIENCE, TINY, apart, here, plain


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Return a folder with things that are in the way of an output."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "letter.txt").write_text("dear", encoding="utf-8")
    (tmp_path / "a file").write_text("dear", encoding="utf-8")
    (tmp_path / "folder.json").mkdir()
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "link.json").symlink_to(tmp_path / "gone" / "plan.json")
    (tmp_path / "instance.json").write_bytes(Path(TINY).read_bytes())
    return tmp_path


def standing(folder: Path) -> list[tuple[str, bytes]]:
    """Return every entry below `folder`, files with their content."""
    return sorted((str(path), path.read_bytes() if path.is_file() else b"") for path in folder.rglob("*"))


@pytest.mark.parametrize(
    "output",
    ["gone/plan.json", "gone/plan", "own", "a file", "folder.json", "pipe.json", "link.json", "a file/plan.json"],
)
def test_an_output_that_cannot_be_is_refused(output: str, desk: Path) -> None:
    """Folders that are missing or hold other files, and what is no file: code 5 in one line, nothing is changed."""
    before = standing(desk)
    ran = here("solve", TINY, "-o", str(desk / output))
    assert (ran.code, ran.out) == (5, "")
    assert len(ran.err.splitlines()) == 1 and output.split("/")[0] in ran.err and plain(ran.err)
    assert standing(desk) == before


def test_the_instance_is_not_overwritten(desk: Path) -> None:
    """A plan cannot be written over its own instance, by whatever path."""
    ran = here("solve", str(desk / "instance.json"), "-o", str(desk / "own" / ".." / "instance.json"))
    assert ran.code == 5 and "is the instance itself" in ran.err
    assert (desk / "instance.json").read_bytes() == Path(TINY).read_bytes()


@pytest.mark.parametrize("arguments", [["solve", TINY], ["solve", TINY, "--json"], ["--help"], ["--version"]])
def test_a_full_disk_ends_with_5(arguments: list[str]) -> None:
    """Standard output without room: code 5 and one line."""
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run([*MEDALOPT, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
    assert ran.returncode == 5
    assert ran.stderr == "standard output could not be written (No space left on device)\n"


@pytest.mark.parametrize("arguments", [["solve", TINY, "--json"], ["--help"]])
def test_a_closed_pipe_ends_with_5_in_silence(arguments: list[str]) -> None:
    """Who closes the pipe is told nothing more."""
    reading, writing = os.pipe()
    os.close(reading)
    ran = subprocess.run([*MEDALOPT, *arguments], stdout=writing, stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
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


def test_a_disk_that_fills_while_writing(tmp_path: Path) -> None:
    """A plan that finds no room ends with 5, the plan of before stands, and no part of the new one is left."""
    plan = tmp_path / "plan.json"
    plan.write_text("earlier", encoding="utf-8")
    limited = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)); "
        "from medalopt.cli.main import run; sys.exit(run(sys.argv[1:]))"
    )
    for output in ("plan.json", "folder"):
        command = [MEDALOPT[0], "-B", "-c", limited, "solve", TINY, "-o", str(tmp_path / output)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        assert ran.returncode == 5
        assert len(ran.stderr.splitlines()) == 1 and "what stood there before still stands" in ran.stderr
    assert [(path.name, path.read_text(encoding="utf-8")) for path in tmp_path.iterdir()] == [("plan.json", "earlier")]


def test_the_working_folder_may_be_another(tmp_path: Path) -> None:
    """Relative outputs are written where one stands."""
    assert apart("solve", TINY, "-o", "plan.json", folder=tmp_path).code == 0
    assert (tmp_path / "plan.json").is_file()
