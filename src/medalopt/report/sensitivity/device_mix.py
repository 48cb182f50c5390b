"""Sensitivity of the plan to the device mix: tables, notes and JSON.

In the JSON, shares from 0 to 1 are of all tonnes offered, and metal is in kg.
"""

from __future__ import annotations

from typing import Any

from medalopt.analysis.sensitivity.device_mix import (
    CURVE_ACCURACY,
    DeviceMix,
    MixTriangle,
    NamedMix,
    ShareCurve,
    SharePoint,
    TriangleSplit,
)
from medalopt.analysis.sensitivity.supply_mix import MixResult
from medalopt.report.charts import Chart
from medalopt.report.document import CellValue, ReportColumn, ReportTable, ShownValue
from medalopt.report.numbers import format_mass, format_money, format_share, format_tonnes
from medalopt.report.sensitivity.device_mix_charts import (
    explain_infeasible_mix,
    format_mix_cost,
    format_scarce_metals,
    plot_mix_triangle,
    plot_named_mixes,
    plot_share_curves,
    plot_share_ranking,
)
from medalopt.report.sensitivity.report_part import SensitivityPart
from medalopt.text import join_with_and


def _encode_answer(result: MixResult) -> dict[str, Any]:
    members = {"objective": result.value, "scarce": dict(result.scarce), "short": result.shortage}
    return {**members, "why": result.reason} if result.reason else members


def _encode_whole_mix(device_mix: DeviceMix, result: MixResult) -> dict[str, Any]:
    shares = zip(device_mix.instance.devices.names, result.shares, strict=True)
    return {
        **_encode_answer(result),
        "tonnes": result.tonnes,
        "shares": {name: share for name, share in shares if share},
    }


def _encode_curve(curve: ShareCurve) -> dict[str, Any]:
    low, high = curve.feasible_range or (None, None)
    return {
        "device": curve.device,
        "share": curve.share,
        "tenth_less": curve.less,
        "tenth_more": curve.more,
        "tenth_less_short": curve.shortage_less,
        "tenth_more_short": curve.shortage_more,
        "low": low,
        "high": high,
        "points": [
            {"times": point.times, "share": point.share, **_encode_answer(point.result)} for point in curve.points
        ],
    }


def _encode_triangle(triangle: MixTriangle) -> dict[str, Any]:
    def split(split: TriangleSplit) -> dict[str, Any]:
        """Encode one composition."""
        return {"parts": dict(zip(triangle.devices, split.parts, strict=True)), **_encode_answer(split.result)}

    return {
        "devices": list(triangle.devices),
        "share": triangle.share,
        "present": split(triangle.present),
        "splits": [split(one) for one in triangle.splits],
    }


def _share_table(device_mix: DeviceMix) -> ReportTable:
    """Return the objective by share of each device, in the order of their effect."""
    unit = device_mix.unit
    columns = (
        ReportColumn("device", "device"),
        ReportColumn("share", "present share", "%", 1, style="share"),
        ReportColumn("without", "none", unit),
        ReportColumn("tenth_less", "share −10 %", unit, rank=1, optional=True),
        ReportColumn("tenth_more", "share +10 %", unit, rank=1, optional=True),
        ReportColumn("most", "maximum", unit),
        ReportColumn("feasible_shares", "feasible shares", "", rank=2, optional=True),
    )
    rows = tuple(
        (
            curve.device,
            curve.share,
            ShownValue(curve.least_point.result.value, _format_curve_end(curve, curve.least_point)),
            ShownValue(curve.less, _format_cost_change(curve.less, curve.shortage_less)),
            ShownValue(curve.more, _format_cost_change(curve.more, curve.shortage_more)),
            ShownValue(curve.greatest_point.result.value, _format_curve_end(curve, curve.greatest_point)),
            _format_share_range(curve),
        )
        for curve in device_mix.ranking
    )
    notes = (
        "Maximum: double its share, or the full tonnes of its sources. Each bundle, region and period keeps its "
        "tonnes; the other devices change in proportion.",
        "Share −10 %, +10 %: relative, 0.5 % becomes 0.45 % or 0.55 %; change of the objective.",
    )
    title = f"{device_mix.measure.capitalize()} by share of each device"
    return ReportTable("device_shares", title, "The objective at other shares.", columns, rows, notes)


def _format_curve_end(curve: ShareCurve, point: SharePoint) -> str:
    """Format the objective at an end of a curve, with its share where that is neither none nor double."""
    text = format_mix_cost(point.result)
    is_limited = (
        point.share > 1e-9 if point is curve.least_point else abs(point.share - 2 * curve.share) > 1e-3 * curve.share
    )
    return f"{text} at {format_share(point.share, 1)}" if is_limited else text


def _format_cost_change(change: float | None, shortage: float) -> str:
    if change is None:
        return f"{format_mass(shortage)} short" if shortage else "infeasible"
    return ("+" if change > 0 else "") + format_money(change)


