"""Explanation of an optimal plan, or of one stream of it, as text and as plain data.

An infinite price limit, and a price in an infeasible direction, is null in the data.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from medalopt.analysis.explain.explanation import Explanation, StreamExplanation
from medalopt.analysis.explain.marginal_prices import MarginalPrice
from medalopt.analysis.explain.sources import SourceAnalysis
from medalopt.instance.arithmetic import FLOAT_ARITHMETIC
from medalopt.plan.plan import Plan
from medalopt.proof.extensions import NO_EXTENSIONS
from medalopt.report.explain_tables import (
    DEAR_PRICE_RATIO,
    MASS_TOLERANCE,
    build_binding_table,
    build_break_even_table,
    build_cost_breakdown,
    build_price_table,
    describe_left_out_sources,
    describe_route,
    format_metal_per_tonne,
)
from medalopt.report.metal_values import MetalValues
from medalopt.report.numbers import format_money, format_number, format_share, format_tonnes
from medalopt.report.plan_json import identify_instance
from medalopt.report.render.text import Screen, render_plain_text
from medalopt.report.solve import describe_proof, find_rejected_offer
from medalopt.text import escape_text, format_count

_MAX_OWN_CONSTRAINTS = 4
_MAX_DEAR_METALS, _MAX_SUBSTITUTES, _MAX_RANGES = 3, 3, 4


def render_explanation(found: Explanation, screen: Screen | None = None) -> str:
    """Render the explanation of a plan as text.

    Args:
        found: Explanation of an optimal plan.
        screen: Width and style; None for standard output.

    Returns:
        The whole page.
    """
    title = f"Why this plan: {found.plan.instance.title or found.plan.instance.name}"
    tables = [
        table
        for table in (
            build_binding_table(found),
            build_price_table(found),
            build_break_even_table(found),
            build_cost_breakdown(found),
        )
        if table.rows
    ]
    return render_plain_text(title, summarize_explanation(found), tables, screen)


def summarize_explanation(found: Explanation) -> list[str]:
    """Return the sentences above the tables.

    Args:
        found: Explanation of an optimal plan.

    Returns:
        Objective and proof, added constraints, dear metals, sources left out, alternative optima.
    """
    plan = found.plan
    value = format_money(plan.objective, plan.unit)
    lines = [
        f"{'Cost' if plan.measure == 'cost' else f'Least {plan.measure}'}: {value}. "
        f"{describe_proof(plan).partition(':')[0]}."
    ]
    lines += _describe_own_constraints(plan)
    lines += [_describe_dear_metal(found, kink) for kink in _rank_dear_metals(found)]
    lines += describe_left_out_sources(found)
    if found.unproven:
        lines.append(
            f"Left out, as their prices could not be proven: "
            f"{_join_with_and([escape_text(name) for name in found.unproven])}."
        )
    return [*lines, _describe_alternative_optima(found)]


def _describe_own_constraints(plan: Plan) -> list[str]:
    """Return lines on the constraints, costs and variables that the user added, and whether the prices are proven."""
    if plan.added == NO_EXTENSIONS:
        return []
    counts = Counter(row.name.partition("[")[0] for row in plan.added.rows)
    named = [f"{escape_text(name)}{f' ({count} rows)' if count > 1 else ''}" for name, count in counts.items()]
    rest = [f"{len(named) - _MAX_OWN_CONSTRAINTS} more"] if len(named) > _MAX_OWN_CONSTRAINTS else []
    what = _join_with_and([*named[:_MAX_OWN_CONSTRAINTS], *rest]) if named else "costs or variables"
    lines = [f"All prices count your own {what} too, which stays as it is while a figure of the instance moves."]
    if plan.certificate.arithmetic == FLOAT_ARITHMETIC.name:
        lines.append("They are not proven: a variable of your own has no bounds; give it some to have them proven.")
    return lines


def _rank_dear_metals(found: Explanation) -> list[MarginalPrice]:
    """Return the metals far above their market price, sorted by that price times the kilograms charged."""
    used = found.plan.account.composition.sum(axis=(0, 2))
    dear = [kink for kink in found.marginal_prices if kink.metal is not None and (kink.ratio or 0.0) > DEAR_PRICE_RATIO]
    return sorted(dear, key=lambda kink: -(kink.more or 0.0) * float(used[kink.metal or 0]))[:_MAX_DEAR_METALS]


def _describe_dear_metal(found: Explanation, kink: MarginalPrice) -> str:
    """Return the price of a dear metal beside the market, the reason not to buy it, and its substitution."""
    plan, market = found.plan, kink.market
    assert kink.more is not None and market is not None and kink.metal is not None
    times = f"{kink.ratio:,.0f}" if (kink.ratio or 0) >= 10 else f"{kink.ratio:.1f}"
    asked = f"what {escape_text(market.name)} asks" if market.offered else "what it is sold for"
    line = (
        f"One more kilogram of {escape_text(kink.name)} costs {format_money(kink.more, plan.unit)}, "
        f"{times} times {asked}"
    )
    line += f" ({format_money(market.price)})"
    refused = find_rejected_offer(plan, MetalValues(plan), kink.metal)
    if refused and refused.reason and market.offered:
        line += f", {refused.reason}"
    return f"{line}.{_describe_substitution(kink)}"


def _describe_substitution(kink: MarginalPrice) -> str:
    """Return the purchases and tonnes that increase, and those that decrease, for one more kilogram."""
    told = [part for part in kink.parts if part.unit == "t"][:_MAX_SUBSTITUTES] or list(kink.parts[:_MAX_SUBSTITUTES])
    more = [_format_substitute(part.amount, part.unit, part.what) for part in told if part.amount > 0]
    less = [_format_substitute(-part.amount, part.unit, part.what) for part in told if part.amount < 0]
    if not more:
        return ""
    return f" It takes {_join_with_and(more)} more{f', and {_join_with_and(less)} less' if less else ''}."


def _format_substitute(amount: float, unit: str, what: str) -> str:
    """Return an amount of a source in tonnes, or of an offer in kilograms, with its name."""
    return f"{format_tonnes(amount) if unit == 't' else f'{format_number(amount)} kg'} of {escape_text(what)}"


def _join_with_and(parts: list[str]) -> str:
    """Join parts with commas and a final `and`."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _describe_alternative_optima(found: Explanation) -> str:
    """Return whether the optimum is unique, and otherwise the range of each source over all alternative optima."""
    measure = found.plan.measure
    good = "Other plans are as good" if measure == "cost" else f"By {measure} other plans are as good (cost decides)"
    if found.others is None:
        return "Whether other plans are as good could not be proven."
    if found.only:
        return "This is the only optimal plan (proven)."
    ranged = [one for one in found.source_analyses if one.most - one.least > MASS_TOLERANCE * max(one.offered, 1.0)]
    if not ranged:
        same = (
            "every source gives as many tonnes"
            if found.source_analyses and not found.smaller_sources
            else "the sources give as much"
        )
        alike = f"{same} in each; they differ in" if found.source_analyses else "they differ in"
        return f"{good}: {alike} {_join_with_and(list(found.others))}."
    told = [
        f"{escape_text(one.source.name)} {format_tonnes(one.least)} to {format_tonnes(one.most)} (here "
        f"{format_tonnes(one.taken)})"
        for one in ranged[:_MAX_RANGES]
    ]
    more = [f"{len(ranged) - _MAX_RANGES} more"] if len(ranged) > _MAX_RANGES else []
    return f"{good}, with other tonnes: {_join_with_and([*told, *more])}."


