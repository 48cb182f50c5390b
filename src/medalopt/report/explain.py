"""Explanation of an optimal plan, or of one stream of it, as text and as plain data.

An infinite price limit, and a price in an infeasible direction, is null in the data.
"""

from __future__ import annotations

import math
from collections import Counter
from functools import partial
from typing import Any

from medalopt.analysis.explain.explanation import (
    REPLAN_SECONDS,
    Explanation,
    KeptLots,
    MarginalPrice,
    StreamExplanation,
)
from medalopt.analysis.explain.sources import SourceAnalysis
from medalopt.instance.arithmetic import FLOAT_ARITHMETIC
from medalopt.instance.arrays import drop_infinite
from medalopt.plan.metal_values import MetalValues, find_rejected_offer
from medalopt.plan.plan import Plan
from medalopt.proof.extensions import NO_EXTENSIONS
from medalopt.report.deadline_risk import describe_confidence_prices
from medalopt.report.document import Report, ReportColumn, ReportTable
from medalopt.report.explain_tables import (
    DEAR_PRICE_RATIO,
    build_binding_table,
    build_break_even_table,
    build_cost_breakdown,
    build_price_table,
    describe_left_out_sources,
    describe_route,
    format_metal_per_tonne,
)
from medalopt.report.numbers import format_money, format_number, format_share, format_tonnes
from medalopt.report.render.json import identify_plan, make_report
from medalopt.report.solve import describe_objective, describe_status
from medalopt.text import cut_list, escape_text, format_count, join_with_and, parse_path
from medalopt.tolerances import DISPLAY_TOLERANCE

_MAX_OWN_CONSTRAINTS = 4
_MAX_DEAR_METALS, _MAX_SUBSTITUTES, _MAX_RANGES = 3, 3, 4
_ALTERNATIVE_TITLES = {"routes": "routes", "the timing of shipments": "dates of shipments"}


def build_explanation_report(explanation: Explanation) -> Report:
    """Build the explanation of a plan.

    Returns:
        The report: objective, dear metals, sources left out; binding constraints, prices, sources, cost breakdown.
    """
    instance = explanation.plan.instance

    def tabulate(whole: bool) -> tuple[ReportTable, ...]:
        """Return the tables of the explanation that have rows."""
        tables = (
            build_binding_table(explanation, whole),
            build_price_table(explanation, whole),
            build_break_even_table(explanation),
            build_cost_breakdown(explanation, whole),
        )
        return tuple(table for table in tables if table.rows)

    lines, shown = _summarize_explanation(explanation), tabulate(whole=False)
    encode = partial(_build_explanation_object, explanation)
    title = "Explanation: {}" if explanation.lots is None else "Explanation: {}, with the lots of the plan kept"
    return make_report(instance, title, lines, encode, tables=tabulate(whole=True), screen=shown)


def _summarize_explanation(explanation: Explanation) -> list[str]:
    """Return the sentences above the tables."""
    plan = explanation.plan
    lines = [describe_status(explanation.chosen), describe_objective(explanation.chosen)]
    lines += describe_confidence_prices(plan)
    lines += _describe_own_constraints(plan) if explanation.lots is None else describe_kept_lots(explanation.lots)
    lines += _describe_replanned(explanation)
    lines += [_describe_dear_metal(explanation, price) for price in _rank_dear_metals(explanation)]
    lines += describe_left_out_sources(explanation)
    if explanation.unproven:
        lines.append(
            f"Omitted, since their prices are not verified: "
            f"{join_with_and([escape_text(name) for name in explanation.unproven])}."
        )
    return [*lines, _describe_alternative_optima(explanation)]


def describe_kept_lots(lots: KeptLots) -> list[str]:
    """Return the line on the lots that are kept, and on what no price includes.

    Args:
        lots: Plan in lots, and that with its lots kept.
    """
    unit = lots.chosen.unit
    paid = f"; {format_money(lots.charges, unit)} of lot charges, fixed charges and earlier price steps are in no price"
    line = "With the lots of the plan kept: contracts in use stay in use, others unused, and lots keep their numbers"
    return [f"{line}{paid if lots.charges else ''}."]


