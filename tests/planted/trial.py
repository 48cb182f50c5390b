"""Tries the checks on one error after the other, each in a process of its own."""

from __future__ import annotations

import gc
import importlib
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml
from campaigns.forks import Fate, apart
from tests.planted import known
from tests.planted.checks import CHECKS, Known, loaded
from tests.planted.planting import Planted, copied, planted

# what medalopt needs, loaded once: a new process starts with it
LOADED = ("highspy", "numpy", "pint", "pydantic", "pyomo.core", "pyomo.repn.linear", "swiglpk", "yaml", "yamlcore")
READING = (  # the code that is at work while an instance is read
    *("tolerances.py", "units.py", "instance/resolve/"),
    # for its warnings, and what is credited
    *("instance/routes.py", "instance/bounds.py", "instance/smelter_terms.py", "instance/uncertainty.py"),
    *("instance/lots.py", "instance/lot_relaxation.py", "instance/payers.py"),
)
AT_ONCE = {  # by check: the files, or single errors, that it catches where the quicker checks do not
    "lots": (
        "model/lots.py",
        "instance/lots.py",
        "instance/lot_relaxation.py",
        "solver/mip.py",
        "parts of a lot let pass",
        "a tenth is exact",
        "nothing need be whole",
    ),
    "wrong plans": ("a reserve of the next period alone",),
    "payers": ("instance/payers.py",),
    "measures": ("footprint of what stays", "footprint of the account without purchases"),
    "tiny": ("the least withheld is free", "withheld metal is worth nothing"),
    "bounds": ("proof/bound.py",),
    "moved: proof": ("solver/verification.py",),
    "moved: sweep": ("solver/parametric_sweep.py",),
    "taken apart": tuple(
        f"solver/decomposition/{name}.py"
        for name in ("column_generation", "crossover", "master", "pricing", "subproblems")
    ),
    "moved: curves": ("analysis/sensitivity/piecewise_linear.py", "analysis/sensitivity/piecewise_linear.py"),
    "moved: bars": ("analysis/sensitivity/tornado.py", "analysis/sensitivity/uncertain_parameters.py"),
    "moved: shortage": ("analysis/sensitivity/base_case.py",),
    "moved: ranges": (
        *("solver/ranging.py", "solver/warm_solver.py"),
        *("analysis/sensitivity/parameter_derivatives.py", "analysis/sensitivity/ranges.py"),
    ),
    "extension": ("model/build.py",),
    "explained": (
        *(f"analysis/explain/{name}.py" for name in ("binding", "cost_breakdown", "local_analysis")),
        *("solver/solve_lp.py", "a medal above its penalty"),
    ),
    "own rules": ("analysis/infeasibility/diagnosis.py", "solver/extended_program.py"),
    "rules and lots": ("a bound at the chosen lots", "own rows without prices in lots"),
    "spoiled": ("solve_instance.py",),
    "bases": ("proof/basis.py",),
    "additions": ("proof/extension_rows.py",),
    "refutations": ("nothing refutes everything", "a bound on the cost refutes"),
    "refusals": ("proof/verdict.py", "proof/claims.py"),
    "promised": ("instance/confidence.py", "proof/confidence.py", "solver/confidence.py"),
    "risk": ("instance/uncertainty.py", "tails exchanged"),
    "statements": ("proof/derived.py", "proof/verdict.py", "steps from zero"),
    "two stages": (
        *("proof/two_stage.py", "solver/two_stage.py", "instance/contracts.py"),
        *("analysis/risk/two_stage_plan.py", "analysis/risk/contract_program.py"),
        "solver/information_value.py",
    ),
}
PATIENCE = 600.0  # seconds, that the checks of one error may take
Found = dict[str, list[str]]  # by check: what gave the error away


def errors() -> list[Planted]:
    """Return the errors of errors.yaml: first those in code that reads instances, which is loaded before the others."""
    files = yaml.safe_load(Path(__file__).with_name("errors.yaml").read_text(encoding="utf-8"))
    listed = [
        Planted(name, file, within, *fragments)
        for file, definitions in files.items()
        for within, entries in definitions.items()
        for name, fragments in entries.items()
    ]
    return sorted(listed, key=lambda error: not error.file.startswith(READING))


def tried(wanted: Sequence[Planted | None], thorough: bool = False) -> Iterator[Found]:
    """Yield the findings of the checks for each error (None: unchanged code): all, or the first.

    Errors in the reader must come first: for the others the instances read are kept.
    """
    for name in LOADED:
        importlib.import_module(name)
    spec = find_spec("medalopt")
    assert spec is not None and spec.origin is not None
    with tempfile.TemporaryDirectory() as folder:
        package = copied(Path(spec.origin).parent, Path(folder))
        sys.path.insert(0, folder)
        right = _apart(known.known)
        assert not isinstance(right, Fate), f"what is right was not found out: {right.killer}"
        for error in wanted:
            if error is None:
                yield _ended(_apart(_found, right, tuple(CHECKS), True))
                continue
            if not error.file.startswith(READING):
                for path in right.optima:
                    loaded(Path(path))
            assert error.module not in sys.modules, f"{error.name}: {error.file} reads instances; name it in READING"
            with planted(package, error):
                found = _ended(_apart(_found, right, order(error), thorough))
            yield found


def order(error: Planted) -> list[str]:
    """Return the checks, those first that are the quickest to catch an error of its file or room."""
    proof = ["wrong plans", "bounds", "bases", "additions", "refutations", "refusals", "statements"]
    others = [check for check in CHECKS if check not in proof]
    checks = [*proof, *others] if error.room == "proof" else others
    first = [check for check, files in AT_ONCE.items() if error.file in files or error.name in files]
    return list(dict.fromkeys([*first, *checks]))


def _ended(found: Found | Fate) -> Found:
    """Return the findings; a process that does not end is a finding too."""
    return {"its end": [found.killer]} if isinstance(found, Fate) else found


def _found(right: Known, checks: Iterable[str], thorough: bool) -> Found:
    found: Found = {}
    for check in checks:
        for caught in _seen(check, right):
            if caught not in found.setdefault(check, []):
                found[check].append(caught)
            if not thorough:
                return found
    return found


def _seen(check: str, right: Known) -> Iterator[str]:
    """Yield the findings of a check; an exception is a finding."""
    try:
        yield from CHECKS[check](right)
    except Exception as error:
        yield f"breaks off with {type(error).__name__}: {error}"


def _apart(task: Callable[..., Any], *arguments: Any) -> Any:
    """Run `task` in a separate process; return its result, or a `Fate` if it does not end."""
    gc.freeze()  # what is loaded stays: no process looks through it again
    return apart(_unwritten, (task, *arguments), PATIENCE)


def _unwritten(task: Callable[..., Any], *arguments: Any) -> Any:
    sys.dont_write_bytecode = True
    return task(*arguments)
