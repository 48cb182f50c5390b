"""Main risks of a plan: the parameters with the largest effect, varied and solved, and the named scenarios.

Parameters are selected by their first-order value times their uncertainty, then varied and solved exactly. `sensitivity
--tornado` varies all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from medalopt.analysis import pool
from medalopt.analysis.explanation.near import Near
from medalopt.analysis.journal import Answer
from medalopt.analysis.sensitivity.shortage import Short, Shortage
from medalopt.analysis.sensitivity.steps import Tell, attempted, silent
from medalopt.analysis.sensitivity.tornado import Bar, End, ranked
from medalopt.analysis.sensitivity.uncertain import factors
from medalopt.analysis.sourcing.estimate import Estimates
from medalopt.analysis.variants import NONE, Variants

MOVED, TOLD = 6, 3  # number of parameters varied, and reported
SAME = 1e-9  # relative change of the objective that counts as 0
_DECIDED = ("medals", "policy")  # sections that are decided, not uncertain


@dataclass(frozen=True)
class Case:
    """Result of a named scenario: its changes as written, and the increase of the objective over the plan.

    `more` is None if infeasible; `short` is then the missing metal in kg, None if no metal restores feasibility.
    """

    name: str
    changes: Mapping[str, str]
    answer: Answer
    more: float | None
    short: Short | None = None


@dataclass(frozen=True)
class Risks:
    """Bars of the parameters with the largest effect (`moved` varied of `figures`), and the named scenarios."""

    base: Answer
    bars: tuple[Bar, ...]
    moved: int
    figures: int
    cases: tuple[Case, ...]


def risks(variants: Variants, near: Near, tell: Tell = silent) -> Risks:
    """Assess the risks of a plan.

    Args:
        variants: Scenarios of the instance.
        near: Neighbourhood of the optimal plan.
        tell: Progress callback.

    Returns:
        Largest bars, and the results of the named scenarios.
    """
    every = [factor for factor in factors(variants) if factor.path[0] not in _DECIDED]
    estimates = Estimates(near)
    weights = {number: estimates.of(one.path, one.of) * one.step for number, one in enumerate(every)}
    chosen = [every[n] for n in sorted(weights, key=lambda n: (-weights[n], n))[:MOVED] if weights[n] > 0]
    named = variants.named_scenarios()
    ends = [(factor, by) for factor in chosen for by in (max(1 - factor.step, 0.0), 1 + factor.step)]
    asked = [
        NONE,
        *(factor.changes(by) for factor, by in ends),
        *(variants.expanded(one.items()) for one in named.values()),
    ]
    tell(f"solving {len(asked)} cases that could come")
    base, *found = _answers(variants, asked)
    moved = [End(by, factor.held(by), answer) for (factor, by), answer in zip(ends, found, strict=False)]
    bars = [Bar(factor, moved[2 * n], moved[2 * n + 1]) for n, factor in enumerate(chosen)]
    cases = [
        _case(variants, name, changes, answer, base)
        for (name, changes), answer in zip(named.items(), found[len(ends) :], strict=True)
    ]
    return Risks(base, ranked(bars, base)[:TOLD], len(chosen), len(every), tuple(cases))


def _answers(variants: Variants, asked: list[Mapping[str, str]]) -> list[Answer]:
    """Solve all cases; raise KeyboardInterrupt if any is missing."""
    found = [answer for answer in pool.answered(variants, asked).found if answer is not None]
    if len(found) < len(asked):
        raise KeyboardInterrupt
    return found


def _case(variants: Variants, name: str, changes: Mapping[str, str], answer: Answer, base: Answer) -> Case:
    """Compare a named scenario with the base case, and determine its metal shortage if infeasible."""
    if answer.value is not None and base.value is not None:
        by = answer.value - base.value
        size = SAME * max(abs(answer.value), abs(base.value))
        return Case(name, changes, answer, by if abs(by) > size else 0.0)
    short = None
    if answer.status == "infeasible":
        short = attempted(Shortage(variants.changed(variants.expanded(changes.items()))).short)
    return Case(name, changes, answer, None, short)