def _describe_replanned(explanation: Explanation) -> list[str]:
    """Return the line on what one more medal costs where lots are re-planned."""
    unit = explanation.plan.unit
    parts, missing = [], []
    for one in explanation.replanned:
        name = escape_text(str(parse_path(one.path)[1]))
        if one.more is None:
            missing.append(name)
        else:
            parts.append(f"{name} {format_money(one.more, unit)}")
    late = f"; no optimum within {REPLAN_SECONDS:g} s: {', '.join(missing)}" if missing else ""
    return [f"One more medal with lots re-planned costs: {', '.join(parts)}{late}."] if parts else []


def _describe_own_constraints(plan: Plan) -> list[str]:
    """Return lines on the constraints, costs and variables that the user added, and whether the prices are proven."""
    if plan.added == NO_EXTENSIONS:
        return []
    counts = Counter(row.name.partition("[")[0] for row in plan.added.rows)
    named = [f"{escape_text(name)}{f' ({count} rows)' if count > 1 else ''}" for name, count in counts.items()]
    what = join_with_and(cut_list(named, _MAX_OWN_CONSTRAINTS)) or "costs or variables"
    lines = [f"Extension: all prices include your {what}, held constant while a parameter of the instance varies."]
    if plan.certificate.arithmetic == FLOAT_ARITHMETIC.name:
        lines.append("Prices not verified: a variable of your extension has no bounds. Give it bounds to verify them.")
    return lines


def _rank_dear_metals(explanation: Explanation) -> list[MarginalPrice]:
    """Return the metals far above their market price, sorted by that price times the kilograms charged."""
    used = explanation.plan.account.composition.sum(axis=(0, 2))
    dear = [
        price
        for price in explanation.marginal_prices
        if price.metal is not None and (price.ratio or 0.0) > DEAR_PRICE_RATIO
    ]
    return sorted(dear, key=lambda price: -(price.more or 0.0) * float(used[price.metal or 0]))[:_MAX_DEAR_METALS]


def _describe_dear_metal(explanation: Explanation, price: MarginalPrice) -> str:
    """Return the price of a dear metal beside the market, the reason not to buy it, and its substitution."""
    plan, market = explanation.plan, price.market
    assert price.more is not None and market is not None and price.metal is not None
    times = f"{price.ratio:,.0f}" if (price.ratio or 0) >= 10 else f"{price.ratio:.1f}"
    of = f"the price of {escape_text(market.name)}" if market.offered else "its selling price"
    refused = find_rejected_offer(plan, MetalValues(plan), price.metal)
    reason = f"; {refused.reason}" if refused and refused.reason and market.offered else ""
    return (
        f"Marginal cost of {escape_text(price.name)}: {format_money(price.more, plan.unit)}/kg, "
        f"{times} × {of} ({format_money(market.price, plan.unit)}/kg{reason}).{_describe_substitution(price)}"
    )


def _describe_substitution(price: MarginalPrice) -> str:
    """Return the purchases and tonnes that increase, and those that decrease, for one more kilogram."""
    changes = [part for part in price.parts if part.unit == "t"][:_MAX_SUBSTITUTES] or list(
        price.parts[:_MAX_SUBSTITUTES]
    )
    more = [_format_substitute(part.amount, part.unit, part.name) for part in changes if part.amount > 0]
    less = [_format_substitute(-part.amount, part.unit, part.name) for part in changes if part.amount < 0]
    if not more:
        return ""
    instead = f" and replaces {join_with_and(less)}" if less else ""
    return f" One more kilogram requires {join_with_and(more)}{instead}."


def _format_substitute(amount: float, unit: str, what: str) -> str:
    """Return an amount of a source in tonnes, or of an offer in kilograms, with its name."""
    return f"{format_tonnes(amount) if unit == 't' else f'{format_number(amount)} kg'} of {escape_text(what)}"


