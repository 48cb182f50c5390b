"""Grid of scenarios: the Cartesian product of parameters (with `*`, several at once) over lists or ranges of values."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

from medalopt.analysis.sensitivity.vary import Vary, accepts, kind_of, told_of, vary
from medalopt.analysis.sweep.scenario import MOST, Scenario
from medalopt.analysis.variants import PER_CENT, Changes, Variants
from medalopt.errors import Fault, InputError, UsageError
from medalopt.instance import wildcards
from medalopt.instance.paths import parse
from medalopt.instance.reader import commas
from medalopt.quantity import QuantityError, split
from medalopt.wording import no_comma, shown

OPTION = "--grid"
HOW = "write PATH=LO..HI/N, such as 'devices.*.content.Ag=70..120%/6', or PATH=A,B,C"
_COUNT = re.compile(r"\s*([0-9]{1,7})")
# an unclosed bracket or quote extends to the end: searching for its end from each bracket would take quadratic time
_PARTS = re.compile(r"""(?:[^,\[\]{}"']|"[^"]*(?:"|\Z)|'[^']*(?:'|\Z)|\[[^\]]*(?:\]|\Z)|\{[^}]*(?:\}|\Z))+""")
_BARE = re.compile(r"[+-]?[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9]+)?")


def grid(variants: Variants, texts: Sequence[str]) -> list[Scenario]:
    """Parse grid axes and return a scenario for each combination of values; the last axis varies fastest.

    Args:
        variants: Base instance.
        texts: One axis each: `PATH=LO..HI/N` or `PATH=A,B,C`.

    Returns:
        Scenarios, named by their numbers from 1.

    Raises:
        InputError: If an axis is not valid or there are too many scenarios; all errors are collected.
    """
    axes: dict[str, list[Changes]] = {}
    faults: list[Fault] = []
    for text in texts:
        path = text.partition("=")[0].strip()
        try:
            if path in axes:
                raise UsageError(f"{OPTION} {shown(text)}: this figure stands twice; leave one of the two")
            axes[path] = _axis(variants, text)
        except InputError as error:
            faults += error.faults
        except UsageError as error:
            faults.append(Fault("" if str(error).startswith(OPTION) else OPTION, 0, 0, "", str(error)))
    count = math.prod(len(steps) for steps in axes.values())
    if count > MOST:
        faults.append(Fault("", 0, 0, "", f"{OPTION}: makes {count:_} scenarios; {MOST:_} are the most"))
    if faults:
        raise InputError(faults)
    every = itertools.product(*axes.values())
    return [Scenario(str(number), _merged(steps)) for number, steps in enumerate(every, start=1)]


def _merged(steps: Sequence[Changes]) -> Changes:
    """Return the changes of all axes as one."""
    return {path: value for step in steps for path, value in step.items()}


def _axis(variants: Variants, text: str) -> list[Changes]:
    """Parse one axis and return the changes of each of its values."""
    path, equals, values = (part.strip() for part in text.partition("="))
    if not (path and equals and values):
        raise UsageError(f"{OPTION} {shown(text)}: {HOW}")
    ends, _, number = values.rpartition("/")
    if ".." in ends and (count := _COUNT.fullmatch(number)):
        if not 2 <= int(count[1]) <= MOST:
            raise UsageError(
                f"{OPTION} {shown(text)}: the number behind the stroke is that of the values, 2 to {MOST:_}"
            )
        return list(_steps(vary(variants, f"{path}={ends}", OPTION), ends, int(count[1])))
    if ".." in values:
        ends = values.partition("/")[0].strip()
        raise UsageError(f"{OPTION} {shown(text)}: say how many values, such as {shown(ends)}/5")
    return _listed(variants, path, values, text)


def _steps(figure: Vary, ends: str, count: int) -> Iterator[Changes]:
    """Yield the changes of `count` equidistant values; whole numbers are rounded and each occurs once."""
    low, high = Fraction(repr(figure.low)), Fraction(repr(figure.high))
    values = [float(low + (high - low) * step / (count - 1)) for step in range(count)]
    if figure.whole:
        values = list(dict.fromkeys(float(round(value)) for value in values))
    several = wildcards.ANY in parse(figure.path)
    signed = several and any(end.strip().startswith(("+", "-")) for end in ends.split(".."))
    for value in values:
        yield {figure.path: _spelled(value, figure.unit, signed)} if several else figure.at(value)


def _spelled(value: float, unit: str | None, signed: bool) -> str:
    """Format a value with its unit, and a plus sign for offsets."""
    number = repr(int(value) if value.is_integer() and abs(value) < 1e15 else value)
    plus = "+" if signed and not number.startswith("-") else ""
    return f"{plus}{number} {unit}" if unit else f"{plus}{number}"


def _listed(variants: Variants, path: str, values: str, text: str) -> list[Changes]:
    """Parse a list of values; a bare number takes the unit of the last value."""
    parts = [part.strip() for part in _PARTS.findall(values)]
    if not all(parts) or len(parts) != len(_PARTS.sub("", values)) + 1:
        raise UsageError(f"{OPTION} {shown(text)}: a value is missing between two commas, or a bracket or quote; {HOW}")
    for one, two in pairwise(parts):
        if commas.is_few(one) and commas.is_rest(two):
            raise UsageError(f"{OPTION} {shown(text)}: {no_comma(f'{one},{two}')}; a comma divides values here")
    unit = _unit(parts[-1])
    with told_of(OPTION):
        found = []
        for part in parts:
            value = f"{part} {unit}" if unit and _BARE.fullmatch(part) else part
            changes = _change(variants, path, value, text)
            variants.changed(variants.expanded(changes.items()))  # raises if the value is not valid there
            found.append(changes)
        return found


def _unit(text: str) -> str:
    """Return the unit after a number; empty if there is none."""
    match = _BARE.match(text)
    return text[match.end() :].strip() if match and re.match(r"\s*[A-Za-z%]", text[match.end() :]) else ""


def _change(variants: Variants, path: str, value: str, text: str) -> Changes:
    """Return the change of one value; a percentage scales a parameter that is no share, as it does with `*`."""
    if not value.endswith("%") or value.startswith("+") or wildcards.ANY in path:
        return {path: value}
    if accepts(kind_of(variants, path, value, OPTION), value, variants):
        return {path: value}
    try:
        share = Fraction(split(value, "", variants.written.money)[0].replace("_", ""))
    except QuantityError as error:
        raise UsageError(f"{OPTION} {shown(text)}: {error}") from error
    return wildcards.scaled(variants.written, path, share * PER_CENT)
