"""Golden lots: one contract each, settled by hand to the gram.

A smelter pays for the lower of its share of the metal in a lot, and the metal less a deduction per tonne of feed. The
treatment sends on a part of the tonne and of its metal, and the credited share is that of the project.
"""

from __future__ import annotations

from fractions import Fraction

import pytest
from tests.model.cases import Document, changed, loaded, planned

from medalopt.instance.arrays import ExactArray
from medalopt.instance.routes import build_routes
from medalopt.plan.plan import Plan


def lot(content: str, returned: str, deduction: str, credited: str = "100 %") -> Document:
    """Return a case that must send its one lot: 10 t of boards, 20 % smelted, with 90 % of their silver."""
    return changed(
        periods=None,
        metals={"Ag": {}, "Cu": {}},
        devices={"board": {"content": {"Ag": content}}},
        streams=[
            {
                "device": "board",
                "region": "north",
                "available": "10 t",
                "committed": "10 t",
                "credited": {"default": "100 %", "Ag": credited},
            }
        ],
        treatments={"shred": {"to_smelter": "20 %", "recovery": "90 %", "cost": "1000 JPY/t"}},
        smelters={
            "smelter": {
                "returned": {"Ag": returned},
                "deduction": {"Ag": deduction},
                "treatment_charge": "30_000 JPY/t",
                "refining_charge": {"Ag": "600 JPY/kg"},
            }
        },
        medals={"medal": {"count": 0, "parts": {"silver": "500 g"}}},
    )


def settled(document: Document) -> tuple[Plan, Fraction]:
    """Return the plan, and the silver returned for a tonne of boards, kg, exactly."""
    plan = planned(loaded(document))
    assert plan is not None
    assert plan.tonnes == pytest.approx(10)
    (silver, _) = plan.instance.metals.names
    exact = build_routes(plan.instance, ExactArray.exact).returned[0, 0]
    assert silver == "Ag"
    assert plan.tables["metals"]["returned"][0] == pytest.approx(float(10 * exact), abs=1e-12)
    return plan, exact


def test_where_the_share_binds() -> None:
    """A rich lot: 10 t of boards with 1,000 g/t of silver.

    They hold 10,000 g; 9,000 g go with the 2 t that are smelted: 4,500 g/t of feed. 95 % of it are 8,550 g; less 40 g
    for each of the 2 t would be 8,920 g. The lower is paid: 8,550 g, of which 80 %, 6,840 g, are the project's.
    Charges: 2 t at 30,000 JPY and 6.84 kg at 600 JPY.
    """
    plan, exact = settled(lot("1000 g/t", "95 %", "40 g/t", "80 %"))
    assert 10 * exact == Fraction(6_840, 1000)
    assert plan.costs["smelting"] == pytest.approx(60_000)
    assert plan.costs["refining"] == pytest.approx(4_104)
    assert plan.costs["treatment"] == pytest.approx(10_000)


def test_where_the_deduction_binds() -> None:
    """A poor lot: 10 t of boards with 60 g/t of silver.

    They hold 600 g, of which 540 g go on: 270 g/t in 2 t of feed. 95 % of it would be 513 g; less 40 g for each of the
    2 t it is 460 g. The lower is paid: 460 g.
    """
    plan, exact = settled(lot("60 g/t", "95 %", "40 g/t"))
    assert 10 * exact == Fraction(460, 1000)
    assert plan.costs["refining"] == pytest.approx(0.46 * 600)


def test_where_nothing_is_payable() -> None:
    """A lot below the deduction: 10 t of boards with 8 g/t of silver.

    They contain 80 g, of which 72 g are sent on: 36 g/t of feed, below the deduction of 40 g/t. The payable metal is 0,
    not negative; the treatment charge is due all the same.
    """
    plan, exact = settled(lot("8 g/t", "95 %", "40 g/t"))
    assert exact == 0
    assert plan.costs["refining"] == 0
    assert plan.costs["smelting"] == pytest.approx(60_000)


def test_each_feed_is_a_lot_of_its_own() -> None:
    """Rich and poor feed are settled separately: 8,550 g and 0 g, not 95 % of both.

    Together the 4 t would contain 9,072 g, of which 95 % are 8,618 g: 68 g more than two contracts return.
    """
    document = lot("1000 g/t", "95 %", "40 g/t")
    document["devices"]["poor"] = {"content": {"Ag": "8 g/t"}}
    document["streams"].append({"device": "poor", "region": "north", "available": "10 t", "committed": "10 t"})
    plan = planned(loaded(document))
    assert plan is not None
    assert plan.tables["metals"]["returned"][0] == pytest.approx(8.55, abs=1e-12)


def test_metal_that_comes_too_late_costs_no_refining() -> None:
    """With a lead time beyond the horizon the treatment charge is paid, and no metal or refining charge counts."""
    document = lot("1000 g/t", "95 %", "40 g/t")
    document["smelters"]["smelter"]["lead"] = 1
    plan = planned(loaded(document))
    assert plan is not None
    assert plan.tables["metals"]["returned"] == [0.0, 0.0]
    assert plan.costs["refining"] == 0
    assert plan.costs["smelting"] == pytest.approx(60_000)
