"""Tables of the metal balance, of purchases and of medals."""

from __future__ import annotations

import numpy as np

from medalopt.plan.plan import Plan
from medalopt.report.numbers import column, digits, mass, money, scale, span
from medalopt.report.section import Column, Section, section
from medalopt.report.worth import Worth


def metals(plan: Plan, worth: Worth) -> Section:
    """Return the balance of each metal [kg]: opening stock + returned + bought = needed + surplus.

    Args:
        plan: Solved plan.
        worth: Marginal values of its metals.

    Returns:
        The table; with the marginal value per kilogram if the plan is proven optimal.
    """
    account, metal, best = plan.account, plan.instance.metals, plan.certificate.optimal
    needed = account.composition.sum(axis=(0, 2))
    back = account.returned.sum(axis=(0, 2))
    bought = account.bought @ plan.instance.market.composition.value
    opening = metal.opening_stock.value
    left = opening + back + bought - needed
    left = np.where(left > 1e-9 * (opening + back + bought), left, 0.0)
    listed = [e for e in range(len(metal.names)) if max(needed[e], back[e], bought[e], opening[e]) > 0]
    listed.sort(key=lambda e: (needed[e] == 0, metal.names[e]))
    return section(
        "Metals",
        [
            (Column("metal", right=False), [metal.titles[e] for e in listed]),
            (Column("needed kg"), [digits(needed[e]) for e in listed]),
            (Column("at hand kg", rank=3), [digits(opening[e]) for e in listed]),
            (Column("returned kg", rank=1), [digits(back[e]) for e in listed]),
            (Column("bought kg", rank=1), [digits(bought[e]) for e in listed]),
            (Column("left over kg"), [digits(left[e]) for e in listed]),
            *([(Column(f"worth {plan.unit} per kg"), [_worth(worth, e) for e in listed])] if best else []),
        ],
        notes=["Worth: what one more kilogram at hand would save when it is used."] if best else (),
    )


def _worth(worth: Worth, metal: int) -> str:
    """Return the range of the marginal value over the periods in which the metal is used."""
    values = worth.at_hand[metal][worth.used[metal]].tolist()
    return span([max(value, 0.0) for value in values]) if values else "–"


def offers(plan: Plan) -> Section:
    """Return the table of purchases on the market: kilograms, cost, average price and share of the limit.

    Args:
        plan: Solved plan.

    Returns:
        The table, largest cost first.
    """
    market = plan.instance.market
    bought = plan.account.purchases  # (O, T)
    amount, cost = bought.sum(axis=1), (bought * market.price.value).sum(axis=1)
    listed = [o for o in np.argsort(-cost, kind="stable").tolist() if amount[o] > 0]
    size, word = scale(cost.tolist())
    currency = plan.instance.currency
    return section(
        "What is bought",
        [
            (Column("offer", right=False), [market.names[o] for o in listed]),
            (Column("kg"), [digits(amount[o]) for o in listed]),
            (Column(f"cost {word}{currency}"), column([cost[o] / size for o in listed])),
            (Column(f"{currency} per kg", rank=1), [digits(cost[o] / amount[o]) for o in listed]),
            (Column("of its limit", rank=2), [_of_limit(amount[o], market.limit.value[o]) for o in listed]),
        ],
    )


def _of_limit(amount: float, limit: float) -> str:
    """Return the share of a limit, a dash without a limit."""
    return f"{digits(100 * amount / limit, 3)} %" if np.isfinite(limit) and limit > 0 else "–"


def medals(plan: Plan, worth: Worth) -> Section:
    """Return the table of medals: count, composition by alloy, due period and marginal cost.

    Args:
        plan: Solved plan.
        worth: Marginal values of its metals.

    Returns:
        The table; with marginal costs if the plan is proven optimal.
    """
    instance, medal = plan.instance, plan.instance.medals
    extra = [money(value) for value in _one_more(plan, worth)] if plan.certificate.optimal else []
    due = [instance.periods[period] for period in medal.due.tolist()]
    return section(
        "Medals",
        [
            (Column("medal", right=False), list(medal.names)),
            (Column("count"), [f"{count:,}" for count in medal.count.tolist()]),
            (Column("made of", right=False, rank=2), [_made_of(plan, m) for m in range(len(medal.names))]),
            (Column("due by end of", rank=1), due if len(instance.periods) > 1 else ["" for _ in due]),
            *([(Column(f"one more costs {plan.unit}"), extra)] if extra else []),
        ],
    )


def _made_of(plan: Plan, medal: int) -> str:
    """Return the mass of each alloy in one medal."""
    parts = zip(plan.instance.alloys.names, plan.instance.medals.parts.value[medal].tolist(), strict=True)
    return " + ".join(f"{mass(weight)} {alloy}" for alloy, weight in parts if weight)


def _one_more(plan: Plan, worth: Worth) -> list[float]:
    """Return the marginal cost of each medal, (M,), in the unit of the objective."""
    medal, demand = plan.instance.medals, worth.prices.demand
    owing = np.cumsum(demand[:, ::-1], axis=1)[:, ::-1]  # (A, T): marginal cost of a kilogram due in t
    each = medal.parts.value * (1 + medal.allowance.value)[:, None]
    return [float(each[m] @ owing[:, medal.due[m]]) for m in range(len(medal.names))]
