"""From what a person names to what is compared: an instance, one of its scenarios, or a saved plan."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from medalopt.analysis.comparing.outcome import Outcome, of_plan, of_saved
from medalopt.errors import InputError, NoPlanError, SolverError, UsageError
from medalopt.instance import wildcards
from medalopt.instance.instance import Instance
from medalopt.instance.loading import Opened, opened
from medalopt.instance.scenariocheck import value_text
from medalopt.plan.saved import PLANS, SavedPlan, instance_file, saved_plan
from medalopt.solving import solve
from medalopt.wording import did_you_mean, listed, shown

Tell = Callable[[str], None]


def outcome(name: str, changes: Mapping[str, str], measure: str, tell: Tell) -> Outcome:
    """Return what `name` comes to: FILE.yaml, FILE.yaml#SCENARIO, a plan as FILE.json, FILE.xlsx or a folder of CSV.

    `changes` (path to value) are made in instances. Raises InputError where a file is wrong, UsageError where a
    scenario or the plan is none.
    """
    path, scenario = _parted(name)
    if scenario is None and (os.path.isdir(path) or path.suffix.lower() in PLANS):
        return _saved(name, path)
    file = opened(path)
    wanted = dict(changes)
    if scenario is not None:
        wanted |= _changes_of(file, scenario, wanted)
    instance = file.with_effective_changes(wanted) if scenario is None else file.with_changes(wanted)
    for warning in instance.warnings:
        tell(f"warning: {warning}")
    data = file.written(wanted)
    try:
        return of_plan(name, solve(instance, measure), data)
    except NoPlanError:
        return Outcome(name, "infeasible", instance.currency, {}, data, instance.figures)
    except SolverError as error:
        tell(f"{shown(name)}: no answer: {error}")
        return Outcome(name, "unanswered", instance.currency, {}, data, instance.figures)


def _parted(name: str) -> tuple[Path, str | None]:
    """Return the file and the scenario that `name` names; a file may have a # in its name."""
    path, sign, scenario = name.rpartition("#")
    if not sign or os.path.exists(name):
        return Path(name), None
    return Path(path), scenario


def _changes_of(file: Opened, scenario: str, changes: Mapping[str, str]) -> dict[str, str]:
    instance = file.with_effective_changes(changes, scenarios=True)
    named: Mapping[str, Mapping[str, str]] = instance.annex.get("scenarios", {})
    if scenario not in named:
        known = f"; it has {listed(named)}" if named else "; it has no `scenarios:`"
        raise UsageError(f"{instance.name}: has no scenario {shown(scenario)}{did_you_mean(scenario, named) or known}")
    written, found = file.written(changes), {}
    for path, value in named[scenario].items():
        found.update(wildcards.expanded(written, path, value_text(value) or ""))
    return found


def _saved(name: str, path: Path) -> Outcome:
    saved = saved_plan(path)
    if not isinstance(saved, SavedPlan):
        raise UsageError(f"{shown(name)}: says that there is no plan; compare its instance instead")
    file = instance_file(path, saved.instance.files)
    instance, data = _its_instance(file, saved.instance.figures) if file else (None, None)
    unit = saved.objective.unit if saved.objective.measure == "cost" else ""
    currency = instance.currency if instance else unit
    if not currency:
        raise UsageError(f"{shown(name)}: its instance is not here, and without it the currency is not known")
    return of_saved(name, saved, currency, data.written() if data else None)


def _its_instance(file: Path, figures: str) -> tuple[Instance | None, Opened | None]:
    """Return the instance in `file`, and the file where the plan was made of the same figures."""
    try:
        found = opened(file)
        instance = found.with_changes()
    except InputError:
        return None, None
    return instance, found if instance.figures == figures else None
