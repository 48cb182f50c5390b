"""A convex piecewise linear function found exactly: lines that touch it meet at its breakpoints.

Between two positions whose touching lines are known the function lies above both lines and below the chord. Where the
lines meet it is asked again: either it stands there on the lines, and has its breakpoint there, or a new line comes in
(Eisner and Severance 1976). The widest gap comes first, so that what is known is known to within the widest that is
left, whenever one stops.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

NEAR = 1e-8  # of the whole way, below which two positions are one


@dataclass(frozen=True, eq=False)
class Touch:
    """The function at a position and the slope of a line that touches it there; `found`: what else was found there."""

    at: float
    value: float
    slope: float
    found: Any = None

    def line(self, at: float) -> float:
        """Return the touching line at another position."""
        return self.value + self.slope * (at - self.at)


@dataclass(frozen=True, eq=False)
class Piece:
    """A straight piece between two positions; `holds` touches all of it. None where it is not known to be straight."""

    left: Touch
    right: Touch
    holds: Touch | None

    @property
    def slope(self) -> float:
        """The slope of the chord."""
        return (self.right.value - self.left.value) / (self.right.at - self.left.at)


@dataclass(frozen=True, eq=False)
class Pieces:
    """The pieces from one end to the other, and by how much the function may lie below them: 0 where it is exact."""

    pieces: tuple[Piece, ...]
    gap: float


def pieces(touch: Callable[[float], Touch], low: float, high: float, noise: float, enough: float, most: int) -> Pieces:
    """Return the pieces of the function that `touch` asks, after at most `most` questions; `noise`: what is nothing.

    One stops as soon as it is known to within `enough`.
    """
    near = NEAR * (high - low)
    left, right = touch(low), touch(high)
    done: list[Piece] = []
    heap: list[tuple[float, float, float, Touch, Touch]] = []

    def enter(one: Touch, two: Touch) -> None:
        holds = _straight(one, two, noise)
        meet = None if holds else _meeting(one, two, near)
        if meet is None:
            done.append(Piece(one, two, holds or one))
            return
        chord = one.value + (two.value - one.value) * (meet - one.at) / (two.at - one.at)
        gap = chord - max(one.line(meet), two.line(meet))
        if gap <= noise:
            done.append(Piece(one, two, one))
        else:
            heapq.heappush(heap, (-gap, one.at, meet, one, two))

    enter(left, right)
    for _ in range(most):
        if not heap or -heap[0][0] <= enough:
            break
        _, _, meet, one, two = heapq.heappop(heap)
        between = touch(meet)
        if between.value - max(one.line(meet), two.line(meet)) <= noise:
            done += [Piece(one, between, one), Piece(between, two, two)]
        else:
            enter(one, between)
            enter(between, two)
    gap = -heap[0][0] if heap else 0.0
    done += [Piece(one, two, None) for _, _, _, one, two in heap]
    return Pieces(_merged(sorted(done, key=lambda piece: piece.left.at), noise), gap)


def _straight(one: Touch, two: Touch, noise: float) -> Touch | None:
    """Return which of both has a line that goes through the other, if any."""
    if abs(one.line(two.at) - two.value) <= noise:
        return one
    return two if abs(two.line(one.at) - one.value) <= noise else None


def _meeting(one: Touch, two: Touch, near: float) -> float | None:
    """Return where the lines of both meet, well between them; None where they do not."""
    if not two.slope > one.slope:
        return None
    across = (two.line(one.at) - one.value) / (one.slope - two.slope)
    meet = neat(one.at + across, near * 0.01)
    return meet if one.at + near < meet < two.at - near else None


def neat(at: float, near: float) -> float:
    """Return the number of few digits that is as good as `at`, where there is one within `near`."""
    few = float(f"{at:.6g}")
    return few if abs(few - at) <= near else at


def _merged(pieces: list[Piece], noise: float) -> tuple[Piece, ...]:
    """Return the pieces with those made one that continue each other."""
    merged: list[Piece] = []
    for piece in pieces:
        last = merged[-1] if merged else None
        if last and last.holds and piece.holds:
            span = piece.right.at - last.left.at
            bend = abs(piece.slope - last.slope) * (last.right.at - last.left.at) * (piece.right.at - piece.left.at)
            if bend <= noise * span:
                wider = last if last.right.at - last.left.at >= piece.right.at - piece.left.at else piece
                merged[-1] = Piece(last.left, piece.right, wider.holds)
                continue
        merged.append(piece)
    return tuple(merged)
