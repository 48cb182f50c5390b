"""Text, sheet names and table names within Excel's limits."""

from __future__ import annotations

import re

from medalopt.wording import escape_controls

LONGEST_TEXT = 32_767  # UTF-16 units of one cell
_LONGEST_NAME = 31  # UTF-16 units of the name of a sheet
_FORBIDDEN = re.compile(r"[\[\]:*?/\\]")
_BEGINS = "=+-@'＝＋－＠"  # first characters of a formula or a quote
_TAKEN = ("history",)  # reserved by Excel


def text(value: str) -> str:
    """Clean a text for a cell: control characters escaped, cut to Excel's length.

    Args:
        value: Any text.

    Returns:
        At most `MOST_CELL_UNITS` UTF-16 units.
    """
    kept = escape_controls(value).replace("\r\n", "\n")
    return kept if _units(kept) <= LONGEST_TEXT else _cut(kept, LONGEST_TEXT)


def _units(value: str) -> int:
    return len(value.encode("utf-16-le")) // 2


def _cut(value: str, most: int) -> str:
    """Cut a text to at most `most` UTF-16 units, with an ellipsis at its end."""
    kept = value[: most - 1]
    while _units(kept) > most - 1:
        kept = kept[: len(kept) - max(1, (_units(kept) - most) // 2)]
    return f"{kept}…"


class Names:
    """Distinct names of sheets and tables of one workbook, irrespective of case."""

    def __init__(self) -> None:
        self._sheets: set[str] = set(_TAKEN)
        self._tables: set[str] = set()

    def sheet(self, wanted: str) -> str:
        """Return a free sheet name.

        Args:
            wanted: Preferred name.

        Returns:
            The nearest name within Excel's rules.
        """
        plain = " ".join(_FORBIDDEN.sub(" ", text(wanted)).split()).lstrip(_BEGINS).strip("' ")
        return _free(plain or "Sheet", self._sheets, _LONGEST_NAME)

    def table(self, wanted: str) -> str:
        """Return a free table name: letters, digits and underscores, distinct from cell addresses.

        Args:
            wanted: Preferred name.

        Returns:
            The name, which begins with `plan_`.
        """
        plain = re.sub(r"\W+", "_", wanted, flags=re.ASCII).strip("_")
        return _free(f"plan_{plain or 'table'}", self._tables, 200)


def _free(name: str, taken: set[str], most: int) -> str:
    """Return `name`, cut to `most` units, with a number where it is in use."""
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
