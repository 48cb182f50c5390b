"""A tree against the models: every fault at its own place, and what is right of the file for the checks that follow."""

from __future__ import annotations

from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, NamedTuple, TypeVar, Union, get_args, get_origin

from pydantic import Tag, ValidationError, create_model

from medalopt.instance.paths import Path
from medalopt.instance.reader.faults import ENOUGH, Faults, Place
from medalopt.instance.reader.nodes import Mapping, Scalar, Sequence, find, key_place, place_of, plain
from medalopt.instance.schema.document import Document
from medalopt.instance.schema.entry import Entry
from medalopt.instance.schema.fields import Context
from medalopt.instance.schema.forms import EACH, NAMED, ONE, count_fault, window_fault
from medalopt.instance.schema.shapes import Form, parts, shape_at
from medalopt.wording import did_you_mean, listed, shown

E = TypeVar("E", bound=Entry)
_BRANCHES = frozenset({ONE, EACH, NAMED, "[key]"})
_STAND_INS = {"format": "medalopt/1", "name": "unnamed", "currency": "XXX"}


@lru_cache(maxsize=256)
def model_of(sections: frozenset[str]) -> type[Entry]:
    """Return the model of some sections of the document alone."""
    fields: dict[str, Any] = {
        name: (Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation, field)
        for name, field in Document.model_fields.items()
        if name in sections
    }
    return create_model("Part", __base__=Entry, **fields)


def validated(root: Mapping, model: type[E], context: Context, faults: Faults) -> E:
    """Return what stands at `root` by `model`, the document or some of its sections.

    What is wrong is noted in `faults` and left out. Whatever is left out takes nothing else with it than what cannot
    be without it, so that one call finds as many faults as there are. Raises InputError at once where they are very
    many: nothing else is looked for then.
    """
    data = plain(root)
    told: set[Path] = set()
    settled: set[tuple[bool, Path]] = set()
    while True:
        try:
            return model.model_validate(data, context=context)
        except ValidationError as error:
            listed = error.errors(include_url=False, include_context=False, include_input=False)
            found = [_Error.of(item["loc"], item["type"], item["msg"]) for item in listed[:ENOUGH]]
        fresh = [one for one in found if not any(one.path[:n] in told for n in range(1, len(one.path) + 1))]
        for one in fresh:
            faults.add(one.place(root), one.path, one.text)
        for path in dict.fromkeys(one.path[:-1] for one in fresh if isinstance(one.path[-1], int)):
            if told_too := _count_fault(path, root, context):
                faults.add(place_of(root, path), path, told_too)
        if len(listed) > ENOUGH:
            faults.add_unsaid(len(listed) - ENOUGH)
            faults.settle()
        gone = {(one.kind == "missing", _take_out(one, data)) for one in found}
        assert not gone <= settled, "what is wrong is taken out once"
        settled |= gone
        told |= {path for _, path in gone}


class _Error(NamedTuple):
    """One error of the models: `loc` holds the branches of values that may be written in two ways, `path` does not."""

    loc: Path
    kind: str
    message: str
    path: Path

    @classmethod
    def of(cls, loc: Path, kind: str, message: str) -> _Error:
        """Return the error with its path as the file has it."""
        return cls(loc, kind, message, tuple(step for step in loc if step not in _BRANCHES))

    def place(self, root: Mapping) -> Place:
        """Return the place of the key or the value that is wrong, or of the mapping that lacks it."""
        if self.kind == "missing":
            return place_of(root, self.path[:-1])
        at_key = self.loc[-1] == "[key]" or self.kind == "extra_forbidden"
        return key_place(root, self.path) if at_key else place_of(root, self.path)

    @property
    def text(self) -> str:
        """What is wrong and what to do, in words."""
        if self.kind == "missing":
            return _missing(self.loc)
        if self.kind == "extra_forbidden":
            return _unknown(self.loc, str(self.path[-1]))
        return self.message if self.kind == "wrong" else _shape(self.kind, self.message)


def _count_fault(path: Path, root: Mapping, context: Context) -> str:
    """Return what is wrong with the number of values in the list at `path`, which goes unseen where one is wrong."""
    node, shape = find(root, path), shape_at(path)
    if not isinstance(node, Sequence) or shape is None:
        return ""
    if shape.form is Form.WINDOW:
        return window_fault(len(node.items))
    return count_fault(len(node.items), context.periods) if shape.form is Form.PERIODS else ""


def _take_out(one: _Error, data: Any) -> Path:
    """Delete what is wrong, with a list that has it, or fill what is missing. Return what went or was filled."""
    path = one.path
    above = data
    for number, step in enumerate(path[:-1]):
        inside = above.get(step, {})
        if isinstance(inside, list):
            path = path[: number + 1]
            break
        if not isinstance(inside, dict):  # a value in the place of a mapping: it goes as a whole
            above.pop(step)
            return path[: number + 1]
        above = inside
    if one.kind == "missing":
        above[path[-1]] = _stand_in(one.loc)
    else:
        above.pop(path[-1], None)
    return path


def _stand_in(loc: Path) -> Any:
    """Return what stands at the place of a required field that is missing or wrong, so that all beside it is looked at.

    It is nothing that a check would find wrong.
    """
    if len(loc) == 1 and loc[0] in _STAND_INS:
        return Scalar(_STAND_INS[str(loc[0])], False, Place(""))
    kinds = [get_origin(part) for part in parts(_inside(Document, loc))]
    return {} if dict in kinds else [] if kinds[0] is list else Scalar("0", True, Place(""))


def _missing(loc: Path) -> str:
    field = _inside(Document, loc[:-1]).model_fields[loc[-1]]
    return f"`{loc[-1]}` is missing: {str(field.description).rstrip('.')}"


def _unknown(loc: Path, name: str) -> str:
    entry = _inside(Document, loc[:-1])
    known = [*entry.model_fields, "source", "note"]
    near = did_you_mean(name, known)
    return f"unknown key `{shown(name)}`{near or f'; the keys known here are {listed(known, 30)}'}"


def _shape(kind: str, message: str) -> str:
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        return "expected a mapping (`key: value` lines, or `{key: value}`)"
    return "expected a list, such as [a, b]" if kind == "list_type" else shown(message, 200)


def _inside(annotation: Any, loc: Path) -> Any:
    """Return the type of what stands at `loc` below something of the type `annotation`."""
    origin, options = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _inside(options[0], loc)
    if origin in (Union, UnionType):
        tagged = [one for one in options if loc and Tag(loc[0]) in getattr(one, "__metadata__", ())]  # type: ignore[arg-type]
        rest = [one for one in options if one is not type(None)]
        return _inside(tagged[0], loc[1:]) if tagged else _inside(rest[0], loc)
    if not loc:
        return annotation
    if isinstance(annotation, type) and issubclass(annotation, Entry):
        return _inside(annotation.model_fields[str(loc[0])].annotation, loc[1:])
    return _inside(options[-1], loc[1:])


def node_names(root: Mapping, section: str) -> frozenset[str] | None:
    """Return the names that `section` defines, right or wrong; None where it is amiss, a fault of its own."""
    node = find(root, (section,))
    if isinstance(node, Mapping):
        return frozenset(node.items)
    return None if node is not None or Document.model_fields[section].is_required() else frozenset()
