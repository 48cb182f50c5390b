"""Output formats of the sourcing plan: standard output, and files for `-o`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from medalopt.cli.common import place
from medalopt.cli.ending import emit, say

if TYPE_CHECKING:
    from medalopt.plan.plan import Plan
    from medalopt.report.sourcing.content import Content

SUFFIXES = ("", ".json", ".xlsx", ".html", ".pdf")


def show(content: Content, made: Plan, as_json: bool, written: bool) -> None:
    """Print the sourcing plan as JSON or text; if it is also written, the text is the summary alone."""
    from medalopt.report.sourcing import jsonform, screenform

    emit(jsonform.as_json(content, made) if as_json else screenform.on_screen(content, written=written))


def write(content: Content, made: Plan, output: Path) -> None:
    """Write the sourcing plan in the format of the file suffix."""
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
    """Return the sourcing plan in the format of a suffix."""
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
