"""`medalopt explain`: binding constraints, shadow prices and sources of a plan; conflicts if there is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli.common import Changes, InstanceFile, Json, check_output, place, progress, read
from medalopt.cli.ending import emit, say
from medalopt.cli.refusing import tell_no_plan, written
from medalopt.cli.solve import Extend, Measure, Objective
from medalopt.errors import NoPlanError, UsageError

if TYPE_CHECKING:
    from medalopt.instance.instance import Instance


def explain(
    instance: InstanceFile,
    about: Annotated[
        str | None, typer.Argument(metavar="PATH", help="One stream to tell in full, such as streams.phone@tokyo.")
    ] = None,
    objective: Objective = Measure.cost,
    extend: Extend = None,
    set_: Changes = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="PATH", help="Also write the explanation: NAME.txt or NAME.json."),
    ] = None,
    json: Json = False,
) -> int:
    """Say why the plan is as it is: what binds, what one more of everything costs, why each source is taken or not.

    Where there is no plan: what stands in its way, and the cheapest cure.
    """
    if output is not None:
        if output.suffix.lower() not in (".txt", ".json"):
            raise UsageError(f"-o {place(output)}: an explanation is written as NAME.txt or NAME.json")
        check_output(output, instance)
    figures = read(instance, set_)
    if figures.lots:
        from medalopt.instance.lots import without_lots

        say(f"{figures.lots[0]}: whole lots and minimum orders are left out here; there are prices only without them")
        figures = without_lots(figures)
    try:
        told = _explained(figures, about, objective, tuple(extend or ()))
    except NoPlanError as error:
        given = (figures, error, instance, set_, objective.value, json)
        return tell_no_plan(*given, tuple(extend or ()), output)
    if output is not None:
        written(output, told)
    emit(told(json))
    return 0


def _explained(
    figures: Instance, about: str | None, objective: Measure, extensions: tuple[Path, ...]
) -> Callable[..., str]:
    """Return a renderer of the explanation: as JSON or as text, for standard output or another screen."""
    from medalopt.analysis.explanation.explanation import explained, story, stream_of
    from medalopt.report import explain as pages
    from medalopt.report import explain_json, explain_story
    from medalopt.report.jsonplan import text
    from medalopt.solving import solve

    stream = None if about is None else stream_of(figures, about)
    with progress(f"solving {figures.name}"):
        plan = solve(figures, objective.value, extensions)
    with progress("asking what lies around the plan"):
        if stream is not None:
            found = story(plan, stream, extensions)
            return lambda as_json, screen=None: (
                text(explain_json.story_object(found)) if as_json else explain_story.told(found, screen)
            )
        whole = explained(plan, extensions)
        return lambda as_json, screen=None: (
            text(explain_json.explanation_object(whole)) if as_json else pages.explanation(whole, screen)
        )
