"""Reports on standard output and in the files of `-o`: the ending of a name selects the form.

A command that finds no plan reports conflicts and repairs in the same way.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medalopt.cli.options import check_output_path, parse_changes, report_progress
from medalopt.cli.run import print_message, print_output
from medalopt.errors import ConfidenceNotReachedError, NoPlanError, UsageError, WholeLotsNotFoundError
from medalopt.text import escape_text, format_path

if TYPE_CHECKING:
    from medalopt.analysis.infeasibility.diagnosis import Diagnosis
    from medalopt.instance.instance import Instance
    from medalopt.report.atomic_write import FileContent
    from medalopt.report.document import Report
    from medalopt.solver.highs import TimeBudget


_FORMS = "NAME.txt, .json, .csv, .html, .xlsx or .pdf, as CSV to a folder NAME, its charts as NAME.svg or .png"
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

        Returns:
            The output.

        Raises:
            UsageError: A suffix is unknown, an output is named twice, or the date or SOURCE_DATE_EPOCH is no day.
            OutputError: An output is an input, its folder is missing, or its name is invalid.
        """
        day, paths = _parse_day(date), tuple(outputs or ())
        for output in paths:
            if output.suffix.lower() not in _RENDERERS:
                raise UsageError(f"-o {format_path(output)}: a report is written as {_FORMS}")
            for path, what in inputs.items():
                check_output_path(output, path, what)
        if len({path.absolute() for path in paths}) < len(paths):
            raise UsageError(f"-o {format_path(paths[-1])}: an output is named twice; keep one of the two")
        return cls(paths, as_json, full, day, _get_today())

    @property
    def has_tables(self) -> bool:
        """Return whether a file holds tables as people read them: text, a page, a workbook or a print."""
        readable = (_render_text, *_DATED_RENDERERS)
        return any(_RENDERERS[path.suffix.lower()] in readable for path in self.paths)

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
        renderers = [(path, _RENDERERS[path.suffix.lower()]) for path in self.paths]
        rendered = [(path, render(dated if render in _DATED_RENDERERS else plain, path)) for path, render in renderers]
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


def _render_text(report: Report, path: Path) -> _Rendered:
    from medalopt.report.render.text import Screen, render_report_text

    return [(path, render_report_text(report, Screen.for_file()))]


def _render_json(report: Report, path: Path) -> _Rendered:
    from medalopt.report.render.json import render_report_json

    return [(path, render_report_json(report))]


def _render_json_lines(report: Report, path: Path) -> _Rendered:
    if report.json_lines is None:
        raise UsageError(f"-o {format_path(path)}: only scenarios are written as lines of JSON; name NAME.json")
    return [(path, report.json_lines(report))]


def _render_csv(report: Report, path: Path) -> _Rendered:
    """Return a single file where the report is one table and the name that of a file, else the files of a folder."""
    from medalopt.report.render.csv import render_report_csv, render_table_csv

    if path.suffix and report.single is not None:
        return [(path, render_table_csv(report.single))]
    return render_report_csv(report)


def _render_html(report: Report, path: Path) -> _Rendered:
    from medalopt.report.render.html import render_report_html

    return [(path, render_report_html(report))]


def _render_xlsx(report: Report, path: Path) -> _Rendered:
    from medalopt.report.render.xlsx import render_report_xlsx

    return [(path, render_report_xlsx(report))]


def _render_pdf(report: Report, path: Path) -> _Rendered:
    from medalopt.report.render.pdf import render_report_pdf

    return [(path, render_report_pdf(report))]


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


_RENDERERS: Mapping[str, Callable[[Report, Path], _Rendered]] = {
    "": _render_csv,
    ".csv": _render_csv,
    ".html": _render_html,
    ".json": _render_json,
    ".jsonl": _render_json_lines,
    ".pdf": _render_pdf,
    ".png": _draw_charts,
    ".svg": _draw_charts,
    ".txt": _render_text,
    ".xlsx": _render_xlsx,
}
_DATED_RENDERERS = (_render_html, _render_xlsx, _render_pdf)  # of documents for people


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

    print_message(escape_text(str(error), _MAX_MESSAGE_LENGTH))
    found = None
    if error.status == "infeasible" and not isinstance(error, ConfidenceNotReachedError):  # without it there is a plan
        in_lots = isinstance(error, WholeLotsNotFoundError)  # without lots there is a plan
        arguments = (objective, extensions, source, parse_changes(given) if source else None)
        found = _diagnose(instance, arguments, budget, in_lots)
    payload = _build_json_object(instance, error, objective, found)
    report = build_infeasibility_report(instance, found, error.proof, payload)
    written = tuple(path for path in output.paths if _RENDERERS[path.suffix.lower()] is not _draw_charts)
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
    from medalopt.instance.activities import describe_lot_rules
    from medalopt.instance.bounds import drop_lot_constraints
    from medalopt.solver.highs import NO_TIME_LIMIT

    if in_lots:
        from medalopt.analysis.infeasibility.lot_diagnosis import diagnose_lots

        with report_progress("diagnosing the conflict") as step:
            arguments = (*arguments, step, budget)
            return diagnose_lots(instance, *arguments)
    if instance.lots:
        rules = describe_lot_rules(instance.lots)
        print_message(f"{instance.lots[0]}: {rules} are ignored in the diagnosis and its repairs")
    with report_progress("diagnosing the conflict") as step:
        arguments = (*arguments, step, budget or NO_TIME_LIMIT)
        return diagnose_infeasibility(drop_lot_constraints(instance), *arguments)


def _build_json_object(
    instance: Instance, error: NoPlanError, objective: str, diagnosis: Diagnosis | None
) -> dict[str, Any]:
    """Return the members of the JSON object."""
    from medalopt.report.render.json import build_no_plan_object

    rows: dict[str, Any] = {} if diagnosis is None else {"diagnosis": diagnosis.encode()}
    return {**build_no_plan_object(instance, error.status, objective, error.proof), **rows}
