"""Output for an infeasible instance, for every command that solves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from medalopt.cli.options import parse_changes, report_progress
from medalopt.cli.output import list_pictures, print_report, write_report
from medalopt.cli.run import print_message
from medalopt.errors import NoPlanError, WholeLotsNotFoundError
from medalopt.text import escape_text

if TYPE_CHECKING:
    from medalopt.analysis.infeasibility.diagnosis import Diagnosis
    from medalopt.instance.instance import Instance
    from medalopt.solver.budget import TimeBudget

_MAX_MESSAGE_LENGTH = 600


def report_infeasibility(
    instance: Instance,
    error: NoPlanError,
    source: Path | None,
    given: list[str] | None,
    objective: str,
    as_json: bool,
    extensions: tuple[Path, ...] = (),
    outputs: tuple[Path, ...] = (),
    budget: TimeBudget | None = None,
) -> int:
    """Report that there is no plan, with conflicts and repairs.

    Args:
        instance: Instance.
        error: Error of the solve.
        source: Instance file, or None if the instance is in no file.
        given: Texts of `--set`.
        objective: Objective.
        as_json: Print JSON.
        extensions: Files of user extensions.
        outputs: Files and folders of `-o`; pictures of charts are left out.
        budget: Time budget; no repair is sought once it is spent.

    Returns:
        Exit code.
    """
    from medalopt.report.infeasible import build_infeasibility_report

    print_message(escape_text(str(error), _MAX_MESSAGE_LENGTH))
    found = None
    if error.status == "infeasible" and not isinstance(error, WholeLotsNotFoundError):
        found = _diagnose(instance, (objective, extensions, source, parse_changes(given) if source else None), budget)
    payload = _build_json_object(instance, error, objective, found)
    report = build_infeasibility_report(instance, found, error.refutation, payload)
    drawn = list_pictures(outputs)
    if drawn:
        print_message("No plan to draw; charts are omitted.")
    write_report(report, [path for path in outputs if path not in drawn], "the explanation is written")
    if as_json or found is not None:
        print_report(report, as_json)
    return error.exit_code


def _diagnose(instance: Instance, arguments: tuple[Any, ...], budget: TimeBudget | None) -> Diagnosis | None:
    """Return the conflicts and repairs, without whole lots and minimum orders."""
    from medalopt.analysis.infeasibility.diagnosis import diagnose_infeasibility
    from medalopt.instance.activities import describe_lot_rules
    from medalopt.instance.bounds import drop_lot_constraints
    from medalopt.solver.budget import NO_TIME_LIMIT

    if instance.lots:
        rules = describe_lot_rules(instance.lots)
        print_message(f"{instance.lots[0]}: {rules} are ignored in the diagnosis and its repairs")
    with report_progress("diagnosing the conflict") as step:
        arguments = (*arguments, step, budget or NO_TIME_LIMIT)
        return diagnose_infeasibility(drop_lot_constraints(instance), *arguments)


def _build_json_object(
    instance: Instance, error: NoPlanError, objective: str, diagnosis: Diagnosis | None
) -> dict[str, Any]:
    """Return the members of the JSON object."""
    from medalopt.report.render.json import build_no_plan_object, list_lot_requirements

    rows: dict[str, Any] = {} if diagnosis is None else {"diagnosis": diagnosis.encode()}
    if isinstance(error, WholeLotsNotFoundError):
        rows = {"diagnosis": {"conflict": list_lot_requirements(instance), "repairs": []}}
    return {**build_no_plan_object(instance, error.status, objective, error.refutation), **rows}
