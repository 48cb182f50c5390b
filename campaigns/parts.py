"""The parts of the package of which `campaigns.mutation` makes mutants, and the tests that have to kill them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src/medalopt"


@dataclass(frozen=True)
class Part:
    """A part of the package, the tests that have to kill its mutants, and the share of them that has to die."""

    files: tuple[str, ...]
    tests: tuple[str, ...]
    least: float


PARTS = {
    "certificate": Part(
        ("proof/*.py", *(f"instance/{name}.py" for name in ("arithmetic", "accounting", "bounds"))),
        (
            "tests/proof",
            "tests/extensions",
            "tests/cli/test_verify.py",
            *(f"tests/instance/test_{name}.py" for name in ("accounting", "arithmetic", "bounds", "demand")),
            "tests/instance/test_enclosure_edges.py",
            "tests/house/test_frozen.py",
        ),
        0.95,
    ),
    "formulation": Part(
        ("model/*.py", "instance/routes.py"),
        (
            "tests/model",
            "tests/instance/test_routes.py",
            "tests/proof/test_certificate.py",
            "tests/extensions",
            "tests/house/test_frozen.py",
        ),
        0.95,
    ),
    "loader": Part(
        ("instance/loading.py", "units.py", *(f"instance/{room}/*.py" for room in ("reader", "resolve", "schema"))),
        ("tests/instance", "tests/test_units.py", "tests/house/test_frozen.py"),
        0.85,
    ),
}
