"""Damaged result caches: each is resumed with the written results only, or refused as invalid input.

No byte of a rejected file may change. If the damage computes line digests again, as a forger would, the entries read
must still be possible results.
"""

from __future__ import annotations

import json
import math
import sys
from functools import cache
from pathlib import Path
from random import Random

from campaigns.fuzz import confine, folder, watched
from campaigns.mutating import SMALL, hostile, spoilt
from campaigns.running import Found, campaign
from medalopt.analysis.process_pool import ScenarioResult
from medalopt.analysis.result_cache import RESULT_STATUSES, ResultCache, compute_line_digest
from medalopt.errors import UsageError
from medalopt.instance import load
from medalopt.instance.instance import Instance

ANSWERS = {
    "1": ScenarioResult("optimal", 1234.5),
    "2": ScenarioResult("optimal", -0.0),
    "3": ScenarioResult("infeasible", None),
    "4": ScenarioResult("wrong", None, "`101 %` is out of range"),
    "5": ScenarioResult("unanswered", None, "no proof"),
}
_VALUES = (
    *("NaN", "Infinity", "-Infinity", "1e999", "-0.0", "0", "1", "true", "null", '"1"', "[]", "{}", "1" * 5_000),
    *('"optimal"', '"infeasible"', '"done"', "[1, 2.0]", '{"a": null}', '"\\ud800"', '"\\u001b[31m"', "[" * 3_000),
)


def trial(number: int) -> Found:
    """Hand the damaged journal of a number to the reader."""
    confine()
    random = Random(number)
    text, forged = _damaged(random)
    path = Path(folder().name) / "journal"
    path.write_bytes(text)
    return watched(number, "calls of the reader", lambda: _wrong(path, text, forged))


def _wrong(path: Path, text: bytes, forged: bool) -> str:
    try:
        journal = ResultCache(path, _instance(), "cost")
    except UsageError:
        if path.read_bytes() != text:
            return "a journal was refused, and is another now"
        raise
    known = {name: journal.find_result({"a": name}) for name in ANSWERS}
    journal.close()
    for name, answer in known.items():
        if answer is not None and answer != ANSWERS[name] and not (forged and _sound(answer)):
            return f"{answer} was never written"
    return ""


def _sound(answer: ScenarioResult) -> bool:
    """Return whether this is a possible result."""
    number = isinstance(answer.value, float) and math.isfinite(answer.value)
    return answer.status in RESULT_STATUSES and (number if answer.feasible else answer.value is None)


def _damaged(random: Random) -> tuple[bytes, bool]:
    """Return the bytes of a damaged cache, and whether a digest in it was recomputed."""
    lines = list(_lines())
    forged = False
    for _ in range(random.choice((0, 1, 1, 1, 2, 3))):
        at, act = random.randrange(len(lines)), random.random()
        if act < 0.3:
            lines[at] = _edited(lines[at], random)
        elif act < 0.5 and at:
            lines[at], forged = _forged(lines[at], random), True
        elif act < 0.6:
            del lines[at]
        elif act < 0.7:
            lines.insert(random.randint(0, len(lines)), lines[at])
        elif act < 0.8:
            lines[at] = spoilt(lines[at], random)
        elif act < 0.9:
            lines.insert(at, str(hostile(random)))
        else:
            lines[at] = lines[at][: random.randint(0, len(lines[at]))]
        lines = lines or [""]
    text = "\n".join(lines).encode("utf-8", "surrogatepass") + random.choice((b"\n", b"\n", b"", b"\r\n", b"\n\n"))
    if random.random() < 0.1:
        at = random.randrange(len(text) + 1)
        text = text[:at] + random.randbytes(random.randint(1, 3)) + text[at + random.randint(0, 3) :]
    return text, forged


def _edited(line: str, random: Random) -> str:
    """Return a line of which one value is another."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return spoilt(line, random)
    if not isinstance(found, dict) or not found:
        return spoilt(line, random)
    name = random.choice(list(found))
    parts = [f"{json.dumps(key)}: {random.choice(_VALUES) if key == name else json.dumps(found[key])}" for key in found]
    if random.random() < 0.2:
        parts.insert(random.randint(0, len(parts)), f"{json.dumps(name)}: {random.choice(_VALUES)}")
    return "{" + ", ".join(parts) + "}"


def _forged(line: str, random: Random) -> str:
    """Return such a line with a digest that fits it."""
    try:
        found = json.loads(_edited(line, random))
    except (ValueError, RecursionError):
        return line
    if not isinstance(found, dict):
        return line
    found.pop("check", None)
    return json.dumps({**found, "check": compute_line_digest(json.loads(_lines()[0]), found)})


@cache
def _lines() -> tuple[str, ...]:
    """Return the lines of a journal as it is written."""
    path = Path(folder().name) / "whole"
    journal = ResultCache(path, _instance(), "cost")
    for name, answer in ANSWERS.items():
        journal.add_result({"a": name}, answer)
    journal.close()
    return tuple(path.read_text(encoding="utf-8").splitlines())


@cache
def _instance() -> Instance:
    path = Path(folder().name) / "base.yaml"
    path.write_text(SMALL[0], encoding="utf-8")
    return load(path)


if __name__ == "__main__":
    sys.exit(campaign("fuzz_journals", trial, 100_000, sys.argv[1:]))
