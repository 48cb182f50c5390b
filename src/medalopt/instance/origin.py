"""Origin of an instance: the file it was built from and the changes made since, for instances with further changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medalopt.errors import UsageError
from medalopt.instance.instance import Instance, is_same_instance
from medalopt.text import escape_text

if TYPE_CHECKING:
    from medalopt.instance.loading import InstanceFile


@dataclass(frozen=True, eq=False)
class InstanceOrigin:
    """File of an instance and all changes to it.

    Attributes:
        file: Parsed file.
        changes: Path to absolute value, in the order in which they apply.
        base: Instance as loaded, whose optimal basis starts the solves of changed ones; None: this is it.
    """

    file: InstanceFile
    changes: Mapping[str, str]
    base: Instance | None = None


def set_origin(instance: Instance, origin: InstanceOrigin) -> Instance:
    """Attach the origin to a new instance.

    `dataclasses.replace` does not copy it, so that an instance edited by hand has none.

    Args:
        instance: Instance just built.
        origin: Its origin.

    Returns:
        The same instance.
    """
    object.__setattr__(instance, "origin", origin)
    return instance


def change_instance(instance: Instance, changes: Mapping[str, Any]) -> Instance:
    """Build the instance with further changes from its file.

    Args:
        instance: Instance from a file, with or without changes.
        changes: New values by path, in the syntax of `scenarios:`; numbers in the unit that the file may leave out.

    Returns:
        A new instance with its own digest.

    Raises:
        InputError: With every fault of the changes; also where they have no effect.
        UsageError: A wildcard matches nothing, or the instance was edited in memory.
    """
    from medalopt.instance.scenario import WILDCARD, expand_change

    origin = instance.origin
    if origin is None:
        raise UsageError(f"{instance.name}: was edited in memory; make changes to the instance that `load` returned")
    new: dict[str, str] = {}
    texts = {path: format_change_value(value) for path, value in changes.items()}
    source_values = origin.file.read_source_values(origin.changes) if any(WILDCARD in path for path in texts) else None
    for path, text in texts.items():
        new |= {path: text} if source_values is None else expand_change(source_values, path, text)
    merged = {**{path: value for path, value in origin.changes.items() if path not in new}, **new}
    changed = origin.file.with_changes(merged)
    if new and is_same_instance(changed, instance):
        changed = origin.file.with_effective_changes(merged)  # raises unless the values in effect are restated
    return set_origin(changed, InstanceOrigin(origin.file, merged, origin.base or instance))


def format_change_value(value: Any) -> str:
    """Format a new value as `--set` accepts it.

    Args:
        value: Text, number, truth value, None, or a list or mapping of them; numpy arrays and scalars as well.

    Returns:
        The text.

    Raises:
        UsageError: The value is of another type.
    """
    if isinstance(value, str):
        return value
    if hasattr(value, "tolist"):  # numpy
        value = value.tolist()
    if isinstance(value, Mapping):
        return (
            f"{{{', '.join(f'{json.dumps(str(name))}: {format_change_value(item)}' for name, item in value.items())}}}"
        )
    if isinstance(value, list | tuple):
        return f"[{', '.join(format_change_value(item) for item in value)}]"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int | float):
        return repr(value)
    raise UsageError(f"{escape_text(repr(value), 100)}: a new value is a text, a number, or a list or mapping of them")
