"""Text for messages: escaped names, suggestions for misspelled ones, counts, lists, and paths of parameters.

A path such as `smelters.kosaka.capacity[3]` names a value of an instance.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Characters unsafe in terminals or invalid in XML: control characters except tab and line end, direction marks, other
# line separators, lone surrogates, tags.
_CONTROL_CHARACTERS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    r"\ufffe\uffff\U000e0000-\U000e007f]"
)
_ASCII_CONTROLS = bytes({*range(0x20), 0x7F} - {ord("\t"), ord("\n")})
_MAX_LENGTH = 60
_MAX_CANDIDATES = 2_000


def escape_text(text: str, longest: int = _MAX_LENGTH) -> str:
    r"""Escape a text for one line of a message: control characters as `\x1b`, cut to a maximal length.

    Args:
        text: Name or foreign text.
        longest: Maximal number of characters.

    Returns:
        Printable text without characters that a terminal would interpret.
    """
    cut = text if len(text) <= longest else text[:longest] + "…"
    return "".join(char if char.isprintable() else _escape_character(char) for char in cut)


def format_path(path: Path) -> str:
    """Return a path as text for messages.

    Args:
        path: Path.

    Returns:
        The path, shortened and with control characters escaped.
    """
    return escape_text(str(path), 400)


def _escape_character(char: str) -> str:
    """Escape one character as in Python source."""
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def check_control_characters(text: str) -> str:
    """Find a control character that reports cannot contain.

    Tabs and line ends are allowed; direction marks, lone surrogates and other control characters are not.

    Args:
        text: Text of the input.

    Returns:
        Message that names the first such character; '' if there is none.
    """
    found = next((found[0] for found in _CONTROL_CHARACTERS.finditer(text) if not _is_line_end(found)), None)
    if found is None:
        return ""
    return f"text must not contain control characters; U+{ord(found):04X} is one: delete it from `{escape_text(text)}`"


def escape_control_characters(text: str) -> str:
    r"""Escape control characters in a JSON text as JSON does, so that it stays valid JSON of the same value.

    Args:
        text: JSON text.

    Returns:
        The text with `\uXXXX` for each control character.
    """
    if text.isascii() and len(text.encode().translate(None, _ASCII_CONTROLS)) == len(text):  # much the quicker test
        return text
    return _CONTROL_CHARACTERS.sub(lambda found: found[0] if _is_line_end(found) else json.dumps(found[0])[1:-1], text)


def _is_line_end(found: re.Match[str]) -> bool:
    """Test if a carriage return precedes a line feed."""
    return found[0] == "\r" and found.string[found.end() : found.end() + 1] == "\n"


def suggest_name(word: str, known: Iterable[str]) -> str:
    """Suggest the most similar known name for a misspelled one.

    Args:
        word: Name as written.
        known: Valid names.

    Returns:
        Text such as '; did you mean `kosaka`?', to append to a message; '' if no name is similar.
    """
    names = sorted(known)[:_MAX_CANDIDATES]
    folded = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(word[:100].casefold(), folded, n=1, cutoff=0.6)
    return f"; did you mean `{escape_text(folded[near[0]])}`?" if near else ""


def explain_comma(text: str) -> str:
    """Explain that a number must not contain a comma, and the remedy.

    Args:
        text: Number as written.

    Returns:
        Message for the user.
    """
    message = f"`{escape_text(text)}` is not a number: commas are not allowed in numbers"
    return f"{message}; write 1_000 or 1000 for a thousand and a point before decimals"


def state_count(count: int, what: str) -> str:
    """State a number of things, such as 'there are 24 periods' or 'there is 1 period'.

    Args:
        count: Number of things.
        what: Noun in the singular.

    Returns:
        The statement, without a period.
    """
    return f"there {'is' if count == 1 else 'are'} {format_count(count, what)}"


def format_count(count: int, what: str) -> str:
    """Format a count with its noun, such as '1,621 regions' or '1 region'.

    Args:
        count: Number of things.
        what: Noun in the singular.

    Returns:
        Count and noun, in the plural unless `count` is 1.
    """
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def join_names(names: Iterable[str], maximum: int = 12) -> str:
    """Join sorted names for a message, such as '`a`, `b` and `c`'.

    Args:
        names: Names to list.
        maximum: Maximal number of names; the others are counted.

    Returns:
        The list in words.
    """
    words = [f"`{escape_text(name)}`" for name in sorted(names)]
    if len(words) > maximum:
        words = [*words[:maximum], f"{len(words) - maximum} more"]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def join_with_and(parts: Sequence[str]) -> str:
    """Join parts with commas and a final `and`: `a, b and c`; empty without parts.

    Args:
        parts: Parts in order.

    Returns:
        The list as text.
    """
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def cut_list(parts: Sequence[str], most: int) -> list[str]:
    """Return the first parts, and where there are more of them their number as the last: `3 more`.

    Args:
        parts: Parts in order.
        most: Number of parts to keep.

    Returns:
        At most one entry more than `most`.
    """
    return [*parts[:most], *([f"{len(parts) - most} more"] if len(parts) > most else [])]


def list_first(parts: Sequence[str], most: int) -> str:
    """List the first parts with commas, and where there are more of them their number: `a, b and 3 more`.

    Args:
        parts: Parts in order.
        most: Number of parts to name.

    Returns:
        The list as text.
    """
    return ", ".join(parts) if len(parts) <= most else join_with_and(cut_list(parts, most))


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
        if position < len(text):  # a dot, and another step after it
            if text[position] != "." or position + 1 == len(text):
                rest = escape_text(text[position:])
                raise PathError(f"`{rest}` does not continue a path; put names with dots or brackets in quotes")
            position += 1
    return tuple(path)


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
