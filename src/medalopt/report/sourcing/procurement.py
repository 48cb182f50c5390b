"""Award, spend, exposure to metal prices, main risks and cost of constraints of a sourcing plan."""

from __future__ import annotations

import calendar
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

import numpy as np

from medalopt.analysis.process_pool import ScenarioResult
from medalopt.analysis.sensitivity.tornado import PlanRisks, ScenarioRisk, TornadoBar, TornadoEnd
from medalopt.analysis.sourcing.orders import (
    CALL_OFF,
    OWN_ACCOUNT,
    PURCHASE_ORDER,
    SALES_ORDER,
    TOLL,
    Payments,
    get_fiscal_year_start,
    get_fiscal_years,
    has_straddling_periods,
)
from medalopt.analysis.sourcing.plan_analyses import MAX_PRICED_SOURCES, PlanAnalyses, PlanFacts
from medalopt.instance.arithmetic import sum_by_group
from medalopt.instance.bounds import may_miss
from medalopt.instance.instance import Instance
from medalopt.instance.lots import STREAM_STEPS, compute_marginal_prices, compute_mean_price, compute_purchase_costs
from medalopt.instance.payers import PartyDirectory, name_buyer_as_payer
from medalopt.instance.routes import compute_routable_supply
from medalopt.instance.schema.field_types import QuantityField
from medalopt.plan.plan import Plan
from medalopt.report.document import (
    CellValue,
    ReportColumn,
    ReportTable,
    ShownValue,
    make_amount_column,
    make_rate_column,
)
from medalopt.report.numbers import format_change_value, format_mass, format_money, format_number, format_share
from medalopt.report.sensitivity.report_part import capitalize_first, describe_step, format_step, title_parameter
from medalopt.report.solve_tables import get_period_word, title_cost_kinds
from medalopt.text import escape_text, render_path
from medalopt.tolerances import AMOUNT_TOLERANCE
from medalopt.units import name_unit

_AWARD_DESCRIPTION = (
    "Every stream: tonnes offered and taken, and the cost from supplier to metal account. Streams refused or taken in "
    "part come first."
)
_ENTRY_NOTE = (
    "Break-even price: highest price including collection at which more of the stream is taken. Streams of a bundle "
    "enter together, each with the same reduction. '–': no price suffices; empty: fully taken, or not among the "
    f"{MAX_PRICED_SOURCES} sources with the largest remaining supply, the only ones analysed."
)

_NO_ROUTE_NOTE = (
    "No route: no treatment, lane and smelter of the instance accept this stream, or one of its bundle, at any price. "
    "medalopt check reports the reason."
)


def tabulate_awards(plan: Plan, entry: Mapping[int, float] | None = None) -> tuple[ReportTable, ...]:
    """Tabulate the award of every stream, refused and partly taken ones first.

    Args:
        plan: Plan to report.
        entry: Reduction of price and collection [currency/t] at which more of a stream enters, by stream; infinite
            where no price suffices, None where entry prices were not computed.

    Returns:
        The table `award`.
    """
    instance, account, streams = plan.instance, plan.account, plan.instance.streams
    spent = sum_by_group(account.shipment_costs.sum(axis=1), account.routes.stream, len(streams.names))
    offered, sent = streams.available.value.sum(axis=1), np.asarray(account.sent)
    whole = sent >= (1 - AMOUNT_TOLERANCE) * offered
    size = np.round(np.where(whole, spent, offered - sent), 6)  # equal amounts stay in the order of the file
    order = np.lexsort((np.arange(len(streams.names)), -size, whole)).tolist()
    asked = None if entry is None else {i: by for i, by in entry.items() if not whole[i]}
    free = compute_routable_supply(instance, account.routes).tolist()
    prices = compute_mean_price(instance, compute_marginal_prices(account, STREAM_STEPS)).tolist()  # at the step in use
    rows = tuple(
        (*_award_row(plan, i, prices[i], float(spent[i]), free[i]), *_show_entry_price(prices[i], i, asked))
        for i in order
    )
    notes = (() if entry is None else (_ENTRY_NOTE,)) + (
        (_NO_ROUTE_NOTE,) if any(row[6] == "no route" for row in rows) else ()
    )
    columns = (
        ReportColumn("region", "Region"),
        ReportColumn("stream", "Stream"),
        ReportColumn("device", "Device"),
        ReportColumn("bundle", "Bundle"),
        ReportColumn("offered_t", "Offered", "t", 3, total=True),
        ReportColumn("taken_t", "Taken", "t", 3, total=True),
        ReportColumn("award", "Award"),
        make_rate_column("price_per_t", "Price incl. collection", instance.currency, "t"),
        make_amount_column("cost", "Cost", instance.currency),
        *(
            (make_rate_column("comes_in_per_t", "Break-even price", instance.currency, "t"),)
            if (entry is not None)
            else ()
        ),
    )
    return (ReportTable("award", "Award table", _AWARD_DESCRIPTION, columns, rows, notes),)


