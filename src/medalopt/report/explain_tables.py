"""Tables of an explanation: binding constraints, marginal prices, cost breakdown by shadow price, and sources."""

from __future__ import annotations

import math

from medalopt.analysis.explain.cost_breakdown import CostLine
from medalopt.analysis.explain.explanation import Explanation
from medalopt.analysis.explain.marginal_prices import MarginalPrice
from medalopt.analysis.explain.sources import SourceAnalysis, SourceRoute
from medalopt.instance.paths import parse_path
from medalopt.report.numbers import (
    choose_money_scale,
    format_column,
    format_money,
    format_number,
    format_share,
    format_tonnes,
)
from medalopt.report.text_table import TextColumn, TextTable, make_text_table
from medalopt.text import escape_text

_MAX_BINDING, _MAX_OWN_BINDING, _MAX_BREAKDOWN_ROWS = 6, 3, 7
_MIN_SAVING = 1e-3  # relative to the largest saving from relaxing by a hundredth; smaller ones are in --json only
DEAR_PRICE_RATIO = 1.5  # times the market price, above which a metal gets a sentence
MASS_TOLERANCE = 1e-6  # relative tolerance of masses
_PRICE_TOLERANCE = 1e-7  # relative tolerance of the two prices at a breakpoint
_MARKET_TOLERANCE = 1e-4  # relative tolerance within which a price equals the market price


def build_binding_table(found: Explanation) -> TextTable:
    """Return the table of binding constraints with the saving from relaxing each by one unit.

    Args:
        found: Explanation of an optimal plan.

    Returns:
        The constraints of the largest saving, then those added by the user.
    """
    least = _MIN_SAVING * max((row.hint for row in found.binding), default=0.0)
    much = [row for row in found.binding if row.hint >= least][:_MAX_BINDING]
    own = [row for row in found.binding[len(much) :] if parse_path(row.paths[0])[0] == "extension"]
    listed = [*much, *own[:_MAX_OWN_BINDING]]
    rest = len(found.binding) - len(listed)
    changes = [
        f"1 {f'{row.unit} ' if row.unit else ''}{'more' if row.step > 0 else 'less'}"
        f"{' in each period' if row.every_period else ''}"
        for row in listed
    ]
    columns = [
        (TextColumn("what", right=False), [escape_text(row.what) for row in listed]),
        (TextColumn("change", right=False), changes),
        (TextColumn(f"saves {found.plan.unit}"), [format_money(row.saves) for row in listed]),
    ]
    notes = [f"{rest} more, of less worth: --json has all."] if rest > 0 else []
    return make_text_table("What binds, and what loosening it a little would save", columns, notes=notes)


def build_price_table(found: Explanation) -> TextTable:
    """Return the table of the marginal prices of metals and medals.

    The objective is piecewise linear in each demand, so the increase for one more and the saving for one fewer differ
    at a breakpoint.

    Args:
        found: Explanation of an optimal plan.

    Returns:
        The table beside market prices; prices equal to the market, or far below it with a surplus, are notes.
    """
    plain = [escape_text(kink.name) for kink in found.marginal_prices if _equals_market_price(kink)]
    listed = [
        kink for kink in found.marginal_prices if not _equals_market_price(kink) and not _is_abundant(found, kink)
    ]
    unit = found.plan.unit
    columns = [
        (TextColumn("what", right=False), [_format_kink_name(kink) for kink in listed]),
        (TextColumn(f"one more costs {unit}"), [_format_kink_price(kink.more, kink.fewer) for kink in listed]),
        (TextColumn(f"one fewer saves {unit}"), [_format_kink_price(kink.fewer, kink.more) for kink in listed]),
        (
            TextColumn(f"market {unit}", rank=2),
            [format_money(kink.market.price) if kink.market else "" for kink in listed],
        ),
        (TextColumn("times", rank=1), [_format_ratio(kink) for kink in listed]),
    ]
    notes = [f"As on the market: {', '.join(plain)}."] if plain else []
    plenty = [
        f"{escape_text(kink.name)} ({format_money(kink.more or 0.0)})"
        for kink in found.marginal_prices
        if _is_abundant(found, kink)
    ]
    notes += [f"Far below the market, as more comes back than is needed: {', '.join(plenty)}."] if plenty else []
    if any(kink.unit for kink in listed):
        notes.append("A kg of metal: of what is charged; `solve` has a kg at hand in one period.")
    return make_text_table("What one more costs, and one fewer saves", columns, notes=notes, always=3)


