"""The instance format as pydantic models, and its JSON Schema."""
