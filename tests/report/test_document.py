from dataclasses import replace

from medalopt.report.charts import Chart
from medalopt.report.document import (
    Report,
    ReportColumn,
    ReportTable,
    ShownValue,
    count_minor_digits,
    fold_table,
    list_tables,
)
from medalopt.report.render.text import fix_digits, format_table

TABLE = ReportTable(
    "award",
    "What is taken",
    "Every stream.",
    (
        ReportColumn("stream", "Stream"),
        ReportColumn("tonnes_t", "Taken", "t", 1, total=True),
        ReportColumn("share", "Share", "%", 1),
        ReportColumn("unit_code", "Unit", hidden=True),
    ),
    (("phone", 1234.56, 1.0, "TNE"), ("toaster", -0.04, None, "TNE"), ("laptop", 10, 0.2567, "TNE"), ("pc", 5, 0, "")),
    ("A note.",),
)


def test_figures_stand_at_their_digits_with_units_in_the_header() -> None:
    """A person reads rounded figures, the unit once, and no column that is there for machines."""
    told = format_table(TABLE)
    assert [column.header for column in told.columns] == ["Stream", "Taken (t)", "Share (%)"]
    assert [column.right for column in told.columns] == [False, True, True]
    assert told.rows[0] == ("phone", "1,234.6", "100.0")
    assert told.rows[1] == ("toaster", "≈0", "")
    assert told.rows[2] == ("laptop", "10.0", "25.7")
    assert told.rows[-1] == ("total", "1,249.5", "")
    assert told.total
    assert told.notes == ("A note.",)


def test_a_long_table_is_cut_and_its_tail_summed() -> None:
    """Omitted rows are counted, and included in the total."""
    told = format_table(TABLE, maximum=2)
    assert told.rows[2] == ("… and 2 more", "15.0", "")
    assert told.rows[3] == ("total", "1,249.5", "")
    assert len(format_table(TABLE, maximum=3).rows) == 5  # one more row says as much as a line about it


CALLED_OFF = ReportTable(
    "lines",
    "What is called off",
    "",
    (
        ReportColumn("stream", "Stream"),
        ReportColumn("period", "Month"),
        ReportColumn("tonnes_t", "Tonnes", "t", 1, total=True),
        ReportColumn("price_per_t", "Price", "JPY/t"),
    ),
    (("phone", "2017-05", 2.0, 90.0), ("pc", "2017-04", 5.0, 60.0), ("phone", "2017-04", 3.0, 90.0 + 1e-12)),
)


def test_lines_of_all_periods_fold_into_one() -> None:
    """Amounts are summed, a constant price is kept, and the periods are listed."""
    by_name, by_period = fold_table(CALLED_OFF)
    assert [column.key for column in by_name.columns] == ["stream", "tonnes_t", "price_per_t"]
    assert by_name.rows == (("phone", 5.0, 90.0), ("pc", 5.0, 60.0))
    assert by_period.title == "What is called off, month by month"
    assert by_period.rows == (("2017-04", 8.0), ("2017-05", 2.0))


def test_prices_that_differ_are_not_averaged() -> None:
    """A price of one month is not shown as that of all."""
    dearer = replace(CALLED_OFF, rows=(*CALLED_OFF.rows, ("phone", "2017-06", 1.0, 95.0)))
    assert fold_table(dearer)[0].rows[0] == ("phone", 6.0, None)


def test_a_table_without_periods_folds_into_itself() -> None:
    """A table without periods has no detail by period."""
    by_name, by_period = fold_table(TABLE)
    assert by_name.rows == TABLE.rows
    assert by_period.rows == ()


def test_numbers_have_the_style_of_their_column() -> None:
    """People read the magnitude, the sign and the share of a column; programs read the values as they are."""
    columns = (
        ReportColumn("cost", "cost", "JPY", style="scaled"),
        ReportColumn("change", "change", "JPY", style="signed"),
        ReportColumn("share", "share", "%", style="share"),
        ReportColumn("price", "price", "JPY", style="money"),
        ReportColumn("when", "when", "", optional=True),
    )
    rows = ((2.5e9, 7.0, 1.0, 1.5e6, None), (1e8, -3.0, 0.9999, ShownValue(None, "no plan"), None))
    told = format_table(ReportTable("t", "T", "", columns, rows, total=(2.6e9, None, None, None, None)))
    assert [column.header for column in told.columns] == ["cost (m JPY)", "change (JPY)", "share (%)", "price (JPY)"]
    assert told.rows[0] == ("2,500", "+7", "100", "1.5 m")
    assert told.rows[1] == ("100", "−3", "99.9", "no plan")
    assert told.rows[2][0] == "2,600" and told.total


def test_a_workbook_keeps_the_digits_that_people_read() -> None:
    """Every style becomes decimal places of its column, and a number shown as a text keeps its digits."""
    columns = (ReportColumn("price", "price", "JPY", style="money"), ReportColumn("now", "now", ""))
    table = ReportTable("t", "T", "", columns, ((12.25, ShownValue(4.5, "4.5 t")), (3.0, ShownValue(None, "any"))))
    assert [(column.digits, column.style) for column in fix_digits(table).columns] == [(2, "fixed"), (1, "fixed")]


def test_tables_of_parts_have_names_of_their_own() -> None:
    """A table of two parts is listed twice under two keys, one that a chart draws once."""
    other = replace(TABLE, rows=TABLE.rows[:1])
    chart = Chart("Chart", {}, (CALLED_OFF,))
    report = Report("All", (), parts=(Report("A", (), (TABLE,), charts=(chart,)), Report("B", (), (other, TABLE))))
    assert [table.key for table in list_tables(report)] == ["lines", "award", "award_2"]


def test_a_currency_is_known_by_its_whole_code() -> None:
    """Letters across two codes of a list are no currency."""
    assert [count_minor_digits(code) for code in ("JPY", "EUR", "KWD", "F C", "")] == [0, 2, 3, 2, 2]
