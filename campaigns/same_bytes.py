"""The same parameters in any order and environment give the same result, byte for byte.

Each trial writes an instance with its entries in another order and solves it in a process of its own, under another
hash seed, locale, time zone, width and working folder. But for the digests of the files the answer must be the first.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections import Counter
from functools import cache
from hashlib import sha256
from pathlib import Path
from random import Random

import yaml
import yamlcore
from tests.cli.runs import ROOT, Run, apart
from tests.laws import pool
from tests.laws.rewriting import shuffled
from tests.random_instances import Case, as_text

from campaigns.running import Found, campaign

SHIPPED = ("tiny", "rio2016", "london2012", "dantzig", "steelco", "infeasible")
LARGE, EVERY = "tokyo2020", 20  # one trial in so many is of the large instance
AT_RANDOM = 12  # random instances, beside those shipped
ZONES = ("UTC", "Asia/Tokyo", "America/New_York", "Asia/Kathmandu", "Pacific/Apia")
MADE = {  # numbers with a comma, another letter i, another encoding
    "de_DE.UTF-8": ("de_DE", "UTF-8"),
    "tr_TR.UTF-8": ("tr_TR", "UTF-8"),
    "ja_JP.eucJP": ("ja_JP", "EUC-JP"),
}
ENDS = (0, 3)  # a plan, or the reason why there is none


def trial(number: int) -> Found:
    """Solve an instance in the order and in the surroundings that belong to `number`."""
    random = Random(number)
    name = _named(number)
    surroundings = {
        "PYTHONHASHSEED": str(random.randrange(2**32)),
        "LC_ALL": random.choice(locales()),
        "LOCPATH": _locale_folder().name,
        "TZ": random.choice(ZONES),
        "COLUMNS": random.choice(("20", "80", "300")),
        "PYTHONUTF8": random.choice(("0", "1")),
    }
    ran = solved(shuffled(case(name), random), surroundings, random.choice(("beside", "above", "elsewhere")))
    told = f"{number}: {name}: {surroundings}"
    if ran.code not in ENDS or (ran.code == 0 and _complaints(ran.err)) or not ran.out.isascii():
        return Found(wrong=(f"{told}: code {ran.code}, {ran.err}",))
    kind = name if name in (*SHIPPED, LARGE) else "random instances"
    seen = Counter({f"of {kind}": 1, f"under {surroundings['LC_ALL']}": 1})
    return Found(seen, () if ran.out == first(name).out else (f"{told}: other bytes",))


def _complaints(err: str) -> list[str]:
    """Return the standard error output without warnings of unusual input."""
    return [line for line in err.splitlines() if line and not line.startswith("warning: ")]


def solved(case: Case, surroundings: dict[str, str], place: str) -> Run:
    """Return how `solve --json` ends, with a name instead of the digest of each file."""
    with tempfile.TemporaryDirectory() as above:
        folder = Path(above, "instance")
        folder.mkdir()
        path = case.write(folder)
        standing = {"beside": folder, "above": Path(above), "elsewhere": Path("/")}[place]
        named = path if place == "elsewhere" else path.relative_to(standing)
        ran = apart("solve", str(named), "--json", folder=standing, env=surroundings)
    out = ran.out
    for name, text in case.files.items():
        out = out.replace(sha256(text.encode()).hexdigest(), f"digest of {name}")
    return Run(ran.code, out, ran.err)


@cache
def first(name: str) -> Run:
    """Return the answer to an instance in the order in which it is written."""
    return solved(case(name), {"PYTHONHASHSEED": "0", "LC_ALL": "C", "TZ": "UTC"}, "beside")


@cache
def case(name: str) -> Case:
    """Return an instance as files, read and written again: shipped, or random by its number."""
    if name.isdigit():
        return pool.files(int(name))
    path = ROOT / "instances" / f"{name}.yaml"
    content = yaml.load(path.read_text(encoding="utf-8"), yamlcore.CoreLoader)
    tables = [part["table"] for part in content.values() if isinstance(part, dict) and "table" in part]
    read = {table: (path.parent / table).read_text(encoding="utf-8") for table in tables}
    return Case({"instance.yaml": as_text(content), **read})


@cache
def locales() -> tuple[str, ...]:
    """Return the locales to try: those without words, and of the others those that this system can make."""
    made = [name for name, parts in MADE.items() if _made(name, *parts)]
    return ("C", "C.UTF-8", "POSIX", *made)


def _made(name: str, language: str, encoding: str) -> bool:
    """Make a locale in the folder of this process; False where the system cannot."""
    command = ["localedef", "-i", language, "-f", encoding, str(Path(_locale_folder().name, name))]
    with contextlib.suppress(OSError):
        return subprocess.run(command, capture_output=True).returncode == 0
    return False


@cache
def _locale_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory()


def _named(number: int) -> str:
    """Return the instance that is tried in trial `number`."""
    if number % EVERY == EVERY - 1:
        return LARGE
    names = [*SHIPPED, *map(str, range(AT_RANDOM))]
    return names[number % EVERY % len(names)]


if __name__ == "__main__":
    sys.exit(campaign("same_bytes", trial, 200, sys.argv[1:]))
