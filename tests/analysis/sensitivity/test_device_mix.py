"""The mix of devices: tonnes that stay, costs that an independent solve confirms, kilograms that are short."""

from __future__ import annotations

import dataclasses
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from tests.analysis.nearby import ROOT, written
from tests.random_instances import from_seed

import medalopt
from medalopt import Instance
from medalopt.analysis.scenario_runner import ScenarioProgram, ScenarioRunner
from medalopt.analysis.sensitivity.device_mix import (
    CURVE_ACCURACY,
    EDGE_ACCURACY,
    DeviceMix,
    analyse_device_mix,
    solve_named_mixes,
)
from medalopt.analysis.sensitivity.supply_mix import MixSolver, SupplyMix
from medalopt.errors import NoPlanError, UsageError
from medalopt.instance.arrays import ExactArray, ExactNumber
from medalopt.solve_instance import solve
from medalopt.solver.verification import solve_from_scratch

TINY = ROOT / "instances/tiny.yaml"
# 1 kg of silver is owed; a tonne of phones holds 1 kg, a tonne of kettles 0.1 kg, and all of it comes back.
SMALL: dict[str, Any] = {
    "metals": {"Ag": {"title": "silver"}},
    "devices": {"phone": {"content": {"Ag": "1 kg/t"}}, "kettle": {"content": {"Ag": "0.1 kg/t"}}},
    "streams": [
        {"device": "phone", "region": "r", "bundle": "box", "available": "2 t", "collection": "100 JPY/t"},
        {"device": "kettle", "region": "r", "bundle": "box", "available": "2 t", "collection": "100 JPY/t"},
    ],
    "smelters": {"s": {"returned": {"Ag": "100 %"}}},
    "alloys": {"silver": {"composition": {"Ag": "100 %"}}},
    "medals": {"one": {"count": 1, "parts": {"silver": "1 kg"}}},
}


def small(folder: Path, **sections: Any) -> ScenarioRunner:
    """Return the variants of the small instance with other sections."""
    path = folder / "small.yaml"
    head = {"format": "medalopt/1", "name": "small", "currency": "JPY"}
    path.write_text(yaml.safe_dump({**head, **SMALL, **sections}), encoding="utf-8")
    return ScenarioRunner(path)


@cache
def tiny() -> DeviceMix:
    """Return the mix of the shipped small case, with its triangle."""
    return analyse_device_mix(ScenarioRunner(TINY), ("phone", "laptop", "kettle"))


def offering(instance: Instance, available: np.ndarray[Any, np.dtype[np.float64]]) -> Instance:
    """Return the instance with other tonnes."""
    figures = ExactArray.gather([ExactNumber(float(tonnes)) for tonnes in available.ravel()], available.shape)
    return dataclasses.replace(instance, streams=dataclasses.replace(instance.streams, available=figures))


def _sums(instance: Instance) -> dict[tuple[int, int], list[float]]:
    """Return the tonnes of each bundle, or of a region's other streams, in each period."""
    streams, found = instance.streams, {}
    for i in range(len(streams.names)):
        key = (int(streams.bundle[i]), int(streams.region[i]))
        found[key] = found.get(key, 0) + streams.available.value[i]
    return {key: sums.tolist() for key, sums in found.items()}


@pytest.mark.parametrize("times", [0.0, 0.3, 1.7, 2.0, 3.9])
def test_every_source_keeps_its_tonnes(times: float) -> None:
    """Whatever the share of a device, each bundle, region and period keeps its tonnes; so it does for a split."""
    instance = medalopt.load(TINY)
    offer, before = SupplyMix.from_instance(instance), _sums(instance)
    for device in range(3):
        for other in (offer.scale_share(device, times), offer.split_joint_supply({0: times, 1: 1.0, 2: 0.5})):
            after = _sums(other)
            assert after.keys() == before.keys()
            for key, tonnes in before.items():
                assert after[key] == pytest.approx(tonnes, rel=1e-12, abs=1e-12)


def test_the_present_share_is_the_base_case() -> None:
    """At its present share the tonnes are unchanged and the cost is the base cost."""
    instance = medalopt.load(TINY)
    offer = SupplyMix.from_instance(instance)
    for device in range(3):
        assert np.array_equal(offer.scale_share(device, 1.0).streams.available.value, offer.available)
    assert tiny().base.value == pytest.approx(medalopt.solve(instance).objective, rel=1e-9)


