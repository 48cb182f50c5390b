"""Whole loads: within supply, all constraints satisfied, and never cheaper than the plan without them."""

import json
from fractions import Fraction

import numpy as np
import pytest
from tests.report.plans import plan
from tests.report.reading import mentions

from medalopt import Plan
from medalopt.analysis.explain.local_analysis import list_sources
from medalopt.analysis.sourcing.whole_loads import WholeLoadPlan, plan_whole_loads
from medalopt.errors import UsageError
from medalopt.plan.schema import SavedPlan
from medalopt.proof.verdict import verify_plan
from medalopt.report.render.json import build_plan_object
from medalopt.report.sourcing.plan_report import _describe_whole_loads
from medalopt.solver.highs import TimeBudget
from medalopt.solver.mip import TruckloadGroup


def amounts(made: Plan) -> list[tuple[float, float, bool]]:
    """Return shipments and supply of each source and period, and whether the source can be stored."""
    found = []
    for source in list_sources(made.instance):
        at = np.isin(made.account.routes.stream, source.streams)
        sent = made.account.decisions.sent[at].sum(axis=0)
        offered = made.instance.streams.available.value[source.streams].sum(axis=0)
        waits = bool(made.instance.streams.storable[source.streams].any())
        found += [(*pair, waits) for pair in zip(sent.tolist(), offered.tolist(), strict=True)]
    return found


@pytest.mark.parametrize("size", [0.1, 0.5, 1.0, 2.0])
def test_loads_are_whole_and_inside_what_is_offered(size: float) -> None:
    """Each is a whole number of loads to the last digit, or all that is offered then; the proof accepts the plan."""
    found = plan_whole_loads(plan("tiny"), size)
    loads = part = 0
    for sent, offered, waits in amounts(found.plan):
        whole = abs(sent / size - round(sent / size)) < 1e-12
        assert whole or (sent == pytest.approx(offered, rel=1e-12) and not waits)
        assert waits or sent <= offered * (1 + 1e-12)
        loads += int(np.ceil(sent / size - 1e-9))
        part += not whole
    assert (found.loads, found.part) == (loads, part)
    assert found.extra >= 0
    saved = SavedPlan.model_validate(json.loads(json.dumps(build_plan_object(found.plan))))
    assert verify_plan(found.plan.instance, saved).accepted
    assert found.plan.certificate.lower_bound <= found.exact.cost <= found.plan.cost


def test_smaller_loads_of_larger_ones_cost_no_more() -> None:
    """Loads of 0.5 t divide loads of 1 t, so they never cost more."""
    assert plan_whole_loads(plan("tiny"), 0.1).extra <= plan_whole_loads(plan("tiny"), 1.0).extra + 1e-6


def test_the_medals_keep_their_metal() -> None:
    """After rounding as many medals of each kind can be cast as before."""
    found = plan_whole_loads(plan("tiny"), 1.0)
    assert found.plan.account.cast.sum(axis=1) == pytest.approx(found.exact.account.cast.sum(axis=1))


def test_what_has_lots_of_its_own_keeps_them() -> None:
    """A stream with a lot in the format is no load of the trucks: it stays in its lots."""
    own = plan("tiny", ("streams.phone@east.lot", "0.4 t"))
    found = plan_whole_loads(own, 1.0)
    of = found.plan.instance.streams.names.index("phone@east")
    sent = found.plan.account.decisions.sent[found.plan.account.routes.stream == of].sum(axis=0)
    assert all(abs(tonnes / 0.4 - round(tonnes / 0.4)) < 1e-6 for tonnes in sent.tolist())
    assert found.plan.lots is not None
    assert found.plan.lots.value == found.plan.objective


def test_without_streams_nothing_is_rounded() -> None:
    """A plan with purchases only is unchanged."""
    found = plan_whole_loads(plan("dantzig"), 1.0)
    assert (found.loads, found.part) == (0, 0)
    assert found.plan.cost == pytest.approx(4.98)
    assert "no extra cost" in _describe_whole_loads(found)


def test_loads_that_no_plan_can_keep_are_refused() -> None:
    """A commitment in a waiting month cannot be met by trucks larger than its total."""
    contracts = plan("tiny", ("streams.laptop@east.committed", "7 t"))
    with pytest.raises(UsageError, match="smaller"):
        plan_whole_loads(contracts, 50.0)


def test_the_cost_of_loads_is_reported() -> None:
    """The sentence has the loads, those that go part full, and the difference to the exact plan."""
    text = _describe_whole_loads(plan_whole_loads(plan("tiny"), 2.0))
    assert mentions(text, "JPY", numbers=(2, 18, 3, 101_692))


def test_the_same_plan_gives_the_same_loads() -> None:
    """Rounding twice gives the same decisions to the last bit."""
    one, two = (plan_whole_loads(plan("tiny"), 1.0, TimeBudget(60.0)) for _ in range(2))
    assert (one.plan.account.decisions.sent == two.plan.account.decisions.sent).all()
    assert isinstance(one, WholeLoadPlan)


@pytest.mark.parametrize(
    ("known", "waits", "ends"),
    [
        (2.5, False, (2, 3, 0, 0)),  # between two loads
        (3.0, False, (3, 3, 0, 0)),  # whole already
        (3.3, False, (3, 3, 0, 1)),  # behind the last full load
        (3.4, False, (3, 3, 1, 1)),  # all that there is
        (3.3, True, (3, 3, 0, 0)),  # the rest waits
        (0.0, False, (0, 0, 0, 0)),
    ],
)
def test_loads_next_to_the_plan(known: float, waits: bool, ends: tuple[int, ...]) -> None:
    """3.4 t are three full loads of 1 t and a rest; the load nearest to the plan is tried first."""
    load = TruckloadGroup(np.arange(1), 1.0, 3.4, known, waits)
    assert load.full == 3
    assert load.rest == (0.0 if waits else pytest.approx(0.4))
    assert load.compute_bounds(wide=False) == ends
    assert load.compute_bounds(wide=True) == (0, 3, 0, int(not waits))
    assert load.compute_tonnes(3, 1) == 3.4
    assert load.compute_tonnes(2, 1) == 2.0  # only behind full loads
    assert Fraction(load.compute_tonnes(2, 0)) == 2
