"""Origin of an instance: the file it was built from and the changes made since, for instances with further changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medalopt.errors import UsageError
from medalopt.instance.instance import Instance

if TYPE_CHECKING:
    from medalopt.instance.loading import InstanceFile
    from medalopt.instance.scenario import ParameterChanges


@dataclass(frozen=True, eq=False)
class InstanceOrigin:
    """File of an instance with all changes made to it.

    Attributes:
        file: Parsed file, with its changes.
        base: Instance as loaded, whose optimal basis starts the solves of changed ones; None: this is it.
    """

    file: InstanceFile
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


def change_instance(instance: Instance, changes: ParameterChanges) -> Instance:
    """Build the instance with further changes from its file.

    Args:
        instance: Instance from a file, with or without changes.
        changes: Values by path, see `Change.build`.

    Returns:
        A new instance with its own digest.

    Raises:
        InputError: With every fault of the changes; also where one has no effect.
        UsageError: The instance was edited in memory.
    """
    origin = instance.origin
    if origin is None:
        raise UsageError(f"{instance.name}: was edited in memory; make changes to the instance that `load` returned")
    changed = origin.file.with_effective_changes(changes, unchanged=instance)
    return set_origin(changed, InstanceOrigin(origin.file.set_changes(changes), origin.base or instance))