def _format_share_range(curve: ShareCurve) -> str:
    found = curve.feasible_range
    if found is None:
        return "no share"
    low, high = (format_share(end, 1) for end in found)
    if found == (curve.least_point.share, curve.greatest_point.share):
        return "any"
    if found[0] == curve.least_point.share:
        return f"up to {high}"
    return f"from {low}" if found[1] == curve.greatest_point.share else f"{low} to {high}"


def _scarce_metal_table(device_mix: DeviceMix) -> ReportTable:
    """Return the scarce metals with their shadow prices at both ends of each curve."""
    columns = (
        ReportColumn("device", "device"),
        ReportColumn("without", "none"),
        ReportColumn("now", "present"),
        ReportColumn("most", "maximum"),
    )
    rows = tuple(
        (
            curve.device,
            format_scarce_metals(device_mix, curve.least_point.result),
            format_scarce_metals(device_mix, device_mix.base),
            format_scarce_metals(device_mix, curve.greatest_point.result),
        )
        for curve in device_mix.ranking
    )
    title = f"Shadow prices of scarce metals, {device_mix.unit}/kg"
    return ReportTable("scarce_metals", title, "Shadow prices at other shares.", columns, rows)


def _named_mix_table(device_mix: DeviceMix) -> ReportTable:
    """Return the named mixes beside the supply as offered."""
    unit = device_mix.unit
    columns = (
        ReportColumn("mix", "mix"),
        ReportColumn("offered_t", "offered", "t", style="significant"),
        ReportColumn("objective", device_mix.measure, unit),
        ReportColumn("difference", "difference", unit, rank=1, optional=True),
        ReportColumn("per_medal", "per medal", unit, rank=2, style="money", optional=True),
        ReportColumn("scarce", "shadow price per kg", rank=1, optional=True),
    )
    first = _tabulate_mix(device_mix, "as offered", device_mix.base)
    rows = (first, *(_tabulate_mix(device_mix, mix.name, mix.result) for mix in device_mix.named))
    notes = tuple(note for mix in device_mix.named for note in _mix_notes(mix))
    return ReportTable("mixes", "Named mixes", "Optimum of each mix.", columns, rows, notes)


def _tabulate_mix(device_mix: DeviceMix, name: str, result: MixResult) -> tuple[CellValue, ...]:
    """Return a mix as the row of a table."""
    value, base = result.value, device_mix.base.value
    change = None if base is None or value is None or result is device_mix.base else value - base
    return (
        name,
        result.tonnes,
        ShownValue(value, format_mix_cost(result)),
        None if change is None else ShownValue(change, _format_cost_change(change, 0.0)),
        None if value is None or not device_mix.medals else value / device_mix.medals,
        format_scarce_metals(device_mix, result),
    )


def _mix_notes(mix: NamedMix) -> list[str]:
    where = f"the bundle {mix.bundle}" if mix.bundle else "all tonnes"
    notes = []
    if mix.absent:
        notes.append(f"{mix.name}: no supply of {join_with_and(mix.absent)}; its share is not collected.")
    if mix.missing:
        notes.append(f"{mix.name}: its shares leave {format_share(mix.missing, 1)} of {where} uncollected.")
    return notes


MOST_DEVICES_IN_TEXT = 4  # devices with a sentence of their own
LEAST_RELATIVE_CHANGE = 1e-6  # of the present objective: a smaller change by a tenth of a share is not reported


def report_device_mix(device_mix: DeviceMix) -> SensitivityPart:
    """Report the objective as a function of the share of each device in the supply.

    Args:
        device_mix: Curves, named mixes and the triangle of the device mix.

    Returns:
        Summary lines, tables, charts, and the JSON member `mix`.
    """
    lines = [
        _describe_present_mix(device_mix),
        *_describe_indispensable_devices(device_mix),
        *_describe_costliest_loss(device_mix),
        *_describe_main_share(device_mix),
        *[_describe_infeasible_mix(device_mix, mix) for mix in device_mix.named if mix.result.value is None],
    ]
    if device_mix.fixed:
        lines.append(f"Fixed shares (no other supply from the same source): {join_with_and(device_mix.fixed)}.")
    if device_mix.unproven:
        lines.append(f"Not verified, therefore omitted: {join_with_and(device_mix.unproven)}.")
    if device_mix.in_lots:
        lines.append("Lots and charges count, each point by a search of its own; shadow prices are those at its lots.")
    shown = (_share_table(device_mix), _scarce_metal_table(device_mix)) if device_mix.curves else ()
    return SensitivityPart(
        tuple(lines),
        (*shown, *((_named_mix_table(device_mix),) if device_mix.named else ())),
        _mix_charts(device_mix),
        {
            "mix": {
                "measure": device_mix.measure,
                "unit": device_mix.unit,
                "accuracy": CURVE_ACCURACY,
                "present": _encode_whole_mix(device_mix, device_mix.base),
                "devices": [_encode_curve(curve) for curve in device_mix.ranking],
                "fixed": list(device_mix.fixed),
                "unproven": list(device_mix.unproven),
                "mixes": [
                    {
                        "name": mix.name,
                        "bundle": mix.bundle,
                        "missing": mix.missing,
                        "absent": list(mix.absent),
                        **_encode_whole_mix(device_mix, mix.result),
                    }
                    for mix in device_mix.named
                ],
                **({} if device_mix.triangle is None else {"triangle": _encode_triangle(device_mix.triangle)}),
            }
        },
        heading="Device mix",
        in_lots=device_mix.in_lots,
    )


