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

MOST = 20  # broken rules that a person is shown


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
    """Return the verdict in plain lines: the answer, what is broken, how far the plan is from the best."""
    answer = "right" if found.accepted else f"not right: {counted(len(found.broken), 'rule')} broken"
    return "\n".join([f"{shown(name)} is {answer}.", *_broken(found.broken), f"  {_distance(found)}"]) + "\n"


def rechecked(found: Recheck, name: str) -> str:
    """Return in plain lines whether there is no plan, as a saved answer says, and what fails of that."""
    scope, arithmetic = found.refutation.scope, found.refutation.arithmetic
    kept = "" if scope == "instance" else f" that keeps the {scope}"
    answer = f"right: there is no plan{kept}" if found.accepted else "not right"
    lines = [f"{shown(name)} is {answer}.", *_broken(found.broken)]
    if found.refutation.holds:
        lines.append(f"  What its multipliers weigh, the {scope} cannot keep ({arithmetic}).")
    return "\n".join(lines) + "\n"


def _broken(broken: Sequence[Broken]) -> list[str]:
    more = [f"  and {len(broken) - MOST} more (--json lists all)"] if len(broken) > MOST else []
    return [*(f"  {shown(one.text, 400)}" for one in broken[:MOST]), *more]


def _distance(found: Verdict) -> str:
    """Say what the plan comes to beside what is proven of all plans, whatever the saved plan says."""
    certificate = found.certificate
    above = found.value - certificate.lower_bound
    if not math.isfinite(above):
        return "What it comes to cannot be told."
    subject = "" if certificate.scope == "instance" else f", subject to the {certificate.scope}"
    worth = f"It comes to {digits(found.value, 6)} {found.unit}{subject}"
    if certificate.gap <= GAP:
        exactly = "." if certificate.exact_value is None else "; in fractions, before rounding, the gap is 0."
        return f"{worth}: no plan can do better ({certificate.arithmetic}){exactly}"
    return f"{worth}, at most {digits(above)} {found.unit} above the best there can be ({certificate.arithmetic})."
