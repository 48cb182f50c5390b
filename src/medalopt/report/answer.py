"""Headline of a solved plan: total cost, supply taken, bottleneck metals with shadow prices, and the proof."""

from __future__ import annotations

from medalopt.plan.plan import Plan
from medalopt.proof.certificate import paid
from medalopt.report.lots import price_of_lots
from medalopt.report.margin import more_of, not_bought
from medalopt.report.numbers import digits, money, share, span, tonnes
from medalopt.report.worth import Worth
from medalopt.wording import counted

MOST_METALS = 3
SEARCHED = 1e-9  # relative to all payments: the bound of branch and bound equals the objective


def answer(plan: Plan, worth: Worth) -> tuple[str, ...]:
    """Return the headline of a plan, without the line on its proof.

    Bottlenecks are listed only for a plan that is proven optimal, since they follow from its dual values.

    Args:
        plan: Solved plan.
        worth: Marginal values of its metals.

    Returns:
        Lines on cost, whole lots, supply taken and bottleneck metals; empty ones are left out.
    """
    scarce = _scarce(plan, worth) if plan.certificate.optimal else ()
    return tuple(line for line in (_cost(plan), price_of_lots(plan), _taken(plan), *scarce) if line)


def _cost(plan: Plan) -> str:
    """Return the line on total cost and cost per medal, preceded by the objective where that is another measure."""
    currency, count = plan.instance.currency, int(plan.instance.medals.count.sum())
    line = f"{money(plan.cost, currency)} in all"
    if count:
        line += f", {money(plan.cost / count, currency)} a medal ({counted(count, 'medal')})"
    if plan.measure != "cost":
        line = f"Least {plan.measure}: {digits(plan.objective)} {plan.unit}, for {line}"
    return f"{line}."


def _taken(plan: Plan) -> str:
    """Return the line on tonnes taken of tonnes offered, with the tonnes passed on to ordinary recycling."""
    offered = float(plan.instance.streams.available.value.sum())
    if not offered:
        return ""
    gone = float(plan.account.decisions.sent[plan.account.found.smelter < 0].sum())
    unsmelted = f"; {tonnes(gone)} of them leave the project unsmelted" if gone > 1e-9 * plan.tonnes else ""
    of_all = share(plan.tonnes, offered)
    return f"{tonnes(plan.tonnes)} of devices taken of {tonnes(offered)} offered ({of_all}){unsmelted}."


def _scarce(plan: Plan, worth: Worth) -> tuple[str, ...]:
    """Return one line for each of the most valuable bottleneck metals, or the line that there is none."""
    if not worth.scarce:
        some = len(plan.instance.streams.names) and plan.measure == "cost"
        return ("No metal is scarce: none is worth more than it is sold or offered for.",) if some else ()
    return tuple(_of_metal(plan, worth, metal) for metal in worth.scarce[:MOST_METALS])


def _of_metal(plan: Plan, worth: Worth, metal: int) -> str:
    """Return the shadow price of a bottleneck metal, the cheaper offer that is not bought, and the marginal source."""
    title = plan.instance.metals.titles[metal]
    saved = span(worth.at_hand[metal][worth.used[metal]].tolist())
    line = f"Scarce: {title}. One more kilogram would save {saved} {plan.unit}"
    refused = not_bought(plan, worth, metal)
    if refused:
        times = f"{refused.times:,.0f}" if refused.times >= 10 else f"{refused.times:.1f}"
        why = f", {refused.reason}" if refused.reason else ""
        line += f", {times} times what {refused.offer} asks ({money(refused.price, plan.instance.currency)}){why}"
    source = more_of(plan, worth, metal) if plan.measure == "cost" else None
    if source:
        line += f"; to win it would take {tonnes(source.tonnes)} more of {source.what} from {source.region}"
    return f"{line}."


def proof(plan: Plan) -> str:
    """Return one line on the optimality gap and the largest relative constraint violation of a plan.

    Args:
        plan: Plan with its certificate.

    Returns:
        The sentence; it says so if the search stopped at a limit.
    """
    certificate = plan.certificate
    if certificate.optimal and certificate.exact_value is not None:
        return "Proven optimal: gap 0, every rule kept exactly, in fractions; these figures are that plan, rounded."
    gap, broken = (f"{max(value, 0.0):.0e}" for value in (certificate.gap, certificate.primal_violation))
    best = "best without whole lots" if plan.instance.lots else "best there can be"
    word = f"Proven optimal: gap {gap}" if certificate.optimal else f"{_found(plan)}{_within(certificate.gap, best)}"
    stopped = "Stopped before what was asked for was proven. " if plan.stopped else ""
    return f"{stopped}{word}, every rule kept to {broken} of its size."


def _found(plan: Plan) -> str:
    """Return the gap between plan and branch-and-bound bound; that bound is the solver's and not certified."""
    bound = plan.certificate.search_bound
    if bound is None:
        return "Feasible, "
    size = max(1.0, abs(plan.objective), float(paid(plan.account, plan.measure)))
    gap = (plan.objective - bound) / size
    if gap <= SEARCHED:
        return "Optimal by search (bound of the solver); certified "
    return f"Feasible, within {100 * gap:.2g} % by search (bound of the solver); certified "


def _within(gap: float, best: str) -> str:
    """Return the certified relative gap in per cent, or that nothing is proven where it is 100 % or more."""
    return f"within {100 * gap:.2g} % of the {best}" if gap < 1 else "how near to the best is not proven"
