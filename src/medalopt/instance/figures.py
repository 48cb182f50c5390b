"""Exact figures in arrays: what was written, beside the exact factor into the field's own unit."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]


class Number(NamedTuple):
    """One figure: the float as written and the exact factor into the canonical unit."""

    raw: float
    factor: Fraction = Fraction(1)

    @property
    def exact(self) -> Fraction:
        """The figure in its canonical unit, from the decimals as they were written."""
        return Fraction(repr(self.raw)) * self.factor


NOTHING, ALL, UNLIMITED = Number(0.0), Number(1.0), Number(math.inf)


@dataclass(frozen=True, eq=False)
class Figures:
    """An array of figures of any shape, exact and as floats.

    `raw` holds the floats as written, `unit` (which broadcasts to its shape) says which of `factors`
    turns each into the canonical unit. A limit that is not given is infinite.
    """

    raw: Floats
    unit: Ints
    factors: tuple[Fraction, ...] = (Fraction(1),)

    @classmethod
    def of(cls, numbers: Iterable[Number], shape: tuple[int, ...] | None = None) -> Figures:
        """Gather `numbers` (row by row, where `shape` is given) into one array."""
        listed = list(numbers)
        order = {factor: place for place, factor in enumerate(dict.fromkeys(n.factor for n in listed))}
        raw = np.array([n.raw for n in listed], dtype=np.float64)
        unit = np.array([order[n.factor] for n in listed], dtype=np.intp)
        shape = raw.shape if shape is None else shape
        return cls(raw.reshape(shape), unit.reshape(shape), tuple(order) or (Fraction(1),))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return self.raw.shape

    @cached_property
    def value(self) -> Floats:
        """The figures in their canonical unit: each the double nearest to the exact figure."""
        raw = self.raw.ravel().copy()
        unit = np.broadcast_to(self.unit, self.raw.shape).ravel()
        plain = np.array([factor == 1 for factor in self.factors])
        at = np.flatnonzero(~plain[unit] & np.isfinite(raw) & (raw != 0))
        pairs, which = np.unique(raw[at] + 1j * unit[at], return_inverse=True)
        found = [float(Fraction(repr(pair.real)) * self.factors[int(pair.imag)]) for pair in pairs.tolist()]
        raw[at] = np.array(found)[which]
        result = raw.reshape(self.raw.shape)
        result.flags.writeable = False
        return result

    def exact(self) -> NDArray[Any]:
        """The figures as `Fraction`s in their canonical unit (`math.inf` where there is no limit)."""
        return self._exact

    @cached_property
    def _exact(self) -> NDArray[Any]:
        unit = np.broadcast_to(self.unit, self.raw.shape)
        flat = [
            Fraction(repr(raw)) * self.factors[which] if math.isfinite(raw) else raw
            for raw, which in zip(self.raw.ravel().tolist(), unit.ravel().tolist(), strict=True)
        ]
        result = np.empty(len(flat), dtype=object)
        result[:] = flat
        result.flags.writeable = False
        return result.reshape(self.raw.shape)
