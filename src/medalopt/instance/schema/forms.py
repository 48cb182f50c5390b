"""Containers of values in an instance file: per period, by metal, windows and mappings, and their base class."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Tag,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from medalopt.instance.reader.nodes import Scalar
from medalopt.instance.schema.fields import Context, Name, Schema, kind_of, wrong
from medalopt.quantity import Quantity
from medalopt.wording import counted, there_are

K = TypeVar("K")
T = TypeVar("T")

ONE, EACH, NAMED = "«one»", "«list»", "«mapping»"
"""The branches of a value that may be written in two ways, as they appear in the place of a fault."""

NOTES: Schema = {
    "source": {
        "description": "Where the figures come from; travels into plan and report.",
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    },
    "note": {"description": "A remark; travels into plan and report.", "type": "string"},
}


class Noted:
    """Adds `source` and `note`, which every mapping may have, to the JSON Schema of a mapping of names."""

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> Schema:
        """Describe the mapping with `source` and `note`."""
        described: Schema = handler(schema)
        described.pop("propertyNames", None)
        for inner in described.pop("patternProperties", {}).values():
            described["additionalProperties"] = inner
        return {**described, "properties": NOTES}


def is_null(value: object) -> bool:
    """Return whether a value is a null of the file.

    Args:
        value: Scalar node, list or dictionary.

    Returns:
        True for an unquoted null.
    """
    return isinstance(value, Scalar) and value.null


def _mapping(value: object) -> object:
    """Return a mapping; null is an empty one, any other value a fault."""
    if is_null(value):
        return {}
    if not isinstance(value, dict):
        raise wrong(f"expected a mapping of names (`name: …`); found {kind_of(value)}")
    return value


def _unless_null(value: object, handler: ValidatorFunctionWrapHandler) -> Any:
    """Return None for a null value, whose key is validated all the same."""
    return None if is_null(value) else handler(value)


def _given(amounts: dict[K, T]) -> dict[K, T]:
    """Return the mapping without null values."""
    return {name: item for name, item in amounts.items() if item is not None}


def _one_or_list(value: object) -> str:
    """Select the alternative of a value that may be a list."""
    return EACH if isinstance(value, list) else ONE


def _one_or_named(value: object) -> str:
    """Select the alternative of a value that may be a mapping."""
    return NAMED if isinstance(value, dict) else ONE


def count_fault(found: int, periods: int | None) -> str:
    """Check the number of values in a list with one value per period.

    Args:
        found: Number of values.
        periods: Number of periods; None where unknown.

    Returns:
        The fault and its remedy; '' where there is none.
    """
    if periods is None or found == periods:
        return ""
    values = counted(found, "value")
    return f"{there_are(periods, 'period')}, but {values}: give one for each, or one figure for all"


def window_fault(found: int) -> str:
    """Check the number of values in a window.

    Args:
        found: Number of values.

    Returns:
        The fault; '' where there are two values.
    """
    return "" if found == 2 else f"expected a pair, [least, greatest]; found a list of {found}"


def each(values: list[T], info: ValidationInfo[Context]) -> list[T]:
    """Validate a list with one value per period.

    Args:
        values: The values.
        info: Validation data of pydantic.

    Returns:
        The values.

    Raises:
        PydanticCustomError: Their number differs from the number of periods.
    """
    if problem := count_fault(len(values), info.context.periods):
        raise wrong(problem)
    return values


def window(values: list[Quantity]) -> list[Quantity]:
    """Validate a window [least, greatest].

    Args:
        values: Its ends.

    Returns:
        The ends.

    Raises:
        PydanticCustomError: There are not two ends, or the first is the greater.
    """
    if problem := window_fault(len(values)):
        raise wrong(problem)
    if values[0].exact > values[1].exact:
        raise wrong("the window is turned round: write [least, greatest]")
    return values


def some(values: list[T]) -> list[T]:
    """Validate that a value is a list.

    Args:
        values: The value.

    Returns:
        The list.

    Raises:
        PydanticCustomError: It is none.
    """
    if not isinstance(values, list):
        raise wrong(f"expected a list, such as [a, b]; found {kind_of(values)}")
    return values


PerPeriod = Annotated[
    Annotated[T, Tag(ONE)] | Annotated[list[T], AfterValidator(each), Tag(EACH)], Discriminator(_one_or_list)
]
"""One value for all periods, or a list with one for each."""

Named = Annotated[dict[K, T], BeforeValidator(_mapping), Noted()]
"""A mapping of names to things; null is an empty one."""

OrNull = Annotated[T, WrapValidator(_unless_null)]
"""A figure, or null, which leaves it out."""

Amounts = Annotated[dict[K, OrNull[T]], BeforeValidator(_mapping), AfterValidator(_given), Noted()]
"""A mapping of names to figures; one given as null is left out."""

ByMetal = Annotated[
    Annotated[T, Tag(ONE)]
    | Annotated[
        dict[Annotated[str, Name("metal", ("default",))], OrNull[T]],
        BeforeValidator(_mapping),
        AfterValidator(_given),
        Noted(),
        Tag(NAMED),
    ],
    Discriminator(_one_or_named),
]
"""One value for every metal, or by metal with an optional `default`."""

Window = Annotated[
    Annotated[T, Tag(ONE)] | Annotated[list[T], AfterValidator(window), Tag(EACH)], Discriminator(_one_or_list)
]
"""[least, greatest], or one figure for both."""

Listed = Annotated[list[T], BeforeValidator(some)]
"""A list."""
