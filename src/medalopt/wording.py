"""How names and foreign text appear in messages: escaped, short, and with the nearest name that would be right."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable

# what a terminal or a reader's eye would be led astray by: control characters but tab and line end, marks that turn the
# direction of text, other line ends, lone surrogates, tags, and what XML cannot hold
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    r"\ufffe\uffff\U000e0000-\U000e007f]"
)
_LONGEST = 60
_CANDIDATES = 2_000


def shown(text: str, longest: int = _LONGEST) -> str:
    """Return `text` on one line, cut to `longest` characters, with nothing in it that a terminal would act on."""
    cut = text if len(text) <= longest else text[:longest] + "…"
    return "".join(char if char.isprintable() else _escaped(char) for char in cut)


def _escaped(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def control_flaw(text: str) -> str:
    """Return what keeps `text` from standing in a report, '' where nothing does.

    Tabs and line ends may stand in text; marks that turn its direction, lone surrogates and the like may not.
    """
    found = next((found[0] for found in _CONTROL.finditer(text) if not _ends_line(found)), None)
    if found is None:
        return ""
    return f"text must hold no control character; U+{ord(found):04X} is one: delete it from `{shown(text)}`"


def escape_controls(text: str) -> str:
    """Return `text` with each control character written as JSON writes it, so that JSON stays what it is."""
    return _CONTROL.sub(lambda found: found[0] if _ends_line(found) else json.dumps(found[0])[1:-1], text)


def _ends_line(found: re.Match[str]) -> bool:
    """Whether a carriage return stands before a line feed."""
    return found[0] == "\r" and found.string[found.end() : found.end() + 1] == "\n"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return '; did you mean `near`?' for the name in `known` that is nearest to `word`, or ''."""
    names = sorted(known)[:_CANDIDATES]
    folded = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(word[:100].casefold(), folded, n=1, cutoff=0.6)
    return f"; did you mean `{shown(folded[near[0]])}`?" if near else ""


def no_comma(text: str) -> str:
    """Return what to do about `text`, in which a comma stands inside a number."""
    said = f"`{shown(text)}` is not a number: a comma may not stand in one"
    return f"{said}; write 1_000 or 1000 for a thousand and a point before decimals"


def there_are(count: int, what: str) -> str:
    """Return 'there are 24 periods', or 'there is 1 period'."""
    return f"there {'is' if count == 1 else 'are'} {counted(count, what)}"


def counted(count: int, what: str) -> str:
    """Return '1,621 regions', or '1 region'."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def listed(names: Iterable[str], most: int = 12) -> str:
    """Return `a`, `b` and `c`, cut after `most` names."""
    words = [f"`{shown(name)}`" for name in sorted(names)]
    if len(words) > most:
        words = [*words[:most], f"{len(words) - most} more"]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
