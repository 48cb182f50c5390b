"""First page of the sourcing plan: key figures, orders to sign with their dates, main risks, two charts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from medalopt.analysis.sourcing.payments import PURCHASE_ORDER
from medalopt.analysis.sourcing.plan_analyses import PlanFacts
from medalopt.plan.plan import Plan
from medalopt.report.charts import Chart
from medalopt.report.document import CellValue, ReportColumn, ReportSummary, ReportTable, get_cell_number
from medalopt.report.metal_values import MetalValues
from medalopt.report.numbers import (
    format_mass,
    format_money,
    format_money_range,
    format_number,
    format_share,
    format_tonnes,
)
from medalopt.report.solve import describe_passed_on, list_missed_medals, name_total_cost
from medalopt.report.solve_tables import describe_largest_kinds
from medalopt.report.sourcing.metals import SPREAD_DEVIATIONS
from medalopt.text import escape_text, format_count
from medalopt.tolerances import AMOUNT_TOLERANCE

MOST_PARTIES = 4  # payers on the first page
MOST_DUE_ORDERS = 14  # rows of orders on the first page
_RISK_LINES = ("Main risk", "Second risk", "Third risk", "Scenarios", "Whole loads", "Benchmark")  # in this order
BOTTLENECK = "Bottleneck"  # key figure that follows from the dual values, not from the decisions
_FIGURE_COLUMNS = (
    ReportColumn("figure", "Result"),
    ReportColumn("value", "Value"),
    ReportColumn("detail", "Detail"),
)
_DUE_COLUMNS = ("document", "party", "region", "goods", "quantity", "amount", "sign_by", "state")
_FigureRow = tuple[CellValue, ...]


def build_summary(
    facts: PlanFacts, orders: ReportTable, headline: tuple[str, ...], charts: tuple[Chart, ...] = ()
) -> ReportSummary:
    """Build the first page of a sourcing plan.

    Args:
        facts: Facts of the plan.
        orders: The table `orders`.
        headline: Sentences of the plan, of which those on risks are taken.
        charts: Charts of the first page.

    Returns:
        The first page.
    """
    plan = facts.plan
    rows = (
        *_cost_figure(plan),
        *_unmet_figure(plan),
        *_supply_figure(plan),
        *_purchase_figure(facts),
        *_bottleneck_figure(plan),
        *_confidence_figure(facts),
        *_footprint_figure(plan),
    )
    text = "The plan on one page."
    figures = ReportTable("key_figures", "Key results", text, _FIGURE_COLUMNS, rows)
    risks = tuple(line for start in _RISK_LINES for line in headline if line.startswith(start))
    return ReportSummary(figures, select_due_orders(orders), risks, charts)


def select_due_orders(orders: ReportTable) -> ReportTable:
    """Select the orders of the first page: the largest amounts, those to be signed first on top.

    Args:
        orders: The table `orders`.

    Returns:
        The table `due_orders`; a note says how many more there are.
    """
    keys = [column.key for column in orders.columns]
    place = {key: keys.index(key) for key in keys}
    largest = sorted(orders.rows, key=lambda row: -get_cell_number(row[place["amount"]]))
    shown = sorted(largest[:MOST_DUE_ORDERS], key=lambda row: str(row[place["sign_by"]]))
    left = largest[MOST_DUE_ORDERS:]
    notes = orders.notes
    if left:
        amount = sum(get_cell_number(row[place["amount"]]) for row in left)
        unit = orders.columns[place["amount"]].unit or ""
        notes = (
            f"{format_count(len(left), 'more order')}, {format_money(amount, unit)}, in the list of all orders.",
            *notes,
        )
    columns = tuple(replace(orders.columns[place[key]], digits=0) for key in _DUE_COLUMNS)
    if left:
        columns = tuple(replace(column, total=False) for column in columns)
    rows = tuple(
        tuple(_round_quantity(str(row[place[key]])) if key == "quantity" else row[place[key]] for key in _DUE_COLUMNS)
        for row in shown
    )
    text = "What to order from whom, and the last day to sign: the day before the first period of delivery."
    return ReportTable("due_orders", "Orders to sign", text, columns, rows, notes)


def _round_quantity(text: str) -> str:
    """Round a quantity such as `12.452 kg` to three significant digits."""
    value, _, unit = text.partition(" ")
    return f"{format_number(float(value.replace(',', '')), 3)} {unit}"


def _cost_figure(plan: Plan) -> tuple[_FigureRow, ...]:
    currency, count = plan.instance.currency, int(plan.instance.medals.count.sum())
    shared = len(plan.party_costs) > 1  # then no one pays the cost of a medal
    name, amount = name_total_cost(plan)
    per_medal = "all parties together" if shared else f"{format_money(amount / max(count, 1), currency)} per medal"
    each = f"{per_medal}, {format_count(count, 'medal')}" if count else ""
    total = (name, format_money(amount, currency), each)
    paid = (
        (f"Paid by {escape_text(party)}", format_money(amount, currency), describe_largest_kinds(plan, party, most=1))
        for party, amount in list(plan.party_totals.items())[:MOST_PARTIES]
    )
    return (total, *paid)


def _unmet_figure(plan: Plan) -> tuple[_FigureRow, ...]:
    kinds = list_missed_medals(plan)
    penalty = format_money(plan.costs.get("shortfall", 0.0), plan.instance.currency)
    return (("Medals not made", kinds, f"penalty {penalty}"),) if kinds else ()


def _supply_figure(plan: Plan) -> tuple[_FigureRow, ...]:
    offered = float(plan.instance.streams.available.value.sum())
    if not offered:
        return ()
    share = f"{format_share(plan.tonnes, offered)} of {format_tonnes(offered)} offered{describe_passed_on(plan)}"
    return (("Devices collected", format_tonnes(plan.tonnes), share),)


def _purchase_figure(facts: PlanFacts) -> tuple[_FigureRow, ...]:
    bought = np.asarray(facts.plan.account.bought)
    if not (bought > 0).any():
        return (("Metal purchases", "none", ""),)
    spent = float(facts.payments.of(PURCHASE_ORDER).sum())
    detail = f"{format_mass(float(bought.sum()))} from {format_count(int((bought > 0).sum()), 'offer')}"
    return (("Metal purchases", format_money(spent, facts.plan.instance.currency), detail),)


def _bottleneck_figure(plan: Plan) -> tuple[_FigureRow, ...]:
    if not plan.certificate.optimal:
        return ()
    values = MetalValues(plan)
    if not values.scarce:
        return ()
    metal, *others = values.scarce
    titles = plan.instance.metals.titles
    price = format_money_range(values.at_hand[metal][values.used[metal]].tolist())
    more = f"; also {', '.join(escape_text(titles[other], 40) for other in others[:3])}" if others else ""
    return ((BOTTLENECK, escape_text(titles[metal], 40), f"shadow price {price} {plan.unit}/kg{more}"),)


def _confidence_figure(facts: PlanFacts) -> tuple[_FigureRow, ...]:
    """Return the largest shortage where the returns come out low, relative to the metal charged."""
    account = facts.metal_account
    if account.uncertainty is None:
        return ()
    low = account.at_hand - SPREAD_DEVIATIONS * account.uncertainty.correlated_cumulated
    charged = account.charged.cumsum(axis=1)
    short = np.where(account.charged > 0, charged - low, 0.0).max(axis=1)
    need = charged[:, -1]
    relative = np.divide(short, need, out=np.zeros_like(short), where=need > 0)
    metal = int(relative.argmax())
    case = f"if all returns come out {SPREAD_DEVIATIONS} standard deviations low"
    if relative[metal] <= AMOUNT_TOLERANCE:
        return (("Low case", "enough metal", case),)
    title = escape_text(facts.plan.instance.metals.titles[metal], 40)
    share = format_share(float(short[metal]), float(need[metal]))
    return (("Low case", f"{title} {format_mass(float(short[metal]))} short", f"{share} of its need, {case}"),)


def _footprint_figure(plan: Plan) -> tuple[_FigureRow, ...]:
    footprint = float(plan.footprint)
    if not footprint:
        return ()
    return (("Footprint", f"{format_tonnes(footprint / 1000)} CO2e", "devices sent and metal bought"),)
