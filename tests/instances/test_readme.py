"""Tables of instances/README.md agree with the results."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import medalopt
from medalopt import Plan
from medalopt.errors import NoPlanError
from medalopt.instance.lot_relaxation import drop_lot_constraints
from medalopt.instance.routes import build_routes

ROOT = Path(__file__).parents[2]
README = (ROOT / "instances" / "README.md").read_text(encoding="utf-8")


def rows(first_column: str) -> list[tuple[str, ...]]:
    """Return the cells of the table whose header begins with `first_column`, without its two first lines."""
    table = README.split(f"\n| {first_column} |", 1)[1].split("\n\n", 1)[0]
    return [tuple(cell.strip() for cell in line.strip("| ").split(" | ")) for line in table.splitlines()[2:]]


OPTIMA = rows("instance | objective")
RUNS = rows("command")


@cache
def solved(path: Path, changes: tuple[tuple[str, str], ...], objective: str) -> Plan | None:
    """Return the plan of `answer`, which several tables may state."""
    return answer(path, dict(changes), objective)


def answer(path: Path, changes: dict[str, str], objective: str = "cost") -> Plan | None:
    """Return the plan, None where there is none; of an objective `..., lots cut` the one without whole lots."""
    measure, _, cut = objective.partition(", ")
    try:
        instance = medalopt.load(path, changes)
        return medalopt.solve(drop_lot_constraints(instance) if cut else instance, measure)
    except NoPlanError:
        return None


@pytest.mark.parametrize("row", OPTIMA, ids=lambda row: "-".join(row[:2]))
def test_the_certified_optima(row: tuple[str, ...]) -> None:
    """Each line of the table of optima holds: status, optimum to ten digits, unit and size."""
    name, objective, status, optimum, unit, streams, ways, periods = row
    instance = medalopt.load(ROOT / "instances" / f"{name}.yaml")
    assert (len(instance.streams.names), len(build_routes(instance).stream), len(instance.periods)) == (
        int(streams),
        int(ways),
        int(periods),
    )
    plan = solved(ROOT / "instances" / f"{name}.yaml", (), objective)
    if status == "no plan":
        assert plan is None
    else:
        assert plan is not None and (plan.status, plan.unit) == (status, unit)
        assert plan.objective == pytest.approx(float(optimum), rel=1e-8)


@pytest.mark.parametrize("row", RUNS, ids=lambda row: row[0].strip("`").removeprefix("medalopt solve instances/"))
def test_the_runs_against_the_record(row: tuple[str, ...]) -> None:
    """Each command of the second table answers with the cost, tonnes and value of silver beside it."""
    command, cost, tonnes, silver = row
    words = shlex.split(command.strip("`"))
    assert words[:2] == ["medalopt", "solve"]
    changes = dict(word.split("=", 1) for word in words[3:] if word != "--set")
    plan = solved(ROOT / words[2], tuple(changes.items()), "cost")
    if cost == "no plan":
        assert plan is None
        return
    assert plan is not None
    value = max(marginal.value for marginal in plan.marginals if marginal.path == "metals.Ag")
    assert (f"{plan.cost / 1e9:.3f}", f"{plan.tonnes:,.0f}", f"{value / 1e6:.3g}") == (cost, tonnes, silver)


def test_every_instance_is_described() -> None:
    """Each instance is in the first table and has its optimum in the second."""
    names = {path.stem for path in (ROOT / "instances").glob("*.yaml")}
    described = README.split("\n\n", 2)[1]
    assert names == set(re.findall(r"\((\w[\w-]*)\.yaml\)", described))
    assert names == {row[0] for row in OPTIMA}


def test_the_schema_beside_the_instances_is_the_program_s_own() -> None:
    """The schema named by every instance equals the output of `medalopt schema`."""
    printed = subprocess.run([sys.executable, "-m", "medalopt", "schema"], capture_output=True, check=True).stdout
    assert (ROOT / "instances" / "medalopt-1.schema.json").read_bytes() == printed
    for path in (ROOT / "instances").glob("*.yaml"):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert first == "# yaml-language-server: $schema=medalopt-1.schema.json", path.name
