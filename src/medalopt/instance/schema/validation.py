"""Validate a node tree against the models: every fault at its own place, and all valid parts for further checks.

The models also give the JSON Schema of the format, and the description, kind and default of the field at a path.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import Enum, auto
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, NamedTuple, TypeVar, Union, get_args, get_origin

from pydantic import AfterValidator, BeforeValidator, Tag, ValidationError, create_model
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticUndefined

from medalopt.errors import FaultKind
from medalopt.instance.reader.files import MAX_WORDED_FAULTS, FaultLog, Location
from medalopt.instance.reader.yaml_nodes import (
    MappingNode,
    ScalarNode,
    SequenceNode,
    convert_to_plain,
    find_node,
    locate_key,
    locate_path,
)
from medalopt.instance.schema.containers import (
    BRANCH_LIST,
    BRANCH_MAPPING,
    BRANCH_ONE,
    BRANCH_STEPS,
    Entry,
    check_list,
    check_period_values,
    check_window,
    find_count_fault,
    find_window_fault,
)
from medalopt.instance.schema.document import Document
from medalopt.instance.schema.field_types import (
    BooleanField,
    IntegerField,
    NameField,
    QuantityField,
    TextField,
    ValidationContext,
)
from medalopt.text import ParameterPath, escape_text, join_names, suggest_name
from medalopt.units import Quantity

E = TypeVar("E", bound=Entry)
_BRANCH_TAGS = frozenset({BRANCH_ONE, BRANCH_LIST, BRANCH_MAPPING, BRANCH_STEPS, "[key]"})
_KINDS = {  # of pydantic's types of errors; the others are of structure
    "missing": FaultKind.MISSING,
    "extra_forbidden": FaultKind.UNKNOWN_KEY,
    "wrong": FaultKind.VALUE,
}
_PLACEHOLDERS = {"format": "medalopt/1", "name": "unnamed", "currency": "XXX"}


@lru_cache(maxsize=256)
def build_section_model(sections: frozenset[str]) -> type[Entry]:
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


def validate_tree(root: MappingNode, model: type[E], context: ValidationContext, faults: FaultLog) -> E:
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
    data = convert_to_plain(root)
    reported: set[ParameterPath] = set()
    settled: set[tuple[bool, ParameterPath]] = set()
    while True:
        try:
            return model.model_validate(data, context=context)
        except ValidationError as error:
            listed = error.errors(include_url=False, include_context=False, include_input=False)
            result = [_SchemaError.of(item["loc"], item["type"], item["msg"]) for item in listed[:MAX_WORDED_FAULTS]]
        fresh = [one for one in result if not any(one.path[:n] in reported for n in range(1, len(one.path) + 1))]
        for one in fresh:
            faults.add_error(one.place(root), one.path, one.text, kind=_KINDS.get(one.kind, FaultKind.STRUCTURE))
        for path in dict.fromkeys(one.path[:-1] for one in fresh if isinstance(one.path[-1], int)):
            if told_too := _find_list_fault(path, root, context):
                faults.add_error(locate_path(root, path), path, told_too, kind=FaultKind.VALUE)
        if len(listed) > MAX_WORDED_FAULTS:
            faults.add_unlisted(len(listed) - MAX_WORDED_FAULTS)
            faults.raise_errors()
        reductions = {_remove_value(one, data) for one in result}
        assert not reductions <= settled, "invalid values are removed in one pass"
        settled |= reductions
        reported |= {path for _, path in reductions}


class _SchemaError(NamedTuple):
    """One error of pydantic; `loc` includes the tags of union alternatives, `path` does not."""

    loc: ParameterPath
    kind: str
    message: str
    path: ParameterPath

    @classmethod
    def of(cls, loc: ParameterPath, kind: str, message: str) -> _SchemaError:
        """Return the error with the path as in the file."""
        return cls(loc, kind, message, tuple(step for step in loc if step not in _BRANCH_TAGS))

    def place(self, root: MappingNode) -> Location:
        """Return the place of the invalid key or value, or of the mapping that lacks a key."""
        if self.kind == "missing":
            return locate_path(root, self.path[:-1])
        at_key = self.loc[-1] == "[key]" or self.kind == "extra_forbidden"
        return locate_key(root, self.path) if at_key else locate_path(root, self.path)

    @property
    def text(self) -> str:
        """Fault and remedy as a message: text without place and path."""
        if self.kind == "missing":
            field = _find_type(Document, self.loc[:-1]).model_fields[self.loc[-1]]
            return f"`{self.loc[-1]}` is missing: {str(field.description).rstrip('.')}"
        if self.kind == "extra_forbidden":
            return _explain_unknown(self.loc, str(self.path[-1]))
        return self.message if self.kind in ("wrong", "wrong_structure") else _explain_type(self.kind, self.message)


def _find_list_fault(path: ParameterPath, root: MappingNode, context: ValidationContext) -> str:
    """Return the fault in the length of the list at `path`, which pydantic omits where an element is invalid."""
    node, shape = find_node(root, path), find_field_description(path)
    if not isinstance(node, SequenceNode) or shape is None:
        return ""
    if shape.value_form is ValueForm.WINDOW:
        return find_window_fault(len(node.items))
    return find_count_fault(len(node.items), context.periods) if shape.value_form is ValueForm.PERIODS else ""


def _remove_value(one: _SchemaError, data: Any) -> tuple[bool, ParameterPath]:
    """Insert a placeholder for a missing value; remove an invalid one, or the list that contains either.

    Returns:
        Whether there is now a placeholder, and the path of the change.
    """
    path, inserts, above = one.path, one.kind == "missing", data
    for number, step in enumerate(path[:-1]):
        inside = above.get(step, {})
        if not isinstance(inside, dict):  # a list, or a value in the place of a mapping: it goes as a whole
            path, inserts = path[: number + 1], False
            break
        above = inside
    if inserts:
        above[path[-1]] = _make_placeholder(one.loc)
    else:
        above.pop(path[-1], None)
    return inserts, path


def _make_placeholder(loc: ParameterPath) -> Any:
    """Return a valid placeholder for a required field, so that all other fields are validated."""
    if len(loc) == 1 and loc[0] in _PLACEHOLDERS:
        return ScalarNode(_PLACEHOLDERS[str(loc[0])], False, Location(""))
    kinds = [get_origin(part) for part in _iterate_type_parts(_find_type(Document, loc))]
    if dict in kinds or kinds[0] is list:
        return {} if dict in kinds else []
    marks = _find_type(Document, loc[:-1]).model_fields[loc[-1]].metadata
    positive = any(isinstance(mark, QuantityField) and mark.above for mark in marks)
    return ScalarNode("1" if positive else "0", True, Location(""))


def _explain_unknown(loc: ParameterPath, name: str) -> str:
    """Return the message for an unknown key, with the known ones."""
    entry = _find_type(Document, loc[:-1])
    known = [*entry.model_fields, "source", "note"]
    suggestion = suggest_name(name, known)
    return f"unknown key `{escape_text(name)}`{suggestion or f'; the keys known here are {join_names(known, 30)}'}"


def _explain_type(kind: str, message: str) -> str:
    """Return the message for a value of the wrong structure."""
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        return "expected a mapping (`key: value` lines, or `{key: value}`)"
    return "expected a list, such as [a, b]" if kind == "list_type" else escape_text(message, 200)


def _find_type(annotation: Any, loc: ParameterPath) -> Any:
    """Return the type at `loc` below the type `annotation`."""
    origin, options = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _find_type(options[0], loc)
    if origin in (Union, UnionType):
        tagged = [one for one in options if loc and Tag(loc[0]) in getattr(one, "__metadata__", ())]  # type: ignore[arg-type]
        rest = [one for one in options if one is not type(None)]
        return _find_type(tagged[0], loc[1:]) if tagged else _find_type(rest[0], loc)
    if not loc:
        return annotation
    if _is_entry(annotation):
        return _find_type(annotation.model_fields[str(loc[0])].annotation, loc[1:])
    return _find_type(options[-1], loc[1:])


def list_defined_names(root: MappingNode, section: str) -> frozenset[str] | None:
    """List the names that a section defines, valid or not.

    Args:
        root: Root node.
        section: Name of the section.

    Returns:
        The names; None where the section is invalid, a fault of its own.
    """
    node = find_node(root, (section,))
    if isinstance(node, MappingNode):
        return frozenset(node.items)
    return None if node is not None or Document.model_fields[section].is_required() else frozenset()


_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ID = "https://json.schemastore.org/medalopt-1.json"  # the address in the public collection of schemas for editors


class _PlainDefaults(GenerateJsonSchema):
    """Schema generator that writes defaults as plain data."""

    def encode_default(self, dft: Any) -> Any:
        """Return a default as plain data."""
        if isinstance(dft, Quantity):
            return float(dft.exact) if math.isfinite(dft.raw) else None
        return {} if isinstance(dft, Entry) else super().encode_default(dft)


def build_json_schema() -> dict[str, Any]:
    """Build the JSON Schema (draft 2020-12) of an instance file.

    Returns:
        The schema as plain dictionaries and lists, with `$schema` and `$id`.
    """
    schema = Document.model_json_schema(schema_generator=_PlainDefaults)
    return {"$schema": _DIALECT, "$id": _ID, **_drop_empty_parts(schema)}


def _drop_empty_parts(part: Any) -> Any:
    """Return a part of the schema without generated titles and without null defaults."""
    if isinstance(part, list):
        return [_drop_empty_parts(item) for item in part]
    if not isinstance(part, dict):
        return part
    encoded = {key: value for key, value in part.items() if not (key == "default" and value is None)}
    if isinstance(encoded.get("title"), str):
        del encoded["title"]
    return {key: _drop_empty_parts(value) for key, value in encoded.items()}


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
    found = _search_types(Document, (), steps)
    return next((_make_description(*one) for one in found), None)


def list_fields(path: ParameterPath) -> dict[str, Any]:
    """List the fields of the mapping at a path.

    Returns:
        Pydantic fields by name; empty where the keys are names.
    """
    steps = tuple(step for step in path if isinstance(step, str))
    for _, annotation, _ in _search_types(Document, (), steps):
        for part in _iterate_type_parts(annotation):
            if _is_entry(part):
                return dict(part.model_fields)
    return {}


_FoundType = tuple[FieldInfo | None, Any, tuple[Any, ...]]  # field of a model, type and annotations of a value in it


def _search_types(
    annotation: Any, marks: tuple[Any, ...], path: ParameterPath, field: FieldInfo | None = None
) -> Iterator[_FoundType]:
    """Yield field, type and annotations of the value at `path` below a type, one for each alternative."""
    origin, options = get_origin(annotation), get_args(annotation)
    if not path:
        yield field, annotation, marks
    elif origin is Annotated:
        yield from _search_types(options[0], (*marks, *options[1:]), path, field)
    elif origin in (Union, UnionType):
        for option in options:
            yield from _search_types(option, (), path, field)
    elif _is_entry(annotation):
        inner = annotation.model_fields.get(str(path[0]))
        if inner is not None:
            yield from _search_types(inner.annotation, tuple(inner.metadata), path[1:], inner)
    elif origin is dict or (origin is list and (isinstance(path[0], int) or _is_entry(options[0]))):
        yield from _search_types(options[-1], (), path[1:], field)


def _is_entry(annotation: Any) -> bool:
    """Return whether a type is a mapping of known keys."""
    return isinstance(annotation, type) and issubclass(annotation, Entry)


def _make_description(field: FieldInfo | None, annotation: Any, marks: tuple[Any, ...]) -> FieldDescription:
    """Return the description of a field from its type and annotations."""
    description = str(field.description or "") if field else ""
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


def _iterate_type_parts(annotation: Any) -> Iterator[Any]:
    """Yield the alternatives of a type, possibly annotated or a union, itself first."""
    origin, options = get_origin(annotation), get_args(annotation)
    yield annotation
    if origin is Annotated:
        yield from _iterate_type_parts(options[0])
    elif origin in (Union, UnionType):
        for option in options:
            yield from _iterate_type_parts(option)


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
    for field, annotation, marks in _search_types(Document, (), path):
        inner = (mark for part in _iterate_type_parts(annotation) for mark in getattr(part, "__metadata__", ()))
        measure = next((mark for mark in (*marks, *inner) if isinstance(mark, (QuantityField, IntegerField))), None)
        if measure is not None:
            default = None if field is None or field.default is PydanticUndefined else field.default
            return ParameterKind(measure, default)
    return None
