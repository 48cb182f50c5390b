"""`medalopt sweep`: many scenarios, on all cores of this machine or on a Dask cluster."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli.options import InstanceArgument, JsonOption, SetOption, open_variants
from medalopt.cli.output import (
    DateOption,
    FullOption,
    OutputOption,
    check_outputs,
    parse_day,
    print_report,
    write_report,
)
from medalopt.cli.run import print_message, print_output
from medalopt.cli.solve import ObjectiveOption
from medalopt.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medalopt.analysis.process_pool import ScenarioExecutor
    from medalopt.analysis.scenario_runner import ScenarioRunner
    from medalopt.analysis.sweep import SweepResult
    from medalopt.instance.scenario import Scenario


class SweepExecutor(StrEnum):
    """Executor of the scenarios."""

    processes = "processes"
    dask = "dask"


GridOption = Annotated[
    list[str] | None,
    typer.Option(
        "--grid",
        metavar="PATH=LO..HI/N",
        help="N values of a parameter, or PATH=A,B,C (repeatable: all combinations); PATH may contain a wildcard *.",
    ),
]
ListOption = Annotated[
    Path | None,
    typer.Option("--list", metavar="FILE", help="Scenarios from CSV (one column per path) or YAML."),
]
SampleOption = Annotated[
    int | None, typer.Option("--sample", metavar="N", help="N random draws of all uncertain parameters, by their cv.")
]
SeedOption = Annotated[int | None, typer.Option("--seed", metavar="S", help="With --sample: random seed.")]
ExecutorOption = Annotated[
    SweepExecutor, typer.Option("--on", help="Run on processes of this machine, or on the workers of a Dask cluster.")
]
SchedulerOption = Annotated[
    str | None,
    typer.Option("--scheduler", metavar="ADDRESS", help="With --on dask: address of the scheduler, tcp://HOST:PORT."),
]
JobsOption = Annotated[
    int | None, typer.Option("--jobs", metavar="N", min=1, help="Number of processes; default: all cores.")
]
JournalOption = Annotated[
    Path | None, typer.Option("--journal", metavar="FILE", help="Save results to FILE, and resume from it.")
]


@dataclass(frozen=True)
class SweepRequest:
    """Requested scenarios: a grid, a list, a sample, or by default those of the instance."""

    grid: tuple[str, ...]
    listed: Path | None
    sample: int | None
    seed: int | None

    def __post_init__(self) -> None:
        """Raise UsageError for more than one kind, or a seed without a sample."""
        if bool(self.grid) + (self.listed is not None) + (self.sample is not None) > 1:
            raise UsageError("--grid, --list and --sample exclude each other: give one of them")
        if self.seed is not None and (self.sample is None or self.seed < 0):
            raise UsageError("--seed goes with --sample N, and is 0 or more")

    def list_scenarios(self, runner: ScenarioRunner) -> list[Scenario]:
        """Return the requested scenarios.

        Args:
            runner: Runner of variants of the instance.

        Returns:
            The scenarios.

        Raises:
            UsageError: An option is malformed.
            InputError: The list is invalid; all its errors are reported.
        """
        from medalopt.analysis.sweep import build_grid, list_instance_scenarios, load_scenarios, sample_scenarios

        if self.grid:
            return build_grid(runner, self.grid)
        if self.listed is not None:
            return load_scenarios(runner, self.listed)
        if self.sample is not None:
            return sample_scenarios(runner, self.sample, self.seed)
        return list_instance_scenarios(runner)


@dataclass(frozen=True)
class SweepTarget:
    """Executor with its scheduler address or number of processes."""

    on: SweepExecutor
    scheduler: str | None
    jobs: int | None

    def __post_init__(self) -> None:
        """Raise UsageError for options of the other executor."""
        if (self.on is SweepExecutor.dask) != (self.scheduler is not None):
            raise UsageError("--on dask and --scheduler ADDRESS go together, such as tcp://127.0.0.1:8786")
        if self.jobs is not None and self.on is SweepExecutor.dask:
            raise UsageError("--jobs goes with --on processes: a cluster has as many workers as were started")

    def make_executor(self) -> ScenarioExecutor:
        """Return the executor: processes on this machine, or a cluster.

        Returns:
            Executor.
        """
        from medalopt.analysis.process_pool import make_process_executor

        if self.scheduler is None:
            return make_process_executor(self.jobs)
        from medalopt.analysis.sweep import make_cluster_executor

        return make_cluster_executor(self.scheduler, print_message)


def sweep(
    instance: InstanceArgument,
    grid: GridOption = None,
    list_: ListOption = None,
    sample: SampleOption = None,
    seed: SeedOption = None,
    on: ExecutorOption = SweepExecutor.processes,
    scheduler: SchedulerOption = None,
    jobs: JobsOption = None,
    journal: JournalOption = None,
    objective: ObjectiveOption = "cost",
    set_: SetOption = None,
    output: OutputOption = None,
    full: FullOption = False,
    date: DateOption = None,
    json: JsonOption = False,
) -> int:
    """Solve many scenarios: a grid, a list or a sample.

    Without --grid, --list and --sample: the scenarios of the instance. A scenario that fails does not stop the others.
    """
    day = parse_day(date)
    outputs = check_outputs(output, {instance: "the instance"})
    request, there = SweepRequest(tuple(grid or ()), list_, sample, seed), SweepTarget(on, scheduler, jobs)
    deferred = bool(request.grid or request.listed)
    runner = open_variants(instance, set_, objective, deferred=deferred)
    scenarios = request.list_scenarios(runner)
    rows: list[SweepResult] = []
    interrupted = False
    try:
        for row in _run_scenarios(runner, scenarios, there, journal):
            rows.append(row)
            if json:
                _print_row(row)
    except KeyboardInterrupt:
        interrupted = True
    _report_results(runner, rows, len(scenarios), outputs, json, full, day)
    if interrupted:
        raise KeyboardInterrupt
    return 0


def _run_scenarios(
    runner: ScenarioRunner, scenarios: list[Scenario], there: SweepTarget, cache_path: Path | None
) -> Iterator[SweepResult]:
    """Yield the result of each scenario."""
    from medalopt.analysis.result_cache import open_result_cache
    from medalopt.analysis.sweep import run_sweep
    from medalopt.report.render.text import show_progress

    with (
        open_result_cache(cache_path, runner.instance, runner.objective) as cache,
        show_progress("solving scenarios") as report_progress,
    ):
        yield from run_sweep(runner, scenarios, there.make_executor(), cache, report_progress)


def _print_row(row: SweepResult) -> None:
    """Print a result as a line of JSON."""
    from medalopt.report.compare import render_scenario_json

    print_output(render_scenario_json(row))


def _report_results(
    runner: ScenarioRunner,
    rows: list[SweepResult],
    of: int,
    outputs: tuple[Path, ...],
    json: bool,
    full: bool,
    day: str,
) -> None:
    """Write the results, and print the summary."""
    from medalopt.report.compare import build_sweep_report

    report = build_sweep_report(runner.instance, runner.unit, rows, of)
    write_report(report, outputs, "the scenarios are written", day)
    if not json:
        print_report(report, as_json=False, full=full)
        return
    for line in report.headline[2:]:
        print_message(line)
