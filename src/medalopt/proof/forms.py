r"""Affine numbers $c+\sum_ka_kx_k$; evaluating the plan accounting on them yields the constraint rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from medalopt.instance.arithmetic import EXACT, Numbers
from medalopt.instance.figures import Bools, Floats
from medalopt.proof.rational import solved

NEAR = 1e-9  # relative to the largest term: a value this small counts as 0

Plain = Fraction | int | float  # float only for infinity


class Form:
    r"""$c+\sum_k a_kx_k$ in exact fractions, with unknowns $x_k$ known in floats only: `at`.

    If floats cannot decide a comparison, the form counts as the greater: the maximum of a form and a limit is the form.
    """

    __slots__ = ("at", "constant", "slopes")

    def __init__(self, constant: Plain, slopes: dict[int, Fraction], at: Sequence[float]) -> None:
        self.constant, self.slopes, self.at = constant, slopes, at

    def put(self, found: Sequence[Fraction]) -> Plain:
        """Return the value at given unknowns.

        Args:
            found: Value of each unknown.

        Returns:
            A fraction, or an infinite float.
        """
        return sum((slope * found[k] for k, slope in self.slopes.items()), self.constant)

    def terms(self) -> list[float]:
        """Return the constant and all terms, in floats."""
        return [float(self.constant), *(float(slope) * self.at[k] for k, slope in self.slopes.items())]

    def sign(self) -> int:
        """Return the sign of the value: -1, 1, or 0 if it cannot be distinguished from 0."""
        if math.isinf(self.constant):  # a sum would raise the invalid flag of the processor, which numpy reports
            return 1 if self.constant > 0 else -1
        terms = self.terms()
        total = sum(terms)
        return 0 if abs(total) <= NEAR * max(map(abs, terms)) else 1 if total > 0 else -1

    def __add__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented  # the array adds to each of its entries
        if not isinstance(other, Form):
            return Form(self.constant + other, self.slopes, self.at) if other else self
        less, more = sorted((self.slopes, other.slopes), key=len)
        slopes = dict(more)
        for unknown, slope in less.items():
            total = slopes.get(unknown, 0) + slope
            if total:
                slopes[unknown] = total
            else:
                del slopes[unknown]
        return Form(self.constant + other.constant, slopes, self.at)

    def __mul__(self, factor: Any) -> Any:
        if isinstance(factor, np.ndarray):
            return NotImplemented
        if factor == 1:
            return self
        slopes = {unknown: slope * factor for unknown, slope in self.slopes.items()} if factor else {}
        return Form(self.constant * factor, slopes, self.at)

    def __neg__(self) -> Form:
        return self * -1

    def __sub__(self, other: Any) -> Any:
        return self + -other

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __truediv__(self, factor: Fraction) -> Form:
        return self * (1 / factor)

    def __abs__(self) -> Form:
        return -self if self.sign() < 0 else self

    def __ge__(self, other: Any) -> bool:
        return (self - other).sign() >= 0

    def __le__(self, other: Any) -> bool:
        return not self >= other

    __gt__, __lt__ = __ge__, __le__
    __radd__, __rmul__ = __add__, __mul__


class Unknown:
    """Vector of unknowns, collected from arrays of floats near which they are solved for."""

    def __init__(self) -> None:
        self.at: list[float] = []

    def near(self, known: Floats) -> Numbers:
        """Return an array with one unknown per non-zero entry.

        Args:
            known: Approximate values.

        Returns:
            Affine numbers of the same shape; zeros stay exact zeros.
        """
        forms = EXACT.lift(known)
        for place, value in np.ndenumerate(known):
            if value:
                forms[place] = Form(0, {len(self.at): Fraction(1)}, self.at)
                self.at.append(float(value))
        return forms

    def settled(self, equations: Iterable[Numbers]) -> tuple[list[Fraction], bool]:
        """Solve for the unknowns at which the affine numbers vanish.

        Args:
            equations: Arrays of affine numbers to be 0.

        Returns:
            Value of each unknown, undetermined ones at their float, and whether all are determined.
        """
        at = [Fraction(value) for value in self.at]
        forms = [form for part in equations for form in np.ravel(part) if isinstance(form, Form)]
        forms.sort(key=lambda form: len(form.slopes))
        steps = solved((form.slopes, -Fraction(form.put(at))) for form in forms)
        return [value + steps.get(number, 0) for number, value in enumerate(at)], len(steps) == len(at)


def put(forms: Numbers, found: Sequence[Fraction]) -> Numbers:
    """Return affine numbers evaluated at given unknowns.

    Args:
        forms: Array of affine or plain numbers.
        found: Value of each unknown.

    Returns:
        Fractions of the same shape.
    """
    return _each(lambda entry: entry.put(found) if isinstance(entry, Form) else entry, forms, object)


def nearly(forms: Numbers) -> Bools:
    """Return a mask of the entries that cannot be distinguished from 0.

    Args:
        forms: Array of affine or plain numbers.

    Returns:
        Mask of the same shape.
    """
    return _each(lambda entry: entry.sign() == 0 if isinstance(entry, Form) else entry == 0, forms, np.bool_)


def sizes(forms: Numbers) -> Floats:
    """Return the largest absolute term of each entry.

    Args:
        forms: Array of affine or plain numbers.

    Returns:
        Floats of the same shape.
    """
    return _each(lambda entry: max(map(abs, entry.terms() if isinstance(entry, Form) else [entry])), forms, np.float64)


def _each(function: Callable[[Any], Any], values: Numbers, kind: type) -> Numbers:
    """Return an array with the function applied to each entry."""
    array = np.asarray(values, dtype=object)
    result: Numbers = np.empty(array.size, dtype=kind)
    result[:] = [function(value) for value in array.ravel().tolist()]
    return result.reshape(array.shape)
