"""Validate a node tree against the models: every fault at its own place, and all valid parts for further checks."""

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
    """Build a model of some sections of the document.

    Args:
        sections: Names of the sections.

    Returns:
        The model, with these fields only.
    """
    fields: dict[str, Any] = {
        name: (Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation, field)
        for name, field in Document.model_fields.items()
        if name in sections
    }
    return create_model("Part", __base__=Entry, **fields)


def validated(root: Mapping, model: type[E], context: Context, faults: Faults) -> E:
    """Validate a node tree.

    Invalid values are recorded and removed, missing ones get placeholders, and validation is repeated, so that one call
    finds as many faults as there are.

    Args:
        root: Root node.
        model: The document, or a model of some sections.
        context: Names and currencies of the file.
        faults: Collects the faults.

    Returns:
        The valid part. InputError is raised at once where faults are very many.
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
    """One error of pydantic; `loc` includes the tags of union alternatives, `path` does not."""

    loc: Path
    kind: str
    message: str
    path: Path

    @classmethod
    def of(cls, loc: Path, kind: str, message: str) -> _Error:
        """Return the error with the path as in the file.

        Args:
            loc: Location given by pydantic.
            kind: Type of the error.
            message: Message of the error.

        Returns:
            The error.
        """
        return cls(loc, kind, message, tuple(step for step in loc if step not in _BRANCHES))

    def place(self, root: Mapping) -> Place:
        """Return the place of the invalid key or value, or of the mapping that lacks a key.

        Args:
            root: Root node.

        Returns:
            The place.
        """
        if self.kind == "missing":
            return place_of(root, self.path[:-1])
        at_key = self.loc[-1] == "[key]" or self.kind == "extra_forbidden"
        return key_place(root, self.path) if at_key else place_of(root, self.path)

    @property
    def text(self) -> str:
        """The fault and its remedy as a message."""
        if self.kind == "missing":
            return _missing(self.loc)
        if self.kind == "extra_forbidden":
            return _unknown(self.loc, str(self.path[-1]))
        return self.message if self.kind == "wrong" else _shape(self.kind, self.message)


def _count_fault(path: Path, root: Mapping, context: Context) -> str:
    """Return the fault in the length of the list at `path`, which pydantic omits where an element is invalid."""
    node, shape = find(root, path), shape_at(path)
    if not isinstance(node, Sequence) or shape is None:
        return ""
    if shape.form is Form.WINDOW:
        return window_fault(len(node.items))
    return count_fault(len(node.items), context.periods) if shape.form is Form.PERIODS else ""


def _take_out(one: _Error, data: Any) -> Path:
    """Remove an invalid value, or the list that contains it, or insert a placeholder. Return the path of the change."""
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
    """Return a valid placeholder for a required field, so that all other fields are validated."""
    if len(loc) == 1 and loc[0] in _STAND_INS:
        return Scalar(_STAND_INS[str(loc[0])], False, Place(""))
    kinds = [get_origin(part) for part in parts(_inside(Document, loc))]
    return {} if dict in kinds else [] if kinds[0] is list else Scalar("0", True, Place(""))


def _missing(loc: Path) -> str:
    """Return the message for a missing key."""
    field = _inside(Document, loc[:-1]).model_fields[loc[-1]]
    return f"`{loc[-1]}` is missing: {str(field.description).rstrip('.')}"


def _unknown(loc: Path, name: str) -> str:
    """Return the message for an unknown key, with the known ones."""
    entry = _inside(Document, loc[:-1])
    known = [*entry.model_fields, "source", "note"]
    near = did_you_mean(name, known)
    return f"unknown key `{shown(name)}`{near or f'; the keys known here are {listed(known, 30)}'}"


def _shape(kind: str, message: str) -> str:
    """Return the message for a value of the wrong structure."""
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        return "expected a mapping (`key: value` lines, or `{key: value}`)"
    return "expected a list, such as [a, b]" if kind == "list_type" else shown(message, 200)


def _inside(annotation: Any, loc: Path) -> Any:
    """Return the type at `loc` below the type `annotation`."""
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
    """List the names that a section defines, valid or not.

    Args:
        root: Root node.
        section: Name of the section.

    Returns:
        The names; None where the section is invalid, a fault of its own.
    """
    node = find(root, (section,))
    if isinstance(node, Mapping):
        return frozenset(node.items)
    return None if node is not None or Document.model_fields[section].is_required() else frozenset()
