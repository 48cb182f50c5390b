"""Parameter paths such as `smelters.kosaka.capacity[3]`: names of values in an instance."""

from __future__ import annotations

import re

from medalopt.text import escape_text

ParameterPath = tuple[str | int, ...]

_MAX_PATH_LENGTH, _MAX_NAME_LENGTH = 1_000, 200
_STEP_PATTERN = re.compile(r"""(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<bare>[^.\[\]"]+)""", re.DOTALL)
_PLAIN_NAME = re.compile(rf"[\w@-]{{1,{_MAX_NAME_LENGTH}}}|\*")
_QUOTED_NAME = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_INDEX_PATTERN = re.compile(r"\[([0-9]{1,9})\]")


class PathError(ValueError):
    """A path that cannot be parsed; the message gives the reason."""


def render_path(path: ParameterPath, exact: bool = False) -> str:
    """Render a path as text.

    A name with characters other than letters, digits, `_`, `-` and `@` is quoted, but for `*` itself.

    Args:
        path: The steps: names, and indices from 0.
        exact: Keep every character, so that `parse_path` returns `path`; else control characters are made visible.

    Returns:
        The text.
    """
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else ("." if text else "") + _quote_name(step, exact)
    return text


def _quote_name(name: str, exact: bool) -> str:
    """Return a name, in double quotes where it holds other characters."""
    if _PLAIN_NAME.fullmatch(name):
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped if exact else escape_text(escaped, _MAX_NAME_LENGTH)}"'


def parse_path(text: str) -> ParameterPath:
    """Parse a path written as `render_path` renders it.

    Args:
        text: The path as text, 1 to 1,000 characters.

    Returns:
        Its steps.

    Raises:
        PathError: The text is not a path.
    """
    if not text or len(text) > _MAX_PATH_LENGTH:
        raise PathError(f"a path has 1 to {_MAX_PATH_LENGTH} characters, such as `smelters.kosaka.capacity[3]`")
    path: list[str | int] = []
    position = 0
    while position < len(text):
        match = _STEP_PATTERN.match(text, position)
        if match is None:
            raise PathError(
                f"a name is missing at character {position + 1}; write it like `smelters.kosaka.capacity[3]`"
            )
        quoted = match["quoted"]
        path.append(re.sub(r"\\(.)", r"\1", quoted[1:-1], flags=re.DOTALL) if quoted else match["bare"])
        position = match.end()
        while index := _INDEX_PATTERN.match(text, position):
            path.append(int(index[1]))
            position = index.end()
        position = _skip_dot(text, position)
    return tuple(path)


def _skip_dot(text: str, index: int) -> int:
    """Return the position of the next step, after the dot required at `index` unless the text ends there."""
    if index == len(text):
        return index
    if text[index] != "." or index + 1 == len(text):
        raise PathError(
            f"`{escape_text(text[index:])}` does not continue a path; put names with dots or brackets in quotes"
        )
    return index + 1


def has_wildcard(text: str) -> bool:
    """Return whether a path holds a `*` outside quotes.

    Args:
        text: The path as text.

    Returns:
        True where it may name several parameters.
    """
    return "*" in text and "*" in _QUOTED_NAME.sub("", text)


def find_wildcards(text: str) -> tuple[bool, ...]:
    """Return which steps of a path hold a `*` outside quotes.

    Returns:
        One value per step.

    Raises:
        PathError: The text is not a path.
    """
    return tuple(isinstance(step, str) and "*" in step for step in parse_path(_QUOTED_NAME.sub('"q"', text)))
