"""Files and folders that are there whole, or not at all."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from campaigns import kills
from medalopt.errors import OutputError
from medalopt.report import atomic_write
from medalopt.report.atomic_write import write_file, write_folder

KILLS = 12  # of a file, and as many of a folder


def names(folder: Path) -> list[str]:
    """Return the names in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written(tmp_path: Path) -> None:
    """A new file has the content and the mode of the user's mask; no other file remains."""
    write_file(tmp_path / "plan.json", "grün\n")
    assert (tmp_path / "plan.json").read_bytes() == "grün\n".encode()
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((tmp_path / "plan.json").stat().st_mode) == 0o666 & ~mask
    assert names(tmp_path) == ["plan.json"]


def test_a_file_keeps_its_mode(tmp_path: Path) -> None:
    """A file that is replaced keeps the permissions it had."""
    plan = tmp_path / "plan.json"
    plan.write_text("earlier", encoding="utf-8")
    plan.chmod(0o640)
    write_file(plan, "later")
    assert (plan.read_text(encoding="utf-8"), stat.S_IMODE(plan.stat().st_mode)) == ("later", 0o640)


def test_a_link_is_followed(tmp_path: Path) -> None:
    """The target of a link is written, file or folder, existing or not; the link is kept."""
    (tmp_path / "far").mkdir()
    for name in ("file.json", "folder"):
        (tmp_path / name).symlink_to(tmp_path / "far" / name)
    for content in ("first", "second"):
        write_file(tmp_path / "file.json", content)
        write_folder(tmp_path / "folder", {"a.csv": content})
        assert (tmp_path / "far" / "file.json").read_text(encoding="utf-8") == content
        assert (tmp_path / "far" / "folder" / "a.csv").read_text(encoding="utf-8") == content
    assert (tmp_path / "file.json").is_symlink() and (tmp_path / "folder").is_symlink()
    assert names(tmp_path / "far") == ["file.json", "folder"]


def test_a_folder_is_replaced_by_one_of_the_same_files(tmp_path: Path) -> None:
    """A folder of the same files, or of some of them, gives way; one that holds anything else does not."""
    plan = tmp_path / "plan"
    write_folder(plan, {"a.csv": "1", "b.csv": "1"})
    write_folder(plan, {"a.csv": "2", "b.csv": "2", "c.csv": "2"})
    assert {path.name: path.read_text(encoding="utf-8") for path in plan.iterdir()} == dict.fromkeys(
        ("a.csv", "b.csv", "c.csv"), "2"
    )
    with pytest.raises(OutputError, match=r"contains other files \(b\.csv\)"):
        write_folder(plan, {"a.csv": "3"})
    assert names(tmp_path) == ["plan"]


@pytest.mark.parametrize("step", ["fsync", "replace", "chmod"])
def test_nothing_stays_of_a_file_that_could_not_be_written(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After any failing step the old file is complete, no temporary file remains, and the message says so."""
    plan = tmp_path / "plan.json"
    plan.write_text("earlier", encoding="utf-8")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os if step == "fsync" else Path, step, full)
    with pytest.raises(OutputError, match=r"No space left on device\); an existing file is unchanged"):
        write_file(plan, "later")
    assert plan.read_text(encoding="utf-8") == "earlier" and names(tmp_path) == ["plan.json"]


@pytest.mark.parametrize("step", ["fsync", "rename", "chmod"])
def test_nothing_stays_of_a_folder_that_could_not_be_written(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same for a folder, also if the system cannot exchange two names atomically."""
    plan = tmp_path / "plan"
    write_folder(plan, {"a.csv": "earlier"})
    real, calls = Path.rename, []

    def full(*arguments: Path) -> Path:
        calls.append(arguments)
        if step == "rename" and len(calls) != 2:  # the first puts the old away, the second fails, the third mends it
            return real(*arguments)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic_write, "_exchange_names", lambda *_: False)
    monkeypatch.setattr(os if step == "fsync" else Path, step, full)
    with pytest.raises(OutputError, match="an existing file is unchanged"):
        write_folder(plan, {"a.csv": "later"})
    assert (plan / "a.csv").read_text(encoding="utf-8") == "earlier" and names(tmp_path) == ["plan"]


