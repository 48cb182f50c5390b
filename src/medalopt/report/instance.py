"""An instance in a few lines, as `medalopt check` prints them."""

from __future__ import annotations

from medalopt.instance.instance import Instance
from medalopt.report.numbers import digits


def described(instance: Instance) -> str:
    """Return what an instance holds: how much of what, from when to when."""
    periods = instance.periods
    span = periods[0] if len(periods) == 1 else f"{len(periods)} periods, {periods[0]} to {periods[-1]}"
    offered = float(instance.streams.available.value.sum())
    lines = [
        f"{instance.name}: right{_warnings(instance)}.",
        f"  {span}; money in {instance.currency}.",
        f"  {_count(len(instance.streams.names), 'stream')} of {_count(len(instance.devices.names), 'device type')} "
        f"from {_count(len(instance.regions), 'region')}, {digits(offered)} t offered; "
        f"{_count(len(instance.treatments.names), 'treatment')}, {_count(len(instance.smelters.names), 'smelter')}, "
        f"{_count(len(instance.market.names), 'offer')}.",
        f"  {_count(int(instance.medals.count.sum()), 'medal')} of {_count(len(instance.medals.names), 'kind')} "
        f"in {_count(len(instance.alloys.names), 'alloy')}.",
    ]
    return "\n".join(lines) + "\n"


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}{'' if number == 1 else 's'}"


def _warnings(instance: Instance) -> str:
    return f", with {_count(len(instance.warnings), 'warning')}" if instance.warnings else ""
