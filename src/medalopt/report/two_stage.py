"""Report of `medalopt stochastic`: contracts to sign now, cost of each scenario, and value of information."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from medalopt.analysis.risk.two_stage_plan import ScenarioOutcome, TwoStagePlan
from medalopt.instance.contracts import OPTION, PURCHASE, SMELTER, STREAM
from medalopt.instance.lot_relaxation import describe_lot_rules
from medalopt.instance.uncertainty import get_uncertainty_budget
from medalopt.report.charts import (
    COLOURS,
    INK,
    Chart,
    ChartAxis,
    build_bar_series,
    build_line_series,
    build_plot_option,
    draw_bar_pairs,
    shorten_name,
)
from medalopt.report.document import CellValue, Report, ReportColumn, ReportTable, limit_rows
from medalopt.report.numbers import (
    choose_money_scale,
    format_confidence,
    format_mass,
    format_money,
    format_number,
    format_tonnes,
)
from medalopt.report.purchase_dates import (
    describe_purchase_dates,
    encode_purchase_date,
    list_purchase_dates,
    tabulate_purchase_dates,
)
from medalopt.report.render.json import identify_instance, make_report
from medalopt.solver.two_stage import WHOLE_GAP
from medalopt.text import escape_text, format_count
from medalopt.tolerances import DISPLAY_TOLERANCE, GAP_TOLERANCE, VALUE_TOLERANCE

STOCHASTIC_FORMAT = "medalopt/stochastic/1"
_BEST = "Optimal by branch and bound (bound of the solver)"
_MOST_ROWS, _MOST_NAMES, _MOST_OPTIONS = 12, 8, 2


def build_two_stage_report(plan: TwoStagePlan) -> Report:
    """Build the report of a two-stage plan.

    Returns:
        The report: expected cost, contracts, scenarios with the actions in each, and the value of information.
    """
    instance = plan.instance
    contracts, scenarios = _tabulate_contracts(plan), _tabulate_scenarios(plan)
    parts = (
        *(contracts, _tabulate_purchases(plan), tabulate_purchase_dates(plan), _tabulate_calendar(plan), scenarios),
        *(*_tabulate_quantities(plan), _tabulate_values(plan)),
    )
    tables = tuple(table for table in parts if table.rows)
    more = "{} more (-o NAME.xlsx, --json)."
    return make_report(
        instance,
        "Contracts for {}",
        _summarize(plan),
        lambda: _encode_two_stage_plan(plan),
        tables=tables,
        charts=(*_draw_costs(plan), *_draw_purchases(plan), *_draw_collection(plan)),
        screen=tuple(table if table.key == "calendar" else limit_rows(table, _MOST_ROWS, more) for table in tables),
    )


def _summarize(plan: TwoStagePlan) -> Iterable[str]:
    """Yield the headline: expected cost, contracts, the value of perfect information and of planning for all."""
    currency, values = plan.instance.currency, plan.information
    ordered = sorted(plan.outcomes, key=lambda one: one.cost)
    low, high = ordered[0], ordered[-1]
    cases = "" if plan.options.draws else f" ({escape_text(low.name)})", f" ({escape_text(high.name)})"
    ends = f"{format_money(low.cost)}{cases[0]} to {format_money(high.cost)}{cases[1] if cases[0] else ''}"
    yield _describe_status(plan)
    yield f"Expected cost: {format_money(plan.expected, currency)}; {ends} in {_describe_scenarios(plan)}."
    yield from _describe_promise(plan)
    yield from _describe_contracts(plan)
    missed = [(one, float(np.sum(one.account.missed))) for one in plan.outcomes]
    if worst := [pair for pair in missed if pair[1] > 0.5]:
        share = sum(one.probability for one, _ in worst)
        mean = sum(one.probability * count for one, count in missed)
        yield f"Medals are missed with a probability of {100 * share:.3g} %: {format_number(mean)} on average."
    known = format_money(_drop_rounding(plan, values.of_perfect_information), currency)
    yield f"Value of perfect information: {known}, saved on average if the scenario were known before signing."
    yield _describe_stochastic_value(plan)
    if plan.options.risk_weight:
        extra = format_money(_drop_rounding(plan, plan.expected - values.recourse), currency)
        worst_share = format_number(100 * (1 - plan.options.risk_level))
        yield (
            f"Mean cost of the worst {worst_share} % of cases: {format_money(plan.value_at_risk, currency)}; that it "
            f"counts {format_number(plan.options.risk_weight)} times costs {extra} on average."
        )
    if plan.search_bound is not None and plan.searched_apart:
        yield "Searched one scenario after the other; --time-limit 10min searches all of them together."
    if plan.lots and plan.search_bound is None:
        rules = describe_lot_rules(plan.lots)
        count = format_count(len(plan.lots), "parameter")
        yield f"{rules[:1].upper()}{rules[1:]} are left out ({count}): there are too many scenarios for them."


def _describe_stochastic_value(plan: TwoStagePlan) -> str:
    """Return what the contracts for the file's own values, in place of the scenarios, would cost more."""
    label, values = "Value of the stochastic solution", plan.information
    own = "the contracts for the file's own values"
    if math.isinf(values.mean_value):
        return f"{label}: infinite, as the file's own values allow no plan."
    if math.isinf(values.mean_value_evaluated):
        return f"{label}: infinite, as {own} allow no plan in {100 * plan.failure:.3g} % of cases."
    saved = _drop_rounding(plan, values.of_stochastic_solution)
    more = "would cost more" if saved else "cost no more"
    return f"{label}: {format_money(saved, plan.instance.currency)}{', which' if saved else ', as'} {own} {more}."


