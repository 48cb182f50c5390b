"""Ties of the objective are broken by cost, then by tonnes."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.laws import pool
from tests.random_instances import Case

BODY = {"cost": "model.cost", "footprint": "model.footprint", "mass": "model.tonnes"}
ROOM = 1e-8  # beside what is paid, by which a measure may lie above its best

TIES = """
format: medalopt/1
name: ties
currency: JPY
metals: {{Cu: {{title: copper}}}}
devices: {{rich: {{content: {{Cu: 100 kg/t}}}}, poor: {{content: {{Cu: 50 kg/t}}}}}}
streams:
  - {{device: rich, region: here, name: a, available: 10 t, price: {a[0]}, footprint: {a[1]}}}
  - {{device: rich, region: here, name: b, available: 10 t, price: {b[0]}, footprint: {b[1]}}}
  - {{device: poor, region: here, name: c, available: 10 t, price: {c[0]}, footprint: {c[1]}}}
smelters: {{near: {{returned: 100 %}}}}
alloys: {{bronze: {{composition: {{Cu: 100 %}}}}}}
medals: {{bronze: {{count: 100, parts: {{bronze: 1 kg}}}}}}
"""


@pytest.mark.parametrize(
    ("measure", "a", "b", "c", "chosen"),
    [
        ("footprint", (70, 5), (60, 5), (10, 5), {"b": 1.0}),  # c emits twice as much for its copper
        ("footprint", (70, 6), (80, 6), (30, 3), {"c": 2.0}),  # all emit the same: the cheapest
        ("footprint", (60, 6), (80, 6), (30, 3), {"a": 1.0}),  # the same at the same cost: the fewest tonnes
        ("mass", (70, 1), (60, 9), (10, 0), {"b": 1.0}),  # c takes twice the tonnes, though it costs the least
        ("mass", (60, 9), (70, 1), (10, 0), {"a": 1.0}),
        ("cost", (60, 9), (70, 0), (30, 0), {"a": 1.0}),  # a and c cost the same: the fewest tonnes
    ],
)
def test_ties_that_are_known(
    measure: str, a: tuple[int, int], b: tuple[int, int], c: tuple[int, int], chosen: dict[str, float]
) -> None:
    """A hundred kilograms of copper from streams that differ in one thing alone come from the one that should win."""
    plan = pool.solved(pool.read(Case({"instance.yaml": TIES.format(a=a, b=b, c=c)})), measure)
    assert plan is not None
    table = plan.tables["shipments"]
    assert dict(zip(table["stream"], table["tonnes"], strict=True)) == pytest.approx(chosen)


def capped(folder: Path, caps: dict[str, float]) -> Path:
    """Return an extension that keeps measures at or below a value each."""
    lines = [
        f"    model.cap_{measure} = pyo.Constraint(expr=(None, {BODY[measure]}, {most!r}))"
        for measure, most in caps.items()
    ]
    path = folder / "capped.py"
    path.write_text("\n".join(["import pyomo.environ as pyo", "def extend(model, instance):", *lines, ""]), "utf-8")
    return path


def least(seed: int, measure: str, caps: dict[str, float], folder: Path) -> tuple[float, float]:
    """Return the least value of `measure` while the others stay optimal, and its accuracy.

    The others get a small slack, whose effect the dual values bound.
    """
    room = {other: ROOM * abs(best) for other, best in caps.items()}
    extension = capped(folder, {other: best + room[other] for other, best in caps.items()})
    plan = pool.solved(pool.instance(seed), measure, [extension])
    assert plan is not None
    worth = sum(-row.dual * room[row.name.removeprefix("cap_")] for row in plan.added.rows)
    return plan.objective + worth, pool.slack(plan) + 1e-2 * worth


@pytest.mark.parametrize("measure", ["footprint", "mass"])
@pytest.mark.parametrize("seed", pool.SEEDS)
def test_among_equals_the_cost_decides(seed: int, measure: str, tmp_path: Path) -> None:
    """No plan with the same footprint, or the same mass, costs less."""
    plan = pool.plan(seed, measure)
    if plan is not None:
        cost, exact = least(seed, "cost", {measure: plan.objective}, tmp_path)
        assert plan.cost == pytest.approx(cost, rel=0, abs=exact)


@pytest.mark.parametrize("measure", ["cost", "footprint"])
@pytest.mark.parametrize("seed", pool.SEEDS)
def test_among_equals_of_one_cost_the_tonnes_decide(seed: int, measure: str, tmp_path: Path) -> None:
    """No plan with the same measure and the same cost sends less."""
    plan = pool.plan(seed, measure)
    if plan is not None:
        tonnes, exact = least(seed, "mass", {measure: plan.objective, "cost": plan.cost}, tmp_path)
        assert plan.tonnes == pytest.approx(tonnes, rel=0, abs=exact)
