"""Random instances in units and currencies a thousand and a million times apart have the same plan.

Each instance is written a second time with every figure in a unit and a currency of its own, and with another
currency for the whole; read back it must be the same, exactly. Then all amounts are multiplied too, and it is
solved: the plan must be the same one, in the other measures, and proven.
"""

from __future__ import annotations

import dataclasses
import sys
from collections import Counter
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np
from tests.laws import pool
from tests.laws.figures import AMOUNTS, MONEY, times
from tests.laws.rewriting import RATES, each_quantity, in_other_masses, in_other_money, with_rates, with_units
from tests.random_instances import Case, as_text, document

from campaigns.running import Found, campaign
from medalopt import Instance, Plan
from medalopt.instance.instance import compute_digest

APART = tuple(Fraction(10) ** power for power in (-6, -3, 3, 6))
OWED = {**AMOUNTS, "medals": ("parts",)}
HAIR = 1e-9  # of the largest decision of a kind, by which two plans may differ and be the same


def trial(seed: int) -> Found:
    """Restate instance number `seed`, solve it both ways and compare."""
    random = Random(seed)
    content = with_units(document(seed))
    currency = random.choice(sorted(RATES))
    restated = each_quantity(each_quantity(content, in_other_masses, random), in_other_money, random)
    instance, other = _read(content, "JPY"), _read(restated, currency)
    rate, size = Fraction(RATES[currency]), random.choice(APART)
    back = dataclasses.replace(times(other, MONEY, rate), currency="JPY")
    if compute_digest(back) != instance.figures:
        return Found(wrong=(f"{seed}: other figures when written in other units",))
    measure = pool.MEASURES[seed % len(pool.MEASURES)]
    plan, changed = pool.solved(instance, measure), pool.solved(times(other, OWED, size), measure)
    if plan is None or changed is None:
        agree = plan is changed
        return Found(Counter({"proven to have no plan": agree}), () if agree else (f"{seed}: a plan in one alone",))
    return _judged(seed, plan, changed, float(size), float(rate))


def _judged(seed: int, plan: Plan, other: Plan, size: float, rate: float) -> Found:
    """Compare a plan with that of `size` times the amounts, in a currency of value `rate`."""
    seen = Counter({"certified": plan.certificate.optimal and other.certificate.optimal})
    if not seen["certified"]:
        return Found(wrong=(f"{seed}: not certified",))
    if _same(plan, other, size):
        return Found(seen + Counter({"the same plan": 1}))
    apart = _apart(plan, other, size, rate)
    if apart["objective"] <= HAIR:
        ties = "another of equal objective, cost and tonnes" if max(apart.values()) <= HAIR else "another as good"
        return Found(seen + Counter({ties: 1}))
    return Found(wrong=(f"{seed}: another plan ({plan.measure}), apart by {apart}",))


def _apart(plan: Plan, other: Plan, size: float, rate: float) -> dict[str, float]:
    """Return the relative difference of two plans."""
    money = size / rate
    paid = float(sum(abs(by_period).sum() for by_period in plan.account.costs.values()))
    objective = money if plan.measure == "cost" else size
    values = {
        "objective": (plan.objective, other.objective / objective, paid if plan.measure == "cost" else plan.objective),
        "cost": (plan.cost, other.cost / money, paid),
        "tonnes": (plan.tonnes, other.tonnes / size, plan.tonnes),
    }
    return {name: abs(one - two) / (abs(whole) or 1.0) for name, (one, two, whole) in values.items()}


def _same(plan: Plan, other: Plan, size: float) -> bool:
    """Return whether all decisions agree within a tolerance relative to the largest of their kind."""
    for kind in dataclasses.fields(plan.account.decisions):
        one, two = (getattr(each.account.decisions, kind.name) for each in (plan, other))
        if np.abs(two / size - one).max(initial=0.0) > HAIR * np.abs(one).max(initial=0.0):
            return False
    return True


def _read(content: dict[str, Any], currency: str) -> Instance:
    return pool.read(Case({"instance.yaml": as_text(with_rates(content, currency))}))


if __name__ == "__main__":
    sys.exit(campaign("units", trial, 10_000, sys.argv[1:]))
