"""`medalopt sweep`: many scenarios, on all cores of this machine or on a Dask cluster."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli.common import Changes, InstanceFile, Json, check_output, opened, place
from medalopt.cli.ending import emit, say
from medalopt.cli.solve import Measure, Objective
from medalopt.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medalopt.analysis.pool import Where
    from medalopt.analysis.sweep.scenario import Scenario
    from medalopt.analysis.sweep.sweep import Row
    from medalopt.analysis.variants import Variants

SUFFIXES = (".csv", ".jsonl", ".html")


class On(StrEnum):
    """Executor of the scenarios."""

    processes = "processes"
    dask = "dask"


Grid = Annotated[
    list[str] | None,
    typer.Option(
        "--grid",
        metavar="PATH=LO..HI/N",
        help="N values of a figure, or PATH=A,B,C; given again, every combination. A path may hold *.",
    ),
]
Listed = Annotated[
    Path | None,
    typer.Option("--list", metavar="FILE", help="Scenarios from CSV (a column for each path) or YAML."),
]
Drawn = Annotated[
    int | None, typer.Option("--sample", metavar="N", help="N draws of all that is uncertain, by its cv.")
]
Seed = Annotated[int | None, typer.Option("--seed", metavar="S", help="With --sample: draw others.")]
There = Annotated[On, typer.Option("--on", help="Processes of this machine, or the workers of a Dask cluster.")]
Scheduler = Annotated[
    str | None, typer.Option("--scheduler", metavar="ADDRESS", help="With --on dask: tcp://HOST:PORT.")
]
Jobs = Annotated[int | None, typer.Option("--jobs", metavar="N", min=1, help="Processes; left out: all cores.")]
Kept = Annotated[
    Path | None, typer.Option("--journal", metavar="FILE", help="Keep the answers there, and go on from there.")
]
Written = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="PATH", help="Also write NAME.csv, .jsonl or .html.")
]


@dataclass(frozen=True)
class Asked:
    """Requested scenarios: a grid, a list, a sample, or by default those of the instance."""

    grid: tuple[str, ...]
    listed: Path | None
    sample: int | None
    seed: int | None

    def __post_init__(self) -> None:
        """Raise UsageError for more than one kind, or a seed without a sample."""
        if bool(self.grid) + (self.listed is not None) + (self.sample is not None) > 1:
            raise UsageError("--grid, --list and --sample are three kinds of scenarios: leave all but one")
        if self.seed is not None and (self.sample is None or self.seed < 0):
            raise UsageError("--seed goes with --sample N, and is 0 or more")

    def scenarios(self, variants: Variants) -> list[Scenario]:
        """Return the requested scenarios.

        Args:
            variants: Runner of variants of the instance.

        Returns:
            The scenarios.

        Raises:
            UsageError: An option is malformed.
            InputError: The list is invalid; all its errors are reported.
        """
        from medalopt.analysis.sweep import grid, scenario

        if self.grid:
            return grid.grid(variants, self.grid)
        if self.listed is not None:
            return scenario.listed(self.listed)
        if self.sample is not None:
            return scenario.sampled(variants, self.sample, self.seed)
        return scenario.own(variants)


@dataclass(frozen=True)
class Place:
    """Executor with its scheduler address or number of processes."""

    on: On
    scheduler: str | None
    jobs: int | None

    def __post_init__(self) -> None:
        """Raise UsageError for options of the other executor."""
        if (self.on is On.dask) != (self.scheduler is not None):
            raise UsageError("--on dask and --scheduler ADDRESS go together, such as tcp://127.0.0.1:8786")
        if self.jobs is not None and self.on is On.dask:
            raise UsageError("--jobs goes with --on processes: a cluster has as many workers as were started")

    def where(self) -> Where:
        """Return the executor."""
        from medalopt.analysis import pool

        if self.scheduler is None:
            return pool.processes(self.jobs)
        from medalopt.analysis.sweep.cluster import cluster

        return cluster(self.scheduler, say)


def sweep(
    instance: InstanceFile,
    grid: Grid = None,
    list_: Listed = None,
    sample: Drawn = None,
    seed: Seed = None,
    on: There = On.processes,
    scheduler: Scheduler = None,
    jobs: Jobs = None,
    journal: Kept = None,
    objective: Objective = Measure.cost,
    set_: Changes = None,
    output: Written = None,
    json: Json = False,
) -> int:
    """Answer many scenarios, a grid, a list or a sample; left out, those of the instance. One that fails stops none."""
    if output is not None:
        if output.suffix.lower() not in SUFFIXES:
            raise UsageError(f"-o {place(output)}: scenarios are written as NAME.csv, NAME.jsonl or NAME.html")
        check_output(output, instance)
    asked, there = Asked(tuple(grid or ()), list_, sample, seed), Place(on, scheduler, jobs)
    variants = opened(instance, set_, objective.value)
    scenarios = asked.scenarios(variants)
    rows: list[Row] = []
    interrupted = False
    try:
        for row in _answers(variants, scenarios, there, journal):
            rows.append(row)
            if json:
                _emit(row)
    except KeyboardInterrupt:
        interrupted = True
    _tell(variants, rows, len(scenarios), output, json)
    if interrupted:
        raise KeyboardInterrupt
    return 0


def _answers(variants: Variants, scenarios: list[Scenario], there: Place, kept: Path | None) -> Iterator[Row]:
    """Yield the result of each scenario."""
    from medalopt.analysis.journal import journal
    from medalopt.analysis.sweep.sweep import sweep as swept
    from medalopt.report.progressbar import progressbar

    with journal(kept, variants.instance, variants.measure) as own, progressbar("answering scenarios") as told:
        yield from swept(variants, scenarios, there.where(), own, told)


def _emit(row: Row) -> None:
    """Print a result as a line of JSON."""
    from medalopt.report.sweep import json_line

    emit(json_line(row))


def _tell(variants: Variants, rows: list[Row], of: int, output: Path | None, json: bool) -> None:
    """Write the results if requested, and print the summary."""
    from medalopt.report import sweep as report

    if output is not None:
        from medalopt.report.files import write_file

        kind = output.suffix.lower()
        if kind == ".html":
            content = report.as_page(variants.instance, variants.unit, rows, of)
        else:
            content = report.as_csv(rows) if kind == ".csv" else "".join(map(report.json_line, rows))
        write_file(output, content)
        say(f"{place(output)}: the scenarios are written")
    if not json:
        emit(report.on_screen(variants.instance, variants.unit, rows, of))
        return
    for line in report.summary(variants.unit, rows, of)[2:]:
        say(line)
