"""Metal left with the smelters in orders, payments, traces, prices, ranges, replanning and extensions."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.analysis.replanned import solve_replan
from tests.laws import pool
from tests.model.cases import ROOT, loaded
from tests.random_instances import with_settlement

import medalopt
from medalopt.analysis.explain.explanation import explain_plan
from medalopt.analysis.replanning.replan import make_replan_problem
from medalopt.analysis.sourcing.metals import MetalDestination, compute_metal_account, trace_metal
from medalopt.analysis.sourcing.orders import TOLL, allocate_payments, list_feed_lines
from medalopt.plan.plan import Plan
from medalopt.report.sourcing.procurement import tabulate_price_exposure

BY_HAND = ROOT / "tests" / "planted" / "instances" / "left_metal.yaml"


@cache
def planned() -> Plan:
    """Return the plan of the instance with its arithmetic in the file."""
    return medalopt.solve(medalopt.load(BY_HAND))


@cache
def at_random() -> tuple[Plan, ...]:
    """Return the plans of random instances in which metal is left."""
    plans = [pool.solved(loaded(with_settlement(seed))) for seed in range(12)]
    return tuple(plan for plan in plans if plan is not None and plan.account.left.any())


def test_orders_state_what_is_called_back() -> None:
    """The instruction to the smelter: kilograms called back, left and paid, by line of terms and month."""
    lines = {(feed.line, feed.period): feed.metals for feed in list_feed_lines(planned().account, 0)}
    found = {
        (key, metal.metal): (metal.kilograms, metal.left, metal.charge, metal.revenue)
        for key, metals in lines.items()
        for metal in metals
    }
    assert found == {
        ((0, 0), 0): pytest.approx((5, 0, 25, 0)),
        ((0, 1), 0): pytest.approx((3, 2, 15, 80)),
        ((1, 0), 0): pytest.approx((0, 5, 0, 300)),
        ((1, 1), 0): pytest.approx((0, 3, 0, 180)),
        ((1, 0), 1): pytest.approx((0, 0.5, 0, 500)),
        ((1, 1), 1): pytest.approx((0.3, 0, 0, 0)),  # after the horizon
    }


def test_accounts_and_payments_add_up() -> None:
    """Payments sum to the cost, by kind; the metal account balances; each kilogram has one destination."""
    for plan in (planned(), *at_random()):
        paid, account = allocate_payments(plan.account), plan.account
        size = max(1.0, sum(float(abs(each).sum()) for each in account.costs.values()))
        assert paid.by_kind().sum() == pytest.approx(plan.cost, rel=0, abs=1e-9 * size)
        sales = sum(float(kinds["sales"].sum()) for kinds in paid.amounts.values() if "sales" in kinds)
        assert sales == pytest.approx(plan.costs["sales"], rel=0, abs=1e-9 * size)
        metal = compute_metal_account(account)
        gone = metal.charged + metal.surplus + metal.closing
        come = metal.opening + metal.returned + metal.bought
        assert come == pytest.approx(gone, rel=1e-9, abs=1e-9 * max(1.0, float(come.max())))
        trace = trace_metal(account)
        assert trace.returned.sum(axis=(1, 2)) == pytest.approx(account.returned.sum(axis=(0, 2)), rel=1e-9, abs=1e-9)
        surplus = trace.returned[..., MetalDestination.SURPLUS].sum(axis=1)
        assert (surplus >= account.left.sum(axis=1) * (1 - 1e-9) - 1e-9).all()
    assert allocate_payments(planned().account).amounts[TOLL]["sales"].sum() == pytest.approx(-1060)
    assert at_random()


def test_metal_left_is_not_exposed() -> None:
    """Price exposure counts metal bought or owned, not metal left at a smelter's price."""
    (table,) = tabulate_price_exposure(planned())
    assert table.rows == ()


def test_what_the_metal_of_a_source_is_worth() -> None:
    """A tonne of phones is valued at the prices of metal left; boards at the loss by calling back."""
    sources = {each.source.name: each for each in explain_plan(planned()).source_analyses}
    phone, board = (sources[f"{name} from here"] for name in ("phone", "board"))
    assert (phone.cost, phone.metal_value, phone.rent) == pytest.approx((1, 122.5, 121.5))
    assert board.metal_value - board.cost == pytest.approx(board.rent) == pytest.approx(38.75)


