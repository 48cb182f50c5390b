"""What-if analyses: outages, delays with contract deadlines, and scenarios; summary, table, bars and JSON of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from medalopt.analysis.sensitivity.base_case import get_row_status
from medalopt.analysis.sensitivity.delay import ContractDeadline, DelayAnalysis, DelayEffect
from medalopt.analysis.sensitivity.outages import OutageLoss, OutageLosses
from medalopt.analysis.sensitivity.scenarios import NamedScenarioResult, ScenarioComparison
from medalopt.instance.instance import Instance
from medalopt.report.charts.chart import Chart
from medalopt.report.infeasible import format_period_count
from medalopt.report.numbers import choose_money_scale, format_column, format_number, format_share
from medalopt.report.sensitivity.recycling_premium import describe_premium, encode_premium
from medalopt.report.sensitivity.report_part import (
    LossBar,
    SensitivityPart,
    abbreviate_shortfall,
    compute_bars_height,
    describe_change,
    describe_shortfall,
    format_change,
    plot_loss_bars,
    title_shortfall,
)
from medalopt.report.text_table import TextColumn, TextTable, make_text_table
from medalopt.text import escape_text

_MOST_OUTAGES_IN_TEXT = 3  # outages named in a sentence


def report_outages(found: OutageLosses, instance: Instance) -> SensitivityPart:
    """Report the cost of each outage, and the recycling premium where it was computed.

    Args:
        found: Outages with their change of the objective.
        instance: Base instance.

    Returns:
        Summary lines, bars with a table, and the JSON member `without`.
    """
    listed = [loss for loss in found.losses if loss.extra > 0 or not loss.proven]
    table = _outage_table(found, instance, listed)
    proven = [loss for loss in listed if loss.proven]
    charts = (_outage_chart(found, proven, table),) if proven else ()
    first = () if found.premium is None else describe_premium(found.premium, instance)
    more = {} if found.premium is None else encode_premium(found.premium, instance)
    lines = [
        line
        for line in (
            _describe_infeasible_outages(found, listed),
            _describe_costly_outages(found, listed),
            *_describe_other_outages(found),
        )
        if line
    ]
    sections = () if charts or not listed else (table,)
    return SensitivityPart(
        (*first, *lines), sections, charts, {**_encode_outages(found), **more}, heading="What drops out"
    )


def _outage_bar(found: OutageLosses, loss: OutageLoss) -> LossBar:
    return LossBar(f"{loss.kind} {loss.name}", loss.extra, title_shortfall(loss.short, found.titles))


def _outage_start(found: OutageLosses) -> str:
    return "" if found.whole else f" from {found.start} on"


def _describe_infeasible_outages(found: OutageLosses, losses: Sequence[OutageLoss]) -> str:
    none = [loss for loss in losses if loss.proven and not loss.feasible]
    said = "; ".join(
        f"{_name_outage(loss)} ({describe_shortfall(_outage_bar(found, loss).short)})"
        for loss in none[:_MOST_OUTAGES_IN_TEXT]
    )
    rest = f"; and {len(none) - _MOST_OUTAGES_IN_TEXT} more" if len(none) > _MOST_OUTAGES_IN_TEXT else ""
    return f"There is no plan{_outage_start(found)} without {said}{rest}." if none else ""


def _describe_costly_outages(found: OutageLosses, losses: Sequence[OutageLoss]) -> str:
    dearer = [loss for loss in losses if loss.feasible][:_MOST_OUTAGES_IN_TEXT]
    said = [f"without {_name_outage(loss)} {describe_change(loss.extra, found.unit)}" for loss in dearer]
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}{_outage_start(found)}." if text else ""


def _describe_other_outages(found: OutageLosses) -> tuple[str, ...]:
    """Return the outages at no cost, those not proven, and those that save cost."""
    idle = [_name_outage(loss) for loss in found.losses if loss.proven and loss.extra == 0]
    unknown = [_name_outage(loss) for loss in found.losses if not loss.proven]
    forced = [loss for loss in found.losses if loss.extra < 0]
    saved = ", ".join(f"{_name_outage(loss)} ({format_change(loss.extra, found.unit)})" for loss in forced)
    return (
        *((f"Nobody would miss{_outage_start(found)}: {', '.join(idle)}.",) if idle else ()),
        *((f"Not proven what comes of it{_outage_start(found)} without: {', '.join(unknown)}.",) if unknown else ()),
        *((f"Cheaper without, as only a contract or a rule brings it in: {saved}.",) if forced else ()),
    )


def _name_outage(loss: OutageLoss) -> str:
    return f"{loss.kind} {escape_text(loss.name)}"


def _outage_status(loss: OutageLoss) -> str:
    """Return the cell of an outage without a plan: infeasible or not proven."""
    return "no plan" if loss.proven else "not proven"


def _outage_table(found: OutageLosses, instance: Instance, losses: Sequence[OutageLoss]) -> TextTable:
    size, word = choose_money_scale(loss.extra for loss in losses if loss.feasible)
    extras = iter(format_column([loss.extra / size for loss in losses if loss.feasible]))
    columns = [
        (TextColumn("without", right=False), [_name_outage(loss) for loss in losses]),
        (
            TextColumn(f"more, {word}{found.unit}"),
            [next(extras) if loss.feasible else _outage_status(loss) for loss in losses],
        ),
        (
            TextColumn("of all", rank=1),
            [format_share(loss.extra, abs(found.value)) if loss.feasible else "" for loss in losses],
        ),
        (
            TextColumn("short", right=False),
            [
                "" if loss.feasible or not loss.proven else abbreviate_shortfall(_outage_bar(found, loss).short)
                for loss in losses
            ],
        ),
        (
            TextColumn("of the need", rank=1),
            ["" if loss.feasible or loss.short is None else format_share(loss.share, 1.0) for loss in losses],
        ),
    ]
    note = "Short: the least metal that would have to come from elsewhere for there to be a plan."
    notes = [note] if any(loss.proven and not loss.feasible for loss in losses) else []
    return make_text_table(
        f"What is lost without it{_outage_start(found)}, the most serious first", columns, notes=notes
    )


def _outage_chart(found: OutageLosses, losses: Sequence[OutageLoss], table: TextTable) -> Chart:
    rows = [_outage_bar(found, loss) for loss in losses]
    none, dearest = [row for row in rows if not row.feasible], [row for row in rows if row.feasible]
    parts = []
    if len(none) > 1:
        rest = f" or {len(none) - 2} more" if len(none) > 2 else ""
        joint = ", " if rest else " or "
        parts.append(f"there is no plan without {escape_text(none[0].name)}{joint}{escape_text(none[1].name)}{rest}")
    elif none:
        parts.append(f"without {escape_text(none[0].name)} there is no plan ({describe_shortfall(none[0].short)})")
    if dearest:
        parts.append(f"without {escape_text(dearest[0].name)} {describe_change(dearest[0].extra, found.unit)}")
    title = "; ".join(parts)
    return Chart(
        f"{title[0].upper()}{title[1:]}{_outage_start(found)}",
        plot_loss_bars(rows, found.unit),
        (table,),
        height=compute_bars_height(rows),
    )


def _encode_outages(found: OutageLosses) -> dict[str, Any]:
    rows = [
        {
            "kind": loss.kind,
            "name": loss.name,
            "path": loss.path,
            "status": get_row_status(loss.feasible, loss.proven),
            "objective": found.value + loss.extra if loss.feasible else None,
            "extra": loss.extra if loss.feasible else None,
            "short": None if loss.feasible or loss.short is None else dict(loss.short),
        }
        for loss in found.losses
    ]
    return {"without": {"objective": found.value, "unit": found.unit, "from": found.start, "rows": rows}}


_MOST_CONTRACTS_IN_TEXT = 3  # contracts named in a sentence
_DELAY_CASES = {"leads": "metal comes back", "supply": "supply comes", "both": "supply comes and metal comes back"}
_DELAY_LABELS = {"leads": "metal late", "supply": "supply late", "both": "both late"}


def report_delay(found: DelayAnalysis, instance: Instance) -> SensitivityPart:
    """Report the cost of a delay of supply, of metal returns and of both, and the deadline of each contract.

    Args:
        found: Delay scenarios and deadlines.
        instance: Base instance, for the length of its periods.

    Returns:
        Summary lines, bars with a table, the table of deadlines, and the JSON member `delay`.
    """
    by = format_period_count(instance, found.periods)
    table, signing = _delay_table(found, instance, by), _deadline_table(found)
    charts = _delay_charts(found, by, table)
    lines = [f"{_delay_condition(late)} {by} later {_delay_consequence(found, late)}." for late in found.late]
    lost = next(late.lost for late in found.late if late.what == "supply")
    if lost > 0:
        lines.append(f"Of the supply {format_number(lost)} t would then come after the horizon, and are lost.")
    return SensitivityPart(
        (*lines, *_describe_deadlines(found)),
        (*(() if charts else (table,)), *((signing,) if signing.rows else ())),
        charts,
        _encode_delay(found),
        heading="What comes late",
    )


def _delay_charts(found: DelayAnalysis, by: str, table: TextTable) -> tuple[Chart, ...]:
    """Return bars of the scenarios that are solved, with the table; no chart where none is."""
    proven = [late for late in found.late if late.proven]
    if not proven:
        return ()
    worst = next((late for late in proven if not late.feasible), max(proven, key=lambda late: late.extra))
    drawn = [
        LossBar(_DELAY_LABELS[late.what], late.extra, title_shortfall(late.short, found.titles)) for late in proven
    ]
    title = f"{_delay_condition(worst)} {by} later {_delay_consequence(found, worst)}"
    return (Chart(title, plot_loss_bars(drawn, found.unit), (table,), height=compute_bars_height(drawn)),)


def _delay_condition(late: DelayEffect) -> str:
    return f"If all {_DELAY_CASES[late.what]}"


def _delay_consequence(found: DelayAnalysis, late: DelayEffect) -> str:
    if not late.proven:
        return "it is not proven what comes of it"
    if late.feasible:
        return f"{describe_change(late.extra, found.unit)}"
    return f"there is no plan ({describe_shortfall(title_shortfall(late.short, found.titles))})"


def _delay_table(found: DelayAnalysis, instance: Instance, by: str) -> TextTable:
    rows, titles = found.late, found.titles
    size, word = choose_money_scale(row.extra for row in rows if row.feasible)
    extras = iter(format_column([row.extra / size for row in rows if row.feasible]))
    columns = [
        (TextColumn(f"{by} later", right=False), [_DELAY_CASES[row.what] for row in rows]),
        (
            TextColumn(f"more, {word}{found.unit}"),
            [next(extras) if row.feasible else _delay_status(row) for row in rows],
        ),
        (
            TextColumn("of all", rank=1),
            [format_share(row.extra, abs(found.value)) if row.feasible else "" for row in rows],
        ),
        (TextColumn("short", right=False), [_delay_shortfall(row, titles) for row in rows]),
        (TextColumn("supply lost, t", rank=1), [format_number(late.lost) for late in found.late]),
    ]
    return make_text_table(f"What it costs when all is {by} late", columns)


def _delay_status(late: DelayEffect) -> str:
    """Return the cell of a scenario without a plan: infeasible or not proven."""
    return "no plan" if late.proven else "not proven"


def _delay_shortfall(late: DelayEffect, titles: Mapping[str, str]) -> str:
    return "" if late.feasible or not late.proven else abbreviate_shortfall(title_shortfall(late.short, titles))


def _describe_deadlines(found: DelayAnalysis) -> tuple[str, ...]:
    """Return the contracts to sign first, and the one that can wait longest."""
    needed = [one for one in found.deadlines if one.last is not None]
    unknown = [f"{one.kind} {escape_text(one.name)}" for one in found.deadlines if not one.proven]
    unproven = [f"Not proven by when to sign: {', '.join(unknown)}."] if unknown else []
    if not needed:
        return tuple(unproven)
    now = [one for one in needed if one.last == needed[0].last]
    first = ", ".join(f"{one.kind} {escape_text(one.name)}" for one in now[:_MOST_CONTRACTS_IN_TEXT])
    rest = f" and {len(now) - _MOST_CONTRACTS_IN_TEXT} more" if len(now) > _MOST_CONTRACTS_IN_TEXT else ""
    lines = [f"To be signed by {needed[0].last} so that nothing is lost: {first}{rest}."]
    last = needed[-1]
    if last.last != needed[0].last:
        lines.append(f"What can wait longest is {last.kind} {escape_text(last.name)}: until {last.last}.")
    return (*lines, *unproven)


def _deadline_table(found: DelayAnalysis) -> TextTable:
    """Return the table of the last period in which each contract can be signed at no extra cost."""
    listed = [one for one in found.deadlines if one.last is not None]
    size, word = choose_money_scale(one.extra for one in listed if one.extra < float("inf"))
    extras = iter(format_column([one.extra / size for one in listed if one.extra < float("inf")]))
    columns = [
        (TextColumn("contract", right=False), [f"{one.kind} {escape_text(one.name)}" for one in listed]),
        (TextColumn("sign by", right=False), [one.last or "" for one in listed]),
        (TextColumn("used from", right=False, rank=1), [one.first or "" for one in listed]),
        (
            TextColumn(f"more a period later, {word}{found.unit}"),
            [next(extras) if one.extra < float("inf") else "no plan" for one in listed],
        ),
    ]
    idle = [f"{one.kind} {escape_text(one.name)}" for one in found.deadlines if one.last is None and one.proven]
    notes = ["What is signed in a period can be used from that period on; what is committed stays so."]
    notes += [f"Never needed: {', '.join(idle)}."] if idle else []
    return make_text_table("The last period in which each can be signed at no cost", columns, notes=notes)


def _encode_delay(found: DelayAnalysis) -> dict[str, Any]:
    rows = [
        {
            "what": late.what,
            "status": get_row_status(late.feasible, late.proven),
            "objective": found.value + late.extra if late.feasible else None,
            "extra": late.extra if late.feasible else None,
            "short": None if late.short is None else dict(late.short),
            "supply_lost": late.lost,
        }
        for late in found.late
    ]
    delay = {"periods": found.periods, "objective": found.value, "unit": found.unit, "rows": rows}
    return {"delay": {**delay, "sign_by": [_encode_deadline(one) for one in found.deadlines]}}


def _encode_deadline(one: ContractDeadline) -> dict[str, Any]:
    """Return a deadline for JSON."""
    return {
        "kind": one.kind,
        "name": one.name,
        "used_from": one.first,
        "sign_by": one.last,
        "extra_later": one.extra if one.proven and one.extra < float("inf") else None,
        "plan_later": one.extra < float("inf") if one.proven else None,
    }


_SCENARIO_STATES = {"infeasible": "no plan", "unanswered": "no answer"}


def report_scenarios(found: ScenarioComparison) -> SensitivityPart:
    """Report the named scenarios: infeasible ones first, then by cost, unsolved ones last.

    Args:
        found: Base case and scenarios.

    Returns:
        A sentence for each, bars with a table, and the JSON member `scenarios`.
    """
    listed = sorted(
        found.scenarios, key=lambda one: (bool(one.fault), one.feasible, -_scenario_severity(one), one.name)
    )
    rows = [LossBar(one.name, one.extra, title_shortfall(one.short, found.titles)) for one in listed if not one.fault]
    said = [
        f"{escape_text(row.name)}: {describe_change(row.extra, found.unit)}"
        if row.feasible
        else f"{escape_text(row.name)}: there is no plan ({describe_shortfall(row.short)})"
        for row in rows
    ]
    said += [f"{escape_text(one.name)}: no answer ({escape_text(one.fault, 300)})" for one in listed if one.fault]
    table, lines = _scenario_table(found, listed), tuple(f"Scenario {line}." for line in said)
    if not rows:
        return SensitivityPart(lines, (table,), (), _encode_scenarios(found), heading="Several things at once")
    chart = Chart(
        _scenario_title(listed, said), plot_loss_bars(rows, found.unit), (table,), height=compute_bars_height(rows)
    )
    return SensitivityPart(lines, (), (chart,), _encode_scenarios(found), heading="Several things at once")


def _scenario_severity(one: NamedScenarioResult) -> float:
    """Return the sort key of a scenario: its extra cost, or its shortfall [kg] where it is infeasible."""
    return one.extra if one.feasible else sum(one.short.values()) if one.short is not None else float("inf")


def _scenario_title(listed: list[NamedScenarioResult], said: list[str]) -> str:
    none, of = sum(one.status == "infeasible" for one in listed), len(listed)
    worst = said[0].replace(": there is no plan (", " above all (", 1)
    return f"{none} of {of} scenarios have no plan, {worst}" if none > 1 else said[0]


def _scenario_table(found: ScenarioComparison, listed: list[NamedScenarioResult]) -> TextTable:
    every = [found.base, *listed]
    plans = [one for one in every if one.feasible]
    size, word = choose_money_scale(one.value for one in plans)
    values = iter(format_column([one.value / size for one in plans]))
    extras = iter(format_column([one.extra / size for one in plans]))
    footprints = iter(format_column([one.footprint / 1000 for one in plans]))
    tonnes = iter(format_column([one.tonnes for one in plans]))
    columns = [
        (TextColumn("scenario", right=False), ["as it is", *(escape_text(one.name) for one in listed)]),
        (
            TextColumn(f"{word}{found.unit}"),
            [next(values) if one.feasible else _SCENARIO_STATES[one.status] for one in every],
        ),
        (TextColumn("more"), [next(extras) if one.feasible else "" for one in every]),
        (
            TextColumn("in %", rank=1),
            [format_share(one.extra, abs(found.base.value)) if one.feasible and one.name else "" for one in every],
        ),
        (TextColumn("t CO2e", rank=2), [next(footprints) if one.feasible else "" for one in every]),
        (TextColumn("t taken", rank=1), [next(tonnes) if one.feasible else "" for one in every]),
        (
            TextColumn("short", right=False),
            [_scenario_shortfall(found, one) if one.status == "infeasible" else "" for one in every],
        ),
    ]
    notes = [f"{escape_text(one.name)}: {_list_changes(one)}." for one in listed]
    return make_text_table("The scenarios of this instance beside the base case", columns, notes=notes)


def _scenario_shortfall(found: ScenarioComparison, one: NamedScenarioResult) -> str:
    return abbreviate_shortfall(title_shortfall(one.short, found.titles))


def _list_changes(one: NamedScenarioResult) -> str:
    listed = ", ".join(f"{escape_text(path)} {escape_text(str(value))}" for path, value in one.changes.items())
    return f"{listed} ({escape_text(one.note, 300)})" if one.note else listed


def _encode_scenarios(found: ScenarioComparison) -> dict[str, Any]:
    return {
        "scenarios": {
            "objective": found.base.value,
            "footprint": found.base.footprint,
            "tonnes": found.base.tonnes,
            "unit": found.unit,
            "rows": [_encode_scenario(one) for one in found.scenarios],
        }
    }


def _encode_scenario(one: NamedScenarioResult) -> dict[str, Any]:
    figures = {"objective": one.value, "extra": one.extra, "footprint": one.footprint, "tonnes": one.tonnes}
    return {
        "scenario": one.name,
        "changes": {path: str(value) for path, value in one.changes.items()},
        "status": one.status,
        **{name: value if one.feasible else None for name, value in figures.items()},
        "short": None if one.short is None else dict(one.short),
        **({"message": one.fault} if one.fault else {}),
    }
