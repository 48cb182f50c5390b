"""Random instances with a promised confidence: the optimum of an interior-point solver for second-order cones."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import clarabel
import numpy as np
import yaml
from scipy import sparse

import medalopt
from campaigns.running import Found, campaign
from medalopt import Instance
from medalopt.errors import NoPlanError
from medalopt.instance.confidence import build_confidence
from medalopt.instance.routes import build_routes
from medalopt.solve_instance import solve

NEAR = 1e-7  # of the cost


def trial(seed: int) -> Found:
    """Solve instance number `seed` directly, by decomposition and by the cone solver."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "instance.yaml"
        path.write_text(yaml.safe_dump(draw(seed)), encoding="utf-8")
        instance = medalopt.load(path)
    least = solve_cones(instance)
    wrong = []
    for method in ("direct", "decomposition"):
        try:
            plan = solve(instance, method=method)
        except NoPlanError:
            if least is not None:
                wrong.append(f"{seed}, {method}: no plan, and {least:.10g} by the cone solver")
            continue
        if least is None or abs(plan.objective - least) > NEAR * max(1.0, abs(least)):
            wrong.append(f"{seed}, {method}: {plan.objective:.10g}, and {least} by the cone solver")
        if not plan.certificate.optimal:
            wrong.append(f"{seed}, {method}: proven to {plan.certificate.gap:.3g} only")
    outcome = "no plan" if least is None else "the same optimum"
    return Found(Counter({outcome: int(not wrong)}), tuple(wrong))


def draw(seed: int) -> dict[str, Any]:
    """Return a document with two to four device types, correlated supply, two deadlines and a promised confidence."""
    of = Random(seed)
    devices = [f"device_{number}" for number in range(of.randint(2, 4))]
    streams = [
        {
            "device": name,
            "region": region,
            "available": f"{of.uniform(20, 80):.3f} t",
            "collection": f"{of.uniform(50, 400):.3f} JPY/t",
            "cv": round(of.uniform(0, 0.25), 3),
        }
        for name in devices
        for region in of.sample(["north", "south"], of.randint(1, 2))
    ]
    whole = sum(float(stream["available"].split()[0]) for stream in streams)
    return {
        "format": "medalopt/1",
        "name": f"promise_{seed}",
        "currency": "JPY",
        "distribution": "normal",
        "periods": {"count": 3},
        "supply_correlation": {"device": round(of.uniform(0, 0.5), 2), "all": round(of.uniform(0, 0.3), 2)},
        "metals": {"Ag": {"opening_stock": f"{of.choice([0, 5])} kg"}},
        "devices": {
            name: {"content": {"Ag": f"{of.uniform(0.5, 2):.3f} kg/t"}, "cv": {"Ag": round(of.uniform(0.05, 0.5), 3)}}
            for name in devices
        },
        "streams": streams,
        "smelters": {
            "works": {"returned": "95 %", "lead": of.randint(0, 1), "cv": round(of.uniform(0, 0.1), 3)},
            "plant": {"returned": "85 %", "treatment_charge": f"{of.uniform(0, 30):.2f} JPY/t", "lead": 0},
        },
        "alloys": {"silver": {"composition": {"Ag": "100 %"}}},
        "medals": {
            "first": {"count": round(whole * of.uniform(0.1, 0.9)), "parts": {"silver": "1 kg"}, "due": "2"},
            "second": {"count": round(whole * of.uniform(0.2, 0.9)), "parts": {"silver": "1 kg"}},
        },
        "policy": {"confidence": {"Ag": round(of.uniform(0.55, 0.97), 3)}},
    }


def solve_cones(instance: Instance) -> float | None:
    """Return the least cost by an interior-point solver, written from the formulation; None where there is no plan.

    The instance has one metal and one alloy of it, and no cost besides that of shipments.
    """
    routes, policy = build_routes(instance), build_confidence(instance)
    assert policy is not None
    model, periods = policy.model, len(instance.periods)
    columns = [(j, t) for j in range(len(routes)) for t in range(periods)]
    unit = np.array([routes.collection[j, 0] + routes.smelting[j, 0] for j, _ in columns])
    limits = np.zeros((len(instance.streams.names) * periods, len(columns)))
    for number, (j, t) in enumerate(columns):
        limits[routes.stream[j] * periods + t, number] = 1.0
    parts = [limits, -np.eye(len(columns))]
    right = [instance.streams.available.value.ravel(), np.zeros(len(columns))]
    kinds = [clarabel.NonnegativeConeT(len(limits) + len(columns))]
    loading, owed = model.loading.build_dense(), instance.medals.parts.value.sum(axis=1) * instance.medals.count
    for row in policy.rows:
        rates, mean = np.zeros((len(model.factors), len(columns))), np.zeros(len(columns))
        for number, (j, t) in enumerate(columns):
            if t + instance.smelters.lead[routes.smelter[j], 0] <= row.period:
                mean[number] = routes.returned[j, 0]
                own = np.flatnonzero(model.route == j)
                np.add.at(rates[:, number], model.factor[own], model.rate[own])
        inner = row.quantile * loading.T @ (model.deviation[:, None] * rates)
        need = owed[instance.medals.due <= row.period].sum() - instance.metals.opening_stock.value[0]
        parts.append(-np.vstack([mean, inner]))
        right.append(np.concatenate([[-need], np.zeros(len(inner))]))
        kinds.append(clarabel.SecondOrderConeT(1 + len(inner)))
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-11
    none, matrix = sparse.csc_matrix((len(columns), len(columns))), sparse.csc_matrix(np.vstack(parts))
    solution = clarabel.DefaultSolver(none, unit, matrix, np.concatenate(right), kinds, settings).solve()
    if solution.status == clarabel.SolverStatus.PrimalInfeasible:
        return None
    return float(solution.obj_val)


if __name__ == "__main__":
    sys.exit(campaign("promises", trial, 50, sys.argv[1:]))
