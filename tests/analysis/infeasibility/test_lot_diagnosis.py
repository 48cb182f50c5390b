"""Instances that are infeasible only in lots, by hand: conflict, proof by cases, and repairs."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.model.cases import ROOT

import medalopt
from medalopt.analysis.infeasibility import lot_diagnosis
from medalopt.analysis.infeasibility.conflict import build_feasibility_problem
from medalopt.analysis.infeasibility.diagnosis import diagnose_infeasibility
from medalopt.analysis.infeasibility.lot_diagnosis import find_lot_conflict
from medalopt.analysis.infeasibility.repair import Diagnosis
from medalopt.errors import NoPlanError
from medalopt.report.infeasible import build_infeasibility_report
from medalopt.solver import infeasibility
from medalopt.solver.highs import NO_TIME_LIMIT
from medalopt.solver.infeasibility import LotRow

BY_HAND = ROOT / "tests" / "solver" / "activities.yaml"
TIGHT = {  # 10.4 t of phones and 500 g bought for 10 kg, but in neither period as much as any lot
    "smelters.near.terms.phones.minimum_lot": "5.5 t",
    "smelters.far.minimum_lot": "5.6 t",
    "market.silver.limit": "0.5 kg",
    "streams.phone@north.available": "5.2 t",
}


def test_conflict_and_repairs_by_hand() -> None:
    """Either lot at 5.2 t, 5.5 t of phones, or all bought; each cause is needed, and three cases prove the conflict."""
    instance = medalopt.load(BY_HAND, TIGHT)
    with pytest.raises(NoPlanError) as caught:
        medalopt.solve(instance)
    found = caught.value.diagnosis.data
    assert found.irreducible and found.cases == 3 and found.in_lots and not found.stopped
    assert {reason.path for reason in found.rules} == {
        *("smelters.near.terms.phones.minimum_lot", "smelters.far.minimum_lot", "market.silver.limit"),
        *("streams.phone@north.available", "medals.medal.count"),
    }
    repairs = {repair.changes[0].path: (repair.changes[0].after, repair.objective) for repair in found.repairs}
    assert repairs == {
        "smelters.near.terms.phones.minimum_lot": (5.2, pytest.approx(1_670)),
        "smelters.far.minimum_lot": (5.2, pytest.approx(1_898)),
        "streams.phone@north.available": (5.5, pytest.approx(1_730)),
        "market.silver.limit": (10, pytest.approx(2_050)),
    }


def test_lots_of_a_smelter_apply_to_all_its_lines(tmp_path: Path) -> None:
    """Two lines of one smelter conflict with the minimum lot of the smelter, which one repair lowers for both."""
    path = tmp_path / "lines.yaml"
    text = BY_HAND.read_text(encoding="utf-8")
    for old, new in (
        (
            "{phones: {minimum_lot: 5 t, lot_charge: 300 JPY}}",
            "{phones: {devices: [phone]}, rest: {devices: [laptop]}}",
        ),
        ("near: {", "near: {minimum_lot: 12 t, "),
        ("far: {", "far: {limit: 1 t, "),
        ("devices: {phone", "devices: {laptop: {content: {Ag: 1 kg/t}}, phone"),
        ("streams: [", "streams: [{device: laptop, region: north, available: 6 t}, "),
    ):
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    changes = {"market.silver.limit": "0"}
    found = diagnose_infeasibility(medalopt.load(path, changes), source=path, changes=changes, in_lots=True)
    assert "smelters.near.minimum_lot" in {reason.path for reason in found.rules}
    lowered = {repair.changes[0].path: repair.changes[0].after for repair in found.repairs}
    assert lowered["smelters.near.minimum_lot"] == 6


def test_a_limit_of_cases_ends_the_search_for_fewer_constraints(monkeypatch: pytest.MonkeyPatch) -> None:
    """With cases for the first proof alone the conflict is proven, not reduced, and the report says so."""
    instance = medalopt.load(BY_HAND, TIGHT)
    problem = build_feasibility_problem(instance)
    monkeypatch.setattr(lot_diagnosis, "MAX_CASE_ENTRIES", 3 * len(problem.program.entries.row))
    found = find_lot_conflict(instance, problem, NO_TIME_LIMIT)
    assert found.cases == 3 and not found.irreducible
    diagnosis = Diagnosis((), (), found.irreducible, (), "JPY", in_lots=True, cases=found.cases)
    assert any(
        "ended the search for fewer" in line for line in build_infeasibility_report(instance, diagnosis).headline
    )


@pytest.mark.parametrize("multipliers", [True, False], ids=["too many cases", "multipliers without margin"])
def test_without_a_proof_nothing_is_claimed(multipliers: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """If not every case is refuted, all lots are listed, no case counts, and repairs are still found."""
    if multipliers:
        monkeypatch.setattr(lot_diagnosis, "MAX_CASES", 1)
    else:
        monkeypatch.setattr(infeasibility, "verify_conflict_multipliers", lambda *_: False)
    found = diagnose_infeasibility(medalopt.load(BY_HAND, TIGHT), source=BY_HAND, changes=TIGHT, in_lots=True)
    assert not found.cases and not found.irreducible
    assert {reason.rule for reason in found.rules} == {"whole lots"} and len(found.rules) == 2
    assert {repair.changes[0].path for repair in found.repairs} == {reason.path for reason in found.rules}


@pytest.mark.parametrize(
    ("multiple", "quantity", "between"),
    [(False, 0, None), (False, 2, (0, 5)), (False, 5, None), (False, 9, None), (True, 9, (5, 10)), (True, 10, None)],
)
def test_a_quantity_between_lots_is_split(multiple: bool, quantity: float, between: tuple[float, float] | None) -> None:
    """A quantity is 0 or at least the lot, or a multiple of it; else it lies between two such quantities."""
    assert LotRow(0, 5.0, multiple).split(quantity) == between
