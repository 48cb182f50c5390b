"""Changes that are bound to a definition and a fragment of its code."""

from __future__ import annotations

import pytest
from campaigns.definitions import FragmentError, normalize, replace_fragment

SOURCE = '''
LEAST = 2
BOTH: tuple[int, int] = (1, 2)

def twice(rows, factor):
    """Double."""
    return [row * factor for row in rows if row["kind"] > 0]

class Form:
    width: int = 3

    @property
    def sign(self):
        return self.width > 0

    @sign.setter
    def sign(self, value):
        self.width = value + 1

def other(rows):
    return rows * factor
'''
REFORMATTED = """
def other(rows):
    return rows * factor

class Form:
    @property
    def sign(self):  # renamed comment
        return (self.width > 0)

    @sign.setter
    def sign(self, given):
        self.width = value + 1

    width: int = 3

def twice(rows, factor):
    'Multiply.'
    # another comment
    return [
        (row * factor)  # explained
        for row in rows
        if row['kind'] > 0
    ]

LEAST = 2; BOTH: tuple[int, int] = 1, 2
"""
CHANGES = [
    ("LEAST", "2", "3"),
    ("BOTH", "(1, 2)", "(2, 1)"),
    ("twice", "row * factor", "row / factor"),
    ("twice", "row['kind'] > 0", "row['kind'] >= 0"),
    ("Form.width", "3", "4"),
    ("Form.sign", "self.width > 0", "self.width < 0"),
    ("Form.sign", "value + 1", "value - 1"),
]


@pytest.mark.parametrize(("within", "old", "new"), CHANGES)
@pytest.mark.parametrize("source", [SOURCE, REFORMATTED])
def test_a_change_does_not_depend_on_the_layout(source: str, within: str, old: str, new: str) -> None:
    """The same entry changes moved, reformatted or commented code, and only its fragment."""
    changed = replace_fragment(source, within, old, new).splitlines()
    lines = normalize(source).splitlines()
    differing = [(one, other) for one, other in zip(lines, changed, strict=True) if one != other]
    assert len(differing) == 1
    assert differing[0][1] == differing[0][0].replace(old, new)


@pytest.mark.parametrize(
    ("within", "old", "new", "message"),
    [
        ("thrice", "row * factor", "row", "`thrice` is gone"),
        ("Form.size", "3", "4", "`Form.size` is gone"),
        ("twice.inner", "row * factor", "row", "`twice.inner` is gone"),
        ("twice", "row + factor", "row", "`row \\+ factor` occurs 0 times in `twice`, not once"),
        ("twice", "factor", "2", "`factor` occurs 2 times in `twice`, not once"),
        ("Form.sign", "self.width", "self.height", "`self.width` occurs 2 times in `Form.sign`, not once"),
        ("twice", "row * factor", "row *", "is no Python"),
        ("twice", "row * factor", "(row * factor)", "changes nothing"),
    ],
)
def test_a_change_without_a_place_is_refused(within: str, old: str, new: str, message: str) -> None:
    """Missing definitions, missing or ambiguous fragments and changes without effect are errors."""
    with pytest.raises(FragmentError, match=message):
        replace_fragment(SOURCE, within, old, new)
