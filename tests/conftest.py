"""Coverage is told by the tests that mirror the package; what is tried by the hundred is not traced: half the price."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROOMS = {path.stem for path in (TESTS.parent / "src/medalopt").iterdir()}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take the tests outside the rooms of the package, and those of an instance by its number, out of the coverage."""
    if not config.pluginmanager.hasplugin("_cov"):
        return
    for item in items:
        numbered = "seed" in getattr(getattr(item, "callspec", None), "params", ())
        if numbered or item.path.relative_to(TESTS).parts[0] not in ROOMS:
            item.add_marker("no_cover")
