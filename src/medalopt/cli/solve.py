"""`medalopt solve`: the optimal plan, its cost and its binding constraints."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli.common import Changes, InstanceFile, Json, check_output, place, progress, read
from medalopt.cli.ending import emit, say
from medalopt.cli.limits import Gap, Method, TimeLimit, Way, limits
from medalopt.cli.refusing import tell_no_plan
from medalopt.errors import LimitError, NoPlanError, UsageError

if TYPE_CHECKING:
    from medalopt.instance.instance import Instance
    from medalopt.plan.plan import Plan
    from medalopt.solver.budget import Budget


class Measure(StrEnum):
    """Objective to minimise."""

    cost = "cost"
    footprint = "footprint"
    mass = "mass"


Extend = Annotated[
    list[Path] | None,
    typer.Option("--extend", metavar="FILE", help="A Python file with constraints of your own; it is run."),
]
Objective = Annotated[Measure, typer.Option("--objective", help="What is made least; ties by cost, then by tonnes.")]


def solve(
    instance: InstanceFile,
    objective: Objective = Measure.cost,
    extend: Extend = None,
    set_: Changes = None,
    gap: Gap = None,
    time_limit: TimeLimit = None,
    method: Method = Way.auto,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="PATH", help="Also write the plan: NAME.json, or a folder of CSV."),
    ] = None,
    json: Json = False,
) -> int:
    """Find the best plan, prove it, and show what to take from whom, what it costs and what is scarce."""
    if output is not None:
        if output.suffix.lower() not in ("", ".json"):
            raise UsageError(f"-o {place(output)}: a plan is written as NAME.json, or as CSV to a folder")
        check_output(output, instance)
    within = limits(gap, time_limit)
    figures = read(instance, set_)
    budget = _begun(within[1])
    try:
        plan = _solved(figures, objective, tuple(extend or ()), *within, method)
    except LimitError:
        if json:
            tell_interrupted(figures, objective)
        raise
    except NoPlanError as error:
        return tell_no_plan(figures, error, instance, set_, objective.value, json, tuple(extend or ()), budget=budget)
    if output is not None:
        _write(plan, output)
    _print(plan, json)
    return LimitError.exit_code if plan.stopped else 0


def _begun(seconds: float | None) -> Budget | None:
    """Return a time budget that starts now, or None without limit."""
    from medalopt.solver.budget import Budget

    return None if seconds is None else Budget(seconds)


def _solved(
    figures: Instance,
    objective: Measure,
    extensions: tuple[Path, ...],
    gap: float | None,
    time_limit: float | None,
    method: Way,
) -> Plan:
    """Return the solved plan."""
    from medalopt.solving import solve as solved

    with progress(f"solving {figures.name}"):
        return solved(figures, objective.value, extensions, gap, time_limit, method.value)


def tell_interrupted(figures: Instance, objective: Measure) -> None:
    """Print, as JSON, that the time limit was reached without a plan.

    Args:
        figures: Instance.
        objective: Objective.
    """
    from medalopt.report.jsonplan import no_plan_object, text

    emit(text(no_plan_object(figures, "interrupted", objective.value)))


def _print(plan: Plan, as_json: bool) -> None:
    """Print the plan as JSON or text."""
    if as_json:
        from medalopt.report.jsonplan import members, pieces

        emit(pieces(members(plan)))
    else:
        from medalopt.report.screen import Screen
        from medalopt.report.terminal import shown_on

        emit(shown_on(Screen.of_output(), plan))


def _write(plan: Plan, output: Path) -> None:
    """Write the plan as JSON, or as CSV to a folder."""
    from medalopt.report.csvplan import OPTIONAL, files
    from medalopt.report.files import write_file, write_folder
    from medalopt.report.jsonplan import members, pieces

    if output.suffix:
        write_file(output, pieces(members(plan)))
        say(f"{place(output)}: the plan is written")
    else:
        tables = files(plan)
        write_folder(output, tables, OPTIONAL)
        say(f"{place(output)}: the plan is written, {len(tables)} tables as CSV")
