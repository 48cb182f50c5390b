r"""What added rows do to a bound, and how a plan keeps them.

With a multiplier $y_r$ for each, every quantity's reduced cost is less by $\sum_ry_ra_r$, and the bound more by
$\sum_ry_rb_r$, $b_r$ being the lower end where $y_r>0$ and the upper one where $y_r<0$. Added costs are a row of
multiplier $-1$. A variable of the user's own pays by its bounds, or by those that the rows imply.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from medalopt.instance.arithmetic import FLOATS, Numbers, highest, lower, lowest, upper
from medalopt.instance.decisions import Account
from medalopt.instance.figures import Floats
from medalopt.proof.added import Added
from medalopt.proof.bound import Ground, Weights, least
from medalopt.proof.placed import OWN, Placed, activity, placed, weighed
from medalopt.proof.prices import Prices
from medalopt.proof.worth import on_decisions

NO_MEASURE = Weights(0, 0, 0)


@dataclass(frozen=True, eq=False)
class Kept:
    """How a plan keeps rows, or a user's own variables their bounds: (R,) each; `size` is what `excess` stands by."""

    names: tuple[str, ...]
    excess: Numbers
    size: Numbers

    def worst(self) -> Floats:
        """Return the excess of each in relation to its size, at most, (R,)."""
        size = lowest(self.size)
        return np.asarray(highest(self.excess) / np.where(size > 0, size, 1.0), dtype=np.float64)


def kept(account: Account, rows: Placed) -> Iterator[Kept]:
    """Yield how the plan of `account` keeps the added rows, and the bounds of the user's own variables."""
    added = rows.added
    made, size = activity(account, rows)
    yield _kept(tuple(row.name for row in added.rows), made[:-1], size[:-1], rows.ends(), rows)
    values = rows.lift(np.array([one.value for one in added.variables], dtype=np.float64))
    yield _kept(tuple(one.name for one in added.variables), values, abs(values), rows.limits(), rows)


def _kept(names: tuple[str, ...], value: Numbers, size: Numbers, ends: tuple[Floats, Floats], rows: Placed) -> Kept:
    there = [np.isfinite(end) for end in ends]
    low, high = (rows.lift(np.where(some, end, 0.0)) for some, end in zip(there, ends, strict=True))
    below, above = np.where(there[0], low - value, 0), np.where(there[1], value - high, 0)
    excess = np.maximum(np.maximum(below, above), 0)
    size = np.maximum(size, np.maximum(abs(low), abs(high)))
    return Kept(names, excess, size)


def costs(account: Account, rows: Placed) -> tuple[Numbers, Numbers]:
    """Return what the added costs come to in the plan of `account`, and the sum of their magnitudes."""
    made, size = activity(account, rows)
    return made[-1], size[-1]


def dearer(account: Account, added: Added) -> float:
    """Return what the added costs come to in the plan of `account`, a plan of floats."""
    return float(costs(account, placed(account.instance, account.found, added, FLOATS.lift))[0])


def lower_bound(ground: Ground, y: Prices, measure: str, rows: Placed) -> Numbers:
    """Return a number that no plan's measure, with the added costs, lies below; -infinity where none is proven."""
    duals, ends = usable(rows)
    paid, reduced = pulled(ground, rows)
    own = _own(ground, y, rows, reduced)
    if own is None:
        return -math.inf
    fixed = (rows.lift(duals) * rows.lift(ends)).sum()
    return least(paid, y, Weights.of(measure)) + fixed + own


def pulled(ground: Ground, rows: Placed) -> tuple[Ground, Numbers]:
    """Return `ground` with what the added rows and costs pay, and the reduced costs of the user's own variables."""
    asked = asked_by(rows)
    reduced = -asked.pop(OWN) if OWN in asked else rows.lift(np.zeros(len(rows.added.variables)))
    return replace(ground, pull=on_decisions(ground.instance, ground.found, ground.read, asked)), reduced


def asked_by(rows: Placed) -> dict[str, Numbers]:
    """Return what the added rows and costs pay for a unit more of each quantity, by array."""
    return weighed(rows, rows.lift(np.append(usable(rows)[0], -1.0)))


