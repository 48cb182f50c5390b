"""Explanation of an optimal plan as text: headline, dear metals, sources left out, alternative optima, then tables."""

from __future__ import annotations

from collections import Counter

from medalopt.analysis.explanation.explanation import Explanation
from medalopt.analysis.explanation.kinks import Kink
from medalopt.instance.arithmetic import FLOATS
from medalopt.plan.plan import Plan
from medalopt.proof.added import NOTHING
from medalopt.report.answer import proof
from medalopt.report.explain_page import page
from medalopt.report.explain_sources import left_out, sources
from medalopt.report.explain_tables import FAR_ABOVE, SAME, binding, invoice, prices
from medalopt.report.margin import not_bought
from medalopt.report.numbers import digits, money, tonnes
from medalopt.report.screen import Screen
from medalopt.report.worth import Worth
from medalopt.wording import shown

MOST_OWN = 4
MOST_METALS, MOST_PARTS, MOST_RANGES = 3, 3, 4


def explanation(found: Explanation, screen: Screen | None = None) -> str:
    """Render the explanation of a plan as text.

    Args:
        found: Explanation of an optimal plan.
        screen: Width and style; None for standard output.

    Returns:
        The whole page.
    """
    title = f"Why this plan: {found.plan.instance.title or found.plan.instance.name}"
    tables = [table for table in (binding(found), prices(found), sources(found), invoice(found)) if table.rows]
    return page(title, said(found), tables, screen)


def said(found: Explanation) -> list[str]:
    """Return the sentences above the tables.

    Args:
        found: Explanation of an optimal plan.

    Returns:
        Objective and proof, added constraints, dear metals, sources left out, alternative optima.
    """
    plan = found.plan
    value = money(plan.objective, plan.unit)
    lines = [
        f"{'Cost' if plan.measure == 'cost' else f'Least {plan.measure}'}: {value}. {proof(plan).partition(':')[0]}."
    ]
    lines += own_rules(plan)
    lines += [_dear(found, kink) for kink in _dearest(found)]
    lines += left_out(found)
    if found.unproven:
        lines.append(
            f"Left out, as their prices could not be proven: {_and([shown(name) for name in found.unproven])}."
        )
    return [*lines, _others(found)]


def own_rules(plan: Plan) -> list[str]:
    """Return lines on the constraints, costs and variables that the user added, and whether the prices are proven."""
    if plan.added == NOTHING:
        return []
    counts = Counter(row.name.partition("[")[0] for row in plan.added.rows)
    named = [f"{shown(name)}{f' ({count} rows)' if count > 1 else ''}" for name, count in counts.items()]
    rest = [f"{len(named) - MOST_OWN} more"] if len(named) > MOST_OWN else []
    what = _and([*named[:MOST_OWN], *rest]) if named else "costs or variables"
    lines = [f"All prices count your own {what} too, which stays as it is while a figure of the instance moves."]
    if plan.certificate.arithmetic == FLOATS.name:
        lines.append("They are not proven: a variable of your own has no bounds; give it some to have them proven.")
    return lines


def _dearest(found: Explanation) -> list[Kink]:
    """Return the metals far above their market price, sorted by that price times the kilograms charged."""
    used = found.plan.account.composition.sum(axis=(0, 2))
    dear = [kink for kink in found.kinks if kink.metal is not None and (kink.ratio or 0.0) > FAR_ABOVE]
    return sorted(dear, key=lambda kink: -(kink.more or 0.0) * float(used[kink.metal or 0]))[:MOST_METALS]


def _dear(found: Explanation, kink: Kink) -> str:
    """Return the price of a dear metal beside the market, the reason not to buy it, and its substitution."""
    plan, market = found.plan, kink.market
    assert kink.more is not None and market is not None and kink.metal is not None
    times = f"{kink.ratio:,.0f}" if (kink.ratio or 0) >= 10 else f"{kink.ratio:.1f}"
    asked = f"what {shown(market.name)} asks" if market.offered else "what it is sold for"
    line = f"One more kilogram of {shown(kink.name)} costs {money(kink.more, plan.unit)}, {times} times {asked}"
    line += f" ({money(market.price)})"
    refused = not_bought(plan, Worth(plan), kink.metal)
    if refused and refused.reason and market.offered:
        line += f", {refused.reason}"
    return f"{line}.{_from(kink)}"


def _from(kink: Kink) -> str:
    """Return the purchases and tonnes that increase, and those that decrease, for one more kilogram."""
    told = [part for part in kink.parts if part.unit == "t"][:MOST_PARTS] or list(kink.parts[:MOST_PARTS])
    more = [_part(part.amount, part.unit, part.what) for part in told if part.amount > 0]
    less = [_part(-part.amount, part.unit, part.what) for part in told if part.amount < 0]
    if not more:
        return ""
    return f" It takes {_and(more)} more{f', and {_and(less)} less' if less else ''}."


def _part(amount: float, unit: str, what: str) -> str:
    """Return an amount of a source in tonnes, or of an offer in kilograms, with its name."""
    return f"{tonnes(amount) if unit == 't' else f'{digits(amount)} kg'} of {shown(what)}"


def _and(parts: list[str]) -> str:
    """Join parts with commas and a final `and`."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _others(found: Explanation) -> str:
    """Return whether the optimum is unique, and otherwise the range of each source over all alternative optima."""
    measure = found.plan.measure
    good = "Other plans are as good" if measure == "cost" else f"By {measure} other plans are as good (cost decides)"
    if found.others is None:
        return "Whether other plans are as good could not be proven."
    if found.only:
        return "This is the only optimal plan (proven)."
    ranged = [one for one in found.takings if one.most - one.least > SAME * max(one.offered, 1.0)]
    if not ranged:
        same = "every source gives as many tonnes" if found.takings and not found.untold else "the sources give as much"
        alike = f"{same} in each; they differ in" if found.takings else "they differ in"
        return f"{good}: {alike} {_and(list(found.others))}."
    told = [
        f"{shown(one.source.name)} {tonnes(one.least)} to {tonnes(one.most)} (here {tonnes(one.taken)})"
        for one in ranged[:MOST_RANGES]
    ]
    more = [f"{len(ranged) - MOST_RANGES} more"] if len(ranged) > MOST_RANGES else []
    return f"{good}, with other tonnes: {_and([*told, *more])}."
