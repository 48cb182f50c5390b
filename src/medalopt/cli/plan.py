"""`medalopt plan`: the sourcing plan for procurement, as text, JSON, CSV, workbook, page or print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli.anew import Actuals, After, Anew, Frozen
from medalopt.cli.common import Changes, InstanceFile, Json, changes, check_output, place, progress, read
from medalopt.cli.ending import say
from medalopt.cli.limits import Gap, TimeLimit, limits
from medalopt.cli.refusing import tell_no_plan
from medalopt.cli.solve import Measure, tell_interrupted
from medalopt.cli.sourcing import SUFFIXES, show, write
from medalopt.errors import LimitError, NoPlanError, SolverError, UsageError
from medalopt.wording import shown

if TYPE_CHECKING:
    from medalopt.analysis.sourcing.rounding import Rounded
    from medalopt.analysis.variants import Variants
    from medalopt.instance.instance import Instance
    from medalopt.plan.plan import Plan
    from medalopt.report.sourcing.content import Content

_LEAST_LOAD_T = 0.001  # small enough for whole loads to cost nothing, large enough for rounding errors not to matter


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
    brief: Annotated[
        bool,
        typer.Option(
            "--brief", help="Leave out what takes further solves: risks, what rules cost, entry prices, buying."
        ),
    ] = False,
    json: Json = False,
) -> int:
    """Write the sourcing plan that procurement works from: orders, spend, metal, what binds and what may go wrong."""
    if output is not None:
        _check(output, instance, actuals, frozen)
    within, load = limits(gap, time_limit), None if round_ is None else _tonnes(round_)
    anew = Anew.of(read(instance, set_), after, actuals, frozen)
    try:
        made = _solved(anew.figures, *within)
    except LimitError:
        if json:
            tell_interrupted(anew.figures, Measure.cost)
        raise
    except NoPlanError as error:
        return tell_no_plan(anew.figures, error, None if anew.question else instance, set_, "cost", json)
    in_loads = None if load is None else _in_loads(made, load)
    made = made if in_loads is None else in_loads.plan
    variants = None if anew.question else _variants(instance, set_)
    content = anew.told(_content(made, in_loads, variants, brief), made)
    if output is not None:
        write(content, made, output)
    show(content, made, json, output is not None)
    return LimitError.exit_code if made.stopped else 0


def _check(output: Path, instance: Path, actuals: Path | None, frozen: Path | None) -> None:
    """Check, before a long calculation, that the plan can be written. Raises UsageError and OutputError."""
    if output.suffix.lower() not in SUFFIXES:
        wanted = "NAME.xlsx, .html, .pdf or .json, or as CSV to a folder"
        raise UsageError(f"-o {place(output)}: a sourcing plan is written as {wanted}")
    check_output(output, instance)
    for path in filter(None, (actuals, frozen)):
        check_output(output, path, "what has happened")


def _solved(figures: Instance, gap: float | None, time_limit: float | None) -> Plan:
    """Return the solved plan."""
    from medalopt.solving import solve

    with progress(f"solving {figures.name}"):
        return solve(figures, gap=gap, time_limit=time_limit)


def _tonnes(text: str) -> float:
    """Return the size of a load (t). Raises UsageError."""
    from medalopt.quantity import Money, QuantityError, read

    try:
        size = float(read(text, "t", Money("")).exact)
    except QuantityError as error:
        raise UsageError(f"--round: {error}") from error
    if not size > 0:
        raise UsageError(f"--round {shown(text)}: a load is more than nothing, such as 1t or 500kg")
    if size < _LEAST_LOAD_T:
        raise UsageError(f"--round {shown(text)}: a load is at least 1 kg, such as 1t or 500kg")
    return size


def _in_loads(made: Plan, size: float) -> Rounded:
    """Return the plan rounded to whole loads."""
    from medalopt.analysis.sourcing.rounding import rounded

    with progress("filling whole loads"):
        return rounded(made, size)


def _variants(instance: Path, given: list[str] | None) -> Variants:
    """Return the runner of variants of the instance file."""
    from medalopt.analysis.variants import Variants

    return Variants(instance, changes(given))


def _content(made: Plan, in_loads: Rounded | None, variants: Variants | None, brief: bool) -> Content:
    """Return the sourcing plan, with further analyses unless brief or stopped."""
    from medalopt.analysis.sourcing.findings import findings
    from medalopt.report.sourcing.contents import contents

    found = None
    if not (brief or made.stopped):  # the time limit may leave none for more
        try:
            with progress("asking what lies around the plan") as step:
                found = findings(in_loads.exact if in_loads else made, variants, step)
        except SolverError as error:
            say(f"{error}; what takes further solves is left out, as with --brief")
    with progress("writing the sourcing plan"):
        return contents(made, in_loads, found, variants.written if variants else None)
