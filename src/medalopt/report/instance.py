"""Summary of a valid instance for `medalopt check`."""

from __future__ import annotations

from medalopt.instance.instance import Instance
from medalopt.report.numbers import digits
from medalopt.wording import counted


def described(instance: Instance) -> str:
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
        f"{instance.name}: right{_warnings(instance)}.",
        f"  {span}; money in {instance.currency}.",
        f"  {counted(len(instance.streams.names), 'stream')} of {counted(len(instance.devices.names), 'device type')} "
        f"from {counted(len(instance.regions), 'region')}, {digits(offered)} t offered; "
        f"{counted(len(instance.treatments.names), 'treatment')}, {counted(len(instance.smelters.names), 'smelter')}, "
        f"{counted(len(instance.market.names), 'offer')}.",
        f"  {counted(int(instance.medals.count.sum()), 'medal')} of {counted(len(instance.medals.names), 'kind')} "
        f"in {counted(len(instance.alloys.names), 'alloy')}.",
    ]
    return "\n".join(lines) + "\n"


def _warnings(instance: Instance) -> str:
    """Return the number of warnings, '' without any."""
    return f", with {counted(len(instance.warnings), 'warning')}" if instance.warnings else ""
