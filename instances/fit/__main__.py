"""Fit the Tokyo instances, print what was fitted, and write their files beside this folder (or into a folder named)."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

from instances.fit import assays, evidence, pages, supply
from instances.fit.assays import Fit

FREIGHT_KG_PER_KM = 0.22  # CO2e per t and km (recalled: transport ministry)
DISTANCES = {  # km from hokkaido, tohoku, kanto, chubu, kansai, chugoku, shikoku, kyushu (estimated)
    "kosaka": (500, 300, 640, 930, 1080, 1400, 1260, 1680),
    "naoshima": (1800, 1040, 690, 360, 190, 180, 30, 450),
    "takehara": (1900, 1150, 780, 450, 290, 70, 170, 350),
    "saganoseki": (2250, 1560, 1180, 850, 690, 400, 320, 190),
    "shonan": (1230, 430, 65, 310, 470, 790, 680, 1070),
}


def main(folder: Path) -> None:
    """Fit, print, and write the tables and instances into `folder`."""
    devices = evidence.devices()
    template = (evidence.HERE / "tokyo2020.template.yaml").read_text(encoding="utf-8")
    tables = folder / "tokyo2020"
    tables.mkdir(parents=True, exist_ok=True)
    _write(tables / "lanes.csv", _table(("region", "smelter", "distance", "footprint"), _lanes()))
    fits = {name: assays.in_range(devices, anchor) for name, anchor in evidence.ANCHORS.items()}
    base = assays.base_assays(devices, evidence.ANCHORS[""])
    for variant in pages.variants(fits, base):
        _write(folder / variant.table, _table(supply.HEADER, supply.rows(variant.fit.mix)))
        _write(folder / f"{variant.name}.yaml", pages.page(template, variant, devices))
    for name, fit in fits.items():
        sys.stdout.write(_report(f"assays inside their ranges, {name or 'base case'}", fit))
    sys.stdout.write(_report("base assays", base))


def _lanes() -> list[tuple[str, ...]]:
    return [
        (region, smelter, str(km), f"{km * FREIGHT_KG_PER_KM:.10g}")
        for smelter, distances in DISTANCES.items()
        for region, km in zip(evidence.POPULATION, distances, strict=True)
    ]


def _table(header: tuple[str, ...], rows: object) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)  # type: ignore[arg-type]
    return text.getvalue()


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _report(title: str, fit: Fit) -> str:
    lines = [f"{title}: step {fit.step:.2f}, rich devices {fit.scale:.3f} times the first guess"]
    lines.append(f"  recovered by the national mix of treatments, against {fit.anchor.story}:")
    for metal, unit, found, recorded in zip(
        evidence.METALS, ("g/t", "g/t", "kg/t"), fit.recovered, fit.anchor.recovered, strict=True
    ):
        lines.append(f"    {metal} {found:6.2f} {unit} (record {recorded:.2f})")
    for device, share in sorted(fit.mix.items(), key=lambda item: -item[1]):
        gold, silver, copper = fit.assays[device]
        lines.append(f"  {device:20} {100 * share:6.2f} %  {gold:6g} g/t Au {silver:6g} g/t Ag {copper:5g} kg/t Cu")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else evidence.HERE.parent)
