"""Tables of a solved plan: cost, supply by source, treatments and smelters, metal balance, purchases and medals.

A source is a stream or a bundle; with many sources, supply is listed by kind and by region.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arithmetic import read_floats
from medalopt.instance.arrays import Floats, drop_infinite
from medalopt.instance.bounds import may_miss, sells_castings
from medalopt.instance.instance import Instance
from medalopt.instance.lots import OFFER_STEPS, bound_by_steps, compute_purchase_costs
from medalopt.instance.payers import restrict_account
from medalopt.instance.smelter_terms import compute_penalties
from medalopt.plan.metal_values import MetalValues
from medalopt.plan.plan import Plan
from medalopt.proof.bound import ObjectiveWeights, price_medals
from medalopt.proof.certificate import sum_absolute_costs
from medalopt.report.document import CellValue, ReportColumn, ReportTable, ShownValue, make_share, show_value
from medalopt.report.numbers import format_mass, format_money, format_money_range, format_share
from medalopt.report.shadow_prices import MAX_SEPARATE_SOURCES
from medalopt.text import cut_list
from medalopt.tolerances import AMOUNT_TOLERANCE, DISPLAY_TOLERANCE

COST_KINDS = {
    "supply": "purchase of devices",
    "collection": "collection",
    "treatment": "treatment",
    "transport": "transport",
    "smelting": "smelter treatment charges",
    "refining": "refining charges",
    "residue": "residues (cost or revenue)",
    "storage": "storage of devices",
    "purchases": "purchases of metal and scrap",
    "holding": "holding of metal and castings",
    "sales": "sales of surplus metal",
    "scrap": "process scrap at the end",
    "shortfall": "penalties of medals not made",
    "transfers": "transfers between parties",
}


def title_cost_kinds(instance: Instance) -> dict[str, str]:
    """Return the titles of kinds of cost, with what an instance sells.

    Args:
        instance: Instance.

    Returns:
        Title by kind.
    """
    return COST_KINDS | {"sales": _title_sales(instance)}


def _title_sales(instance: Instance) -> str:
    """Return the title of the revenue for what is sold."""
    castings, fractions = sells_castings(instance), bool(instance.treatments.sells.any())
    sold = instance.metals.sell.raw.any() or instance.terms.pays.raw.any()
    metal = bool(sold) or not (castings or fractions)
    named = (("castings", castings), ("surplus metal", metal), ("fractions", fractions))
    return f"sales of {' and of '.join(name for name, sold in named if sold)}"


def build_cost_table(plan: Plan) -> ReportTable:
    """Return the table of cost by kind, in the instance's currency; revenue is negative.

    Returns:
        The table; kinds below rounding, relative to all payments, are left out.
    """
    all_paid = sum_absolute_costs(plan.account, "cost")
    titles = title_cost_kinds(plan.instance)
    parts = {titles[kind]: value for kind, value in plan.costs.items() if abs(value) > AMOUNT_TOLERANCE * all_paid}
    columns = (
        ReportColumn("kind", "kind"),
        ReportColumn("cost", "", plan.instance.currency, style="scaled"),
        ReportColumn("share", "share", "%", 1, rank=1, style="share"),
    )
    rows = tuple((kind, amount, amount / plan.cost if plan.cost > 0 else None) for kind, amount in parts.items())
    total = ("total", plan.cost, 1.0 if plan.cost > 0 else None)
    return ReportTable("cost", "Cost by kind", "Revenue is negative.", columns, rows, total=total)


def build_party_table(plan: Plan) -> ReportTable:
    """Return the table of cost by party: one row for each party, with its largest kinds of cost.

    Returns:
        The table; without rows where the instance states no payers.
    """
    columns = (
        ReportColumn("party", "party"),
        ReportColumn("cost", "", plan.instance.currency, style="scaled"),
        ReportColumn("kinds", "of which", rank=1),
    )
    rows = tuple(
        (party, amount, _describe_largest_kinds(plan, party, _MAX_KINDS)) for party, amount in plan.party_totals.items()
    )
    total = ("total", plan.cost, None)
    return ReportTable("parties", "Cost by party", "Revenue is negative.", columns, rows, total=total)


def _describe_largest_kinds(plan: Plan, party: str, most: int) -> str:
    """Describe the largest kinds of cost of a party, each with its amount."""
    kinds = plan.party_costs[party]
    largest, titles = sorted(kinds, key=lambda kind: -abs(kinds[kind]))[:most], title_cost_kinds(plan.instance)
    return ", ".join(f"{titles[kind]} {format_money(kinds[kind], plan.instance.currency)}" for kind in largest)


_MAX_KINDS = 3  # kinds of cost named of a party
MAX_SOURCE_ROWS = 20  # rows of a table before the rest is summed
_SOURCE_COLUMNS = {"region": ("region", "region"), "what": ("what", "stream")}  # key and title
_FULLY_TAKEN = 1 - 1e-9


@dataclass(frozen=True)
class SourceTotals:
    """Totals of one source over the horizon: tonnes offered and taken, and money spent on its routes."""

    region: str
    name: str
    offered: float
    taken: float
    spent: float
    count: int = 1


def list_sources(plan: Plan) -> tuple[SourceTotals, ...]:
    """Return the sources of a plan.

    Returns:
        Totals by source, the most tonnes taken first.
    """
    account, streams = plan.account, plan.instance.streams
    cost = account.shipment_costs.sum(axis=1)
    spent = np.bincount(account.routes.stream, cost, len(streams.names))
    labels, of = plan.instance.group_streams()
    offered, taken, paid = (
        np.bincount(of, amount, len(labels)).tolist()
        for amount in (streams.available.value.sum(axis=1), account.sent, spent)
    )
    rows = zip(labels, offered, taken, paid, strict=True)
    return tuple(_sort_sources([SourceTotals(region, what, *amounts) for (region, what), *amounts in rows]))


def build_source_tables(plan: Plan, whole: bool = False) -> tuple[ReportTable, ...]:
    """Return the tables of supply taken.

    Args:
        plan: Solved plan.
        whole: Every source by itself.

    Returns:
        One table of few sources; otherwise one by kind and one by region.
    """
    listed = list_sources(plan)
    if not listed:
        return ()
    if whole or len(listed) <= MAX_SEPARATE_SOURCES:
        return (_build_source_table(plan, "sources", "Supply by region and stream", listed, ("region", "what")),)
    by_kind = _sum_by_key(listed, lambda source: source.name)
    by_region = _sum_by_key(listed, lambda source: source.region)
    return (
        _build_source_table(plan, "kinds", "Supply by stream", by_kind, ("what",)),
        _build_source_table(
            plan, "regions", "Supply by region", by_region, ("region",), _describe_partly_taken(listed)
        ),
    )


def _sum_by_key(listed: tuple[SourceTotals, ...], key: Callable[[SourceTotals], str]) -> tuple[SourceTotals, ...]:
    """Sum sources by a key; rows beyond the largest are summed as one."""
    groups: dict[str, list[SourceTotals]] = {}
    for source in listed:
        groups.setdefault(key(source), []).append(source)
    rows = _sort_sources([_sum_sources(name, name, group) for name, group in groups.items()])
    rest = rows[MAX_SOURCE_ROWS:]
    name = f"{len(rest)} more"
    return (*rows[:MAX_SOURCE_ROWS], *([_sum_sources(name, name, rest)] if rest else []))


def _sort_sources(listed: list[SourceTotals]) -> list[SourceTotals]:
    """Sort by tonnes taken, then by tonnes offered."""
    return sorted(listed, key=lambda source: (-source.taken, -source.offered, source.region, source.name))


def _sum_sources(region: str, what: str, of: list[SourceTotals] | tuple[SourceTotals, ...]) -> SourceTotals:
    """Return the sum of sources as one."""
    amounts = zip(*((s.offered, s.taken, s.spent, s.count) for s in of), strict=True)
    offered, taken, spent, count = map(sum, amounts) if of else (0.0, 0.0, 0.0, 0)
    return SourceTotals(region, what, offered, taken, spent, count)


def _build_source_table(
    plan: Plan,
    key: str,
    title: str,
    listed: tuple[SourceTotals, ...],
    names: tuple[str, ...],
    notes: tuple[str, ...] = (),
) -> ReportTable:
    """Return a table of sources with cost in all and per tonne, and a total."""
    currency = plan.instance.currency
    columns = (
        *(ReportColumn(*_SOURCE_COLUMNS[name]) for name in names),
        ReportColumn("offered_t", "offered", "t", rank=2, style="even"),
        ReportColumn("taken_t", "taken", "t", style="even"),
        ReportColumn("share", "taken", "%", 1, style="share"),
        ReportColumn("cost", "cost", currency, style="scaled"),
        ReportColumn("cost_per_t", "cost per tonne", currency, rank=1, style="scaled"),
    )
    everything = _sum_sources("total", "" if "region" in names else "total", listed)
    rows = [_tabulate_source(source, names) for source in (*listed, everything)]
    total = rows.pop()
    text = "Tonnes offered and taken, with all costs of their routes."
    return ReportTable(key, title, text, columns, tuple(rows), notes, total if len(rows) > 1 else ())


def _tabulate_source(source: SourceTotals, names: tuple[str, ...]) -> tuple[CellValue, ...]:
    """Return a source as the row of a table."""
    share = source.taken / source.offered if source.offered else ShownValue(None, "–")
    each = source.spent / source.taken if source.taken else 0.0
    named = {"region": source.region, "what": source.name}
    return (*(named[name] for name in names), source.offered, source.taken, share, source.spent, each)


def _describe_partly_taken(listed: tuple[SourceTotals, ...]) -> tuple[str, ...]:
    """Return the note on sources that are not taken in full, the most tonnes left first."""
    partly = [source for source in listed if source.taken < _FULLY_TAKEN * source.offered]
    partly.sort(key=lambda source: (source.taken - source.offered, source.region, source.name))
    lines = [
        f"{source.name} from {source.region} ({format_share(source.taken, source.offered)} taken)" for source in partly
    ]
    return (f"Taken in part: {', '.join(cut_list(lines, 5))}." if lines else "All supply is taken.",)


FULL_LOAD = 1 - 1e-6


def get_period_word(instance: Instance) -> str:
    """Return the word for a period: its length where periods are dated.

    Args:
        instance: Instance with its periods.

    Returns:
        The word, such as `month`.
    """
    return instance.period_length if "-" in instance.periods[0] or instance.period_length == "year" else "period"


def build_treatment_table(plan: Plan) -> ReportTable:
    """Return the table of treatments: tonnes treated, tonnes sent on to smelters, load.

    Returns:
        The table, without treatments that are not used.
    """
    account, treatment = plan.account, plan.instance.treatments
    treated = account.treated.sum(axis=1)
    sent_on = np.zeros(len(treated))
    np.add.at(sent_on, account.routes.treatment, account.routes.to_smelter * account.decisions.sent.sum(axis=1))
    used = [h for h in np.argsort(-treated, kind="stable").tolist() if treated[h] > 0]
    columns = (
        ReportColumn("treatment", "treatment"),
        ReportColumn("treated_t", "treated", "t", style="even"),
        ReportColumn("share", "share", "%", 1, rank=2, style="share", optional=True),
        ReportColumn("to_smelters_t", "to smelters", "t", rank=1, style="even", optional=True),
        _make_load_column(plan),
    )
    loads = [_show_peak_load(account.treated[h], treatment.capacity.value[h]) for h in used]
    amounts = (treated[used].tolist(), (treated[used] / plan.tonnes).tolist(), sent_on[used].tolist())
    rows = tuple(zip([treatment.names[h] for h in used], *amounts, loads, strict=True))
    return ReportTable("treatments", "Treatments", "Devices treated and feed sent on to smelters.", columns, rows)


def build_smelter_table(plan: Plan) -> ReportTable:
    """Return the table of smelters: feed [t], load and metal returned [kg].

    Returns:
        The table, idle smelters included; no rows without any feed.
    """
    account, instance = plan.account, plan.instance
    feed, back = account.feed.sum(axis=1), account.returned.sum(axis=2)
    order = np.argsort(-feed, kind="stable").tolist() if feed.sum() > 0 else []
    shown = [e for e in range(len(instance.metals.names)) if back[:, e].sum() > 0]
    columns = (
        ReportColumn("smelter", "smelter"),
        ReportColumn("feed_t", "feed", "t", style="even"),
        _make_load_column(plan),
        *(
            ReportColumn(f"{instance.metals.names[e]}_kg", instance.metals.titles[e], "kg", rank=rank, style="even")
            for rank, e in enumerate(shown, start=1)
        ),
    )
    rows = tuple(
        (
            instance.smelters.names[k],
            float(feed[k]),
            _show_peak_load(account.feed[k], instance.smelters.capacity.value[k]),
            *(float(back[k, e]) for e in shown),
        )
        for k in order
    )
    return ReportTable("smelters", "Smelters", "Feed and metal returned.", columns, rows)


def _make_load_column(plan: Plan) -> ReportColumn:
    """Return the column of the load, a share of the capacity."""
    one = len(plan.instance.periods) == 1
    title = "load" if one else f"peak load per {get_period_word(plan.instance)}"
    return ReportColumn("load", title, "", 3, optional=True)


def _show_peak_load(used: Floats, capacity: Floats) -> CellValue:
    """Return the highest load and the number of full periods; a dash without a capacity."""
    if not np.isfinite(capacity).any():
        return ShownValue(None, "–")
    load = np.divide(used, capacity, out=np.zeros_like(used), where=capacity > 0)
    full = int((load > FULL_LOAD).sum())
    text = format_share(min(load.max(), 1.0), 1.0) + (f", in {full} of {len(load)}" if full and len(load) > 1 else "")
    return ShownValue(float(load.max()), text)


def build_metal_table(plan: Plan, metal_values: MetalValues) -> ReportTable:
    """Return the balance of each metal [kg]: opening stock + returned + bought = needed + surplus.

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
    columns = [
        ReportColumn("metal", "metal"),
        ReportColumn("needed_kg", "needed", "kg", style="significant"),
        ReportColumn("at_hand_kg", "opening stock", "kg", rank=3, style="significant", optional=True),
        ReportColumn("returned_kg", "returned", "kg", rank=1, style="significant", optional=True),
        ReportColumn("bought_kg", "bought", "kg", rank=1, style="significant", optional=True),
        ReportColumn("left_over_kg", "surplus", "kg", style="significant", optional=True),
    ]
    columns += [ReportColumn("worth", "shadow price per kg", plan.unit, style="money", optional=True)] if best else []
    title = f"in stock, by {get_period_word(plan.instance)}"
    at_hand = ReportColumn("at_hand", title, f"{plan.unit}/kg", rank=2, style="money", optional=True)
    columns += [at_hand] if best else []
    rows = []
    for e in listed:
        amounts = (float(amount[e]) for amount in (needed, opening, back, bought, left))
        rows.append((metal.titles[e], *amounts, *(_show_metal_values(metal_values, e) if best else [])))
    text = "Opening stock, metal returned and metal bought equal need and surplus."
    noted = [_METAL_PRICE_NOTE] if best else []
    if best and any(row[-1] is not None for row in rows):
        noted.append(_STOCK_PRICE_NOTE.format(period=get_period_word(plan.instance)))
    notes = (f"{'; '.join(noted)}.",) if noted else ()
    return ReportTable("metals", "Metals", text, tuple(columns), tuple(rows), notes)


