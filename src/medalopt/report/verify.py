"""Result of verifying a saved plan, an edited workbook or a proof of infeasibility, as text and as plain data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from medalopt.plan.workbook import WorkbookEdit
from medalopt.proof.certificate import GAP_TOLERANCE
from medalopt.proof.claims import Violation
from medalopt.proof.verdict import InfeasibilityVerdict, Verdict
from medalopt.report.numbers import format_number
from medalopt.text import escape_text, format_count

_MAX_FAULTS = 20  # violations listed in text output


def build_verdict_object(verdict: Verdict) -> dict[str, Any]:
    """Return the verdict on a plan as plain data.

    Args:
        verdict: Verdict.

    Returns:
        The members of the JSON output; a number that is not finite is None.
    """
    certificate = verdict.certificate
    return {
        "accepted": verdict.accepted,
        "broken": [_build_violation_row(broken) for broken in verdict.broken],
        "gap": _null_if_infinite(certificate.gap),
        "value": _null_if_infinite(verdict.value),
        "lower_bound": _null_if_infinite(certificate.lower_bound),
        "unit": verdict.unit,
        "arithmetic": certificate.arithmetic,
        "basis": certificate.basis,
        "exact_value": certificate.exact_value,
        "scope": certificate.scope,
        "unchecked": list(verdict.unchecked),
    }


def build_recheck_object(verdict: InfeasibilityVerdict) -> dict[str, Any]:
    """Return the verdict on a saved proof of infeasibility as plain data.

    Args:
        verdict: Verdict on the proof.

    Returns:
        The members of the JSON output; a number that is not finite is None.
    """
    return {
        "accepted": verdict.accepted,
        "broken": [_build_violation_row(broken) for broken in verdict.broken],
        "gap": None,
        "margin": _null_if_infinite(verdict.refutation.margin),
        "arithmetic": verdict.refutation.arithmetic,
        "scope": verdict.refutation.scope,
    }


def _null_if_infinite(value: float) -> float | None:
    """Return the value, None where it is not finite."""
    return value if math.isfinite(value) else None


def _build_violation_row(broken: Violation) -> dict[str, Any]:
    """Return one violation as a row."""
    amount = _null_if_infinite(broken.amount)
    return {"rule": broken.rule, "path": broken.path, "amount": amount, "unit": broken.unit, "text": broken.text}


def describe_verdict(verdict: Verdict, name: str) -> str:
    """Return the verdict on a plan as text: valid or not, the violations, and the proof of a valid plan.

    Args:
        verdict: Verdict.
        name: File name of the plan.

    Returns:
        Lines of plain text.
    """
    if not verdict.accepted:
        lines = ["Plan is not valid.", *_list_violations(verdict.broken), _describe_violations(verdict, name)]
    else:
        lines = ["Plan is valid.", f"  {escape_text(name)}: {_describe_gap(verdict)}"]
    return "\n".join([*lines, *_describe_unchecked(verdict)]) + "\n"


def _describe_violations(verdict: Verdict, name: str) -> str:
    """Return whether the decisions of an invalid plan violate constraints, or only derived values are wrong."""
    count = f"  {escape_text(name)}: {format_count(len(verdict.broken), 'fault')}"
    if verdict.against:
        violated = format_count(len(verdict.against), "constraint")
        return f"{count}. Its decisions violate {violated}, so its objective is none to compare with."
    return f"{count}. Its decisions satisfy every constraint; what is stated beside them does not follow from them."


def _describe_unchecked(verdict: Verdict) -> list[str]:
    """Return the line on parts that cannot be verified without digests."""
    if not verdict.unchecked:
        return []
    names = ", ".join(map(escape_text, verdict.unchecked))
    return [f"  Not verified, as the file carries no digests (an earlier version wrote it): {names}."]


def describe_recheck(verdict: InfeasibilityVerdict, name: str) -> str:
    """Return the verdict on a saved proof of infeasibility as text.

    Args:
        verdict: Verdict on the proof.
        name: File name of the result.

    Returns:
        Lines of plain text.
    """
    scope, arithmetic = verdict.refutation.scope, verdict.refutation.arithmetic
    kept = "" if scope == "instance" else f" that keeps the {scope}"
    answer = f"Answer is valid: no feasible plan exists{kept}." if verdict.accepted else "Answer is not valid."
    lines = [answer, *_list_violations(verdict.broken)]
    if verdict.refutation.holds:
        start = f"{escape_text(name)}: " if verdict.accepted else ""
        lines.append(f"  {start}its multipliers show that the {scope} cannot be met ({arithmetic}).")
    return "\n".join(lines) + "\n"


def _list_violations(broken: Sequence[Violation]) -> list[str]:
    """Return the first violations, and the number of the others."""
    more = [f"  and {len(broken) - _MAX_FAULTS} more (--json lists all)"] if len(broken) > _MAX_FAULTS else []
    return [*(f"  {escape_text(violation.text, 400)}" for violation in broken[:_MAX_FAULTS]), *more]


def _describe_gap(verdict: Verdict) -> str:
    """Return objective, certified lower bound and gap of a valid plan, computed independently of the saved ones."""
    certificate = verdict.certificate
    above = verdict.value - certificate.lower_bound
    subject = "" if certificate.scope == "instance" else f", subject to the {certificate.scope}"
    worth = f"objective {format_number(verdict.value, 6)} {verdict.unit}{subject}"
    if certificate.gap <= GAP_TOLERANCE:
        exactly = "" if certificate.exact_value is None else "; in exact fractions, before rounding, the gap is 0"
        return f"{worth}, verified optimal ({certificate.arithmetic}){exactly}."
    if not math.isfinite(above):
        return f"{worth}; how near to the optimum is not proven."
    bound = f"at most {format_number(above)} {verdict.unit} above the certified lower bound"
    return f"{worth}, {bound} ({certificate.arithmetic})."


def build_edited_object(verdict: Verdict, edits: Sequence[WorkbookEdit]) -> dict[str, Any]:
    """Return the verdict on an edited plan as plain data.

    Args:
        verdict: Verdict on the plan as edited.
        edits: Cells that differ from the saved plan.

    Returns:
        The verdict, `edits`, violated constraints under `rules`, and the objective less the certified lower bound
        under `above_bound`, None where it is infinite.
    """
    rules = [broken.text for broken in verdict.against]
    extra = verdict.value - verdict.certificate.lower_bound
    return {
        **build_verdict_object(verdict),
        "edits": [{"cell": edit.cell, "text": edit.text} for edit in edits],
        "rules": rules,
        "above_bound": extra if math.isfinite(extra) else None,
    }


def describe_edited_plan(verdict: Verdict, edits: Sequence[WorkbookEdit], name: str) -> str:
    """Return the edits of a plan workbook and their consequences as text.

    Args:
        verdict: Verdict on the plan as edited.
        edits: Cells that differ from the saved plan.
        name: File name of the workbook.

    Returns:
        Lines of plain text: verdict, edits, violated constraints, objective, and values that no longer follow.
    """
    lines = ["Plan is valid." if verdict.accepted else "Plan is not valid."]
    lines.append(f"{escape_text(name)} was changed by hand, in {format_count(len(edits), 'place')}:")
    lines += _list_first_texts([f"{edit.cell}: {edit.text}" for edit in edits])
    if verdict.against:
        lines.append(f"That violates {format_count(len(verdict.against), 'constraint')} of the instance:")
        lines += _list_first_texts([broken.text for broken in verdict.against])
    else:
        lines.append("That violates no constraint of the instance.")
    lines.append(_describe_objective(verdict))
    rest = len(verdict.broken) - len(verdict.against)
    if rest:
        lines.append(
            f"{format_count(rest, 'other figure').capitalize()} of the workbook no longer follow"
            f"{'s' if rest == 1 else ''} from it (--json lists all), and its documents are those of the plan before: "
            "take the change over into the instance and plan anew before you sign."
        )
    return "\n".join(lines) + "\n"


def _list_first_texts(texts: list[str]) -> list[str]:
    """Return the first texts, indented, and the number of the others."""
    more = [f"  and {len(texts) - _MAX_FAULTS} more (--json lists all)"] if len(texts) > _MAX_FAULTS else []
    return [*(f"  {escape_text(text, 400)}" for text in texts[:_MAX_FAULTS]), *more]


def _describe_objective(verdict: Verdict) -> str:
    """Return the objective of the edited plan beside the certified lower bound of the instance."""
    extra = verdict.value - verdict.certificate.lower_bound
    if not math.isfinite(extra):
        return "Its objective cannot be worked out."
    worth = f"It comes to {format_number(verdict.value, 9)} {verdict.unit}"
    if abs(extra) <= GAP_TOLERANCE * max(1.0, abs(verdict.value)):
        return f"{worth}, the certified lower bound."
    off = f"{format_number(abs(extra))} {verdict.unit}"
    if extra > 0:
        return f"{worth}, {off} above the certified lower bound."
    return f"{worth}, {off} below the certified lower bound: that is what violating the constraints saves."
