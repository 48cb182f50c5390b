"""Two-stage plans up to the largest extensive form: `stochastic.py [INSTANCE:SCENARIOS ...] [--limit SECONDS]`.

`nationN` is a synthetic nation of N municipalities (`python -m instances.japan1621 --regions N`); with 8 it has some
10,000 columns. Whole processes, from the file to the certified plan: scenarios, columns of the extensive form,
processor time and greatest memory. A process that exceeds the limit of processor time is ended and said to be so.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import timing

ROOT = Path(__file__).parents[1]
CASES = ("tiny:100", "tiny:1000", "nation8:20", "nation8:40", "tokyo2020:2", "tokyo2020:8", "tiny:4000", "tokyo2020:22")
CHANGES = {  # what is uncertain, where nothing in the file is; a promised confidence left out
    "tiny": ("devices.phone.cv=30%", "medals.*.shortfall=200000"),
    "japan8": ("medals.*.shortfall=10000000",),
    "tokyo2020": ("policy.confidence=50%", "medals.*.shortfall=10000000"),
}
COUNT = """
import sys
from pathlib import Path
from medalopt.analysis.scenario_runner import ScenarioRunner
print(len(ScenarioRunner(Path(sys.argv[1])).base.program.lower))
"""


def count_columns(path: Path) -> int:
    """Return the columns of one scenario."""
    told = subprocess.run([sys.executable, "-c", COUNT, str(path)], capture_output=True, text=True, check=True)
    return int(told.stdout)


def find_instance(name: str, folder: Path) -> Path:
    """Return the file of an instance; a nation is written into `folder`."""
    if not name.startswith("nation"):
        return ROOT / f"instances/{name}.yaml"
    regions = name.removeprefix("nation")
    command = [sys.executable, "-m", "instances.japan1621", "--regions", regions, str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    return folder / f"japan{regions}.yaml"


def measure(path: Path, scenarios: int, limit: int) -> str:
    """Return a line about one plan."""

    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))

    changes = [part for change in CHANGES.get(path.stem, ()) for part in ("--set", change)]
    command = [sys.executable, "-m", "medalopt", "stochastic", str(path), "--draws", str(scenarios), *changes]
    before = f"  {path.stem:<14}{scenarios:>10,}{scenarios * count_columns(path):>12,}"
    with tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said, preexec_fn=bound) as process:
            run = timing.waited(process, start)
        code = process.returncode
        said.seek(0)
        message = said.read().decode(errors="replace").strip().splitlines()[-1:]
    failed = "" if not code else f"did not finish in {limit:,} s" if code < 0 else f"{code}: {' '.join(message)[:200]}"
    return f"{before}{run.processor_seconds:>10.0f}{run.peak_mb:>10,.0f}  {failed}".rstrip()


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("cases", nargs="*", default=CASES, help="instance of instances/ and number of scenarios")
    arguments.add_argument("--limit", type=int, default=3600, help="processor time of each, in seconds")
    chosen = arguments.parse_args()
    print(f"  {'instance':<14}{'scenarios':>10}{'columns':>12}{'CPU s':>10}{'peak MB':>10}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for case in chosen.cases:
            name, _, scenarios = case.rpartition(":")
            print(measure(find_instance(name, Path(folder)), int(scenarios), chosen.limit), flush=True)


if __name__ == "__main__":
    main()
