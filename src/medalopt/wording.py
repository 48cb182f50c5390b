"""How names and foreign text appear in messages: escaped, short, and with the nearest name that would be right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

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
