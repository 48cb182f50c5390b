"""Parameter paths such as `smelters.kosaka.capacity[3]`: names of values in an instance."""

from __future__ import annotations

import re

from medalopt.wording import shown

Path = tuple[str | int, ...]

_LONGEST, _LONGEST_NAME = 1_000, 200
_STEP = re.compile(r"""(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<bare>[^.\[\]"]+)""", re.DOTALL)
_PLAIN = re.compile(rf"[\w@*-]{{1,{_LONGEST_NAME}}}")
_INDEX = re.compile(r"\[([0-9]{1,9})\]")


class PathError(ValueError):
    """A path that cannot be parsed; the message gives the reason."""


def render(path: Path, exact: bool = False) -> str:
    """Render a path as text.

    A name with characters other than letters, digits, `_`, `-`, `@` and `*` is quoted.

    Args:
        path: The steps: names, and indices from 0.
        exact: Keep every character, so that `parse_path` returns `path`; else control characters are made visible.

    Returns:
        The text.
    """
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else ("." if text else "") + _quoted(step, exact)
    return text


def _quoted(name: str, exact: bool) -> str:
    """Return a name, in double quotes where it holds other characters."""
    if _PLAIN.fullmatch(name):
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped if exact else shown(escaped, _LONGEST_NAME)}"'


def parse(text: str) -> Path:
    """Parse a path written as `render_path` renders it.

    Args:
        text: The path as text, 1 to 1,000 characters.

    Returns:
        Its steps.

    Raises:
        PathError: The text is not a path.
    """
    if not text or len(text) > _LONGEST:
        raise PathError(f"a path has 1 to {_LONGEST} characters, such as `smelters.kosaka.capacity[3]`")
    path: list[str | int] = []
    at = 0
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            raise PathError(f"a name is missing at character {at + 1}; write it like `smelters.kosaka.capacity[3]`")
        quoted = match["quoted"]
        path.append(re.sub(r"\\(.)", r"\1", quoted[1:-1], flags=re.DOTALL) if quoted else match["bare"])
        at = match.end()
        while index := _INDEX.match(text, at):
            path.append(int(index[1]))
            at = index.end()
        at = _past_dot(text, at)
    return tuple(path)


def _past_dot(text: str, at: int) -> int:
    """Return the position of the next step, after the dot required at `at` unless the text ends there."""
    if at == len(text):
        return at
    if text[at] != "." or at + 1 == len(text):
        raise PathError(f"`{shown(text[at:])}` does not continue a path; put names with dots or brackets in quotes")
    return at + 1
