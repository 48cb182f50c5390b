"""The Tokyo instances say what the record says, and what was fitted fits."""

from __future__ import annotations

import csv
import dataclasses
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import medalopt
from medalopt import Instance
from medalopt.analysis.scenario_runner import ScenarioProgram, ScenarioRunner
from medalopt.analysis.sensitivity.device_mix.compositions import MixSolver
from medalopt.analysis.sensitivity.device_mix.mix_analysis import solve_named_mixes
from medalopt.instance.arrays import ExactArray, ExactNumber
from medalopt.solver.parametric_solver import solve_from_scratch

ROOT = Path(__file__).parents[2]
INSTANCES = ROOT / "instances"
TOKYO = ("tokyo2020", "tokyo2020-owner", "tokyo2020-first-targets", "tokyo2020-base-assays")
PHONES = {"feature_phone", "smartphone"}


@cache
def instance(name: str) -> Instance:
    """Return a shipped instance; loaded once, as none is ever changed."""
    return medalopt.load(INSTANCES / f"{name}.yaml")


def gross_need_kg(of: Instance) -> dict[str, float]:
    """Return what must be cast of each alloy: what is in the medals, and the process scrap."""
    in_medals = of.medals.count @ (of.medals.parts.value * (1 + of.medals.allowance.value)[:, None])
    return dict(zip(of.alloys.names, in_medals / (1 - of.alloys.scrap_share.value), strict=True))


@pytest.mark.parametrize("name", TOKYO)
def test_everything_collected_is_offered(name: str) -> None:
    """Municipalities offer 78,985 t in bundles, shops 6.21 million phones apiece, all by March 2019."""
    streams, devices = instance(name).streams, instance(name).devices
    municipal = streams.bundle >= 0
    assert streams.available.value[municipal].sum() == pytest.approx(78_985, abs=1e-6)
    apiece_kg = devices.unit_mass.value[streams.device[~municipal]]
    units = streams.available.value[~municipal].sum(axis=1) * 1000 / apiece_kg
    assert units.sum() == pytest.approx(6_210_000, abs=1e-3)
    assert streams.available.value[:, 24:].sum() == 0


@pytest.mark.parametrize("as_of, tonnes", [(17, 38_579), (19, 47_488), (24, 78_985)])
def test_the_months_follow_the_published_counts(as_of: int, tonnes: float) -> None:
    """What was offered by August and October 2018 and March 2019 is what had been counted by then."""
    streams = instance("tokyo2020").streams
    assert streams.available.value[streams.bundle >= 0, :as_of].sum() == pytest.approx(tonnes, abs=0.01)


@pytest.mark.parametrize(
    "name, gold, silver, brass",
    [("tokyo2020", 32, 3500, 2200), ("tokyo2020-owner", 32, 3500, 2200), ("tokyo2020-first-targets", 40, 4920, 2944)],
)
def test_the_need_is_what_was_delivered_or_asked_for(name: str, gold: float, silver: float, brass: float) -> None:
    """Medals and process scrap together ask for the published kilograms, within half a per cent."""
    published = {"gold_plate": gold, "silver_999": silver, "red_brass": brass}
    assert gross_need_kg(instance(name)) == pytest.approx(published, rel=0.005)


def test_five_thousand_medals_as_they_were_made() -> None:
    """5,000 medals: 556 g with 6 g of gold, 550 g of silver, 450 g of red brass; all but the zinc recycled."""
    of = instance("tokyo2020")
    mass = dict(zip(of.medals.names, of.medals.parts.value.sum(axis=1), strict=True))
    assert of.medals.count.sum() == 5000
    assert mass == pytest.approx({"gold": 0.556, "silver": 0.55, "bronze": 0.45})
    floors = dict(zip(of.metals.names, of.policy.recycled.value, strict=True))
    assert floors == {"Ag": 1, "Au": 1, "Cu": 1, "Pd": 0, "Zn": 0}


def recovered(of: Instance) -> dict[str, float]:
    """Return what the national mix of treatments recovers from a tonne of municipal goods (g Au, g Ag, kg Cu).

    Phones whole, other rich goods half by hand and half coarsely, low-grade goods half coarsely and half shredded.
    """
    municipal = of.streams.bundle >= 0
    tonnes = np.bincount(of.streams.device[municipal], of.streams.available.value[municipal].sum(axis=1))
    total = np.zeros(len(of.metals.names))
    for d, device in enumerate(of.devices.names):
        low = {"half": 0.5, "shred": 0.5}
        rich = {"dismantle": 0.5, "half": 0.5}
        mix = {"whole": 1.0} if device in PHONES else low if device == "low_grade_appliance" else rich
        for treatment, share in mix.items():
            total += tonnes[d] / tonnes.sum() * share * returned(of, d, treatment)
    kg_per_t = dict(zip(of.metals.names, total, strict=True))
    return {"Au": kg_per_t["Au"] * 1000, "Ag": kg_per_t["Ag"] * 1000, "Cu": kg_per_t["Cu"]}


