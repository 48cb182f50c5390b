"""Figures by name, as constraints are written: `capacity[smelter, period]`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from medalopt.instance.arithmetic import Numbers

Names = Sequence[str]


def by_name(values: Numbers, *axes: Names) -> dict[Any, float]:
    """Return `values` (one axis for each of `axes`) as a mapping from names to figures."""
    keys: Any = product(*axes) if len(axes) > 1 else axes[0]
    return dict(zip(keys, values.ravel().tolist(), strict=True))


def where(chosen: Numbers, *axes: Names) -> list[Any]:
    """Return the names at which `chosen` holds, in order."""
    return [key for key, holds in by_name(chosen, *axes).items() if holds]
