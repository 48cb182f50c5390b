"""Explanation of a plan as plain data; an infinite price limit, and a price in an infeasible direction, is null."""

from __future__ import annotations

import math
from typing import Any

from medalopt.analysis.explanation.explanation import Explanation, Story
from medalopt.analysis.explanation.kinks import Kink
from medalopt.analysis.explanation.taking import Taking
from medalopt.plan.plan import Plan
from medalopt.report.jsonplan import identity


def explanation_object(found: Explanation) -> dict[str, Any]:
    """Return the explanation of a plan as one object.

    Args:
        found: Explanation of an optimal plan.

    Returns:
        The members of the JSON output; all amounts in the unit of the objective.
    """
    alternatives = {
        "unique": found.only,
        "differ_in": None if found.others is None else list(found.others),
        "sources": [
            {"streams": one.source.paths(found.plan.instance), "least": one.least, "taken": one.taken, "most": one.most}
            for one in found.takings
        ],
    }
    lines = [
        {"kind": line.kind, "path": line.path, "amount": line.amount, "unit": line.unit, "value": line.value}
        for line in found.invoice
    ]
    content = {
        "binding": [
            {
                "paths": list(row.paths),
                "what": row.what,
                "change": row.step,
                "unit": row.unit or None,
                "every_period": row.every_period,
                "saves": row.saves,
            }
            for row in found.binding
        ],
        "prices": [_price(kink) for kink in found.kinks],
        "sources": [_source(found.plan, one) for one in found.takings],
        "invoice": lines,
        "alternatives": alternatives,
        "unproven": list(found.unproven),
    }
    return {**_head(found.plan), "explanation": content}


def story_object(found: Story) -> dict[str, Any]:
    """Return the explanation of one stream as one object.

    Args:
        found: Explanation of the stream, and of its bundle where it has one.

    Returns:
        The members of the JSON output.
    """
    bundle = None if found.bundle is None else _source(found.plan, found.bundle)
    return {**_head(found.plan), "explanation": {"stream": _source(found.plan, found.own), "bundle": bundle}}


def _head(plan: Plan) -> dict[str, Any]:
    """Return status, instance and objective."""
    return {
        "status": plan.status,
        "instance": identity(plan.instance),
        "objective": {"measure": plan.measure, "value": plan.objective, "unit": plan.unit},
    }


def _price(kink: Kink) -> dict[str, Any]:
    """Return the prices of one more and one fewer of a metal or medal, with the market price and the substitution."""
    market = kink.market
    return {
        "path": kink.path,
        "unit": kink.unit,
        "more": kink.more,
        "fewer": kink.fewer,
        "market": None if market is None else {"path": market.path, "price": market.price},
        "ratio": kink.ratio,
        "takes": [{"what": part.what, "amount": part.amount, "unit": part.unit} for part in kink.parts],
    }


def _source(plan: Plan, one: Taking) -> dict[str, Any]:
    """Return one source: quantities [t], costs and values [objective per t], break-even prices and routes."""
    return {
        "what": one.source.what,
        "region": one.source.region or None,
        "streams": one.source.paths(plan.instance),
        "offered": one.offered,
        "taken": one.taken,
        "unit": "t",
        "price": one.price,
        "costs": dict(one.costs),
        "metals": [{"metal": metal, "kg": kilograms, "worth": worth} for metal, kilograms, worth in one.returned],
        "rent": one.rent,
        "falls_at": _finite(one.falls_at),
        "leaves_at": _finite(one.leaves_at),
        "enters_at": _finite(one.enters_at),
        "least": one.least,
        "most": one.most,
        "ways": [
            {"treatment": way.treatment, "smelter": way.smelter, "tonnes": way.tonnes, "dearer": _finite(way.short)}
            for way in one.ways
        ],
    }


def _finite(value: float) -> float | None:
    """Return the value, None where it is infinite."""
    return value if math.isfinite(value) else None
