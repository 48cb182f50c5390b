"""Metal accounts, melt cards and yield uncertainty of a plan."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.analysis.sourcing.test_traceability import SCRAPPY
from tests.report.plans import plan

from medalopt.analysis.sourcing.metals import (
    compute_fineness,
    compute_metal_account,
    compute_return_uncertainty,
    compute_scrap_account,
    count_strikable_medals,
    find_plating_alloys,
    get_relative_deviations,
)
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arrays import ExactArray
from medalopt.instance.instance import Instance
from medalopt.instance.routes import build_routes

PLANS = [("tiny",), ("tiny", *SCRAPPY), ("tokyo2020",)]


@pytest.mark.parametrize("name", PLANS)
def test_the_scrap_account_balances(name: tuple[str, ...]) -> None:
    """Process scrap is lost, recharged, in stock or not yet usable; each period starts with the last stock."""
    one = plan(*name)  # type: ignore[arg-type]
    found = compute_scrap_account(one.account)
    there, gone = found.opening + found.fit, found.recharged + found.closing
    np.testing.assert_allclose(there, gone, atol=1e-9 * found.cast.max())
    ends = (found.lost + found.recharged).sum(axis=1) + found.closing[:, -1] + found.waiting[:, -1]
    np.testing.assert_allclose(found.fallen.sum(axis=1), ends, rtol=1e-9)
    assert (found.opening[:, 1:] == found.closing[:, :-1]).all()


def test_scrap_that_is_left_has_the_worth_that_the_plan_counts() -> None:
    """The value of the scrap left equals the credit in the cost of the plan."""
    one = plan("tiny", ("alloys.silver_925.scrap.value", "50 JPY/g"))
    assert compute_scrap_account(one.account).value[:, -1].sum() == pytest.approx(-one.costs["scrap"])
    assert one.costs["scrap"] < 0


@pytest.mark.parametrize("name", PLANS)
def test_what_is_cast_is_inside_its_window(name: tuple[str, ...]) -> None:
    """Fineness lies between least and greatest also with process scrap, and where no others are let in it is whole."""
    one = plan(*name)  # type: ignore[arg-type]
    alloys, cast = one.instance.alloys, one.account.cast > 0
    share = compute_fineness(one.account).transpose(0, 2, 1)[cast]  # (heats, E)
    alloy = np.nonzero(cast)[0]
    assert (share >= alloys.low.value[alloy] - 1e-9).all()
    named = alloys.named[alloy]
    assert (share[named] <= alloys.high.value[alloy][named] + 1e-9).all()
    others = 1 - np.where(named, share, 0).sum(axis=1)
    most = np.where(alloys.admits_others, alloys.others.value, 1)[alloy]
    assert (others <= most + 1e-9).all()


def test_scrap_brings_its_own_metal() -> None:
    """A heat of fresh metal and scrap lies between the two: by hand for the silver of May."""
    one = plan("tiny", ("alloys.silver_925.composition.Ag", "[92.5 %, 100 %]"), ("market.old_silver.limit", "20 kg"))
    share = compute_fineness(one.account)
    alloy, silver = one.instance.alloys.names.index("silver_925"), one.instance.metals.names.index("Ag")
    fresh, again = one.account.composition[alloy, silver, 1], one.account.decisions.recharged[alloy, 1]
    expected = (fresh + again * share[alloy, silver, 0]) / (one.account.charge[alloy, 1] + again)
    assert again > 0
    assert share[alloy, silver, 1] == pytest.approx(expected)


@pytest.mark.parametrize("name", [*PLANS, ("tiny", ("medals.silver.allowance", "10 %"))])
def test_medals_are_struck_in_time_and_of_what_is_there(name: tuple[str, ...]) -> None:
    """Every kind is whole when it is due, no count ever falls, and no medal is struck of metal that is not cast."""
    one = plan(*name)  # type: ignore[arg-type]
    made, medals = count_strikable_medals(one.account), one.instance.medals
    assert [int(made[m, due]) for m, due in enumerate(medals.due)] == medals.count.tolist()
    assert (np.diff(made, axis=1) >= 0).all()
    need = medals.parts.value * (1 + medals.allowance.value)[:, None]
    blanks = ((1 - one.instance.alloys.scrap_share.value)[:, None] * one.account.cast).cumsum(axis=1)
    assert (need.T @ made <= blanks * (1 + 1e-6)).all()


def test_plating_is_a_small_part_of_every_medal() -> None:
    """The gold of Tokyo's medals is plating; tiny has none."""
    tokyo, tiny = plan("tokyo2020"), plan("tiny")
    assert [tokyo.instance.alloys.names[a] for a in np.flatnonzero(find_plating_alloys(tokyo.account))] == [
        "gold_plate"
    ]
    assert not find_plating_alloys(tiny.account).any()


NAMES = ("tiny", "tokyo2020")


@pytest.mark.parametrize("name", NAMES)
def test_the_account_balances(name: str) -> None:
    """Opening stock and inflow equal outflow and closing stock, for every metal and period."""
    found = compute_metal_account(plan(name).account)
    into, out = found.opening + found.returned + found.bought, found.charged + found.surplus + found.closing
    np.testing.assert_allclose(into, out, rtol=1e-9, atol=1e-9 * into.max())
    assert (found.opening[:, 1:] == found.closing[:, :-1]).all()
    assert (found.closing >= 0).all()


