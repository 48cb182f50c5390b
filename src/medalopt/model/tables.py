"""Parameter arrays indexed by name, as constraints are written: `capacity[smelter, period]`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from medalopt.instance.arithmetic import Numbers

Names = Sequence[str]


def by_name(values: Numbers, *axes: Names) -> dict[Any, float]:
    """Return an array as a mapping from names to values.

    Args:
        values: Array with one axis per element of `axes`.
        *axes: Names along each axis.

    Returns:
        By name, or by tuple of names for several axes.
    """
    keys: Any = product(*axes) if len(axes) > 1 else axes[0]
    return dict(zip(keys, values.ravel().tolist(), strict=True))


def where(chosen: Numbers, *axes: Names) -> list[Any]:
    """Return the names at which a mask is true.

    Args:
        chosen: Mask with one axis per element of `axes`.
        *axes: Names along each axis.

    Returns:
        Names, or tuples of names, in row-major order.
    """
    return [key for key, holds in by_name(chosen, *axes).items() if holds]
