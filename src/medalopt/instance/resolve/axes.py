"""Axes of the instance arrays: sorted names and their indices."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from medalopt.instance.figures import Ints
from medalopt.instance.instance import Names
from medalopt.instance.reader.sheet import Cells


@dataclass(frozen=True)
class Axis:
    """Names of an axis in canonical order, and the index of each."""

    names: Names
    index: dict[str, int]

    @classmethod
    def of(cls, names: Iterable[str]) -> Axis:
        """Build an axis of sorted, distinct names.

        Args:
            names: Names, in any order.

        Returns:
            The axis.
        """
        return cls.given(sorted(set(names)))

    @classmethod
    def given(cls, names: Iterable[str]) -> Axis:
        """Build an axis of names in the order given, such as that of time.

        Args:
            names: Distinct names.

        Returns:
            The axis.
        """
        listed = tuple(names)
        return cls(listed, {name: number for number, name in enumerate(listed)})

    def places(self, cells: Cells) -> Ints:
        """Find the index of each cell.

        Args:
            cells: Column of names (R,).

        Returns:
            Indices (R,); -1 for empty cells and unknown names.
        """
        return np.array([self.index.get(text or "", -1) for text in cells.texts], dtype=np.intp)[cells.code]

    def __len__(self) -> int:
        return len(self.names)
