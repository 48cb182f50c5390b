"""Many row changes together equal the same changes one by one."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tests.instance.writing import loaded, written

from medalopt.errors import InputError
from medalopt.instance import load
from medalopt.instance.reader.csv_reader import build_csv_sheet
from medalopt.instance.reader.files import FaultLog
from medalopt.instance.reader.overrides import apply_row_overrides, parse_overrides
from medalopt.instance.reader.rows import InputSheet
from medalopt.instance.resolve.row_validation import name_stream_rows

LABELS = ("2017-04", "2017-05")
COLUMNS = ["name", "device", "region", "period", "available", "collection", "storage_limit", "credited"]
TABLES = [
    "device,region,period,available,collection\nphone,a,2017-04,1,5\nphone,a,2017-05,2,5\nfax,a,2017-05,3,5\nfax,b,,4,6\n",
    "name,device,region,available,storage_limit\n,phone,a,1,3\n,fax,a,2,\nfax@b,fax,c,3,\n",
]
CHANGES = [("available", "7 t"), ("available", "[8, 9]"), ("available", "[0, 9]"), ("available[1]", "3"),
           ("available[7]", "3"), ("collection", "70"), ("collection", ""), ("storage.limit", "2"),
           ("storage", "{cost: 4}"), ("credited", "50 %"),
           ("credited.Au", "40 %"), ("device", "laptop"), ("name", "other")]  # fmt: skip


def list_cells(sheet: InputSheet) -> tuple[object, ...]:
    """Return all that a sheet says."""
    columns = {key: list(cells) for key, cells in sheet.columns.items()}
    return {key: cells for key, cells in columns.items() if set(cells) != {None}}, sheet.lines.tolist()


@pytest.mark.parametrize("text", TABLES)
def test_together_or_one_by_one(text: str) -> None:
    """Whatever is changed, in whatever order, and whatever is wrong with it: cells, rows and faults are the same."""
    dice = random.Random(1)
    sheet = build_csv_sheet("streams", "rows.csv", text, COLUMNS, FaultLog())
    assert sheet is not None
    for _ in range(150):
        streams = dice.choices(
            ["phone@a", "fax@a", "fax@b", "laptop@a", "other", "none"], weights=[4, 4, 4, 1, 1, 1], k=6
        )
        wanted = {f"streams.{stream}.{path}": value for stream in streams for path, value in dice.sample(CHANGES, 1)}
        together, apart = FaultLog(), FaultLog()
        listed = parse_overrides(wanted, together)
        once = apply_row_overrides(sheet, listed, name_stream_rows, LABELS, together)
        again = sheet
        for change in listed:
            again = apply_row_overrides(again, [change], name_stream_rows, LABELS, apart)
        assert list_cells(once) == list_cells(again), wanted
        assert together.errors == apart.errors, wanted


def test_changes_of_lanes_and_streams_together(tmp_path: Path) -> None:
    """Changes of one section are made whatever others come first; a 1 in a new period counts, a 0 does not."""
    (tmp_path / "rows.csv").write_text("device,region,period,available\nphone,tokyo,2017-04,4\n", encoding="utf-8")
    path = tmp_path / "case.yaml"
    lanes = "lanes:\n- {region: tokyo, smelter: kosaka, cost: 1}"
    path.write_text(written(streams="streams: {table: rows.csv}", lanes=lanes), encoding="utf-8")
    lane, stream = "lanes.tokyo@kosaka.cost", "streams.phone@tokyo.available"
    for changes in ({lane: "2", stream: "[5, 1]"}, {stream: "[5, 1]", lane: "2"}):
        one = load(path, changes)
        assert one.lanes.cost.value.tolist() == [[2]] and one.streams.available.value.tolist() == [[5, 1]]
    assert load(path, {stream: "[5, 0]"}).streams.available.value.tolist() == [[5, 0]]
    with pytest.raises(InputError, match=r"name one parameter, such as `streams\.phone@tokyo\.footprint`"):
        load(path, {"streams.phone@tokyo[0]": "1"})


def test_a_change_of_a_period_leaves_the_other_streams_where_they_stand(tmp_path: Path) -> None:
    """After a change that adds a row, errors of other streams keep their place."""
    streams = "streams:\n- {device: phone, region: a, available: 1}\n- {device: phone, region: b, available: x}"
    loaded(tmp_path)
    path = tmp_path / "case.yaml"
    path.write_text(path.read_text().replace("streams:\n- {device: phone, region: tokyo, available: 10}", streams))
    with pytest.raises(InputError) as caught:
        load(path, {"streams.phone@a.available[1]": "5 t"})
    assert [(fault.line, fault.column, fault.path) for fault in caught.value.faults] == [
        (9, 41, "streams.phone@b.available")
    ]
