"""Whether a saved answer that there is no plan is right, from the instance and the answer's multipliers alone."""

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

SAME = 1e-9  # of a margin, within which two are one


@dataclass(frozen=True)
class Recheck:
    """What was found: what fails, and what the multipliers show of the instance as it stands."""

    broken: tuple[Broken, ...]
    refutation: Refutation

    @property
    def accepted(self) -> bool:
        """Whether the instance has no plan, as the answer says."""
        return not self.broken


def recheck(instance: Instance, answer: Any) -> Recheck:
    """Return what can be said of the saved `answer` (see `plan.saved`) that `instance` has no plan."""
    duals, unknown = priced(instance, () if answer.proof is None else answer.proof.duals)
    added, unfit = stated_added.added(instance, routes(instance), answer)
    shown = refute(instance, duals, added=added)
    broken = [*stale(instance, answer, "answer"), *unknown, *unfit, *_claims(answer.proof, shown)]
    return Recheck(tuple(broken), shown)


def _claims(proof: Any, shown: Refutation) -> Iterator[Broken]:
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
