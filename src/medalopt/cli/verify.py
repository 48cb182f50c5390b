"""`medalopt verify`: verification of a saved plan without the solver, from the instance alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli.anew import Actuals, After, Anew, Frozen
from medalopt.cli.common import Changes, Json, changes, read
from medalopt.cli.ending import emit
from medalopt.errors import UsageError
from medalopt.wording import shown

if TYPE_CHECKING:
    from medalopt.instance.written import Written

NOT_ACCEPTED = 1


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
    after: After = None,
    actuals: Actuals = None,
    frozen: Frozen = None,
    set_: Changes = None,
    json: Json = False,
) -> int:
    """Check a saved plan against its instance: which rules it breaks, by how much, and how far it is from the best."""
    from medalopt.plan.saved import SavedRefusal, read_file
    from medalopt.proof.refused import recheck
    from medalopt.proof.verdict import verdict
    from medalopt.report import edited as changed
    from medalopt.report import verdict as pages
    from medalopt.report.jsonplan import text
    from medalopt.report.sourcing.recheck import check_tables

    file = read_file(plan)
    saved, edits = file.plan, file.edits
    path = instance or _named(plan, saved.instance.files)
    anew = Anew.of(read(path, set_), after, actuals, frozen)
    figures = anew.figures
    if isinstance(saved, SavedRefusal):
        refused = recheck(figures, saved)
        emit(text(pages.recheck_object(refused)) if json else pages.rechecked(refused, plan.name))
        return 0 if refused.accepted else NOT_ACCEPTED
    found = check_tables(file, verdict(figures, saved), lambda: _written(path, set_, anew), anew.settled)
    if edits:
        emit(text(changed.edited_object(found, edits)) if json else changed.edited(found, edits, plan.name))
        return 0 if found.accepted else NOT_ACCEPTED
    emit(text(pages.verdict_object(found)) if json else pages.told(found, plan.name))
    return 0 if found.accepted else NOT_ACCEPTED


def _written(path: Path, set_: list[str] | None, anew: Anew) -> Written | None:
    """Return the values as written in the instance file, or None for a remaining horizon."""
    from medalopt.instance.loading import opened

    return None if anew.question else opened(path).written(changes(set_))


def _named(plan: Path, files: dict[str, str]) -> Path:
    """Return the instance file that a plan names. Raises UsageError."""
    from medalopt.plan.saved import instance_file

    found = instance_file(plan, files)
    if found is None:
        raise UsageError(f"{shown(str(plan))}: its instance is not here; name it: medalopt verify PLAN INSTANCE")
    return found
