"""Containers of values in an instance file: per period, by metal, windows and mappings, and their base class."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from itertools import pairwise
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from medalopt.instance.reader.yaml_nodes import is_null
from medalopt.instance.schema.field_types import (
    ELEMENT,
    NameField,
    Schema,
    ValidationContext,
    describe_found,
    make_error,
)
from medalopt.text import format_count, state_count
from medalopt.units import Quantity

K = TypeVar("K")
S = TypeVar("S")
T = TypeVar("T")
MAX_PRICE_STEPS = 20
STEP_LIST_FAULT = (
    "a price step has one price for all periods, as its quantity counts over the horizon; found a list. For steps "
    "whose prices change over time state one {part} for each step, with the list as its `price` and the quantity of "
    "the step as its `{quantity}`"
)

BRANCH_ONE, BRANCH_LIST, BRANCH_MAPPING, BRANCH_STEPS = "«one»", "«list»", "«mapping»", "«steps»"
"""Branches of a value with several notations, as they appear in the location of a fault."""

NOTE_SCHEMAS: Schema = {
    "source": {
        "description": "Where the values come from; copied into plan and report.",
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    },
    "note": {"description": "A remark; copied into plan and report.", "type": "string"},
}


class NotedMapping:
    """Adds `source` and `note`, which every mapping may have, to the JSON Schema of a mapping of names."""

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> Schema:
        """Describe the mapping with `source` and `note`."""
        described: Schema = handler(schema)
        described.pop("propertyNames", None)
        for inner in described.pop("patternProperties", {}).values():
            described["additionalProperties"] = inner
        return {**described, "properties": NOTE_SCHEMAS}


def _check_mapping(value: object) -> object:
    """Return a mapping; null is an empty one, any other value a fault."""
    if is_null(value):
        return {}
    if not isinstance(value, dict):
        raise make_error(f"expected a mapping of names (`name: …`); found {describe_found(value)}", "wrong_structure")
    return value


def _validate_unless_null(value: object, handler: ValidatorFunctionWrapHandler) -> Any:
    """Return None for a null value, whose key is validated all the same."""
    return None if is_null(value) else handler(value)


def _drop_null_values(amounts: dict[K, T]) -> dict[K, T]:
    """Return the mapping without null values."""
    return {name: item for name, item in amounts.items() if item is not None}


def _select_one_or_list(value: object) -> str:
    """Select the alternative of a value that may be a list."""
    return BRANCH_LIST if isinstance(value, list) else BRANCH_ONE


def _select_price(value: object) -> str:
    """Select the alternative of a price: one value, a list by period, or steps."""
    steps = isinstance(value, list) and any(isinstance(item, dict) for item in value)
    return BRANCH_STEPS if steps else _select_one_or_list(value)


def select_one_or_mapping(value: object) -> str:
    """Select the alternative of a value that may be a mapping.

    Args:
        value: The value.

    Returns:
        Tag of the alternative.
    """
    return BRANCH_MAPPING if isinstance(value, dict) else BRANCH_ONE


def find_count_fault(found: int, periods: int | None) -> str:
    """Check the number of values in a list with one value per period.

    Args:
        found: Number of values.
        periods: Number of periods; None where unknown.

    Returns:
        The fault and its remedy; '' where there is none.
    """
    if periods is None or found == periods:
        return ""
    values = format_count(found, "value")
    return f"{state_count(periods, 'period')}, but {values}: give one for each, or one value for all"


def find_step_fault(limits: Sequence[Fraction | None]) -> str:
    """Check the limits of price steps.

    Args:
        limits: `up_to` of each step, None where it is left out.

    Returns:
        The fault and its remedy; '' where there is none.
    """
    if len(limits) > MAX_PRICE_STEPS:
        return f"there are {len(limits)} price steps; a price has at most {MAX_PRICE_STEPS}"
    for number, (limit, after) in enumerate(pairwise(limits), start=1):
        if limit is None:
            return f"step {number} of {len(limits)} has no `up_to`: only the last step may leave it out"
        if after is not None and after <= limit:
            return f"`up_to` must rise: that of step {number + 1} is not above that of step {number}"
    return ""


def _check_price_steps(values: list[Any]) -> list[Any]:
    """Validate that the `up_to` of price steps rise and none is missing; return the steps."""
    if problem := find_step_fault([None if step.up_to is None else step.up_to.exact for step in values]):
        raise make_error(problem)
    return values


def refuse_step_list(value: object) -> object:
    """Refuse a list as the price of one step.

    Returns:
        The value.

    Raises:
        PydanticCustomError: It is a list.
    """
    if isinstance(value, list):
        raise make_error(STEP_LIST_FAULT.format(part="offer", quantity="limit"))
    return value


def find_window_fault(found: int) -> str:
    """Check the number of values in a window.

    Args:
        found: Number of values.

    Returns:
        The fault; '' where there are two values.
    """
    return "" if found == 2 else f"expected a pair, [least, greatest]; found a list of {found}"


def check_period_values(values: list[T], info: ValidationInfo[ValidationContext]) -> list[T]:
    """Validate a list with one value per period.

    Returns:
        The values.

    Raises:
        PydanticCustomError: Their number differs from the number of periods.
    """
    if problem := find_count_fault(len(values), info.context.periods):
        raise make_error(problem)
    return values


def check_window(values: list[Quantity]) -> list[Quantity]:
    """Validate a window [least, greatest].

    Returns:
        The ends.

    Raises:
        PydanticCustomError: There are not two ends, or the first is the greater.
    """
    if problem := find_window_fault(len(values)):
        raise make_error(problem)
    if values[0].exact > values[1].exact:
        raise make_error("the window is turned round: write [least, greatest]")
    return values


def check_list(values: list[T]) -> list[T]:
    """Validate that a value is a list.

    Returns:
        The list.

    Raises:
        PydanticCustomError: It is none.
    """
    if not isinstance(values, list):
        raise make_error(f"expected a list, such as [a, b]; found {describe_found(values)}", "wrong_structure")
    return values


PerPeriod = Annotated[
    Annotated[T, Tag(BRANCH_ONE)] | Annotated[list[T], AfterValidator(check_period_values), Tag(BRANCH_LIST)],
    Discriminator(_select_one_or_list),
]
"""One value for all periods, or a list with one for each."""

PerPeriodOrSteps = Annotated[
    Annotated[T, Tag(BRANCH_ONE)]
    | Annotated[list[T], AfterValidator(check_period_values), Tag(BRANCH_LIST)]
    | Annotated[list[S], AfterValidator(_check_price_steps), Tag(BRANCH_STEPS)],
    Discriminator(_select_price),
]
"""One value for all periods, a list with one for each, or price steps by quantity over the horizon."""

Named = Annotated[dict[K, T], BeforeValidator(_check_mapping), NotedMapping()]
"""A mapping of names to values; null is an empty mapping."""

OrNull = Annotated[T, WrapValidator(_validate_unless_null)]
"""A value, or null to omit it."""

Amounts = Annotated[
    dict[K, OrNull[T]], BeforeValidator(_check_mapping), AfterValidator(_drop_null_values), NotedMapping()
]
"""A mapping of names to values; one given as null is omitted."""

ByMetal = Annotated[
    Annotated[T, Tag(BRANCH_ONE)]
    | Annotated[Amounts[Annotated[str, NameField("metal", ("default",))], T], Tag(BRANCH_MAPPING)],
    Discriminator(select_one_or_mapping),
]
"""One value for every metal, or by metal with an optional `default`."""

ByElement = Annotated[
    Annotated[T, Tag(BRANCH_ONE)]
    | Annotated[Amounts[Annotated[str, NameField(ELEMENT, ("default",))], T], Tag(BRANCH_MAPPING)],
    Discriminator(select_one_or_mapping),
]
"""One value for every metal and impurity, or by metal or impurity with an optional `default`."""

OneOrMore = Annotated[
    Annotated[T, Tag(BRANCH_ONE)] | Annotated[list[T], Tag(BRANCH_LIST)], Discriminator(_select_one_or_list)
]
"""One entry, or a list of several."""

Window = Annotated[
    Annotated[T, Tag(BRANCH_ONE)] | Annotated[list[T], AfterValidator(check_window), Tag(BRANCH_LIST)],
    Discriminator(_select_one_or_list),
]
"""[least, greatest], or one value for both."""

Listed = Annotated[list[T], BeforeValidator(check_list)]
"""A list."""


def describe_field(text: str, default: Any = ...) -> Any:
    """Return a pydantic field with its description.

    Args:
        text: The description.
        default: The default; left out: the field is required.

    Returns:
        The field.
    """
    return Field(default=default, description=text)


class Entry(BaseModel):
    """A mapping of known keys. Null is an empty mapping; a parameter given as null is absent."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=lambda schema: _add_note_schemas(schema))

    @model_validator(mode="before")
    @classmethod
    def _leave_out(cls, value: object) -> object:
        """Replace null by an empty mapping, and drop null values of fields that are not mappings."""
        if is_null(value):
            return {}
        if isinstance(value, dict):
            figures = cls.figures()
            return {key: item for key, item in value.items() if not is_null(item) or key not in figures}
        return value

    @classmethod
    @cache
    def figures(cls) -> frozenset[str]:
        """Return the names of the fields for which null means absent.

        Returns:
            Names of all fields but the mappings.
        """
        return frozenset(cls.model_fields) - cls.mappings()

    @classmethod
    def mappings(cls) -> frozenset[str]:
        """Return the names of the fields that are mappings, for which null means empty.

        Returns:
            Names of these fields.
        """
        return frozenset(name for name, field in cls.model_fields.items() if _is_mapping(field.annotation))


def _is_mapping(annotation: Any) -> bool:
    """Return whether all alternatives of a type but None are mappings."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _is_mapping(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return all(_is_mapping(option) for option in get_args(annotation) if option is not NoneType)
    return origin is dict or (isinstance(annotation, type) and issubclass(annotation, Entry))


def _add_note_schemas(schema: dict[str, Any]) -> None:
    """Add `source` and `note` to the JSON Schema of a mapping."""
    schema.setdefault("properties", {}).update(NOTE_SCHEMAS)
