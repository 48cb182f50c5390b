"""A plan as JSON, member for member as the documents say."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from tests.report.plans import NAMES, plan

from medalopt.report.render.json import JsonTable, build_plan_object, render_json, stream_json

MEMBERS = [
    *("format", "status", "instance", "objective", "cost", "footprint", "tonnes", "shipments", "stockpiles"),
    *(
        "purchases",
        "metals",
        "melts",
        "casts",
        "left",
        "parties",
        "risk",
        "prices",
        "duals",
        "certificate",
        "solver",
        "digests",
    ),
]
COSTS = [
    *("supply", "collection", "treatment", "transport", "smelting", "refining", "residue", "storage"),
    *("purchases", "holding", "sales", "scrap", "total"),
]
ROWS: dict[str, dict[str, tuple[type, ...]]] = {
    "shipments": {
        **{"stream": (str,), "device": (str,), "region": (str,), "treatment": (str,)},
        **{"smelter": (str, type(None)), "period": (str,), "tonnes": (float,), "cost": (float,)},
    },
    "stockpiles": {"stream": (str,), "period": (str,), "tonnes": (float,)},
    "purchases": {"offer": (str,), "alloy": (str,), "period": (str,), "kg": (float,), "cost": (float,)},
    "metals": {
        **{"metal": (str,), "period": (str,), "returned": (float,), "used": (float,)},
        **{"surplus": (float,), "stock": (float,)},
    },
    "melts": {"alloy": (str,), "period": (str,), "metal": (str,), "kg": (float,)},
    "casts": {"alloy": (str,), "period": (str,), "charged": (float,), "scrap": (float,), "cast": (float,)},
    "left": {"terms": (str,), "metal": (str,), "period": (str,), "kg": (float,), "revenue": (float,)},
    "parties": {"party": (str,), "kind": (str,), "cost": (float,)},
    "risk": {
        **{"metal": (str,), "period": (str,), "needed_kg": (float,), "mean_kg": (float,), "sd_kg": (float,)},
        **{"q05_kg": (float,), "q95_kg": (float,), "probability": (float,)},
    },
    "prices": {
        **{"path": (str,), "period": (str, type(None)), "value": (float,), "unit": (str,)},
        "meaning": (str,),
    },
    "duals": {"rule": (str,), "key": (list,), "value": (float,)},
}
AMOUNT = {"shipments": "tonnes", "stockpiles": "tonnes", "purchases": "kg", "melts": "kg", "casts": "cast"}


def read_plan_object(name: str) -> dict[str, Any]:
    """Return the JSON of a plan."""
    return dict(json.loads(render_json(build_plan_object(plan(name)))))


def numbers(value: Any) -> Iterator[float]:
    """Yield every number in `value`."""
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from numbers(part)
    elif isinstance(value, float | int):
        yield value


@pytest.mark.parametrize("name", NAMES)
def test_members_and_their_types(name: str) -> None:
    """Every member and column is there, in its order, none besides, each of its type; every number is finite."""
    plan_told = read_plan_object(name)
    tokyo = name == "tokyo2020"  # the only one with payers, a `cv`, and metal left with the smelters
    optional = set() if tokyo else {"parties", "risk", "left"}
    members = [one for one in MEMBERS if one not in optional]
    assert list(plan_told) == members
    assert plan_told["format"] == "medalopt/plan/1" and plan_told["status"] == "optimal"
    assert list(plan_told["instance"]) == ["name", "files", "figures"]
    assert all(
        len(digest) == 64 for digest in [*plan_told["instance"]["files"].values(), plan_told["instance"]["figures"]]
    )
    assert list(plan_told["objective"]) == ["measure", "value", "unit"]
    assert list(plan_told["cost"]) == COSTS
    assert list(plan_told["certificate"]) == [
        *("primal_violation", "lower_bound", "gap", "arithmetic", "scope"),
        *("basis", "exact_value"),
    ]
    assert list(plan_told["solver"]) == ["name", "version", "method"]
    for table, columns in ROWS.items():
        more = {"called_back": (float,)} if tokyo and table == "metals" else {}
        for row in plan_told.get(table, []):
            assert list(row) == [*columns, *more]
            assert all(type(row[column]) in types for column, types in {**columns, **more}.items()), row
    assert all(math.isfinite(number) for number in numbers(plan_told))


@pytest.mark.parametrize("name", NAMES)
def test_costs_add_up(name: str) -> None:
    """The parts of the cost come to its total, which is the objective; those of the rows to their parts."""
    plan_told = read_plan_object(name)
    cost = dict(plan_told["cost"])
    total = cost.pop("total")
    size = sum(abs(part) for part in cost.values())
    assert sum(cost.values()) == pytest.approx(total, abs=1e-12 * size)
    assert plan_told["objective"]["value"] == pytest.approx(total, abs=1e-12 * size)
    ways = sum(
        cost[kind] for kind in ("supply", "collection", "treatment", "transport", "smelting", "refining", "residue")
    )
    assert sum(row["cost"] for row in plan_told["shipments"]) == pytest.approx(ways, abs=1e-12 * size)
    assert sum(row["cost"] for row in plan_told["purchases"]) == pytest.approx(cost["purchases"], abs=1e-12 * size)
    assert sum(row["tonnes"] for row in plan_told["shipments"]) == pytest.approx(plan_told["tonnes"], rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_metals_have_every_row_and_add_up(name: str) -> None:
    """Every metal and period has a row; the stock balances to 1e-9, and none is negative."""
    instance = plan(name).instance
    rows = read_plan_object(name)["metals"]
    assert [(row["metal"], row["period"]) for row in rows] == [
        (metal, period) for metal in instance.metals.names for period in instance.periods
    ]
    opening = dict(zip(instance.metals.names, instance.metals.opening_stock.value.tolist(), strict=True))
    turnover = {metal: opening[metal] + sum(r["returned"] for r in rows if r["metal"] == metal) for metal in opening}
    stock = dict(opening)
    for row in rows:
        metal = row["metal"]
        stock[metal] += row["returned"] - row["used"] - row["surplus"]
        assert row["stock"] == pytest.approx(stock[metal], abs=1e-9 * turnover[metal])
        assert row["stock"] == 0 or row["stock"] > 1e-9 * turnover[metal]
        assert min(row["returned"], row["used"], row["surplus"], row["stock"]) >= 0
        called_back = row.get("called_back", 0)
        assert called_back == 0 or called_back > 1e-9 * turnover[metal]


@pytest.mark.parametrize("name", NAMES)
def test_rows_of_nothing_are_left_out(name: str) -> None:
    """No table but metals has zero rows, and no price or dual value is 0."""
    plan_told = read_plan_object(name)
    for table, column in (AMOUNT | {"prices": "value", "duals": "value"}).items():
        assert all(row[column] > 0 if table in AMOUNT else row[column] != 0 for row in plan_told[table])


@pytest.mark.parametrize("name", NAMES)
def test_melts_come_to_what_is_charged(name: str) -> None:
    """The metals charged sum to the charge of the cast, unnamed matter included, less the loss."""
    plan_told, alloys = read_plan_object(name), plan(name).instance.alloys
    loss = dict(zip(alloys.names, alloys.loss.value.tolist(), strict=True))
    for cast in plan_told["casts"]:
        here = [row["kg"] for row in plan_told["melts"] if all(row[key] == cast[key] for key in ("alloy", "period"))]
        assert sum(here) == pytest.approx(cast["charged"], rel=1e-9)
        assert cast["cast"] == pytest.approx((cast["charged"] + cast["scrap"]) * (1 - loss[cast["alloy"]]), rel=1e-9)


def test_no_name_breaks_the_text() -> None:
    """Quotes, backslashes and signs beyond ASCII are read back as they were, and the text is ASCII."""
    names = ['a "quoted" one', "back\\slash", "携帯", "</script>"]
    written = render_json({"names": names, "none": None, "empty": []})
    assert written.isascii()
    assert json.loads(written) == {"names": names, "none": None, "empty": []}


def test_what_is_not_finite_is_not_written() -> None:
    """A number that JSON does not know is an error, not a word of our own."""
    with pytest.raises(ValueError, match="JSON"):
        render_json({"value": math.inf})


def test_a_long_table_is_written_in_pieces() -> None:
    """A table by columns gives the text of its rows, byte for byte, in pieces that hold some rows each."""
    columns: dict[str, list[object]] = {
        "name": [None if n % 7 == 0 else f'"ä%{n % 5}' for n in range(9_000)],
        "mixed": [n if n % 2 else float(n) for n in range(9_000)],
        "amount": [n / 7 for n in range(9_000)],
    }
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    pieces = list(stream_json({"a": 1, "rows": JsonTable(columns), "none": JsonTable({"name": []}), "b": [1]}))
    assert "".join(pieces) == render_json({"a": 1, "rows": rows, "none": [], "b": [1]})
    assert max(map(len, pieces)) < sum(map(len, pieces)) / 2
    with pytest.raises(ValueError, match="not JSON compliant"):
        list(stream_json({"rows": JsonTable({"amount": [1.0, float("nan")]})}))
