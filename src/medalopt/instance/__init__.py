"""The instance: its file's schema, its reader, the frozen `Instance`, and what follows from it by arithmetic alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medalopt.instance.loading import load as load
    from medalopt.instance.starting import template as template

_HOMES = {"load": "medalopt.instance.loading", "template": "medalopt.instance.starting"}


def __getattr__(name: str) -> Any:
    """Import what the reader offers when it is first asked for: it needs numpy and pydantic."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
