"""Arguments and options shared by several commands, reading of instances, and progress messages."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli.ending import say
from medalopt.errors import OutputError, UsageError
from medalopt.wording import shown

if TYPE_CHECKING:
    from medalopt.analysis.variants import Variants
    from medalopt.instance.instance import Instance

InstanceFile = Annotated[Path, typer.Argument(metavar="INSTANCE", help="The instance, a YAML file.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for a program instead of text for a person.")]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Change a figure for this run alone; may be given again."),
]


def changes(given: list[str] | None) -> dict[str, str]:
    """Parse the changes of `--set`.

    Args:
        given: Texts `PATH=VALUE`, or None.

    Returns:
        Value by path.

    Raises:
        UsageError: A text is malformed, or a path is given twice.
    """
    result: dict[str, str] = {}
    for text in given or []:
        path, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not path:
            raise UsageError(f"--set {shown(text)}: write PATH=VALUE, such as --set smelters.kosaka.capacity='500 t'")
        if path in result:
            raise UsageError(f"--set {shown(text)}: this figure is set twice; leave one of the two")
        result[path] = value
    return result


def read(path: Path, given: list[str] | None, *, scenarios: bool = False) -> Instance:
    """Read an instance with the changes of `--set`; warnings go to standard error.

    Args:
        path: Instance file.
        given: Texts `PATH=VALUE`, or None.
        scenarios: Check each scenario of the instance as well.

    Returns:
        The instance.

    Raises:
        InputError: A file is invalid.
        UsageError: A change is malformed.
    """
    wanted = changes(given)
    from medalopt.instance.loading import opened

    instance = opened(path).with_effective_changes(wanted, scenarios=scenarios)
    for warning in instance.warnings:
        say(f"warning: {warning}")
    return instance


def opened(path: Path, given: list[str] | None, objective: str) -> Variants:
    """Open an instance for solving variants of it; warnings go to standard error.

    Args:
        path: Instance file.
        given: Texts `PATH=VALUE`, or None.
        objective: Objective to minimise.

    Returns:
        The runner of variants; whole lots and minimum orders are left out.
    """
    wanted = changes(given)
    from medalopt.analysis.variants import Variants

    variants = Variants(path, wanted, objective)
    if variants.lots:
        say(f"{variants.lots[0]}: whole lots and minimum orders are left out here; there are prices only without them")
    for warning in variants.instance.warnings:
        say(f"warning: {warning}")
    return variants


def check_output(output: Path, instance: Path, what: str = "the instance") -> None:
    """Check, before a long calculation, that an output file can be written.

    Args:
        output: File to write.
        instance: File that must not be overwritten.
        what: Noun for that file in the message.

    Raises:
        OutputError: The file is the input, its folder is missing, or its name is invalid.
    """
    try:
        there, folder = output.exists(), output.absolute().parent.is_dir()
    except (OSError, ValueError) as error:  # name too long or invalid, or working folder deleted
        reason = (isinstance(error, OSError) and error.strerror) or "not a path"
        raise OutputError(f"{place(output)}: could not be written ({reason}); name another file") from error
    if there and os.path.exists(instance) and output.samefile(instance):
        raise OutputError(f"{place(output)}: is {what} itself; name another file")
    if not folder:
        above = place(output.parent)
        raise OutputError(f"{place(output)}: could not be written, there is no folder {above}; make it first")


def check_new(output: Path) -> None:
    """Check that a new instance overwrites no file.

    Args:
        output: File to write.

    Raises:
        OutputError: The file exists.
    """
    if os.path.lexists(output):
        raise OutputError(f"{place(output)}: is there already and still stands; choose another name, or -o PATH")


def place(path: Path) -> str:
    """Return a path as text for messages.

    Args:
        path: Path.

    Returns:
        The path, shortened and with control characters escaped.
    """
    return shown(str(path), 400)


@contextmanager
def progress(doing: str) -> Iterator[Callable[[str], None]]:
    """Report an activity and its duration on standard error, if that is a terminal.

    Args:
        doing: Activity, such as `solving tokyo`.

    Yields:
        A function that reports a step of the activity.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda step: None
        return
    start = time.perf_counter()
    say(f"{doing} …")
    yield lambda step: say(f"  {step} …")
    say(f"{doing}: {time.perf_counter() - start:.1f} s")
