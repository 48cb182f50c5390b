"""Delays compared with instances that are late in the file, and deadlines with solves on both sides."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
from tests.analysis.sensitivity import deleted
from tests.analysis.varied import TINY
from tests.laws import pool

from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.what_if import ContractDeadline, DelayAnalysis, delay_instance, evaluate_delays
from medalopt.errors import NoPlanError, UsageError

PLANS = range(6)  # of the random instances with a plan


def found(instance: deleted.Document, periods: int) -> DelayAnalysis | None:
    """Return the effect of a delay; None if infeasible."""
    with deleted.variants(instance) as variants:
        try:
            return evaluate_delays(variants, periods)
        except NoPlanError:
            return None


def leads_later(instance: deleted.Document, by: int) -> None:
    """Write longer leads into `instance`."""
    for smelter in (instance.get("smelters") or {}).values():
        lead = smelter.get("lead", 0)
        every = {"default": 0, **lead} if isinstance(lead, dict) else None
        smelter["lead"] = {metal: n + by for metal, n in every.items()} if every else lead + by


def offered(instance: deleted.Document, change: Any) -> None:
    """Set the supply of each stream of `instance` to `change(name, tonnes)`; tonnes is a list of periods."""
    with deleted.variants(instance) as variants:
        streams = variants.instance.streams
        now = dict(zip(streams.names, streams.available.value.tolist(), strict=True))
    for stream in instance.get("streams") or []:
        name = stream.get("name") or f"{stream['device']}@{stream['region']}"
        stream.pop("total", None)
        stream["available"] = [f"{tonnes!r} t" for tonnes in change(name, now[name])]


@pytest.mark.parametrize("number", PLANS)
@pytest.mark.parametrize("periods", [1, 2])
def test_a_delay_costs_what_the_late_instance_costs(number: int, periods: int) -> None:
    """Delays of lead times, supply and both equal the instance that is late in the file."""
    instance = deleted.random(pool.solvable(number))
    told = found(instance, periods)
    assert told is not None
    for late in told.effects:
        other = copy.deepcopy(instance)
        if late.what in ("leads", "both"):
            leads_later(other, periods)
        if late.what in ("supply", "both"):
            offered(other, lambda _, tonnes: ([0.0] * periods + tonnes)[: len(tonnes)])
        plan = deleted.solved(other)
        assert (plan is not None) == (late.extra < float("inf")), late
        if plan is not None:
            size = sum(abs(paid) for paid in plan.costs.values()) + abs(told.value)
            assert abs(told.value + late.extra - plan.cost) <= 1e-6 * max(1.0, size), late
        else:
            assert late.shortage is None or late.shortage


def test_no_delay_changes_nothing() -> None:
    """A delay of 0 periods has no cost, no loss and no shortage."""
    told = evaluate_delays(ScenarioRunner(TINY), 0)
    assert all((late.extra, late.lost, late.shortage) == (0.0, 0.0, None) for late in told.effects)


def test_what_comes_after_the_horizon_is_lost() -> None:
    """Supply of the last month is lost by a delay of one month; all is lost by a long one."""
    variants = ScenarioRunner(TINY)
    offers = variants.instance.streams.available.value
    assert evaluate_delays(variants, 1).effects[1].lost == pytest.approx(offers[:, -1].sum())
    assert evaluate_delays(variants, 9).effects[1].lost == pytest.approx(offers.sum())
    assert not delay_instance(variants.instance, 0, 9).streams.available.value.any()


def test_a_delay_is_not_less_than_nothing() -> None:
    """A negative delay is rejected."""
    with pytest.raises(UsageError, match="0 or more"):
        evaluate_delays(ScenarioRunner(TINY), -1)


def instance(**changed: Any) -> deleted.Document:
    """Return 2 kg of silver due after four months; 1 t of phones a month has 1 kg, back a month later."""
    return {
        "format": "medalopt/1",
        "name": "by_hand",
        "currency": "JPY",
        "periods": {"start": "2017-04", "count": 4, "length": "month"},
        "metals": {"Ag": {"title": "silver"}, "Cu": {"title": "copper"}},
        "devices": {"phone": {"content": {"Ag": "1 kg/t"}}},
        "streams": [{"device": "phone", "region": "tokyo", "available": "1 t", "collection": "100 JPY/t"}],
        "smelters": {"kosaka": {"returned": {"Ag": 1.0}, "lead": 1}},
        "market": {
            "silver": {"composition": {"Ag": 1.0}, "price": 1_000},
            "copper": {"composition": {"Cu": 1.0}, "price": [7, 7, 7, 9]},
            "dear": {"composition": {"Cu": 1.0}, "price": 90},
        },
        "alloys": {"pure": {"composition": {"Ag": 1.0}}, "red": {"composition": {"Cu": 1.0}}},
        "medals": {"coin": {"count": 2, "parts": {"pure": "1 kg"}}, "cup": {"count": 3, "parts": {"red": "1 kg"}}},
        **changed,
    }


def deadlines(given: deleted.Document) -> dict[str, ContractDeadline]:
    """Return the deadlines by path."""
    told = found(given, 0)
    assert told is not None
    return {one.path: one for one in told.deadlines}


def test_deadlines_by_hand() -> None:
    """Two of the first three months must bring phones: sign by May. Copper is dearer in July: sign by June."""
    told = deadlines(instance())
    assert told["streams.phone@tokyo"].last == "2017-05" == told["smelters.kosaka"].last
    assert told["streams.phone@tokyo"].extra == pytest.approx(900) == told["smelters.kosaka"].extra
    assert told["market.copper"].last == "2017-06" and told["market.copper"].extra == pytest.approx(3 * 2)
    assert told["market.dear"].last is None and told["market.silver"].last is None


def test_what_something_else_does_as_well_is_never_needed() -> None:
    """Of two offers at the same price each may be missing for good, whichever the plan takes."""
    given = instance()
    given["market"]["dear"]["price"] = given["market"]["copper"]["price"] = 7
    told = deadlines(given)
    assert told["market.dear"].last is None and told["market.copper"].last is None
    assert (told["market.dear"].first is None) != (told["market.copper"].first is None)


def test_deadlines_by_solves_on_both_sides() -> None:
    """Signed by the deadline the plan costs the same; a month later it costs the stated amount."""
    first = instance()
    plain = deleted.solved(first)
    assert plain is not None
    for month, extra in ((1, 0.0), (2, 900.0)):
        other = instance()
        offered(other, lambda _, tonnes, month=month: [0.0] * month + tonnes[month:])
        plan = deleted.solved(other)
        assert plan is not None and plan.cost == pytest.approx(plain.cost + extra)
        other = instance()
        other["smelters"]["kosaka"]["capacity"] = ["0 t"] * month + ["100 t"] * (4 - month)
        plan = deleted.solved(other)
        assert plan is not None and plan.cost == pytest.approx(plain.cost + extra)


def test_deadlines_of_supply_in_a_file() -> None:
    """In the instance in which everything binds, each deadline of supply is confirmed by solves on both sides."""
    tiny = yaml.safe_load(TINY.read_text(encoding="utf-8"))
    tiny["policy"].pop("participation")  # which asks less of a region that offers less
    told, plain = deadlines(tiny), deleted.solved(tiny)
    assert plain is not None
    months = list(plain.instance.periods)
    checked = 0
    for one in told.values():
        if one.kind not in ("bundle", "stream") or one.last is None:
            continue
        names = {one.name} if one.kind == "stream" else {"phone@west", "kettle@west"}
        for month, free in ((months.index(one.last), True), (months.index(one.last) + 1, False)):
            other = copy.deepcopy(tiny)
            offered(
                other,
                lambda name, tonnes, month=month, names=names: (
                    [0.0] * month + tonnes[month:] if name in names else tonnes
                ),
            )
            plan = deleted.solved(other)
            extra = float("inf") if plan is None else plan.cost - plain.cost
            assert extra == pytest.approx(0.0 if free else one.extra, abs=1e-3), one
            checked += 1
    assert checked >= 6
