"""`medalopt sweep`: solve a grid, a list or a sample of scenarios, on all cores or on a cluster."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli import options
from medalopt.cli.output import ReportOutput
from medalopt.cli.run import print_message, print_output
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


def sweep(
    instance: options.InstanceArgument,
    grid: GridOption = None,
    list_: ListOption = None,
    sample: SampleOption = None,
    seed: SeedOption = None,
    on: ExecutorOption = SweepExecutor.processes,
    scheduler: SchedulerOption = None,
    jobs: JobsOption = None,
    journal: JournalOption = None,
    objective: options.ObjectiveOption = "cost",
    set_: options.SetOption = None,
    output: options.OutputOption = None,
    full: options.FullOption = False,
    date: options.DateOption = None,
    json: options.JsonOption = False,
) -> int:
    """Solve many scenarios: a grid, a list or a sample.

    Without --grid, --list and --sample: the scenarios of the instance. A scenario that fails does not stop the others.
    """
    where = ReportOutput.prepare(output, {instance: "the instance"}, json, full, date)
    if bool(grid) + (list_ is not None) + (sample is not None) > 1:
        raise UsageError("--grid, --list and --sample exclude each other: give one of them")
    if seed is not None and (sample is None or seed < 0):
        raise UsageError("--seed goes with --sample N, and is 0 or more")
    if (on is SweepExecutor.dask) != (scheduler is not None):
        raise UsageError("--on dask and --scheduler ADDRESS go together, such as tcp://127.0.0.1:8786")
    if jobs is not None and on is SweepExecutor.dask:
        raise UsageError("--jobs goes with --on processes: a cluster has as many workers as were started")
    runner = options.open_variants(instance, set_, objective, deferred=bool(grid or list_))
    scenarios = _list_scenarios(runner, tuple(grid or ()), list_, sample, seed)
    rows: list[SweepResult] = []
    interrupted = False
    try:
        for row in _run_scenarios(runner, scenarios, scheduler, jobs, journal):
            rows.append(row)
            if json:
                _print_row(row)
    except KeyboardInterrupt:
        interrupted = True
    _report_results(runner, rows, len(scenarios), where)
    if interrupted:
        raise KeyboardInterrupt
    return 0


def _list_scenarios(
    runner: ScenarioRunner, grid: tuple[str, ...], listed: Path | None, sample: int | None, seed: int | None
) -> list[Scenario]:
    """Return the requested scenarios, by default those of the instance. Raises UsageError or InputError."""
    from medalopt.analysis.sweep import build_grid, list_instance_scenarios, load_scenarios, sample_scenarios

    if grid:
        return build_grid(runner, grid)
    if listed is not None:
        return load_scenarios(runner, listed)
    if sample is not None:
        return sample_scenarios(runner, sample, seed)
    return list_instance_scenarios(runner)


def _make_executor(scheduler: str | None, jobs: int | None) -> ScenarioExecutor:
    """Return the executor: processes on this machine, or a cluster."""
    from medalopt.analysis.process_pool import make_process_executor

    if scheduler is None:
        return make_process_executor(jobs)
    from medalopt.analysis.sweep import make_cluster_executor

    return make_cluster_executor(scheduler, print_message)


def _run_scenarios(
    runner: ScenarioRunner, scenarios: list[Scenario], scheduler: str | None, jobs: int | None, journal: Path | None
) -> Iterator[SweepResult]:
    """Yield the result of each scenario."""
    from medalopt.analysis.result_cache import open_result_cache
    from medalopt.analysis.sweep import run_sweep
    from medalopt.report.render.text import show_progress

    with (
        open_result_cache(journal, runner.instance, runner.objective) as cache,
        show_progress("solving scenarios") as step,
    ):
        yield from run_sweep(runner, scenarios, _make_executor(scheduler, jobs), cache, step)


def _print_row(row: SweepResult) -> None:
    """Print a result as a line of JSON."""
    from medalopt.report.compare import render_scenario_json

    print_output(render_scenario_json(row))


def _report_results(runner: ScenarioRunner, rows: list[SweepResult], of: int, where: ReportOutput) -> None:
    """Write the results, and print the summary."""
    from medalopt.report.compare import build_sweep_report

    report = build_sweep_report(runner.instance, runner.unit, rows, of)
    where.write(report, "the scenarios are written")
    if not where.as_json:
        where.show(report)
        return
    for line in report.headline[2:]:
        print_message(line)
