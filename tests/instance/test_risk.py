"""Risk of a plan to first order: by hand, independent of early melts, and verified."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

import medalopt
from medalopt.instance.uncertainty import compute_need, compute_risk
from medalopt.plan.plan import Plan
from medalopt.plan.schema import SavedPlan
from medalopt.proof.verdict import verify_plan
from medalopt.report.render.json import build_plan_object

FILE = Path(__file__).parent / "uncertain.yaml"
BY_HAND = """
format: medalopt/1
name: by_hand
currency: JPY
periods: {count: 2}
metals: {Ag: {opening_stock: 2 kg}}
devices: {phone: {content: {Ag: 1 kg/t}, cv: 30 %}, laptop: {content: {Ag: 1 kg/t}}}
streams:
- {device: phone, region: east, available: 10 t, committed: 20 t, cv: 40 %}
- {device: laptop, region: east, available: 5 t, committed: 10 t}
smelters: {works: {returned: 100 %, lead: 1}}
alloys: {silver: {composition: {Ag: 100 %}}}
medals: {first: {count: 1, parts: {silver: 2 kg}, due: 1}, last: {count: 1, parts: {silver: 14 kg}}}
"""


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Return the plan of the uncertain instance."""
    return medalopt.solve(medalopt.load(FILE))


def test_by_hand(tmp_path: Path) -> None:
    """10 kg of phones with 30 and 40 %, and 5 certain: deviation 5 kg; 14 kg needed; opening stock covers the first."""
    path = tmp_path / "by_hand.yaml"
    path.write_text(BY_HAND, encoding="utf-8")
    first, last = medalopt.solve(medalopt.load(path)).risks
    assert (first.period, first.needed, first.mean, first.deviation, first.probability) == (0, 0, 0, 0, 1)
    assert (last.needed, last.mean, last.deviation) == pytest.approx((14, 15, 5))
    assert last.probability == pytest.approx(NormalDist().cdf(0.2))
    assert (last.low, last.high) == pytest.approx((15 - 5 * 1.6448536269514722, 15 + 5 * 1.6448536269514722))


def test_melts_ahead_of_their_time_are_not_needed(plan: Plan) -> None:
    """Melts made two periods early leave need, and so the probability, as they are; those of the plan fall due."""
    account = plan.account
    decisions = account.decisions
    early = replace(
        decisions,
        charged=np.concatenate(
            [decisions.charged.sum(axis=2)[:, :, None], np.zeros((*decisions.charged.shape[:2], 2))], axis=2
        ),
        bought=np.concatenate(
            [decisions.bought.sum(axis=2)[:, :, None], np.zeros((*decisions.bought.shape[:2], 2))], axis=2
        ),
    )
    assert compute_need(replace(account, decisions=early)) == pytest.approx(
        np.array([[0, 8.25, 36], [0, 0.75, 3]]), abs=1e-9
    )
    assert [risk.needed for risk in plan.risks] == pytest.approx([8.25, 36, 0.75, 3])


@pytest.mark.parametrize("name", ["needed_kg", "mean_kg", "sd_kg", "q05_kg", "q95_kg", "probability"])
def test_wrong_rows_are_refused(plan: Plan, name: str) -> None:
    """A saved plan with another number in a row of risk is not valid; as it was written it is."""
    told = build_plan_object(plan)
    assert verify_plan(plan.instance, SavedPlan.model_validate(told)).accepted
    told["risk"][1][name] += 0.01
    broken = verify_plan(plan.instance, SavedPlan.model_validate(told)).broken
    assert [(one.rule, name in one.path) for one in broken] == [("risk", True)]


@pytest.mark.parametrize("spoil", [lambda rows: rows.pop(), lambda rows: rows.append(rows[0] | {"period": "2020-01"})])
def test_a_row_too_few_or_too_many_is_refused(plan: Plan, spoil: Any) -> None:
    """Each deadline has its row, and no other period has one."""
    told = copy.deepcopy(build_plan_object(plan))
    spoil(told["risk"])
    assert [one.rule for one in verify_plan(plan.instance, SavedPlan.model_validate(told)).broken] == ["risk"]


def test_nothing_new_without_cv() -> None:
    """Without coefficients of variation no risk is reported."""
    none = {f"{section}.*.cv": "0" for section in ("devices", "streams", "treatments", "smelters")}
    sure = medalopt.solve(medalopt.load(FILE).with_changes(none))
    assert compute_risk(sure.account) == () and "risk" not in build_plan_object(sure)
