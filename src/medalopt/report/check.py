"""Report of `medalopt check` on a valid instance: its size, and its warnings."""

from __future__ import annotations

from medalopt.instance.instance import Instance
from medalopt.report.document import Report, ReportColumn, ReportTable
from medalopt.report.numbers import format_number
from medalopt.report.render.json import build_check_object, render_json
from medalopt.text import format_count


def build_check_report(instance: Instance) -> Report:
    """Build the report on a valid instance.

    Args:
        instance: Instance without errors.

    Returns:
        Periods, streams, supply, treatments, smelters, offers and medals, in sentences and as a table; warnings.
    """
    warned = f", {format_count(len(instance.warnings), 'warning')}" if instance.warnings else ""
    return Report(
        f"{instance.name}: no errors found{warned}.",
        _describe_size(instance),
        (_tabulate_size(instance), *_tabulate_warnings(instance)),
        foot=(f"Parameters of {instance.name}: sha256 {instance.figures}.",),
        screen=(),
        wrap=False,
        json=lambda _: render_json(build_check_object(instance)),
    )


def _describe_size(instance: Instance) -> tuple[str, ...]:
    """Return the size of an instance in a few sentences."""
    periods = instance.periods
    span = periods[0] if len(periods) == 1 else f"{len(periods)}, {periods[0]} to {periods[-1]}"
    offered = float(instance.streams.available.value.sum())
    return (
        f"Periods: {span}. Currency: {instance.currency}.",
        f"Supply: {format_number(offered)} t offered; {format_count(len(instance.streams.names), 'stream')} of "
        f"{format_count(len(instance.devices.names), 'device type')} "
        f"from {format_count(len(instance.regions), 'region')}.",
        f"Processing: {format_count(len(instance.treatments.list_whole()), 'treatment')}, "
        f"{format_count(len(instance.smelters.names), 'smelter')}. "
        f"Market: {format_count(len(instance.market.names), 'offer')}.",
        f"Medals: {int(instance.medals.count.sum()):,} of "
        f"{format_count(len(instance.medals.names), 'kind')} "
        f"in {format_count(len(instance.alloys.names), 'alloy')}.",
    )


def _tabulate_size(instance: Instance) -> ReportTable:
    """Return the number of members of each section."""
    members = {
        "periods": instance.periods,
        "regions": instance.regions,
        "device types": instance.devices.names,
        "streams": instance.streams.names,
        "treatments": instance.treatments.list_whole(),
        "smelters": instance.smelters.names,
        "offers": instance.market.names,
        "alloys": instance.alloys.names,
        "kinds of medals": instance.medals.names,
    }
    rows = (
        *((what, len(names)) for what, names in members.items()),
        ("medals", int(instance.medals.count.sum())),
    )
    columns = (ReportColumn("what", "section"), ReportColumn("count", "count", ""))
    return ReportTable("size", "Size of the instance", "Number of members of each kind.", columns, rows)


def _tabulate_warnings(instance: Instance) -> tuple[ReportTable, ...]:
    """Return the warnings with their places, if there are any."""
    columns = tuple(
        ReportColumn(key, key, "" if key in ("line", "column") else None)
        for key in ("file", "line", "column", "path", "message")
    )
    rows = tuple((fault.file, fault.line, fault.column, fault.path, fault.message) for fault in instance.warnings)
    text = "Values that are allowed but implausible."
    return (ReportTable("warnings", "Warnings", text, columns, rows),) if rows else ()
