"""Scenarios per second along one parameter: warm-started solver, Pyomo rebuilt and persistent, and bare HiGHS.

`sweep.py [--scenarios N] [--of NAME]`: every way answers the same scenarios in the same order, and finds the same
optima. The bare loop is told the numbers that move, changes them in HiGHS, runs it and reads the objective; it proves
nothing. What counts is the time of the processor, of one thread. Ways that take long answer the first scenarios only,
and those that take very long are measured once.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
import pyomo.environ as pyo
from pyomo.contrib.solver.solvers.highs import Highs

from medalopt.analysis.scenario_runner import ParametricScenarios, ScenarioRunner
from medalopt.model.build import build
from medalopt.solver.highs import load_highs
from medalopt.solver.scaling import scale_program

INSTANCES = Path(__file__).parents[1] / "instances"
FIGURES = {
    "tiny": ("smelters.near.limit", "{!r} t", 2.0, 3.0),
    "tokyo2020": ("medals.silver.parts.silver_999", "{!r} kg", 0.5, 0.55),
}
SLOW = 2  # scenarios at least, of the ways that take long
REPEATS = 5  # of which the quickest counts
LONG = 2.0  # seconds, after which a way is not measured again
NEAR = 1e-7
IN_A_ROW = "medalopt, in a row, all verified"


class Persistent:
    """Pyomo's model with the varied parameter, in its persistent interface; `told`: only stated changes are passed."""

    def __init__(self, variants: ScenarioRunner, way: ParametricScenarios, told: bool) -> None:
        assert way.line is not None
        one, two = way.line.one, way.line.two
        self._line = way.line
        self._rows = np.flatnonzero((one.row_upper != two.row_upper) | (one.row_lower != two.row_lower)).tolist()
        model = build(variants.instance)
        model.ends = pyo.Param(range(len(self._rows)), initialize=0.0, mutable=True)
        model.moved = pyo.ConstraintList()
        for number, row in enumerate(self._rows):
            family, index = one.rows[row]
            rule = model.find_component(family)[index]
            rule.deactivate()
            low, high = (0.0 if np.isfinite(side[row]) else None for side in (one.row_lower, one.row_upper))
            model.moved.add((low, rule.body - model.ends[number], high))
        self._model, self._solver = model, Highs()
        config = self._solver.config
        config.load_solutions = False
        config.raise_exception_on_nonoptimal_result = False
        for name in config.auto_updates if told else ():
            config.auto_updates[name] = name == "update_parameters"

    def answer(self, position: float) -> float:
        """Return the optimum there."""
        linear = self._line.interpolate(position)
        for number, row in enumerate(self._rows):
            end = linear.row_upper[row] if np.isfinite(linear.row_upper[row]) else linear.row_lower[row]
            self._model.ends[number].value = float(end)
        return float(self._solver.solve(self._model).incumbent_objective)


class Bare:
    """HiGHS alone, with the engine's own scaling."""

    def __init__(self, way: ParametricScenarios, positions: Sequence[float]) -> None:
        assert way.line is not None
        base = way.line.one
        program = scale_program(base)
        found = load_highs(program)
        assert found is not None
        self._session, self._costs = found, program.costs[0]
        self._session.set_options(solver="simplex")
        self._unit = 2.0 ** -float(program.cost[0])
        two = way.line.two
        rows = np.flatnonzero((two.row_upper != base.row_upper) | (two.row_lower != base.row_lower))
        self._moves: dict[float, list[tuple[int, float, float]]] = {}
        for position in positions:
            there = way.line.interpolate(position)
            low, high = np.ldexp(there.row_lower, program.row), np.ldexp(there.row_upper, program.row)
            self._moves[position] = [(row, low[row], high[row]) for row in rows.tolist()]

    def answer(self, position: float) -> float:
        """Return the optimum there."""
        self._session.change_bounds({row: (low, high) for row, low, high in self._moves[position]}, {})
        assert self._session.run() == "optimal"
        return float(self._costs @ self._session.read_solution()[0]) * self._unit


def anew(variants: ScenarioRunner, changes: Callable[[float], dict[str, str]]) -> Callable[[float], float]:
    """Return a function that builds Pyomo's model of the changed instance, and solves it by Pyomo's HiGHS interface."""

    def answer(position: float) -> float:
        return float(Highs().solve(build(variants.apply_changes(changes(position)))).incumbent_objective)

    return answer


