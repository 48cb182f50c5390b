"""Repairs in the words of a planner: how much more, fewer, later or wider, of what."""

from __future__ import annotations

import dataclasses

import pytest
from tests.refusals.proven import diagnosis, file

import medalopt
from medalopt.analysis.infeasibility.repair import RepairChange
from medalopt.instance.instance import Instance
from medalopt.report.infeasible import describe_change

CASES = {
    "supply": ["2 t more of phone@tokyo by the end of period 2"],
    "bundle": ["2.5 t more of phone@tokyo", "6 t more through leave"],
    "stockpile": [
        "2 t more through kosaka in each period",
        "2 t more of phone@tokyo by the end of period 2",
        "room for 2 t more of phone@tokyo to wait",
    ],
    "casting_capacity": ["1 kg more cast of pure in each period"],
    "no_source": ["0.01 kg more of gold in stock at the start, whose own price is not counted"],
    "melt": ["a melt loss of pure of 0 %", "2.5 t more of phone@tokyo"],
    "fineness_low": ["a window of silver Ag 5 points wider"],
    "others": ["up to 0.5 % of what its composition does not name in silver"],
    "deadline": ["medal cup due 2 months later", "metal back from kosaka 2 months sooner"],
    "demand": ["2 fewer of medal gold", "2 t more of phone@tokyo"],
    "offer_commitment": ["2 kg less committed of bars", "1 more of medal cup"],
    "smelter_limit": ["2 t more through kosaka in all"],
    "recycled": ["a floor of 40 % on recycled silver", "1 kg more of old in all"],
    "mix_low": ["a window of kettle 16.67 points wider", "5 t more of kettle@tokyo"],
    "participation": ["a share sent by every region of 40 %", "2 t more through kosaka"],
    "footprint": ["a cap on the footprint of 1 t"],
    "process_scrap": ["a share of process scrap of pure of 37.5 %", "4 t more of phone@tokyo"],
}
CHANGES = {
    "the commitment of phone@tokyo dropped": RepairChange("streams.phone@tokyo.committed", 25.0, 0.0, "t"),
    "3 t more of phone@tokyo in all": RepairChange("streams.phone@tokyo.available", [1.0, 2.0], [2.0, 4.0], "t"),
    "2 t more of phone@tokyo in all": RepairChange("streams.phone@tokyo.total", 8.0, 10.0, "t"),
    "5 t more through kosaka in period 2": RepairChange("smelters.kosaka.capacity[1]", 0.0, 5.0, "t"),
    "a window of pure Ag 5 points wider": RepairChange("alloys.pure.composition.Ag", 100.0, [95.0, 100.0], "%"),
    "process scrap back from pure 1 period sooner": RepairChange("alloys.pure.scrap.lead", 2, 1, None),
    "a share of the scrap of pure charged again of 30 %": RepairChange("alloys.pure.scrap.returned", 0.0, 30.0, "%"),
    "another devices.phone.content.Ag": RepairChange("devices.phone.content.Ag", 1.0, 2.0, "kg/t"),
}


def instance(name: str) -> Instance:
    """Return a case."""
    return medalopt.load(file(name))


@pytest.mark.parametrize("name", CASES)
def test_each_cure_is_said_with_its_amount(name: str) -> None:
    """The words give the difference that the proof at the head of the file gives."""
    told = [describe_change(instance(name), change) for repair in diagnosis(name).repairs for change in repair.changes]
    assert told == CASES[name]


@pytest.mark.parametrize("text", CHANGES)
def test_rarer_changes_are_said_too(text: str) -> None:
    """Lists, single periods, windows of one number and process scrap have words of their own."""
    assert describe_change(instance("supply"), CHANGES[text]) == text


def test_months_are_named_where_the_periods_are_months() -> None:
    """In periods with a date, each is called by its length."""
    figures = dataclasses.replace(instance("supply"), periods=("2017-04", "2017-05"), period_length="month")
    assert describe_change(figures, RepairChange("streams.phone@tokyo.available", 1.0, 2.0, "t")).endswith(
        "in each month"
    )
