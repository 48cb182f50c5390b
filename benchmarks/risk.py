"""`solve` on Tokyo 2020 without uncertainty, with the lines of risk, and with a promised confidence.

`risk.py [--runs N]`, also part of `make bench`.

All in one process, in turn, by the time of one processor; each ratio is the median over the rounds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import replace
from pathlib import Path

import medalopt
from medalopt import Instance
from medalopt.report.render.text import render_report_text
from medalopt.report.solve import build_solve_report

INSTANCE = Path(__file__).parents[1] / "instances" / "tokyo2020.yaml"
CONFIDENCE = 0.7


def without_uncertainty(instance: Instance) -> Instance:
    """Return the instance without any coefficient of variation, so that its report has no lines of risk."""
    return replace(instance, annex={name: part for name, part in instance.annex.items() if not name.endswith("_cv")})


def promise(instance: Instance) -> Instance:
    """Return the instance with a promised confidence for every metal."""
    levels = dict.fromkeys(instance.metals.names, CONFIDENCE)
    return replace(instance, annex={**instance.annex, "confidence": levels})


def measure(instance: Instance) -> float:
    """Return the processor time of one solve and its report, on a copy of the instance that no cache knows."""
    start = time.process_time()
    render_report_text(build_solve_report(medalopt.solve(replace(instance)), whole=False), full=False)
    return time.process_time() - start


def compare(runs: int) -> str:
    """Return the table, with the solve without uncertainty as reference."""
    given = medalopt.load(INSTANCE)
    reference = "without uncertainty"
    instances = {
        reference: without_uncertainty(given),
        "with the lines of risk": given,
        f"with a confidence of {CONFIDENCE:.0%}": promise(given),
    }
    for instance in instances.values():
        measure(instance)
    seconds: dict[str, list[float]] = {name: [] for name in instances}
    for number in range(runs):
        for name in list(instances)[:: -1 if number % 2 else 1]:
            seconds[name].append(measure(instances[name]))
    lines = [f"  {'':<34}{'median s':>10}{'ratio':>8}"]
    for name, each in seconds.items():
        ratio = statistics.median(one / base for one, base in zip(each, seconds[reference], strict=True))
        lines.append(f"  {name:<34}{statistics.median(each):>10.3f}{ratio:>8.2f}")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7, help="measured runs of each")
    print(compare(parser.parse_args().runs))
