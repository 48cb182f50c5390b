"""`medalopt export`: the program in a format for other solvers."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli.options import InstanceArgument, SetOption, check_output_path, read_instance, report_progress
from medalopt.cli.run import print_message, print_output
from medalopt.cli.solve import ObjectiveOption
from medalopt.errors import UsageError
from medalopt.text import format_path

if TYPE_CHECKING:
    from medalopt.instance.instance import Instance
    from medalopt.instance.routes import Routes


class ExportFormat(StrEnum):
    """File format of the program."""

    lp = "lp"
    mps = "mps"
    mathprog = "mathprog"


_FORMAT_SUFFIXES = {".lp": ExportFormat.lp, ".mps": ExportFormat.mps, ".dat": ExportFormat.mathprog}


def export(
    instance: InstanceArgument,
    to: Annotated[
        ExportFormat | None, typer.Option("--to", help="File format; default: by the ending of PATH (.lp, .mps, .dat).")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="PATH", help="File to write; default: standard output."),
    ] = None,
    objective: ObjectiveOption = "cost",
    set_: SetOption = None,
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
        check_output_path(output, instance)
    files = _render_files(read_instance(instance, set_), form, objective, output)
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
        from medalopt.instance.confidence import has_confidence

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
    from medalopt.instance.confidence import get_uncertainty_budget, has_confidence

    if not has_confidence(instance) or get_uncertainty_budget(instance):
        return None
    from medalopt.api import solve

    with report_progress(f"solving {instance.name} for the cuts of its promised confidence"):
        routes = solve(instance, objective).account.routes
    text = f"the promised confidence is written as cuts at the optimal plan ({len(routes.cuts)})"
    print_message(f"{instance.name}: {text}; export again for other data")
    return routes
