"""Changes of many rows made together come to what they come to one after the other."""

from __future__ import annotations

import random

import pytest

from medalopt.instance.reader import rowchanges, tables
from medalopt.instance.reader.changes import read
from medalopt.instance.reader.faults import Faults
from medalopt.instance.reader.files import Bytes
from medalopt.instance.reader.sheet import Sheet
from medalopt.instance.resolve.grouping import row_names

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


def told(sheet: Sheet) -> tuple[object, ...]:
    """Return all that a sheet says."""
    columns = {key: list(cells) for key, cells in sheet.columns.items()}
    return {key: cells for key, cells in columns.items() if set(cells) != {None}}, sheet.lines.tolist()


@pytest.mark.parametrize("text", TABLES)
def test_together_or_one_by_one(text: str) -> None:
    """Whatever is changed, in whatever order, and whatever is wrong with it: cells, rows and faults are the same."""
    dice = random.Random(1)
    sheet = tables.sheet_of("streams", Bytes("rows.csv", text.encode()), COLUMNS, Faults())
    assert sheet is not None
    for _ in range(150):
        streams = dice.choices(
            ["phone@a", "fax@a", "fax@b", "laptop@a", "other", "none"], weights=[4, 4, 4, 1, 1, 1], k=6
        )
        wanted = {f"streams.{stream}.{path}": value for stream in streams for path, value in dice.sample(CHANGES, 1)}
        together, apart = Faults(), Faults()
        listed = read(wanted, together)
        once = rowchanges.apply(sheet, listed, row_names, LABELS, together)
        again = sheet
        for change in listed:
            again = rowchanges.apply(again, [change], row_names, LABELS, apart)
        assert told(once) == told(again), wanted
        assert together.found == apart.found, wanted
