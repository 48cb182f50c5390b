"""Numbers with a comma, such as 1,000, which YAML lists in brackets and CSV split in two.

The parts `1` and `000` may look like two valid values. Such a number is recognised by a comma directly between two
digits, without the space that separates other values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence as AnySequence
from itertools import pairwise

from medalopt.instance.reader.nodes import Node, Scalar

_NUMBER = re.compile(r"[+-]?[0-9][0-9_]*(?:\.[0-9_]*)?")
_FEW = re.compile(r"[+-]?[1-9][0-9]{0,2}|[0-9]{3}")  # the part before a thousands comma
_THREE = re.compile(r"[0-9]{3}(?![0-9_])")
_REST = re.compile(r"0[0-9]{2}(?![0-9_])")  # not a valid number by itself
_UNIT = re.compile(r"[0-9][0-9._]*\s*[A-Za-z%]")
_SHORT = re.compile(r"[1-9][0-9]?")


class Halved(Scalar):
    """A number with a comma, joined again; `text` is as written."""

    __slots__ = ()

    @property
    def meant(self) -> Scalar:
        """The number without the comma, so that validation reports no further error."""
        first, _, rest = self.text.partition(",")
        point = "" if _THREE.match(rest) else "."
        return Scalar(f"{first}{point}{rest.replace(',', '')}", True, self.place)


def touch(before: Node | None, after: Node) -> bool:
    """Test if a number is followed by a comma and directly by a digit of the next scalar.

    Args:
        before: Preceding node.
        after: Following node.

    Returns:
        True if both may be parts of one number with a comma.
    """
    return (
        isinstance(before, Scalar)
        and isinstance(after, Scalar)
        and before.plain
        and after.plain
        and after.place.line == before.place.line
        and after.place.column == before.place.column + len(before.text) + 1
        and after.text[:1].isdigit()
        and _NUMBER.fullmatch(before.text.rpartition(",")[2]) is not None
    )


def joined(before: Scalar, after: Scalar) -> Halved:
    """Join two scalars to the number with a comma.

    Args:
        before: Part before the comma.
        after: Part after the comma.

    Returns:
        The joined number, at the location of its first part.
    """
    return Halved(f"{before.text},{after.text}", True, before.place)


def joined_list(items: AnySequence[Node]) -> tuple[Node, ...]:
    """Join the parts of numbers with a comma in a list in brackets.

    Args:
        items: Nodes of the list.

    Returns:
        The nodes, with joined numbers as `CommaNumber`.
    """
    near = [touch(one, two) for one, two in pairwise(items)]
    if not any(near):
        return tuple(items)
    units = [isinstance(item, Scalar) and bool(_UNIT.match(item.text)) for item in items]
    alternating = len(items) % 2 == 0 and len(items) > 2 and not any(units[::2]) and all(units[1::2])
    mixed = not all(near) or alternating
    found: list[Node] = [items[0]]
    for number, (one, two) in enumerate(pairwise(items)):
        if near[number] and isinstance(one, Scalar) and isinstance(two, Scalar):
            bare_then_unit = units[number + 1] and not units[number]
            thousand = bool(_FEW.fullmatch(one.text) and _THREE.match(two.text))
            if is_rest(two.text) or (thousand and (mixed or bare_then_unit)) or (mixed and bare_then_unit):
                last = found.pop()
                found.append(joined(last if isinstance(last, Scalar) else one, two))
                continue
        found.append(two)
    return tuple(found)


def is_rest(text: str) -> bool:
    """Test if a text can only be the part after a thousands comma, such as `000` or `050 t`.

    Args:
        text: Text of a scalar or cell.

    Returns:
        True if it starts with 0 and has three digits.
    """
    return _REST.match(text) is not None


def is_few(text: str) -> bool:
    """Test if a text may be the part before a thousands comma.

    Args:
        text: Text of a scalar or cell.

    Returns:
        True for one to three digits.
    """
    return _FEW.fullmatch(text) is not None


def is_doubtful(items: AnySequence[Node]) -> bool:
    """Test if a list such as [1,400,2,400] may hold half as many values, each with a comma.

    Args:
        items: Nodes of the list.

    Returns:
        True if the list is ambiguous.
    """
    texts = [item.text if isinstance(item, Scalar) and item.plain else "" for item in items]
    pairs = len(texts) % 2 == 0 and len(texts) > 2 and all(touch(one, two) for one, two in pairwise(items))
    return pairs and all(map(_SHORT.fullmatch, texts[::2])) and all(map(_THREE.match, texts[1::2]))
