"""The axes of an instance: names in the order of their code points, and the index of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from medalopt.instance.figures import Ints
from medalopt.instance.instance import Names
from medalopt.instance.reader.sheet import Cells


@dataclass(frozen=True)
class Axis:
    """Names in canonical order."""

    names: Names
    index: dict[str, int]

    @classmethod
    def of(cls, names: Iterable[str]) -> Axis:
        """Sort `names`, each once."""
        return cls.given(sorted(set(names)))

    @classmethod
    def given(cls, names: Iterable[str]) -> Axis:
        """Take `names` in the order they have, such as that of time."""
        listed = tuple(names)
        return cls(listed, {name: number for number, name in enumerate(listed)})

    def places(self, cells: Cells) -> Ints:
        """Return the index of each cell, (R,), -1 where it is left out or no name of the axis."""
        return np.array([self.index.get(text or "", -1) for text in cells.texts], dtype=np.intp)[cells.code]

    def __len__(self) -> int:
        return len(self.names)
