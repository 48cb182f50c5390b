"""Arrays of exact parameters: each value as written, with the exact factor into the canonical unit of its field."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from medalopt.instance.exact_fraction import ExactFraction

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]


class ExactNumber(NamedTuple):
    """One parameter: the float as written, and the exact factor into the canonical unit."""

    raw: float
    factor: Fraction = Fraction(1)

    @property
    def exact(self) -> Fraction:
        """Value in its canonical unit, computed from the decimals as written.

        Returns:
            Exact value.
        """
        return Fraction(repr(self.raw)) * self.factor


EXACT_ZERO, EXACT_ONE, EXACT_INFINITY = ExactNumber(0.0), ExactNumber(1.0), ExactNumber(math.inf)


@dataclass(frozen=True, eq=False)
class ExactArray:
    """An array of parameters of any shape, exact and as floats.

    `raw` holds the floats as written; `unit` (broadcast to the shape of `raw`) selects the element of `factors` that
    converts each into the canonical unit. A limit that is not given is infinite.
    """

    raw: Floats
    unit: Ints
    factors: tuple[Fraction, ...] = (Fraction(1),)

    @classmethod
    def gather(cls, numbers: Iterable[ExactNumber], shape: tuple[int, ...] | None = None) -> ExactArray:
        """Gather `numbers` into one array.

        Args:
            numbers: Parameters, row by row where `shape` is given.
            shape: Shape of the array; None for one axis.

        Returns:
            The array.
        """
        listed = list(numbers)
        order = {factor: position for position, factor in enumerate(dict.fromkeys(n.factor for n in listed))}
        raw = np.array([n.raw for n in listed], dtype=np.float64)
        unit = np.array([order[n.factor] for n in listed], dtype=np.intp)
        shape = raw.shape if shape is None else shape
        return cls(raw.reshape(shape), unit.reshape(shape), tuple(order) or (Fraction(1),))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array.

        Returns:
            Length of each axis.
        """
        return self.raw.shape

    @cached_property
    def value(self) -> Floats:
        """Values in their canonical unit, each the double nearest to the exact value.

        Returns:
            Read-only array of the same shape.
        """
        raw = self.raw.ravel().copy()
        unit = np.broadcast_to(self.unit, self.raw.shape).ravel()
        plain = np.array([factor == 1 for factor in self.factors])
        index = np.flatnonzero(~plain[unit] & np.isfinite(raw) & (raw != 0))
        pairs, which = np.unique(raw[index] + 1j * unit[index], return_inverse=True)
        collected = [float(Fraction(repr(pair.real)) * self.factors[int(pair.imag)]) for pair in pairs.tolist()]
        raw[index] = np.array(collected)[which]
        result = raw.reshape(self.raw.shape)
        result.flags.writeable = False
        return result

    def exact(self) -> NDArray[Any]:
        """Return the values in their canonical unit without rounding.

        Returns:
            Fractions, `math.inf` where a limit is not given.
        """
        return self._exact

    @cached_property
    def _exact(self) -> NDArray[Any]:
        """The exact values, computed once."""
        unit = np.broadcast_to(self.unit, self.raw.shape)
        flat = [
            ExactFraction(repr(raw)) * self.factors[which] if math.isfinite(raw) else raw
            for raw, which in zip(self.raw.ravel().tolist(), unit.ravel().tolist(), strict=True)
        ]
        result = np.empty(len(flat), dtype=object)
        result[:] = flat
        result.flags.writeable = False
        return result.reshape(self.raw.shape)


def drop_infinite(value: float) -> float | None:
    """Return a number for JSON and tables, which have no infinity.

    Args:
        value: Number.

    Returns:
        The number, or None if it is infinite or no number.
    """
    return value if math.isfinite(value) else None
