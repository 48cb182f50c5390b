"""Check of two-stage plans: known costs and values of information, and a certificate that believes nobody."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PATH, CLOSE = Path(__file__).with_name("contracts.yaml"), 1e-9
CASES = (  # options; expected cost, value at risk, and least expected cost, wait and see, contracts of the mean
    ({}, (43_379 / 3, 23_810.0, 43_379 / 3, 186_007 / 15, 48_599 / 3)),
    ({"known": "3"}, (15_584.5, 28_208.0, 15_584.5, 186_007 / 15, 16_237.0)),
    (
        {"known": "2", "take_or_pay": 0.5, "risk_weight": 2.0, "risk_level": 0.6},
        (14_204.253066378065, 18_226.887987012982, 13_967.903571428571, 186_007 / 15, 15_720.575),
    ),
)


def two_stages() -> Iterator[str]:
    """Yield the errors found: another cost or value, a bound above the optimum, or a contract that is not kept."""
    from medalopt.analysis.risk import two_stage_plan
    from medalopt.analysis.scenario_runner import ScenarioRunner

    certify, claimed = two_stage_plan.certify_two_stage, list[Any]()

    def record(*arguments: Any) -> Any:
        claimed[:] = arguments
        return certify(*arguments)

    two_stage_plan.certify_two_stage = record
    for options, expected in CASES:
        plan = two_stage_plan.compute_two_stage_plan(ScenarioRunner(PATH), two_stage_plan.TwoStageOptions(**options))
        values = plan.information
        found = (plan.expected, plan.value_at_risk, *(values.recourse, values.wait_and_see))
        found += (values.mean_value_evaluated, values.of_perfect_information, values.of_stochastic_solution)
        wanted = (*expected, expected[2] - expected[3], expected[4] - expected[2])
        if not all(_near(one, other) for one, other in zip(found, wanted, strict=True)):
            yield "values"
        best = expected[0] + options.get("risk_weight", 0.0) * expected[1]
        supply = sum(one.most for one in plan.book.contracts if one.kind == "stream" and one.member == 0)
        if not _near(supply, 18.5):
            yield "expected supply"
        if not _near(plan.certificate.value, best):
            yield "proven cost"
        if not _near(plan.certificate.bound, best):
            yield "bound"
    yield from _disturb(certify, claimed, best)  # those of the last


def _disturb(certify: Any, claimed: list[Any], best: float) -> Iterator[str]:
    """Yield the errors of the certificate for other contracts, prices and weights than those of the plan."""
    from medalopt.proof.two_stage import project_weights

    book, agreed, claims, *risk = claimed
    kinds = {(one.kind, one.fee is None): n for n, one in enumerate(book.contracts) if agreed[n] > 0}
    for (_, firm), number in kinds.items():
        for factor in (0.97, 1.03) if firm else (0.97,):
            other = agreed.copy()
            other[number] *= factor
            shown = certify(book, other, claims, *risk)
            if shown.optimal or shown.violation < 1e-3:
                yield "a contract that is not kept"
    if certify(book, agreed * 0, [_reprice(one, 0, 1.0) for one in claims], *risk).gap <= 0:
        yield "nothing agreed is optimal"
    for fee, premium in ((0.5, 1.0), (1.0, 0.5)):  # what this plan costs is no less than its bound
        cheap = [
            dataclasses.replace(one, fee=one.fee and fee * one.fee, premium=premium * one.premium)
            for one in book.contracts
        ]
        shown = certify(dataclasses.replace(book, contracts=tuple(cheap)), agreed, claims, *risk)
        if shown.bound > shown.value:
            yield "too high"
    weights = project_weights([dataclasses.replace(one, weight=0.0) for one in claims], 2.0, 0.6)
    if any(weight > one.probability * (1 + 2 / 0.4) + CLOSE for weight, one in zip(weights, claims, strict=True)):
        yield "weights of no mixture"
    for factor, weight in ((-1, 1), (0.5, 1), (10, 3), (1, 0), (1, 3)):
        shown = certify(book, agreed, [_reprice(one, factor, weight) for one in claims], *risk)
        if shown.bound > best * (1 + CLOSE):
            yield "too high"
        if factor != 1 and shown.optimal:
            yield "wrong prices prove the optimum"


def _reprice(claim: Any, factor: float, weight: float) -> Any:
    """Return the claim with the prices of contracts and the weight times a factor."""
    return dataclasses.replace(claim, use=claim.use * factor, weight=claim.weight * weight)


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= CLOSE * max(1.0, abs(other))