def returned(of: Instance, device: int, treatment: str) -> np.ndarray:
    """Return the kilograms of each metal that Kosaka returns from a tonne of devices, deductions taken off."""
    h, k = of.treatments.names.index(treatment), of.smelters.names.index("kosaka")
    line = of.smelters.line[k, device, h]
    in_feed = of.devices.assay.value[device] * of.treatments.recovery.value[h, device]
    sent_on = of.treatments.to_smelter.value[h, device]
    share, deduction = of.terms.returned.value[line], of.terms.deduction.value[line]
    return np.maximum(0, np.minimum(share * in_feed, in_feed - deduction * sent_on))


@pytest.mark.parametrize("name", ["tokyo2020", "tokyo2020-base-assays"])
def test_the_national_mix_recovers_what_japan_recovered(name: str) -> None:
    """31 to 34 g of silver, 2.8 to 3.5 g of gold and 22 to 29 kg of copper a tonne, as in fiscal 2013 and 2014."""
    found = recovered(instance(name))
    assert 31 <= found["Ag"] <= 34
    assert 2.8 <= found["Au"] <= 3.5
    assert 22 <= found["Cu"] <= 29


def test_assays_stay_inside_their_published_ranges() -> None:
    """Every gold, silver and copper assay of the base case lies in the range of its device."""
    of = instance("tokyo2020")
    with (INSTANCES / "fit" / "devices.csv").open(encoding="utf-8", newline="") as table:
        ranges = {row["device"]: row for row in csv.DictReader(table)}
    assert set(ranges) == set(of.devices.names)
    per_kg = {"Au": 1000, "Ag": 1000, "Cu": 1}
    for d, device in enumerate(of.devices.names):
        for metal, factor in per_kg.items():
            assay = of.devices.assay.value[d, of.metals.names.index(metal)] * factor
            low, high = float(ranges[device][f"{metal}_low"]), float(ranges[device][f"{metal}_high"])
            assert low - 1e-9 <= assay <= high + 1e-9, f"{metal} in {device}"


def test_only_phones_are_smelted_whole() -> None:
    """No smelter takes a kettle, or anything else but phones, that has not been treated."""
    of = instance("tokyo2020")
    whole = of.treatments.names.index("whole")
    taken = (of.smelters.line[:, :, whole] >= 0) & of.treatments.accepts[whole]
    assert {of.devices.names[d] for d in np.nonzero(taken.any(axis=0))[0]} == PHONES


def test_surplus_earns_nothing_in_the_base_case() -> None:
    """No smelter charges less for refining a metal than the project gets back for what is left of it."""
    of = instance("tokyo2020")
    charged = np.where(of.terms.returned.value > 0, of.terms.refining_charge.value, np.inf).min(axis=0)
    assert (of.metals.sell.value.max(axis=1) <= charged).all()


def test_the_fit_gives_the_committed_files(tmp_path: Path) -> None:
    """`python -m instances.fit` writes, byte for byte, the tables and instances that are committed."""
    subprocess.run([sys.executable, "-m", "instances.fit", str(tmp_path)], cwd=ROOT, check=True, capture_output=True)
    written = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    assert {f"{name}.yaml" for name in TOKYO} <= {str(path) for path in written}
    for path in written:
        assert (tmp_path / path).read_bytes() == (INSTANCES / path).read_bytes(), str(path)


def test_phones_alone_fall_short_of_the_silver() -> None:
    """All phones collected leave 2,692 kg of silver short, which then suffices; the present mix costs what it costs."""
    answers = MixSolver(ScenarioRunner(INSTANCES / "tokyo2020.yaml"))
    mixes = {mix.name: mix for mix in solve_named_mixes(answers, [])}
    phones, rifu = mixes["phones_only"], mixes["rifu_boxes"]
    assert phones.result.shortage == pytest.approx({"Ag": 2691.9}, abs=0.1)
    assert phones.result.tonnes == pytest.approx(817.6, abs=0.1)
    assert answers.base.value is not None
    assert mixes["as_collected"].result.value == pytest.approx(answers.base.value, rel=1e-4)
    assert rifu.result.value == pytest.approx(10.157e9, rel=1e-4)
    changed = answers.offer.apply_named_mix(phones.shares)
    silver = changed.metals.names.index("Ag")
    for kilograms, enough in ((2691.0, False), (2692.0, True)):
        stock = np.zeros(len(changed.metals.names))
        stock[silver] = kilograms
        opening = ExactArray.gather([ExactNumber(float(kg)) for kg in stock])
        variant = ScenarioProgram.build(
            dataclasses.replace(changed, metals=dataclasses.replace(changed.metals, opening_stock=opening)), "cost"
        )
        assert solve_from_scratch(variant.program).feasible == enough
