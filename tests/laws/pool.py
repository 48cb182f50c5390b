"""Random instances that every law is tried on, and their plans: each read and solved once."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest
from tests.model.cases import at_random, planned
from tests.random_instances import Case, as_text, case, document, with_stock

import medalopt
from medalopt import Instance, Plan
from medalopt.errors import NoPlanError

SEEDS = range(20)
MEASURES = ("cost", "footprint", "mass")


def seeds(wanted: Callable[[dict[str, Any]], bool], number: int = 40) -> list[int]:
    """Return the first seeds whose instances, as plain mappings, are as wanted."""
    return list(islice((seed for seed in count() if wanted(document(seed))), number))


@cache
def files(seed: int, stock: bool = False) -> Case:
    """Return the random instance number `seed` as files; with `stock` that of `with_stock`."""
    return Case({"instance.yaml": as_text(with_stock(seed))}) if stock else case(seed)


@cache
def instance(seed: int, stock: bool = False) -> Instance:
    """Return the random instance number `seed`."""
    return read(files(seed, stock))


def read(written: Case) -> Instance:
    """Return the instance in these files."""
    with tempfile.TemporaryDirectory() as folder:
        return medalopt.load(written.write(Path(folder)))


def plan(seed: int, measure: str = "cost") -> Plan | None:
    """Return the plan of the random instance number `seed`, its figures in one file; None where there is none."""
    return planned(at_random(seed), measure)


@cache
def stocked(seed: int, measure: str = "cost") -> Plan | None:
    """Return the plan of the random instance number `seed` with stock; None where there is none."""
    return solved(instance(seed, stock=True), measure)


def solvable(number: int, wanted: Callable[[int], object] = lambda seed: True) -> int:
    """Return the seed of the `number`th random instance, from 0, that has a plan and is as wanted."""
    return next(islice((seed for seed in count() if wanted(seed) and plan(seed) is not None), number, None))


def infeasible(number: int) -> int:
    """Return the seed of the `number`th random instance, from 0, that has no plan."""
    return next(islice((seed for seed in count() if plan(seed) is None), number, None))


def solved(changed: Instance, measure: str = "cost", extensions: Sequence[Path] = ()) -> Plan | None:
    """Return the plan of an instance; None where there is none."""
    try:
        return medalopt.solve(changed, measure, extensions)
    except NoPlanError as error:
        assert error.status == "infeasible"
        return None


def assert_decomposition_agrees(instance: Instance, plan: Plan | None) -> None:
    """Assert that column generation proves the optimum of `plan`, or infeasibility if that is None.

    Of a plan in lots it proves the same bound.
    """
    if plan is None:
        with pytest.raises(NoPlanError):
            medalopt.solve(instance, method="decomposition")
        return
    other = medalopt.solve(instance, method="decomposition")
    assert other.method.startswith("decomposition") and other.certificate.feasible
    assert (plan.certificate.optimal and other.certificate.optimal) or (plan.lots and other.lots)
    for mine, its in ((plan.objective, other.objective), (plan.certificate.lower_bound, other.certificate.lower_bound)):
        assert abs(mine - its) <= 10 * slack(plan, other)


def value(answer: Plan | None) -> float:
    """Return the objective of a plan; infinite if infeasible."""
    return math.inf if answer is None else answer.objective


def slack(*answers: Plan | None) -> float:
    """Return the tolerance of the objectives of these plans: 1e-9 of all payments, each."""
    plans = [answer for answer in answers if answer is not None]
    return sum(1e-9 * max(1.0, _paid(answer)) for answer in plans)


def _paid(answer: Plan) -> float:
    if answer.measure != "cost":
        return abs(answer.objective)
    return float(sum(abs(by_period).sum() for by_period in answer.account.costs.values()))