def _is_abundant(found: Explanation, kink: MarginalPrice) -> bool:
    """Return whether a metal is in surplus: its price is far below the market and the same in both directions."""
    if kink.metal is None or kink.ratio is None or kink.ratio >= 1 / DEAR_PRICE_RATIO or kink.more is None:
        return False
    account, same = (
        found.plan.account,
        kink.fewer is not None and abs(kink.more - kink.fewer) <= _PRICE_TOLERANCE * abs(kink.more),
    )
    left, needed = account.decisions.surplus[kink.metal].sum(), account.composition[:, kink.metal].sum()
    return bool(same and left > MASS_TOLERANCE * needed > 0)


def _equals_market_price(kink: MarginalPrice) -> bool:
    """Return whether both marginal prices equal the market price."""
    both = (kink.more, kink.fewer)
    return kink.market is not None and all(
        value is not None and abs(value - kink.market.price) <= _MARKET_TOLERANCE * abs(kink.market.price)
        for value in both
    )


def _format_kink_name(kink: MarginalPrice) -> str:
    """Return a unit of a metal or medal with its name."""
    return f"kg of {escape_text(kink.name)}" if kink.metal is not None else f"medal {escape_text(kink.name)}"


def _format_kink_price(value: float | None, other: float | None) -> str:
    """Return a price, with more digits where the two prices differ only beyond the usual ones."""
    if value is None:
        return "no plan"
    if (
        other is None
        or format_money(value) != format_money(other)
        or abs(value - other) <= _PRICE_TOLERANCE * abs(value)
    ):
        return format_money(value)
    return format_number(value, 7)


def _format_ratio(kink: MarginalPrice) -> str:
    """Return the ratio to the market price."""
    if kink.ratio is None:
        return ""
    return f"{kink.ratio:,.0f}" if kink.ratio >= 10 else f"{kink.ratio:.1f}" if kink.ratio >= 0.05 else "≈0"


def build_cost_breakdown(found: Explanation) -> TextTable:
    """Return the cost breakdown by shadow price: demands at marginal prices, less the rents of binding limits.

    By strong duality the values add up to the objective.

    Args:
        found: Explanation of an optimal plan.

    Returns:
        The table with its total; small lines are summed.
    """
    rows = _group_lines(found)
    needs = [row for row in rows if row[2] > 0]
    taken_off = [row for row in rows if row[2] <= 0]
    room = max(_MAX_BREAKDOWN_ROWS - len(needs), 3)
    shown_rows = [
        *_truncate_rows(needs, _MAX_BREAKDOWN_ROWS - min(len(taken_off), 4), "other needs"),
        *_truncate_rows(taken_off, room, "other rents"),
    ]
    total = found.plan.objective
    size, word = choose_money_scale([row[2] for row in shown_rows])
    columns = [
        (TextColumn("figure", right=False), [*(row[0] for row in shown_rows), "in all"]),
        (TextColumn("amount", rank=1), [*(row[1] for row in shown_rows), ""]),
        (
            TextColumn(f"{word}{found.plan.unit}"),
            _format_amounts([*(row[2] / size for row in shown_rows), total / size]),
        ),
    ]
    title = "The invoice: needs at their marginal prices, less the rents of what is scarce"
    return make_text_table(title, columns if shown_rows else [(TextColumn("figure"), [])], total=True)


_BreakdownRow = tuple[str, str, float]


def _format_amounts(amounts: list[float]) -> list[str]:
    """Return amounts as the cells of one column."""
    largest = max(abs(amount) for amount in amounts)
    return format_column(amounts) if largest >= 100 else [format_number(amount) for amount in amounts]


