"""Orders by role: each cost on the order of its party, who pays it, how much less the plan bears, and the claims."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.report.plans import plan
from tests.report.reading import list_numbers
from tests.report.sourcing.parties import PARTY, with_parties

from medalopt import Plan
from medalopt.analysis.sourcing.metals import list_claims
from medalopt.analysis.sourcing.orders import CALL_OFF, allocate_payments
from medalopt.analysis.sourcing.plan_analyses import (
    OrderMargin,
    compute_order_margins,
    compute_spare_metal,
    find_rounding_shortages,
)
from medalopt.instance.accounting import PlanAccount
from medalopt.report.document import OrderDocument, get_cell_number
from medalopt.report.sourcing.compliance import tabulate_claims
from medalopt.report.sourcing.order_layout import compute_rounding
from medalopt.report.sourcing.order_terms import (
    COLLECTION_ORDER,
    QUANTITY_TOLERANCE,
    TRANSPORT_ORDER,
    OrderContext,
    describe_tolerance,
)
from medalopt.report.sourcing.orders import build_orders
from medalopt.report.sourcing.procurement import tabulate_price_exposure

ROLES = {
    "towns": {"role": "collector", "legal_name": "The towns"},
    "river": {**PARTY, "role": "operator", "regions": ["east", "south"]},
    "hauler": {"role": "carrier"},
    "bullion": {"role": "seller", "offers": ["mined_silver"], "legal_name": "Bullion House"},
    "group": {"role": "smelter", "smelters": ["near"], "legal_name": "Group Smelting"},
}


@pytest.fixture(scope="module")
def made() -> Plan:
    """Return the small plan with parties for every role, and two who pay."""
    one = with_parties(plan("tiny"), ROLES)
    payers = {"default": "games", "collection": "towns"}
    return replace(
        one,
        instance=replace(one.instance, annex={**one.instance.annex, "payers": payers}),
        account=replace(one.account, instance=replace(one.instance, annex={**one.instance.annex, "payers": payers})),
    )


@pytest.fixture(scope="module")
def orders(made: Plan) -> tuple[OrderDocument, ...]:
    """Return its orders."""
    return build_orders(made).documents


def _sum(documents: tuple[OrderDocument, ...], kind: str, key: str = "amount") -> float:
    found = 0.0
    for document in documents:
        if document.kind == kind:
            at = [column.key for column in document.lines.columns].index(key)
            found += sum(get_cell_number(row[at]) for row in document.lines.rows)
    return found


def test_each_cost_is_on_the_order_of_its_party(made: Plan, orders: tuple[OrderDocument, ...]) -> None:
    """The towns collect everywhere, the river treats in two regions, and the hauler carries the feed of all."""
    named = [(one.kind, one.party[0], dict(one.party).get("Region")) for one in orders[:8]]
    assert named == [
        (COLLECTION_ORDER, ("Collector", "towns"), "east"),
        (COLLECTION_ORDER, ("Collector", "towns"), "south"),
        (CALL_OFF, ("Operator", "river"), "east"),
        (CALL_OFF, ("Operator", "river"), "south"),
        (CALL_OFF, ("Operator", "towns"), "west"),
        *((TRANSPORT_ORDER, ("Carrier", "hauler"), region) for region in ("east", "south", "west")),
    ]
    assert _sum(orders, TRANSPORT_ORDER, "tonnes_t") == pytest.approx(float(made.account.feed.sum()))
    assert sum(_sum(orders, kind) for kind in {one.kind for one in orders}) == pytest.approx(made.cost)
    by_party = dict.fromkeys(("towns", "river", "hauler"), 0.0)
    for one in orders[:8]:
        by_party[one.party[0][1]] += _sum((one,), one.kind)
    paid = allocate_payments(made.account)
    assert dict(zip(paid.parties[CALL_OFF], paid.of(CALL_OFF).sum(axis=1).tolist(), strict=True)) == pytest.approx(
        by_party
    )


def test_who_pays_for_a_stream_and_collects_it_has_its_order() -> None:
    """A collector that pays for a stream is ordered to hand it over; the margins are those of each order alone."""
    one = with_parties(plan("tiny"), {**ROLES, "shops": {"role": "collector", "regions": []}})
    annex = {**one.instance.annex, "streams_payers": {"phone@east": "shops"}}
    instance = replace(one.instance, annex=annex)
    one = replace(one, instance=instance, account=replace(one.account, instance=instance))
    orders = [order for order in build_orders(one).documents if order.kind == COLLECTION_ORDER]
    (shop,) = [order for order in orders if order.party[0][1] == "shops"]
    assert {row[0] for row in shop.lines.rows} == {"phone@east"} and dict(shop.party)["Region"] == "east"
    towns = [row for order in orders for row in order.lines.rows if order is not shop]
    assert towns and "phone@east" not in {row[0] for row in towns}
    paid = allocate_payments(one.account)
    assert paid.of(CALL_OFF)[paid.parties[CALL_OFF].index("shops")].sum() == pytest.approx(
        _sum((shop,), COLLECTION_ORDER)
    )
    margins = compute_order_margins(one.account).collections
    assert set(margins) == {("shops", 0), ("towns", 0), ("towns", 1), ("towns", 2)}


def test_an_order_names_buyer_payers_places_and_firms(orders: tuple[OrderDocument, ...]) -> None:
    """Collection is the towns' own bill; goods go to the next party on their way, and metal to the mint."""
    collection, call_off = orders[0], orders[2]
    assert dict(collection.terms)["Paid by"].startswith("towns 192,019 JPY; games 2,750 JPY")
    assert dict(collection.terms)["Buyer"] == "Organising Committee, 1 Games Road"
    assert dict(collection.party)["Deliver to"] == "the operator, Near Smelting K.K."
    assert dict(call_off.party)["Deliver to"] == "gate 2" and not call_off.missing
    by_name = {one.party[0][1]: one for one in orders}
    assert dict(by_name["near"].party)["Firm"] == "group"
    assert dict(by_name["near"].party)["Legal name"] == "Group Smelting"
    assert dict(by_name["near"].terms)["Return to"] == "Example Mint, gate 1"
    assert dict(by_name["mined_silver"].party)["Legal name"] == "Bullion House"
    assert dict(by_name["mined_silver"].party)["Deliver to"] == "Example Mint, gate 1"


