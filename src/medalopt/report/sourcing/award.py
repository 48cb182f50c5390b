"""The award table: every stream that is offered, what is taken of it, and what it costs."""

from __future__ import annotations

import numpy as np

from medalopt.instance.arithmetic import summed
from medalopt.instance.routes import route_costs
from medalopt.plan.plan import Plan
from medalopt.report.sourcing.content import Column, Table

NOTHING = 1e-9  # of what is offered: less is not taken
_SAYS = "Every stream on offer: what is taken of it and what that costs."


def tables(plan: Plan) -> tuple[Table, ...]:
    """Return the award table, a row for each stream."""
    instance, account, streams = plan.instance, plan.account, plan.instance.streams
    offered = streams.available.value.sum(axis=1)
    spent = summed(
        (route_costs(instance, account.found) * account.decisions.sent).sum(axis=1),
        account.found.stream,
        len(streams.names),
    )
    rows = tuple(
        (
            instance.regions[streams.region[i]],
            streams.names[i],
            instance.devices.names[streams.device[i]],
            float(offered[i]),
            float(account.sent[i]),
            status(float(account.sent[i]), float(offered[i])),
            float(spent[i]),
        )
        for i in np.lexsort((np.arange(len(offered)), streams.region)).tolist()
    )
    return (Table("award", "Award table", _SAYS, _columns(instance.currency), rows),)


def status(taken: float, offered: float) -> str:
    """Return whether a stream is taken, and whether whole."""
    if taken <= NOTHING * offered:
        return "refused"
    return "taken" if taken >= (1 - NOTHING) * offered else "taken in part"


def _columns(currency: str) -> tuple[Column, ...]:
    return (
        Column("region", "Region"),
        Column("stream", "Stream"),
        Column("device", "Device"),
        Column("offered_t", "Offered", "t", 1, total=True),
        Column("taken_t", "Taken", "t", 1, total=True),
        Column("award", "Award"),
        Column("cost", "Cost", currency, 0, total=True),
    )
