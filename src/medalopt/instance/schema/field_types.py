"""Types of value in an instance file, as annotations that validate one value and describe themselves in JSON Schema.

A value arrives as a scalar node (text with its place), a list or a dictionary. The `ValidationContext` holds the names
and currencies that the file defines, so that references are checked in place.
"""

from __future__ import annotations

import itertools
import math
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import ValidationInfo
from pydantic_core import PydanticCustomError, core_schema

from medalopt.instance.reader.yaml_nodes import ScalarNode
from medalopt.text import check_control_characters, escape_text, explain_comma, join_names, suggest_name
from medalopt.units import Money, Quantity, QuantityError, format_example, parse_quantity

Schema = dict[str, Any]
_MAX_HINTS = 100
_DECIMAL_COMMA = re.compile(r"\s*[+-]?[0-9][0-9_]*,[0-9]")


@dataclass(frozen=True)
class ValidationContext:
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
        return next(self._asked) < _MAX_HINTS


def make_error(text: str, kind: Literal["wrong", "wrong_structure"] = "wrong") -> PydanticCustomError:
    """Make a validation error that carries its text unchanged.

    Args:
        text: The fault and its remedy.
        kind: Type of the error: a wrong value, or one of the wrong structure.

    Returns:
        The error.
    """
    return PydanticCustomError(kind, "{text}", {"text": text})


def describe_found(value: object) -> str:
    """Describe the value found in place of the expected one.

    Args:
        value: Scalar node, list or dictionary.

    Returns:
        The description for a message.
    """
    if isinstance(value, ScalarNode):
        return f"`{escape_text(value.text)}`" if not value.null else "nothing"
    return "a list" if isinstance(value, list) else "a mapping"


_NUMBER_EXAMPLE = "1.5"


@dataclass(frozen=True)
class QuantityField:
    """A quantity: canonical unit and admissible range in that unit.

    `below` and `above` exclude the upper and the lower end; `pieces` allows amounts per device or in devices; `number`
    is a number that is not thought of as a share.
    """

    unit: str = ""
    low: Literal[0] | None = 0
    high: int | None = None
    below: bool = False
    above: bool = False
    pieces: bool = False
    number: bool = False

    def check(self, value: str | float, money: Money) -> Quantity:
        """Read a quantity and check its range.

        Returns:
            The quantity.

        Raises:
            QuantityError: The value cannot be read, or is out of range.
        """
        try:
            quantity = parse_quantity(value, self.unit, money)
        except QuantityError as error:
            text = f"expected a number, such as `{_NUMBER_EXAMPLE}`; found `{escape_text(str(value))}`"
            raise QuantityError(text if self.number else str(error)) from None
        if quantity.pieces and not self.pieces:
            raise QuantityError(
                f"`{escape_text(str(value))}` counts pieces, but this value does not belong to a device: write a mass"
            )
        # unit factors are positive, so raw and canonical value have the same sign
        small = self.low is not None and (quantity.raw <= 0 if self.above else quantity.raw < 0)
        large = self.high is not None and (quantity.exact >= self.high if self.below else quantity.exact > self.high)
        if small or large:
            raise QuantityError(
                f"`{escape_text(str(value))}` is out of range: {self.range}{self._suggest_share(value)}"
            )
        return quantity

    def _suggest_share(self, value: str | float) -> str:
        """Return the remedy for a bare number above 1 and below 100 in place of a share: it lacks its per cent sign."""
        bare = str(value).strip().replace("_", "").replace(".", "", 1).isdecimal()
        if self.unit or self.high != 1 or not bare or not 1 < float(value) < 100 + (not self.below):
            return ""
        return f"; a bare number is a fraction of 1: write `{escape_text(str(value).strip())} %`"

    @property
    def range(self) -> str:
        """Admissible range as a message, such as `it must be more than 0`."""
        if self.unit == "" and self.high is not None:
            return f"a share lies between 0 % and {'below ' if self.below else ''}100 %"
        upper = f"it must be at most {self.high} {self.unit}"
        least = "it must be more than 0" if self.above else "it must not be negative"
        return least if self.high is None else f"{least}, and {upper}"

    def _validate(self, value: object, info: ValidationInfo[ValidationContext]) -> Quantity:
        """Validate a scalar for pydantic."""
        money = info.context.money
        if not isinstance(value, ScalarNode) or isinstance(value.value, bool) or value.null:
            example = _NUMBER_EXAMPLE if self.number else format_example(self.unit, money)
            raise make_error(f"expected one value such as `{example}`; found {describe_found(value)}")
        try:
            return self.check(value.value, money)
        except QuantityError as error:
            raise make_error(str(error)) from None

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
class IntegerField:
    """An integer from `low` to `high`."""

    low: int
    high: int

    def _validate(self, value: object) -> int:
        """Validate an integer for pydantic."""
        found = value.value if isinstance(value, ScalarNode) else None
        if isinstance(found, str):
            if _DECIMAL_COMMA.match(found):
                raise make_error(explain_comma(found))
            found = _parse_integer(found)
        if isinstance(found, float) and found.is_integer():
            found = int(found)
        if not isinstance(found, int) or isinstance(found, bool) or not self.low <= found <= self.high:
            raise make_error(f"expected a whole number from {self.low} to {self.high:_}; found {describe_found(value)}")
        return found

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> core_schema.CoreSchema:
        """Validate the integer."""
        return core_schema.no_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(self, schema: object, handler: object) -> Schema:
        """Describe the integer."""
        number = {"type": "integer", "minimum": self.low, "maximum": self.high}
        return {"anyOf": [number, {"type": "string", "pattern": "^[0-9][0-9_]*$"}, {"type": "null"}]}


