"""How the plan depends on the mix of devices, in lines, tables, charts and plain data."""

from __future__ import annotations

from typing import Any

from medalopt.analysis.sensitivity.mix.answers import Amounts, Answer
from medalopt.analysis.sensitivity.mix.curve import Curve
from medalopt.analysis.sensitivity.mix.mix import DeviceMix
from medalopt.report.numbers import digits, mass, money, share, tonnes
from medalopt.report.section import Column, Section, section
from medalopt.report.sensitivity import mix_charts
from medalopt.report.sensitivity.part import Part

NAMED = 4  # devices named in one sentence


def told(found: DeviceMix) -> Part:
    """Return what is known of the mix as a part of the report."""
    tables = (_shares(found), _scarce(found))
    charts = (mix_charts.ranking(found, _finding(found)), mix_charts.curves(found)) if found.curves else ()
    return Part(tuple(_lines(found)), tables, charts, {"mix": members(found)})


def _lines(found: DeviceMix) -> list[str]:
    base, unit = found.base, found.unit
    offered = tonnes(base.tonnes)
    if base.value is None:
        lines = [f"As offered, {offered}, there is no plan: {short(found, base.short)}."]
    else:
        per = f", {money(base.value / found.medals, unit)} a medal" if found.medals else ""
        lines = [f"As offered, {offered}, the plan comes to {money(base.value, unit)}{per}."]
    lines += [*_without(found), *_most(found)]
    if found.fixed:
        lines.append(f"Nothing else is offered where these come from, so their share cannot move: {_names(found.fixed)}.")
    return lines


def _without(found: DeviceMix) -> list[str]:
    none = [curve for curve in found.ranking if curve.without.times == 0 and curve.without.answer.value is None]
    if found.base.value is None or not none:
        return []
    none.sort(key=lambda curve: -curve.without.answer.short_in_all)
    texts = [f"Without {curve.device} there is no plan: {short(found, curve.without.answer.short)}." for curve in none]
    if len(none) > NAMED:
        texts[NAMED - 1 :] = [f"Nor is there one without {_names([curve.device for curve in none[NAMED - 1 :]])}."]
    return texts


def _most(found: DeviceMix) -> list[str]:
    rated = [curve for curve in found.ranking if curve.less is not None or curve.more is not None]
    if not rated or found.base.value is None:
        return []
    curve = rated[0]
    return [
        f"The cost depends most on the share of {curve.device}, now {share(curve.share, 1)} of the tonnes: a percentage "
        f"point more of it {_step(found, curve.more, curve.short_more)}, a point less "
        f"{_step(found, curve.less, curve.short_less)}, at the rate of a hundredth of its share."
    ]


def _step(found: DeviceMix, change: float | None, lack: float) -> str:
    if change is None:
        return f"leaves no plan, {mass(lack)} short" if lack else "leaves no plan"
    return f"{'costs' if change >= 0 else 'saves'} {money(abs(change), found.unit)}"


def _finding(found: DeviceMix) -> str:
    first = found.ranking[0]
    return f"What is handed in matters most for {first.device}: what one percentage point of each device does"


def short(found: DeviceMix, amounts: Amounts | None) -> str:
    """Return the metals that are short, in words."""
    if amounts is None:
        return "for another reason than want of metal"
    if not amounts:
        return "the metal is at the very edge"
    parts = sorted(amounts.items(), key=lambda part: -part[1])
    return " and ".join(f"{mass(kg)} of {found.title(metal)}" for metal, kg in parts) + " short"


def cell(found: DeviceMix, answer: Answer) -> str:
    """Return the cost of an answer, or what is short, as the cell of a table."""
    if answer.value is not None:
        return money(answer.value)
    return "no plan" if not answer.short else f"no plan: {short(found, answer.short)}"


