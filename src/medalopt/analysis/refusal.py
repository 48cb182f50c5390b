"""Why an instance has no plan, in its own words, and the cheapest cure."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medalopt.analysis.conflict import Conflict, Extensions, conflict, problem
from medalopt.analysis.refusal_arithmetic import known
from medalopt.analysis.refusal_words import Reason
from medalopt.analysis.repair import Asked, Repair, single_repairs
from medalopt.analysis.repair_candidates import in_stock
from medalopt.analysis.repair_figure import Figure
from medalopt.analysis.repair_own import own_repairs, with_figures
from medalopt.analysis.repair_search import Stuck, stuck
from medalopt.analysis.repair_sets import Choose, gathered_set, repair_sets
from medalopt.analysis.rules import candidates, told
from medalopt.instance.bounds import implied
from medalopt.instance.instance import Instance
from medalopt.instance.routes import routes
from medalopt.solver.budget import ENDLESS, Budget

MOST = 12  # repairs that are worked out
ALIKE = 1e-6  # in relation to the greatest, by which what a tonne does may differ for it to do the most


@dataclass(frozen=True)
class Diagnosis:
    """Why there is no plan: `known` by arithmetic alone, `rules` that cannot all be kept, and repairs, cheapest first.

    `irreducible` tells whether each rule was seen to be needed for the conflict, `stopped` whether the time was over
    before all was tried.
    """

    known: tuple[Reason, ...]
    rules: tuple[Reason, ...]
    irreducible: bool
    repairs: tuple[Repair, ...]
    unit: str  # of the repairs' objectives
    stopped: bool = False

    @property
    def conflict(self) -> tuple[Reason, ...]:
        """All that is said of what stands in the way, arithmetic first."""
        return (*self.known, *self.rules)

    def rows(self) -> dict[str, object]:
        """Return the diagnosis as plain data."""
        told = {"conflict": [reason.row() for reason in self.conflict], "repairs": [one.row() for one in self.repairs]}
        return {**told, "stopped": True} if self.stopped else dict(told)


def diagnose(
    instance: Instance,
    objective: str = "cost",
    extensions: Sequence[Path] = (),
    source: str | os.PathLike[str] | None = None,
    changes: Mapping[str, str] | None = None,
    tell: Callable[[str], None] = lambda doing: None,
    budget: Budget = ENDLESS,
) -> Diagnosis | None:
    """Return why `instance` has no plan and what would cure it; None where its rules do not contradict each other.

    `source` is the file it was read from, with `changes`: repairs are then tried on the file, spelled as it is.
    `tell` is told each step before it is done. When `budget` is over what was found until then is returned.
    """
    asked = Asked(source, changes, objective, Extensions(tuple(Path(path) for path in extensions)), tell, budget)
    unit = {"cost": instance.currency, "footprint": "kg CO2e", "mass": "t"}[objective]
    found = routes(instance)
    reasons = known(instance, found, implied(instance, found))
    if not budget.left():
        return Diagnosis(reasons, (), False, (), unit, stopped=True)
    examined = problem(instance, asked.extensions)
    at = stuck(instance, asked.extensions, examined)
    if at is None:
        return None
    tell("which rules cannot all be kept")
    rules = conflict(examined, at.short)
    repairs = tuple(_repairs(at, rules, asked))
    said = told(instance, rules.rules)
    return Diagnosis(reasons, said, rules.irreducible, repairs, unit, stopped=not budget.left())


def _repairs(at: Stuck, rules: Conflict, asked: Asked) -> list[Repair]:
    """Return repairs of one figure or rule; where there is none, of several, and metal that is in stock from nowhere.

    What such a stock costs stands in no figure, so that beside other repairs it would seem the cheapest.
    """
    alone = single_repairs(at, _behind(at.instance, rules, at), asked, MOST) + own_repairs(at, rules, asked)
    if alone:
        return sorted(alone, key=lambda repair: (repair.objective, repair.changes[0].path))
    repairs = single_repairs(at, _stock(at.instance, rules), asked, MOST) + _several(at, rules, _behind, asked)
    repairs = repairs or _several(at, rules, _behind_or_stock, asked)
    repairs = repairs or gathered_set(at, rules, _behind_or_stock, asked)
    return sorted(repairs, key=lambda repair: repair.objective)


def _several(at: Stuck, rules: Conflict, choose: Choose, asked: Asked) -> list[Repair]:
    """Return repairs of several figures; where there is none, of one of the user's own rules and a figure."""
    return repair_sets(at, rules, choose, asked) or with_figures(at, rules, choose, asked)


def _behind_or_stock(instance: Instance, rules: Conflict, at: Stuck) -> list[Figure]:
    return [*_behind(instance, rules, at), *_stock(instance, rules)]


def _behind(instance: Instance, rules: Conflict, at: Stuck) -> list[Figure]:
    return candidates(instance, rules.rules, likely_streams(instance, rules, at))


def _stock(instance: Instance, rules: Conflict) -> list[Figure]:
    alloys = [
        instance.alloys.names.index(rule.names[0]) for rule in rules.rules if rule.kind == "demand" and rule.names
    ]
    return list(in_stock(instance, alloys))


def likely_streams(instance: Instance, rules: Conflict, at: Stuck) -> dict[str, int]:
    """Return the streams of which more would help, each with the last period in which a tonne does most.

    What a tonne does is its multiplier in the proof; the first are those whose goods cost least beside that.
    """
    y, ends = np.ldexp(rules.multipliers, at.problem.ready.row), (rules.ends.lower, rules.ends.upper)
    does: dict[str, list[tuple[int, float]]] = {}
    for (row, end), (rule, period) in at.problem.said.items():
        if rule.kind == "supply" and ends[end][row] and y[row]:
            does.setdefault(rule.names[0], []).append((instance.periods.index(period), abs(float(y[row]))))
    found = routes(instance)
    costs = found.supply + found.collection + found.treating + found.transport + found.smelting + found.residue
    least = np.full(len(instance.streams.names), np.inf)
    np.minimum.at(least, found.stream, costs + found.refining.sum(axis=1))
    most = {name: max(value for _, value in parts) for name, parts in does.items()}
    beside = {name: float(least[instance.streams.names.index(name)]) / value for name, value in most.items()}
    return {
        name: max(t for t, value in does[name] if value >= (1 - ALIKE) * most[name])
        for name in sorted(does, key=lambda name: (beside[name], name))
    }
