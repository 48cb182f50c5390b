"""Binding constraints of a plan with their shadow prices: the saving per unit by which each is relaxed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from medalopt.analysis.explain.cost_breakdown import compute_supply_rents
from medalopt.analysis.explain.local_analysis import (
    PlanNeighbourhood,
    make_capacity_change,
    make_composition_change,
    make_row_change,
    make_storage_change,
    make_supply_change,
)
from medalopt.analysis.explain.sources import SupplySource
from medalopt.errors import SolverError
from medalopt.instance.arrays import Floats
from medalopt.instance.paths import render_path
from medalopt.proof.certificate import sum_absolute_costs
from medalopt.proof.extension_rows import select_usable_duals
from medalopt.proof.extensions import compute_activity
from medalopt.solver.local_analysis import BoundChange
from medalopt.tolerances import AMOUNT_TOLERANCE

MAX_PRICED_CONSTRAINTS = 24  # constraints that are verified, by descending estimate
PER_CENT = 0.01


@dataclass(frozen=True)
class BindingConstraint:
    """Binding constraint: relaxing its parameter by one `unit` (`step` 1: increase, -1: decrease) `saves` so much."""

    paths: tuple[str, ...]
    name: str
    step: int
    unit: str
    every_period: bool
    saves: float
    hint: float  # saving of one per cent of the parameter, the order of the report


@dataclass(frozen=True, eq=False)
class _ConstraintCandidate:
    """Constraint that may bind, with an estimate of its value and the perturbation that verifies it."""

    paths: tuple[str, ...]
    name: str
    step: int
    unit: str
    amount: float  # parameter value, in its unit
    estimate: float  # of the whole amount at the duals of the plan: an estimate
    change: BoundChange
    every_period: bool = False


def find_binding_constraints(
    neighbourhood: PlanNeighbourhood, sources: Iterable[SupplySource], unproven: list[str]
) -> tuple[BindingConstraint, ...]:
    """Find the binding constraints of a plan.

    Args:
        neighbourhood: Neighbourhood of the plan.
        sources: Groups of sources in which supply is reported.
        unproven: Receives the first path of each constraint whose shadow price cannot be verified.

    Returns:
        The others by descending saving of one per cent of the parameter.
    """
    minimum = AMOUNT_TOLERANCE * max(1.0, sum_absolute_costs(neighbourhood.account, neighbourhood.plan.measure))
    makers = (
        _list_supply_limits(neighbourhood, sources),
        _list_capacities(neighbourhood),
        _list_totals(neighbourhood),
        _list_composition_windows(neighbourhood),
        _list_policy_rules(neighbourhood),
        _list_extension_limits(neighbourhood),
    )
    values = sorted(
        (figure for make in makers for figure in make if figure.estimate > minimum),
        key=lambda figure: (-figure.estimate, figure.paths),
    )
    result = []
    for figure in values[:MAX_PRICED_CONSTRAINTS]:
        try:
            saves = -(neighbourhood.compute_price(figure.change) or 0.0)
        except SolverError:
            unproven.append(figure.paths[0])
            continue
        if saves * figure.amount > minimum:
            hint = saves * figure.amount * PER_CENT
            result.append(
                BindingConstraint(figure.paths, figure.name, figure.step, figure.unit, figure.every_period, saves, hint)
            )
    return tuple(sorted(result, key=lambda row: (-row.hint, row.paths)))


def _list_supply_limits(
    neighbourhood: PlanNeighbourhood, sources: Iterable[SupplySource]
) -> Iterator[_ConstraintCandidate]:
    """Yield supply of sources and storage limits."""
    streams = neighbourhood.instance.streams
    supply, storage = compute_supply_rents(neighbourhood)
    for source in sources:
        offered = float(streams.available.value[source.streams].sum())
        paths = tuple(f"{path}.available" for path in source.list_paths(neighbourhood.instance))
        worth = -float(supply[source.streams].sum())
        if worth > 0:
            yield _ConstraintCandidate(
                paths, source.name, 1, "t", offered, worth, make_supply_change(neighbourhood, source.streams)
            )
    for i in np.flatnonzero(storage < 0).tolist():
        limit, path = (
            float(streams.storage_limit.value[i]),
            render_path(("streams", streams.names[i], "storage", "limit")),
        )
        what = f"storage of {streams.names[i]}"
        yield _ConstraintCandidate(
            (path,), what, 1, "t", limit, -float(storage[i]), make_storage_change(neighbourhood, i)
        )


def _list_capacities(neighbourhood: PlanNeighbourhood) -> Iterator[_ConstraintCandidate]:
    """Yield capacities of smelters, treatments and castings."""
    instance, y = neighbourhood.instance, neighbourhood.prices
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
                path, change = render_path((section, name, "capacity")), make_capacity_change(neighbourhood, row, name)
                worth = -float(price[n][binds] @ np.maximum(capacity[n][binds], 1.0))
                several = len(instance.periods) > 1
                yield _ConstraintCandidate((path,), what, 1, unit, max(amount, 1.0), worth, change, several)


def _list_totals(neighbourhood: PlanNeighbourhood) -> Iterator[_ConstraintCandidate]:
    """Yield commitments and limits over the horizon."""
    instance, y = neighbourhood.instance, neighbourhood.prices
    market, smelters, streams = instance.market, instance.smelters, instance.streams
    for section, names, committed, limit, price, unit, row in (
        ("market", market.names, market.committed.value, market.limit.value, y.purchase, "kg", "purchase"),
        ("smelters", smelters.names, smelters.committed.value, smelters.limit.value, y.feed_total, "t", "feed_total"),
        ("streams", streams.names, streams.committed.value, None, y.stream_commitment, "t", "stream_commitment"),
    ):
        for n in np.flatnonzero(price).tolist():
            each, name = float(price[n]), names[n]
            if each > 0:
                change = make_row_change(neighbourhood, [((row, name), -1.0, 0.0)])
                figure, step, amount = "committed", -1, float(committed[n])
            else:
                assert limit is not None
                change = make_row_change(neighbourhood, [((row, name), 0.0, 1.0)])
                figure, step, amount = "limit", 1, float(limit[n])
            path = render_path((section, name, figure))
            amount = amount or 1.0
            yield _ConstraintCandidate((path,), f"{figure} of {name}", step, unit, amount, abs(each) * amount, change)


def _list_composition_windows(neighbourhood: PlanNeighbourhood) -> Iterator[_ConstraintCandidate]:
    """Yield composition windows and shares of unnamed metals, relaxed by one percentage point."""
    instance, y = neighbourhood.instance, neighbourhood.prices
    alloys, charge = instance.alloys, neighbourhood.account.charge * PER_CENT
    for a, alloy in enumerate(alloys.names):
        for e, metal in enumerate(instance.metals.names):
            for end, price, row, step in (
                (0, y.fineness_low[a, e], "fineness_low", -1),
                (1, y.fineness_high[a, e], "fineness_high", 1),
            ):
                path = render_path(("alloys", alloy, "composition", metal, end))
                what = f"{'least' if step < 0 else 'greatest'} {instance.metals.titles[e]} in {alloy}"
                change = make_composition_change(neighbourhood, row, alloy, metal, step * charge[a])
                yield _ConstraintCandidate((path,), what, step, "%", 1.0, float(np.abs(price) @ charge[a]), change)
        path, what = render_path(("alloys", alloy, "others")), f"what is not named in {alloy}"
        change = make_composition_change(neighbourhood, "others", alloy, None, charge[a])
        yield _ConstraintCandidate((path,), what, 1, "%", 1.0, float(np.abs(y.others[a]) @ charge[a]), change)


def _list_policy_rules(neighbourhood: PlanNeighbourhood) -> Iterator[_ConstraintCandidate]:
    """Yield policies: recycled content, device mix, participation and the footprint cap."""
    instance, y, policy = neighbourhood.instance, neighbourhood.prices, neighbourhood.instance.policy
    charged = neighbourhood.account.composition.sum(axis=(0, 2)) * PER_CENT
    for e, metal in enumerate(instance.metals.names):
        kg = float(charged[e])
        change = make_row_change(neighbourhood, [(("recycled", metal), 0.0, kg)])
        path = render_path(("policy", "recycled", metal))
        what = f"recycled share of {instance.metals.titles[e]}"
        yield _ConstraintCandidate((path,), what, -1, "%", 1.0, -float(y.recycled[e]) * kg, change)
    tonnes = float(neighbourhood.account.tonnes) * PER_CENT
    for w, window in enumerate(policy.windows):
        for end, row, step, name, price in (
            (0, "mix_low", -1, "least", float(y.mix_low[w])),
            (1, "mix_high", 1, "greatest", -float(y.mix_high[w])),
        ):
            by = step * tonnes
            change = make_row_change(neighbourhood, [((row, window), by, by)])
            place = render_path(("policy", "device_share", window, end))
            yield _ConstraintCandidate((place,), f"{name} share of {window}", step, "%", 1.0, price * tonnes, change)
    offers = _sum_regional_supply(neighbourhood) * PER_CENT
    change = make_row_change(
        neighbourhood, ((("participation", g), -t, 0.0) for g, t in zip(instance.regions, offers.tolist(), strict=True))
    )
    worth = float(y.participation @ offers)
    yield _ConstraintCandidate(("policy.participation",), "participation of every region", -1, "%", 1.0, worth, change)
    cap = float(policy.footprint_cap.value) / 1000
    if np.isfinite(cap):
        change = make_row_change(neighbourhood, [(("footprint_cap",), 0.0, 1000.0)])
        saved = -float(y.footprint_cap) * 1000 * cap
        yield _ConstraintCandidate(("policy.footprint_cap",), "footprint cap, CO2e", 1, "t", cap, saved, change)


def _list_extension_limits(neighbourhood: PlanNeighbourhood) -> Iterator[_ConstraintCandidate]:
    """Yield rows that extensions added, at their binding bounds, and upper bounds of their variables."""
    added, program = neighbourhood.plan.added, neighbourhood.local.linear
    duals, bounds = select_usable_duals(neighbourhood.placed_extensions)
    sizes = compute_activity(neighbourhood.account, neighbourhood.placed_extensions)[1]
    first = len(program.rows) - len(added.rows)
    for number, row in enumerate(added.rows):
        dual, end = float(duals[number]), float(bounds[number])
        change = BoundChange({first + number: (-1.0, 0.0) if dual > 0 else (0.0, 1.0)})
        amount = abs(end) or float(sizes[number]) or 1.0
        path, step = render_path(("extension", row.name)), -1 if dual > 0 else 1
        yield _ConstraintCandidate((path,), row.name, step, "", amount, abs(dual) * amount, change)
    width = len(program.lower) - len(added.variables)
    for number, variable in enumerate(added.variables):
        worth = -float(neighbourhood.extension_reduced_costs[number]) if np.isfinite(variable.upper) else 0.0
        amount, path = abs(variable.upper) or 1.0, render_path(("extension", variable.name))
        change = BoundChange({}, {width + number: 1.0})
        yield _ConstraintCandidate((path,), f"upper bound of {variable.name}", 1, "", amount, worth * amount, change)


def _sum_regional_supply(neighbourhood: PlanNeighbourhood) -> Floats:
    """Return the supply of each region over the horizon, (G,) [t]."""
    offers = np.zeros(len(neighbourhood.instance.regions))
    np.add.at(offers, neighbourhood.instance.streams.region, neighbourhood.instance.streams.available.value.sum(axis=1))
    return offers
