"""Parameter ranges `--vary PATH=LO..HI`: the parameter, its bounds, and the changes that set a value.

A range of due dates, such as `medals.*.due=2018-04..2018-12`, takes absolute periods or signed offsets in periods.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.errors import UsageError
from medalopt.instance.reader.overrides import SUM_NOT_ALLOWED, attribute_faults_to
from medalopt.instance.reader.yaml_nodes import ScalarNode
from medalopt.instance.scenario import DUE_FIELD, SCALE_SIGN, Change, Operation, match_paths
from medalopt.instance.schema.field_types import IntegerField, QuantityField
from medalopt.instance.schema.validation import ParameterKind, find_parameter_kind
from medalopt.text import ParameterPath, PathError, escape_text, has_wildcard, parse_path, render_path, suggest_name
from medalopt.units import PER_CENT, Quantity, QuantityError, name_unit, split_number_unit

_SIGNED_OFFSET = re.compile(r"[+-][0-9]{1,4}")


def _parse_date_range(runner: ScenarioRunner, path: str, first: str, last: str, option: str) -> ParameterRange:
    """Return a range of dates: period numbers from 1 with their labels, or with signs at both ends offsets in periods.

    Raise UsageError if an end names no period, or leads out of the horizon.
    """
    labels = runner.instance.periods
    present = [_get_due_period(runner, one) for one in _resolve_paths(runner, path, option)]
    if _SIGNED_OFFSET.fullmatch(first) and _SIGNED_OFFSET.fullmatch(last):
        for value in (int(first), int(last)):
            if not all(0 <= number + value < len(labels) for number in present):
                raise UsageError(f"{option} {path}: a date changed by {value:+} lies outside the horizon")
        return ParameterRange(path, None, float(first), float(last), True, 0.0, lambda value: f"{round(value):+}")
    low, high = (1.0 + _parse_period(runner, text, option) for text in (first, last))
    base = 1.0 + present[0] if len(set(present)) == 1 else None
    return ParameterRange(path, None, low, high, True, base, lambda value: labels[round(value) - 1], labels)


def _get_due_period(runner: ScenarioRunner, path: ParameterPath) -> int:
    """Return the period index of the due date at `path`; the last period if the file gives none."""
    node = runner.source_values.find_value(path)
    return (
        len(runner.instance.periods) - 1 if not isinstance(node, ScalarNode) else _parse_period(runner, node.text, "")
    )


def _parse_period(runner: ScenarioRunner, text: str, option: str) -> int:
    """Return the period index that `text` names; raise UsageError if it names none."""
    number = runner.source_values.find_period(text)
    if number is None:
        labels = runner.instance.periods
        raise UsageError(f"{option} {escape_text(text)}: names no period; those are {labels[0]} to {labels[-1]}")
    return number


RANGE_SYNTAX_HINT = "write PATH=LO..HI, such as 'devices.*.content.Ag=70..120%'"
_SHARE_UNIT = ""


@dataclass(frozen=True, eq=False)
class ParameterRange:
    """A parameter, or with `*` several, that varies from `low` to `high`, in `unit` (None for counts and lead times).

    `base` is the value in the instance (None if not a single number); `text` writes a value as `--set` takes it. Dates
    are period numbers from 1, with their labels in `names`.
    """

    path: str
    unit: str | None
    low: float
    high: float
    is_integer: bool
    base: float | None
    text: Callable[[float], str]
    names: tuple[str, ...] = ()

    def make_changes(self, value: float) -> dict[str, str]:
        """Return the change that sets a value.

        Returns:
            The value as text, by path.
        """
        return {self.path: self.text(value)}

    def label(self, value: float) -> str:
        """Return the label of a value.

        Returns:
            The period label of a date, '' for numbers.
        """
        return self.names[round(value) - 1] if self.names and 1 <= value <= len(self.names) else ""


def parse_parameter_range(runner: ScenarioRunner, text: str, option: str = "--vary") -> ParameterRange:
    """Parse a parameter range.

    Args:
        text: `PATH=LO..HI`.
        option: Option of the command line, for messages.

    Returns:
        The range, both ends checked against the instance.

    Raises:
        UsageError: If syntax, path or unit is wrong.
        InputError: If the value at an end is not allowed.
    """
    with attribute_faults_to(option):
        return _parse_range_text(runner, text, option)


def _parse_range_text(runner: ScenarioRunner, text: str, option: str) -> ParameterRange:
    """Parse `text` and check both ends; the errors are those of `parse_parameter_range`."""
    path, equals, ends = (part.strip() for part in text.partition("="))
    first, dots, last = (part.strip() for part in ends.partition(".."))
    if not (path and equals and first and dots and last):
        raise UsageError(f"{option} {escape_text(text)}: {RANGE_SYNTAX_HINT}")
    if path.split(".")[-1] == DUE_FIELD:
        range_ = _parse_date_range(runner, path, first, last, option)
    else:
        kind = _require_parameter_kind(runner, path, first, option)
        try:
            range_ = _read_ends(runner, path, kind, first, last)
        except QuantityError as error:
            raise UsageError(f"{option} {escape_text(text)}: {error}") from error
    if not range_.low < range_.high:
        raise UsageError(f"{option} {escape_text(text)}: the ends are equal or reversed; {RANGE_SYNTAX_HINT}")
    for end in (range_.low, range_.high):  # raises for values that are not allowed, and unknown names
        runner.apply_changes(range_.make_changes(end))
    return range_


def _resolve_paths(runner: ScenarioRunner, path: str, option: str) -> list[ParameterPath]:
    """Return the paths that match `path`; raise UsageError if there are none."""
    try:
        parse_path(path)
    except PathError as error:
        raise UsageError(f"{option} {escape_text(path)}: {error}") from error
    named = match_paths(runner.source_values, path)
    if not named:
        suggestion = suggest_name(path, (render_path(one) for one, _, _ in runner.source_values.iterate_parameters()))
        raise UsageError(f"{option} {escape_text(path)}: nothing in this instance has this name{suggestion}")
    return named


def _require_parameter_kind(runner: ScenarioRunner, path: str, value: str, option: str) -> ParameterKind:
    """Return the kind of the parameters at a path. Raises UsageError or InputError."""
    named = _resolve_paths(runner, path, option)
    kind = next((kind for kind in map(find_parameter_kind, named) if kind is not None), None)
    if kind is None:
        runner.apply_changes({render_path(named[0]): value})  # raises InputError with the fault
        raise UsageError(
            f"{option} {escape_text(path)}: has no number; name a parameter, such as smelters.kosaka.capacity"
        )
    return kind


def _read_ends(runner: ScenarioRunner, path: str, kind: ParameterKind, first: str, last: str) -> ParameterRange:
    """Return the range with both ends in one unit; raise QuantityError if they do not parse."""
    money = runner.source_values.money
    several = has_wildcard(path)
    unit = kind.field_type.unit if isinstance(kind.field_type, QuantityField) else _SHARE_UNIT
    scaled = first.startswith(SCALE_SIGN) and last.startswith(SCALE_SIGN)
    if scaled:
        first, last, unit = first.removeprefix(SCALE_SIGN), last.removeprefix(SCALE_SIGN), _SHARE_UNIT
    (one, own), (two, other) = split_number_unit(first, unit, money), split_number_unit(last, unit, money)
    if not several and any(end[0] == "+" for end in (first, last)):
        raise QuantityError(SUM_NOT_ALLOWED)
    own, other = own or other, other or own
    if scaled and not own:
        one, two = (str(float(Fraction(number.replace("_", "")) / PER_CENT)) for number in (one, two))
    if scaled or (other == own == "%" and Change.build(path, f"{two} %").operation is Operation.SCALE):
        return _make_scaling_range(runner, path, float(one), float(two), SCALE_SIGN if scaled else "")
    if several and any(end[0] in "+-" for end in (first, last)):
        return _make_offset_range(runner, path, kind, f"{one} {own}", f"{two} {other}")
    if isinstance(kind.field_type, IntegerField):
        minimum, maximum = (_parse_whole_number(text, kind.field_type) for text in (first, last))
        base = _get_base_value(runner, path, Fraction(1))
        return ParameterRange(path, None, minimum, maximum, True, base, lambda value: str(round(value)))
    low, high = (kind.field_type.check(f"{n} {u}", money) for n, u in ((one, own), (two, other)))
    if not other:
        other = name_unit(unit, money.currency) or "%"
        high = Quantity(high.raw / (1 if unit else 0.01), Fraction(1) if unit else PER_CENT)
    if low.pieces != high.pieces:
        raise QuantityError("write both ends in the same unit")
    base = None if high.pieces else _get_base_value(runner, path, high.factor)
    return ParameterRange(
        path, other, float(low.exact / high.factor), high.raw, False, base, lambda value: f"{value!r} {other}"
    )


def _make_scaling_range(runner: ScenarioRunner, path: str, low: float, high: float, sign: str) -> ParameterRange:
    """Return a range of factors in per cent of the values in the file."""
    if low < 0:
        raise QuantityError("a parameter is scaled by 0 % or more")

    kinds = [find_parameter_kind(one) for one in match_paths(runner.source_values, path)]
    whole = any(kind is not None and isinstance(kind.field_type, IntegerField) for kind in kinds)
    return ParameterRange(path, "%", low, high, whole, 100.0, lambda value: f"{sign}{_format_number(value)} %")


def _make_offset_range(runner: ScenarioRunner, path: str, kind: ParameterKind, first: str, last: str) -> ParameterRange:
    """Return a range of signed offsets added to the values in the file."""
    unit = kind.field_type.unit if isinstance(kind.field_type, QuantityField) else _SHARE_UNIT
    money = runner.source_values.money
    low, high = (QuantityField(unit, low=None).check(text, money) for text in (first, last))
    whole = isinstance(kind.field_type, IntegerField)
    shown_unit = None if whole else name_unit(unit, money.currency) or "%"
    factor = PER_CENT if shown_unit == "%" else Fraction(1)

    def text(value: float) -> str:
        """Format an offset."""
        number = str(round(value)) if whole else f"{_format_number(value)} {shown_unit}"
        return number if number.startswith("-") else f"+{number}"

    return ParameterRange(path, shown_unit, float(low.exact / factor), float(high.exact / factor), whole, 0.0, text)


def _format_number(value: float) -> str:
    """Return a number as text, a whole one without decimals."""
    return repr(int(value) if value.is_integer() and abs(value) < 1e15 else value)


def _parse_whole_number(text: str, measure: IntegerField) -> float:
    """Return a whole number within the bounds of its field; raise QuantityError otherwise."""
    number = text.replace("_", "")
    if not (number.isascii() and number.isdigit() and measure.low <= int(number) <= measure.high):
        raise QuantityError(
            f"expected a whole number from {measure.low} to {measure.high:_}; found `{escape_text(text)}`"
        )
    return float(int(number))


def _get_base_value(runner: ScenarioRunner, path: str, factor: Fraction) -> float | None:
    """Return the value at `path` in units of `factor`; None if the matching parameters differ or have none."""
    result = set()
    for one in match_paths(runner.source_values, path):
        try:
            present = runner.read_base_value(render_path(one))
        except UsageError:
            return None
        exact = Fraction(repr(present.value)) * (PER_CENT if present.unit == "%" else 1)
        result.add(float(exact / factor))
    return result.pop() if len(result) == 1 else None
