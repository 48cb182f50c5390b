"""The published figures that the Tokyo instances start from, and the estimates that fill their gaps.

Assays are held as (Au, Ag, Cu) in g/t, g/t and kg/t, as they are published; shares as fractions.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path

HERE = Path(__file__).parent
METALS = ("Au", "Ag", "Cu")
Triple = tuple[float, float, float]


@dataclass(frozen=True)
class DeviceEvidence:
    """One device type: its mass apiece, the range of its assay, and where the range comes from."""

    name: str
    unit_kg: float
    low: Triple
    base: Triple
    high: Triple
    palladium: float  # g/t
    mark: str
    source: str


@dataclass(frozen=True)
class TreatmentEvidence:
    """What a treatment sends on and what reaches the smelter, as shares."""

    to_smelter: float
    recovery: Triple


@dataclass(frozen=True)
class Count:
    """One published cumulative count; None where only the other one was published."""

    as_of: date
    municipal_t: float | None
    shop_phones: float | None


PHONES = ("feature_phone", "smartphone")
LOW_GRADE = "low_grade_appliance"

# Treatments: dismantling by hand Au and shredding are measured (Chancerel), the rest recalled or estimated.
TREATMENTS = {
    "whole": TreatmentEvidence(1.0, (1.0, 1.0, 1.0)),
    "dismantle": TreatmentEvidence(0.17, (0.82, 0.80, 0.85)),
    "half": TreatmentEvidence(0.25, (0.65, 0.55, 0.75)),
    "shred": TreatmentEvidence(0.30, (0.256, 0.115, 0.60)),
}
# What the four copper and lead smelters return, and the least they deduct from a tonne of feed (g/t, g/t, kg/t).
RETURNED: Triple = (0.96, 0.94, 0.955)
DEDUCTION: Triple = (1.0, 30.0, 0.0)
# How national recoveries are reported (seen: JMIA bulletin 779, October 2019): mass handed to smelters times the assay
# assumed times 97 % (gold) or 95 % (silver), unrelated to the payable terms of the trade. Copper as RETURNED.
REPORTED: Triple = (0.97, 0.95, 0.955)
NO_DEDUCTION: Triple = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Anchor:
    """A published national recovery that mix and assays are fitted to, and the formula it is read by.

    Attributes:
        recovered: Metal recovered per tonne of small appliances: g/t Au, g/t Ag, kg/t Cu.
        gold_limit: Most gold that the fitted mix may recover, g/t.
        returned: Share of the metal in the feed that counts as recovered.
        deduction: Least deduction from a tonne of feed: g/t, g/t, kg/t.
        story: The anchor in words.
    """

    recovered: Triple
    gold_limit: float
    returned: Triple
    deduction: Triple
    story: str


# Seen: 189 kg Au, 2,012 kg Ag, 1,493 t Cu in fiscal 2013 and 2014 together, from 13,236 t and 50,491 t (the latter
# recalled); 245 kg, 2,646 kg, 1,747 t in fiscal 2017, from 65,750 t that reached recyclers, or from the total of the
# ministry of some 78,000 t, should that be the count meant. Gold limits: the higher of the first two years; 2017's.
EARLY: Triple = (189 / 63.727, 2012 / 63.727, 1493 / 63.727)
FISCAL_2017: Triple = (245 / 65.750, 2646 / 65.750, 1747 / 65.750)
FISCAL_2017_78KT: Triple = (245 / 78.0, 2646 / 78.0, 1747 / 78.0)
ANCHORS = {
    "": Anchor(
        FISCAL_2017, FISCAL_2017[0], REPORTED, NO_DEDUCTION, "fiscal 2017, 40.2 g/t, by the coefficients of its report"
    ),
    # No assays inside their ranges recover as little gold as recorded on these terms: hence a limit of 4.2 g/t.
    "fy2017-payable": Anchor(
        FISCAL_2017, 4.2, RETURNED, DEDUCTION, "fiscal 2017, 40.2 g/t, read as metal paid for by smelters"
    ),
    "fy2017-78kt": Anchor(
        FISCAL_2017_78KT, 3.5, RETURNED, DEDUCTION, "fiscal 2017 on 78,000 t, 33.9 g/t, read as metal paid for"
    ),
    "fy2013": Anchor(EARLY, 3.5, RETURNED, DEDUCTION, "fiscal 2013 and 2014, 31.6 g/t, read as metal paid for"),
    "fy2013-reported": Anchor(
        EARLY, 3.5, REPORTED, NO_DEDUCTION, "fiscal 2013 and 2014, 31.6 g/t, by the coefficients of 2017's report"
    ),
}

# The national mix of treatments (estimated): phones whole; other rich goods and low-grade goods half and half.
NATIONAL_RICH = {"dismantle": 0.5, "half": 0.5}
NATIONAL_LOW = {"half": 0.5, "shred": 0.5}

# Boxes: 5.3 % of the tonnes (estimated; below 10 %), shared out as the town of Rifu weighed its boxes in spring 2018.
BOX_SHARE = 0.053
BOX = {
    "laptop": 0.354,
    "tablet": 0.026,
    "game_stationary": 0.225,
    "digital_camera": 0.149,
    "camcorder": 0.058,
    "game_portable": 0.058,
    "portable_audio": 0.095,
    "feature_phone": 0.020,
    "smartphone": 0.015,
}
# The boxes of the town of Rifu as weighed, per cent: 3.4 phones, 36.1 notebooks, 46.2 games and cameras, 9.0 audio,
# 5.3 calculators, which are no device type here; split into device types as BOX is.
RIFU = {
    "laptop": 33.6,
    "tablet": 2.5,
    "game_stationary": 21.2,
    "digital_camera": 14.0,
    "camcorder": 5.5,
    "game_portable": 5.5,
    "portable_audio": 9.0,
    "feature_phone": 1.9,
    "smartphone": 1.5,
}
RIFU_SOURCE = (
    "seen: town of Rifu, Miyagi, spring 2018 (3.4 % phones, 36.1 % notebooks, 46.2 % games and cameras, "
    "5.3 % calculators, 9.0 % audio); split into device types estimated"
)

# Pick-up: the rich part (estimated), beside which all is low-grade appliances.
PICK_UP_SHARE = 0.153
PICK_UP = {
    "printer": 0.445,
    "dvd_bd_player": 0.272,
    "desktop_pc": 0.195,
    "router_modem": 0.060,
    "car_navigation": 0.028,
}

# Census of 2015, thousands (recalled): the goods are shared out by population, as no regional tonnage was published.
POPULATION = {
    "hokkaido": 5382,
    "tohoku": 8983,
    "kanto": 42995,
    "chubu": 21460,
    "kansai": 22541,
    "chugoku": 7438,
    "shikoku": 3846,
    "kyushu": 14450,
}
SMARTPHONE_SHARE = 0.5  # of the phones from shops (estimated)


def devices() -> dict[str, DeviceEvidence]:
    """Return the device types of devices.csv by name."""
    with (HERE / "devices.csv").open(encoding="utf-8", newline="") as table:
        return {row["device"]: _device(row) for row in csv.DictReader(table)}


def _device(row: dict[str, str]) -> DeviceEvidence:
    low, base, high = (tuple(float(row[f"{metal}_{end}"]) for metal in METALS) for end in ("low", "base", "high"))
    return DeviceEvidence(
        name=row["device"],
        unit_kg=float(row["unit_kg"]),
        low=(low[0], low[1], low[2]),
        base=(base[0], base[1], base[2]),
        high=(high[0], high[1], high[2]),
        palladium=float(row["Pd"]),
        mark=row["mark"],
        source=row["source"],
    )


def counts() -> list[Count]:
    """Return the published counts of timeline.csv, in order of time."""
    with (HERE / "timeline.csv").open(encoding="utf-8", newline="") as table:
        return [
            Count(date.fromisoformat(row["as_of"]), _number(row["municipal_t"]), _number(row["shop_phones"]))
            for row in csv.DictReader(table)
        ]


def _number(cell: str) -> float | None:
    return float(cell) if cell else None
