"""The record of 2018 as settlement sheets: published sums, and the table derived from them."""

from __future__ import annotations

import shlex
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from instances.fit.record import RECORD_KG, expected_kg
from tests.instances.test_readme import rows

import medalopt
from medalopt.analysis.replanning.remaining_horizon import KG_PER_TONNE
from medalopt.analysis.replanning.replan import Replan, make_replan_problem
from medalopt.instance.routes import build_routes
from medalopt.instance.settlement import read_lots
from medalopt.plan.plan import Plan

ROOT = Path(__file__).parents[2]
TOKYO = ROOT / "instances" / "tokyo2020.yaml"
BASE = medalopt.load(TOKYO)


@cache
def first_plan() -> Plan:
    """Return the plan of the base case."""
    return medalopt.solve(BASE)


@pytest.mark.parametrize(
    ("month", "metal_kg", "municipal_t", "phones_m"),
    [
        ("2018-06", {"Au": 16.5, "Ag": 1_800, "Cu": 2_700}, None, 4.12),
        ("2018-10", {"Au": 28.4, "Ag": 3_500, "Cu": 2_700}, 47_488, 5.07),
    ],
)
def test_the_sheets_add_up_to_the_record(
    month: str, metal_kg: dict[str, float], municipal_t: float | None, phones_m: float
) -> None:
    """Metal of the devices collected by then, their tonnes and the phones from shops are those that were published."""
    last = BASE.periods.index(month)
    lots = read_lots(TOKYO.parent / "tokyo2020" / f"record-{month}.csv", BASE, build_routes(BASE), last)
    assert not lots.warnings or all("metal" in warning.message for warning in lots.warnings)
    returned = np.nansum(lots.payable, axis=0)
    assert dict(zip(BASE.metals.names, returned, strict=True)) == pytest.approx(
        {**metal_kg, "Pd": 0, "Zn": 0}, rel=1e-5
    )
    municipal = BASE.streams.bundle[lots.stream] >= 0
    if municipal_t:
        assert lots.devices_t[municipal].sum() == pytest.approx(municipal_t, abs=0.1)
    apiece_t = BASE.devices.unit_mass.value[BASE.streams.device[lots.stream]] / 1000
    assert (lots.devices_t / apiece_t)[~municipal].sum() == pytest.approx(phones_m * 1e6, rel=1e-5)


@pytest.mark.parametrize("row", rows("command, the record"), ids=lambda row: row[0].split()[4])
def test_what_follows_from_the_record(row: tuple[str, ...]) -> None:
    """Each line equals the metal expected by the model up to then, and the replan."""
    command, silver, expected, low, high, taken, to_come, in_all = row
    words = shlex.split(command.strip("`"))
    after, actuals = (words[words.index(option) + 1] for option in ("--after", "--actuals"))
    model = [f"{kilograms:,.0f}" for kilograms in expected_kg(first_plan(), after, "Ag")]
    assert model == [expected, low, high]
    asked = make_replan_problem(BASE, after, ROOT / actuals)
    found = Replan(asked, medalopt.solve(asked.remaining_instance), first_plan())
    metal, last = BASE.metals.names.index("Ag"), asked.actuals.last
    credited = found.returned_now[metal, last] + asked.actuals.metal_in_transit[metal].sum()
    assert f"{credited:,.0f}" == silver
    assert f"{found.plan.tonnes - asked.actuals.metal_in_transit.sum() / KG_PER_TONNE:,.0f}" == taken
    assert (f"{found.plan.cost / 1e9:.3f}", f"{found.total_cost / 1e9:.3f}") == (to_come, in_all)


def test_only_the_metal_delivered_by_june_lies_in_the_range_of_the_model() -> None:
    """1,800 kg of June 2018 lie within the 5 to 95 % range; 3,500 kg, delivered and expected in October, above it."""
    (june, october) = (expected_kg(first_plan(), month, "Ag") for month in RECORD_KG)
    assert june[1] <= RECORD_KG["2018-06"]["Ag"] <= june[2]
    assert RECORD_KG["2018-10"]["Ag"] > october[2]