def _describe_status(plan: TwoStagePlan) -> str:
    """Return how near to the optimum the plan is proven to be; with whole lots, to the optimum without them."""
    proof = plan.certificate
    if proof.optimal:
        return "Optimal (verified independently of the solver)."
    size, rules = max(1.0, proof.size), describe_lot_rules(plan.lots)
    left = (proof.value - (plan.search_bound if plan.search_bound is not None else proof.bound)) / size
    near = _BEST if left <= GAP_TOLERANCE else f"Feasible, within {100 * left:.2g} % of the bound of the solver"
    ended = left <= WHOLE_GAP  # the search, by itself
    stopped = ("The gap asked for is not proven. " if ended else "Stopped at a limit. ") if plan.stopped else ""
    base = "" if proof.value - proof.bound <= 1.1 * proof.gap * abs(proof.value) else " (of all payments)"
    return f"{stopped}{near}; verified within {100 * proof.gap:.2g} %{base} of the optimum without {rules}."


def _describe_promise(plan: TwoStagePlan) -> Iterable[str]:
    """Yield the promised confidence, least of all scenarios, or the uncertainty budget."""
    least = min((one.confidence for one in plan.outcomes if one.confidence is not None), default=None)
    if least is not None:
        yield f"Promised metals suffice with a probability of at least {format_confidence(least)} within each scenario."
    elif budget := get_uncertainty_budget(plan.instance):
        count = format_number(budget)
        yield f"Every metal suffices within each scenario for an uncertainty budget of {count}."


def _drop_rounding(plan: TwoStagePlan, amount: float) -> float:
    """Return an amount that is not negative, 0 where it may be rounding."""
    return amount if amount > VALUE_TOLERANCE * max(1.0, plan.certificate.size) else 0.0


def _describe_scenarios(plan: TwoStagePlan) -> str:
    """Return the number of scenarios and where they come from."""
    count, draws = len(plan.outcomes), plan.options.draws
    if draws is None:
        return format_count(count, "scenario")
    law = plan.instance.annex.get("distribution", "lognormal")
    return f"{count:,} scenarios (Latin hypercube, {law}, seed {plan.options.seed})"


