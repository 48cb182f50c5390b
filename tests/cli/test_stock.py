"""Stocked offers and castings in stock at the command line: report, files, verify, orders and errors."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.runs import here
from tests.report.reading import mentions

BARS = """
format: medalopt/1
name: bars
currency: EUR
metals: {Ag: {sell: 700 EUR/kg}}
market:
  bar: {composition: {Ag: 100 %}, price: 800 EUR/kg, lot: 31.1 kg, storable: true}
alloys: {silver: {composition: {Ag: 100 %}}}
medals: {m: {count: 170, parts: {silver: 500 g}}}
"""
DISCOUNT = """
format: medalopt/1
name: discount
currency: EUR
metals: {Ag: {}}
market:
  small: {composition: {Ag: 100 %}, price: 10 EUR/kg}
  big: {composition: {Ag: 100 %}, price: 8 EUR/kg, minimum_order: 100 kg, storable: true}
alloys: {silver: {composition: {Ag: 100 %}}}
medals: {m: {count: 85, parts: {silver: 1 kg}}}
"""
WAITING = """
format: medalopt/1
name: waiting
currency: EUR
periods: {start: 2025-01, count: 12}
metals: {Ag: {holding: 100 EUR/kg}}
devices: {phone: {content: {Ag: 1 kg/t}}}
streams: [{device: phone, region: a, available: [10 t, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], collection: 100 EUR/t}]
smelters: {s: {returned: 100 %}}
alloys: {silver: {composition: {Ag: 100 %}, holding: 100 EUR/kg}}
medals: {m: {count: 10, parts: {silver: 1 kg}, due: 2025-12}}
"""
EARLY = """
format: medalopt/1
name: early
currency: EUR
periods: {count: 3}
metals: {Ag: {title: silver, holding: 2 EUR/kg}}
market:
  bar: {composition: {Ag: 100 %}, price: [10 EUR/kg, 20 EUR/kg, 30 EUR/kg], storable: true}
