"""Types of value in an instance file, as annotations that validate one value and describe themselves in JSON Schema.

A value arrives as a scalar node (text with its place), a list or a dictionary. The `ValidationContext` holds the names
and currencies that the file defines, so that references are checked in place.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import ValidationInfo
from pydantic_core import PydanticCustomError, core_schema

from medalopt import quantity
from medalopt.instance.reader.nodes import Scalar
from medalopt.quantity import Money, Quantity, QuantityError
from medalopt.wording import control_flaw, did_you_mean, listed, no_comma, shown

Schema = dict[str, Any]
MOST_HINTS = 100
_COMMA = re.compile(r"\s*[+-]?[0-9][0-9_]*,[0-9]")


@dataclass(frozen=True)
class Context:
    """Data from the rest of the file that the validation of one value needs.

    `names` holds the names defined, by kind (`metal`, `device`, …); names of a missing kind are not checked.
    `periods` is the number of periods, None where it could not be read.
    """

    money: Money
    periods: int | None = None
    names: Mapping[str, Collection[str]] = field(default_factory=dict)
    _asked: Iterator[int] = field(default_factory=itertools.count)

    def may_hint(self) -> bool:
        """Return whether to search for a similar name; only for the first 100 unknown names, as the search is slow.

        Returns:
            True for the first 100 calls.
        """
        return next(self._asked) < MOST_HINTS


def wrong(text: str) -> PydanticCustomError:
    """Make a validation error that carries its text unchanged.

    Args:
        text: The fault and its remedy.

    Returns:
        The error.
    """
    return PydanticCustomError("wrong", "{text}", {"text": text})


def kind_of(value: object) -> str:
    """Describe the value found in place of the expected one.

    Args:
        value: Scalar node, list or dictionary.

    Returns:
        The description for a message.
    """
    if isinstance(value, Scalar):
        return f"`{shown(value.text)}`" if not value.null else "nothing"
    return "a list" if isinstance(value, list) else "a mapping"


@dataclass(frozen=True)
class Measure:
    """A quantity: canonical unit and admissible range in that unit.

    `below` and `above` exclude the upper and the lower end; `pieces` allows amounts per device or in devices.
    """

    unit: str = ""
    low: Literal[0] | None = 0
    high: int | None = None
    below: bool = False
    above: bool = False
    pieces: bool = False

    def check(self, value: str | float, money: Money) -> Quantity:
        """Read a quantity and check its range.

        Args:
            value: Number or text with a unit.
            money: Currencies of the file.

        Returns:
            The quantity.

        Raises:
            QuantityError: The value cannot be read, or is out of range.
        """
        figure = quantity.read(value, self.unit, money)
        if figure.pieces and not self.pieces:
            raise QuantityError(f"`{shown(str(value))}` counts pieces, but no device is meant here: write a mass")
        # unit factors are positive, so raw and canonical value have the same sign
        small = self.low is not None and (figure.raw <= 0 if self.above else figure.raw < 0)
        large = self.high is not None and (figure.exact >= self.high if self.below else figure.exact > self.high)
        if small or large:
            raise QuantityError(f"`{shown(str(value))}` is out of range: {self.range}")
        return figure

    @property
    def range(self) -> str:
        """The admissible range, as a message."""
        if self.unit == "" and self.high is not None:
            return f"a share lies between 0 % and {'below ' if self.below else ''}100 %"
        most = f"it must be at most {self.high} {self.unit}"
        least = "it must be more than 0" if self.above else "it must not be negative"
        return least if self.high is None else f"{least}, and {most}"

    def _validate(self, value: object, info: ValidationInfo[Context]) -> Quantity:
        """Validate a scalar for pydantic."""
        money = info.context.money
        if not isinstance(value, Scalar) or isinstance(value.value, bool) or value.null:
            expected = f"expected one figure such as `{quantity.example(self.unit, money)}`"
            raise wrong(f"{expected}; found {kind_of(value)}")
        try:
            return self.check(value.value, money)
        except QuantityError as error:
            raise wrong(str(error)) from None

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> core_schema.CoreSchema:
        """Validate by `check`."""
        return core_schema.with_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(self, schema: object, handler: object) -> Schema:
        """Describe the quantity as a number in the canonical unit, or text with a unit."""
        number: Schema = {"type": "number", "description": f"in {self.unit or 'parts of 1'}"}
        if self.low is not None:
            number["exclusiveMinimum" if self.above else "minimum"] = self.low
        if self.high is not None:
            number["exclusiveMaximum" if self.below else "maximum"] = self.high
        text = {"type": "string", "pattern": r"^\s*[+-]?[0-9._]+([eE][+-]?[0-9]+)?\s*[A-Za-z_%]*[^,]*$"}
        return {"anyOf": [number, text, {"type": "null"}], "unit": self.unit or "1"}


@dataclass(frozen=True)
class Whole:
    """An integer from `low` to `high`."""

    low: int
    high: int

    def _validate(self, value: object) -> int:
        """Validate an integer for pydantic."""
        found = value.value if isinstance(value, Scalar) else None
        if isinstance(found, str):
            if _COMMA.match(found):
                raise wrong(no_comma(found))
            found = _whole(found)
        if isinstance(found, float) and found.is_integer():
            found = int(found)
        if not isinstance(found, int) or isinstance(found, bool) or not self.low <= found <= self.high:
            raise wrong(f"expected a whole number from {self.low} to {self.high:_}; found {kind_of(value)}")
        return found

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> core_schema.CoreSchema:
        """Validate the integer."""
        return core_schema.no_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(self, schema: object, handler: object) -> Schema:
        """Describe the integer."""
        number = {"type": "integer", "minimum": self.low, "maximum": self.high}
        return {"anyOf": [number, {"type": "string", "pattern": "^[0-9][0-9_]*$"}, {"type": "null"}]}


def _whole(text: str) -> int | None:
    """Return the integer that the text states; None where it states none."""
    digits = text.strip().replace("_", "")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 20 else None


@dataclass(frozen=True)
class Text:
    """Text; with `pattern` text that matches it, with `words` one of these."""

    pattern: str = ""
    says: str = ""
    words: tuple[str, ...] = ()

    def _validate(self, value: object) -> str:
        """Validate text for pydantic."""
        text = value.text if isinstance(value, Scalar) else value
        if not isinstance(text, str):
            raise wrong(f"expected text; found {kind_of(value)}")
        if problem := control_flaw(text):
            raise wrong(problem)
        if self.pattern and not re.fullmatch(self.pattern, text):
            raise wrong(f"expected {self.says}; found `{shown(text)}`")
        if self.words and text not in self.words:
            raise wrong(f"expected {' or '.join(f'`{word}`' for word in self.words)}; found `{shown(text)}`")
        return text

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> core_schema.CoreSchema:
        """Validate the text."""
        return core_schema.no_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(self, schema: object, handler: object) -> Schema:
        """Describe the text."""
        if self.words:
            return {"enum": list(self.words)}
        return {"type": "string", "pattern": f"^{self.pattern}$"} if self.pattern else {"type": ["string", "number"]}


@dataclass(frozen=True)
class Flag:
    """A truth value: true or false."""

    words: tuple[str, ...] = ("true", "false")

    def _validate(self, value: object) -> bool:
        """Validate a truth value for pydantic."""
        text = value.text.lower() if isinstance(value, Scalar) else ""
        if text not in self.words:
            raise wrong(f"expected `true` or `false`; found {kind_of(value)}")
        return text == "true"

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> core_schema.CoreSchema:
        """Validate the word."""
        return core_schema.no_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(self, schema: object, handler: object) -> Schema:
        """Describe the word."""
        return {"type": ["boolean", "null"]}


def flaw(name: str) -> str:
    """Check a name against the rules for names.

    Args:
        name: The name.

    Returns:
        The fault and its remedy; '' where the name is valid.
    """
    if not 1 <= len(name) <= 100:
        return f"a name has 1 to 100 characters; this one has {len(name)}"
    if not name.strip():
        return "a name must not be blank"
    every = "" if name.isprintable() else name
    bad = next((char for char in every if unicodedata.category(char) in ("Cc", "Cf", "Cs")), None)
    if bad is not None:
        return f"a name must hold no control or format character; U+{ord(bad):04X} is one: `{shown(name)}`"
    blank = next((char for char in every if char.isspace()), None)
    if blank is not None:
        return f"a name must hold no blank but the plain one; U+{ord(blank):04X} is one: `{shown(name)}`"
    if name != name.strip():
        return f"a name must not begin or end with a blank: write `{shown(name.strip())}`"
    if not unicodedata.is_normalized("NFC", name):
        return f"a name must be in the composed Unicode form (NFC), and `{shown(name)}` is not: type it anew"
    return ""


@dataclass(frozen=True)
class Name:
    """A name, read as text in any case; with `of` a name of that kind which the file defines."""

    of: str = ""
    also: tuple[str, ...] = ()

    def check(self, text: str, context: Context) -> str:
        """Check a name and its definition.

        Args:
            text: The name.
            context: The names defined.

        Returns:
            The fault and its remedy; '' where the name is valid.
        """
        known = context.names.get(self.of) if self.of else None
        if problem := flaw(text):
            return problem
        if known is None or text in known or text in self.also:
            return ""
        told = f"no {self.of} is called `{shown(text)}`"
        if not context.may_hint():
            return told
        return told + (did_you_mean(text, [*known, *self.also]) or _those(known, self.of))

    def _validate(self, value: object, info: ValidationInfo[Context]) -> str:
        """Validate a name for pydantic."""
        text = value.text if isinstance(value, Scalar) else value
        if not isinstance(text, str):
            raise wrong(f"expected a name; found {kind_of(value)}")
        if problem := self.check(text, info.context):
            raise wrong(problem)
        return text

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> core_schema.CoreSchema:
        """Validate a name, as key or as value."""
        return core_schema.with_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(self, schema: object, handler: object) -> Schema:
        """Describe the name."""
        return {"type": ["string", "number", "boolean"]}


def _those(known: Collection[str], kind: str) -> str:
    """Return the names defined, for a message."""
    return f"; those defined are {listed(known)}" if known else f"; no {kind} is defined"
