"""Conflicts with constraints of an extension: named, relaxed by the least amount, or dropped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from tests.cli.runs import TINY, here
from tests.model.cases import changed, loaded
from tests.proof.test_extensions_added import written
from tests.report.reading import mentions

from medalopt.analysis.infeasibility.diagnosis import diagnose_infeasibility
from medalopt.analysis.infeasibility.repair import Diagnosis
from medalopt.instance.instance import Instance
from medalopt.solver.highs import TimeBudget

SENT = "m.sent_device['phone']"
RepairCosts = list[tuple[dict[str, float | None], float]]


@pytest.fixture(scope="module")
def bare() -> Instance:
    """Return an instance that must send 5 t of 20 t of phones at 900 per tonne, without a market."""
    return loaded(changed(market=None))


def diagnose_with(instance: Instance, folder: Path, *lines: str) -> Diagnosis:
    """Return why there is no plan with `lines` as the extension."""
    diagnosis = diagnose_infeasibility(instance, extensions=[written(folder, *lines)])
    assert diagnosis is not None
    return diagnosis


def list_repairs(diagnosis: Diagnosis) -> RepairCosts:
    """Return the new bounds of each repair by path (None: constraint dropped), and its cost."""
    rows = [(repair.encode()["changes"], repair.objective) for repair in diagnosis.repairs]
    return [({row["path"]: row["to"] for row in changes}, cost) for changes, cost in rows]  # type: ignore[attr-defined]


def test_an_upper_end(bare: Instance, tmp_path: Path) -> None:
    """At most 3 t may be sent and 5 are needed: 5 in place of 3 cures it, and so does leaving the rule out."""
    diagnosis = diagnose_with(bare, tmp_path, f"m.few = pyo.Constraint(expr={SENT} <= 3)")
    assert any("`few`" in rule.text for rule in diagnosis.rules)
    told = [(changes, round(cost)) for changes, cost in list_repairs(diagnosis) if "extension.few" in changes]
    assert len(told) == 2 and ({"extension.few": 5}, 4500) in told and ({"extension.few": None}, 4500) in told


def test_a_lower_end(bare: Instance, tmp_path: Path) -> None:
    """For a minimum of 22 t with 20 t offered, 20 t costs 18,000 and dropping the constraint 4,500."""
    told = list_repairs(diagnose_with(bare, tmp_path, f"m.much = pyo.Constraint(expr={SENT} >= 22)"))
    assert ({"extension.much": None}, pytest.approx(4500)) == told[0]
    assert ({"extension.much": 20}, pytest.approx(18000)) in told
    assert any("streams" in path for changes, _ in told for path in changes)  # more of the phones cures it as well


def test_an_equation(bare: Instance, tmp_path: Path) -> None:
    """Only the violated side of an equation is relaxed."""
    told = list_repairs(diagnose_with(bare, tmp_path, f"m.just = pyo.Constraint(expr={SENT} == 3)"))
    assert ({"extension.just": 5}, pytest.approx(4500)) in told


def test_rules_that_only_together_can_go(bare: Instance, tmp_path: Path) -> None:
    """Neither of two caps cures it alone: both left out do, and that is offered."""
    lines = (f"m.few = pyo.Constraint(expr={SENT} <= 3)", f"m.fewer = pyo.Constraint(expr={SENT} <= 2.5)")
    told = list_repairs(diagnose_with(bare, tmp_path, *lines))
    assert ({"extension.few": None, "extension.fewer": None}, pytest.approx(4500)) in told


def test_rules_against_each_other(bare: Instance, tmp_path: Path) -> None:
    """At least 7 t and at most 6: either moves to the other, or is left out."""
    lines = (f"m.least = pyo.Constraint(expr={SENT} >= 7)", f"m.most = pyo.Constraint(expr={SENT} <= 6)")
    diagnosis = diagnose_with(bare, tmp_path, *lines)
    assert {rule.rule for rule in diagnosis.rules} == {"extension"}
    told = [(changes, round(cost)) for changes, cost in list_repairs(diagnosis)]
    assert told[:2] == [({"extension.least": None}, 4500), ({"extension.least": 6}, 5400)]
    assert len(told) == 4 and ({"extension.most": 7}, 6300) in told and ({"extension.most": None}, 6300) in told


def test_a_rule_and_a_figure_that_only_together_can_go(tmp_path: Path) -> None:
    """At least 7 t and at most 6 where 4 are on offer and 5 are needed: a rule has to go, and something else with it.

    Without the least, 8 medals need 3.6 kg, all that 4 t hold, or 1 t more is needed; at least 6 t need 2 t more.
    """
    stream = {"device": "phone", "region": "north", "available": ["2 t", "2 t"], "collection": "900 JPY/t"}
    lines = (f"m.least = pyo.Constraint(expr={SENT} >= 7)", f"m.most = pyo.Constraint(expr={SENT} <= 6)")
    told = list_repairs(diagnose_with(loaded(changed(market=None, streams=[stream])), tmp_path, *lines))
    assert all(len(changes) == 2 and next(iter(changes)).startswith("extension.") for changes, _ in told)
    assert told[0] == ({"extension.least": None, "medals.medal.count": 8}, pytest.approx(3600))
    assert told[1][0] == {"extension.least": 4, "medals.medal.count": 8}
    assert told[2] == ({"extension.least": None, "streams.phone@north.available": 2.5}, pytest.approx(4500))


def test_what_no_loosening_cures(bare: Instance, tmp_path: Path) -> None:
    """A constraint that is infeasible on its own with the instance is not offered as a repair."""
    medals = {"medal": {"count": 100, "parts": {"silver": "500 g"}}}
    diagnosis = diagnose_with(
        loaded(changed(market=None, medals=medals)), tmp_path, f"m.few = pyo.Constraint(expr={SENT} <= 30)"
    )
    assert not any("extension" in path for changes, _ in list_repairs(diagnosis) for path in changes)


def test_no_time_is_left(bare: Instance, tmp_path: Path) -> None:
    """When the time is over no rule is tried any further."""
    path = written(tmp_path, f"m.few = pyo.Constraint(expr={SENT} <= 3)")
    diagnosis = diagnose_infeasibility(bare, extensions=[path], budget=TimeBudget(0))
    assert diagnosis is not None and diagnosis.stopped and not diagnosis.repairs


def test_the_page(tmp_path: Path) -> None:
    """The page names the rule and its cures and gives no option for them; JSON has null where it is left out."""
    path = str(written(tmp_path, "m.few = pyo.Constraint(expr=sum(m.sent_stream.values()) <= 3)"))
    page = here("explain", TINY, "--extend", path)
    assert page.code == 3 and "constraint `few`" in page.out
    assert mentions(page.out, "1. your constraint few", "2. your constraint few", numbers=(22,))
    assert "extension.few: 22 instead of 3" in page.out and "--set" not in page.out and "--extend" in page.out
    answer = json.loads(here("solve", TINY, "--extend", path, "--json").out)
    assert answer["diagnosis"]["repairs"][0]["changes"] == [
        {"path": "extension.few", "from": 3, "to": None, "unit": None}
    ]


def test_a_figure_behind_a_rule_is_the_one_to_see(tmp_path: Path) -> None:
    """If a parameter of the file restores feasibility too, the suggested option changes it."""
    file, path = tmp_path / "bare.yaml", str(written(tmp_path, f"m.much = pyo.Constraint(expr={SENT} >= 22)"))
    file.write_text(yaml.safe_dump(changed(market=None)), encoding="utf-8")
    page = " ".join(here("explain", str(file), "--extend", path).out.split())
    assert mentions(page, "1. your constraint much", "number 3: --set 'streams.phone@north.av")
