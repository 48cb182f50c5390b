"""Look up fields of the format by path: description, kind and number of values, and the default of parameters."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticUndefined

from medalopt.instance.paths import ParameterPath
from medalopt.instance.schema.containers import Entry, check_list, check_period_values, check_window
from medalopt.instance.schema.document import Document
from medalopt.instance.schema.field_types import BooleanField, IntegerField, NameField, QuantityField, TextField

PER_METAL_FIELDS = ("recovery", "returned", "refining_charge", "deduction", "lead", "credited", "cv", "confidence")
TABLE_SECTIONS = ("streams", "lanes")  # sections that may be given as a table

_NOTE_MEANINGS = {
    "source": "Sources of the values, one per line.",
    "note": "Remark; copied into plan and reports.",
}


class ValueForm(Enum):
    """Number of values of a field."""

    ONE = auto()
    PERIODS = auto()  # one for all periods, or one per period
    WINDOW = auto()  # least and greatest, or one for both
    LIST = auto()


class FieldDescription(NamedTuple):
    """Description of a field: meaning, number of values, and quantity, text, name or choice of words."""

    description: str
    value_form: ValueForm
    measure: QuantityField | IntegerField | None = None
    name_of: str = ""  # kind of the name, such as `metal`
    words: tuple[str, ...] = ()


def find_field_description(path: ParameterPath) -> FieldDescription | None:
    """Look up the description of the field at a path.

    Args:
        path: A parameter path; a stream or a lane is one step.

    Returns:
        The description; None where the format has no field.
    """
    steps = tuple(step for step in path if isinstance(step, str))
    if steps and steps[-1] in _NOTE_MEANINGS:
        return FieldDescription(_NOTE_MEANINGS[steps[-1]], ValueForm.LIST if steps[-1] == "source" else ValueForm.ONE)
    return next(
        (
            _make_description(text, annotation, marks)
            for text, annotation, marks in _search_types(Document, (), steps, "")
        ),
        None,
    )


def list_fields(path: ParameterPath) -> dict[str, Any]:
    """List the fields of the mapping at a path.

    Returns:
        Pydantic fields by name; empty where the keys are names.
    """
    steps = tuple(step for step in path if isinstance(step, str))
    for _, annotation, _ in _search_types(Document, (), steps, ""):
        for part in iterate_type_parts(annotation):
            if isinstance(part, type) and issubclass(part, Entry):
                return dict(part.model_fields)
    return {}


def _search_types(
    annotation: Any, marks: tuple[Any, ...], path: ParameterPath, text: str
) -> Iterator[tuple[str, Any, tuple[Any, ...]]]:
    """Yield description, type and annotations of the field at `path` below a type, one for each alternative."""
    origin, options = get_origin(annotation), get_args(annotation)
    if not path:
        yield text, annotation, marks
    elif origin is Annotated:
        yield from _search_types(options[0], (*marks, *options[1:]), path, text)
    elif origin in (Union, UnionType):
        for option in options:
            yield from _search_types(option, (), path, text)
    elif isinstance(annotation, type) and issubclass(annotation, Entry):
        field = annotation.model_fields.get(str(path[0]))
        if field is not None:
            yield from _search_types(field.annotation, tuple(field.metadata), path[1:], str(field.description or ""))
    elif origin is dict or (origin is list and isinstance(options[0], type) and issubclass(options[0], Entry)):
        yield from _search_types(options[-1], (), path[1:], text)


def _make_description(description: str, annotation: Any, marks: tuple[Any, ...]) -> FieldDescription:
    """Return the description of a field from its type and annotations."""
    every = [*marks, *_iterate_annotations(annotation)]
    result = {type(mark): mark for mark in reversed(every)}
    checks = {mark.func for mark in every if isinstance(mark, (AfterValidator, BeforeValidator))}
    form = ValueForm.ONE
    for check, meant in (
        (check_period_values, ValueForm.PERIODS),
        (check_window, ValueForm.WINDOW),
        (check_list, ValueForm.LIST),
    ):
        form = meant if check in checks else form
    measure = result.get(QuantityField) or result.get(IntegerField)
    if measure is not None:
        return FieldDescription(description, form, measure)
    name, text = result.get(NameField), result.get(TextField) or result.get(BooleanField)
    return FieldDescription(description, form, None, name.of if name else "", text.words if text else ())


def _iterate_annotations(annotation: Any) -> Iterator[Any]:
    """Yield the annotations of a type and of its parts."""
    origin, options = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from options[1:]
        yield from _iterate_annotations(options[0])
    elif origin in (Union, UnionType, list, dict):
        for option in options[-1:] if origin is dict else options:
            yield from _iterate_annotations(option)


def iterate_type_parts(annotation: Any) -> Iterator[Any]:
    """Iterate over the alternatives of a type, itself first.

    Args:
        annotation: A type, possibly annotated or a union.

    Returns:
        The types.
    """
    origin, options = get_origin(annotation), get_args(annotation)
    yield annotation
    if origin is Annotated:
        yield from iterate_type_parts(options[0])
    elif origin in (Union, UnionType):
        for option in options:
            yield from iterate_type_parts(option)


class ParameterKind(NamedTuple):
    """Kind of a parameter: a quantity or an integer, and its default."""

    field_type: QuantityField | IntegerField
    default: Any  # a quantity, a number, or None where there is none


def find_parameter_kind(path: ParameterPath) -> ParameterKind | None:
    """Look up the kind of parameter at a path.

    Args:
        path: A parameter path, streams and lanes by name.

    Returns:
        The kind; None where the format has no parameter.
    """
    return next(_search_parameter_kinds(Document, (), path, None), None)


def _search_parameter_kinds(
    annotation: Any, marks: tuple[Any, ...], path: ParameterPath, default: Any
) -> Iterator[ParameterKind]:
    """Yield the kinds of parameter at `path` below a type, one for each alternative."""
    origin, options = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _search_parameter_kinds(options[0], (*marks, *options[1:]), path, default)
    elif not path:
        measures = [mark for mark in marks if isinstance(mark, (QuantityField, IntegerField))]
        if measures:
            yield ParameterKind(measures[0], default)
        elif origin in (Union, UnionType):
            for option in options:
                yield from _search_parameter_kinds(option, (), path, default)
    elif origin in (Union, UnionType):
        for option in options:
            yield from _search_parameter_kinds(option, (), path, default)
    elif isinstance(annotation, type) and issubclass(annotation, Entry):
        field = annotation.model_fields.get(str(path[0]))
        if field is not None:
            own = None if field.default is PydanticUndefined else field.default
            yield from _search_parameter_kinds(field.annotation, tuple(field.metadata), path[1:], own)
    elif options and (origin is dict or isinstance(path[0], int) or len(path) > 1):
        yield from _search_parameter_kinds(options[-1], (), path[1:], default)
