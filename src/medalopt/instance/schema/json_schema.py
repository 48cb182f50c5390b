"""The JSON Schema of the instance format, for editors."""

from __future__ import annotations

import math
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from medalopt.instance.schema.containers import Entry
from medalopt.instance.schema.document import Document
from medalopt.units import Quantity

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ID = "https://json.schemastore.org/medalopt-1.json"  # the address in the public collection of schemas for editors


class _PlainDefaults(GenerateJsonSchema):
    """Schema generator that writes defaults as plain data."""

    def encode_default(self, dft: Any) -> Any:
        """Return a default as plain data.

        Args:
            dft: The default of a field.

        Returns:
            A number, None for an unlimited quantity, {} for a mapping.
        """
        if isinstance(dft, Quantity):
            return float(dft.exact) if math.isfinite(dft.raw) else None
        return {} if isinstance(dft, Entry) else super().encode_default(dft)


def build_json_schema() -> dict[str, Any]:
    """Build the JSON Schema (draft 2020-12) of an instance file.

    Returns:
        The schema.
    """
    schema = Document.model_json_schema(schema_generator=_PlainDefaults)
    return {"$schema": _DIALECT, "$id": _ID, **_drop_empty_parts(schema)}


def _drop_empty_parts(part: Any) -> Any:
    """Return a part of the schema without generated titles and without null defaults."""
    if isinstance(part, list):
        return [_drop_empty_parts(item) for item in part]
    if not isinstance(part, dict):
        return part
    kept = {key: value for key, value in part.items() if not (key == "default" and value is None)}
    if isinstance(kept.get("title"), str):
        del kept["title"]
    return {key: _drop_empty_parts(value) for key, value in kept.items()}