def _is_short(account: PlanAccount, share: float, region: int) -> bool:
    """Return whether a metal is short where a region sends so much less."""
    own = account.instance.streams.region[account.routes.stream] == region
    sent = account.decisions.sent * np.where(own, 1 - share, 1.0)[:, None]
    spare = compute_spare_metal(replace(account, decisions=replace(account.decisions, sent=sent)))
    return bool((spare < -1e-7).any())


@pytest.mark.parametrize("name", ["tiny", "rio2016"])
def test_a_plan_breaks_just_beyond_the_margin_of_an_order(name: str) -> None:
    """An order short by its margin leaves enough of every metal; a little more makes the named metal short."""
    account = plan(name).account
    for region, margin in enumerate(compute_order_margins(account).regions):
        if margin is not None and margin.share < 1:
            assert not _is_short(account, margin.share, region)
            assert _is_short(account, margin.share + 1e-3, region)


def test_an_order_that_limits_the_plan_admits_nothing_less() -> None:
    """If silver is exact, no shortfall is allowed, and each per cent is stated in tonnes and silver."""
    terms = dict(next(one for one in build_orders(plan("tiny")).documents if one.party[0][1] == "far").terms)
    assert terms["Quantity tolerance"] == "5 % more, nothing less: silver limits the plan"
    assert list_numbers(terms["Shortfall borne"])[:3] == [1, 0.096, 98.8]


