"""Errors of saved plans whose structure differs from the schema: what is expected at a place, and what stands there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from medalopt.text import escape_text

Path = tuple[str | int, ...]  # members and positions from the top of the plan

_WRITERS = "`medalopt solve -o` or `medalopt plan -o`"
_EXPECTED = {  # by type of the error
    "string_type": "a text",
    "float_type": "a number",
    "finite_number": "a finite number",
    "list_type": "a list",
    "dict_type": "an object with members",
    "model_type": "an object with members",
    "string_pattern_mismatch": "`cost`, `footprint`, `mass` or `cost@PARTY`",  # the objective alone has a pattern
}
_SHORT = 60  # characters of a value in a message


def describe_schema_errors(content: Any, errors: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Path, str]]:
    """Describe the errors of a plan by its schema; alternatives for one place are one error.

    Args:
        content: The plan as read.
        errors: Errors of pydantic.

    Yields:
        Path of the place, and what is wrong there with what is expected; the text has no control characters.
    """
    places: dict[Path, list[Mapping[str, Any]]] = {}
    for error in errors:
        places.setdefault(_find_place(content, error), []).append(error)
    for path, found in places.items():
        yield path, _describe(found)


def _find_place(content: Any, error: Mapping[str, Any]) -> Path:
    """Return the path of an error without the names of alternative types, with which pydantic ends it."""
    path: list[str | int] = []
    for part in error["loc"]:
        known = isinstance(content, dict) and part in content
        known = known or (isinstance(content, list) and isinstance(part, int) and part < len(content))
        if not known and error["type"] != "missing":
            break
        path.append(part)
        content = content[part] if known else None
    return tuple(path)


def _describe(errors: Sequence[Mapping[str, Any]]) -> str:
    """Return what is wrong at one place."""
    kind = errors[0]["type"]
    if kind == "missing":
        return f"is missing; every plan has it: give a plan as written by {_WRITERS} of this version"
    if kind == "extra_forbidden":
        return f"is not part of a plan; remove it, or give a plan as written by {_WRITERS}"
    options = dict.fromkeys(_list_expected(error) for error in errors)
    return f"expected {' or '.join(options)}, found {_show_value(errors[0]['input'])}"


def _list_expected(error: Mapping[str, Any]) -> str:
    """Return what is expected by one error."""
    if error["type"] == "literal_error":
        return str(error["ctx"]["expected"]).replace("'", "`")
    return _EXPECTED.get(error["type"], f"what {_WRITERS} writes here")


def _show_value(value: Any) -> str:
    """Return a value of JSON as it is called in a message."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, dict):
        return f"an object with {len(value):,} member{'' if len(value) == 1 else 's'}"
    if isinstance(value, list):
        return f"a list of {len(value):,}"
    if isinstance(value, str):
        return f"the text `{escape_text(value, _SHORT)}`"
    return f"the number {escape_text(repr(value), _SHORT)}"
