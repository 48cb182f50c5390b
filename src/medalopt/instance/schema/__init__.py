"""The instance format as validation models, and the JSON Schema they print."""

from __future__ import annotations

from typing import Any


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of an instance file, made from the models that validate it."""
    from medalopt.instance.schema.printing import json_schema as printed

    return printed()
