"""Plans in whole lots: the worked example, its bound, and infeasible cases."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import medalopt
from medalopt.errors import LimitError, NoPlanError, SolverError, WholeLotsNotFoundError
from medalopt.instance.instance import Instance
from medalopt.instance.lot_relaxation import drop_lot_constraints
from medalopt.plan.plan import Plan
from medalopt.report.render.json import build_plan_object
from medalopt.report.solve import describe_status
from medalopt.solver import highs, mip
from medalopt.solver.highs import HighsResult, HighsSession, TimeBudget
from medalopt.solver.scaling import ScaledProgram

EXAMPLE = Path(__file__).with_name("lots.yaml")
LONG = 1e6  # seconds: a time limit that is never reached


def example(**changes: str) -> Instance:
    """Return the worked example with changed parameters; `__` in a name represents a dot, `at` the stream."""
    paths = {"lot": "streams.phone@north.lot", "least": "streams.phone@north.minimum_order", "supply":
             "streams.phone@north.available", "price": "market.silver.price", "bought": "market.silver.minimum_order",
             "limit": "market.silver.limit", "offer_lot": "market.silver.lot"}  # fmt: skip
    return medalopt.load(EXAMPLE, {paths[name]: value for name, value in changes.items()})


def taken(plan: Plan) -> tuple[float, float]:
    """Return tonnes sent and kilograms bought."""
    return plan.tonnes, float(plan.account.decisions.bought.sum())


@pytest.mark.parametrize(
    ("changes", "tonnes", "bought", "cost"),
    [
        ({}, 16, 0, 16_000),
        ({"price": "600 JPY/kg"}, 12, 6, 15_600),
        ({"price": "600 JPY/kg", "bought": "7 kg"}, 16, 0, 16_000),
        ({"price": "600 JPY/kg", "offer_lot": "4 kg"}, 16, 0, 16_000),
        ({"lot": "10 t", "price": "1_200 JPY/kg"}, 10, 10, 22_000),
        ({"least": "17 t", "price": "700 JPY/kg"}, 0, 30, 21_000),
    ],
)
def test_the_worked_example(changes: dict[str, str], tonnes: float, bought: float, cost: float) -> None:
    """Lots and minimum orders of a stream and an offer equal the values worked out by hand."""
    plan = medalopt.solve(example(**changes))
    assert taken(plan) == pytest.approx((tonnes, bought), abs=1e-9)
    assert plan.cost == pytest.approx(cost, rel=1e-9)


def test_what_is_proven_of_it() -> None:
    """The bound is the cost without lots, 15,000 JPY; the plan is `feasible` with the gap to that bound."""
    instance = example()
    plan = medalopt.solve(instance)
    assert (plan.status, plan.stopped) == ("feasible", False)
    assert plan.certificate.lower_bound == pytest.approx(15_000, rel=1e-9)
    assert plan.certificate.gap == pytest.approx(1_000 / 16_000, rel=1e-6)
    assert medalopt.solve(drop_lot_constraints(instance)).cost == pytest.approx(15_000, rel=1e-9)
    assert plan.method.startswith("branch and bound, then primal simplex")


def test_the_bound_of_the_search_is_beside_the_certified_one() -> None:
    """Steel mill: the search shows its own optimum, 8,495 USD, while the certified bound is that without lots."""
    plan = medalopt.solve(medalopt.load(EXAMPLE.parents[2] / "instances/steel_mill.yaml"))
    assert plan.certificate.search_bound == pytest.approx(8_495, rel=1e-9)
    assert plan.certificate.lower_bound == pytest.approx(8_125.6, rel=1e-9)
    assert plan.status == "feasible"
    said = describe_status(plan)
    assert said.startswith("Optimal") and "bound of the solver" in said and "within 4.3 %" in said


def test_a_search_that_ends_early_says_how_near_it_took_itself_to_be() -> None:
    """A search bound 2 % below the plan is reported as such, not as an optimum."""
    plan = medalopt.solve(example())
    early = replace(plan, certificate=replace(plan.certificate, search_bound=0.98 * plan.objective))
    said = describe_status(early)
    assert said.startswith("Feasible") and said.index("within 2 %") < said.index("within 6.2 %")


def test_only_a_program_with_whole_lots_has_a_bound_of_a_search() -> None:
    """The certificate of a linear program is as it was, in memory and as JSON."""
    plan = medalopt.solve(drop_lot_constraints(example()))
    assert plan.certificate.search_bound is None and "search_bound" not in build_plan_object(plan)["certificate"]


def test_lots_that_do_not_bind_cost_nothing() -> None:
    """If the best plan is in whole lots already, it is proven optimal at no extra cost."""
    plan = medalopt.solve(example(lot="5 t"))
    assert plan.status == "optimal" and plan.tonnes == pytest.approx(15)


def test_the_same_figures_give_the_same_plan() -> None:
    """Two searches end at the same plan, to the last digit."""
    one, other = (medalopt.solve(example(lot="0.7 t")) for _ in range(2))
    assert one.tables == other.tables and one.cost == other.cost


def test_search_stops_at_the_requested_gap() -> None:
    """A requested gap that is reached ends the search; one that cannot be verified returns the plan and says so."""
    assert not medalopt.solve(example(), gap=0.1).stopped
    plan = medalopt.solve(example(), gap=0.01)
    assert plan.stopped and plan.cost == pytest.approx(16_000)


def test_where_no_plan_is_in_whole_lots() -> None:
    """Infeasibility in whole lots is distinguished from proven infeasibility; without lots a plan exists."""
    with pytest.raises(WholeLotsNotFoundError, match="by search, not proven") as refusal:
        medalopt.solve(example(lot="7 t", limit="1 kg"))
    assert refusal.value.exit_code == 3 and refusal.value.status == "infeasible"
    assert medalopt.solve(drop_lot_constraints(example(lot="7 t", limit="1 kg"))).cost == pytest.approx(15_000)


def test_where_no_plan_exists_at_all() -> None:
    """If infeasible without lots, infeasibility is proven as usual."""
    with pytest.raises(NoPlanError) as refusal:
        medalopt.solve(example(supply="1 t", limit="1 kg"))
    assert not isinstance(refusal.value, WholeLotsNotFoundError) and refusal.value.proof is not None


def test_the_search_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stopped search returns its plan, and an error if it has none."""
    search = mip.run_branch_and_bound

    def stopped(found: bool) -> object:
        def short(*given: object) -> HighsResult:
            answer = search(*given)  # type: ignore[arg-type]
            return HighsResult("stopped", answer.method, answer.x) if found else HighsResult("stopped", answer.method)

        return short

    monkeypatch.setattr(mip, "run_branch_and_bound", stopped(True))
    plan = medalopt.solve(example(), time_limit=LONG)
    assert plan.stopped and plan.cost == pytest.approx(16_000)
    monkeypatch.setattr(mip, "run_branch_and_bound", stopped(False))
    with pytest.raises(LimitError):
        medalopt.solve(example(), time_limit=LONG)