_METAL_PRICE_NOTE = "Shadow price: saving per kilogram less needed, in proportion to what is charged"
_STOCK_PRICE_NOTE = "in stock: saving per kilogram more of recycled metal in one {period}"


def _show_metal_values(metal_values: MetalValues, metal: int) -> tuple[CellValue, CellValue]:
    """Return the shadow price of a metal, and the greatest value in the periods of its use, shown as their range."""
    values = [max(value, 0.0) for value in metal_values.at_hand[metal][metal_values.used[metal]].tolist()]
    if not values:
        return ShownValue(None, "–"), None
    price = max(float(metal_values.per_kilogram[metal]), 0.0)
    differs = max(abs(value - price) for value in values) > DISPLAY_TOLERANCE * price
    return price, ShownValue(max(values), format_money_range(values)) if differs else None


def build_purchase_table(plan: Plan) -> ReportTable:
    """Return the table of purchases on the market: kilograms, cost, average price and share of the limit.

    Returns:
        The table, largest cost first.
    """
    market, currency = plan.instance.market, plan.instance.currency
    bought = plan.account.purchases  # (O, T)
    amount, cost = bought.sum(axis=1), compute_purchase_costs(plan.account).sum(axis=1)
    most = bound_by_steps(OFFER_STEPS, plan.instance, market.limit.value)
    listed = [o for o in np.argsort(-cost, kind="stable").tolist() if amount[o] > 0]
    columns = (
        ReportColumn("offer", "offer"),
        ReportColumn("amount_kg", "amount", "kg", style="significant"),
        ReportColumn("cost", "cost", currency, style="scaled", optional=True),
        ReportColumn("price_per_kg", "cost per kg", currency, rank=1, style="significant", optional=True),
        ReportColumn("share_of_limit", "of limit", "%", 1, rank=2, style="share", optional=True),
    )
    shares = [make_share(float(amount[o]), float(most[o]) if np.isfinite(most[o]) else 0.0) for o in listed]
    amounts = (part[listed].tolist() for part in (amount, cost))
    prices = [float(cost[o] / amount[o]) for o in listed]
    rows = tuple(zip([market.names[o] for o in listed], *amounts, prices, shares, strict=True))
    return ReportTable("purchases_by_offer", "Purchases", "Offers of the market, largest cost first.", columns, rows)