def _describe_alternative_optima(explanation: Explanation) -> str:
    """Return whether the optimum is unique, and otherwise the range of each source over all alternative optima."""
    objective = explanation.plan.measure
    found = "Alternative optima" if objective == "cost" else f"Alternative optima by {objective} (ties decided by cost)"
    if explanation.others is None:
        return "Alternative optima: not proven whether there are any."
    if explanation.is_unique:
        return "Alternative optima: none; the optimum is unique (proven)."
    ranged = [
        analysis
        for analysis in explanation.source_analyses
        if analysis.maximum - analysis.minimum > DISPLAY_TOLERANCE * max(analysis.offered, 1.0)
    ]
    if not ranged:
        which = "the sources" if explanation.smaller_sources else "every source"
        alike = f"same tonnes from {which}; they differ in" if explanation.source_analyses else "they differ in"
        names = [_ALTERNATIVE_TITLES.get(name, name) for name in explanation.others]
        return f"{found}: {alike} {join_with_and(names)}."
    lines = [
        f"{escape_text(analysis.source.name)} {format_tonnes(analysis.minimum)} to {format_tonnes(analysis.maximum)} "
        f"(this plan {format_tonnes(analysis.taken)})"
        for analysis in ranged
    ]
    return f"{found}: {join_with_and(cut_list(lines, _MAX_RANGES))}."


_MAX_ROUTES = 4
_COST_TITLES = {
    "supply": "to the supplier",
    "collection": "collection",
    "treating": "treatment",
    "transport": "transport",
    "smelting": "treatment charge",
    "residue": "residue",
    "refining": "refining charge",
    "sales": "fractions sold",
}


def build_stream_report(explanation: StreamExplanation) -> Report:
    """Build the explanation of one stream, and of its bundle.

    Returns:
        The report; its tables, the routes and the costs of a tonne, are in the files only.
    """
    instance, stream = explanation.plan.instance, explanation.stream
    name = instance.streams.names[stream]
    device = instance.devices.names[instance.streams.device[stream]]
    region = instance.regions[instance.streams.region[stream]]
    own = (
        _describe_own_constraints(explanation.plan)
        if explanation.lots is None
        else describe_kept_lots(explanation.lots)
    )
    lines = [*own, *_describe_source(explanation, explanation.source)]
    if explanation.bundle is not None:
        others = len(explanation.bundle.source.streams) - 1
        with_it = format_count(others, "other stream")
        lines.append(
            f"Bundle: it is supplied only together with {with_it}, as {escape_text(explanation.bundle.source.name)}. "
            "For the whole bundle:"
        )
        lines += _describe_source(explanation, explanation.bundle)
    title = f"{name}: {device} from {region}"
    tables = tuple(table for table in (_tabulate_routes(explanation), _tabulate_balance(explanation)) if table.rows)
    return make_report(instance, title, lines, lambda: _build_stream_object(explanation), tables=tables, screen=())


def _tabulate_routes(explanation: StreamExplanation) -> ReportTable:
    """Return the routes of the stream, or of its bundle, the cheapest first."""
    analysis, unit = explanation.bundle or explanation.source, explanation.plan.unit
    columns = (
        ReportColumn("treatment", "treatment"),
        ReportColumn("smelter", "smelter"),
        ReportColumn("tonnes_t", "taken", "t", style="significant"),
        ReportColumn("dearer", "extra cost of at least", f"{unit}/t", style="money"),
    )
    rows = tuple(
        (route.treatment, route.smelter, route.tonnes, drop_infinite(route.shortfall)) for route in analysis.routes
    )
    return ReportTable("routes", "Routes", "Every treatment and smelter that accepts it.", columns, rows)


def _tabulate_balance(explanation: StreamExplanation) -> ReportTable:
    """Return the costs of a tonne by kind, and the value of its metals."""
    analysis = explanation.bundle or explanation.source
    columns = (
        ReportColumn("what", "item"),
        ReportColumn("metal_kg", "metal per tonne", "kg", style="significant"),
        ReportColumn("cost", "cost per tonne", explanation.plan.unit, style="money"),
        ReportColumn("worth", "value of metal", explanation.plan.unit, style="money"),
    )
    rows = (
        *((_COST_TITLES[kind], None, cost, None) for kind, cost in analysis.costs),
        *((metal, kilograms, None, value) for metal, kilograms, value in analysis.returned),
    )
    return ReportTable("balance", "Balance per tonne", "Cost by kind, and value of the metals returned.", columns, rows)


