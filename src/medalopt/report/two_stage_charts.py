"""Charts of a two-stage plan: cost of the cases, purchases by case, and collection until the scenario is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from medalopt.analysis.risk.two_stage_plan import ScenarioOutcome, TwoStagePlan
from medalopt.instance.contracts import STREAM
from medalopt.report.charts.chart import (
    COLOURS,
    INK,
    Chart,
    ChartAxis,
    build_line_series,
    build_plot_option,
    shorten_name,
)
from medalopt.report.numbers import choose_money_scale, format_mass, format_money, format_tonnes
from medalopt.text import escape_text
from medalopt.tolerances import DISPLAY_TOLERANCE

_MOST_BARS, _BAR_PIXELS, _MAX_NAME = 12, 26, 30
_PLAN, _KNOWN = "with these contracts", "known before signing"


def draw_two_stage_plan(plan: TwoStagePlan) -> tuple[Chart, ...]:
    """Draw the charts of a two-stage plan.

    Args:
        plan: Two-stage plan.

    Returns:
        Cost of the cases; purchases that differ among them; collection until the scenario is known.
    """
    return (*_draw_costs(plan), *_draw_purchases(plan), *_draw_collection(plan))


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
        {
            "type": "bar",
            "name": name,
            "data": [value / size for value in values],
            "barMaxWidth": 18,
            "itemStyle": {"color": colour},
        }
        for name, values, colour in (
            (_PLAN, [one.cost for one in outcomes], COLOURS[0]),
            (_KNOWN, [one.wait_and_see for one in outcomes], COLOURS[2]),
        )
    ]
    across = ChartAxis(axis.title, axis.unit, minimum=0 if min(one.wait_and_see for one in outcomes) >= 0 else None)
    up = ChartAxis("", names=names, extra={"inverse": True, "data": names})
    height = 130 + 2 * _BAR_PIXELS * len(outcomes)
    return Chart(title, build_plot_option(across, up, series, legend=True), height=height)


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
    firm = _sum_firm(plan, offer)
    more = [build_line_series("bought before the scenario is known", [(0, firm), (100, firm)], showSymbol=False)]
    yield Chart(title, build_plot_option(across, up, [line, *(more if firm > 0 else [])], legend=firm > 0))


def _sum_firm(plan: TwoStagePlan, offer: int) -> float:
    """Return the purchases of an offer before the scenario is known, kg."""
    return sum(
        float(value)
        for one, value in zip(plan.book.contracts, plan.agreed, strict=True)
        if one.fee is None and one.kind != STREAM and one.member == offer
    )


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
