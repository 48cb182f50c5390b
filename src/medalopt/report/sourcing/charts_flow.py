"""Flow of a metal as a Sankey diagram: devices, smelters, metal account, medals and other destinations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np

from medalopt.analysis.sourcing.fates import End
from medalopt.analysis.sourcing.trace import Trace, trace
from medalopt.plan.plan import Plan
from medalopt.report.charts.chart import COLOURS, FAINT, FONT, INK, Chart, shortened
from medalopt.report.numbers import digits, mass, share
from medalopt.report.section import Column, Section
from medalopt.report.sourcing.tracing import HEADED, names
from medalopt.wording import shown

MOST = 9  # sources drawn one by one
THIN = 5e-4  # of the metal's mass; a narrower band is not drawn
_ENDS = {
    End.ALLOWANCE: "allowance of medals",
    End.MELT: "melt loss",
    End.SCRAP_LOST: "scrap not reused",
    End.SCRAP_LEFT: "scrap left",
    End.SURPLUS: "sold or left over",
    End.STOCK: "in stock at the end",
}
Link = tuple[str, str, str, str]  # column and name of its source node, then of its target node


def charts(plan: Plan) -> tuple[Chart, ...]:
    """Draw the flow of each metal that smelters return and medals contain.

    Args:
        plan: Plan to report.

    Returns:
        One Sankey diagram for each such metal.
    """
    found = trace(plan.account)
    kinds = len(plan.instance.medals.names)
    wanted = (found.returned.sum(axis=(1, 2)) > 0) & (_ends(found)[:, :kinds].sum(axis=1) > 0)
    return tuple(_chart(plan, found, metal) for metal in np.flatnonzero(wanted).tolist())


def _ends(found: Trace) -> Any:
    return found.returned.sum(axis=1) + found.bought.sum(axis=1) + found.opening


def _links(plan: Plan, found: Trace, metal: int) -> dict[Link, float]:
    """Return the mass [kg] of each link: source to smelter, smelter to account, account to destination."""
    came = np.concatenate([found.returned[metal], found.bought[metal], found.opening[metal][None]]).sum(axis=1)
    title = plan.instance.metals.titles[metal]
    told = [(f"bought {g}" if d == "bought" else d, k) for d, g, k in names(plan, found)]
    size: dict[str, float] = defaultdict(float)
    for (source, _), kilograms in zip(told, came.tolist(), strict=True):
        size[source] += kilograms
    large = set(sorted(size, key=lambda source: (-size[source], source))[:MOST])
    links: dict[Link, float] = defaultdict(float)
    for (source, smelter), kilograms in zip(told, came.tolist(), strict=True):
        first = source if source in large else "other sources"
        if smelter:
            links["source", first, "smelter", smelter] += kilograms
            links["smelter", smelter, "account", title] += kilograms
        else:
            links["source", first, "account", title] += kilograms
    kinds = plan.instance.medals.names
    for end, kilograms in enumerate(_ends(found)[metal].tolist()):
        name = f"{kinds[end]} medals" if end < len(kinds) else _ENDS[End(end - len(kinds) - len(End))]
        links["account", title, "medal" if end < len(kinds) else "end", name] += kilograms
    return {link: kilograms for link, kilograms in links.items() if kilograms > THIN * came.sum()}


def _chart(plan: Plan, found: Trace, metal: int) -> Chart:
    links = _links(plan, found, metal)
    title, ends = plan.instance.metals.titles[metal], _ends(found)[metal]
    whole, held = float(ends.sum()), float(ends[: len(plan.instance.medals.names)].sum())
    sources: dict[str, float] = defaultdict(float)
    for (column, name, _, _), kilograms in links.items():
        if column == "source" and name != "other sources":
            sources[name] += kilograms
    first = max(sources, key=lambda name: sources[name], default="other sources")
    says = f"{shown(title, 40).capitalize()}: {share(held, whole)} of {mass(whole)} ends in medals; "
    says += f"most comes from {shown(first, 40)}, {share(sources[first], whole)}"
    notes = (
        f"By {HEADED}. Widths are kilograms of {shown(title, 40)}; bands below {100 * THIN:g} % of all are not drawn.",
    )
    rows = tuple((a, b, digits(kilograms), share(kilograms, whole)) for (_, a, _, b), kilograms in links.items())
    columns = (Column("from", right=False), Column("to", right=False), Column("kg"), Column("of all that comes in"))
    return Chart(says, _option(links), (Section(f"The way of {title}", columns, rows),), notes, 460)


def _option(links: Mapping[Link, float]) -> dict[str, Any]:
    depth = {"source": 0, "smelter": 1, "account": 2, "medal": 3, "end": 3}
    colour = {"source": COLOURS[0], "smelter": COLOURS[5], "account": INK, "medal": COLOURS[2], "end": FAINT}
    nodes: dict[tuple[str, str], float] = defaultdict(float)
    for (a, source, b, target), kilograms in links.items():
        nodes[b, target] += kilograms
        if a == "source":
            nodes[a, source] += kilograms
    data = [
        {
            "id": f"{column} {name}",
            "depth": depth[column],
            "itemStyle": {"color": colour[column]},
            "label": {
                "position": "left" if depth[column] == 3 else "right",
                "formatter": f"{shortened(name)}, {mass(kilograms)}",
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
