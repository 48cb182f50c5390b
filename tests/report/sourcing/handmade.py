"""A sourcing plan made by hand, with names that would like to be something else than text."""

from medalopt.report.charts import Chart, ChartAxis, build_line_series, build_plot_option
from medalopt.report.document import OrderDocument, Report, ReportColumn, ReportTable

HOSTILE = (
    "</script><script>document.title='taken'</script>",
    "<img src=https://example.org/x onerror=\"document.title='taken'\">",
    '#eval("1+1") #image("/etc/passwd") $x$ *bold* \\',
    "{{ 7 * 7 }} {% raw %}",
    '=HYPERLINK("http://example.org","x")',
)
COLUMNS = (
    ReportColumn("stream", "Stream"),
    ReportColumn("tonnes_t", "Taken", "t", 1, total=True),
    ReportColumn("unit_code", "Unit", hidden=True),
)


def content(rows: int = 3, documents: int = 2) -> Report:
    """Return a plan of so many rows and documents, every text of it hostile."""
    lines = tuple((HOSTILE[n % len(HOSTILE)], 10.5 * n, "TNE") for n in range(rows))
    taken = ReportTable("award", "What is taken", "Every stream.", COLUMNS, lines, (HOSTILE[1],))
    silver = build_plot_option(
        ChartAxis("Month", names=("2017-04", HOSTILE[0])),
        ChartAxis("Silver", "kg"),
        [build_line_series("at hand", [(0, 1), (1, 3)]), build_line_series(HOSTILE[1], [(0, 1), (1, 2)])],
    )
    months = (ReportColumn("month", "Month"), ReportColumn("at_hand_kg", "At hand", "kg"))
    told = ReportTable("figures", "The figures", "By month.", months, ((HOSTILE[0], 1), ("2017-05", 3)))
    orders = tuple(
        OrderDocument(
            "call-off",
            f"CO-{number:03}",
            (("Legal name", HOSTILE[2]), ("Address", "")),
            (("Payment", "30 days"), ("Approved by", "")),
            taken,
            ("address",) if number % 2 else (),
        )
        for number in range(1, documents + 1)
    )
    return Report(
        f"Sourcing plan {HOSTILE[0]} {HOSTILE[2]}",
        ("It costs 9.3 bn JPY.", HOSTILE[1]),
        (taken, ReportTable("none", "Nothing bought", "No offer is taken.", COLUMNS, ())),
        orders,
        (Chart("Silver stays above what is owed", silver, (told,), ("A note.",)),),
        ("Proven optimal.",),
    )
