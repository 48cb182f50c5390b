"""Tables as lines of text, and the progress bar."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from tests.cli.runs import Terminal

from medalopt.report.document import Report, ReportColumn, ReportTable, ShownValue
from medalopt.report.render.text import (
    Screen,
    TextColumn,
    TextTable,
    _lay_out_table,
    _select_columns,
    _wrap_text,
    format_table,
    render_report_text,
    show_progress,
)


def _table(width: int, section: TextTable) -> list[str]:
    header, rows = _lay_out_table(section, width)
    return [*header, *(line for row in rows for line in row)]


SOME = TextTable(
    "Some",
    (
        TextColumn("metal", right=False),
        TextColumn("needed kg"),
        TextColumn("paid in all JPY", rank=1),
        TextColumn("note", False, rank=2),
    ),
    (("silver", "3,500", "1,000,000", "by sea"), ("gold", "32", "9", "by air, in a strongbox")),
)


def test_a_table_with_room() -> None:
    """Text is left-aligned, numbers right-aligned, headers bottom-aligned in two lines at most."""
    assert _table(80, SOME) == [
        "        needed    paid in",
        "metal       kg    all JPY  note",
        "silver   3,500  1,000,000  by sea",
        "gold        32          9  by air, in a strongbox",
    ]


def test_columns_of_the_highest_rank_go_first() -> None:
    """In a narrow terminal columns of the highest rank are omitted first, those of rank 0 never."""
    assert [_select_columns(SOME, width) for width in (80, 40, 20, 5)] == [(0, 1, 2, 3), (0, 1, 2), (0, 1), (0, 1)]


def test_long_names_are_broken_where_they_may_be() -> None:
    """A name takes several lines, broken after the signs that join its words; none of its signs is lost."""
    long = TextTable(
        "Long", (TextColumn("stream", False), TextColumn("t")), (("shop_feature_phone@hokkaido", "1"), ("b", "22"))
    )
    lines = _table(18, long)
    assert lines == ["stream           t", "shop_feature_    1", "phone@hokkaido", "b               22"]


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("one two three", 7, ["one two", "three"]),
        ("to win it takes 68.78 t more", 22, ["to win it takes", "68.78 t more"]),
        ("a" * 10, 4, ["aaaa", "aaaa", "aa"]),
        ("携帯電話回収", 4, ["携帯", "電話", "回収"]),
        ("", 4, [""]),
        ("  indented", 20, ["  indented"]),
    ],
)
def test_text_is_broken_between_words(text: str, width: int, lines: list[str]) -> None:
    """No word is broken that fits, no number is parted from its unit, and wide signs count as two."""
    assert _wrap_text(text, width) == lines


def test_wide_signs_are_two_cells() -> None:
    """Names in Chinese signs leave the columns aligned."""
    wide = TextTable("Wide", (TextColumn("金属", False), TextColumn("kg")), (("銀", "1"), ("copper", "22")))
    assert {cell_len(line) for line in _table(40, wide)} == {cell_len("copper  22")}


def test_empty_columns_are_left_out() -> None:
    """Columns without values are omitted, except the first ones."""
    columns = (ReportColumn("a", "a", ""), ReportColumn("b", "b", ""))
    optional = tuple(ReportColumn(name, name, "", optional=True) for name in "cd")
    rows = ((0, 0, ShownValue(None, "–"), 0), (0, None, 0, 1))
    table = format_table(ReportTable("t", "T", "", (*columns, *optional), rows))
    assert [column.header for column in table.columns] == ["a", "b", "d"]
    assert table.rows == (("0", "0", "0"), ("0", "", "1"))


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal standard error shows the progress, done and total."""
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    with show_progress("varying every parameter") as told:
        told(3, 7)
        told(7, 7)
    assert "varying every parameter" in screen.getvalue()
    assert "7/7" in screen.getvalue()


def test_no_bar_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file or a pipe gets none."""
    screen = io.StringIO()
    monkeypatch.setattr("sys.stderr", screen)
    with show_progress("varying every parameter") as told:
        told(3, 7)
    assert screen.getvalue() == ""


@pytest.mark.parametrize("lines", [2, 30])
def test_the_first_table_is_always_on_the_screen(lines: int) -> None:
    """A long first table is cut to the screen with the sum of the other rows; further tables are named."""
    columns = (ReportColumn("name", "name"), ReportColumn("cost", "cost", "JPY", total=True))
    rows = tuple((f"order {number}", 10.0) for number in range(100))
    tables = (ReportTable("orders", "Orders", "", columns, rows), ReportTable("years", "Years", "", columns, rows[:2]))
    report = Report("Plan", ("One line.",) * lines, tables, screen=tables)
    text = render_report_text(report, Screen(80), full=False)
    assert len(text.splitlines()) <= 40 + 4 * (lines > 20)
    assert "order 2" in text and "more " in text and "1,000" in text and "More tables with --full: Orders" in text