def _describe_contracts(plan: TwoStagePlan) -> Iterable[str]:
    """Yield the contracts to sign: tonnes of streams and smelters, options, and purchases of the first stage."""
    totals = _sum_by_member(plan)
    parts = []
    for kind, text in ((STREAM, "from {}"), (SMELTER, "of feed at {}")):
        some = {name: value for (own, name), value in totals.items() if own == kind and value > 0}
        if some:
            noun = format_count(len(some), "stream" if kind == STREAM else "smelter")
            parts.append(f"{format_tonnes(sum(some.values()))} {text.format(noun)}")
    for kind, text in ((OPTION, "an option on {} of {}"), (PURCHASE, "{} of {} bought before the scenario is known")):
        largest = sorted(((value, name) for (own, name), value in totals.items() if own == kind and value > 0))[::-1]
        parts += [text.format(format_mass(value), escape_text(name)) for value, name in largest[:_MOST_OPTIONS]]
    if parts:
        yield f"Sign now: {'; '.join(parts)}."
    else:
        yield "Nothing has to be signed now: no contract costs anything when it is not used."
    if plan.known:
        yield f"The scenario is known from {plan.instance.periods[plan.known]} on."
    yield from describe_purchase_dates(plan)


def _sum_by_member(plan: TwoStagePlan) -> dict[tuple[str, str], float]:
    """Return the quantity agreed by kind and name, negligible ones as 0."""
    totals: dict[tuple[str, str], float] = {}
    for one, value in zip(plan.book.contracts, plan.agreed.tolist(), strict=True):
        key = one.kind, one.get_name(plan.instance)
        totals[key] = totals.get(key, 0.0) + (value if value > DISPLAY_TOLERANCE * one.most else 0.0)
    return totals


def _tabulate_contracts(plan: TwoStagePlan) -> ReportTable:
    """Return the table of the tonnes agreed with streams and smelters."""
    instance, currency = plan.instance, plan.instance.currency
    columns = (
        ReportColumn("kind", "kind"),
        ReportColumn("name", "contract with"),
        ReportColumn("agreed_t", "agreed", "t", style="significant"),
        ReportColumn("share", "of expected supply", "%", 1, rank=1, style="share", optional=True),
        ReportColumn("before_known_t", "of it before known", "t", rank=2, style="significant", optional=True),
        ReportColumn("unused_t", "not used, expected", "t", rank=1, style="significant"),
        ReportColumn("nominal_t", "plan of the file's values", "t", rank=2, style="significant"),
        ReportColumn("fee_per_t", "fee if not used", f"{currency}/t", rank=3, style="significant"),
    )
    rows: list[tuple[CellValue, ...]] = []
    agreed, nominal = _sum_by_member(plan), plan.nominal
    unused = sum((one.probability * plan.compute_unused(one) for one in plan.outcomes), np.zeros(len(nominal)))
    for (kind, name), total in agreed.items():
        members = [n for n, one in enumerate(plan.book.contracts) if (one.kind, one.get_name(instance)) == (kind, name)]
        named = float(np.nan_to_num(nominal[members]).sum())
        most = sum(plan.book.contracts[n].most for n in members)
        if kind not in (STREAM, SMELTER) or max(total, named) <= DISPLAY_TOLERANCE * most:
            continue
        before = sum(float(plan.agreed[n]) for n in members if plan.book.contracts[n].end <= plan.known)
        fee = max((plan.book.contracts[n].fee or 0.0) for n in members)
        rows.append(
            (
                *(kind, name, total, total / most if kind == STREAM else None, before if plan.known else None),
                *(float(unused[members].sum()), None if np.isnan(nominal).any() else named, fee or None),
            )
        )
    text = (
        "Tonnes agreed now. Of a stream, a share of what it brings in each scenario, in tonnes of the expected supply."
    )
    return ReportTable("contracts", "Contracts", text, columns, tuple(rows))


