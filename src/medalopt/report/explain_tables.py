"""Tables of an explanation: binding constraints, marginal prices, cost breakdown by shadow price, and sources."""

from __future__ import annotations

import math
from dataclasses import dataclass

from medalopt.analysis.explain.explanation import Explanation, MarginalPrice
from medalopt.analysis.explain.local_analysis import SupplySource
from medalopt.analysis.explain.shadow_prices import BindingConstraint, CostLine
from medalopt.analysis.explain.sources import SourceAnalysis, SourceRoute
from medalopt.catalog import STEP_TITLE, find_limit
from medalopt.report.document import CellValue, NumberStyle, ReportColumn, ReportTable, ShownValue
from medalopt.report.numbers import choose_money_scale, format_money, format_number, format_share, format_tonnes
from medalopt.text import cut_list, escape_text, parse_path
from medalopt.tolerances import DISPLAY_TOLERANCE, PRICE_TOLERANCE

_MAX_BINDING, _MAX_OWN_BINDING, _MAX_BREAKDOWN_ROWS = 6, 3, 7
_MIN_SAVING = 1e-3  # relative to the largest saving from relaxing by a hundredth; smaller ones are in --json only
_PRICE_DEFINITIONS = (
    "Metals: per kilogram charged, in proportion. Medals: one whole medal; medalopt sensitivity states the rate per "
    "medal within its range."
)
DEAR_PRICE_RATIO = 1.5  # times the market price, above which a metal gets a sentence
_MARKET_TOLERANCE = 1e-4  # relative tolerance within which a price equals the market price


def build_binding_table(explanation: Explanation, whole: bool = False) -> ReportTable:
    """Return the table of binding constraints with the saving from relaxing each by one unit.

    Args:
        explanation: Explanation of an optimal plan.
        whole: All of them; else those of the largest saving, then those added by the user.
    """
    minimum = _MIN_SAVING * max((row.hint for row in explanation.binding), default=0.0)
    much = [row for row in explanation.binding if row.hint >= minimum][:_MAX_BINDING]
    extension_rows = [row for row in explanation.binding[len(much) :] if parse_path(row.paths[0])[0] == "extension"]
    listed = list(explanation.binding) if whole else [*much, *extension_rows[:_MAX_OWN_BINDING]]
    rest = len(explanation.binding) - len(listed)
    columns = (
        ReportColumn("what", "constraint"),
        ReportColumn("paths", "paths", hidden=True),
        ReportColumn("change", "change"),
        ReportColumn("saves", "saves", explanation.plan.unit, style="money"),
        ReportColumn("costs", "the opposite costs", explanation.plan.unit, style="money", rank=1, optional=True),
    )
    rows = tuple((row.name, " ".join(row.paths), _describe_step(row), row.saves, _show_cost(row)) for row in listed)
    order = "Sorted by the saving from relaxing each by 1 %"
    more = f"; {rest} more with smaller savings (--json lists all)" if rest > 0 else ""
    notes = (f"{order}{more}.",) if len(rows) > 1 else ()
    title, text = "Binding constraints and shadow prices", "Saving in the objective from relaxing each by one unit."
    return ReportTable("binding", title, text, columns, rows, notes)


def _show_cost(row: BindingConstraint) -> CellValue:
    """Return the cost of tightening by one unit, where it differs from the saving of relaxing."""
    if not row.has_kink:
        return None
    return "infeasible" if row.costs is None else row.costs


def _describe_step(row: BindingConstraint) -> str:
    """Return the change of one unit in words."""
    unit = f"{row.unit} " if row.unit else ""
    return f"1 {unit}{'more' if row.step > 0 else 'less'}{' in each period' if row.every_period else ''}"


