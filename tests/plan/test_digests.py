"""Digests of tables: the text that is digested column by column, and floats written by pydantic."""

from __future__ import annotations

import hashlib
import json
import math

import numpy as np
import pytest

from medalopt.plan.digests import compute_plan_digests, join_floats


def test_floats_are_written_as_repr_writes_them() -> None:
    """Every decade without an exponent, its ends, a few with one, whole numbers and both zeros."""
    random = np.random.default_rng(0)
    values = (10.0 ** random.uniform(-4, 15.99, 20_000) * random.choice([-1.0, 1.0], 20_000)).tolist()
    decades = [digit * 10.0**power for power in range(-7, 20) for digit in (1, 5, 9)]
    edges = [1e-4, math.nextafter(1e-4, 0), math.nextafter(1e16, 0), 1e16, 5e-324, 0.0, -0.0, 0.1 + 0.2, 2.0**53, 1 / 3]
    every = [*values, *decades, *edges]
    assert join_floats(every) == ",".join(map(repr, every))


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_floats_that_are_not_finite_have_no_text(value: float) -> None:
    """JSON has none, and CSV writes them cell by cell."""
    assert join_floats([1.0, value]) is None


def test_digest_of_a_table_is_that_of_its_json() -> None:
    """Columns of floats, texts, both, whole numbers and gaps, in more than one part."""
    columns = {
        "tonnes": [1e-7, *(n / 7 for n in range(25_000))],
        "name": ["é", *("west" for _ in range(25_000))],
        "smelter": ["kosaka", None, *("west" for _ in range(24_999))],
        "quoted": ['a "b"', "\\", "\x7f", "\ud800", *("west" for _ in range(24_997))],
        "mixed": [None, *(1.5 for _ in range(25_000))],
        "count": [1.0, *range(25_000)],
    }
    whole = {**columns, "count": list(map(float, columns["count"]))}
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"))
    assert compute_plan_digests({}, {"metals": columns})["metals"] == hashlib.sha256(text.encode()).hexdigest()
    with pytest.raises(ValueError, match="not JSON compliant"):
        compute_plan_digests({}, {"metals": {"kg": [1.0, math.nan]}})