def _award_row(plan: Plan, stream: int, price: float, spent: float, free: float) -> tuple[CellValue, ...]:
    instance, streams = plan.instance, plan.instance.streams
    offered, taken = float(streams.available.value[stream].sum()), float(plan.account.sent[stream])
    bundle = int(streams.bundle[stream])
    return (
        instance.regions[streams.region[stream]],
        streams.names[stream],
        instance.devices.names[streams.device[stream]],
        instance.bundles[bundle][1] if bundle >= 0 else "",
        offered,
        taken,
        _describe_award(taken, offered, free),
        price,
        spent,
    )


def _show_entry_price(price: float, stream: int, entry: Mapping[int, float] | None) -> tuple[CellValue, ...]:
    """Return the break-even price of a stream, empty where it is fully taken or was not analysed."""
    if entry is None:
        return ()
    if stream not in entry:
        return (None,)
    if not math.isfinite(entry[stream]):
        return ("–",)
    return (price - entry[stream],)


def _describe_award(taken: float, offered: float, free: float) -> str:
    """Describe the award of a stream: taken, taken in part with the share, refused, no route or nothing offered."""
    if taken <= AMOUNT_TOLERANCE * offered:
        return ("refused" if free else "no route") if offered else "nothing offered"
    return "taken" if taken >= (1 - AMOUNT_TOLERANCE) * offered else f"taken in part, {format_share(taken, offered)}"


PAYMENT_TITLES = {
    CALL_OFF: "Call-offs",
    TOLL: "Toll refining",
    PURCHASE_ORDER: "Metal purchases",
    SALES_ORDER: "Sales orders",
    OWN_ACCOUNT: "Internal items",
}
_PAYMENT_KEYS = {
    **{CALL_OFF: "call_offs", TOLL: "toll_refining", PURCHASE_ORDER: "purchases"},
    **{SALES_ORDER: "sales_orders", OWN_ACCOUNT: "own_account"},
}
_INTERNAL_NOTE = "Internal items (no purchase order): holding cost of stock{}, less remaining process scrap."
_FISCAL_YEAR_NOTE = "A {period} that extends beyond the end of {month} counts in the fiscal year in which it begins."


def tabulate_spend(facts: PlanFacts) -> tuple[ReportTable, ...]:
    """Tabulate spend and commitments.

    Returns:
        The tables `spend`, `fiscal_years` where the periods are dates, and `reconciliation`.
    """
    plan, paid = facts.plan, facts.payments
    years = get_fiscal_years(plan.instance)
    by_year = (_spend_by_year(plan.instance, paid, years),) if all(years) else ()
    return (_spend_by_period(plan.instance, paid, years), *by_year, _spend_by_cost(plan.instance, paid))


