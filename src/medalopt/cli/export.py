"""`medalopt export`: the same program for another solver."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from medalopt.cli.common import Changes, InstanceFile, emit, read
from medalopt.cli.solve import Measure, Objective
from medalopt.errors import UsageError


class Form(StrEnum):
    """How the program is written."""

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
    form = to or _ENDINGS.get(output.suffix.lower() if output else "")
    if form is None:
        raise UsageError("say which format: --to lp, mps or mathprog, or -o NAME.lp, NAME.mps or NAME.dat")
    figures = read(instance, set_, False)
    if form == Form.mathprog:
        from medalopt.export import write_mathprog

        content, names = write_mathprog(figures, objective.value), None
    else:
        from medalopt.export import write_lp, write_mps, write_names
        from medalopt.solver.named import named_program

        program = named_program(figures, objective.value)
        content = write_lp(program) if form == Form.lp else write_mps(program)
        names = write_names(program)
    if output is None:
        emit(content)
        return 0
    from medalopt.report.files import write_file

    write_file(output, content)
    if names is not None:
        write_file(output.with_name(f"{output.stem}.names.csv"), names)
    return 0
