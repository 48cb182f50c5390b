"""Random instances as files, from which variants are made."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.laws import pool

from medalopt.analysis.scenario_runner import ScenarioRunner

ROOT = Path(__file__).parents[2]
TINY = ROOT / "instances" / "tiny.yaml"


@contextmanager
def random(seed: int, measure: str = "cost", stock: bool = False) -> Iterator[ScenarioRunner]:
    """Yield the random instance number `seed`; its files exist during the context."""
    with tempfile.TemporaryDirectory() as folder:
        yield ScenarioRunner(pool.files(seed, stock).write(Path(folder)), {}, measure)
