"""The Tokyo instances agree with published data, and fitted parameters reproduce their targets."""

from __future__ import annotations

import csv
import dataclasses
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from instances.fit.assays import national
from instances.fit.evidence import ANCHORS as ANCHOR_OF
from instances.fit.evidence import METALS, TREATMENTS
from instances.fit.treatments import CABLES_GRADE

import medalopt
from medalopt import Instance
from medalopt.analysis.scenario_runner import ScenarioProgram, ScenarioRunner
from medalopt.analysis.sensitivity.device_mix import solve_named_mixes
from medalopt.analysis.sensitivity.supply_mix import MixSolver
from medalopt.instance.arrays import ExactArray, ExactNumber
from medalopt.solver.verification import solve_from_scratch

ROOT = Path(__file__).parents[2]
INSTANCES = ROOT / "instances"
ANCHORS = ("fy2017-payable", "fy2017-78kt", "fy2013", "fy2013-reported")
TOKYO = (
    *("tokyo2020", "tokyo2020-owner", "tokyo2020-fractions", "tokyo2020-first-targets", "tokyo2020-base-assays"),
    *(f"tokyo2020-{name}" for name in ANCHORS),
)
PHONES = {"feature_phone", "smartphone"}


@cache
def instance(name: str) -> Instance:
    """Return a shipped instance; loaded once, as none is ever changed."""
    return medalopt.load(INSTANCES / f"{name}.yaml")


def gross_need_kg(of: Instance) -> dict[str, float]:
    """Return the mass to cast of each alloy: medals and process scrap."""
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


@pytest.mark.parametrize("as_of, tonnes", [(12, 16_000), (17, 38_579), (19, 47_488), (24, 78_985)])
def test_the_months_follow_the_published_counts(as_of: int, tonnes: float) -> None:
    """Supply up to four dates equals the published counts or monthly rates."""
    streams = instance("tokyo2020").streams
    assert streams.available.value[streams.bundle >= 0, :as_of].sum() == pytest.approx(tonnes, abs=0.01)


@pytest.mark.parametrize(
    "name, gold, silver, brass",
    [("tokyo2020", 32, 3500, 2200), ("tokyo2020-owner", 32, 3500, 2200), ("tokyo2020-first-targets", 40, 4920, 2944)],
)
def test_demand_is_what_was_delivered_or_ordered(name: str, gold: float, silver: float, brass: float) -> None:
    """Medals and process scrap together ask for the published kilograms, within half a per cent."""
    published = {"gold_plate": gold, "silver_999": silver, "red_brass": brass}
    assert gross_need_kg(instance(name)) == pytest.approx(published, rel=0.005)


def test_five_thousand_medals_as_they_were_made() -> None:
    """5,000 medals: 556 g with 6 g of gold, 550 g of silver, 450 g of red brass; all of it recycled."""
    of = instance("tokyo2020")
    mass = dict(zip(of.medals.names, of.medals.parts.value.sum(axis=1), strict=True))
    assert of.medals.count.sum() == 5000
    assert mass == pytest.approx({"gold": 0.556, "silver": 0.55, "bronze": 0.45})
    floors = dict(zip(of.metals.names, of.policy.recycled.value, strict=True))
    assert floors == {"Ag": 1, "Au": 1, "Cu": 1, "Pd": 0, "Zn": 1}


@pytest.mark.parametrize("name", ["", "base-assays", *ANCHORS])
def test_the_national_mix_recovers_what_japan_recovered(name: str) -> None:
    """Each file recovers the national silver to 3 %, no more gold than allowed, and nearly the copper.

    If even the base assays contain too little copper, it falls short by 10 % at most and does not limit the plan.
    """
    of = instance(f"tokyo2020-{name}".rstrip("-"))
    anchor = ANCHOR_OF[name if name in ANCHORS else ""]
    municipal = of.streams.bundle >= 0
    tonnes = np.bincount(of.streams.device[municipal], of.streams.available.value[municipal].sum(axis=1))
    mix = dict(zip(of.devices.names, tonnes / tonnes.sum(), strict=False))
    per_tonne = dict(zip(of.metals.names, of.devices.assay.value.T * 1000, strict=True))
    assays = {
        device: (float(per_tonne["Au"][d]), float(per_tonne["Ag"][d]), float(per_tonne["Cu"][d]) / 1000)
        for d, device in enumerate(of.devices.names)
    }
    gold, silver, copper = national(mix, assays, anchor)
    assert silver == pytest.approx(anchor.recovered[1], rel=0.03)
    assert 0.9 * anchor.recovered[0] <= gold <= 1.01 * max(anchor.gold_limit, anchor.recovered[0])
    assert 0.9 * anchor.recovered[2] <= copper <= 1.03 * anchor.recovered[2]


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


