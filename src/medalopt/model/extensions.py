"""User extensions: a Python file with one function `extend(model, instance)` that adds constraints to the model, or
that function itself.

The file is executed with the rights of the user, and only if its name is given; what it prints is redirected, since
standard output is reserved for data.
"""

from __future__ import annotations

import inspect
import logging
import os
import runpy
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import IO, Any

import pyomo.core as pyo
from pyomo.repn.util import categorize_valid_components

from medalopt.errors import UsageError
from medalopt.instance.instance import Instance
from medalopt.model.lots import INTEGER_VARIABLES
from medalopt.text import escape_text


@contextmanager
def redirect_output(stream: IO[str]) -> Iterator[None]:
    """Send printed output and Pyomo's log messages to `stream` within the context.

    Pyomo's handlers keep the standard output of import time, so they are redirected one by one.

    Args:
        stream: Text stream, such as standard error.

    Yields:
        None.
    """
    handlers = [each for each in logging.getLogger("pyomo").handlers if isinstance(each, logging.StreamHandler)]
    before = [(each, each.stream) for each in handlers]
    try:
        for each in handlers:
            each.stream = stream  # `setStream` would flush the other, which may be closed
        with redirect_stdout(stream):
            yield
    finally:
        for each, own in before:
            each.stream = own


_COMPONENT_TYPES = {
    pyo.Block,
    pyo.Constraint,
    pyo.Expression,
    pyo.ExternalFunction,
    pyo.Objective,
    pyo.Param,
    pyo.Set,
    pyo.Var,
}
_COMPONENT_TYPES |= {pyo.RangeSet, pyo.SetOf, pyo.Suffix}


Extension = Path | Callable[[pyo.ConcreteModel, Instance], object]
"""Python file with a function `extend(model, instance)`, or that function."""


def list_extensions(given: Sequence[Extension | str]) -> tuple[Extension, ...]:
    """Return extensions with the names of files as paths.

    Args:
        given: Files and functions.

    Returns:
        Paths and functions.
    """
    return tuple(Path(one) if isinstance(one, str | os.PathLike) else one for one in given)


def name_extension(extension: Extension) -> str:
    """Return the name of an extension for messages.

    Args:
        extension: File or function.

    Returns:
        Path of the file or name of the function.
    """
    if isinstance(extension, Path):
        return str(extension)
    return str(getattr(extension, "__qualname__", type(extension).__qualname__))


def apply_extension(model: pyo.ConcreteModel, instance: Instance, extension: Extension) -> None:
    """Run `extend(model, instance)` of a file, or a function.

    Its output and Pyomo's messages go to standard error, since standard output is reserved for data.

    Args:
        model: Model to extend, in place.
        instance: Instance of the model.
        extension: Python file or function.

    Raises:
        UsageError: The file is missing or fails, or the model is no linear program afterwards.
    """
    path = name_extension(extension)
    if isinstance(extension, Path) and not os.path.isfile(extension):
        raise UsageError(f"{path}: there is no such file; --extend takes a Python file with a function `extend`")
    own = list(model.component_objects(active=True))
    try:
        with redirect_output(sys.stderr):
            function = runpy.run_path(path).get("extend") if isinstance(extension, Path) else extension
            if not callable(function):
                raise UsageError(f"{path}: there is no function `extend(model, instance)` in it; define one")
            _check_has_run(function(model, instance), path)
        _check_extended_model(model, own, path)
    except (KeyboardInterrupt, UsageError):
        raise
    except BaseException as error:  # whatever a user's own code may raise
        raise UsageError(f"{path}: {_describe_error(error)}; correct the file and try again") from error


def _describe_error(error: BaseException) -> str:
    """Return type and message of an exception raised by user code; its `__str__` is user code as well."""
    try:
        return f"{type(error).__name__}: {escape_text(str(error), 400)}"
    except Exception:
        return type(error).__name__


def _check_has_run(returned: object, path: str) -> None:
    """Raise UsageError if `extend` returned a generator or coroutine, so that its body has not run."""
    if inspect.isgenerator(returned) or inspect.iscoroutine(returned):
        returned.close()  # a coroutine that is never awaited warns
    elif not inspect.isasyncgen(returned) and not inspect.isawaitable(returned):
        return
    raise UsageError(f"{path}: `extend` is a generator or asynchronous, so it did not run; write a plain `def`")


def _check_extended_model(model: pyo.ConcreteModel, own: Sequence[Any], path: str) -> None:
    """Raise UsageError if a component was removed, or one added that a linear program cannot contain."""
    for part in own:
        there = model.component(part.local_name) is part and part.active
        if not there or (part.ctype is pyo.Constraint and not all(row.active for row in part.values())):
            raise UsageError(
                f"{path}: `{part.local_name}` of the model was removed; an extension may only add to the model"
            )
    objectives = list(model.component_data_objects(pyo.Objective, active=True))
    if objectives != [model.objective] or model.objective.sense != pyo.minimize:
        raise UsageError(f"{path}: there is one objective, and it is minimised; choose it with --objective")
    _, others = categorize_valid_components(model, active=True, valid=_COMPONENT_TYPES)
    for kind, blocks in others.items():
        raise UsageError(
            f"{path}: {kind.__name__} in `{blocks[0].name}` is not part of a linear program; write it in rows"
        )
    lots = {id(part) for part in own if part.local_name in INTEGER_VARIABLES}
    for column in model.component_data_objects(pyo.Var):
        _check_variable(column, path, id(column.parent_component()) in lots)


def _check_variable(column: Any, path: str, in_lots: bool) -> None:
    """Raise UsageError for a non-continuous variable; replace a fixed variable by equal bounds."""
    if not column.is_continuous() and not in_lots:
        raise UsageError(
            f"{path}: `{column.name}` is integer; declare it continuous (only `lot` in the instance makes integers)"
        )
    if column.fixed:
        column.setlb(column.value)
        column.setub(column.value)
        column.unfix()
        if column.lb is None:
            raise UsageError(f"{path}: `{column.name}` is fixed without a value; give it a value")
    if None not in column.bounds and column.lb > column.ub:
        raise UsageError(f"{path}: the lower bound of `{column.name}` is above its upper bound; swap them")
