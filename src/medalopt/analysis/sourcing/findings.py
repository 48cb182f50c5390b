"""Analyses of a plan for its report; each takes further solves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from medalopt.analysis.explanation.binding import Binding, binding
from medalopt.analysis.explanation.groups import told
from medalopt.analysis.explanation.near import Near
from medalopt.analysis.sensitivity.premium import Premium, beside_buying
from medalopt.analysis.sensitivity.steps import Tell, silent
from medalopt.analysis.sourcing.entry import entry
from medalopt.analysis.sourcing.risks import Risks, risks
from medalopt.analysis.sourcing.ruleprice import RulePrice, rule_prices
from medalopt.analysis.variants import Variants
from medalopt.instance.lots import without_lots
from medalopt.plan.plan import Plan
from medalopt.solving import solved


@dataclass(frozen=True, eq=False)
class Findings:
    """Analyses of the optimal plan; for a plan in whole lots or stopped early, of the continuous optimum `base`.

    `risks` is None if the instance does not come from a file, such as a remaining horizon.
    """

    base: Plan
    premium: Premium
    binding: tuple[Binding, ...]
    entry: Mapping[int, float]
    rules: tuple[RulePrice, ...]
    risks: Risks | None


def findings(plan: Plan, variants: Variants | None, tell: Tell = silent) -> Findings:
    """Analyse a plan: buying benchmark, binding constraints, entry prices, constraint costs and risks.

    Args:
        plan: The plan.
        variants: Scenarios of its instance; None to leave out the risks.
        tell: Progress callback.

    Returns:
        All analyses.
    """
    base = plan
    if plan.instance.lots or not plan.certificate.optimal:
        tell("solving without whole lots")
        base = solved(without_lots(plan.instance))[0]
    tell("asking what binds, and what buying the metal would cost")
    near = Near.of(base)
    premium, binds = beside_buying(base.account), binding(near, told(base.instance), [])
    tell("asking when refused streams come in, and what each rule costs")
    entering, rules = entry(base), rule_prices(base)
    found = None
    if variants is not None:
        variants.plan = base  # avoids another solve
        found = risks(variants, near, tell)
    return Findings(base, premium, binds, entering, rules, found)
