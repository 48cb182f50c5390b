"""What several verbs share: their arguments, the instance read, the screen."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.errors import InputError, OutputError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from medalopt.instance.instance import Instance

InstanceFile = Annotated[Path, typer.Argument(metavar="INSTANCE", help="The instance, a YAML file.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for a program instead of text for a person.")]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Change a figure for this run alone; may be given again."),
]


def changes(given: list[str] | None) -> dict[str, str]:
    """Return the changes of `--set`, path to value. Raises UsageError where one has no `=`."""
    result = {}
    for text in given or []:
        path, equals, value = text.partition("=")
        if not equals or not path.strip():
            raise UsageError(f"--set {text}: write PATH=VALUE, such as --set smelters.kosaka.capacity='500 t'")
        result[path.strip()] = value.strip()
    return result


def read(path: Path, given: list[str] | None, as_json: bool) -> Instance:
    """Read the instance; with `as_json` its faults are printed as JSON too. Warnings go to standard error."""
    from medalopt.instance.loading import load

    try:
        instance = load(path, changes(given))
    except InputError as error:
        if as_json:
            from medalopt.report.jsonplan import faults_object, text

            emit(text(faults_object(error.faults)))
        raise
    for warning in instance.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    return instance


def emit(text: str) -> None:
    """Print data to standard output. Raises OutputError where that is full or closed."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python writes to it again when it ends
        raise OutputError("standard output was closed before all was written") from error
    except UnicodeEncodeError as error:
        raise OutputError(
            f"standard output cannot show {error.object[error.start : error.end]!r}: use UTF-8"
        ) from error
    except OSError as error:
        raise OutputError(f"standard output could not be written ({error.strerror})") from error


def screen() -> Console:
    """Return the terminal: its own width, colour only where it is wanted."""
    from rich.console import Console

    return Console(highlight=False, emoji=False, markup=False, soft_wrap=False)


@contextmanager
def progress(doing: str) -> Iterator[None]:
    """Show on standard error, where that is a terminal, what is being done, and at the end how long it took."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    console, start = Console(stderr=True, highlight=False), time.perf_counter()
    with console.status(doing):
        yield
    console.print(f"{doing}: {time.perf_counter() - start:.1f} s", style="dim")
