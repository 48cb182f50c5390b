"""Time of reading as instances grow: `reading.py [CASE ...] [--scale N]` prints a table.

Every case is written at three sizes, each twice the one before, and read by a process of its own (`medalopt check`),
whose processor time and peak memory are printed: what is linear takes at most twice as long, beyond the time of an
instance of a few lines, which comes first.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from timing import once

HEAD = """format: medalopt/1
name: large
currency: JPY
metals: {Ag: {sell: 100}}
alloys: {silver: {composition: {Ag: 1}}}
medals: {first: {count: 1, parts: {silver: 1}}}
"""
DEVICES = "devices: {phone: {content: {Ag: 2}}}\n"
STREAMS = "streams: [{device: phone, region: tokyo, available: 10}]\n"
SMELTERS = "smelters: {works: {returned: {Ag: 90 %}}}\n"
ONE_STREAM = STREAMS.replace("phone", "device_0")
Case = Callable[[Path, int], str]


def _list_devices(size: int, more: str = "") -> str:
    return "devices:\n" + "".join(f"  device_{n}: {{content: {{Ag: {1 + n % 9}}}{more}}}\n" for n in range(size))


def _list_terms(size: int) -> str:
    lines = "".join(f"      line_{n}: {{devices: [device_{n}], treatment_charge: {n}}}\n" for n in range(size))
    return f"    returned: 90 %\n    terms:\n{lines}"


def _devices(_: Path, size: int) -> str:
    streams = "".join(f"- {{device: device_{n}, region: tokyo, available: 10}}\n" for n in range(0, size, 10))
    return f"{HEAD}{_list_devices(size)}streams:\n{streams}{SMELTERS}"


def _accepted(_: Path, size: int) -> str:
    names = ", ".join(f"device_{n}" for n in range(size))
    treatments = f"treatments: {{sort: {{accepts: [{names}]}}}}\n"
    return (
        f"{HEAD}{_list_devices(size)}{ONE_STREAM}{treatments}smelters: {{works: {{returned: 1, accepts: [{names}]}}}}\n"
    )


def _streams(_: Path, size: int) -> str:
    streams = "".join(f"- {{device: phone, region: region_{n}, available: {1 + n % 9}}}\n" for n in range(size))
    return f"{HEAD}{DEVICES}streams:\n{streams}{SMELTERS}"


def _table(folder: Path, size: int) -> str:
    rows = "".join(f"phone,region_{n},{1 + n % 9},{110 + n % 7} JPY/t,where it comes from\n" for n in range(size))
    (folder / "rows.csv").write_text(f"device,region,available,collection,source\n{rows}", encoding="utf-8")
    return f"{HEAD}{DEVICES}streams: {{table: rows.csv}}\n{SMELTERS}"


def _quoted(folder: Path, size: int) -> str:
    rows = "".join(f'"phone","region {n}, east",{1 + n % 9}\n' for n in range(size))
    (folder / "rows.csv").write_text(f"device,region,available\n{rows}", encoding="utf-8")
    return f"{HEAD}{DEVICES}streams: {{table: rows.csv}}\n{SMELTERS}"


def _terms(_: Path, size: int, each: int = 100) -> str:
    smelters = "".join(f"  works_{k}:\n{_list_terms(each)}" for k in range(size // each))
    return f"{HEAD}{_list_devices(each)}{ONE_STREAM}smelters:\n{smelters}"


def _long_terms(folder: Path, size: int) -> str:
    return _terms(folder, size, 1_000)


def _schedule(_: Path, size: int) -> str:
    return f"{HEAD}{_list_devices(size)}{ONE_STREAM}smelters:\n  works:\n{_list_terms(size)}"


def _lanes(folder: Path, size: int) -> str:
    rows = "".join(f"region_{n},works,{n % 90}\n" for n in range(size))
    (folder / "lanes.csv").write_text(f"region,smelter,cost\n{rows}", encoding="utf-8")
    return f"{_streams(folder, size)}lanes: {{table: lanes.csv}}\n"


def _metals(_: Path, size: int) -> str:
    metals = "".join(f"  M{n}: {{sell: {1 + n % 9}}}\n" for n in range(size))
    content = ", ".join(f"M{n}: {1 / size}" for n in range(size))
    head = HEAD.replace("metals: {Ag: {sell: 100}}\n", f"metals:\n  Ag: {{sell: 100}}\n{metals}")
    return f"{head}devices: {{phone: {{content: {{{content}}}}}}}\n{STREAMS}{SMELTERS}"


def _offers(_: Path, size: int) -> str:
    offers = "".join(f"  offer_{n}: {{composition: {{Ag: 1}}, price: {90 + n % 9}}}\n" for n in range(size))
    return f"{HEAD}{DEVICES}{STREAMS}{SMELTERS}market:\n{offers}"


def _medals(_: Path, size: int) -> str:
    alloys = "".join(f"  alloy_{n}: {{composition: {{Ag: 1}}}}\n" for n in range(size))
    medals = "".join(f"  medal_{n}: {{count: 1, parts: {{alloy_{n}: 1}}}}\n" for n in range(size))
    head = HEAD[: HEAD.index("alloys:")]
    return f"{head}alloys:\n{alloys}medals:\n{medals}{DEVICES}{STREAMS}{SMELTERS}"


def _remarks(_: Path, size: int) -> str:
    return f"{HEAD}{_list_devices(size, ', source: a page, note: seen')}{ONE_STREAM}{SMELTERS}"


CASES: dict[str, tuple[str, Case, int]] = {
    "devices": ("devices, a tenth of them offered", _devices, 100_000),
    "accepted": ("devices, all named by `accepts`", _accepted, 100_000),
    "remarks": ("devices with `source` and `note`", _remarks, 50_000),
    "streams": ("streams in the instance file", _streams, 100_000),
    "table": ("streams in a table", _table, 2_000_000),
    "quoted": ("streams in a table of quoted cells", _quoted, 1_000_000),
    "lanes": ("streams in the file and lanes in a table", _lanes, 100_000),
    "terms": ("lines of terms, 100 a smelter", _terms, 100_000),
    "long_terms": ("lines of terms, 1,000 a smelter", _long_terms, 1_000_000),
    "schedule": ("devices, and a line of terms for each", _schedule, 60_000),
    "metals": ("metals", _metals, 100_000),
    "offers": ("offers", _offers, 100_000),
    "medals": ("medals and alloys", _medals, 1_000),
}


def main() -> None:
    """Write, read and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("cases", nargs="*", metavar="CASE", help=f"some of {', '.join(CASES)}; left out: all")
    arguments.add_argument("--scale", type=float, default=1.0, help="a factor on all sizes")
    arguments.add_argument("--write", nargs=2, metavar=("SIZE", "FOLDER"), help="only write the one case named")
    chosen = arguments.parse_args()
    if chosen.write:
        folder = Path(chosen.write[1])
        text = CASES[chosen.cases[0]][1](folder, int(chosen.write[0]))
        (folder / "large.yaml").write_text(text, encoding="utf-8")
        return
    command = [sys.executable, "-m", "medalopt", "check"]
    with tempfile.TemporaryDirectory() as name:
        folder, path = Path(name), Path(name) / "large.yaml"
        path.write_text(f"{HEAD}{DEVICES}{STREAMS}{SMELTERS}", encoding="utf-8")
        once([*command, str(path)])
        print(f"{'':<44}{'size':>10}{'MB':>8}{'CPU s':>9}{'peak MB':>9}")
        run = once([*command, str(path)])
        print(
            f"{'an instance of a few lines':<44}{1:>10,}{0.0:>8.1f}{run.processor_seconds:>9.2f}{run.peak_mb:>9.0f}",
            flush=True,
        )
        for case in chosen.cases or CASES:
            what, _, largest = CASES[case]
            for size in (int(largest * chosen.scale / part) for part in (4, 2, 1)):
                once([sys.executable, __file__, case, "--write", str(size), name])  # this process has to stay small
                written = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
                run = once([*command, str(path)])
                print(
                    f"{what:<44}{size:>10,}{written:>8.1f}{run.processor_seconds:>9.2f}{run.peak_mb:>9.0f}", flush=True
                )
            for table in folder.glob("*.csv"):
                table.unlink()


if __name__ == "__main__":
    main()
