"""Supply taken by source, where a source is a stream or a bundle; with many sources, by kind and by region."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from medalopt.instance.figures import Ints
from medalopt.instance.instance import Instance
from medalopt.instance.routes import route_costs
from medalopt.plan.plan import Plan
from medalopt.report.numbers import column, scale, share
from medalopt.report.section import Column, Section, section

FEW = 12  # sources that are listed one by one
MOST = 20  # rows of a table before the rest is summed
_WHOLE = 1 - 1e-9


@dataclass(frozen=True)
class Source:
    """Totals of one source over the horizon: tonnes offered and taken, and money spent on its routes."""

    region: str
    what: str
    offered: float
    taken: float
    spent: float
    count: int = 1


def sources(plan: Plan) -> tuple[Source, ...]:
    """Return the sources of a plan.

    Args:
        plan: Solved plan.

    Returns:
        Totals by source, the most tonnes taken first.
    """
    account, streams = plan.account, plan.instance.streams
    cost = (route_costs(plan.instance, account.found) * account.decisions.sent).sum(axis=1)
    spent = np.bincount(account.found.stream, cost, len(streams.names))
    labels, of = grouped(plan.instance)
    offered, taken, paid = (
        np.bincount(of, amount, len(labels)).tolist()
        for amount in (streams.available.value.sum(axis=1), account.sent, spent)
    )
    rows = zip(labels, offered, taken, paid, strict=True)
    return tuple(_largest_first([Source(region, what, *amounts) for (region, what), *amounts in rows]))


def grouped(instance: Instance) -> tuple[list[tuple[str, str]], Ints]:
    """Group streams into sources; the streams of a bundle are one source.

    Args:
        instance: Instance with its streams.

    Returns:
        Region and kind of each source, and the index of the source of each stream, (I,).
    """
    keys = [_place_and_kind(instance, i) for i in range(len(instance.streams.names))]
    order = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return list(order), np.array([order[key] for key in keys], dtype=np.intp)


def _place_and_kind(instance: Instance, stream: int) -> tuple[str, str]:
    """Return the region of a stream, and the name of its bundle or its own name without the region."""
    region, bundle = instance.regions[instance.streams.region[stream]], instance.streams.bundle[stream]
    if bundle >= 0:
        return region, f"{instance.bundles[bundle][1]} (bundle)"
    return region, instance.streams.names[stream].removesuffix(f"@{region}")


def sections_of_sources(plan: Plan) -> tuple[Section, ...]:
    """Return the tables of supply taken.

    Args:
        plan: Solved plan.

    Returns:
        One table of few sources; otherwise one by kind and one by region.
    """
    listed = sources(plan)
    if not listed:
        return ()
    if len(listed) <= FEW:
        return (_table(plan, "What is taken from whom", listed, ("region", "what")),)
    by_kind = _gathered(listed, lambda source: source.what)
    by_region = _gathered(listed, lambda source: source.region)
    return (
        _table(plan, "What is taken", by_kind, ("what",)),
        _table(plan, "From whom", by_region, ("region",), _left(listed)),
    )


def _gathered(listed: tuple[Source, ...], key: Callable[[Source], str]) -> tuple[Source, ...]:
    """Sum sources by a key; rows beyond the largest are summed as one."""
    groups: dict[str, list[Source]] = {}
    for source in listed:
        groups.setdefault(key(source), []).append(source)
    rows = _largest_first([_summed(name, name, group) for name, group in groups.items()])
    rest = rows[MOST:]
    name = f"{len(rest)} more"
    return (*rows[:MOST], *([_summed(name, name, rest)] if rest else []))


def _largest_first(listed: list[Source]) -> list[Source]:
    """Sort by tonnes taken, then by tonnes offered."""
    return sorted(listed, key=lambda source: (-source.taken, -source.offered, source.region, source.what))


def _summed(region: str, what: str, of: list[Source] | tuple[Source, ...]) -> Source:
    """Return the sum of sources as one."""
    offered, taken, spent = (sum(getattr(s, name) for s in of) for name in ("offered", "taken", "spent"))
    return Source(region, what, offered, taken, spent, sum(s.count for s in of))


def _table(
    plan: Plan, title: str, listed: tuple[Source, ...], names: tuple[str, ...], notes: tuple[str, ...] = ()
) -> Section:
    """Return a table of sources with cost in all and per tonne, and a total."""
    everything = [*listed, _summed("in all", "" if "region" in names else "in all", listed)]
    rows = everything if len(listed) > 1 else list(listed)
    size, word = scale(row.spent for row in rows)
    each = [row.spent / row.taken if row.taken else 0.0 for row in rows]
    tonne_size, tonne_word = scale(each)
    currency = plan.instance.currency
    columns = [
        *((Column(name, right=False), [getattr(row, name) for row in rows]) for name in names),
        (Column("offered t", rank=2), column([row.offered for row in rows])),
        (Column("taken t"), column([row.taken for row in rows])),
        (Column("taken"), [share(row.taken, row.offered) for row in rows]),
        (Column(f"cost {word}{currency}"), column([row.spent / size for row in rows])),
        (Column(f"{tonne_word}{currency} per t", rank=1), column([amount / tonne_size for amount in each])),
    ]
    return section(title, columns, total=len(rows) > len(listed), notes=notes, always=len(columns))


def _left(listed: tuple[Source, ...]) -> tuple[str, ...]:
    """Return the note on sources that are not taken in full, the most tonnes left first."""
    partly = [source for source in listed if source.taken < _WHOLE * source.offered]
    partly.sort(key=lambda source: (source.taken - source.offered, source.region, source.what))
    told = [f"{source.what} from {source.region} ({share(source.taken, source.offered)} taken)" for source in partly]
    if not told:
        return ("Everything on offer is taken.",)
    more = [f"{len(told) - 5} more"] if len(told) > 5 else []
    return ("Not taken whole: " + ", ".join([*told[:5], *more]) + ".",)
