"""What may stand at a path, for who shows it to a person: its meaning, its kind, and whether one or several."""

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
    """How many values stand under one name."""

    ONE = auto()
    PERIODS = auto()  # one for all periods, or one for each
    WINDOW = auto()  # least and greatest, or one for both
    LIST = auto()


class Shape(NamedTuple):
    """What stands at a path: its meaning; a figure with its measure, or text, a name or one of some words."""

    says: str
    form: Form
    measure: Measure | Whole | None = None
    name_of: str = ""  # the kind of thing that is named, such as `metal`
    words: tuple[str, ...] = ()


def shape_at(path: Path) -> Shape | None:
    """Return what may stand at `path`, in which a stream or a lane has one step; None where nothing may."""
    steps = tuple(step for step in path if isinstance(step, str))
    if steps and steps[-1] in _REMARKS:
        return Shape(_REMARKS[steps[-1]], Form.LIST if steps[-1] == "source" else Form.ONE)
    return next((_shape(says, annotation, marks) for says, annotation, marks in _at(Document, (), steps, "")), None)


def fields(path: Path) -> dict[str, Any]:
    """Return the fields of the mapping at `path`, none where it is one of names."""
    steps = tuple(step for step in path if isinstance(step, str))
    for _, annotation, _ in _at(Document, (), steps, ""):
        for part in parts(annotation):
            if isinstance(part, type) and issubclass(part, Entry):
                return dict(part.model_fields)
    return {}


def _at(annotation: Any, marks: tuple[Any, ...], path: Path, says: str) -> Iterator[tuple[str, Any, tuple[Any, ...]]]:
    """Yield description, type and marks of what stands at `path` below a type, once for each way to read it."""
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
    origin, options = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from options[1:]
        yield from _marks(options[0])
    elif origin in (Union, UnionType, list, dict):
        for option in options[-1:] if origin is dict else options:
            yield from _marks(option)


def parts(annotation: Any) -> Iterator[Any]:
    """Yield the types that a type is made of, itself first."""
    origin, options = get_origin(annotation), get_args(annotation)
    yield annotation
    if origin is Annotated:
        yield from parts(options[0])
    elif origin in (Union, UnionType):
        for option in options:
            yield from parts(option)
