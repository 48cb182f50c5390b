"""Shipped instances, from the installed package or from the source tree, and the starter for a new one."""

from __future__ import annotations

import re
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from medalopt.instance.reader.files import FaultLog
from medalopt.instance.reader.yaml_nodes import MappingNode, ScalarNode, find_node, parse_yaml
from medalopt.instance.schema.validation import TABLE_SECTIONS

_NAME_LINE = re.compile(r"^name: .*$", re.MULTILINE)


def _find_folder() -> Traversable:
    """Return the folder of the shipped instances: packed into a wheel; beside `src` where the sources run in place."""
    packed = resources.files("medalopt").joinpath("examples")
    return packed if packed.is_dir() else Path(__file__).parents[3] / "instances"


def list_examples() -> dict[str, str]:
    """List the shipped instances.

    Returns:
        Title of each instance by its name, sorted.
    """
    files = (file for file in _find_folder().iterdir() if file.name.endswith(".yaml"))
    return {
        file.name.removesuffix(".yaml"): _read_text(_parse_example(file.read_text(encoding="utf-8")), ("title",))
        for file in sorted(files, key=lambda file: file.name.removesuffix(".yaml"))
    }


def read_example(example: str, name: str) -> dict[str, str]:
    """Read a shipped instance and its tables.

    Args:
        example: Name of the shipped instance.
        name: Name that the copy bears.

    Returns:
        Texts by path relative to the folder of the instance: the tables, and last the instance as `NAME.yaml`.
    """
    folder = _find_folder()
    text = folder.joinpath(f"{example}.yaml").read_text(encoding="utf-8")
    root = _parse_example(text)
    tables = [table for section in TABLE_SECTIONS if (table := _read_text(root, (section, "table")))]
    result = {table: folder.joinpath(*table.split("/")).read_text(encoding="utf-8") for table in tables}
    return {**result, f"{name}.yaml": _NAME_LINE.sub(f"name: {name}", text, count=1)}


def _parse_example(text: str) -> MappingNode:
    """Return the tree of a shipped instance."""
    root = parse_yaml(text, "example", FaultLog())
    assert isinstance(root, MappingNode), "shipped instances are valid"
    return root


def _read_text(root: MappingNode, path: tuple[str, ...]) -> str:
    """Return the text at a path of the tree; '' where there is none."""
    node = find_node(root, path)
    return node.text if isinstance(node, ScalarNode) else ""


def render_starter_template(name: str) -> str:
    """Render the starter instance, a small feasible problem with comments.

    Args:
        name: Name of the new instance: small letters, digits, `_` and `-`.

    Returns:
        The YAML text.
    """
    text = resources.files("medalopt.instance").joinpath("starter.yaml").read_text(encoding="utf-8")
    return text.replace("{name}", name)
