"""Ranges of due dates, such as `medals.*.due=2018-04..2018-12`: absolute periods, or signed offsets in periods."""

from __future__ import annotations

import re
from collections.abc import Callable

from medalopt.analysis.variants import Changes, Variants
from medalopt.errors import UsageError
from medalopt.instance.paths import Path, render
from medalopt.instance.reader.nodes import Scalar
from medalopt.wording import shown

DUE = "due"
_BY = re.compile(r"[+-][0-9]{1,4}")


def dated(
    variants: Variants, paths: list[Path], first: str, last: str, option: str
) -> tuple[float, float, float | None, Callable[[float], Changes], tuple[str, ...]]:
    """Parse a range of dates into low, high, base value, change function and names of values.

    Values are period numbers from 1 with their labels; with signs at both ends they are offsets in periods, without
    names. Raise UsageError if an end names no period.
    """
    labels = variants.instance.periods
    present = [_present(variants, path) for path in paths]
    if _BY.fullmatch(first) and _BY.fullmatch(last):

        def later(value: float) -> Changes:
            """Return the changes that shift every date by `value` periods."""
            moved = [number + round(value) for number in present]
            if not all(0 <= number < len(labels) for number in moved):
                raise UsageError(f"{option} {render(paths[0])}: a date moved by {value:+.0f} leaves the horizon")
            return {render(path): labels[number] for path, number in zip(paths, moved, strict=True)}

        return float(first), float(last), 0.0, later, ()

    def at(value: float) -> Changes:
        """Return the changes that set every date to period `value`."""
        return {render(path): labels[round(value) - 1] for path in paths}

    low, high = (1.0 + _number(variants, text, option) for text in (first, last))
    base = 1.0 + present[0] if len(set(present)) == 1 else None
    return low, high, base, at, labels


def _present(variants: Variants, path: Path) -> int:
    """Return the period index of the due date at `path`; the last period if the file gives none."""
    node = variants.written.find(path)
    return len(variants.instance.periods) - 1 if not isinstance(node, Scalar) else _number(variants, node.text, "")


def _number(variants: Variants, text: str, option: str) -> int:
    """Return the period index that `text` names; raise UsageError if it names none."""
    number = variants.written.period(text)
    if number is None:
        labels = variants.instance.periods
        raise UsageError(f"{option} {shown(text)}: names no period; those are {labels[0]} to {labels[-1]}")
    return number