def _truncate_rows(rows: list[_BreakdownRow], most: int, rest: str) -> list[_BreakdownRow]:
    """Return at most `most` rows, the last of which sums the rest."""
    if len(rows) <= most:
        return rows
    return [*rows[: most - 1], (f"{len(rows) - most + 1} {rest}", "", sum(row[2] for row in rows[most - 1 :]))]


def _group_lines(found: Explanation) -> list[_BreakdownRow]:
    """Return the breakdown by parameter, streams of one source as one; added amounts first, then by size."""
    of = {path: source.name for source in found.told for path in source.paths(found.plan.instance)}
    groups: dict[str, list[CostLine]] = {}
    for line in found.cost_breakdown:
        steps = parse_path(line.path)
        stream = line.path.removesuffix(".available")
        groups.setdefault(of[stream] if steps[-1] == "available" else _name_line(line, steps), []).append(line)
    rows = [(name, _format_line_amount(lines), sum(line.value for line in lines)) for name, lines in groups.items()]
    return sorted(rows, key=lambda row: (row[2] <= 0, -abs(row[2]), row[0]))


def _format_line_amount(lines: list[CostLine]) -> str:
    """Return the total amount of lines with its unit."""
    amount, unit = sum(line.amount for line in lines), lines[0].unit
    if lines[0].kind == "added":
        return format_number(amount)
    return f"{format_number(amount)} {unit}" if unit else f"{amount:,.0f}"


def _name_line(line: CostLine, steps: tuple[str | int, ...]) -> str:
    """Return the name of the parameter of a line."""
    if line.kind == "need":
        return f"medals {escape_text(str(steps[1]))}"
    if line.kind == "rule":
        return str(steps[-1]).replace("_", " ")
    if line.kind == "added":
        return escape_text(str(steps[1]))
    words = " ".join(str(step).replace("_", " ") for step in steps[2:])
    return f"{escape_text(str(steps[1]))}, {words}"


_MAX_LEFT_OUT = 3


def build_break_even_table(found: Explanation) -> TextTable:
    """Return the table of sources that are taken, with break-even prices.

    A break-even price is the price of goods and collection [objective per t] up to which the full quantity, or any
    quantity, stays in the optimal plan. For an objective other than cost it is the increase that is tolerated.

    Args:
        found: Explanation of an optimal plan.

    Returns:
        The table, with notes on sources taken in part and on small sources.
    """
    listed = [one for one in found.source_analyses if not one.left_out]
    unit = found.plan.unit
    priced = found.plan.measure == "cost"
    columns = [
        (TextColumn("source", right=False), [escape_text(one.source.name) for one in listed]),
        (TextColumn("taken t", rank=2), format_column([one.taken for one in listed])),
        (TextColumn("taken"), [format_share(one.taken, one.offered) for one in listed]),
        (TextColumn("for its", right=False, rank=1), [_describe_main_metal(one) for one in listed]),
        (TextColumn("price now"), [format_money(one.price) if priced else "" for one in listed]),
        (TextColumn("all of it up to"), [_format_price_limit(found, one, one.falls_at) for one in listed]),
        (TextColumn("some up to"), [_format_price_limit(found, one, one.leaves_at) for one in listed]),
    ]
    title = f"What is taken, up to what price of goods and collection, {unit} per t"
    if not priced:
        title = f"What is taken, and how much more a tonne of it may add, {unit}"
    return make_text_table(title, columns, notes=_build_source_notes(found))


def _format_price_limit(found: Explanation, one: SourceAnalysis, rise: float) -> str:
    """Return the price to which a source may rise, or the tolerated increase where the objective is not cost."""
    if math.isinf(rise):
        return "any"
    return format_money(one.price + rise) if found.plan.measure == "cost" else f"+{format_money(rise)}"


