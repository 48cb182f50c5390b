"""A tree against the models: every fault at its own place, and what is right of the file for the checks that follow."""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from pydantic import Tag, ValidationError

from medalopt.instance.paths import Path
from medalopt.instance.reader.faults import ENOUGH, Faults, Place
from medalopt.instance.reader.nodes import Mapping, Scalar, find, key_place, place_of, plain
from medalopt.instance.schema.document import Document
from medalopt.instance.schema.entry import Entry
from medalopt.instance.schema.fields import Context
from medalopt.instance.schema.forms import EACH, NAMED, ONE
from medalopt.wording import did_you_mean, listed, shown

_BRANCHES = frozenset({ONE, EACH, NAMED, "[key]"})
_STAND_INS = {"format": "medalopt/1", "name": "unnamed", "currency": "XXX"}


def validated(root: Mapping, context: Context, faults: Faults) -> Document:
    """Return the document at `root`; what is wrong is noted in `faults` and left out of it.

    Whatever is left out takes nothing else with it than what cannot be without it, so that one call finds as
    many faults as there are. Raises InputError at once where they are very many: nothing else is looked for then.
    """
    data = plain(root)
    told: set[Path] = set()
    settled: set[tuple[bool, Path]] = set()
    while True:
        try:
            return Document.model_validate(data, context=context)
        except ValidationError as error:
            listed = error.errors(include_url=False, include_context=False, include_input=False)
            found = [_Error.of(item["loc"], item["type"], item["msg"]) for item in listed[:ENOUGH]]
        fresh = [one for one in found if not any(one.path[:n] in told for n in range(1, len(one.path) + 1))]
        for one in fresh:
            faults.add(one.place(root), one.path, one.text)
        if len(listed) > ENOUGH:
            faults.add_unsaid(len(listed) - ENOUGH)
            faults.settle()
        gone = {(one.kind == "missing", _take_out(one.path, data, gap=one.kind == "missing")) for one in found}
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


def _take_out(path: Path, data: Any, *, gap: bool) -> Path:
    """Delete what stands at `path`; for a gap the mapping that has it, unless that is the file. Return what went."""
    if gap and len(path) == 1:
        name = str(path[0])
        data[name] = Scalar(_STAND_INS[name], False, Place("")) if name in _STAND_INS else {}
        return path
    above = data
    target = path[:-1] if gap else path
    for step in target[:-1]:
        inside = (isinstance(above, dict) and step in above) or isinstance(above, list)
        above = above[step] if inside else {}
    if isinstance(above, list):
        return _take_out(target[:-1], data, gap=False)
    above.pop(target[-1], None)
    return target


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
