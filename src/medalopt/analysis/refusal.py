"""Why an instance has no plan, in its own words, and the cheapest cure."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medalopt.analysis.conflict import Conflict, conflict, problem
from medalopt.analysis.conflict_words import told
from medalopt.analysis.refusal_arithmetic import known
from medalopt.analysis.refusal_words import Reason
from medalopt.analysis.repair import Asked, Repair, single_repairs
from medalopt.analysis.repair_candidates import candidates
from medalopt.analysis.repair_figure import Figure
from medalopt.analysis.repair_search import Stuck, stuck
from medalopt.analysis.repair_sets import repair_sets
from medalopt.instance.bounds import implied
from medalopt.instance.instance import Instance
from medalopt.instance.routes import routes

MOST, MOST_LARGE = 12, 6  # repairs that are worked out


@dataclass(frozen=True)
class Diagnosis:
    """Why there is no plan: `known` by arithmetic alone, `rules` that cannot all be kept, and repairs, cheapest first.

    `irreducible` tells whether each rule was seen to be needed for the conflict.
    """

    known: tuple[Reason, ...]
    rules: tuple[Reason, ...]
    irreducible: bool
    repairs: tuple[Repair, ...]
    unit: str  # of the repairs' objectives

    @property
    def conflict(self) -> tuple[Reason, ...]:
        """All that is said of what stands in the way, arithmetic first."""
        return (*self.known, *self.rules)

    def rows(self) -> dict[str, list[dict[str, object]]]:
        """Return the diagnosis as plain data."""
        return {"conflict": [reason.row() for reason in self.conflict], "repairs": [one.row() for one in self.repairs]}


def diagnose(
    instance: Instance,
    objective: str = "cost",
    extensions: Sequence[Path] = (),
    source: str | os.PathLike[str] | None = None,
    changes: Mapping[str, str] | None = None,
) -> Diagnosis | None:
    """Return why `instance` has no plan and what would cure it; None where its rules do not contradict each other.

    `source` is the file it was read from, with `changes`: repairs are then tried on the file, spelled as it is.
    """
    asked = Asked(source, changes, objective, tuple(Path(path) for path in extensions))
    found = routes(instance)
    reasons = known(instance, found, implied(instance, found))
    examined = problem(instance, asked.extensions)
    at = stuck(instance, asked.extensions, examined)
    if at is None:
        return None
    rules = conflict(examined, at.short)
    figures = _behind(instance, rules, at)
    repairs = single_repairs(at, figures, asked, MOST_LARGE if at.large else MOST)
    if all(repair.changes[0].path.endswith(".opening_stock") for repair in repairs):
        alone = {repair.changes[0].path for repair in repairs}
        repairs += repair_sets(at, rules, lambda *of: [one for one in _behind(*of) if not one.spelled & alone], asked)
        repairs.sort(key=lambda repair: repair.objective)
    unit = {"cost": instance.currency, "footprint": "kg CO2e", "mass": "t"}[objective]
    return Diagnosis(reasons, told(instance, rules.rules), rules.irreducible, tuple(repairs), unit)


def _behind(instance: Instance, rules: Conflict, at: Stuck) -> list[Figure]:
    """Return the figures behind a conflict; of many streams those of which more would do most."""
    weights: dict[str, float] = {}
    y, ends = np.ldexp(rules.multipliers, at.problem.ready.row), (rules.ends.lower, rules.ends.upper)
    for (row, end), (rule, period) in at.problem.said.items():
        if rule.kind == "supply" and ends[end][row]:
            i, t = instance.streams.names.index(rule.names[0]), instance.periods.index(period)
            more = abs(float(y[row])) * float(instance.streams.available.value[i, t])
            weights[rule.names[0]] = weights.get(rule.names[0], 0.0) + more
    return candidates(instance, rules.rules, weights)
