"""What a person is told of a plan: the answer in a few lines, then tables; as text, for any kind of page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from medalopt.instance.figures import Floats
from medalopt.instance.routes import route_costs
from medalopt.plan.plan import Plan
from medalopt.report.numbers import digits, mass, money, share, whole
from medalopt.report.scarce import metal_values, scarce_rows

LARGEST = 40  # rows of a table before the rest is summed


@dataclass(frozen=True)
class Column:
    """A column of a table: `minor` ones are left out where there is little room."""

    header: str
    right: bool = True
    minor: bool = False


@dataclass(frozen=True)
class Section:
    """A table with its title; `rows` are cells of text, the last of them a total where `total` is set."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    total: bool = False


def sections(plan: Plan) -> tuple[Section, ...]:
    """Return the tables of a plan; those that would be empty are left out."""
    makers: tuple[Callable[[Plan], Section], ...] = (
        *(_costs, _sources, _treatments, _smelters, _metals, _offers, _medals, _scarce),
    )
    return tuple(section for section in (make(plan) for make in makers) if section.rows)


def _costs(plan: Plan) -> Section:
    titles = {
        "supply": "paid to suppliers",
        "collection": "collection",
        "treatment": "treatment before the smelter",
        "transport": "transport to the smelter",
        "smelting": "treatment charges",
        "refining": "refining charges",
        "residue": "residues, what they cost or earn",
        "storage": "stockpiles",
        "purchases": "metal and scrap bought",
        "holding": "metal held",
        "sales": "metal sold",
        "scrap": "process scrap left",
    }
    rows = [
        (titles[kind], whole(value), share(value, plan.cost) if plan.cost > 0 else "–")
        for kind, value in plan.costs.items()
        if abs(value) >= 0.5 or (value and abs(plan.cost) < 100)
    ]
    rows.append(("in all", whole(plan.cost), "100 %" if plan.cost > 0 else "–"))
    columns = (Column("what it costs", right=False), Column(plan.instance.currency), Column("share"))
    return Section("Cost", columns, tuple(rows), total=True)


def _sources(plan: Plan) -> Section:
    """What is taken from whom: streams on their own, and bundles as one."""
    account, instance = plan.account, plan.instance
    streams = instance.streams
    offered = streams.available.value.sum(axis=1)
    spent = np.zeros(len(streams.names))
    np.add.at(spent, account.found.stream, _route_spend(plan))
    groups: dict[tuple[str, str], list[int]] = {}
    for i, name in enumerate(streams.names):
        region, device = instance.regions[streams.region[i]], instance.devices.names[streams.device[i]]
        bundle = streams.bundle[i]
        what = f"{instance.bundles[bundle][1]} (bundle)" if bundle >= 0 else device
        known = (region, what if bundle >= 0 or name == f"{device}@{region}" else name)
        groups.setdefault(known, []).append(i)
    listed = [
        _Source(region, what, float(offered[at].sum()), float(account.sent[at].sum()), float(spent[at].sum()))
        for (region, what), at in groups.items()
    ]
    columns = (
        *(Column("region", right=False), Column("what", right=False), Column("offered t", minor=True)),
        *(Column("taken t"), Column("taken"), Column(f"cost {instance.currency}"), Column("per tonne", minor=True)),
    )
    return Section("What is taken from whom", columns, tuple(_source_rows(listed)), total=len(listed) > 1)


@dataclass(frozen=True)
class _Source:
    region: str
    what: str
    offered: float
    taken: float
    spent: float

    def cells(self) -> tuple[str, ...]:
        each = digits(self.spent / self.taken) if self.taken else "–"
        quantities = (digits(self.offered), digits(self.taken), share(self.taken, self.offered))
        return (self.region, self.what, *quantities, whole(self.spent), each)


def _summed(name: str, of: list[_Source]) -> _Source:
    return _Source(name, "", sum(s.offered for s in of), sum(s.taken for s in of), sum(s.spent for s in of))


