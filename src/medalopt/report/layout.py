"""Layout of a table as lines of text within a width: optional columns are dropped, long names broken at separators."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len, chop_cells

from medalopt.report.section import Section

GAP = 2
LEAST = 12  # least width in cells of a column of names
_UNIT = r"(?<=[0-9]) (?=(?:tn|bn|m|t|kg|g|mg|[A-Z]{3})\b|%)"  # stays with its number
_WORD = re.compile(rf"(?:\S|{_UNIT})*\s*")
_JOINED = re.compile(r"[^\s_@./+-]*[\s_@./+-]*")


def fitting(section: Section, width: int) -> tuple[int, ...]:
    """Return the indices of the columns that are shown within a width.

    Args:
        section: Table.
        width: Width in terminal cells.

    Returns:
        All columns, or those left after dropping the highest ranks one by one until the rest fits.
    """
    kept = tuple(range(len(section.columns)))
    for rank in sorted({column.rank for column in section.columns} - {0}, reverse=True):
        if _needed(_widths(section, kept)) <= width:
            break
        kept = tuple(place for place in kept if section.columns[place].rank < rank)
    return kept


def laid_out(section: Section, width: int) -> tuple[list[str], list[list[str]]]:
    """Lay out a table as lines.

    Args:
        section: Table.
        width: Width in terminal cells; exceeded where numbers and the least widths of names need more.

    Returns:
        Lines of the header, and the lines of each row.
    """
    kept = fitting(section, width)
    widths = _widths(section, kept, of_header=2)
    if _needed(widths) > width:
        widths = _widths(section, kept)
    spare = width - _needed(widths)
    names = [n for n, place in enumerate(kept) if not section.columns[place].right]
    for n in sorted(names, key=lambda n: -widths[n]):
        shrunk = max(min(LEAST, widths[n]), widths[n] + min(spare, 0))
        spare += widths[n] - shrunk
        widths[n] = shrunk
    rights = [section.columns[place].right for place in kept]
    header = _lines([section.columns[place].header for place in kept], widths, rights, bottom=True)
    return header, [_lines([row[place] for place in kept], widths, rights) for row in section.rows]


def wrapped(text: str, width: int) -> list[str]:
    """Wrap text between words; a word that is too long is broken after a separator inside it.

    Args:
        text: Text of one paragraph.
        width: Width in terminal cells.

    Returns:
        The lines, at least one.
    """
    lines, line = [], ""
    for piece in (part for word in _WORD.findall(text) for part in _parts(word, width)):
        if line and cell_len((line + piece).rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += piece
    return [*lines, line.rstrip()] if line.rstrip() or not lines else lines


def _parts(word: str, width: int) -> list[str]:
    """Return a word, or its parts up to the separators, or pieces of the width."""
    if cell_len(word.rstrip()) <= width:
        return [word]
    parts = (chop_cells(part, max(width, 2)) if cell_len(part) > width else [part] for part in _JOINED.findall(word))
    return [piece for part in parts for piece in part]


def _needed(widths: Sequence[int]) -> int:
    """Return the width of all columns with the gaps between them."""
    return sum(widths) + GAP * (len(widths) - 1)


def _widths(section: Section, kept: Sequence[int], of_header: int = 100) -> list[int]:
    """Return the widest cell of each column; a header may take `of_header` lines."""
    headers = [_header_width(section.columns[place].header, of_header) for place in kept]
    return [
        max(header, *(cell_len(row[place]) for row in section.rows))
        for header, place in zip(headers, kept, strict=True)
    ]


def _header_width(header: str, lines: int) -> int:
    """Return the least width at which a header takes at most `lines` lines."""
    width = max((cell_len(word) for word in header.split()), default=0)
    while len(_header(header, width)) > lines:
        width += 1
    return width


def _lines(cells: Sequence[str], widths: Sequence[int], rights: Sequence[bool], bottom: bool = False) -> list[str]:
    """Return the lines of one row; numbers are aligned right, the header at the bottom."""
    broken = [
        _header(cell, width) if bottom else [cell] if right else wrapped(cell, width)
        for cell, width, right in zip(cells, widths, rights, strict=True)
    ]
    height = max(len(lines) for lines in broken)
    blank = [[""] * (height - len(lines)) for lines in broken]
    padded = [rest + lines if bottom else lines + rest for rest, lines in zip(blank, broken, strict=True)]
    gap = " " * GAP
    return [
        gap.join(_aligned(text, width, right) for text, width, right in zip(line, widths, rights, strict=True)).rstrip()
        for line in zip(*padded, strict=True)
    ]


def _header(text: str, width: int) -> list[str]:
    """Wrap a header between words only."""
    lines: list[str] = []
    for word in text.split():
        if lines and cell_len(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _aligned(text: str, width: int, right: bool) -> str:
    """Pad a cell to its width."""
    filling = " " * (width - cell_len(text))
    return filling + text if right else text + filling
