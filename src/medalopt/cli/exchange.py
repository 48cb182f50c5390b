"""`medalopt template`, `import` and `export`: an instance as a workbook and back, and its program for other solvers."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli import options
from medalopt.cli.run import print_message, print_output
from medalopt.errors import Fault, FaultKind, InputError, UsageError
from medalopt.text import format_path

if TYPE_CHECKING:
    from medalopt.instance.instance import Instance
    from medalopt.instance.loading import InstanceFile
    from medalopt.instance.routes import Routes


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
        options.check_output_path(output, instance)
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
    options.check_output_path(output, book)
    options.check_new_path(output)
    reports: list[str] = []
    data = read_file(book, format_path(book), LARGEST_WORKBOOK, reports.append)
    if data is None:
        raise InputError([Fault(format_path(book), 0, 0, "", reports[0], kind=FaultKind.WORKBOOK)])
    found = import_workbook(data)
    result = render_instance_files(found.root, found.calendar, output.stem)
    instance = f"{output.stem}.yaml"
    targets = {output.parent / name if name != instance else output: text for name, text in result.items()}
    for target in targets:
        options.check_new_path(target)
    for warning in found.instance.warnings:
        print_message(f"warning: {warning}")
    for target, content in sorted(
        targets.items(), key=lambda item: item[0] == output
    ):  # the instance last: it exists only if complete
        target.parent.mkdir(exist_ok=True)
        write_file(target, content)
        print_message(f"{format_path(target)}: written")
    return 0


class ExportFormat(StrEnum):
    """File format of the program."""

    lp = "lp"
    mps = "mps"
    mathprog = "mathprog"


_FORMAT_SUFFIXES = {".lp": ExportFormat.lp, ".mps": ExportFormat.mps, ".dat": ExportFormat.mathprog}


def export(
    instance: options.InstanceArgument,
    to: Annotated[
        ExportFormat | None, typer.Option("--to", help="File format; default: by the ending of PATH (.lp, .mps, .dat).")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="PATH", help="File to write; default: standard output."),
    ] = None,
    objective: options.ObjectiveOption = "cost",
    set_: options.SetOption = None,
) -> int:
    """Export the model as LP, MPS or MathProg data.

    MPS is in free format; MathProg data belong to models/sourcing.mod. A table of the names is written beside an LP or
    MPS file. Of a promised confidence LP and MPS have the cuts at the optimal plan, MathProg data nothing.
    """
    ending = _FORMAT_SUFFIXES.get(output.suffix.lower() if output else "")
    form = to or ending
    if form is None:
        raise UsageError("give the format: --to lp, mps or mathprog, or -o NAME.lp, NAME.mps or NAME.dat")
    if output is not None:
        if ending not in (None, form):
            raise UsageError(
                f"-o {format_path(output)}: has the ending of {ending}, not of {form}; change it, or omit --to"
            )
        options.check_output_path(output, instance)
    files = _render_files(options.read_instance(instance, set_), form, objective, output)
    if output is None:
        print_output(next(iter(files.values())))
        return 0
    from medalopt.report.atomic_write import write_file

    for path, content in files.items():
        write_file(path, content)
        print_message(f"{format_path(path)}: written")
    return 0


def _render_files(instance: Instance, form: ExportFormat, objective: str, output: Path | None) -> dict[Path, str]:
    """Return the text of each file to write: the program, and the table of names of an LP or MPS file."""
    from medalopt.instance.payers import apply_party

    instance, objective = apply_party(instance, objective)
    path = output or Path("-")
    if form == ExportFormat.mathprog:
        from medalopt.export import write_mathprog
        from medalopt.instance.uncertainty import has_confidence

        if has_confidence(instance):
            print_message(f"{instance.name}: the promise is left out; models/sourcing.mod has none. LP and MPS have it")
        return {path: write_mathprog(instance, objective)}
    from medalopt.export import write_lp, write_mps, write_names
    from medalopt.solver.assemble import build_named_program

    program = build_named_program(instance, objective, _find_cuts(instance, objective))
    names = path.with_name(f"{path.stem}.names.csv")
    return {path: write_lp(program) if form == ExportFormat.lp else write_mps(program), names: write_names(program)}


def _find_cuts(instance: Instance, objective: str) -> Routes | None:
    """Return the routes with the cuts of a promised confidence at the optimal plan; None without any."""
    from medalopt.instance.uncertainty import get_uncertainty_budget, has_confidence

    if not has_confidence(instance) or get_uncertainty_budget(instance):
        return None
    from medalopt.api import solve

    with options.report_progress(f"solving {instance.name} for the cuts of its promised confidence"):
        routes = solve(instance, objective).account.routes
    text = f"the promised confidence is written as cuts at the optimal plan ({len(routes.cuts)})"
    print_message(f"{instance.name}: {text}; export again for other data")
    return routes
