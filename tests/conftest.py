"""Coverage is told by the tests that mirror the package; what is tried by the hundred is not traced: half the price."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
LAWS = {"campaigns", "conformance", "extensions", "laws", "planted", "twin"}  # they ask what is answered, not how
ENOUGH = 2  # cases of a test, of those that are random instances by their numbers


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take what is tried by the hundred out of the coverage: laws, and numbered instances beyond the first."""
    if not config.pluginmanager.hasplugin("_cov"):
        return
    cases: Counter[str] = Counter()
    for item in items:
        test = item.nodeid.partition("[")[0]
        cases[test] += "seed" in getattr(getattr(item, "callspec", None), "params", ())
        if cases[test] > ENOUGH or item.path.relative_to(TESTS).parts[0] in LAWS:
            item.add_marker("no_cover")
