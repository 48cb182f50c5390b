"""The catalogue is complete: it has every component of the program, and every registry over families covers it."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyomo.core as pyo
import pytest
from tests.laws import pool
from tests.model.cases import ROOT, loaded
from tests.random_instances import (
    with_activities,
    with_concentration,
    with_falling_prices,
    with_fractions,
    with_impurities,
    with_offer_stock,
    with_pools,
    with_price_steps,
    with_reserve,
    with_settlement,
    with_shortfall,
    with_stock,
)

import medalopt
from medalopt import catalog
from medalopt.analysis.infeasibility import conflict, messages
from medalopt.analysis.infeasibility.messages import RuleKey
from medalopt.analysis.sensitivity import parameter_derivatives, uncertain_parameters
from medalopt.catalog import FAMILIES, LOWER, ORDER_VARIABLES, PARAMETER_TITLES, UPPER, VARIABLES, Limit
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.bounds import compute_bounds, get_limit, list_axis_names, list_axis_titles
from medalopt.instance.instance import Instance
from medalopt.instance.routes import build_routes
from medalopt.instance.schema.validation import find_parameter_kind
from medalopt.instance.settlement import make_empty_decisions
from medalopt.model.build import SETTLEMENT_ROWS
from medalopt.proof import extensions
from medalopt.proof.bound import compute_lower_bound
from medalopt.proof.prices import build_prices, list_price_axes
from medalopt.proof.rows import compute_residuals, compute_totals, measure_policies
from medalopt.report import infeasible, shadow_prices

LIMITS = [limit for _, limit in catalog.list_limits()]
EVERYTHING, LOTS = ROOT / "tests" / "planted" / "instances", ROOT / "tests" / "solver" / "lots.yaml"


@cache
def instances() -> list[Instance]:
    """Return instances that together use every family and every variable: by hand and at random."""
    by_hand = [medalopt.load(path) for path in (*sorted(EVERYTHING.glob("*.yaml")), LOTS)]
    makers = (
        *(with_stock, with_pools, with_concentration, with_shortfall),
        *(with_offer_stock, with_settlement, with_reserve, with_impurities, with_fractions, with_activities),
        *(with_price_steps, with_falling_prices),
    )
    return [*by_hand, *(loaded(make(seed)) for make in makers for seed in range(9))]


@pytest.fixture(scope="module")
def models() -> list[pyo.ConcreteModel]:
    """Return the models of the instances that use everything."""
    return [medalopt.build(instance) for instance in instances()]


def components(models: list[pyo.ConcreteModel], kind: type) -> dict[str, set[int]]:
    """Return the components with any member, and how many indices their members have."""
    found: dict[str, set[int]] = {}
    for model in models:
        for part in model.component_objects(kind):
            for index in part:
                found.setdefault(part.name, set()).add(
                    len(index) if isinstance(index, tuple) else int(index is not None)
                )
    return found


def test_every_constraint_of_the_model_is_in_the_catalogue(models: list[pyo.ConcreteModel]) -> None:
    """All rows but the definitions of variables are families of the catalogue, with as many indices."""
    rows = {
        name: widths for name, widths in components(models, pyo.Constraint).items() if not name.startswith("define_")
    }
    assert rows == {name: {len(family.axes)} for name, family in FAMILIES.items()}


def test_every_variable_of_the_model_is_in_the_catalogue(models: list[pyo.ConcreteModel]) -> None:
    """All variables are in the catalogue, with the axes of their indices, and each definition defines one of them."""
    widths = extensions._AXIS_WIDTHS
    listed = {
        name: {sum(widths.get(axis, 1) for axis in axes)} for name, axes in {**VARIABLES, **ORDER_VARIABLES}.items()
    }
    assert components(models, pyo.Var) == listed
    defined = {name for name in components(models, pyo.Constraint) if name.startswith("define_")}
    assert {name.removeprefix("define_") for name in defined} <= listed.keys()


def test_the_dual_values_cover_the_catalogue() -> None:
    """Every family whose duals enter the certificate has its prices; those of bundles count as supply."""
    priced = {name for name, family in FAMILIES.items() if family.priced}
    instance = pool.instance(15)
    assert vars(build_prices(instance, {})).keys() == priced - {"bundle_supply"}
    assert list_price_axes(instance).keys() == priced
    assert {name for name, _, _ in SETTLEMENT_ROWS} == {name for name in FAMILIES if name.startswith("withheld")}


def test_every_dual_value_counts_in_the_bound(models: list[pyo.ConcreteModel]) -> None:
    """Of each family the lower bound of some instance is another without its dual values."""
    random, priced = np.random.default_rng(1), [name for name, family in FAMILIES.items() if family.priced]
    idle = {*priced} - {"bundle_supply"}  # whose dual values are those of supply
    for instance, model in zip(instances(), models, strict=True):
        routes = build_routes(instance)
        bounds = compute_bounds(instance, routes)
        rows = {name: list(model.component(name) or ()) for name in priced}
        duals = {name: {index: random.normal(0, 1e4) for index in indices} for name, indices in rows.items()}
        y = build_prices(instance, duals)
        whole = compute_lower_bound(instance, routes, bounds, y, "cost")
        for name in sorted(idle):
            without = y.replace(**{name: 0 * getattr(y, name)})
            if compute_lower_bound(instance, routes, bounds, without, "cost") != whole:
                idle.discard(name)
    assert not idle


def test_every_family_has_residuals() -> None:
    """The certificate measures every family on a plan; castings are computed by the equation of the melt."""
    measured = set()
    for instance in instances():
        routes = build_routes(instance)
        account = PlanAccount(instance, routes, make_empty_decisions(instance, routes))
        measured |= {rule.name for rule in compute_residuals(account, compute_bounds(instance, routes))}
    assert {name for name, family in FAMILIES.items() if family.priced} - measured == {"melt"}


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.kind)
def test_a_limit_is_where_its_path_says(limit: Limit) -> None:
    """Its path is a parameter of the format in its unit, its array is in the instance, and it is found by its path."""
    kind = find_parameter_kind(limit.figure("Ag"))
    assert kind is not None
    family, found = catalog.find_limit(limit.locate("Ag"))
    assert found is limit and limit in family.limits
    instance = medalopt.load(ROOT / "instances" / "tiny.yaml")
    shape = tuple(len(list_axis_names(instance)[axis]) for axis in family.axes)
    assert get_limit(instance, limit).value.shape == (() if limit.common else shape)
    assert len(list_axis_titles(instance, family.axes)) == (shape[0] if shape else 1)


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.kind)
def test_a_limit_is_put_into_words_everywhere(limit: Limit) -> None:
    """It has its texts, a title as a parameter, and a phrase for a repair that moves it."""
    assert limit.title and limit.effect
    assert limit.rule or limit.field == "capacity"
    assert limit.sentence or limit.kind in messages.SPECIAL_STATEMENTS
    field = limit.parameter
    assert (limit.section, field) in PARAMETER_TITLES
    assert (limit.section, field) in uncertain_parameters._VARIED_FIELDS
    assert limit.repair or (limit.section, field) in infeasible._CHANGE_PHRASES
    assert limit.section in shadow_prices._RANKS


def test_signs_follow_from_the_limits() -> None:
    """A family with lower bounds alone has duals of at least 0, one with upper bounds alone of at most 0."""
    for family in FAMILIES.values():
        if family.limits:
            sides = {limit.side for limit in family.limits}
            assert family.sign == {frozenset({LOWER}): 1, frozenset({UPPER}): -1}.get(frozenset(sides), 0)
    steps = {limit.kind: limit.step for limit in LIMITS}
    assert (steps["recycled"], steps["mix_low"], steps["mix_high"], steps["offer_limit"]) == (-1, -1, 1, 1)


def test_shares_know_what_they_are_shares_of() -> None:
    """Every policy on shares measures one quantity for each row, and what it is a share of."""
    account, axes = pool.solved(pool.instance(0)).account, list_axis_names(pool.instance(0))
    measured = measure_policies(account.instance.policy, compute_totals(account))
    shares = {family.name: family for family, limit in catalog.list_limits("policy") if limit.unit == "%"}
    assert measured.keys() == shares.keys()
    for name, (quantity, whole) in measured.items():
        assert quantity.shape == whole.shape == (len(axes[shares[name].axes[0]]),)


def test_a_family_is_written_in_few_files() -> None:
    """At most nine source files name the example of the page on new families, and the page lists each of them."""
    folder, page = ROOT / "src" / "medalopt", ROOT / "docs" / "how-to" / "add_a_constraint.md"
    named = [path for path in sorted(folder.rglob("*.py")) if "concentration" in path.read_text(encoding="utf-8")]
    assert len(named) <= 9
    places = page.read_text(encoding="utf-8").split("## Tests of")[0]
    assert [path for path in named if f"`{path.relative_to(folder).as_posix()}`" not in places] == []


def test_right_hand_sides_have_derivatives() -> None:
    """Every limit that is no share of other quantities has a range; shares enter the matrix and have none."""
    ranged = {(limit.section, limit.parameter) for limit in LIMITS if limit.section != "policy"}
    assert ranged <= parameter_derivatives._ROW_SHIFT_RULES.keys()


def test_conflicts_cover_the_catalogue() -> None:
    """Every row that is no balance is a rule of a conflict, in words and with a place in the deletion order."""
    stated = {name: family for name, family in FAMILIES.items() if family.priced and not family.identity}
    kinds = {limit.kind for family in stated.values() for limit in family.limits}
    kinds |= {kind for name in stated if not stated[name].limits for kind in conflict._KINDS_BY_END.get(name, (name,))}
    assert conflict.RULE_FAMILIES.keys() == kinds | {"extension", "stockpile"}
    assert set(conflict._DROPPED_LAST) <= conflict.DELETION_ORDER.keys() == conflict.RULE_FAMILIES.keys()
    for name, family in stated.items():
        index = tuple("x" for _ in family.axes)
        for end in (LOWER, UPPER):
            rule = conflict.identify_rule((name, index), end)
            assert rule is not None and isinstance(rule[0], RuleKey) and rule[0].kind in conflict.RULE_FAMILIES


def test_parameters_exist_in_the_format() -> None:
    """Every parameter that is varied in turn is one of the format."""
    for section, field in PARAMETER_TITLES:
        own = "smelters" if field == "concentration" else "Ag"
        path = {"policy": (section, field, own), "exchange": (section, "USD"), "transport_rate": (section,)}.get(
            section, (section, "Ag", *field.split("."))
        )
        tries = (
            path,
            (*path, "Ag"),
            (*path, "limit"),
            (*path, "Ag", "charge"),
            (*path, "Ag", "most"),
            (*path[:3], "Ag", path[-1]),
            path[:2],
        )
        assert any(find_parameter_kind(one) for one in tries), path
