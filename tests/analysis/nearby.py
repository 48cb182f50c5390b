"""Plans explained once each, and small instances written for one test."""

from __future__ import annotations

import dataclasses
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from tests.laws import pool
from tests.laws.figures import changed, plain

import medalopt
from medalopt import Instance, Plan
from medalopt.analysis.explain.explanation import Explanation, explain_plan

ROOT = Path(__file__).parents[2]
SEEDS = range(85)


@cache
def explanation(seed: int) -> Explanation | None:
    """Return the explanation of the random instance number `seed`; None where it has no plan."""
    plan = pool.plan(seed)
    return None if plan is None else explain_plan(plan)


@cache
def explanations() -> tuple[Explanation, ...]:
    """Return the explanations of the first random instances that have a plan."""
    return tuple(found for seed in SEEDS if (found := explanation(seed)) is not None)


def written(document: dict[str, Any]) -> Instance:
    """Return an instance from the sections that a test needs; all else is left out."""
    head = {"format": "medalopt/1", "name": "small", "currency": "JPY"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small.yaml"
        path.write_text(yaml.safe_dump({**head, **document}), encoding="utf-8")
        return medalopt.load(path)


def silver(market: dict[str, Any], kilograms: int, **sections: Any) -> Instance:
    """Return an instance that needs so many medals of a kilogram of pure silver each."""
    return written(
        {
            "metals": {"Ag": {"title": "silver"}},
            "market": market,
            "alloys": {"pure": {"composition": {"Ag": 1.0}}},
            "medals": {"coin": {"count": kilograms, "parts": {"pure": "1 kg"}}},
            **sections,
        }
    )


def offer(price: float, **figures: Any) -> dict[str, Any]:
    """Return an offer of pure silver."""
    return {"composition": {"Ag": 1.0}, "price": price, **figures}


def dearer(instance: Instance, streams: np.ndarray[Any, Any], by: float) -> Instance:
    """Return `instance` with a higher price of some streams, money a tonne."""
    price = instance.streams.price.value.copy()
    price[streams] += by
    return changed(instance, "streams", price=plain(price))


def with_count(instance: Instance, medal: int, by: int) -> Instance:
    """Return `instance` with more or fewer medals of a kind."""
    count = instance.medals.count.copy()
    count[medal] += by
    return dataclasses.replace(instance, medals=dataclasses.replace(instance.medals, count=count))


def size(plan: Plan) -> float:
    """Return the sum of absolute payments, to which tolerances are relative."""
    return max(1.0, sum(abs(by_period).sum() for by_period in plan.account.costs.values()))


def taken(plan: Plan, streams: np.ndarray[Any, Any]) -> float:
    """Return the tonnes that a plan takes of some streams."""
    return float(plan.account.sent[streams].sum())
