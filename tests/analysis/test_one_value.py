"""One quantity has one value: shadow prices as `solve`, `plan`, `explain` and `sensitivity` give them in JSON."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from tests.cli.runs import ROOT, here
from tests.report.plans import plan as solved_plan

from medalopt.instance.instance import Instance
from medalopt.plan.metal_values import MetalValues
from medalopt.text import parse_path

UNITS = {"kg": 1.0, "t": 1000.0, "%": 1.0}  # masses in kg


def _read(verb: str, name: str, *options: str) -> Any:
    """Return the JSON of a verb."""
    return json.loads(here(verb, str(ROOT / "instances" / f"{name}.yaml"), *options, "--json").out)


def _compare_between(dual: float, low: float | None, high: float | None) -> None:
    """Check that a dual value lies between the prices of both directions, which may agree; None: infeasible."""
    noise = 1e-7 * max(1.0, abs(dual))
    assert low is None or dual >= low - noise
    assert high is None or dual <= high + noise


def _compare_supply(row: Any, instance: Instance, prices: list[Any], by_path: dict[str, Any]) -> bool:
    """Check the price of supply scaled as offered; return whether ranges have a price of each period to compare."""
    streams = [str(parse_path(path)[1]) for path in row["paths"] if path.endswith(".available")]
    if not streams:
        return False
    offered = {name: instance.streams.available.value[instance.streams.names.index(name)] for name in streams}
    total = sum(float(tonnes.sum()) for tonnes in offered.values())
    dual = -sum(
        one["value"] * float(offered[str(parse_path(one["path"])[1])][instance.periods.index(one["period"])])
        for one in prices
        if one["path"] in row["paths"]
    )
    _compare_between(dual / total, row["saves"], row["costs"])
    single = [f"{row['paths'][0]}[{t}]" for t in range(len(instance.periods))]
    if len(streams) > 1 or not all(path in by_path for path in single):
        return False
    up = sum(by_path[path]["price_up"] * by_path[path]["value"] for path in single)
    assert row["saves"] == pytest.approx(-up / total, rel=1e-6)
    return True


@pytest.mark.parametrize("name", ["tiny", "steelco"])
def test_a_price_is_the_same_in_every_report(name: str) -> None:
    """Limits, supply scaled as offered, metals and medals: both directions where they differ, the dual between them."""
    solve, orders = _read("solve", name), _read("plan", name, "--brief")
    explained, ranges = _read("explain", name)["explanation"], _read("sensitivity", name)["ranges"]
    by_path = {row["path"]: row for row in ranges}
    assert orders["prices"] == solve["prices"]
    duals: dict[str, float] = {}
    for row in solve["prices"]:
        duals[row["path"]] = duals.get(row["path"], 0.0) + row["value"]
    instance, compared = solved_plan(name).instance, set()
    for row in explained["binding"]:
        path, step = row["paths"][0], row["change"]
        if len(row["paths"]) > 1 or path.endswith(".available"):
            continue
        if path in by_path and by_path[path]["unit"] in UNITS:
            factor = UNITS[row["unit"]] / UNITS[by_path[path]["unit"]]
            up, down = (factor * by_path[path][key] for key in ("price_up", "price_down"))
            saves, costs = (up, down) if step > 0 else (down, up)
            assert (row["saves"], row["costs"]) == pytest.approx((-saves, costs), rel=1e-6)
            compared.add("limit with a kink" if row["costs"] != pytest.approx(row["saves"], rel=1e-6) else "limit")
        if path in duals:
            _compare_between(-step * duals[path], row["saves"], row["costs"])
    for row in explained["binding"]:
        if _compare_supply(row, instance, solve["prices"], by_path):
            compared.add("supply")
    values = dict(zip(instance.metals.names, MetalValues(solved_plan(name)).per_kilogram.tolist(), strict=True))
    for row in explained["prices"]:
        section, member = parse_path(row["path"])[:2]
        if section == "metals":
            _compare_between(values[str(member)], row["fewer"], row["more"])
            compared.add("metal" if row["more"] == pytest.approx(row["fewer"], rel=1e-6) else "metal with a kink")
        elif row["path"] in by_path:  # a whole medal costs the rate where the range extends so far
            found, one = by_path[row["path"]], 1.0
            if found["high"] is None or found["high"] >= found["value"] + one:
                assert row["more"] == pytest.approx(found["price_up"], rel=1e-6)
                compared.add("medal")
            _compare_between(duals[row["path"]], -found["price_down"], found["price_up"])
    first = {row["path"]: row["value"] for row in solve["prices"] if row["period"] == instance.periods[0]}
    for metal in np.array(instance.metals.names)[instance.metals.opening_stock.value > 0].tolist():
        found = by_path[f"metals.{metal}.opening_stock"]
        _compare_between(first[f"metals.{metal}"], -found["price_up"], found["price_down"])
        compared.add("stock")
    expected = {"tiny": {"limit", "limit with a kink", "supply", "metal", "medal", "stock"}}
    assert compared == expected.get(name, {"limit with a kink", "metal", "metal with a kink"})
