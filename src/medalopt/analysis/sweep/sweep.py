"""Sweeps: scenarios from a file, a grid or a sample, solved on this machine or on a cluster, reported in order.

A grid is the Cartesian product of parameters (with `*`, several at once) over lists or ranges of values.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from medalopt.analysis.process_pool import ProgressCallback, ScenarioExecutor, ignore_progress, stream_results
from medalopt.analysis.result_cache import ResultCache, ScenarioResult
from medalopt.analysis.sampling import SAMPLING_SEED
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.parameter_range import ParameterRange, attribute_faults_to, parse_parameter_range
from medalopt.analysis.sensitivity.uncertain_parameters import draw_saltelli_sample, find_uncertain_inputs
from medalopt.errors import Fault, FaultKind, InputError, UsageError
from medalopt.instance.reader.yaml_nodes import is_thousands_head, is_thousands_tail
from medalopt.instance.resolve.scenarios import read_scenario_file
from medalopt.instance.scenario import Change, Scenario
from medalopt.text import escape_text, explain_comma

MAX_SCENARIOS = 1_000_000  # scenarios


def list_instance_scenarios(runner: ScenarioRunner) -> list[Scenario]:
    """List the scenarios of the instance.

    Args:
        runner: Base instance.

    Returns:
        Scenarios in the order of the file.

    Raises:
        UsageError: If it has none.
        InputError: If one is not valid.
    """
    named = runner.named_scenarios()
    if not named:
        raise UsageError(
            f"{runner.instance.name}: has no `scenarios:`; give --grid PATH=LO..HI/N, --list FILE or --sample N"
        )
    runner.require_effects([one.texts for one in named], "scenarios")
    return list(named)


def load_scenarios(runner: ScenarioRunner, path: Path) -> list[Scenario]:
    """Load the scenarios of a CSV or YAML file.

    Args:
        runner: Base instance.
        path: File.

    Returns:
        Scenarios in the order of the file.

    Raises:
        InputError: If the file is not valid, or one of its paths has no effect; all errors are collected.
    """
    scenarios = read_scenario_file(path)
    runner.require_effects([one.texts for one in scenarios], os.fspath(path))
    return scenarios


def sample_scenarios(runner: ScenarioRunner, count: int, seed: int | None) -> list[Scenario]:
    """Draw scenarios of all uncertain parameters, spread evenly over their ranges.

    Args:
        runner: Base instance.
        count: Number of scenarios.
        seed: Seed; None for the default. The sample follows from `seed` and `count`.

    Returns:
        The scenarios.

    Raises:
        UsageError: If `count` is out of range or no parameter is uncertain.
    """
    if not 1 <= count <= MAX_SCENARIOS:
        raise UsageError(f"--sample {count}: there are 1 to {MAX_SCENARIOS:_} scenarios")
    uncertain_inputs = find_uncertain_inputs(runner)
    if not uncertain_inputs:
        raise UsageError("--sample: this instance has no assay, recovery, return or price that could vary")
    drawn = draw_saltelli_sample(uncertain_inputs, count, SAMPLING_SEED if seed is None else seed)
    return [Scenario.build(str(number), changes) for number, changes in enumerate(drawn.iterate_draws(), start=1)]


GRID_OPTION = "--grid"
GRID_SYNTAX = "write PATH=LO..HI/N, such as 'devices.*.content.Ag=70..120%/6', or PATH=A,B,C"
_COUNT_PATTERN = re.compile(r"\s*([0-9]{1,7})")
# an unclosed bracket or quote extends to the end: searching for its end from each bracket would take quadratic time
_LIST_PATTERN = re.compile(r"""(?:[^,\[\]{}"']|"[^"]*(?:"|\Z)|'[^']*(?:'|\Z)|\[[^\]]*(?:\]|\Z)|\{[^}]*(?:\}|\Z))+""")
_NUMBER_PATTERN = re.compile(r"[+-]?[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9]+)?")


def build_grid(runner: ScenarioRunner, texts: Sequence[str]) -> list[Scenario]:
    """Parse grid axes and return a scenario for each combination of values; the last axis varies fastest.

    Args:
        runner: Base instance.
        texts: One axis each: `PATH=LO..HI/N` or `PATH=A,B,C`.

    Returns:
        Scenarios, named by their numbers from 1.

    Raises:
        InputError: If an axis is not valid or there are too many scenarios; all errors are collected.
    """
    axes: dict[str, list[Change]] = {}
    faults: list[Fault] = []
    for text in texts:
        path = text.partition("=")[0].strip()
        try:
            if path in axes:
                raise UsageError(
                    f"{GRID_OPTION} {escape_text(text)}: this parameter is given twice; keep one of the two"
                )
            axes[path] = _parse_axis(runner, text)
        except InputError as error:
            faults += error.faults
        except UsageError as error:
            faults.append(
                Fault(
                    "" if str(error).startswith(GRID_OPTION) else GRID_OPTION,
                    0,
                    0,
                    "",
                    str(error),
                    kind=FaultKind.SCENARIOS,
                )
            )
    count = math.prod(len(steps) for steps in axes.values())
    if count > MAX_SCENARIOS:
        faults.append(
            Fault(
                "",
                0,
                0,
                "",
                f"{GRID_OPTION}: makes {count:_} scenarios; {MAX_SCENARIOS:_} are the most",
                kind=FaultKind.SCENARIOS,
            )
        )
    if faults:
        raise InputError(faults)
    every = enumerate(itertools.product(*axes.values()), start=1)
    scenarios = [Scenario(str(number), changes) for number, changes in every]
    runner.require_effects([scenarios[0].texts, scenarios[-1].texts], GRID_OPTION)
    return scenarios


def _parse_axis(runner: ScenarioRunner, text: str) -> list[Change]:
    """Parse one axis and return the change of each of its values."""
    path, equals, values = (part.strip() for part in text.partition("="))
    if not (path and equals and values):
        raise UsageError(f"{GRID_OPTION} {escape_text(text)}: {GRID_SYNTAX}")
    ends, _, number = values.rpartition("/")
    if ".." in ends and (count := _COUNT_PATTERN.fullmatch(number)):
        if not 2 <= int(count[1]) <= MAX_SCENARIOS:
            raise UsageError(
                f"{GRID_OPTION} {escape_text(text)}: the number behind the stroke is that of the values, 2 "
                f"to {MAX_SCENARIOS:_}"
            )
        return _interpolate_values(parse_parameter_range(runner, f"{path}={ends}", GRID_OPTION), int(count[1]))
    if ".." in values:
        ends = values.partition("/")[0].strip()
        raise UsageError(f"{GRID_OPTION} {escape_text(text)}: give the number of values, such as {escape_text(ends)}/5")
    return _parse_list(runner, path, values, text)


def _interpolate_values(range_: ParameterRange, count: int) -> list[Change]:
    """Return the changes of `count` equidistant values; whole numbers are rounded and each occurs once."""
    low, high = Fraction(repr(range_.low)), Fraction(repr(range_.high))
    values = [float(low + (high - low) * step / (count - 1)) for step in range(count)]
    if range_.is_integer:
        values = list(dict.fromkeys(float(round(value)) for value in values))
    return [Change.build(range_.path, range_.text(value)) for value in values]


def _parse_list(runner: ScenarioRunner, path: str, values: str, text: str) -> list[Change]:
    """Parse a list of values; a bare number takes the unit of the last value."""
    parts = [part.strip() for part in _LIST_PATTERN.findall(values)]
    if not all(parts) or len(parts) != len(_LIST_PATTERN.sub("", values)) + 1:
        raise UsageError(
            f"{GRID_OPTION} {escape_text(text)}: a value is missing between two commas, or a bracket or "
            f"quote; {GRID_SYNTAX}"
        )
    for one, two in pairwise(parts):
        if is_thousands_head(one) and is_thousands_tail(two):
            raise UsageError(
                f"{GRID_OPTION} {escape_text(text)}: {explain_comma(f'{one},{two}')}; a comma divides values here"
            )
    unit = _read_unit(parts[-1])
    with attribute_faults_to(GRID_OPTION):
        result = []
        for part in parts:
            value = f"{part} {unit}" if unit and _NUMBER_PATTERN.fullmatch(part) else part
            runner.apply_changes({path: value})  # raises if the value is not valid there
            result.append(Change.build(path, value))
        return result


def _read_unit(text: str) -> str:
    """Return the unit after a number; empty if there is none."""
    match = _NUMBER_PATTERN.match(text)
    return text[match.end() :].strip() if match and re.match(r"\s*[A-Za-z%]", text[match.end() :]) else ""


@dataclass(frozen=True)
class SweepResult:
    """Scenario with its result."""

    scenario: Scenario
    result: ScenarioResult


def run_sweep(
    runner: ScenarioRunner,
    scenarios: Sequence[Scenario],
    where: ScenarioExecutor,
    cache: ResultCache | None = None,
    report_progress: ProgressCallback = ignore_progress,
) -> Iterator[SweepResult]:
    """Solve all scenarios; an invalid or infeasible one has that as its result and does not stop the others.

    Args:
        runner: Base instance.
        scenarios: Scenarios to solve.
        where: Executor: processes of this machine, or a cluster.
        cache: Cache of results.
        report_progress: Progress callback.

    Yields:
        Each scenario with its result in the order given, as soon as all before it are solved.
    """
    requested = [scenario.texts for scenario in scenarios]
    waiting: dict[int, ScenarioResult] = {}
    following = 0
    with contextlib.closing(stream_results(runner, requested, where, cache, report_progress)) as answers:
        for number, result in answers:
            waiting[number] = result
            while following in waiting:
                yield SweepResult(scenarios[following], waiting.pop(following))
                following += 1
