"""Actuals, contracts, and instance and plan of the remaining horizon: by hand, and by an invariant."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.analysis.replanned import solve_replan

import medalopt
from medalopt.analysis.replanning.remaining_horizon import IN_TRANSIT, get_in_transit_streams
from medalopt.analysis.replanning.replan import Replan, ReplanProblem, make_replan_problem
from medalopt.errors import InputError, NoPlanError, UsageError
from medalopt.report.atomic_write import write_folder
from medalopt.report.render.csv import render_csv_folder
from medalopt.report.replanning import _summarize_actuals

BASE = Path(__file__).with_name("base.yaml")
LOTS = """lot,stream,treatment,smelter,period,wet_t,moisture,dry_t,assay_Ag,payable_Ag_kg,charges,settled_on
A1,phone@north,whole,kosaka,2018-01,1.05,5 %,,1_900 g/t,1.7,120,2018-02-20
A2,phone@south,whole,kosaka,2018-02,,,1,1.9,,,
A3,laptop@south,dismantle,kosaka,2018-02,,,0.5,,,,
A4,laptop@north,,,2018-02,,,1,,,,
A5,laptop@south,leave,,2018-01,,,0.25,,,,
"""
SIGNED = """stream,treatment,smelter,offer,alloy,metal,period,tonnes,kg
phone@north,whole,kosaka,,,,2018-03,1,
,,,silver,silver,,2018-05,,0.5
,,,silver,silver,,2018-01,,0.25
,,,,silver,Ag,2018-02,,1.5
"""


def replan_after_february(
    folder_: Path, lots: str | None = LOTS, signed: str | None = SIGNED, after: str = "2018-02", **changes: str
) -> ReplanProblem:
    """Return the replan after February from these two files; `changes` of the instance, with __ for a dot."""
    (folder_ / "actuals.csv").write_text(lots or "")
    (folder_ / "signed.csv").write_text(signed or "")
    instance = medalopt.load(BASE, {path.replace("__", "."): value for path, value in changes.items()})
    files = (folder_ / "actuals.csv" if lots else None, folder_ / "signed.csv" if signed else None)
    return make_replan_problem(instance, after, *files)


def test_what_comes_of_each_lot(tmp_path: Path) -> None:
    """As payable when it was settled; else by its assay and the terms, or by the instance, after the smelter's lead."""
    past = replan_after_february(tmp_path).actuals
    silver, copper = past.lot_returns[:, 0], past.lot_returns[:, 1]
    assert silver == pytest.approx([1.7, 0.9 * 1.9, 0.9, 0, 0]) and copper == pytest.approx([0, 0, 9, 0, 0])
    assert past.expected_metal[:, 0] == pytest.approx([0.9975 * 1.8, 1.8, 0.9, 0, 0])
    assert past.arrival_periods[:3, 0].tolist() == [1, 2, 2]  # from 0: February, March, March
    assert past.lots.devices_t == pytest.approx([0.9975, 1, 1, 1, 0.25])
    assert past.lots.feed_t == pytest.approx([0.9975, 1, 0.5, 1, 0.25])
    assert past.stockpiles.tolist() == [1, 0, 0, 0]  # laptop@north


def test_the_account_and_what_is_awaited(tmp_path: Path) -> None:
    """1.7 kg came back and 1.5 were charged; awaited are both lots in March, and the signed tonne in April."""
    past = replan_after_february(tmp_path).actuals
    assert past.metal_stock == pytest.approx([0.2, 0])
    assert past.metal_in_transit[0] == pytest.approx([1.71 + 0.9, 1.8, 0, 0]) and past.metal_in_transit[
        1
    ] == pytest.approx([9, 0, 0, 0])


def test_what_it_has_cost(tmp_path: Path) -> None:
    """Prices apply per tonne of devices, stockpiles included; charges as settled, else by the terms."""
    past = replan_after_february(tmp_path).actuals
    assert past.cost_by_kind["supply"] == pytest.approx(0.9975 * 1_000 + 900 + 900 + 0.25 * 900 + 1_000)
    assert past.cost_by_kind["treating"] == pytest.approx(100)
    assert past.smelter_charges == pytest.approx([120, 100 + 18, 50 + 9, 0, 0])
    assert past.signed_cost == pytest.approx(1_118 + 0.25 * 90_000)


