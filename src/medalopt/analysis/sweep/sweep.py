"""Sweeps: scenarios from a file, a grid or a sample, solved on this machine or on a cluster, reported in order.

A grid is the Cartesian product of parameters (with `*`, several at once) over lists or ranges of values.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from medalopt.analysis.process_pool import ProgressCallback, ScenarioExecutor, ignore_progress, stream_results
from medalopt.analysis.result_cache import ResultCache, ScenarioResult
from medalopt.analysis.scenario_runner import PER_CENT, ScenarioRunner
from medalopt.analysis.sensitivity.parameter_range import (
    ParameterRange,
    accepts_value,
    attribute_faults_to,
    parse_parameter_range,
    require_parameter_kind,
)
from medalopt.analysis.sensitivity.uncertain_parameters import (
    SAMPLING_SEED,
    draw_saltelli_sample,
    find_uncertain_inputs,
)
from medalopt.errors import Fault, InputError, UsageError
from medalopt.instance.loading import ParameterChanges
from medalopt.instance.paths import parse_path
from medalopt.instance.reader.scenario_file import read_scenario_file
from medalopt.instance.reader.yaml_nodes import is_thousands_head, is_thousands_tail
from medalopt.instance.scenario import WILDCARD, scale_matching
from medalopt.text import escape_text, explain_comma
from medalopt.units import QuantityError, split_number_unit

MAX_SCENARIOS = 1_000_000  # scenarios


@dataclass(frozen=True)
class SweepScenario:
    """One scenario: its name, and its changes (path to value) in the syntax of `scenarios:`."""

    name: str
    changes: ParameterChanges


def list_instance_scenarios(runner: ScenarioRunner) -> list[SweepScenario]:
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
    return [SweepScenario(name, changes) for name, changes in named.items()]


def load_scenarios(path: Path) -> list[SweepScenario]:
    """Load the scenarios of a CSV or YAML file.

    Args:
        path: File.

    Returns:
        Scenarios in the order of the file.

    Raises:
        InputError: If the file is not valid; all errors are collected.
    """
    return [SweepScenario(name, changes) for name, changes in read_scenario_file(path).items()]


def sample_scenarios(runner: ScenarioRunner, count: int, seed: int | None) -> list[SweepScenario]:
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
    return [SweepScenario(str(number), changes) for number, changes in enumerate(drawn.iterate_draws(), start=1)]


GRID_OPTION = "--grid"
GRID_SYNTAX = "write PATH=LO..HI/N, such as 'devices.*.content.Ag=70..120%/6', or PATH=A,B,C"
_COUNT_PATTERN = re.compile(r"\s*([0-9]{1,7})")
# an unclosed bracket or quote extends to the end: searching for its end from each bracket would take quadratic time
_LIST_PATTERN = re.compile(r"""(?:[^,\[\]{}"']|"[^"]*(?:"|\Z)|'[^']*(?:'|\Z)|\[[^\]]*(?:\]|\Z)|\{[^}]*(?:\}|\Z))+""")
_NUMBER_PATTERN = re.compile(r"[+-]?[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9]+)?")


def build_grid(runner: ScenarioRunner, texts: Sequence[str]) -> list[SweepScenario]:
    """Parse grid axes and return a scenario for each combination of values; the last axis varies fastest.

    Args:
        runner: Base instance.
        texts: One axis each: `PATH=LO..HI/N` or `PATH=A,B,C`.

    Returns:
        Scenarios, named by their numbers from 1.

    Raises:
        InputError: If an axis is not valid or there are too many scenarios; all errors are collected.
    """
    axes: dict[str, list[ParameterChanges]] = {}
    faults: list[Fault] = []
    for text in texts:
        path = text.partition("=")[0].strip()
        try:
            if path in axes:
                raise UsageError(f"{GRID_OPTION} {escape_text(text)}: this figure stands twice; leave one of the two")
            axes[path] = _parse_axis(runner, text)
        except InputError as error:
            faults += error.faults
        except UsageError as error:
            faults.append(Fault("" if str(error).startswith(GRID_OPTION) else GRID_OPTION, 0, 0, "", str(error)))
    count = math.prod(len(steps) for steps in axes.values())
    if count > MAX_SCENARIOS:
        faults.append(Fault("", 0, 0, "", f"{GRID_OPTION}: makes {count:_} scenarios; {MAX_SCENARIOS:_} are the most"))
    if faults:
        raise InputError(faults)
    every = itertools.product(*axes.values())
    return [SweepScenario(str(number), _merge_changes(steps)) for number, steps in enumerate(every, start=1)]


def _merge_changes(steps: Sequence[ParameterChanges]) -> ParameterChanges:
    """Return the changes of all axes as one."""
    return {path: value for step in steps for path, value in step.items()}


def _parse_axis(runner: ScenarioRunner, text: str) -> list[ParameterChanges]:
    """Parse one axis and return the changes of each of its values."""
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
        return list(
            _interpolate_values(parse_parameter_range(runner, f"{path}={ends}", GRID_OPTION), ends, int(count[1]))
        )
    if ".." in values:
        ends = values.partition("/")[0].strip()
        raise UsageError(f"{GRID_OPTION} {escape_text(text)}: say how many values, such as {escape_text(ends)}/5")
    return _parse_list(runner, path, values, text)


def _interpolate_values(range_: ParameterRange, ends: str, count: int) -> Iterator[ParameterChanges]:
    """Yield the changes of `count` equidistant values; whole numbers are rounded and each occurs once."""
    low, high = Fraction(repr(range_.low)), Fraction(repr(range_.high))
    values = [float(low + (high - low) * step / (count - 1)) for step in range(count)]
    if range_.is_integer:
        values = list(dict.fromkeys(float(round(value)) for value in values))
    several = WILDCARD in parse_path(range_.path)
    signed = several and any(end.strip().startswith(("+", "-")) for end in ends.split(".."))
    for value in values:
        yield {range_.path: _format_grid_value(value, range_.unit, signed)} if several else range_.make_changes(value)


def _format_grid_value(value: float, unit: str | None, signed: bool) -> str:
    """Format a value with its unit, and a plus sign for offsets."""
    number = repr(int(value) if value.is_integer() and abs(value) < 1e15 else value)
    plus = "+" if signed and not number.startswith("-") else ""
    return f"{plus}{number} {unit}" if unit else f"{plus}{number}"


def _parse_list(runner: ScenarioRunner, path: str, values: str, text: str) -> list[ParameterChanges]:
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
            changes = _make_grid_change(runner, path, value, text)
            runner.apply_changes(runner.expand_changes(changes.items()))  # raises if the value is not valid there
            result.append(changes)
        return result


def _read_unit(text: str) -> str:
    """Return the unit after a number; empty if there is none."""
    match = _NUMBER_PATTERN.match(text)
    return text[match.end() :].strip() if match and re.match(r"\s*[A-Za-z%]", text[match.end() :]) else ""


def _make_grid_change(runner: ScenarioRunner, path: str, value: str, text: str) -> ParameterChanges:
    """Return the change of one value; a percentage scales a parameter that is no share, as it does with `*`."""
    if not value.endswith("%") or value.startswith("+") or WILDCARD in path:
        return {path: value}
    if accepts_value(require_parameter_kind(runner, path, value, GRID_OPTION), value, runner):
        return {path: value}
    try:
        share = Fraction(split_number_unit(value, "", runner.source_values.money)[0].replace("_", ""))
    except QuantityError as error:
        raise UsageError(f"{GRID_OPTION} {escape_text(text)}: {error}") from error
    return scale_matching(runner.source_values, path, share * PER_CENT)


@dataclass(frozen=True)
class SweepResult:
    """Scenario with its result."""

    scenario: SweepScenario
    result: ScenarioResult


def run_sweep(
    runner: ScenarioRunner,
    scenarios: Sequence[SweepScenario],
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
    asked = [scenario.changes for scenario in scenarios]
    waiting: dict[int, ScenarioResult] = {}
    following = 0
    with contextlib.closing(stream_results(runner, asked, where, cache, report_progress)) as answers:
        for number, result in answers:
            waiting[number] = result
            while following in waiting:
                yield SweepResult(scenarios[following], waiting.pop(following))
                following += 1
