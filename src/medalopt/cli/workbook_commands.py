"""`medalopt template` and `medalopt import`: an instance as a workbook, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli.options import check_new_path, check_output_path
from medalopt.cli.run import print_message
from medalopt.errors import Fault, FaultKind, InputError, UsageError
from medalopt.text import format_path

if TYPE_CHECKING:
    from medalopt.instance.loading import InstanceFile


def template(
    output: Annotated[Path, typer.Argument(metavar="OUT", help="Workbook to write: NAME.xlsx.")],
    instance: Annotated[
        Path | None,
        typer.Argument(metavar="INSTANCE", help="Instance to write; default: a small one to start from."),
    ] = None,
) -> int:
    """Write an instance as an Excel workbook.

    One sheet per section, with units, descriptions and drop-down lists.
    """
    from medalopt.instance.loading import open_instance
    from medalopt.report.atomic_write import write_file
    from medalopt.report.instance_workbook import render_instance_workbook

    if output.suffix.lower() != ".xlsx":
        raise UsageError(f"{format_path(output)}: a template is a workbook; call it NAME.xlsx")
    if instance is not None:
        check_output_path(output, instance)
        write_file(output, render_instance_workbook(open_instance(instance)))
    else:
        write_file(output, render_instance_workbook(_open_starter(output.stem)))
    print_message(
        f"{format_path(output)}: written; enter the values, then: medalopt import {format_path(output)} -o NAME.yaml"
    )
    return 0


def _open_starter(stem: str) -> InstanceFile:
    """Return the starter instance, named after the output file."""
    import tempfile

    from medalopt.instance.examples import render_starter_template
    from medalopt.instance.loading import open_instance

    plain = "".join(char if char in "abcdefghijklmnopqrstuvwxyz0123456789_-" else "-" for char in stem.lower())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "starter.yaml"
        path.write_text(render_starter_template(plain[:100]), encoding="utf-8")
        return open_instance(path)


def import_(
    book: Annotated[Path, typer.Argument(metavar="BOOK", help="Workbook written by `medalopt template`: NAME.xlsx.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="PATH", help="Instance file to write: NAME.yaml.")],
) -> int:
    """Read an instance from an Excel workbook.

    It is written as YAML; errors are reported with sheet and cell.
    """
    from medalopt.instance.reader.excel_reader import LARGEST_WORKBOOK
    from medalopt.instance.reader.files import read_file
    from medalopt.instance.workbook.importer import import_workbook
    from medalopt.instance.workbook.yaml_writer import render_instance_files
    from medalopt.report.atomic_write import write_file

    if output.suffix.lower() not in (".yaml", ".yml"):
        raise UsageError(f"-o {format_path(output)}: an instance is YAML; call it NAME.yaml")
    check_output_path(output, book)
    check_new_path(output)
    reports: list[str] = []
    data = read_file(book, format_path(book), LARGEST_WORKBOOK, reports.append)
    if data is None:
        raise InputError([Fault(format_path(book), 0, 0, "", reports[0], kind=FaultKind.WORKBOOK)])
    found = import_workbook(data)
    result = render_instance_files(found.root, found.calendar, output.stem)
    instance = f"{output.stem}.yaml"
    targets = {output.parent / name if name != instance else output: text for name, text in result.items()}
    for target in targets:
        check_new_path(target)
    for warning in found.instance.warnings:
        print_message(f"warning: {warning}")
    for target, content in sorted(
        targets.items(), key=lambda item: item[0] == output
    ):  # the instance last: it exists only if complete
        target.parent.mkdir(exist_ok=True)
        write_file(target, content)
        print_message(f"{format_path(target)}: written")
    return 0
