"""Metal balance as a chart: cumulative supply of a metal against the charges of the melts and the medals due."""

from __future__ import annotations

from typing import Any

import numpy as np

from medalopt.analysis.sourcing.metalaccount import MetalAccount, metal_account
from medalopt.instance.figures import Floats
from medalopt.plan.plan import Plan
from medalopt.report.charts.chart import COLOURS, Axis, Chart, line, plot
from medalopt.report.numbers import digits, mass
from medalopt.report.section import Column, Section
from medalopt.report.sourcing.metals import TWICE
from medalopt.wording import shown

_SPARE = 1e-6  # of the charged mass; a smaller margin counts as none
_HIGH = 2.5  # times the charged mass; the vertical axis ends there at the latest


def charts(plan: Plan) -> tuple[Chart, ...]:
    """Draw the balance of each metal that smelters return and melts charge.

    Args:
        plan: Plan to report.

    Returns:
        One chart for each such metal; none for an instance of one period.
    """
    found = metal_account(plan.account)
    wanted = (found.returned.sum(axis=1) > 0) & (found.charged.sum(axis=1) > 0)
    if len(plan.instance.periods) == 1:
        return ()
    return tuple(_chart(plan, found, metal) for metal in np.flatnonzero(wanted).tolist())


def _chart(plan: Plan, found: MetalAccount, metal: int) -> Chart:
    at_hand = found.at_hand[metal]
    charged = found.charged[metal].cumsum()
    series = [
        line("at hand so far", _points(at_hand), symbol="none", z=4),
        line(
            "charged so far", _points(charged), symbol="none", z=4, step="end", lineStyle={"width": 2, "type": "dashed"}
        ),
        line("in medals due so far", _points(found.owed[metal]), symbol="none", step="end", z=4),
        *_band(found, metal, at_hand),
    ]
    title = plan.instance.metals.titles[metal]
    up = Axis(title.capitalize(), "kg, from the start on", least=0, most=_top(found, metal))
    option = plot(Axis("", names=plan.instance.periods), up, series)
    notes = (
        "At hand: opening stock and all that was returned and bought, also what is then sold or left over. "
        "Where there is much more of it than is charged, its line leaves the picture.",
        "The shaded band: two standard deviations of all that has returned, were all lots of a device, a treatment or "
        "a smelter to differ in the same way.",
    )
    told = _table(plan, at_hand, charged, found.owed[metal])
    return Chart(_finding(plan, found, metal), option, (told,), notes if found.spread else notes[:1])


def _top(found: MetalAccount, metal: int) -> float:
    """Return the end of the vertical axis: above the band, at most a few times the charged mass."""
    off = found.spread.alike_so_far[metal] if found.spread else np.zeros_like(found.owed[metal])
    high = min(float((found.at_hand[metal] + TWICE * off).max()), _HIGH * float(found.charged[metal].sum()))
    step = 10.0 ** np.floor(np.log10(high)) / 2
    return float(np.ceil(high / step) * step)


def _points(values: Floats) -> list[tuple[float, float | None]]:
    return [(place, float(value)) for place, value in enumerate(values)]


def _band(found: MetalAccount, metal: int, at_hand: Floats) -> list[dict[str, Any]]:
    if found.spread is None:
        return []
    off = TWICE * found.spread.alike_so_far[metal]
    low = np.maximum(at_hand - off, 0)
    unseen = {"symbol": "none", "silent": True, "stack": "band", "lineStyle": {"width": 0}, "z": 1}
    fill = {"color": COLOURS[0], "opacity": 0.15}
    return [line("", _points(low), **unseen), line("", _points(at_hand + off - low), areaStyle=fill, **unseen)]


def _finding(plan: Plan, found: MetalAccount, metal: int) -> str:
    """Summarise the balance: the smallest margin, and the shortfall at the lower end of the band."""
    title = shown(plan.instance.metals.titles[metal], 40).capitalize()
    charged = found.charged[metal].cumsum()
    spare = found.at_hand[metal] - charged
    busy = np.flatnonzero(found.charged[metal] > 0)
    at = int(busy[np.argmin(spare[busy])])
    room = _room(plan, found.at_hand[metal], charged, float(spare[at]), at)
    says = f"{title}: {mass(float(charged[-1]))} charged, {room}"
    if found.spread is None:
        return says
    short = float((TWICE * found.spread.alike_so_far[metal] - spare)[busy].max())
    return f"{says}; {mass(short)} short if all comes out low" if short > 0 else f"{says}; enough if all comes out low"


def _room(plan: Plan, at_hand: Floats, charged: Floats, spare: float, at: int) -> str:
    if spare <= _SPARE * charged[-1]:
        return f"with nothing to spare in {plan.instance.periods[at]}"
    if spare > charged[-1]:
        return f"all of it at hand in {plan.instance.periods[int(np.argmax(at_hand >= charged[-1]))]}"
    return f"never less than {mass(spare)} more at hand"


def _table(plan: Plan, at_hand: Floats, charged: Floats, owed: Floats) -> Section:
    columns = (
        Column("", right=False),
        Column("at hand so far kg"),
        Column("charged so far kg"),
        Column("due so far kg"),
    )
    rows = tuple(
        (period, *(digits(float(values[place])) for values in (at_hand, charged, owed)))
        for place, period in enumerate(plan.instance.periods)
    )
    return Section("Since the start", columns, rows)
