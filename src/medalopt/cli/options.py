"""Options shared by several commands, from `--set` and `--objective` to limits and replanning; progress messages."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medalopt.cli.run import print_message
from medalopt.errors import OutputError, UsageError
from medalopt.text import escape_text, format_path

if TYPE_CHECKING:
    from medalopt.analysis.replanning.replan import ReplanProblem
    from medalopt.analysis.scenario_runner import ScenarioRunner
    from medalopt.instance.instance import Instance
    from medalopt.instance.loading import InstanceFile
    from medalopt.plan.plan import Plan
    from medalopt.report.document import Report

InstanceArgument = Annotated[Path, typer.Argument(metavar="INSTANCE", help="Instance file (YAML).")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
OutputOption = Annotated[
    list[Path] | None,
    typer.Option(
        "-o",
        "--output",
        metavar="PATH",
        help="Also write the report: NAME.txt, .json, .csv, .html, .xlsx, .pdf or a folder of CSV; charts: NAME.svg, "
        ".png (repeatable).",
    ),
]
DateOption = Annotated[
    str | None,
    typer.Option("--date", metavar="DAY", help="Date in pages, prints and workbooks written by -o (default: today)."),
]
FullOption = Annotated[bool, typer.Option("--full", help="Print all tables, not only those that fit a screen.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help=(
            "Change a parameter for this run (repeatable): VALUE replaces, *0.7 scales; 70 % replaces a share and "
            "scales any other parameter. With a wildcard * in PATH, 70 % scales, +5 t and -5 t add."
        ),
    ),
]


def _parse_objective(text: str) -> str:
    """Return an objective; the party of `cost@PARTY` is looked up in the instance."""
    if text in ("cost", "footprint", "mass") or (text.startswith("cost@") and text != "cost@"):
        return text
    raise typer.BadParameter(f"'{escape_text(text)}' is not one of cost, footprint, mass, cost@PARTY")


ExtendOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--extend", metavar="FILE", help="Python file with additional constraints; it is executed (repeatable)."
    ),
]
ConfidenceOption = Annotated[
    str | None,
    typer.Option(
        "--confidence",
        metavar="SHARE",
        help="Least probability that each metal suffices at each deadline, 50 % or more, such as 90%.",
    ),
]
JointOption = Annotated[
    bool, typer.Option("--joint", help="With --confidence: that all metals suffice at all deadlines together.")
]
UncertaintyBudgetOption = Annotated[
    str | None,
    typer.Option(
        "--uncertainty-budget",
        metavar="N",
        help="Number of uncertain parameters one standard deviation too low at once, with which each metal suffices.",
    ),
]
ObjectiveOption = Annotated[
    str,
    typer.Option(
        "--objective",
        metavar="cost|footprint|mass|cost@PARTY",
        parser=_parse_objective,
        help="Objective to minimise (ties are broken by cost, then by tonnes); cost@PARTY: cost borne by one payer.",
    ),
]


class OptionChange(str):
    """Change `PATH=VALUE` made by another option than `--set`; its faults are reported under that option."""

    option: str
    path: str

    def __new__(cls, option: str, path: str, value: str) -> OptionChange:
        """Return the text of a change.

        Args:
            option: Name of the option.
            path: Parameter that it changes.
            value: Its new value.
        """
        result = super().__new__(cls, f"{path}={value}")
        result.option, result.path = option, path
        return result


@contextmanager
def _attribute_faults(given: list[str] | None) -> Iterator[None]:
    """Report faults of changes as those of the options that were given."""
    from medalopt.instance.reader.overrides import attribute_faults_to

    with ExitStack() as stack:
        for text in given or []:
            if isinstance(text, OptionChange):
                stack.enter_context(attribute_faults_to(text.option, text.path))
        yield


def parse_changes(given: list[str] | None) -> dict[str, str]:
    """Parse the changes of `--set`.

    Args:
        given: Texts `PATH=VALUE`, or None.

    Returns:
        Value by path.

    Raises:
        UsageError: A text is malformed, or a path is given twice.
    """
    result: dict[str, str] = {}
    for text in given or []:
        path, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not path:
            raise UsageError(
                f"--set {escape_text(text)}: write PATH=VALUE, such as --set smelters.kosaka.capacity='500 t'"
            )
        if path in result:
            option = text.option if isinstance(text, OptionChange) else f"--set {escape_text(text)}"
            raise UsageError(f"{option}: this parameter is set twice; keep one of the two")
        result[path] = value
    return result


def read_instance(path: Path | InstanceFile, given: list[str] | None, *, scenarios: bool = False) -> Instance:
    """Read an instance with the changes of `--set`; warnings go to standard error.

    Args:
        path: Instance file, or one that is open.
        given: Texts `PATH=VALUE`, or None.
        scenarios: Check each scenario of the instance as well, and warn of its unusual values.

    Raises:
        InputError: A file is invalid.
        UsageError: A change is malformed.
    """
    changes = parse_changes(given)
    from medalopt.instance.loading import open_instance

    opened = open_instance(path) if isinstance(path, Path) else path
    with _attribute_faults(given):
        instance = opened.with_effective_changes(changes, scenarios=scenarios, warn=scenarios)
    for warning in instance.warnings:
        print_message(f"warning: {warning}")
    return instance


def open_variants(path: Path, given: list[str] | None, objective: str, *, deferred: bool = False) -> ScenarioRunner:
    """Open an instance for solving variants of it; warnings go to standard error.

    Args:
        path: Instance file.
        given: Texts `PATH=VALUE`, or None.
        objective: Objective to minimise.
        deferred: Accept changes without effect until `require_effects` tests them in the scenarios.

    Returns:
        The runner of variants; whole lots and minimum orders count where only optima are compared.
    """
    changes = parse_changes(given)
    from medalopt.analysis.scenario_runner import ScenarioRunner

    with _attribute_faults(given):
        runner = ScenarioRunner(path, changes, objective, deferred=deferred, in_lots=True)
    for warning in runner.instance.warnings:
        print_message(f"warning: {warning}")
    return runner


def check_output_path(output: Path, instance: Path, what: str = "the instance") -> None:
    """Check, before a long calculation, that an output file can be written.

    Args:
        instance: File that must not be overwritten.
        what: Noun for that file in the message.

    Raises:
        OutputError: The file is the input, its folder is missing, or its name is invalid.
    """
    try:
        there, folder = output.exists(), output.absolute().parent.is_dir()
    except (OSError, ValueError) as error:  # name too long or invalid, or working folder deleted
        reason = (isinstance(error, OSError) and error.strerror) or "not a path"
        raise OutputError(f"{format_path(output)}: could not be written ({reason}); name another file") from error
    if there and os.path.exists(instance) and output.samefile(instance):
        raise OutputError(f"{format_path(output)}: is {what} itself; name another file")
    if not folder:
        above = format_path(output.parent)
        raise OutputError(f"{format_path(output)}: could not be written, there is no folder {above}; make it first")


def check_new_path(output: Path) -> None:
    """Check that a new instance overwrites no file.

    Raises:
        OutputError: The file exists.
    """
    if os.path.lexists(output):
        raise OutputError(f"{format_path(output)}: exists already and is unchanged; choose another name, or -o PATH")


@contextmanager
def report_progress(activity: str) -> Iterator[Callable[[str], None]]:
    """Report an activity and its duration on standard error, if that is a terminal.

    Args:
        activity: Activity, such as `solving tokyo`.

    Yields:
        A function that reports a step of the activity.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda step: None
        return
    start = time.perf_counter()
    print_message(f"{activity} …")
    yield lambda step: print_message(f"  {step} …")
    print_message(f"{activity}: {time.perf_counter() - start:.1f} s")