def test_ranges_of_prices() -> None:
    """Prices and charges of metal left keep the plan until calling back elsewhere is cheaper, by hand."""
    frames = medalopt.sensitivity_ranges(planned().instance).frames
    rows = pd.concat([frames["costs"], frames["unused_costs"]]).set_index("parameter")
    boards, near = "smelters.near.terms.boards", "smelters.near"
    expected = {  # a kilogram called back costs 44.5 JPY of boards in the first month, 45 in the second, 62 of phones
        f"{near}.pays.Ag": (43, None),
        f"{near}.pays.Pd": (-100, None),
        f"{boards}.pays.Ag[0]": (None, 39.5),
        f"{boards}.pays.Ag[1]": (39.5, 57),
        f"{boards}.refining_charge.Ag": (-39.5, 22),
        f"{near}.refining_charge.Ag": (-15, None),
        f"{near}.refining_charge.Pd": (-1000, None),
    }
    for path, (low, high) in expected.items():
        found = [None if np.isnan(end) else end for end in rows.loc[path, ["from", "to"]]]
        assert found == [None if end is None else pytest.approx(end) for end in (low, high)], path


def _replanned(folder: Path, **signed: Any) -> Any:
    """Return the replanned instance by hand after its first month, palladium credited at once."""
    text = BY_HAND.read_text(encoding="utf-8").replace("lead: {Pd: 1}", "lead: 0")
    (folder / "settlement.yaml").write_text(text.replace("{count: 2}", "{start: 2018-01, count: 2}"), encoding="utf-8")
    instance = medalopt.load(folder / "settlement.yaml")
    plan = medalopt.solve(instance)
    plan.save(folder / "plan.json")
    (folder / "lots.csv").write_text(
        "lot,stream,treatment,smelter,period,dry_t,payable_Ag_kg,payable_Pd_kg,charges,settled_on\n"
        "A,board@here,whole,near,2018-01,5,5,0,25,2018-01-30\n"
        "B,phone@here,whole,near,2018-01,5,5,0.5,0,2018-01-30\n",
        encoding="utf-8",
    )
    frozen = folder / "signed.csv" if signed else folder / "plan.json"
    if signed:
        frozen.write_text(signed["text"], encoding="utf-8")
    return plan, make_replan_problem(instance, "2018-01", folder / "lots.csv", frozen)


def test_replanning_what_goes_as_planned(tmp_path: Path) -> None:
    """Metal left never returns, metal called back is in stock, and the remaining cost is as planned."""
    plan, problem = _replanned(tmp_path)
    assert problem.actuals.metal_stock.tolist() == pytest.approx([1, 0])
    again = solve_replan(problem)
    assert again.plan.certificate.optimal
    assert again.total_cost == pytest.approx(plan.cost)
    left = again.plan.account.left
    assert left[:, 0] == pytest.approx([5, 0.3])


def test_replanning_by_a_list_of_what_was_left(tmp_path: Path) -> None:
    """A row of smelter, metal and kilograms states metal left; the remaining month is replanned."""
    rows = (
        "stream,treatment,smelter,offer,alloy,metal,period,tonnes,kg\n"
        ",,,,silver,Ag,2018-01,,4\n,,near,,,Pd,2018-01,,0.5\n"
    )
    _, problem = _replanned(tmp_path, text=rows)
    assert problem.actuals.metal_stock.tolist() == pytest.approx([6, 0])
    assert problem.actuals.signed_cost == pytest.approx(-500)
    assert solve_replan(problem).plan.account.called_back.sum() == pytest.approx(0, abs=1e-9)


def test_lines_that_pay_differently_need_a_plan(tmp_path: Path) -> None:
    """Of a smelter whose lines pay different prices a row of the list is refused, as is metal of the project."""
    with pytest.raises(medalopt.InputError, match="pay different prices for `Ag`"):
        _replanned(tmp_path, text="smelter,metal,period,kg\nnear,Ag,2018-01,5\n")


def _at_least_three(model: Any, instance: Any) -> None:
    import pyomo.core as pyo

    line = "smelters.near.terms.boards"
    model.kept = pyo.Constraint(expr=model.left[line, "Ag", "1"] + 0.5 * model.returned_line[line, "Ag", "2"] >= 5.5)


def test_an_extension_on_metal_left() -> None:
    """An extension that limits metal left to 3 kg in the first month is satisfied and verified."""
    plan = medalopt.solve(planned().instance, extensions=[_at_least_three])
    assert plan.certificate.optimal
    assert plan.account.decisions.left[0, 0, 0] == pytest.approx(3)  # 2 kg of phones are called back in their place
    assert plan.cost == pytest.approx(planned().cost + 2 * 62 + 45 - 3 * 44 - 0.5)
