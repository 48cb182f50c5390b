"""Exported LP and MPS files of random instances: other programs read the program that medalopt solves."""

from __future__ import annotations

from pathlib import Path

import highspy
import pyomo.core as pyo
import pytest
from tests.export import readers
from tests.random_instances import from_seed
from tests.twin import names

import medalopt
from medalopt.errors import NoPlanError
from medalopt.export import write_lp, write_mps
from medalopt.solver.assemble import build_named_program

WRITERS = {"lp": write_lp, "mps": write_mps}
SEEDS = range(1000, 1020)


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("seed", SEEDS)
def test_both_readers_find_the_program(seed: int, kind: str, tmp_path: Path) -> None:
    """HiGHS and GLPK read back the very program, with the names of the Pyomo model."""
    path = tmp_path / "instance.yaml"
    path.write_text(from_seed(seed), encoding="utf-8")
    instance = medalopt.load(path)
    program = build_named_program(instance)
    text = WRITERS[kind](program)
    expected = readers.of_program(program)
    assert readers.highs(text, tmp_path / f"program.{kind}") == expected
    assert readers.gnu(text, tmp_path / f"program.{kind}") == expected
    model = medalopt.build(instance)
    assert frozenset(program.rows) == names.of_pyomo(model, pyo.Constraint)
    assert frozenset(program.columns) == names.of_pyomo(model, pyo.Var)


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("seed", SEEDS)
def test_an_exported_file_has_the_same_optimum(seed: int, kind: str, tmp_path: Path) -> None:
    """HiGHS on the file comes to the same end as medalopt on the instance."""
    path = tmp_path / "instance.yaml"
    path.write_text(from_seed(seed), encoding="utf-8")
    instance = medalopt.load(path)
    file = tmp_path / f"program.{kind}"
    file.write_text(WRITERS[kind](build_named_program(instance)), encoding="ascii")
    solver = highspy.Highs()
    solver.silent()
    assert solver.readModel(str(file)) == highspy.HighsStatus.kOk
    solver.run()
    try:
        expected = medalopt.solve(instance).objective
    except NoPlanError:
        assert solver.getModelStatus() == highspy.HighsModelStatus.kInfeasible
    else:
        assert solver.getInfo().objective_function_value == pytest.approx(expected, rel=1e-6, abs=1)