def test_the_instance_of_what_is_left(tmp_path: Path) -> None:
    """Done and signed is taken out of supply, capacity, commitments, limits, cap and need."""
    left = replan_after_february(tmp_path).remaining_instance
    assert left.periods == ("2018-03", "2018-04", "2018-05", "2018-06") and left.name == "base_after_2018-02"
    streams = dict(zip(left.streams.names, left.streams.available.value.tolist(), strict=True))
    assert streams["phone@north"] == [0, 1, 1, 1] and streams["laptop@north, in stock"] == [1, 0, 0, 0]
    assert streams["laptop@north"] == [2, 2, 2, 2] and streams["phone@south"] == [1, 1, 1, 1]
    committed = dict(zip(left.streams.names, left.streams.committed.value.tolist(), strict=True))
    assert committed["laptop@north"] == 2  # of 3 one has been fetched
    kosaka = left.smelters.names.index("kosaka")
    assert left.smelters.capacity.value[kosaka].tolist() == [4, 5, 5, 5]
    fed = 0.9975 + 1 + 0.5 + 1  # lots, and the signed tonne
    assert left.smelters.committed.value[kosaka] == pytest.approx(4 - fed)
    assert left.smelters.limit.value[kosaka] == pytest.approx(30 - fed)
    assert left.market.committed.value.tolist() == [0.5] and left.market.limit.value.tolist() == [4.75]
    assert left.metals.opening_stock.value.tolist() == pytest.approx([0.2, 0])
    cast = 1.5 + 0.25  # what was bought was charged as well
    assert left.medals.names == ("early", "medal") and left.medals.due.tolist() == [0, 3]
    assert left.medals.parts.value.ravel().tolist() == pytest.approx([(3 - cast) / 3, 1])
    assert left.policy.footprint_cap.value == pytest.approx(1_000 - 1 - 0.5)
    assert left.figures != medalopt.load(BASE).figures


def test_a_signed_shipment_takes_supply_stored_before(tmp_path: Path) -> None:
    """Of 2.5 t signed for May, 1 t is offered in May, 1 t is stored since April and 0.5 t since March."""
    signed = "stream,treatment,smelter,period,tonnes\nphone@north,whole,kosaka,2018-05,2.5\n"
    changes = {"streams.phone@north.storage": "{limit: 10 t, cost: 1 JPY/t}"}
    left = replan_after_february(tmp_path, None, signed, **changes).remaining_instance
    phones = left.streams.available.value[left.streams.names.index("phone@north")]
    assert phones.tolist() == pytest.approx([0.5, 0, 0, 1])


def test_metal_on_its_way_is_free_and_comes_when_it_comes(tmp_path: Path) -> None:
    """Metal in transit arrives in its own periods at no cost, and nowhere else in the plan."""
    found = solve_replan(replan_after_february(tmp_path))
    names = get_in_transit_streams(found.problem.remaining_instance)
    assert names == {f"{IN_TRANSIT}, 2018-03", f"{IN_TRANSIT}, 2018-04"}
    ways = found.plan.account.routes.stream
    own = [route for route, stream in enumerate(ways) if found.plan.instance.streams.names[stream] in names]
    assert found.plan.account.decisions.sent[own].sum() == pytest.approx((2.61 + 9 + 1.8) / 1000)
    smelter = found.plan.instance.smelters.names.index(IN_TRANSIT)
    back = found.plan.account.returned[smelter]
    assert back == pytest.approx(np.array([[2.61, 1.8, 0, 0], [9, 0, 0, 0]]))
    assert found.plan.status == "optimal"
    assert not get_in_transit_streams(medalopt.load(BASE))


