"""Analyses beside plans that several tests use, each run once."""

from __future__ import annotations

from functools import cache

from tests.report.plans import ROOT, plan

from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sourcing.plan_analyses import PlanAnalyses, analyse_plan


@cache
def variants(name: str, *changes: tuple[str, str]) -> ScenarioRunner:
    """Return the variants of a shipped instance, with `changes` made."""
    return ScenarioRunner(ROOT / "instances" / f"{name}.yaml", dict(changes))


@cache
def around(name: str, *changes: tuple[str, str]) -> PlanAnalyses:
    """Return the analyses beside the plan of a shipped instance with `changes`."""
    return analyse_plan(plan(name, *changes), variants(name, *changes))
