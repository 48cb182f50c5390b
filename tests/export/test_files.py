"""LP and MPS files, read back by two programs that had no part in writing them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.export import programs, readers

from medalopt.export import write_lp, write_mps, write_names
from medalopt.linear_program import NamedLinearProgram, format_component_name

WRITERS = {"lp": write_lp, "mps": write_mps}
READERS = {"HiGHS": readers.highs, "GLPK": readers.gnu}
formats = pytest.mark.parametrize("kind", WRITERS)
programs_that_read = pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
Reader = Callable[[str, Path], readers.Content]


@formats
@programs_that_read
def test_every_row_bound_name_and_digit_survives(kind: str, reader: Reader, tmp_path: Path) -> None:
    """A file read back is the program itself: same names in the same order, and every figure to the last bit."""
    program = programs.strange()
    content = reader(WRITERS[kind](program), tmp_path / f"strange.{kind}")
    expected = readers.of_program(program)
    assert content == expected
    assert list(content.columns) == list(expected.columns)
    assert list(content.rows) == list(expected.rows)


@formats
@programs_that_read
def test_an_empty_objective_survives(kind: str, reader: Reader, tmp_path: Path) -> None:
    """A program without any cost keeps all its columns."""
    program = replace(programs.strange(), cost=np.zeros(7), offset=0.0)
    assert reader(WRITERS[kind](program), tmp_path / f"free.{kind}") == readers.of_program(program)


@formats
@programs_that_read
def test_a_long_program_survives(kind: str, reader: Reader, tmp_path: Path) -> None:
    """A row of a thousand terms of random doubles is read back to the last bit, whatever the length of its line."""
    figures = np.random.default_rng(7).lognormal(0, 9, 1000) * np.random.default_rng(8).choice([-1, 1], 1000)
    figures[np.abs(figures) < 1e-6] = 1.0
    program = programs.program(
        columns=[
            (format_component_name("ship", f"stream {j}", "dismantle", "kosaka", j), 0.0, programs.INF, 1.0)
            for j in range(1000)
        ],
        rows=[("wide", -programs.INF, 1.0)],
        entries=[(0, j, value) for j, value in enumerate(figures.tolist())],
    )
    assert reader(WRITERS[kind](program), tmp_path / f"wide.{kind}") == readers.of_program(program)


@programs_that_read
def test_a_range_that_no_double_can_span_becomes_two_rows(reader: Reader, tmp_path: Path) -> None:
    """If lower bound plus range is not the upper bound in floats, MPS has two rows, exact to the bit."""
    program = programs.program([("x", 0.0, 1.0, 1.0)], [("r", -0.9, 1.14)], [(0, 0, 1.0)])
    text = write_mps(program)
    assert " L r.upper\n" in text
    assert reader(text, tmp_path / "span.mps") == readers.of_program(program)


def test_a_range_is_one_row_in_mps() -> None:
    """A row with two limits stays one row where its span is exact."""
    program = programs.program([("x", 0.0, 1.0, 1.0)], [("r", 2.0, 40.0)], [(0, 0, 1.0)])
    assert " RANGE r 38.0\n" in write_mps(program)


@formats
@programs_that_read
def test_names_that_are_cut_stay_apart(kind: str, reader: Reader, tmp_path: Path) -> None:
    """Names too long for the format, alike in their first 300 characters, are cut to 255 and all different."""
    names = [format_component_name("ship", "ü" * 100, "t" * 100, f"{end}{'k' * 90}", "2017-04") for end in range(20)]
    program = programs.program([(name, 0.0, 1.0, 1.0) for name in names], [("r", 0.0, programs.INF)], [(0, 3, 1.0)])
    content = reader(WRITERS[kind](program), tmp_path / f"long.{kind}")
    assert content == readers.of_program(program)
    assert len(content.columns) == 20
    assert max(map(len, content.columns)) == 255


def test_the_table_of_names_gives_the_originals() -> None:
    """The table of names lists the original names of the instance."""
    lines = write_names(programs.strange()).splitlines()
    assert lines[0] == "kind,name,original"
    assert (
        'column,"ship(t%C3%A9l%C3%A9phone%2C%20vieux,a%20%5Bb%5D,NA,007)","ship[téléphone, vieux,a [b],NA,007]"'
        in lines
    )
    assert len(lines) == 1 + 7 + 6


def test_the_lp_file_reads_as_expected() -> None:
    """The whole text of a small LP file, so that a change of its look is a decision."""
    program: NamedLinearProgram = programs.program(
        columns=[("ship[phone@tokyo,1]", 0.0, programs.INF, 2.5), ("spend[1]", -programs.INF, programs.INF, 1.0)],
        rows=[("supply[phone@tokyo,1]", -programs.INF, 10.0), ("define_spend[1]", 0.0, 0.0)],
        entries=[(0, 0, 1.0), (1, 0, -90000.0), (1, 1, 1.0)],
    )
    assert write_lp(program).splitlines() == [
        "minimize",
        " objective: + 2.5 ship(phone@tokyo,1) + 1.0 spend(1)",
        "subject to",
        " supply(phone@tokyo,1): + 1.0 ship(phone@tokyo,1) <= 10.0",
        " define_spend(1): - 90000.0 ship(phone@tokyo,1) + 1.0 spend(1) = 0.0",
        "bounds",
        " spend(1) free",
        "end",
    ]
