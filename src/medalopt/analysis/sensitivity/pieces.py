"""Exact tracing of a convex piecewise linear function from its values and supporting lines (Eisner and Severance 1976).

Between two positions with known supporting lines the function lies above both lines and below the chord. It is
evaluated where the lines intersect: either it lies on them and has a breakpoint there, or a new line is found. The
interval with the widest gap is refined first, so the remaining gap bounds the error at any time.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

NEAR = 1e-8  # fraction of the whole interval below which two positions are equal


@dataclass(frozen=True, eq=False)
class Touch:
    """Value of the function at a position and slope of a supporting line; `found` carries the solution behind it."""

    at: float
    value: float
    slope: float
    found: Any = None

    def line(self, at: float) -> float:
        """Evaluate the supporting line.

        Args:
            at: Position.

        Returns:
            value + slope · (at − position), a lower bound of the function.
        """
        return self.value + self.slope * (at - self.at)


@dataclass(frozen=True, eq=False)
class Piece:
    """The function between two positions; `holds` is a supporting line on all of it, None if not known to be linear."""

    left: Touch
    right: Touch
    holds: Touch | None

    @property
    def slope(self) -> float:
        """Slope of the chord."""
        return (self.right.value - self.left.value) / (self.right.at - self.left.at)


@dataclass(frozen=True, eq=False)
class Pieces:
    """Pieces from one end to the other, and an upper bound on the distance of the function below them (0 if exact)."""

    pieces: tuple[Piece, ...]
    gap: float


def pieces(touch: Callable[[float], Touch], low: float, high: float, noise: float, enough: float, most: int) -> Pieces:
    """Trace the function between two positions.

    Args:
        touch: Function from a position to its value and supporting line.
        low: First position.
        high: Last position.
        noise: Differences of values up to this count as zero.
        enough: Gap at which refinement stops.
        most: Maximum number of evaluations after those of both ends.

    Returns:
        The linear pieces, adjacent ones of equal slope merged.
    """
    near = NEAR * (high - low)
    left, right = touch(low), touch(high)
    done: list[Piece] = []
    heap: list[tuple[float, float, float, Touch, Touch]] = []

    def enter(one: Touch, two: Touch) -> None:
        """Store the interval as finished, or queue it by its gap."""
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
    """Return the point whose supporting line passes through the other one, if any."""
    if abs(one.line(two.at) - two.value) <= noise:
        return one
    return two if abs(two.line(one.at) - one.value) <= noise else None


def _meeting(one: Touch, two: Touch, near: float) -> float | None:
    """Return the intersection of both supporting lines, strictly between the points; None if there is none."""
    if not two.slope > one.slope:
        return None
    across = (two.line(one.at) - one.value) / (one.slope - two.slope)
    meet = neat(one.at + across, near * 0.01)
    return meet if one.at + near < meet < two.at - near else None


def neat(at: float, near: float) -> float:
    """Return the value of six digits within `near` of a position, if there is one."""
    few = float(f"{at:.6g}")
    return few if abs(few - at) <= near else at


def _merged(pieces: list[Piece], noise: float) -> tuple[Piece, ...]:
    """Merge adjacent pieces of equal slope."""
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
