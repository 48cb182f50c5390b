"""Traceability: sources of the metal in each medal, destinations of the metal of each stream, and a Sankey diagram."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np

from medalopt.analysis.sourcing.metals import MetalDestination, MetalTrace, StreamLoss
from medalopt.analysis.sourcing.plan_analyses import PlanFacts
from medalopt.instance.arrays import Floats
from medalopt.instance.instance import Instance
from medalopt.plan.plan import Plan
from medalopt.report.charts import COLOURS, FAINT, FONT, INK, Chart, shorten_name
from medalopt.report.document import CellValue, ReportColumn, ReportTable
from medalopt.report.numbers import format_mass, format_share
from medalopt.report.sourcing.metals import choose_decimals
from medalopt.text import escape_text
from medalopt.tolerances import AMOUNT_TOLERANCE

MOST_SOURCES = 20  # sources of a metal with a row of their own
ATTRIBUTION_RULE = "mass-balance attribution, not physical segregation"
_TRACE_NOTES = (
    "Metal is mixed in the furnace, in stock and in the melt. Each kilogram charged or sold is assigned the "
    "origins of the account at that moment, in proportion; process scrap those of its melt.",
    "Medals are assumed to be struck in the period in which they are due.",
)
_DESTINATION_COLUMNS = {
    MetalDestination.ALLOWANCE: ("allowance_kg", "Allowance of medals"),
    MetalDestination.MELT: ("melt_loss_kg", "Melt loss"),
    MetalDestination.SCRAP_LOST: ("scrap_lost_kg", "Process scrap not reused"),
    MetalDestination.SCRAP_LEFT: ("scrap_left_kg", "Process scrap remaining"),
    MetalDestination.SURPLUS: ("left_kg", "Surplus"),
    MetalDestination.STOCK: ("stock_kg", "Closing stock"),
}
_LOSS_COLUMNS = {
    StreamLoss.LATE: ("late_kg", "Returned after the horizon"),
    StreamLoss.ELSEWHERE: ("elsewhere_kg", "Other projects"),
    StreamLoss.SMELTER: ("smelter_kg", "Retained by the smelter"),
    StreamLoss.RESIDUE: ("residue_kg", "Residue of treatment"),
    StreamLoss.LEFT: ("left_project_kg", "Passed on to recycling"),
}


def tabulate_traceability(facts: PlanFacts) -> tuple[ReportTable, ...]:
    """Tabulate the sources of the medals' metal, and the destinations of each metal by stream.

    Returns:
        The table `medal_sources`, and `stream_ends_METAL` for each metal that smelters return.
    """
    plan, trace = facts.plan, facts.trace
    known = np.flatnonzero(_stack_origins(trace).sum(axis=(1, 2)) > 0).tolist()
    return (
        _medal_source_table(plan, trace, known),
        *(_stream_destination_table(plan, trace, metal) for metal in known if trace.returned[metal].any()),
    )


def _stack_origins(trace: MetalTrace) -> Floats:
    """Return metal received (E, J + O + 1, M + 6) [kg] by route, offer or opening stock, and by destination."""
    return np.concatenate([trace.returned, trace.bought, trace.opening[:, None]], axis=1)


def _medal_source_table(plan: Plan, trace: MetalTrace, known: list[int]) -> ReportTable:
    instance = plan.instance
    named = _name_origins(plan, trace)
    rows: list[tuple[CellValue, ...]] = []
    totals: list[float] = []
    for medal, kind in enumerate(instance.medals.names):
        for metal in known:
            by_source: dict[tuple[str, str, str], float] = defaultdict(float)
            for source, kilograms in zip(named, _stack_origins(trace)[metal, :, medal].tolist(), strict=True):
                by_source[source] += kilograms
            held = sum(by_source.values())
            if held > 0:
                totals.append(held)
                rows += [(kind, instance.metals.titles[metal], *line) for line in _largest_sources(by_source, held)]
    columns = (
        ReportColumn("medal", "Medal"),
        ReportColumn("metal", "Metal"),
        ReportColumn("source", "Device or other source"),
        ReportColumn("region", "Region or offer"),
        ReportColumn("smelter", "Smelter"),
        ReportColumn("held_kg", "In the medals", "kg", choose_decimals(totals)),
        ReportColumn("share", "Share", "%", 1),
    )
    text = (
        f"By {ATTRIBUTION_RULE}: the {MOST_SOURCES} largest sources of each metal in each kind of medal, and the rest."
    )
    return ReportTable("medal_sources", "Sources of metal", text, columns, tuple(rows), _TRACE_NOTES)


def _largest_sources(by_source: dict[tuple[str, str, str], float], held: float) -> list[tuple[CellValue, ...]]:
    order = sorted((-kilograms, source) for source, kilograms in by_source.items() if kilograms > 0)
    shown = order if len(order) <= MOST_SOURCES + 1 else order[:MOST_SOURCES]
    lines: list[tuple[CellValue, ...]] = [(*source, -less, -less / held) for less, source in shown]
    if len(shown) < len(order):
        rest = -sum(less for less, _ in order[MOST_SOURCES:])
        lines.append((f"the rest, {len(order) - MOST_SOURCES} more", "", "", rest, rest / held))
    return lines


def _name_origins(plan: Plan, trace: MetalTrace) -> list[tuple[str, str, str]]:
    """Return device, region and smelter of every origin: of routes, then offers, then opening stock."""
    instance, routes = plan.instance, plan.account.routes
    stream = routes.stream[trace.routes]
    smelters = (*instance.smelters.names, "")  # the last for a route without a smelter, -1
    known = zip(
        instance.streams.device[stream].tolist(),
        instance.streams.region[stream].tolist(),
        routes.smelter[trace.routes].tolist(),
        strict=True,
    )
    names = [(instance.devices.names[d], instance.regions[g], smelters[k]) for d, g, k in known]
    return [*names, *(("bought", offer, "") for offer in instance.market.names), ("opening stock", "", "")]


def _stream_destination_table(plan: Plan, trace: MetalTrace, metal: int) -> ReportTable:
    instance = plan.instance
    stream = plan.account.routes.stream[trace.routes]
    bounds = np.concatenate([trace.returned[metal], trace.destinations[metal]], axis=1)  # (J, M + 11)
    held = np.zeros((len(instance.streams.names), bounds.shape[1]))
    np.add.at(held, stream, bounds)
    kinds = len(instance.medals.names)
    order = np.lexsort((-held.sum(axis=1), -held[:, :kinds].sum(axis=1)))
    sent = [i for i in order.tolist() if held[i].sum() > 0]
    shown = [end for end in range(held.shape[1]) if held[:, end].sum() > AMOUNT_TOLERANCE * held.sum()]
    title = instance.metals.titles[metal]
    places = choose_decimals([held[:, :kinds].sum() or held.sum()])
    labels = _destination_labels(instance)
    columns = (
        ReportColumn("stream", "Stream"),
        ReportColumn("sent_t", "Sent", "t", 1, total=True),
        ReportColumn("content_kg", f"{title.capitalize()} content", "kg", places, total=True),
        *(ReportColumn(labels[end][0], labels[end][1], "kg", places, total=True) for end in shown),
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
    text = (
        f"By {ATTRIBUTION_RULE}: destinations of the {title} of every stream. The destinations of a row add up to its "
        "content."
    )
    key = f"stream_ends_{_make_key_part(instance.metals.names, metal)}"
    return ReportTable(key, f"{title.capitalize()} by stream", text, columns, rows, _TRACE_NOTES)


def _destination_labels(instance: Instance) -> list[tuple[str, str]]:
    """Return key and title of every destination of a stream's metal, in the order of `_stream_destination_table`."""
    kinds = instance.medals.names
    medals = [(f"medal_{_make_key_part(kinds, m)}_kg", f"In {kind} medals") for m, kind in enumerate(kinds)]
    return [
        *medals,
        *(_DESTINATION_COLUMNS[end] for end in sorted(MetalDestination)),
        *(_LOSS_COLUMNS[end] for end in StreamLoss),
    ]