def _tabulate_purchases(plan: TwoStagePlan) -> ReportTable:
    """Return the table of options, and of purchases before the scenario is known."""
    instance, currency = plan.instance, plan.instance.currency
    columns = (
        ReportColumn("kind", "kind"),
        ReportColumn("offer", "offer"),
        ReportColumn("period", "period"),
        ReportColumn("agreed_kg", "agreed", "kg", style="significant"),
        ReportColumn("used_kg", "used, expected", "kg", style="significant"),
        ReportColumn("premium", "premium", currency, style="money", optional=True),
    )
    rows: list[tuple[CellValue, ...]] = []
    for number, one in enumerate(plan.book.contracts):
        value = float(plan.agreed[number])
        if one.kind in (OPTION, PURCHASE) and value > DISPLAY_TOLERANCE * one.most:
            period = instance.periods[one.start] if one.kind == PURCHASE else None
            used = sum(outcome.probability * float(outcome.used[number]) for outcome in plan.outcomes)
            rows.append((one.kind, one.get_name(instance), period, value, used, one.premium * value or None))
    text = "Kilograms under option, exercised or not once the scenario is known, and purchases before that."
    return ReportTable("options", "Options and early purchases", text, columns, tuple(rows))


def _tabulate_calendar(plan: TwoStagePlan) -> ReportTable:
    """Return the table of collection and purchases in each period before the scenario is known."""
    columns = (
        ReportColumn("period", "period"),
        ReportColumn("collected_t", "collected", "t", style="significant"),
        ReportColumn("cumulative_t", "cumulative", "t", style="significant"),
        ReportColumn("purchased_kg", "purchased", "kg", style="significant"),
    )
    rows: list[tuple[CellValue, ...]] = []
    total = 0.0
    for period in range(plan.known):
        sums = {STREAM: 0.0, PURCHASE: 0.0}
        for one, value in zip(plan.book.contracts, plan.agreed.tolist(), strict=True):
            if one.kind in sums and one.start == period and one.end <= plan.known:
                sums[one.kind] += value if value > DISPLAY_TOLERANCE * one.most else 0.0
        total += sums[STREAM]
        rows.append((plan.instance.periods[period], sums[STREAM], total, sums[PURCHASE]))
    text = "The same in every scenario: tonnes of the expected supply sent, and kilograms purchased."
    return ReportTable("calendar", "Until the scenario is known", text, columns, tuple(rows))


def _order_outcomes(plan: TwoStagePlan) -> list[ScenarioOutcome]:
    """Return the scenarios in the order of the file; drawn ones by descending cost."""
    if plan.options.draws is None:
        return list(plan.outcomes)
    return sorted(plan.outcomes, key=lambda one: -one.cost)


def _tabulate_scenarios(plan: TwoStagePlan) -> ReportTable:
    """Return the table of the scenarios."""
    currency = plan.instance.currency
    columns = (
        ReportColumn("scenario", "scenario"),
        ReportColumn("probability", "probability", "%", 1, style="share"),
        ReportColumn("cost", "cost", currency, style="scaled"),
        ReportColumn("wait_and_see", "known beforehand", currency, style="scaled"),
        ReportColumn("regret", "difference", currency, style="scaled"),
        ReportColumn("sent_t", "sent", "t", rank=1, style="significant"),
        ReportColumn("unused_t", "agreed, not used", "t", rank=2, style="significant"),
        ReportColumn("purchases", "purchases", currency, style="scaled"),
        ReportColumn("confidence", "confidence", "%", 1, rank=1, style="share", optional=True),
        ReportColumn("missed", "medals missed", "", rank=1, style="significant", optional=True),
    )
    rows: list[tuple[CellValue, ...]] = []
    for one in _order_outcomes(plan):
        left = [
            float(each)
            for contract, each in zip(plan.book.contracts, plan.compute_unused(one), strict=True)
            if contract.kind == STREAM
        ]
        missed = float(np.sum(one.account.missed))
        rows.append(
            (
                *(one.name, one.probability, one.cost, one.wait_and_see, one.cost - one.wait_and_see),
                *(float(np.sum(one.account.sent)), sum(left)),
                *(
                    float(np.sum(one.account.costs["purchases"])),
                    one.confidence,
                    missed if missed > DISPLAY_TOLERANCE else None,
                ),
            )
        )
    text = "Cost of each scenario with these contracts, and if it were known before they are signed."
    note = "Confidence: least probability, within the scenario, that a promised metal suffices at a deadline."
    some = any(one.confidence is not None for one in plan.outcomes)
    return ReportTable("scenarios", "Scenarios", text, columns, tuple(rows), (note,) if some else ())


