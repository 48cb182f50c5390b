"""`medalopt sensitivity`: ranges, curves, outages, delays, premium, scenarios, device mixes, tornado and variance."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli import options
from medalopt.cli.output import ReportOutput, report_infeasibility
from medalopt.cli.run import print_message
from medalopt.errors import NoPlanError, SolverError, UsageError

if TYPE_CHECKING:
    from medalopt.analysis.result_cache import ResultCache
    from medalopt.analysis.scenario_runner import ScenarioRunner
    from medalopt.report.sensitivity.report_part import SensitivityPart

    PartMaker = Callable[[ScenarioRunner], SensitivityPart]

RangesOption = Annotated[
    bool, typer.Option("--ranges", help="Shadow prices and sensitivity ranges (the default analysis).")
]
VaryOption = Annotated[
    list[str] | None,
    typer.Option(
        "--vary",
        metavar="PATH=LO..HI",
        help="Plot the objective against one parameter, such as 'devices.*.content.Ag=70..120%' (twice: a map of two).",
    ),
]
BudgetOption = Annotated[
    str | None,
    typer.Option(
        "--budget",
        metavar="AMOUNT",
        help="With --vary: range of the parameter in which the objective is within AMOUNT.",
    ),
]
ExactOption = Annotated[
    bool, typer.Option("--exact", help="With --vary: compute every breakpoint, however many solves it takes.")
]
WithoutOption = Annotated[
    bool, typer.Option("--without", help="Outages: drop each smelter, treatment, region, channel and offer in turn.")
]
DropOption = Annotated[
    list[str] | None,
    typer.Option("--drop", metavar="PATH", help="Outage of this element only, such as smelters.kosaka (repeatable)."),
]
FromOption = Annotated[
    str | None, typer.Option("--from", metavar="PERIOD", help="First period of the outages, such as 2018-04.")
]
DelayOption = Annotated[
    int | None,
    typer.Option(
        "--delay", metavar="N", help="Delay metal and supply by N periods; also the latest period to sign each."
    ),
]
ScenariosOption = Annotated[
    bool, typer.Option("--scenarios", help="Named scenarios of the instance against the base case.")
]
PremiumOption = Annotated[
    bool, typer.Option("--premium", help="Premium of recycling over buying the metal, total and per medal.")
]


DeviceMixOption = Annotated[
    bool,
    typer.Option("--device-mix", help="Vary the share of each device type in the supply; compare the `mixes`."),
]
TriangleOption = Annotated[
    str | None,
    typer.Option(
        "--triangle", metavar="A,B,C", help="With --device-mix: also vary the split of tonnes among three devices."
    ),
]
TornadoOption = Annotated[
    bool, typer.Option("--tornado", help="Vary each parameter alone, by its cv or by 10 %, and rank by effect.")
]
GlobalOption = Annotated[
    int | None,
    typer.Option("--global", metavar="N", help="Variance-based: vary all parameters at once, in samples of N rows."),
]
JobsOption = Annotated[
    int | None,
    typer.Option("--jobs", metavar="N", min=1, help="Processes for --tornado and --global; default: all cores."),
]
JournalOption = Annotated[
    Path | None,
    typer.Option(
        "--journal", metavar="FILE", help="Save results of --tornado and --global to FILE, and resume from it."
    ),
]


def sensitivity(
    instance: options.InstanceArgument,
    ranges: RangesOption = False,
    vary: VaryOption = None,
    budget: BudgetOption = None,
    exact: ExactOption = False,
    without: WithoutOption = False,
    drop: DropOption = None,
    start: FromOption = None,
    delay: DelayOption = None,
    scenarios: ScenariosOption = False,
    premium: PremiumOption = False,
    device_mix: DeviceMixOption = False,
    triangle: TriangleOption = None,
    tornado: TornadoOption = False,
    rows: GlobalOption = None,
    jobs: JobsOption = None,
    journal: JournalOption = None,
    objective: options.ObjectiveOption = "cost",
    set_: options.SetOption = None,
    output: options.OutputOption = None,
    full: options.FullOption = False,
    date: options.DateOption = None,
    json: options.JsonOption = False,
) -> int:
    """Analyse sensitivity: ranges, curves, outages, tornado.

    Sensitivity ranges: allowable increase and decrease of each parameter, and its shadow price in both directions.
    """
    where = ReportOutput.prepare(output, {instance: "the instance"}, json, full, date)
    ranges_to_vary, dropped = tuple(vary or ()), tuple(drop or ())
    if start is not None and not (without or dropped):
        raise UsageError("--from is the first period of an outage: give it with --without or --drop")
    _check_options(delay, ranges_to_vary, budget is not None or exact)
    listed: tuple[tuple[object, PartMaker], ...] = (
        (len(ranges_to_vary) == 2, partial(_report_map, ranges_to_vary)),
        (len(ranges_to_vary) == 1, partial(_report_curve, ranges_to_vary, budget, exact)),
        (without or dropped, partial(_report_outages, dropped, start)),
        (premium and not (without or dropped), _report_premium),
        (delay is not None, partial(_report_delay, delay or 0)),
        (scenarios, _report_scenarios),
        (device_mix or triangle is not None, partial(_report_mix, triangle)),
        (tornado, partial(_report_tornado, jobs, journal)),
        (rows is not None, partial(_report_variance, rows or 0, jobs, journal)),
    )
    makers = [make for requested, make in listed if requested]
    runner = options.open_variants(instance, set_, objective, deferred=bool(vary))
    try:
        parts = _run_parts(runner, makers if makers and not ranges else [_report_ranges, *makers])
    except NoPlanError as error:
        return report_infeasibility(
            runner.apply_to_lots({}) or runner.instance, error, instance, set_, objective, where
        )
    return _deliver_parts(runner, parts, where)


def _check_options(delay: int | None, ranges: Sequence[str], with_options: bool) -> None:
    """Raise UsageError for a negative delay, options without a curve, and more than two parameters."""
    if delay is not None and delay < 0:
        raise UsageError(f"--delay {delay}: a delay is a whole number of periods, 0 or more")
    if not ranges and with_options:
        raise UsageError("--budget and --exact go with --vary PATH=LO..HI")
    if len(ranges) == 2 and with_options:
        raise UsageError("--budget and --exact go with one --vary, not with a map")
    if len(ranges) > 2:
        raise UsageError("--vary may be given once for a curve, twice for a map")


def _run_parts(runner: ScenarioRunner, makers: Sequence[PartMaker]) -> list[SensitivityPart]:
    """Run the requested analyses, up to one that was interrupted; one that leaves whole lots out says so in a line."""
    parts: list[SensitivityPart] = []
    for make in makers:
        part = make(runner)
        if runner.lots and not part.in_lots:
            said = _describe_left_out(runner)
            part = replace(part, lines=(*part.lines, f"{said[:1].upper()}{said[1:]}."))
        parts.append(part)
        if part.interrupted:
            break
    return parts


def _deliver_parts(runner: ScenarioRunner, parts: list[SensitivityPart], where: ReportOutput) -> int:
    """Deliver the report; return the exit code. Raises KeyboardInterrupt where the last part was interrupted."""
    from medalopt.report.sensitivity.report_part import build_sensitivity_report
    from medalopt.report.solve import describe_status

    if where.as_json and runner.lots and not all(part.in_lots for part in parts):
        print_message(f"{runner.lots[0]}: {_describe_left_out(runner)}")
    status = ""
    if where.has_tables and not runner.lots:  # with lots a part states its own
        with suppress(NoPlanError, SolverError):  # a curve may start where the base case has no plan
            status = describe_status(runner.plan)
    where.deliver(build_sensitivity_report(runner.instance, parts, status), "the sensitivity is written")
    if parts[-1].interrupted:
        raise KeyboardInterrupt
    return 0


def _describe_left_out(runner: ScenarioRunner) -> str:
    """Return the sentence on whole lots that an analysis leaves out."""
    from medalopt.instance.lot_relaxation import describe_lot_rules

    return f"{describe_lot_rules(runner.lots)} are left out: shadow prices and curves exist only without them"


def _report_ranges(runner: ScenarioRunner) -> SensitivityPart:
    """Return the sensitivity ranges."""
    from medalopt.analysis.sensitivity.ranges import compute_ranges
    from medalopt.report.sensitivity.ranges import report_ranges

    if not runner.lots:
        with options.report_progress(f"solving {runner.instance.name}"):
            _ = runner.plan
    with options.report_progress("varying one parameter after the other") as step:
        return report_ranges(compute_ranges(runner, _count_tenths(step)))


def _count_tenths(step: Callable[[str], None]) -> Callable[[int, int], None]:
    """Return a progress callback that reports every tenth of the parameters."""
    return lambda done, of: step(f"{done} of {of}") if done and done % max(of // 10, 1) == 0 else None


def _report_map(ranges: Sequence[str], runner: ScenarioRunner) -> SensitivityPart:
    """Return the map over two parameters."""
    from medalopt.analysis.sensitivity.curves import compute_surface
    from medalopt.analysis.sensitivity.parameter_range import parse_parameter_range
    from medalopt.report.sensitivity.curves import report_surface

    across, up = (parse_parameter_range(runner, figure) for figure in ranges)
    runner.require_effects(
        [
            {**across.make_changes(across.low), **up.make_changes(up.low)},
            {**across.make_changes(across.high), **up.make_changes(up.high)},
        ],
        "--vary",
    )
    with options.report_progress(f"drawing a map of {across.path} and {up.path}") as step:
        return report_surface(compute_surface(runner, across, up, step), runner.instance.currency)


def _report_curve(ranges: Sequence[str], budget: str | None, exact: bool, runner: ScenarioRunner) -> SensitivityPart:
    """Return the curve along one parameter."""
    from medalopt.analysis.sensitivity.curves import CurveOptions, compute_curve
    from medalopt.analysis.sensitivity.parameter_range import parse_parameter_range
    from medalopt.analysis.sensitivity.piecewise_linear import parse_budget
    from medalopt.report.sensitivity.curves import report_curve

    range_ = parse_parameter_range(runner, ranges[0])
    runner.require_effects([range_.make_changes(range_.low), range_.make_changes(range_.high)], "--vary")
    limit = None if budget is None else parse_budget(budget, runner.objective, runner.source_values.money)
    with options.report_progress(f"drawing the curve along {range_.path}") as step:
        curve = compute_curve(runner, range_, CurveOptions(exact, limit, step))
        return report_curve(curve, runner.instance.currency)


def _report_outages(dropped: tuple[str, ...], start: str | None, runner: ScenarioRunner) -> SensitivityPart:
    """Return the outage part."""
    from medalopt.analysis.sensitivity.what_if import evaluate_outages
    from medalopt.report.sensitivity.what_if import report_outages

    with options.report_progress("removing one after the other") as step:
        return report_outages(evaluate_outages(runner, dropped, start, step), runner.instance)


def _report_premium(runner: ScenarioRunner) -> SensitivityPart:
    """Return the recycling premium part."""
    from medalopt.analysis.sensitivity.base_case import compute_premium
    from medalopt.report.sensitivity.what_if import report_premium

    with options.report_progress("buying the metal instead"):
        part = report_premium(compute_premium(runner), runner.instance)
        return replace(part, in_lots=runner.base_in_lots is not None)


def _report_delay(delay: int, runner: ScenarioRunner) -> SensitivityPart:
    """Return the delay part."""
    from medalopt.analysis.sensitivity.what_if import evaluate_delays
    from medalopt.report.sensitivity.what_if import report_delay

    with options.report_progress("delaying one after the other") as step:
        return report_delay(evaluate_delays(runner, delay, step), runner.instance)


def _report_scenarios(runner: ScenarioRunner) -> SensitivityPart:
    """Return the part of named scenarios."""
    from medalopt.analysis.sensitivity.what_if import evaluate_scenarios
    from medalopt.report.sensitivity.what_if import report_scenarios

    with options.report_progress("one scenario after the other") as step:
        return replace(report_scenarios(evaluate_scenarios(runner, step)), in_lots=True)


def _report_mix(triangle: str | None, runner: ScenarioRunner) -> SensitivityPart:
    """Return the device mix part."""
    from medalopt.analysis.sensitivity.device_mix import analyse_device_mix
    from medalopt.report.sensitivity.device_mix import report_device_mix

    devices = () if triangle is None else tuple(name.strip() for name in triangle.split(","))
    with options.report_progress(f"moving the mix of {runner.instance.name}") as step:
        return report_device_mix(analyse_device_mix(runner, devices, step))


def _report_tornado(jobs: int | None, journal: Path | None, runner: ScenarioRunner) -> SensitivityPart:
    """Return the tornado chart."""
    from medalopt.analysis.sensitivity.tornado import compute_tornado
    from medalopt.report.sensitivity.tornado import report_tornado

    with _open_cache(journal, runner, "varying every parameter") as (cache, step):
        found = compute_tornado(runner, jobs, cache, step)
        return replace(report_tornado(runner.instance, runner.unit, found), in_lots=True)


def _report_variance(rows: int, jobs: int | None, journal: Path | None, runner: ScenarioRunner) -> SensitivityPart:
    """Return the variance decomposition."""
    from medalopt.analysis.sensitivity.variance import analyse_variance
    from medalopt.report.sensitivity.tornado import report_variance

    with _open_cache(journal, runner, "varying all parameters at once") as (cache, step):
        found = analyse_variance(runner, rows, jobs, cache, step)
        return replace(report_variance(runner.instance, runner.unit, found), in_lots=True)


@contextmanager
def _open_cache(
    path: Path | None, runner: ScenarioRunner, activity: str
) -> Iterator[tuple[ResultCache | None, Callable[[int, int], None]]]:
    """Open the result cache, if given, and a progress bar."""
    from medalopt.analysis.result_cache import open_result_cache
    from medalopt.report.render.text import show_progress

    with (
        open_result_cache(path, runner.instance, runner.objective) as cache,
        show_progress(activity) as step,
    ):
        yield cache, step
