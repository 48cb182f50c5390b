"""What is printed where there is no plan, by every verb that looks for one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from medalopt.cli.common import changes, place, progress
from medalopt.cli.ending import emit, say
from medalopt.errors import NoLotsError, NoPlanError
from medalopt.wording import shown

if TYPE_CHECKING:
    from medalopt.instance.instance import Instance
    from medalopt.report.screen import Screen
    from medalopt.solver.budget import Budget

_LONGEST = 600


def tell_no_plan(
    figures: Instance,
    error: NoPlanError,
    source: Path | None,
    given: list[str] | None,
    measure: str,
    as_json: bool,
    extensions: tuple[Path, ...] = (),
    output: Path | None = None,
    budget: Budget | None = None,
) -> int:
    """Say that there is no plan, print what stands in its way and what would cure it, and return the exit code.

    It is also written to `output`, where one is given. `source` is None where `figures` stand in no file. When
    `budget` is over no further cure is sought.
    """
    from medalopt.analysis.refusal import diagnose
    from medalopt.instance.lots import without_lots
    from medalopt.report.jsonplan import lots_asked, no_plan_object, text
    from medalopt.report.noplan import refusal
    from medalopt.solver.budget import ENDLESS

    say(shown(str(error), _LONGEST))
    found = None
    if error.status == "infeasible" and not isinstance(error, NoLotsError):
        if figures.lots:
            say(f"{figures.lots[0]}: whole lots and minimum orders are left out of what stands in the way and cures it")
        with progress("looking for what stands in the way") as step:
            given_changes = changes(given) if source else None
            asked = (measure, extensions, source, given_changes, step, budget or ENDLESS)
            found = diagnose(without_lots(figures), *asked)

    def told(as_json: bool, screen: Screen | None = None) -> str:
        if as_json:
            rows = {} if found is None else {"diagnosis": found.rows()}
            if isinstance(error, NoLotsError):
                rows = {"diagnosis": {"conflict": lots_asked(figures), "repairs": []}}
            return text({**no_plan_object(figures, error.status, measure, error.refutation), **rows})
        return "" if found is None else refusal(figures, found, error.refutation, screen)

    if output is not None:
        written(output, told)
    emit(told(as_json))
    return error.exit_code


def written(output: Path, told: Callable[..., str]) -> None:
    """Write what `told(as_json, screen)` returns to `output`, as JSON where it is named so, and say so."""
    from medalopt.report.files import write_file
    from medalopt.report.screen import Screen

    write_file(output, told(output.suffix.lower() == ".json", Screen.of_file()))
    say(f"{place(output)}: the explanation is written")