def _tabulate_quantities(plan: TwoStagePlan) -> tuple[ReportTable, ReportTable]:
    """Return the tables of the feed of each smelter, and of the purchases of each offer, by scenario."""
    feed = {one.name: np.asarray(one.account.feed).sum(axis=1) for one in plan.outcomes}
    bought = {one.name: np.asarray(one.account.bought) for one in plan.outcomes}
    text, smelters = "Feed of each smelter over the horizon in each scenario.", plan.instance.smelters.names
    first = _tabulate_amounts(plan, "smelters", "Feed by scenario", text, smelters, feed, "t")
    text, offers = "Purchases of each offer over the horizon in each scenario.", plan.instance.market.names
    return first, _tabulate_amounts(plan, "offers", "Purchases by scenario", text, offers, bought, "kg")


def _tabulate_amounts(
    plan: TwoStagePlan, key: str, title: str, text: str, names: tuple[str, ...], amounts: dict[str, Any], unit: str
) -> ReportTable:
    """Return a table with a row for each scenario and a column for each name with an amount, the largest first."""
    largest = np.max(np.stack(list(amounts.values())), axis=0) if len(names) else np.zeros(0)
    some = [n for n in np.argsort(-largest, kind="stable").tolist() if largest[n] > DISPLAY_TOLERANCE * largest.max()]
    some, rest = some[:_MOST_NAMES], some[_MOST_NAMES:]
    columns = [ReportColumn("scenario", "scenario")]
    columns += [ReportColumn(f"{names[n]}_{unit}", names[n], unit, style="significant") for n in some]
    columns += [ReportColumn(f"others_{unit}", "others", unit, style="significant")] if rest else []
    rows = tuple(
        (
            one.name,
            *(float(amounts[one.name][n]) for n in some),
            *((float(amounts[one.name][rest].sum()),) if rest else ()),
        )
        for one in _order_outcomes(plan)
    )
    return ReportTable(key, title, text, tuple(columns), rows if some else ())


def _list_values(plan: TwoStagePlan) -> list[tuple[str, str, float]]:
    """Return key, name and amount of the values around the optimum."""
    values = plan.information
    return [
        ("expected_cost", "expected cost of this plan", plan.expected),
        ("conditional_value_at_risk", "mean cost of the worst cases (conditional value at risk)", plan.value_at_risk),
        ("recourse", "least expected cost (stochastic plan)", values.recourse),
        ("wait_and_see", "mean cost with the scenario known beforehand (wait and see)", values.wait_and_see),
        ("evpi", "expected value of perfect information", values.of_perfect_information),
        ("mean_value", "cost of the plan of the file's own values", values.mean_value),
        ("mean_value_evaluated", "expected cost with the contracts of that plan", values.mean_value_evaluated),
        ("vss", "value of the stochastic solution", values.of_stochastic_solution),
    ]


def _tabulate_values(plan: TwoStagePlan) -> ReportTable:
    """Return the table of the values around the optimum."""
    columns = (
        ReportColumn("quantity", "quantity"),
        ReportColumn("amount", "amount", plan.instance.currency, style="even"),
    )
    rows = tuple((name, amount if math.isfinite(amount) else None) for _, name, amount in _list_values(plan))
    level = format_number(100 * plan.options.risk_level)
    note = f"Worst cases: beyond a level of {level} %. An empty cell: with those contracts some scenario has no plan."
    notes = [note]
    if plan.search_bound is not None:
        notes.append(
            "Whole lots and charges count; each cost is that of a search, and a difference may be one of the search."
        )
    return ReportTable(
        "values", "Value of information", "What knowing and planning are worth.", columns, rows, tuple(notes)
    )


