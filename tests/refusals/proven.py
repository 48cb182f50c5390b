"""The instances without a plan of this folder, each diagnosed once."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import medalopt
from medalopt.analysis.infeasibility.diagnosis import diagnose_infeasibility
from medalopt.analysis.infeasibility.repair import Diagnosis

FOLDER = Path(__file__).parent


def file(name: str) -> Path:
    """Return the path of a case."""
    return FOLDER / f"{name}.yaml"


@cache
def diagnosis(name: str) -> Diagnosis:
    """Return the diagnosis of a case, worked out on its file."""
    found = diagnose_infeasibility(medalopt.load(file(name)), source=file(name))
    assert found is not None
    return found
