r"""The exact end: what is clearly taken or left out stays so, and the direct program settles the few near a tie.

At prices that are nearly right a stream's best answer is almost always also its answer at the right ones. The rest,
by how near a second way comes to the best one beside what its tonne costs and brings, stands in a program of its own
with the rows on linking quantities. Its duals price all streams anew; what would then be otherwise joins, until
nothing would.
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

EQUAL = 1e-9  # beside what a tonne costs and brings, up to which two ways are as good


@dataclass(frozen=True, eq=False)
class Open:
    """What is left to the program: cells (a stream in a period) and their ways; all else is as in `answer`."""

    answer: Answer
    cells: Bools  # (I, T)
    sendable: Bools  # (J, T)
    keepable: Bools  # (I, T)

    @property
    def size(self) -> tuple[int, int, int]:
        """How many cells, shipments and stockpiles are open."""
        return int(self.cells.sum()), int(self.sendable.sum()), int(self.keepable.sum())

    def fixed(self) -> Answer:
        """Return the answers that stay as they are."""
        sent, kept = (np.where(self.cells, 0.0, each) for each in (self.answer.sent, self.answer.kept))
        return replace(self.answer, sent=sent, kept=kept)


def opened(asked: Asked, answer: Answer, weights: Floats, few: int, before: Open | None = None) -> Open:
    """Return what is open at the prices `weights`, to which `answer` is the answer.

    That is what was open `before`, what answers otherwise than it was fixed there, and about `few` cells that are
    nearest to a tie.
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
    another = (one.by != other.by) & (other.sent > 0)
    return np.asarray((one.sent != other.sent) | (one.kept != other.kept) | another)


def _nearest(margin: Floats, few: int) -> float:
    """Return the margin that about `few` cells without a tie do not exceed; infinite where there are no more."""
    finite = margin[np.isfinite(margin) & (margin > EQUAL)]
    return max(EQUAL, float(np.partition(finite, few)[few])) if few < len(finite) else np.inf


def _waiting(asked: Asked, answer: Answer, weights: Floats) -> Floats:
    """Return how much worse than its best way it is for a tonne of each stream to wait, (I, T)."""
    streams = asked.instance.streams
    if not asked.sorts.waiting.any():
        return np.full_like(answer.own, np.inf)
    later = np.concatenate([answer.own[:, 1:], np.zeros((len(answer.own), 1))], axis=1)
    cost = np.multiply.outer(streams.storage_cost.value, weights[asked.pricing.linking.spend])
    with np.errstate(invalid="ignore"):
        return np.where(asked.sorts.waiting[:, None], cost + later - answer.own, np.inf)


def _margins(asked: Asked, answer: Answer, second: Floats, wait: Floats, size: Floats) -> Floats:
    """Return how much worse the second best way of each cell is than its best, (I, T), beside the `size` of a tonne; of
    what answers together the least, and infinite where there is no other way."""
    bundled, some = asked.sorts.bundled, offered(asked.instance)
    if asked.sorts.alone.all():  # the best way is to go, or to stay
        return np.where(some, np.minimum(np.abs(answer.best), second - answer.own) / size, np.inf)
    with np.errstate(invalid="ignore"):  # a bundle with a stream that has no route is never taken
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
    """Return `cells`, (I, T), each reduced by `by` with what answers together: a stream that may wait, a bundle."""
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
    """Return which shipments of open `cells` cost no more than `limit`, (I, T), at the prices: (J, T)."""
    pricing = asked.pricing
    result = np.zeros((len(pricing.found), cells.shape[1]), dtype=bool)
    stream, period = np.nonzero(cells)
    for those, route, price in pricing.ways_of(weights, stream, period):
        result[route, period[those]] = price <= limit[stream[those], period[those]]
    return result


def at_rest(asked: Asked, state: Open) -> Floats:
    """Return what all that is not open comes to, (linking,)."""
    return gathered(asked.pricing, state.fixed(), np.zeros_like(asked.block), 1)[0]


def program(asked: Asked, half: Half, bounds: Bounds, state: Open, fixed: Floats) -> tuple[Network, Linear]:
    """Return the part of the network that is open, and the program of it, where the rest comes to `fixed`, (linking,);
    what is explicit stands first."""
    instance, found = asked.instance, asked.pricing.found
    columns = chosen(instance, found, asked.sorts.explicit).joined(_open(asked, state))
    block = part(instance, found, columns, whole=False)
    linear = half.with_part(instance, found, bounds, block, fixed)
    return block, _with_needs(asked, linear, block, state.fixed()) if asked.sorts.need.any() else linear


def _with_needs(asked: Asked, linear: Linear, block: Network, stays: Answer) -> Linear:
    """Return the program with a row for each region that has a need of its own and something open."""
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
    instance, those = asked.instance, np.flatnonzero(asked.sorts.bundled)
    bundles = np.zeros((len(instance.bundles), state.cells.shape[1]), dtype=bool)
    np.logical_or.at(bundles, instance.streams.bundle[those], state.cells[those])
    return Chosen(where(state.sendable), where(state.keepable), where(bundles), where(state.cells))
