"""Crossover to an exact optimum: clearly decided cells are fixed, and a linear program decides those near a tie.

At nearly optimal duals the best route of a stream is almost always its route at the optimal ones. The other cells,
those with the smallest relative margin between best and second best alternative, form a program with the constraints on
linking variables. Its duals price all streams again; cells that would change join, until none does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medalopt.instance.bounds import Bounds
from medalopt.instance.figures import Bools, Floats
from medalopt.instance.routes import offered
from medalopt.model.network import Chosen, Entries, Network, chosen, part, where
from medalopt.solver.decomposition.gathering import gathered
from medalopt.solver.decomposition.half import Half
from medalopt.solver.decomposition.needs import together
from medalopt.solver.decomposition.rounds import Asked
from medalopt.solver.decomposition.streams import Answer
from medalopt.solver.linear import Linear

EQUAL = 1e-9  # relative margin up to which two alternatives are tied


@dataclass(frozen=True, eq=False)
class Open:
    """Open cells (a stream in a period) and routes of the crossover program; all else is fixed as in `answer`."""

    answer: Answer
    cells: Bools  # (I, T)
    sendable: Bools  # (J, T)
    keepable: Bools  # (I, T)

    @property
    def size(self) -> tuple[int, int, int]:
        """Number of open cells, shipments and stockpiles."""
        return int(self.cells.sum()), int(self.sendable.sum()), int(self.keepable.sum())

    def fixed(self) -> Answer:
        """Return the fixed part of the solution.

        Returns:
            Shipments and stocks of the cells that are not open.
        """
        sent, kept = (np.where(self.cells, 0.0, each) for each in (self.answer.sent, self.answer.kept))
        return replace(self.answer, sent=sent, kept=kept)


def opened(asked: Asked, answer: Answer, weights: Floats, few: int, before: Open | None = None) -> Open:
    """Select the open cells: those open before, those that changed, and about `few` cells nearest to a tie.

    Args:
        asked: Pricing problem.
        answer: Subproblem solution at `weights`.
        weights (linking,): Prices of the linking variables.
        few: Number of cells to open.
        before: Open cells so far.

    Returns:
        The open cells.
    """
    size, shift = asked.pricing.size(weights, answer.by), answer.asked[asked.instance.streams.region][:, None]
    second, wait = answer.second - shift, _waiting(asked, answer, weights)
    margin = _margins(asked, answer, second, wait, size)
    near = _nearest(margin, few)
    cells = margin <= near
    if before is not None:
        cells |= before.cells | _together(asked, _moved(before.answer, answer), np.logical_or)
    cells &= offered(asked.instance) & ~asked.sorts.explicit[:, None]
    sendable, keepable = (
        _sendable(asked, answer.own + shift + near * size, weights, cells),
        cells & (wait <= near * size),
    )
    if before is not None:
        sendable, keepable = sendable | before.sendable, keepable | before.keepable
    return Open(answer if before is None else before.answer, cells, sendable, keepable)


def _moved(one: Answer, other: Answer) -> Bools:
    """Return the cells whose shipment, route or stock differs, (I, T)."""
    another = (one.by != other.by) & (other.sent > 0)
    return np.asarray((one.sent != other.sent) | (one.kept != other.kept) | another)


def _nearest(margin: Floats, few: int) -> float:
    """Return the margin that about `few` cells without a tie do not exceed; infinite where there are no more."""
    finite = margin[np.isfinite(margin) & (margin > EQUAL)]
    return max(EQUAL, float(np.partition(finite, few)[few])) if few < len(finite) else np.inf


def _waiting(asked: Asked, answer: Answer, weights: Floats) -> Floats:
    """Return the additional cost of storing a tonne over its best alternative, (I, T)."""
    streams = asked.instance.streams
    if not asked.sorts.waiting.any():
        return np.full_like(answer.own, np.inf)
    later = np.concatenate([answer.own[:, 1:], np.zeros((len(answer.own), 1))], axis=1)
    cost = np.multiply.outer(streams.storage_cost.value, weights[asked.pricing.linking.spend])
    with np.errstate(invalid="ignore"):
        return np.where(asked.sorts.waiting[:, None], cost + later - answer.own, np.inf)


def _margins(asked: Asked, answer: Answer, second: Floats, wait: Floats, size: Floats) -> Floats:
    """Return the relative margin between the best and second best alternative of each cell, (I, T).

    Of streams that are decided together the least; infinite without an alternative.
    """
    bundled, some = asked.sorts.bundled, offered(asked.instance)
    if asked.sorts.alone.all():  # alternatives: send or do not send
        return np.where(some, np.minimum(np.abs(answer.best), second - answer.own) / size, np.inf)
    with np.errstate(invalid="ignore"):  # a bundle with a stream that has no route is never sent
        ways = [answer.best - answer.own, second - answer.own, wait]
    ways.append(np.where(bundled[:, None], np.inf, -answer.own))
    least, margin = np.full_like(second, np.inf), np.full_like(second, np.inf)
    for way in ways:
        np.copyto(way, np.inf, where=np.isnan(way))
        np.minimum(margin, np.maximum(least, way), out=margin)
        np.minimum(least, way, out=least)
    margin /= size
    if bundled.any():
        whole, weight = (together(asked.instance, each, bundled) for each in (answer.best, size))
        taken = np.abs(whole) / np.where(weight > 0, weight, 1.0)
        margin = np.where(bundled[:, None], np.minimum(margin, taken[asked.instance.streams.bundle]), margin)
        never = bundled[:, None] & np.isinf(whole)[asked.instance.streams.bundle]
        margin = np.where(never, np.inf, margin)
    return _together(asked, np.where(some & ~asked.sorts.explicit[:, None], margin, np.inf), np.minimum)


def _together(asked: Asked, cells: Any, by: np.ufunc) -> Any:
    """Return cell values reduced by `by` over storable streams and bundles, whose cells are decided together."""
    instance, sorts = asked.instance, asked.sorts
    if sorts.alone.all():
        return cells
    result = cells.copy(order="K")
    result[sorts.waiting] = by.reduce(cells[sorts.waiting], axis=1)[:, None]
    those = np.flatnonzero(sorts.bundled)
    whole = np.full((len(instance.bundles), cells.shape[1]), False if cells.dtype == bool else np.inf)
    by.at(whole, instance.streams.bundle[those], cells[those])
    result[those] = whole[instance.streams.bundle[those]]
    return result


def _sendable(asked: Asked, limit: Floats, weights: Floats, cells: Bools) -> Bools:
    """Return the shipments of open cells with a reduced cost of at most `limit`, (J, T)."""
    pricing = asked.pricing
    result = np.zeros((len(pricing.found), cells.shape[1]), dtype=bool)
    stream, period = np.nonzero(cells)
    for those, route, price in pricing.ways_of(weights, stream, period):
        result[route, period[those]] = price <= limit[stream[those], period[those]]
    return result


def at_rest(asked: Asked, state: Open) -> Floats:
    """Sum the linking amounts of everything that is fixed.

    Args:
        asked: Pricing problem.
        state: Open cells.

    Returns:
        Amounts (linking,).
    """
    return gathered(asked.pricing, state.fixed(), np.zeros_like(asked.block), 1)[0]


def program(asked: Asked, half: Half, bounds: Bounds, state: Open, fixed: Floats) -> tuple[Network, Linear]:
    """Build the crossover program: open network, explicit streams and constraints on linking variables.

    Args:
        asked: Pricing problem.
        half: Constraints on linking variables.
        bounds: Implied bounds of the variables.
        state: Open cells.
        fixed (linking,): Linking amounts of the fixed part.

    Returns:
        Network block, explicit streams first, and the program in own units.
    """
    instance, found = asked.instance, asked.pricing.found
    columns = chosen(instance, found, asked.sorts.explicit).joined(_open(asked, state))
    block = part(instance, found, columns, whole=False)
    linear = half.with_part(instance, found, bounds, block, fixed)
    return block, _with_needs(asked, linear, block, state.fixed()) if asked.sorts.need.any() else linear


def _with_needs(asked: Asked, linear: Linear, block: Network, stays: Answer) -> Linear:
    """Return the program with a participation row for each region with a minimum and an open shipment."""
    instance, regions = asked.instance, len(asked.instance.regions)
    region = instance.streams.region[asked.pricing.found.stream[block.route]]
    opens = (np.bincount(region, minlength=regions) > 0) & (asked.sorts.need > 0)
    sent = np.bincount(instance.streams.region, stays.sent.sum(axis=1), regions)
    row = np.where(opens, len(linear.rows) + np.cumsum(opens) - 1, -1)[region]
    columns = np.flatnonzero(row >= 0)
    which = np.flatnonzero(opens)
    return replace(
        linear,
        rows=(*linear.rows, *(("participation", instance.regions[g]) for g in which.tolist())),
        row_lower=np.concatenate([linear.row_lower, (asked.sorts.need - sent)[which]]),
        row_upper=np.concatenate([linear.row_upper, np.full(len(which), np.inf)]),
        entries=Entries(
            np.concatenate([linear.entries.row, row[columns]]),
            np.concatenate([linear.entries.column, columns]),
            np.concatenate([linear.entries.value, np.ones(len(columns))]),
        ),
    )


def _open(asked: Asked, state: Open) -> Chosen:
    """Return the open shipments, stockpiles, bundles and supply rows."""
    instance, those = asked.instance, np.flatnonzero(asked.sorts.bundled)
    bundles = np.zeros((len(instance.bundles), state.cells.shape[1]), dtype=bool)
    np.logical_or.at(bundles, instance.streams.bundle[those], state.cells[those])
    return Chosen(where(state.sendable), where(state.keepable), where(bundles), where(state.cells))