def build_price_table(explanation: Explanation, whole: bool = False) -> ReportTable:
    """Return the table of the marginal prices of metals and medals.

    The objective is piecewise linear in each demand, so the increase for one more and the saving for one fewer differ
    at a breakpoint.

    Args:
        explanation: Explanation of an optimal plan.
        whole: All of them; else prices equal to the market, or far below it with a surplus, are notes.

    Returns:
        The table beside market prices.
    """
    plain = [price for price in explanation.marginal_prices if _equals_market_price(price)]
    plenty = [price for price in explanation.marginal_prices if _is_abundant(explanation, price)]
    listed = [price for price in explanation.marginal_prices if whole or (price not in plain and price not in plenty)]
    unit = explanation.plan.unit
    columns = (
        ReportColumn("what", "item"),
        ReportColumn("path", "path", hidden=True),
        ReportColumn("more", "one more costs", unit, style="money"),
        ReportColumn("fewer", "one fewer saves", unit, style="money"),
        ReportColumn("market", "market", unit, rank=2, style="money", optional=True),
        ReportColumn("times", "× market", "", rank=1, optional=True),
    )
    rows = tuple(
        (
            f"kg of {price.name}" if price.metal is not None else f"medal {price.name}",
            price.path,
            _show_kink_price(price.more, price.less),
            _show_kink_price(price.less, price.more),
            price.market.price if price.market else None,
            None if price.ratio is None else ShownValue(price.ratio, _format_ratio(price)),
        )
        for price in listed
    )
    notes = (
        [f"At their market price: {', '.join(escape_text(price.name) for price in plain)}."]
        if plain and not whole
        else []
    )
    if plenty and not whole:
        names = ", ".join(f"{escape_text(price.name)} ({format_money(price.more or 0.0)})" for price in plenty)
        notes.append(f"Far below the market price, since in surplus: {names}.")
    if any(price.unit for price in listed):
        notes.append(_PRICE_DEFINITIONS)
    title, text = "Marginal costs of metals and medals", "Cost of one more and saving of one fewer."
    return ReportTable("prices", title, text, columns, rows, tuple(notes))


def _is_abundant(explanation: Explanation, price: MarginalPrice) -> bool:
    """Return whether a metal is in surplus: its price is far below the market and the same in both directions."""
    if price.metal is None or price.ratio is None or price.ratio >= 1 / DEAR_PRICE_RATIO or price.more is None:
        return False
    account, same = (
        explanation.plan.account,
        price.less is not None and abs(price.more - price.less) <= PRICE_TOLERANCE * abs(price.more),
    )
    left, needed = (
        (account.decisions.surplus + account.left)[price.metal].sum(),
        account.composition[:, price.metal].sum(),
    )
    return bool(same and left > DISPLAY_TOLERANCE * needed > 0)


def _equals_market_price(price: MarginalPrice) -> bool:
    """Return whether both marginal prices equal the market price."""
    both = (price.more, price.less)
    return price.market is not None and all(
        value is not None and abs(value - price.market.price) <= _MARKET_TOLERANCE * abs(price.market.price)
        for value in both
    )


def _show_kink_price(value: float | None, other: float | None) -> CellValue:
    """Return a price, with more digits where the two prices differ only beyond the usual ones."""
    if value is None:
        return ShownValue(None, "infeasible")
    if (
        other is None
        or format_money(value) != format_money(other)
        or abs(value - other) <= PRICE_TOLERANCE * abs(value)
    ):
        return value
    return ShownValue(value, format_number(value, 7))


def _format_ratio(price: MarginalPrice) -> str:
    """Return the ratio to the market price."""
    if price.ratio is None:
        return ""
    return f"{price.ratio:,.0f}" if price.ratio >= 10 else f"{price.ratio:.1f}" if price.ratio >= 0.05 else "≈0"


def build_cost_breakdown(explanation: Explanation, whole: bool = False) -> ReportTable:
    """Return the cost breakdown by shadow price: demands at marginal prices, less the rents of binding limits.

    By strong duality the values add up to the objective.

    Args:
        explanation: Explanation of an optimal plan.
        whole: All lines; else small ones are summed.
    """
    rows = _group_lines(explanation)
    needs = [row for row in rows if row.value > 0]
    taken_off = [row for row in rows if row.value <= 0]
    if not whole:
        rows = [
            *_truncate_rows(needs, _MAX_BREAKDOWN_ROWS - min(len(taken_off), 4), "other demands"),
            *_truncate_rows(taken_off, max(_MAX_BREAKDOWN_ROWS - len(needs), 3), "other rents"),
        ]
    total = explanation.chosen.objective
    columns = (
        ReportColumn("figure", "parameter"),
        ReportColumn("amount", "amount", "", rank=1),
        ReportColumn("unit", "unit", hidden=True),
        ReportColumn(
            "value", "", explanation.plan.unit, style=_choose_amount_style([total, *(row.value for row in rows)])
        ),
    )
    cells = tuple((row.name, ShownValue(row.amount, row.text), row.unit, row.value) for row in rows)
    title = "Cost breakdown by shadow price"
    text = "Demand at marginal cost less the rents of binding limits; the lines add up to the objective."
    return ReportTable("invoice", title, text, columns, cells, total=("total", None, "", total))


@dataclass(frozen=True)
class BreakdownRow:
    """Line of the cost breakdown: a parameter, its amount as a number and in words, the value, and the unit."""

    name: str
    amount: float | None
    text: str
    value: float
    unit: str = ""


