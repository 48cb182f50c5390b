"""Outages compared with the instance from whose file the element was deleted."""

from __future__ import annotations

import copy
import math

import pytest
import yaml
from tests.analysis.sensitivity import deleted
from tests.analysis.varied import TINY

from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.base_case import ShortageSolver
from medalopt.analysis.sensitivity.what_if import OutageLosses, evaluate_outages
from medalopt.errors import NoPlanError, UsageError

SEEDS = range(9)
NEAR = 1e-6


def found(instance: deleted.Document, **asked: object) -> OutageLosses | None:
    """Return the loss by each outage; None if infeasible."""
    with deleted.variants(instance) as variants:
        try:
            return evaluate_outages(variants, **asked)  # type: ignore[arg-type]
        except NoPlanError:
            return None


def stocked(instance: deleted.Document, short: dict[str, float], share: float) -> deleted.Document:
    """Return `instance` with a share of the missing metal as opening stock."""
    left = copy.deepcopy(instance)
    for metal, kg in short.items():
        with deleted.variants(instance) as variants:
            metals = variants.instance.metals
            before = float(metals.opening_stock.value[metals.names.index(metal)])
        left["metals"][metal] = {**(left["metals"].get(metal) or {}), "opening_stock": before + kg * share}
    return left


@pytest.mark.parametrize("seed", SEEDS)
def test_it_costs_what_the_instance_without_it_costs(seed: int) -> None:
    """Each extra cost is that of the instance from whose file the thing was deleted; no plan here is none there."""
    instance = deleted.random(seed)
    told = found(instance)
    if told is None:
        return
    for loss in told.losses:
        plan = deleted.solved(deleted.without(instance, loss.kind, loss.name))
        assert (plan is not None) == loss.feasible, (loss, plan)
        if plan is not None:
            size = sum(abs(paid) for paid in plan.costs.values()) + abs(told.value)
            assert abs(told.value + loss.extra - plan.cost) <= NEAR * max(1.0, size), loss


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_short_is_what_would_make_a_plan(seed: int) -> None:
    """With the metal that is short in stock there is a plan; with a hundredth less of a single metal there is none."""
    instance = deleted.random(seed)
    told = found(instance)
    for loss in told.losses if told else ():
        if loss.feasible or not loss.shortage:
            continue
        left = deleted.without(instance, loss.kind, loss.name)
        assert deleted.solved(stocked(left, dict(loss.shortage), 1 + NEAR)) is not None, loss
        if len(loss.shortage) == 1:
            assert deleted.solved(stocked(left, dict(loss.shortage), 0.99)) is None, loss


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_cheaper_without_unless_a_rule_brought_it_in(seed: int) -> None:
    """Without commitments and participation no outage reduces the cost."""
    instance = deleted.random(seed)
    (instance.get("policy") or {}).pop("participation", None)
    for section in ("smelters", "market"):
        for figures in (instance.get(section) or {}).values():
            figures.pop("committed", None)
    for stream in instance.get("streams", []):
        stream.pop("committed", None)
    told = found(instance)
    assert told is None or all(loss.extra >= 0 for loss in told.losses)


def test_from_a_month_on() -> None:
    """From a month on is as if the file gave no capacity, no supply and prices beyond all measure from then on."""
    instance = yaml.safe_load(TINY.read_text(encoding="utf-8"))
    told = found(instance, start="2017-06")
    assert told is not None and told.start == "2017-06" and not told.whole
    for loss in told.losses:
        left = copy.deepcopy(instance)
        if loss.kind in ("smelter", "treatment"):
            figures = left[f"{loss.kind}s"][loss.name]
            figures.pop("committed", None)
            cap = figures.get("capacity", "1000 t")
            figures["capacity"] = [cap, cap, "0 t", "0 t"]
        elif loss.kind == "offer":
            figures = left["market"][loss.name]
            figures.pop("committed", None)
            prices = figures["price"] if isinstance(figures["price"], list) else [figures["price"]] * 4
            figures["price"] = [*prices[:2], "1_000_000 JPY/g", "1_000_000 JPY/g"]
        else:
            streams = [s for s in left["streams"] if loss.name in (s["region"], deleted.channel(s))]
            for stream in streams:
                stream.pop("committed", None)
                offered = stream["available"]
                offered = offered if isinstance(offered, list) else [offered] * 4
                stream["available"] = [*offered[:2], "0 t", "0 t"]
        plan = deleted.solved(left)
        cost = math.inf if plan is None or plan.cost > 1e9 else plan.cost
        assert told.value + loss.extra == pytest.approx(cost, rel=1e-7), loss