GapOption = Annotated[
    str | None,
    typer.Option("--gap", metavar="SHARE", help="Stop at this relative optimality gap, such as 1 % or 0.01."),
]
TimeLimitOption = Annotated[
    str | None,
    typer.Option(
        "--time-limit", metavar="SECONDS", help="Stop after this time, such as 60 or 2 min, with the best plan found."
    ),
]


class SolveMethod(StrEnum):
    """Solution method."""

    auto = "auto"
    direct = "direct"
    decomposition = "decomposition"


MethodOption = Annotated[
    SolveMethod,
    typer.Option(
        "--method",
        help="direct: the whole LP at once; decomposition: column generation, for many streams; auto: by size.",
    ),
]


def parse_limits(gap: str | None, time_limit: str | None) -> tuple[float | None, float | None]:
    """Parse gap and time limit.

    Args:
        gap: Share, such as `1 %` or `0.01`, or None.
        time_limit: Time, such as `60` or `2 min`, or None.

    Returns:
        Relative gap, and seconds; None if not given.

    Raises:
        UsageError: A text is no such quantity.
    """
    share = None if gap is None else parse_limit("--gap", gap, "")
    if share is not None and share > 1:
        raise UsageError(
            f"--gap: must be at most 100 %; found {escape_text(gap or '')}; write a share, such as 1 % or 0.01"
        )
    if share == 1 and "%" not in str(gap):
        raise UsageError(f"--gap: {escape_text(gap or '')} is a gap of 100 %; write 1% for a hundredth, or 100%")
    return share, None if time_limit is None else parse_limit("--time-limit", time_limit, "s")


