"""Run a sample of the random instances of each test, `--all-cases` all, on a terminal of one width everywhere."""

from __future__ import annotations

import os

import pytest

NUMBERED = {"first", "number", "seed"}  # parameters that only count random instances
SAMPLE = 4  # random instances of each test, without --all-cases; campaigns and `make test CASES=all` run all


WIDTH = "100"  # columns of the terminal for which tests and documents quote output, in every process they start


def pytest_configure() -> None:
    """Set the width of the terminal, which differs between machines."""
    os.environ["COLUMNS"] = WIDTH


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that runs every random instance."""
    parser.addoption("--all-cases", action="store_true", help="run every random instance, not a sample of each test")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep a sample of the random instances of each test."""
    if config.getoption("--all-cases"):
        return
    left_out = _find_left_out(items)
    config.hook.pytest_deselected(items=[item for item in items if item in left_out])
    items[:] = [item for item in items if item not in left_out]


def _find_left_out(items: list[pytest.Item]) -> set[pytest.Item]:
    """Return the random instances beyond the sample of each test, evenly spaced."""
    numbered: dict[str, list[pytest.Item]] = {}
    for item in items:
        if not NUMBERED.isdisjoint(getattr(getattr(item, "callspec", None), "params", {})):
            numbered.setdefault(item.nodeid.partition("[")[0], []).append(item)
    left_out: set[pytest.Item] = set()
    for cases in numbered.values():
        kept = {len(cases) * number // SAMPLE for number in range(SAMPLE)}
        left_out |= {case for number, case in enumerate(cases) if number not in kept and len(cases) > SAMPLE}
    return left_out
