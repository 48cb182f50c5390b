"""Reports on standard output and in the files of `-o`: the ending of a name selects the form.

A command that finds no plan reports conflicts and repairs in the same way.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medalopt.cli.options import check_output_path, parse_changes, report_progress
from medalopt.cli.run import print_message, print_output
from medalopt.errors import ConfidenceNotReachedError, LimitError, NoPlanError, UsageError, WholeLotsNotFoundError
from medalopt.text import escape_text, format_path

if TYPE_CHECKING:
    from medalopt.analysis.infeasibility.repair import Diagnosis
    from medalopt.instance.instance import Instance
    from medalopt.plan.plan import Plan
    from medalopt.report.atomic_write import FileContent
    from medalopt.report.document import Report
    from medalopt.solver.highs import TimeBudget


_FORMS = "NAME.txt, .json, .csv, .html, .xlsx or .pdf, as CSV to a folder NAME, its charts as NAME.svg or .png"


@dataclass(frozen=True)
class ReportOutput:
    """Where a command sends its report: standard output, as text or JSON, and the files and folders of `-o`."""

    paths: tuple[Path, ...]
    as_json: bool
    full: bool  # all tables, not only those that fit a screen
    day: str  # date given, YYYY-MM-DD; '' where none is: then documents have that of `today`, other forms none
    today: str = ""  # day of the calculation

    @classmethod
    def prepare(
        cls,
        outputs: Sequence[Path] | None,
        inputs: Mapping[Path, str],
        as_json: bool,
        full: bool = True,
        date: str | None = None,
    ) -> ReportOutput:
        """Check, before a long calculation, that the date is valid, and that every output can be written.

        Args:
            outputs: Files and folders of `-o`, or None.
            inputs: Files that must not be overwritten, each with its noun for messages.
            as_json: Print JSON.
            full: Print all tables; False for those that fit a screen.
            date: Date of the report as given, or None.

        Raises:
            UsageError: A suffix is unknown, an output is named twice, or the date or SOURCE_DATE_EPOCH is no day.
            OutputError: An output is an input, its folder is missing, or its name is invalid.
        """
        day, paths = _parse_day(date), tuple(outputs or ())
        for output in paths:
            if _get_form(output) is None:
                raise UsageError(f"-o {format_path(output)}: a report is written as {_FORMS}")
            for path, what in inputs.items():
                check_output_path(output, path, what)
        if len({path.absolute() for path in paths}) < len(paths):
            raise UsageError(f"-o {format_path(paths[-1])}: an output is named twice; keep one of the two")
        return cls(paths, as_json, full, day, _get_today())

    @property
    def has_tables(self) -> bool:
        """Return whether a file holds tables as people read them: text, a page, a workbook or a print."""
        return any(_get_form(path) in _READABLE_FORMS for path in self.paths)

    def deliver(self, report: Report, message: str = "the report is written", written: bool = False) -> None:
        """Write a report to every file, and print it.

        Args:
            message: Message for each file.
            written: Of a report with a selection of tables print the summary alone, as the files hold the rest.

        Raises:
            UsageError: A library that a form needs is not installed, or there is no chart to draw.
            OutputError: An output cannot be written.
        """
        self.write(report, message)
        self.show(report, written)

    def write(self, report: Report, message: str) -> None:
        """Write a report to every file, whole or not at all; all are rendered before the first is written.

        Pages, prints and workbooks state a date, that given or today's; forms for programs state the one given alone.

        Args:
            message: Message for each file.

        Raises:
            UsageError: A library that a form needs is not installed, or there is no chart to draw.
            OutputError: An output cannot be written.
        """
        from medalopt.report.atomic_write import write_file, write_folder

        plain = dataclasses.replace(report, date=self.day or report.date)
        dated = dataclasses.replace(plain, date=plain.date or self.today)
        rendered = [
            (path, _render_files(dated if _get_form(path) in _DATED_FORMS else plain, path)) for path in self.paths
        ]
        for output, output_bytes in rendered:
            if isinstance(output_bytes, Mapping):
                from medalopt.report.render.csv import list_replaceable_files

                write_folder(output, output_bytes, list_replaceable_files(output))
                count = sum(name.endswith(".csv") for name in output_bytes)
                print_message(f"{format_path(output)}: {message}, {count} tables as CSV")
                continue
            for path, content in output_bytes:
                write_file(path, content)
                print_message(f"{format_path(path)}: {message}")

    def show(self, report: Report, written: bool = False) -> None:
        """Print a report as JSON or as text.

        Args:
            report: Report.
            written: Of a report with a selection of tables print the summary alone, as the files hold the rest.
        """
        if self.as_json:
            from medalopt.report.render.json import render_report_json

            print_output(render_report_json(report))
        else:
            from medalopt.report.render.text import render_report_text

            print_output(render_report_text(report, written=written, full=self.full))


def _parse_day(text: str | None) -> str:
    """Return a date as YYYY-MM-DD; '' for none. Raises UsageError."""
    from datetime import date

    if text is None:
        return ""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise UsageError(f"--date {escape_text(text)}: a day is given as YYYY-MM-DD, such as 2018-04-01") from error


def _get_today() -> str:
    """Return the day of the calculation: that of SOURCE_DATE_EPOCH, in UTC, where it is set. Raises UsageError."""
    from datetime import UTC, date, datetime

    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not epoch:
        return date.today().isoformat()
    try:
        return datetime.fromtimestamp(int(epoch), UTC).date().isoformat()
    except (ValueError, OverflowError, OSError) as error:
        allowed = "whole seconds since 1970-01-01, such as 1522540800"
        raise UsageError(f"SOURCE_DATE_EPOCH={escape_text(epoch)}: give {allowed}, or unset it") from error


_Rendered = list[tuple[Path, "FileContent"]] | Mapping[str, "FileContent"]  # files, or the files of a folder


_FILE_FORMS = {  # by the ending: module and function `render_report_...` of `report/render/`
    **{"": "csv", ".csv": "csv", ".html": "html", ".json": "json", ".pdf": "pdf", ".txt": "text", ".xlsx": "xlsx"},
    **{".jsonl": "json_lines", ".png": "charts", ".svg": "charts"},
}
_DATED_FORMS = ("html", "xlsx", "pdf")  # of documents for people
_READABLE_FORMS = ("text", *_DATED_FORMS)  # with tables as people read them


def _get_form(path: Path) -> str | None:
    """Return the form that the ending of a name selects; None for one that is unknown."""
    return _FILE_FORMS.get(path.suffix.lower())


def _render_files(report: Report, path: Path) -> _Rendered:
    """Return the files of a report: of CSV those of a folder, unless the report is one table and the name a file's."""
    form = _get_form(path)
    if form == "charts":
        return _draw_charts(report, path)
    if form == "json_lines":
        if report.json_lines is None:
            raise UsageError(f"-o {format_path(path)}: only scenarios are written as lines of JSON; name NAME.json")
        return [(path, report.json_lines(report))]
    module = importlib.import_module(f"medalopt.report.render.{form}")
    if form == "text":
        return [(path, module.render_report_text(report, module.Screen(module.FILE_WIDTH)))]
    if form == "csv" and path.suffix and report.single is not None:
        return [(path, module.render_table_csv(report.single))]
    rendered: Any = getattr(module, f"render_report_{form}")(report)
    return [(path, rendered)] if form != "csv" else rendered


