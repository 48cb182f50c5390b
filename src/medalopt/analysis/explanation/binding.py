"""What binds a plan: of each figure that holds it back, what a unit more (of a rule, less) would save."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from medalopt.analysis.explanation import changes
from medalopt.analysis.explanation.groups import Source
from medalopt.analysis.explanation.invoice import rents
from medalopt.analysis.explanation.near import Near
from medalopt.errors import SolverError
from medalopt.instance.figures import Floats
from medalopt.instance.paths import render
from medalopt.proof.certificate import paid
from medalopt.proof.placed import activity
from medalopt.proof.subject import usable
from medalopt.solver.rerun import Change

MOST = 24  # figures that are asked about, the most promising first
PER_CENT = 0.01
_COUNTS = 1e-9  # of all that is paid: what would save less in all is nothing


@dataclass(frozen=True)
class Binding:
    """A figure that binds: by one `unit` (`step` 1 more, -1 less) it `saves`, for small steps."""

    paths: tuple[str, ...]
    what: str
    step: int
    unit: str
    every_period: bool
    saves: float
    hint: float  # what a hundredth of it would save: by this the rows are ordered


@dataclass(frozen=True, eq=False)
class _Figure:
    paths: tuple[str, ...]
    what: str
    step: int
    unit: str
    amount: float  # of it, in its unit
    worth: float  # of all of it, by the prices of the plan: an estimate
    change: Change
    every_period: bool = False


def binding(near: Near, told: Iterable[Source], unproven: list[str]) -> tuple[Binding, ...]:
    """Return what binds, that of which a hundredth would save most first.

    A figure whose price cannot be proven goes to `unproven`, by its first path.
    """
    least = _COUNTS * max(1.0, paid(near.account, near.plan.measure))
    makers = (_supply(near, told), _capacities(near), _totals(near), _windows(near), _rules(near), _added(near))
    figures = sorted(
        (figure for make in makers for figure in make if figure.worth > least),
        key=lambda figure: (-figure.worth, figure.paths),
    )
    found = []
    for figure in figures[:MOST]:
        try:
            saves = -(near.price(figure.change) or 0.0)
        except SolverError:
            unproven.append(figure.paths[0])
            continue
        if saves * figure.amount > least:
            hint = saves * figure.amount * PER_CENT
            found.append(Binding(figure.paths, figure.what, figure.step, figure.unit, figure.every_period, saves, hint))
    return tuple(sorted(found, key=lambda row: (-row.hint, row.paths)))


def _supply(near: Near, told: Iterable[Source]) -> Iterator[_Figure]:
    streams = near.instance.streams
    supply, storage = rents(near)
    for source in told:
        offered = float(streams.available.value[source.streams].sum())
        paths = tuple(f"{path}.available" for path in source.paths(near.instance))
        worth = -float(supply[source.streams].sum())
        if worth > 0:
            yield _Figure(paths, source.name, 1, "t", offered, worth, changes.offered(near, source.streams))
    for i in np.flatnonzero(storage < 0).tolist():
        limit, path = float(streams.storage_limit.value[i]), render(("streams", streams.names[i], "storage", "limit"))
        what = f"storage of {streams.names[i]}"
        yield _Figure((path,), what, 1, "t", limit, -float(storage[i]), changes.storage(near, i))


def _capacities(near: Near) -> Iterator[_Figure]:
    instance, y = near.instance, near.prices
    smelters, treatments, alloys = instance.smelters, instance.treatments, instance.alloys
    for section, names, capacity, price, unit, row in (
        ("smelters", smelters.names, smelters.capacity.value, y.feed_capacity, "t", "feed_capacity"),
        ("treatments", treatments.names, treatments.capacity.value, y.treatment_capacity, "t", "treatment_capacity"),
        ("alloys", alloys.names, alloys.capacity.value, y.cast_capacity, "kg", "cast_capacity"),
    ):
        for n, name in enumerate(names):
            binds = price[n] < 0
            if binds.any():
                amount = float(capacity[n][binds].mean())
                what = f"capacity of {name}" if section != "alloys" else f"casting of {name}"
                path, change = render((section, name, "capacity")), changes.per_period(near, row, name)
                worth = -float(price[n][binds] @ np.maximum(capacity[n][binds], 1.0))
                several = len(instance.periods) > 1
                yield _Figure((path,), what, 1, unit, max(amount, 1.0), worth, change, several)


def _totals(near: Near) -> Iterator[_Figure]:
    instance, y = near.instance, near.prices
    market, smelters, streams = instance.market, instance.smelters, instance.streams
    for section, names, committed, limit, price, unit, row in (
        ("market", market.names, market.committed.value, market.limit.value, y.purchase, "kg", "purchase"),
        ("smelters", smelters.names, smelters.committed.value, smelters.limit.value, y.feed_total, "t", "feed_total"),
        ("streams", streams.names, streams.committed.value, None, y.stream_commitment, "t", "stream_commitment"),
    ):
        for n in np.flatnonzero(price).tolist():
            each, name = float(price[n]), names[n]
            if each > 0:
                change = changes.of_rows(near, [((row, name), -1.0, 0.0)])
                figure, step, amount = "committed", -1, float(committed[n])
            else:
                assert limit is not None
                change = changes.of_rows(near, [((row, name), 0.0, 1.0)])
                figure, step, amount = "limit", 1, float(limit[n])
            path = render((section, name, figure))
            amount = amount or 1.0
            yield _Figure((path,), f"{figure} of {name}", step, unit, amount, abs(each) * amount, change)


def _windows(near: Near) -> Iterator[_Figure]:
    """Fineness: a hundredth less of what an alloy must hold, or more of what it may."""
    instance, y = near.instance, near.prices
    alloys, charge = instance.alloys, near.account.charge * PER_CENT
    for a, alloy in enumerate(alloys.names):
        for e, metal in enumerate(instance.metals.names):
            for end, price, row, step in (
                (0, y.fineness_low[a, e], "fineness_low", -1),
                (1, y.fineness_high[a, e], "fineness_high", 1),
            ):
                path = render(("alloys", alloy, "composition", metal, end))
                what = f"{'least' if step < 0 else 'greatest'} {instance.metals.titles[e]} in {alloy}"
                change = changes.window(near, row, alloy, metal, step * charge[a])
                yield _Figure((path,), what, step, "%", 1.0, float(np.abs(price) @ charge[a]), change)
        path, what = render(("alloys", alloy, "others")), f"what is not named in {alloy}"
        change = changes.window(near, "others", alloy, None, charge[a])
        yield _Figure((path,), what, 1, "%", 1.0, float(np.abs(y.others[a]) @ charge[a]), change)


def _rules(near: Near) -> Iterator[_Figure]:
    instance, y, policy = near.instance, near.prices, near.instance.policy
    charged = near.account.composition.sum(axis=(0, 2)) * PER_CENT
    for e, metal in enumerate(instance.metals.names):
        kg = float(charged[e])
        change = changes.of_rows(near, [(("recycled", metal), 0.0, kg)])
        path = render(("policy", "recycled", metal))
        what = f"recycled share of {instance.metals.titles[e]}"
        yield _Figure((path,), what, -1, "%", 1.0, -float(y.recycled[e]) * kg, change)
    tonnes = float(near.account.tonnes) * PER_CENT
    for w, window in enumerate(policy.windows):
        for end, row, step, name, price in (
            (0, "mix_low", -1, "least", float(y.mix_low[w])),
            (1, "mix_high", 1, "greatest", -float(y.mix_high[w])),
        ):
            by = step * tonnes
            change = changes.of_rows(near, [((row, window), by, by)])
            place = render(("policy", "device_share", window, end))
            yield _Figure((place,), f"{name} share of {window}", step, "%", 1.0, price * tonnes, change)
    offers = _regional(near) * PER_CENT
    change = changes.of_rows(
        near, ((("participation", g), -t, 0.0) for g, t in zip(instance.regions, offers.tolist(), strict=True))
    )
    worth = float(y.participation @ offers)
    yield _Figure(("policy.participation",), "participation of every region", -1, "%", 1.0, worth, change)
    cap = float(policy.footprint_cap.value) / 1000
    if np.isfinite(cap):
        change = changes.of_rows(near, [(("footprint_cap",), 0.0, 1000.0)])
        saved = -float(y.footprint_cap) * 1000 * cap
        yield _Figure(("policy.footprint_cap",), "footprint cap, CO2e", 1, "t", cap, saved, change)


def _added(near: Near) -> Iterator[_Figure]:
    """Rows that a user added, by the ends that count, and the upper bounds of variables, in whatever unit they have."""
    added, linear = near.plan.added, near.rerun.linear
    duals, ends = usable(near.added)
    sizes = activity(near.account, near.added)[1]
    first = len(linear.rows) - len(added.rows)
    for number, row in enumerate(added.rows):
        dual, end = float(duals[number]), float(ends[number])
        change = Change({first + number: (-1.0, 0.0) if dual > 0 else (0.0, 1.0)})
        amount = abs(end) or float(sizes[number]) or 1.0
        path, step = render(("extension", row.name)), -1 if dual > 0 else 1
        yield _Figure((path,), row.name, step, "", amount, abs(dual) * amount, change)
    width = len(linear.lower) - len(added.variables)
    for number, one in enumerate(added.variables):
        worth = -float(near.own[number]) if np.isfinite(one.upper) else 0.0
        amount, path = abs(one.upper) or 1.0, render(("extension", one.name))
        change = Change({}, {width + number: 1.0})
        yield _Figure((path,), f"upper bound of {one.name}", 1, "", amount, worth * amount, change)


def _regional(near: Near) -> Floats:
    offers = np.zeros(len(near.instance.regions))
    np.add.at(offers, near.instance.streams.region, near.instance.streams.available.value.sum(axis=1))
    return offers
