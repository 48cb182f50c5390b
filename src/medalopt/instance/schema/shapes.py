"""Look up fields of the format by path: description, kind and number of values, and the default of parameters."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from pydantic import AfterValidator, BeforeValidator

from medalopt.instance.paths import Path
from medalopt.instance.schema import forms
from medalopt.instance.schema.document import Document
from medalopt.instance.schema.entry import Entry
from medalopt.instance.schema.fields import Flag, Measure, Name, Text, Whole

_REMARKS = {
    "source": "Where the figures come from; one a line.",
    "note": "A remark; travels into plan and report.",
}


class Form(Enum):
    """Number of values of a field."""

    ONE = auto()
    PERIODS = auto()  # one for all periods, or one per period
    WINDOW = auto()  # least and greatest, or one for both
    LIST = auto()


class Shape(NamedTuple):
    """Description of a field: meaning, number of values, and quantity, text, name or choice of words."""

    says: str
    form: Form
    measure: Measure | Whole | None = None
    name_of: str = ""  # kind of the name, such as `metal`
    words: tuple[str, ...] = ()


def shape_at(path: Path) -> Shape | None:
    """Look up the description of the field at a path.

    Args:
        path: A parameter path; a stream or a lane is one step.

    Returns:
        The description; None where the format has no field.
    """
    steps = tuple(step for step in path if isinstance(step, str))
    if steps and steps[-1] in _REMARKS:
        return Shape(_REMARKS[steps[-1]], Form.LIST if steps[-1] == "source" else Form.ONE)
    return next((_shape(says, annotation, marks) for says, annotation, marks in _at(Document, (), steps, "")), None)


def fields(path: Path) -> dict[str, Any]:
    """List the fields of the mapping at a path.

    Args:
        path: A parameter path.

    Returns:
        Pydantic fields by name; empty where the keys are names.
    """
    steps = tuple(step for step in path if isinstance(step, str))
    for _, annotation, _ in _at(Document, (), steps, ""):
        for part in parts(annotation):
            if isinstance(part, type) and issubclass(part, Entry):
                return dict(part.model_fields)
    return {}


def _at(annotation: Any, marks: tuple[Any, ...], path: Path, says: str) -> Iterator[tuple[str, Any, tuple[Any, ...]]]:
    """Yield description, type and annotations of the field at `path` below a type, one for each alternative."""
    origin, options = get_origin(annotation), get_args(annotation)
    if not path:
        yield says, annotation, marks
    elif origin is Annotated:
        yield from _at(options[0], (*marks, *options[1:]), path, says)
    elif origin in (Union, UnionType):
        for option in options:
            yield from _at(option, (), path, says)
    elif isinstance(annotation, type) and issubclass(annotation, Entry):
        field = annotation.model_fields.get(str(path[0]))
        if field is not None:
            yield from _at(field.annotation, tuple(field.metadata), path[1:], str(field.description or ""))
    elif origin is dict or (origin is list and isinstance(options[0], type) and issubclass(options[0], Entry)):
        yield from _at(options[-1], (), path[1:], says)


def _shape(says: str, annotation: Any, marks: tuple[Any, ...]) -> Shape:
    """Return the description of a field from its type and annotations."""
    every = [*marks, *_marks(annotation)]
    found = {type(mark): mark for mark in reversed(every)}
    checks = {mark.func for mark in every if isinstance(mark, (AfterValidator, BeforeValidator))}
    form = Form.ONE
    for check, meant in ((forms.each, Form.PERIODS), (forms.window, Form.WINDOW), (forms.some, Form.LIST)):
        form = meant if check in checks else form
    measure = found.get(Measure) or found.get(Whole)
    if measure is not None:
        return Shape(says, form, measure)
    name, text = found.get(Name), found.get(Text) or found.get(Flag)
    return Shape(says, form, None, name.of if name else "", text.words if text else ())


def _marks(annotation: Any) -> Iterator[Any]:
    """Yield the annotations of a type and of its parts."""
    origin, options = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from options[1:]
        yield from _marks(options[0])
    elif origin in (Union, UnionType, list, dict):
        for option in options[-1:] if origin is dict else options:
            yield from _marks(option)


def parts(annotation: Any) -> Iterator[Any]:
    """Iterate over the alternatives of a type, itself first.

    Args:
        annotation: A type, possibly annotated or a union.

    Returns:
        The types.
    """
    origin, options = get_origin(annotation), get_args(annotation)
    yield annotation
    if origin is Annotated:
        yield from parts(options[0])
    elif origin in (Union, UnionType):
        for option in options:
            yield from parts(option)
