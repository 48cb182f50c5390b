"""Cost of whole lots, and marginal values in the linear program with the numbers of lots fixed."""

from __future__ import annotations

from medalopt.plan.plan import Plan
from medalopt.proof.marginal import Marginal
from medalopt.report.numbers import digits, share, span
from medalopt.report.section import Column, Section, section

MOST = 15  # rows


def price_of_lots(plan: Plan) -> str:
    """Return the sentence on the cost of whole lots.

    Args:
        plan: Solved plan.

    Returns:
        Extra cost against the relaxation without lots, with the certified lower bound; '' without lots.
    """
    if plan.lots is None:
        return ""
    lots, unit = plan.lots, plan.unit
    best = f"the best plan without them comes to {digits(lots.without, 6)} {unit}"
    bound = f"no plan, in whole lots or not, comes to less than {digits(lots.lower_bound, 6)} {unit} (certified)"
    if not lots.extra:
        return f"Whole lots cost nothing more: {best}, and {bound}."
    of_all = share(lots.extra, abs(lots.without))
    extra = f"{digits(lots.extra)} {unit}" + ("" if of_all == "–" else f", {of_all}")
    return f"Whole lots cost {extra}: {best}; {bound}."


def at_the_lots(plan: Plan) -> Section:
    """Return the table of marginal values with the numbers of lots fixed at those of the plan.

    Args:
        plan: Solved plan in whole lots.

    Returns:
        The table, one row for each parameter; no rows without lots.
    """
    groups: dict[tuple[str, str], list[Marginal]] = {}
    for one in plan.marginals_at_lots:
        groups.setdefault((one.path, one.meaning), []).append(one)
    listed, rest = list(groups.items())[:MOST], len(groups) - MOST
    columns = [
        (Column("figure", right=False), [path for (path, _), _ in listed]),
        (Column("when", rank=1), [_when(plan, found) for _, found in listed]),
        (Column("change", right=False), [meaning for (_, meaning), _ in listed]),
        (Column("changes the plan by"), [span([one.value for one in found]) for _, found in listed]),
        (Column("", right=False), [found[0].unit for _, found in listed]),
    ]
    notes = ["Of the linear program in which the numbers of lots are fixed at those of this plan; less than 0 saves."]
    notes += [f"{rest} more are in the plan's prices_at_lots (-o, --json)."] if rest > 0 else []
    return section("What one unit more changes at the chosen lots", columns, notes=notes, always=1)


def _when(plan: Plan, found: list[Marginal]) -> str:
    """Return the number of periods with a value, of all periods."""
    periods, count = {one.period for one in found} - {None}, len(plan.instance.periods)
    return f"{len(periods)} of {count}" if periods and count > 1 else ""
