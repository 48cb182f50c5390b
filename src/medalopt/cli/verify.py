"""`medalopt verify`: verification of a saved plan without the solver, from the instance alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli.options import (
    ActualsOption,
    AfterOption,
    FrozenOption,
    JsonOption,
    ReplanRequest,
    SetOption,
    parse_changes,
    read_instance,
)
from medalopt.cli.run import print_output
from medalopt.errors import UsageError
from medalopt.text import escape_text

if TYPE_CHECKING:
    from medalopt.instance.source_values import SourceValues

_NOT_ACCEPTED = 1


def verify(
    plan: Annotated[
        Path,
        typer.Argument(
            metavar="PLAN",
            help="A saved plan, or answer that there is none: NAME.json, NAME.xlsx, or the folder of CSV.",
        ),
    ],
    instance: Annotated[
        Path | None, typer.Argument(metavar="[INSTANCE]", help="Its instance; left out: the file that the plan names.")
    ] = None,
    after: AfterOption = None,
    actuals: ActualsOption = None,
    frozen: FrozenOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
) -> int:
    """Check a saved plan against its instance: which rules it breaks, by how much, and how far it is from the best."""
    from medalopt.plan.reader import read_plan_file
    from medalopt.plan.schema import SavedInfeasibility
    from medalopt.proof.verdict import verify_infeasibility, verify_plan
    from medalopt.report.plan_json import render_json
    from medalopt.report.sourcing.table_verification import check_tables
    from medalopt.report.verify import (
        build_edited_object,
        build_recheck_object,
        build_verdict_object,
        describe_edited_plan,
        describe_recheck,
        describe_verdict,
    )

    file = read_plan_file(plan)
    saved, edits = file.plan, file.edits
    path = instance or _find_instance(plan, saved.instance.files)
    anew = ReplanRequest.of(read_instance(path, set_), after, actuals, frozen)
    figures = anew.figures
    if isinstance(saved, SavedInfeasibility):
        refused = verify_infeasibility(figures, saved)
        print_output(render_json(build_recheck_object(refused)) if json else describe_recheck(refused, plan.name))
        return 0 if refused.accepted else _NOT_ACCEPTED
    found = check_tables(file, verify_plan(figures, saved), lambda: _read_source(path, set_, anew), anew.settled)
    if edits:
        print_output(
            render_json(build_edited_object(found, edits)) if json else describe_edited_plan(found, edits, plan.name)
        )
        return 0 if found.accepted else _NOT_ACCEPTED
    print_output(render_json(build_verdict_object(found)) if json else describe_verdict(found, plan.name))
    return 0 if found.accepted else _NOT_ACCEPTED


def _read_source(path: Path, set_: list[str] | None, anew: ReplanRequest) -> SourceValues | None:
    """Return the values as written in the instance file, or None for a remaining horizon."""
    from medalopt.instance.loading import open_instance

    return None if anew.question else open_instance(path).read_source_values(parse_changes(set_))


def _find_instance(plan: Path, files: dict[str, str]) -> Path:
    """Return the instance file that a plan names. Raises UsageError."""
    from medalopt.plan.reader import find_instance_file

    found = find_instance_file(plan, files)
    if found is None:
        raise UsageError(f"{escape_text(str(plan))}: its instance is not here; name it: medalopt verify PLAN INSTANCE")
    return found
