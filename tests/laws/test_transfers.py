"""Transfers: amounts by hand, prices of 0 without effect, metal that is pooled or left, and statements refused."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from tests.laws.answer import answer
from tests.model.cases import ROOT, loaded
from tests.random_instances import Document, with_fractions, with_pools, with_settlement

import medalopt
from medalopt.errors import InputError, NoPlanError
from medalopt.instance.payers import compute_party_costs, restrict_account, truncate_transfers
from medalopt.report.render.json import build_plan_object

TINY = ROOT / "instances" / "tiny.yaml"
FETCHED = {  # what the municipalities pay for collection, tonne by tonne
    "streams.*": 10_000,
    "streams.*@west": 10_000,
    "streams.*@south": 70_000,
    "streams.kettle@east": 30_000,
}


def tiny(transfers: Document, **changes: str) -> medalopt.Instance:
    """Return `tiny` with collection paid by the municipalities, and transfers."""
    return medalopt.load(TINY, {"payers.collection": "municipalities", "transfers": str(transfers), **changes})


def moved(per: str, price: Any, payer: str = "project", receiver: str = "municipalities") -> Document:
    """Return a transfer."""
    return {"payer": payer, "receiver": receiver, "per": per, "price": price}


def test_a_party_that_pays_for_all_plans_as_the_whole() -> None:
    """Where transfers repay what the municipalities spend, the project bears the whole, and its plan is the best."""
    instance = tiny({f"t{number}": moved(per, price) for number, (per, price) in enumerate(FETCHED.items())})
    plan = medalopt.solve(instance, "cost@project")
    assert plan.certificate.optimal
    assert plan.objective == pytest.approx(medalopt.solve(instance).cost, rel=1e-9)
    assert plan.party_totals["municipalities"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("per", "price", "paid"),
    [
        ("treatments.dismantle", "10_000 JPY/t", 85_000),
        ("smelters.near", [0, 0, "1_000 USD/t", "500 USD/t"], 100_000 + 2 * 50_000),
        ("metals.Ag", [0, "1 JPY/g", "2 JPY/g", 0], 3_610 + 9_020),
        ("streams.laptop@south", [0, 0, 3_000, 7_000], 10_000),
    ],
)
def test_the_amount_by_hand(per: str, price: Any, paid: float) -> None:
    """8.5 t are dismantled, 1 t and 2 t fed, 3.61 kg and 4.51 kg of silver credited, 1 t fetched in two months."""
    rate = {"exchange": "{USD: 100}"} if "USD" in str(price) else {}
    plan = medalopt.solve(tiny({"one": moved(per, price, "a", "b")}, **rate))
    assert plan.party_costs["a"] == {"transfers": pytest.approx(paid, abs=0.01)}
    assert plan.party_costs["b"] == {"transfers": pytest.approx(-paid, abs=0.01)}
    assert plan.cost == pytest.approx(3_350_183, abs=1)


def test_a_price_of_nothing_has_no_effect() -> None:
    """At price 0, in every period, every byte is that of the instance without transfers."""
    free = {"one": moved("streams.*", 0), "two": moved("metals.*", [0, 0, 0, 0])}
    content = yaml.safe_load(TINY.read_text(encoding="utf-8"))
    without = medalopt.load(TINY)
    assert answer(loaded({**content, "transfers": free})) == answer(loaded(content))
    priced = tiny({"one": moved("streams.*", 5)})
    assert priced.figures == without.figures
    assert (
        priced.with_changes({"transfers.one.price": 0}).annex
        == without.with_changes({"payers.collection": "municipalities"}).annex
    )
    assert priced.with_changes({"transfers.*.price": "*2"}).annex["transfers"]["one"]["price"] == [10]


@pytest.mark.parametrize("make", [with_fractions, with_pools, with_settlement])
@pytest.mark.parametrize("per", ["streams.*", "treatments.*", "smelters.*", "metals.*"])
def test_both_sides_have_their_own_prices(make: Any, per: str) -> None:
    """Each side's cost is that at its prices, and its optimum is certified and no greater, also of pooled lots."""
    checked = 0
    for seed in range(6):
        instance = loaded({**make(seed), "transfers": {"one": moved(per, "3 JPY/kg", "a", "b")}})
        try:
            plan = medalopt.solve(instance)
        except NoPlanError:
            continue
        size = max(1.0, abs(plan.cost))
        for party in ("a", "b"):
            spent = sum(float(by_period.sum()) for by_period in compute_party_costs(plan.account)[party].values())
            assert float(restrict_account(plan.account, f"cost@{party}")[0].cost) == pytest.approx(
                spent, abs=1e-9 * size
            )
            least = medalopt.solve(instance, f"cost@{party}")
            assert least.certificate.optimal
            assert least.objective <= spent + 1e-7 * size
        checked += 1
        if checked == 2:
            return
    assert checked


def test_the_rows_of_both_sides_are_verified(tmp_path: Any) -> None:
    """A saved plan that leaves out the receiver is refused at that row."""
    instance = tiny({"one": moved("treatments.*", 5_000, "a", "b")})
    plan = medalopt.solve(instance)
    rows = build_plan_object(plan)["parties"]
    assert [(row["party"], row["cost"] > 0) for row in rows if row["kind"] == "transfers"] == [
        ("a", True),
        ("b", False),
    ]
    assert sum(row["cost"] for row in rows) == pytest.approx(plan.cost, rel=1e-12)
    plan.save(tmp_path / "plan.json")
    text = (tmp_path / "plan.json").read_text(encoding="utf-8")
    assert medalopt.read_plan(tmp_path / "plan.json", instance).party_totals == pytest.approx(plan.party_totals)
    (tmp_path / "plan.json").write_text(text.replace('"party": "b"', '"party": "c"'), encoding="utf-8")
    with pytest.raises(InputError, match=r"parties\.b\.transfers"):
        medalopt.read_plan(tmp_path / "plan.json", instance)


def test_the_rest_of_a_horizon_has_its_own_prices() -> None:
    """Of a price by period those of the last periods stay; one for all stays."""
    annex = tiny({"one": moved("streams.*", [1, 2, 3, 4]), "two": moved("streams.*", 5)}).annex
    left = truncate_transfers(annex, 2)["transfers"]
    assert [one["price"] for one in left.values()] == [[3, 4], [5]]


@pytest.mark.parametrize(
    ("one", "place", "text"),
    [
        (moved("streams.*", 1, "a", "a"), "receiver", "would pay itself: name another party"),
        (moved("streams.fone@east", 1), "per", "no stream is called `fone@east`; did you mean `phone@east`"),
        (moved("lanes.*", 1), "per", "`streams.NAME`"),
        (moved("smelters", 1), "per", "`smelters.NAME`"),
        (moved("metals..", 1), "per", "a name is missing"),
        (moved("streams.*", "5 t"), "price", "such as `90_000 JPY/t`"),
        (moved("streams.*", -5), "price", "must not be negative"),
        (moved("streams.*", [1, 2]), "price", "4 periods"),
        ({"payer": "a", "per": "streams.*", "price": 1}, "receiver", "`receiver` is missing"),
    ],
)
def test_statements_that_are_refused(one: Document, place: str, text: str) -> None:
    """Each is refused at its place, with what is allowed."""
    with pytest.raises(InputError) as caught:
        medalopt.load(TINY, {"transfers": str({"x": one})})
    assert any(fault.path == f"transfers.x.{place}" and text in fault.message for fault in caught.value.faults), caught
