"""`medalopt template` and `medalopt import`: an instance as a workbook, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli.common import check_new, check_output, place
from medalopt.cli.ending import say
from medalopt.errors import Fault, InputError, UsageError

if TYPE_CHECKING:
    from medalopt.instance.loading import Opened


def template(
    output: Annotated[Path, typer.Argument(metavar="OUT", help="The workbook to write: NAME.xlsx.")],
    instance: Annotated[
        Path | None,
        typer.Argument(metavar="[INSTANCE]", help="The instance to put into it; left out: a small one to start from."),
    ] = None,
) -> int:
    """Write an instance as an Excel workbook: a sheet for each section, with units, meanings, lists to choose from."""
    from medalopt.instance.loading import opened
    from medalopt.report.files import write_file
    from medalopt.report.template import template as made

    if output.suffix.lower() != ".xlsx":
        raise UsageError(f"{place(output)}: a template is a workbook; call it NAME.xlsx")
    if instance is not None:
        check_output(output, instance)
        write_file(output, made(opened(instance)))
    else:
        write_file(output, made(_starter(output.stem)))
    say(f"{place(output)}: is written; fill it in, then: medalopt import {place(output)} -o NAME.yaml")
    return 0


def _starter(stem: str) -> Opened:
    """Return the starter instance, named after the output file."""
    import tempfile

    from medalopt.instance.loading import opened
    from medalopt.instance.starting import template as starter

    plain = "".join(char if char in "abcdefghijklmnopqrstuvwxyz0123456789_-" else "-" for char in stem.lower())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "starter.yaml"
        path.write_text(starter(plain[:100]), encoding="utf-8")
        return opened(path)


def import_(
    book: Annotated[Path, typer.Argument(metavar="BOOK", help="A workbook that `medalopt template` wrote: NAME.xlsx.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="PATH", help="The instance to write: NAME.yaml.")],
) -> int:
    """Read an instance from a workbook, and write it as YAML; every mistake is told with its sheet and cell."""
    from medalopt.instance.book.importing import imported
    from medalopt.instance.book.writing import files
    from medalopt.instance.reader.files import read
    from medalopt.instance.reader.spreadsheet import LARGEST_WORKBOOK
    from medalopt.report.files import write_file

    if output.suffix.lower() not in (".yaml", ".yml"):
        raise UsageError(f"-o {place(output)}: an instance is YAML; call it NAME.yaml")
    check_output(output, book)
    check_new(output)
    reports: list[str] = []
    data = read(book, place(book), LARGEST_WORKBOOK, reports.append)
    if data is None:
        raise InputError([Fault(place(book), 0, 0, "", reports[0])])
    found = imported(data)
    made = files(found.root, found.calendar, output.stem)
    instance = f"{output.stem}.yaml"
    targets = {output.parent / name if name != instance else output: text for name, text in made.items()}
    for target in targets:
        check_new(target)
    for warning in found.instance.warnings:
        say(f"warning: {warning}")
    for target, content in sorted(
        targets.items(), key=lambda item: item[0] == output
    ):  # the instance last: it exists only if complete
        target.parent.mkdir(exist_ok=True)
        write_file(target, content)
        say(f"{place(target)}: is written")
    return 0