@pytest.mark.parametrize(
    ("share", "tolerance", "borne"),
    [
        (0.0329, "5 % more, 3.2 % less: silver limits the plan", [3.2, 1.28]),
        (0.2, QUANTITY_TOLERANCE, [20, 8]),
        (1.5, QUANTITY_TOLERANCE, []),
        (None, QUANTITY_TOLERANCE, []),
    ],
)
def test_the_tolerance_is_what_the_plan_bears(share: float | None, tolerance: str, borne: list[float]) -> None:
    """The tolerance is below 5 % only if the margin is; it is stated in per cent and tonnes, rounded down."""
    silver = plan("tiny").instance.metals.names.index("Ag")
    margin = None if share is None else OrderMargin(share, silver, 1, 2.0)
    told = dict(describe_tolerance(OrderContext(plan("tiny")), margin, 40.0, "t"))
    assert told["Quantity tolerance"] == tolerance
    assert list_numbers(told["Shortfall borne"])[: len(borne)] == borne
    assert told["Shortfall borne"].startswith("up to" if borne else "any")


def test_rounding_is_found_out(made: Plan, orders: tuple[OrderDocument, ...]) -> None:
    """Rounded per exact tonnes are near 1; half of a delivery makes silver short, unrounded orders do not."""
    factors = [factor for one in orders for factor in compute_rounding(one).values()]
    assert factors and all(0.9 < factor < 1.1 for factor in factors) and any(factor != 1 for factor in factors)
    assert find_rounding_shortages(made.account, {}, {}) == ()
    stream = made.instance.streams.names.index("phone@east")
    (short,) = find_rounding_shortages(made.account, {(stream, 0): 0.5}, {})[:1]
    assert made.instance.metals.names[short.metal] == "Ag" and 0 < short.kilograms < short.needed
    offer = made.instance.market.names.index("zinc")
    (lacking,) = find_rounding_shortages(made.account, {}, {(offer, 0): 0.9})
    assert made.instance.metals.names[lacking.metal] == "Zn"


@pytest.mark.parametrize("name", ["tiny", "rio2016", "dantzig"])
def test_no_more_is_claimed_than_was_credited(name: str) -> None:
    """By supplier and date claims stay within credits; all claims sum to the charges less new metal."""
    one = plan(name)
    balance: dict[tuple[int, int, int], float] = {}
    claimed = np.zeros(len(one.instance.metals.names))
    for entry in list_claims(one.account):
        key = (entry.metal, entry.smelter, entry.offer)
        balance[key] = balance.get(key, 0.0) + entry.credited - entry.claimed - entry.released
        claimed[entry.metal] += entry.claimed
        assert entry.balance == pytest.approx(balance[key], abs=1e-6) and balance[key] > -1e-6
    content, recycled = one.instance.market.composition.value, one.instance.market.recycled.value
    bought = one.account.decisions.bought.sum(axis=(1, 2))
    wanted = one.account.decisions.charged.sum(axis=(0, 2)) + content.T @ (recycled * bought)
    assert claimed == pytest.approx(wanted)


def test_the_ledger_names_order_and_certificate() -> None:
    """Each supplier has the number of its order, and the certificate that the file states; opening stock has none."""
    one = with_parties(plan("tiny"), {"near": {"chain_of_custody": "CoC-7"}})
    (table,) = tabulate_claims(one, build_orders(one).documents)
    rows = {str(row[2]): (row[3], row[8]) for row in table.rows}
    assert rows["near"] == ("tiny-T02", "CoC-7") and rows["opening stock"] == ("", "")


def test_metal_of_others_is_no_exposure() -> None:
    """Metal left with the smelters, or sold on another party's account, is not valued at the buyer's risk."""
    left = plan("tiny", ("metals.Cu.surplus", "smelter"))
    assert not any(get_cell_number(row[2]) for row in tabulate_price_exposure(left)[0].rows)
    sold = plan("rio2016", ("metals.Ag.sell", "1 USD/kg"), ("metals.Ag.opening_stock", "5_000 kg"))
    others = replace(
        sold, instance=replace(sold.instance, annex={**sold.instance.annex, "payers": {"by_products": "mill"}})
    )
    assert any(get_cell_number(row[2]) for row in tabulate_price_exposure(sold)[0].rows)
    assert not any(get_cell_number(row[2]) for row in tabulate_price_exposure(others)[0].rows)