Answers = Callable[[Sequence[float]], list[float]]


def one_by_one(answer: Callable[[float], float]) -> Callable[[], Answers]:
    """Return a function that solves positions one after the other, for `rate`."""
    return lambda: lambda positions: [answer(position) for position in positions]


def rate(fresh: Callable[[], Answers], positions: Sequence[float]) -> tuple[float, list[float]]:
    """Return scenarios a second, the quickest of some repeats, and the optima; `fresh` makes ready, unmeasured."""
    best, values, since = 0.0, list[float](), time.process_time()
    for _ in range(REPEATS):
        answers = fresh()
        answers(positions[:1])
        start = time.process_time()
        values = answers(positions)
        best = max(best, len(positions) / (time.process_time() - start))
        if time.process_time() - since > LONG:
            break
    return best, values


def compare(name: str, count: int) -> str:
    """Return the table of one instance. Ends where the optima differ."""
    path, text, low, high = FIGURES[name]
    variants = ScenarioRunner(INSTANCES / f"{name}.yaml")

    def changes(position: float) -> dict[str, str]:
        return {path: text.format(position)}

    def along() -> ParametricScenarios:
        return ParametricScenarios(variants, changes, low, high)

    way = along()
    inner = [float(at) for at in np.linspace(low, high, count + 2)[1:-1]]
    random = np.random.default_rng(0)
    positions = [inner[at] for at in random.permutation(len(inner)).tolist()]
    few, fewer = positions[: max(SLOW, count // 10)], positions[:SLOW]
    ways: dict[str, tuple[Callable[[], Answers], Sequence[float]]] = {
        IN_A_ROW: (lambda: _in_a_row(along()), positions),
        "  solved one at a time": (lambda: one_by_one(_answering(along()))(), positions),
        "  without interpolation": (
            one_by_one(lambda at: variants.solve_scenario(way.build_scenario(at)).value),
            positions,
        ),
        "HiGHS alone": (one_by_one(Bare(way, positions).answer), positions),
        "Pyomo, persistent interface": (one_by_one(Persistent(variants, way, False).answer), few),
        "  updating parameters alone": (one_by_one(Persistent(variants, way, True).answer), few),
        "Pyomo, model rebuilt": (one_by_one(anew(variants, changes)), fewer),
    }
    found = {}
    for label, each in ways.items():
        found[label] = rate(*each)
        print(f"  {label}: {found[label][0]:.1f}", file=sys.stderr, flush=True)
    _agree(variants, way, {label: (each[1], found[label][1]) for label, each in ways.items()})
    own, bare = found[IN_A_ROW][0], found["HiGHS alone"][0]
    lines = [f"{name}: {path} from {low:g} to {high:g}, {count} scenarios"]
    lines += [f"  {'':<38}{'a second':>10}{'of HiGHS alone':>16}{'medalopt is':>13}"]
    lines += [
        f"  {label:<38}{each[0]:>10.4g}{each[0] / bare:>16.1%}{own / each[0]:>11.3g} x" for label, each in found.items()
    ]
    return "\n".join(lines)


def _in_a_row(way: ParametricScenarios) -> Answers:
    return lambda positions: [found.value for found in way.solve_all(positions)]


def _answering(way: ParametricScenarios) -> Callable[[float], float]:
    return lambda position: way.solve_at(position).value


def _agree(
    variants: ScenarioRunner, way: ParametricScenarios, found: dict[str, tuple[Sequence[float], list[float]]]
) -> None:
    expected = {
        at: variants.solve_scenario(way.build_scenario(at)).value for positions, _ in found.values() for at in positions
    }
    for label, (positions, values) in found.items():
        for position, value in zip(positions, values, strict=True):
            if not abs(value - expected[position]) <= NEAR * max(1.0, abs(expected[position])):
                raise SystemExit(f"{label}: {value!r} at {position!r}, where others find {expected[position]!r}")


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--scenarios", type=int, default=1000, help="scenarios of the small instance")
    arguments.add_argument("--of", choices=list(FIGURES), action="append", help="one instance alone")
    chosen: Any = arguments.parse_args()
    for name in chosen.of or FIGURES:
        count = chosen.scenarios if name == "tiny" else max(SLOW, chosen.scenarios // 25)
        print(compare(name, count), flush=True)


if __name__ == "__main__":
    main()