def _draw_charts(report: Report, path: Path) -> _Rendered:
    """Return the picture of every chart; several are numbered. Raises UsageError where there is none."""
    from medalopt.report.charts import render_png, render_svg
    from medalopt.report.document import list_charts

    charts = list_charts(report)
    if not charts:
        raise UsageError(f"-o {format_path(path)}: there is no chart to draw here; write NAME.html, .txt or .json")
    draw = render_svg if path.suffix.lower() == ".svg" else render_png
    names = [path] if len(charts) == 1 else [path.with_stem(f"{path.stem}-{n}") for n in range(1, len(charts) + 1)]
    return [(name, draw(chart)) for name, chart in zip(names, charts, strict=True)]


def solve_with_progress(
    instance: Instance,
    objective: str = "cost",
    extensions: Sequence[Path] = (),
    limits: tuple[float | None, float | None] = (None, None),
    method: str = "auto",
    as_json: bool = False,
) -> Plan:
    """Solve an instance with progress on standard error.

    Args:
        instance: Instance.
        objective: Objective.
        extensions: Python files with additional constraints.
        limits: Relative gap and time limit [s], None for none.
        method: Solution method.
        as_json: Print, as JSON, that the time limit was reached without a plan.

    Returns:
        Verified plan.

    Raises:
        NoPlanError: There is no plan.
        LimitError: The time limit was reached without a plan.
    """
    from medalopt.api import solve

    try:
        with report_progress(f"solving {instance.name}"):
            return solve(instance, objective, extensions, *limits, method)
    except LimitError:
        if as_json:
            from medalopt.report.render.json import build_no_plan_object, render_json

            print_output(render_json(build_no_plan_object(instance, "interrupted", objective)))
        raise


