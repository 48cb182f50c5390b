"""Extensions with whole lots: the plan satisfies both, and is compared with the bound without lots."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.runs import here
from tests.proof.test_extensions_added import written

import medalopt
from medalopt.errors import UsageError, WholeLotsNotFoundError
from medalopt.instance.instance import Instance
from medalopt.plan.plan import Plan

LOTS = Path(__file__).parents[1] / "solver" / "lots.yaml"  # by hand: see there
SENT = "m.sent_device['phone']"


@pytest.fixture(scope="module")
def instance() -> Instance:
    """Return the instance: lots of 4 t of phones at 1,000 a tonne, 2 kg each, silver from 3 kg on at 900; 30 kg."""
    return medalopt.load(LOTS)


def planned(instance: Instance, folder: Path, *lines: str) -> Plan:
    """Return the plan with `lines` as the extension."""
    return medalopt.solve(instance, extensions=[written(folder, *lines)])


def test_a_cap_by_hand(instance: Instance, tmp_path: Path) -> None:
    """At most 14 t: three lots and 6 kg bought, 17,400; without lots 14 t and 2 kg, 15,800, which is the bound."""
    plan = planned(instance, tmp_path, f"m.cap = pyo.Constraint(expr={SENT} <= 14)")
    assert plan.cost == pytest.approx(17_400) and plan.status == "feasible"
    assert plan.certificate.lower_bound == pytest.approx(15_800)
    assert plan.certificate.scope == "instance and 1 added row" and plan.certificate.arithmetic == "exact rational"
    assert plan.lots is not None and plan.lots.extra == pytest.approx(1_600)


def test_a_cost_of_ones_own_by_hand(instance: Instance, tmp_path: Path) -> None:
    """Each tonne above 12 costs 500 more: 17,400 with 6 kg bought; without lots 15 t, 15,000 and 3 times 500."""
    lines = ("m.u = pyo.Var(bounds=(0, 10))", f"m.c = pyo.Constraint(expr=m.u >= {SENT} - 12)")
    plan = planned(instance, tmp_path, *lines, "m.objective.expr += 500 * m.u")
    assert plan.objective == pytest.approx(17_400) and plan.certificate.lower_bound == pytest.approx(16_500)


def test_lots_that_no_rule_disturbs_are_optimal(instance: Instance, tmp_path: Path) -> None:
    """A minimum of 16 t is four lots, which the bound equals: the plan is verified optimal."""
    plan = planned(instance, tmp_path, f"m.c = pyo.Constraint(expr={SENT} >= 16)")
    assert plan.status == "optimal" and plan.cost == pytest.approx(16_000)


def test_a_rule_may_leave_no_plan_in_lots(instance: Instance, tmp_path: Path) -> None:
    """From 13 to 15 t there is no number of lots of 4 t."""
    with pytest.raises(WholeLotsNotFoundError):
        planned(instance, tmp_path, f"m.c = pyo.Constraint(expr=(13, {SENT}, 15))")


REFUSED = {
    "a rule that counts lots": (
        ("if instance.lots:", "    m.c = pyo.Constraint(expr=sum(m.lots.values()) <= 3)"),
        "lots",
    ),
    "a variable that nothing bounds": (
        (
            "m.u = pyo.Var([1, 2])",
            f"m.c = pyo.Constraint(expr=0.1 * m.u[1] - 0.3 * m.u[2] + {SENT} >= 16)",
            f"m.d = pyo.Constraint(expr=0.3 * m.u[2] - 0.1 * m.u[1] + 0.1 * {SENT} >= 1.6)",
            "m.e = pyo.Constraint(expr=0.7 * m.u[1] - 2.1 * m.u[2] <= 0)",
        ),
        "bound",
    ),
    "whole numbers of its own": (("m.u = pyo.Var(domain=pyo.Integers)",), "integer"),
}


@pytest.mark.parametrize(("lines", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_proven_is_refused(
    instance: Instance, lines: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    """A rule on the numbers of lots, a variable without any bounds, whole numbers of one's own: each in one line."""
    with pytest.raises(UsageError, match=said):
        planned(instance, tmp_path, *lines)


def test_a_saved_plan_is_verified_with_its_rule(tmp_path: Path) -> None:
    """`verify` accepts the plan, and refuses a tightened row in the file or another lot size in the instance."""
    path, file = written(tmp_path, f"m.cap = pyo.Constraint(expr={SENT} <= 14)"), tmp_path / "plan.json"
    assert here("solve", str(LOTS), "--extend", str(path), "-o", str(file)).code == 0
    assert here("verify", str(file), str(LOTS)).code == 0
    assert here("verify", str(file), str(LOTS), "--set", "streams.phone@north.lot=5 t").code == 1
    content = json.loads(file.read_text(encoding="utf-8"))
    content["added_rows"][0]["upper"] = 11
    file.write_text(json.dumps(content), encoding="utf-8")
    assert here("verify", str(file), str(LOTS)).code == 1
