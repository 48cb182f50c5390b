"""Verification of a plan workbook edited by hand: constraints violated, by how much, and the cost against the bound."""

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
    """Return the verdict on an edited plan as plain data.

    Args:
        found: Verdict on the plan as edited.
        edits: Cells that differ from the saved plan.

    Returns:
        The verdict, `edits`, violated constraints under `rules`, and the objective less the certified lower bound
        under `above_bound`, None where it is infinite.
    """
    rules = [broken.text for broken in found.against]
    extra = found.value - found.certificate.lower_bound
    return {
        **verdict_object(found),
        "edits": [{"cell": edit.cell, "text": edit.text} for edit in edits],
        "rules": rules,
        "above_bound": extra if math.isfinite(extra) else None,
    }


def edited(found: Verdict, edits: Sequence[Edit], name: str) -> str:
    """Return the edits of a plan workbook and their consequences as text.

    Args:
        found: Verdict on the plan as edited.
        edits: Cells that differ from the saved plan.
        name: File name of the workbook.

    Returns:
        Lines of plain text: verdict, edits, violated constraints, objective, and values that no longer follow.
    """
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
    """Return the first texts, indented, and the number of the others."""
    more = [f"  and {len(texts) - MOST} more (--json lists all)"] if len(texts) > MOST else []
    return [*(f"  {shown(text, 400)}" for text in texts[:MOST]), *more]


def _cost(found: Verdict) -> str:
    """Return the objective of the edited plan beside the certified lower bound of the instance."""
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
