"""What lies around plans that several tests look at, each asked once."""

from __future__ import annotations

from functools import cache

from tests.report.plans import ROOT, plan

from medalopt.analysis.sourcing.findings import Findings, findings
from medalopt.analysis.variants import Variants


@cache
def variants(name: str, *changes: tuple[str, str]) -> Variants:
    """Return the variants of a shipped instance, with `changes` made."""
    return Variants(ROOT / "instances" / f"{name}.yaml", dict(changes))


@cache
def around(name: str, *changes: tuple[str, str]) -> Findings:
    """Return what lies around the plan of a shipped instance, with `changes` made."""
    return findings(plan(name, *changes), variants(name, *changes))
