"""The quantities that an added row may be written on, beside the same summed up one by one."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from tests.instance.test_accounting import nothing
from tests.model.cases import ROOT, changed, loaded

import medalopt
from medalopt.catalog import VARIABLES
from medalopt.instance.accounting import Decisions, PlanAccount
from medalopt.instance.arrays import Floats
from medalopt.instance.routes import build_routes
from medalopt.proof.extensions import QuantityIndex, _evaluate_scale, evaluate_quantity

TINY = ROOT / "instances" / "tiny.yaml"


@cache
def account() -> PlanAccount:
    """Return decisions at random, which keep no row: quantities are sums whether a plan is right or not."""
    instance = medalopt.load(TINY)
    found, random = build_routes(instance), np.random.default_rng(7)
    streams, periods = len(instance.streams.names), len(instance.periods)
    alloys, metals, offers = (len(each.names) for each in (instance.alloys, instance.metals, instance.market))

    def drawn(*shape: int) -> Floats:
        return np.asarray(random.uniform(0.1, 2.0, shape))

    made = Decisions(
        sent=drawn(len(found), periods),
        stockpile=drawn(streams, periods),
        charged=drawn(alloys, metals, periods),
        bought=drawn(offers, alloys, periods),
        surplus=drawn(metals, periods),
        recharged=drawn(alloys, periods),
    )
    return PlanAccount(instance, found, made)


@pytest.mark.parametrize("component", VARIABLES)
def test_every_variable_has_a_value_for_each_of_its_indices(component: str) -> None:
    """Whatever variable of the model an added row is written on can be evaluated at a plan."""
    index = QuantityIndex(account().instance, account().routes, ())
    array = {"ship": "sent", "leave": "sent"}.get(component, component)
    assert evaluate_quantity(account(), array).size == np.prod(index.get_shape(component))


def sent_by(stream: int, period: int) -> float:
    """Return the tonnes sent of a stream in a period by route."""
    made, found = account().decisions, account().routes
    return sum(float(made.sent[j, period]) for j in range(len(found)) if found.stream[j] == stream)


def test_devices_sent_by_stream_device_and_region() -> None:
    """Each group has the sum of its streams over all periods."""
    streams, periods = account().instance.streams, range(len(account().instance.periods))
    each = [sum(sent_by(i, t) for t in periods) for i in range(len(streams.names))]
    assert evaluate_quantity(account(), "sent_stream") == pytest.approx(each)
    for name, group in (("sent_device", streams.device), ("sent_region", streams.region)):
        sums = [sum(one for one, at in zip(each, group, strict=True) if at == n) for n in range(group.max() + 1)]
        assert evaluate_quantity(account(), name) == pytest.approx(sums)


def test_the_share_of_a_bundle_is_what_it_gives_of_what_it_offers() -> None:
    """Share: sent and stocked less drawn from stock, per supply of its streams; 0 without supply."""
    instance, made = account().instance, account().decisions
    streams, periods = instance.streams, len(instance.periods)
    shares = np.zeros((len(instance.bundles), periods))
    for bundle in range(len(instance.bundles)):
        members = [i for i in range(len(streams.names)) if streams.bundle[i] == bundle]
        for t in range(periods):
            offers = sum(streams.available.value[i, t] for i in members)
            drawn = sum(made.stockpile[i, t - 1] for i in members) if t else 0.0
            taken = sum(sent_by(i, t) + made.stockpile[i, t] for i in members) - drawn
            shares[bundle, t] = taken / offers if offers else 0.0
    assert shares.any()
    assert evaluate_quantity(account(), "take") == pytest.approx(shares)


def test_a_bundle_of_little_is_taken_whole_and_of_nothing_not_at_all() -> None:
    """A quarter of half a tonne is half of the bundle; without supply the share is 0.

    Even if something is sent then, which another constraint forbids.
    """
    box = {"device": "phone", "region": "north", "bundle": "box", "available": ["500 kg", "0 t"], "collection": 0}
    instance = loaded(changed(streams=[box]))
    found = build_routes(instance)
    sent = np.where(np.arange(2) == 0, 0.25, 0.0)[None, :]
    assert evaluate_quantity(PlanAccount(instance, found, replace(nothing(instance), sent=sent)), "take").tolist() == [
        [0.5, 0]
    ]
    more = replace(nothing(instance), sent=sent + 0.125)
    assert evaluate_quantity(PlanAccount(instance, found, more), "take").tolist() == [[0.75, 0]]


def test_sums_of_other_decisions() -> None:
    """Purchases of an offer, footprint and cost equal the sums over all decisions."""
    instance, made, found = account().instance, account().decisions, account().routes
    bought = [float(made.bought[o].sum()) for o in range(len(instance.market.names))]
    assert evaluate_quantity(account(), "bought") == pytest.approx(bought)
    emitted = sum(float(found.footprint[j] * made.sent[j].sum()) for j in range(len(found)))
    assert evaluate_quantity(account(), "network_footprint") == pytest.approx([emitted])
    network = ("supply", "collection", "treatment", "transport", "smelting", "refining", "residue", "storage")
    spent = [sum(float(account().costs[kind][t]) for kind in network) for t in range(len(instance.periods))]
    assert evaluate_quantity(account(), "spend") == pytest.approx(spent)


PLAIN = {
    "stockpile": "stockpile",
    "surplus": "surplus",
    "charge": "charged",
    "buy": "bought",
    "recharge": "recharged",
    "sent": "sent",
}


def test_decisions_are_quantities_as_they_are() -> None:
    """Decisions are quantities of their names, derived ones equal the accounting."""
    for name, field in PLAIN.items():
        assert evaluate_quantity(account(), name) is getattr(account().decisions, field)
    for name in ("feed", "treated", "returned", "stock", "cast", "scrap"):
        assert evaluate_quantity(account(), name) is getattr(account(), name)


def test_a_difference_is_measured_by_its_parts() -> None:
    """Reference sizes: outflow to date of a stock, recharge to date of process scrap, each kind of cost."""
    made = account().decisions
    gone, used = np.zeros(len(made.surplus)), np.zeros(len(made.recharged))
    for t in range(made.surplus.shape[1]):
        gone = gone + made.charged[:, :, t].sum(axis=0) + made.surplus[:, t]
        used = used + made.recharged[:, t]
        assert _evaluate_scale(account(), "stock")[:, t] == pytest.approx(np.maximum(abs(account().stock[:, t]), gone))
        assert _evaluate_scale(account(), "scrap")[:, t] == pytest.approx(np.maximum(abs(account().scrap[:, t]), used))
    assert (_evaluate_scale(account(), "spend") >= abs(evaluate_quantity(account(), "spend"))).all()
    assert _evaluate_scale(account(), "charge") == pytest.approx(made.charged)
