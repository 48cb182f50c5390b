"""Strange instances: every table and picture of the metal is finite, and the trace keeps every kilogram."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from tests.random_instances import from_seed

from medalopt import load, solve
from medalopt.analysis.sourcing.trace import trace
from medalopt.errors import NoPlanError
from medalopt.report.sourcing import (
    charts_cost,
    charts_flow,
    charts_metal,
    charts_months,
    melting,
    metals,
    papers,
    tracing,
)

SEEDS = range(1000, 1012)


@pytest.mark.parametrize("seed", SEEDS)
def test_any_plan_can_be_told(seed: int, tmp_path: Path) -> None:
    """No cell and no point of a picture is other than a finite figure, and streams are conserved."""
    path = tmp_path / "instance.yaml"
    path.write_text(from_seed(seed), encoding="utf-8")
    try:
        plan = solve(load(path))
    except NoPlanError:
        return
    for table in (table for part in (metals, melting, tracing, papers) for table in part.tables(plan)):
        assert all(len(row) == len(table.columns) for row in table.rows)
        assert all(math.isfinite(cell) for row in table.rows for cell in row if isinstance(cell, float))
    for chart in (one for part in (charts_cost, charts_flow, charts_metal, charts_months) for one in part.charts(plan)):
        assert json.dumps(chart.option, allow_nan=False)
    found, instance = trace(plan.account), plan.instance
    kilograms = found.returned.sum(axis=(1, 2)) + found.gone.sum(axis=(1, 2))
    content = plan.account.sent @ instance.devices.assay.value[instance.streams.device]
    np.testing.assert_allclose(kilograms, content, rtol=1e-9, atol=1e-12)
