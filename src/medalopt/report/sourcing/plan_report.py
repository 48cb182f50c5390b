"""Procurement report of a plan: executive summary, then its tables, orders and charts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from medalopt import __version__
from medalopt.analysis.explain.binding import BindingConstraint
from medalopt.analysis.explain.sources import group_sources
from medalopt.analysis.sensitivity.outages import RecyclingPremium
from medalopt.analysis.sourcing.payments import PURCHASE_ORDER
from medalopt.analysis.sourcing.plan_analyses import PlanAnalyses, PlanFacts, WholeLoadPlan
from medalopt.analysis.sourcing.traceability import list_claims
from medalopt.instance.instance import Instance, SourceNote
from medalopt.instance.paths import ParameterPath, parse_path, render_path
from medalopt.instance.payers import PartyDirectory
from medalopt.instance.schema.fields_at_path import TABLE_SECTIONS
from medalopt.instance.source_values import SourceValues
from medalopt.plan.plan import Plan
from medalopt.proof.confidence import price_confidence
from medalopt.report.charts import Chart
from medalopt.report.document import CellValue, OrderDocument, Report, ReportColumn, ReportTable, fold_table
from medalopt.report.impurities import build_impurity_table
from medalopt.report.metal_values import MetalValues
from medalopt.report.numbers import format_mass, format_money, format_number, format_tonnes
from medalopt.report.render.json import render_sourcing_json
from medalopt.report.risk import tabulate_risk
from medalopt.report.sensitivity.what_if import describe_premium
from medalopt.report.solve import describe_status, summarize_plan
from medalopt.report.solve_tables import get_period_word
from medalopt.report.sourcing.compliance import tabulate_compliance_documents
from medalopt.report.sourcing.metals import choose_decimals, tabulate_melting, tabulate_metal_account
from medalopt.report.sourcing.order_layout import select_print_tables
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
from medalopt.report.sourcing.summary import build_summary
from medalopt.report.sourcing.traceability import draw_metal_flows, tabulate_traceability
from medalopt.text import escape_text, format_count
from medalopt.tolerances import VALUE_TOLERANCE


def describe_whole_loads(plan: WholeLoadPlan) -> str:
    """Describe the number of loads, the part loads among them, and the extra cost of whole loads.

    Args:
        plan: Plan in whole loads and the plan without them.

    Returns:
        Two sentences.
    """
    currency = plan.plan.instance.currency
    part = f", {plan.part:,} of them part loads with the rest of the supply" if plan.part else ", all full"
    extra = plan.extra if abs(plan.extra) >= 0.5 else 0.0
    costs = f"+{format_money(extra, currency)} against" if extra else "no extra cost against"
    return (
        f"Whole loads of {format_number(plan.size)} t: {plan.loads:,} loads{part}; {costs} the optimal plan without "
        f"whole loads ({format_money(plan.exact.cost, currency)}). All constraints are satisfied (verified again)."
    )


_MOST_SOURCES, _MOST_BINDING, _MOST_OFFERS = 4, 3, 4


def summarize_decision(
    facts: PlanFacts,
    documents: tuple[OrderDocument, ...],
    analyses: PlanAnalyses | None,
    in_loads: WholeLoadPlan | None,
) -> tuple[str, ...]:
    """Summarise the plan for the decision to sign.

    Args:
        facts: Facts of the plan to report.
        documents: Orders of the plan.
        analyses: Analyses around the plan; None leaves out the sentences that need further solves.
        in_loads: Cost of whole loads, for a plan in whole loads.

    Returns:
        The summary, a line each: status, cost, orders, bottlenecks, main risks, drafts.
    """
    plan = facts.plan
    first, *rest = summarize_plan(plan, MetalValues(plan))
    scarce = [line for line in rest if line.startswith(("Bottleneck", "Next source"))]
    benchmark = () if analyses is None else _describe_benchmark(plan, analyses.premium)
    lines = [describe_status(plan), first, *benchmark, *(line for line in rest if line not in scarce)]
    lines += [*_describe_supply(plan), *_describe_purchases(facts), *scarce]
    if analyses is not None:
        lines += [
            *_describe_reference_plan(plan, analyses, in_loads),
            *_describe_binding(analyses),
            *(describe_risks(analyses.risks, plan.instance) if analyses.risks else ()),
        ]
    lines += [describe_whole_loads(in_loads)] if in_loads else []
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
    medals = f" ({format_money(abs(more) / premium.medals, currency)} a medal)" if premium.medals else ""
    return (f"{price}, {format_money(abs(more), currency)} {'less' if more > 0 else 'more'}{medals}.", *sentences[1:])


def _describe_supply(plan: Plan) -> tuple[str, ...]:
    """Describe the largest sources by tonnes, and the feed of each smelter."""
    sent = np.asarray(plan.account.sent)
    groups = {source.name: float(sent[source.streams].sum()) for source in group_sources(plan.instance)}
    listed = _list_largest({name: tons for name, tons in groups.items() if tons > 0}, format_tonnes, _MOST_SOURCES)
    feed = dict(zip(plan.instance.smelters.names, plan.account.feed.sum(axis=1).tolist(), strict=True))
    to = _list_largest({name: tons for name, tons in feed.items() if tons > 0}, format_tonnes, _MOST_SOURCES)
    feed_line = (f"Smelter feed: {to}.",) if to else ()
    return (f"Call-offs: {listed}.", *feed_line) if listed else ()


def _describe_purchases(facts: PlanFacts) -> tuple[str, ...]:
    plan = facts.plan
    bought = dict(zip(plan.instance.market.names, plan.account.bought.tolist(), strict=True))
    listed = _list_largest({name: kg for name, kg in bought.items() if kg > 0}, format_mass, _MOST_OFFERS)
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
    whole = " without whole loads" if in_loads else " without whole lots" if plan.instance.lots else ""
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
) -> Report:
    """Build the procurement report of a plan.

    Args:
        plan: Plan to report.
        in_loads: Cost of whole loads, for a plan in whole loads.
        analyses: Analyses around the plan (entry prices, rule costs, risks); None leaves them out.
        source_values: Parameters as the instance file writes them.
        pictures: Include charts.
        date: Date of the plan, YYYY-MM-DD; '' for none.

    Returns:
        The report in reading order; tables without rows are left out.
    """
    facts, orders = PlanFacts(plan), build_orders(plan)
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
        *tabulate_claims(plan, orders),
        *tabulate_compliance_documents(plan),
        *tabulate_assumptions(plan.instance, source_values),
    )
    headline = summarize_decision(facts, orders, analyses, in_loads)
    first = (*draw_metal_coverage(facts), *draw_cost_waterfall(plan)) if pictures else ()
    summary = build_summary(facts, tables[0], headline, first)
    filled = (*summary.tables, *(table for table in tables if table.rows))
    return Report(
        plan.instance.title or plan.instance.name,
        headline,
        filled,
        orders,
        (*first, *_draw_charts(facts)) if pictures else (),
        _list_versions(plan),
        screen=select_screen_tables(filled),
        json=render_sourcing_json,
        plan=plan,
        summary=summary,
        printed=select_print_tables(filled),
        date=date,
    )


MOST_SCREEN_ROWS = 12  # rows of a table on a terminal
_AWARD_COLUMNS = ("stream", "offered_t", "taken_t", "award", "cost", "comes_in_per_t")  # on a terminal


def select_screen_tables(tables: Sequence[ReportTable]) -> tuple[ReportTable, ...]:
    """Select the tables that a terminal shows: orders, award, spend and medals.

    Args:
        tables: Tables of the report.

    Returns:
        Tables of two screens: spend summed over the parties, the award without the attributes of the streams.
    """
    has = {table.key for table in tables}
    shown = {"due_orders", "award", "fiscal_years" if "fiscal_years" in has else "spend", "medals"}
    return tuple(replace(_shorten_table(table), most=MOST_SCREEN_ROWS) for table in tables if table.key in shown)


def _shorten_table(table: ReportTable) -> ReportTable:
    if table.key == "fiscal_years":
        return fold_table(table, "party")[0]
    if table.key == "award":
        selected = [position for position, column in enumerate(table.columns) if column.key in _AWARD_COLUMNS]
        rows = tuple(tuple(row[position] for position in selected) for row in table.rows)
        return replace(table, columns=tuple(table.columns[position] for position in selected), rows=rows)
    return table


def _draw_charts(facts: PlanFacts) -> tuple[Chart, ...]:
    plan = facts.plan
    return (
        *draw_supply_charts(plan),
        *draw_metal_balances(facts),
        *draw_metal_flows(facts),
    )


def _analysis_tables(plan: Plan, analyses: PlanAnalyses | None) -> tuple[ReportTable, ...]:
    if analyses is None:
        return ()
    return (*tabulate_rule_costs(analyses), *(tabulate_risks(analyses.risks, plan.instance) if analyses.risks else ()))


def _list_versions(plan: Plan) -> tuple[str, ...]:
    """Return the hash of the instance and the versions of program and solver."""
    return (
        f"Parameters of {plan.instance.name}: sha256 {plan.instance.figures}.",
        f"medalopt {__version__}, HiGHS {plan.solver}, {plan.method}.",
    )


OPENING_STOCK = "opening stock"
_DESCRIPTION = (
    "Recycled metal by supplier: credited, claimed when it is charged to an alloy, and what can still be claimed. "
    "Claims never exceed credits."
)
_NOTES = (
    "Mass balance (ISO 22095), not segregation: metal charged draws on all suppliers in proportion to their balance. "
    "Process scrap that is charged again is no new claim.",
    "Chain of custody: certificate of the supplier; blank where the instance states none. A claim needs one for every "
    "kilogram, opening stock included.",
)


def tabulate_claims(plan: Plan, documents: Sequence[OrderDocument]) -> tuple[ReportTable, ...]:
    """Tabulate the claim ledger of a plan.

    Args:
        plan: Plan to report.
        documents: Orders of the plan, for their numbers.

    Returns:
        The table `claim_ledger`.
    """
    instance, directory = plan.instance, PartyDirectory.from_instance(plan.instance)
    numbers = {document.party[0][1]: document.number for document in documents}
    entries = list(list_claims(plan.account))
    rows: list[tuple[CellValue, ...]] = []
    for one in entries:
        name, certificate = OPENING_STOCK, ""
        if one.smelter >= 0 or one.offer >= 0:
            names, firms = (
                (instance.smelters.names, directory.smelters)
                if one.smelter >= 0
                else (instance.market.names, directory.sellers)
            )
            index = max(one.smelter, one.offer)
            name = names[index]
            certificate = str(directory.get_details(firms[index], name).get("chain_of_custody", ""))
        kilograms = (one.credited, one.claimed, one.released, one.balance)
        head = (instance.metals.titles[one.metal], instance.periods[one.period], name, numbers.get(name, ""))
        rows.append((*head, *kilograms, certificate))
    places = choose_decimals(max(one.credited, one.claimed, one.released) for one in entries)
    columns = (
        ReportColumn("metal", "Metal"),
        ReportColumn("period", get_period_word(instance).capitalize()),
        ReportColumn("supplier", "Supplier"),
        ReportColumn("document", "Order"),
        ReportColumn("credited_kg", "Credited", "kg", places),
        ReportColumn("claimed_kg", "Claimed", "kg", places),
        ReportColumn("released_kg", "Sold without claim", "kg", places),
        ReportColumn("balance_kg", "Balance", "kg", places),
        ReportColumn("certificate", "Chain of custody"),
    )
    return (ReportTable("claim_ledger", "Claim ledger of recycled metal", _DESCRIPTION, columns, tuple(rows), _NOTES),)


_ASSUMPTIONS_DESCRIPTION = (
    "Every parameter of the plan, as written in the instance, with its source and its author's mark."
)
_ASSUMPTIONS_NOTES = (
    "Mark: the words seen, recalled, derived and estimated in source and note; 'no source' where neither is given. A "
    "parameter without a source has that of its section.",
)
_MARK_PATTERN = re.compile(r"\b(seen|recalled|derived|estimated)\b", re.IGNORECASE)
_WHOLE_FILE = "(the whole file)"
NO_SOURCE = "no source"


def tabulate_assumptions(instance: Instance, source_values: SourceValues | None) -> tuple[ReportTable, ...]:
    """Tabulate the assumptions in the order of the instance file.

    Args:
        instance: Instance with its sources and notes.
        source_values: Parameters as the file writes them; None lists the sources alone.

    Returns:
        The table `assumptions`.
    """
    columns = (
        ReportColumn("path", "Path"),
        ReportColumn("figure", "Value"),
        ReportColumn("mark", "Mark"),
        ReportColumn("source", "Source"),
        ReportColumn("note", "Note"),
    )
    remarks = {_parse_path(source.path): source for source in instance.sources}
    listed = _parameter_rows(instance, source_values, remarks) if source_values is not None else _remark_rows(remarks)
    return (
        ReportTable("assumptions", "Assumptions", _ASSUMPTIONS_DESCRIPTION, columns, tuple(listed), _ASSUMPTIONS_NOTES),
    )


def _parse_path(path: str) -> ParameterPath:
    """Return the path of a source; the empty path is the whole file."""
    return parse_path(path) if path else ()


def _parameter_rows(
    instance: Instance, source_values: SourceValues, remarks: dict[ParameterPath, SourceNote]
) -> Iterator[tuple[CellValue, ...]]:
    yield from _remark_rows({path: note for path, note in remarks.items() if not path})
    for section in TABLE_SECTIONS:
        rows = {path[1] for path, _, _ in source_values.iterate_parameters() if path[0] == section}
        if rows:
            yield _assumption_row(
                render_path((section,)), format_count(len(rows), "row"), _find_remark((section,), remarks)
            )
    for path, scalar, _ in source_values.iterate_parameters():
        if path[0] not in TABLE_SECTIONS:
            yield _assumption_row(render_path(path), scalar.text, _find_remark(path, remarks))
    below = {path: note for path, note in remarks.items() if path}
    yield from _remark_rows({path: note for path, note in below.items() if path[0] in TABLE_SECTIONS and len(path) > 1})
    yield from _remark_rows(
        {path: note for path, note in below.items() if path[0] in ("mixes", "scenarios", "parties", "project")}
    )


def _remark_rows(remarks: dict[ParameterPath, SourceNote]) -> Iterator[tuple[CellValue, ...]]:
    for path, source in remarks.items():
        yield _assumption_row(render_path(path) or _WHOLE_FILE, "", source)


def _find_remark(path: ParameterPath, remarks: dict[ParameterPath, SourceNote]) -> SourceNote | None:
    """Return the source of the innermost section around a parameter, at last that of the whole file."""
    return next((remarks[path[:size]] for size in range(len(path), -1, -1) if path[:size] in remarks), None)


def _assumption_row(path: str, figure: str, source: SourceNote | None) -> tuple[CellValue, ...]:
    if source is None:
        return (path, figure, NO_SOURCE, "", "")
    return (path, figure, extract_marks(source), "; ".join(source.source), source.note)


def extract_marks(source: SourceNote) -> str:
    """Return the marks in a source and its note: seen, recalled, derived, estimated.

    Args:
        source: Source and note of a parameter.

    Returns:
        The marks in their order, without repetition; `unmarked` or `NO_SOURCE` where there is none.
    """
    result = _MARK_PATTERN.findall(" ".join((*source.source, source.note)))
    return ", ".join(dict.fromkeys(word.lower() for word in result)) or ("unmarked" if source.source else NO_SOURCE)
