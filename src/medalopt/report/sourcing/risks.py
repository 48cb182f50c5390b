"""Main risks: the parameters with the largest effect on cost, the named scenarios, and the cost of each constraint."""

from __future__ import annotations

from fractions import Fraction

from medalopt.analysis.result_cache import ScenarioResult
from medalopt.analysis.sensitivity.tornado import TornadoBar, TornadoEnd
from medalopt.analysis.sourcing.plan_analyses import PlanAnalyses
from medalopt.analysis.sourcing.risks import PlanRisks, ScenarioRisk
from medalopt.instance.instance import Instance
from medalopt.instance.paths import render_path
from medalopt.instance.schema.field_types import QuantityField
from medalopt.report.document import CellValue, ReportColumn, ReportTable, make_amount_column
from medalopt.report.numbers import format_mass, format_money, format_number
from medalopt.report.sensitivity.report_part import capitalize_first, title_parameter
from medalopt.report.sensitivity.tornado import describe_step, format_step
from medalopt.text import escape_text
from medalopt.units import name_unit

_RISKS_DESCRIPTION = (
    "The three parameters with the largest effect on total cost, each varied alone and the plan optimised again."
)
_SCENARIOS_DESCRIPTION = "Named scenarios of the instance, each optimised again, and the change of total cost."
_INFEASIBLE, _NOT_SOLVED = "no plan", "not solved"  # cells, also of saved plans
_RANKS = ("Main risk", "Second risk", "Third risk")
_MOST_SCENARIOS = 2  # scenarios in the summary


def tabulate_risks(risks: PlanRisks, instance: Instance) -> tuple[ReportTable, ...]:
    """Tabulate the main risks, and the named scenarios where there are any.

    Args:
        risks: Tornado bars and scenarios around the plan.
        instance: Instance of the plan.

    Returns:
        The table `risks`, and `scenarios` where there are any.
    """
    return (_risk_table(risks, instance), *((_scenario_table(risks, instance),) if risks.cases else ()))


def describe_risks(risks: PlanRisks, instance: Instance) -> tuple[str, ...]:
    """Describe the main risks and the worst scenarios.

    Args:
        risks: Tornado bars and scenarios around the plan.
        instance: Instance of the plan.

    Returns:
        A sentence for each of at most three parameters, and one on scenarios.
    """
    lines = [
        f"{rank}: {_describe_risk(bar, risks.base, instance)}." for rank, bar in zip(_RANKS, risks.bars, strict=False)
    ]
    cases = _select_worst_scenarios(risks)
    if cases:
        more = len(risks.cases) - len(cases)
        rest = f"; {more} more in the table of scenarios" if more else ""
        lines.append(f"Scenarios: {'; '.join(_describe_scenario(risk, instance) for risk in cases)}{rest}.")
    return tuple(lines)


def _describe_risk(bar: TornadoBar, base: ScenarioResult, instance: Instance) -> str:
    ends = "; ".join(
        f"{describe_step(end)}: {_describe_effect(end, base, instance, 'cost ' if end is bar.ends[0] else '')}"
        for end in bar.ends
    )
    return f"{title_parameter(instance, bar.factor.path, bar.factor.of)}{_format_range(bar, instance)}. {ends}"


def _describe_effect(end: TornadoEnd, base: ScenarioResult, instance: Instance, label: str) -> str:
    by = end.compute_effect(base)
    if by is None:
        return "infeasible" if end.result.status == "infeasible" else _NOT_SOLVED
    return f"{label}{'+' if by > 0 else '−'}{format_money(abs(by), instance.currency)}" if by else "no effect on cost"


def _format_range(bar: TornadoBar, instance: Instance) -> str:
    """Format the range of a single parameter: ` (770 to 2,030 g/t)`; '' for several that are varied together."""
    members = bar.factor.members
    if bar.factor.parameter_count != 1 or not isinstance(members[0].kind.field_type, QuantityField):
        return ""
    unit = members[0].kind.field_type.unit
    value = float(members[0].values[0])
    size, word = (100.0, "%") if not unit else (1.0, name_unit(unit, instance.currency))
    if word == "kg/t" and value < 1:
        size, word = 1000.0, "g/t"
    held = members[0].upper_limit
    low, high = (value * end.factor for end in bar.ends)
    high = min(high, float(Fraction(held))) if held is not None else high
    return (
        f" ({format_number(size * low)} to {format_number(size * high)} {word}, planned "
        f"{format_number(size * value)} {word})"
    )


def _risk_table(risks: PlanRisks, instance: Instance) -> ReportTable:
    columns = (
        ReportColumn("figure", "Parameter"),
        ReportColumn("lower", "Decrease", "%", 1),
        make_amount_column("lower_costs", "Change of cost", instance.currency, total=False),
        ReportColumn("higher", "Increase", "%", 1),
        make_amount_column("higher_costs", "Change of cost", instance.currency, total=False),
        ReportColumn("because", "Varied by"),
    )
    rows = tuple(_risk_row(bar, risks.base, instance) for bar in risks.bars)
    how = (
        f"Of {risks.parameter_count} parameters the {risks.varied_count} with the largest product of shadow price and "
        "uncertainty were varied and solved; these have the largest effect. `medalopt sensitivity --tornado` varies "
        "all."
    )
    notes = (how, "Parameters without `cv` in the instance are varied by 10 %. A negative amount is a saving.")
    return ReportTable("risks", "Main risks", _RISKS_DESCRIPTION, columns, rows, notes)