def build_medal_table(plan: Plan, metal_values: MetalValues) -> ReportTable:
    """Return the table of medals: count, composition by alloy, due period and marginal cost.

    Returns:
        The table; with marginal costs if the plan is proven optimal, and the medals not made where any may be missed.
    """
    instance, medal, best = plan.instance, plan.instance.medals, plan.certificate.optimal
    extra = _compute_medal_costs(plan, metal_values) if best else []
    columns = [
        ReportColumn("medal", "medal"),
        ReportColumn("count", "count", ""),
        ReportColumn("made_of", "composition", rank=2, optional=True),
        ReportColumn("due", "due by end of", rank=1, optional=True),
    ]
    missed = may_miss(instance)
    penalties = [show_value(drop_infinite(penalty), "–") for penalty in medal.shortfall.value.tolist()]
    if missed.any():
        columns += [
            ReportColumn("missed", "not made", "", style="significant"),
            ReportColumn("penalty", "penalty each", instance.currency, style="money", optional=True),
        ]
    columns += [ReportColumn("one_more", "marginal cost", plan.unit, style="money", optional=True)] if best else []
    rows = tuple(
        (
            medal.names[m],
            int(medal.count[m]),
            _format_composition(plan, m),
            instance.periods[int(medal.due[m])] if len(instance.periods) > 1 else None,
            *((float(plan.account.missed[m]), penalties[m]) if missed.any() else ()),
            *extra[m : m + 1],
        )
        for m in range(len(medal.names))
    )
    return ReportTable("medals", "Medals", "Count, composition and due date.", tuple(columns), rows)


