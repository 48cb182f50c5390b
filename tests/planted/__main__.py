"""Plants every error and prints what catches it: `python -m tests.planted [--json] [ROOM ...]`.

With `--json` only the first check that catches an error is asked; that comes with what is caught where nothing is
planted, which all checks are asked. With `--none` nothing else is.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from tests.planted.planting import Planted
from tests.planted.trial import errors, tried

NONE = "nothing planted"


def main(arguments: list[str]) -> int:
    """Return 1 where an error is not caught, or something is caught where there is none."""
    rooms = [argument for argument in arguments if not argument.startswith("--")]
    wanted = [error for error in errors() if not rooms or error.room in rooms] if arguments != ["--none"] else []
    right = _first(wanted) if {"--json", "--none"} & {*arguments} else _table(wanted) == len(wanted)
    return 0 if right else 1


def _first(wanted: Sequence[Planted]) -> bool:
    """Print as JSON which check catches each error first; return whether all are caught, and nothing without one."""
    names = [NONE, *(f"{error.file}: {error.name}" for error in wanted)]
    found = dict(zip(names, tried([None, *wanted]), strict=True))
    print(json.dumps(found, indent=1))
    return all(bool(said) == (name != NONE) for name, said in found.items())


def _table(wanted: Sequence[Planted]) -> int:
    """Print a line for each error with all that catches it; return how many are caught."""
    caught = 0
    for error, found in zip(wanted, tried(wanted, thorough=True), strict=True):
        caught += bool(found)
        said = "; ".join(f"{check}: {', '.join(seen)}" for check, seen in found.items())
        print(f"{error.file:<30} {error.name:<44} {said or 'NOT CAUGHT'}", flush=True)
    print(f"{len(wanted)} errors planted, {caught} caught")
    return caught


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
