from medalopt.report.sourcing.content import Column, Table
from medalopt.report.sourcing.written import section

TABLE = Table(
    "award",
    "What is taken",
    "Every stream.",
    (
        Column("stream", "Stream"),
        Column("tonnes_t", "Taken", "t", 1, total=True),
        Column("share", "Share", "%", 1),
        Column("unit_code", "Unit", hidden=True),
    ),
    (("phone", 1234.56, 1.0, "TNE"), ("toaster", -0.04, None, "TNE"), ("laptop", 10, 0.2567, "TNE"), ("pc", 5, 0, "")),
    ("A note.",),
)


def test_figures_stand_at_their_digits_with_units_in_the_header() -> None:
    """A person reads rounded figures, the unit once, and no column that is there for machines."""
    told = section(TABLE)
    assert [column.header for column in told.columns] == ["Stream", "Taken (t)", "Share (%)"]
    assert [column.right for column in told.columns] == [False, True, True]
    assert told.rows[0] == ("phone", "1,234.6", "100.0")
    assert told.rows[1] == ("toaster", "≈0", "")
    assert told.rows[2] == ("laptop", "10.0", "25.7")
    assert told.rows[-1] == ("in all", "1,249.5", "")
    assert told.total
    assert told.notes == ("A note.",)


def test_a_long_table_is_cut_and_its_tail_summed() -> None:
    """What is not shown is counted, and stays in the total."""
    told = section(TABLE, most=2)
    assert told.rows[2] == ("… and 2 more", "15.0", "")
    assert told.rows[3] == ("in all", "1,249.5", "")
    assert len(section(TABLE, most=3).rows) == 5  # one more row says as much as a line about it
