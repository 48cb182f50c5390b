"""Pooled lots by hand: which there are, what each withholds at the most, and what its routes bear of it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from tests.model.cases import ROOT, changed, loaded

import medalopt
from medalopt.errors import InputError
from medalopt.instance.accounting import Decisions, PlanAccount
from medalopt.instance.arrays import ExactArray
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes, bound_withheld, build_routes, find_pooled_lots, list_pool_names


def golden() -> tuple[Instance, Routes]:
    """Return the instance of the golden file, and its routes."""
    instance = medalopt.load(ROOT / "tests" / "model" / "golden" / "pooled_settlement.yaml")
    return instance, build_routes(instance)


def account(sent: list[float], withheld: float) -> PlanAccount:
    """Return poor and rich boards, poor and rich rest sent in the first period, with so much withheld of the boards."""
    instance, found = golden()
    periods, metals = len(instance.periods), len(instance.metals.names)
    kept = np.zeros((1, metals, periods))
    kept[0, 0, 0] = withheld
    shape = (len(instance.alloys.names), metals, periods)
    made = Decisions(
        sent=np.array(sent)[:, None] * np.array([1.0, 0.0]),
        stockpile=np.zeros((2, periods)),
        charged=np.zeros(shape),
        bought=np.zeros((0, 1, periods)),
        surplus=np.zeros((metals, periods)),
        recharged=np.zeros((1, periods)),
        withheld=kept,
    )
    return PlanAccount(instance, found, made)


def test_what_a_pooled_lot_is() -> None:
    """Boards are pooled: of poor ones 22 g are withheld beyond the share, of rich ones 76 g less."""
    instance, found = golden()
    lots = find_pooled_lots(instance, found)
    assert list_pool_names(instance) == ("smelters.kosaka.terms.lot",)
    assert [instance.streams.names[i] for i in found.stream[lots.routes]] == ["poor@north", "rich@north"]
    assert lots.withheld[:, 0] == pytest.approx([0.022, -0.076]) and (lots.withheld[:, 1] <= 0).all()
    assert lots.exists.tolist() == [[[True, False], [False, False]]]
    exact = find_pooled_lots(instance, build_routes(instance, ExactArray.exact), ExactArray.exact)
    assert exact.withheld[:, 0].tolist() == [Fraction(22, 1000), Fraction(-76, 1000)]
    assert (exact.exists == lots.exists).all()
    most = bound_withheld(instance, found, lots, compute_bounds(instance, found).sent)
    assert most[0, 0].tolist() == pytest.approx([0.018 * 10 + 0.9 * 10, 0])


def test_what_is_withheld_is_neither_returned_nor_refined() -> None:
    """Ten tonnes of each as boards, 100 g withheld: 9.08 kg of silver come back a period later, and are refined."""
    made = account([10, 0, 10, 0], 0.1)
    assert made.returned[0, 0].tolist() == pytest.approx([0, 0.18 + 9 - 0.1])
    assert made.costs["refining"].tolist() == pytest.approx([9080, 0])
    assert made.shipment_costs.sum() == pytest.approx(9080)
    assert made.compute_settled_share(np.arange(4), 0)[:, 0] == pytest.approx([1 - 0.1 / 9.18, 1, 1 - 0.1 / 9.18, 1])


@pytest.mark.parametrize(
    ("sent", "withheld", "settled"),
    [([10, 0, 1, 0], 5.0, 0.22), ([10, 0, 1, 0], 0.0, 0.22 - 0.076), ([10, 0, 10, 0], 0.0, 0.0), ([0] * 4, 1.0, 0.0)],
)
def test_a_lot_is_settled_within_its_bounds(sent: list[float], withheld: float, settled: float) -> None:
    """What is withheld is brought to at least the deduction of the lot, and to at most that of its routes apart."""
    assert account(sent, withheld).clip_withheld().withheld[0, 0, 0] == pytest.approx(settled)


def test_rounding_withholds_nothing() -> None:
    """5 % of 0.6 kg are 30 g, the deduction: no trace of rounding makes a column of it."""
    share = {"smelter": {"returned": "95 %", "deduction": {"Ag": "30 g/t"}, "settlement_lot": "pooled"}}
    instance = loaded(changed(devices={"phone": {"content": {"Ag": "0.6 kg/t"}}}, smelters=share))
    lots = find_pooled_lots(instance, build_routes(instance))
    assert not lots.exists.any() and not lots.withheld.any()


@pytest.mark.parametrize(("lot", "wrong"), [("pooled", True), ("route", False)])
def test_streams_of_a_pooled_lot_credit_the_same(lot: str, wrong: bool) -> None:
    """Streams of one lot with another share of a metal that is deducted are an error, each with both names."""
    stream = {"device": "phone", "available": "1 t"}
    streams = [{**stream, "region": "north"}, {**stream, "region": "south", "credited": {"Ag": "50 %"}}]
    smelters = {"smelter": {"returned": "95 %", "deduction": {"Ag": "30 g/t"}, "settlement_lot": lot}}
    if not wrong:
        assert loaded(changed(streams=streams, smelters=smelters))
        return
    with pytest.raises(InputError) as caught:
        loaded(changed(streams=streams, smelters=smelters))
    (fault,) = caught.value.faults
    assert fault.path == "smelters.smelter"
    assert "`phone@north` and `phone@south` credit different shares of Ag" in fault.message


def test_a_line_of_terms_has_its_own_lot() -> None:
    """A line overrides its smelter; another word is an error that names the two."""
    smelters = {"smelter": {"settlement_lot": "pooled", "terms": {"a": {}, "b": {"settlement_lot": "route"}}}}
    smelters["smelter"]["terms"]["b"]["devices"] = []  # type: ignore[index]
    smelters["smelter"]["terms"]["a"]["devices"] = ["phone"]  # type: ignore[index]
    assert loaded(changed(smelters=smelters)).terms.pooled.tolist() == [True, False]
    with pytest.raises(InputError, match="route"):
        loaded(changed(smelters={"smelter": {"settlement_lot": "lot"}}))