def _format_composition(plan: Plan, medal: int) -> str:
    """Return the mass of each alloy in one medal."""
    parts = zip(plan.instance.alloys.names, plan.instance.medals.parts.value[medal].tolist(), strict=True)
    return " + ".join(f"{format_mass(weight)} {alloy}" for alloy, weight in parts if weight)


def _compute_medal_costs(plan: Plan, metal_values: MetalValues) -> list[float]:
    """Return the marginal cost of each medal, (M,), in the unit of the objective."""
    account, measure = restrict_account(plan.account, plan.measure)
    weights = ObjectiveWeights.from_objective(measure)
    return [float(price) for price in price_medals(account.instance, metal_values.prices, weights)]


_MAX_CONTRACTS = 15  # rows


def build_charge_table(plan: Plan, whole: bool = False) -> ReportTable:
    """Return the table of contracts with a minimum lot or a charge: times used, quantity and charges.

    Args:
        plan: Solved plan.
        whole: All contracts that are used; else those with the largest charges.

    Returns:
        The table, the largest charge first; without rows where no such contract is used.
    """
    used: dict[tuple[str, str], list[tuple[float, float]]] = {}
    columns = plan.tables["charges"]
    for contract, unit, quantity, charge in zip(
        *(columns[name] for name in ("contract", "unit", "quantity", "charge")), strict=True
    ):
        used.setdefault((contract, unit), []).append((quantity, charge))
    rows = [
        (contract, len(each), sum(each_[0] for each_ in each), unit, sum(each_[1] for each_ in each))
        for (contract, unit), each in used.items()
    ]
    rows.sort(key=lambda row: (-row[4], row[0]))
    listed = rows if whole else rows[:_MAX_CONTRACTS]
    notes = (f"{len(rows) - len(listed)} more with --full.",) if len(rows) > len(listed) else ()
    return ReportTable(
        "charges",
        "Lots and fixed charges",
        "Contracts with a minimum lot or a charge that are used; a line of terms counts once in each period.",
        (
            ReportColumn("contract", "contract"),
            ReportColumn("times", "times", "", 0),
            ReportColumn("quantity", "quantity", "", style="significant"),
            ReportColumn("unit", "", optional=True),
            ReportColumn("charges", "charges", plan.instance.currency, style="scaled"),
        ),
        tuple(listed),
        notes,
        total=("total", None, None, None, sum(row[4] for row in rows)),
    )


