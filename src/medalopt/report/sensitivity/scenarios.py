"""Named scenarios beside the base case: summary, table, bars and JSON."""

from __future__ import annotations

from typing import Any

from medalopt.analysis.sensitivity.scenarios import Scenario, Scenarios
from medalopt.report.charts.chart import Chart
from medalopt.report.numbers import column, scale, share
from medalopt.report.section import Column, Section, section
from medalopt.report.sensitivity.bars import Bar, bars, briefly, by_title, costs, height, missing
from medalopt.report.sensitivity.part import Part
from medalopt.wording import shown

_STATE = {"infeasible": "no plan", "unanswered": "no answer"}


def told(found: Scenarios) -> Part:
    """Report the named scenarios: infeasible ones first, then by cost, unsolved ones last.

    Args:
        found: Base case and scenarios.

    Returns:
        A sentence for each, bars with a table, and the JSON member `scenarios`.
    """
    listed = sorted(found.scenarios, key=lambda one: (bool(one.fault), one.feasible, -_weight(one), one.name))
    rows = [Bar(one.name, one.extra, by_title(one.short, found.titles)) for one in listed if not one.fault]
    said = [
        f"{shown(row.name)}: {costs(row.extra, found.unit)}"
        if row.feasible
        else f"{shown(row.name)}: there is no plan ({missing(row.short)})"
        for row in rows
    ]
    said += [f"{shown(one.name)}: no answer ({shown(one.fault, 300)})" for one in listed if one.fault]
    table, lines = _table(found, listed), tuple(f"Scenario {line}." for line in said)
    if not rows:
        return Part(lines, (table,), (), _members(found), heading="Several things at once")
    chart = Chart(_title(listed, said), bars(rows, found.unit), (table,), height=height(rows))
    return Part(lines, (), (chart,), _members(found), heading="Several things at once")


def _weight(one: Scenario) -> float:
    """Return the sort key of a scenario: its extra cost, or its shortfall [kg] where it is infeasible."""
    return one.extra if one.feasible else sum(one.short.values()) if one.short is not None else float("inf")


def _title(listed: list[Scenario], said: list[str]) -> str:
    none, of = sum(one.status == "infeasible" for one in listed), len(listed)
    worst = said[0].replace(": there is no plan (", " above all (", 1)
    return f"{none} of {of} scenarios have no plan, {worst}" if none > 1 else said[0]


def _table(found: Scenarios, listed: list[Scenario]) -> Section:
    every = [found.base, *listed]
    plans = [one for one in every if one.feasible]
    size, word = scale(one.value for one in plans)
    values = iter(column([one.value / size for one in plans]))
    extras = iter(column([one.extra / size for one in plans]))
    footprints = iter(column([one.footprint / 1000 for one in plans]))
    tonnes = iter(column([one.tonnes for one in plans]))
    columns = [
        (Column("scenario", right=False), ["as it is", *(shown(one.name) for one in listed)]),
        (Column(f"{word}{found.unit}"), [next(values) if one.feasible else _STATE[one.status] for one in every]),
        (Column("more"), [next(extras) if one.feasible else "" for one in every]),
        (
            Column("in %", rank=1),
            [share(one.extra, abs(found.base.value)) if one.feasible and one.name else "" for one in every],
        ),
        (Column("t CO2e", rank=2), [next(footprints) if one.feasible else "" for one in every]),
        (Column("t taken", rank=1), [next(tonnes) if one.feasible else "" for one in every]),
        (Column("short", right=False), [_short(found, one) if one.status == "infeasible" else "" for one in every]),
    ]
    notes = [f"{shown(one.name)}: {_changes(one)}." for one in listed]
    return section("The scenarios of this instance beside the base case", columns, notes=notes)


def _short(found: Scenarios, one: Scenario) -> str:
    return briefly(by_title(one.short, found.titles))


def _changes(one: Scenario) -> str:
    listed = ", ".join(f"{shown(path)} {shown(str(value))}" for path, value in one.changes.items())
    return f"{listed} ({shown(one.note, 300)})" if one.note else listed


def _members(found: Scenarios) -> dict[str, Any]:
    return {
        "scenarios": {
            "objective": found.base.value,
            "footprint": found.base.footprint,
            "tonnes": found.base.tonnes,
            "unit": found.unit,
            "rows": [_row(one) for one in found.scenarios],
        }
    }


def _row(one: Scenario) -> dict[str, Any]:
    figures = {"objective": one.value, "extra": one.extra, "footprint": one.footprint, "tonnes": one.tonnes}
    return {
        "scenario": one.name,
        "changes": {path: str(value) for path, value in one.changes.items()},
        "status": one.status,
        **{name: value if one.feasible else None for name, value in figures.items()},
        "short": None if one.short is None else dict(one.short),
        **({"message": one.fault} if one.fault else {}),
    }
