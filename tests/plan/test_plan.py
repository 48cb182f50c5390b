"""The plan: costs that add up, tables, data frames, and lazy imports."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest
from tests.model.cases import MEASURES, ROOT, at_random, changed, conforming, loaded, plain, planned

from medalopt.plan.plan import Plan
from medalopt.plan.tables import TABLE_BUILDERS

COLUMNS = {
    "shipments": ["stream", "device", "region", "treatment", "smelter", "period", "tonnes", "cost"],
    "stockpiles": ["stream", "period", "tonnes"],
    "purchases": ["offer", "alloy", "period", "kg", "cost"],
    "metals": ["metal", "period", "returned", "used", "surplus", "stock"],
    "melts": ["alloy", "period", "metal", "kg"],
    "casts": ["alloy", "period", "charged", "scrap", "cast"],
}
UNITS = {"shipments": 2, "stockpiles": 1, "purchases": 2, "metals": 4, "melts": 1, "casts": 3}  # columns with a unit
KINDS = [
    *("supply", "collection", "treatment", "transport", "smelting", "refining", "residue", "storage"),
    *("purchases", "holding", "sales", "scrap"),
]


def plans() -> Iterator[Plan]:
    """Yield plans of the conformance instances and of random ones, for the three objectives."""
    for instance in (*conforming().values(), *map(at_random, range(30))):
        for measure in MEASURES:
            plan = planned(instance, measure)
            if plan is not None:
                yield plan


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Return the plan of the plain case."""
    plan = planned(loaded(plain()))
    assert plan is not None
    return plan


def test_costs_add_up_to_the_objective() -> None:
    """Twelve kinds of cost make the cost of the plan, which is the objective where cost is made least."""
    for plan in plans():
        paid = sum(abs(cost) for cost in plan.costs.values())
        assert list(plan.costs) == KINDS
        assert sum(plan.costs.values()) == plan.cost
        expected = {"cost": plan.cost, "footprint": plan.footprint, "mass": plan.tonnes}[plan.measure]
        assert plan.objective == pytest.approx(expected, abs=1e-9 * max(1, paid))


def test_the_costs_of_shipments_and_purchases_stand_in_their_tables() -> None:
    """Costs in the tables of shipments and purchases add up to the costs by kind."""
    for plan in plans():
        costs, tables = plan.costs, plan.tables
        paid = sum(abs(cost) for cost in costs.values())
        network = sum(costs[kind] for kind in KINDS[:7])
        assert sum(tables["shipments"]["cost"]) == pytest.approx(network, abs=1e-9 * max(1, paid))
        assert sum(tables["purchases"]["cost"]) == pytest.approx(costs["purchases"], abs=1e-9 * max(1, paid))
        assert sum(tables["shipments"]["tonnes"]) == pytest.approx(plan.tonnes)


def test_tables_have_their_columns_and_no_rows_of_nothing() -> None:
    """Every table has its columns in order, of one length; only the metals list every period."""
    amounts = {"shipments": "tonnes", "stockpiles": "tonnes", "purchases": "kg", "melts": "kg", "casts": "cast"}
    assert list(TABLE_BUILDERS) == list(COLUMNS)
    for plan in plans():
        for name, table in plan.tables.items():
            assert list(table) == COLUMNS[name]
            assert len({len(column) for column in table.values()}) == 1
            assert all(value > 0 for value in table.get(amounts.get(name, ""), []))
        metals, periods = plan.instance.metals.names, plan.instance.periods
        assert plan.tables["metals"]["metal"] == [metal for metal in metals for _ in periods]
        assert plan.tables["metals"]["period"] == list(periods) * len(metals)


def test_the_metal_account_closes_in_the_table() -> None:
    """In every row the stock equals the previous stock plus returns less charges and surplus."""
    for plan in plans():
        table = {name: np.array(column) for name, column in plan.tables["metals"].items() if column}
        shape = (len(plan.instance.metals.names), len(plan.instance.periods))
        back, used, over, stock = (table[name].reshape(shape) for name in ("returned", "used", "surplus", "stock"))
        opening = plan.instance.metals.opening_stock.value[:, None]
        size = opening + back.sum(axis=1)[:, None]
        expected = opening + np.cumsum(back - used - over, axis=1)
        assert (abs(stock - expected) <= 2e-9 * size).all()


