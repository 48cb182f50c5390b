"""CSV cut all at once, and by Python's own reader: the same cells, lines and faults."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path

import numpy as np
import pytest
from tests.instance.writing import faults, loaded

from medalopt.instance.reader import csv_reader, limits
from medalopt.instance.reader.csv_reader import CsvRows
from medalopt.instance.reader.rows import CellColumn

PIECES = ["", "a", "b", "é", "東京", "1.5", "12345678", "12345678x", "x" * 64, "y" * 65, "z" * 64 + "é", " ", ",", ",",
          ",", "\n", "\n", "\r\n"]  # fmt: skip


def list_cells(rows: CsvRows) -> tuple[object, ...]:
    """Return all that a table says, its columns as lists of text."""
    columns = [list(rows.column(number)) for number in range(len(rows.header))]
    return rows.header, rows.line, rows.lines.tolist(), columns, rows.uneven, rows.whole, rows.error


def by_hand(text: str) -> tuple[object, ...]:
    """Return the rows that Python's csv reader gives for a table without quotes."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows = [(row, reader.line_num) for row in reader if row]
    (header, line), *others = rows or [([], reader.line_num)]
    even = [(row, at) for row, at in others if len(row) == len(header)]
    columns = [[row[number] or None for row, _ in even] for number in range(len(header))]
    uneven = tuple((at, len(row)) for row, at in others if len(row) != len(header))
    return header, line, [at for _, at in even], columns, uneven


@pytest.mark.parametrize("seed", range(4))
def test_both_ways_say_the_same(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of random tables, with blank and uneven lines, cells of all lengths and signs of several bytes, both say all."""
    monkeypatch.setattr(csv_reader, "_CHUNK_ROWS", 3)
    dice = random.Random(seed)
    for _ in range(400):
        text = "".join(dice.choices(PIECES, k=dice.randrange(1, 60)))
        if dice.random() < 0.5:  # a real table, of which most rows are even
            rows = [",".join(dice.choices(["", "a", "bb", "x" * 70, "12345678"], k=2)) for _ in range(9)]
            text = dice.choice(["\n", "\r\n"]).join(["h,i", *rows, text])
        wanted = by_hand(text)
        assert list_cells(csv_reader._read_quoted(text))[:5] == wanted
        assert list_cells(csv_reader.read_csv_rows(text))[:5] == wanted
        if csv_reader._is_unquoted(text.encode()):
            assert list_cells(csv_reader._read_unquoted(text.encode()))[:5] == wanted


def test_what_is_not_plain() -> None:
    """Quotes, a carriage return alone, a zero byte and a field without end go through Python's own reader."""
    for text in ('a\n"b"\n', "a\rb\r", "a\n\0\n", ""):
        assert not csv_reader._is_unquoted(text.encode())
    long = "a\n" + "x" * (csv.field_size_limit() + 1) + "\n"
    assert csv_reader.read_csv_rows(long).error == ("field larger than field limit (131072)", 2)


def test_what_was_read_before_an_error_is_reported(tmp_path: Path) -> None:
    """Uneven rows are reported together with an unclosed quote."""
    (tmp_path / "rows.csv").write_text('device,region,total\nphone,a\nphone,b,1\n"phone\n')
    found = faults(tmp_path, streams="streams: {table: rows.csv}")
    assert [line for line, *_ in found] == [2, 4]


def test_the_same_table_in_quotes(tmp_path: Path) -> None:
    """A table whose cells all stand in quotes gives the figures it gives without."""
    rows = [["device", "region", "period", "available", "note"]]
    rows += [["phone", f"r{n % 7}", f"2017-{4 + n // 7:02d}", f"{n}.5 kg", "a" * n] for n in range(21)]
    found = []
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL):
        with (tmp_path / "rows.csv").open("w", newline="") as file:
            csv.writer(file, quoting=quoting).writerows([row[:4] for row in rows])
        found.append(
            loaded(tmp_path, streams="streams: {table: rows.csv}", periods="periods: {start: 2017-04, count: 3}")
        )
    assert found[0].figures == found[1].figures
    assert found[0].streams.available.value.tolist() == [[(n + 7 * t + 0.5) / 1000 for t in range(3)] for n in range(7)]


def test_texts_are_found_once() -> None:
    """A column knows its distinct texts, the first row of each, and takes new ones."""
    cells = CellColumn.build(["b", None, "a", "b", ""], gap="")
    assert list(cells) == ["b", None, "a", "b", None]
    assert [cells.texts[code] for code in cells.list_codes().tolist()] == ["b", "a"]
    assert cells.find_rows("b") == [0, 3] and cells.find_rows("c") == []
    changed = cells.replace_texts([(1, "c"), (0, None), (4, "a")])
    assert list(changed) == [None, "c", "a", "b", "a"] and list(cells.select_rows([3, 1])) == ["b", None]
    assert np.array_equal(changed.find_first_rows(), [0, 3, 2, 1])


def test_a_table_of_too_many_cells_is_not_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many cells as there may be are read, one more ends the table, with quotes or without."""
    for text in ("a,b\n1,2\n3,4\n5,6", '"a",b\n1,2\n3,4\n5,6'):
        monkeypatch.setattr(limits, "MAX_CELLS", 6)
        assert csv_reader.read_csv_rows(text).whole
        monkeypatch.setattr(limits, "MAX_CELLS", 5)
        assert not csv_reader.read_csv_rows(text).whole
    assert (csv_reader.read_csv_rows('"a').line, csv_reader.read_csv_rows('"a').header) == (0, [])