_MAX_ROUTES = 4
_RANGE_TOLERANCE = 1e-6
_COST_TITLES = {
    "supply": "to the supplier",
    "collection": "collection",
    "treating": "treatment",
    "transport": "transport",
    "smelting": "treatment charge",
    "residue": "residue",
    "refining": "refining charge",
}


def render_stream_explanation(found: StreamExplanation, screen: Screen | None = None) -> str:
    """Render the explanation of one stream, and of its bundle, as text.

    Args:
        found: Explanation of the stream.
        screen: Width and style; None for standard output.

    Returns:
        The page.
    """
    instance, stream = found.plan.instance, found.stream
    name = instance.streams.names[stream]
    device = instance.devices.names[instance.streams.device[stream]]
    region = instance.regions[instance.streams.region[stream]]
    title = f"{name}: {device} from {region}"
    lines = [*_describe_own_constraints(found.plan), *_describe_source(found, found.own)]
    if found.bundle is not None:
        others = len(found.bundle.source.streams) - 1
        with_it = format_count(others, "other stream")
        lines.append(
            f"It comes only with {with_it}, as {escape_text(found.bundle.source.name)}. Of that bundle as a whole:"
        )
        lines += _describe_source(found, found.bundle)
    return render_plain_text(title, lines, (), screen)