def test_what_cannot_be_kept_is_not_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """If no method finds a plan with fixed numbers of lots, an error is raised."""
    monkeypatch.setattr(mip, "solve_by_method", lambda _, method: HighsResult("unanswered", method))
    with pytest.raises(SolverError, match="no method found a solution that can be verified"):
        medalopt.solve(example())


def test_a_program_that_highs_does_not_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search has no answer where the program cannot be handed over."""

    def refused(_: ScaledProgram) -> HighsSession | None:
        return None

    monkeypatch.setattr(highs, "load_highs", refused)
    answer = highs.run_branch_and_bound(None, None, 0.0, TimeBudget())  # type: ignore[arg-type]
    assert answer.status == "unanswered" and not len(answer.x)


def test_slope_scaling_finds_plans_with_charges() -> None:
    """With charges alone linear programs find plans: never below the optimum, and here at it, certified with a gap."""
    changes = {"smelters.near.terms.phones.minimum_lot": "0"}
    instance = medalopt.load(EXAMPLE.with_name("activities.yaml"), changes)
    best = medalopt.solve(instance)
    plan = medalopt.solve(instance, gap=0.07)
    assert plan.method == "slope scaling" and plan.certificate.feasible and not plan.stopped
    assert best.objective - 1e-6 <= plan.objective <= (1 + 0.07) * plan.certificate.lower_bound + 1e-6
    assert plan.certificate.lower_bound == pytest.approx(best.certificate.lower_bound)