def usable(rows: Placed) -> tuple[Floats, Floats]:
    """Return the multiplier of each row and the end it goes with; both 0 where that end is not finite."""
    low, high = rows.ends()
    duals = np.array([row.dual for row in rows.added.rows], dtype=np.float64)
    ends = np.where(duals > 0, low, high)
    usable = np.isfinite(ends) & np.isfinite(duals)
    return np.where(usable, duals, 0.0), np.where(usable, ends, 0.0)


def _own(ground: Ground, y: Prices, rows: Placed, reduced: Numbers) -> Numbers | None:
    """Return the least that the user's own variables add at these reduced costs; None where that has no end."""
    low, high = rows.limits()
    falls, rises = lowest(reduced) < 0, highest(reduced) > 0
    if (falls & np.isinf(high)).any() or (rises & np.isinf(low)).any():
        low, high = _implied(ground, y, rows, low, high)
        if (falls & np.isinf(high)).any() or (rises & np.isinf(low)).any():
            return None
    most, fewest = (rows.lift(np.where(np.isfinite(end), end, 0.0)) for end in (high, low))
    return (np.minimum(reduced, 0) * most + np.maximum(reduced, 0) * fewest).sum()


def _implied(ground: Ground, y: Prices, rows: Placed, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Return the bounds of the user's own variables, those that are missing from the rows that hold the variable."""
    terms = rows.terms[OWN]
    coefficient = [Fraction(value) for value in lowest(terms.coefficient).tolist()]  # as given: of no width
    held: dict[int, dict[int, Fraction]] = {}
    for row, at, value in zip(terms.row.tolist(), terms.at.tolist(), coefficient, strict=True):
        if row < len(rows.added.rows):
            held.setdefault(row, {})[at] = held.get(row, {}).get(at, Fraction(0)) + value
    others = {row: _range(ground, y, rows, row) for row in held}
    ends = [[_exact(a), _exact(b)] for a, b in zip(low.tolist(), high.tolist(), strict=True)]
    found = True
    while found:  # each pass finds an end that was missing, or is the last
        found = False
        for row, own in held.items():
            given = rows.added.rows[row].lower, rows.added.rows[row].upper
            for at, value in own.items():
                new = _between(given, others[row], [(own[n], ends[n]) for n in own if n != at], value) if value else ()
                for side, end in enumerate(new):
                    if math.isinf(ends[at][side]) and math.isfinite(end):
                        ends[at][side], found = end, True
    return (
        np.array([lower(a) for a, _ in ends], dtype=np.float64),
        np.array([upper(b) for _, b in ends], dtype=np.float64),
    )


End = Fraction | float  # a fraction where it is finite


def _exact(end: float) -> End:
    return Fraction(end) if math.isfinite(end) else end


def _between(
    given: tuple[float, float], others: tuple[End, End], own: list[tuple[Fraction, list[End]]], value: Fraction
) -> tuple[End, End]:
    """Return the range of the variable with coefficient `value` in a row, the ranges of all else in it being known."""
    fewest, most = others
    for factor, ends in own:
        a, b = (factor * end if factor else Fraction(0) for end in ends)
        fewest, most = fewest + min(a, b), most + max(a, b)
    a, b = (_exact(given[0]) - most) / value, (_exact(given[1]) - fewest) / value
    return min(a, b), max(a, b)


def _range(ground: Ground, y: Prices, rows: Placed, row: int) -> tuple[End, End]:
    """Return the least and the most that the terms of one row in the instance's own quantities can come to."""
    none = Prices(**{name: values * 0 for name, values in vars(y).items()})
    found: list[End] = []
    for sign in (-1.0, 1.0):
        weights = np.zeros(rows.height)
        weights[row] = sign
        asked = weighed(rows, rows.lift(weights))
        asked.pop(OWN, None)
        pull = on_decisions(ground.instance, ground.found, ground.read, asked)
        found.append(least(replace(ground, pull=pull), none, NO_MEASURE))
    fewest, most = lower(found[0]), upper(-found[1])
    return _exact(fewest), _exact(most)
