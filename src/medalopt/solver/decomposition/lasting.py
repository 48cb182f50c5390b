"""Answers that last: which cells, a stream in a period, may answer otherwise at prices a little beside those of before.

A cell keeps its answer while all that its ways have moved since they were last priced is less than its margin: what
its best way lies beside 0, and half of what the second lies beside the best. Near the end that is nearly all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.instance.figures import Bools, Floats, Ints
from medalopt.solver.decomposition.gathering import gathered
from medalopt.solver.decomposition.linking import at
from medalopt.solver.decomposition.needs import Needs
from medalopt.solver.decomposition.pricing import Pricing
from medalopt.solver.decomposition.streams import Answer, Sorts, answered

FEW = 0.25  # of all cells, up to which those that are due are priced by themselves
HAIR = 1e-13  # of all that a price is made of, by which a move is counted larger: rounding


@dataclass(frozen=True, eq=False)
class Lasting:
    """An answer to `weights`; of cells with a margin left `best`, and what the answer tells of prices, is of before."""

    weights: Floats
    best: Floats  # (I, T) what a tonne changes the measure by on the best way
    margin: Floats  # (I, T) by how much more the ways of a cell may move
    answer: Answer
    made: Floats  # (blocks, linking)


def lasting(
    pricing: Pricing,
    sorts: Sorts,
    needs: Needs,
    block: tuple[Ints, int],
    weights: Floats,
    before: Lasting | None = None,
) -> Lasting:
    """Return the answers to `weights` of blocks, `block` of each cell and how many, where regions have `needs`.

    After those of `before` only what may answer otherwise than before is priced again, and counted again.
    """
    streams = pricing.instance.streams
    if before is not None:
        moved = _most(pricing, weights - before.weights) + HAIR * _most(pricing, weights)
        margin = before.margin - moved[:, streams.device].T
        due = margin <= 0
        if due.mean() <= FEW:
            period, stream = np.nonzero(due.T)
            best, by = before.best.copy(order="K"), before.answer.by.copy(order="K")
            second, cells = before.answer.second.copy(order="K"), (stream, period)
            best[cells], by[cells], second[cells] = pricing.best_of(weights, stream, period)
            margin[cells] = _margin(sorts, stream, needs.cells[cells], best[cells], second[cells])
            answer = answered(pricing.instance, pricing, sorts, needs, weights, (best, by, second))
            return Lasting(weights, best, margin, answer, _made(pricing, block, answer, before))
    best, by, second = pricing.best(weights)
    margin = _margin(sorts, np.arange(len(best))[:, None], needs.cells, best, second)
    answer = answered(pricing.instance, pricing, sorts, needs, weights, (best, by, second))
    return Lasting(weights, best, margin, answer, gathered(pricing, answer, *block))


def _most(pricing: Pricing, weights: Floats) -> Floats:
    """Return what a tonne on the ways of each device type comes to in each period at most, either sign, (T, D)."""
    places = pricing.linking
    device = pricing.instance.streams.device[pricing.found.stream[pricing.typical]]
    most = np.zeros((len(pricing.instance.periods), len(pricing.instance.devices.names)))
    np.maximum.at(most.T, device, np.abs(pricing.metal(weights) + at(weights, places.device)[device]).T)
    dearest, dirtiest = pricing.dearest
    most += np.abs(weights[places.spend])[:, None] * dearest + abs(weights[places.footprint]) * dirtiest
    return most + sum(np.abs(at(weights, each)).max(initial=0.0) for each in (places.region, places.stream))


def _margin(sorts: Sorts, stream: Ints, needed: Bools, best: Floats, second: Floats) -> Floats:
    """Return by how much the ways of cells of streams may move before they answer otherwise; below 0 of those that do
    not answer for themselves, as where a region has a need of them."""
    with np.errstate(invalid="ignore"):
        other = second - best
    other *= 0.5
    np.fmin(other, np.abs(best), out=other)  # without a way: never, and no number is passed over
    np.copyto(other, -1.0, where=needed | ~sorts.alone[stream])
    np.copyto(other, np.inf, where=sorts.explicit[stream])
    return other


def _made(pricing: Pricing, block: tuple[Ints, int], answer: Answer, before: Lasting) -> Floats:
    """Return what answers come to, from what those of before did and what is otherwise."""
    old = before.answer
    other = (answer.sent != old.sent) | (answer.kept != old.kept) | ((answer.by != old.by) & (answer.sent > 0))
    if other.mean() > FEW:
        return gathered(pricing, answer, *block)
    return before.made + gathered(pricing, answer, *block, old, other)