def _encode_two_stage_plan(plan: TwoStagePlan) -> dict[str, Any]:
    """Encode a two-stage plan as JSON members."""
    instance, options, proof = plan.instance, plan.options, plan.certificate
    return {
        "format": STOCHASTIC_FORMAT,
        "instance": identify_instance(instance),
        "currency": instance.currency,
        "draws": options.draws,
        "seed": options.seed if options.draws else None,
        "known_from": instance.periods[plan.known],
        "take_or_pay": options.take_or_pay,
        "risk": {"weight": options.risk_weight, "level": options.risk_level},
        "certificate": {
            "objective": proof.value,
            "lower_bound": proof.bound,
            "gap": proof.gap,
            "search_bound": plan.search_bound,
            "stopped": plan.stopped,
            "primal_violation": proof.violation,
            "arithmetic": proof.arithmetic,
        },
        "values": {key: amount if math.isfinite(amount) else None for key, _, amount in _list_values(plan)},
        "contracts": [
            {
                "kind": one.kind,
                "name": one.get_name(instance),
                "from": instance.periods[one.start],
                "to": instance.periods[one.end - 1],
                f"agreed_{one.unit}": float(plan.agreed[number]),
                f"nominal_{one.unit}": None if np.isnan(plan.nominal[number]) else float(plan.nominal[number]),
                "fee": one.fee,
                "premium": one.premium,
                "firm": one.fee is None,
            }
            for number, one in enumerate(plan.book.contracts)
        ],
        "purchases": [encode_purchase_date(plan, row) for row in list_purchase_dates(plan)],
        "scenarios": [_encode_outcome(plan, one) for one in plan.outcomes],
        "lots": list(plan.lots),
        "lots_counted": plan.search_bound is not None,
    }


def _encode_outcome(plan: TwoStagePlan, one: ScenarioOutcome) -> dict[str, Any]:
    """Return one scenario: cost and actions."""
    instance, account = plan.instance, one.account
    feed, bought = np.asarray(account.feed).sum(axis=1), np.asarray(account.bought)
    missed = np.asarray(account.missed).tolist()
    return {
        "scenario": one.name,
        "probability": one.probability,
        "cost": one.cost,
        "wait_and_see": one.wait_and_see,
        "confidence": one.confidence,
        "fees": one.cost - plan.premiums - float(account.cost),
        "premiums": plan.premiums,
        "sent_t": float(np.sum(account.sent)),
        "feed_t": dict(zip(instance.smelters.names, feed.tolist(), strict=True)),
        "purchases_kg": dict(zip(instance.market.names, bought.tolist(), strict=True)),
        "missed": dict(zip(instance.medals.names, missed, strict=False)),
        "costs": {kind: float(np.sum(part)) for kind, part in account.costs.items()},
        "unused": plan.compute_unused(one).tolist(),
    }


_MOST_BARS, _MAX_NAME = 12, 30
_PLAN, _KNOWN = "with these contracts", "known before signing"


def _draw_costs(plan: TwoStagePlan) -> Iterator[Chart]:
    """Yield the chart of the costs: bars by scenario where they are few and have names, else curves over all cases."""
    currency, expected = plan.instance.currency, plan.expected
    size, word = choose_money_scale([one.cost for one in plan.outcomes])
    saving = format_money(plan.information.of_perfect_information, currency)
    title = f"Expected cost {format_money(expected, currency)}; knowing the scenario beforehand saves {saving}"
    axis = ChartAxis("cost", f"{word}{currency}")
    if plan.options.draws is None and len(plan.outcomes) <= _MOST_BARS:
        yield _draw_cost_bars(plan.outcomes, title, axis, size)
        return
    marked = {
        "silent": True,
        "symbol": "none",
        "lineStyle": {"color": INK, "type": "dashed", "width": 1.5},
        "label": {"formatter": f"expected {format_money(expected)}", "color": INK, "position": "insideStartTop"},
        "data": [{"yAxis": expected / size}],
    }
    costs = [(one.cost / size, one.probability) for one in plan.outcomes]
    known = [(one.wait_and_see / size, one.probability) for one in plan.outcomes]
    series = [_draw_cases(_PLAN, costs, COLOURS[0], markLine=marked), _draw_cases(_KNOWN, known, COLOURS[2])]
    across = ChartAxis("share of the cases that cost no more", "%", minimum=0, maximum=100)
    yield Chart(title, build_plot_option(across, axis, series, legend=True))


