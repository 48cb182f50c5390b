"""Sensitivity ranges of random blends, compared with GLPK's own analysis of the MathProg twin.

A blend is cast from offers, some of them limited, within windows. If its optimum is not degenerate, `glp_analyze_coef`
gives the price range in which the plan is optimal, and `glp_analyze_bound` the ranges of limits and needs in which a
price holds. Degenerate optima are counted and skipped.
"""

from __future__ import annotations

import math
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from tests.instances_at_random.figures import RandomStream, maybe
from tests.random_instances import Case, as_text
from tests.twin.ranging import Ranged, ranged

from campaigns.running import Found, campaign
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.ranges import SensitivityRange, compute_ranges
from medalopt.errors import NoPlanError
from medalopt.export import write_mathprog

METALS = ("lead", "tin", "zinc")
NEAR = 1e-6  # beside the figure, within which two ends of a range are one


def trial(seed: int) -> Found:
    """Take the ranges of blend number `seed` and compare each with GLPK's."""
    with tempfile.TemporaryDirectory() as folder:
        variants = ScenarioRunner(Case({"instance.yaml": as_text(blend(seed))}).write(Path(folder)))
        try:
            rows = {row.path: row for row in compute_ranges(variants).rows}
        except NoPlanError:
            return Found(Counter({"blends without a plan": 1}))
        found = ranged(write_mathprog(variants.instance))
    if found is None:
        return Found(Counter({"degenerate blends, passed over": 1}))
    told = [f"{seed}: {path}: {wrong}" for path, row in rows.items() for wrong in _beside(path, row, found)]
    return Found(Counter({"blends": 1, "ranges compared": len(rows)}), tuple(told))


def blend(seed: int) -> dict[str, Any]:
    """Return a blend of five to nine offers, which lies within the windows where enough of them is to be had."""
    root = RandomStream(f"{seed}/blend")
    offers = [_offer(root.at(number)) for number in range(root.at("offers").randint(5, 9))]
    shares = [root.at(f"share {number}").random() for number in range(len(offers))]
    mixed = {
        metal: sum(share * offer["composition"][metal] for share, offer in zip(shares, offers, strict=True))
        / sum(shares)
        for metal in METALS
    }
    width = root.at("width").uniform(0.005, 0.05)
    windows = {metal: [round(max(at - width, 0.0), 6), round(min(at + width, 1.0), 6)] for metal, at in mixed.items()}
    return {
        "format": "medalopt/1",
        "name": "blend",
        "currency": "USD",
        "metals": {metal: {} for metal in METALS},
        "market": {f"o{number}": offer for number, offer in enumerate(offers)},
        "alloys": {"blend": {"composition": windows, "loss": round(root.at("loss").uniform(0, 0.05), 5)}},
        "medals": {
            "ingot": {
                "count": root.at("count").randint(1, 9),
                "parts": {"blend": f"{root.at('mass').uniform(1, 20):.5f} kg"},
            }
        },
    }


def _offer(random: RandomStream) -> dict[str, Any]:
    drawn = [random.at(metal).random() for metal in METALS]
    lead, tin = (round(part / sum(drawn), 5) for part in drawn[:2])
    offer = {
        "composition": {"lead": lead, "tin": tin, "zinc": round(1 - lead - tin, 5)},
        "price": f"{random.at('price').uniform(2, 9):.5f} USD/kg",
    }
    return offer | maybe(random, 0.5, "limit", lambda own: f"{own.uniform(2, 60):.5f} kg")


def _beside(path: str, row: SensitivityRange, found: Ranged) -> list[str]:
    """Return the differences of a range from GLPK's."""
    section, name, field = path.split(".", 2)
    if field == "price":
        ends, price = found.costs[f"buy[{name},blend,1]"], found.values[f"buy[{name},blend,1]"]
    elif section == "market":
        price = found.duals[f"purchase[{name}]"]
        ends = found.ends[f"purchase[{name}]"] if price else (found.values[f"bought[{name}]"], math.inf)
    else:  # so many parts of so many kilograms are owed
        each = found.owed / row.value
        price, (low, high) = found.duals["demand[blend,1]"] * each, found.ends["demand[blend,1]"]
        ends = (max(low, 0.0) / each, high / each)
    told = (row.price_up, None if row.price_down is None else -row.price_down, row.low, row.high)
    names = ("price up", "price down", "low", "high")
    return [
        f"{what} {one!r}, GLPK {other!r}"
        for what, one, other in zip(names, told, (price, price, *ends), strict=True)
        if not _same(one, other, row.value)
    ]


def _same(one: float | None, other: float, size: float) -> bool:
    """Return whether two numbers agree; None represents an infinite end."""
    if one is None or math.isinf(other):
        return one is None and math.isinf(other)
    return abs(one - other) <= NEAR * max(abs(other), abs(size), 1.0)


if __name__ == "__main__":
    sys.exit(campaign("blends", trial, 10_000, sys.argv[1:]))
