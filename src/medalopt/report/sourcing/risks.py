"""Main risks: the parameters with the largest effect on cost, and the named scenarios."""

from __future__ import annotations

from fractions import Fraction

from medalopt.analysis.journal import Answer
from medalopt.analysis.sensitivity.tornado import Bar, End
from medalopt.analysis.sourcing.risks import Case, Risks
from medalopt.instance.instance import Instance
from medalopt.instance.paths import render
from medalopt.instance.schema.fields import Measure
from medalopt.quantity import spoken
from medalopt.report.numbers import digits, mass, money
from medalopt.report.sensitivity.named import called, capital
from medalopt.report.sensitivity.tornado import share
from medalopt.report.sourcing.content import Cell, Column, Table
from medalopt.report.sourcing.currency import amount
from medalopt.wording import shown

_SAYS = "The three figures that matter most, each moved alone, and what the best plan then costs more."
_CASES = "Each scenario that the instance names, solved anew: what the best plan then costs more."
_NO_PLAN, _NOT = "no plan", "not solved"
_ORDER = ("first", "second", "third")
_MOST = 2  # scenarios in the summary


def tables(found: Risks, instance: Instance) -> tuple[Table, ...]:
    """Tabulate the main risks, and the named scenarios where there are any.

    Args:
        found: Tornado bars and scenarios around the plan.
        instance: Instance of the plan.

    Returns:
        The table `risks`, and `scenarios` where there are any.
    """
    return (_figures(found, instance), *((_scenarios(found, instance),) if found.cases else ()))


def lines(found: Risks, instance: Instance) -> tuple[str, ...]:
    """Describe the main risks and the worst scenarios.

    Args:
        found: Tornado bars and scenarios around the plan.
        instance: Instance of the plan.

    Returns:
        A sentence for each of at most three parameters, and one on scenarios.
    """
    told = [
        f"What could go wrong, {which}: {_sentence(bar, found.base, instance)}."
        for which, bar in zip(_ORDER, found.bars, strict=False)
    ]
    cases = _worst(found)
    if cases:
        more = len(found.cases) - len(cases)
        rest = f"; {more} more in the table of scenarios" if more else ""
        told.append(f"Scenarios: {'; '.join(_case(one, instance) for one in cases)}{rest}.")
    return tuple(told)


def _sentence(bar: Bar, base: Answer, instance: Instance) -> str:
    ends = ", ".join(f"{_way(end)} {_effect(end, base, instance)}" for end in bar.ends)
    return f"{called(instance, bar.factor.path, bar.factor.of)}{_span(bar, instance)}: {ends}"


def _way(end: End) -> str:
    return f"{share(abs(end.factor - 1))} {'less' if end.factor < 1 else 'more'}"


def _effect(end: End, base: Answer, instance: Instance) -> str:
    by = end.effect(base)
    if by is None:
        return "leaves no plan" if end.answer.status == "infeasible" else "was not solved"
    return f"costs {money(abs(by), instance.currency)} {'more' if by >= 0 else 'less'}" if by else "changes nothing"


def _span(bar: Bar, instance: Instance) -> str:
    """Format the range of a single parameter: ` (770 to 2,030 g/t)`; '' for several that are varied together."""
    members = bar.factor.members
    if bar.factor.figures != 1 or not isinstance(members[0].kind.measure, Measure):
        return ""
    unit = members[0].kind.measure.unit
    value = float(members[0].values[0])
    size, word = (100.0, "%") if not unit else (1.0, spoken(unit, instance.currency))
    if word == "kg/t" and value < 1:
        size, word = 1000.0, "g/t"
    held = members[0].limit
    low, high = (value * end.factor for end in bar.ends)
    high = min(high, float(Fraction(held))) if held is not None else high
    return f" ({digits(size * low)} to {digits(size * high)} {word}, planned {digits(size * value)} {word})"


def _figures(found: Risks, instance: Instance) -> Table:
    columns = (
        Column("figure", "Figure"),
        Column("lower", "Lower by", "%", 1),
        amount("lower_costs", "Then costs more", instance.currency, total=False),
        Column("higher", "Higher by", "%", 1),
        amount("higher_costs", "Then costs more", instance.currency, total=False),
        Column("because", "Moved by"),
    )
    rows = tuple(_row(bar, found.base, instance) for bar in found.bars)
    how = (
        f"Chosen from {found.figures} figures: the {found.moved} whose worth at the plan's prices, times their "
        "uncertainty, is greatest were moved and solved; these matter most. `medalopt sensitivity --tornado` moves all."
    )
    notes = (how, "What is moved by 10 % has no `cv` in the instance. A negative amount saves.")
    return Table("risks", "What could go wrong", _SAYS, columns, rows, notes)


def _row(bar: Bar, base: Answer, instance: Instance) -> tuple[Cell, ...]:
    name = capital(called(instance, bar.factor.path, bar.factor.of)) + _span(bar, instance)
    down, up = (_more(end, base) for end in bar.ends)
    because = "10 %, having no cv" if bar.factor.cv is None else f"its cv, {share(bar.factor.cv)}"
    return (name, 1 - bar.down.factor, down, bar.up.factor - 1, up, because)


def _more(end: End, base: Answer) -> Cell:
    by = end.effect(base)
    if by is None:
        return _NO_PLAN if end.answer.status == "infeasible" else _NOT
    return by


def _worst(found: Risks) -> list[Case]:
    """Return the scenarios of the summary: infeasible ones first, then by extra cost."""
    bad = [one for one in found.cases if one.more is None or one.more > 0]
    return sorted(bad, key=lambda one: (one.more is not None, -_weight(one), one.name))[:_MOST]


def _weight(one: Case) -> float:
    return sum((one.short or {}).values()) if one.more is None else one.more


def _case(one: Case, instance: Instance) -> str:
    if one.more is not None:
        return f"{shown(one.name)} costs {money(one.more, instance.currency)} more"
    if one.answer.status != "infeasible":
        return f"{shown(one.name)} was not solved"
    short = _short(one, instance)
    return f"{shown(one.name)} leaves no plan" + (f" ({short} short)" if short else "")


def _short(one: Case, instance: Instance) -> str:
    titles = dict(zip(instance.metals.names, instance.metals.titles, strict=True))
    return ", ".join(f"{mass(kg)} of {shown(titles[metal])}" for metal, kg in (one.short or {}).items())


def _scenarios(found: Risks, instance: Instance) -> Table:
    columns = (
        Column("scenario", "Scenario"),
        Column("changes", "What it changes"),
        amount("cost", "Cost", instance.currency, total=False),
        amount("more", "More than planned", instance.currency, total=False),
        Column("short", "Short"),
        Column("note", "Note"),
    )
    notes = {source.path: source.note for source in instance.sources}
    rows = tuple(_case_row(one, instance, notes.get(render(("scenarios", one.name)), "")) for one in found.cases)
    short = any(one.short for one in found.cases)
    said = ("Short: the least metal that would have to come from elsewhere for a plan to exist.",) if short else ()
    return Table("scenarios", "Scenarios", _CASES, columns, rows, said)


def _case_row(one: Case, instance: Instance, note: str) -> tuple[Cell, ...]:
    changes = ", ".join(f"{path} {value}" for path, value in one.changes.items())
    state = _NO_PLAN if one.answer.status == "infeasible" else _NOT
    costs: tuple[Cell, Cell] = (state, None) if one.more is None else (one.answer.value, one.more)
    return (one.name, changes, *costs, _short(one, instance), note)