def test_surplus_stays_with_the_smelter_in_the_base_case() -> None:
    """The project owns no metal beyond its needs, earns nothing with it, and so is exposed to no price of it."""
    of = instance("tokyo2020")
    assert {m for m, left in zip(of.metals.names, of.metals.surplus_to_smelter, strict=True) if not left} == {"Zn"}
    assert not of.metals.sell.value.any() and not of.terms.pays.value.any()


def test_fractions_together_hold_the_metal_of_the_fit() -> None:
    """In each treatment of the variant all fractions recover what the fit assumes: silver, gold, and copper to 1 %."""
    of = instance("tokyo2020-fractions")
    for name in ("dismantle", "half", "shred"):
        at = [h for h, title in enumerate(of.treatments.names) if title.partition("/")[0] == name]
        for d, device in enumerate(of.devices.names):
            if device in PHONES:
                continue
            recovered = of.treatments.recovery.value[at, d].sum(axis=0)
            copper = of.metals.names.index("Cu")
            cables = sum(of.treatments.to_smelter.value[h, d] for h in at if of.treatments.names[h].endswith("cables"))
            recovered[copper] += cables * CABLES_GRADE / of.devices.assay.value[d, copper]
            found = [recovered[of.metals.names.index(metal)] for metal in METALS]
            assert found == pytest.approx(TREATMENTS[name].recovery, rel=0.01), (name, device)


def test_striking_month_by_month_costs_the_same() -> None:
    """Metal is at hand for 17 equal castings from January 2019 to May 2020: cost within a thousandth of the base's."""
    of = instance("tokyo2020")
    plan = medalopt.solve(of.with_changes(of.annex["scenarios"]["struck_until_may_2020"]))
    months = plan.account.cast[:, 21:]
    assert (plan.instance.periods[21], plan.instance.periods[-1]) == ("2019-01", "2020-05")
    assert not plan.account.cast[:, :21].any() and (months.min(axis=1) > 0.8 * months.max(axis=1)).all()
    assert plan.cost == pytest.approx(5_914_764_192, rel=1e-3)


def test_the_fit_gives_the_committed_files(tmp_path: Path) -> None:
    """`python -m instances.fit` writes, byte for byte, the tables and instances that are committed."""
    subprocess.run([sys.executable, "-m", "instances.fit", str(tmp_path)], cwd=ROOT, check=True, capture_output=True)
    written = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    assert {f"{name}.yaml" for name in TOKYO} <= {str(path) for path in written}
    for path in written:
        assert (tmp_path / path).read_bytes() == (INSTANCES / path).read_bytes(), str(path)


def test_phones_alone_fall_short_of_the_silver() -> None:
    """Phones alone leave a known shortage of silver, which then suffices; the present mix has the base cost."""
    answers = MixSolver(ScenarioRunner(INSTANCES / "tokyo2020.yaml"))
    mixes = {mix.name: mix for mix in solve_named_mixes(answers, [])}
    phones, rifu = mixes["phones_only"], mixes["rifu_boxes"]
    assert phones.result.shortage is not None and set(phones.result.shortage) == {"Ag"}
    short = phones.result.shortage["Ag"]
    assert 2_600 < short < 2_700
    assert answers.base.value is not None
    assert mixes["as_collected"].result.value == pytest.approx(answers.base.value, rel=1e-4)
    assert rifu.result.value is not None and rifu.result.value > answers.base.value
    changed = answers.offer.apply_named_mix(phones.shares)
    silver = changed.metals.names.index("Ag")
    for kilograms, enough in ((short - 1, False), (short + 0.1, True)):
        stock = np.zeros(len(changed.metals.names))
        stock[silver] = kilograms
        opening = ExactArray.gather([ExactNumber(float(kg)) for kg in stock])
        variant = ScenarioProgram.build(
            dataclasses.replace(changed, metals=dataclasses.replace(changed.metals, opening_stock=opening)), "cost"
        )
        assert solve_from_scratch(variant.program).feasible == enough