_MAX_MESSAGE_LENGTH = 600


def report_infeasibility(
    instance: Instance,
    error: NoPlanError,
    source: Path | None,
    given: list[str] | None,
    objective: str,
    output: ReportOutput,
    extensions: tuple[Path, ...] = (),
    budget: TimeBudget | None = None,
) -> int:
    """Report that there is no plan, with conflicts and repairs.

    Args:
        error: Error of the solve.
        source: Instance file, or None if the instance is in no file.
        given: Texts of `--set`.
        output: Where the report goes; pictures of charts are left out.
        extensions: Files of user extensions.
        budget: Time budget; no repair is sought once it is spent.

    Returns:
        Exit code.
    """
    from medalopt.report.infeasible import build_infeasibility_report
    from medalopt.report.render.json import build_no_plan_object

    print_message(escape_text(str(error), _MAX_MESSAGE_LENGTH))
    found = None
    if error.status == "infeasible" and not isinstance(error, ConfidenceNotReachedError):  # without it there is a plan
        in_lots = isinstance(error, WholeLotsNotFoundError)  # without lots there is a plan
        arguments = (objective, extensions, source, parse_changes(given) if source else None)
        found = _diagnose(instance, arguments, budget, in_lots)
    payload = build_no_plan_object(instance, error.status, objective, error.proof)
    payload |= {} if found is None else {"diagnosis": found.encode()}
    report = build_infeasibility_report(instance, found, error.proof, payload)
    written = tuple(path for path in output.paths if _get_form(path) != "charts")
    if len(written) < len(output.paths):
        print_message("No plan to draw; charts are omitted.")
    output = dataclasses.replace(output, paths=written, full=True, day="")
    output.write(report, "the explanation is written")
    if output.as_json or found is not None:
        output.show(report)
    return error.exit_code


def _diagnose(
    instance: Instance, arguments: tuple[Any, ...], budget: TimeBudget | None, in_lots: bool
) -> Diagnosis | None:
    """Return the conflicts and repairs: of the lots of an instance, or without them."""
    from medalopt.analysis.infeasibility.diagnosis import diagnose_infeasibility
    from medalopt.instance.lot_relaxation import describe_lot_rules
    from medalopt.solver.highs import NO_TIME_LIMIT

    if instance.lots and not in_lots:
        rules = describe_lot_rules(instance.lots)
        print_message(f"{instance.lots[0]}: {rules} are ignored in the diagnosis and its repairs")
    with report_progress("diagnosing the conflict") as step:
        arguments = (*arguments, step, budget or NO_TIME_LIMIT, in_lots)
        return diagnose_infeasibility(instance, *arguments)
