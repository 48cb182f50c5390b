"""Write a synthetic nation of municipalities: `python -m instances.japan1621 [--regions N] [FOLDER]`.

Tokyo 2020 had 1,621 municipalities and published a figure for none of them. Here they are made up, by rules and
without chance, from `tokyo2020.yaml`, whose totals by region, device type and month are kept:

- each of its eight regions gets a number of municipalities in proportion to what it offers;
- the r-th of n municipalities of a region has a weight of 1/(r + n/20): a few large, many small;
- they lie at even density in a disc around the middle of the region (the golden angle, Vogel 1979), and what is
  on the way to a plant changes the region's distance to it;
- what a municipality offers is its share, by weight, of its region's; the mix leans to or fro by 15 % for each
  device type, in waves along the ranks;
- collection costs what it does there, and up to a tenth more where a municipality is small.

Nine device types are kept apart (the other six are counted as the nearest of them), and each is treated in one
way, so that every stream has five routes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import yaml

import medalopt

HERE = Path(__file__).parent
TOKYO = HERE.parent / "tokyo2020.yaml"
MERGED = {
    "camcorder": "digital_camera",
    "car_navigation": "router_modem",
    "dvd_bd_player": "game_stationary",
    "game_portable": "digital_camera",
    "portable_audio": "digital_camera",
    "printer": "low_grade_appliance",
}
RADIUS_KM = 120.0  # of every region's disc (estimated)
CAPACITY_T = {"kosaka": 100, "naoshima": 200, "takehara": 60, "saganoseki": 140, "shonan": 25}  # a month (estimated)
FREIGHT_KG_PER_KM = 0.22
MONTHS = 24
GOLDEN = np.pi * (3 - np.sqrt(5))


def main(regions: int, folder: Path) -> None:
    """Write `japan{regions}.yaml` and its two tables into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    tokyo = medalopt.load(TOKYO)
    devices = [name for name in tokyo.devices.names if name not in MERGED]
    offered, collection = _by_region(tokyo, devices)
    home, share, rank = _municipalities(offered.sum(axis=(1, 2)), regions)
    names = [f"{tokyo.regions[at]}_{number:05d}" for at, number in zip(home.tolist(), rank.tolist(), strict=True)]
    lean = 1 + 0.15 * np.cos(rank[:, None] * (1 + np.arange(len(devices))) * GOLDEN)
    weight = share[:, None] * lean
    total = np.zeros((len(tokyo.regions), len(devices)))
    np.add.at(total, home, weight)
    available = (weight / total[home])[:, :, None] * offered[home]
    dearer = 1 + 0.1 * rank / np.bincount(home)[home]
    stem = f"japan{regions}"
    _write_streams(folder / f"{stem}-streams.csv", names, devices, available, dearer[:, None] * collection, tokyo)
    _write_lanes(folder / f"{stem}-lanes.csv", names, home, rank, tokyo)
    page = yaml.safe_load(TOKYO.read_text(encoding="utf-8").replace("_000", "000"))
    text = yaml.safe_dump(_page(page, stem, regions, devices), sort_keys=False, allow_unicode=True, width=120)
    head = f"# Synthetic: written by `python -m instances.japan1621 --regions {regions}`, which tells the rules.\n"
    (folder / f"{stem}.yaml").write_text(head + text, encoding="utf-8")


def _by_region(tokyo: medalopt.Instance, devices: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return what each region offers of each device type in each month, (G, D, T) t, and its collection, (D,)."""
    streams = tokyo.streams
    place = np.array([devices.index(MERGED.get(name, name)) for name in tokyo.devices.names])[streams.device]
    available = streams.available.value[:, :MONTHS]
    offered = np.zeros((len(tokyo.regions), len(devices), MONTHS))
    np.add.at(offered, (streams.region, place), available)
    tonnes = available.sum(axis=1)
    paid = np.bincount(place, tonnes * streams.collection.value[:, 0])
    return offered, paid / np.bincount(place, tonnes)


def _municipalities(tonnes: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return of each municipality its region, its weight and its rank there, from 0."""
    ends = np.rint(np.cumsum(tonnes) / tonnes.sum() * (count - len(tonnes))).astype(int)
    numbers = 1 + np.diff(ends, prepend=0)  # one at least
    home = np.repeat(np.arange(len(tonnes)), numbers)
    rank = np.concatenate([np.arange(number) for number in numbers])
    return home, 1 / (1 + rank + numbers[home] / 20), rank


def _write_streams(
    path: Path, names: list[str], devices: list[str], available: np.ndarray, cost: np.ndarray, tokyo: medalopt.Instance
) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("device,region,collection,period,available\n")
        for region, tonnes, costs in zip(names, available.tolist(), cost.tolist(), strict=True):
            for device, by_month, each in zip(devices, tonnes, costs, strict=True):
                for month, amount in zip(tokyo.periods, by_month, strict=False):
                    file.write(f"{device},{region},{each:.0f},{month},{amount:.6g}\n")


def _write_lanes(path: Path, names: list[str], home: np.ndarray, rank: np.ndarray, tokyo: medalopt.Instance) -> None:
    numbers = np.bincount(home)
    reach, angle = RADIUS_KM * np.sqrt((rank + 0.5) / numbers[home]), rank * GOLDEN
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("region,smelter,distance,footprint\n")
        for number, smelter in enumerate(tokyo.smelters.names):
            towards = angle - 2 * np.pi * number / len(tokyo.smelters.names)
            base = tokyo.lanes.cost.value[home, number] / 40  # at 40 JPY/t/km
            for name, km in zip(names, np.maximum(base + reach * np.cos(towards), 5.0).tolist(), strict=True):
                file.write(f"{name},{smelter},{km:.1f},{km * FREIGHT_KG_PER_KM:.5g}\n")


def _page(page: dict[str, Any], stem: str, regions: int, devices: list[str]) -> dict[str, Any]:
    page["name"] = stem
    page["title"] = f"A synthetic nation of {regions:,} municipalities, with the totals of Tokyo 2020"
    page["periods"]["count"] = MONTHS
    page["devices"] = {name: page["devices"][name] for name in devices}
    page["streams"] = {"table": f"{stem}-streams.csv", "source": "derived: see the script"}
    page["lanes"] = {"table": f"{stem}-lanes.csv", "source": "derived: see the script"}
    page["treatments"] = {name: page["treatments"][name] for name in ("whole", "dismantle")}
    page["treatments"]["dismantle"]["accepts"] = [name for name in devices if "phone" not in name]
    del page["treatments"]["dismantle"]["devices"]
    for name, smelter in page["smelters"].items():
        smelter["capacity"] = f"{CAPACITY_T[name]} t"
        smelter.pop("accepts", None)
        smelter["terms"] = {line: smelter["terms"][line] for line in ("phones", "boards")}
    for alloy in page["alloys"].values():
        alloy["capacity"] = alloy["capacity"][-MONTHS:]
    for medal in page["medals"].values():
        medal["due"] = "2019-03"
    return {key: value for key, value in page.items() if key not in ("mixes", "scenarios")}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "folder", nargs="?", type=Path, default=HERE, help="where to write (default: beside the script)"
    )
    parser.add_argument("--regions", type=int, default=1621, help="how many municipalities (default 1621)")
    chosen = parser.parse_args()
    sys.exit(main(chosen.regions, chosen.folder))
