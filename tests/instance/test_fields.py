"""Names, as keys and as values."""

from __future__ import annotations

from pathlib import Path

from tests.instance.writing import faults


def test_the_longest_name(tmp_path: Path) -> None:
    """A name has a hundred characters at most."""
    for length, count in ((100, 0), (101, 1)):
        streams = f"streams:\n- {{device: phone, region: {'r' * length}, available: 1}}"
        assert len(faults(tmp_path, streams=streams)) == count