_IMPURITY_DESCRIPTION = (
    "Mean content of all feed of a smelter in a period, its limit, and the penalties paid, which are part of the "
    "smelter treatment charges."
)


def build_impurity_table(plan: Plan) -> ReportTable:
    """Return the table of impurities by smelter and period, of feed that contains any.

    Returns:
        The table; no rows where no smelter puts conditions on its feed.
    """
    account, instance = plan.account, plan.instance
    columns = (
        ReportColumn("smelter", "smelter"),
        ReportColumn("period", "period"),
        ReportColumn("impurity", "impurity"),
        ReportColumn("feed_t", "feed", "t", style="even"),
        ReportColumn("content_kg_per_t", "mean content", "kg/t", 3),
        ReportColumn("limit_kg_per_t", "limit", "kg/t", 3, optional=True),
        ReportColumn("penalty", "penalty", instance.currency, style="money", total=True),
    )
    rows = tuple(_list_impurity_rows(account)) if instance.impurities.has_effect else ()
    return ReportTable("impurities", "Impurities", _IMPURITY_DESCRIPTION, columns, rows)


def _list_impurity_rows(account: PlanAccount) -> Iterator[tuple[CellValue, ...]]:
    """Yield the rows: smelters, periods and elements with content in the feed."""
    instance, routes = account.instance, account.routes
    impurities, held, feed = instance.impurities, account.impurity, account.feed
    charges = compute_penalties(instance, read_floats, routes.line, routes.impurity, routes.to_smelter)
    rates = np.asarray(charges)  # (J, X, 1 or T) money/t of devices
    for k, smelter in enumerate(instance.smelters.names):
        members = np.flatnonzero(routes.smelter == k)
        paid = (rates[members] * account.decisions.sent[members][:, None, :]).sum(axis=0)  # (X, T)
        for t, x in np.argwhere(held[k].T > 0).tolist():
            limit = float(impurities.limit.value[k, x])
            yield (
                smelter,
                instance.periods[t],
                impurities.titles[x],
                float(feed[k, t]),
                float(held[k, x, t] / feed[k, t]),
                limit if np.isfinite(limit) else None,
                float(paid[x, t]),
            )


_STEP_COLUMNS = ("contract", "step", "up_to", "quantity", "unit", "price", "cost")


def build_step_table(plan: Plan) -> ReportTable:
    """Return the table of price steps of the streams and offers in use: limit, price, quantity and cost.

    Returns:
        A row for each step of a stream or offer in use; without rows where no price has steps.
    """
    steps = plan.tables["price_steps"]
    return ReportTable(
        "price_steps",
        "Price steps",
        "Streams and offers whose price changes with the quantity over the horizon: what is bought at each price.",
        (
            ReportColumn("contract", "contract"),
            ReportColumn("step", "step", "", 0),
            ReportColumn("up_to", "limit", "", style="significant"),
            ReportColumn("quantity", "quantity", "", style="significant"),
            ReportColumn("unit", "", optional=True),
            ReportColumn("price", "price", plan.instance.currency, style="significant"),
            ReportColumn("cost", "cost", plan.instance.currency, style="scaled"),
        ),
        tuple(zip(*(steps[name] for name in _STEP_COLUMNS), strict=True)),
        total=("total", None, None, None, None, None, sum(steps["cost"])),
    )