def _spend_by_period(instance: Instance, paid: Payments, years: tuple[str, ...]) -> ReportTable:
    spent = paid.by_kind()
    each = spent.sum(axis=0)
    so_far = each.cumsum()
    word, dated = get_period_word(instance), all(years)
    columns = (
        ReportColumn("period", word.capitalize()),
        *((ReportColumn("fiscal_year", "Fiscal year"),) if dated else ()),
        *(_money_column(instance, _PAYMENT_KEYS[kind], PAYMENT_TITLES[kind]) for kind in paid.kinds),
        _money_column(instance, "spent", "Spent"),
        _money_column(instance, "spent_so_far", "Cumulative", total=False),
        replace(_money_column(instance, "committed", "Open commitment", total=False), rank=1),
    )
    ordered = np.append(spent[:-1].sum(axis=0)[::-1].cumsum()[::-1][1:], 0.0)  # in later periods
    rows = tuple(
        (period, *((years[t],) if dated else ()), *map(float, (*spent[:, t], each[t], so_far[t], ordered[t])))
        for t, period in enumerate(instance.periods)
    )
    text = (
        f"Spend by {word}, and the open commitment from orders of later ones. "
        "Charges count in the period of shipment, metal in that of purchase."
    )
    return ReportTable("spend", "Spend and commitment", text, columns, rows, (_describe_own_account(instance),))


def _describe_own_account(instance: Instance) -> str:
    """Return the note on the items of the buyer's own account."""
    return _INTERNAL_NOTE.format(" and penalties of medals not made" if may_miss(instance).any() else "")


def _spend_by_year(instance: Instance, paid: Payments, years: tuple[str, ...]) -> ReportTable:
    named = tuple(dict.fromkeys(years))
    in_year = np.array(
        [[year == one for one in named] for year in years], dtype=float
    )  # (T, Y), 1 where the period is in the year
    columns = (
        ReportColumn("document", "Document"),
        ReportColumn("party", "Party"),
        *(_money_column(instance, year.lower(), year) for year in named),
        _money_column(instance, "in_all", "Total"),
    )
    rows: list[tuple[CellValue, ...]] = []
    for kind in paid.kinds:
        spent = paid.of(kind) @ in_year
        for party, of_party in zip(paid.parties[kind], spent.tolist(), strict=True):
            if any(of_party):
                rows.append((kind, party, *of_party, sum(of_party)))
    start = get_fiscal_year_start(instance)
    first, last = calendar.month_name[start], calendar.month_name[(start - 2) % 12 + 1]
    straddles = _FISCAL_YEAR_NOTE.format(period=get_period_word(instance), month=last)
    notes = (_describe_own_account(instance), *((straddles,) if has_straddling_periods(instance) else ()))
    text = f"Payments to each counterparty by fiscal year, {first} to {last}: the budget of its orders."
    return ReportTable("fiscal_years", "Fiscal years", text, columns, tuple(rows), notes)


def _spend_by_cost(instance: Instance, paid: Payments) -> ReportTable:
    columns = (
        ReportColumn("cost", "Kind of cost"),
        *(_money_column(instance, _PAYMENT_KEYS[kind], PAYMENT_TITLES[kind]) for kind in paid.kinds),
        _money_column(instance, "in_all", "Total"),
    )
    rows: list[tuple[CellValue, ...]] = []
    for cost, title in title_cost_kinds(instance).items():
        parts = [float(paid.amounts[kind][cost].sum()) if cost in paid.amounts[kind] else None for kind in paid.kinds]
        if any(parts):
            rows.append((title, *parts, sum(part for part in parts if part is not None)))
    text = "Cost by kind and by the documents that order it; the total is the cost of the plan."
    notes = (_describe_own_account(instance),)
    return ReportTable("reconciliation", "Cost reconciliation", text, columns, tuple(rows), notes)


def _money_column(instance: Instance, key: str, title: str, total: bool = True) -> ReportColumn:
    return make_amount_column(key, title, instance.currency, total)


_EXPOSURE_DESCRIPTION = (
    "Quantities whose cost depends on metal prices: purchases, as metal or in scrap, and surplus that the project owns "
    "and sells. All other metal comes from devices, at charges that do not follow the market."
)
_PRICE_RISE_NOTE = "Change of cost if all prices of the metal rise by 10 % and the plan stays as it is."
_OTHER_MATTER = "other matter"
PRICE_RISE = 0.1


