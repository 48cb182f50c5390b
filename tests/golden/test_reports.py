"""Reports word for word; `make golden` writes the files again."""

from __future__ import annotations

import pytest
from tests.golden.reports import FOLDER, list_files, mask_surroundings, render_report, round_numbers


@pytest.mark.parametrize("file", list_files())
def test_a_report_is_as_its_golden_file(file: str) -> None:
    """A report equals its golden file; after an intended change run `make golden`."""
    assert render_report(file) == (FOLDER / file).read_text(encoding="utf-8")


def test_no_golden_file_is_left_over() -> None:
    """Each golden file belongs to a report."""
    assert {path.name for path in FOLDER.iterdir() if path.suffix in (".txt", ".json")} == set(list_files())


def test_what_is_masked() -> None:
    """Digests, versions and times are masked, and the last digits of numbers in JSON; no other number is."""
    told = f"sha256 {'0f' * 32}, medalopt 0.1.0, HiGHS 1.15.1, 0.3 s; 12.66 t"
    assert mask_surroundings(told) == "sha256 <sha256>, medalopt <version>, HiGHS <version>, <time>; 12.66 t"
    assert round_numbers('{"a": 0.30000000000000004, "b": [1, "x"]}\n') == round_numbers('{"a": 0.3, "b": [1, "x"]}\n')
    assert round_numbers('{"a": 0.300000001}\n') != round_numbers('{"a": 0.3}\n')
