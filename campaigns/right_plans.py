"""Right plans of random instances, saved in every form, read back and verified: none is refused."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.laws import pool

from campaigns.running import Found, campaign
from medalopt import Instance, Plan
from medalopt.plan.reader import read_plan_file
from medalopt.plan.schema import SavedPlan
from medalopt.proof.verdict import Verdict, verify_plan
from medalopt.report.atomic_write import write_file, write_folder
from medalopt.report.document import Report
from medalopt.report.render.csv import render_csv_folder, render_report_csv
from medalopt.report.render.json import build_plan_object, render_json, render_report_json
from medalopt.report.render.xlsx import render_report_xlsx
from medalopt.report.sourcing.plan_report import build_plan_report
from medalopt.report.sourcing.table_verification import check_tables


def trial(seed: int) -> Found:
    """Solve instance number `seed` for each objective, save each plan in every form, and verify it."""
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
            saved = read_plan_file(path)
            assert isinstance(saved.plan, SavedPlan)
            told[form] = check_tables(saved, verify_plan(instance, saved.plan))
    wrong = tuple(f"{name}: {form}: {found.broken[0].text}" for form, found in told.items() if not found.accepted)
    accepted = Counter({f"accepted as {form}": told[form].accepted for form in told})
    return Found(Counter({f"plans of least {plan.measure}": 1}) + accepted, wrong)


def _content(plan: Plan) -> Report:
    return build_plan_report(plan, pictures=False)


def _book(path: Path, plan: Plan) -> None:
    write_file(path, render_report_xlsx(_content(plan)))


Write = Callable[[Path, Plan], None]
FORMS: dict[str, tuple[str, Write]] = {
    "JSON": (".json", lambda path, plan: write_file(path, render_json(build_plan_object(plan)))),
    "CSV": ("", lambda path, plan: write_folder(path, render_csv_folder(plan))),
    "sourcing plan in JSON": (
        ".json",
        lambda path, plan: write_file(path, render_report_json(build_plan_report(plan, pictures=False))),
    ),
    "sourcing plan in CSV": (
        "",
        lambda path, plan: write_folder(path, render_report_csv(build_plan_report(plan, pictures=False))),
    ),
    "workbook": (".xlsx", _book),
}


if __name__ == "__main__":
    sys.exit(campaign("right_plans", trial, 2_000, sys.argv[1:]))
