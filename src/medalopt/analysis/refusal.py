"""Diagnosis of an infeasible instance: reasons proven by screening, conflicting constraints, and repairs by cost."""

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

MOST = 12  # largest number of repairs
ALIKE = 1e-6  # relative difference of two equal effects


@dataclass(frozen=True)
class Diagnosis:
    """Reasons for infeasibility and repairs.

    Attributes:
        known: Reasons proven by screening.
        rules: Conflicting rules.
        irreducible: True if each rule was verified to be needed for the conflict.
        repairs: Repairs by ascending objective.
        unit: Unit of their objectives.
        stopped: True if the time limit ended the search early.
    """

    known: tuple[Reason, ...]
    rules: tuple[Reason, ...]
    irreducible: bool
    repairs: tuple[Repair, ...]
    unit: str  # of the repairs' objectives
    stopped: bool = False

    @property
    def conflict(self) -> tuple[Reason, ...]:
        """All reasons, those of the screening first."""
        return (*self.known, *self.rules)

    def rows(self) -> dict[str, object]:
        """Return the diagnosis as JSON data.

        Returns:
            Field name to value.
        """
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
    """Diagnose an infeasible instance.

    Args:
        instance: Instance.
        objective: `cost`, `footprint` or `mass`.
        extensions: Python files of the user's extensions.
        source: File the instance was read from, on which repairs are verified as it spells them.
        changes: Path to value, made when the file was read.
        tell: Progress callback, called before each step.
        budget: Time limit; results so far are returned when it is exhausted.

    Returns:
        The diagnosis; None if the instance is feasible.
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
    """Return repairs of one parameter or row; if there is none, of several or of opening stock.

    No parameter states the cost of opening stock, so it would seem the cheapest beside other repairs.
    """
    alone = single_repairs(at, _behind(at.instance, rules, at), asked, MOST) + own_repairs(at, rules, asked)
    if alone:
        return sorted(alone, key=lambda repair: (repair.objective, repair.changes[0].path))
    repairs = single_repairs(at, _stock(at.instance, rules), asked, MOST) + _several(at, rules, _behind, asked)
    repairs = repairs or _several(at, rules, _behind_or_stock, asked)
    repairs = repairs or gathered_set(at, rules, _behind_or_stock, asked)
    return sorted(repairs, key=lambda repair: repair.objective)


def _several(at: Stuck, rules: Conflict, choose: Choose, asked: Asked) -> list[Repair]:
    """Return repairs of several parameters; if there is none, of an extension row and a parameter."""
    return repair_sets(at, rules, choose, asked) or with_figures(at, rules, choose, asked)


def _behind_or_stock(instance: Instance, rules: Conflict, at: Stuck) -> list[Figure]:
    """Return the parameters of a conflict, then opening stock."""
    return [*_behind(instance, rules, at), *_stock(instance, rules)]


def _behind(instance: Instance, rules: Conflict, at: Stuck) -> list[Figure]:
    """Return the parameters that relax the rules of a conflict."""
    return candidates(instance, rules.rules, likely_streams(instance, rules, at))


def _stock(instance: Instance, rules: Conflict) -> list[Figure]:
    """Return the opening stock of the metals of the alloys in the conflict."""
    alloys = [
        instance.alloys.names.index(rule.names[0]) for rule in rules.rules if rule.kind == "demand" and rule.names
    ]
    return list(in_stock(instance, alloys))


def likely_streams(instance: Instance, rules: Conflict, at: Stuck) -> dict[str, int]:
    """Rank the streams of a conflict by the cost of goods and processing per unit of effect.

    The effect of one tonne is its multiplier in the proof of infeasibility.

    Args:
        instance: Instance.
        rules: Its conflict.
        at: Its program and violation.

    Returns:
        Stream to the last period in which one tonne has the largest effect, best first.
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
