"""Damaged instances passed to the loader: each is read with finite numbers, or refused as invalid input, in time.

Each trial is one call of the loader. It may end with an instance, InputError or UsageError within `LONGEST` seconds and
`MOST` bytes. Any other outcome is a fault, and its number reproduces it.
"""

from __future__ import annotations

import dataclasses
import resource
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from campaigns.mutating import Damaged, damaged
from campaigns.running import Found, campaign, within
from medalopt.cli.options import parse_changes
from medalopt.errors import InputError, UsageError
from medalopt.instance import load
from medalopt.instance.arrays import ExactArray
from medalopt.instance.instance import Instance

LONGEST, MOST = 5.0, 2**30
LIMITS = {  # that are infinite where they are not given
    *("streams.storage_limit", "treatments.capacity", "smelters.capacity", "smelters.limit", "market.limit"),
    *("alloys.capacity", "policy.footprint_cap", "medals.shortfall", "impurities.refuse", "impurities.limit"),
    *("market.storage_limit", "charge_limits.most"),
}


def trial(number: int) -> Found:
    """Hand the damaged instance `number` to the loader."""
    confine()
    return judged(number, damaged(Random(number)))


def judged(number: int, case: Damaged) -> Found:
    """Hand `case` to the loader, and see how that ends."""
    path = _written(case)
    return watched(number, "calls of the loader", lambda: _wrong(load(path, parse_changes(list(case.changes)))))


def watched(number: int, calls: str, read: Callable[[], str]) -> Found:
    """Count the result of one of `calls` of `read`: a fault of the result, '' for none, or a refusal."""
    with within(LONGEST):
        end, wrong = _ended(read)
    return Found(Counter({calls: 1, end: 1}), (f"{number}: {wrong}",) if wrong else ())


def _ended(read: Callable[[], str]) -> tuple[str, str]:
    """Return the class of a result of `read`, and its fault."""
    try:
        return "accepted", read()
    except UsageError as error:
        said = str(error)
        return "refused: the command line", "" if said.isprintable() else f"a message that cannot be shown, {said!r}"
    except BaseException as error:
        return classify_failure(error)


def classify_failure(error: BaseException) -> tuple[str, str]:
    """Return the class of a reader's exception, and its fault; none for faults of the input."""
    if isinstance(error, InputError):
        odd = [str(fault) for fault in error.faults if not (str(fault).isprintable() and fault.message)]
        return "refused: the input", f"a fault that cannot be shown, {odd[0]!r}" if odd else ""
    if isinstance(error, KeyboardInterrupt):
        raise error
    return "something else", f"{type(error).__name__}: {str(error)[:200]}"


def _wrong(instance: Instance) -> str:
    odd = infinite(instance)
    return f"not finite: {', '.join(odd)}" if odd else ""


def infinite(instance: Instance) -> list[str]:
    """Return the parameters that are not finite, as written or in canonical unit."""
    found = []
    for section in dataclasses.fields(instance):
        part: Any = getattr(instance, section.name)
        for field in dataclasses.fields(part) if dataclasses.is_dataclass(part) else ():
            figures, name = getattr(part, field.name), f"{section.name}.{field.name}"
            if isinstance(figures, ExactArray):
                allowed = np.isposinf(figures.raw) & (name in LIMITS)
                if not (allowed | (np.isfinite(figures.raw) & np.isfinite(figures.value))).all():
                    found.append(name)
    return found


@cache
def confine() -> None:
    """Limit the memory of this process to `MOST` bytes more than it has."""
    taken = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MOST, resource.RLIM_INFINITY))


@cache
def folder() -> tempfile.TemporaryDirectory[str]:
    """Return the folder of this process."""
    return tempfile.TemporaryDirectory()


def _written(case: Damaged) -> Path:
    place = Path(folder().name)
    path = place / "case.yaml"
    path.write_bytes(case.text.encode("utf-8", "surrogatepass"))
    for name, content in case.tables.items():
        (place / name).write_bytes(content.encode("utf-8", "surrogatepass"))
    return path


if __name__ == "__main__":
    sys.exit(campaign("fuzz", trial, 1_000_000, sys.argv[1:]))
