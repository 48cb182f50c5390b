"""Verification of a saved statement of infeasibility, from the instance and the saved multipliers alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from medalopt.instance.instance import Instance
from medalopt.instance.routes import routes
from medalopt.proof import stated_added
from medalopt.proof.farkas import Refutation, refute
from medalopt.proof.stated import Broken, priced
from medalopt.proof.verdict import stale

SAME = 1e-9  # relative: two margins this close are equal


@dataclass(frozen=True)
class Recheck:
    """Result of the verification: the wrong claims, and the proof that the multipliers give."""

    broken: tuple[Broken, ...]
    refutation: Refutation

    @property
    def accepted(self) -> bool:
        """True if infeasibility is verified as claimed."""
        return not self.broken


def recheck(instance: Instance, answer: Any) -> Recheck:
    """Verify a saved statement that an instance is infeasible.

    Args:
        instance: Instance.
        answer: Saved statement, see `plan.schema.SavedInfeasibility`.

    Returns:
        The wrong claims, and the proof.
    """
    duals, unknown = priced(instance, () if answer.proof is None else answer.proof.duals)
    added, unfit = stated_added.added(instance, routes(instance), answer)
    shown = refute(instance, duals, added=added)
    broken = [*stale(instance, answer, "answer"), *unknown, *unfit, *_claims(answer.proof, shown)]
    return Recheck(tuple(broken), shown)


def _claims(proof: Any, shown: Refutation) -> Iterator[Broken]:
    """Yield every claim about the infeasibility proof that does not follow from the multipliers."""
    if proof is None:
        text = "the answer says that there is no plan, and holds no multipliers that show it; solve it anew"
        yield Broken("proof", "status", 0.0, "", text)
    elif not shown.holds:
        text = "no contradiction follows from the multipliers: weighed by them, the rules ask for no more than can be"
        yield Broken("proof", "proof.duals", abs(shown.margin), "", text)
    elif proof.scope != shown.scope:
        text = f"what is claimed is said of '{proof.scope}', and the answer holds '{shown.scope}'"
        yield Broken("proof", "proof.scope", 0.0, "", text)
    elif not proof.margin <= shown.margin * (1 + SAME):
        text = f"a margin of {proof.margin:.10g} is claimed, and only {shown.margin:.10g} follows from the multipliers"
        yield Broken("proof", "proof.margin", proof.margin - shown.margin, "", text)