def _make_key_part(names: tuple[str, ...], index: int) -> str:
    """Return a name as part of a key: itself where it is short and plain, else its number."""
    name = names[index]
    plain = name.isascii() and name.replace("_", "").isalnum() and len(name) <= 20
    once = [other.lower() for other in names].count(name.lower()) == 1
    return name if plain and once and not name.isdigit() else str(index + 1)


MOST_SOURCES_DRAWN = 9  # sources drawn one by one
LEAST_BAND_SHARE = 5e-4  # of the metal's mass; a narrower band is not drawn
FlowLink = tuple[str, str, str, str]  # column and name of its source node, then of its target node


def draw_metal_flows(facts: PlanFacts) -> tuple[Chart, ...]:
    """Draw the flow of each metal that smelters return and medals contain.

    Args:
        facts: Facts of the plan to report.

    Returns:
        One Sankey diagram for each such metal.
    """
    plan, trace = facts.plan, facts.trace
    kinds = len(plan.instance.medals.names)
    wanted = (trace.returned.sum(axis=(1, 2)) > 0) & (_sum_destinations(trace)[:, :kinds].sum(axis=1) > 0)
    return tuple(_flow_chart(plan, trace, metal) for metal in np.flatnonzero(wanted).tolist())


def _sum_destinations(trace: MetalTrace) -> Any:
    return trace.returned.sum(axis=1) + trace.bought.sum(axis=1) + trace.opening


