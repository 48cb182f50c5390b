"""Cost of whole loads, in a sentence."""

from __future__ import annotations

from medalopt.analysis.sourcing.rounding import Rounded
from medalopt.report.numbers import digits, money


def told(found: Rounded) -> str:
    """Describe the number of loads, the part loads among them, and the extra cost of whole loads.

    Args:
        found: Plan in whole loads and the plan without them.

    Returns:
        Two sentences.
    """
    currency = found.plan.instance.currency
    part = (
        f"; {found.part:,} of them go part full, with all that is left of what is offered"
        if found.part
        else ", all full"
    )
    extra = found.extra if abs(found.extra) >= 0.5 else 0.0
    costs = f"cost {money(extra, currency)} more than" if extra else "cost no more than"
    return (
        f"In loads of {digits(found.size)} t: {found.loads:,} loads{part}. Whole loads {costs} the best plan without "
        f"them ({money(found.exact.cost, currency)}), and every rule is kept (verified again)."
    )
