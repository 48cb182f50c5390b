"""Reports of `check` and `verify`: size and warnings of an instance; verdict on a plan, workbook or proof."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from medalopt.instance.arrays import drop_infinite
from medalopt.instance.instance import Instance
from medalopt.instance.uncertainty import compute_risk
from medalopt.plan.workbook import WorkbookEdit
from medalopt.proof.saved_plan import Violation
from medalopt.proof.verdict import InfeasibilityVerdict, Verdict
from medalopt.report.deadline_risk import describe_risks
from medalopt.report.document import Report, ReportColumn, ReportTable
from medalopt.report.numbers import format_number
from medalopt.report.render.json import build_check_object, make_report, render_json
from medalopt.text import escape_text, format_count
from medalopt.tolerances import GAP_TOLERANCE

_MAX_FAULTS = 20  # violations listed in text output


def _build_verdict_object(verdict: Verdict) -> dict[str, Any]:
    """Return the verdict on a plan as plain data."""
    certificate = verdict.certificate
    return {
        "accepted": verdict.accepted,
        "broken": _tabulate_violations(verdict.broken).list_records(),
        "gap": drop_infinite(certificate.gap),
        "value": drop_infinite(verdict.value),
        "lower_bound": drop_infinite(certificate.lower_bound),
        "unit": verdict.unit,
        "arithmetic": certificate.arithmetic,
        "basis": certificate.basis,
        "exact_value": certificate.exact_value,
        "scope": certificate.scope,
        "unchecked": list(verdict.unchecked),
    }


def _build_recheck_object(verdict: InfeasibilityVerdict) -> dict[str, Any]:
    """Return the verdict on a saved proof of infeasibility as plain data."""
    return {
        "accepted": verdict.accepted,
        "broken": _tabulate_violations(verdict.broken).list_records(),
        "gap": None,
        "margin": drop_infinite(verdict.proof.margin),
        "arithmetic": verdict.proof.arithmetic,
        "scope": verdict.proof.scope,
    }


def build_verdict_report(verdict: Verdict, name: str) -> Report:
    """Build the report on a saved plan: valid or not, the violations, and the proof of a valid plan.

    Args:
        verdict: Verdict.
        name: File name of the plan.
    """
    if not verdict.accepted:
        title, lines = "Plan is not valid.", [*_list_violations(verdict.broken), _describe_violations(verdict, name)]
    else:
        risks = describe_risks(verdict.account.instance, compute_risk(verdict.account))
        title, lines = "Plan is valid.", [f"{escape_text(name)}: {_describe_gap(verdict)}", *risks]
    members = _build_verdict_object(verdict)
    return _make_report(title, [*lines, *_describe_unchecked(verdict)], members, _tabulate_violations(verdict.broken))


def _make_report(title: str, lines: Sequence[str], members: dict[str, Any], *tables: ReportTable) -> Report:
    """Return the report of a verdict: a line for each violation; all of them, and the values, as tables."""
    wrap = members["accepted"]  # a violation is one line, to be searched
    filled = tuple(table for table in (_tabulate_values(members), *tables) if table.rows)
    return Report(title, tuple(lines), filled, screen=(), wrap=wrap, json=lambda _: render_json(members))


def _tabulate_values(members: dict[str, Any]) -> ReportTable:
    """Return objective, certified lower bound and gap, or the margin of a proof of infeasibility."""
    columns = (
        ReportColumn("item", "item"),
        ReportColumn("value", "value", "", style="significant"),
        ReportColumn("unit", "unit"),
    )
    unit = members.get("unit")
    items = {"value": ("objective", unit), "lower_bound": ("certified lower bound", unit), "gap": ("gap", None)}
    items["margin"] = ("margin of the proof", None)
    rows = tuple((name, members[key], own) for key, (name, own) in items.items() if members.get(key) is not None)
    return ReportTable("values", "Values", "Values recomputed from the decisions and the proof.", columns, rows)


def _tabulate_violations(broken: Sequence[Violation]) -> ReportTable:
    """Return the violations as a table."""
    columns = (
        ReportColumn("rule", "rule"),
        ReportColumn("path", "path"),
        ReportColumn("amount", "amount", "", style="significant"),
        ReportColumn("unit", "unit"),
        ReportColumn("text", "error"),
    )
    rows = tuple((one.rule, one.path, drop_infinite(one.amount), one.unit, one.text) for one in broken)
    text = "Violated constraints, and saved values that do not match."
    return ReportTable("broken", "Violations", text, columns, rows)


def _describe_violations(verdict: Verdict, name: str) -> str:
    """Return whether the decisions of an invalid plan violate constraints, or only derived values are wrong."""
    count = f"{escape_text(name)}: {format_count(len(verdict.broken), 'error')}"
    if verdict.against:
        violated = format_count(len(verdict.against), "constraint")
        return f"{count}. Its decisions violate {violated}; its objective is not comparable. Solve the instance again."
    return f"{count}. Its decisions satisfy all constraints, but the saved values do not match them. Solve again."


def _describe_unchecked(verdict: Verdict) -> list[str]:
    """Return the line on parts that cannot be verified without digests."""
    if not verdict.unchecked:
        return []
    names = ", ".join(map(escape_text, verdict.unchecked))
    return [f"Not verified, since the file has no digests (written by an earlier version): {names}."]


def build_recheck_report(verdict: InfeasibilityVerdict, name: str) -> Report:
    """Build the report on a saved proof of infeasibility.

    Args:
        verdict: Verdict on the proof.
        name: File name of the result.
    """
    scope, arithmetic = verdict.proof.scope, verdict.proof.arithmetic
    condition = "" if scope == "instance" else f" that satisfies the {scope}"
    title = f"Result is valid: no feasible plan exists{condition}." if verdict.accepted else "Result is not valid."
    lines = _list_violations(verdict.broken)
    if verdict.proof.holds:
        start = f"{escape_text(name)}: " if verdict.accepted else ""
        lines.append(f"{start}its Farkas multipliers prove the {scope} infeasible ({arithmetic}).")
    return _make_report(title, lines, _build_recheck_object(verdict), _tabulate_violations(verdict.broken))


def _list_violations(broken: Sequence[Violation]) -> list[str]:
    """Return the first violations, and the number of the others."""
    return _list_first_texts([violation.text for violation in broken])


def _describe_gap(verdict: Verdict) -> str:
    """Return objective, certified lower bound and gap of a valid plan, computed independently of the saved ones."""
    certificate = verdict.certificate
    above = verdict.value - certificate.lower_bound
    subject = "" if certificate.scope == "instance" else f", subject to the {certificate.scope}"
    objective = f"objective {format_number(verdict.value, 6)} {verdict.unit}{subject}"
    if certificate.gap <= GAP_TOLERANCE:
        return f"{objective}, verified optimal ({certificate.arithmetic})."
    if not math.isfinite(above):
        return f"{objective}; gap to the optimum not proven."
    bound = f"at most {format_number(above)} {verdict.unit} above the certified lower bound"
    return f"{objective}, {bound} ({certificate.arithmetic})."


def _build_edited_object(verdict: Verdict, edits: Sequence[WorkbookEdit]) -> dict[str, Any]:
    """Return the verdict on an edited plan as plain data."""
    rules = [broken.text for broken in verdict.against]
    extra = verdict.value - verdict.certificate.lower_bound
    return {
        **_build_verdict_object(verdict),
        "edits": [{"cell": edit.cell, "text": edit.text} for edit in edits],
        "rules": rules,
        "above_bound": extra if math.isfinite(extra) else None,
    }


def build_edited_report(verdict: Verdict, edits: Sequence[WorkbookEdit], name: str) -> Report:
    """Build the report on the edits of a plan workbook and their consequences.

    Returns:
        The report: verdict, edits, violated constraints, objective, and values that no longer follow.
    """
    lines = [f"{escape_text(name)}: {format_count(len(edits), 'cell')} edited:"]
    lines += [f"  {line}" for line in _list_first_texts([f"{edit.cell}: {edit.text}" for edit in edits])]
    if verdict.against:
        lines.append(f"Violated: {format_count(len(verdict.against), 'constraint')} of the instance:")
        lines += [f"  {line}" for line in _list_first_texts([broken.text for broken in verdict.against])]
    else:
        lines.append("Violated: no constraint of the instance.")
    lines.append(_describe_objective(verdict))
    lines += describe_risks(verdict.account.instance, compute_risk(verdict.account))
    rest = len(verdict.broken) - len(verdict.against)
    if rest:
        lines.append(
            f"{format_count(rest, 'other value').capitalize()} of the workbook no longer match"
            f"{'es' if rest == 1 else ''} the edited plan (--json lists all), and its orders are those of the plan "
            "before: enter the change in the instance and plan again before you sign."
        )
    title = "Plan is valid." if verdict.accepted else "Plan is not valid."
    columns = (ReportColumn("cell", "cell"), ReportColumn("text", "change"))
    rows = tuple((edit.cell, edit.text) for edit in edits)
    changed = ReportTable("edits", "Edited cells", "Cells that differ from the saved plan.", columns, rows)
    members = _build_edited_object(verdict, edits)
    return _make_report(title, lines, members, changed, _tabulate_violations(verdict.broken))


def _list_first_texts(texts: list[str]) -> list[str]:
    """Return the first texts, and the number of the others."""
    more = [f"and {len(texts) - _MAX_FAULTS} more (--json lists all)"] if len(texts) > _MAX_FAULTS else []
    return [*(escape_text(text, 400) for text in texts[:_MAX_FAULTS]), *more]


def _describe_objective(verdict: Verdict) -> str:
    """Return the objective of the edited plan beside the certified lower bound of the instance."""
    extra = verdict.value - verdict.certificate.lower_bound
    if not math.isfinite(extra):
        return "Objective: cannot be computed."
    line = f"Objective: {format_number(verdict.value, 9)} {verdict.unit}"
    if abs(extra) <= GAP_TOLERANCE * max(1.0, abs(verdict.value)):
        return f"{line}, the certified lower bound."
    difference = f"{format_number(abs(extra))} {verdict.unit}"
    if extra > 0:
        return f"{line}, {difference} above the certified lower bound."
    return f"{line}, {difference} below the certified lower bound (saved by violating the constraints)."


def build_check_report(instance: Instance) -> Report:
    """Build the report on a valid instance.

    Returns:
        Periods, streams, supply, treatments, smelters, offers and medals, in sentences and as a table; warnings.
    """
    warned = f", {format_count(len(instance.warnings), 'warning')}" if instance.warnings else ""
    title, tables = (
        f"{instance.name}: no errors found{warned}.",
        (_tabulate_size(instance), *_tabulate_warnings(instance)),
    )
    lines = _describe_size(instance)
    return make_report(
        instance, title, lines, lambda: build_check_object(instance), tables=tables, screen=(), wrap=False
    )


def _describe_size(instance: Instance) -> tuple[str, ...]:
    """Return the size of an instance in a few sentences."""
    periods = instance.periods
    span = periods[0] if len(periods) == 1 else f"{len(periods)}, {periods[0]} to {periods[-1]}"
    offered = float(instance.streams.available.value.sum())
    return (
        f"Periods: {span}. Currency: {instance.currency}.",
        f"Supply: {format_number(offered)} t offered; {format_count(len(instance.streams.names), 'stream')} of "
        f"{format_count(len(instance.devices.names), 'device type')} "
        f"from {format_count(len(instance.regions), 'region')}.",
        f"Processing: {format_count(len(instance.treatments.list_whole()), 'treatment')}, "
        f"{format_count(len(instance.smelters.names), 'smelter')}. "
        f"Market: {format_count(len(instance.market.names), 'offer')}.",
        f"Medals: {int(instance.medals.count.sum()):,} of "
        f"{format_count(len(instance.medals.names), 'kind')} "
        f"in {format_count(len(instance.alloys.names), 'alloy')}.",
    )


def _tabulate_size(instance: Instance) -> ReportTable:
    """Return the number of members of each section."""
    members = {
        "periods": instance.periods,
        "regions": instance.regions,
        "device types": instance.devices.names,
        "streams": instance.streams.names,
        "treatments": instance.treatments.list_whole(),
        "smelters": instance.smelters.names,
        "offers": instance.market.names,
        "alloys": instance.alloys.names,
        "kinds of medals": instance.medals.names,
    }
    rows = (*((what, len(names)) for what, names in members.items()), ("medals", int(instance.medals.count.sum())))
    columns = (ReportColumn("what", "section"), ReportColumn("count", "count", ""))
    return ReportTable("size", "Size of the instance", "Number of members of each kind.", columns, rows)


def _tabulate_warnings(instance: Instance) -> tuple[ReportTable, ...]:
    """Return the warnings with their places, if there are any."""
    columns = tuple(
        ReportColumn(key, key, "" if key in ("line", "column") else None)
        for key in ("file", "line", "column", "path", "message")
    )
    rows = tuple((fault.file, fault.line, fault.column, fault.path, fault.message) for fault in instance.warnings)
    text = "Values that are allowed but implausible."
    return (ReportTable("warnings", "Warnings", text, columns, rows),) if rows else ()
