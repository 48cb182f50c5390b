"""What could go wrong: the three figures that matter most, moved and solved, and the scenarios that the instance names.

Of all figures that may turn out otherwise the few are moved whose worth at the plan's prices, times their uncertainty,
is greatest; what they do is then solved, not estimated. `sensitivity --tornado` moves every one of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from medalopt.analysis import pool
from medalopt.analysis.explanation.near import Near
from medalopt.analysis.journal import Answer
from medalopt.analysis.sensitivity.scenarios import Scenarios, scenarios
from medalopt.analysis.sensitivity.steps import Tell, silent
from medalopt.analysis.sensitivity.tornado import Bar, End, ranked
from medalopt.analysis.sensitivity.uncertain import Factor, factors
from medalopt.analysis.sourcing.estimate import Estimates
from medalopt.analysis.variants import NONE, Variants

MOVED, TOLD = 6, 3  # figures that are moved, and told
_DECIDED = ("medals", "policy")  # what is asked for does not turn out otherwise


@dataclass(frozen=True)
class Risks:
    """The figures that matter most of the `moved` of all `figures`, the first most, and the named scenarios."""

    base: Answer
    bars: tuple[Bar, ...]
    moved: int
    figures: int
    scenarios: Scenarios | None


def risks(variants: Variants, near: Near, tell: Tell = silent) -> Risks:
    """Return what could go wrong with the plan that `near` stands at, of the instance of `variants`."""
    every = [factor for factor in factors(variants) if factor.path[0] not in _DECIDED]
    estimates = Estimates(near)
    weights = {number: estimates.of(one.path, one.of) * one.step for number, one in enumerate(every)}
    chosen = [every[n] for n in sorted(weights, key=lambda n: (-weights[n], n))[:MOVED] if weights[n] > 0]
    tell("moving the figures that seem to matter most")
    base, bars = _moved(variants, chosen)
    named = scenarios(variants, tell) if variants.instance.annex.get("scenarios") else None
    return Risks(base, ranked(bars, base)[:TOLD], len(chosen), len(every), named)


def _moved(variants: Variants, chosen: list[Factor]) -> tuple[Answer, list[Bar]]:
    steps = [(max(1 - factor.step, 0.0), 1 + factor.step) for factor in chosen]
    asked = [NONE, *(factor.changes(by) for factor, ends in zip(chosen, steps, strict=True) for by in ends)]
    base, *found = pool.answered(variants, asked).found
    if base is None or None in found:
        raise KeyboardInterrupt
    answers = [answer for answer in found if answer is not None]
    bars = []
    for number, (factor, ends) in enumerate(zip(chosen, steps, strict=True)):
        both = answers[2 * number : 2 * number + 2]
        down, up = (End(by, factor.held(by), answer) for by, answer in zip(ends, both, strict=True))
        bars.append(Bar(factor, down, up))
    return base, bars