def tabulate_price_exposure(plan: Plan) -> tuple[ReportTable, ...]:
    """Tabulate the price exposure by metal.

    Returns:
        The table `exposure`, without rows where nothing is bought or sold.
    """
    columns = (
        ReportColumn("metal", "Metal"),
        ReportColumn("bought_kg", "Bought", "kg", 3),
        ReportColumn("sold_kg", "Sold", "kg", 3),
        ReportColumn("exposed_kg", "Net exposure", "kg", 3),
        make_amount_column("paid", "Paid", plan.instance.currency),
        make_amount_column("earned", "Earned", plan.instance.currency),
        make_amount_column("tenth", "Prices +10 %", plan.instance.currency),
    )
    title, rows = "Exposure to metal prices", tuple(_exposure_rows(plan))
    return (ReportTable("exposure", title, _EXPOSURE_DESCRIPTION, columns, rows, (_PRICE_RISE_NOTE,)),)


def _owns_surplus(instance: Instance) -> bool:
    """Return whether surplus metal is the buyer's: whether it receives the revenue of by-products."""
    payers: Mapping[str, str] = instance.annex.get("payers", {})
    buyer = name_buyer_as_payer(instance, PartyDirectory.from_instance(instance))
    return payers.get("by_products", buyer) == buyer


def _exposure_rows(plan: Plan) -> Iterator[tuple[CellValue, ...]]:
    """Yield a row for each metal; the price of an offer is allocated to its metals by mass."""
    instance, decisions = plan.instance, plan.account.decisions
    market, bought = instance.market, plan.account.purchases  # (O, T), kg
    held = market.composition.value
    each = np.concatenate([held, 1 - held.sum(axis=1, keepdims=True)], axis=1)  # (O, E + 1)
    kilograms = each.T @ bought.sum(axis=1)
    paid = each.T @ compute_purchase_costs(plan.account).sum(axis=1)
    sold = np.where((instance.metals.sell.value > 0) & _owns_surplus(instance), decisions.surplus, 0.0)
    earned = (instance.metals.sell.value * sold).sum(axis=1)
    minimum = 1e-9 * max(1.0, float(kilograms.sum()))
    for e, title in enumerate((*instance.metals.titles, _OTHER_MATTER)):
        out = float(sold[e].sum()) if e < len(sold) else 0.0
        money = float(earned[e]) if e < len(sold) else 0.0
        into, spent = float(kilograms[e]), float(paid[e])
        if into > minimum or out > minimum:
            yield (title, into, out, into - out, spent, money, PRICE_RISE * (spent - money))


_RISKS_DESCRIPTION = (
    "The three parameters with the largest effect on total cost, each varied alone and the plan optimised again."
)
_SCENARIOS_DESCRIPTION = "Named scenarios of the instance, each optimised again, and the change of total cost."
_INFEASIBLE, _NOT_SOLVED = "no plan", "not solved"  # cells, also of saved plans
_RANKS = ("Main risk", "Second risk", "Third risk")
_MOST_SCENARIOS = 2  # scenarios in the summary
_MOST_CHANGES = 3  # changes of a scenario that a person is shown


def tabulate_risks(risks: PlanRisks, instance: Instance) -> tuple[ReportTable, ...]:
    """Tabulate the main risks, and the named scenarios where there are any.

    Returns:
        The table `risks`, and `scenarios` where there are any.
    """
    return (_risk_table(risks, instance), *((_scenario_table(risks, instance),) if risks.cases else ()))


def describe_risks(risks: PlanRisks, instance: Instance) -> tuple[str, ...]:
    """Describe the main risks and the worst scenarios.

    Returns:
        A sentence for each of at most three parameters, and one on scenarios.
    """
    lines = [
        f"{rank}: {_describe_risk(bar, risks.base, instance)}." for rank, bar in zip(_RANKS, risks.bars, strict=False)
    ]
    bad = [risk for risk in risks.cases if risk.more is None or risk.more > 0]
    cases = sorted(bad, key=_rank_scenario)[:_MOST_SCENARIOS]
    if cases:
        more = len(risks.cases) - len(cases)
        rest = f"; {more} more in the table of scenarios" if more else ""
        lines.append(f"Scenarios: {'; '.join(_describe_scenario(risk, instance) for risk in cases)}{rest}.")
    return tuple(lines)