def test_the_others_keep_their_proportion(tmp_path: Path) -> None:
    """A device at half its share of a bundle: the other fills it up."""
    offer = SupplyMix.from_instance(small(tmp_path).instance)
    assert offer.scale_share(1, 0.5).streams.available.value.ravel().tolist() == [3.0, 1.0]  # kettles, then phones
    assert offer.scale_share(1, 2.0).streams.available.value.ravel().tolist() == [0.0, 4.0]


def test_every_cost_is_that_of_an_independent_solve() -> None:
    """Each point's cost equals a solve of the changed instance; infeasible points are infeasible there."""
    instance = medalopt.load(TINY)
    offer = SupplyMix.from_instance(instance)
    for curve in tiny().curves:
        device = instance.devices.names.index(curve.device)
        for point in curve.points[::5]:
            changed = offering(instance, offer.scale_share(device, point.times).streams.available.value)
            if point.result.value is None:
                with pytest.raises(NoPlanError):
                    solve(changed)
            else:
                assert point.result.value == pytest.approx(solve(changed).objective, rel=1e-7)


def test_between_points_the_cost_lies_near_the_line() -> None:
    """In the middle of neighbouring points the cost is near the straight line between them."""
    answers = MixSolver(ScenarioRunner(TINY))
    for curve in tiny().curves:
        device = answers.runner.instance.devices.names.index(curve.device)
        points = [point for point in curve.points if point.result.value is not None]
        for low, high in zip(points[::2], points[1::2], strict=False):
            middle = answers.solve_mix(
                answers.build_scenario(answers.offer.scale_share(device, (low.times + high.times) / 2))
            )
            line = ((low.result.value or 0) + (high.result.value or 0)) / 2
            assert middle.value == pytest.approx(line, abs=CURVE_ACCURACY * (tiny().base.value or 0))


def test_the_range_with_plans_is_found(tmp_path: Path) -> None:
    """The silver of 4 t is enough while a sixth of them are phones: 4 (p + 0.1 (1 - p)) = 1 at p = 1/6."""
    curves = {curve.device: curve for curve in analyse_device_mix(small(tmp_path)).curves}
    low, high = curves["phone"].feasible_range or (0, 0)
    assert low == pytest.approx(1 / 6, abs=EDGE_ACCURACY * 0.5)
    assert low >= 1 / 6
    assert high == 1
    without = curves["phone"].least_point.result
    assert without.shortage == pytest.approx({"Ag": 0.6})  # 4 t of kettles hold 0.4 kg of the 1 kg
    low, high = curves["kettle"].feasible_range or (0, 0)
    assert (low, high) == (0, pytest.approx(5 / 6, abs=EDGE_ACCURACY * 0.5))


def test_a_tenth_of_a_share_costs_what_it_costs_by_hand(tmp_path: Path) -> None:
    """1 kg from a bundle of 0.55 kg a tonne takes 1/0.55 t; with a tenth more phones, 0.595 kg a tonne, less."""
    curves = {curve.device: curve for curve in analyse_device_mix(small(tmp_path)).curves}
    phone = curves["phone"]
    assert tiny().base.scarce  # and here nothing is scarce but silver, as cheap as the goods it is in
    step = phone.share * 0.1
    more = 100 / (0.55 + 0.9 * step) - 100 / 0.55
    assert phone.more == pytest.approx(more, rel=1e-6)
    assert phone.less == pytest.approx(100 / (0.55 - 0.9 * step) - 100 / 0.55, rel=1e-6)


def test_mixes_of_the_file(tmp_path: Path) -> None:
    """A mix of all tonnes, of one bundle, and one that leaves tonnes out, each as reckoned by hand."""
    mixes = {
        "present": {"phone": "50 %", "kettle": "50 %"},
        "kettles": {"kettle": "100 %"},
        "few_phones": {"phone": "20 %"},
        "boxes": {"bundle": "box", "shares": {"phone": "75 %", "kettle": "20 %"}},
    }
    variants = small(tmp_path, mixes=mixes)
    answers = MixSolver(variants)
    found = {mix.name: mix for mix in solve_named_mixes(answers, [])}
    assert found["present"].result.value == pytest.approx(answers.base.value)
    assert found["kettles"].result.shortage == pytest.approx({"Ag": 0.6})
    assert found["few_phones"].result.tonnes == pytest.approx(0.8)
    assert found["few_phones"].missing == pytest.approx(0.8)
    assert found["few_phones"].result.shortage == pytest.approx({"Ag": 0.2})
    assert found["boxes"].result.tonnes == pytest.approx(3.8)
    assert found["boxes"].result.value == pytest.approx(100 * 3.8 / 3.08)  # 3 t of phones, 0.8 t of kettles