def _choose_amount_style(amounts: list[float]) -> NumberStyle:
    """Return the style of a column of amounts: equal decimals unless all of them are small."""
    largest = max(abs(amount) for amount in amounts) / choose_money_scale(amounts)[0]
    return "scaled" if largest >= 100 else "significant"


def _truncate_rows(rows: list[BreakdownRow], maximum: int, rest: str) -> list[BreakdownRow]:
    """Return at most `maximum` rows, the last of which sums the rest."""
    if len(rows) <= maximum:
        return rows
    left = rows[maximum - 1 :]
    return [*rows[: maximum - 1], BreakdownRow(f"{len(left)} {rest}", None, "", sum(row.value for row in left))]


def _group_lines(explanation: Explanation) -> list[BreakdownRow]:
    """Return the breakdown by parameter, streams of one source as one; added amounts first, then by size."""
    of = {
        path: source.name
        for source in explanation.reported_sources
        for path in source.list_paths(explanation.plan.instance)
    }
    groups: dict[str, list[CostLine]] = {}
    for line in explanation.cost_breakdown:
        steps = parse_path(line.path)
        stream = line.path.removesuffix(".available")
        groups.setdefault(of[stream] if steps[-1] == "available" else _name_line(line, steps), []).append(line)
    rows = [
        BreakdownRow(
            name,
            sum(line.amount for line in lines),
            _format_line_amount(lines),
            sum(line.value for line in lines),
            lines[0].unit or "",
        )
        for name, lines in groups.items()
    ]
    return sorted(rows, key=lambda row: (row.value <= 0, -abs(row.value), row.name))


def _format_line_amount(lines: list[CostLine]) -> str:
    """Return the total amount of lines with its unit."""
    amount, unit = sum(line.amount for line in lines), lines[0].unit
    if lines[0].kind == "added":
        return format_number(amount)
    return f"{format_number(amount)} {unit}" if unit else f"{amount:,.0f}"


_LINE_TITLES = {  # parameters that state no limit of a constraint, by their last step
    "opening_stock": "opening stock of {}",
    "storable": "purchases of {}",
}


def _name_line(line: CostLine, steps: tuple[str | int, ...]) -> str:
    """Return the name of the parameter of a line: of a constraint that of the tables of constraints."""
    if line.kind == "need":
        return f"medals {steps[1]}"
    if line.kind == "added":
        return str(steps[1])
    if line.kind == "charges":
        return "lots: charges and earlier price steps"
    if steps[-1] in _LINE_TITLES:
        return _LINE_TITLES[str(steps[-1])].format(steps[1])
    if steps[-1] == "up_to":
        return STEP_TITLE.format(int(steps[3]) + 1, steps[1])
    if steps[2:3] == ("limits",):
        return f"limit {steps[3]} of {steps[1]}"
    if steps[0] == "streams" and steps[2:3] == ("storage",):
        return f"storage of {steps[1]}"
    return find_limit(steps)[1].title.format(steps[1])


_MAX_LEFT_OUT = 3


def build_break_even_table(explanation: Explanation) -> ReportTable:
    """Return the table of sources that are taken, with break-even prices.

    A break-even price is the price of goods and collection [objective per t] up to which the full quantity, or any
    quantity, stays in the optimal plan. For an objective other than cost it is the increase that is tolerated.

    Returns:
        The table, with notes on sources taken in part and on small sources.
    """
    unit, priced = explanation.plan.unit, explanation.plan.measure == "cost"
    title = "Break-even prices" if priced else "Break-even increases"
    columns = (
        ReportColumn("source", "source"),
        ReportColumn("taken_t", "taken", "t", rank=2, style="even"),
        ReportColumn("share", "taken", "%", style="share", digits=1, optional=True),
        ReportColumn("main_metal", "main metal", rank=1, optional=True),
        ReportColumn("price", "price per t", unit, style="money", optional=True),
        ReportColumn("falls_at", "full quantity up to", unit, optional=True),
        ReportColumn("leaves_at", "any quantity up to", unit, optional=True),
    )
    rows = tuple(
        (
            analysis.source.name,
            analysis.taken,
            analysis.taken / analysis.offered if analysis.offered else ShownValue(None, "–"),
            _describe_main_metal(analysis),
            analysis.price if priced else None,
            _show_price_limit(explanation, analysis, analysis.falls_at),
            _show_price_limit(explanation, analysis, analysis.leaves_at),
        )
        for analysis in explanation.source_analyses
        if not analysis.left_out
    )
    text = "Price of devices and collection per tonne up to which the full quantity, or any, stays in the plan."
    return ReportTable("sources", title, text, columns, rows, tuple(_build_source_notes(explanation)))