def _describe_risk(bar: TornadoBar, base: ScenarioResult, instance: Instance) -> str:
    ends = "; ".join(
        f"{describe_step(end)}: {_describe_effect(end, base, instance, 'cost ' if end is bar.ends[0] else '')}"
        for end in bar.ends
    )
    return f"{title_parameter(instance, bar.factor.path, bar.factor.of)}{_format_range(bar, instance)}. {ends}"


def _describe_effect(end: TornadoEnd, base: ScenarioResult, instance: Instance, label: str) -> str:
    by = end.result.compute_effect(base)
    if by is None:
        return "infeasible" if end.result.status == "infeasible" else _NOT_SOLVED
    return f"{label}{'+' if by > 0 else '−'}{format_money(abs(by), instance.currency)}" if by else "no effect on cost"


def _format_range(bar: TornadoBar, instance: Instance) -> str:
    """Format the range of a single parameter: ` (770 to 2,030 g/t)`; '' for several that are varied together."""
    members = bar.factor.members
    if bar.factor.parameter_count != 1 or not isinstance(members[0].kind.field_type, QuantityField):
        return ""
    unit = members[0].kind.field_type.unit
    value = float(members[0].values[0])
    size, word = (100.0, "%") if not unit else (1.0, name_unit(unit, instance.currency))
    if word == "kg/t" and value < 1:
        size, word = 1000.0, "g/t"
    held = members[0].upper_limit
    low, high = (value * end.factor for end in bar.ends)
    high = min(high, float(Fraction(held))) if held is not None else high
    return (
        f" ({format_number(size * low)} to {format_number(size * high)} {word}, planned "
        f"{format_number(size * value)} {word})"
    )


def _risk_table(risks: PlanRisks, instance: Instance) -> ReportTable:
    columns = (
        ReportColumn("figure", "Parameter"),
        ReportColumn("lower", "Decrease", "%", 1),
        make_amount_column("lower_costs", "Change of cost", instance.currency, total=False),
        ReportColumn("higher", "Increase", "%", 1),
        make_amount_column("higher_costs", "Change of cost", instance.currency, total=False),
        ReportColumn("because", "Varied by"),
    )
    rows = tuple(_risk_row(bar, risks.base, instance) for bar in risks.bars)
    how = (
        f"Of {risks.parameter_count} parameters the {risks.varied_count} with the largest product of shadow price and "
        "uncertainty were varied and solved; these have the largest effect. medalopt sensitivity --tornado varies "
        "all."
    )
    notes = (how, "Parameters without cv in the instance are varied by 10 %. A negative amount is a saving.")
    return ReportTable("risks", "Main risks", _RISKS_DESCRIPTION, columns, rows, notes)


def _risk_row(bar: TornadoBar, base: ScenarioResult, instance: Instance) -> tuple[CellValue, ...]:
    name = capitalize_first(title_parameter(instance, bar.factor.path, bar.factor.of)) + _format_range(bar, instance)
    down, up = (_extra_cost(end, base) for end in bar.ends)
    because = "10 %, having no cv" if bar.factor.cv is None else f"its cv, {format_step(bar.factor.cv)}"
    return (name, 1 - bar.down.factor, down, bar.up.factor - 1, up, because)


def _extra_cost(end: TornadoEnd, base: ScenarioResult) -> CellValue:
    by = end.result.compute_effect(base)
    if by is None:
        return _INFEASIBLE if end.result.status == "infeasible" else _NOT_SOLVED
    return by


def _rank_scenario(risk: ScenarioRisk) -> tuple[bool, float, str]:
    """Return the sort key of a scenario: infeasible ones by shortfall, then the others by extra cost."""
    severity = sum((risk.shortage or {}).values()) if risk.more is None else risk.more
    return risk.more is not None, -severity, risk.name


