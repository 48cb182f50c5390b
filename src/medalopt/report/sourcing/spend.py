"""Spend and commitments by period, by fiscal year, and by kind of cost and document."""

from __future__ import annotations

import numpy as np

from medalopt.analysis.sourcing.fiscal import fiscal_years, straddling
from medalopt.analysis.sourcing.payments import CALL_OFF, KINDS, ORDER, OWN, TOLL, Payments, payments
from medalopt.instance.figures import Floats
from medalopt.instance.instance import Instance
from medalopt.plan.plan import Plan
from medalopt.report.costs import KINDS as COSTS
from medalopt.report.plants import period_word
from medalopt.report.sourcing.content import Cell, Column, Table
from medalopt.report.sourcing.currency import amount

TITLES = {CALL_OFF: "Call-offs", TOLL: "Toll refining", ORDER: "Metal purchases", OWN: "Own account"}
_KEYS = {CALL_OFF: "call_offs", TOLL: "toll_refining", ORDER: "purchases", OWN: "own_account"}
_OWN = "Own account: interest on stock, less metal sold and process scrap left; no one is sent an order for it."
_STRADDLES = "A {period} that reaches over the end of March counts in the fiscal year in which it begins."


def tables(plan: Plan) -> tuple[Table, ...]:
    """Tabulate spend and commitments.

    Args:
        plan: Plan to report.

    Returns:
        The tables `spend`, `fiscal_years` where the periods are dates, and `reconciliation`.
    """
    paid = payments(plan.account)
    years = fiscal_years(plan.instance)
    by_year = (_by_year(plan.instance, paid, years),) if all(years) else ()
    return (_by_period(plan.instance, paid, years), *by_year, _by_cost(plan.instance, paid))


def _by_period(instance: Instance, paid: Payments, years: tuple[str, ...]) -> Table:
    spent = paid.by_kind()
    each = spent.sum(axis=0)
    so_far = each.cumsum()
    word, dated = period_word(instance), all(years)
    columns = (
        Column("period", word.capitalize()),
        *((Column("fiscal_year", "Fiscal year"),) if dated else ()),
        *(_money(instance, _KEYS[kind], TITLES[kind]) for kind in KINDS),
        _money(instance, "spent", "Spent"),
        _money(instance, "spent_so_far", "Spent so far", total=False),
        _money(instance, "committed", "Still committed", total=False),
    )
    ordered = _ahead(spent[:-1].sum(axis=0))
    rows = tuple(
        (period, *((years[t],) if dated else ()), *map(float, (*spent[:, t], each[t], so_far[t], ordered[t])))
        for t, period in enumerate(instance.periods)
    )
    says = (
        f"What is spent in each {word}, and what the orders of later ones come to once all of them are signed. "
        "Charges count when devices are shipped, metal when it is bought."
    )
    return Table("spend", "Spend and commitment", says, columns, rows, (_OWN,))


def _ahead(each: Floats) -> Floats:
    """Return the sum over later periods, for each period."""
    after = each[::-1].cumsum()[::-1]
    return np.append(after[1:], 0.0)


def _by_year(instance: Instance, paid: Payments, years: tuple[str, ...]) -> Table:
    named = tuple(dict.fromkeys(years))
    in_year = np.array(
        [[year == one for one in named] for year in years], dtype=float
    )  # (T, Y), 1 where the period is in the year
    columns = (
        Column("document", "Document"),
        Column("party", "Party"),
        *(_money(instance, year.lower(), year) for year in named),
        _money(instance, "in_all", "In all"),
    )
    rows: list[tuple[Cell, ...]] = []
    for kind in KINDS:
        spent = paid.of(kind) @ in_year
        for party, of_party in zip(paid.parties[kind], spent.tolist(), strict=True):
            if any(of_party):
                rows.append((kind, party, *of_party, sum(of_party)))
    notes = (_OWN, *((_STRADDLES.format(period=period_word(instance)),) if straddling(instance) else ()))
    says = "What each counterparty is paid in each fiscal year, April to March: the budget that its orders need."
    return Table("fiscal_years", "Fiscal years", says, columns, tuple(rows), notes)


def _by_cost(instance: Instance, paid: Payments) -> Table:
    columns = (
        Column("cost", "Kind of cost"),
        *(_money(instance, _KEYS[kind], TITLES[kind]) for kind in KINDS),
        _money(instance, "in_all", "In all"),
    )
    rows: list[tuple[Cell, ...]] = []
    for cost, title in COSTS.items():
        parts = [float(paid.amounts[kind][cost].sum()) if cost in paid.amounts[kind] else None for kind in KINDS]
        if any(parts):
            rows.append((title, *parts, sum(part for part in parts if part is not None)))
    says = "Every kind of cost and the documents that order it: together they are what the plan costs."
    return Table("reconciliation", "Documents against the plan's cost", says, columns, tuple(rows), (_OWN,))


def _money(instance: Instance, key: str, title: str, total: bool = True) -> Column:
    return amount(key, title, instance.currency, total)
