"""Claims of a saved plan compared with the recomputed values, each within its tolerance."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.model.cases import changed, loaded

from medalopt.instance.accounting import Decisions, PlanAccount
from medalopt.instance.routes import build_routes
from medalopt.proof.basis import BASIS_NOT_PROVEN, BASIS_PROVEN, BASIS_TOO_LARGE
from medalopt.proof.certificate import Certificate
from medalopt.proof.rows import ConstraintResidual
from medalopt.proof.saved_plan import Violation
from medalopt.proof.verdict import _check_certificate_claims, _check_lot_claims, _violated_rows, check_instance_match

SHOWN = Certificate(1e-10, 4.0, 2e-10, "exact rational", "instance", BASIS_PROVEN, "9/2")


def claimed(value: float = 0.5, status: str = "optimal", **changes: Any) -> Any:
    """Return a plan that claims `SHOWN`, with changes."""
    claim = {name: getattr(SHOWN, name) for name in SHOWN.__dataclass_fields__} | changes
    return SimpleNamespace(status=status, certificate=SimpleNamespace(**claim), objective=SimpleNamespace(value=value))


def wrong(found: Any) -> list[tuple[str, float]]:
    """Return path and amount of each violation."""
    listed = list(found)
    assert all(isinstance(each, Violation) and each.text for each in listed)
    return [(each.path, each.amount) for each in listed]


def test_what_is_shown_may_be_claimed() -> None:
    """The claims that follow, worse ones, and fewer, are no fault; nor is a plan that calls itself no optimum."""
    worse = {"primal_violation": 1e-3, "gap": 0.5, "lower_bound": -1e9, "basis": BASIS_NOT_PROVEN, "exact_value": None}
    less = [claimed(basis=basis, exact_value=None) for basis in ("", BASIS_NOT_PROVEN, BASIS_TOO_LARGE)]
    for plan in (claimed(), claimed(**worse), *less):
        assert wrong(_check_certificate_claims(plan, SHOWN)) == []
    wide = Certificate(0.0, 4.0, 0.25, SHOWN.arithmetic, SHOWN.scope)
    assert (
        wrong(_check_certificate_claims(claimed(status="feasible", gap=0.25, basis="", exact_value=None), wide)) == []
    )


def test_an_optimum_has_no_gap() -> None:
    """A gap of a thousand-millionth may be left, and the next larger one not; nor one that is no number."""
    for gap, broken in ((1e-9, []), (math.nextafter(1e-9, 1), [("status", math.nextafter(1e-9, 1))])):
        shown = Certificate(0.0, 4.0, gap, SHOWN.arithmetic, SHOWN.scope)
        plan = claimed(gap=gap, primal_violation=0.0, basis="", exact_value=None)
        assert wrong(_check_certificate_claims(plan, shown)) == broken
    nothing = Certificate(0.0, 4.0, math.nan, SHOWN.arithmetic, SHOWN.scope)
    assert [path for path, _ in wrong(_check_certificate_claims(claimed(basis="", exact_value=None), nothing))] == [
        "status",
        "certificate.gap",
    ]


@pytest.mark.parametrize(
    ("claim", "path"),
    [
        ({"basis": BASIS_PROVEN, "exact_value": "5"}, "certificate.basis"),
        ({"basis": BASIS_PROVEN, "exact_value": None}, "certificate.basis"),
        ({"basis": BASIS_NOT_PROVEN, "exact_value": "5"}, "certificate.basis"),
        ({"scope": "instance and 1 added row"}, "certificate.scope"),
        ({"arithmetic": "by heart"}, "certificate.arithmetic"),
    ],
)
def test_a_claim_in_words_must_be_the_one_that_follows(claim: dict[str, Any], path: str) -> None:
    """Another word is a fault of no size."""
    assert wrong(_check_certificate_claims(claimed(**claim), SHOWN)) == [(path, 0.0)]


@pytest.mark.parametrize(
    ("value", "name", "most", "sign"),
    [
        (0.5, "primal_violation", 1e-10 - 1e-9, -1),
        (0.5, "gap", 2e-10 - 1e-9, -1),
        (0.5, "lower_bound", 4.0 + 1e-9, 1),  # beside a value below 1 the slack is absolute
        (-8.0, "lower_bound", 4.0 + 8e-9, 1),
    ],
)
def test_a_claim_in_figures_may_be_better_by_the_tolerance(value: float, name: str, most: float, sign: int) -> None:
    """A numeric claim may exceed the value by 1e-9 of its size and no more; the difference is reported."""
    assert wrong(_check_certificate_claims(claimed(value, **{name: most}), SHOWN)) == []
    beyond = math.nextafter(most, sign * math.inf)
    off = abs(beyond - getattr(SHOWN, name))
    assert wrong(_check_certificate_claims(claimed(value, **{name: beyond}), SHOWN)) == [
        (f"certificate.{name}", pytest.approx(off))
    ]
    assert wrong(_check_certificate_claims(claimed(value, **{name: math.nan}), SHOWN))


def test_a_claim_far_off_is_reported_by_its_distance() -> None:
    """A gap of 0.25 where 0.5 is shown is 0.25 too little; a bound of 6 where 4 is shown 2 too much."""
    shown = Certificate(0.5, 4.0, 0.5, SHOWN.arithmetic, SHOWN.scope)
    plan = claimed(status="feasible", gap=0.25, primal_violation=0.125, lower_bound=6.0, basis="", exact_value=None)
    assert wrong(_check_certificate_claims(plan, shown)) == [
        ("certificate.primal_violation", 0.375),
        ("certificate.gap", 0.25),
        ("certificate.lower_bound", 2.0),
    ]


def test_a_plan_of_other_figures_is_stale() -> None:
    """A plan of the same parameters is accepted, one of others is stale."""
    instance: Any = SimpleNamespace(figures="a")
    of = SimpleNamespace(instance=SimpleNamespace(figures="a", name="x"))
    assert wrong(check_instance_match(instance, of)) == []
    of.instance.figures = "b"
    assert wrong(check_instance_match(instance, of)) == [("x", 0.0)]


LOTS = {"extra": 2.0, "above_bound": 3.0, "without": 8.0, "lower_bound": 7.0}


def of_lots(value: float, **changes: float) -> list[tuple[str, float]]:
    """Return the violations of claims on lots, for a plan of a given value and a bound of 7.5."""
    plan = SimpleNamespace(lots=SimpleNamespace(**(LOTS | changes)))
    return wrong(_check_lot_claims(plan, Certificate(0.0, 7.5, 0.0, "", ""), value, "JPY"))


def test_what_lots_cost_follows() -> None:
    """10 is 2 above the plan without lots and 3 above the bound; each value may be off by the tolerance of 10."""
    assert of_lots(10.0) == []
    for name, value in LOTS.items():
        assert of_lots(10.0, **{name: value + 0.9e-8})[:1] == []
        assert of_lots(10.0, **{name: value + 1.0})[0][0] in (f"lots.{name}", "lots.extra", "lots.above_bound")
    assert of_lots(10.0, extra=1.5) == [("lots.extra", 0.5)]
    assert of_lots(10.0, above_bound=3.25) == [("lots.above_bound", 0.25)]
    assert of_lots(10.0, without=7.0, extra=3.0) == [("lots.without", 0.5)]  # no plan lies below the bound
    assert of_lots(10.0, lower_bound=8.0, above_bound=2.0) == [("lots.lower_bound", 0.5)]
    assert of_lots(6.0, extra=0.0, above_bound=0.0) == []  # nothing is less than nothing
    assert of_lots(math.nan) != []
    nothing = {"extra": 1e-9, "above_bound": 0.0, "without": 8.0, "lower_bound": 7.5}
    assert of_lots(0.0, **nothing) == []  # beside a value below 1 the slack is absolute
    assert of_lots(0.0, **nothing | {"extra": math.nextafter(1e-9, 1)}) == [("lots.extra", pytest.approx(1e-9))]


def account() -> PlanAccount:
    """Return a plan account of three streams, two of them in a bundle, without metal."""
    stream = {"device": "phone", "region": "north", "available": "10 t"}
    streams = [stream | {"name": "a"}, stream | {"name": "b", "bundle": "box"}, stream | {"name": "c", "bundle": "box"}]
    treatments = {"whole": {"to_smelter": 1}, "sold": {"to_smelter": 0}}
    instance = loaded(changed(streams=streams, treatments=treatments))
    found = build_routes(instance)
    return PlanAccount(instance, found, Decisions(*(np.zeros(0) for _ in range(6))))


def rows(excess: Any, size: Any, axes: tuple[str, ...] = ("stream", "period")) -> list[Violation]:
    """Return the violated rows."""
    of = account()
    return _violated_rows(
        of.instance, of, ConstraintResidual("family", "rule", "t", axes, np.array(excess), np.array(size))
    )


def test_a_row_is_broken_beyond_a_share_of_its_size() -> None:
    """An excess of 1e-9 of the size is accepted, the next larger float is not; without a size, 1e-9 of 1."""
    beyond = math.nextafter(1e-9, 1)
    assert rows([[1e-9, 5e-10], [2e-9, 1e-9], [0.0, 0.0]], [[1.0, 0.5], [2.0, 0.0], [4.0, 0.0]]) == []
    found = rows([[beyond, 6e-10], [0.0, 0.0], [0.0, 0.0]], [[0.0, 0.5], [2.0, 1.0], [0.0, 0.0]])
    assert wrong(found) == [("rule.a.1", beyond), ("rule.a.2", 6e-10)]
    assert [each.text for each in found] == [
        "family: rule[a, 1] violated by 1e-09 t",
        "family: rule[a, 2] violated by 6e-10 t",
    ]
    assert wrong(rows([[math.nan, 0.0]] * 3, np.ones((3, 2))))[0][0] == "rule.a.1"


def test_the_worst_rows_are_named_and_the_rest_counted() -> None:
    """Of six rows the five worst are named, the worst first, with one more; of five all five."""
    six = [[1.0, 6.0], [2.0, 5.0], [3.0, 4.0]]
    found = rows(six, np.ones((3, 2)))
    assert [each.amount for each in found] == [6.0, 5.0, 4.0, 3.0, 2.0]
    assert [each.text.endswith("; and 1 more") for each in found] == [False] * 4 + [True]
    five = rows([[0.0, 6.0], *six[1:]], np.ones((3, 2)))
    assert len(five) == 5 and not any("more" in each.text for each in five)


def test_a_row_is_named_by_what_it_is_of() -> None:
    """A route is named by stream, treatment and smelter if any, a bundle by its names, a cap by none."""
    of = account()
    sent = [each.path for each in rows(np.ones((len(of.routes), 1)), 1.0, ("route", "period"))]
    assert sent[:2] == ["rule.a.sold.1", "rule.a.whole.smelter.1"]
    assert [each.path for each in rows([[1.0]], [[1.0]], ("bundle", "period"))] == [
        f"rule.{'.'.join(of.instance.bundles[0])}.1"
    ]
    assert [each.path for each in rows([1.0], [1.0], ())] == ["rule"]