def test_a_mix_leaves_other_sources_alone(tmp_path: Path) -> None:
    """Streams outside the bundle are unchanged; a device without supply contributes 0 t."""
    shop = {"device": "phone", "region": "r", "name": "shop", "available": "1 t"}
    devices = {**SMALL["devices"], "iron": {"content": {"Ag": "1 g/t"}}}
    mixes = {"boxes": {"bundle": "box", "shares": {"kettle": "90 %", "iron": "10 %"}}, "irons": {"iron": "100 %"}}
    variants = small(tmp_path, devices=devices, streams=[*SMALL["streams"], shop], mixes=mixes)
    boxes, irons = solve_named_mixes(MixSolver(variants), [])
    assert boxes.result.tonnes == pytest.approx(1 + 3.6)
    assert boxes.absent == irons.absent == ("iron",)
    assert irons.result.tonnes == 0
    assert irons.result.shortage == pytest.approx({"Ag": 1.0})


def test_a_bundle_that_is_none_is_reported(tmp_path: Path) -> None:
    """A mix of an unknown bundle is rejected with the nearest name."""
    variants = small(tmp_path, mixes={"m": {"bundle": "boxx", "shares": {"phone": "100 %"}}})
    with pytest.raises(UsageError, match=r"mixes.m.bundle: no stream belongs to a bundle boxx; did you mean `box`\?"):
        solve_named_mixes(MixSolver(variants), [])


def test_a_device_alone_in_its_source_stays(tmp_path: Path) -> None:
    """A device that is the only one of its source has a fixed share and no curve."""
    streams = [{"device": "phone", "region": "r", "available": "2 t"}]
    assert analyse_device_mix(small(tmp_path, streams=streams)).fixed == ("phone",)


def test_without_a_base_plan_it_goes_on(tmp_path: Path) -> None:
    """If the base case is infeasible, feasible shares are found all the same."""
    medals = {"one": {"count": 3, "parts": {"silver": "1 kg"}}}
    found = analyse_device_mix(small(tmp_path, medals=medals))
    assert found.base.value is None
    assert found.base.shortage == pytest.approx({"Ag": 0.8})  # 2.2 of 3 kg
    curves = {curve.device: curve for curve in found.curves}
    assert curves["phone"].feasible_range == (pytest.approx(0.72222, abs=0.005), 1.0)  # 4 (p + 0.1 (1 - p)) = 3
    assert (curves["phone"].less, curves["phone"].more) == (None, None)


def test_what_no_metal_helps_is_no_want_of_metal(tmp_path: Path) -> None:
    """A commitment above the supply is infeasible for another reason than a metal shortage."""
    streams = [dict(SMALL["streams"][0], committed="1 t"), SMALL["streams"][1]]
    curves = {curve.device: curve for curve in analyse_device_mix(small(tmp_path, streams=streams)).curves}
    without = curves["phone"].least_point.result
    assert without.shortage is None
    assert without.reason == "phone@r: 1 t are committed, at most 0 t can be sent on a route"


def test_a_metal_that_nothing_holds_is_short(tmp_path: Path) -> None:
    """Zinc that neither devices nor market hold is missing in every mix."""
    metals = {**SMALL["metals"], "Zn": {}}
    alloys = {"silver": {"composition": {"Ag": "50 %", "Zn": "50 %"}}}
    found = analyse_device_mix(small(tmp_path, metals=metals, alloys=alloys))
    assert found.base.shortage == pytest.approx({"Zn": 0.5})


