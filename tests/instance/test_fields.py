"""Names, as keys and as values."""

from __future__ import annotations

from pathlib import Path

from tests.instance.writing import faults


def test_the_longest_name(tmp_path: Path) -> None:
    """A name has a hundred characters at most."""
    for length, count in ((100, 0), (101, 1)):
        streams = f"streams:\n- {{device: phone, region: {'r' * length}, available: 1}}"
        assert len(faults(tmp_path, streams=streams)) == count


def test_names_that_look_like_others(tmp_path: Path) -> None:
    """Blanks at the ends, blanks that are no plain ones, and decomposed letters are faults at their place."""
    stream = "streams:\n- {device: phone, region: %s, available: 1}"
    for region, message in (
        ('"east\\u00a0"', "a name must contain no blank other than the space; U+00A0 is one: `east\\xa0`"),
        ('"ea\\u3000st"', "a name must contain no blank other than the space; U+3000 is one: `ea\\u3000st`"),
        ('"east "', "a name must not begin or end with a blank: write `east`"),
        ('" east"', "a name must not begin or end with a blank: write `east`"),
        ('"ne\\u0301"', "a name must be in the composed Unicode form (NFC), and `ne\u0301` is not: enter it again"),
    ):
        ((line, column, _, found),) = faults(tmp_path, streams=stream % region)
        assert (line, column, found) == (8, 27, message)
    for region in ("東京 港区", '"n\\u00e9"', "e a"):
        assert faults(tmp_path, streams=stream % region) == []
    ((line, _, path, found),) = faults(tmp_path, market='market: {"bar ": {composition: {Ag: 1}, price: 3}}')
    assert (line, path) == (12, 'market."bar "') and "must not begin or end with a blank" in found
    (tmp_path / "rows.csv").write_text("device,region,available\nphone,east ,1\n")
    ((line, column, _, found),) = faults(tmp_path, streams="streams: {table: rows.csv}")
    assert (line, column) == (2, 2) and "must not begin or end with a blank: write `east`" in found
