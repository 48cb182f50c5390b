"""`medalopt sensitivity`: sensitivity ranges, curves, what-if analyses and global sensitivity."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli.infeasible_output import report_infeasibility
from medalopt.cli.options import (
    InstanceArgument,
    JsonOption,
    SetOption,
    open_variants,
    report_progress,
)
from medalopt.cli.output import (
    DateOption,
    FullOption,
    OutputOption,
    check_outputs,
    parse_day,
    print_report,
    write_report,
)
from medalopt.cli.sensitivity_options import (
    BudgetOption,
    CurveRequest,
    DelayOption,
    DeviceMixOption,
    DeviceMixRequest,
    DropOption,
    ExactOption,
    FromOption,
    GlobalOption,
    ImportanceRequest,
    JobsOption,
    JournalOption,
    PremiumOption,
    ScenariosOption,
    TornadoOption,
    TriangleOption,
    VaryOption,
    WhatIfRequest,
    WithoutOption,
)
from medalopt.cli.solve import ObjectiveOption
from medalopt.errors import NoPlanError

if TYPE_CHECKING:
    from medalopt.analysis.scenario_runner import ScenarioRunner
    from medalopt.report.sensitivity.report_part import SensitivityPart

RangesOption = Annotated[
    bool, typer.Option("--ranges", help="Shadow prices and sensitivity ranges (the default analysis).")
]


@dataclass(frozen=True)
class SensitivityRequest:
    """Analyses requested on the command line; ranges are the default."""

    objective: str
    ranges: bool
    curves: CurveRequest
    what_if: WhatIfRequest
    device_mix: DeviceMixRequest
    importance: ImportanceRequest


def sensitivity(
    instance: InstanceArgument,
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
    objective: ObjectiveOption = "cost",
    set_: SetOption = None,
    output: OutputOption = None,
    full: FullOption = False,
    date: DateOption = None,
    json: JsonOption = False,
) -> int:
    """Analyse sensitivity: ranges, curves, outages, tornado.

    Sensitivity ranges: allowable increase and decrease of each parameter, and its shadow price in both directions.
    """
    day = parse_day(date)
    outputs = check_outputs(output, {instance: "the instance"})
    otherwise = WhatIfRequest(without, tuple(drop or ()), start, delay, scenarios, premium)
    mixing, mattering = DeviceMixRequest.of(device_mix, triangle), ImportanceRequest(tornado, rows, jobs, journal)
    request = SensitivityRequest(
        objective, ranges, CurveRequest(tuple(vary or ()), budget, exact), otherwise, mixing, mattering
    )
    runner = open_variants(instance, set_, objective, deferred=bool(vary))
    try:
        parts = _run_parts(runner, request)
    except NoPlanError as error:
        return report_infeasibility(runner.instance, error, instance, set_, objective, json, outputs=outputs)
    from medalopt.report.sensitivity.report_part import build_sensitivity_report

    report = build_sensitivity_report(runner.instance, parts)
    write_report(report, outputs, "the sensitivity is written", day)
    print_report(report, json, full=full)
    if parts[-1].interrupted:
        raise KeyboardInterrupt
    return 0


def _run_parts(runner: ScenarioRunner, request: SensitivityRequest) -> list[SensitivityPart]:
    """Run the requested analyses, up to one that was interrupted."""
    parts: list[SensitivityPart] = []
    for part in _select_parts(request):
        parts.append(part(runner))
        if parts[-1].interrupted:
            break
    return parts


def _select_parts(request: SensitivityRequest) -> Iterator[Callable[[ScenarioRunner], SensitivityPart]]:
    """Yield the function of each requested part, from the runner of variants to a part."""
    every = (request.curves, request.what_if, request.device_mix, request.importance)
    others = [part for one in every for part in one.list_parts()]
    if request.ranges or not others:
        yield _run_ranges
    yield from others


def _run_ranges(runner: ScenarioRunner) -> SensitivityPart:
    """Return the sensitivity ranges."""
    from medalopt.analysis.sensitivity.ranges import compute_ranges
    from medalopt.report.sensitivity.ranges import report_ranges

    with report_progress(f"solving {runner.instance.name}"):
        _ = runner.plan
    with report_progress("varying one parameter after the other") as step:
        return report_ranges(compute_ranges(runner, _count_tenths(step)))


def _count_tenths(step: Callable[[str], None]) -> Callable[[int, int], None]:
    """Return a progress callback that reports every tenth of the parameters."""
    return lambda done, of: step(f"{done} of {of}") if done and done % max(of // 10, 1) == 0 else None
