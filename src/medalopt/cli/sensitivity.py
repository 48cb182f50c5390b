"""`medalopt sensitivity`: sensitivity ranges, curves, what-if analyses and global sensitivity."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli.common import Changes, InstanceFile, Json, check_output, opened, place, progress
from medalopt.cli.ending import emit, say
from medalopt.cli.mattering import Drawn, Jobs, Kept, Mattering, Moved
from medalopt.cli.mixing import Corners, DeviceMix, Mixing
from medalopt.cli.otherwise import Bought, Drop, From, Late, Named, Otherwise, Without
from medalopt.cli.refusing import tell_no_plan
from medalopt.cli.solve import Measure, Objective
from medalopt.cli.varying import Exactly, Spend, Vary, Varying
from medalopt.errors import NoPlanError, UsageError

if TYPE_CHECKING:
    from medalopt.analysis.variants import Variants
    from medalopt.report.sensitivity.part import Part

Ranged = Annotated[
    bool, typer.Option("--ranges", help="How far each figure may move; told without this where nothing else is asked.")
]
SUFFIXES, PICTURES = (".txt", ".html", ".json"), (".svg", ".png")


@dataclass(frozen=True)
class Asked:
    """Analyses requested on the command line; ranges are the default."""

    objective: str
    ranges: bool
    varying: Varying
    otherwise: Otherwise
    mixing: Mixing
    mattering: Mattering


def sensitivity(
    instance: InstanceFile,
    ranges: Ranged = False,
    vary: Vary = None,
    budget: Spend = None,
    exact: Exactly = False,
    without: Without = False,
    drop: Drop = None,
    start: From = None,
    delay: Late = None,
    scenarios: Named = False,
    premium: Bought = False,
    device_mix: DeviceMix = False,
    triangle: Corners = None,
    tornado: Moved = False,
    rows: Drawn = None,
    jobs: Jobs = None,
    journal: Kept = None,
    objective: Objective = Measure.cost,
    set_: Changes = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="PATH", help="Also write it: NAME.html, .txt or .json; its charts: .svg, .png."
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Say how far each figure may move, alone, before the plan changes; and what one unit more or less of it costs."""
    if output is not None:
        if output.suffix.lower() not in (*SUFFIXES, *PICTURES):
            raise UsageError(
                f"-o {place(output)}: a sensitivity is written as NAME.html, NAME.txt or NAME.json, "
                "its charts as NAME.svg or NAME.png"
            )
        check_output(output, instance)
    otherwise = Otherwise(without, tuple(drop or ()), start, delay, scenarios, premium)
    mixing, mattering = Mixing.of(device_mix, triangle), Mattering(tornado, rows, jobs, journal)
    asked = Asked(objective.value, ranges, Varying(tuple(vary or ()), budget, exact), otherwise, mixing, mattering)
    variants = opened(instance, set_, objective.value)
    try:
        parts = _made(variants, asked)
    except NoPlanError as error:
        drawn = output is not None and output.suffix.lower() in PICTURES  # there is no chart then
        told = None if drawn else output
        return tell_no_plan(variants.instance, error, instance, set_, objective.value, json, output=told)
    _tell(variants, parts, output, json)
    if parts[-1].interrupted:
        raise KeyboardInterrupt
    return 0


def _made(variants: Variants, asked: Asked) -> list[Part]:
    """Run the requested analyses, up to one that was interrupted."""
    parts: list[Part] = []
    for made in _asked(asked):
        parts.append(made(variants))
        if parts[-1].interrupted:
            break
    return parts


def _asked(asked: Asked) -> Iterator[Callable[[Variants], Part]]:
    """Yield the function of each requested part, from the runner of variants to a part."""
    every = (asked.varying, asked.otherwise, asked.mixing, asked.mattering)
    others = [part for one in every for part in one.parts()]
    if asked.ranges or not others:
        yield _ranges
    yield from others


def _ranges(variants: Variants) -> Part:
    """Return the sensitivity ranges."""
    from medalopt.analysis.sensitivity.ranges import ranges
    from medalopt.report.sensitivity.ranges import part

    with progress(f"solving {variants.instance.name}"):
        _ = variants.plan
    with progress("moving one figure after the other") as step:
        return part(ranges(variants, _counted(step)))


def _counted(step: Callable[[str], None]) -> Callable[[int, int], None]:
    """Return a progress callback that reports every tenth of the parameters."""
    return lambda done, of: step(f"{done} of {of}") if done and done % max(of // 10, 1) == 0 else None


def _tell(variants: Variants, parts: list[Part], output: Path | None, json: bool) -> None:
    """Print the report, and write it if requested."""
    from medalopt.report.sensitivity.part import as_json, on_screen

    if output is not None:
        _write(variants, parts, output)
    emit(as_json(variants.instance, parts) if json else on_screen(variants.instance, parts))


def _write(variants: Variants, parts: list[Part], output: Path) -> None:
    """Write the report, or its charts, in the format of the file suffix."""
    from medalopt.report.files import write_file
    from medalopt.report.screen import Screen
    from medalopt.report.sensitivity.part import as_json, as_page, on_screen, pictures

    instance, kind = variants.instance, output.suffix.lower()
    if kind in PICTURES:
        for path, picture in pictures(parts, output):
            write_file(path, picture)
            say(f"{place(path)}: the chart is written")
        return
    if kind == ".html":
        content = as_page(instance, parts)
    else:
        content = as_json(instance, parts) if kind == ".json" else on_screen(instance, parts, Screen.of_file())
    write_file(output, content)
    say(f"{place(output)}: the sensitivity is written")
