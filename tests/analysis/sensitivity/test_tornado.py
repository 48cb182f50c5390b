"""The tornado: bars that a solve confirms, an order known by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.analysis.varied import TINY

from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.tornado import Tornado, compute_tornado
from medalopt.analysis.sensitivity.uncertain_parameters import (
    ParameterGroup,
    find_parameter_groups,
    get_assay_correlation,
)
from medalopt.errors import NoPlanError
from medalopt.instance import load
from medalopt.solve_instance import solve
from medalopt.text import render_path

BY_HAND = Path(__file__).parent / "uncertain.yaml"


def moved(path: Path = BY_HAND, **changes: str) -> dict[str, ParameterGroup]:
    """Return the factors of an instance by their paths."""
    return {
        f"{render_path(one.path)} {one.of}".strip(): one for one in find_parameter_groups(ScenarioRunner(path, changes))
    }


@pytest.fixture(scope="module")
def by_hand() -> Tornado:
    """Return the tornado of the instance by hand."""
    return compute_tornado(ScenarioRunner(BY_HAND), 1)


def test_the_order_is_that_of_arithmetic(by_hand: Tornado) -> None:
    """4 t x 1 kg x 80 % = 3.2 kg from phones and 6.8 kg of 8 bought: the possible shortage ranks first."""
    assert by_hand.base.value == pytest.approx(6.8e5 + 4_000)
    order = [render_path(bar.factor.path) for bar in by_hand.bars]
    # least moved first: the limit (7.2 kg still do) stays behind; a tenth more coins (7.8 kg) still has a plan
    assert order[:2] == ["treatments.hand.recovery", "devices.phone.content.Ag"]
    assert [bar.count_status_changes(by_hand.base) for bar in by_hand.bars[:3]] == [1, 1, 0]
    assert order[2] == "market.silver.price"
    price = by_hand.bars[2]
    assert [end.result.compute_effect(by_hand.base) for end in price.ends] == pytest.approx([-0.2 * 6.8e5, 0.2 * 6.8e5])


def test_what_is_short_is_reported_in_kilograms(by_hand: Tornado) -> None:
    """With 48 % recovered 1.92 kg come from phones and 8 are bought: 80 g are short; of half the assay 400 g."""
    ends = [bar.down for bar in by_hand.bars[:2]]
    assert [end.measured for end in ends] == [True, True]
    assert [dict(end.shortage or {}) for end in ends] == [{"Ag": pytest.approx(0.08)}, {"Ag": pytest.approx(0.4)}]
    assert not any(end.measured for bar in by_hand.bars for end in bar.ends if end.result.feasible)


def test_a_share_stays_a_share(by_hand: Tornado) -> None:
    """40 % above 80 % is capped at 100 %, as is a recovery of 100 %; the bar reports the cap."""
    bars = {render_path(bar.factor.path): bar for bar in by_hand.bars}
    recovery = bars["treatments.hand.recovery"]
    assert (recovery.up.capped_count, recovery.down.capped_count) == (1, 0)
    assert recovery.up.result.compute_effect(by_hand.base) == pytest.approx(-0.8e5)
    returned = bars["smelters.near.returned"]
    assert (returned.up.capped_count, returned.up.result.compute_effect(by_hand.base)) == (1, 0.0)
    assert returned.down.result.compute_effect(by_hand.base) == pytest.approx(0.05 * 3.2e5)


def test_what_is_moved_by_its_cv(by_hand: Tornado) -> None:
    """Assay, recovery, return and price move by the instance's cv, all else by a tenth."""
    cvs = {render_path(bar.factor.path): bar.factor.cv for bar in by_hand.bars if bar.factor.cv is not None}
    assert cvs == {
        "devices.phone.content.Ag": 0.5,
        "treatments.hand.recovery": 0.4,
        "smelters.near.returned": 0.05,
        "market.silver.price": 0.2,
    }
    assert {bar.factor.relative_step for bar in by_hand.bars if bar.factor.cv is None} == {0.1}


@pytest.mark.parametrize("path", [BY_HAND, TINY])
def test_every_bar_is_what_a_solve_finds(path: Path) -> None:
    """Both ends of each bar equal the optimum of the instance loaded with that change."""
    found = compute_tornado(ScenarioRunner(path), 1)
    for number, bar in enumerate(found.bars):
        for end in bar.ends[number % 2 :: 2] if path == BY_HAND or not number % 6 else ():
            instance = load(path, bar.factor.make_changes(end.factor))
            try:
                expected = solve(instance).objective
            except NoPlanError:
                expected = None
            assert end.result.value == (None if expected is None else pytest.approx(expected, rel=1e-8))


def test_a_plan_that_comes_to_exist() -> None:
    """If the base case is infeasible, the parameter that makes it feasible ranks first; others have no effect."""
    found = compute_tornado(ScenarioRunner(BY_HAND, {"market.silver.limit": "6.7 kg"}), 1)
    assert found.base.status == "infeasible"
    first = found.bars[0]
    assert render_path(first.factor.path) == "smelters.near.returned" or first.count_status_changes(found.base) == 1
    assert {bar.up.result.compute_effect(found.base) for bar in found.bars} == {None}
    assert found.bars[-1].is_idle(found.base)


def test_a_cv_for_a_recovery_that_is_left_out() -> None:
    """A treatment without recovery recovers all: with a cv that is a figure as well, which can only fall."""
    one = moved(**{"treatments.hand": "{accepts: [phone], cv: 10 %}"})["treatments.hand.recovery"]
    assert (one.cv, one.count_capped(1.1), one.make_changes(0.9)) == (0.1, 1, {"treatments.hand.recovery": "0.9"})


def test_a_cv_for_each_metal() -> None:
    """A recovery with a cv by metal is varied metal by metal, also if one value holds for all."""
    found = moved(TINY, **{"treatments.dismantle.cv": "{Ag: 20 %, default: 5 %}"})
    assert found["treatments.dismantle.recovery.Ag"].cv == 0.2
    assert found["treatments.dismantle.recovery.Cu"].cv == 0.05
    assert found["treatments.dismantle.recovery.Ag"].make_changes(0.5) == {"treatments.dismantle.recovery.Ag": "0.4"}
    assert "treatments.dismantle.recovery" not in found


def test_supply_moves_by_the_cv_of_its_stream() -> None:
    """The supply of a stream with a cv moves by it, that of the others by a tenth."""
    first, second, *_ = load(TINY).streams.names
    found = moved(TINY, **{f"streams.{first}.cv": "30 %"})
    assert found[f"streams.{first}.available"].relative_step == 0.3
    assert found[f"streams.{second}.available"].cv is None


def test_many_streams_move_by_device_and_by_region() -> None:
    """Hundreds of rows are moved in groups: all tonnes of a device, all tonnes of a region."""
    tokyo = moved(TINY.parent / "tokyo2020.yaml")
    assert tokyo["streams.*.available device laptop"].parameter_count == 8 * 32
    assert tokyo["streams.*.collection region kanto"].parameter_count == 17
    assert tokyo["lanes.*.distance smelter kosaka"].parameter_count == 8
    assert get_assay_correlation(ScenarioRunner(TINY.parent / "tokyo2020.yaml"), "laptop") == 0.6


def test_only_what_the_measure_depends_on() -> None:
    """For the footprint no price is moved."""
    paths = [render_path(one.path) for one in find_parameter_groups(ScenarioRunner(TINY, objective="footprint"))]
    assert "market.zinc.price" not in paths
    assert "devices.phone.content.Ag" in paths