def test_old_and_new_side_by_side(tmp_path: Path) -> None:
    """Cumulated returns continue from actual to planned; spent, contracted and planned cost add up."""
    found = solve_replan(replan_after_february(tmp_path))
    assert found.before is not None and found.returned_before is not None
    assert found.returned_now[0, :3] == pytest.approx([0, 1.7, 1.7 + 2.61])
    assert found.returned_now[0, -1] == pytest.approx(15 - 0.75)  # all that is not bought
    assert found.returned_before[0, -1] == pytest.approx(15)
    assert found.total_cost == pytest.approx(found.cost_to_date + found.actuals.signed_cost + found.plan.cost)
    assert found.metals == (0, 1)


BY_MONTH = {  # prices that change over time
    "streams.phone@north.price": "[1_000, 900, 1_100, 800, 1_200, 700]",
    "streams.laptop@north.collection": "[10, 0, 30, 5, 5, 1]",
    "treatments.dismantle.cost": "[100, 150, 80, 90, 100, 60]",
    "smelters.kosaka.treatment_charge": "[100, 90, 120, 80, 100, 100]",
    "smelters.kosaka.refining_charge.Ag": "[10, 12, 8, 20, 5, 9]",
}
RISING = {  # of both, earlier purchases use up steps
    "streams.phone@north.price": "[{up_to: 2 t, price: 1_000}, {up_to: 3.5 t, price: 1_150}, {price: 1_900}]",
    "market.silver.price": "[{up_to: 2, price: 300}, {up_to: 3, price: 60_000}, {up_to: 5, price: 90_000}]",
}
FALLING = {"streams.phone@north.price": "[{up_to: 2 t, price: 1_300}, {price: 800}]"}
FRACTIONS = {
    "treatments.dismantle": "{cost: 100, fractions: {boards: {share: 50 %, recovery: {Ag: 100 %, Cu: 50 %}}, "
    "cables: {share: 10 %, recovery: {Cu: 50 %}}, steel: {share: 20 %, sold: 1_000}}}"
}
MISSABLE = {"medals.medal.shortfall": "700 JPY"}  # more than silver of phones costs, less than that of laptops
SOLD = {  # copper at once, silver and castings held: half of them are due later, and little can be cast in a month
    "metals.Cu.sell": "[3, 2, 4, 3, 1, 5]",
    "metals.Cu.holding": "1",
    "metals.Ag.holding": "[20, 10, 20, 30, 10, 5]",
    "alloys.silver.holding": "[7, 6, 5, 4, 3, 2]",
    "alloys.silver.sell": "[100, 90, 80, 70, 60, 50]",
    "alloys.silver.capacity": "3.5 kg",
}


@pytest.mark.parametrize(
    ("changes", "after"),
    [
        *((changes, after) for changes in ({}, BY_MONTH, MISSABLE) for after in ("2018-01", "2018-02", "2018-05")),
        *((changes, "2018-03") for changes in (RISING, FALLING, FRACTIONS, SOLD)),
        (SOLD, "2018-04"),
        (RISING, "2018-01"),
        (FRACTIONS, "2018-02"),
    ],
)
def test_who_does_as_planned_pays_as_planned(tmp_path: Path, changes: dict[str, str], after: str) -> None:
    """A law: where all went as the plan has it, the rest of the best plan is the best plan of the rest."""
    instance = medalopt.load(BASE, changes)
    plan = medalopt.solve(instance)
    last = instance.periods.index(after)
    head, rows = "lot,stream,treatment,smelter,period,dry_t,devices_t\n", []
    for n, row in enumerate(pd.DataFrame(plan.tables["shipments"]).itertuples()):
        if instance.periods.index(row.period) <= last:
            fraction, smelter = (
                value if isinstance(value, str) else "" for value in (getattr(row, "fraction", ""), row.smelter)
            )
            by = f"{row.treatment}/{fraction}" if fraction else row.treatment
            share = {"dismantle": 0.5, "dismantle/boards": 0.5, "dismantle/cables": 0.1}.get(by, 1.0) if smelter else 1
            rows.append(f"L{n},{row.stream},{by},{smelter},{row.period},{share * row.tonnes},{row.tonnes}")
    bought = pd.DataFrame(plan.tables["purchases"]).set_index("period").kg.to_dict()  # of pure silver
    done = [
        f",,,,{row.alloy},{row.metal},{row.period},,{row.kg - bought.get(row.period, 0.0)}"
        for row in pd.DataFrame(plan.tables["melts"]).itertuples()
        if instance.periods.index(row.period) <= last
    ]
    done += [
        f",,,silver,silver,,{period},,{kg}" for period, kg in bought.items() if instance.periods.index(period) <= last
    ]
    done += [
        f",,,,,{row.metal},{row.period},,{row.surplus}"
        for row in pd.DataFrame(plan.tables["metals"]).itertuples()
        if row.surplus and instance.periods.index(row.period) <= last
    ]
    lots = head + "\n".join(rows) + "\n"
    # what has settled by now has come back by now
    lots = lots.replace("devices_t\n", "devices_t,payable_Ag_kg,payable_Cu_kg,settled_on\n")
    lots = "\n".join(_settled(line, instance.periods, last) for line in lots.splitlines()) + "\n"
    signed = SIGNED.splitlines()[0] + "\n" + "\n".join(done) + "\n" if done else None
    found = solve_replan(replan_after_february(tmp_path, lots, signed, after, **changes))
    assert found.total_cost == pytest.approx(plan.cost, rel=1e-6)
    past = found.actuals
    assert (changes is SOLD) == (past.past_holding_cost > 0 and past.executed_account.decisions.surplus.any())
    assert (changes is SOLD) == (past.past_revenue > 0 and (past.executed_account.cast_stock > 0).any())
    assert bool(changes == MISSABLE) == bool(plan.account.missed.any())
    assert not changes or abs(plan.cost - medalopt.solve(medalopt.load(BASE)).cost) > 1 or changes is FALLING


