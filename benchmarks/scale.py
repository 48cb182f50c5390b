"""A nation of municipalities, and its peers: `scale.py [--regions N ...] [--peer PYTHON] [--runs N] [--limit SECONDS]`.

Whole processes, from the file to the written plan: time and greatest memory, medians. `optimising` is the time of the
decomposition alone, between reading and proof. A peer solves the same program from the same file and writes nothing.
What is not done after the limit is ended and said to be so, and not asked again about a larger nation.
`--participation` asks the same with every region sending at least a fifth of what it offers; `--contracts` with metal
left with the smelters, payers, and two fractions of each treatment: twice as many shipments.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

import timing

HERE = Path(__file__).parent
MEDALOPT = (sys.executable, "-m", "medalopt")
OPTIMISING = "  optimising"
SIZES = (47, 200, 1621, 16210)


@dataclass(frozen=True)
class Ended:
    """A finished process: None if it was stopped at the limit."""

    run: timing.TimedRun | None
    said: str


def once(command: Sequence[str], limit: float, prints: bool) -> Ended:
    """Run `command` for at most `limit` seconds; a command that `prints` its seconds is timed by that."""
    start = time.perf_counter()
    with (
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as said,
        subprocess.Popen(command, stdout=out, stderr=said) as process,
    ):
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.perf_counter() - start > limit:
                process.kill()
                process.wait()
                return Ended(None, f"did not finish in {limit:g} s")
            time.sleep(0.02)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - start
        if process.returncode:
            said.seek(0)
            return Ended(
                None, f"ended with {process.returncode}: {said.read().decode(errors='replace')[-200:].strip()}"
            )
        out.seek(0)
        seconds = float(out.read()) if prints else seconds
    return Ended(timing.TimedRun(seconds, usage.ru_maxrss * timing.KILOBYTE / 1e6, usage.ru_utime + usage.ru_stime), "")


def add_contracts(instance: Path) -> None:
    """Add settlement of surplus metal, payers and two fractions per treatment to the file of a nation."""
    page = yaml.safe_load(instance.read_text(encoding="utf-8"))
    whole, boards = page["treatments"]["whole"], page["treatments"]["dismantle"]
    whole["fractions"] = {
        "handsets": {"share": "90 %", "recovery": {"default": "100 %", "Cu": "90 %"}},
        "chargers": {"share": "10 %", "recovery": {"Cu": "10 %"}},
    }
    boards["fractions"] = {
        "boards": {"share": boards.pop("to_smelter"), "recovery": boards.pop("recovery")},
        "cables": {"share": "8 %", "recovery": {"Cu": "30 %"}},
    }
    pays = {"Au": "27_000 JPY/kg", "Pd": "70_000 JPY/kg"}
    for name in pays:
        page["metals"][name].pop("sell", None)
        page["metals"][name]["surplus"] = "smelter"
    for smelter in page["smelters"].values():
        smelter["pays"] = dict(pays)
        for line, fraction in (("phones", "handsets"), ("boards", "boards")):
            del smelter["terms"][line]["treatments"]
            smelter["terms"][line]["fractions"] = [fraction]
        smelter["terms"]["copper"] = {"fractions": ["cables", "chargers"], "treatment_charge": "20_000 JPY/t"}
    page["payers"] = {"default": "committee", "collection": "municipalities", "treatment": "operators"}
    text = yaml.safe_dump(page, sort_keys=False, allow_unicode=True, width=120)
    instance.write_text(text, encoding="utf-8")


def commands(instance: Path, folder: Path, peer: str | None, participation: bool) -> dict[str, list[str]]:
    """Return the compared commands by name."""
    asked = ["--set", "policy.participation=20 %"] if participation else []
    plan = str(folder / "plan")
    found = {"medalopt solve": [*MEDALOPT, "solve", str(instance), "-o", plan, *asked]}
    found[OPTIMISING] = [sys.executable, str(HERE / "optimising.py"), str(instance), *asked[1:]]
    if not participation:
        found["Pyomo with HiGHS"] = [sys.executable, str(HERE / "pyomo_peer.py"), str(instance)]
        found["arrays with HiGHS"] = [sys.executable, str(HERE / "arrays_peer.py"), str(instance)]
        if peer:
            found["linopy with HiGHS"] = [peer, str(HERE / "linopy_peer.py"), str(instance)]
    return found


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--regions", type=int, nargs="+", default=list(SIZES), help="sizes of the nation")
    arguments.add_argument("--peer", help="an interpreter that has medalopt and linopy")
    arguments.add_argument("--runs", type=int, default=3, help="runs of each command")
    arguments.add_argument("--limit", type=float, default=300.0, help="seconds after which a run is ended")
    arguments.add_argument("--alone", action="store_true", help="without peers")
    arguments.add_argument("--participation", action="store_true", help="every region sends a fifth of what it offers")
    arguments.add_argument("--contracts", action="store_true", help="settlement, payers and two fractions; no peers")
    chosen = arguments.parse_args()
    alone = chosen.alone or chosen.contracts
    over: set[str] = set()
    print(f"  {'regions':>8}  {'':<20}{'median s':>10}{'least s':>10}{'greatest s':>12}{'peak MB':>10}", flush=True)
    for regions in chosen.regions:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            made = [sys.executable, "-m", "instances.japan1621", "--regions", str(regions), place]
            subprocess.run(made, check=True, cwd=HERE.parent)
            instance = folder / f"japan{regions}.yaml"
            if chosen.contracts:
                add_contracts(instance)
            asked = commands(instance, folder, chosen.peer, chosen.participation)
            for name, command in asked.items():
                if name in over or (alone and name not in ("medalopt solve", OPTIMISING)):
                    continue
                print(line(regions, name, measured(command, chosen.runs, chosen.limit, name, over)), flush=True)


def measured(command: list[str], runs: int, limit: float, name: str, over: set[str]) -> list[Ended]:
    """Run a command so many times, or until it is ended: then its name goes to those that are `over`."""
    found: list[Ended] = []
    for _ in range(runs):
        found.append(once(command, limit, name == OPTIMISING))
        if found[-1].run is None:
            over.add(name)
            return found[-1:]
    return found


def line(regions: int, name: str, found: list[Ended]) -> str:
    """Return the line of the table of one command."""
    done = [each.run for each in found if each.run is not None]
    if not done:
        return f"  {regions:>8}  {name:<20}  {found[-1].said}"
    seconds = [run.seconds for run in done]
    memory = statistics.median(run.peak_mb for run in done)
    ends = f"{min(seconds):>10.2f}{max(seconds):>12.2f}"
    return f"  {regions:>8}  {name:<20}{statistics.median(seconds):>10.2f}{ends}{memory:>10.0f}"


if __name__ == "__main__":
    main()
