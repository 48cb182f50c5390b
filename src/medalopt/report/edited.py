"""What a change by hand does to a plan: which rules it breaks, by how much, and what it costs against the optimum."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from medalopt.plan.saved_workbook import Edit
from medalopt.proof.certificate import GAP
from medalopt.proof.verdict import Verdict
from medalopt.report.numbers import digits
from medalopt.report.verdict import MOST, verdict_object
from medalopt.wording import counted, shown


def edited_object(found: Verdict, edits: Sequence[Edit]) -> dict[str, Any]:
    """Return the verdict as plain data, with what was changed, and where."""
    rules = [broken.text for broken in found.against]
    extra = found.value - found.certificate.lower_bound
    return {
        **verdict_object(found),
        "edits": [{"cell": edit.cell, "text": edit.text} for edit in edits],
        "rules": rules,
        "above_bound": extra if math.isfinite(extra) else None,
    }


def edited(found: Verdict, edits: Sequence[Edit], name: str) -> str:
    """Return in plain lines what was changed in the plan of the file `name`, and what comes of it."""
    lines = ["Plan is valid." if found.accepted else "Plan is not valid."]
    lines.append(f"{shown(name)} was changed by hand, in {counted(len(edits), 'place')}:")
    lines += _first([f"{edit.cell}: {edit.text}" for edit in edits])
    if found.against:
        lines.append(f"That violates {counted(len(found.against), 'constraint')} of the instance:")
        lines += _first([broken.text for broken in found.against])
    else:
        lines.append("That violates no constraint of the instance.")
    lines.append(_cost(found))
    rest = len(found.broken) - len(found.against)
    if rest:
        lines.append(
            f"{counted(rest, 'other figure').capitalize()} of the workbook no longer follow"
            f"{'s' if rest == 1 else ''} from it (--json lists all), and its documents are those of the plan before: "
            "take the change over into the instance and plan anew before you sign."
        )
    return "\n".join(lines) + "\n"


def _first(texts: list[str]) -> list[str]:
    more = [f"  and {len(texts) - MOST} more (--json lists all)"] if len(texts) > MOST else []
    return [*(f"  {shown(text, 400)}" for text in texts[:MOST]), *more]


def _cost(found: Verdict) -> str:
    """Say what the plan as it stands comes to, beside the best that is proven from the instance."""
    extra = found.value - found.certificate.lower_bound
    if not math.isfinite(extra):
        return "Its objective cannot be worked out."
    worth = f"It comes to {digits(found.value, 9)} {found.unit}"
    if abs(extra) <= GAP * max(1.0, abs(found.value)):
        return f"{worth}, the certified lower bound."
    off = f"{digits(abs(extra))} {found.unit}"
    if extra > 0:
        return f"{worth}, {off} above the certified lower bound."
    return f"{worth}, {off} below the certified lower bound: that is what violating the constraints saves."