def test_it_says_what_the_plan_says() -> None:
    """Returned, left and closing are those of the plan's table of metals, charged is that of its melts."""
    one = plan("tiny")
    found = compute_metal_account(one.account)
    for mine, column in ((found.returned, "returned"), (found.surplus, "surplus"), (found.closing, "stock")):
        assert mine.ravel().tolist() == one.tables["metals"][column]
    melts = one.melts.query("metal != 'other'").groupby("metal")["charged [kg]"].sum()
    assert found.charged.sum(axis=1) == pytest.approx([melts[metal] for metal in one.instance.metals.names])


def test_what_is_owed_is_what_the_medals_hold() -> None:
    """The 6,000 bronze medals of half a kilogram and 60 of silver are owed at the end, 38 of them in May."""
    one = plan("tiny")
    found = compute_metal_account(one.account)
    assert found.metal_due[:, -1].sum() == pytest.approx(6000 * 0.5 + 60 * 0.5, rel=0.02)  # the rest is no metal
    silver = found.metal_due[one.instance.metals.names.index("Ag")]
    assert silver[:2].tolist() == pytest.approx([0, 38 * 0.5 * 0.925])


STEP = 1e-6
PHONE, NEAR = "phone", "near"


def _account(instance: Instance) -> PlanAccount:
    """Return the account of tiny's shipments for `instance`."""
    return PlanAccount(instance, build_routes(instance), plan("tiny").account.decisions)


def _scaled(figures: ExactArray, rows: object, by: float) -> ExactArray:
    value = figures.value.copy()
    value[rows] *= by
    return ExactArray(value, np.zeros(value.shape, dtype=np.intp))


def _moved(base: Instance, section: str, by: float) -> Instance:
    """Return `base` with the assay of phones, the recovery of dismantling or the returns of `near` times `by`."""
    if section == "devices":
        at = base.devices.names.index(PHONE)
        return replace(base, devices=replace(base.devices, assay=_scaled(base.devices.assay, at, by)))
    if section == "treatments":
        at = base.treatments.names.index("dismantle")
        return replace(base, treatments=replace(base.treatments, recovery=_scaled(base.treatments.recovery, at, by)))
    lines = base.terms.smelter == base.smelters.names.index(NEAR)
    return replace(base, terms=replace(base.terms, returned=_scaled(base.terms.returned, lines, by)))


@pytest.mark.parametrize("deduction", [0.0, 0.2])
@pytest.mark.parametrize(("section", "name"), [("devices", PHONE), ("treatments", "dismantle"), ("smelters", NEAR)])
def test_one_figure_spreads_as_far_as_it_moves_the_metal(section: str, name: str, deduction: float) -> None:
    """With one uncertain parameter the deviation is its derivative, below a deduction too."""
    base = plan("tiny").instance
    terms = replace(
        base.terms, deduction=ExactArray(np.full_like(base.terms.deduction.raw, deduction), np.zeros((), int))
    )
    base = replace(base, terms=terms, annex={f"{section}_cv": {name: {"cv": 0.3}}})
    found = compute_return_uncertainty(_account(base))
    assert found is not None
    moved = [_account(_moved(base, section, 1 + sign * STEP)).returned.sum(axis=0) for sign in (1, -1)]
    expected = 0.3 * (moved[0] - moved[1]) / (2 * STEP)
    assert expected.max() > 0
    np.testing.assert_allclose(found.correlated, expected, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(found.correlated_cumulated, expected.cumsum(axis=1), rtol=1e-6, atol=1e-7)


def test_lots_that_differ_by_themselves_even_out() -> None:
    """Lots apart never spread further than lots alike, and over two months less far."""
    base = plan("tiny").instance
    found = compute_return_uncertainty(
        _account(replace(base, annex={"devices_cv": {"laptop": {"cv": {"Ag": 0.4, "default": 0.1}}}}))
    )
    assert found is not None
    assert (found.independent <= found.correlated * (1 + 1e-12)).all()
    assert found.independent_cumulated[0, -1] < 0.9 * found.correlated_cumulated[0, -1]


def test_deviations_add_up_as_squares() -> None:
    """Two independent figures spread as the root of the sum of the squares of each alone."""
    base = plan("tiny").instance
    devices, smelters = {"devices_cv": {PHONE: {"cv": 0.3}}}, {"smelters_cv": {NEAR: {"cv": 0.1}}}
    alone = [compute_return_uncertainty(_account(replace(base, annex=annex))) for annex in (devices, smelters)]
    both = compute_return_uncertainty(_account(replace(base, annex={**devices, **smelters})))
    assert both is not None
    np.testing.assert_allclose(both.correlated**2, sum(one.correlated**2 for one in alone if one))


def test_without_cv_there_is_no_spread() -> None:
    """An instance without cv has no ranges; a cv of prices gives none of returns."""
    assert compute_return_uncertainty(plan("tiny").account) is None
    assert (
        compute_return_uncertainty(_account(replace(plan("tiny").instance, annex={"market_cv": {"zinc": {"cv": 0.1}}})))
        is None
    )


def test_a_cv_is_read_by_metal() -> None:
    """A metal that is not named has the default, or none."""
    base = plan("tiny").instance
    given = replace(base, annex={"devices_cv": {PHONE: {"cv": {"Ag": 0.4}}, "laptop": {"correlation": 0.5}}})
    table = get_relative_deviations(given, "devices", base.devices.names)
    assert table[base.devices.names.index(PHONE)].tolist() == [0.4, 0, 0]
    assert table.sum() == 0.4
