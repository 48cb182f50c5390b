"""Sensitivity of the plan to the device mix, as one part of the sensitivity report."""

from __future__ import annotations

from medalopt.analysis.sensitivity.mix.mix import DeviceMix
from medalopt.analysis.sensitivity.mix.named import NamedMix
from medalopt.report.charts.chart import Chart
from medalopt.report.numbers import mass, money, share, tonnes
from medalopt.report.sensitivity.mix import charts, tables, triangle
from medalopt.report.sensitivity.mix.rows import members
from medalopt.report.sensitivity.mix.words import because, listed
from medalopt.report.sensitivity.part import Part

NAMED = 4  # devices with a sentence of their own
LITTLE = 1e-6  # of the present objective: a smaller change by a tenth of a share is not reported


def told(found: DeviceMix) -> Part:
    """Report the objective as a function of the share of each device in the supply.

    Args:
        found: Curves, named mixes and the triangle of the device mix.

    Returns:
        Summary lines, tables, charts, and the JSON member `mix`.
    """
    lines = [_present(found), *_without(found), *_dearest(found), *_most(found), *_mixes(found)]
    if found.fixed:
        lines.append(
            f"Nothing else is offered where these come from, so that their share stays: {listed(found.fixed)}."
        )
    if found.unproven:
        lines.append(f"Left out, as no answer could be proven: {listed(found.unproven)}.")
    shown = (tables.shares(found), tables.metals(found)) if found.curves else ()
    return Part(
        tuple(lines),
        (*shown, *((tables.mixes(found),) if found.named else ())),
        _charts(found),
        {"mix": members(found)},
        heading="Other goods handed in",
    )


def _charts(found: DeviceMix) -> tuple[Chart, ...]:
    drawn = [charts.curves(found), charts.ranking(found)] if found.curves else []
    if found.named:
        drawn.append(charts.mixes(found))
    if found.triangle is not None:
        drawn.append(triangle.chart(found, found.triangle))
    return tuple(drawn)


def _present(found: DeviceMix) -> str:
    base = found.base
    if not base.tonnes:
        return "Nothing is offered: there is no mix to move."
    if base.value is None:
        return f"As offered, {tonnes(base.tonnes)}, there is no plan: {because(found, base)}."
    each = f", {money(base.value / found.medals, found.unit)} a medal" if found.medals else ""
    return f"As offered, {tonnes(base.tonnes)}, the plan comes to {money(base.value, found.unit)}{each}."


def _without(found: DeviceMix) -> list[str]:
    """List the devices without which no plan exists, the largest shortfall first."""
    none = [curve for curve in found.curves if curve.without.share == 0 and curve.without.answer.value is None]
    if found.base.value is None or not none:
        return []
    none.sort(key=lambda curve: -curve.without.answer.short_in_all)
    lines = [f"Without {curve.device} there is no plan: {because(found, curve.without.answer)}." for curve in none]
    if len(none) > NAMED:
        lines[NAMED:] = [f"Nor is there one without {listed([curve.device for curve in none[NAMED:]])}."]
    return lines


def _dearest(found: DeviceMix) -> list[str]:
    """Describe the devices whose absence costs most and least."""
    base = found.base.value
    ends = [(curve.without.answer.value, curve) for curve in found.curves]
    costs = [(value, curve) for value, curve in ends if value is not None and curve.without.share == 0]
    if base is None or not costs:
        return []
    (least, cheap), (most, dear) = min(costs, key=lambda one: one[0]), max(costs, key=lambda one: one[0])
    lines = []
    if most > base:
        lines.append(
            f"Without {dear.device} it comes to {money(most, found.unit)}, {money(most - base)} more: the dearest to "
            "lose."
        )
    if least < base:
        lines.append(
            f"With other devices instead of {cheap.device} it comes to {money(least, found.unit)}, "
            f"{money(base - least)} less."
        )
    return lines


def _most(found: DeviceMix) -> list[str]:
    rated = [curve for curve in found.ranking if curve.less is not None or curve.more is not None]
    if not rated or found.base.value is None:
        return []
    curve = rated[0]
    if max(abs(curve.less or 0.0), abs(curve.more or 0.0)) <= LITTLE * abs(found.base.value):
        return [f"As it is, the {found.measure} hardly depends on any share: see what none and most of each do."]
    return [
        f"The {found.measure} depends most on the share of {curve.device}, now {share(curve.share, 1)} of the tonnes: "
        f"a tenth more of it {_step(found, curve.more, curve.short_more)}, a tenth less "
        f"{_step(found, curve.less, curve.short_less)}."
    ]


def _step(found: DeviceMix, change: float | None, lack: float) -> str:
    if change is None:
        return f"leaves no plan, {mass(lack)} short" if lack else "leaves no plan"
    if not change:
        return "changes nothing"
    return f"{'costs' if change > 0 else 'saves'} {money(abs(change), found.unit)}"


def _mixes(found: DeviceMix) -> list[str]:
    return [_refused(found, mix) for mix in found.named if mix.answer.value is None]


def _refused(found: DeviceMix, mix: NamedMix) -> str:
    lack = mix.answer.short
    if lack and len(lack) == 1:
        ((metal, kg),) = lack.items()
        need = mix.owed[metal]
        return (
            f"Mix {mix.name}, {tonnes(mix.answer.tonnes)}: there is no plan, {mass(kg)} of {found.title(metal)} short: "
            f"by the deadlines at most {mass(max(0.0, need - kg))} of the {mass(need)} needed can be had."
        )
    return f"Mix {mix.name}, {tonnes(mix.answer.tonnes)}: there is no plan, {because(found, mix.answer)}."
