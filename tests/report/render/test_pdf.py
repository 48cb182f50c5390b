import json
import sys

import pytest
from tests.report.sourcing.handmade import HOSTILE, content

from medalopt.errors import UsageError
from medalopt.report.charts import Chart, ChartAxis, build_line_series, build_plot_option
from medalopt.report.document import Report, ReportColumn, ReportTable
from medalopt.report.render.pdf import LANDSCAPE_COLUMNS, _make_typst_compiler, render_report_pdf


def test_a_print_is_whole_and_always_the_same() -> None:
    """The same figures give the same PDF, byte for byte, whatever the day."""
    one = render_report_pdf(content())
    assert one.startswith(b"%PDF-") and one.rstrip().endswith(b"%%EOF")
    assert one == render_report_pdf(content())


def test_each_document_is_on_a_sheet_of_its_own() -> None:
    """An order can be taken out and signed."""
    sheets = [len(_make_typst_compiler(content(documents=count)).compile(format="svg") or "") for count in (2, 5)]
    assert sheets == [3, 6]


def test_the_first_chart_is_below_the_summary() -> None:
    """On a page in landscape a chart is made smaller where the summary leaves less than it takes elsewhere."""
    drawn = Chart("Cost", build_plot_option(ChartAxis("x"), ChartAxis("y"), [build_line_series("", [(0.0, 1.0)])]))
    wide = ReportTable(
        "wide", "Wide", "", tuple(ReportColumn(f"c{n}", f"c{n}") for n in range(LANDSCAPE_COLUMNS + 1)), ()
    )
    lines = ("Optimal (verified).", *["A sentence of the summary."] * 8)
    report = Report("Title", lines, (wide,), charts=(drawn, drawn))
    pages = _make_typst_compiler(report).compile(format="svg")
    assert [str(page).count("<image") for page in pages or ()] == [1, 1]


def test_nothing_of_the_data_is_read_as_markup() -> None:
    """Names that look like typst's code are set as they are: the paper holds their letters, in their order."""
    heads = [heading["body"] for heading in json.loads(_make_typst_compiler(content()).query("heading"))]
    assert {"func": "text", "text": f"Sourcing plan {HOSTILE[0]} {HOSTILE[2]}"} in heads


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without typst the message names the package to install, and the alternatives."""
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(UsageError, match=r"needs typst.*medalopt\[pdf,pictures\].*html"):
        render_report_pdf(content())
