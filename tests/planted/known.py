"""Reference results of the checks, from the unchanged code and GLPK."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.planted.checks import CONFORMANCE, OWN, PRICED, TINY, Known

LOOSER: dict[str, dict[str, str]] = {  # for each rule of tiny: figures with which its plan breaks that rule alone
    "supply": {"streams.phone@east.available": "[2.5 t, 2.5 t, 2.5 t, 2 t]"},
    "stockpile": {"streams.laptop@east.storage.limit": "5 t"},
    "take": {"streams.phone@west.available": "2 t", "streams.kettle@west.available": "6 t"},
    "bundle_supply": {"streams.kettle@west.available": "2 t"},
    "feed_capacity": {"smelters.near.capacity": "3 t"},
    "treatment_capacity": {"treatments.dismantle.capacity": "3 t"},
    "cast_capacity": {"alloys.silver_925.capacity": "16 kg"},
    "balance": {"metals.Ag.opening_stock": "2 kg"},
    "process_scrap": {"alloys.silver_925.scrap.returned": "100 %"},
    "fineness_low": {"alloys.silver_925.composition.Ag[0]": "90 %"},
    "fineness_high": {"alloys.bronze.composition.Zn[1]": "10 %"},
    "others": {"alloys.bronze.others": "5 %"},
    "demand, in time": {"medals.gold.due": "2017-06"},
    "demand, too much": {"medals.silver.count": "23"},
    "demand, too little": {"medals.silver.count": "21"},
    "purchase, limit": {"market.old_silver.limit": "3 kg"},
    "purchase, commitment": {"market.refined_silver.committed": "0.2 kg"},
    "stream_commitment": {"streams.kettle@east.committed": "0.5 t"},
    "feed_total, limit": {"smelters.near.limit": "4 t"},
    "feed_total, commitment": {"smelters.far.committed": "8 t"},
    "recycled": {"policy.recycled.Ag": "40 %"},
    "mix_high": {"policy.device_share.phone": "[0 %, 50 %]"},
    "mix_low": {"policy.device_share.kettle": "[20 %, 100 %]"},
    "participation": {"policy.participation": "20 %"},
    "footprint_cap": {"policy.footprint_cap": "6 t"},
}
LOOSER_OWN = {
    "reserve": ("reserve_of_two", {"metals.Ag.reserve": "1"}),
    "offer_storage": ("offer_stock", {"market.grain.storage.limit": "[4 kg, 3 kg]"}),
    "closing_stock": ("offer_stock", {"market.grain.closing_stock": "1 kg"}),
    "charge_limit": ("offer_stock", {"alloys.coin.limits.all.most": "[6 kg, 6 kg]"}),
}  # likewise, for instances of their own
DECISIONS = (
    *("sent", "stockpile", "charged", "bought", "surplus", "recharged", "purchased"),
    *("withheld", "missed", "left"),
)


def known() -> Known:
    """Compute the reference results with the unchanged code."""
    optima: dict[str, Any] = {str(path): _by_glpk(path) for path in [TINY, *sorted(OWN.glob("*.yaml"))]}
    expected = json.loads((CONFORMANCE / "expected.json").read_text(encoding="utf-8"))
    for name, answers in expected.items():
        optima[str(CONFORMANCE / f"{name}.yaml")] = {measure: each["value"] for measure, each in answers.items()}
    return Known(optima, _wrong(), {(str(path), measure): _priced(path, measure) for path, measure in PRICED})


def _by_glpk(path: Path) -> dict[str, float | None]:
    from tests.twin import glpk

    import medalopt
    from medalopt.export import write_mathprog

    instance = medalopt.load(path)
    measures = ("cost", "footprint", "mass")
    return {measure: glpk.solve(write_mathprog(instance, measure)).objective for measure in measures}


def _decisions(plan: Any) -> tuple[Any, ...]:
    return tuple(getattr(plan.account.decisions, name) for name in DECISIONS)


def _wrong() -> dict[str, tuple[str, tuple[Any, ...]]]:
    """Return plans of relaxed instances, and one with a negative surplus."""
    import medalopt

    looser = {name: (TINY, changes) for name, changes in LOOSER.items()}
    looser |= {name: (OWN / f"{own}.yaml", changes) for name, (own, changes) in LOOSER_OWN.items()}
    plans = {
        name: (str(path), _decisions(medalopt.solve(medalopt.load(path, changes))))
        for name, (path, changes) in looser.items()
    }
    *others, surplus, recharged, purchased, withheld, missed, left = _decisions(medalopt.solve(medalopt.load(TINY)))
    plans["less than nothing"] = (
        str(TINY),
        (*others, surplus - 0.1, recharged, purchased, withheld, missed, left),
    )
    return plans


def _priced(path: Path, measure: str) -> tuple[float, Any, tuple[Any, ...]]:
    import medalopt

    plan = medalopt.solve(medalopt.load(path), measure)
    return plan.objective, {rule: dict(values) for rule, values in plan.duals.items()}, _decisions(plan)
