"""Infeasibility proven by hand, one case per constraint family and three joint conflicts.

The proof is at the head of each file, its results here.
"""

from __future__ import annotations

from typing import Any

import pytest
from tests.refusals.proven import FOLDER, diagnosis, file

import medalopt
from medalopt.analysis.infeasibility.conflict import RULE_FAMILIES
from medalopt.analysis.infeasibility.repair_parameter import format_file_value

Row = tuple[str, str, float | None]  # family, path, amount

CUP: Row = ("demand", "medals.cup.count", 10)
PHONE, KETTLE = "streams.phone@tokyo", "streams.kettle@tokyo"
LIMITS = "commitments and limits"

# by file: the rules in conflict, then the cures, cheapest first, each with its cost
CASES: dict[str, tuple[set[Row], list[tuple[dict[str, Any], float]]]] = {
    "supply": ({CUP, ("supply", f"{PHONE}.available", 8)}, [({f"{PHONE}.available[1]": 7}, 10_000)]),
    "bundle": (
        {
            CUP,
            ("supply", f"{KETTLE}.bundle", None),
            ("supply", f"{PHONE}.available", 10),
            ("capacity", "treatments.leave.capacity", 24),
        },
        [({f"{PHONE}.available": 12.5}, 34_000), ({"treatments.leave.capacity": 30}, 40_000)],
    ),
    "stockpile": (
        {
            CUP,
            ("supply", f"{PHONE}.available", 0),
            ("supply", f"{PHONE}.storage.limit", 3),
            ("capacity", "smelters.kosaka.capacity", 5),
        },
        [
            ({"smelters.kosaka.capacity": 7}, 10_030),
            ({f"{PHONE}.available[1]": 2}, 10_030),
            ({f"{PHONE}.storage.limit": 5}, 10_050),
        ],
    ),
    "smelter_capacity": (
        {CUP, ("capacity", "smelters.kosaka.capacity", 8)},
        [({"smelters.kosaka.capacity": 5}, 10_000)],
    ),
    "treatment_capacity": (
        {CUP, ("capacity", "treatments.dismantle.capacity", 8)},
        [({"treatments.dismantle.capacity": 10}, 10_000)],
    ),
    "casting_capacity": ({CUP, ("capacity", "alloys.pure.capacity", 8)}, [({"alloys.pure.capacity": 5}, 10_000)]),
    "no_source": ({("demand", "medals.cup.count", 0.01)}, [({"metals.Au.opening_stock": 0.01}, 0)]),
    "melt": (
        {CUP, ("supply", f"{PHONE}.available", 10)},
        [({"alloys.pure.loss": 0}, 10_000), ({f"{PHONE}.available": 12.5}, 12_500)],
    ),
    "fineness_low": (
        {CUP, ("fineness", "alloys.silver.composition.Ag", 90)},
        [({"alloys.silver.composition.Ag[0]": 85}, 10_000)],
    ),
    "fineness_high": (
        {CUP, ("fineness", "alloys.silver.composition.Cu", 10)},
        [({"alloys.silver.composition.Cu[1]": 15}, 10_000)],
    ),
    "others": ({CUP, ("fineness", "alloys.silver.others", 0.1)}, [({"alloys.silver.others": 0.5}, 10_000)]),
    "unnamed": ({CUP}, [({"alloys.silver.others": 0.01}, 10_000)]),
    "deadline": ({CUP}, [({"medals.cup.due": "2017-06"}, 10_000), ({"smelters.kosaka.lead": 0}, 10_000)]),
    "demand": (
        {("demand", "medals.gold.count", 10), ("supply", f"{PHONE}.available", 8)},
        [({"medals.gold.count": 8}, 8_000), ({f"{PHONE}.available": 10}, 10_000)],
    ),
    "offer_limit": ({CUP, (LIMITS, "market.bars.limit", 8)}, [({"market.bars.limit": 10}, 10_000)]),
    "offer_commitment": (
        {CUP, (LIMITS, "market.bars.committed", 12)},
        [({"market.bars.committed": 10}, 10_000), ({"medals.cup.count": 2}, 20_000)],
    ),
    "stream_commitment": (
        {(LIMITS, f"{PHONE}.committed", 25), ("supply", f"{PHONE}.available", 20)},
        [({f"{PHONE}.committed": 20}, 20_000), ({f"{PHONE}.available": 25}, 25_000)],
    ),
    "smelter_commitment": (
        {(LIMITS, "smelters.kosaka.committed", 25), ("supply", f"{PHONE}.available", 20)},
        [({"smelters.kosaka.committed": 20}, 20_000), ({f"{PHONE}.available": 25}, 25_000)],
    ),
    "smelter_limit": ({CUP, (LIMITS, "smelters.kosaka.limit", 8)}, [({"smelters.kosaka.limit": 10}, 10_000)]),
    "recycled": (
        {CUP, (LIMITS, "market.old.limit", 4), ("recycled content", "policy.recycled.Ag", 50)},
        [({"policy.recycled.Ag": 40}, 14_000), ({"market.old.limit": 5}, 15_000)],
    ),
    "mix_high": (
        {CUP, ("supply", f"{KETTLE}.available", 5), ("device mix", "policy.device_share.phone", 60)},
        [({"policy.device_share.phone[1]": 66.6667}, 14_999.9925), ({f"{KETTLE}.available": 6.66667}, 16_666.6667)],
    ),
    "mix_low": (
        {CUP, ("supply", f"{KETTLE}.available", 5), ("device mix", "policy.device_share.kettle", 50)},
        [({"policy.device_share.kettle[0]": 33.3333}, 14_999.9925), ({f"{KETTLE}.available": 10}, 20_000)],
    ),
    "participation": (
        {("participation", "policy.participation", 10), ("capacity", "smelters.kosaka.capacity", 8)},
        [({"policy.participation": 40}, 8_000), ({"smelters.kosaka.capacity": 10}, 10_000)],
    ),
    "concentration": (
        {CUP, ("concentration", "policy.concentration.smelters", 40)},
        [({"policy.concentration.smelters": 100}, 10_000)],
    ),
    "impurity": (
        {CUP, ("impurity limits", "smelters.kosaka.limits.Sb", 1)},
        [({"smelters.kosaka.limits.Sb": 4}, 10_000)],
    ),
    "offer_storage": (
        {("capacity", "alloys.pure.capacity", 0), ("stock of offers", "market.bars.storage.limit", 4)},
        [({"alloys.pure.capacity[0]": 6}, 0), ({"market.bars.storage.limit": 10}, 0)],
    ),
    "closing_stock": (
        {CUP, (LIMITS, "market.bars.limit", 7), ("stock of offers", "market.bars.closing_stock", 4)},
        [({"market.bars.closing_stock": 2}, 7_000), ({"market.bars.limit": 9}, 9_000)],
    ),
    "charge_limit": (
        {CUP, ("limits on offers charged", "alloys.pure.limits.both.most", 8)},
        [({"alloys.pure.limits.both.most": 5}, 10_000)],
    ),
    "footprint": ({CUP, ("footprint", "policy.footprint_cap", 0.4)}, [({"policy.footprint_cap": 1}, 10_000)]),
    "process_scrap": (
        {CUP, ("supply", f"{PHONE}.available", 16)},
        [({"alloys.pure.scrap.share": 37.5}, 16_000), ({f"{PHONE}.available": 20}, 20_000)],
    ),
    "joint_recycled": (
        {CUP, ("supply", f"{PHONE}.available", 6), ("recycled content", "policy.recycled.Ag", 80)},
        [({f"{PHONE}.available": 8}, 14_000), ({"policy.recycled.Ag": 60}, 18_000)],
    ),
    "joint_deadline": (
        {CUP, ("capacity", "smelters.kosaka.capacity", 4)},
        [({"medals.cup.due": "4"}, 10_000), ({"smelters.kosaka.capacity": 10}, 10_000)],
    ),
    "joint_two_figures": (
        {CUP, ("capacity", "alloys.pure.capacity", 8)},
        [({"alloys.pure.capacity": 10, f"{PHONE}.available": 10}, 10_000)],
    ),
}
KNOWN: dict[str, set[Row]] = {  # what arithmetic alone tells
    "supply": {("demand", "medals.cup.count", 2)},
    "casting_capacity": {("capacity", "alloys.pure.capacity", 2)},
    "no_source": {("metal balance", "metals.Au.opening_stock", 0.01)},
    "melt": {("demand", "medals.cup.count", 2.5)},
    "deadline": {("demand", "medals.cup.due", 10)},
    "demand": {("demand", "medals.gold.count", 2)},
    "unnamed": {("fineness", "alloys.silver.others", 10)},
    "offer_limit": {("demand", "medals.cup.count", 2)},
    "offer_commitment": {(LIMITS, "market.bars.committed", 2)},
    "stream_commitment": {(LIMITS, f"{PHONE}.committed", 5)},
    "smelter_commitment": {(LIMITS, "smelters.kosaka.committed", 5)},
    "recycled": {("recycled content", "policy.recycled.Ag", 1)},
    "process_scrap": {("demand", "medals.cup.count", 4)},
    "joint_recycled": {("recycled content", "policy.recycled.Ag", 2)},
    "joint_two_figures": {("capacity", "alloys.pure.capacity", 2), ("demand", "medals.cup.count", 2)},
}


