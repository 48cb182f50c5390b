"""A commented instance to start from."""

from __future__ import annotations

from importlib import resources


def template(name: str) -> str:
    """Return the text of a small instance called `name` (small letters, digits, `_` and `-`), which has a plan."""
    text = resources.files("medalopt.instance").joinpath("starter.yaml").read_text(encoding="utf-8")
    return text.replace("{name}", name)
