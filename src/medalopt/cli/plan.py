"""`medalopt plan`: the sourcing plan for procurement, as text, JSON, CSV, workbook, page or print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli.anew import Actuals, After, Anew, Frozen
from medalopt.cli.common import Changes, InstanceFile, Json, check_output, place, progress, read
from medalopt.cli.ending import emit, say
from medalopt.cli.limits import Gap, TimeLimit, limits
from medalopt.cli.refusing import tell_no_plan
from medalopt.errors import LimitError, NoPlanError, UsageError
from medalopt.wording import shown

if TYPE_CHECKING:
    from medalopt.analysis.sourcing.rounding import Rounded
    from medalopt.instance.instance import Instance
    from medalopt.plan.plan import Plan
    from medalopt.report.sourcing.content import Content

SUFFIXES = ("", ".json", ".xlsx", ".html", ".pdf")


def plan(
    instance: InstanceFile,
    after: After = None,
    actuals: Actuals = None,
    frozen: Frozen = None,
    set_: Changes = None,
    gap: Gap = None,
    time_limit: TimeLimit = None,
    round_: Annotated[
        str | None,
        typer.Option("--round", metavar="SIZE", help="Whole loads of devices, such as 1t, inside what is offered."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="PATH", help="Also write it: NAME.xlsx, .html, .pdf, .json, or a folder of CSV."
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Write the sourcing plan that procurement works from: orders, spend, metal, what binds and what may go wrong."""
    if output is not None:
        if output.suffix.lower() not in SUFFIXES:
            wanted = "NAME.xlsx, .html, .pdf or .json, or as CSV to a folder"
            raise UsageError(f"-o {place(output)}: a sourcing plan is written as {wanted}")
        check_output(output, instance)
        for path in filter(None, (actuals, frozen)):
            check_output(output, path, "what has happened")
    within, load = limits(gap, time_limit), None if round_ is None else _tonnes(round_)
    anew = Anew.of(read(instance, set_), after, actuals, frozen)
    try:
        made = _solved(anew.figures, *within)
    except NoPlanError as error:
        return tell_no_plan(anew.figures, error, None if anew.question else instance, set_, "cost", json)
    in_loads = None if load is None else _in_loads(made, load)
    made = made if in_loads is None else in_loads.plan
    content = anew.told(_content(made, in_loads), made)
    if output is not None:
        _write(content, made, output)
    _print(content, made, json)
    return LimitError.exit_code if made.stopped else 0


def _solved(figures: Instance, gap: float | None, time_limit: float | None) -> Plan:
    from medalopt.solving import solve

    with progress(f"solving {figures.name}"):
        return solve(figures, gap=gap, time_limit=time_limit)


def _tonnes(text: str) -> float:
    """Return the size of a load in tonnes. Raises UsageError."""
    from medalopt.quantity import Money, QuantityError, read

    try:
        size = float(read(text, "t", Money("")).exact)
    except QuantityError as error:
        raise UsageError(f"--round: {error}") from error
    if not size > 0:
        raise UsageError(f"--round {shown(text)}: a load is more than nothing, such as 1t or 500kg")
    return size


def _in_loads(made: Plan, size: float) -> Rounded:
    from medalopt.analysis.sourcing.rounding import rounded

    with progress("filling whole loads"):
        return rounded(made, size)


def _content(made: Plan, in_loads: Rounded | None) -> Content:
    from medalopt.report.sourcing.contents import contents

    with progress("writing the sourcing plan"):
        return contents(made, in_loads)


def _print(content: Content, made: Plan, as_json: bool) -> None:
    from medalopt.report.sourcing import jsonform, screenform

    emit(jsonform.as_json(content, made) if as_json else screenform.on_screen(content))


def _write(content: Content, made: Plan, output: Path) -> None:
    from medalopt.report.files import write_file, write_folder
    from medalopt.report.sourcing import csvform

    if output.suffix:
        write_file(output, _file(content, made, output.suffix.lower()))
        say(f"{place(output)}: the sourcing plan is written")
    else:
        files = csvform.as_folder(content, made)
        write_folder(output, files, csvform.replaceable(output))
        say(f"{place(output)}: the sourcing plan is written, {len(files)} tables as CSV")


def _file(content: Content, made: Plan, suffix: str) -> str | bytes:
    """Return the sourcing plan in the form that `suffix` names."""
    if suffix == ".xlsx":
        from medalopt.report.csvplan import folder
        from medalopt.report.sourcing.workbook import workbook

        return workbook(content, folder(made), made.instance.currency)
    if suffix == ".html":
        from medalopt.report.sourcing.pageform import page

        return page(content)
    if suffix == ".pdf":
        from medalopt.report.sourcing.printform import pdf

        return pdf(content)
    from medalopt.report.sourcing.jsonform import as_json

    return as_json(content, made)