def _shares(found: DeviceMix) -> Section:
    rows = found.ranking
    columns = [
        (Column("device", right=False), [curve.device for curve in rows]),
        (Column("share now"), [share(curve.share, 1) for curve in rows]),
        (Column("none of it"), [cell(found, curve.without.answer) for curve in rows]),
        (Column("a point less", rank=1), [_rate(curve.less, curve.short_less) for curve in rows]),
        (Column("a point more", rank=1), [_rate(curve.more, curve.short_more) for curve in rows]),
        (Column("most of it"), [cell(found, curve.most.answer) for curve in rows]),
        (Column("which is", rank=2), [share(curve.most.share, 1) for curve in rows]),
        (Column("a plan at", rank=2), [_range(curve) for curve in rows]),
    ]
    notes = (
        "Most of it: double its share, or all that its sources can hold. The tonnes of each bundle, region and period "
        "stay, the other devices move in proportion. A point: one per cent of all tonnes.",
    )
    return section(f"What the share of each device does to the cost, {found.unit}", columns, notes=notes)


def _rate(change: float | None, lack: float) -> str:
    if change is None:
        return f"{mass(lack)} short" if lack else "no plan"
    return ("+" if change > 0 else "") + money(change)


def _range(curve: Curve) -> str:
    found = curve.range
    if found is None:
        return "nowhere"
    low, high = (share(end, 1) for end in found)
    if found == (curve.without.share, curve.most.share):
        return "any"
    if found[0] == curve.without.share:
        return f"up to {high}"
    return f"from {low}" if found[1] == curve.most.share else f"{low} to {high}"


def _scarce(found: DeviceMix) -> Section:
    rows = found.ranking
    columns = [
        (Column("device", right=False), [curve.device for curve in rows]),
        (Column("none of it", right=False), [worth(found, curve.without.answer) for curve in rows]),
        (Column("now", right=False), [worth(found, found.base) for _ in rows]),
        (Column("most of it", right=False), [worth(found, curve.most.answer) for curve in rows]),
    ]
    return section(f"Scarce metals, and what one kilogram more would save, {found.unit}", columns)


def worth(found: DeviceMix, answer: Answer) -> str:
    """Return the scarce metals of an answer with what a kilogram of each is worth."""
    if answer.value is None:
        return "no plan"
    parts = sorted(answer.scarce.items(), key=lambda part: -part[1])
    return ", ".join(f"{found.title(metal)} {digits(saves, 3) if saves < 1e6 else money(saves)}" for metal, saves in parts) or "none"


def _names(names: tuple[str, ...] | list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def members(found: DeviceMix) -> dict[str, Any]:
    """Return the part as plain data; shares of all tonnes offered, from 0 to 1; metal in kg."""
    return {
        "measure": found.measure,
        "unit": found.unit,
        "present": _answer(found, found.base),
        "devices": [_curve(found, curve) for curve in found.ranking],
        "fixed": list(found.fixed),
    }


def _answer(found: DeviceMix, answer: Answer) -> dict[str, Any]:
    shares = zip(found.instance.devices.names, answer.shares, strict=True)
    return {
        "objective": answer.value,
        "tonnes": answer.tonnes,
        "shares": {name: part for name, part in shares if part},
        "scarce": dict(answer.scarce),
        "short": None if answer.short is None else dict(answer.short),
    }


def _curve(found: DeviceMix, curve: Curve) -> dict[str, Any]:
    return {
        "device": curve.device,
        "share": curve.share,
        "point_less": curve.less,
        "point_more": curve.more,
        "point_less_short": curve.short_less,
        "point_more_short": curve.short_more,
        "low": None if curve.range is None else curve.range[0],
        "high": None if curve.range is None else curve.range[1],
        "points": [
            {
                "times": point.times,
                "share": point.share,
                "objective": point.answer.value,
                "scarce": dict(point.answer.scarce),
                "short": None if point.answer.short is None else dict(point.answer.short),
            }
            for point in curve.points
        ],
    }
