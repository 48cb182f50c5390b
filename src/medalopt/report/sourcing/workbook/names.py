"""Text, names of sheets and names of tables as Excel takes them, whatever is in them."""

from __future__ import annotations

import re

from medalopt.wording import escape_controls

LONGEST_TEXT = 32_767  # UTF-16 units of one cell
_LONGEST_NAME = 31  # UTF-16 units of the name of a sheet
_FORBIDDEN = re.compile(r"[\[\]:*?/\\]")
_BEGINS = "=+-@'＝＋－＠"  # what a formula or a quote may begin with
_TAKEN = ("history",)  # Excel keeps it for itself


def text(value: str) -> str:
    """Return `value` as a cell may hold it: control characters escaped, and cut where it is longer than Excel takes."""
    kept = escape_controls(value).replace("\r\n", "\n")
    return kept if _units(kept) <= LONGEST_TEXT else _cut(kept, LONGEST_TEXT)


def _units(value: str) -> int:
    return len(value.encode("utf-16-le")) // 2


def _cut(value: str, most: int) -> str:
    """Return the beginning of `value`, in at most `most` UTF-16 units, with an ellipsis at its end."""
    kept = value[: most - 1]
    while _units(kept) > most - 1:
        kept = kept[: len(kept) - max(1, (_units(kept) - most) // 2)]
    return f"{kept}…"


class Names:
    """The names given so far; each new one is different from all of them, in capitals and small letters too."""

    def __init__(self) -> None:
        self._sheets: set[str] = set(_TAKEN)
        self._tables: set[str] = set()

    def sheet(self, wanted: str) -> str:
        """Return a name for a sheet that is as near to `wanted` as Excel allows."""
        plain = " ".join(_FORBIDDEN.sub(" ", text(wanted)).split()).lstrip(_BEGINS).strip("' ")
        return _free(plain or "Sheet", self._sheets, _LONGEST_NAME)

    def table(self, wanted: str) -> str:
        """Return a name for a table: letters, digits and underscores, and no address of a cell."""
        plain = re.sub(r"\W+", "_", wanted, flags=re.ASCII).strip("_")
        return _free(f"plan_{plain or 'table'}", self._tables, 200)


def _free(name: str, taken: set[str], most: int) -> str:
    """Return `name`, cut to `most`; with a number where it is taken already."""
    number = 1
    while True:
        tail = f" {number}" if number > 1 else ""
        tail = tail.replace(" ", "_") if most > _LONGEST_NAME else tail
        room = most - len(tail)
        found = (name if _units(name) <= room else _cut(name, room)) + tail
        if found.casefold() not in taken:
            taken.add(found.casefold())
            return found
        number += 1
