"""Changes of parameters in any notation, as `--set` and `scenarios:` take them: each is applied, or refused.

Each trial makes up to four changes, spelled from the paths of an instance and damaged: names, wildcards, quotes,
indices, numbers, units, percentages and offsets. A change ends with an instance of finite parameters, InputError or
UsageError, as for `campaigns.fuzz`.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from campaigns.fuzz import confine, folder, infinite, watched
from campaigns.mutating import BASES, FIGURES, UNITS, WORDS, YAML_OWN, flow, hostile, parsed, paths_in, spoilt
from campaigns.running import Found, campaign
from medalopt.cli.options import parse_changes
from medalopt.instance.loading import InstanceFile, open_instance
from medalopt.text import render_path

_STREAMS = (*("phone@tokyo",) * 9, "laptop@osaka", *("tokyo@kosaka",) * 4, "x", "*", "*", "*@tokyo", "phone@*", "*@*")
_SIGNS = (
    "*",
    "+",
    "-",
    "%",
    "+5 %",
    "-5 %",
    "-100%",
    "120 %",
    "+1 t",
    "-1e3",
    "..",
    "[",
    "]",
    "'",
    '"',
    "\\",
    ".",
    "@",
)


def trial(number: int) -> Found:
    """Make the changes of a number."""
    confine()
    random = Random(number)
    base = random.randrange(len(BASES))
    given = tuple(_change(base, random) for _ in range(random.choice((1, 1, 1, 2, 4))))
    making = random.choice((_set, _set, _scenario))
    return watched(number, f"calls, {making.__name__[1:]}", lambda: making(_opened(base), given))


def _set(file: InstanceFile, given: tuple[str, ...]) -> str:
    """Apply changes as `--set` does; return the fault of the instance."""
    return ", ".join(infinite(file.with_changes(parse_changes(list(given)))))


def _scenario(file: InstanceFile, given: tuple[str, ...]) -> str:
    """Apply changes as a scenario or a grid does; return the fault of the instance."""
    return ", ".join(infinite(file.set_changes(parse_changes(list(given))).with_changes()))


def _change(base: int, random: Random) -> str:
    steps, present = random.choice(_known(base))
    path, value = _path(list(steps), random), _value(present, random)
    if random.random() < 0.05:
        path = spoilt(path, random)
    if random.random() < 0.05:
        value = spoilt(value, random)
    return f"{path}{random.choice(('=',) * 30 + (' = ', '', '=='))}{value}"


def _path(steps: list[Any], random: Random) -> str:
    """Return the path of a parameter; streams and lanes by name."""
    if steps[0] in ("streams", "lanes"):
        steps[1:2] = [random.choice(_STREAMS)]
    for at in range(len(steps)):
        if random.random() < 0.08:
            steps[at] = random.choice(("*", "*", "*", *WORDS[:20], 0, 1, 7, -1, 10**6, str(hostile(random))))
    if random.random() < 0.1:
        steps.append(random.choice(("Ag", "default", "x", 0, 1, "*")))
    return render_path(tuple(steps[: random.randint(1, len(steps))] if random.random() < 0.05 else steps))


def _value(present: str, random: Random) -> str:
    """Return the present value with another number, another parameter's value, a sign, a list, or any text."""
    kind = random.random()
    if kind < 0.5:
        number = random.choice((*FIGURES, "3", "0.5", "120", "7.25e0", "-2", "99"))
        return re.sub(r"[-+0-9._e]+", lambda _: number, present, count=1) if kind < 0.35 else f"{number} %"
    if kind < 0.65:
        return f"{random.choice(('', '', '', '+', '-'))}{random.choice(FIGURES)} {random.choice(UNITS)}"
    if kind < 0.75:
        return random.choice(_SIGNS)
    if kind < 0.8:
        return f"[{', '.join(_value(present, random) for _ in range(random.randint(0, 4)))}]"
    return random.choice(YAML_OWN) if kind < 0.85 else flow(hostile(random))


@cache
def _known(base: int) -> list[tuple[tuple[Any, ...], str]]:
    """Return the path and the text of every value of a base that is one."""
    found = []
    tree = parsed(BASES[base])
    for steps in paths_in(tree):
        node = tree
        for step in steps:
            node = node[step]
        if isinstance(node, str):
            found.append((steps, node))
    return found


@cache
def _opened(base: int) -> InstanceFile:
    path = Path(folder().name) / f"base{base}.yaml"
    path.write_text(BASES[base], encoding="utf-8")
    return open_instance(path)


if __name__ == "__main__":
    sys.exit(campaign("fuzz_changes", trial, 100_000, sys.argv[1:]))
