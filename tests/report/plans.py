"""Plans that several tests look at, each solved once."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from medalopt import Plan, load, solve

ROOT = Path(__file__).parents[2]
NAMES = ("tiny", "tokyo2020", "rio2016", "dantzig")


@cache
def plan(name: str, *changes: tuple[str, str], objective: str = "cost") -> Plan:
    """Return the best plan of a shipped instance, with `changes` made."""
    return solve(load(ROOT / "instances" / f"{name}.yaml", dict(changes)), objective)
