"""The record of 2018 as settlement sheets: its sums are those published, and the table of what follows is true."""

from __future__ import annotations

import shlex
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from tests.instances.test_readme import rows

import medalopt
from medalopt.analysis.replanning.in_transit import KG_PER_TONNE
from medalopt.analysis.replanning.replan import Replan, make_replan_problem
from medalopt.errors import NoPlanError
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
    """Metal by then, tonnes from municipalities and phones from shops are those that were published."""
    last = BASE.periods.index(month)
    lots = read_lots(TOKYO.parent / "tokyo2020" / f"record-{month}.csv", BASE, build_routes(BASE), last)
    returned = np.nansum(lots.payable[(lots.settled >= 0) & (lots.settled <= last)], axis=0)
    assert dict(zip(BASE.metals.names, returned, strict=True)) == pytest.approx(
        {**metal_kg, "Pd": 0, "Zn": 0}, rel=1e-5
    )
    municipal = BASE.streams.bundle[lots.stream] >= 0
    if municipal_t:
        assert lots.devices_t[municipal].sum() == pytest.approx(municipal_t, abs=0.1)
    apiece_t = BASE.devices.unit_mass.value[BASE.streams.device[lots.stream]] / 1000
    assert (lots.devices_t / apiece_t)[~municipal].sum() == pytest.approx(phones_m * 1e6, rel=1e-5)


@pytest.mark.parametrize("row", rows("command, the record"), ids=lambda row: "-".join(row[0].split()[4:7]))
def test_what_follows_from_the_record(row: tuple[str, ...]) -> None:
    """Each line of the table is what planning anew gives."""
    command, silver, of_plan, on_its_way, taken, to_come, in_all = row
    words = shlex.split(command.strip("`"))
    changes = dict(word.split("=", 1) for word in words if "=" in word)
    after, actuals = (words[words.index(option) + 1] for option in ("--after", "--actuals"))
    asked = make_replan_problem(medalopt.load(TOKYO, changes), after, ROOT / actuals)
    if of_plan == "–":
        with pytest.raises(NoPlanError):
            medalopt.solve(asked.actuals.instance)
    found = Replan(asked, medalopt.solve(asked.remaining_instance), None if of_plan == "–" else first_plan())
    metal, last = BASE.metals.names.index("Ag"), asked.actuals.last
    assert f"{found.returned_now[metal, last]:,.0f}" == silver
    if found.returned_before is not None:
        assert f"{100 * found.returned_now[metal, last] / found.returned_before[metal, last]:.0f}" == of_plan
    assert f"{asked.actuals.metal_in_transit[metal].sum():,.0f}" == on_its_way
    assert f"{found.plan.tonnes - asked.actuals.metal_in_transit.sum() / KG_PER_TONNE:,.0f}" == taken
    assert (f"{found.plan.cost / 1e9:.3f}", f"{found.total_cost / 1e9:.3f}") == (to_come, in_all)