@pytest.mark.parametrize(
    ("sent", "bought", "price", "limits", "total"),
    [
        (12, 50, [650, 900], [13, 20], 7_900 + 41_000 + 35_350),  # the course of the best plan
        (0, 75, [300, 1_100], [10, 25], 64_500 + 6_000 + 9_500 + 5_000),  # 75 bars: at all three prices
    ],
)
def test_what_was_bought_has_used_up_steps(
    tmp_path: Path, sent: float, bought: float, price: list[float], limits: list[float], total: float
) -> None:
    """By hand: the price of the step in use, what is left of the limits, and the total."""
    lots, signed = tmp_path / "lots.csv", tmp_path / "signed.csv"
    lots.write_text(f"lot,stream,treatment,smelter,period,dry_t\nA,phone@north,whole,works,2030-01,{sent}\n")
    head = "stream,treatment,smelter,offer,alloy,metal,period,tonnes,kg"
    signed.write_text(f"{head}\n,,,bars,silver,,2030-01,,{bought}\n")
    instance = medalopt.load(BASE.parents[3] / "instances" / "price_steps.yaml")
    found = solve_replan(make_replan_problem(instance, "2030-01", lots if sent else None, signed))
    left = found.problem.remaining_instance
    assert [left.streams.price.value[0, 0], left.market.price.value[0, 0]] == price
    assert [*left.streams.steps.above.value, *left.market.steps.above.value] == limits
    assert found.total_cost == pytest.approx(total, rel=1e-9)


FRACTION_LOTS = """lot,stream,treatment,smelter,period,dry_t,payable_Ag_kg,settled_on
A1,phone@north,dismantle,,2018-01,1,,
A2,phone@north,dismantle/boards,kosaka,2018-01,0.5,1.7,2018-02-20
A3,phone@north,dismantle/cables,kosaka,2018-02,0.1,,
"""


