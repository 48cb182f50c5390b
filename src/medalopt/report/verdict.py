"""The verdict on a saved plan: for a person, and as JSON."""

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

MOST = 20  # faults that a person is shown


def verdict_object(found: Verdict) -> dict[str, Any]:
    """Return the verdict as plain data."""
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
    """Return as plain data whether there is no plan, as a saved answer says."""
    return {
        "accepted": found.accepted,
        "broken": [_row(broken) for broken in found.broken],
        "gap": None,
        "margin": _finite(found.refutation.margin),
        "arithmetic": found.refutation.arithmetic,
        "scope": found.refutation.scope,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _row(broken: Broken) -> dict[str, Any]:
    amount = _finite(broken.amount)
    return {"rule": broken.rule, "path": broken.path, "amount": amount, "unit": broken.unit, "text": broken.text}


def told(found: Verdict, name: str) -> str:
    """Return the verdict in plain lines: valid or not, what is wrong, and what is proven of a plan that is valid."""
    if not found.accepted:
        lines = ["Plan is not valid.", *_broken(found.broken), _violated(found, name)]
    else:
        lines = ["Plan is valid.", f"  {shown(name)}: {_distance(found)}"]
    return "\n".join([*lines, *_unchecked(found)]) + "\n"


def _violated(found: Verdict, name: str) -> str:
    """Say of a plan that is not valid whether its decisions are to blame."""
    count = f"  {shown(name)}: {counted(len(found.broken), 'fault')}"
    if found.against:
        violated = counted(len(found.against), "constraint")
        return f"{count}. Its decisions violate {violated}, so its objective is none to compare with."
    return f"{count}. Its decisions satisfy every constraint; what is stated beside them does not follow from them."


def _unchecked(found: Verdict) -> list[str]:
    if not found.unchecked:
        return []
    names = ", ".join(map(shown, found.unchecked))
    return [f"  Not verified, as the file carries no digests (an earlier version wrote it): {names}."]


def rechecked(found: Recheck, name: str) -> str:
    """Return in plain lines whether there is no plan, as a saved answer says, and what fails of that."""
    scope, arithmetic = found.refutation.scope, found.refutation.arithmetic
    kept = "" if scope == "instance" else f" that keeps the {scope}"
    answer = f"Answer is valid: no feasible plan exists{kept}." if found.accepted else "Answer is not valid."
    lines = [answer, *_broken(found.broken)]
    if found.refutation.holds:
        start = f"{shown(name)}: " if found.accepted else ""
        lines.append(f"  {start}its multipliers show that the {scope} cannot be met ({arithmetic}).")
    return "\n".join(lines) + "\n"


def _broken(broken: Sequence[Broken]) -> list[str]:
    more = [f"  and {len(broken) - MOST} more (--json lists all)"] if len(broken) > MOST else []
    return [*(f"  {shown(one.text, 400)}" for one in broken[:MOST]), *more]


def _distance(found: Verdict) -> str:
    """Say what a valid plan comes to beside the certified lower bound, whatever the saved plan says."""
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