def _parse_integer(text: str) -> int | None:
    """Return the integer that the text states; None where it states none."""
    digits = text.strip().replace("_", "")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 20 else None


@dataclass(frozen=True)
class TextField:
    """Text; with `pattern` text that matches it, with `words` one of these."""

    pattern: str = ""
    description: str = ""
    words: tuple[str, ...] = ()

    def _validate(self, value: object) -> str:
        """Validate text for pydantic."""
        text = value.text if isinstance(value, ScalarNode) else value
        if not isinstance(text, str):
            raise make_error(f"expected text; found {describe_found(value)}")
        if problem := check_control_characters(text):
            raise make_error(problem)
        if self.pattern and not re.fullmatch(self.pattern, text):
            raise make_error(f"expected {self.description}; found `{escape_text(text)}`")
        if self.words and text not in self.words:
            raise make_error(f"expected {' or '.join(f'`{word}`' for word in self.words)}; found `{escape_text(text)}`")
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
class BooleanField:
    """A truth value: true or false."""

    words: tuple[str, ...] = ("true", "false")

    def _validate(self, value: object) -> bool:
        """Validate a truth value for pydantic."""
        text = value.text.lower() if isinstance(value, ScalarNode) else ""
        if text not in self.words:
            raise make_error(f"expected `true` or `false`; found {describe_found(value)}")
        return text == "true"

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> core_schema.CoreSchema:
        """Validate the word."""
        return core_schema.no_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(self, schema: object, handler: object) -> Schema:
        """Describe the word."""
        return {"type": ["boolean", "null"]}