def test_lots_of_fractions(tmp_path: Path) -> None:
    """Devices, their price and the revenue of steel count once; boards and cables have their own feed and charges."""
    found = solve_replan(replan_after_february(tmp_path, FRACTION_LOTS, None, **FRACTIONS))
    past = found.actuals
    assert past.lots.devices_t == pytest.approx([1, 1, 1]) and past.lot_returns[:, 0] == pytest.approx([0, 1.7, 0])
    kinds = {"supply": 1_000, "collection": 0, "treating": 100, "transport": 0, "residue": 0, "sales": -200}
    assert past.cost_by_kind == pytest.approx({**kinds, "charges": 50 + 18 + 10})
    assert found.problem.remaining_instance.smelters.limit.value == pytest.approx([30 - 0.6, np.inf][:1], rel=1e-9)
    assert found.plan.certificate.optimal and "Devices sent by 2018-02: 1 t" in " ".join(_summarize_actuals(found))
    for lots, said in (
        (FRACTION_LOTS.replace("A1,phone@north,dismantle,,2018-01,1,,\n", ""), "no devices were treated up to then"),
        (FRACTION_LOTS.replace("dismantle/boards", "dismantle"), "name one of them, as `TREATMENT/FRACTION`"),
    ):
        with pytest.raises(InputError) as caught:
            replan_after_february(tmp_path, lots, None, **FRACTIONS)
        fault = caught.value.faults[0]
        assert said in fault.message and fault.line > 1 and fault.column == 3
    (warning,) = replan_after_february(
        tmp_path, FRACTION_LOTS.replace("2018-01,0.5", "2018-01,0.6"), None, **FRACTIONS
    ).actuals.lots.warnings
    assert "was sent up to then, but 1 t were treated" in warning.message


def _settled(line: str, periods: tuple[str, ...], last: int) -> str:
    """Return a row with its payable metal if its month of waiting is over."""
    cells = line.split(",")
    if cells[0] == "lot" or not cells[3]:
        return line if cells[0] == "lot" else f"{line},,,"
    at = periods.index(cells[4]) + 1
    if at > last:
        return f"{line},,,"
    silver, copper = (1.8, 0.0) if cells[1].startswith("phone") else (0.9, 9.0)
    part = cells[2].partition("/")[2]
    silver, copper = silver * (part != "cables"), copper * (0.5 if part else 1.0)
    return f"{line},{silver * float(cells[6])!r},{copper * float(cells[6])!r},{periods[at]}"


def test_a_signed_plan_is_kept(tmp_path: Path) -> None:
    """If the whole plan is contracted, from JSON or CSV, the cost is unchanged."""
    instance = medalopt.load(BASE)
    plan = medalopt.solve(instance)
    write_folder(tmp_path / "plan", render_csv_folder(plan))
    late = make_replan_problem(instance, "2018-01", None, tmp_path / "plan")
    signed = late.actuals.executed_account.decisions.sent
    assert signed[:, 1:] == pytest.approx(plan.account.decisions.sent[:, 1:]) and not signed[:, 0].any()
    found = solve_replan(late)
    first = float(plan.account.decisions.sent[:, 0].sum())
    # what was planned for January was not sent, and has to be made up for
    assert found.total_cost > plan.cost - 1_200 * first and found.plan.status == "optimal"


def test_of_a_signed_plan_the_casts_so_far_are_done(tmp_path: Path) -> None:
    """Charges of the saved plan leave the account, or an error reports missing metal."""
    instance = medalopt.load(BASE)
    write_folder(tmp_path / "plan", render_csv_folder(medalopt.solve(instance)))
    with pytest.raises(UsageError, match=r"kg of silver were charged according to the input, but only 0 kg"):
        make_replan_problem(instance, "2018-03", None, tmp_path / "plan")


def test_process_scrap_of_what_was_cast_comes_back(tmp_path: Path) -> None:
    """Of 1.5 kg cast in February a fifth falls as scrap, half of it is fit, a month or three months later."""
    signed = SIGNED.splitlines()[0] + "\n,,,,silver,Ag,2018-02,,1.5\n"
    for lead, at in ((1, 0), (3, 2)):
        scrap = {"alloys__silver__scrap": f"{{share: 20 %, returned: 50 %, lead: {lead}}}"}
        past = replan_after_february(tmp_path, signed=signed, **scrap).actuals
        assert past.scrap_returns[0, past.last + 1 :][at] == pytest.approx(0.15)
        assert past.scrap_returns.sum() == pytest.approx(0.15)


