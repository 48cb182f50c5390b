"""Cells of CSV as any reader takes them back."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from medalopt.report.render.csv import render_csv

CELLS = st.text(alphabet='ab ,"\n', max_size=4)


@given(st.integers(1, 3).flatmap(lambda width: st.lists(st.tuples(*[CELLS] * width), min_size=1, max_size=4)))
def test_cells_come_back_from_the_reader_of_python(rows: list[tuple[str, ...]]) -> None:
    """Any cells, with quotes, commas and line ends, read back unchanged."""
    names = [f"c{number}" for number in range(len(rows[0]))]
    text = render_csv(dict(zip(names, zip(*rows, strict=True), strict=True)))
    assert list(csv.reader(io.StringIO(text, newline=""))) == [names, *map(list, rows)]
    own = io.StringIO()
    csv.writer(own, lineterminator="\n").writerows([names, *rows])
    assert text == own.getvalue()


def test_no_head_is_a_formula() -> None:
    """A column header that begins as a formula is written behind an apostrophe."""
    assert render_csv({"=cmd|calc": ["@x"], "plain": [-1.5]}) == "'=cmd|calc,plain\n'@x,-1.5\n"