def _show_price_limit(explanation: Explanation, analysis: SourceAnalysis, rise: float) -> CellValue:
    """Return the price to which a source may rise, or the tolerated increase where the objective is not cost."""
    if math.isinf(rise):
        return ShownValue(None, "no limit")
    if explanation.plan.measure == "cost":
        return ShownValue(analysis.price + rise, format_money(analysis.price + rise))
    return ShownValue(rise, f"+{format_money(rise)}")


def _describe_main_metal(analysis: SourceAnalysis) -> str:
    """Return the most valuable metal of a source with its share of the value of all its metals."""
    if not analysis.returned or not analysis.metal_value > 0:
        return "–"
    name, _, value = analysis.returned[0]
    return f"{name} {format_share(value, analysis.metal_value)}" if len(analysis.returned) > 1 else name


def _build_source_notes(explanation: Explanation) -> list[str]:
    """Return notes on the sources taken in part within a group, and on the total of the small sources."""
    available, sent = explanation.plan.instance.streams.available.value, explanation.plan.account.sent

    def sum_tonnes(source: SupplySource) -> tuple[float, float]:
        """Return the tonnes offered and taken of a source."""
        return float(available[source.streams].sum()), float(sent[source.streams].sum())

    totals = [(*sum_tonnes(source), source) for source in explanation.all_sources]
    rest = [row for row in totals if 1e-9 * row[0] < row[1] < (1 - 1e-9) * row[0]]
    rest.sort(key=lambda row: row[1] - row[0])
    notes = []
    if len(explanation.all_sources) > len(explanation.reported_sources) and rest:
        lines = [f"{escape_text(source.name)} ({format_share(taken, offered)})" for offered, taken, source in rest]
        notes.append(f"Taken in part: {', '.join(cut_list(lines, 3))}.")
    if small := [sum_tonnes(source) for source in explanation.smaller_sources]:
        offered, taken = (format_tonnes(sum(amounts)) for amounts in zip(*small, strict=True))
        notes.append(f"{len(small)} smaller sources: {taken} taken of {offered}.")
    return notes


def describe_left_out_sources(explanation: Explanation) -> list[str]:
    """Return one line for each of the largest sources that are left out.

    Returns:
        The lines: cost and metal value per tonne, and the price at which the source enters the plan.
    """
    listed = [analysis for analysis in explanation.source_analyses if analysis.left_out and analysis.offered > 0]
    lines = [_describe_left_out_source(explanation, analysis) for analysis in listed[:_MAX_LEFT_OUT]]
    if len(listed) > _MAX_LEFT_OUT:
        names = ", ".join(escape_text(analysis.source.name) for analysis in listed[_MAX_LEFT_OUT:])
        lines.append(f"Not taken either: {names} (--json has their break-even prices).")
    return lines


def _describe_left_out_source(explanation: Explanation, analysis: SourceAnalysis) -> str:
    """Return cost and metal value of one tonne of a source left out, and the price at which it enters."""
    unit = explanation.plan.unit
    line = f"Not taken: {escape_text(analysis.source.name)} ({format_tonnes(analysis.offered)} offered)."
    if not analysis.routes:
        return f"{line} No treatment, lane and smelter accept it."
    if explanation.plan.measure == "cost":
        best = analysis.routes[0]
        line += (
            f" Cost {format_money(analysis.cost, unit)}/t {describe_route(best)}; value of its metals "
            f"{format_money(analysis.metal_value, unit)}/t."
        )
    if math.isinf(analysis.enters_at):
        return f"{line} It enters at no price."
    if analysis.enters_at == 0:
        return f"{line} An alternative optimum takes it."
    if explanation.plan.measure != "cost":
        return f"{line} It enters when reduced by {format_money(analysis.enters_at, unit)}/t."
    price = analysis.price - analysis.enters_at
    return f"{line} It enters below a price of {format_money(price, unit)}/t (now {format_money(analysis.price)})."


def describe_route(of: SourceRoute) -> str:
    """Return a route in words.

    Args:
        of: Treatment and smelter; no smelter: the device is split, or passed on to ordinary recycling.

    Returns:
        The phrase, such as `by dismantle to kosaka`.
    """
    alone = ", split into its fractions" if of.split else ", passed on to ordinary recycling"
    there = f" to {escape_text(of.smelter)}" if of.smelter is not None else alone
    return f"by {escape_text(of.treatment)}{there}"


def format_metal_per_tonne(kilograms: float) -> str:
    """Return the metal content of one tonne with a suitable unit.

    Args:
        kilograms: Metal [kg per t].

    Returns:
        The content in kg, or in g below 1 kg.
    """
    return f"{format_number(kilograms)} kg" if kilograms >= 1 else f"{format_number(1000 * kilograms)} g"
