"""Procurement report of a plan: executive summary, then its tables, orders and charts; and its first page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from medalopt import __version__
from medalopt.analysis.explain.local_analysis import group_sources
from medalopt.analysis.explain.shadow_prices import BindingConstraint
from medalopt.analysis.sensitivity.base_case import RecyclingPremium
from medalopt.analysis.sourcing.orders import PURCHASE_ORDER
from medalopt.analysis.sourcing.plan_analyses import PlanAnalyses, PlanFacts
from medalopt.analysis.sourcing.whole_loads import WholeLoadPlan
from medalopt.instance.lot_relaxation import describe_lot_rules
from medalopt.instance.source_values import SourceValues
from medalopt.plan.plan import Plan
from medalopt.proof.confidence import price_confidence
from medalopt.report.charts import Chart
from medalopt.report.deadline_risk import format_probability, tabulate_risk
from medalopt.report.document import (
    CellValue,
    OrderDocument,
    Report,
    ReportColumn,
    ReportSummary,
    ReportTable,
    fold_table,
    get_cell_number,
    keep_columns,
)
from medalopt.report.numbers import (
    format_mass,
    format_money,
    format_money_range,
    format_number,
    format_share,
    format_tonnes,
)
from medalopt.report.render.json import render_sourcing_json
from medalopt.report.sensitivity.report_part import describe_premium
from medalopt.report.solve import (
    compute_cost_per_medal,
    describe_passed_on,
    describe_status,
    list_missed_medals,
    name_total_cost,
    summarize_plan,
)
from medalopt.report.solve_tables import build_impurity_table, title_cost_kinds
from medalopt.report.sourcing.compliance import tabulate_assumptions, tabulate_claims, tabulate_compliance_documents
from medalopt.report.sourcing.metals import SPREAD_DEVIATIONS, tabulate_melting, tabulate_metal_account
from medalopt.report.sourcing.order_layout import MOST_DUE_ORDERS, select_print_tables
from medalopt.report.sourcing.orders import build_orders, tabulate_orders
from medalopt.report.sourcing.plan_charts import (
    draw_cost_waterfall,
    draw_metal_balances,
    draw_metal_coverage,
    draw_supply_charts,
)
from medalopt.report.sourcing.procurement import (
    describe_risks,
    tabulate_awards,
    tabulate_price_exposure,
    tabulate_risks,
    tabulate_rule_costs,
    tabulate_spend,
)
from medalopt.report.sourcing.traceability import draw_metal_flows, tabulate_traceability
from medalopt.text import escape_text, format_count
from medalopt.tolerances import AMOUNT_TOLERANCE, VALUE_TOLERANCE


def _describe_whole_loads(plan: WholeLoadPlan) -> str:
    """Describe the number of loads, the part loads among them, and the extra cost of whole loads."""
    currency = plan.plan.instance.currency
    part = f", {plan.part:,} of them part loads with the rest of the supply" if plan.part else ", all full"
    extra = plan.extra if abs(plan.extra) >= 0.5 else 0.0
    costs = f"+{format_money(extra, currency)} against" if extra else "no extra cost against"
    return (
        f"Whole loads of {format_number(plan.size)} t: {plan.loads:,} loads{part}; {costs} the optimal plan without "
        f"whole loads ({format_money(plan.exact.cost, currency)}). All constraints are satisfied (verified again)."
    )


_MOST_SOURCES, _MOST_BINDING, _MOST_OFFERS = 4, 3, 4


def _summarize_decision(
    facts: PlanFacts,
    documents: tuple[OrderDocument, ...],
    analyses: PlanAnalyses | None,
    in_loads: WholeLoadPlan | None,
    settled: frozenset[str] = frozenset(),
) -> tuple[str, ...]:
    """Summarise the plan for the decision to sign."""
    plan = facts.plan
    first, *rest = summarize_plan(plan, facts.metal_values)
    scarce = [line for line in rest if line.startswith(("Bottleneck", "Next source"))]
    benchmark = () if analyses is None else _describe_benchmark(plan, analyses.premium)
    lines = [describe_status(plan), first, *benchmark, *(line for line in rest if line not in scarce)]
    lines += [*_describe_supply(plan, settled), *_describe_purchases(facts, settled), *scarce]
    if analyses is not None:
        lines += [
            *_describe_reference_plan(plan, analyses, in_loads),
            *_describe_binding(analyses),
            *(describe_risks(analyses.risks, plan.instance) if analyses.risks else ()),
        ]
    lines += [_describe_whole_loads(in_loads)] if in_loads else []
    return (*lines, *_count_drafts(documents))


def _describe_benchmark(plan: Plan, premium: RecyclingPremium) -> tuple[str, ...]:
    """Return the benchmark of buying all metal, with its cost and footprint, or the reason why it is not available."""
    sentences = describe_premium(premium, plan.instance)
    if premium.cost == float("inf"):
        return sentences
    more, currency = plan.cost - premium.cost, plan.instance.currency
    price = f"Benchmark, buying all metal: {format_money(premium.cost, currency)}"
    if abs(more) <= VALUE_TOLERANCE * max(1.0, abs(plan.cost)):
        return (f"{price}, the same.", *sentences[1:])
    each = compute_cost_per_medal(plan) is not None
    medals = f" ({format_money(abs(more) / premium.medals, currency)} a medal)" if each else ""
    return (f"{price}, {format_money(abs(more), currency)} {'less' if more > 0 else 'more'}{medals}.", *sentences[1:])


def _describe_supply(plan: Plan, settled: frozenset[str]) -> tuple[str, ...]:
    """Describe the largest sources by tonnes, and the feed of each smelter."""
    instance = plan.instance
    called = np.array([region not in settled for region in instance.regions], dtype=bool)[instance.streams.region]
    sent = np.where(called, plan.account.sent, 0.0)
    groups = {source.name: float(sent[source.streams].sum()) for source in group_sources(plan.instance)}
    listed = _list_largest({name: tons for name, tons in groups.items() if tons > 0}, format_tonnes, _MOST_SOURCES)
    feed = dict(zip(plan.instance.smelters.names, plan.account.feed.sum(axis=1).tolist(), strict=True))
    open_feed = {name: tons for name, tons in feed.items() if tons > 0 and name not in settled}
    to = _list_largest(open_feed, format_tonnes, _MOST_SOURCES)
    feed_line = (f"Smelter feed: {to}.",) if to else ()
    return (f"Call-offs: {listed}.", *feed_line) if listed else ()


def _describe_purchases(facts: PlanFacts, settled: frozenset[str]) -> tuple[str, ...]:
    plan = facts.plan
    bought = dict(zip(plan.instance.market.names, plan.account.bought.tolist(), strict=True))
    listed = _list_largest(
        {name: kg for name, kg in bought.items() if kg > 0 and name not in settled}, format_mass, _MOST_OFFERS
    )
    spent = format_money(float(facts.payments.of(PURCHASE_ORDER).sum()), plan.instance.currency)
    return (f"Metal purchases: {listed}; {spent}.",) if listed else ()


def _list_largest(amounts: dict[str, float], text: Callable[[float], str], maximum: int) -> str:
    """List the largest amounts by name, and the sum of the rest."""
    order = sorted(amounts, key=lambda name: (-amounts[name], name))
    lines = [f"{escape_text(name)} {text(amounts[name])}" for name in order[:maximum]]
    rest = order[maximum:]
    more = [f"{len(rest)} more {text(sum(amounts[name] for name in rest))}"] if rest else []
    return ", ".join([*lines, *more])


def _describe_binding(analyses: PlanAnalyses) -> tuple[str, ...]:
    listed = "; ".join(_format_binding(row, analyses.base.unit) for row in analyses.binding[:_MOST_BINDING])
    if listed:
        return (f"Binding constraints: {listed}.",)
    promised = price_confidence(analyses.base.account, analyses.base.duals)  # named in a line of its own
    return () if promised else ("Binding constraints: none with a shadow price.",)


def _describe_reference_plan(plan: Plan, analyses: PlanAnalyses, in_loads: WholeLoadPlan | None) -> tuple[str, ...]:
    """Return a note where the analyses refer to the optimal plan without whole lots or loads."""
    if plan.certificate.optimal and in_loads is None:
        return ()
    lots = f" without {describe_lot_rules(plan.instance.lots)}" if plan.instance.lots else ""
    whole = " without whole loads" if in_loads else lots
    best = f"the optimal plan{whole} ({format_money(analyses.base.cost, plan.instance.currency)})"
    return (f"Binding constraints, break-even prices and risks: those of {best}.",)


def _format_binding(row: BindingConstraint, unit: str) -> str:
    change = f"{'+' if row.step > 0 else '−'}1 {row.unit}{' in each period' if row.every_period else ''}"
    return f"{escape_text(row.name)} ({change}: −{format_money(row.saves, unit)})"


def _count_drafts(documents: tuple[OrderDocument, ...]) -> tuple[str, ...]:
    if not documents:
        return ()
    drafts = sum(bool(document.missing) for document in documents)
    if not drafts:
        return (f"{format_count(len(documents), 'order')}, all complete.",)
    if drafts == len(documents):
        return (f"{format_count(drafts, 'draft order')}; supplier details are missing.",)
    return (f"{format_count(len(documents), 'order')}, {drafts:,} of them drafts; supplier details are missing.",)


def build_plan_report(
    plan: Plan,
    in_loads: WholeLoadPlan | None = None,
    analyses: PlanAnalyses | None = None,
    source_values: SourceValues | None = None,
    *,
    pictures: bool = True,
    date: str = "",
    settled: frozenset[str] = frozenset(),
) -> Report:
    """Build the procurement report of a plan.

    Args:
        plan: Plan to report.
        in_loads: Cost of whole loads, for a plan in whole loads.
        analyses: Analyses around the plan (entry prices, rule costs, risks); None leaves them out.
        source_values: Parameters as the instance file writes them.
        pictures: Include charts.
        date: Date of the plan, YYYY-MM-DD; '' for none.
        settled: Parties that have delivered already, which the summary leaves out of call-offs and orders.

    Returns:
        The report in reading order; tables without rows are left out.
    """
    facts, orders = PlanFacts(plan), build_orders(plan)
    documents = orders.documents
    tables = (
        tabulate_orders(plan, orders),
        *tabulate_awards(plan, analyses.entry_prices if analyses else None),
        *tabulate_spend(facts),
        *tabulate_price_exposure(plan),
        tabulate_risk(plan),
        *tabulate_metal_account(facts),
        build_impurity_table(plan),
        *tabulate_melting(plan),
        *_analysis_tables(plan, analyses),
        *tabulate_traceability(facts),
        *tabulate_claims(plan, documents),
        *tabulate_compliance_documents(plan),
        *tabulate_assumptions(plan.instance, source_values),
    )
    open_orders = tuple(order for order in documents if settled.isdisjoint(value for _, value in order.party))
    headline = _summarize_decision(facts, open_orders, analyses, in_loads, settled)
    first = (*draw_metal_coverage(facts), *draw_cost_waterfall(plan)) if pictures else ()
    summary = _build_summary(facts, tables[0], headline, first)
    filled = (*summary.tables, *(table for table in tables if table.rows))
    others = (*draw_supply_charts(plan), *draw_metal_balances(facts), *draw_metal_flows(facts)) if pictures else ()
    foot = f"Parameters of {plan.instance.name}: sha256 {plan.instance.figures}."
    return Report(
        plan.instance.title or plan.instance.name,
        headline,
        filled,
        documents,
        (*first, *others),
        (foot, f"medalopt {__version__}, HiGHS {plan.solver}, {plan.method}."),
        screen=select_screen_tables(filled),
        json=render_sourcing_json,
        plan=plan,
        summary=summary,
        printed=select_print_tables(filled),
        date=date,
        details=tuple(line for line in headline if line.startswith(_DETAIL_LINES)),
    )


_DETAIL_LINES = (  # what the tables or another verb say as well
    "Benchmark",
    "Footprint",
    "Smelter feed",
    "Metal purchases",
    "Binding constraints:",
    "Second risk",
    "Third risk",
)
MOST_SCREEN_ROWS = 12  # rows of a table on a terminal
_ORDER_RANKS = {"document": 1, "state": 2}  # last on a terminal, and dropped first where it is narrow
_MAX_LIST_LENGTH = 24  # characters of the materials of an order on a terminal
_AWARD_COLUMNS = ("stream", "offered_t", "taken_t", "award", "cost", "comes_in_per_t")  # on a terminal


def select_screen_tables(tables: Sequence[ReportTable]) -> tuple[ReportTable, ...]:
    """Select the tables that a terminal shows: orders, award, spend and medals.

    Returns:
        Tables of two screens: spend summed over the parties, the award without the attributes of the streams.
    """
    has = {table.key for table in tables}
    shown = {"orders", "award", "fiscal_years" if "fiscal_years" in has else "spend", "medals"}
    return tuple(replace(_shorten_table(table), most=MOST_SCREEN_ROWS) for table in tables if table.key in shown)


def _shorten_table(table: ReportTable) -> ReportTable:
    if table.key == "orders":
        due = select_due_orders(table, most=None)
        goods = due.places["goods"]
        rows = tuple((*row[:goods], _shorten_list(row[goods]), *row[goods + 1 :]) for row in due.rows)
        columns = tuple(replace(column, rank=_ORDER_RANKS.get(column.key, 0)) for column in due.columns)
        return keep_columns(
            replace(due, columns=columns, rows=rows), sorted(due.places, key=lambda key: key in _ORDER_RANKS)
        )
    if table.key == "fiscal_years":
        return fold_table(table, "party")[0]
    if table.key == "award":
        shown = keep_columns(table, [key for key in table.places if key in _AWARD_COLUMNS])
        return replace(
            shown,
            columns=tuple(
                column if column.key == "cost" else replace(column, style="significant") for column in shown.columns
            ),
        )
    return table


def _shorten_list(cell: CellValue) -> CellValue:
    """Shorten a long list such as `box, pick_up, phone, 1 more` to `box, 3 more`."""
    if not isinstance(cell, str) or len(cell) <= _MAX_LIST_LENGTH:
        return cell
    first, *others = cell.split(", ")
    count = sum(int(other.partition(" ")[0]) if other.endswith(" more") else 1 for other in others)
    return f"{first}, {count} more" if count else first


def _analysis_tables(plan: Plan, analyses: PlanAnalyses | None) -> tuple[ReportTable, ...]:
    if analyses is None:
        return ()
    return (*tabulate_rule_costs(analyses), *(tabulate_risks(analyses.risks, plan.instance) if analyses.risks else ()))


MOST_PARTIES = 4  # payers named on the first page
_RISK_LINES = ("Main risk", "Second risk", "Third risk", "Scenarios", "Whole loads", "Benchmark")  # in this order
BOTTLENECK = "Bottleneck"  # key figure that follows from the dual values, not from the decisions
_FIGURE_COLUMNS = (ReportColumn("figure", "Result"), ReportColumn("value", "Value"), ReportColumn("detail", "Detail"))
_DUE_COLUMNS = ("document", "party", "region", "goods", "quantity", "amount", "sign_by", "state")
_FigureRow = tuple[CellValue, ...]


def _build_summary(
    facts: PlanFacts, orders: ReportTable, headline: tuple[str, ...], charts: tuple[Chart, ...] = ()
) -> ReportSummary:
    """Build the first page of a sourcing plan."""
    plan = facts.plan
    rows = (
        *_cost_figures(plan),
        *_unmet_figure(plan),
        *_supply_figure(plan),
        *_purchase_figure(facts),
        *_bottleneck_figure(facts),
        *_confidence_figure(plan),
        *_low_case_figure(facts),
        *_footprint_figure(plan),
    )
    text = "The plan on one page."
    figures = ReportTable("key_figures", "Key results", text, _FIGURE_COLUMNS, rows)
    risks = tuple(line for start in _RISK_LINES for line in headline if line.startswith(start))
    return ReportSummary(figures, select_due_orders(orders), risks, charts)


def select_due_orders(orders: ReportTable, most: int | None = MOST_DUE_ORDERS) -> ReportTable:
    """Select the orders of the first page: the largest amounts, those to be signed first on top; all by amount.

    Args:
        orders: The table `orders`.
        most: Orders shown; None: all.

    Returns:
        The table `due_orders`; a note says how many more there are.
    """
    place = orders.places
    largest = sorted(orders.rows, key=lambda row: -abs(get_cell_number(row[place["amount"]])))
    shown = largest if most is None else sorted(largest[:most], key=lambda row: str(row[place["sign_by"]]))
    left = largest[len(shown) :]
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


def _cost_figures(plan: Plan) -> tuple[_FigureRow, ...]:
    """Return total cost, cost per medal where one party pays, and the party that pays most with those next to it."""
    currency, count = plan.instance.currency, int(plan.instance.medals.count.sum())
    name, amount = name_total_cost(plan)
    parties = [(escape_text(party), format_money(paid, currency)) for party, paid in plan.party_totals.items()]
    largest = max(plan.costs, key=lambda kind: abs(plan.costs[kind]))
    costs = f"{title_cost_kinds(plan.instance)[largest]} {format_money(plan.costs[largest], currency)}"
    figures = [(name, format_money(amount, currency), "of all parties together" if len(parties) > 1 else costs)]
    if (per_medal := compute_cost_per_medal(plan)) is not None:
        figures.append(("Per medal", format_money(per_medal, currency), format_count(count, "medal")))
    if parties:
        listed = ", ".join(f"{party} {paid}" for party, paid in parties[1:MOST_PARTIES])
        more = f", {len(parties) - MOST_PARTIES} more" if len(parties) > MOST_PARTIES else ""
        figures.append((f"Paid by {parties[0][0]}", parties[0][1], f"{listed}{more}"))
    return tuple(figures)


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


def _bottleneck_figure(facts: PlanFacts) -> tuple[_FigureRow, ...]:
    plan = facts.plan
    if not plan.certificate.optimal:
        return ()
    values = facts.metal_values
    if not values.scarce:
        return ()
    metal, *others = values.scarce
    titles = plan.instance.metals.titles
    price = format_money_range([float(values.per_kilogram[metal])])  # as in the headline
    more = f"; also {', '.join(escape_text(titles[other], 40) for other in others[:3])}" if others else ""
    return ((BOTTLENECK, escape_text(titles[metal], 40), f"shadow price {price} {plan.unit}/kg{more}"),)


def _confidence_figure(plan: Plan) -> tuple[_FigureRow, ...]:
    """Return the smallest probability that a metal suffices at a deadline."""
    if not plan.risks:
        return ()
    worst = min(plan.risks, key=lambda risk: (risk.probability, risk.period))
    title, period = escape_text(plan.instance.metals.titles[worst.metal], 40), plan.instance.periods[worst.period]
    text = format_probability(worst.probability)
    return (("Confidence", text, f"probability that {title} suffices by {period}"),)


def _low_case_figure(facts: PlanFacts) -> tuple[_FigureRow, ...]:
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