def _draw_cost_bars(outcomes: Sequence[ScenarioOutcome], title: str, axis: ChartAxis, size: float) -> Chart:
    """Return the chart of two bars for each scenario."""
    names = [f"{shorten_name(escape_text(one.name), _MAX_NAME)} ({100 * one.probability:.3g} %)" for one in outcomes]
    series = [
        build_bar_series(_PLAN, 0, [one.cost / size for one in outcomes]),
        build_bar_series(_KNOWN, 2, [one.wait_and_see / size for one in outcomes]),
    ]
    across = ChartAxis(axis.title, axis.unit, minimum=0 if min(one.wait_and_see for one in outcomes) >= 0 else None)
    return draw_bar_pairs(title, across, names, series)


def _draw_cases(name: str, pairs: Sequence[tuple[float, float]], colour: str, **more: object) -> dict[str, object]:
    """Return the line of sorted values over the cumulated probability; `pairs` are value and probability."""
    points, below = [], 0.0
    for value, probability in sorted(pairs):
        points += [(100 * below, value), (100 * (below + probability), value)]
        below += probability
    style = {"lineStyle": {"width": 2.5, "color": colour}, "itemStyle": {"color": colour}, "showSymbol": False}
    return build_line_series(name, points, **{**style, **more})


def _draw_purchases(plan: TwoStagePlan) -> Iterator[Chart]:
    """Yield the chart of the offer on which the purchases differ most in money, over all cases."""
    instance = plan.instance
    bought = np.stack([np.asarray(one.account.bought) for one in plan.outcomes])  # (S, O)
    if not bought.size:
        return
    price = instance.market.price.value.mean(axis=1)
    spread = np.abs(np.ptp(bought, axis=0) * price)
    offer = int(spread.argmax())
    values = bought[:, offer]
    if np.ptp(values) <= DISPLAY_TOLERANCE * max(float(values.max()), 1.0) or len(values) <= _MOST_BARS:
        return
    pairs = [(value, one.probability) for value, one in zip(values.tolist(), plan.outcomes, strict=True)]
    name = instance.market.names[offer]
    title = f"Purchases of {escape_text(name)}: {format_mass(min(values))} to {format_mass(max(values))}"
    across = ChartAxis("share of the cases that buy no more", "%", minimum=0, maximum=100)
    up = ChartAxis("purchases over the horizon", "kg", minimum=0)
    line = _draw_cases(name, pairs, COLOURS[1])
    firm = sum(
        float(value)
        for one, value in zip(plan.book.contracts, plan.agreed, strict=True)
        if one.fee is None and one.kind != STREAM and one.member == offer
    )
    more = [build_line_series("bought before the scenario is known", [(0, firm), (100, firm)], showSymbol=False)]
    yield Chart(title, build_plot_option(across, up, [line, *(more if firm > 0 else [])], legend=firm > 0))


def _draw_collection(plan: TwoStagePlan) -> Iterator[Chart]:
    """Yield the chart of the tonnes sent by the end of each period until the scenario is known."""
    if plan.known < 2:
        return
    totals = np.zeros(plan.known)
    for one, value in zip(plan.book.contracts, plan.agreed.tolist(), strict=True):
        if one.kind == STREAM and one.end <= plan.known:
            totals[one.start] += value
    periods, sums = plan.instance.periods, totals.cumsum()
    if sums[-1] <= 0:
        return
    title = f"{format_tonnes(sums[-1])} are sent before the scenario is known ({periods[plan.known]})"
    names = list(periods[: plan.known])
    series = {**build_line_series("", []), "data": sums.tolist(), "showSymbol": False, "areaStyle": {"opacity": 0.15}}
    up = ChartAxis("sent by the end of the period", "t", minimum=0)
    yield Chart(title, build_plot_option(ChartAxis("", names=names), up, [series]))
