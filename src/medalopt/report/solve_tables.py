"""Tables of a solved plan: cost, supply by source, treatments and smelters, metal balance, purchases and medals.

A source is a stream or a bundle; with many sources, supply is listed by kind and by region.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from medalopt.instance.arrays import Floats, Ints
from medalopt.instance.instance import Instance
from medalopt.instance.routes import compute_route_costs
from medalopt.plan.plan import Plan
from medalopt.plan.tables import ROUNDING_TOLERANCE
from medalopt.proof.certificate import sum_absolute_costs
from medalopt.report.metal_values import MetalValues
from medalopt.report.numbers import (
    choose_money_scale,
    format_column,
    format_mass,
    format_money,
    format_money_range,
    format_number,
    format_share,
)
from medalopt.report.text_table import TextColumn, TextTable, make_text_table

COST_KINDS = {
    "supply": "paid to suppliers",
    "collection": "collection",
    "treatment": "treatment before the smelter",
    "transport": "transport to the smelter",
    "smelting": "treatment charges of smelters",
    "refining": "refining charges",
    "residue": "residues, what they cost or earn",
    "storage": "stockpiles of devices",
    "purchases": "metal and scrap bought",
    "holding": "metal and castings held in stock",
    "sales": "metal sold",
    "scrap": "process scrap left at the end",
}


def build_cost_table(plan: Plan) -> TextTable:
    """Return the table of cost by kind, in the instance's currency; revenue is negative.

    Args:
        plan: Solved plan.

    Returns:
        The table; kinds below rounding, relative to all payments, are left out.
    """
    all_paid = sum_absolute_costs(plan.account, "cost")
    parts = {
        COST_KINDS[kind]: value for kind, value in plan.costs.items() if abs(value) > ROUNDING_TOLERANCE * all_paid
    }
    amounts = [*parts.values(), plan.cost]
    size, word = choose_money_scale(amounts)
    return make_text_table(
        "What it costs",
        [
            (TextColumn("kind", right=False), [*parts, "in all"]),
            (TextColumn(f"{word}{plan.instance.currency}"), format_column([amount / size for amount in amounts])),
            (
                TextColumn("share", rank=1),
                [format_share(amount, plan.cost) if plan.cost > 0 else "" for amount in amounts],
            ),
        ],
        total=True,
    )


MAX_SEPARATE_SOURCES = 12  # sources that are listed one by one
MAX_SOURCE_ROWS = 20  # rows of a table before the rest is summed
_FULLY_TAKEN = 1 - 1e-9


@dataclass(frozen=True)
class SourceTotals:
    """Totals of one source over the horizon: tonnes offered and taken, and money spent on its routes."""

    region: str
    what: str
    offered: float
    taken: float
    spent: float
    count: int = 1


def list_sources(plan: Plan) -> tuple[SourceTotals, ...]:
    """Return the sources of a plan.

    Args:
        plan: Solved plan.

    Returns:
        Totals by source, the most tonnes taken first.
    """
    account, streams = plan.account, plan.instance.streams
    cost = (compute_route_costs(plan.instance, account.routes) * account.decisions.sent).sum(axis=1)
    spent = np.bincount(account.routes.stream, cost, len(streams.names))
    labels, of = group_streams(plan.instance)
    offered, taken, paid = (
        np.bincount(of, amount, len(labels)).tolist()
        for amount in (streams.available.value.sum(axis=1), account.sent, spent)
    )
    rows = zip(labels, offered, taken, paid, strict=True)
    return tuple(_sort_sources([SourceTotals(region, what, *amounts) for (region, what), *amounts in rows]))


def group_streams(instance: Instance) -> tuple[list[tuple[str, str]], Ints]:
    """Group streams into sources; the streams of a bundle are one source.

    Args:
        instance: Instance with its streams.

    Returns:
        Region and kind of each source, and the index of the source of each stream, (I,).
    """
    keys = [_name_source(instance, i) for i in range(len(instance.streams.names))]
    order = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return list(order), np.array([order[key] for key in keys], dtype=np.intp)


def _name_source(instance: Instance, stream: int) -> tuple[str, str]:
    """Return the region of a stream, and the name of its bundle or its own name without the region."""
    region, bundle = instance.regions[instance.streams.region[stream]], instance.streams.bundle[stream]
    if bundle >= 0:
        return region, f"{instance.bundles[bundle][1]} (bundle)"
    return region, instance.streams.names[stream].removesuffix(f"@{region}")


def build_source_tables(plan: Plan) -> tuple[TextTable, ...]:
    """Return the tables of supply taken.

    Args:
        plan: Solved plan.

    Returns:
        One table of few sources; otherwise one by kind and one by region.
    """
    listed = list_sources(plan)
    if not listed:
        return ()
    if len(listed) <= MAX_SEPARATE_SOURCES:
        return (_build_source_table(plan, "What is taken from whom", listed, ("region", "what")),)
    by_kind = _sum_by_key(listed, lambda source: source.what)
    by_region = _sum_by_key(listed, lambda source: source.region)
    return (
        _build_source_table(plan, "What is taken", by_kind, ("what",)),
        _build_source_table(plan, "From whom", by_region, ("region",), _describe_partly_taken(listed)),
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
    return sorted(listed, key=lambda source: (-source.taken, -source.offered, source.region, source.what))


def _sum_sources(region: str, what: str, of: list[SourceTotals] | tuple[SourceTotals, ...]) -> SourceTotals:
    """Return the sum of sources as one."""
    offered, taken, spent = (sum(getattr(s, name) for s in of) for name in ("offered", "taken", "spent"))
    return SourceTotals(region, what, offered, taken, spent, sum(s.count for s in of))


def _build_source_table(
    plan: Plan, title: str, listed: tuple[SourceTotals, ...], names: tuple[str, ...], notes: tuple[str, ...] = ()
) -> TextTable:
    """Return a table of sources with cost in all and per tonne, and a total."""
    everything = [*listed, _sum_sources("in all", "" if "region" in names else "in all", listed)]
    rows = everything if len(listed) > 1 else list(listed)
    size, word = choose_money_scale(row.spent for row in rows)
    each = [row.spent / row.taken if row.taken else 0.0 for row in rows]
    tonne_size, tonne_word = choose_money_scale(each)
    currency = plan.instance.currency
    columns = [
        *((TextColumn(name, right=False), [getattr(row, name) for row in rows]) for name in names),
        (TextColumn("offered t", rank=2), format_column([row.offered for row in rows])),
        (TextColumn("taken t"), format_column([row.taken for row in rows])),
        (TextColumn("taken"), [format_share(row.taken, row.offered) for row in rows]),
        (TextColumn(f"cost {word}{currency}"), format_column([row.spent / size for row in rows])),
        (TextColumn(f"{tonne_word}{currency} per t", rank=1), format_column([amount / tonne_size for amount in each])),
    ]
    return make_text_table(title, columns, total=len(rows) > len(listed), notes=notes, always=len(columns))


def _describe_partly_taken(listed: tuple[SourceTotals, ...]) -> tuple[str, ...]:
    """Return the note on sources that are not taken in full, the most tonnes left first."""
    partly = [source for source in listed if source.taken < _FULLY_TAKEN * source.offered]
    partly.sort(key=lambda source: (source.taken - source.offered, source.region, source.what))
    lines = [
        f"{source.what} from {source.region} ({format_share(source.taken, source.offered)} taken)" for source in partly
    ]
    if not lines:
        return ("Everything on offer is taken.",)
    more = [f"{len(lines) - 5} more"] if len(lines) > 5 else []
    return ("Not taken whole: " + ", ".join([*lines[:5], *more]) + ".",)


FULL_LOAD = 1 - 1e-6


def get_period_word(instance: Instance) -> str:
    """Return the word for a period: its length where periods are dated.

    Args:
        instance: Instance with its periods.

    Returns:
        The word, such as `month`.
    """
    return instance.period_length if "-" in instance.periods[0] or instance.period_length == "year" else "period"


def build_treatment_table(plan: Plan) -> TextTable:
    """Return the table of treatments: tonnes treated, tonnes sent on to smelters, load.

    Args:
        plan: Solved plan.

    Returns:
        The table, without treatments that are not used.
    """
    account, treatment = plan.account, plan.instance.treatments
    treated = account.treated.sum(axis=1)
    sent_on = np.zeros(len(treated))
    np.add.at(sent_on, account.routes.treatment, account.routes.to_smelter * account.decisions.sent.sum(axis=1))
    used = [h for h in np.argsort(-treated, kind="stable").tolist() if treated[h] > 0]
    return make_text_table(
        "Treatments",
        [
            (TextColumn("treatment", right=False), [treatment.names[h] for h in used]),
            (TextColumn("treated t"), format_column(treated[used].tolist())),
            (TextColumn("of all", rank=2), [format_share(treated[h], plan.tonnes) for h in used]),
            (TextColumn("to smelters t", rank=1), format_column(sent_on[used].tolist())),
            (
                _make_load_column(plan),
                [_format_peak_load(account.treated[h], treatment.capacity.value[h]) for h in used],
            ),
        ],
    )


def build_smelter_table(plan: Plan) -> TextTable:
    """Return the table of smelters: feed [t], load and metal returned [kg].

    Args:
        plan: Solved plan.

    Returns:
        The table, idle smelters included; no rows without any feed.
    """
    account, instance = plan.account, plan.instance
    feed, back = account.feed.sum(axis=1), account.returned.sum(axis=2)
    if not feed.sum() > 0:
        return TextTable("Smelters", (), ())
    order = np.argsort(-feed, kind="stable").tolist()
    shown = [e for e in range(len(instance.metals.names)) if back[:, e].sum() > 0]
    return make_text_table(
        "Smelters",
        [
            (TextColumn("smelter", right=False), [instance.smelters.names[k] for k in order]),
            (TextColumn("feed t"), format_column(feed[order].tolist())),
            (
                _make_load_column(plan),
                [_format_peak_load(account.feed[k], instance.smelters.capacity.value[k]) for k in order],
            ),
            *(
                (
                    TextColumn(f"{instance.metals.titles[e]} kg", rank=1 + position),
                    format_column(back[order, e].tolist()),
                )
                for position, e in enumerate(shown)
            ),
        ],
    )


def _make_load_column(plan: Plan) -> TextColumn:
    """Return the header of the load."""
    one = len(plan.instance.periods) == 1
    return TextColumn("load" if one else f"load in the fullest {get_period_word(plan.instance)}")


def _format_peak_load(used: Floats, capacity: Floats) -> str:
    """Return the highest load and the number of full periods; a dash without a capacity."""
    if not np.isfinite(capacity).any():
        return "–"
    load = np.divide(used, capacity, out=np.zeros_like(used), where=capacity > 0)
    full = int((load > FULL_LOAD).sum())
    return format_share(min(load.max(), 1.0), 1.0) + (f", in {full} of {len(load)}" if full and len(load) > 1 else "")


def build_metal_table(plan: Plan, metal_values: MetalValues) -> TextTable:
    """Return the balance of each metal [kg]: opening stock + returned + bought = needed + surplus.

    Args:
        plan: Solved plan.
        metal_values: Marginal values of its metals.

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
    return make_text_table(
        "Metals",
        [
            (TextColumn("metal", right=False), [metal.titles[e] for e in listed]),
            (TextColumn("needed kg"), [format_number(needed[e]) for e in listed]),
            (TextColumn("at hand kg", rank=3), [format_number(opening[e]) for e in listed]),
            (TextColumn("returned kg", rank=1), [format_number(back[e]) for e in listed]),
            (TextColumn("bought kg", rank=1), [format_number(bought[e]) for e in listed]),
            (TextColumn("left over kg"), [format_number(left[e]) for e in listed]),
            *(
                [(TextColumn(f"worth {plan.unit} per kg"), [_format_metal_value(metal_values, e) for e in listed])]
                if best
                else []
            ),
        ],
        notes=["Worth: what one more kilogram at hand would save when it is used."] if best else (),
    )


