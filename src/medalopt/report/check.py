"""Summary of a valid instance for `medalopt check`."""

from __future__ import annotations

from medalopt.instance.instance import Instance
from medalopt.report.numbers import format_number
from medalopt.text import format_count


def describe_instance(instance: Instance) -> str:
    """Return the size of an instance in a few lines: periods, streams, supply, treatments, smelters, offers, medals.

    Args:
        instance: Instance without errors.

    Returns:
        Lines of plain text.
    """
    periods = instance.periods
    span = periods[0] if len(periods) == 1 else f"{len(periods)} periods, {periods[0]} to {periods[-1]}"
    offered = float(instance.streams.available.value.sum())
    lines = [
        f"{instance.name}: right{_describe_warnings(instance)}.",
        f"  {span}; money in {instance.currency}.",
        f"  {format_count(len(instance.streams.names), 'stream')} of "
        f"{format_count(len(instance.devices.names), 'device type')} "
        f"from {format_count(len(instance.regions), 'region')}, {format_number(offered)} t offered; "
        f"{format_count(len(instance.treatments.names), 'treatment')}, "
        f"{format_count(len(instance.smelters.names), 'smelter')}, "
        f"{format_count(len(instance.market.names), 'offer')}.",
        f"  {format_count(int(instance.medals.count.sum()), 'medal')} of "
        f"{format_count(len(instance.medals.names), 'kind')} "
        f"in {format_count(len(instance.alloys.names), 'alloy')}.",
    ]
    return "\n".join(lines) + "\n"


def _describe_warnings(instance: Instance) -> str:
    """Return the number of warnings, '' without any."""
    return f", with {format_count(len(instance.warnings), 'warning')}" if instance.warnings else ""