def _mix_charts(device_mix: DeviceMix) -> tuple[Chart, ...]:
    drawn = [plot_share_curves(device_mix), plot_share_ranking(device_mix)] if device_mix.curves else []
    if device_mix.named:
        drawn.append(plot_named_mixes(device_mix))
    if device_mix.triangle is not None:
        drawn.append(plot_mix_triangle(device_mix, device_mix.triangle))
    return tuple(drawn)


def _describe_present_mix(device_mix: DeviceMix) -> str:
    base = device_mix.base
    if not base.tonnes:
        return "No supply: no mix to vary."
    if base.value is None:
        return (
            f"Supply as offered, {format_tonnes(base.tonnes)}: infeasible ({explain_infeasible_mix(device_mix, base)})."
        )
    each = f", {format_money(base.value / device_mix.medals, device_mix.unit)} per medal" if device_mix.medals else ""
    cost = format_money(base.value, device_mix.unit)
    return f"Supply as offered, {format_tonnes(base.tonnes)}: {cost}{each}."


def _describe_indispensable_devices(device_mix: DeviceMix) -> list[str]:
    """List the devices without which no plan exists, the largest shortfall first."""
    none = [
        curve for curve in device_mix.curves if curve.least_point.share == 0 and curve.least_point.result.value is None
    ]
    if device_mix.base.value is None or not none:
        return []
    none.sort(key=lambda curve: -curve.least_point.result.total_shortage)
    lines = [
        f"Infeasible without {curve.device}: {explain_infeasible_mix(device_mix, curve.least_point.result)}."
        for curve in none
    ]
    if len(none) > MOST_DEVICES_IN_TEXT:
        lines[MOST_DEVICES_IN_TEXT:] = [
            f"Also infeasible without {join_with_and([curve.device for curve in none[MOST_DEVICES_IN_TEXT:]])}."
        ]
    return lines


def _describe_costliest_loss(device_mix: DeviceMix) -> list[str]:
    """Describe the devices whose absence costs most and least."""
    base = device_mix.base.value
    ends = [(curve.least_point.result.value, curve) for curve in device_mix.curves]
    costs = [(value, curve) for value, curve in ends if value is not None and curve.least_point.share == 0]
    if base is None or not costs:
        return []
    (minimum, cheap), (maximum, dear) = min(costs, key=lambda one: one[0]), max(costs, key=lambda one: one[0])
    lines = []
    if maximum > base:
        lines.append(
            f"Largest cost of a missing device: without {dear.device} {format_money(maximum, device_mix.unit)}, "
            f"{format_money(maximum - base)} more."
        )
    if minimum < base:
        lines.append(
            f"Cheaper with other devices instead of {cheap.device}: {format_money(minimum, device_mix.unit)}, "
            f"{format_money(base - minimum)} less."
        )
    return lines


def _describe_main_share(device_mix: DeviceMix) -> list[str]:
    rated = [curve for curve in device_mix.ranking if curve.less is not None or curve.more is not None]
    if not rated or device_mix.base.value is None:
        return []
    curve = rated[0]
    if max(abs(curve.less or 0.0), abs(curve.more or 0.0)) <= LEAST_RELATIVE_CHANGE * abs(device_mix.base.value):
        return [f"No share has a notable effect on the {device_mix.measure} near its present value."]
    return [
        f"Largest effect on {device_mix.measure}: share of {curve.device}, at present "
        f"{format_share(curve.share, 1)} of the tonnes: "
        f"+10 %: {_describe_cost_change(device_mix, curve.more, curve.shortage_more)}; −10 %: "
        f"{_describe_cost_change(device_mix, curve.less, curve.shortage_less)}."
    ]


def _describe_cost_change(device_mix: DeviceMix, change: float | None, shortage: float) -> str:
    if change is None:
        return f"infeasible, {format_mass(shortage)} short" if shortage else "infeasible"
    if not change:
        return "no effect"
    return f"{'+' if change > 0 else '−'}{format_money(abs(change), device_mix.unit)}"


def _describe_infeasible_mix(device_mix: DeviceMix, mix: NamedMix) -> str:
    lack = mix.result.shortage
    if lack and len(lack) == 1:
        ((metal, kg),) = lack.items()
        need = mix.min_charge[metal]
        return (
            f"Mix {mix.name}, {format_tonnes(mix.result.tonnes)}: infeasible, {format_mass(kg)} of "
            f"{device_mix.title_metal(metal)} short: "
            f"at most {format_mass(max(0.0, need - kg))} of the {format_mass(need)} needed available by the deadlines."
        )
    return (
        f"Mix {mix.name}, {format_tonnes(mix.result.tonnes)}: infeasible, "
        f"{explain_infeasible_mix(device_mix, mix.result)}."
    )
