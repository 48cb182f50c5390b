"""What-if analyses: outages, delays with contract deadlines, scenarios, and the premium of recycling over the market.

Each gives a summary, a table, bars and JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from medalopt.analysis.sensitivity.base_case import RecyclingPremium
from medalopt.analysis.sensitivity.what_if import (
    DelayAnalysis,
    DelayEffect,
    NamedScenarioResult,
    OutageLoss,
    OutageLosses,
    ScenarioComparison,
)
from medalopt.instance.instance import Instance
from medalopt.report.charts import Chart
from medalopt.report.document import CellValue, ReportColumn, ReportTable, ShownValue, make_share
from medalopt.report.numbers import format_change_value, format_number, format_period_count
from medalopt.report.sensitivity.report_part import (
    LossBar,
    SensitivityPart,
    capitalize_first,
    describe_change,
    describe_premium,
    describe_shortfall,
    draw_loss_bars,
    format_change,
    title_shortfall,
)
from medalopt.text import cut_list, escape_text, list_first

_MOST_OUTAGES_IN_TEXT = 3  # outages with their effect in a line
_MOST_NAMES = 8  # names in a line


def report_outages(outages: OutageLosses, instance: Instance) -> SensitivityPart:
    """Report the cost of each outage, and the recycling premium where it was computed.

    Returns:
        Summary lines, bars with a table, and the JSON member `without`.
    """
    listed = [loss for loss in outages.losses if loss.extra > 0 or not loss.proven]
    table = _outage_table(outages, listed)
    proven = [loss for loss in listed if loss.proven]
    charts = (_outage_chart(outages, proven, table),) if proven else ()
    first = () if outages.premium is None else describe_premium(outages.premium, instance)
    more = {} if outages.premium is None else _encode_premium(outages.premium, instance)
    lines = [
        line
        for line in (
            _describe_infeasible_outages(outages, listed),
            _describe_costly_outages(outages, listed),
            *_describe_other_outages(outages),
        )
        if line
    ]
    sections = () if charts or not listed else (table,)
    rows = [
        {"kind": loss.kind, "name": loss.name, "path": loss.path, **_encode_effect(loss, outages.value)}
        for loss in outages.losses
    ]
    members = {"objective": outages.value, "unit": outages.unit, "from": outages.start, "rows": rows}
    encoded = {"without": members, **more}
    return SensitivityPart((*lines, *first), sections, charts, encoded, heading="Outages", in_lots=outages.in_lots)


def _list_effect_columns(unit: str) -> tuple[ReportColumn, ...]:
    """Return the columns of the effect of an outage or delay."""
    return (
        ReportColumn("more", "change", unit, style="scaled"),
        ReportColumn("share", "change", "%", 1, rank=1, style="share", optional=True),
        ReportColumn("short", "short", optional=True),
    )


def _show_effect(effect: OutageLoss | DelayEffect, bar: LossBar, base: float) -> tuple[CellValue, ...]:
    """Return the cells of those columns: change, its share of the base case, metal that is short."""
    if effect.feasible:
        return effect.extra, make_share(effect.extra, abs(base)), None
    if not effect.proven:
        return ShownValue(None, "not proven"), None, None
    return ShownValue(None, "infeasible"), None, describe_shortfall(bar.shortage, brief=True)


def _encode_effect(effect: OutageLoss | DelayEffect, base: float) -> dict[str, Any]:
    """Return the effect of an outage or delay for JSON."""
    return {
        "status": "unanswered" if not effect.proven else "optimal" if effect.feasible else "infeasible",
        "objective": base + effect.extra if effect.feasible else None,
        "extra": effect.extra if effect.feasible else None,
        "short": None if effect.feasible or effect.shortage is None else dict(effect.shortage),
    }


def _outage_bar(outages: OutageLosses, loss: OutageLoss) -> LossBar:
    return LossBar(f"{loss.kind} {loss.name}", loss.extra, title_shortfall(loss.shortage, outages.titles))


def _outage_start(outages: OutageLosses) -> str:
    return "" if outages.whole else f" from {outages.start} on"


def _describe_infeasible_outages(outages: OutageLosses, losses: Sequence[OutageLoss]) -> str:
    none = [loss for loss in losses if loss.proven and not loss.feasible]
    named = [f"{_name_outage(loss)} ({describe_shortfall(_outage_bar(outages, loss).shortage)})" for loss in none]
    *first, last = cut_list(named, _MOST_OUTAGES_IN_TEXT) or [""]
    text = "; ".join([*first, f"and {last}" if len(none) > _MOST_OUTAGES_IN_TEXT else last])
    return f"Infeasible{_outage_start(outages)} without: {text}." if none else ""


def _describe_costly_outages(outages: OutageLosses, losses: Sequence[OutageLoss]) -> str:
    dearer = [loss for loss in losses if loss.feasible][:_MOST_OUTAGES_IN_TEXT]
    text = "; ".join(f"{_name_outage(loss)}: {describe_change(loss.extra, outages.unit)}" for loss in dearer)
    return f"Largest effect{_outage_start(outages)} without: {text}." if text else ""


def _describe_other_outages(outages: OutageLosses) -> tuple[str, ...]:
    """Return the outages at no cost, those not proven, and those that save cost."""
    idle = [_name_outage(loss) for loss in outages.losses if loss.proven and loss.extra == 0]
    unknown = [_name_outage(loss) for loss in outages.losses if not loss.proven]
    forced = [loss for loss in outages.losses if loss.extra < 0]
    saved = ", ".join(f"{_name_outage(loss)} ({format_change(loss.extra, outages.unit)})" for loss in forced)
    return (
        *((f"No cost if dropped{_outage_start(outages)}: {list_first(idle, _MOST_NAMES)}.",) if idle else ()),
        *((f"Not proven{_outage_start(outages)} without: {list_first(unknown, _MOST_NAMES)}.",) if unknown else ()),
        *((f"Cheaper without (taken only because of a contract or constraint): {saved}.",) if forced else ()),
    )


def _name_outage(loss: OutageLoss) -> str:
    return f"{loss.kind} {escape_text(loss.name)}"


def _outage_table(outages: OutageLosses, losses: Sequence[OutageLoss]) -> ReportTable:
    columns = (
        ReportColumn("without", "without"),
        *_list_effect_columns(outages.unit),
        ReportColumn("share_of_need", "share of need", "%", 1, rank=1, style="share", optional=True),
    )
    rows = tuple(
        (
            f"{loss.kind} {loss.name}",
            *_show_effect(loss, _outage_bar(outages, loss), outages.value),
            None if loss.feasible or loss.shortage is None else loss.share,
        )
        for loss in losses
    )
    note = "Short: the least metal from another source that restores feasibility."
    notes = (note,) if any(loss.proven and not loss.feasible for loss in losses) else ()
    title = f"Effect of each outage{_outage_start(outages)}, largest first"
    return ReportTable("outages", title, "Change of the objective without each, one at a time.", columns, rows, notes)


def _outage_chart(outages: OutageLosses, losses: Sequence[OutageLoss], table: ReportTable) -> Chart:
    rows = [_outage_bar(outages, loss) for loss in losses]
    none, dearest = [row for row in rows if not row.feasible], [row for row in rows if row.feasible]
    parts = []
    if len(none) > 1:
        rest = f" or {len(none) - 2} more" if len(none) > 2 else ""
        joint = ", " if rest else " or "
        parts.append(f"infeasible without {escape_text(none[0].name)}{joint}{escape_text(none[1].name)}{rest}")
    elif none:
        parts.append(f"infeasible without {escape_text(none[0].name)} ({describe_shortfall(none[0].shortage)})")
    if dearest:
        parts.append(f"without {escape_text(dearest[0].name)}: {describe_change(dearest[0].extra, outages.unit)}")
    title = f"{capitalize_first('; '.join(parts))}{_outage_start(outages)}"
    return draw_loss_bars(title, rows, outages.unit, table)


_MOST_CONTRACTS_IN_TEXT = 3  # contracts named in a sentence
_DELAY_CASES = {"leads": "metal returns", "supply": "supply", "both": "supply and metal returns"}
_DELAY_LABELS = {"leads": "metal late", "supply": "supply late", "both": "both late"}


def report_delay(delays: DelayAnalysis, instance: Instance) -> SensitivityPart:
    """Report the cost of a delay of supply, of metal returns and of both, and the deadline of each contract.

    Args:
        delays: Delay scenarios and deadlines.
        instance: Base instance, for the length of its periods.

    Returns:
        Summary lines, bars with a table, the table of deadlines, and the JSON member `delay`.
    """
    by = format_period_count(instance, delays.periods)
    table, signing = _delay_table(delays, by), _deadline_table(delays)
    charts = _delay_charts(delays, by, table)
    lines = [f"{_describe_delay(delays, by, effect)}." for effect in delays.effects]
    lost = next(effect.lost for effect in delays.effects if effect.what == "supply")
    if lost > 0:
        lines.append(f"Supply lost after the horizon: {format_number(lost)} t.")
    return SensitivityPart(
        (*lines, *_describe_deadlines(delays)),
        (*(() if charts else (table,)), *((signing,) if signing.rows else ())),
        charts,
        _encode_delay(delays),
        heading="Delays",
        in_lots=delays.in_lots,
    )


def _delay_charts(delays: DelayAnalysis, by: str, table: ReportTable) -> tuple[Chart, ...]:
    """Return bars of the scenarios that are solved, with the table; no chart where none is."""
    proven = [effect for effect in delays.effects if effect.proven]
    if not proven:
        return ()
    worst = next((effect for effect in proven if not effect.feasible), max(proven, key=lambda effect: effect.extra))
    drawn = [_delay_bar(delays, effect) for effect in proven]
    return (draw_loss_bars(_describe_delay(delays, by, worst), drawn, delays.unit, table),)


def _delay_bar(delays: DelayAnalysis, effect: DelayEffect) -> LossBar:
    return LossBar(_DELAY_LABELS[effect.what], effect.extra, title_shortfall(effect.shortage, delays.titles))


def _describe_delay(delays: DelayAnalysis, by: str, effect: DelayEffect) -> str:
    """Describe the effect of a delay, without a full stop."""
    consequence = "not proven"
    if effect.proven and effect.feasible:
        consequence = describe_change(effect.extra, delays.unit)
    elif effect.proven:
        consequence = f"infeasible ({describe_shortfall(_delay_bar(delays, effect).shortage)})"
    return f"{capitalize_first(_DELAY_CASES[effect.what])} {by} late: {consequence}"


def _delay_table(delays: DelayAnalysis, by: str) -> ReportTable:
    columns = (
        ReportColumn("what", f"{by} late"),
        *_list_effect_columns(delays.unit),
        ReportColumn("supply_lost_t", "supply lost", "t", rank=1, style="significant", optional=True),
    )
    rows = tuple(
        (_DELAY_CASES[row.what], *_show_effect(row, _delay_bar(delays, row), delays.value), row.lost)
        for row in delays.effects
    )
    title = f"Effect of a delay of {by}"
    return ReportTable("delays", title, "Change of the objective when everything is late.", columns, rows)


def _describe_deadlines(delays: DelayAnalysis) -> tuple[str, ...]:
    """Return the contracts to sign first, and the one that can wait longest."""
    needed = [deadline for deadline in delays.deadlines if deadline.last is not None]
    unknown = [f"{deadline.kind} {escape_text(deadline.name)}" for deadline in delays.deadlines if not deadline.proven]
    unproven = [f"Deadline not proven: {', '.join(unknown)}."] if unknown else []
    if not needed:
        return tuple(unproven)
    now = [f"{one.kind} {escape_text(one.name)}" for one in needed if one.last == needed[0].last]
    lines = [f"First deadline: sign {list_first(now, _MOST_CONTRACTS_IN_TEXT)} by {needed[0].last}."]
    last = needed[-1]
    if last.last != needed[0].last:
        lines.append(f"Last deadline: sign {last.kind} {escape_text(last.name)} by {last.last}.")
    return (*lines, *unproven)


def _deadline_table(delays: DelayAnalysis) -> ReportTable:
    """Return the table of the last period in which each contract can be signed at no extra cost."""
    columns = (
        ReportColumn("contract", "contract"),
        ReportColumn("sign_by", "sign by"),
        ReportColumn("used_from", "used from", rank=1, optional=True),
        ReportColumn("more", "change one period later", delays.unit, style="scaled", optional=True),
    )
    rows = tuple(
        (
            f"{deadline.kind} {deadline.name}",
            deadline.last,
            deadline.first,
            deadline.extra if deadline.extra < float("inf") else ShownValue(None, "infeasible"),
        )
        for deadline in delays.deadlines
        if deadline.last is not None
    )
    idle = [
        f"{deadline.kind} {escape_text(deadline.name)}"
        for deadline in delays.deadlines
        if deadline.last is None and deadline.proven
    ]
    notes = ["A contract can be used from the period in which it is signed; commitments remain."]
    notes += [f"Never needed: {', '.join(idle)}."] if idle else []
    title = "Last period in which each contract can be signed at no extra cost"
    return ReportTable("sign_by", title, "Deadline of each contract.", columns, rows, tuple(notes))


def _encode_delay(delays: DelayAnalysis) -> dict[str, Any]:
    rows = [
        {"what": effect.what, **_encode_effect(effect, delays.value), "supply_lost": effect.lost}
        for effect in delays.effects
    ]
    delay = {"periods": delays.periods, "objective": delays.value, "unit": delays.unit, "rows": rows}
    return {
        "delay": {
            **delay,
            "sign_by": [
                {
                    "kind": deadline.kind,
                    "name": deadline.name,
                    "used_from": deadline.first,
                    "sign_by": deadline.last,
                    "extra_later": deadline.extra if deadline.proven and deadline.extra < float("inf") else None,
                    "plan_later": deadline.extra < float("inf") if deadline.proven else None,
                }
                for deadline in delays.deadlines
            ],
        }
    }


_SCENARIO_STATES = {"infeasible": "infeasible", "unanswered": "not solved"}


def report_scenarios(scenarios: ScenarioComparison) -> SensitivityPart:
    """Report the named scenarios: infeasible ones first, then by cost, unsolved ones last.

    Returns:
        A sentence for each, bars with a table, and the JSON member `scenarios`.
    """
    listed = sorted(
        scenarios.scenarios,
        key=lambda scenario: (bool(scenario.fault), scenario.feasible, -_scenario_severity(scenario), scenario.name),
    )
    rows = [
        LossBar(scenario.name, scenario.extra, title_shortfall(scenario.shortage, scenarios.titles))
        for scenario in listed
        if not scenario.fault
    ]
    sentences = [
        f"{escape_text(row.name)}: {describe_change(row.extra, scenarios.unit)}"
        if row.feasible
        else f"{escape_text(row.name)}: infeasible ({describe_shortfall(row.shortage)})"
        for row in rows
    ]
    sentences += [
        f"{escape_text(scenario.name)}: not solved ({escape_text(scenario.fault, 300)})"
        for scenario in listed
        if scenario.fault
    ]
    table, lines = _scenario_table(scenarios, listed), tuple(f"Scenario {line}." for line in sentences)
    if not rows:
        return SensitivityPart(lines, (table,), (), _encode_scenarios(scenarios), heading="Named scenarios")
    none, title = sum(scenario.status == "infeasible" for scenario in listed), sentences[0]
    title = f"{none} of {len(listed)} scenarios infeasible; worst: {title}" if none > 1 else title
    chart = draw_loss_bars(title, rows, scenarios.unit, table)
    return SensitivityPart(lines, (), (chart,), _encode_scenarios(scenarios), heading="Named scenarios")


def _scenario_severity(scenario: NamedScenarioResult) -> float:
    """Return the sort key of a scenario: its extra cost, or its shortfall [kg] where it is infeasible."""
    if scenario.feasible:
        return scenario.extra
    return float("inf") if scenario.shortage is None else sum(scenario.shortage.values())


def _scenario_table(scenarios: ScenarioComparison, listed: list[NamedScenarioResult]) -> ReportTable:
    columns = (
        ReportColumn("scenario", "scenario"),
        ReportColumn("objective", "", scenarios.unit, style="scaled"),
        ReportColumn("more", "change", scenarios.unit, style="scaled", optional=True),
        ReportColumn("share", "change", "%", 1, rank=1, style="share", optional=True),
        ReportColumn("footprint_t", "footprint", "t CO2e", rank=2, style="even", optional=True),
        ReportColumn("taken_t", "taken", "t", rank=1, style="even", optional=True),
        ReportColumn("short", "short", optional=True),
    )
    rows = tuple(_tabulate_scenario(scenarios, scenario) for scenario in (scenarios.base, *listed))
    notes = tuple(f"{escape_text(scenario.name)}: {_list_changes(scenario)}." for scenario in listed)
    title = "Scenarios and the base case"
    return ReportTable("scenarios", title, "Optimum of each scenario.", columns, rows, notes)


def _tabulate_scenario(scenarios: ScenarioComparison, scenario: NamedScenarioResult) -> tuple[CellValue, ...]:
    """Return a scenario as the row of a table."""
    name = scenario.name or "base case"
    if not scenario.feasible:
        missing = title_shortfall(scenario.shortage, scenarios.titles)
        short = describe_shortfall(missing, brief=True) if scenario.status == "infeasible" else None
        return name, ShownValue(None, _SCENARIO_STATES[scenario.status]), None, None, None, None, short
    share = make_share(scenario.extra, abs(scenarios.base.value)) if scenario.name else None
    return name, scenario.value, scenario.extra, share, scenario.footprint / 1000, scenario.tonnes, None


def _list_changes(scenario: NamedScenarioResult) -> str:
    values = ((path, format_change_value(str(value))) for path, value in scenario.changes.items())
    listed = ", ".join(f"{escape_text(path)} {escape_text(value)}" for path, value in values)
    return f"{listed} ({escape_text(scenario.note, 300)})" if scenario.note else listed


def _encode_scenarios(scenarios: ScenarioComparison) -> dict[str, Any]:
    return {
        "scenarios": {
            "objective": scenarios.base.value,
            "footprint": scenarios.base.footprint,
            "tonnes": scenarios.base.tonnes,
            "unit": scenarios.unit,
            "rows": [_encode_scenario(scenario) for scenario in scenarios.scenarios],
        }
    }


def _encode_scenario(scenario: NamedScenarioResult) -> dict[str, Any]:
    values = {
        "objective": scenario.value,
        "extra": scenario.extra,
        "footprint": scenario.footprint,
        "tonnes": scenario.tonnes,
    }
    return {
        "scenario": scenario.name,
        "changes": {path: str(value) for path, value in scenario.changes.items()},
        "status": scenario.status,
        **{name: value if scenario.feasible else None for name, value in values.items()},
        "short": None if scenario.shortage is None else dict(scenario.shortage),
        **({"message": scenario.fault} if scenario.fault else {}),
    }


def report_premium(premium: RecyclingPremium, instance: Instance) -> SensitivityPart:
    """Report the recycling premium.

    Args:
        premium: Cost and footprint of the plan and of the benchmark.
        instance: Base instance, for currency and titles.

    Returns:
        Summary lines and the JSON member `premium`.
    """
    return SensitivityPart(
        describe_premium(premium, instance), (), (), _encode_premium(premium, instance), heading="Recycling premium"
    )


def _encode_premium(premium: RecyclingPremium, instance: Instance) -> dict[str, Any]:
    """Return the premium for JSON."""
    exists = premium.cost < float("inf")
    return {
        "premium": {
            "cost": premium.plan,
            "cost_bought": premium.cost if exists else None,
            "premium": premium.amount if exists else None,
            "per_medal": premium.per_medal if exists and premium.medals else None,
            "medals": premium.medals,
            "unit": instance.currency,
            "footprint": premium.footprint,
            "footprint_bought": premium.footprint_bought if exists else None,
            "short": None if exists or premium.shortage is None else dict(premium.shortage),
        }
    }
