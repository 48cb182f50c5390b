"""Invariants of the trace: mass is conserved, and equal inputs have equal destinations."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from tests.report.plans import plan

from medalopt import Plan
from medalopt.analysis.sourcing.metals import (
    MetalDestination,
    MetalTrace,
    StreamLoss,
    compute_destination_shares,
    trace_metal,
)

SCRAPPY = (("alloys.bronze.scrap", "{share: 20 %, returned: 50 %, lead: 2}"), ("alloys.bronze.loss", "3 %"))
ALLOWED = (("medals.silver.allowance", "10 %"),)
PLANS = (("tiny",), ("tiny", *SCRAPPY), ("tiny", *ALLOWED), ("tokyo2020",), ("rio2016",))


@cache
def traced(*name: object) -> tuple[Plan, MetalTrace]:
    """Return a plan and its trace."""
    one = plan(*name)  # type: ignore[arg-type]
    return one, trace_metal(one.account)


EACH = [pytest.param(name, id=f"{name[0]}{len(name)}") for name in PLANS]


@pytest.mark.parametrize("name", EACH)
def test_all_that_comes_onto_the_account_ends_somewhere(name: tuple[object, ...]) -> None:
    """Returns, purchases and opening stock equal the sum of the destinations by metal."""
    one, found = traced(*name)
    account, instance = one.account, one.instance
    returned = account.returned.sum(axis=(0, 2))
    np.testing.assert_allclose(found.returned.sum(axis=(1, 2)), returned, rtol=1e-9)
    bought = account.decisions.bought.sum(axis=(1, 2)) @ instance.market.composition.value
    np.testing.assert_allclose(found.bought.sum(axis=(1, 2)), bought, rtol=1e-9)
    np.testing.assert_allclose(found.opening.sum(axis=1), instance.metals.opening_stock.value, rtol=1e-9)


@pytest.mark.parametrize("name", EACH)
def test_each_end_receives_what_the_plan_says(name: tuple[object, ...]) -> None:
    """Surplus, left with smelters or not, and stock equal the account, and the other destinations the charges."""
    one, found = traced(*name)
    ends = found.returned.sum(axis=1) + found.bought.sum(axis=1) + found.opening
    made, whole = one.account.decisions, max(ends.sum(), 1)
    surplus = (made.surplus + one.account.left).sum(axis=1)
    np.testing.assert_allclose(ends[:, MetalDestination.SURPLUS], surplus, rtol=1e-9, atol=1e-12 * whole)
    np.testing.assert_allclose(ends[:, MetalDestination.STOCK], one.account.stock[:, -1], atol=1e-9 * whole)
    charged = one.account.composition.sum(axis=(0, 2))
    np.testing.assert_allclose(ends[:, : MetalDestination.SURPLUS].sum(axis=1), charged, rtol=1e-9)


@pytest.mark.parametrize("name", EACH)
def test_every_stream_is_conserved(name: tuple[object, ...]) -> None:
    """The metal in each stream by its assay ends in medals or in a named loss."""
    one, found = traced(*name)
    instance = one.instance
    kilograms = found.returned.sum(axis=2) + found.destinations.sum(axis=2)  # (E, J)
    by_stream = np.zeros((len(instance.streams.names), len(instance.metals.names)))
    np.add.at(by_stream, one.account.routes.stream[found.routes], kilograms.T)
    expected = one.account.sent[:, None] * instance.devices.assay.value[instance.streams.device]
    np.testing.assert_allclose(by_stream, expected, rtol=1e-9, atol=1e-12)
    assert (found.destinations >= 0).all()
    assert (found.returned >= 0).all()


@pytest.mark.parametrize("name", EACH)
def test_the_medals_hold_their_alloy(name: tuple[object, ...]) -> None:
    """The metal in a kind of medal equals the mass of its parts less unnamed matter."""
    one, found = traced(*name)
    medals = one.instance.medals
    metal = (found.returned.sum(axis=1) + found.bought.sum(axis=1) + found.opening)[:, : len(medals.names)].sum(axis=0)
    weight = (medals.parts.value * medals.count[:, None]).sum(axis=1)
    assert (metal <= weight * (1 + 1e-9)).all()
    assert (metal >= 0.97 * weight).all()


def test_scrap_goes_round_until_it_is_used_up() -> None:
    """Of one melt and its scrap, charged again and again, shares are those of the geometric series."""
    one, _ = traced("tiny", *SCRAPPY)
    alloy = one.instance.alloys.names.index("bronze")
    shares = compute_destination_shares(one.account)[0][alloy]
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-12)
    last = shares[-1]  # what is charged last falls as scrap that nobody charges again
    assert last[MetalDestination.MELT] == pytest.approx(0.03)
    assert last[MetalDestination.SCRAP_LOST] == pytest.approx(0.97 * 0.2 * 0.5)
    assert last[MetalDestination.SCRAP_LEFT] == pytest.approx(0.97 * 0.2 * 0.5)
    assert last[one.instance.medals.names.index("bronze")] == pytest.approx(0.97 * 0.8)


def test_an_allowance_never_comes_back() -> None:
    """One tenth of the silver medals' metal is their allowance; the gold medals have none."""
    one, found = traced("tiny", *ALLOWED)
    silver = one.instance.metals.names.index("Ag")
    ends = (found.returned.sum(axis=1) + found.bought.sum(axis=1) + found.opening)[silver]
    kind = one.instance.medals.names.index("silver")
    assert ends[MetalDestination.ALLOWANCE] == pytest.approx(0.1 * ends[kind])


def test_medals_struck_early_hold_nothing_that_came_late() -> None:
    """The gold medals are due in May: metal that returns in June is in none of them."""
    one, _ = traced("tiny")
    charged, stocked = compute_destination_shares(one.account)
    gold = one.instance.medals.names.index("gold")
    assert charged[:, 2:, gold].sum() == 0
    assert stocked[:, 2:, gold].sum() == 0
    assert charged[:, :2, gold].sum() > 0


def test_metal_of_others_is_distinguished() -> None:
    """Of a stream of which three quarters are credited a third as much goes to other projects."""
    one, found = traced("tiny", ("streams.phone@east.credited", "75 %"))
    east = np.flatnonzero(
        one.account.routes.stream[found.routes] == one.instance.streams.names.index("phone@east"),
    )
    elsewhere = found.destinations[:, east, StreamLoss.ELSEWHERE].sum()
    assert elsewhere == pytest.approx(found.returned[:, east].sum() / 3)


def test_metal_that_comes_too_late_is_distinguished() -> None:
    """Were all smelters slower than the plan is long, all that they return would come too late."""
    one, found = traced("tiny")
    smelters = replace(one.instance.smelters, lead=one.instance.smelters.lead + 4)
    late = trace_metal(replace(one.account, instance=replace(one.instance, smelters=smelters)))
    assert late.returned.sum() == 0
    assert late.destinations[:, :, StreamLoss.LATE].sum() == pytest.approx(found.returned.sum())
    assert found.destinations[:, :, StreamLoss.LATE].sum() == 0
