"""Gives a function of a module that is loaded the code that a mutant has in its place."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from campaigns.mutants import Mutant


def exchange(package: Path, mutant: Mutant) -> Callable[[], None] | None:
    """Return a function that replaces the code of the function with the mutant; None if not possible."""
    if not mutant.within or mutant.module not in sys.modules:
        return None
    found: Any = sys.modules[mutant.module]
    for name in mutant.within.split("."):
        found = vars(found).get(name)
    for name in ("fget", "__func__", "func", "wrapped"):
        found = getattr(found, name, found)
    function = inspect.unwrap(found) if callable(found) else found
    code = _code(compile(mutant.text, str(package / mutant.file), "exec"), mutant.within)
    if not isinstance(function, FunctionType) or code is None or function.__code__.co_freevars != code.co_freevars:
        return None
    if function.__code__.co_qualname != code.co_qualname:
        return None
    return lambda: setattr(function, "__code__", code)


def _code(outer: CodeType, name: str) -> CodeType | None:
    inner = [each for each in outer.co_consts if isinstance(each, CodeType)]
    found = [each for each in inner if each.co_qualname == name]
    return found[-1] if found else next((code for each in inner if (code := _code(each, name))), None)