def _describe_main_metal(one: SourceAnalysis) -> str:
    """Return the most valuable metal of a source with its share of the value of all its metals."""
    if not one.returned or not one.worth > 0:
        return "–"
    name, _, worth = one.returned[0]
    return f"{escape_text(name)} {format_share(worth, one.worth)}" if len(one.returned) > 1 else escape_text(name)


def _build_source_notes(found: Explanation) -> list[str]:
    """Return notes on the sources taken in part within a group, and on the total of the small sources."""
    streams = found.plan.instance.streams
    partly = [
        (
            float(streams.available.value[source.streams].sum()),
            float(found.plan.account.sent[source.streams].sum()),
            source,
        )
        for source in found.each
    ]
    rest = [row for row in partly if 1e-9 * row[0] < row[1] < (1 - 1e-9) * row[0]]
    rest.sort(key=lambda row: row[1] - row[0])
    notes = []
    if len(found.each) > len(found.told) and rest:
        told = [f"{escape_text(source.name)} ({format_share(taken, offered)})" for offered, taken, source in rest[:3]]
        more = [f"{len(rest) - 3} more"] if len(rest) > 3 else []
        notes.append(f"Taken in part: {', '.join([*told, *more])}.")
    if found.smaller_sources:
        offered = sum(float(streams.available.value[source.streams].sum()) for source in found.smaller_sources)
        taken = sum(float(found.plan.account.sent[source.streams].sum()) for source in found.smaller_sources)
        notes.append(
            f"{len(found.smaller_sources)} smaller sources: {format_tonnes(taken)} taken of {format_tonnes(offered)}."
        )
    return notes


def describe_left_out_sources(found: Explanation) -> list[str]:
    """Return one line for each of the largest sources that are left out.

    Args:
        found: Explanation of an optimal plan.

    Returns:
        The lines: cost and metal value per tonne, and the price at which the source enters the plan.
    """
    listed = [one for one in found.source_analyses if one.left_out and one.offered > 0]
    lines = [_describe_left_out_source(found, one) for one in listed[:_MAX_LEFT_OUT]]
    if len(listed) > _MAX_LEFT_OUT:
        names = ", ".join(escape_text(one.source.name) for one in listed[_MAX_LEFT_OUT:])
        lines.append(f"Left out too: {names} (--json tells at what price each would come in).")
    return lines


def _describe_left_out_source(found: Explanation, one: SourceAnalysis) -> str:
    """Return cost and metal value of one tonne of a source left out, and the price at which it enters."""
    unit = found.plan.unit
    line = f"Left out: {escape_text(one.source.name)}, {format_tonnes(one.offered)} offered."
    if not one.ways:
        return f"{line} No treatment, lane and smelter takes it."
    if found.plan.measure == "cost":
        best = one.ways[0]
        line += (
            f" A tonne would cost {format_money(one.cost, unit)} {describe_route(best)} and bring "
            f"{format_money(one.worth)} in metal."
        )
    if math.isinf(one.enters_at):
        return f"{line} No price brings it in."
    if one.enters_at == 0:
        return f"{line} A plan that takes it is as good."
    cheaper = f" It comes in when it is {format_money(one.enters_at, unit)} a tonne cheaper"
    if found.plan.measure != "cost":
        return f"{line}{cheaper}."
    goods = one.price - one.enters_at
    return f"{line}{cheaper}: for less than {format_money(goods)}, now {format_money(one.price)}."


def describe_route(of: SourceRoute) -> str:
    """Return a route in words.

    Args:
        of: Treatment and smelter; no smelter: the device is passed on to ordinary recycling.

    Returns:
        The phrase, such as `by dismantle to kosaka`.
    """
    there = f" to {escape_text(of.smelter)}" if of.smelter is not None else ", out of the project"
    return f"by {escape_text(of.treatment)}{there}"


def format_metal_per_tonne(kilograms: float) -> str:
    """Return the metal content of one tonne with a suitable unit.

    Args:
        kilograms: Metal [kg per t].

    Returns:
        The content in kg, or in g below 1 kg.
    """
    return f"{format_number(kilograms)} kg" if kilograms >= 1 else f"{format_number(1000 * kilograms)} g"
