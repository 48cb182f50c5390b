"""What several verbs share: their arguments, the instance read, data printed."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.errors import InputError, OutputError, UsageError

if TYPE_CHECKING:
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