alloys: {silver: {composition: {Ag: 100 %}, capacity: 4 kg}}
medals: {m: {count: 12, parts: {silver: 1 kg}}}
"""


def saved(folder: Path, text: str) -> str:
    """Return the path of an instance with this text."""
    path = folder / "instance.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def solved(folder: Path, text: str, *options: str) -> dict[str, Any]:
    """Return the JSON of the plan of an instance."""
    ran = here("solve", saved(folder, text), "--json", *options)
    assert ran.code == 0, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


def test_bars_are_bought_beyond_the_need(tmp_path: Path) -> None:
    """Three bars of 31.1 kg for 85 kg leave 8.3 kg without value; without stock no such plan exists."""
    told = solved(tmp_path, BARS)
    assert told["objective"]["value"] == pytest.approx(3 * 31.1 * 800)
    (row,) = told["offer_stock"]
    assert (row["bought"], row["charged"], row["stock"]) == pytest.approx((93.3, 85, 8.3))
    assert told["purchases"] == [] and [row["kg"] for row in told["offer_charges"]] == pytest.approx([85])
    ran = here("solve", saved(tmp_path, BARS), "--set", "market.bar.storable=false")
    assert ran.code == 3 and "storable" in ran.err


def test_more_is_bought_where_that_is_cheaper(tmp_path: Path) -> None:
    """100 kg at 8 cost 800, 85 kg at 10 cost 850; an offer without stock can only supply 85."""
    assert solved(tmp_path, DISCOUNT)["objective"]["value"] == pytest.approx(800)
    at_once = solved(tmp_path, DISCOUNT, "--set", "market.big.storable=false")
    assert at_once["objective"]["value"] == pytest.approx(850) and "offer_stock" not in at_once


def test_a_commitment_above_the_need_is_kept_in_stock(tmp_path: Path) -> None:
    """Of 100 kg committed 85 are charged and 15 stocked; infeasible without stock."""
    text = DISCOUNT.replace("minimum_order: 100 kg", "committed: 100 kg")
    assert solved(tmp_path, text)["offer_stock"][0]["stock"] == pytest.approx(15)
    ran = here("solve", saved(tmp_path, text), "--set", "market.big.storable=false")
    assert ran.code == 3 and mentions(ran.out + ran.err, "big", "committed", numbers=(100, 85))


def test_castings_do_not_wait_for_nothing(tmp_path: Path) -> None:
    """10 kg wait eleven months as metal or castings: 11,000 EUR; free casting stock costs 0."""
    assert solved(tmp_path, WAITING)["cost"]["holding"] == pytest.approx(11_000)
    assert solved(tmp_path, WAITING, "--set", "alloys.silver.holding=0")["cost"]["holding"] == pytest.approx(0)


def test_what_is_bought_early_pays_its_holding(tmp_path: Path) -> None:
    """All 12 kg are bought at once, as holding costs less than the price rise; the last 4 kg wait twice.

    Stock left at the end pays holding too: a lot of 13 kg leaves one kilogram for three months.
    """
    told = solved(tmp_path, EARLY)
    assert told["cost"]["purchases"] == pytest.approx(120) and told["cost"]["holding"] == pytest.approx(2 * (8 + 4))
    told = solved(tmp_path, EARLY, "--set", "market.bar.lot=13 kg")
    assert told["cost"]["purchases"] == pytest.approx(130) and told["cost"]["holding"] == pytest.approx(2 * (9 + 5 + 1))


def alter(content: dict[str, Any], table: str, column: str, by: float) -> None:
    """Change the first row of a table."""
    content[table][0][column] += by


def move(content: dict[str, Any]) -> None:
    """Move charges from stock to offers that are charged at purchase."""
    rows = [{**row, "cost": 0.0} for row in content.pop("offer_charges")]
    content["purchases"] = rows


TAMPERED: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "more bought": (lambda content: alter(content, "offer_stock", "bought", 1.0), "offer_stock.bar.stock, 1"),
    "less bought": (lambda content: alter(content, "offer_stock", "bought", -1.0), "offer_balance"),
    "another stock": (lambda content: alter(content, "offer_stock", "stock", 1.0), "offer_stock.bar.stock, 1"),
    "another cost": (lambda content: alter(content, "offer_stock", "cost", 1.0), "offer_stock.bar.cost, 1"),
    "less charged": (lambda content: alter(content, "offer_charges", "kg", -1.0), "offer_stock.bar.charged, 1"),
    "in the wrong table": (move, "is of an offer that is bought into stock"),
    "without stock": (lambda content: content.pop("offer_stock"), "offer_balance"),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_what_is_altered_is_refused(case: str, tmp_path: Path) -> None:
    """A plan is accepted as written, and rejected with a reason after a change of its stocked offers."""
    change, why = TAMPERED[case]
    path, plan = saved(tmp_path, EARLY), tmp_path / "plan.json"
    assert here("solve", path, "-o", str(plan)).code == 0
    assert here("verify", str(plan), path).code == 0
    content = json.loads(plan.read_text(encoding="utf-8"))
    change(content)
    plan.write_text(json.dumps(content), encoding="utf-8")
    ran = here("verify", str(plan), path)
    assert ran.code == 1 and why in ran.out


@pytest.mark.parametrize("ending", ["", ".xlsx"])
def test_every_form_of_a_plan_is_read_back(ending: str, tmp_path: Path) -> None:
    """The folder of CSV and the workbook hold the stock of offers, and verify accepts both."""
    path, plan = saved(tmp_path, EARLY), tmp_path / f"plan{ending}"
    assert here("plan", path, "-o", str(plan)).code == 0
    assert here("verify", str(plan), path).code == 0


def rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_orders_are_of_the_period_of_purchase(tmp_path: Path) -> None:
    """An order of a stocked offer has one line in its period; metal account and spend agree."""
    plan = tmp_path / "plan"
    assert here("plan", saved(tmp_path, EARLY), "-o", str(plan)).code == 0
    (line,) = rows(plan / "purchase_lines.csv")
    assert (line["period"], line["alloy"]) == ("1", "(into stock)") and float(line["bought_kg"]) == pytest.approx(12)
    account = rows(plan / "metal_account.csv")
    assert [float(row["bought_kg"]) for row in account] == pytest.approx([12, 0, 0])
    assert [float(row["closing_kg"]) for row in account] == pytest.approx([8, 4, 0])
    assert [float(row["charged_kg"]) for row in account] == pytest.approx([4, 4, 4])


def test_purchases_in_stock_are_carried_over(tmp_path: Path) -> None:
    """Of 12 kg bought, 8 remain after period 1: no further order, and 4 kg wait for 2 EUR each.

    The contract list gives the same plan. Concentration shares cannot include earlier purchases, and an offer without
    storage has no stock.
    """
    path, plan, signed = saved(tmp_path, EARLY), tmp_path / "plan.json", tmp_path / "signed.csv"
    assert here("solve", path, "-o", str(plan)).code == 0
    signed.write_text("offer,alloy,period,kg\nbar,,1,8\nbar,silver,1,4\n", encoding="utf-8")
    for file in (plan, signed):
        folder, again = tmp_path / file.stem, ("--after", "1", "--frozen", str(file))
        ran = here("plan", path, *again, "-o", str(folder))
        assert ran.code == 0, ran.err
        found = json.loads(here("plan", path, *again, "--json").out)
        assert found["cost"]["total"] == pytest.approx(8) and "120 contracted" in ran.out
        assert {row["offer"] for row in found["offer_charges"]} == {"bar, in stock"}
        assert not found["sourcing"]["documents"] and not (folder / "purchase_lines.csv").exists()
        assert here("verify", str(folder), path, *again).code == 0
    for change, said in (("policy.concentration.offers=60 %", "in stock"), ("market.bar.storable=false", "storable")):
        ran = here("plan", path, *again, "--set", change)
        assert ran.code == 2 and said in ran.err


def test_one_figure_is_asked_for_everywhere(tmp_path: Path) -> None:
    """Explain, ranges, sweeps, outages, comparisons and exports support stock."""
    path = saved(tmp_path, EARLY)
    told = here("explain", path, "--json")
    assert told.code == 0
    ranges = json.loads(here("sensitivity", path, "--json").out)["ranges"]
    prices = {row["path"]: row["price_up"] for row in ranges}
    assert prices["market.bar.price[0]"] == pytest.approx(12) and prices["metals.Ag.holding"] == pytest.approx(12)
    assert here("sensitivity", path, "--without").code == 0
    assert here("export", path, "-o", str(tmp_path / "p.lp")).code == 0
    plan = tmp_path / "plan.json"
    assert here("solve", path, "-o", str(plan), "--set", "market.bar.lot=13 kg").code == 0
    told = here("compare", str(plan), path)
    assert told.code == 0 and "bar" in told.out


OWN = """
def extend(model, instance):
    import pyomo.environ as pyo

    model.room = pyo.Constraint(expr=model.offer_stock["bar", "1"] + model.cast_stock["silver", "1"] <= 7)
    model.cash = pyo.Constraint(expr=10 * model.acquire["bar", "1"] + model.bought["bar"] <= 90)
    model.few = pyo.Constraint(expr=model.cast_stock["silver", "2"] <= 7)
