"""Random sections of an instance that ask for metal or settle its use: metals, market, alloys, medals, policy."""

from __future__ import annotations

from typing import Any

from tests.instances_at_random.figures import (
    KG,
    PER_KG,
    SHARE,
    WORTH,
    Document,
    RandomStream,
    maybe,
    quantity,
    series,
    some,
)

MONTHS = {"month": 1, "quarter": 3, "year": 12}


def periods(random: RandomStream) -> tuple[list[str], Document]:
    """Return the labels of one to six periods, and the section that gives them."""
    count = random.at("count").choice((1, 1, 2, 3, 4, 6))
    kind = random.at("kind").random()
    if count == 1 and kind < 0.3:
        return ["1"], {}
    section = {"start": "2017-04", "count": count, "length": random.at("length").choice(list(MONTHS))}
    if kind > 0.8:
        section = {"count": count}
    return labels(section), {"periods": section}


def labels(section: Document) -> list[str]:
    """Return the labels of the periods."""
    if "start" not in section:
        return [str(number + 1) for number in range(section["count"])]
    months = [3 + number * MONTHS[section["length"]] for number in range(section["count"])]
    return [f"{2017 + month // 12}-{month % 12 + 1:02}" for month in months]


def metal(random: RandomStream, metal: str, count: int) -> Document:
    """Return how one metal is handled."""
    worth = WORTH[metal]
    return {
        **maybe(random, 0.5, "sell", lambda own: series(own, count, -0.02 * worth, 0.9 * worth, PER_KG)),
        **maybe(random, 0.3, "holding", lambda own: series(own, count, 0, 0.01 * worth, PER_KG)),
        **maybe(random, 0.25, "opening_stock", lambda own: quantity(own, 0, 0.5, KG)),
    }


def alloys(random: RandomStream, metals: list[str], count: int) -> Document:
    """Return gold plating, a silver and a bronze alloy, each with its foundry parameters."""
    bodies: list[Document] = [
        {"Ag": ["99.9 %", "100 %"]},
        {"Ag": ["92.5 %", "95 %"], "Cu": [0.05, 0.075]},
        {"Ag": ["80 %", "95 %"], "Cu": ["0 %", "10 %"]},
        {"Ag": 0.925, "Cu": 0.075},
    ]
    bronzes: list[Document] = [{"Cu": "100 %"}, {"Cu": [0.9, 1]}]
    if "Zn" in metals:
        bronzes.append({"Cu": ["94.5 %", "95.5 %"], "Zn": ["4.5 %", "5.5 %"]})
    windows = {
        "plate": {"Au": ["99.9 %", "100 %"]},
        "body": random.at("body").choice(bodies),
        "bronze": random.at("bronze").choice(bronzes),
        **maybe(random, 0.1, "not owed", lambda own: {"Cu": ["0 %", "100 %"]}),
    }
    return {name: {"composition": window, **_foundry(random.at(name), count)} for name, window in windows.items()}


def _foundry(random: RandomStream, count: int) -> Document:
    return {
        **maybe(random, 0.3, "others", lambda own: quantity(own, 0, 0.01, SHARE)),
        **maybe(random, 0.4, "loss", lambda own: quantity(own, 0, 0.02, SHARE)),
        **maybe(random, 0.2, "capacity", lambda own: series(own, count, 1, 20, KG)),
        **maybe(random, 0.35, "scrap", _scrap),
    }


def _scrap(random: RandomStream) -> Document:
    return {
        "share": quantity(random.at("share"), 0, 0.5, SHARE),
        **maybe(random, 0.8, "returned", lambda own: quantity(own, 0.5, 1, SHARE)),
        **maybe(random, 0.5, "lead", lambda own: own.randint(1, 2)),
        **maybe(random, 0.5, "value", lambda own: quantity(own, -10, 1000, PER_KG)),
    }


def market(random: RandomStream, metals: list[str], count: int) -> Document:
    """Return offers of pure metal, mostly of all that is needed, and of alloy scrap; or no market."""
    chance = random.at("chance").choice((1, 1, 0.97, 0.7, 0))
    bought = some(random.at("bought"), [metal for metal in metals if metal != "Pd"], chance)
    offers: Document = {
        **{f"mined {metal}": _offer(random.at(metal), {metal: "100 %"}, metal, count) for metal in bought},
        **maybe(random, 0.4, "old_silver", lambda own: _old_silver(own, count)),
        **maybe(random, 0.3, "swarf", lambda own: _swarf(own, count)),
    }
    return {"market": offers} if offers else {}


def _old_silver(random: RandomStream, count: int) -> Document:
    offer = _offer(random, {"Ag": "92.5 %", "Cu": 0.075}, "Ag", count) | {"limit": "3 kg"}
    return offer | maybe(random, 0.4, "committed", lambda own: quantity(own, 0, 0.3, KG))


def _swarf(random: RandomStream, count: int) -> Document:
    return _offer(random, {"Cu": "93 %", "Ag": "0.5 %"}, "Cu", count) | {"recycled": "100 %"}


def _offer(random: RandomStream, composition: Document, metal: str, count: int) -> Document:
    low = -0.02 if random.at("price below 0").random() < 0.1 else 0.8
    return {
        "composition": composition,
        "price": series(random.at("price"), count, low * WORTH[metal], 1.3 * WORTH[metal], PER_KG),
        **maybe(random, 0.5, "recycled", lambda own: quantity(own, 0, 1, SHARE)),
        **maybe(random, 0.1, "limit", lambda own: quantity(own, 1, 30, KG)),
        **maybe(random, 0.7, "footprint", lambda own: quantity(own, 1, 200, {"": 1, "kg/kg": 1})),
    }


def medals(random: RandomStream, labels: list[str]) -> Document:
    """Return three kinds of medal, some of them due before the end."""
    parts: Document = {
        "gold": {"body": "550 g", "plate": "6 g"},
        "silver": {"body": "0.55 kg"},
        "bronze": {"bronze": "450 g"},
    }
    return {name: _medal(random.at(name), part, labels) for name, part in parts.items()}


def _medal(random: RandomStream, parts: Document, labels: list[str]) -> Document:
    return {
        "count": random.at("count").choice((0, 3, 5, 8, 12, 20)),
        "parts": parts,
        **maybe(random, 0.4, "due", lambda own: own.choice(labels[len(labels) // 2 :])),
        **maybe(random, 0.4, "allowance", lambda own: quantity(own, 0, 1.1, SHARE)),
    }


def policy(random: RandomStream, metals: list[str], devices: list[str]) -> Document:
    """Return a policy, or none."""
    content: Any = {
        **maybe(random, 0.3, "recycled", lambda own: _floors(own, metals)),
        **maybe(random, 0.3, "device_share", lambda own: _windows(own, devices)),
        **maybe(random, 0.25, "participation", lambda own: quantity(own, 0.01, 0.1, SHARE)),
        **maybe(random, 0.25, "footprint_cap", lambda own: f"{10 ** own.uniform(0, 2):.3g} t"),
    }
    return {"policy": content} if content else {}


def _floors(random: RandomStream, metals: list[str]) -> Document:
    floors = ("10 %", "30 %", 0.5, "100 %")
    return {metal: random.at(f"{metal} floor").choice(floors) for metal in some(random, metals, 0.4)}


def _windows(random: RandomStream, devices: list[str]) -> Document:
    group = {"devices": devices[:2], "share": [quantity(random.at("group"), 0, 0.1, SHARE), "95 %"]}
    single = maybe(random, 0.5, devices[0], lambda own: ["0 %", quantity(own, 0.3, 1, SHARE)])
    return {"a group": group, **single}
