"""`medalopt solve`: the optimal plan, its cost and its binding constraints."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli.infeasible_output import report_infeasibility
from medalopt.cli.options import (
    GapOption,
    InstanceArgument,
    JsonOption,
    MethodOption,
    SetOption,
    SolveMethod,
    TimeLimitOption,
    check_output_path,
    format_path,
    parse_limits,
    read_instance,
    report_progress,
)
from medalopt.cli.run import print_message, print_output
from medalopt.errors import LimitError, NoPlanError, UsageError

if TYPE_CHECKING:
    from medalopt.instance.instance import Instance
    from medalopt.plan.plan import Plan
    from medalopt.solver.budget import TimeBudget


class ObjectiveChoice(StrEnum):
    """Objective to minimise."""

    cost = "cost"
    footprint = "footprint"
    mass = "mass"


ExtendOption = Annotated[
    list[Path] | None,
    typer.Option("--extend", metavar="FILE", help="A Python file with constraints of your own; it is run."),
]
ObjectiveOption = Annotated[
    ObjectiveChoice, typer.Option("--objective", help="What is made least; ties by cost, then by tonnes.")
]


def solve(
    instance: InstanceArgument,
    objective: ObjectiveOption = ObjectiveChoice.cost,
    extend: ExtendOption = None,
    set_: SetOption = None,
    gap: GapOption = None,
    time_limit: TimeLimitOption = None,
    method: MethodOption = SolveMethod.auto,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="PATH", help="Also write the plan: NAME.json, or a folder of CSV."),
    ] = None,
    json: JsonOption = False,
) -> int:
    """Find the best plan, prove it, and show what to take from whom, what it costs and what is scarce."""
    if output is not None:
        if output.suffix.lower() not in ("", ".json"):
            raise UsageError(f"-o {format_path(output)}: a plan is written as NAME.json, or as CSV to a folder")
        check_output_path(output, instance)
    within = parse_limits(gap, time_limit)
    figures = read_instance(instance, set_)
    budget = _start_budget(within[1])
    try:
        plan = _solve_instance(figures, objective, tuple(extend or ()), *within, method)
    except LimitError:
        if json:
            report_time_limit(figures, objective)
        raise
    except NoPlanError as error:
        return report_infeasibility(
            figures, error, instance, set_, objective.value, json, tuple(extend or ()), budget=budget
        )
    if output is not None:
        _write_solution(plan, output)
    _print_solution(plan, json)
    return LimitError.exit_code if plan.stopped else 0


def _start_budget(seconds: float | None) -> TimeBudget | None:
    """Return a time budget that starts now, or None without limit."""
    from medalopt.solver.budget import TimeBudget

    return None if seconds is None else TimeBudget(seconds)


def _solve_instance(
    figures: Instance,
    objective: ObjectiveChoice,
    extensions: tuple[Path, ...],
    gap: float | None,
    time_limit: float | None,
    method: SolveMethod,
) -> Plan:
    """Return the solved plan."""
    from medalopt.solve_instance import solve as solved

    with report_progress(f"solving {figures.name}"):
        return solved(figures, objective.value, extensions, gap, time_limit, method.value)


def report_time_limit(figures: Instance, objective: ObjectiveChoice) -> None:
    """Print, as JSON, that the time limit was reached without a plan.

    Args:
        figures: Instance.
        objective: Objective.
    """
    from medalopt.report.plan_json import build_no_plan_object, render_json

    print_output(render_json(build_no_plan_object(figures, "interrupted", objective.value)))


def _print_solution(plan: Plan, as_json: bool) -> None:
    """Print the plan as JSON or text."""
    if as_json:
        from medalopt.report.plan_json import build_plan_members, stream_json

        print_output(stream_json(build_plan_members(plan)))
    else:
        from medalopt.report.render.text import Screen
        from medalopt.report.solve import render_plan

        print_output(render_plan(Screen.from_stdout(), plan))


def _write_solution(plan: Plan, output: Path) -> None:
    """Write the plan as JSON, or as CSV to a folder."""
    from medalopt.report.atomic_write import write_file, write_folder
    from medalopt.report.plan_csv import OPTIONAL_FILES, stream_csv_files
    from medalopt.report.plan_json import build_plan_members, stream_json

    if output.suffix:
        write_file(output, stream_json(build_plan_members(plan)))
        print_message(f"{format_path(output)}: the plan is written")
    else:
        tables = stream_csv_files(plan)
        write_folder(output, tables, OPTIONAL_FILES)
        print_message(f"{format_path(output)}: the plan is written, {len(tables)} tables as CSV")