def test_no_more_process_scrap_is_charged_than_there_was(tmp_path: Path) -> None:
    """Of 1.5 kg cast in January 0.15 kg of scrap comes back in February: that much may be charged again, no more."""
    rows = "{head}\n,,,,silver,Ag,2018-01,,1.5\n,,,,silver,,2018-02,,{again}\n"
    scrap = {
        "alloys__silver__scrap": "{share: 20 %, returned: 50 %, lead: 1}",
        "metals__Ag__opening_stock": "2 kg",
    }
    head = SIGNED.splitlines()[0]
    past = replan_after_february(tmp_path, signed=rows.format(head=head, again=0.15), **scrap).actuals
    assert past.executed_account.cast.sum() == pytest.approx(1.65)
    said = "0.2 kg of process scrap of silver were charged again according to the input, but only 0.15 kg"
    with pytest.raises(UsageError, match=said):
        replan_after_february(tmp_path, signed=rows.format(head=head, again=0.2), **scrap)


def test_overdue_medals_are_due_at_once(tmp_path: Path) -> None:
    """Three medals due in March and not cast are reported, and due in April."""
    lots = LOTS.replace("2018-02-20", "2018-03-20")
    late = replan_after_february(tmp_path, lots=lots, signed=None, after="2018-03")
    assert late.overdue_medals == ("early",) and late.remaining_instance.medals.due.tolist() == [0, 2]
    assert replan_after_february(tmp_path).overdue_medals == ()


def test_what_waits_leaves_its_bundle(tmp_path: Path) -> None:
    """Goods in stock go on alone, by the lanes and treatments of their region, and have been paid for."""
    lots = LOTS.replace("A4,laptop@north,,,2018-02,,,1,,,,", "A4,laptop@south,,,2018-02,,,2,,,,")
    found = solve_replan(replan_after_february(tmp_path, lots=lots, signed=None))
    left = found.problem.remaining_instance
    own = left.streams.names.index("laptop@south, in stock")
    assert left.streams.bundle[own] == -1 and left.streams.price.value[own] == 0
    assert left.regions[left.streams.region[own]] == "south, in stock"
    assert found.actuals.cost_by_kind["supply"] == pytest.approx(0.9975 * 1_000 + 900 + 900 + 0.25 * 900 + 2 * 900)
    ways = found.plan.account.routes.stream == own
    assert found.plan.account.decisions.sent[ways].sum() == pytest.approx(2)
    assert "south, in stock" in found.problem.settled_parties and "south" not in found.problem.settled_parties


def test_metal_may_come_after_the_last_month(tmp_path: Path) -> None:
    """Metal that arrives after the horizon is listed separately and not counted."""
    lots = LOTS.replace("2018-02-20", "2019-01-05")
    past = replan_after_february(tmp_path, lots=lots, signed=None).actuals
    assert past.metal_by_arrival[0, -1] == pytest.approx(1.7) and past.metal_stock[0] == 0


def test_where_nothing_can_be_planned(tmp_path: Path) -> None:
    """Without the first plan there is still one of the rest, or none, and that is said as ever."""
    cheap = {"market__silver__limit": "0.75 kg"}
    found = solve_replan(replan_after_february(tmp_path, **cheap, medals__early__due="2018-01"))
    assert found.before is None and found.returned_before is None and found.plan.status == "optimal"
    with pytest.raises(NoPlanError):
        solve_replan(replan_after_february(tmp_path, **cheap, medals__medal__count="100"))


def test_only_signed_or_only_sent(tmp_path: Path) -> None:
    """Either file suffices; without lots no metal has returned."""
    past = replan_after_february(tmp_path, lots=None, signed=SIGNED.replace(",,,,silver,Ag,2018-02,,1.5\n", "")).actuals
    assert (
        not past.metal_by_arrival.any()
        and past.executed_account.decisions.sent.sum() == 1
        and past.cost_by_kind["charges"] == 0
    )


@pytest.mark.parametrize(
    ("after", "wrong"),
    [
        ("2017-12", "names no period: those are `2018-01` to `2018-06`"),
        ("May", "names no period"),
        ("2018-06", "this is the last period"),
    ],
)
def test_a_period_that_cannot_be_over(tmp_path: Path, after: str, wrong: str) -> None:
    """--after names a period of the horizon, and not the last one."""
    with pytest.raises(UsageError, match=wrong):
        replan_after_february(tmp_path, after=after)