def test_a_folder_is_replaced_where_names_cannot_be_exchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an atomic exchange two renames replace the folder."""
    monkeypatch.setattr(atomic_write.ctypes, "CDLL", lambda _: object())
    for content in ("1", "2"):
        write_folder(tmp_path / "plan", {"a.csv": content})
        assert (tmp_path / "plan" / "a.csv").read_text(encoding="utf-8") == content
    assert names(tmp_path) == ["plan"]


def test_an_interruption_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while writing leaves no part behind."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    for write in (lambda: write_file(tmp_path / "a", "x"), lambda: write_folder(tmp_path / "b", {"c": "x"})):
        with pytest.raises(KeyboardInterrupt):
            write()
    assert names(tmp_path) == []


def test_parts_of_killed_runs_are_swept(tmp_path: Path) -> None:
    """Parts of the same name go when they are old; young ones, and those of other names, stay."""
    old = time.time() - 2 * atomic_write.STALE_SECONDS
    (tmp_path / ".plan.json.abc.part").write_text("x", encoding="utf-8")
    (tmp_path / ".plan.json.dir.part").mkdir()
    (tmp_path / ".plan.json.new.part").write_text("x", encoding="utf-8")
    (tmp_path / ".other.json.abc.part").write_text("x", encoding="utf-8")
    for name in (".plan.json.abc.part", ".plan.json.dir.part", ".other.json.abc.part"):
        os.utime(tmp_path / name, (old, old))
    write_file(tmp_path / "plan.json", "x")
    assert names(tmp_path) == [".other.json.abc.part", ".plan.json.new.part", "plan.json"]


def test_names_are_not_patterns(tmp_path: Path) -> None:
    """Signs that mean something in a pattern are swept as they are written."""
    old = time.time() - 2 * atomic_write.STALE_SECONDS
    for name in (".a[1]*.x.part", ".a1b.x.part"):
        (tmp_path / name).write_text("x", encoding="utf-8")
        os.utime(tmp_path / name, (old, old))
    write_file(tmp_path / "a[1]*", "x")
    assert names(tmp_path) == [".a1b.x.part", "a[1]*"]


@pytest.mark.parametrize("kind", ["file", "folder"])
@pytest.mark.parametrize("number", range(KILLS))
def test_a_killed_run_leaves_the_plan_of_before_or_the_new_one(kind: str, number: int) -> None:
    """Killed at any moment, the output is complete and of one run; only a temporary file may remain."""
    assert kills.killed(number, kind, Random(f"{kind} {number}")).wrong == ()


def test_text_that_ends_in_the_middle_is_not_written(tmp_path: Path) -> None:
    """If text in pieces fails midway, an existing file is unchanged and no other is left."""

    def pieces() -> Iterator[str]:
        yield "one "
        yield "twö"

    def broken() -> Iterator[str]:
        yield "three"
        raise ValueError("not finite")

    path = tmp_path / "plan.json"
    write_file(path, pieces())
    with pytest.raises(ValueError, match="not finite"):
        write_file(path, broken())
    with pytest.raises(ValueError, match="not finite"):
        write_folder(tmp_path / "plan", {"a.csv": pieces(), "b.csv": broken()})
    assert path.read_text(encoding="utf-8") == "one twö"
    assert [entry.name for entry in tmp_path.iterdir()] == ["plan.json"]


def test_onto_a_mount_point_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that cannot be moved away, as a mount point: an error, and no part of anything beside it."""
    target = tmp_path / "mounted"
    target.mkdir()
    monkeypatch.setattr(atomic_write, "_exchange_names", lambda *_: False)
    rename = Path.rename

    def refuse(self: Path, other: Path) -> Path:
        if self == target:
            raise OSError(errno.EBUSY, "Device or resource busy")
        return rename(self, other)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OutputError, match="busy"):
        atomic_write.write_folder(target, {"a.csv": "a"})
    assert list(tmp_path.iterdir()) == [target] and not list(target.iterdir())