def _describe_source(found: StreamExplanation, one: SourceAnalysis) -> list[str]:
    """Return the lines on one source: quantity, routes, balance of a tonne, break-even prices, range."""
    lines = [
        f"{format_tonnes(one.taken)} taken of {format_tonnes(one.offered)} offered "
        f"({format_share(one.taken, one.offered)})."
    ]
    lines += _describe_routes(one, found.plan.unit)
    lines += _describe_balance(found, one)
    return [*lines, *_describe_price_limits(found, one), *_describe_quantity_range(one)]


def _describe_routes(one: SourceAnalysis, unit: str) -> list[str]:
    """Return the routes in use, and the cheapest alternative with its extra cost per tonne."""
    if not one.ways:
        return ["No treatment, lane and smelter takes it."]
    used = [of for of in one.ways if of.tonnes > 0]
    rivals = [of for of in one.ways if of.tonnes == 0]
    told = [f"{format_tonnes(of.tonnes)} {describe_route(of)}" for of in used[:_MAX_ROUTES]]
    more = [f"{len(used) - _MAX_ROUTES} ways more"] if len(used) > _MAX_ROUTES else []
    lines = (
        [f"It goes {'; '.join([*told, *more])}."] if used else [f"Its best way would be {describe_route(rivals[0])}."]
    )
    nearest = rivals[0 if used else 1 :][:1]
    if nearest:
        short = nearest[0].short
        dearer = f"at least {format_money(short, unit)} a tonne dearer" if short > 0 else "as good"
        lines.append(f"The nearest other way is {describe_route(nearest[0])}: {dearer}.")
    return lines


def _describe_balance(found: StreamExplanation, one: SourceAnalysis) -> list[str]:
    """Return the cost of one tonne by kind, the value of its metals, and the rent."""
    unit = found.plan.unit
    if found.plan.measure != "cost" or not one.ways:
        return []
    costs = ", ".join(f"{_COST_TITLES[kind]} {format_money(cost)}" for kind, cost in one.costs)
    lines = [f"A tonne costs {format_money(one.cost, unit)} on the way{f': {costs}' if costs else ''}."]
    if one.returned:
        metals = ", ".join(
            f"{format_metal_per_tonne(kg)} of {escape_text(metal)} {format_money(worth)}"
            for metal, kg, worth in one.returned
        )
        lines.append(f"It brings metal worth {format_money(one.worth, unit)}: {metals}.")
    else:
        lines.append("It brings no metal.")
    return [*lines, _describe_rent(one, unit)]


def _describe_rent(one: SourceAnalysis, unit: str) -> str:
    """Return the shadow price of one more tonne on offer."""
    if one.left_out:
        return "What rules and full plants on its way ask is counted at the plan's prices as well."
    if one.rent == 0:
        return "At the plan's prices a tonne more on offer saves nothing."
    verb = "saves" if one.rent > 0 else "costs"
    return f"At the plan's prices a tonne more on offer {verb} {format_money(abs(one.rent), unit)}."


def _describe_price_limits(found: StreamExplanation, one: SourceAnalysis) -> list[str]:
    """Return the current price and the break-even prices at which the source enters, shrinks or leaves."""
    unit, by_cost = found.plan.unit, found.plan.measure == "cost"

    def at(rise: float) -> str:
        """Return a price changed by `rise`, with its unit."""
        return (
            f"{format_money(one.price + rise, unit)} a tonne"
            if by_cost
            else f"{format_money(rise, unit)} a tonne added"
        )

    now = f"Goods and collection cost {format_money(one.price, unit)} a tonne now. " if by_cost else ""
    if one.left_out:
        if math.isinf(one.enters_at):
            return [f"{now}No price brings it in."] if one.ways else []
        return [f"{now}It comes in below {at(-one.enters_at)}."]
    all_of_it = "at any price" if math.isinf(one.falls_at) else f"up to {at(one.falls_at)}"
    some = "at any price" if math.isinf(one.leaves_at) else f"up to {at(one.leaves_at)}"
    more = "" if math.isinf(one.enters_at) else f" More is taken below {at(-one.enters_at)}."
    kept = f"All that is taken stays {all_of_it}"
    return [f"{now}{kept}{'' if all_of_it == some else f', some of it {some}'}.{more}"]


