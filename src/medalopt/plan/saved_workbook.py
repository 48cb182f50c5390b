"""A plan read back from a workbook: the plan as it was made, from hidden sheets, and what a person changed since."""

from __future__ import annotations

EDITABLE = ("shipments", "purchases", "stockpiles")


def hidden(table: str) -> str:
    """Return the name of the hidden sheet that holds a table of the plan."""
    return f"plan_{table}"
