"""Plant every error and print which checks catch it: `python -m tests.planted [--json] [--errors] [ROOM ...]`.

With `--json` the checks of an error end with the first that catches it, and all checks are run on the code without an
error, too, unless `--errors` is given. `--none` does the latter alone. `--write` notes in caught_by.yaml which check
catches each error first, as a start of the next trial.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from tests.planted.planting import Planted
from tests.planted.trial import errors, try_errors, write_caught_by

NONE = "nothing planted"


def main(arguments: list[str]) -> int:
    """Return 1 if an error is not caught, or a check fails on the code without an error."""
    rooms = [argument for argument in arguments if not argument.startswith("--")]
    wanted = [error for error in errors() if not rooms or error.room in rooms] if arguments != ["--none"] else []
    unchanged = [] if "--errors" in arguments else [None]
    if arguments == ["--write"]:
        write_caught_by(try_errors(wanted))
        return 0
    right = _first([*unchanged, *wanted]) if {"--json", "--none"} & {*arguments} else _table(wanted) == len(wanted)
    return 0 if right else 1


def _first(wanted: Sequence[Planted | None]) -> bool:
    """Print as JSON the check that catches each error first; return whether all are caught, and the original passes."""
    found = {f"{error.file}: {error.name}" if error else NONE: said for error, said in try_errors(wanted)}
    print(json.dumps(found, indent=1))
    return all(bool(said) == (name != NONE) for name, said in found.items())


def _table(wanted: Sequence[Planted]) -> int:
    """Print a line for each error with all that catches it; return how many are caught."""
    caught = 0
    for error, found in try_errors(wanted, thorough=True):
        caught += bool(found)
        said = "; ".join(f"{check}: {', '.join(seen)}" for check, seen in found.items())
        print(f"{error.file:<30} {error.name:<44} {said or 'NOT CAUGHT'}" if error else NONE, flush=True)
    print(f"{len(wanted)} errors planted, {caught} caught")
    return caught


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
