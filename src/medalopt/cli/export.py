"""`medalopt export`: the program in a format for other solvers."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli.common import Changes, InstanceFile, check_output, place, read
from medalopt.cli.ending import emit, say
from medalopt.cli.solve import Measure, Objective
from medalopt.errors import UsageError

if TYPE_CHECKING:
    from medalopt.instance.instance import Instance


class Form(StrEnum):
    """File format of the program."""

    lp = "lp"
    mps = "mps"
    mathprog = "mathprog"


_ENDINGS = {".lp": Form.lp, ".mps": Form.mps, ".dat": Form.mathprog}


def export(
    instance: InstanceFile,
    to: Annotated[
        Form | None, typer.Option("--to", help="The format; left out: by the ending of PATH (.lp, .mps, .dat).")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="PATH", help="Where to write it; left out: standard output."),
    ] = None,
    objective: Objective = Measure.cost,
    set_: Changes = None,
) -> int:
    """Write the program as LP, free MPS, or data for models/sourcing.mod; beside PATH a table of the names."""
    ending = _ENDINGS.get(output.suffix.lower() if output else "")
    form = to or ending
    if form is None:
        raise UsageError("say which format: --to lp, mps or mathprog, or -o NAME.lp, NAME.mps or NAME.dat")
    if output is not None:
        if ending not in (None, form):
            raise UsageError(
                f"-o {place(output)}: ends as {ending} is written, not {form}; change it, or leave out --to"
            )
        check_output(output, instance)
    files = _files(read(instance, set_), form, objective, output)
    if output is None:
        emit(next(iter(files.values())))
        return 0
    from medalopt.report.files import write_file

    for path, content in files.items():
        write_file(path, content)
        say(f"{place(path)}: is written")
    return 0


def _files(figures: Instance, form: Form, objective: Measure, output: Path | None) -> dict[Path, str]:
    """Return the text of each file to write: the program, and the table of names of an LP or MPS file."""
    path = output or Path("-")
    if form == Form.mathprog:
        from medalopt.export import write_mathprog

        return {path: write_mathprog(figures, objective.value)}
    from medalopt.export import write_lp, write_mps, write_names
    from medalopt.solver.named import named_program

    program = named_program(figures, objective.value)
    names = path.with_name(f"{path.stem}.names.csv")
    return {path: write_lp(program) if form == Form.lp else write_mps(program), names: write_names(program)}
