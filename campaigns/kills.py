"""Interrupted writing of plans: the previous plan is kept, or the new one is complete.

Four trials in five kill a process at random moments while it writes a file or a folder. In the others an obstacle
prevents `solve -o`: one line says so, the exit code is 5, and no file is changed or left behind.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.cli.runs import MEDALOPT, PATIENCE, TINY

from campaigns.running import Found, campaign
from medalopt.report.atomic_write import STALE_SECONDS, write_file, write_folder

FILES = ("a.csv", "b.csv", "c.csv")
LINES = 40_000  # of each file, all the same
WRITING = f"""
import sys
from pathlib import Path
from medalopt.report.atomic_write import write_file, write_folder
print("ready", flush=True)
for n in range(1, 100_000):
    text = f"{{n}}\\n" * {LINES}
    if sys.argv[2] == "file":
        write_file(Path(sys.argv[1]), text)
    else:
        write_folder(Path(sys.argv[1]), {{name: text for name in {FILES}}})
"""
LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
from medalopt.cli.run import run_command
sys.exit(run_command(sys.argv[2:]))
"""
NOBODY = """
import contextlib, io, os, sys
import medalopt.report.render.csv
from medalopt.cli.run import run_command
with contextlib.redirect_stdout(io.StringIO()):
    run_command(sys.argv[1:3])
if os.geteuid() == 0:
    os.seteuid(65534)
sys.exit(run_command(sys.argv[1:]))
"""


def trial(number: int) -> Found:
    """Kill a process that writes, or let one meet an obstacle, as belongs to `number`."""
    random = Random(number)
    if number % 5:
        return killed(number, ("file", "folder")[number % 2], random)
    names = sorted(OBSTACLES)
    return refused(number, names[number // 5 % len(names)], random)


def killed(number: int, kind: str, random: Random) -> Found:
    """Kill a process that writes a plan, in three of four cases over a previous one, and check the result."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "plan")
        if earlier := random.random() < 0.75:
            _write(target, kind, "0\n" * LINES)
        process = subprocess.Popen([sys.executable, "-c", WRITING, str(target), kind], stdout=subprocess.PIPE)
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        time.sleep(random.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=PATIENCE)
        seen, wrong = _standing(target, kind, earlier)
        strays = [path.name for path in Path(folder).iterdir() if path != target]
        wrong += [f"left behind: {name}" for name in strays if not _is_part(name)]
        wrong += _swept(target, kind)
    left = Counter({"a part was left, and swept by a later run": bool(strays)})
    return Found(Counter({f"killed while writing a {kind}": 1, seen: 1}) + left, tuple(f"{number}: {w}" for w in wrong))


def _write(target: Path, kind: str, text: str) -> None:
    if kind == "file":
        write_file(target, text)
    else:
        write_folder(target, dict.fromkeys(FILES, text))


def _standing(target: Path, kind: str, earlier: bool) -> tuple[str, list[str]]:
    """Return a description of the content of `target`, and its fault."""
    if not target.exists():
        return "none before and none after", ["what stood there is gone"] if earlier else []
    parts = [target] if kind == "file" else sorted(target.iterdir())
    texts = {part.read_text(encoding="utf-8") for part in parts}
    lines = texts.pop().splitlines()
    whole = not texts and len(lines) == LINES and len(set(lines)) == 1 and len(parts) in (1, len(FILES))
    seen = "what stood there before stands" if lines[:1] == ["0"] else "a new one stands, whole"
    return seen, [] if whole else ["neither the one of before nor a new one is whole"]


def _is_part(name: str) -> bool:
    return name.startswith(".plan.") and name.endswith(".part")


def _swept(target: Path, kind: str) -> list[str]:
    """Write again when leftover parts have expired; only the plan may remain."""
    old = time.time() - 2 * STALE_SECONDS
    for path in target.parent.iterdir():
        os.utime(path, (old, old))
    _write(target, kind, "1\n" * LINES)
    return [f"not swept: {path.name}" for path in target.parent.iterdir() if path != target]


def refused(number: int, name: str, random: Random) -> Found:
    """Let `solve` meet the obstacle `name`, and see that it ends as it should and leaves everything as it was."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        folder.chmod(0o755)
        (folder / "instance.json").write_bytes(Path(TINY).read_bytes())
        (folder / "plan.json").write_text("earlier", encoding="utf-8")
        before = standing(folder)
        ran = OBSTACLES[name](folder, random)
        wrong = [f"exit code {ran.returncode}"] * (ran.returncode != 5)
        lines = 0 if name.startswith("a closed pipe") else 1  # who closes the pipe is told nothing more
        wrong += [f"said {ran.stderr!r}"] * (len(ran.stderr.splitlines()) != lines or "Traceback" in ran.stderr)
        wrong += ["something was changed or left behind"] * (standing(folder) != before)
    return Found(Counter({f"refused: {name}": 1}), tuple(f"{number}: {name}: {each}" for each in wrong))


def standing(folder: Path) -> list[tuple[str, bytes]]:
    """Return every entry below `folder`, files with their content."""
    return sorted((str(path), path.read_bytes() if path.is_file() else b"") for path in folder.rglob("*"))


def _run(command: list[str], stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    """Run a command without compiled files, for which there may be no space."""
    return subprocess.run(
        [sys.executable, "-B", *command], stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=PATIENCE
    )


def _full(folder: Path, random: Random, output: str) -> subprocess.CompletedProcess[str]:
    room = str(random.randrange(3000))
    return _run(["-c", LIMITED, room, "solve", TINY, "-o", str(folder / output)])


def _read_only(folder: Path, random: Random, output: str) -> subprocess.CompletedProcess[str]:
    folder.chmod(0o555)
    try:
        return _run(["-c", NOBODY, "solve", str(folder / "instance.json"), "-o", str(folder / output)])
    finally:
        folder.chmod(0o755)


def _itself(folder: Path, random: Random) -> subprocess.CompletedProcess[str]:
    way = random.choice((".", "gone/..", "../" + folder.name))
    (folder / "gone").mkdir()
    try:
        instance = str(folder / "instance.json")
        return _run([*MEDALOPT[1:], "solve", instance, "-o", str(folder / way / "instance.json")])
    finally:
        (folder / "gone").rmdir()


def _through_a_full_device(folder: Path, random: Random) -> subprocess.CompletedProcess[str]:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        return _run([*MEDALOPT[1:], "solve", TINY, *random.choice(([], ["--json"]))], full.fileno())


def _through_a_closed_pipe(folder: Path, random: Random) -> subprocess.CompletedProcess[str]:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        return _run([*MEDALOPT[1:], "solve", TINY, *random.choice(([], ["--json"]))], writing)
    finally:
        os.close(writing)


OBSTACLES: dict[str, Callable[[Path, Random], subprocess.CompletedProcess[str]]] = {
    "a full disk, a file": lambda folder, random: _full(folder, random, "plan.json"),
    "a full disk, a folder": lambda folder, random: _full(folder, random, "plan"),
    "a read-only folder, a file": lambda folder, random: _read_only(folder, random, "plan.json"),
    "a read-only folder, a folder": lambda folder, random: _read_only(folder, random, "plan"),
    "the instance itself": _itself,
    "a full device": _through_a_full_device,
    "a closed pipe": _through_a_closed_pipe,
}


if __name__ == "__main__":
    sys.exit(campaign("kills", trial, 250, sys.argv[1:]))