def test_every_case_is_read() -> None:
    """Each file of the folder is a case, and each case a file."""
    assert {path.stem for path in FOLDER.glob("*.yaml")} == CASES.keys()


@pytest.mark.parametrize("name", CASES)
def test_the_conflict_is_the_one_proven(name: str) -> None:
    """The rules in conflict are those of the proof, with its amounts, each needed, and no identity among them."""
    found = diagnosis(name)
    assert {(row.rule, row.path, row.amount) for row in found.rules} == CASES[name][0]
    assert found.irreducible
    assert {row.rule for row in found.rules} <= {rule.family for rule in RULE_FAMILIES.values()}


@pytest.mark.parametrize("name", CASES)
def test_arithmetic_shows_what_is_short(name: str) -> None:
    """Screening reports the shortage of every quantity that no plan can meet, and no other."""
    assert {(row.rule, row.path, row.amount) for row in diagnosis(name).screened} == KNOWN.get(name, set())


@pytest.mark.parametrize("name", CASES)
def test_the_cures_are_those_proven(name: str) -> None:
    """The cures are those of the proof, cheapest first, each as far as needed and at its cost."""
    found = [({one.path: one.after for one in repair.changes}, repair.objective) for repair in diagnosis(name).repairs]
    assert [changes for changes, _ in found] == [changes for changes, _ in CASES[name][1]]
    assert [cost for _, cost in found] == pytest.approx([cost for _, cost in CASES[name][1]], rel=1e-8)


@pytest.mark.parametrize("name", CASES)
def test_each_cure_works_on_the_file(name: str) -> None:
    """Each repair applied to the file gives a proven plan of the stated cost."""
    for repair in diagnosis(name).repairs:
        changes = {change.path: format_file_value(change.after, change.unit) for change in repair.changes}
        plan = medalopt.solve(medalopt.load(file(name), changes))
        assert plan.certificate.optimal
        assert plan.cost == pytest.approx(repair.objective, rel=1e-9, abs=1e-6)
