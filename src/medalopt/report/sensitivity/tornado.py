"""Tornado of parameters: effect of each on the objective and on feasibility, as summary, table, chart and JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from medalopt.analysis.journal import Answer
from medalopt.analysis.sensitivity.tornado import Bar, End, Tornado
from medalopt.analysis.sensitivity.uncertain import Factor
from medalopt.instance.instance import Instance
from medalopt.instance.paths import render
from medalopt.report.charts.chart import COLOURS, FAINT, FONT, INK, Axis, Chart, base_case, plot
from medalopt.report.numbers import column, digits, money, scale
from medalopt.report.section import Column, Section, section
from medalopt.report.sensitivity.bars import briefly, by_title, missing
from medalopt.report.sensitivity.named import called, capital
from medalopt.report.sensitivity.part import Part
from medalopt.wording import counted, shown

DRAWN, TOLD = 20, 40  # bars of the chart, rows of the table
BESIDE = 1.15  # length of an infeasible bar, relative to the longest other bar
_GONE = {"infeasible": "no plan", "wrong": "not allowed", "unanswered": "not solved"}


def told(instance: Instance, unit: str, found: Tornado) -> Part:
    """Report the effect of each parameter, varied alone down and up.

    Args:
        instance: Base instance.
        unit: Unit of the objective.
        found: Base case and the bars, the largest effect first.

    Returns:
        Summary lines, the chart with its table, and the JSON member `tornado`.
    """
    bars = [bar for bar in found.bars if not bar.idle(found.base)]
    lines = tuple(_lines(instance, unit, found, bars))
    charts = (_chart(instance, unit, found, bars, lines[0].rstrip(".")),) if bars else ()
    return Part(lines, (), charts, {"tornado": _members(instance, unit, found)}, found.interrupted, "What matters most")


def share(part: float) -> str:
    """Format a relative step of a parameter in per cent.

    Args:
        part: Step relative to the value, 0.1 for 10 %.

    Returns:
        Three significant digits and `%`.
    """
    return f"{digits(100 * part, 3)} %"


def _lines(instance: Instance, unit: str, found: Tornado, bars: Sequence[Bar]) -> list[str]:
    turning = [bar for bar in bars if bar.turns(found.base)]
    lines = [_finding(instance, unit, found.base, bars)]
    rest = turning[1:]
    if rest:
        names = ", ".join(_turn(instance, bar, found.base) for bar in rest[:5])
        more = f" and {len(rest) - 5} more" if len(rest) > 5 else ""
        what = "leave no plan" if found.base.feasible else "give a plan"
        lines.append(f"Moved alone, {counted(len(rest), 'other figure')} may {what}: {names}{more}.")
    steady = [bar for bar in bars if not bar.turns(found.base)]
    dearest = max(steady, key=lambda bar: bar.swing(found.base), default=None)
    if turning and dearest is not None and dearest.swing(found.base):
        name = capital(called(instance, dearest.factor.path, dearest.factor.of))
        lines.append(f"{name} moves the {measured(unit)} most: {_both(unit, found.base, dearest)}.")
    lines.append(_how(found))
    if found.interrupted:
        lines.append(f"Interrupted: {len(found.bars)} of {found.asked} figures are told, the others were not moved.")
    return lines


def _finding(instance: Instance, unit: str, base: Answer, bars: Sequence[Bar]) -> str:
    if not bars:
        return "No figure matters: moved alone, none of them changes anything."
    first = bars[0]
    name = capital(called(instance, first.factor.path, first.factor.of))
    if not first.turns(base):
        return f"{name} matters most: {_both(unit, base, first)}."
    gone = [end for end in first.ends if end.answer.status != base.status]
    ways = " or ".join(_way(end) for end in gone)
    short = next((f" ({_missing(instance, end, missing)})" for end in gone if end.measured), "")
    return f"{name} matters most: {ways}, and there is {'no' if base.feasible else 'a'} plan{short}."


def _missing(instance: Instance, end: End, say: Callable[[Mapping[str, float] | None], str]) -> str:
    """Describe the metal shortfall at an infeasible end by `say`."""
    return say(by_title(end.short, dict(zip(instance.metals.names, instance.metals.titles, strict=True))))


def _gone(instance: Instance, end: End) -> str:
    """Describe an end whose status differs from solved, in the few words of a cell."""
    text = _GONE.get(end.answer.status, "a plan")
    return f"{text}: {_missing(instance, end, briefly)}" if end.measured else text


def _turn(instance: Instance, bar: Bar, base: Answer) -> str:
    ways = " or ".join(_way(end) for end in bar.ends if end.answer.status != base.status)
    return f"{called(instance, bar.factor.path, bar.factor.of)} ({ways})"


def _way(end: End) -> str:
    """Return the change of the parameter at an end: `10 % less`."""
    return f"{share(abs(end.factor - 1))} {'less' if end.factor < 1 else 'more'}"


def _both(unit: str, base: Answer, bar: Bar) -> str:
    return ", ".join(f"{_way(end)} {_effect(unit, base, end)}" for end in bar.ends)


def _effect(unit: str, base: Answer, end: End) -> str:
    by = end.effect(base)
    if by is None:
        return f"means {_GONE.get(end.answer.status, 'a plan')}"
    return "changes nothing" if by == 0 else f"{_costs(unit)} {money(abs(by), unit)} {'more' if by > 0 else 'less'}"


def _how(found: Tornado) -> str:
    """Describe the steps by which parameters were varied, and their source."""
    by_cv = sum(bar.factor.cv is not None for bar in found.bars)
    tenth = len(found.bars) - by_cv
    told = []
    if by_cv:
        told.append(f"{counted(by_cv, 'figure')} by the `cv` that the instance gives")
    if tenth:
        told.append(
            f"{counted(tenth, 'figure')} by 10 %{', having none' if by_cv else ', as the instance gives no `cv`'}"
        )
    idle = sum(bar.idle(found.base) for bar in found.bars)
    nothing = f"; {idle} of them change{'s' if idle == 1 else ''} nothing" if idle else ""
    return f"Each moved alone, down and up: {' and '.join(told)}{nothing}."


def _table(instance: Instance, unit: str, found: Tornado, bars: Sequence[Bar]) -> Section:
    base, shows = found.base, bars[:TOLD]
    effects = [end.effect(base) for bar in shows for end in bar.ends]
    size, word = scale([effect for effect in effects if effect is not None])
    texts = iter(column([effect / size for effect in effects if effect is not None]))
    cells = [
        _gone(instance, end) if effect is None else _signed(next(texts))
        for effect, end in zip(effects, (end for bar in shows for end in bar.ends), strict=True)
    ]
    more = [f"{len(bars) - TOLD} more change it by less; --json has all."] if len(bars) > TOLD else []
    held = [_held(instance, bar) for bar in shows if bar.up.held]
    notes = [*more, *([f"Held at the most they can be: {', '.join(held)}."] if held else [])]
    return section(
        "What moves it most, one figure at a time",
        [
            (Column("figure", right=False), [called(instance, bar.factor.path, bar.factor.of) for bar in shows]),
            (Column("moved by"), [share(bar.factor.step) for bar in shows]),
            (Column("why", right=False, rank=1), ["cv" if bar.factor.cv is not None else "10 %" for bar in shows]),
            (Column(f"down: {word}{unit}"), cells[::2]),
            (Column(f"up: {word}{unit}"), cells[1::2]),
        ],
        notes=notes,
        always=5,
    )


def _held(instance: Instance, bar: Bar) -> str:
    name = called(instance, bar.factor.path, bar.factor.of)
    of = "" if bar.up.held == bar.factor.figures else f" ({bar.up.held} of {bar.factor.figures} figures)"
    return f"{name}{of}"


def _signed(text: str) -> str:
    return text if text.startswith(("−", "0", "≈")) else f"+{text}"


def _chart(instance: Instance, unit: str, found: Tornado, bars: Sequence[Bar], title: str) -> Chart:
    drawn = list(bars[:DRAWN])[::-1]  # ECharts draws upward
    longest = max((abs(end.effect(found.base) or 0.0) for bar in drawn for end in bar.ends), default=0.0) or 1.0
    size, word = scale([longest])
    end = longest * BESIDE / size
    names = [f"{called(instance, bar.factor.path, bar.factor.of)} ±{share(bar.factor.step)}" for bar in drawn]
    series = [
        {
            "type": "bar",
            "name": name,
            "barGap": "0%",
            "barCategoryGap": "30%",
            "itemStyle": {"color": colour},
            "data": [_drawn(instance, bar.ends[which], found.base, size, end, colour) for bar in drawn],
        }
        for which, (name, colour) in enumerate((("less of it", COLOURS[0]), ("more of it", COLOURS[1])))
    ]
    series[0]["markLine"] = base_case(0, _base(unit, found.base))
    look = {"color": INK, "fontFamily": FONT, "fontSize": 12}
    ends = {"axisLabel": {**look, "hideOverlap": True, "showMinLabel": False, "showMaxLabel": False}}
    across = Axis(f"change of the {measured(unit)}", f"{word}{unit}", least=-end, most=end, extra=ends)
    up = Axis("", names=names, extra={"axisLabel": {**look, "interval": 0}})
    option = plot(across, up, series, legend=True, aria={"enabled": True, "decal": {"show": False}})
    option["yAxis"]["data"] = [shown(name, 60) for name in names]
    notes = (
        ("Hatched to the edge: no plan, and the metal that is short.",)
        if any(bar.turns(found.base) for bar in drawn)
        else ()
    )
    return Chart(title, option, (_table(instance, unit, found, bars),), notes, 120 + 30 * len(drawn))


def _drawn(instance: Instance, end: End, base: Answer, size: float, most: float, colour: str) -> dict[str, Any]:
    """Return one bar; an infeasible one reaches the edge, hatched and labelled."""
    effect = end.effect(base)
    if effect is not None:
        return {"value": effect / size}
    hatched = {"color": "rgba(0,0,0,0.25)", "dashArrayX": [1, 0], "dashArrayY": [2, 5], "rotation": -0.8}
    label = {
        "show": True,
        "position": "insideRight",
        "formatter": _gone(instance, end).replace(" short", ""),
        "color": INK,
        "fontFamily": FONT,
        "fontSize": 11,
    }
    return {
        "value": most,
        "itemStyle": {"color": f"{colour}59", "decal": hatched, "borderColor": FAINT},
        "label": label,
    }


def _base(unit: str, base: Answer) -> str:
    return "no plan as it stands" if base.value is None else f"as it stands: {money(base.value, unit)}"


def _members(instance: Instance, unit: str, found: Tornado) -> Mapping[str, Any]:
    return {
        "objective": found.base.value,
        "unit": unit,
        "status": found.base.status,
        "asked": found.asked,
        "interrupted": found.interrupted,
        "bars": [_row(instance, bar, found.base) for bar in found.bars],
    }


def _row(instance: Instance, bar: Bar, base: Answer) -> dict[str, Any]:
    factor: Factor = bar.factor
    return {
        "figure": called(instance, factor.path, factor.of),
        "path": render(factor.path),
        "of": factor.of or None,
        "figures": factor.figures,
        "by": "10 %" if factor.cv is None else "cv",
        "step": factor.step,
        **{
            f"{name}": {
                "factor": end.factor,
                "held": end.held,
                "status": end.answer.status,
                "objective": end.answer.value,
                **({"short": None if end.short is None else dict(end.short)} if end.measured else {}),
                **({"said": end.answer.said} if end.answer.said else {}),
            }
            for name, end in zip(("down", "up"), bar.ends, strict=True)
        },
    }


def measured(unit: str) -> str:
    """Return the name of the objective by its unit.

    Args:
        unit: Unit of the objective.

    Returns:
        `cost`, `footprint` or `tonnes`.
    """
    return {"kg CO2e": "footprint", "t": "tonnes"}.get(unit, "cost")


def _costs(unit: str) -> str:
    return "costs" if measured(unit) == "cost" else "makes it"
