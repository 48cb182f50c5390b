"""Analyses beside a plan, compared with an independent computation of the same result."""

import pytest
from tests.report.plans import plan
from tests.report.sourcing.around import around, variants
from tests.report.sourcing.known import risky

from medalopt.analysis.explain.local_analysis import PlanNeighbourhood
from medalopt.analysis.sensitivity.tornado import MAX_REPORTED_PARAMETERS, FirstOrderEstimates
from medalopt.analysis.sourcing.plan_analyses import compute_constraint_costs, compute_entry_prices
from medalopt.text import parse_path

WITHOUT = {  # the figure that stands for no such rule
    "policy.recycled.Ag": "0 %",
    "policy.device_share.kettle[0]": "0 %",
    "policy.device_share.phone[1]": "100 %",
    "policy.participation": "0 %",
    "policy.footprint_cap": "1000000 t",
    "streams.kettle@east.committed": "0 t",
    "smelters.far.committed": "0 t",
    "smelters.near.limit": "1000000 t",
    "market.refined_silver.committed": "0 kg",
    "market.old_silver.limit": "1000000 kg",
}


def test_every_rule_is_priced_by_leaving_it_out() -> None:
    """The cost of a constraint is the plan's cost less that of a file without it."""
    found = {rule.path: rule for rule in around("tiny").rules}
    assert found.keys() == WITHOUT.keys()
    for path, value in WITHOUT.items():
        assert found[path].costs == pytest.approx(plan("tiny").cost - plan("tiny", (path, value)).cost, rel=1e-6)
        assert found[path].binds


def test_a_rule_that_does_not_bind_costs_nothing() -> None:
    """A slack recycled-content floor is listed with a cost of 0."""
    loose = {rule.path: rule for rule in compute_constraint_costs(plan("tiny", ("policy.recycled.Ag", "1 %")))}
    assert loose["policy.recycled.Ag"].costs == 0
    assert not loose["policy.recycled.Ag"].binds


@pytest.mark.parametrize("name", ["laptop@south", "kettle@east", "phone@east"])
def test_more_of_a_stream_comes_in_below_its_price_and_not_above(name: str) -> None:
    """One per cent below the break-even price more of the stream is taken, above it not."""
    made = plan("tiny")
    at = made.instance.streams.names.index(name)
    price, by = made.instance.streams.price.value[at].item(), around("tiny").entry_prices[at]
    cheaper = plan("tiny", (f"streams.{name}.price", f"{price - 1.01 * by} JPY/t"))
    dearer = plan("tiny", (f"streams.{name}.price", f"{price - 0.99 * by} JPY/t"))
    assert cheaper.account.sent[at] > made.account.sent[at] + 1e-6
    assert dearer.account.sent[at] == pytest.approx(made.account.sent[at])


def test_fully_taken_streams_have_no_entry_price() -> None:
    """A plan without streams has no entry prices, nor has one that takes all of them."""
    assert compute_entry_prices(plan("dantzig")) == {}


def test_buying_and_binding_are_reported_of_the_best_plan() -> None:
    """For a plan in lots the analyses use the best plan without lots."""
    lots = around("steel_mill")
    assert lots.base.cost == pytest.approx(8125.6)
    assert lots.premium.plan == pytest.approx(8125.6)


def test_the_figures_that_matter_are_moved_and_solved() -> None:
    """Each end is the optimum of the changed instance, ordered by effect."""
    found = around("tiny").risks
    assert found is not None
    assert len(found.bars) == MAX_REPORTED_PARAMETERS
    for bar in found.bars:
        assert bar.factor.path[0] not in ("medals", "policy")
        for end in bar.ends:
            answer = variants("tiny").solve_scenario(
                variants("tiny").build_scenario(bar.factor.make_changes(end.factor))
            )
            if answer.feasible:
                assert end.result.value == pytest.approx(answer.value)
            else:
                assert end.result.status == "infeasible"
    assert found.cases == ()


def test_worths_are_slopes() -> None:
    """At first a figure changes the cost by its worth: a ten-thousandth more of it by a ten-thousandth of that."""
    base, step = plan("tiny"), 1e-4
    estimates = FirstOrderEstimates(PlanNeighbourhood.build(base))
    for path, value, unit in (
        ("market.mined_silver.price", None, ""),
        ("devices.phone.content.Ag", 1000, "g/t"),
        ("smelters.far.treatment_charge", 30_000, "JPY/t"),
        ("treatments.dismantle.cost", 20_000, "JPY/t"),
        ("streams.laptop@south.collection", 80_000, "JPY/t"),
        ("treatments.dismantle.capacity", 2.5, "t"),
        ("metals.Ag.opening_stock", 1, "kg"),
        ("alloys.bronze.loss", 0, ""),
    ):
        worth = estimates.estimate(parse_path(path))
        if value:
            moved = plan("tiny", (path, f"{value * (1 + step)} {unit}")).cost - base.cost
            assert abs(moved) == pytest.approx(worth * step, rel=1e-3), path
    assert estimates.estimate(parse_path("market.mined_silver.price")) == pytest.approx(847_199, rel=1e-5)
    assert estimates.estimate(parse_path("alloys.bronze.loss")) == 0


@pytest.mark.parametrize(
    ("path", "of"),
    [
        ("streams.*.available", "region east"),
        ("streams.*.available", "device laptop"),
        ("streams.*.collection", "region east"),
        ("streams.phone@east.credited", ""),
        ("streams.laptop@east.storage.cost", ""),
        ("treatments.dismantle.recovery.Ag", ""),
        ("smelters.far.returned", ""),
        ("alloys.silver_925.scrap.share", ""),
        ("alloys.silver_925.loss", ""),
        ("metals.Ag.holding", ""),
        ("market.old_silver.limit", ""),
    ],
)
def test_what_moves_the_cost_has_a_worth(path: str, of: str) -> None:
    """Figures of every kind that the plan depends on have one, also where they name several."""
    assert _estimates().estimate(parse_path(path), of) > 0


@pytest.mark.parametrize(
    ("path", "of"),
    [
        ("lanes.east@far.cost", ""),
        ("lanes.*.cost", "smelter far"),
        ("transport_rate", ""),
        ("exchange.USD", ""),
        ("smelters.far.refining_charge", ""),
        ("metals.Ag.sell", ""),
        ("streams.*.available", "region nowhere"),
    ],
)
def test_what_does_not_move_it_has_none(path: str, of: str) -> None:
    """Parameters of transport, refining and sales have no effect on this instance."""
    assert _estimates().estimate(parse_path(path), of) == 0


def _estimates() -> FirstOrderEstimates:
    return FirstOrderEstimates(PlanNeighbourhood.build(plan("tiny")))


def test_scenarios_say_what_they_cost_or_what_is_short() -> None:
    """Named scenarios report their cost, or the missing metal if infeasible."""
    cases = {case.name: case for case in risky()[0].cases}
    assert list(cases) == ["dear_silver", "no_silver", "same"]
    dear = plan("tiny", ("market.mined_silver.price", "100 JPY/g")).cost
    assert cases["dear_silver"].more == pytest.approx(dear - plan("tiny").cost, rel=1e-6)
    assert cases["same"].more == 0
    assert cases["no_silver"].more is None
    assert set(cases["no_silver"].shortage or {}) == {"Ag"}
