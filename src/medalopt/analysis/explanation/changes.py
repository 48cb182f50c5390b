"""Perturbations: the change of row and column bounds of the LP by one unit of a parameter."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from medalopt.analysis.explanation.near import Near
from medalopt.analysis.sensitivity.sided import due_rows
from medalopt.instance.figures import Floats, Ints
from medalopt.instance.needs import on_account
from medalopt.solver.rerun import Change

Row = tuple[tuple[str, ...], float, float]  # constraint with index, moves of its lower and its upper bound


def of_rows(near: Near, rows: Iterable[Row]) -> Change:
    """Combine moves of rows into one perturbation; moves of one row add up, and missing rows are skipped.

    Args:
        near: Neighbourhood of the plan.
        rows: Constraint with index, and moves of its lower and upper bound.

    Returns:
        The perturbation.
    """
    moves: dict[int, tuple[float, float]] = {}
    for (name, *index), low, high in rows:
        number = near.row(name, *index)
        if number is not None:
            before = moves.get(number, (0.0, 0.0))
            moves[number] = (before[0] + low, before[1] + high)
    return Change(moves)


def metal(near: Near, e: int, by: int) -> Change | None:
    """Perturb the need of a metal by one kilogram.

    The kilogram is needed where the plan charges the metal, in the same proportions: it vanishes from the charge. Of a
    metal that is never charged, it is taken from the surplus.

    Args:
        near: Neighbourhood of the plan.
        e: Number of the metal.
        by: 1 for one kilogram more, -1 for one less.

    Returns:
        The perturbation; None if the plan neither charges the metal nor has a surplus of it.
    """
    charged = near.account.composition[:, e]  # (A, T)
    if charged.sum() > 0:
        shares = charged / charged.sum()
        places = zip(*(axis.tolist() for axis in np.nonzero(shares)), strict=True)
        return of_rows(near, (row for a, t in places for row in _charge(near, a, e, t, by * float(shares[a, t]))))
    surplus = near.account.decisions.surplus[e]
    if not on_account(near.instance, near.account.found)[e] or not surplus.sum() > 0:
        return None
    name, periods = near.instance.metals.names[e], near.instance.periods
    shares = by * surplus / surplus.sum()
    return of_rows(
        near, ((("balance", name, t), -share, -share) for t, share in zip(periods, shares.tolist(), strict=True))
    )


def _charge(near: Near, a: int, e: int, t: int, kilograms: float) -> Iterable[Row]:
    """Yield the rows affected by a kilogram of metal missing from the charge of an alloy.

    The row of recycled content is not affected: its floor holds for this kilogram, which has been charged.
    """
    instance = near.instance
    alloys, metals = instance.alloys, instance.metals.names
    alloy, period = alloys.names[a], instance.periods[t]
    factors: list[tuple[tuple[str, ...], float]] = [(("melt", alloy, period), -(1 - float(alloys.loss.value[a])))]
    for f, name in enumerate(metals):
        own = float(f == e)
        factors.append((("fineness_low", alloy, name, period), own - float(alloys.low.value[a, f])))
        factors.append((("fineness_high", alloy, name, period), own - float(alloys.high.value[a, f])))
    factors.append((("others", alloy, period), 1 - float(alloys.named[a, e]) - float(alloys.others.value[a])))
    return ((place, factor * kilograms, factor * kilograms) for place, factor in factors)


def medal(near: Near, m: int, by: int) -> Change:
    """Perturb the number of medals of a kind by one.

    Args:
        near: Neighbourhood of the plan.
        m: Number of the kind.
        by: 1 for one medal more, -1 for one less.

    Returns:
        The perturbation.
    """
    instance, medals = near.instance, near.instance.medals
    each = by * medals.parts.value[m] * (1 + medals.allowance.value[m])
    late = instance.periods[int(medals.due[m]) :]
    alloys = zip(instance.alloys.names, each.tolist(), strict=True)
    return of_rows(near, (row for alloy, kg in alloys if kg for t in late for row in due_rows(alloy, t, kg)))


def offered(near: Near, streams: Ints) -> Change:
    """Perturb the supply of streams by one tonne in all, spread in proportion to supply; bundles stay proportional.

    The participation constraint scales with supply, so that its right-hand side rises as well.

    Args:
        near: Neighbourhood of the plan.
        streams: Numbers of the streams.

    Returns:
        The perturbation.
    """
    instance, block = near.instance, near.block
    available = instance.streams.available.value
    total = float(available[streams].sum())
    names, bundle, region = instance.streams.names, instance.streams.bundle, instance.streams.region
    rows: list[Row] = []
    for i in streams.tolist():
        asked = float(instance.policy.participation.value * available[i].sum()) / total
        rows.append((("participation", instance.regions[region[i]]), asked, 0.0))
        if bundle[i] < 0:
            each = zip(instance.periods, (available[i] / total).tolist(), strict=True)
            rows += [(("supply", names[i], t), 0.0, tonnes) for t, tonnes in each]
    first = len(block.route) + len(block.stock_stream)
    member = bundle[streams]
    taken = np.flatnonzero(np.isin(block.take_bundle, np.unique(member[member >= 0])))
    return Change(of_rows(near, rows).rows, dict.fromkeys((first + taken).tolist(), 1 / total))


def storage(near: Near, stream: int) -> Change:
    """Perturb the storage limit of a stream by one tonne.

    Args:
        near: Neighbourhood of the plan.
        stream: Number of the stream.

    Returns:
        The perturbation.
    """
    columns = len(near.block.route) + np.flatnonzero(near.block.stock_stream == stream)
    return Change({}, dict.fromkeys(columns.tolist(), 1.0))


def per_period(near: Near, constraint: str, name: str) -> Change:
    """Perturb a capacity by one unit in every period.

    Args:
        near: Neighbourhood of the plan.
        constraint: Name of the constraint.
        name: Name of the smelter, treatment or alloy.

    Returns:
        The perturbation.
    """
    return of_rows(near, ((((constraint, name, t)), 0.0, 1.0) for t in near.instance.periods))


def window(near: Near, constraint: str, alloy: str, metal_name: str | None, by: Floats) -> Change:
    """Perturb one end of a composition window.

    Args:
        near: Neighbourhood of the plan.
        constraint: Name of the constraint.
        alloy: Name of the alloy.
        metal_name: Name of the metal; None for the share of unnamed metals.
        by: Move of the row in each period, (T,) [kg].

    Returns:
        The perturbation.
    """
    index = (alloy,) if metal_name is None else (alloy, metal_name)
    periods = zip(near.instance.periods, by.tolist(), strict=True)
    return of_rows(near, ((((constraint, *index, t)), kg, kg) for t, kg in periods))
