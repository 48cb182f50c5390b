"""Small random instances over the whole format, for tests that hold for any instance.

`from_seed(n)` is the YAML text of number n, `case(n)` its files, and `document(n)` its plain mapping, for tests that
change it; with stock, pooled lots or whole lots it is `with_stock(n)`, `with_pools(n)` or `with_lots(n)`. About two
thirds have a plan. They are small (at most 6 streams, 3 smelters and 6 periods) and strange on purpose: every section
of the format comes up, and so do names that look like numbers. Each field draws from a random stream of its own, so
that a new optional field leaves all others as they are.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tests.instances_at_random import need, supply
from tests.instances_at_random.figures import (
    CONTENT,
    PER_KG,
    SHARE,
    WORTH,
    Document,
    RandomStream,
    maybe,
    ordered_sample,
    quantity,
    series,
    some,
)

_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


@dataclass(frozen=True)
class Case:
    """An instance as files: `instance.yaml`, and its tables where it has some."""

    files: Mapping[str, str]

    def write(self, folder: Path) -> Path:
        """Write the files into `folder` and return the path of the instance."""
        for name, text in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        return folder / "instance.yaml"


def from_seed(seed: int) -> str:
    """Return the YAML text of the instance number `seed`, all in one file."""
    return as_text(document(seed))


def with_stock(seed: int) -> Document:
    """Return the random instance number `seed` with a cost of holding castings, and offers that may be stocked."""
    content, root = document(seed), RandomStream(f"{seed}")
    count = content.get("periods", {}).get("count", 1)
    for name, alloy in content["alloys"].items():
        alloy |= maybe(root.at(f"alloys/{name}"), 0.6, "holding", lambda own: series(own, count, 0, 500, PER_KG))
    for name, offer in content.get("market", {}).items():
        _stock_offer(root.at(f"stock/{name}"), offer, count)
    return content


def _stock_offer(random: RandomStream, offer: Document, count: int) -> None:
    """Let an offer be stocked, some at prices that differ by period; a negative price then needs a limit to be read."""
    worth = WORTH[next(iter(offer["composition"]))]

    def prices(own: RandomStream) -> list[Any]:
        return [quantity(own.at(period), 0.6 * worth, 1.3 * worth, PER_KG) for period in range(count)]

    offer |= maybe(random, 0.6, "storable", lambda own: True) | maybe(random, 0.5, "price", prices)
    listed = offer["price"] if isinstance(offer["price"], list) else [offer["price"]]
    if offer.get("storable") and any(str(price).startswith("-") for price in listed):
        offer.setdefault("limit", "1000 kg")


def with_pools(seed: int) -> Document:
    """Return the random instance number `seed` with pooled lots, and some poor feed that dilutes them.

    The credited share is the same for all streams, as pooled lots require.
    """
    content, root = document(seed), RandomStream(f"{seed}/pools")
    for stream in content.get("streams", []):
        stream.pop("credited", None)
    for name, smelter in content.get("smelters", {}).items():
        own = root.at(name)
        smelter |= maybe(own, 0.7, "settlement_lot", lambda own: "pooled")
        for line, terms in smelter.get("terms", {}).items():
            terms |= maybe(own.at(line), 0.3, "settlement_lot", lambda own: own.choice(("route", "pooled")))
        smelter |= maybe(own, 0.7, "deduction", _high_deduction)
    return content


def _high_deduction(random: RandomStream) -> Document:
    metals = some(random, ("Au", "Ag"), 0.8)
    grades = {metal: random.at(f"{metal} grade").uniform(0.2, 1.5) * CONTENT[metal] / 2 for metal in metals}
    return {metal: f"{grade:.4g} kg/t" for metal, grade in grades.items()}


def with_lots(seed: int) -> Document:
    """Return the random instance number `seed` with lots and minimum orders."""
    content, root = document(seed), RandomStream(f"{seed}/lots")
    for number, stream in enumerate(content.get("streams", [])):
        own = root.at(number)
        stream |= maybe(own, 0.6, "lot", lambda own: f"{own.choice((0.1, 0.25, 0.4, 1, 1.5))} t")
        stream |= maybe(own, 0.4, "minimum_order", lambda own: f"{own.choice((0.3, 0.75, 2))} t")
    for name, offer in content.get("market", {}).items():
        own = root.at(name)
        offer |= maybe(own, 0.5, "lot", lambda own: f"{own.choice((0.05, 0.2, 0.5))} kg")
        offer |= maybe(own, 0.4, "minimum_order", lambda own: f"{own.choice((0.2, 1))} kg")
    return content


def with_activities(seed: int) -> Document:
    """Return the random instance number `seed` with lots of feed and fixed charges."""
    return _add_activities(document(seed), RandomStream(f"{seed}/activities"))


def with_branched_activities(seed: int) -> Document:
    """Return random instance number `seed` with fractions or prices by period, and lots of feed and fixed charges."""
    makers = (with_fractions, with_price_lists)
    least = (0.02, 0.05, 0.2)  # t: a line of terms for one fraction has little feed
    return _add_activities(makers[seed % 2](seed // 2), RandomStream(f"{seed}/branched activities"), least)


def _add_activities(content: Document, root: RandomStream, least: tuple[float, ...] = (0.1, 0.4, 1.5, 3)) -> Document:
    """Add lots of feed and fixed charges to an instance."""

    def charge(own: RandomStream) -> str:
        return f"{own.choice((40, 300, 2000))} JPY"

    for name, smelter in content.get("smelters", {}).items():
        for own, part in (
            (root.at(name), smelter),
            *((root.at(f"{name}/{line}"), terms) for line, terms in smelter.get("terms", {}).items()),
        ):
            part |= maybe(own, 0.6, "minimum_lot", lambda own: f"{own.choice(least)} t")
            part |= maybe(own, 0.4, "lot_charge", charge)
        smelter |= maybe(root.at(f"{name}/all"), 0.4, "fixed_charge", charge)
    members = [*content.get("treatments", {}).items(), *content.get("market", {}).items()]
    for name, member in [*members, *((str(n), row) for n, row in enumerate(content.get("streams", [])))]:
        member |= maybe(root.at(f"member/{name}"), 0.4, "fixed_charge", charge)
    return content


def with_concentration(seed: int) -> Document:
    """Return the random instance number `seed` with limits that allow each smelter, region and offer an equal share."""
    content, root = document(seed), RandomStream(f"{seed}/concentration")
    regions = {stream["region"] for stream in content.get("streams", [])}
    members = {"smelters": content.get("smelters", {}), "regions": regions, "offers": content.get("market", {})}
    limits: Document = {}
    for name, those in members.items():
        equal = 1 / max(len(those), 1)
        limits |= maybe(root, 0.6, name, lambda own, low=equal: quantity(own, low, (low + 1) / 2, SHARE))
    return {**content, "policy": {**content.get("policy", {}), "concentration": limits}}


def with_price_steps(seed: int, falling: bool = False) -> Document:
    """Return the random instance number `seed` with stock and price steps that rise, or some of which fall."""
    content, root = with_stock(seed), RandomStream(f"{seed}/price steps")
    for name, offer in content.get("market", {}).items():
        worth = WORTH[next(iter(offer["composition"]))]
        scale = (0.3, 1, 4) if worth > 10 else (20, 100, 400)
        offer |= maybe(
            root.at(name),
            0.7,
            "price",
            lambda own, worth=worth, scale=scale: _steps(own, worth, "JPY/kg", "kg", scale, falling),
        )
    for number, stream in enumerate(content.get("streams", [])):
        stream |= maybe(
            root.at(f"stream {number}"),
            0.7,
            "price",
            lambda own: _steps(own, 40_000, "JPY/t", "t", (0.2, 0.6, 2), falling),
        )
    return content


def with_falling_prices(seed: int) -> Document:
    """Return the random instance number `seed` with stock and price steps, most of which fall somewhere."""
    return with_price_steps(seed, falling=True)


def _steps(
    random: RandomStream, worth: float, price_unit: str, unit: str, scale: tuple[float, ...], falling: bool
) -> list[Document]:
    """Return two to four price steps; the last has a limit in every third case."""
    count = random.at("count").choice((2, 3, 4))
    prices = [random.at(f"price {n}").uniform(0.5 * worth, 1.2 * worth) for n in range(count)]
    prices = prices if falling else sorted(prices)
    limits, total = [], 0.0
    for n in range(count):
        total += random.at(f"limit {n}").choice(scale)
        limits.append(total)
    steps: list[Document] = [
        {"up_to": f"{limit:g} {unit}", "price": f"{price:.5g} {price_unit}"}
        for limit, price in zip(limits, prices, strict=True)
    ]
    if random.at("last").choice((True, True, False)):
        del steps[-1]["up_to"]
    return steps


def with_shortfall(seed: int) -> Document:
    """Return the random instance number `seed` with stock, and penalties near the cost of a medal."""
    content, root = with_stock(seed), RandomStream(f"{seed}/shortfall")
    labels = _labels(content)
    for name, medal in content["medals"].items():
        own, worth = root.at(name), _PENALTIES[name]
        medal |= maybe(own, 0.7, "shortfall", lambda of, low=worth: quantity(of, 0.2 * low, 2 * low, {"JPY": 1}))
        medal |= maybe(own, 0.7, "due", lambda of: of.choice(labels))
    return content


_PENALTIES = {"gold": 0.55 * WORTH["Ag"] + 0.006 * WORTH["Au"], "silver": 0.55 * WORTH["Ag"], "bronze": WORTH["Cu"]}


def with_settlement(seed: int) -> Document:
    """Return the random instance number `seed` with surplus left with smelters at a price; every third is pooled.

    The price is often above the value of the metal in medals, so that all of it is left.
    """
    content, root = with_pools(seed) if seed % 3 == 0 else document(seed), RandomStream(f"{seed}/settlement")
    count = content.get("periods", {}).get("count", 1)
    left = some(root.at("surplus"), content["metals"], 0.7)
    for metal in left:
        content["metals"][metal].pop("sell", None)
        content["metals"][metal]["surplus"] = "smelter"

    def prices(random: RandomStream) -> Document:
        return {
            metal: series(random.at(metal), count, *_worth_left(metal), PER_KG) for metal in some(random, left, 0.8)
        }

    for name, smelter in content.get("smelters", {}).items():
        own = root.at(name)
        smelter |= maybe(own, 0.8, "pays", prices)
        for line, terms in smelter.get("terms", {}).items():
            terms |= maybe(own.at(line), 0.4, "pays", prices)
    return content


def _worth_left(metal: str) -> tuple[float, float]:
    """Return the least and greatest price that a random smelter pays for a metal left with it, money/kg."""
    return -0.02 * WORTH[metal], 1.3 * WORTH[metal]


def with_reserve(seed: int) -> Document:
    """Return the random instance number `seed` with stock, and a safety stock of some metals."""
    content, root = with_stock(seed), RandomStream(f"{seed}/reserve")
    for name, metal in content["metals"].items():
        metal |= maybe(root.at(name), 0.6, "reserve", lambda own: own.randint(1, 3))
    return content


def with_offer_stock(seed: int) -> Document:
    """Return the random instance number `seed` with stock, limits on storage, charge and closing stock, and sales."""
    content, root = with_stock(seed), RandomStream(f"{seed}/offer stock")
    count = content.get("periods", {}).get("count", 1)

    def kilograms(own: RandomStream) -> str:
        return f"{own.choice((0.05, 0.2, 0.5, 1, 3))} kg"

    for name, offer in content.get("market", {}).items():
        own = root.at(name)
        if offer.get("storable"):
            offer |= maybe(own, 0.5, "opening_stock", kilograms) | maybe(own, 0.3, "closing_stock", kilograms)
            room = f"{own.choice((0, 0.3, 1, 3))} kg"
            listed = [f"{own.at(period).choice((0.1, 0.5, 3))} kg" for period in range(count)]
            offer |= maybe(own, 0.5, "storage", lambda own, of=(room, listed): {"limit": own.choice(of)})
            if "storage" in offer:
                offer.pop("closing_stock", None)
    for name, alloy in content["alloys"].items():
        own, offers = root.at(f"alloys/{name}"), sorted(content.get("market", {}))
        alloy |= maybe(own, 0.4, "sell", lambda own: series(own, count, 0, 500, PER_KG))
        groups = [some(own.at(group), offers, 0.5) for group in ("one", "two")]
        most = [f"{own.at(group).choice((0.3, 1, 4))} kg" for group in ("one", "two")]
        limits = {key: {"offers": of, "most": by} for key, of, by in zip(("a/b", "c"), groups, most, strict=True) if of}
        alloy |= maybe(own, 0.6, "limits", lambda own, of=limits: of)
    return content


def with_impurities(seed: int) -> Document:
    """Return the random instance number `seed` with impurities that smelters refuse, charge and limit, metals too."""
    content, root = document(seed), RandomStream(f"{seed}/impurities")
    content["impurities"] = {"Sb": {"title": "antimony"}, "Hg": None}
    for name, device in content.get("devices", {}).items():
        own = root.at(name)
        device["content"] = {
            **device["content"],
            **maybe(own, 0.8, "Sb", lambda own: f"{own.choice((1, 2, 4))} kg/t"),
            **maybe(own, 0.5, "Hg", lambda own: f"{own.choice((5, 20, 40))} g/t"),
        }
    for name, treatment in content.get("treatments", {}).items():
        if isinstance(treatment.get("recovery"), dict):
            treatment["recovery"] |= maybe(root.at(name), 0.7, "Sb", lambda own: quantity(own, 0.2, 1, SHARE))
    for name, smelter in content.get("smelters", {}).items():
        own = root.at(name)
        smelter |= maybe(own, 0.6, "limits", lambda own: {"Sb": f"{own.choice((1, 1.5, 2.5))} kg/t", "Cu": "12 %"})
        for line, terms in {"": smelter, **smelter.get("terms", {})}.items():
            of = own.at(f"line {line}")
            terms |= maybe(of, 0.4, "refuse", lambda of: {of.choice(("Hg", "Sb")): f"{of.choice((20, 100))} g/t"})
            terms |= maybe(of, 0.6, "penalties", _impurity_penalties)
    return content


def _impurity_penalties(random: RandomStream) -> Document:
    step = {"above": f"{random.choice((0, 0.5, 1))} kg/t", "charge": "2_000 JPY/t", "per": "1 kg/t"}
    steeper = {"above": "2 kg/t", "charge": "0.05 USD/kg", "per": "100 g/t"}
    copper = {"above": "5 %", "charge": 300, "per": "1 %"}
    return {"Sb": [step, steeper] if random.random() < 0.5 else step, "Cu": copper}


def with_fractions(seed: int) -> Document:
    """Return the random instance number `seed` with treatments of several products, some of them sold or by device."""
    content, root, known = document(seed), RandomStream(f"{seed}/fractions"), set[str]()
    for name, treatment in content.get("treatments", {}).items():
        own = root.at(name)
        if own.random() < 0.8:
            for field in ("to_smelter", "recovery"):
                treatment.pop(field, None)
            treatment["fractions"] = _fractions(own.at("all"))
            known |= treatment["fractions"].keys()
            for device, other in treatment.get("devices", {}).items():
                other = {field: value for field, value in other.items() if field == "cost"}
                treatment["devices"][device] = other | maybe(own.at(device), 0.6, "fractions", _fractions)
            treatment["devices"] = {name: other for name, other in treatment.get("devices", {}).items() if other}
    for name, smelter in content.get("smelters", {}).items():
        for line, terms in smelter.get("terms", {}).items():
            names = some(root.at(f"{name}/{line}"), tuple(sorted(known)), 0.7)
            terms |= maybe(root.at(f"{name}/{line}"), 0.4 if names else 0, "fractions", lambda own, names=names: names)
    return content


def _fractions(random: RandomStream) -> Document:
    names = [*some(random, ("cables", "steel", "1"), 0.6), "boards"]
    result: Document = {}
    for name in names:
        own, recovery = random.at(name), {}
        for metal in ("Au", "Ag", "Cu"):
            recovery |= maybe(own.at(metal), 0.7, metal, lambda of: quantity(of, 0.05, 1 / len(names), SHARE))
        result[name] = {"share": quantity(own.at("share"), 0.02, 0.9 / len(names), SHARE), "recovery": recovery}
        result[name] |= maybe(own, 0.6 if name == "steel" else 0.1, "sold", lambda of: of.choice((50, "-2 JPY/kg")))
    return result


def with_price_lists(seed: int) -> Document:
    """Return the random instance number `seed` with impurities and prices and charges that change over time.

    Of each fourth lots are pooled, surplus is left with smelters, or treatments have fractions.
    """
    makers = (with_impurities, with_pools, with_settlement, with_fractions)
    content, root = makers[seed % 4](seed), RandomStream(f"{seed}/price lists")
    count = content.get("periods", {}).get("count", 1)

    def prices(least: float, most: float, unit: str) -> Callable[[RandomStream], list[str]]:
        return lambda own: [f"{own.at(t).uniform(least, most):.5g} {unit}" for t in range(count)]

    for number, stream in enumerate(content.get("streams", [])):
        own = root.at(f"stream {number}")
        stream |= maybe(own, 0.6, "price", prices(-20_000, 60_000, "JPY/t"))
        stream |= maybe(own, 0.4, "collection", prices(0, 90, "JPY/kg"))
    for name, treatment in content.get("treatments", {}).items():
        own = root.at(f"treatment {name}")
        treatment |= maybe(own, 0.6, "cost", prices(0, 150_000, "JPY/t"))
        for fraction in treatment.get("fractions", {}).values():
            if "sold" in fraction:
                fraction["sold"] = prices(-2_000, 30_000, "JPY/t")(own.at("sold"))
        for device, other in (treatment.get("devices") or {}).items():
            other |= maybe(own.at(device), 0.5, "cost", prices(0, 200_000, "JPY/t"))
    for name, smelter in content.get("smelters", {}).items():
        for line, terms in {"": smelter, **smelter.get("terms", {})}.items():
            own = root.at(f"smelter {name} {line}")
            terms |= maybe(own, 0.6, "treatment_charge", prices(10_000, 90_000, "JPY/t"))
            terms |= maybe(own, 0.6, "refining_charge", lambda own: {"Au": prices(0, 900, "JPY/g")(own), "default": 20})
            for step in terms.get("penalties", {}).values():
                for one in step if isinstance(step, list) else [step]:
                    one |= maybe(own, 0.5, "charge", prices(0, 5_000, "JPY/t"))
    return content


def case(seed: int) -> Case:
    """Return the instance number `seed` as files; in one of four its streams and lanes stand in tables."""
    instance = document(seed)
    if not instance.get("streams") or RandomStream(f"{seed}/tables").random() > 0.25:
        return Case({"instance.yaml": as_text(instance)})
    labels = _labels(instance)
    tables = {"streams.csv": _table(row for stream in instance["streams"] for row in _rows(stream, labels))}
    instance["streams"] = {"table": "streams.csv"}
    if instance.get("lanes"):
        tables["lanes.csv"] = _table(instance["lanes"])
        instance["lanes"] = {"table": "lanes.csv"}
    return Case({"instance.yaml": as_text(instance), **tables})


def as_text(instance: Document) -> str:
    """Return a plain mapping as YAML."""
    written_out = json.loads(json.dumps(instance))  # what stands in two places is written twice: YAML would refer to it
    return str(yaml.dump(written_out, Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=120))


def document(seed: int) -> Document:
    """Return the instance number `seed` as a plain mapping."""
    root = RandomStream(f"{seed}")
    labels, periods = need.periods(root.at("periods"))
    count, own = len(labels), root.at("metals")
    metals = ["Au", "Ag", "Cu", *some(own, ("Zn", "Pd"), 0.6)]
    devices = ordered_sample(root.at("device names"), supply.DEVICES, 1, 4)
    result: Document = {"format": "medalopt/1", "name": "random", "currency": "JPY", "exchange": {"USD": "110 JPY"}}
    result |= periods
    result["metals"] = {metal: need.metal(own.at(metal), metal, count) for metal in metals}
    result["devices"] = {device: supply.device(root.at(f"devices/{device}"), metals) for device in devices}
    if root.at("supply").random() < 0.94:
        result |= _supply(root, result, count)
    result["alloys"] = need.alloys(root.at("alloys"), metals, count)
    result |= need.market(root.at("market"), metals, count)
    result["medals"] = need.medals(root.at("medals"), labels)
    return result | need.policy(root.at("policy"), metals, devices)


def _supply(root: RandomStream, instance: Document, count: int) -> Document:
    """Return streams, treatments, smelters and lanes for the devices and metals of `instance`."""
    metals, devices = list(instance["metals"]), list(instance["devices"])
    regions = ordered_sample(root.at("region names"), supply.REGIONS, 1, 3)
    smelters = ordered_sample(root.at("smelter names"), supply.SMELTERS, 1, 3)
    measured = {name for name, device in instance["devices"].items() if "unit_mass" in device}
    streams = supply.streams(root.at("streams"), devices, regions, measured, count)
    treated = supply.treatments(root.at("treatments"), devices, regions, count)
    treatments, own = list(treated.get("treatments", {"whole": {}})), root.at("smelters")
    return {
        "streams": streams,
        **treated,
        "smelters": {name: supply.smelter(own.at(name), devices, treatments, metals, count) for name in smelters},
        **supply.lanes(root.at("lanes"), sorted({stream["region"] for stream in streams}), smelters),
    }


def _labels(instance: Document) -> list[str]:
    """Return the labels of the periods of an instance."""
    return need.labels(instance["periods"]) if "periods" in instance else ["1"]


def _rows(stream: Document, labels: list[str]) -> list[Document]:
    """Return one row for a stream, or one a period where it offers a list; fields of mappings become columns."""
    row = {key: value for key, value in stream.items() if not isinstance(value, dict | list)}
    for field in ("storage", "credited"):
        if isinstance(stream.get(field), dict):
            row |= {f"{field}_{key}": value for key, value in stream[field].items()}
    if not isinstance(stream.get("available"), list):
        return [row]
    return [row | {"period": label, "available": cell} for label, cell in zip(labels, stream["available"], strict=True)]


def _table(rows: Iterable[Document]) -> str:
    listed = list(rows)
    columns = list(dict.fromkeys(key for row in listed for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(listed)
    return text.getvalue()
