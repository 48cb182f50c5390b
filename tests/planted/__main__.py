"""Plants every error and prints what catches it: `python -m tests.planted [--json] [ROOM ...]`.

With `--json` only the first check that catches an error is asked; with `--none` nothing is planted.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from tests.planted.checks import CHECKS
from tests.planted.planting import Planted
from tests.planted.trial import errors, tried


def main(arguments: list[str]) -> int:
    """Return 1 where an error is not caught, or something is caught where there is none."""
    if arguments == ["--none"]:
        (found,) = tried([None])
        print(found)
        return 1 if found else 0
    rooms = [argument for argument in arguments if not argument.startswith("--")]
    wanted = [error for error in errors() if not rooms or error.room in rooms]
    caught = _first(wanted) if "--json" in arguments else _table(wanted)
    return 0 if caught == len(wanted) else 1


def _first(wanted: Sequence[Planted]) -> int:
    """Print as JSON which check catches each error first; return how many are caught."""
    found = {f"{error.file}: {error.name}": said for error, said in zip(wanted, tried(wanted), strict=True)}
    print(json.dumps(found, indent=1))
    return sum(map(bool, found.values()))


def _table(wanted: Sequence[Planted]) -> int:
    """Print a line for each error with all that catches it; return how many are caught."""
    caught = 0
    for error, found in zip(wanted, tried(wanted, thorough=True), strict=True):
        caught += bool(found)
        said = "; ".join(f"{check}: {', '.join(found[check])}" for check in CHECKS if check in found)
        print(f"{error.file:<30} {error.name:<44} {said or 'NOT CAUGHT'}", flush=True)
    print(f"{len(wanted)} errors planted, {caught} caught")
    return caught


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