def test_any_month_names_its_period() -> None:
    """If periods are quarters or years, any month names the one that contains it."""
    instance = yaml.safe_load(TINY.read_text(encoding="utf-8"))
    instance["periods"]["length"] = "quarter"
    for medal in instance["medals"].values():
        medal.pop("due", None)
    told = found(instance, paths=["smelters.near"], start="2017-09")
    assert told is not None and told.start == "2017-07"


def test_one_thing_alone() -> None:
    """A path asks for one thing alone, and it comes to the same as among all."""
    variants = ScenarioRunner(TINY)
    one = evaluate_outages(variants, ["smelters.near", "channels.phone"])
    every = {loss.path: loss.extra for loss in evaluate_outages(variants).losses}
    assert {loss.path: loss.extra for loss in one.losses} == pytest.approx(
        {path: every[path] for path in ("smelters.near", "channels.phone")}
    )


@pytest.mark.parametrize(
    ("paths", "start", "message"),
    [
        (["smelters.nowhere"], None, "has this name; there are smelters.far"),
        (["medals.gold"], None, "no supplier, smelter, treatment or offer has this name"),
        (["smelters..near"], None, "a name is missing"),
        ([], "2019-01", "names no period: those are `2017-04` to `2017-07`"),
    ],
)
def test_what_names_nothing_is_refused(paths: list[str], start: str | None, message: str) -> None:
    """An unknown path or period is rejected with the names that exist."""
    with pytest.raises(UsageError, match=message):
        evaluate_outages(ScenarioRunner(TINY), paths, start)


def test_the_most_serious_is_first() -> None:
    """Without a plan comes before any cost, a cost before a saving."""
    told = evaluate_outages(ScenarioRunner(TINY))
    order = [(not loss.feasible, loss.extra) for loss in told.losses]
    assert order == sorted(order, reverse=True)


def test_what_comes_from_elsewhere_counts_as_recycled() -> None:
    """With 100 % recycled content the shortage is that of recycled sources: mined metal does not help."""
    instance = yaml.safe_load(TINY.read_text(encoding="utf-8"))
    instance["policy"]["recycled"] = {"Ag": "100 %"}
    for offer in ("old_coins", "refined_silver"):
        del instance["market"][offer]
    with deleted.variants(instance) as variants:
        short = ShortageSolver(variants.instance).compute_shortage()
    assert short is not None and set(short) == {"Ag"}
    assert deleted.solved(stocked(instance, dict(short), 1 + NEAR)) is not None
    assert deleted.solved(stocked(instance, dict(short), 0.99)) is None


def test_nothing_is_short_where_there_is_a_plan() -> None:
    """The shortage of the feasible base instance is 0."""
    assert ShortageSolver(ScenarioRunner(TINY).instance).compute_shortage() == {}


@pytest.mark.parametrize("share", ["1 %", "100 %"])
def test_a_region_that_goes_whole_owes_nothing(share: str) -> None:
    """An outage of a whole region removes its participation minimum exactly, in any order of summation."""
    offers = {"a": [2.2, 10.9], "b": [6.61, 3.3], "c": [7.66, 9.99]}
    instance = {
        "format": "medalopt/1",
        "name": "regions",
        "currency": "EUR",
        "periods": {"count": 2},
        "metals": {"Ag": {}},
        "devices": {name: {"content": {"Ag": "1 kg/t"}} for name in offers},
        "streams": [
            *({"device": name, "region": "north", "available": each} for name, each in offers.items()),
            {"device": "a", "region": "east", "available": "50 t"},
        ],
        "smelters": {"s": {"returned": "90 %"}},
        "alloys": {"fine": {"composition": {"Ag": "100 %"}}},
        "medals": {"m": {"count": 1, "parts": {"fine": "9 kg"}}},
        "policy": {"participation": share},
    }
    told = found(instance)
    assert told is not None and all(loss.proven for loss in told.losses)
    losses = {loss.path: loss for loss in told.losses}
    assert losses["regions.north"].feasible and losses["channels.b"].feasible
