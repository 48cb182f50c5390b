"""Irreducible conflict: a set of rules that cannot all hold, while each proper subset can.

An elastic program measures the violation; its dual multipliers are a Farkas certificate and name a first set of rows.
On a small program HiGHS supplies an irreducible infeasible subset (IIS) of rows instead. A deletion filter over whole
rules (all periods of a rule at once) then makes the set irreducible.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from medalopt.analysis.conflict_members import LOWER, UPPER, Key, merged
from medalopt.analysis.rules import ORDER, key, own
from medalopt.instance.bounds import implied
from medalopt.instance.figures import Bools, Floats
from medalopt.instance.instance import Instance
from medalopt.instance.routes import routes
from medalopt.proof.added import AddedRow
from medalopt.solver.conflict import Ends, Shortfall, irreducible, proves, shortfall
from medalopt.solver.ladder import Task, program
from medalopt.solver.linear import Linear
from medalopt.solver.relaxing import stockpiles_as_rows
from medalopt.solver.scaling import Scaled, scaled

NOTHING = 1e-13  # multipliers below it count as zero
MOST_OF_A_KIND = 6  # rules of one kind reported separately; more are merged
SMALL = 2_000  # rows up to which HiGHS computes an IIS
SECONDS = 5.0  # [s] time limit of the IIS
MOST_TRIALS = 12  # trials of the deletion filter on a large program


@dataclass(frozen=True, eq=False)
class Extensions:
    """User's extensions: the files that add constraints, and replaced bounds of rows they add.

    Attributes:
        files: Python files.
        eased: Name of an added row to the bounds that replace its own.
    """

    files: tuple[Path, ...] = ()
    eased: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # row name to lower and upper bound


NONE = Extensions()


@dataclass(frozen=True, eq=False)
class Problem:
    """Linear program with the rule that each row bound enforces; limits of stockpiles are converted to rows."""

    linear: Linear
    said: dict[tuple[int, int], tuple[Key, str]]  # row and end (lower, upper) to rule and period
    spoken: Ends  # row bounds that enforce a rule: the keys of `said`
    always: Ends  # row bounds of definitions and balances, which are never relaxed
    own: dict[int, AddedRow]  # row number to the row that an extension added

    @cached_property
    def ready(self) -> Scaled:
        """Program scaled as the solver receives it."""
        return scaled(self.linear)


@dataclass(frozen=True, eq=False)
class Conflict:
    """Conflicting rules, each with its periods, and the multipliers that prove the conflict.

    Attributes:
        rules: Each rule with the periods in which it takes part.
        multipliers: Farkas multipliers of the rows, (M,), scaled.
        irreducible: True if each rule was verified to be needed for the conflict.
        ends: Row bounds of these rules.
    """

    rules: dict[Key, tuple[str, ...]]
    multipliers: Floats  # (M,), scaled
    irreducible: bool
    ends: Ends

    def side(self, end: int) -> Bools:
        """Select the rows whose lower or upper bound is part of the conflict.

        Args:
            end: `LOWER_END` or `UPPER_END`.

        Returns:
            Mask over rows, (M,).
        """
        return self.ends.lower if end == LOWER else self.ends.upper


def problem(instance: Instance, extensions: Extensions = NONE) -> Problem:
    """Build the linear program of an instance with the rule of each row bound.

    Args:
        instance: Instance.
        extensions: User's extensions.

    Returns:
        The program.
    """
    found = routes(instance)
    task = Task(instance, found, implied(instance, found), extensions=extensions.files, eased=extensions.eased)
    block, linear = program(task)
    first = len(linear.rows) - len(linear.added.rows)
    added = {first + number: row for number, row in enumerate(linear.added.rows)}
    linear = stockpiles_as_rows(linear, block, instance.streams.names, instance.periods)
    finite = (np.isfinite(linear.row_lower), np.isfinite(linear.row_upper))
    said = {}
    for end in (LOWER, UPPER):
        for row in np.flatnonzero(finite[end]).tolist():
            meaning = own(linear.rows[row]) if row in added else key(linear.rows[row], end)
            if meaning is not None:
                said[row, end] = meaning
    spoken = _ends(said, len(linear.rows))
    always = Ends(finite[LOWER] & ~spoken.lower, finite[UPPER] & ~spoken.upper)
    return Problem(linear, said, spoken, always, added)


def conflict(examined: Problem, first: Shortfall) -> Conflict:
    """Find an irreducible set of conflicting rules.

    Args:
        examined: Infeasible program.
        first: Its least violation, with multipliers.

    Returns:
        The conflict.
    """
    height = len(examined.linear.rows)
    kept = _first_set(examined, first)
    told = merged({examined.said[at][0] for at in kept}, MOST_OF_A_KIND)
    reduced, shown, sure = _reduced(examined, _whole(examined, told), first)
    used = _support(examined, shown, _ends(set().union(*reduced.values()), height))
    reduced = {one: ats & used or ats for one, ats in reduced.items()}
    rules = {
        one: tuple(dict.fromkeys(examined.said[at][1] for at in sorted(ats) if examined.said[at][1]))
        for one, ats in reduced.items()
    }
    return Conflict(rules, shown.multipliers, sure, _ends(set().union(*reduced.values()), height))


def _whole(examined: Problem, told: dict[Key, Key]) -> dict[Key, set[tuple[int, int]]]:
    """Return the row bounds of each reported rule, in all periods; of merged rules, those of the whole kind."""
    names, groups = set(told.values()), dict[Key, set[tuple[int, int]]]()
    for at, (one, _) in examined.said.items():
        rule = told.get(one, Key(one.kind, ()))
        if rule in names:
            groups.setdefault(rule, set()).add(at)
    return groups


def _ends(ats: object, height: int) -> Ends:
    """Return masks over lower and upper bounds of rows from pairs of row and end."""
    ends = np.zeros((2, height), dtype=bool)
    for row, end in ats:  # type: ignore[attr-defined]
        ends[end, row] = True
    return Ends(ends[LOWER], ends[UPPER])


def _support(examined: Problem, found: Shortfall, among: Ends) -> set[tuple[int, int]]:
    """Return the row bounds with a nonzero multiplier that enforce a rule."""
    y = found.multipliers
    used = (among.lower & (y > NOTHING), among.upper & (y < -NOTHING))
    return {(row, end) for end in (LOWER, UPPER) for row in np.flatnonzero(used[end]).tolist()} & examined.said.keys()


def _first_set(examined: Problem, first: Shortfall) -> set[tuple[int, int]]:
    """Return conflicting row bounds: the IIS of HiGHS if small and confirmed, else the support of the multipliers."""
    height = len(examined.linear.rows)
    found = irreducible(examined.ready, SECONDS) if height <= SMALL else None
    if found is not None:
        kept = _support_of(found, examined)
        if shortfall(examined.ready, examined.always | _ends(kept, height)).contradicts:
            return kept
    return _support(examined, first, examined.spoken)


def _support_of(found: Ends, examined: Problem) -> set[tuple[int, int]]:
    """Return the row bounds of an IIS that enforce a rule."""
    ends = (found.lower, found.upper)
    return {(row, end) for row, end in examined.said if ends[end][row]}


def _reduced(
    examined: Problem, groups: dict[Key, set[tuple[int, int]]], first: Shortfall
) -> tuple[dict[Key, set[tuple[int, int]]], Shortfall, bool]:
    """Delete each rule in turn whose removal leaves the others infeasible (deletion filter)."""
    kept, height = dict(groups), len(examined.linear.rows)
    shown = first
    if height <= SMALL:
        shown = shortfall(examined.ready, examined.always | _ends(set().union(*kept.values()), height))
    trials = 0
    sure = True
    for one in sorted(groups, key=lambda one: (ORDER[one.kind], one.names)):
        if one not in kept or len(kept) == 1:
            continue
        rest = {other: ats for other, ats in kept.items() if other != one}
        ends = _ends(set().union(*rest.values()), height)
        if _proven_without(examined, shown, kept[one]):
            kept = rest
            continue
        trials += 1
        if trials > MOST_TRIALS and height > SMALL:
            sure = False
            break
        tried = shortfall(examined.ready, examined.always | ends, shown)
        if tried.contradicts:
            used = _support(examined, tried, ends)
            kept = {other: ats for other, ats in rest.items() if ats & used}
            shown = tried
    return kept, shown, sure


def _proven_without(examined: Problem, shown: Shortfall, left_out: set[tuple[int, int]]) -> bool:
    """Return True if the multipliers prove infeasibility without those of one rule, which is then redundant."""
    y = shown.multipliers.copy()
    for row, end in left_out:
        if (y[row] > 0) == (end == LOWER):
            y[row] = 0.0
    return proves(examined.linear, examined.ready, y)