def _describe_source(explanation: StreamExplanation, analysis: SourceAnalysis) -> list[str]:
    """Return the lines on one source: quantity, routes, balance of a tonne, break-even prices, range."""
    lines = [
        f"Supply: {format_tonnes(analysis.taken)} taken of {format_tonnes(analysis.offered)} offered "
        f"({format_share(analysis.taken, analysis.offered)})."
    ]
    lines += _describe_routes(analysis, explanation.plan.unit)
    lines += _describe_balance(explanation, analysis)
    return [*lines, *_describe_price_limits(explanation, analysis), *_describe_quantity_range(analysis)]


def _describe_routes(analysis: SourceAnalysis, unit: str) -> list[str]:
    """Return the routes in use, and the cheapest alternative with its extra cost per tonne."""
    if not analysis.routes:
        return ["Route: none; no treatment, lane and smelter accept it."]
    used = [of for of in analysis.routes if of.tonnes > 0]
    rivals = [of for of in analysis.routes if of.tonnes == 0]
    descriptions = cut_list([f"{format_tonnes(of.tonnes)} {describe_route(of)}" for of in used], _MAX_ROUTES)
    lines = [f"Route: {'; '.join(descriptions)}." if used else f"Cheapest route: {describe_route(rivals[0])}."]
    nearest = rivals[0 if used else 1 :][:1]
    if nearest:
        shortage = nearest[0].shortfall
        dearer = f"at least {format_money(shortage, unit)}/t more" if shortage > 0 else "same cost"
        lines.append(f"Next route: {describe_route(nearest[0])}; {dearer}.")
    return lines


def _describe_balance(explanation: StreamExplanation, analysis: SourceAnalysis) -> list[str]:
    """Return the cost of one tonne by kind, the value of its metals, and the rent."""
    unit = explanation.plan.unit
    if explanation.plan.measure != "cost" or not analysis.routes:
        return []
    costs = ", ".join(f"{_COST_TITLES[kind]} {format_money(cost)}" for kind, cost in analysis.costs)
    lines = [f"Cost: {format_money(analysis.cost, unit)}/t{f' ({costs})' if costs else ''}."]
    if analysis.returned:
        metals = ", ".join(
            f"{format_metal_per_tonne(kg)} of {escape_text(metal)} {format_money(value)}"
            for metal, kg, value in analysis.returned
        )
        lines.append(f"Value of its metals: {format_money(analysis.metal_value, unit)}/t ({metals}).")
    else:
        lines.append("Value of its metals: 0.")
    return [*lines, _describe_rent(analysis, unit)]


def _describe_rent(analysis: SourceAnalysis, unit: str) -> str:
    """Return the shadow price of one more tonne on offer."""
    if analysis.left_out:
        return "Shadow prices of full capacities and other binding constraints on its route count as well."
    if analysis.rent == 0:
        return "Shadow price of supply: 0."
    verb = "saves" if analysis.rent > 0 else "costs"
    return f"Shadow price of supply: one more tonne {verb} {format_money(abs(analysis.rent), unit)}."


def _describe_price_limits(explanation: StreamExplanation, analysis: SourceAnalysis) -> list[str]:
    """Return the current price and the break-even prices at which the source enters, shrinks or leaves."""
    unit, by_cost = explanation.plan.unit, explanation.plan.measure == "cost"

    def at(rise: float) -> str:
        """Format a price changed by a rise."""
        return f"{format_money(analysis.price + rise, unit)}/t" if by_cost else f"{format_money(rise, unit)}/t added"

    now = f"Price (devices and collection): {format_money(analysis.price, unit)}/t. " if by_cost else ""
    if analysis.left_out:
        if math.isinf(analysis.enters_at):
            return [f"{now}It enters at no price."] if analysis.routes else []
        return [f"{now}It enters below {at(-analysis.enters_at)}."]
    full = "without limit" if math.isinf(analysis.falls_at) else f"up to {at(analysis.falls_at)}"
    part = "without limit" if math.isinf(analysis.leaves_at) else f"up to {at(analysis.leaves_at)}"
    more = "" if math.isinf(analysis.enters_at) else f"; more is taken below {at(-analysis.enters_at)}"
    rest = "" if full == part else f", any quantity {part}"
    return [f"{now}Break-even: full quantity {full}{rest}{more}."]


