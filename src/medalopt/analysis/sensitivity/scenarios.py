"""The named scenarios of an instance, each solved and held against the base case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from medalopt.analysis.sensitivity.shortage import Short, Shortage
from medalopt.analysis.sensitivity.steps import Tell, more, silent, titles_of, unit_of, with_plan
from medalopt.analysis.variants import Variants
from medalopt.errors import SolverError, UsageError
from medalopt.instance.paths import render


@dataclass(frozen=True)
class Scenario:
    """One scenario: `changes` as the file writes them, and what its plan comes to beside the base case's.

    Without a plan `value`, `extra`, `footprint` and `tonnes` are infinite and `short` says what is missing, or `fault`
    why no answer could be proven.
    """

    name: str
    changes: Mapping[str, str]
    value: float
    extra: float
    footprint: float  # kg CO2e
    tonnes: float  # t of devices taken
    short: Short | None
    note: str = ""
    fault: str = ""

    @property
    def status(self) -> str:
        """Whether there is a plan: optimal, infeasible, or unanswered."""
        return "optimal" if self.feasible else "unanswered" if self.fault else "infeasible"

    @property
    def feasible(self) -> bool:
        """Whether there is a plan."""
        return self.value < np.inf


@dataclass(frozen=True)
class Scenarios:
    """The base case and all scenarios, by name as the instance lists them."""

    base: Scenario
    scenarios: tuple[Scenario, ...]
    unit: str
    titles: dict[str, str]  # of metals


def scenarios(variants: Variants, tell: Tell = silent) -> Scenarios:
    """Return what the named scenarios of the instance come to.

    Raises NoPlanError where the base case has no plan, UsageError where there is no scenario, InputError where one is
    wrong.
    """
    named = variants.named_scenarios()
    if not named:
        raise UsageError(
            f"{variants.instance.name}: has no `scenarios:`; write some, such as "
            'scenarios: {poorer: {"devices.*.content.Ag": 85 %}}'
        )
    outcome = with_plan(variants)
    account = variants.base.account(outcome)
    base = Scenario("", {}, outcome.value, 0.0, float(account.footprint), float(account.tonnes), None)
    notes = {render(("scenarios", name)): name for name in named}
    notes = {notes[source.path]: source.note for source in variants.instance.sources if source.path in notes}
    found = []
    for name, changes in named.items():
        tell(f"scenario {name}")
        variant = variants.variant(variants.expanded(changes.items()))
        try:
            answer = variants.answer(variant)
            short = None if answer.feasible else Shortage(variant.instance).short()
        except SolverError as error:  # it costs its own row, not the table
            found.append(Scenario(name, changes, np.inf, np.inf, np.inf, np.inf, None, notes.get(name, ""), str(error)))
            continue
        if not answer.feasible:
            found.append(Scenario(name, changes, np.inf, np.inf, np.inf, np.inf, short, notes.get(name, "")))
            continue
        made, extra = variant.account(answer), more(answer.value, outcome, variants.base.linear)
        figures = (answer.value, extra, float(made.footprint), float(made.tonnes))
        found.append(Scenario(name, changes, *figures, None, notes.get(name, "")))
    return Scenarios(base, tuple(found), unit_of(variants), titles_of(variants))
