"""`medalopt solve`: what is the cheapest plan, what does it cost, what is scarce."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli.common import Changes, InstanceFile, Json, emit, read
from medalopt.errors import NoPlanError, OutputError, UsageError
from medalopt.report.screen import progress, screen

if TYPE_CHECKING:
    from medalopt.instance.instance import Instance
    from medalopt.plan.plan import Plan


class Measure(StrEnum):
    """What is made least."""

    cost = "cost"
    footprint = "footprint"
    mass = "mass"


Objective = Annotated[Measure, typer.Option("--objective", help="What is made least; ties by cost, then by tonnes.")]


def solve(
    instance: InstanceFile,
    objective: Objective = Measure.cost,
    extend: Annotated[
        list[Path] | None,
        typer.Option("--extend", metavar="FILE", help="A Python file with constraints of your own; it is run."),
    ] = None,
    set_: Changes = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="PATH", help="Also write the plan: NAME.json, or a folder of CSV."),
    ] = None,
    json: Json = False,
) -> int:
    """Find the best plan, prove it, and show what to take from whom, what it costs and what is scarce."""
    from medalopt.solving import solve as solved

    if output is not None:
        _check_output(output, instance)
    figures = read(instance, set_, json)
    try:
        with progress(f"solving {figures.name}"):
            plan = solved(figures, objective.value, tuple(extend or ()))
    except NoPlanError as error:
        if json:
            _emit_no_plan(figures, error, objective.value)
        raise
    if output is not None:
        _write(plan, output)
    _print(plan, json)
    return 0


def _print(plan: Plan, as_json: bool) -> None:
    if as_json:
        from medalopt.report.jsonplan import plan_object, text

        emit(text(plan_object(plan)))
    else:
        from medalopt.report.terminal import show

        console = screen()
        with console.capture() as captured:
            show(plan, console)
        emit(captured.get())


def _emit_no_plan(figures: Instance, error: NoPlanError, measure: str) -> None:
    from medalopt.report.jsonplan import no_plan_object, text

    emit(text(no_plan_object(figures, error.status, measure)))


def _check_output(output: Path, instance: Path) -> None:
    if output.suffix.lower() not in ("", ".json"):
        raise UsageError(f"-o {output}: a plan is written as NAME.json, or to a folder as CSV")
    if output.exists() and instance.exists() and output.samefile(instance):
        raise OutputError(f"{output}: is the instance itself; name another file")
    if not output.resolve().parent.is_dir():
        raise OutputError(f"{output}: there is no folder {output.parent}; make it first")


def _write(plan: Plan, output: Path) -> None:
    from medalopt.report.csvplan import folder
    from medalopt.report.files import write_file, write_folder
    from medalopt.report.jsonplan import plan_object, text

    if output.suffix:
        write_file(output, text(plan_object(plan)))
    else:
        write_folder(output, folder(plan))
