"""What is printed where there is no plan, by every verb that looks for one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from medalopt.cli.common import changes, progress
from medalopt.cli.ending import emit, say
from medalopt.errors import NoPlanError
from medalopt.wording import shown

if TYPE_CHECKING:
    from medalopt.instance.instance import Instance

_LONGEST = 600


def tell_no_plan(
    figures: Instance,
    error: NoPlanError,
    source: Path,
    given: list[str] | None,
    measure: str,
    as_json: bool,
    extensions: tuple[Path, ...] = (),
) -> int:
    """Say that there is no plan, print what stands in its way and what would cure it, and return the exit code."""
    from medalopt.analysis.refusal import diagnose
    from medalopt.report.jsonplan import no_plan_object, text
    from medalopt.report.noplan import refusal

    say(shown(str(error), _LONGEST))
    found = None
    if error.status == "infeasible":
        with progress("looking for what stands in the way"):
            found = diagnose(figures, measure, extensions, source, changes(given))
    if as_json:
        rows = {} if found is None else {"diagnosis": found.rows()}
        emit(text({**no_plan_object(figures, error.status, measure, error.refutation), **rows}))
    elif error.status == "infeasible":
        emit(refusal(figures, found, error.refutation))
    return error.exit_code
