r"""Extension rows in the lower bound, and their residuals on a plan.

With a dual value $y_r$ per row, the reduced cost of every quantity falls by $\sum_ry_ra_r$ and the bound rises by
$\sum_ry_rb_r$, where $b_r$ is the lower bound of the row if $y_r>0$ and the upper one if $y_r<0$. Added costs are a row
with dual value $-1$. A user variable contributes by its bounds, or by bounds implied by the rows.
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
    """Residuals of extension rows or of bounds of user variables (R); `size` is the reference magnitude of `excess`."""

    names: tuple[str, ...]
    excess: Numbers
    size: Numbers

    def worst(self) -> Floats:
        """Return an upper bound of each relative violation (R)."""
        size = lowest(self.size)
        return np.asarray(highest(self.excess) / np.where(size > 0, size, 1.0), dtype=np.float64)


def kept(account: Account, rows: Placed) -> Iterator[Kept]:
    """Yield the residuals of the extension rows, then of the bounds of the user variables.

    Args:
        account: Plan.
        rows: Extensions as arrays.

    Yields:
        Residuals, in the arithmetic of the plan.
    """
    added = rows.added
    made, size = activity(account, rows)
    yield _kept(tuple(row.name for row in added.rows), made[:-1], size[:-1], rows.ends(), rows)
    values = rows.lift(np.array([one.value for one in added.variables], dtype=np.float64))
    yield _kept(tuple(one.name for one in added.variables), values, abs(values), rows.limits(), rows)


def _kept(names: tuple[str, ...], value: Numbers, size: Numbers, ends: tuple[Floats, Floats], rows: Placed) -> Kept:
    """Return the residuals of values against their bounds."""
    there = [np.isfinite(end) for end in ends]
    low, high = (rows.lift(np.where(some, end, 0.0)) for some, end in zip(there, ends, strict=True))
    below, above = np.where(there[0], low - value, 0), np.where(there[1], value - high, 0)
    excess = np.maximum(np.maximum(below, above), 0)
    size = np.maximum(size, np.maximum(abs(low), abs(high)))
    return Kept(names, excess, size)


def costs(account: Account, rows: Placed) -> tuple[Numbers, Numbers]:
    """Return the added costs of a plan, and the sum of their absolute terms.

    Args:
        account: Plan.
        rows: Extensions as arrays, in the arithmetic of the plan.

    Returns:
        Both in the unit of the objective.
    """
    made, size = activity(account, rows)
    return made[-1], size[-1]


def dearer(account: Account, added: Added) -> float:
    """Return the added costs of a plan in floats.

    Args:
        account: Plan in floats.
        added: User extensions.

    Returns:
        The costs, in the unit of the objective.
    """
    return float(costs(account, placed(account.instance, account.found, added, FLOATS.lift))[0])


def lower_bound(ground: Ground, y: Prices, measure: str, rows: Placed) -> Numbers:
    """Return a lower bound on objective plus added costs of every plan that satisfies the extension rows.

    Args:
        ground: Context of the bound.
        y: Dual values of the linking constraints.
        measure: Objective, see `ObjectiveWeights.of`.
        rows: Extensions as arrays, with the dual values of their rows.

    Returns:
        The bound, in the unit of the objective; minus infinity if a user variable makes it unbounded.
    """
    duals, ends = usable(rows)
    paid, reduced = pulled(ground, rows)
    own = _own(ground, y, rows, reduced)
    if own is None:
        return -math.inf
    fixed = (rows.lift(duals) * rows.lift(ends)).sum()
    return least(paid, y, Weights.of(measure)) + fixed + own


def pulled(ground: Ground, rows: Placed) -> tuple[Ground, Numbers]:
    """Return the context with the payments of the extension rows, and the reduced costs of the user variables.

    Args:
        ground: Context of the bound, without payments.
        rows: Extensions as arrays, with the dual values of their rows.

    Returns:
        The new context, and one reduced cost per user variable.
    """
    asked = asked_by(rows)
    reduced = -asked.pop(OWN) if OWN in asked else rows.lift(np.zeros(len(rows.added.variables)))
    return replace(ground, pull=on_decisions(ground.instance, ground.found, ground.read, asked)), reduced


def asked_by(rows: Placed) -> dict[str, Numbers]:
    """Return the payment of extension rows and added costs per unit of each quantity.

    Args:
        rows: Extensions as arrays, with the dual values of their rows.

    Returns:
        By array, objective per unit.
    """
    return weighed(rows, rows.lift(np.append(usable(rows)[0], -1.0)))


def usable(rows: Placed) -> tuple[Floats, Floats]:
    """Return the dual value of each row and the right-hand side that it applies to.

    Args:
        rows: Extensions as arrays, with the dual values of their rows.

    Returns:
        Dual values (R) and right-hand sides (R); both 0 where one is not finite.
    """
    low, high = rows.ends()
    duals = np.array([row.dual for row in rows.added.rows], dtype=np.float64)
    ends = np.where(duals > 0, low, high)
    usable = np.isfinite(ends) & np.isfinite(duals)
    return np.where(usable, duals, 0.0), np.where(usable, ends, 0.0)


def _own(ground: Ground, y: Prices, rows: Placed, reduced: Numbers) -> Numbers | None:
    """Return the minimum contribution of the user variables, or None if it is unbounded."""
    low, high = rows.limits()
    falls, rises = lowest(reduced) < 0, highest(reduced) > 0
    if (falls & np.isinf(high)).any() or (rises & np.isinf(low)).any():
        low, high = _implied(ground, y, rows, low, high)
        if (falls & np.isinf(high)).any() or (rises & np.isinf(low)).any():
            return None
    most, fewest = (rows.lift(np.where(np.isfinite(end), end, 0.0)) for end in (high, low))
    return (np.minimum(reduced, 0) * most + np.maximum(reduced, 0) * fewest).sum()


def _implied(ground: Ground, y: Prices, rows: Placed, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Return the bounds of the user variables, missing ones implied by the rows that contain the variable."""
    terms = rows.terms[OWN]
    coefficient = [Fraction(value) for value in lowest(terms.coefficient).tolist()]  # as given: intervals of width 0
    held: dict[int, dict[int, Fraction]] = {}
    for row, at, value in zip(terms.row.tolist(), terms.at.tolist(), coefficient, strict=True):
        if row < len(rows.added.rows):
            held.setdefault(row, {})[at] = held.get(row, {}).get(at, Fraction(0)) + value
    others = {row: _range(ground, y, rows, row) for row in held}
    ends = [[_exact(a), _exact(b)] for a, b in zip(low.tolist(), high.tolist(), strict=True)]
    found = True
    while found:  # each pass finds a missing bound, or is the last
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


End = Fraction | float  # a fraction if finite


def _exact(end: float) -> End:
    """Return a finite bound as a fraction."""
    return Fraction(end) if math.isfinite(end) else end


def _between(
    given: tuple[float, float], others: tuple[End, End], own: list[tuple[Fraction, list[End]]], value: Fraction
) -> tuple[End, End]:
    """Return the range of a variable with coefficient `value`, given the ranges of all other terms of a row."""
    fewest, most = others
    for factor, ends in own:
        a, b = (factor * end if factor else Fraction(0) for end in ends)
        fewest, most = fewest + min(a, b), most + max(a, b)
    a, b = (_exact(given[0]) - most) / value, (_exact(given[1]) - fewest) / value
    return min(a, b), max(a, b)


def _range(ground: Ground, y: Prices, rows: Placed, row: int) -> tuple[End, End]:
    """Return the range of the terms of one row in the instance's own quantities, by two Lagrangian bounds."""
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
