from __future__ import annotations

from importlib import resources


def template(name: str) -> str:
    """Render the starter instance, a small feasible problem with comments.

    Args:
        name: Name of the new instance: small letters, digits, `_` and `-`.

    Returns:
        The YAML text.
    """
    text = resources.files("medalopt.instance").joinpath("starter.yaml").read_text(encoding="utf-8")
    return text.replace("{name}", name)