def find_name_flaw(name: str) -> str:
    """Check a name against the rules for names.

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
        return f"a name must not contain control or format characters; U+{ord(bad):04X} is one: `{escape_text(name)}`"
    blank = next((char for char in every if char.isspace()), None)
    if blank is not None:
        return f"a name must contain no blank other than the space; U+{ord(blank):04X} is one: `{escape_text(name)}`"
    if name != name.strip():
        return f"a name must not begin or end with a blank: write `{escape_text(name.strip())}`"
    if not unicodedata.is_normalized("NFC", name):
        return f"a name must be in the composed Unicode form (NFC), and `{escape_text(name)}` is not: enter it again"
    return ""


@dataclass(frozen=True)
class NameField:
    """A name, read as text in any case; with `of` a name of that kind which the file defines."""

    of: str = ""
    also: tuple[str, ...] = ()

    def check(self, text: str, context: ValidationContext) -> str:
        """Check a name and its definition.

        Args:
            text: The name.
            context: The names defined.

        Returns:
            The fault and its remedy; '' where the name is valid.
        """
        known = context.names.get(self.of) if self.of else None
        if problem := find_name_flaw(text):
            return problem
        if known is None or text in known or text in self.also:
            return ""
        message = f"no {self.of} is called `{escape_text(text)}`"
        if not context.may_hint():
            return message
        return message + (suggest_name(text, [*known, *self.also]) or _list_known(known, self.of))

    def _validate(self, value: object, info: ValidationInfo[ValidationContext]) -> str:
        """Validate a name for pydantic."""
        text = value.text if isinstance(value, ScalarNode) else value
        if not isinstance(text, str):
            raise make_error(f"expected a name; found {describe_found(value)}")
        if problem := self.check(text, info.context):
            raise make_error(problem)
        return text

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> core_schema.CoreSchema:
        """Validate a name, as key or as value."""
        return core_schema.with_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(self, schema: object, handler: object) -> Schema:
        """Describe the name."""
        return {"type": ["string", "number", "boolean"]}


def _list_known(known: Collection[str], kind: str) -> str:
    """Return the names defined, for a message."""
    return f"; those defined are {join_names(known)}" if known else f"; no {kind} is defined"


ELEMENT = "metal or impurity"  # kind of a name, in messages

ZERO_QUANTITY, ONE_QUANTITY, NO_LIMIT = Quantity(0.0), Quantity(1.0), Quantity(math.inf)

YesOrNo = Annotated[bool, BooleanField()]
Share = Annotated[Quantity, QuantityField(high=1)]
ShareBelowAll = Annotated[Quantity, QuantityField(high=1, below=True)]
Proportion = Annotated[Quantity, QuantityField()]
Number = Annotated[Quantity, QuantityField(number=True)]
Tonnes = Annotated[Quantity, QuantityField("t")]
StepTonnes = Annotated[Quantity, QuantityField("t", above=True, pieces=True)]
StepKilograms = Annotated[Quantity, QuantityField("kg", above=True)]
DeviceTonnes = Annotated[Quantity, QuantityField("t", pieces=True)]
Kilograms = Annotated[Quantity, QuantityField("kg")]
HeatMass = Annotated[Quantity, QuantityField("kg", above=True)]
PieceMass = Annotated[Quantity, QuantityField("kg", above=True)]
Assay = Annotated[Quantity, QuantityField("kg/t", high=1000, pieces=True)]
Deduction = Annotated[Quantity, QuantityField("kg/t", high=1000)]
FeedContent = Annotated[Quantity, QuantityField("kg/t", high=1000)]
ContentStep = Annotated[Quantity, QuantityField("kg/t", high=1000, above=True)]
Charge = Annotated[Quantity, QuantityField("money/t")]
PerTonne = Annotated[Quantity, QuantityField("money/t", low=None)]
DevicePerTonne = Annotated[Quantity, QuantityField("money/t", low=None, pieces=True)]
PerKilogram = Annotated[Quantity, QuantityField("money/kg", low=None)]
HoldingCost = Annotated[Quantity, QuantityField("money/kg")]
Rate = Annotated[Quantity, QuantityField("money", above=True)]
Penalty = Annotated[Quantity, QuantityField("money")]
FixedCharge = Annotated[Quantity, QuantityField("money")]
TransportRate = Annotated[Quantity, QuantityField("money/t/km")]
Distance = Annotated[Quantity, QuantityField("km")]
CarbonPerTonne = Annotated[Quantity, QuantityField("kg CO2e/t")]
DeviceCarbon = Annotated[Quantity, QuantityField("kg CO2e/t", pieces=True)]
CarbonPerKilogram = Annotated[Quantity, QuantityField("kg CO2e/kg")]
CarbonTonnes = Annotated[Quantity, QuantityField("t CO2e")]
Count = Annotated[int, IntegerField(0, 10**12)]
Lead = Annotated[int, IntegerField(0, 10**6)]
ScrapLead = Annotated[int, IntegerField(1, 10**6)]
FreeText = Annotated[str, TextField()]
AnyName = Annotated[str, NameField()]
Metal_ = Annotated[str, NameField("metal")]
Element_ = Annotated[str, NameField(ELEMENT)]
Device_ = Annotated[str, NameField("device")]
Treatment_ = Annotated[str, NameField("treatment")]
Smelter_ = Annotated[str, NameField("smelter")]
Alloy_ = Annotated[str, NameField("alloy")]
Offer_ = Annotated[str, NameField("offer")]
Currency = Annotated[str, TextField("[A-Z]{3}", "a currency by its ISO 4217 code, such as JPY")]