def _format_metal_value(metal_values: MetalValues, metal: int) -> str:
    """Return the range of the marginal value over the periods in which the metal is used."""
    values = metal_values.at_hand[metal][metal_values.used[metal]].tolist()
    return format_money_range([max(value, 0.0) for value in values]) if values else "–"


def build_purchase_table(plan: Plan) -> TextTable:
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
    size, word = choose_money_scale(cost.tolist())
    currency = plan.instance.currency
    return make_text_table(
        "What is bought",
        [
            (TextColumn("offer", right=False), [market.names[o] for o in listed]),
            (TextColumn("kg"), [format_number(amount[o]) for o in listed]),
            (TextColumn(f"cost {word}{currency}"), format_column([cost[o] / size for o in listed])),
            (TextColumn(f"{currency} per kg", rank=1), [format_number(cost[o] / amount[o]) for o in listed]),
            (
                TextColumn("of its limit", rank=2),
                [_format_limit_share(amount[o], market.limit.value[o]) for o in listed],
            ),
        ],
    )


def _format_limit_share(amount: float, limit: float) -> str:
    """Return the share of a limit, a dash without a limit."""
    return f"{format_number(100 * amount / limit, 3)} %" if np.isfinite(limit) and limit > 0 else "–"


def build_medal_table(plan: Plan, metal_values: MetalValues) -> TextTable:
    """Return the table of medals: count, composition by alloy, due period and marginal cost.

    Args:
        plan: Solved plan.
        metal_values: Marginal values of its metals.

    Returns:
        The table; with marginal costs if the plan is proven optimal.
    """
    instance, medal = plan.instance, plan.instance.medals
    extra = (
        [format_money(value) for value in _compute_medal_costs(plan, metal_values)] if plan.certificate.optimal else []
    )
    due = [instance.periods[period] for period in medal.due.tolist()]
    return make_text_table(
        "Medals",
        [
            (TextColumn("medal", right=False), list(medal.names)),
            (TextColumn("count"), [f"{count:,}" for count in medal.count.tolist()]),
            (
                TextColumn("made of", right=False, rank=2),
                [_format_composition(plan, m) for m in range(len(medal.names))],
            ),
            (TextColumn("due by end of", rank=1), due if len(instance.periods) > 1 else ["" for _ in due]),
            *([(TextColumn(f"one more costs {plan.unit}"), extra)] if extra else []),
        ],
    )


def _format_composition(plan: Plan, medal: int) -> str:
    """Return the mass of each alloy in one medal."""
    parts = zip(plan.instance.alloys.names, plan.instance.medals.parts.value[medal].tolist(), strict=True)
    return " + ".join(f"{format_mass(weight)} {alloy}" for alloy, weight in parts if weight)


def _compute_medal_costs(plan: Plan, metal_values: MetalValues) -> list[float]:
    """Return the marginal cost of each medal, (M,), in the unit of the objective."""
    medal, demand = plan.instance.medals, metal_values.prices.demand
    owing = np.cumsum(demand[:, ::-1], axis=1)[:, ::-1]  # (A, T): marginal cost of a kilogram due in t
    each = medal.parts.value * (1 + medal.allowance.value)[:, None]
    return [float(each[m] @ owing[:, medal.due[m]]) for m in range(len(medal.names))]