def _source_rows(listed: list[_Source]) -> list[tuple[str, ...]]:
    largest = sorted(listed, key=lambda source: (-source.taken, -source.offered, source.region, source.what))
    shown, rest = largest[:LARGEST], largest[LARGEST:]
    if rest:
        shown.append(_summed(f"{len(rest)} more", rest))
    if len(listed) > 1:
        shown.append(_summed("in all", listed))
    return [source.cells() for source in shown]


def _route_spend(plan: Plan) -> Floats:
    return (route_costs(plan.instance, plan.account.found) * plan.account.decisions.sent).sum(axis=1)


def _treatments(plan: Plan) -> Section:
    account, instance = plan.account, plan.instance
    treated = account.treated.sum(axis=1)
    sent_on = np.zeros(len(treated))
    np.add.at(sent_on, account.found.treatment, account.found.to_smelter * account.decisions.sent.sum(axis=1))
    capacity = instance.treatments.capacity.value
    rows = [
        (
            name,
            digits(treated[h]),
            share(treated[h], plan.tonnes),
            digits(sent_on[h]),
            _peak(account.treated[h], capacity[h]),
        )
        for h, name in enumerate(instance.treatments.names)
        if treated[h] > 0
    ]
    columns = (
        *(Column("treatment", right=False), Column("treated t"), Column("of all")),
        *(Column("sent on t"), Column("busiest period")),
    )
    return Section("Treatments", columns, tuple(sorted(rows, key=lambda row: row[0])))


def _peak(used: Floats, capacity: Floats) -> str:
    """Return the fullest period as a share of its capacity, and how many are full."""
    given = np.isfinite(capacity)
    if not given.any():
        return "no limit"
    load = np.divide(used, capacity, out=np.zeros_like(used), where=given & (capacity > 0))
    full = int((load > 1 - 1e-6).sum())
    return f"{digits(100 * load.max(), 3)} %" + (f", full in {full} of {len(load)}" if full else "")


def _smelters(plan: Plan) -> Section:
    account, instance = plan.account, plan.instance
    feed, capacity = account.feed, instance.smelters.capacity.value
    back = account.returned.sum(axis=2)  # (K, E)
    shown = [e for e in range(len(instance.metals.names)) if back[:, e].sum() > 0]
    rows = [
        (name, digits(feed[k].sum()), _peak(feed[k], capacity[k]), *(digits(back[k, e]) for e in shown))
        for k, name in enumerate(instance.smelters.names)
        if feed[k].sum() > 0
    ]
    idle = [name for k, name in enumerate(instance.smelters.names) if feed[k].sum() <= 0]
    rows += [(name, "0", "idle", *("0" for _ in shown)) for name in idle]
    columns = (
        *(Column("smelter", right=False), Column("feed t"), Column("busiest period")),
        *(Column(f"{instance.metals.titles[e]} kg") for e in shown),
    )
    return Section("Smelters", columns, tuple(rows) if feed.sum() > 0 else ())


def _metals(plan: Plan) -> Section:
    account, instance = plan.account, plan.instance
    needed = account.composition.sum(axis=(0, 2))
    back = account.returned.sum(axis=(0, 2))
    bought = account.decisions.bought.sum(axis=(1, 2)) @ instance.market.composition.value
    left = account.decisions.surplus.sum(axis=1) + (account.stock[:, -1] if account.stock.size else 0)
    opening = instance.metals.opening_stock.value
    values = metal_values(plan)
    rows = [
        (
            instance.metals.titles[e],
            *(_kilograms(amount[e]) for amount in (needed, opening, back, bought, left)),
            digits(values[e]) if values[e] > 0 else "0",
        )
        for e in range(len(instance.metals.names))
        if max(needed[e], back[e], bought[e], opening[e]) > 0
    ]
    columns = (
        *(Column("metal", right=False), Column("charged kg"), Column("at hand kg", minor=True), Column("returned kg")),
        *(Column("bought kg"), Column("left over kg"), Column(f"1 kg more costs {plan.unit}")),
    )
    return Section("Metals", columns, tuple(rows))


def _kilograms(value: float) -> str:
    return digits(value) if abs(value) > 1e-9 else "0"


