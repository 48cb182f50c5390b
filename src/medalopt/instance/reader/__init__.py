"""Readers of YAML, CSV and Excel files, within size limits, with locations and collected errors."""
