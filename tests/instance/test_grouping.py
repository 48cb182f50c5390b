"""Rows of one stream, gathered."""

from __future__ import annotations

from pathlib import Path

from tests.instance.writing import faults


def test_an_unknown_period_is_no_other_one(tmp_path: Path) -> None:
    """A row whose period is unknown is that fault alone: it takes the place of no other period, nor of all."""
    rows = ["phone,a,2020-01,1", "phone,a,2017-06,1", "phone,a,2020-02,1", "phone,b,,1"]
    (tmp_path / "rows.csv").write_text("\n".join(["device,region,period,available", *rows]), encoding="utf-8")
    told = faults(tmp_path, streams="streams: {table: rows.csv}", periods="periods: {start: 2017-04, count: 3}")
    assert [(line, column, path) for line, column, path, _ in told] == [
        (2, 3, "streams.phone@a.period"),
        (4, 3, "streams.phone@a.period"),
    ]
