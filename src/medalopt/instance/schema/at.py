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
    """Kind of a parameter: a quantity or an integer, and its default."""

    measure: Measure | Whole
    default: Any  # a quantity, a number, or None where there is none


def kind_at(path: Path) -> Kind | None:
    """Look up the kind of parameter at a path.

    Args:
        path: A parameter path, streams and lanes by name.

    Returns:
        The kind; None where the format has no parameter.
    """
    return next(_inside(Document, (), path, None), None)


def _inside(annotation: Any, marks: tuple[Any, ...], path: Path, default: Any) -> Iterator[Kind]:
    """Yield the kinds of parameter at `path` below a type, one for each alternative."""
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
