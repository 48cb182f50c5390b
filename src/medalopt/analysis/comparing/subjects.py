"""Load the compared plans by name: an instance, one of its scenarios, or a saved plan."""

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
    """Load or solve one of the compared plans and summarize it.

    Args:
        name: FILE.yaml, FILE.yaml#SCENARIO, or a saved plan: FILE.json, FILE.xlsx or a folder of CSV files.
        changes: Path to value, made in instances (not in saved plans).
        measure: Objective: `cost`, `footprint` or `mass`.
        tell: Callback for warnings.

    Returns:
        The summary; infeasible or unanswered instances have no quantities.

    Raises:
        InputError: If a file is not valid.
        UsageError: If there is no such scenario, or the file holds no plan.
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
    """Split a name into file and scenario; the name of a file may contain #."""
    path, sign, scenario = name.rpartition("#")
    if not sign or os.path.exists(name):
        return Path(name), None
    return Path(path), scenario


def _changes_of(file: Opened, scenario: str, changes: Mapping[str, str]) -> dict[str, str]:
    """Return the changes of a scenario, without wildcards. Raises UsageError if the instance has no such scenario."""
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
    """Summarize a saved plan. Raises UsageError if the file holds no plan or the currency is not known."""
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
    """Return the instance in a file, and the open file if the plan was made from the same parameters."""
    try:
        found = opened(file)
        instance = found.with_changes()
    except InputError:
        return None, None
    return instance, found if instance.figures == figures else None
