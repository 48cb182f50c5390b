"""Output for an infeasible instance, for every command that solves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from medalopt.cli.options import format_path, parse_changes, report_progress
from medalopt.cli.run import print_message, print_output
from medalopt.errors import NoPlanError, WholeLotsNotFoundError
from medalopt.text import escape_text

if TYPE_CHECKING:
    from medalopt.instance.instance import Instance
    from medalopt.report.render.text import Screen
    from medalopt.solver.budget import TimeBudget

_MAX_MESSAGE_LENGTH = 600


def report_infeasibility(
    figures: Instance,
    error: NoPlanError,
    source: Path | None,
    given: list[str] | None,
    measure: str,
    as_json: bool,
    extensions: tuple[Path, ...] = (),
    outputs: tuple[Path, ...] = (),
    budget: TimeBudget | None = None,
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
        outputs: Files of `-o`; those of charts are left out.
        budget: Time budget; no repair is sought once it is spent.

    Returns:
        Exit code.
    """
    from medalopt.analysis.infeasibility.diagnosis import diagnose_infeasibility
    from medalopt.instance.bounds import drop_lot_constraints
    from medalopt.report.infeasible import render_infeasibility
    from medalopt.report.plan_json import build_no_plan_object, list_lot_requirements, render_json
    from medalopt.solver.budget import NO_TIME_LIMIT

    print_message(escape_text(str(error), _MAX_MESSAGE_LENGTH))
    found = None
    if error.status == "infeasible" and not isinstance(error, WholeLotsNotFoundError):
        if figures.lots:
            print_message(
                f"{figures.lots[0]}: whole lots and minimum orders are left out of what stands in the way and cures it"
            )
        with report_progress("looking for what stands in the way") as step:
            given_changes = parse_changes(given) if source else None
            asked = (measure, extensions, source, given_changes, step, budget or NO_TIME_LIMIT)
            found = diagnose_infeasibility(drop_lot_constraints(figures), *asked)

    def told(as_json: bool, screen: Screen | None = None) -> str:
        """Return the report as JSON or text."""
        if as_json:
            rows = {} if found is None else {"diagnosis": found.rows()}
            if isinstance(error, WholeLotsNotFoundError):
                rows = {"diagnosis": {"conflict": list_lot_requirements(figures), "repairs": []}}
            return render_json({**build_no_plan_object(figures, error.status, measure, error.refutation), **rows})
        return "" if found is None else render_infeasibility(figures, found, error.refutation, screen)

    for output in outputs:
        if output.suffix.lower() in (".txt", ".json"):
            write_explanation(output, told)
    print_output(told(as_json))
    return error.exit_code


def write_explanation(output: Path, told: Callable[..., str]) -> None:
    """Write an explanation to a file, and say so.

    Args:
        output: File; its suffix selects JSON or text.
        told: Returns the explanation, given `as_json` and `screen`.
    """
    from medalopt.report.atomic_write import write_file
    from medalopt.report.render.text import Screen

    write_file(output, told(output.suffix.lower() == ".json", Screen.for_file()))
    print_message(f"{format_path(output)}: the explanation is written")
