"""The worked constraints in models/extensions: each holds, each binds, and each costs something."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pandas as pd
import pytest

import medalopt
from medalopt.instance.instance import Instance
from medalopt.instance.routes import build_routes
from medalopt.plan.plan import Plan

ROOT = Path(__file__).parents[2]
NEGLIGIBLE = 1e-6


@pytest.fixture(scope="module")
def tiny() -> Instance:
    """Return the instance in which every family binds."""
    return medalopt.load(ROOT / "instances" / "tiny.yaml")


@pytest.fixture(scope="module")
def free(tiny: Instance) -> Plan:
    """Return its plan without any constraint of one's own."""
    return medalopt.solve(tiny)


def extended(instance: Instance, name: str) -> Plan:
    """Return the plan with the constraint in the file `name`."""
    return medalopt.solve(instance, extensions=[ROOT / "models" / "extensions" / name])


def shares(plan: Plan) -> dict[tuple[str, str], float]:
    """Return each smelter's share of each metal that returns within the horizon, from shipments and yields."""
    instance, found = plan.instance, build_routes(plan.instance)
    smelters, periods = instance.smelters, list(instance.periods)
    lines = zip(found.stream, found.treatment, found.smelter, found.returned, strict=True)
    yields = {
        (instance.streams.names[i], instance.treatments.names[h], smelters.names[k]): (k, returned)
        for i, h, k, returned in lines
        if k >= 0
    }
    kilograms: dict[tuple[str, str], float] = defaultdict(float)
    for row in pd.DataFrame(plan.tables["shipments"]).itertuples():
        k, returned = yields.get((row.stream, row.treatment, row.smelter), (-1, []))
        for e, per_tonne in enumerate(returned):
            if periods.index(row.period) + smelters.lead[k, e] < len(periods):
                kilograms[smelters.names[k], instance.metals.names[e]] += per_tonne * row.tonnes
    in_all: dict[str, float] = defaultdict(float)
    for (_, metal), kg in kilograms.items():
        in_all[metal] += kg
    return {(smelter, metal): kg / in_all[metal] for (smelter, metal), kg in kilograms.items() if in_all[metal] > 0}


def spent(plan: Plan) -> float:
    """Return the most that is spent in one period on shipments, stockpiles and purchases."""
    by_period: dict[str, float] = defaultdict(float)
    for table in ("shipments", "purchases"):
        for row in pd.DataFrame(plan.tables[table]).itertuples():
            by_period[row.period] += row.cost
    instance = plan.instance
    for row in pd.DataFrame(plan.tables["stockpiles"]).itertuples():
        by_period[row.period] += (
            row.tonnes * instance.streams.storage_cost.value[instance.streams.names.index(row.stream)]
        )
    return max(by_period.values())


def test_silver_cap(tiny: Instance, free: Plan) -> None:
    """Without it one smelter returns more than 60 % of the silver; with it exactly 60 %, at a higher cost."""
    silver = [share for (_, metal), share in shares(free).items() if metal == "Ag"]
    assert max(silver) > 0.6 + NEGLIGIBLE
    plan = extended(tiny, "silver_cap.py")
    silver = [share for (_, metal), share in shares(plan).items() if metal == "Ag"]
    assert max(silver) == pytest.approx(0.6, abs=NEGLIGIBLE)
    assert plan.cost > free.cost + 1


def test_two_sources(tiny: Instance, free: Plan) -> None:
    """Without it one smelter returns more than 80 % of a metal; with it exactly 80 % of one, at a higher cost."""
    assert max(shares(free).values()) > 0.8 + NEGLIGIBLE
    plan = extended(tiny, "two_sources.py")
    assert max(shares(plan).values()) == pytest.approx(0.8, abs=NEGLIGIBLE)
    assert plan.cost > free.cost + 1


def test_monthly_budget(tiny: Instance, free: Plan) -> None:
    """Without it one month takes more than the budget; with it exactly the budget, at a higher cost."""
    assert spent(free) > 1_200_000 + 1
    plan = extended(tiny, "monthly_budget.py")
    assert spent(plan) == pytest.approx(1_200_000, abs=1)
    assert plan.cost > free.cost + 1


@pytest.mark.parametrize("path", sorted((ROOT / "models" / "extensions").glob("*.py")), ids=lambda path: path.stem)
def test_each_says_how_to_use_it(path: Path) -> None:
    """Every file gives its formula, its unit and its command line, and has a test here."""
    text = path.read_text(encoding="utf-8")
    assert "$$" in text
    assert "Unit of both sides" in text
    assert f"medalopt solve INSTANCE --extend models/extensions/{path.name}" in text
    assert f"def test_{path.stem}(" in Path(__file__).read_text(encoding="utf-8")
