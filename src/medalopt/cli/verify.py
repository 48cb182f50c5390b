"""`medalopt verify`: check a saved plan, or a proof of infeasibility, against its instance."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli import options
from medalopt.cli.output import ReportOutput
from medalopt.errors import UsageError
from medalopt.text import escape_text

if TYPE_CHECKING:
    from medalopt.instance.source_values import SourceValues
    from medalopt.plan.reader import SavedFile
    from medalopt.report.document import Report

_NOT_ACCEPTED = 1


def verify(
    plan: Annotated[
        Path,
        typer.Argument(
            metavar="PLAN",
            help="Saved plan or proof of infeasibility: NAME.json, NAME.xlsx or the folder of CSV.",
        ),
    ],
    instance: Annotated[
        Path | None, typer.Argument(metavar="INSTANCE", help="Its instance; default: the file that the plan names.")
    ] = None,
    after: options.AfterOption = None,
    actuals: options.ActualsOption = None,
    frozen: options.FrozenOption = None,
    set_: options.SetOption = None,
    output: options.OutputOption = None,
    date: options.DateOption = None,
    json: options.JsonOption = False,
) -> int:
    """Verify a saved plan against its instance, without solving.

    Reports violated constraints, the size of each violation, and the optimality gap.
    """
    from medalopt.plan.reader import read_plan_file

    inputs = {plan: "the plan", **({instance: "the instance"} if instance else {})}
    where = ReportOutput.prepare(output, inputs, json, date=date)
    file = read_plan_file(plan)
    path = instance or _find_instance(plan, file.plan.instance.files)
    request = options.ReplanRequest.prepare(options.read_instance(path, set_), after, actuals, frozen)
    report, accepted = _judge_plan(file, request, lambda: _read_source(path, set_, request), plan.name)
    where.deliver(report, "the verdict is written")
    return 0 if accepted else _NOT_ACCEPTED


def _judge_plan(
    file: SavedFile, request: options.ReplanRequest, source: Callable[[], SourceValues | None], name: str
) -> tuple[Report, bool]:
    """Return the report on a saved plan or proof of infeasibility, and whether it is accepted."""
    from medalopt.plan.schema import SavedInfeasibility
    from medalopt.proof.verdict import verify_infeasibility, verify_plan
    from medalopt.report.sourcing.table_verification import check_tables
    from medalopt.report.verify import build_edited_report, build_recheck_report, build_verdict_report

    if isinstance(file.plan, SavedInfeasibility):
        refused = verify_infeasibility(request.figures, file.plan)
        return build_recheck_report(refused, name), refused.accepted
    verdict = check_tables(file, verify_plan(request.figures, file.plan), source, request.settled)
    report = build_edited_report(verdict, file.edits, name) if file.edits else build_verdict_report(verdict, name)
    return report, verdict.accepted


def _read_source(path: Path, set_: list[str] | None, request: options.ReplanRequest) -> SourceValues | None:
    """Return the values as written in the instance file, or None for a remaining horizon."""
    from medalopt.instance.loading import open_instance

    return None if request.problem else open_instance(path).read_source_values(options.parse_changes(set_))


def _find_instance(plan: Path, files: dict[str, str]) -> Path:
    """Return the instance file that a plan names. Raises UsageError."""
    from medalopt.plan.reader import find_instance_file

    found = find_instance_file(plan, files)
    if found is None:
        raise UsageError(f"{escape_text(str(plan))}: its instance is not here; name it: medalopt verify PLAN INSTANCE")
    return found
