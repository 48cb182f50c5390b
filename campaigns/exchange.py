"""Replace the code of a function of a loaded module, by that of a mutant or with a planted error."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any


def prepare_code_exchange(module: str, within: str, text: str, file: str) -> Callable[[], None] | None:
    """Compile the changed source of a loaded module, and prepare the replacement of the code of one function.

    Args:
        module: The name of the module.
        within: The qualified name of the function; "" for none.
        text: The source of the module with other code in that function.
        file: The name of the file of the module, for tracebacks.

    Returns:
        A function that replaces the code, or None where that is not possible.
    """
    if not within or module not in sys.modules:
        return None
    found: Any = sys.modules[module]
    for name in within.split("."):
        found = vars(found).get(name)
    for name in ("fget", "__func__", "func", "wrapped"):
        found = getattr(found, name, found)
    function = inspect.unwrap(found) if callable(found) else found
    code = find_code(compile(text, file, "exec"), within)
    if not isinstance(function, FunctionType) or code is None or function.__code__.co_freevars != code.co_freevars:
        return None
    if function.__code__.co_qualname != code.co_qualname:
        return None
    return lambda: setattr(function, "__code__", code)


def find_code(outer: CodeType, name: str) -> CodeType | None:
    """Return the code of the function with a qualified name, the last of several definitions, or None."""
    inner = [each for each in outer.co_consts if isinstance(each, CodeType)]
    found = [each for each in inner if each.co_qualname == name]
    return found[-1] if found else next((code for each in inner if (code := find_code(each, name))), None)
