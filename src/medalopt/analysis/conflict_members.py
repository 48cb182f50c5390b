"""What a row of the program says in terms of the instance: which rule, of whom. Rows that only define say nothing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

LOWER, UPPER = 0, 1  # the ends of a row
IDENTITIES = frozenset({"balance", "melt", "process_scrap"})


class Key(NamedTuple):
    """A rule of the instance: `kind` says which, `names` of whom or of what; over all its periods but for demand."""

    kind: str
    names: tuple[str, ...]


FAMILIES: Mapping[str, str] = {  # in the order in which one would rather drop them from what is said
    "extension": "extension",
    "footprint_cap": "footprint",
    "participation": "participation",
    "mix_low": "device mix",
    "mix_high": "device mix",
    "stockpile": "supply",
    "together": "supply",
    "treatment_capacity": "capacity",
    "feed_capacity": "capacity",
    "cast_capacity": "capacity",
    "no_more": "demand",
    "stream_commitment": "commitments and limits",
    "feed_committed": "commitments and limits",
    "feed_limit": "commitments and limits",
    "offer_committed": "commitments and limits",
    "offer_limit": "commitments and limits",
    "others": "fineness",
    "fineness_high": "fineness",
    "fineness_low": "fineness",
    "recycled": "recycled content",
    "supply": "supply",
    "demand": "demand",
}
_BY_END: Mapping[str, tuple[str, str]] = {
    "purchase": ("offer_committed", "offer_limit"),
    "feed_total": ("feed_committed", "feed_limit"),
    "demand": ("demand", "no_more"),
    "bundle_supply": ("together", "supply"),
}
_WHOLE = frozenset({"recycled", "mix_low", "mix_high", "participation", "purchase", "feed_total", "stream_commitment"})


@lru_cache(maxsize=2**16)
def key(place: tuple[str, Any], end: int) -> tuple[Key, str] | None:
    """Return what one end of the row at `place` says, and in which period ('' over the horizon); None: nothing."""
    component, index = place
    if component.startswith("define_") or component in IDENTITIES:
        return None
    kind = _BY_END[component][end] if component in _BY_END else component
    at = index if isinstance(index, tuple) else () if index is None else (index,)
    if kind not in FAMILIES:
        return Key("extension", (component, *map(str, at))), ""
    if component == "footprint_cap" or component in _WHOLE:
        return Key(kind, tuple(at)), ""
    if kind == "demand":
        return Key(kind, tuple(at)), at[-1]  # each deadline is a rule of its own
    return Key(kind, tuple(at[:-1])), at[-1]


def merged(keys: set[Key], most: int) -> dict[Key, Key]:
    """Return for each key the one it is told under: where one kind has more than `most`, all of it is one."""
    count: dict[str, int] = {}
    for one in keys:
        count[one.kind] = count.get(one.kind, 0) + 1
    return {one: Key(one.kind, ()) if count[one.kind] > most and one.names else one for one in keys}
