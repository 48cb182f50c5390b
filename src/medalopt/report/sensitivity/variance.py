"""Variance-based global sensitivity: spread of the objective and the share of each cause (Sobol indices)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from medalopt.analysis.sensitivity.sampling import Cause
from medalopt.analysis.sensitivity.shares import FEWEST, Share, Shares
from medalopt.analysis.sensitivity.variance import MOST, QUANTILES, Variance
from medalopt.instance.instance import Instance
from medalopt.instance.paths import render
from medalopt.report.charts.chart import COLOURS, FONT, INK, Axis, Chart, plot
from medalopt.report.numbers import digits, money
from medalopt.report.section import Column, Section, section
from medalopt.report.sensitivity.named import called, capital
from medalopt.report.sensitivity.part import Part
from medalopt.report.sensitivity.tornado import measured
from medalopt.wording import shown

DRAWN, TOLD = 15, 30
SURE = 0.1  # of a 95 % interval, half its width; above it a larger sample is advised
DETERMINED = 0.25  # of a 95 % interval, half its width; above it a share is noise and not shown
LEAST_TOLD = 1e-3  # a smaller share is shown as below it
PLANS = "whether there is a plan"
Ranked = list[tuple[Cause, Share, Share]]
_OWN = {"devices": "assays of {}", "treatments": "recovery by {}", "smelters": "returns of {}"}


def told(instance: Instance, unit: str, found: Variance) -> Part:
    """Report the spread of the objective and the causes of it and of infeasibility.

    Args:
        instance: Base instance.
        unit: Unit of the objective.
        found: Quantiles and the first-order and total shares of the variance by cause.

    Returns:
        Summary lines, up to two charts with tables, and the JSON member `global`.
    """
    lines = tuple(_lines(instance, unit, found))
    of = measured(unit)
    asked = ((f"the spread of the {of}", found.measure, of), (PLANS, found.feasible, "existence of a plan"))
    charts = [
        _chart(instance, _leading(instance, found, given, what), found.causes, given, name)
        for what, given, name in asked
        if _determined(_ranked(found.causes, given))
    ]
    return Part(
        lines, (), tuple(charts), {"global": _members(instance, unit, found)}, found.interrupted, "All figures at once"
    )


def _lines(instance: Instance, unit: str, found: Variance) -> list[str]:
    of = measured(unit)
    lines = [f"{capital(_leading(instance, found, found.measure, f'the spread of the {of}'))}."]
    if found.quantiles:
        low, middle, high = (money(value, unit) for value in found.quantiles)
        lines.append(f"With all of it uncertain: {middle} in the middle, in nine cases of ten from {low} to {high}.")
    if found.without:
        lines.append(f"In {_per_cent(found.without)} of the cases there is no plan; the {of} is told of the others.")
        if any(one.total for one in found.feasible):
            lines.append(f"{capital(_leading(instance, found, found.feasible, PLANS))}.")
    lines.append(_how(found))
    if found.interrupted:
        lines.append(f"Interrupted: {found.answered:,} of {found.asked:,} cases are solved; the shares are of those.")
    unsure = [one.total.high - one.total.low for one in found.measure if one.total]
    if unsure and max(unsure) > 2 * SURE:
        lines.append(f"Shares are sure to about ±{_per_cent(max(unsure) / 2)}; a greater N tells them more closely.")
    return lines


def _leading(instance: Instance, found: Variance, given: Sequence[Shares], what: str) -> str:
    known = _ranked(found.causes, given)
    if not known and any(one.rows < FEWEST for one in given):
        return f"too few of the cases have a plan to share out {what}: take a greater N"
    if not known:
        return f"nothing that is uncertain changes {what}"
    sure = _determined(known)
    if not sure:
        return f"{found.count:,} rows are too few to share out {what}: take {_enough(found, known):,} or more"
    cause, first, total = sure[0]
    many = len(cause.factors) > 1
    if first.low <= 0 or _half_width(first) > DETERMINED:  # the first-order share is not determined
        account = "account" if many else "accounts"
        return f"{name(instance, cause)} together with others {account} for {_between(total)} of {what}"
    return f"{name(instance, cause)} alone {'explain' if many else 'explains'} {_between(first)} of {what}"


def _half_width(share: Share) -> float:
    """Return half the width of the 95 % interval of a share, the part above 0."""
    return (share.high - max(0.0, share.low)) / 2


def _determined(known: Ranked) -> Ranked:
    """Return the causes whose total share has a half-width of at most `MOST_HALF_WIDTH`."""
    return [row for row in known if _half_width(row[2]) <= DETERMINED]


def _enough(found: Variance, known: Ranked) -> int:
    """Return the sample rows, a power of two, for `ADVISED_HALF_WIDTH`: the error falls as 1/sqrt(N)."""
    wanted = found.count * (_half_width(known[0][2]) / SURE) ** 2
    return min(MOST, 2 ** math.ceil(math.log2(max(wanted, 2.0 * found.count))))


def _how(found: Variance) -> str:
    by_cv = any(factor.cv is not None for cause in found.causes for factor in cause.factors)
    how = "lognormal by their `cv`" if by_cv else "even within 10 %, as the instance gives no `cv`"
    together = any(cause.correlation for cause in found.causes)
    text = f"Drawn: {len(found.causes)} causes, {how}{', metals of one device together' if together else ''}; "
    text += f"{found.count:,} rows, {found.asked:,} solves."
    if found.held:
        text += f" In {_per_cent(found.held)} of the draws a share is held at 100 %."
    return text


def name(instance: Instance, cause: Cause) -> str:
    """Return the title of a cause: of its only parameter, or of the group of parameters.

    Args:
        instance: Instance, for the titles of metals.
        cause: Parameters that are drawn together.

    Returns:
        The title.
    """
    if len(cause.factors) == 1:
        return called(instance, cause.factors[0].path, cause.factors[0].of)
    return shown(_OWN.get(str(cause.path[0]), "{}").format(cause.path[1]), 200)


def _ranked(causes: Sequence[Cause], given: Sequence[Shares]) -> Ranked:
    known = [(cause, one.first, one.total) for cause, one in zip(causes, given, strict=True) if one.first and one.total]
    return sorted(known, key=lambda row: -row[2].value)


def _chart(instance: Instance, title: str, causes: Sequence[Cause], given: Sequence[Shares], of: str) -> Chart:
    every = _ranked(causes, given)
    rows = _determined(every)
    drawn = rows[:DRAWN][::-1]
    series = [
        {
            "type": "bar",
            "name": label,
            "barGap": "0%",
            "itemStyle": {"color": colour},
            "data": [None if share is None else 100 * min(max(share.value, 0.0), 1.0) for share in values],
        }
        for values, label, colour in (
            ([first if _half_width(first) <= DETERMINED else None for _, first, _ in drawn], "alone", COLOURS[0]),
            ([total for _, _, total in drawn], "with all others", COLOURS[4]),
        )
    ]
    names = [name(instance, cause) for cause, _, _ in drawn]
    up = Axis("", names=names, extra={"axisLabel": {"color": INK, "fontFamily": FONT, "fontSize": 12, "interval": 0}})
    option = plot(Axis(f"share of the variance of the {of}", "%", least=0), up, series, legend=True)
    option["yAxis"]["data"] = [shown(one, 60) for one in names]
    notes = ["With all others the shares may add up to more than 100 %: what causes do together counts for each."]
    if len(rows) < len(every):
        notes.append(f"{len(every) - len(rows)} more causes are not determined by this sample; --json has them all.")
    return Chart(f"{capital(title)}.", option, (_table(instance, rows, of),), tuple(notes), 130 + 34 * len(drawn))


def _table(instance: Instance, rows: Ranked, of: str) -> Section:
    return section(
        f"Shares of the variance of the {of}",
        [
            (Column("cause", right=False), [name(instance, cause) for cause, _, _ in rows[:TOLD]]),
            (Column("alone"), [_alone(first) for _, first, _ in rows[:TOLD]]),
            (Column("95 % sure", rank=2), [_between(first) for _, first, _ in rows[:TOLD]]),
            (Column("with all others"), [_per_cent(total.value) for _, _, total in rows[:TOLD]]),
            (Column("95 % sure", rank=1), [_between(total) for _, _, total in rows[:TOLD]]),
        ],
        notes=[f"{len(rows) - TOLD} more explain less; --json has all."] if len(rows) > TOLD else [],
        always=5,
    )


def _alone(first: Share) -> str:
    return _per_cent(first.value) if _half_width(first) <= DETERMINED else "not determined"


def _per_cent(share: float) -> str:
    part = min(max(0.0, share), 1.0)
    return f"{digits(100 * part, 2)} %" if part == 0 or part >= LEAST_TOLD else f"below {100 * LEAST_TOLD:g} %"


def _between(share: Share) -> str:
    low, high = (min(max(0.0, end), 1.0) for end in (share.low, share.high))
    if high < LEAST_TOLD:
        return _per_cent(high)
    return f"{digits(100 * low, 2) if low >= LEAST_TOLD else '0'} to {_per_cent(high)}"


def _members(instance: Instance, unit: str, found: Variance) -> Mapping[str, Any]:
    return {
        "rows": found.count,
        "solves": found.asked,
        "solved": found.answered,
        "interrupted": found.interrupted,
        "without_plan": found.without,
        "held": found.held,
        "unit": unit,
        "quantiles": {str(at): value for at, value in zip(QUANTILES, found.quantiles, strict=False)},
        "standard_deviation": found.spread,
        "causes": [
            {
                "cause": name(instance, cause),
                "paths": [render(factor.path) for factor in cause.factors],
                "correlation": cause.correlation,
                "objective": _row(of_measure),
                "feasible": _row(of_plans),
            }
            for cause, of_measure, of_plans in zip(found.causes, found.measure, found.feasible, strict=True)
        ],
    }


def _row(given: Shares) -> dict[str, Any]:
    both = {"first": given.first, "total": given.total}
    told = {key: None if one is None else [one.value, one.low, one.high] for key, one in both.items()}
    return {**told, "rows": given.rows}
