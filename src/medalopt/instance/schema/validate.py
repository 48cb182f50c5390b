"""A tree against the models: every fault at its own place, and what is right of the file for the checks that follow."""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import Tag, ValidationError

from medalopt.instance.paths import Path
from medalopt.instance.reader.faults import Faults, Place
from medalopt.instance.reader.nodes import Mapping, Scalar, find, key_place, place_of, plain
from medalopt.instance.schema.document import Document
from medalopt.instance.schema.entry import Entry
from medalopt.instance.schema.fields import Context
from medalopt.instance.schema.forms import EACH, NAMED, ONE
from medalopt.wording import did_you_mean, listed, shown

_STAND_INS = {"format": "medalopt/1", "name": "unnamed", "currency": "XXX"}


def validated(root: Mapping, context: Context, faults: Faults) -> Document:
    """Return the document at `root`; what is wrong is noted in `faults` and left out of it.

    Whatever is left out takes nothing else with it than what cannot be without it, so that one call finds as
    many faults as there are.
    """
    data = plain(root)
    told: set[Path] = set()
    while True:
        try:
            return Document.model_validate(data, context=context)
        except ValidationError as error:
            for item in error.errors(include_url=False, include_input=False):
                _settle(item["loc"], item["type"], item["msg"], data, root, faults, told)


def _settle(loc: Path, kind: str, message: str, data: Any, root: Mapping, faults: Faults, told: set[Path]) -> None:
    """Note one error of the models and take its cause out of `data`."""
    key = bool(loc) and loc[-1] == "[key]"
    path = tuple(step for step in (loc[:-1] if key else loc) if step not in (ONE, EACH, NAMED))
    place = key_place(root, path) if key or kind == "extra_forbidden" else place_of(root, path)
    if kind == "missing":
        message, place = _missing(loc), place_of(root, path[:-1])
    elif kind == "extra_forbidden":
        message = _unknown(loc, str(path[-1]))
    elif kind != "wrong":
        message = _shape(kind, message)
    if not _beneath(path, told):
        faults.add(place, path, message)
        told.add(path)
    _take_out(path, data, gap=kind == "missing")


def _beneath(path: Path, told: set[Path]) -> bool:
    """Whether a fault is already noted at `path` or above it."""
    return any(path[:length] in told for length in range(1, len(path) + 1))


def _take_out(path: Path, data: Any, *, gap: bool) -> None:
    """Delete what stands at `path`; for a gap the mapping that has it, unless that is the file itself."""
    if gap and len(path) == 1:
        name = str(path[0])
        data[name] = Scalar(_STAND_INS[name], False, Place("")) if name in _STAND_INS else {}
        return
    above = data
    target = path[:-1] if gap else path
    for step in target[:-1]:
        inside = (isinstance(above, dict) and step in above) or isinstance(above, list)
        above = above[step] if inside else {}
    if isinstance(above, list):
        _take_out(target[:-1], data, gap=False)
    else:
        above.pop(target[-1], None)


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