@pytest.mark.parametrize("seed", range(4))
def test_curves_of_any_instance_are_those_of_solves(seed: int, tmp_path: Path) -> None:
    """Points of random instances agree with programs solved from the beginning, and no tonne is lost."""
    path = tmp_path / "instance.yaml"
    path.write_text(from_seed(seed), encoding="utf-8")
    variants = ScenarioRunner(path)
    offer, before = SupplyMix.from_instance(variants.instance), _sums(variants.instance)
    for curve in analyse_device_mix(variants).curves:
        device = variants.instance.devices.names.index(curve.device)
        for point in curve.points[::5]:
            changed = offer.scale_share(device, point.times)
            assert _sums(changed) == {key: pytest.approx(tonnes, rel=1e-12) for key, tonnes in before.items()}
            alone = solve_from_scratch(ScenarioProgram.build(changed, "cost").program)
            assert alone.feasible == (point.result.value is not None)
            assert not alone.feasible or point.result.value == pytest.approx(alone.value, rel=1e-6, abs=1e-6)


def test_the_triangle_is_that_of_independent_solves() -> None:
    """The splits cover the triangle; the present one has the base cost, others that of a solve."""
    found, instance = tiny().triangle, medalopt.load(TINY)
    assert found is not None
    assert found.present.result.value == tiny().base.value
    assert len(found.splits) == 66
    offer = SupplyMix.from_instance(instance)
    devices = [instance.devices.names.index(name) for name in found.devices]
    for split in found.splits[::13]:
        assert sum(split.parts) == pytest.approx(1)
        changed = offer.split_joint_supply(dict(zip(devices, split.parts, strict=True)))
        if split.result.value is None:
            with pytest.raises(NoPlanError):
                solve(changed)
        else:
            assert split.result.value == pytest.approx(solve(changed).objective, rel=1e-7)


def test_a_split_by_hand(tmp_path: Path) -> None:
    """In a source of three each has its part; one that offers two of them splits its tonnes between those."""
    shop = [
        {"device": "phone", "region": "r", "name": "a_shop", "available": "1 t"},
        {"device": "laptop", "region": "r", "name": "b_shop", "available": "2 t"},
        {"device": "kettle", "region": "q", "name": "c_shop", "available": "5 t"},
    ]
    box = dict(SMALL["streams"][0], device="laptop", available="4 t")
    devices = {**SMALL["devices"], "laptop": {"content": {"Ag": "1 g/t"}}}
    offer = SupplyMix.from_instance(small(tmp_path, devices=devices, streams=[*SMALL["streams"], box, *shop]).instance)
    kettle, laptop, phone = range(3)
    named = dict(zip(offer.instance.streams.names, range(6), strict=True))
    after = offer.split_joint_supply({kettle: 0.5, laptop: 0.2, phone: 0.3}).streams.available.value[:, 0]
    told = {name: float(after[i]) for name, i in named.items()}
    assert told == pytest.approx(
        {"kettle@r": 4, "laptop@r": 1.6, "phone@r": 2.4, "a_shop": 1.8, "b_shop": 1.2, "c_shop": 5}
    )
    assert offer.sum_joint_supply((kettle, laptop, phone)).tolist() == [2, 6, 3]
    assert offer.split_joint_supply({kettle: 1, laptop: 0, phone: 0}).streams.available.value.sum() == pytest.approx(16)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("phone", "kettle", "phon"), "phon is no device of this instance; did you mean `phone`"),
        (("phone", "kettle", "kettle"), "requires three devices"),
        (("phone", "kettle"), "requires three devices"),
        (("phone", "kettle", "iron"), "no stream offers iron"),
        (("phone", "kettle", "brick"), "brick is offered together with neither"),
    ],
)
def test_corners_that_are_none_are_reported(tmp_path: Path, names: tuple[str, ...], told: str) -> None:
    """A triangle has three devices that are offered."""
    devices = {**SMALL["devices"], "iron": {"content": {}}, "brick": {"content": {}}}
    streams = [*SMALL["streams"], {"device": "brick", "region": "r", "available": "1 t"}]
    with pytest.raises(UsageError, match=told):
        analyse_device_mix(small(tmp_path, devices=devices, streams=streams), names)


def test_small_is_as_written() -> None:
    """The small instance of these tests has the plan they reckon with: 1/0.55 t of the bundle."""
    assert medalopt.solve(written(SMALL)).objective == pytest.approx(100 / 0.55)
