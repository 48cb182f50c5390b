"""What stands in the way of a plan, and the cheapest cures, for a person."""

from __future__ import annotations

from medalopt.analysis.refusal import Diagnosis
from medalopt.analysis.repair import Repair
from medalopt.instance.instance import Instance
from medalopt.report.numbers import money
from medalopt.report.page import printed
from medalopt.report.screen import Screen
from medalopt.wording import shown

MOST = 8  # reasons, and cures


def refusal(instance: Instance, found: Diagnosis) -> str:
    """Return the page: the reasons, then the cures, cheapest first."""
    title = f"No plan exists: {instance.title or instance.name}"
    lines = [shown(reason.text, 400) for reason in found.conflict[:MOST]]
    if found.repairs:
        lines.append("Any one of these cures it, the cheapest plan first:")
        lines += [f"- {_cure(repair, found.unit)}" for repair in found.repairs[:MOST]]
    else:
        lines.append("No single figure cures it: another source of what is missing is needed.")
    return printed(Screen.of_output(), title, [(line, "plain") for line in lines], ())


def _cure(repair: Repair, unit: str) -> str:
    changes = " and ".join(
        f"{shown(change.path)} from {_written(change.before, change.unit)} to {_written(change.after, change.unit)}"
        for change in repair.changes
    )
    return f"{changes}: a plan of {money(repair.objective, unit)}"


def _written(value: object, unit: str | None) -> str:
    if value is None:
        return "none"
    return f"{value} {unit}" if unit else f"{value}"