def parse_limit(option: str, text: str, unit: str) -> float:
    """Parse a non-negative quantity.

    Args:
        option: Option that gave it, for messages.
        text: Number with or without its unit.
        unit: Unit of the result; '' for a share.

    Raises:
        UsageError: The text is no such quantity.
    """
    from medalopt.units import Money, QuantityError, parse_quantity

    try:
        value = float(parse_quantity(text, unit, Money("")).exact)
    except QuantityError as error:
        raise UsageError(f"{option}: {error}") from error
    if value < 0:
        raise UsageError(f"{option}: must be 0 or more; found {text}")
    return value


AfterOption = Annotated[
    str | None,
    typer.Option(
        "--after", metavar="PERIOD", help="Consider only the remaining horizon after this period, such as 2018-06."
    ),
]
ActualsOption = Annotated[
    Path | None,
    typer.Option("--actuals", metavar="FILE", help="With --after: settlement sheet of the smelters, as CSV."),
]
FrozenOption = Annotated[
    Path | None,
    typer.Option("--frozen", metavar="PATH", help="With --after: signed contracts as CSV, or a saved plan."),
]


@dataclass(frozen=True, eq=False)
class ReplanRequest:
    """The instance to plan: as given, or its remaining horizon."""

    figures: Instance
    problem: ReplanProblem | None = None

    @classmethod
    def prepare(cls, instance: Instance, after: str | None, actuals: Path | None, frozen: Path | None) -> ReplanRequest:
        """Return the instance to plan.

        Args:
            instance: Instance as given.
            after: Last executed period, or None to plan all of it.
            actuals: CSV file of actual settlements, or None.
            frozen: CSV file of signed contracts or a saved plan, or None.

        Raises:
            UsageError: The options contradict each other.
            InputError: A file is invalid.
        """
        if after is None:
            if actuals is not None or frozen is not None:
                raise UsageError("--actuals and --frozen describe events up to a period: name it by --after")
            return cls(instance)
        from medalopt.analysis.replanning.replan import make_replan_problem

        problem = make_replan_problem(instance, after, actuals, frozen)
        for warning in problem.remaining_instance.warnings:
            print_message(f"warning: {warning}")
        return cls(problem.remaining_instance, problem)

    @property
    def settled(self) -> frozenset[str]:
        """Names of parties that have delivered already and get no order; empty without a replan."""
        return self.problem.settled_parties if self.problem else frozenset()

    def add_actuals(self, report: Report, plan: Plan) -> Report:
        """Return the sourcing plan with the actuals in front, if replanning.

        Args:
            report: Sourcing plan.
            plan: Plan of the remaining horizon.
        """
        if self.problem is None:
            return report
        from medalopt.analysis.replanning.replan import compare_with_first_plan
        from medalopt.report.replanning import add_actuals

        with report_progress("solving the first plan"):
            replan = compare_with_first_plan(self.problem, plan)
        return add_actuals(report, replan)


def add_confidence_change(
    given: list[str] | None, confidence: str | None, joint: bool = False, budget: str | None = None
) -> list[str] | None:
    """Return the changes of `--set` with those of `--confidence`, `--joint` and `--uncertainty-budget`.

    Args:
        given: Texts `PATH=VALUE`, or None.
        confidence: Least probability that the metal suffices at every deadline, or None.
        joint: The probability is that of all metals and deadlines together.
        budget: Number of parameters that are off at once, or None.

    Raises:
        UsageError: `--joint` is given without `--confidence`, or `--uncertainty-budget` with it.
    """
    if budget is not None:
        if confidence is not None:
            raise UsageError("--uncertainty-budget: is an alternative to --confidence; give one of them")
        given = [*(given or []), OptionChange("--uncertainty-budget", "policy.uncertainty_budget", budget)]
    if confidence is None:
        if joint:
            raise UsageError("--joint: requires --confidence; give both, such as --confidence 90% --joint")
        return given
    path = "policy.joint_confidence" if joint else "policy.confidence"
    return [*(given or []), OptionChange("--confidence", path, confidence)]
