"""The cost as the share of one device type goes from none to double."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from medalopt.analysis.sensitivity.mix.answers import Answer, Answers
from medalopt.analysis.variants import SAME, Variant
from medalopt.solver.line import Line, alike, line

MOST = 2.0  # times the present share
COARSE = 4  # stretches of a curve at first; the middle of each is tried as well
ACCURACY = 0.01  # of the present cost, by which a straight stretch of a curve may miss what was solved in its middle
DEEP = 3  # times a stretch is halved for that at most
FOUND = 0.01  # of the present share, to which the end of the range with plans is found
NEARLY = 1e-9  # of the end of the line, from which on it is not trusted
STEP = 0.1  # of the present share, by which it changes for the ranking


@dataclass(frozen=True)
class Point:
    """The answer where a device has `times` its present share; `share` of all tonnes offered."""

    times: float
    share: float
    answer: Answer


@dataclass(frozen=True)
class Curve:
    """One device type: its present `share` of all tonnes, and points in the order of its share.

    `less` and `more`: change of the objective where the share is a tenth of itself less, and more; None where there
    is no plan that way, and then `short_less` and `short_more` are the kilograms of metal short.
    """

    device: str
    share: float
    points: tuple[Point, ...]
    less: float | None
    more: float | None
    short_less: float  # kg
    short_more: float

    @property
    def without(self) -> Point:
        """The least share."""
        return self.points[0]

    @property
    def most(self) -> Point:
        """The greatest share."""
        return self.points[-1]

    @property
    def range(self) -> tuple[float, float] | None:
        """The shares between which there is a plan; None where there is none."""
        found = [point.share for point in self.points if point.answer.value is not None]
        return (found[0], found[-1]) if found else None


class Way:
    """All shares of one device type, by programs that are drawn along a line where they can be."""

    def __init__(self, answers: Answers, device: int) -> None:
        self.answers, self.device = answers, device
        some, every = answers.offer.reach(device)
        self.moves = every < np.inf
        self.end = min(MOST, every)
        self._straight = min(MOST, some)
        self._known: dict[float, Point] = {}

    def at(self, times: float, short: bool = True) -> Point:
        """Return the point where the device has `times` its share; what is short there only where asked for."""
        known = self._known.get(times)
        if known is None or (short and known.answer.value is None and known.answer.short is None):
            answer = self.answers.base if times == 1 else self.answers.of(self._variant(times), short)
            known = self._known[times] = Point(times, answer.shares[self.device], answer)
        return known

    def _variant(self, times: float) -> Variant:
        instance = self.answers.offer.scaled(self.device, times)
        if self._line is None or not 0 < times < self._straight * (1 - NEARLY):
            return self.answers.made(instance)
        return dataclasses.replace(self.answers.variants.base, instance=instance, linear=self._line.at(times))

    @cached_property
    def _line(self) -> Line | None:
        base, span = self.answers.variants.base, self._straight
        one, two, other = (
            self.answers.made(self.answers.offer.scaled(self.device, times)).linear
            for times in (span / 4, span * 3 / 4, span / 2)
        )
        drawn = line(one, span / 4, two, span * 3 / 4, other, span / 2)
        return drawn.shaped_as(base.linear) if drawn is not None and alike(one, base.linear) else None


def curve(answers: Answers, device: int) -> Curve | None:
    """Return the curve of one device type; None where nothing is offered of it, or nothing beside it in its sources."""
    way = Way(answers, device)
    if not way.moves:
        return None
    coarse = sorted({*(way.end * n / COARSE for n in range(COARSE + 1)), 1.0})
    points = {times: way.at(times) for times in coarse}
    size = abs(answers.base.value or 0.0)
    for low, high in pairwise(coarse):
        points |= {point.times: point for point in _between(way, points[low], points[high], size, DEEP)}
    share = answers.offer.shares().tolist()[device]
    less, more = way.at(1 - STEP), way.at(min(1 + STEP, way.end))
    (down, short_down), (up, short_up) = (_change(answers.base, point) for point in (less, more))
    ordered = tuple(points[times] for times in sorted(points))
    return Curve(answers.variants.instance.devices.names[device], share, ordered, down, up, short_down, short_up)


def _between(way: Way, low: Point, high: Point, size: float, deep: int) -> list[Point]:
    """Return points between two: the middle where a straight line misses it, and where plans begin or end."""
    one, two = low.answer.value, high.answer.value
    if one is None and two is None:
        return [] if high.times - low.times <= FOUND else [way.at((low.times + high.times) / 2)]
    if one is None or two is None:
        return _edge(way, low, high)
    middle = way.at((low.times + high.times) / 2)
    value = middle.answer.value
    if value is None or not deep:
        return [middle]
    if abs(value - (one + two) / 2) <= ACCURACY * size:
        return [middle]
    return [*_between(way, low, middle, size, deep - 1), middle, *_between(way, middle, high, size, deep - 1)]


def _edge(way: Way, low: Point, high: Point) -> list[Point]:
    """Return the last point with a plan and the first without, found by halving."""
    found: list[Point] = []
    while high.times - low.times > FOUND:
        middle = way.at((low.times + high.times) / 2, short=False)
        found.append(middle)
        if (middle.answer.value is None) == (low.answer.value is None):
            low = middle
        else:
            high = middle
    return [point for point in found if point.answer.value is not None or point in (low, high)]


def _change(base: Answer, point: Point) -> tuple[float | None, float]:
    """Return by how much the objective at `point` differs from the base, 0 within rounding, or else the kg short."""
    if point.times == 1 or base.value is None:
        return None, 0.0
    if point.answer.value is None:
        return None, point.answer.short_in_all
    change = point.answer.value - base.value
    return (change if abs(change) > SAME * max(1.0, abs(base.value)) else 0.0), 0.0
