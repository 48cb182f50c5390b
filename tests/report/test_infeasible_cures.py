"""Repairs in words of a planner: how much more, fewer, later or wider."""

from __future__ import annotations

import dataclasses

import pytest
from tests.refusals.proven import diagnosis, file
from tests.report.reading import mentions

import medalopt
from medalopt.analysis.infeasibility.repair import RepairChange
from medalopt.instance.instance import Instance
from medalopt.report.infeasible import describe_change

Words = tuple[tuple[str, ...], tuple[float, ...]]  # names and numbers of a phrase
CASES: dict[str, list[Words]] = {
    "supply": [(("phone@tokyo", "period 2"), (2,))],
    "bundle": [(("phone@tokyo",), (2.5,)), (("leave",), (6,))],
    "stockpile": [
        (("kosaka", "each period"), (2,)),
        (("phone@tokyo", "period 2"), (2,)),
        (("phone@tokyo", "storage"), (2,)),
    ],
    "casting_capacity": [(("pure", "each period"), (1,))],
    "no_source": [(("gold", "stock"), (0.01,))],
    "melt": [(("pure", "melt loss"), (0,)), (("phone@tokyo",), (2.5,))],
    "fineness_low": [(("silver Ag",), (5,))],
    "others": [(("silver",), (0.5,))],
    "deadline": [(("cup", "later"), (2,)), (("kosaka", "sooner"), (2,))],
    "demand": [(("gold", "fewer"), (2,)), (("phone@tokyo",), (2,))],
    "offer_commitment": [(("bars", "less"), (2,)), (("cup", "more"), (1,))],
    "smelter_limit": [(("kosaka", "total"), (2,))],
    "recycled": [(("silver", "recycled"), (40,)), (("old", "total"), (1,))],
    "mix_low": [(("kettle", "wider"), (16.67,)), (("kettle@tokyo",), (5,))],
    "participation": [(("region",), (40,)), (("kosaka",), (2,))],
    "footprint": [(("footprint",), (1,))],
    "process_scrap": [(("pure", "process scrap"), (37.5,)), (("phone@tokyo",), (4,))],
}
CHANGES: dict[str, tuple[RepairChange, Words]] = {
    "a commitment dropped": (
        RepairChange("streams.phone@tokyo.committed", 25.0, 0.0, "t"),
        (("phone@tokyo", "dropped"), ()),
    ),
    "supply by period": (
        RepairChange("streams.phone@tokyo.available", [1.0, 2.0], [2.0, 4.0], "t"),
        (("phone@tokyo", "total"), (3,)),
    ),
    "supply in total": (RepairChange("streams.phone@tokyo.total", 8.0, 10.0, "t"), (("phone@tokyo", "total"), (2,))),
    "capacity of one period": (
        RepairChange("smelters.kosaka.capacity[1]", 0.0, 5.0, "t"),
        (("kosaka", "period 2"), (5,)),
    ),
    "a window": (
        RepairChange("alloys.pure.composition.Ag", 100.0, [95.0, 100.0], "%"),
        (("pure Ag", "wider"), (5,)),
    ),
    "the lead of process scrap": (
        RepairChange("alloys.pure.scrap.lead", 2, 1, None),
        (("pure", "1 period", "sooner"), (1,)),
    ),
    "process scrap charged again": (
        RepairChange("alloys.pure.scrap.returned", 0.0, 30.0, "%"),
        (("pure", "process scrap"), (30,)),
    ),
    "an assay": (
        RepairChange("devices.phone.content.Ag", 1.0, 2.0, "kg/t"),
        (("devices.phone.content.Ag",), ()),
    ),
}


def instance(name: str) -> Instance:
    """Return a case."""
    return medalopt.load(file(name))


@pytest.mark.parametrize("name", CASES)
def test_each_cure_is_said_with_its_amount(name: str) -> None:
    """The words give the difference that the proof at the head of the file gives."""
    told = [describe_change(instance(name), change) for repair in diagnosis(name).repairs for change in repair.changes]
    assert len(told) == len(CASES[name])
    assert all(
        mentions(text, *names, numbers=numbers) for text, (names, numbers) in zip(told, CASES[name], strict=True)
    )


@pytest.mark.parametrize("kind", CHANGES)
def test_rarer_changes_are_said_too(kind: str) -> None:
    """Lists, single periods, windows of one number and process scrap are named with the amount of their change."""
    change, (names, numbers) = CHANGES[kind]
    assert mentions(describe_change(instance("supply"), change), *names, numbers=numbers)


def test_months_are_named_where_the_periods_are_months() -> None:
    """In periods with a date, each is called by its length."""
    figures = dataclasses.replace(instance("supply"), periods=("2017-04", "2017-05"), period_length="month")
    assert describe_change(figures, RepairChange("streams.phone@tokyo.available", 1.0, 2.0, "t")).endswith(
        "in each month"
    )
