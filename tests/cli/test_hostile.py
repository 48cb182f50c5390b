"""Whatever file is handed in, the command line ends with code 2 and plain words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.runs import here, plain
from tests.instance import hostile


@pytest.mark.parametrize("name", hostile.CASES)
def test_hostile_input_ends_with_2(name: str, tmp_path: Path) -> None:
    """Each case: code 2, every fault one plain line on standard error and one row of the JSON object."""
    path = hostile.CASES[name](tmp_path)
    ran = here("solve", str(path), "--json")
    assert ran.code == 2
    assert plain(ran.err) and "internal error" not in ran.err
    told = json.loads(ran.out)
    assert told["status"] == "input"
    assert len(told["faults"]) == len(ran.err.splitlines()) >= 1
    for fault, line in zip(told["faults"], ran.err.splitlines(), strict=True):
        assert line.endswith(fault["message"]) and line.startswith(fault["file"])
