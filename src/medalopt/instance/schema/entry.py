from __future__ import annotations

from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, model_validator

from medalopt.instance.schema.forms import NOTES, is_null


def about(text: str, default: Any = ...) -> Any:
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

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=lambda schema: _with_notes(schema))

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
    return origin is dict or _is_entry(annotation)


def _is_entry(annotation: Any) -> bool:
    """Return whether a type is a model of the format."""
    return isinstance(annotation, type) and issubclass(annotation, Entry)


def _with_notes(schema: dict[str, Any]) -> None:
    """Add `source` and `note` to the JSON Schema of a mapping."""
    schema.setdefault("properties", {}).update(NOTES)
