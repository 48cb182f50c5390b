"""Instance data: file schema, reader, the frozen `Instance`, and all quantities derived from it by arithmetic alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medalopt.instance.loading import load as load

_HOMES = {"load": "medalopt.instance.loading"}


def __getattr__(name: str) -> Any:
    """Import a reader function on first use, since it needs numpy and pydantic."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
