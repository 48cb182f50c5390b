"""Scenarios solved in a loop of Python beside `medalopt sweep --jobs 1`, the same scenarios in the same run.

`python_loop.py [--scenarios N] [--of FILE] [--repeats N]`: the loop changes the instance and solves it to a verified
plan (`instance.with_changes({...})`, `medalopt.solve`), the sweep finds the verified optimum alone. Each way runs in a
process of its own, from reading the file, and the two find the same optima. What counts is the time of the processor.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from pathlib import Path

INSTANCE = Path(__file__).parents[1] / "instances" / "tokyo2020.yaml"
PATH = "medals.gold.count"
NEAR = 1e-7  # relative difference of two optima
LOOP = """
import json, sys
import medalopt
instance = medalopt.load(sys.argv[1])
for value in json.loads(sys.argv[3]):
    print(medalopt.solve(instance.with_changes({sys.argv[2]: value})).objective)
"""


def measure(command: list[str]) -> tuple[float, str]:
    """Return the processor time of a command [s] and its output."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, output


def main() -> None:
    """Measure both ways alternately, keep the quickest of each and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenarios", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=2, help="the quickest counts")
    parser.add_argument("--of", type=Path, default=INSTANCE)
    chosen = parser.parse_args()
    values = [1000 + 20 * number for number in range(chosen.scenarios)]
    loop = [sys.executable, "-c", LOOP, str(chosen.of), PATH, json.dumps(values)]
    grid = f"{PATH}={','.join(map(str, values))}"
    sweep = [sys.executable, "-m", "medalopt", "sweep", str(chosen.of), "--grid", grid, "--jobs", "1", "--json"]
    times: dict[str, list[float]] = {"loop": [], "sweep": []}
    optima: dict[str, list[float]] = {}
    for _ in range(chosen.repeats):
        for name, command in (("loop", loop), ("sweep", sweep)):
            seconds, output = measure(command)
            times[name].append(seconds)
            lines = output.splitlines()
            optima[name] = [float(line) if name == "loop" else json.loads(line)["objective"] for line in lines]
        if any(abs(one - other) > NEAR * abs(one) for one, other in zip(*optima.values(), strict=True)):
            raise SystemExit("the two ways find different optima")
    quickest = {name: min(each) for name, each in times.items()}
    print(f"{chosen.of.stem}: {len(values)} values of {PATH}, seconds of the processor")
    print(f"  loop of with_changes and solve   {quickest['loop']:6.1f}")
    print(f"  medalopt sweep --jobs 1          {quickest['sweep']:6.1f}")
    print(f"  ratio                            {quickest['loop'] / quickest['sweep']:6.2f}")


if __name__ == "__main__":
    main()
