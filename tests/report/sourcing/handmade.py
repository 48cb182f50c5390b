"""A sourcing plan made by hand, with names that would like to be something else than text."""

from medalopt.report.charts.chart import Axis, Chart, line, plot
from medalopt.report.section import Column as Text
from medalopt.report.section import Section
from medalopt.report.sourcing.content import Column, Content, Document, Table

HOSTILE = (
    "</script><script>document.title='taken'</script>",
    "<img src=https://example.org/x onerror=\"document.title='taken'\">",
    '#eval("1+1") #image("/etc/passwd") $x$ *bold* \\',
    "{{ 7 * 7 }} {% raw %}",
    '=HYPERLINK("http://example.org","x")',
)
COLUMNS = (
    Column("stream", "Stream"),
    Column("tonnes_t", "Taken", "t", 1, total=True),
    Column("unit_code", "Unit", hidden=True),
)


def content(rows: int = 3, documents: int = 2) -> Content:
    """Return a plan of so many rows and documents, every text of it hostile."""
    lines = tuple((HOSTILE[n % len(HOSTILE)], 10.5 * n, "TNE") for n in range(rows))
    taken = Table("award", "What is taken", "Every stream.", COLUMNS, lines, (HOSTILE[1],))
    silver = plot(
        Axis("Month", names=("2017-04", HOSTILE[0])),
        Axis("Silver", "kg"),
        [line("at hand", [(0, 1), (1, 3)]), line(HOSTILE[1], [(0, 1), (1, 2)])],
    )
    told = Section("The figures", (Text("Month", right=False), Text("kg")), ((HOSTILE[0], "1"), ("2017-05", "3")))
    orders = tuple(
        Document(
            "call-off",
            f"CO-{number:03}",
            (("Legal name", HOSTILE[2]), ("Address", "")),
            (("Payment", "30 days"), ("Approved by", "")),
            taken,
            ("address",) if number % 2 else (),
        )
        for number in range(1, documents + 1)
    )
    return Content(
        f"Sourcing plan {HOSTILE[0]} {HOSTILE[2]}",
        ("It costs 9.3 bn JPY.", HOSTILE[1]),
        (taken, Table("none", "Nothing bought", "No offer is taken.", COLUMNS, ())),
        orders,
        (Chart("Silver stays above what is owed", silver, (told,), ("A note.",)),),
        ("Proven optimal.",),
    )
