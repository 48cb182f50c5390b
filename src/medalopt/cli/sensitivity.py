"""`medalopt sensitivity`: sensitivity ranges, curves, what-if analyses and global sensitivity."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli.infeasible_output import report_infeasibility
from medalopt.cli.options import (
    InstanceArgument,
    JsonOption,
    SetOption,
    check_output_path,
    format_path,
    open_variants,
    report_progress,
)
from medalopt.cli.run import print_message, print_output
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
from medalopt.cli.solve import ObjectiveChoice, ObjectiveOption
from medalopt.errors import NoPlanError, UsageError

if TYPE_CHECKING:
    from medalopt.analysis.scenario_runner import ScenarioRunner
    from medalopt.report.sensitivity.report_part import SensitivityPart

RangesOption = Annotated[
    bool, typer.Option("--ranges", help="How far each figure may move; told without this where nothing else is asked.")
]
_TEXT_SUFFIXES, _PICTURE_SUFFIXES = (".txt", ".html", ".json"), (".svg", ".png")


@dataclass(frozen=True)
class SensitivityRequest:
    """Analyses requested on the command line; ranges are the default."""

    objective: str
    ranges: bool
    varying: CurveRequest
    otherwise: WhatIfRequest
    mixing: DeviceMixRequest
    mattering: ImportanceRequest


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
    objective: ObjectiveOption = ObjectiveChoice.cost,
    set_: SetOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="PATH", help="Also write it: NAME.html, .txt or .json; its charts: .svg, .png."
        ),
    ] = None,
    json: JsonOption = False,
) -> int:
    """Say how far each figure may move, alone, before the plan changes; and what one unit more or less of it costs."""
    if output is not None:
        if output.suffix.lower() not in (*_TEXT_SUFFIXES, *_PICTURE_SUFFIXES):
            raise UsageError(
                f"-o {format_path(output)}: a sensitivity is written as NAME.html, NAME.txt or NAME.json, "
                "its charts as NAME.svg or NAME.png"
            )
        check_output_path(output, instance)
    otherwise = WhatIfRequest(without, tuple(drop or ()), start, delay, scenarios, premium)
    mixing, mattering = DeviceMixRequest.of(device_mix, triangle), ImportanceRequest(tornado, rows, jobs, journal)
    asked = SensitivityRequest(
        objective.value, ranges, CurveRequest(tuple(vary or ()), budget, exact), otherwise, mixing, mattering
    )
    variants = open_variants(instance, set_, objective.value, deferred=bool(vary))
    try:
        parts = _run_parts(variants, asked)
    except NoPlanError as error:
        report = None if output and output.suffix.lower() in _PICTURE_SUFFIXES else output  # there is no chart
        return report_infeasibility(
            variants.instance, error, instance, set_, objective.value, json, outputs=() if report is None else (report,)
        )
    _report_parts(variants, parts, output, json)
    if parts[-1].interrupted:
        raise KeyboardInterrupt
    return 0


def _run_parts(variants: ScenarioRunner, asked: SensitivityRequest) -> list[SensitivityPart]:
    """Run the requested analyses, up to one that was interrupted."""
    parts: list[SensitivityPart] = []
    for made in _select_parts(asked):
        parts.append(made(variants))
        if parts[-1].interrupted:
            break
    return parts


def _select_parts(asked: SensitivityRequest) -> Iterator[Callable[[ScenarioRunner], SensitivityPart]]:
    """Yield the function of each requested part, from the runner of variants to a part."""
    every = (asked.varying, asked.otherwise, asked.mixing, asked.mattering)
    others = [part for one in every for part in one.parts()]
    if asked.ranges or not others:
        yield _run_ranges
    yield from others


def _run_ranges(variants: ScenarioRunner) -> SensitivityPart:
    """Return the sensitivity ranges."""
    from medalopt.analysis.sensitivity.ranges import compute_ranges
    from medalopt.report.sensitivity.ranges import report_ranges

    with report_progress(f"solving {variants.instance.name}"):
        _ = variants.plan
    with report_progress("moving one figure after the other") as step:
        return report_ranges(compute_ranges(variants, _count_tenths(step)))


def _count_tenths(step: Callable[[str], None]) -> Callable[[int, int], None]:
    """Return a progress callback that reports every tenth of the parameters."""
    return lambda done, of: step(f"{done} of {of}") if done and done % max(of // 10, 1) == 0 else None


def _report_parts(variants: ScenarioRunner, parts: list[SensitivityPart], output: Path | None, json: bool) -> None:
    """Print the report, and write it if requested."""
    from medalopt.report.sensitivity.report_part import render_sensitivity_json, render_sensitivity_text

    if output is not None:
        _write_parts(variants, parts, output)
    print_output(
        render_sensitivity_json(variants.instance, parts) if json else render_sensitivity_text(variants.instance, parts)
    )


def _write_parts(variants: ScenarioRunner, parts: list[SensitivityPart], output: Path) -> None:
    """Write the report, or its charts, in the format of the file suffix."""
    from medalopt.report.atomic_write import write_file
    from medalopt.report.render.text import Screen
    from medalopt.report.sensitivity.report_part import (
        draw_sensitivity_charts,
        render_sensitivity_html,
        render_sensitivity_json,
        render_sensitivity_text,
    )

    instance, kind = variants.instance, output.suffix.lower()
    if kind in _PICTURE_SUFFIXES:
        for path, picture in draw_sensitivity_charts(parts, output):
            write_file(path, picture)
            print_message(f"{format_path(path)}: the chart is written")
        return
    if kind == ".html":
        content = render_sensitivity_html(instance, parts)
    else:
        content = (
            render_sensitivity_json(instance, parts)
            if kind == ".json"
            else render_sensitivity_text(instance, parts, Screen.for_file())
        )
    write_file(output, content)
    print_message(f"{format_path(output)}: the sensitivity is written")
