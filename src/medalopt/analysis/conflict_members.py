"""Rules as members of a conflict: the constraint kind and the elements of its index."""

from __future__ import annotations

from typing import NamedTuple

LOWER, UPPER = 0, 1  # bounds of a row


class Key(NamedTuple):
    """One rule of the instance: constraint kind and index, over all periods (`demand`: one rule per deadline).

    Attributes:
        kind: Key of `RULE_FAMILIES`.
        names: Index without the period; empty for all rules of the kind.
    """

    kind: str
    names: tuple[str, ...]


def merged(keys: set[Key], most: int) -> dict[Key, Key]:
    """Merge the rules of each kind that has more than `most` into one rule for the whole kind.

    Args:
        keys: Rules.
        most: Number of rules of one kind that are reported separately.

    Returns:
        Each rule to the rule it is reported under.
    """
    count: dict[str, int] = {}
    for one in keys:
        count[one.kind] = count.get(one.kind, 0) + 1
    return {one: Key(one.kind, ()) if count[one.kind] > most and one.names else one for one in keys}
