"""What is said of a row of the program: which rule it is, and of whom."""

from __future__ import annotations

from typing import NamedTuple

LOWER, UPPER = 0, 1  # the ends of a row


class Key(NamedTuple):
    """A rule of the instance: `kind` says which, `names` of whom or of what; over all its periods but for demand."""

    kind: str
    names: tuple[str, ...]


def merged(keys: set[Key], most: int) -> dict[Key, Key]:
    """Return for each key the one it is told under: where one kind has more than `most`, all of it is one."""
    count: dict[str, int] = {}
    for one in keys:
        count[one.kind] = count.get(one.kind, 0) + 1
    return {one: Key(one.kind, ()) if count[one.kind] > most and one.names else one for one in keys}
