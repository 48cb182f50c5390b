"""Right plans of random instances, saved in every form, read back and judged: none of them is refused."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.laws import pool

from campaigns.running import Found, campaign
from medalopt import Instance, Plan
from medalopt.plan.saved import SavedPlan, read_file
from medalopt.proof.verdict import Verdict, verdict
from medalopt.report.csvplan import folder
from medalopt.report.files import write_file, write_folder
from medalopt.report.jsonplan import plan_object, text
from medalopt.report.sourcing.content import Content
from medalopt.report.sourcing.contents import contents
from medalopt.report.sourcing.csvform import as_folder
from medalopt.report.sourcing.jsonform import as_json
from medalopt.report.sourcing.recheck import check_tables
from medalopt.report.sourcing.workbook import workbook


def trial(seed: int) -> Found:
    """Solve instance number `seed` for each measure, save each plan in every form, and verify what was saved."""
    found, instance = Found(), pool.read(pool.files(seed))
    for measure in pool.MEASURES:
        plan = pool.solved(instance, measure)
        if plan is None:
            return found + Found(Counter({"instances without a plan": 1}))
        found += _judged(f"{seed}, {measure}", instance, plan)
    return found


def _judged(name: str, instance: Instance, plan: Plan) -> Found:
    """Return how the verdict on a plan comes out, saved in each form."""
    told: dict[str, Verdict] = {}
    with tempfile.TemporaryDirectory() as place:
        for form, (ending, write) in FORMS.items():
            path = Path(place, f"{form}{ending}")
            write(path, plan)
            saved = read_file(path)
            assert isinstance(saved.plan, SavedPlan)
            told[form] = check_tables(saved, verdict(instance, saved.plan))
    wrong = tuple(f"{name}: {form}: {found.broken[0].text}" for form, found in told.items() if not found.accepted)
    accepted = Counter({f"accepted as {form}": told[form].accepted for form in told})
    return Found(Counter({f"plans of least {plan.measure}": 1}) + accepted, wrong)


def _content(plan: Plan) -> Content:
    return contents(plan, pictures=False)


def _book(path: Path, plan: Plan) -> None:
    write_file(path, workbook(_content(plan), folder(plan), plan.instance.currency))


Write = Callable[[Path, Plan], None]
FORMS: dict[str, tuple[str, Write]] = {
    "JSON": (".json", lambda path, plan: write_file(path, text(plan_object(plan)))),
    "CSV": ("", lambda path, plan: write_folder(path, folder(plan))),
    "sourcing plan in JSON": (
        ".json",
        lambda path, plan: write_file(path, as_json(contents(plan, pictures=False), plan)),
    ),
    "sourcing plan in CSV": (
        "",
        lambda path, plan: write_folder(path, as_folder(contents(plan, pictures=False), plan)),
    ),
    "workbook": (".xlsx", _book),
}


if __name__ == "__main__":
    sys.exit(campaign("right_plans", trial, 2_000, sys.argv[1:]))
