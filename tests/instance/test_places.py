"""Errors in the text of a file have their place, and a remedy that fits the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.instance.writing import faults, written

from medalopt.errors import Fault, InputError
from medalopt.instance import load
from medalopt.instance.reader.files import read_file

TABLE = "streams: {table: rows.csv}"


def find_fault(path: Path, content: bytes, says: str) -> Fault:
    """Return the one fault of an instance of this content that says so."""
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load(path)
    (fault,) = (fault for fault in caught.value.faults if says in fault.message)
    return fault


@pytest.mark.parametrize(
    ("content", "line", "column", "says"),
    [
        (b"\xff", 1, 1, "is not UTF-8 text"),
        (b"a: 1\nb: \xc3\xa9\xff\n", 2, 5, "is not UTF-8 text"),
        ("a: 1\nb: é\x07\n".encode(), 2, 5, "the character U+0007 is not allowed"),
        (b"a: 1\nbc: d: e\n", 2, 6, "is not YAML"),
        (b"a: 1\n&x b: 2\n", 2, 1, "an anchor"),
        (b"a: 1\n--- \nb: 2\n", 2, 1, "a second document"),
        (b"\n", 0, 0, "is empty"),
    ],
)
def test_what_is_no_text_is_reported_by_line_and_column(
    content: bytes, line: int, column: int, says: str, tmp_path: Path
) -> None:
    """Lines and columns count from 1, a column is a character and not a byte; a file as a whole has none."""
    fault = find_fault(tmp_path / "case.yaml", content, says)
    assert (fault.line, fault.column) == (line, column)


@pytest.mark.parametrize(("text", "coding"), [("測", "utf-16"), ("format: x", "utf-16-le"), ("format: x", "utf-16-be")])
def test_utf_16_is_known_with_and_without_its_mark(text: str, coding: str, tmp_path: Path) -> None:
    """An instance is to be saved as UTF-8, a table by the name that spreadsheets have for that."""
    says = "is UTF-16, not UTF-8: save it with the encoding UTF-8"
    assert find_fault(tmp_path / "case.yaml", text.encode(coding), says).line == 0
    (tmp_path / "rows.csv").write_bytes(text.encode(coding))
    ((*_, message),) = faults(tmp_path, streams=TABLE)
    assert "save it as `CSV UTF-8`" in message


def test_the_largest_file_is_still_read(tmp_path: Path) -> None:
    """A file of just the greatest size is read whole; one byte more is too many."""
    path, said = tmp_path / "file", list[str]()
    path.write_bytes(bytes(2**21))
    found = read_file(path, "file", 2**21, said.append)
    assert found is not None and len(found.content) == 2**21 and said == []
    assert read_file(path, "file", 2**21 - 1, said.append) is None
    assert said == ["is larger than 1 MiB; put large tables into CSV files beside it"]


def test_streams_say_once_what_they_offer(tmp_path: Path) -> None:
    """Neither or both of `available` and `total` are errors at the stream."""
    streams = "streams:\n- {device: phone, region: a}\n- {device: phone, region: b, available: 1, total: 2}"
    assert [(line, path, message) for line, _, path, message in faults(tmp_path, streams=streams)] == [
        (8, "streams.phone@a.available", "give the supply: `available` or `total`"),
        (9, "streams.phone@b.available", "give `available` or `total`, not both"),
    ]


def test_a_period_of_a_stream_is_given_once(tmp_path: Path) -> None:
    """A duplicate period is reported with the line of the first row, also for a row of all periods."""
    rows = ["phone,a,2017-04,1", "phone,a,2017-05,1", "phone,a,2017-04,1", "phone,b,,1", "phone,b,2017-04,1"]
    (tmp_path / "rows.csv").write_text("\n".join(["device,region,period,available", *rows]), encoding="utf-8")
    assert faults(tmp_path, streams=TABLE) == [
        (4, 3, "streams.phone@a.available", "this period is given already, in line 2: delete one of the rows"),
        (6, 3, "streams.phone@b.available", "all periods are given already, in line 5: delete one of the rows"),
    ]


def test_a_thousand_faults_and_how_many_more(tmp_path: Path) -> None:
    """Beyond a thousand errors only the number of the others is reported."""
    path = tmp_path / "case.yaml"
    unknown = "".join(f"unknown{number}: 1\n" for number in range(1003))
    path.write_text(written() + unknown, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load(path)
    assert len(caught.value.faults) == 1001
    rest = caught.value.faults[-1]
    assert (rest.line, rest.column, rest.message) == (0, 0, "3 more faults are not listed")


def test_a_fault_of_a_stream_is_reported_by_the_name_it_has(tmp_path: Path) -> None:
    """By its own name where it has one, else by device and region."""
    rows = ("name: mine, device: phone, region: a, available: x", "device: phone, region: b, available: y")
    streams = "streams:\n" + "\n".join(f"- {{{row}}}" for row in rows)
    assert [path for _, _, path, _ in faults(tmp_path, streams=streams)] == [
        "streams.mine.available",
        "streams.phone@b.available",
    ]


def test_one_figure_takes_the_place_of_one_for_each_period(tmp_path: Path) -> None:
    """A change of the total supply holds in every period although the table has rows per period."""
    (tmp_path / "rows.csv").write_text("device,region,period,available\nphone,a,2017-05,5\nphone,a,2017-04,4\n")
    path = tmp_path / "case.yaml"
    path.write_text(written(streams=TABLE), encoding="utf-8")
    assert load(path).streams.available.value.tolist() == [[4.0, 5.0]]
    assert load(path, {"streams.phone@a.available": "7 t"}).streams.available.value.tolist() == [[7.0, 7.0]]