def _describe_scenario(risk: ScenarioRisk, instance: Instance) -> str:
    if risk.more is not None:
        return f"{escape_text(risk.name)} +{format_money(risk.more, instance.currency)}"
    if risk.result.status != "infeasible":
        return f"{escape_text(risk.name)} not solved"
    short = _list_shortfall(risk, instance)
    return f"{escape_text(risk.name)} infeasible" + (f" (shortfall: {short})" if short else "")


def _list_shortfall(risk: ScenarioRisk, instance: Instance) -> str:
    titles = dict(zip(instance.metals.names, instance.metals.titles, strict=True))
    return ", ".join(
        f"{format_mass(kg)} of {escape_text(titles[metal])}" for metal, kg in (risk.shortage or {}).items()
    )


def _scenario_table(risks: PlanRisks, instance: Instance) -> ReportTable:
    columns = (
        ReportColumn("scenario", "Scenario"),
        ReportColumn("changes", "Changes"),
        make_amount_column("cost", "Cost", instance.currency, total=False),
        make_amount_column("more", "Change of cost", instance.currency, total=False),
        ReportColumn("short", "Shortfall"),
        ReportColumn("note", "Note"),
    )
    notes = {source.path: source.note for source in instance.sources}
    rows = tuple(
        _scenario_row(risk, instance, notes.get(render_path(("scenarios", risk.name)), ""))
        for risk in sorted(risks.cases, key=_rank_scenario)
    )
    short = any(risk.shortage for risk in risks.cases)
    said = ("Shortfall: least metal from other sources that makes the scenario feasible.",) if short else ()
    return ReportTable("scenarios", "Scenarios", _SCENARIOS_DESCRIPTION, columns, rows, said)


def _scenario_row(risk: ScenarioRisk, instance: Instance, note: str) -> tuple[CellValue, ...]:
    written = [f"{path} {format_change_value(str(value))}" for path, value in risk.changes.items()]
    more = [f"{len(written) - _MOST_CHANGES} more"] if len(written) > _MOST_CHANGES else []
    changes = ShownValue(", ".join(written), ", ".join((*written[:_MOST_CHANGES], *more)))
    state = _INFEASIBLE if risk.result.status == "infeasible" else _NOT_SOLVED
    costs: tuple[CellValue, CellValue] = (state, None) if risk.more is None else (risk.result.value, risk.more)
    return (risk.name, changes, *costs, _list_shortfall(risk, instance), note)


_RULES_DESCRIPTION = "Cost of each constraint: optimal cost with it, less optimal cost without it; all others are kept."


def tabulate_rule_costs(analyses: PlanAnalyses) -> tuple[ReportTable, ...]:
    """Tabulate the rules with their costs, the highest first.

    Args:
        analyses: Analyses around the plan.

    Returns:
        The table `rules`.
    """
    columns = (
        ReportColumn("rule", "Constraint"),
        ReportColumn("figure", "Right-hand side", "", style="significant"),
        ReportColumn("unit", "Unit"),
        ReportColumn("binds", "Binding"),
        make_amount_column("costs", "Cost", analyses.base.instance.currency, total=False),
        ReportColumn("path", "Path", hidden=True),
    )
    rows: list[tuple[CellValue, ...]] = [
        (
            rule.limit.rule.format(escape_text(rule.subject)),
            100 * rule.value if rule.limit.unit == "%" else rule.value,
            rule.limit.unit,
            "yes" if rule.binds else "no",
            "not proven" if rule.costs is None else rule.costs,
            rule.path,
        )
        for rule in sorted(analyses.rules, key=lambda rule: (rule.costs is None, -(rule.costs or 0.0), rule.path))
    ]
    notes = ("Costs of constraints do not add up: without one, another may become binding.",) if len(rows) > 1 else ()
    return (ReportTable("rules", "Cost of constraints", _RULES_DESCRIPTION, columns, tuple(rows), notes),)