def test_what_is_melted_is_what_is_cast() -> None:
    """Metals and unnamed matter of a melt add up to its charge; with scrap, less loss, to the cast."""
    for plan in plans():
        melts, casts = plan.tables["melts"], plan.tables["casts"]
        charged: dict[tuple[str, str], float] = {}
        for alloy, period, kg in zip(melts["alloy"], melts["period"], melts["kg"], strict=True):
            charged[alloy, period] = charged.get((alloy, period), 0.0) + kg
        names = plan.instance.alloys.names
        for alloy, period, charge, scrap, cast in zip(*casts.values(), strict=True):
            loss = plan.instance.alloys.loss.value[names.index(alloy)]
            assert charged.get((alloy, period), 0.0) == pytest.approx(charge, rel=1e-9, abs=1e-12)
            assert (charge + scrap) * (1 - loss) == pytest.approx(cast, rel=1e-9)


def test_unnamed_matter_is_other() -> None:
    """An offer of 80 % silver and 20 % unnamed matter melts to 4 kg of silver and 1 kg of `other`."""
    document = changed(
        streams=None,
        smelters=None,
        market={"old": {"composition": {"Ag": "80 %"}, "price": "1 JPY/kg"}},
        alloys={"silver": {"composition": {"Ag": ["75 %", "100 %"]}, "others": "20 %"}},
        periods={"count": 1},
    )
    plan = planned(loaded(document))
    assert plan is not None
    assert dict(zip(plan.tables["melts"]["metal"], plan.tables["melts"]["kg"], strict=True)) == {
        "Ag": pytest.approx(4),
        "other": pytest.approx(1),
    }


def test_a_route_without_a_smelter_has_none_in_the_table() -> None:
    """Tonnes passed on to ordinary recycling have a treatment and no smelter."""
    document = changed(treatments={"whole": {}, "leave": {"to_smelter": 0}})
    document["streams"][0] |= {"committed": "15 t", "collection": 0}
    document["smelters"]["smelter"] |= {"limit": "5.5 t", "treatment_charge": "1 JPY/t"}
    plan = planned(loaded(document))
    assert plan is not None
    table = plan.tables["shipments"]
    left = [kg for kg, smelter in zip(table["tonnes"], table["smelter"], strict=True) if smelter is None]
    assert sum(left) == pytest.approx(10)
    assert {t for t, smelter in zip(table["treatment"], table["smelter"], strict=True) if smelter is None} == {"leave"}


def test_frames_hold_what_the_tables_hold(plan: Plan) -> None:
    """A pandas frame for each table, column by column the same, and one for the marginal values."""
    for name in COLUMNS:
        frame = getattr(plan, name)
        assert [column for column in frame.columns if " [" not in column] == COLUMNS[name][: -UNITS[name]]
        assert list(frame.to_dict("list").values()) == list(plan.tables[name].values())
    assert list(plan.shipments.columns)[-2:] == ["taken [t]", "cost [JPY]"]
    assert list(plan.purchases.columns)[-2:] == ["bought [kg]", "cost [JPY]"]
    prices = plan.shadow_prices.astype(object)
    rows = prices.where(prices.notna(), None).to_dict("records")
    assert rows == [marginal.row() for marginal in plan.marginals]
    assert plan.shipments is plan.shipments


def test_a_plan_is_frozen(plan: Plan) -> None:
    """No part of a plan can be set to another value."""
    for field in fields(plan):
        with pytest.raises(FrozenInstanceError):
            setattr(plan, field.name, None)


def test_a_plan_says_what_it_is(plan: Plan) -> None:
    """Status, unit, method and solver are those of the proof, the currency and the run."""
    assert (plan.status, plan.unit, plan.objective) == ("optimal", "JPY", plan.cost)
    assert plan.method.endswith(", direct")
    assert plan.solver[0].isdigit()
    assert {planned(plan.instance, measure).unit for measure in MEASURES} == {"JPY", "kg CO2e", "t"}  # type: ignore[union-attr]


def test_pandas_is_imported_with_the_first_frame() -> None:
    """Solving imports no pandas; the first frame does."""
    code = f"""
import sys, medalopt
plan = medalopt.solve(medalopt.load({str(ROOT / "instances" / "dantzig.yaml")!r}))
plan.tables, plan.marginals, plan.cost
assert "pandas" not in sys.modules
plan.shipments
assert "pandas" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
