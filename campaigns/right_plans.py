"""Right plans of random instances, saved as JSON and as CSV, read back and judged: none of them is refused."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.laws import pool

from campaigns.running import Found, campaign
from medalopt import Instance, Plan
from medalopt.plan.saved import saved_plan
from medalopt.proof.verdict import verdict
from medalopt.report.csvplan import folder
from medalopt.report.files import write_file, write_folder
from medalopt.report.jsonplan import plan_object, text

FORMS = ("JSON", "CSV")


def trial(seed: int) -> Found:
    """Solve instance number `seed` for each measure, save each plan in both ways, and verify what was saved."""
    found, instance = Found(), pool.read(pool.files(seed))
    for measure in pool.MEASURES:
        plan = pool.solved(instance, measure)
        if plan is None:
            return found + Found(Counter({"instances without a plan": 1}))
        found += _judged(f"{seed}, {measure}", instance, plan)
    return found


def _judged(name: str, instance: Instance, plan: Plan) -> Found:
    """Return how the verdict on a plan comes out, saved in one way and in the other."""
    with tempfile.TemporaryDirectory() as place:
        write_file(Path(place, "JSON"), text(plan_object(plan)))
        write_folder(Path(place, "CSV"), folder(plan))
        told = {form: verdict(instance, saved_plan(Path(place, form))) for form in FORMS}
    wrong = tuple(f"{name}: {form}: {found.broken[0].text}" for form, found in told.items() if not found.accepted)
    accepted = Counter({f"accepted as {form}": told[form].accepted for form in told})
    return Found(Counter({f"plans of least {plan.measure}": 1}) + accepted, wrong)


if __name__ == "__main__":
    sys.exit(campaign("right_plans", trial, 2_000, sys.argv[1:]))