def test_what_does_not_fit(tmp_path: Path) -> None:
    """Missing files, another instance's plan, an infeasible answer and a used name give one line each."""
    instance = medalopt.load(BASE)
    with pytest.raises(UsageError, match="--after: give what has happened"):
        make_replan_problem(instance, "2018-02")
    write_folder(
        tmp_path / "plan",
        render_csv_folder(medalopt.solve(medalopt.load(BASE, {"market.silver.price": "80_000 JPY/kg"}))),
    )
    with pytest.raises(UsageError, match="is the plan of another instance or version of it"):
        make_replan_problem(instance, "2018-02", None, tmp_path / "plan")
    text = BASE.read_text().replace("kosaka", f'"{IN_TRANSIT}"')
    (tmp_path / "named.yaml").write_text(text)
    (tmp_path / "lots.csv").write_text(LOTS.replace("kosaka", IN_TRANSIT))
    with pytest.raises(UsageError, match="is reserved for metal in transit"):
        make_replan_problem(medalopt.load(tmp_path / "named.yaml"), "2018-02", tmp_path / "lots.csv")


def test_shares_over_the_whole_horizon(tmp_path: Path) -> None:
    """By hand: 0.75 of 15 kg are bought, 5 %; a policy missed over the horizon is reported."""
    assert solve_replan(replan_after_february(tmp_path, policy__recycled="{Ag: 95 %}")).missed_requirements == ()
    (one,) = solve_replan(replan_after_february(tmp_path, policy__recycled="{Ag: 96 %}")).missed_requirements
    assert (one.path, one.required_share, one.actual_share) == ("policy.recycled.Ag", 0.96, pytest.approx(0.95))
    found = solve_replan(replan_after_february(tmp_path, policy__device_share="{phone: [0 %, 30 %]}"))
    (one,) = found.missed_requirements
    phones, everything = _sent(found)
    assert one.path == "policy.device_share.phone" and one.required_share == 0.3
    assert one.actual_share == pytest.approx(phones / everything) and one.actual_share > 0.3
    regions = solve_replan(replan_after_february(tmp_path, policy__participation="60 %")).missed_requirements
    assert [one.path for one in regions] == ["policy.participation of north", "policy.participation of south"]
    assert all(one.required_share == 0.6 and one.actual_share < 0.6 for one in regions)
    assert any("policy.device_share.phone" in line and "30" in line for line in _summarize_actuals(found))


def _sent(found: Replan) -> tuple[float, float]:
    """Return the phones and all devices sent, before and after, t."""
    plan, names = found.plan, get_in_transit_streams(found.problem.remaining_instance)
    rest = {row.stream: 0.0 for row in pd.DataFrame(plan.tables["shipments"]).itertuples()}
    for row in pd.DataFrame(plan.tables["shipments"]).itertuples():
        rest[row.stream] += row.tonnes
    rest = {name: tonnes for name, tonnes in rest.items() if name not in names}
    phones = sum(tonnes for name, tonnes in rest.items() if name.startswith("phone"))
    return 0.9975 + 1 + 1 + phones, 0.9975 + 1 + 1 + 1 + 0.25 + sum(rest.values())


def test_process_scrap_charged_again(tmp_path: Path) -> None:
    """A row of alloy and kg alone counts as cast, and takes from the scrap in hand; rounding leaves no stock."""
    rows = "\n,,,,silver,Ag,2018-01,,1\n,,,,silver,,2018-02,,0.1\n,,,,silver,Ag,2018-02,,0.7\n"
    scrap = {"alloys__silver__scrap": "{share: 20 %, returned: 50 %, lead: 1}"}
    past = replan_after_february(tmp_path, signed=SIGNED.splitlines()[0] + rows, **scrap).actuals
    assert past.executed_account.cast.sum() == pytest.approx(1.8) and past.metal_stock.tolist() == [0, 0]
    assert past.scrap_returns.sum() == pytest.approx(0.5 * 0.2 * 1.8 - 0.1)
