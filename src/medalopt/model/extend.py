"""A user's own constraints: a Python file with one function `extend(model, instance)`.

Such a file is a program and runs as one; it is loaded only where a person names it.
"""

from __future__ import annotations

import runpy
from pathlib import Path

import pyomo.core as pyo

from medalopt.errors import UsageError
from medalopt.instance.instance import Instance


def apply(model: pyo.ConcreteModel, instance: Instance, path: Path) -> None:
    """Run `extend(model, instance)` of the file `path`. Raises UsageError where that cannot be done."""
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file; --extend takes a Python file with a function `extend`")
    try:
        function = runpy.run_path(str(path)).get("extend")
        if not callable(function):
            raise UsageError(f"{path}: there is no function `extend(model, instance)` in it; define one")
        function(model, instance)
    except UsageError:
        raise
    except Exception as error:  # whatever a user's own code may raise
        raise UsageError(f"{path}: {type(error).__name__}: {error}; mend the file and try again") from error
