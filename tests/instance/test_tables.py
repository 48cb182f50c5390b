"""Streams and lanes in tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.instance.writing import faults, loaded

from medalopt.instance import load
from medalopt.instance.instance import Instance


def table(folder: Path, text: str | bytes, **parts: str) -> Instance:
    """Return the small instance with its streams in a table of this content."""
    (folder / "rows.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return loaded(folder, streams="streams: {table: rows.csv}", **parts)


def test_a_table_is_the_same_as_a_list(tmp_path: Path) -> None:
    """Every field of a stream, written in a table, gives the digest that the list gives."""
    listed = loaded(
        tmp_path,
        streams="streams:\n- {device: phone, region: a, bundle: x, available: 5 t, price: 3 JPY/unit, committed: 1 t,"
        " credited: {default: 50 %, Au: 30 %}, storage: {limit: 7 t, cost: 2}, footprint: 9, lot: 2,"
        " minimum_order: 4}\n"
        "- {name: other, device: laptop, region: a, total: 6, collection: 1e3, storage: {}, credited: 40 %}",
    )
    text = (
        "name,device,region,bundle,available,total,price,collection,committed,credited,credited_default,credited_Au,"
        "storage_limit,storage_cost,footprint,lot,minimum_order\n"
        "other,laptop,a,,,6,,1000,,0.4,,,,0,,,\n"
        ",phone,a,x,5 t,,3 JPY/unit,,1 t,,50 %,30 %,7 t,2,9,2,4\n"
    )
    assert table(tmp_path, text).figures == listed.figures
    assert table(tmp_path, text).lots == listed.lots


def test_a_stream_spread_over_rows(tmp_path: Path) -> None:
    """A period without a row has none, any month of a period names it, and the rows may stand in any order."""
    one = table(
        tmp_path,
        "device,region,period,available,price\nphone,b,2017-07,3,1\nlaptop,a,,2,5\nphone,b,2017-04,1,1\n",
        periods="periods: {start: 2017-04, count: 3, length: quarter}",
    )
    assert one.streams.names == ("laptop@a", "phone@b")
    assert one.streams.available.value.tolist() == [[2, 2, 2], [1, 3, 0]]
    assert one.streams.price.value.tolist() == [[5], [1]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    """UTF-8 with or without a mark, and CP932 as Excel writes it in Japan, give the same names."""
    one = table(tmp_path, "device,region,available\r\nphone,東京,1\r\n".encode(encoding))
    assert one.regions == ("東京",)


def test_quoted_cells_and_blank_lines(tmp_path: Path) -> None:
    """Quoted cells may contain commas and line breaks; blank lines are ignored, line numbers stay right."""
    text = 'device,region,available,note\n\nphone,"a, b",1,"two\nlines"\n\nlaptop,c,1,\n'
    one = table(tmp_path, text)
    assert one.regions == ("a, b", "c")
    assert [source.note for source in one.sources] == ["two\nlines"]
    (tmp_path / "rows.csv").write_text(text + "fax,c,1,\n", encoding="utf-8")
    ((line, column, path, _),) = faults(tmp_path, streams="streams: {table: rows.csv}")
    assert (line, column, path) == (7, 1, "streams.fax@c.device")


def test_lanes_in_a_table(tmp_path: Path) -> None:
    """Lanes come from a table as from a list, with distance or cost, in any folder below the instance."""
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "lanes.csv").write_text(
        "region,smelter,distance,cost\ntokyo,kosaka,10 km,\nosaka,kosaka,,7\n"
    )
    one = loaded(
        tmp_path,
        streams="streams:\n- {device: phone, region: tokyo, available: 1}\n"
        "- {device: phone, region: osaka, available: 1}",
        lanes="lanes: {table: below/lanes.csv, source: surveyed}",
        transport_rate="transport_rate: 3",
    )
    assert one.lanes.cost.value.tolist() == [[7], [30]]
    assert sorted(one.files) == ["below/lanes.csv", "case.yaml"]
    assert [source.path for source in one.sources] == ["lanes"]


def test_a_bad_cell_is_reported_once(tmp_path: Path) -> None:
    """The same wrong cell in many rows is one fault, which says how many rows have it."""
    rows = "".join(f"phone,r{n},ten\n" for n in range(5_000))
    (tmp_path / "rows.csv").write_text("device,region,available\n" + rows, encoding="utf-8")
    ((line, column, path, message),) = faults(tmp_path, streams="streams: {table: rows.csv}")
    assert (line, column, path) == (2, 3, "streams.phone@r0.available")
    assert message.endswith("found `ten` (and in 4999 more rows)")
    rows = "".join(f"phone,r{n},ten{n}\n" for n in range(5_000))
    (tmp_path / "rows.csv").write_text("device,region,available\n" + rows, encoding="utf-8")
    many = faults(tmp_path, streams="streams: {table: rows.csv}")
    assert len(many) == 20 and many[-1][-1].endswith("; 4980 more cells of this column are wrong")


def test_a_large_table_stays_columns(tmp_path: Path) -> None:
    """Twenty thousand rows of many distinct figures are read right, whatever their order, bare or with units."""
    dice = np.random.default_rng(3)
    amounts = dice.integers(1, 10**7, size=(10_000, 2)) / 1_000
    labels = ["2017-04", "2017-05"]
    rows = [f"phone,r{i:05d},{labels[t]},{float(amounts[i, t])!r}" for i in range(10_000) for t in range(2)]
    rows = [rows[n] for n in dice.permutation(len(rows))]
    head = "device,region,period,available\n"
    bare = table(tmp_path, head + "\n".join(rows) + "\n")
    assert np.array_equal(bare.streams.available.value, amounts)
    with_units = table(tmp_path, head + "\n".join(f"{row} t" for row in rows) + "\n")
    assert with_units.figures == bare.figures


def test_numbers_a_bare_column_would_let_slip(tmp_path: Path) -> None:
    """A column of bare numbers is checked like any other: range, underflow, and forms of float()."""
    for cell in ("-1", "1e-99", "1e99", "0." + "0" * 300 + "1", "1_0_", "١", "nan", "inf", "0x1", " "):
        (tmp_path / "rows.csv").write_text(f"device,region,total\nphone,a,5\nphone,b,{cell}\n", encoding="utf-8")
        found = faults(tmp_path, streams="streams: {table: rows.csv}")
        if cell in ("1e-99", "1e99"):
            assert found == []
        else:
            assert [(line, column) for line, column, _, _ in found] == [(3, 3)], cell


def test_the_file_of_a_table_is_named_below_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Digests are kept under names that do not depend on where the instance lies or from where it is loaded."""
    table(tmp_path, "device,region,available\nphone,a,1\n")
    absolute = load(tmp_path / "case.yaml").files
    monkeypatch.chdir(tmp_path)
    assert load("case.yaml").files == absolute and sorted(absolute) == ["case.yaml", "rows.csv"]


def test_a_table_has_at_most_as_many_columns_as_a_sheet(tmp_path: Path) -> None:
    """A table that is wider than any sheet is one error, whatever its columns are called."""
    head = ",".join(f"c{n}" for n in range(16_385))
    (tmp_path / "rows.csv").write_text(f"{head}\n{',' * 16_384}\n", encoding="utf-8")
    found = faults(tmp_path, streams="streams: {table: rows.csv}")
    assert [message for *_, message in found] == ["has 16_385 columns; a table has at most 16_384"]