"""


def test_rows_of_ones_own_on_stock_are_proven(tmp_path: Path) -> None:
    """Written on purchases, offers and castings in stock, they are data of the plan, and price a medal rightly."""
    own, plan = tmp_path / "own.py", tmp_path / "plan.json"
    own.write_text(OWN, encoding="utf-8")
    text = EARLY.replace("capacity: 4 kg", "capacity: 4 kg, holding: 3 EUR/kg").replace("count: 12", "count: 10")
    path, extended = saved(tmp_path, text), ("--extend", str(own))
    told = solved(tmp_path, text, *extended)
    assert told["status"] == "optimal" and {row["name"] for row in told["added_rows"]} == {"room", "cash", "few"}
    assert here("solve", path, *extended, "-o", str(plan)).code == 0 and here("verify", str(plan), path).code == 0
    more, fewer = (solved(tmp_path, text, *extended, "--set", f"medals.m.count={n}") for n in (11, 9))
    (price,) = (row["value"] for row in told["prices"] if row["path"] == "medals.m.count")
    steps = [more["objective"]["value"] - told["objective"]["value"]]
    steps.append(told["objective"]["value"] - fewer["objective"]["value"])
    assert min(steps) - 1e-6 <= price <= max(steps) + 1e-6
    assert here("explain", path, *extended).code == 0


def test_a_word_that_is_neither(tmp_path: Path) -> None:
    """`storable` is true or false, however large its letters; all else is a fault at its place."""
    assert solved(tmp_path, EARLY.replace("storable: true", "storable: TRUE"))["offer_stock"]
    ran = here("check", saved(tmp_path, EARLY.replace("storable: true", "storable: maybe")))
    assert ran.code == 2 and "expected `true` or `false`; found `maybe`" in ran.err


def priced(price: str, more: str = "") -> str:
    """Return the bars that pay for being taken, in two periods."""
    offer = f"bar: {{composition: {{Ag: 100 %}}, price: {price}, storable: true{more}}}"
    return EARLY.replace(EARLY[EARLY.index("bar: {") : EARLY.index("\nalloys")], offer)


@pytest.mark.parametrize("price", ["-320 EUR/kg", "[10 EUR/kg, 20 EUR/kg, -1 EUR/kg]"])
def test_an_offer_in_stock_that_pays_needs_a_limit(price: str, tmp_path: Path) -> None:
    """Below a price of 0 every kilogram more pays, without end: an error that says so; with a limit it is read."""
    ran = here("solve", saved(tmp_path, priced(price)))
    assert ran.code == 2 and "needs a `limit`" in ran.err and "market.bar.price" in ran.err


def test_the_bound_of_an_offer_that_pays_is_its_limit(tmp_path: Path) -> None:
    """An offer of 50 t that pays 1 EUR/kg gives 50,000 EUR, twice the limit twice as much.

    Committing it has no effect.
    """
    found = []
    for more in (", limit: 50 t", ", limit: 100 t", ", limit: 100 t, committed: 100 t"):
        ran = here("solve", saved(tmp_path, priced("-1 EUR/kg", more).replace("holding: 2", "holding: 0")), "--json")
        told = json.loads(ran.out)
        assert (ran.code, told["status"]) == (0, "optimal")
        found.append(told["objective"]["value"])
    assert found == pytest.approx([-50_000, -100_000, -100_000])