def _risk_row(bar: TornadoBar, base: ScenarioResult, instance: Instance) -> tuple[CellValue, ...]:
    name = capitalize_first(title_parameter(instance, bar.factor.path, bar.factor.of)) + _format_range(bar, instance)
    down, up = (_extra_cost(end, base) for end in bar.ends)
    because = "10 %, having no cv" if bar.factor.cv is None else f"its cv, {format_step(bar.factor.cv)}"
    return (name, 1 - bar.down.factor, down, bar.up.factor - 1, up, because)


def _extra_cost(end: TornadoEnd, base: ScenarioResult) -> CellValue:
    by = end.compute_effect(base)
    if by is None:
        return _INFEASIBLE if end.result.status == "infeasible" else _NOT_SOLVED
    return by


def _select_worst_scenarios(risks: PlanRisks) -> list[ScenarioRisk]:
    """Return the scenarios of the summary: infeasible ones first, then by extra cost."""
    bad = [risk for risk in risks.cases if risk.more is None or risk.more > 0]
    return sorted(bad, key=lambda risk: (risk.more is not None, -_scenario_severity(risk), risk.name))[:_MOST_SCENARIOS]


def _scenario_severity(risk: ScenarioRisk) -> float:
    return sum((risk.shortage or {}).values()) if risk.more is None else risk.more


def _describe_scenario(risk: ScenarioRisk, instance: Instance) -> str:
    if risk.more is not None:
        return f"{escape_text(risk.name)} +{format_money(risk.more, instance.currency)}"
    if risk.result.status != "infeasible":
        return f"{escape_text(risk.name)} not solved"
    short = _list_shortfall(risk, instance)
    return f"{escape_text(risk.name)} infeasible" + (f" (shortfall: {short})" if short else "")


def _list_shortfall(risk: ScenarioRisk, instance: Instance) -> str:
    titles = dict(zip(instance.metals.names, instance.metals.titles, strict=True))
    return ", ".join(
        f"{format_mass(kg)} of {escape_text(titles[metal])}" for metal, kg in (risk.shortage or {}).items()
    )


def _scenario_table(risks: PlanRisks, instance: Instance) -> ReportTable:
    columns = (
        ReportColumn("scenario", "Scenario"),
        ReportColumn("changes", "Changes"),
        make_amount_column("cost", "Cost", instance.currency, total=False),
        make_amount_column("more", "Change of cost", instance.currency, total=False),
        ReportColumn("short", "Shortfall"),
        ReportColumn("note", "Note"),
    )
    notes = {source.path: source.note for source in instance.sources}
    rows = tuple(
        _scenario_row(risk, instance, notes.get(render_path(("scenarios", risk.name)), "")) for risk in risks.cases
    )
    short = any(risk.shortage for risk in risks.cases)
    said = ("Shortfall: least metal from other sources that makes the scenario feasible.",) if short else ()
    return ReportTable("scenarios", "Scenarios", _SCENARIOS_DESCRIPTION, columns, rows, said)


def _scenario_row(risk: ScenarioRisk, instance: Instance, note: str) -> tuple[CellValue, ...]:
    changes = ", ".join(f"{path} {value}" for path, value in risk.changes.items())
    state = _INFEASIBLE if risk.result.status == "infeasible" else _NOT_SOLVED
    costs: tuple[CellValue, CellValue] = (state, None) if risk.more is None else (risk.result.value, risk.more)
    return (risk.name, changes, *costs, _list_shortfall(risk, instance), note)


_RULES_DESCRIPTION = "Cost of each constraint: optimal cost with it, less optimal cost without it; all others are kept."


def tabulate_rule_costs(analyses: PlanAnalyses) -> tuple[ReportTable, ...]:
    """Tabulate the rules with their costs, the highest first.

    Args:
        analyses: Analyses around the plan.

    Returns:
        The table `rules`.
    """
    columns = (
        ReportColumn("rule", "Constraint"),
        ReportColumn("figure", "Right-hand side", "", 4),
        ReportColumn("unit", "Unit"),
        ReportColumn("binds", "Binding"),
        make_amount_column("costs", "Cost", analyses.base.instance.currency, total=False),
        ReportColumn("path", "Path", hidden=True),
    )
    rows: list[tuple[CellValue, ...]] = [
        (
            rule.limit.rule.format(escape_text(rule.subject)),
            100 * rule.value if rule.limit.unit == "%" else rule.value,
            rule.limit.unit,
            "yes" if rule.binds else "no",
            "not proven" if rule.costs is None else rule.costs,
            rule.path,
        )
        for rule in sorted(analyses.rules, key=lambda rule: (rule.costs is None, -(rule.costs or 0.0), rule.path))
    ]
    notes = ("Costs of constraints do not add up: without one, another may become binding.",) if len(rows) > 1 else ()
    return (ReportTable("rules", "Cost of constraints", _RULES_DESCRIPTION, columns, tuple(rows), notes),)
