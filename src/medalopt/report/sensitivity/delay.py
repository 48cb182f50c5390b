"""Cost of late supply and late metal, and the last period in which each contract can be signed at no extra cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medalopt.analysis.sensitivity.delay import Delay, Late
from medalopt.analysis.sensitivity.signing import Deadline
from medalopt.analysis.sensitivity.steps import status_of
from medalopt.instance.instance import Instance
from medalopt.report.charts.chart import Chart
from medalopt.report.cures import spans
from medalopt.report.numbers import column, digits, scale, share
from medalopt.report.section import Column, Section, section
from medalopt.report.sensitivity.bars import Bar, bars, briefly, by_title, costs, height, missing
from medalopt.report.sensitivity.part import Part
from medalopt.wording import shown

_SAID = 3  # contracts named in a sentence
_WHAT = {"leads": "metal comes back", "supply": "supply comes", "both": "supply comes and metal comes back"}
_BRIEFLY = {"leads": "metal late", "supply": "supply late", "both": "both late"}


def told(found: Delay, instance: Instance) -> Part:
    """Report the cost of a delay of supply, of metal returns and of both, and the deadline of each contract.

    Args:
        found: Delay scenarios and deadlines.
        instance: Base instance, for the length of its periods.

    Returns:
        Summary lines, bars with a table, the table of deadlines, and the JSON member `delay`.
    """
    by = spans(instance, found.periods)
    table, signing = _table(found, instance, by), _signing(found)
    charts = _charts(found, by, table)
    lines = [f"{_opening(late)} {by} later {_then(found, late)}." for late in found.late]
    lost = next(late.lost for late in found.late if late.what == "supply")
    if lost > 0:
        lines.append(f"Of the supply {digits(lost)} t would then come after the horizon, and are lost.")
    return Part(
        (*lines, *_soon(found)),
        (*(() if charts else (table,)), *((signing,) if signing.rows else ())),
        charts,
        _members(found),
        heading="What comes late",
    )


def _charts(found: Delay, by: str, table: Section) -> tuple[Chart, ...]:
    """Return bars of the scenarios that are solved, with the table; no chart where none is."""
    proven = [late for late in found.late if late.proven]
    if not proven:
        return ()
    worst = next((late for late in proven if not late.feasible), max(proven, key=lambda late: late.extra))
    drawn = [Bar(_BRIEFLY[late.what], late.extra, by_title(late.short, found.titles)) for late in proven]
    title = f"{_opening(worst)} {by} later {_then(found, worst)}"
    return (Chart(title, bars(drawn, found.unit), (table,), height=height(drawn)),)


def _opening(late: Late) -> str:
    return f"If all {_WHAT[late.what]}"


def _then(found: Delay, late: Late) -> str:
    if not late.proven:
        return "it is not proven what comes of it"
    if late.feasible:
        return f"{costs(late.extra, found.unit)}"
    return f"there is no plan ({missing(by_title(late.short, found.titles))})"


def _table(found: Delay, instance: Instance, by: str) -> Section:
    rows, titles = found.late, found.titles
    size, word = scale(row.extra for row in rows if row.feasible)
    extras = iter(column([row.extra / size for row in rows if row.feasible]))
    columns = [
        (Column(f"{by} later", right=False), [_WHAT[row.what] for row in rows]),
        (Column(f"more, {word}{found.unit}"), [next(extras) if row.feasible else _state(row) for row in rows]),
        (Column("of all", rank=1), [share(row.extra, abs(found.value)) if row.feasible else "" for row in rows]),
        (Column("short", right=False), [_short(row, titles) for row in rows]),
        (Column("supply lost, t", rank=1), [digits(late.lost) for late in found.late]),
    ]
    return section(f"What it costs when all is {by} late", columns)


def _state(late: Late) -> str:
    """Return the cell of a scenario without a plan: infeasible or not proven."""
    return "no plan" if late.proven else "not proven"


def _short(late: Late, titles: Mapping[str, str]) -> str:
    return "" if late.feasible or not late.proven else briefly(by_title(late.short, titles))


def _soon(found: Delay) -> tuple[str, ...]:
    """Return the contracts to sign first, and the one that can wait longest."""
    needed = [one for one in found.deadlines if one.last is not None]
    unknown = [f"{one.kind} {shown(one.name)}" for one in found.deadlines if not one.proven]
    unproven = [f"Not proven by when to sign: {', '.join(unknown)}."] if unknown else []
    if not needed:
        return tuple(unproven)
    now = [one for one in needed if one.last == needed[0].last]
    first = ", ".join(f"{one.kind} {shown(one.name)}" for one in now[:_SAID])
    rest = f" and {len(now) - _SAID} more" if len(now) > _SAID else ""
    lines = [f"To be signed by {needed[0].last} so that nothing is lost: {first}{rest}."]
    last = needed[-1]
    if last.last != needed[0].last:
        lines.append(f"What can wait longest is {last.kind} {shown(last.name)}: until {last.last}.")
    return (*lines, *unproven)


def _signing(found: Delay) -> Section:
    """Return the table of the last period in which each contract can be signed at no extra cost."""
    listed = [one for one in found.deadlines if one.last is not None]
    size, word = scale(one.extra for one in listed if one.extra < float("inf"))
    extras = iter(column([one.extra / size for one in listed if one.extra < float("inf")]))
    columns = [
        (Column("contract", right=False), [f"{one.kind} {shown(one.name)}" for one in listed]),
        (Column("sign by", right=False), [one.last or "" for one in listed]),
        (Column("used from", right=False, rank=1), [one.first or "" for one in listed]),
        (
            Column(f"more a period later, {word}{found.unit}"),
            [next(extras) if one.extra < float("inf") else "no plan" for one in listed],
        ),
    ]
    idle = [f"{one.kind} {shown(one.name)}" for one in found.deadlines if one.last is None and one.proven]
    notes = ["What is signed in a period can be used from that period on; what is committed stays so."]
    notes += [f"Never needed: {', '.join(idle)}."] if idle else []
    return section("The last period in which each can be signed at no cost", columns, notes=notes)


def _members(found: Delay) -> dict[str, Any]:
    rows = [
        {
            "what": late.what,
            "status": status_of(late.feasible, late.proven),
            "objective": found.value + late.extra if late.feasible else None,
            "extra": late.extra if late.feasible else None,
            "short": None if late.short is None else dict(late.short),
            "supply_lost": late.lost,
        }
        for late in found.late
    ]
    delay = {"periods": found.periods, "objective": found.value, "unit": found.unit, "rows": rows}
    return {"delay": {**delay, "sign_by": [_deadline(one) for one in found.deadlines]}}


def _deadline(one: Deadline) -> dict[str, Any]:
    """Return a deadline for JSON."""
    return {
        "kind": one.kind,
        "name": one.name,
        "used_from": one.first,
        "sign_by": one.last,
        "extra_later": one.extra if one.proven and one.extra < float("inf") else None,
        "plan_later": one.extra < float("inf") if one.proven else None,
    }