def _flow_links(plan: Plan, trace: MetalTrace, metal: int) -> dict[FlowLink, float]:
    """Return the mass [kg] of each link: source to smelter, smelter to account, account to destination."""
    came = np.concatenate([trace.returned[metal], trace.bought[metal], trace.opening[metal][None]]).sum(axis=1)
    title = plan.instance.metals.titles[metal]
    names = [(f"bought {g}" if d == "bought" else d, k) for d, g, k in _name_origins(plan, trace)]
    size: dict[str, float] = defaultdict(float)
    for (source, _), kilograms in zip(names, came.tolist(), strict=True):
        size[source] += kilograms
    large = set(sorted(size, key=lambda source: (-size[source], source))[:MOST_SOURCES_DRAWN])
    links: dict[FlowLink, float] = defaultdict(float)
    for (source, smelter), kilograms in zip(names, came.tolist(), strict=True):
        first = source if source in large else "other sources"
        if smelter:
            links["source", first, "smelter", smelter] += kilograms
            links["smelter", smelter, "account", title] += kilograms
        else:
            links["source", first, "account", title] += kilograms
    kinds = plan.instance.medals.names
    for end, kilograms in enumerate(_sum_destinations(trace)[metal].tolist()):
        if end < len(kinds):
            name = f"{kinds[end].removesuffix('medals').removesuffix('medal').rstrip('_')} medals".lstrip()
        else:
            column = _DESTINATION_COLUMNS[MetalDestination(end - len(kinds) - len(MetalDestination))]
            name = column[1].removeprefix("Process ").lower()
        links["account", title, "medal" if end < len(kinds) else "end", name] += kilograms
    return {link: kilograms for link, kilograms in links.items() if kilograms > LEAST_BAND_SHARE * came.sum()}


def _flow_chart(plan: Plan, trace: MetalTrace, metal: int) -> Chart:
    links = _flow_links(plan, trace, metal)
    title, ends = plan.instance.metals.titles[metal], _sum_destinations(trace)[metal]
    whole, held = float(ends.sum()), float(ends[: len(plan.instance.medals.names)].sum())
    sources: dict[str, float] = defaultdict(float)
    for (column, name, _, _), kilograms in links.items():
        if column == "source" and name != "other sources":
            sources[name] += kilograms
    first = max(sources, key=lambda name: sources[name], default="other sources")
    text = (
        f"Flow of {escape_text(title, 40)}: {format_share(held, whole)} of {format_mass(whole)} into medals; "
        f"largest source {escape_text(first, 40)}, {format_share(sources[first], whole)}"
    )
    notes = (
        f"By {ATTRIBUTION_RULE}. Widths are kilograms of {escape_text(title, 40)}; bands below "
        f"{100 * LEAST_BAND_SHARE:g} % of all are not drawn.",
    )
    rows = tuple((a, b, kilograms, kilograms / whole) for (_, a, _, b), kilograms in links.items())
    columns = (
        ReportColumn("from", "from"),
        ReportColumn("to", "to"),
        ReportColumn("amount_kg", "amount", "kg", style="significant"),
        ReportColumn("share", "share of total", "%", 1, style="share"),
    )
    key, name = f"flow_{plan.instance.metals.names[metal]}", f"Flow of {title}"
    table = ReportTable(key, name, "Metal from each source to each destination.", columns, rows)
    ends = {(a, source) for a, source, _, _ in links} | {(b, target) for _, _, b, target in links}
    most = max(Counter(_DEPTHS[column] for column, _ in ends).values(), default=0)
    return Chart(text, _sankey_option(links), (table,), notes, min(140 + 60 * most, 460))


_DEPTHS = {"source": 0, "smelter": 1, "account": 2, "medal": 3, "end": 3}  # columns of the picture


def _sankey_option(links: Mapping[FlowLink, float]) -> dict[str, Any]:
    colour = {"source": COLOURS[0], "smelter": COLOURS[5], "account": INK, "medal": COLOURS[2], "end": FAINT}
    nodes: dict[tuple[str, str], float] = defaultdict(float)
    for (a, source, b, target), kilograms in links.items():
        nodes[b, target] += kilograms
        if a == "source":
            nodes[a, source] += kilograms
    data = [
        {
            "id": f"{column} {name}",
            "depth": _DEPTHS[column],
            "itemStyle": {"color": colour[column]},
            "label": {
                "position": "left" if _DEPTHS[column] == 3 else "right",
                "formatter": f"{shorten_name(name)}, {format_mass(kilograms)}",
                "offset": [0, -16 if column == "account" else 0],  # above that of its only destination
            },
        }
        for (column, name), kilograms in nodes.items()
    ]
    bands = [
        {"source": f"{a} {source}", "target": f"{b} {target}", "value": kilograms}
        for (a, source, b, target), kilograms in links.items()
    ]
    label = {"color": INK, "fontFamily": FONT, "fontSize": 12}
    return {
        "animation": False,
        "textStyle": {"fontFamily": FONT},
        "tooltip": {"trigger": "item", "renderMode": "richText", "confine": True},
        "series": [
            {
                "type": "sankey",
                "data": data,
                "links": bands,
                "left": 16,
                "right": 16,
                "top": 16,
                "bottom": 16,
                "nodeGap": 12,
                "draggable": False,
                "label": label,
                "lineStyle": {"color": "source", "opacity": 0.3},
            }
        ],
    }
