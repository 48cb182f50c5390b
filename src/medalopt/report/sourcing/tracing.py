"""Traceability: sources of the metal in each medal, and destinations of the metal of each stream."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from medalopt.analysis.sourcing.fates import End
from medalopt.analysis.sourcing.trace import Gone, Trace, trace
from medalopt.instance.figures import Floats
from medalopt.instance.instance import Instance
from medalopt.plan.plan import Plan
from medalopt.plan.rows import ROUNDING
from medalopt.report.sourcing.content import Cell, Column, Table
from medalopt.report.sourcing.metals import decimals

MOST = 20  # sources of a metal with a row of their own
HEADED = "mass-balance attribution, not physical segregation"
_NOTES = (
    "Metal is mixed in the furnace, in stock and in the melt. Each kilogram that leaves an account is given the "
    "origins of all that was in it at that moment, in proportion; process scrap those of the melt it fell from.",
    "Medals are taken to be struck in the period in which they are due.",
)
_ENDS = {
    End.ALLOWANCE: ("allowance_kg", "Allowance of medals"),
    End.MELT: ("melt_loss_kg", "Melt loss"),
    End.SCRAP_LOST: ("scrap_lost_kg", "Process scrap not reused"),
    End.SCRAP_LEFT: ("scrap_left_kg", "Process scrap left"),
    End.SURPLUS: ("left_kg", "Sold or left over"),
    End.STOCK: ("stock_kg", "In stock at the end"),
}
_GONE = {
    Gone.LATE: ("late_kg", "Returned after the end"),
    Gone.ELSEWHERE: ("elsewhere_kg", "Other projects"),
    Gone.SMELTER: ("smelter_kg", "Kept by the smelter"),
    Gone.RESIDUE: ("residue_kg", "Residue of treatment"),
    Gone.LEFT: ("left_project_kg", "Left the project"),
}


def tables(plan: Plan) -> tuple[Table, ...]:
    """Tabulate the sources of the medals' metal, and the destinations of each metal by stream.

    Args:
        plan: Plan to report.

    Returns:
        The table `medal_sources`, and `stream_ends_METAL` for each metal that smelters return.
    """
    found = trace(plan.account)
    known = np.flatnonzero(_origins(found).sum(axis=(1, 2)) > 0).tolist()
    return (
        _sources(plan, found, known),
        *(_streams(plan, found, metal) for metal in known if found.returned[metal].any()),
    )


def _origins(found: Trace) -> Floats:
    """Return metal received (E, J + O + 1, M + 6) [kg] by route, offer or opening stock, and by destination."""
    return np.concatenate([found.returned, found.bought, found.opening[:, None]], axis=1)


def _sources(plan: Plan, found: Trace, known: list[int]) -> Table:
    instance = plan.instance
    named = names(plan, found)
    rows: list[tuple[Cell, ...]] = []
    totals: list[float] = []
    for medal, kind in enumerate(instance.medals.names):
        for metal in known:
            by_source: dict[tuple[str, str, str], float] = defaultdict(float)
            for source, kilograms in zip(named, _origins(found)[metal, :, medal].tolist(), strict=True):
                by_source[source] += kilograms
            held = sum(by_source.values())
            if held > 0:
                totals.append(held)
                rows += [(kind, instance.metals.titles[metal], *line) for line in _largest(by_source, held)]
    columns = (
        Column("medal", "Medal"),
        Column("metal", "Metal"),
        Column("source", "Device or other source"),
        Column("region", "Region or offer"),
        Column("smelter", "Smelter"),
        Column("held_kg", "In the medals", "kg", decimals(totals)),
        Column("share", "Share", "%", 1),
    )
    says = f"By {HEADED}: the {MOST} largest sources of each metal in each kind of medal, and the rest."
    return Table("medal_sources", f"Where the medals' metal comes from: {HEADED}", says, columns, tuple(rows), _NOTES)


def _largest(by_source: dict[tuple[str, str, str], float], held: float) -> list[tuple[Cell, ...]]:
    order = sorted((-kilograms, source) for source, kilograms in by_source.items() if kilograms > 0)
    shown = order if len(order) <= MOST + 1 else order[:MOST]
    lines: list[tuple[Cell, ...]] = [(*source, -less, -less / held) for less, source in shown]
    if len(shown) < len(order):
        rest = -sum(less for less, _ in order[MOST:])
        lines.append((f"the rest, {len(order) - MOST} more", "", "", rest, rest / held))
    return lines


def names(plan: Plan, found: Trace) -> list[tuple[str, str, str]]:
    """Return device, region and smelter of every origin: of routes, then offers, then opening stock."""
    instance, routes = plan.instance, plan.account.found
    stream = routes.stream[found.routes]
    smelters = (*instance.smelters.names, "")  # the last for a route without a smelter, -1
    known = zip(
        instance.streams.device[stream].tolist(),
        instance.streams.region[stream].tolist(),
        routes.smelter[found.routes].tolist(),
        strict=True,
    )
    told = [(instance.devices.names[d], instance.regions[g], smelters[k]) for d, g, k in known]
    return [*told, *(("bought", offer, "") for offer in instance.market.names), ("opening stock", "", "")]


def _streams(plan: Plan, found: Trace, metal: int) -> Table:
    instance = plan.instance
    stream = plan.account.found.stream[found.routes]
    ends = np.concatenate([found.returned[metal], found.gone[metal]], axis=1)  # (J, M + 11)
    held = np.zeros((len(instance.streams.names), ends.shape[1]))
    np.add.at(held, stream, ends)
    kinds = len(instance.medals.names)
    order = np.lexsort((-held.sum(axis=1), -held[:, :kinds].sum(axis=1)))
    sent = [i for i in order.tolist() if held[i].sum() > 0]
    shown = [end for end in range(held.shape[1]) if held[:, end].sum() > ROUNDING * held.sum()]
    title = instance.metals.titles[metal]
    places = decimals([held[:, :kinds].sum() or held.sum()])
    labels = _labels(instance)
    columns = (
        Column("stream", "Stream"),
        Column("sent_t", "Sent", "t", 1, total=True),
        Column("content_kg", f"{title.capitalize()} in it", "kg", places, total=True),
        *(Column(labels[end][0], labels[end][1], "kg", places, total=True) for end in shown),
    )
    rows = tuple(
        (
            instance.streams.names[i],
            float(plan.account.sent[i]),
            float(held[i].sum()),
            *(float(held[i, end]) for end in shown),
        )
        for i in sent
    )
    says = f"By {HEADED}: what the {title} of every stream ends in. The ends of a row add up to what is in it."
    key = f"stream_ends_{_slug(instance.metals.names, metal)}"
    return Table(key, f"What the {title} of each stream ends in: {HEADED}", says, columns, rows, _NOTES)


def _labels(instance: Instance) -> list[tuple[str, str]]:
    """Return key and title of every destination of a stream's metal, in the order of `_stream_destination_table`."""
    kinds = instance.medals.names
    medals = [(f"medal_{_slug(kinds, m)}_kg", f"In {kind} medals") for m, kind in enumerate(kinds)]
    return [*medals, *(_ENDS[end] for end in sorted(End)), *(_GONE[end] for end in Gone)]


def _slug(names: tuple[str, ...], at: int) -> str:
    """Return a name as part of a key: itself where it is short and plain, else its number."""
    name = names[at]
    plain = name.isascii() and name.replace("_", "").isalnum() and len(name) <= 20
    once = [other.lower() for other in names].count(name.lower()) == 1
    return name if plain and once and not name.isdigit() else str(at + 1)
