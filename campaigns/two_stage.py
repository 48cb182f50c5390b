"""Two-stage plans of random instances: certified, and between wait-and-see and the contracts of the file's own values.

A trial draws three scenarios of supply and assays with random probabilities, and decides the contracts. The certificate
holds, wait-and-see <= expected cost <= expected cost with the nominal contracts, another order of the scenarios gives
the same cost, and each scenario by itself costs what `solve` finds.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from tests.instances_at_random.figures import RandomStream
from tests.random_instances import Case, as_text, document

from campaigns.running import Found, campaign
from medalopt.analysis.risk.two_stage_plan import TwoStageOptions, TwoStagePlan, compute_two_stage_plan
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.errors import InputError, NoPlanError, UsageError
from medalopt.solve_instance import solve

CLOSE = 1e-7  # of the sum of the magnitudes of all payments


def trial(seed: int) -> Found:
    """Decide the contracts of random instance number `seed` under three scenarios."""
    root = RandomStream(f"{seed}/two_stage")
    entries = draw_scenarios(root)
    options = TwoStageOptions(take_or_pay=root.at("fee").choice([1.0, 0.5, 0.0]))
    try:
        plan = decide(seed, entries, options)
    except NoPlanError:
        return Found(Counter({"instances without a plan in some scenario": 1}))
    except (InputError, UsageError):
        return Found(Counter({"scenarios without effect": 1}))
    wrong = [f"{seed}: {text}" for text in check(plan)]
    size = CLOSE * max(1.0, plan.certificate.size)
    turned = decide(seed, dict(reversed(entries.items())), options)
    if abs(turned.expected - plan.expected) > size:
        wrong.append(f"{seed}: {plan.expected} in one order, {turned.expected} in the other")
    return Found(
        Counter({"two-stage plans": 1, "of them with contracts": int(bool(plan.book.contracts))}), tuple(wrong)
    )


def draw_scenarios(root: RandomStream) -> dict[str, dict[str, Any]]:
    """Return three scenarios: supply and all assays scaled, with probabilities that sum to 1."""
    weights = [root.at(f"weight {number}").randint(1, 5) for number in range(3)]
    return {
        f"case_{number}": {
            "changes": {
                "streams.*.available": f"{root.at(f'supply {number}').randint(90, 140)} %",
                "devices.*.content": f"{root.at(f'assay {number}').randint(90, 100)} %",
            },
            "probability": weight / sum(weights),
        }
        for number, weight in enumerate(weights)
    }


def decide(seed: int, entries: dict[str, dict[str, Any]], options: TwoStageOptions) -> TwoStagePlan:
    """Return the two-stage plan of a random instance with the given scenarios."""
    with tempfile.TemporaryDirectory() as folder:
        content = document(seed) | {"scenarios": entries}
        runner = ScenarioRunner(Case({"instance.yaml": as_text(content)}).write(Path(folder)))
        return compute_two_stage_plan(runner, options)


def check(plan: TwoStagePlan) -> list[str]:
    """Return the errors of a two-stage plan."""
    values, proof = plan.information, plan.certificate
    size = CLOSE * max(1.0, proof.size)
    wrong = [] if proof.optimal else [f"gap {proof.gap}, violation {proof.violation}"]
    if not values.wait_and_see - size <= values.recourse <= values.mean_value_evaluated + size:
        wrong.append(f"{values.wait_and_see} <= {values.recourse} <= {values.mean_value_evaluated} does not hold")
    if abs(proof.value - plan.expected) > size:
        wrong.append(f"expected cost {plan.expected}, from the instances {proof.value}")
    if not plan.premiums:
        for one in plan.outcomes:
            alone = solve(one.account.instance).objective
            if abs(alone - one.wait_and_see) > size:
                wrong.append(f"{one.name} by itself: {one.wait_and_see}, by solve {alone}")
    if not plan.options.take_or_pay and abs(values.of_perfect_information) > size:
        wrong.append(f"knowledge is worth {values.of_perfect_information}, though nothing is paid for what is not used")
    return wrong


if __name__ == "__main__":
    sys.exit(campaign("two_stage", trial, 100, sys.argv[1:]))
