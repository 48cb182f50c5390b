"""Changes of the plan at the breakpoints of a curve, named as in the instance.

If a cost varies, the plan is constant on each piece and changes at a breakpoint. If a right-hand side varies, the plan
changes linearly on each piece, and its rates change at a breakpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from medalopt.analysis.explanation.groups import told
from medalopt.analysis.rules import RULES, key
from medalopt.analysis.sensitivity.pieces import Piece
from medalopt.analysis.sensitivity.touching import Found
from medalopt.instance.paths import render

MOST = 120  # maximum number of breakpoints with a description
_COUNTS = 1e-6  # fraction of the largest quantity of the same unit below which nothing changes
_BINDS = 1e-9  # fraction of |c|ᵀ|x|: least value of a binding row
_OBVIOUS = frozenset({"supply", "together", "demand", "no_more", "extension"})
Amounts = Mapping[tuple[str, str], float]  # by name and unit


@dataclass(frozen=True)
class Shift:
    """One quantity of the plan `before` and `after` a breakpoint; per unit of the parameter if `by_step`.

    `here` is the quantity at the breakpoint.
    """

    what: str
    unit: str
    before: float
    after: float
    here: float
    by_step: bool


@dataclass(frozen=True)
class Turn:
    """Changes at the breakpoint `value`: quantities, and paths of limits that become binding or cease to be."""

    value: float
    shifts: tuple[Shift, ...]  # largest relative change first
    binds: tuple[str, ...]
    frees: tuple[str, ...]


def turns(pieces: tuple[Piece, ...], along_costs: bool) -> tuple[Turn, ...]:
    """Return the changes between adjacent linear pieces; none for pieces not known to be linear."""
    known = [piece for piece in pieces if piece.holds is not None]
    if not known or len(known) > MOST:
        return ()
    amounts = {id(found): _amounts(found) for piece in known for found in _founds(piece)}
    binding = [_binding(_held(piece)) for piece in known]
    rows = []
    for number, (one, two) in enumerate(pairwise(known)):
        if one.right is not two.left:
            continue
        here = amounts[id(one.right.found)]
        before, after = (amounts[id(_held(piece))] if along_costs else _rates(amounts, piece) for piece in (one, two))
        steps = 1.0 if along_costs else min(piece.right.at - piece.left.at for piece in (one, two))
        shifts = _shifts(before, after, here, steps, not along_costs)
        old, new = binding[number], binding[number + 1]
        rows.append(Turn(two.left.at, shifts, tuple(sorted(new - old)), tuple(sorted(old - new))))
    return tuple(rows)


def _held(piece: Piece) -> Found:
    """Return the solved scenario of the supporting line of a piece."""
    assert piece.holds is not None, "the piece is known"
    found: Found = piece.holds.found
    return found


def _founds(piece: Piece) -> tuple[Found, ...]:
    """Return the solved scenarios at both ends of a piece and of its supporting line."""
    return (piece.left.found, piece.right.found, _held(piece))


def _rates(amounts: Mapping[int, Amounts], piece: Piece) -> Amounts:
    """Return the change of each quantity per unit of the parameter on a piece."""
    one, two = amounts[id(piece.left.found)], amounts[id(piece.right.found)]
    return {name: (two[name] - one[name]) / (piece.right.at - piece.left.at) for name in one}


def _shifts(before: Amounts, after: Amounts, here: Amounts, steps: float, by_step: bool) -> tuple[Shift, ...]:
    """Return the quantities that change, largest relative change first."""
    largest = {unit: max(here[name] for name in here if name[1] == unit) for _, unit in here}
    moved = {name: abs(after[name] - before[name]) * steps / max(largest[name[1]], 1e-9) for name in here}
    return tuple(
        Shift(*name, before[name], after[name], here[name], by_step)
        for name in sorted(here, key=lambda name: -moved[name])
        if moved[name] > _COUNTS
    )


def _amounts(found: Found) -> Amounts:
    """Return quantities of the plan: tonnes by source, treatment and smelter, kilograms bought and surplus."""
    account = found.variant.account(found.outcome)
    instance, made = account.instance, account.decisions
    sent, bought = account.sent, account.bought
    amounts = {(source.name, "t"): float(sent[source.streams].sum()) for source in told(instance)}
    amounts |= {(name, "kg"): float(kg) for name, kg in zip(instance.market.names, bought, strict=True)}
    fed, treated = account.feed.sum(axis=1), account.treated.sum(axis=1)
    amounts |= {(f"feed of {name}", "t"): float(t) for name, t in zip(instance.smelters.names, fed, strict=True)}
    amounts |= {
        (f"goods through {name}", "t"): float(t) for name, t in zip(instance.treatments.names, treated, strict=True)
    }
    over = made.surplus.sum(axis=1)
    return amounts | {(f"{n} left over", "kg"): float(kg) for n, kg in zip(instance.metals.titles, over, strict=True)}


def _binding(found: Found) -> set[str]:
    """Return the paths of the limits that bind, from the dual values of their rows."""
    linear, x, y = found.variant.linear, found.outcome.x, found.outcome.y
    entries = linear.entries
    parts = np.bincount(entries.row, np.abs(entries.value * x[entries.column]), len(linear.rows))
    least = _BINDS * max(1.0, float(np.abs(linear.costs[0]) @ np.abs(x)))
    paths = set()
    for row in np.flatnonzero(np.abs(y) * parts > least).tolist():
        rule = key(linear.rows[row], 0 if y[row] > 0 else 1)
        if rule is not None and rule[0].kind not in _OBVIOUS:
            periods = (rule[1],) if rule[1] else ()
            paths.add(render(RULES[rule[0].kind].says(found.variant.instance, rule[0], periods)[0]))
    return paths
