"""`medalopt explain`: binding constraints, shadow prices and sources of a plan; conflicts if there is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli.infeasible_output import report_infeasibility, write_explanation
from medalopt.cli.options import (
    InstanceArgument,
    JsonOption,
    SetOption,
    check_output_path,
    format_path,
    read_instance,
    report_progress,
)
from medalopt.cli.run import print_message, print_output
from medalopt.cli.solve import ExtendOption, ObjectiveChoice, ObjectiveOption
from medalopt.errors import NoPlanError, UsageError

if TYPE_CHECKING:
    from medalopt.instance.instance import Instance


def explain(
    instance: InstanceArgument,
    about: Annotated[
        str | None, typer.Argument(metavar="PATH", help="One stream to tell in full, such as streams.phone@tokyo.")
    ] = None,
    objective: ObjectiveOption = ObjectiveChoice.cost,
    extend: ExtendOption = None,
    set_: SetOption = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="PATH", help="Also write the explanation: NAME.txt or NAME.json."),
    ] = None,
    json: JsonOption = False,
) -> int:
    """Say why the plan is as it is: what binds, what one more of everything costs, why each source is taken or not.

    Where there is no plan: what stands in its way, and the cheapest cure.
    """
    if output is not None:
        if output.suffix.lower() not in (".txt", ".json"):
            raise UsageError(f"-o {format_path(output)}: an explanation is written as NAME.txt or NAME.json")
        check_output_path(output, instance)
    figures = read_instance(instance, set_)
    if figures.lots:
        from medalopt.instance.bounds import drop_lot_constraints

        print_message(
            f"{figures.lots[0]}: whole lots and minimum orders are left out here; there are prices only without them"
        )
        figures = drop_lot_constraints(figures)
    try:
        told = _build_explanation(figures, about, objective, tuple(extend or ()))
    except NoPlanError as error:
        given = (figures, error, instance, set_, objective.value, json)
        return report_infeasibility(*given, tuple(extend or ()), () if output is None else (output,))
    if output is not None:
        write_explanation(output, told)
    print_output(told(json))
    return 0


def _build_explanation(
    figures: Instance, about: str | None, objective: ObjectiveChoice, extensions: tuple[Path, ...]
) -> Callable[..., str]:
    """Return a renderer of the explanation: as JSON or as text, for standard output or another screen."""
    from medalopt.analysis.explain.explanation import explain_plan, explain_stream, parse_stream_path
    from medalopt.report.explain import (
        build_explanation_object,
        build_stream_object,
        render_explanation,
        render_stream_explanation,
    )
    from medalopt.report.plan_json import render_json
    from medalopt.solve_instance import solve

    stream = None if about is None else parse_stream_path(figures, about)
    with report_progress(f"solving {figures.name}"):
        plan = solve(figures, objective.value, extensions)
    with report_progress("asking what lies around the plan"):
        if stream is not None:
            found = explain_stream(plan, stream, extensions)
            return lambda as_json, screen=None: (
                render_json(build_stream_object(found)) if as_json else render_stream_explanation(found, screen)
            )
        whole = explain_plan(plan, extensions)
        return lambda as_json, screen=None: (
            render_json(build_explanation_object(whole)) if as_json else render_explanation(whole, screen)
        )
