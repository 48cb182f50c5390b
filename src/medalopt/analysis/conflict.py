"""Which rules of an instance cannot all be kept: a set of them of which none can be left out."""

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

NOTHING = 1e-13  # a multiplier below it is rounding
MOST_OF_A_KIND = 6  # more rules of one kind than these are told as one
SMALL = 2_000  # rows up to which HiGHS is asked for an irreducible set of rows
SECONDS = 5.0  # that HiGHS is given for it
MOST_TRIALS = 12  # rules that are tried in turn on a large program


@dataclass(frozen=True, eq=False)
class Extensions:
    """A user's own constraints: the files that add them, and what ends rows of theirs have in place of their own."""

    files: tuple[Path, ...] = ()
    eased: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # by name


NONE = Extensions()


@dataclass(frozen=True, eq=False)
class Problem:
    """A program with the rules its rows stand for; the limits of stockpiles are rows of it."""

    linear: Linear
    said: dict[tuple[int, int], tuple[Key, str]]  # row and end to rule and period
    spoken: Ends  # those
    always: Ends  # what only defines
    own: dict[int, AddedRow]  # the rows of the user's own, by number

    @cached_property
    def ready(self) -> Scaled:
        """The program as the solver sees it."""
        return scaled(self.linear)


@dataclass(frozen=True, eq=False)
class Conflict:
    """Rules that cannot all be kept, each with the periods in which it counts; and the multipliers that prove it.

    `irreducible` tells whether each rule was seen to be needed: without it the others can be kept.
    """

    rules: dict[Key, tuple[str, ...]]
    multipliers: Floats  # (M,) in scaled units
    irreducible: bool
    ends: Ends

    def side(self, end: int) -> Bools:
        """Return which rows are in it by their lower (0) or upper (1) end, (M,)."""
        return self.ends.lower if end == LOWER else self.ends.upper


def problem(instance: Instance, extensions: Extensions = NONE) -> Problem:
    """Return the program of `instance`, with a user's own constraints, ready to be examined."""
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
    """Return rules that cannot all be kept, of a program that has the shortfall `first`."""
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
    """Return all ends of each rule as it is told, in all periods: without all of a needed one the rest can be kept.

    Of a kind that is told as one that is all of the kind.
    """
    names, groups = set(told.values()), dict[Key, set[tuple[int, int]]]()
    for at, (one, _) in examined.said.items():
        rule = told.get(one, Key(one.kind, ()))
        if rule in names:
            groups.setdefault(rule, set()).add(at)
    return groups


def _ends(ats: object, height: int) -> Ends:
    ends = np.zeros((2, height), dtype=bool)
    for row, end in ats:  # type: ignore[attr-defined]
        ends[end, row] = True
    return Ends(ends[LOWER], ends[UPPER])


def _support(examined: Problem, found: Shortfall, among: Ends) -> set[tuple[int, int]]:
    """Return the said ends that carry a multiplier."""
    y = found.multipliers
    used = (among.lower & (y > NOTHING), among.upper & (y < -NOTHING))
    return {(row, end) for end in (LOWER, UPPER) for row in np.flatnonzero(used[end]).tolist()} & examined.said.keys()


def _first_set(examined: Problem, first: Shortfall) -> set[tuple[int, int]]:
    """Return said ends that, with what only defines, contradict each other: by HiGHS, else by their multipliers."""
    height = len(examined.linear.rows)
    found = irreducible(examined.ready, SECONDS) if height <= SMALL else None
    if found is not None:
        kept = _support_of(found, examined)
        if shortfall(examined.ready, examined.always | _ends(kept, height)).contradicts:
            return kept
    return _support(examined, first, examined.spoken)


def _support_of(found: Ends, examined: Problem) -> set[tuple[int, int]]:
    ends = (found.lower, found.upper)
    return {(row, end) for row, end in examined.said if ends[end][row]}


def _reduced(
    examined: Problem, groups: dict[Key, set[tuple[int, int]]], first: Shortfall
) -> tuple[dict[Key, set[tuple[int, int]]], Shortfall, bool]:
    """Leave out one rule after the other where the rest still contradicts itself."""
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
    """Whether the multipliers still prove the contradiction without those of one rule: then it is not part of it."""
    y = shown.multipliers.copy()
    for row, end in left_out:
        if (y[row] > 0) == (end == LOWER):
            y[row] = 0.0
    return proves(examined.linear, examined.ready, y)
