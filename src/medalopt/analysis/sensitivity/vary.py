"""Parser of parameter ranges, `--vary PATH=LO..HI`: the parameter, its bounds, and the changes that set a value."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction

from medalopt.analysis.sensitivity.dates import DUE, dated
from medalopt.analysis.variants import PER_CENT, Changes, Variants
from medalopt.errors import InputError, UsageError
from medalopt.instance import wildcards
from medalopt.instance.paths import Path, PathError, parse, render
from medalopt.instance.reader.changes import NO_SUM
from medalopt.instance.schema.at import Kind, kind_at
from medalopt.instance.schema.fields import Measure, Whole
from medalopt.quantity import Quantity, QuantityError, split, spoken
from medalopt.wording import did_you_mean, shown

HERE = "--set"  # file name that faults in changes carry
HOW = "write PATH=LO..HI, such as 'devices.*.content.Ag=70..120%'"
_SHARE = ""


@dataclass(frozen=True, eq=False)
class Vary:
    """A parameter, or with `*` several, that varies from `low` to `high`, in `unit` (None for counts and lead times).

    `base` is the value in the instance (None if not a single number); `at` returns the changes that set a value. Dates
    are period numbers from 1, with their labels in `names`.
    """

    path: str
    unit: str | None
    low: float
    high: float
    whole: bool
    base: float | None
    at: Callable[[float], Changes]
    names: tuple[str, ...] = ()

    def called(self, value: float) -> str:
        """Return the label of a value.

        Args:
            value: Value of the parameter.

        Returns:
            The period label of a date, '' for numbers.
        """
        return self.names[round(value) - 1] if self.names and 1 <= value <= len(self.names) else ""


def vary(variants: Variants, text: str, option: str = "--vary") -> Vary:
    """Parse a parameter range.

    Args:
        variants: Scenarios of the instance.
        text: `PATH=LO..HI`.
        option: Option of the command line, for messages.

    Returns:
        The range, both ends checked against the instance.

    Raises:
        UsageError: If syntax, path or unit is wrong.
        InputError: If the value at an end is not allowed.
    """
    with told_of(option):
        return _asked(variants, text, option)


@contextmanager
def told_of(option: str) -> Iterator[None]:
    """Report faults in changes as faults of a command-line option.

    Args:
        option: Name of the option.

    Yields:
        Nothing; InputError raised inside is raised again with `option` as the file of its faults.
    """
    try:
        yield
    except InputError as error:
        own = (dataclasses.replace(fault, file=option) if fault.file == HERE else fault for fault in error.faults)
        raise InputError(list(own)) from error


def _asked(variants: Variants, text: str, option: str) -> Vary:
    """Parse `text` and check both ends; the errors are those of `parse_parameter_range`."""
    path, equals, ends = (part.strip() for part in text.partition("="))
    first, dots, last = (part.strip() for part in ends.partition(".."))
    if not (path and equals and first and dots and last):
        raise UsageError(f"{option} {shown(text)}: {HOW}")
    if path.split(".")[-1] == DUE:
        low, high, base, at, names = dated(variants, _named(variants, path, option), first, last, option)
        found = Vary(path, None, low, high, True, base, at, names)
    else:
        kind = kind_of(variants, path, first, option)
        try:
            found = _read(variants, path, kind, first, last)
        except QuantityError as error:
            raise UsageError(f"{option} {shown(text)}: {error}") from error
    if not found.low < found.high:
        raise UsageError(f"{option} {shown(text)}: both ends are the same or turned round; {HOW}")
    for end in (found.low, found.high):  # raises for values that are not allowed, and unknown names
        variants.changed(found.at(end))
    return found


def _named(variants: Variants, path: str, option: str) -> list[Path]:
    """Return the paths that match `path`; raise UsageError if there are none."""
    try:
        parse(path)
    except PathError as error:
        raise UsageError(f"{option} {shown(path)}: {error}") from error
    named = wildcards.named(variants.written, path)
    if not named:
        near = did_you_mean(path, (render(one) for one, _, _ in variants.written.figures()))
        raise UsageError(f"{option} {shown(path)}: nothing in this instance has that name{near}")
    return named


def kind_of(variants: Variants, path: str, value: str, option: str) -> Kind:
    """Return the kind of the parameters at a path.

    Args:
        variants: Scenarios of the instance.
        path: Path, with or without `*`.
        value: Value to be set, for messages of the reader.
        option: Option of the command line, for messages.

    Returns:
        Field type and unit of the first numeric parameter that matches.

    Raises:
        UsageError: If no parameter matches, or none is a number.
        InputError: If the path is written incorrectly.
    """
    named = _named(variants, path, option)
    kind = next((kind for kind in map(kind_at, named) if kind is not None), None)
    if kind is None:
        variants.changed({render(named[0]): value})  # raises InputError with the fault
        raise UsageError(
            f"{option} {shown(path)}: no number stands there; name a figure, such as smelters.kosaka.capacity"
        )
    return kind


def _read(variants: Variants, path: str, kind: Kind, first: str, last: str) -> Vary:
    """Return the range with both ends in one unit; raise QuantityError if they do not parse."""
    money = variants.written.money
    several = wildcards.ANY in parse(path)
    unit = kind.measure.unit if isinstance(kind.measure, Measure) else _SHARE
    (one, own), (two, other) = split(first, unit, money), split(last, unit, money)
    if not several and any(end[0] == "+" for end in (first, last)):
        raise QuantityError(NO_SUM)
    own, other = own or other, other or own
    if other == own == "%" and (several or not accepts(kind, f"{two} %", variants)):
        return _scaling(variants, path, float(one), float(two))
    if several and any(end[0] in "+-" for end in (first, last)):
        return _adding(variants, path, kind, f"{one} {own}", f"{two} {other}")
    if isinstance(kind.measure, Whole):
        least, most = (_whole(text, kind.measure) for text in (first, last))
        return Vary(path, None, least, most, True, _base(variants, path, Fraction(1)), _putting(variants, path, None))
    low, high = (kind.measure.check(f"{n} {u}", money) for n, u in ((one, own), (two, other)))
    if not other:
        other = spoken(unit, money.currency) or "%"
        high = Quantity(high.raw / (1 if unit else 0.01), Fraction(1) if unit else PER_CENT)
    if low.pieces != high.pieces:
        raise QuantityError("write both ends in the same unit")
    base = None if high.pieces else _base(variants, path, high.factor)
    return Vary(path, other, float(low.exact / high.factor), high.raw, False, base, _putting(variants, path, other))


def accepts(kind: Kind, text: str, variants: Variants) -> bool:
    """Check if a text is a valid value of a parameter.

    Args:
        kind: Kind of the parameter.
        text: Value with unit.
        variants: Scenarios of the instance, for its currencies.

    Returns:
        True if it is valid, or if the parameter is a share.
    """
    if not isinstance(kind.measure, Measure):
        return False
    try:
        kind.measure.check(text, variants.written.money)
    except QuantityError:
        return kind.measure.unit == _SHARE
    return True


def _scaling(variants: Variants, path: str, low: float, high: float) -> Vary:
    """Return a range of factors in per cent of the values in the file."""
    if low < 0:
        raise QuantityError("a figure is scaled by 0 % or more")

    def at(value: float) -> Changes:
        """Return the changes that scale the matching parameters to `value` per cent."""
        return wildcards.scaled(variants.written, path, Fraction(repr(value)) * PER_CENT)

    kinds = [kind_at(one) for one in wildcards.named(variants.written, path)]
    whole = any(kind is not None and isinstance(kind.measure, Whole) for kind in kinds)
    return Vary(path, "%", low, high, whole, 100.0, at)


def _adding(variants: Variants, path: str, kind: Kind, first: str, last: str) -> Vary:
    """Return a range of signed offsets added to the values in the file."""
    unit = kind.measure.unit if isinstance(kind.measure, Measure) else _SHARE
    money = variants.written.money
    low, high = (Measure(unit, low=None).check(text, money) for text in (first, last))
    whole = isinstance(kind.measure, Whole)
    told = None if whole else spoken(unit, money.currency) or "%"
    factor = PER_CENT if told == "%" else Fraction(1)

    def at(value: float) -> Changes:
        """Return the changes that add `value` to the matching parameters."""
        number = str(round(value)) if whole else f"{value!r} {told}"
        return variants.expanded([(path, number if number.startswith("-") else f"+{number}")])

    return Vary(path, told, float(low.exact / factor), float(high.exact / factor), whole, 0.0, at)


def _putting(variants: Variants, path: str, unit: str | None) -> Callable[[float], Changes]:
    """Return the function from a value to the changes that set it at `path`."""

    def at(value: float) -> Changes:
        """Return the changes that set the matching parameters to `value`."""
        return variants.expanded([(path, str(round(value)) if unit is None else f"{value!r} {unit}")])

    return at


def _whole(text: str, measure: Whole) -> float:
    """Return a whole number within the bounds of its field; raise QuantityError otherwise."""
    number = text.replace("_", "")
    if not (number.isascii() and number.isdigit() and measure.low <= int(number) <= measure.high):
        raise QuantityError(f"expected a whole number from {measure.low} to {measure.high:_}; found `{shown(text)}`")
    return float(int(number))


def _base(variants: Variants, path: str, factor: Fraction) -> float | None:
    """Return the value at `path` in units of `factor`; None if the matching parameters differ or have none."""
    found = set()
    for one in wildcards.named(variants.written, path):
        try:
            present = variants.from_value(render(one))
        except UsageError:
            return None
        exact = Fraction(repr(present.value)) * (PER_CENT if present.unit == "%" else 1)
        found.add(float(exact / factor))
    return found.pop() if len(found) == 1 else None