def _offers(plan: Plan) -> Section:
    instance = plan.instance
    bought = plan.account.decisions.bought.sum(axis=1)  # (O, T)
    cost = bought * instance.market.price.value
    rows = [
        (name, digits(bought[o].sum()), whole(cost[o].sum()), digits(cost[o].sum() / bought[o].sum()))
        for o, name in enumerate(instance.market.names)
        if bought[o].sum() > 0
    ]
    columns = (
        *(Column("offer", right=False), Column("bought kg")),
        *(Column(f"cost {instance.currency}"), Column("per kg")),
    )
    return Section("What is bought", columns, tuple(rows))


def _medals(plan: Plan) -> Section:
    instance, medals = plan.instance, plan.instance.medals
    extra = {m.path: m.value for m in plan.marginals if m.meaning == "one more medal"}
    rows = []
    for m, name in enumerate(medals.names):
        parts = [
            f"{mass(weight)} {alloy}"
            for alloy, weight in zip(instance.alloys.names, medals.parts.value[m].tolist(), strict=True)
            if weight
        ]
        path = next((path for path in extra if path.endswith(f".{name}.count")), "")
        worth = digits(extra.get(path, 0.0))
        rows.append((name, f"{medals.count[m]:,}", " + ".join(parts), instance.periods[medals.due[m]], worth))
    columns = (
        *(Column("medal", right=False), Column("count"), Column("of", right=False)),
        *(Column("due by end of"), Column(f"1 more costs {plan.unit}")),
    )
    return Section("Medals", columns, tuple(rows))


def _scarce(plan: Plan) -> Section:
    columns = (
        *(Column("figure", right=False), Column("scarce in", right=False), Column("one more unit saves")),
        *(Column("unit", right=False), Column("in all", minor=True)),
    )
    return Section("What is scarce, and what a little more would save", columns, scarce_rows(plan))


def headline(plan: Plan) -> tuple[str, ...]:
    """Return the answer in three or four lines: what it costs, what is taken, what binds, what is proven."""
    instance = plan.instance
    count = int(instance.medals.count.sum())
    offered = float(instance.streams.available.value.sum())
    lines = []
    medals = f"{count:,} medal" + ("" if count == 1 else "s")
    each = f", {money(plan.cost / count, instance.currency)} a medal ({medals})" if count else ""
    lines.append(f"{money(plan.cost, instance.currency)} in all{each}.")
    if plan.measure != "cost":
        lines[0] = f"Least {plan.measure}: {digits(plan.objective)} {plan.unit}, at " + lines[0]
    if offered:
        lines.append(
            f"{whole(plan.tonnes)} t of devices taken of {whole(offered)} t offered ({share(plan.tonnes, offered)})."
        )
    lines.append(_what_binds(plan))
    return tuple(line for line in lines if line)


def _what_binds(plan: Plan) -> str:
    instance = plan.instance
    values = metal_values(plan)
    sold = instance.metals.sell.value.max(axis=1) if plan.measure == "cost" else np.zeros(len(values))
    charged = plan.account.decisions.charged.sum(axis=(0, 2))
    worth = np.where(values > sold * (1 + 1e-6), values * charged, 0.0)  # what is merely not sold is not scarce
    tight = [e for e in np.argsort(-worth).tolist() if worth[e] > 1e-6 * max(1, abs(plan.objective))]
    if not tight:
        free = len(instance.streams.names) and plan.measure == "cost"
        return "No metal is scarce: at the margin every further kilogram comes free." if free else ""
    named = [f"{instance.metals.titles[e]} (one more kilogram costs {money(values[e], plan.unit)})" for e in tight[:2]]
    verb = "is" if len(named) == 1 else "are"
    return f"What binds {verb} {' and '.join(named)}."


def proof_line(plan: Plan) -> str:
    """Return what is proven of the plan, in one line."""
    certificate = plan.certificate
    word = "Proven optimal" if certificate.optimal else "Feasible"
    gap = max(certificate.gap, 0.0)
    return (
        f"{word}: at most {gap:.1e} above the best possible; every rule kept to {certificate.primal_violation:.1e} "
        f"of its size ({certificate.arithmetic})."
    )
