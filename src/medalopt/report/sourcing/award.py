"""Award table: every stream on offer, the tonnes taken, and the price at which a refused stream enters the plan."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from medalopt.analysis.sourcing.entry import MOST
from medalopt.instance.arithmetic import summed
from medalopt.instance.participating import free_tonnes
from medalopt.instance.routes import route_costs
from medalopt.plan.plan import Plan
from medalopt.report.numbers import share
from medalopt.report.sourcing.content import Cell, Column, Table
from medalopt.report.sourcing.currency import amount, rate

NOTHING = 1e-9  # of the offered tonnes; a smaller quantity counts as none
_SAYS = (
    "Every stream on offer, what is taken of it, and what that costs up to the metal on the account. What is refused "
    "or taken in part comes first."
)
_ENTRY = (
    "More comes in at: what a tonne may cost at most, price and collection together, so that more of it is taken than "
    "now. Streams of a bundle come in together, each cheaper by the same. '–': no price brings in more; empty: taken "
    f"whole, or not among the {MOST} sources with the most tonnes left, which alone are asked about."
)

_NO_ROUTE = (
    "No route: the instance has no treatment, lane and smelter by which this stream, or one in its bundle, can go "
    "anywhere, so that no price brings it in. `medalopt check` says why."
)


def tables(plan: Plan, entry: Mapping[int, float] | None = None) -> tuple[Table, ...]:
    """Tabulate the award of every stream, refused and partly taken ones first.

    Args:
        plan: Plan to report.
        entry: Reduction of price and collection [currency/t] at which more of a stream enters, by stream; infinite
            where no price suffices, None where entry prices were not computed.

    Returns:
        The table `award`.
    """
    instance, account, streams = plan.instance, plan.account, plan.instance.streams
    spent = summed(
        (route_costs(instance, account.found) * account.decisions.sent).sum(axis=1),
        account.found.stream,
        len(streams.names),
    )
    whole = np.asarray(account.sent) >= (1 - NOTHING) * streams.available.value.sum(axis=1)
    order = np.lexsort((np.arange(len(streams.names)), streams.region, whole)).tolist()
    asked = None if entry is None else {i: by for i, by in entry.items() if not whole[i]}
    free = free_tonnes(instance, account.found).tolist()
    rows = tuple((*_row(plan, i, float(spent[i]), free[i]), *_entry(plan, i, asked)) for i in order)
    notes = (() if entry is None else (_ENTRY,)) + ((_NO_ROUTE,) if any(row[6] == "no route" for row in rows) else ())
    return (Table("award", "Award table", _SAYS, _columns(instance.currency, entry is not None), rows, notes),)


def _row(plan: Plan, stream: int, spent: float, free: float) -> tuple[Cell, ...]:
    instance, streams = plan.instance, plan.instance.streams
    offered, taken = float(streams.available.value[stream].sum()), float(plan.account.sent[stream])
    bundle = int(streams.bundle[stream])
    return (
        instance.regions[streams.region[stream]],
        streams.names[stream],
        instance.devices.names[streams.device[stream]],
        instance.bundles[bundle][1] if bundle >= 0 else "",
        offered,
        taken,
        status(taken, offered, free),
        float(streams.price.value[stream] + streams.collection.value[stream]),
        spent,
    )


def _entry(plan: Plan, stream: int, entry: Mapping[int, float] | None) -> tuple[Cell, ...]:
    """Return the break-even price of a stream, empty where it is fully taken or was not analysed."""
    if entry is None:
        return ()
    if stream not in entry:
        return (None,)
    if not math.isfinite(entry[stream]):
        return ("–",)
    streams = plan.instance.streams
    return (float(streams.price.value[stream] + streams.collection.value[stream]) - entry[stream],)


def status(taken: float, offered: float, free: float) -> str:
    """Describe the award of a stream: taken, taken in part with the share, refused, no route or nothing offered.

    Args:
        taken: Tonnes taken.
        offered: Tonnes offered.
        free: Tonnes for which the stream and all of its bundle have a route.

    Returns:
        The award as text.
    """
    if taken <= NOTHING * offered:
        return ("refused" if free else "no route") if offered else "nothing offered"
    return "taken" if taken >= (1 - NOTHING) * offered else f"taken in part, {share(taken, offered)}"


def _columns(currency: str, asked: bool) -> tuple[Column, ...]:
    return (
        Column("region", "Region"),
        Column("stream", "Stream"),
        Column("device", "Device"),
        Column("bundle", "Bundle"),
        Column("offered_t", "Offered", "t", 3, total=True),
        Column("taken_t", "Taken", "t", 3, total=True),
        Column("award", "Award"),
        rate("price_per_t", "Price and collection", currency, "t"),
        amount("cost", "Cost", currency),
        *((rate("comes_in_per_t", "More comes in at", currency, "t"),) if asked else ()),
    )
