"""What may stand at a path: the kind of figure there, and what it is where the file leaves it out."""

from __future__ import annotations

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from pydantic_core import PydanticUndefined

from medalopt.instance.paths import Path
from medalopt.instance.schema.document import Document
from medalopt.instance.schema.entry import Entry
from medalopt.instance.schema.fields import Measure, Whole


class Kind(NamedTuple):
    """A kind of figure: a measure with its unit or a whole number, and what stands for it where it is left out."""

    measure: Measure | Whole
    default: Any  # a quantity, a number, or None where there is none


def kind_at(path: Path) -> Kind | None:
    """Return the kind of figure that may stand at `path`, a stream or a lane by its name; None where no figure may."""
    return next(_inside(Document, (), path, None), None)


def _inside(annotation: Any, marks: tuple[Any, ...], path: Path, default: Any) -> Iterator[Kind]:
    origin, options = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _inside(options[0], (*marks, *options[1:]), path, default)
    elif not path:
        measures = [mark for mark in marks if isinstance(mark, (Measure, Whole))]
        if measures:
            yield Kind(measures[0], default)
        elif origin in (Union, UnionType):
            for option in options:
                yield from _inside(option, (), path, default)
    elif origin in (Union, UnionType):
        for option in options:
            yield from _inside(option, (), path, default)
    elif isinstance(annotation, type) and issubclass(annotation, Entry):
        field = annotation.model_fields.get(str(path[0]))
        if field is not None:
            own = None if field.default is PydanticUndefined else field.default
            yield from _inside(field.annotation, tuple(field.metadata), path[1:], own)
    elif options and (origin is dict or isinstance(path[0], int) or len(path) > 1):
        yield from _inside(options[-1], (), path[1:], default)
