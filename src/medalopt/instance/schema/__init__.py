"""The instance format as pydantic models, and its JSON Schema."""

from __future__ import annotations

from typing import Any


def build_json_schema() -> dict[str, Any]:
    """Build the JSON Schema (draft 2020-12) of an instance file from the models that validate it.

    Returns:
        The schema.
    """
    from medalopt.instance.schema.validation import build_json_schema

    return build_json_schema()
