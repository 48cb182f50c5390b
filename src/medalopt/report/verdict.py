"""Result of verifying a saved plan, or a saved proof of infeasibility, as text and as plain data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from medalopt.proof.certificate import GAP
from medalopt.proof.refused import Recheck
from medalopt.proof.stated import Broken
from medalopt.proof.verdict import Verdict
from medalopt.report.numbers import digits
from medalopt.wording import counted, shown

MOST = 20  # violations listed in text output


def verdict_object(found: Verdict) -> dict[str, Any]:
    """Return the verdict on a plan as plain data.

    Args:
        found: Verdict.

    Returns:
        The members of the JSON output; a number that is not finite is None.
    """
    certificate = found.certificate
    return {
        "accepted": found.accepted,
        "broken": [_row(broken) for broken in found.broken],
        "gap": _finite(certificate.gap),
        "value": _finite(found.value),
        "lower_bound": _finite(certificate.lower_bound),
        "unit": found.unit,
        "arithmetic": certificate.arithmetic,
        "basis": certificate.basis,
        "exact_value": certificate.exact_value,
        "scope": certificate.scope,
        "unchecked": list(found.unchecked),
    }


def recheck_object(found: Recheck) -> dict[str, Any]:
    """Return the verdict on a saved proof of infeasibility as plain data.

    Args:
        found: Verdict on the proof.

    Returns:
        The members of the JSON output; a number that is not finite is None.
    """
    return {
        "accepted": found.accepted,
        "broken": [_row(broken) for broken in found.broken],
        "gap": None,
        "margin": _finite(found.refutation.margin),
        "arithmetic": found.refutation.arithmetic,
        "scope": found.refutation.scope,
    }


def _finite(value: float) -> float | None:
    """Return the value, None where it is not finite."""
    return value if math.isfinite(value) else None


def _row(broken: Broken) -> dict[str, Any]:
    """Return one violation as a row."""
    amount = _finite(broken.amount)
    return {"rule": broken.rule, "path": broken.path, "amount": amount, "unit": broken.unit, "text": broken.text}


def told(found: Verdict, name: str) -> str:
    """Return the verdict on a plan as text: valid or not, the violations, and the proof of a valid plan.

    Args:
        found: Verdict.
        name: File name of the plan.

    Returns:
        Lines of plain text.
    """
    if not found.accepted:
        lines = ["Plan is not valid.", *_broken(found.broken), _violated(found, name)]
    else:
        lines = ["Plan is valid.", f"  {shown(name)}: {_distance(found)}"]
    return "\n".join([*lines, *_unchecked(found)]) + "\n"


def _violated(found: Verdict, name: str) -> str:
    """Return whether the decisions of an invalid plan violate constraints, or only derived values are wrong."""
    count = f"  {shown(name)}: {counted(len(found.broken), 'fault')}"
    if found.against:
        violated = counted(len(found.against), "constraint")
        return f"{count}. Its decisions violate {violated}, so its objective is none to compare with."
    return f"{count}. Its decisions satisfy every constraint; what is stated beside them does not follow from them."


def _unchecked(found: Verdict) -> list[str]:
    """Return the line on parts that cannot be verified without digests."""
    if not found.unchecked:
        return []
    names = ", ".join(map(shown, found.unchecked))
    return [f"  Not verified, as the file carries no digests (an earlier version wrote it): {names}."]


def rechecked(found: Recheck, name: str) -> str:
    """Return the verdict on a saved proof of infeasibility as text.

    Args:
        found: Verdict on the proof.
        name: File name of the result.

    Returns:
        Lines of plain text.
    """
    scope, arithmetic = found.refutation.scope, found.refutation.arithmetic
    kept = "" if scope == "instance" else f" that keeps the {scope}"
    answer = f"Answer is valid: no feasible plan exists{kept}." if found.accepted else "Answer is not valid."
    lines = [answer, *_broken(found.broken)]
    if found.refutation.holds:
        start = f"{shown(name)}: " if found.accepted else ""
        lines.append(f"  {start}its multipliers show that the {scope} cannot be met ({arithmetic}).")
    return "\n".join(lines) + "\n"


def _broken(broken: Sequence[Broken]) -> list[str]:
    """Return the first violations, and the number of the others."""
    more = [f"  and {len(broken) - MOST} more (--json lists all)"] if len(broken) > MOST else []
    return [*(f"  {shown(one.text, 400)}" for one in broken[:MOST]), *more]


def _distance(found: Verdict) -> str:
    """Return objective, certified lower bound and gap of a valid plan, computed independently of the saved ones."""
    certificate = found.certificate
    above = found.value - certificate.lower_bound
    subject = "" if certificate.scope == "instance" else f", subject to the {certificate.scope}"
    worth = f"objective {digits(found.value, 6)} {found.unit}{subject}"
    if certificate.gap <= GAP:
        exactly = "" if certificate.exact_value is None else "; in exact fractions, before rounding, the gap is 0"
        return f"{worth}, verified optimal ({certificate.arithmetic}){exactly}."
    if not math.isfinite(above):
        return f"{worth}; how near to the optimum is not proven."
    bound = f"at most {digits(above)} {found.unit} above the certified lower bound"
    return f"{worth}, {bound} ({certificate.arithmetic})."