def _describe_quantity_range(analysis: SourceAnalysis) -> list[str]:
    """Return the least and greatest quantity over all alternative optima."""
    if analysis.maximum - analysis.minimum <= DISPLAY_TOLERANCE * max(analysis.offered, 1.0):
        return ["Alternative optima: the same quantity in each."]
    return [f"Alternative optima: {format_tonnes(analysis.minimum)} to {format_tonnes(analysis.maximum)}."]


def _build_explanation_object(explanation: Explanation) -> dict[str, Any]:
    """Return the explanation of a plan as one object."""
    alternatives = {
        "unique": explanation.is_unique,
        "differ_in": None if explanation.others is None else list(explanation.others),
        "sources": [
            {
                "streams": analysis.source.list_paths(explanation.plan.instance),
                "least": analysis.minimum,
                "taken": analysis.taken,
                "most": analysis.maximum,
            }
            for analysis in explanation.source_analyses
        ],
    }
    lines = [
        {"kind": line.kind, "path": line.path, "amount": line.amount, "unit": line.unit, "value": line.value}
        for line in explanation.cost_breakdown
    ]
    content: dict[str, Any] = {
        "binding": [
            {
                "paths": list(row.paths),
                "what": row.name,
                "change": row.step,
                "unit": row.unit or None,
                "every_period": row.every_period,
                "saves": row.saves,
                "costs": row.costs,
            }
            for row in explanation.binding
        ],
        "prices": [_build_price_row(price) for price in explanation.marginal_prices],
        "sources": [_build_source_row(explanation.plan, analysis) for analysis in explanation.source_analyses],
        "invoice": lines,
        "alternatives": alternatives,
        "unproven": list(explanation.unproven),
    }
    if explanation.lots is not None:
        replanned = [{"path": one.path, "more": one.more} for one in explanation.replanned]
        content["lots"] = {"kept": True, "charges": explanation.lots.charges, "replanned": replanned}
    return {**identify_plan(explanation.chosen), "explanation": content}


def _build_stream_object(explanation: StreamExplanation) -> dict[str, Any]:
    """Return the explanation of one stream as one object."""
    bundle = None if explanation.bundle is None else _build_source_row(explanation.plan, explanation.bundle)
    return {
        **identify_plan(explanation.plan),
        "explanation": {"stream": _build_source_row(explanation.plan, explanation.source), "bundle": bundle},
    }


def _build_price_row(price: MarginalPrice) -> dict[str, Any]:
    """Return the prices of one more and one fewer of a metal or medal, with the market price and the substitution."""
    market = price.market
    return {
        "path": price.path,
        "unit": price.unit,
        "more": price.more,
        "fewer": price.less,
        "market": None if market is None else {"path": market.path, "price": market.price},
        "ratio": price.ratio,
        "takes": [{"what": part.name, "amount": part.amount, "unit": part.unit} for part in price.parts],
    }


def _build_source_row(plan: Plan, analysis: SourceAnalysis) -> dict[str, Any]:
    """Return one source: quantities [t], costs and values [objective per t], break-even prices and routes."""
    return {
        "what": analysis.source.kind_name,
        "region": analysis.source.region or None,
        "streams": analysis.source.list_paths(plan.instance),
        "offered": analysis.offered,
        "taken": analysis.taken,
        "unit": "t",
        "price": analysis.price,
        "costs": dict(analysis.costs),
        "metals": [{"metal": metal, "kg": kilograms, "worth": value} for metal, kilograms, value in analysis.returned],
        "rent": analysis.rent,
        "falls_at": drop_infinite(analysis.falls_at),
        "leaves_at": drop_infinite(analysis.leaves_at),
        "enters_at": drop_infinite(analysis.enters_at),
        "least": analysis.minimum,
        "most": analysis.maximum,
        "ways": [
            {
                "treatment": route.treatment,
                "smelter": route.smelter,
                "tonnes": route.tonnes,
                "dearer": drop_infinite(route.shortfall),
            }
            for route in analysis.routes
        ],
    }
