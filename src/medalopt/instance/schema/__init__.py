"""The instance format as validation models, and the JSON Schema they print."""
