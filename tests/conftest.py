"""Which tests are measured for coverage: those that mirror the package, once per test on random instances.

Tracing more than doubles the time of a test. Tests that run anyway and reach no new line are run without it.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
UNTRACED = {  # results, not code paths
    *("campaigns", "conformance", "extensions", "golden", "house", "instances", "instances_at_random", "laws"),
    *("planted", "refusals", "twin"),
}
NUMBERED = {"first", "number", "seed"}  # parameters that only count random instances
MEASURED_SEEDS = 1  # of each test on random instances
MEASURED_CASES = 3  # of each other test with parameters


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark as `no_cover` the tests of `UNTRACED`, and all but the first cases of each test with parameters."""
    if not config.pluginmanager.hasplugin("_cov"):
        return
    cases: Counter[str] = Counter()
    for item in items:
        test = item.nodeid.partition("[")[0]
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        cases[test] += 1
        measured = MEASURED_CASES if NUMBERED.isdisjoint(parameters) else MEASURED_SEEDS
        if cases[test] > measured or item.path.relative_to(TESTS).parts[0] in UNTRACED:
            item.add_marker("no_cover")