def _describe_quantity_range(one: SourceAnalysis) -> list[str]:
    """Return the least and greatest quantity over all alternative optima."""
    if one.most - one.least <= _RANGE_TOLERANCE * max(one.offered, 1.0):
        return ["No optimal plan takes more or less of it."]
    return [f"Optimal plans take from {format_tonnes(one.least)} to {format_tonnes(one.most)} of it."]


def build_explanation_object(found: Explanation) -> dict[str, Any]:
    """Return the explanation of a plan as one object.

    Args:
        found: Explanation of an optimal plan.

    Returns:
        The members of the JSON output; all amounts in the unit of the objective.
    """
    alternatives = {
        "unique": found.only,
        "differ_in": None if found.others is None else list(found.others),
        "sources": [
            {"streams": one.source.paths(found.plan.instance), "least": one.least, "taken": one.taken, "most": one.most}
            for one in found.source_analyses
        ],
    }
    lines = [
        {"kind": line.kind, "path": line.path, "amount": line.amount, "unit": line.unit, "value": line.value}
        for line in found.cost_breakdown
    ]
    content = {
        "binding": [
            {
                "paths": list(row.paths),
                "what": row.what,
                "change": row.step,
                "unit": row.unit or None,
                "every_period": row.every_period,
                "saves": row.saves,
            }
            for row in found.binding
        ],
        "prices": [_build_price_row(kink) for kink in found.marginal_prices],
        "sources": [_build_source_row(found.plan, one) for one in found.source_analyses],
        "invoice": lines,
        "alternatives": alternatives,
        "unproven": list(found.unproven),
    }
    return {**_build_header(found.plan), "explanation": content}


def build_stream_object(found: StreamExplanation) -> dict[str, Any]:
    """Return the explanation of one stream as one object.

    Args:
        found: Explanation of the stream, and of its bundle where it has one.

    Returns:
        The members of the JSON output.
    """
    bundle = None if found.bundle is None else _build_source_row(found.plan, found.bundle)
    return {
        **_build_header(found.plan),
        "explanation": {"stream": _build_source_row(found.plan, found.own), "bundle": bundle},
    }


def _build_header(plan: Plan) -> dict[str, Any]:
    """Return status, instance and objective."""
    return {
        "status": plan.status,
        "instance": identify_instance(plan.instance),
        "objective": {"measure": plan.measure, "value": plan.objective, "unit": plan.unit},
    }


def _build_price_row(kink: MarginalPrice) -> dict[str, Any]:
    """Return the prices of one more and one fewer of a metal or medal, with the market price and the substitution."""
    market = kink.market
    return {
        "path": kink.path,
        "unit": kink.unit,
        "more": kink.more,
        "fewer": kink.fewer,
        "market": None if market is None else {"path": market.path, "price": market.price},
        "ratio": kink.ratio,
        "takes": [{"what": part.what, "amount": part.amount, "unit": part.unit} for part in kink.parts],
    }


def _build_source_row(plan: Plan, one: SourceAnalysis) -> dict[str, Any]:
    """Return one source: quantities [t], costs and values [objective per t], break-even prices and routes."""
    return {
        "what": one.source.what,
        "region": one.source.region or None,
        "streams": one.source.paths(plan.instance),
        "offered": one.offered,
        "taken": one.taken,
        "unit": "t",
        "price": one.price,
        "costs": dict(one.costs),
        "metals": [{"metal": metal, "kg": kilograms, "worth": worth} for metal, kilograms, worth in one.returned],
        "rent": one.rent,
        "falls_at": _null_if_infinite(one.falls_at),
        "leaves_at": _null_if_infinite(one.leaves_at),
        "enters_at": _null_if_infinite(one.enters_at),
        "least": one.least,
        "most": one.most,
        "ways": [
            {
                "treatment": way.treatment,
                "smelter": way.smelter,
                "tonnes": way.tonnes,
                "dearer": _null_if_infinite(way.short),
            }
            for way in one.ways
        ],
    }


def _null_if_infinite(value: float) -> float | None:
    """Return the value, None where it is infinite."""
    return value if math.isfinite(value) else None
