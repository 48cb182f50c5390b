"""Output for an infeasible instance, for every command that solves."""

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
    """Report that there is no plan, with conflicts and repairs.

    Args:
        figures: Instance.
        error: Error of the solve.
        source: Instance file, or None if the instance is in no file.
        given: Texts of `--set`.
        measure: Objective.
        as_json: Print JSON.
        extensions: Files of user extensions.
        output: Also write the report there.
        budget: Time budget; no repair is sought once it is spent.

    Returns:
        Exit code.
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
        """Return the report as JSON or text."""
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
    """Write an explanation to a file, and say so.

    Args:
        output: File; its suffix selects JSON or text.
        told: Returns the explanation, given `as_json` and `screen`.
    """
    from medalopt.report.files import write_file
    from medalopt.report.screen import Screen

    write_file(output, told(output.suffix.lower() == ".json", Screen.of_file()))
    say(f"{place(output)}: the explanation is written")
