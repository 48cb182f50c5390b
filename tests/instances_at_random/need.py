"""Random sections of an instance that ask for metal or settle its use: metals, market, alloys, medals, policy."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.instances_at_random.figures import KG, PER_KG, SHARE, WORTH, Document, maybe, quantity, series, some

MONTHS = {"month": 1, "quarter": 3, "year": 12}


def periods(random: Random) -> tuple[list[str], Document]:
    """Return the labels of one to six periods, and the section that gives them."""
    count = random.choice((1, 1, 2, 3, 4, 6))
    if count == 1 and random.random() < 0.3:
        return ["1"], {}
    section = {"start": "2017-04", "count": count, "length": random.choice(list(MONTHS))}
    if random.random() < 0.2:
        section = {"count": count}
    return labels(section), {"periods": section}


def labels(section: Document) -> list[str]:
    """Return what the periods of this section are called."""
    if "start" not in section:
        return [str(number + 1) for number in range(section["count"])]
    months = [3 + number * MONTHS[section["length"]] for number in range(section["count"])]
    return [f"{2017 + month // 12}-{month % 12 + 1:02}" for month in months]


def metal(random: Random, metal: str, count: int) -> Document:
    """Return how one metal is handled."""
    worth = WORTH[metal]
    return {
        **maybe(random, 0.5, "sell", lambda: series(random, count, -0.02 * worth, 0.9 * worth, PER_KG)),
        **maybe(random, 0.3, "holding", lambda: series(random, count, 0, 0.01 * worth, PER_KG)),
        **maybe(random, 0.25, "opening_stock", lambda: quantity(random, 0, 0.5, KG)),
    }


def alloys(random: Random, metals: list[str], count: int) -> Document:
    """Return a plating of gold, a silver and a bronze alloy, each with what a foundry may add."""
    bodies: list[Document] = [
        {"Ag": ["99.9 %", "100 %"]},
        {"Ag": ["92.5 %", "95 %"], "Cu": [0.05, 0.075]},
        {"Ag": ["80 %", "95 %"], "Cu": ["0 %", "10 %"]},
        {"Ag": 0.925, "Cu": 0.075},
    ]
    bronzes: list[Document] = [{"Cu": "100 %"}, {"Cu": [0.9, 1]}]
    if "Zn" in metals:
        bronzes.append({"Cu": ["94.5 %", "95.5 %"], "Zn": ["4.5 %", "5.5 %"]})
    windows = {"plate": {"Au": ["99.9 %", "100 %"]}, "body": random.choice(bodies), "bronze": random.choice(bronzes)}
    if random.random() < 0.1:
        windows["not owed"] = {"Cu": ["0 %", "100 %"]}
    return {name: {"composition": window, **_foundry(random, count)} for name, window in windows.items()}


def _foundry(random: Random, count: int) -> Document:
    scrap = {
        "share": quantity(random, 0, 0.5, SHARE),
        **maybe(random, 0.8, "returned", lambda: quantity(random, 0.5, 1, SHARE)),
        **maybe(random, 0.5, "lead", lambda: random.randint(1, 2)),
        **maybe(random, 0.5, "value", lambda: quantity(random, -10, 1000, PER_KG)),
    }
    return {
        **maybe(random, 0.3, "others", lambda: quantity(random, 0, 0.01, SHARE)),
        **maybe(random, 0.4, "loss", lambda: quantity(random, 0, 0.02, SHARE)),
        **maybe(random, 0.2, "capacity", lambda: series(random, count, 1, 20, KG)),
        **maybe(random, 0.35, "scrap", lambda: scrap),
    }


def market(random: Random, metals: list[str], count: int) -> Document:
    """Return offers of pure metal, mostly of all that is needed, and of alloy scrap; or no market."""
    bought = some(random, [metal for metal in metals if metal != "Pd"], random.choice((1, 1, 0.97, 0.7, 0)))
    offers: Document = {f"mined {metal}": _offer(random, {metal: "100 %"}, metal, count) for metal in bought}
    if random.random() < 0.4:
        offers["old_silver"] = _offer(random, {"Ag": "92.5 %", "Cu": 0.075}, "Ag", count) | {"limit": "3 kg"}
        offers["old_silver"] |= maybe(random, 0.4, "committed", lambda: quantity(random, 0, 0.3, KG))
    if random.random() < 0.3:
        offers["swarf"] = _offer(random, {"Cu": "93 %", "Ag": "0.5 %"}, "Cu", count) | {"recycled": "100 %"}
    return {"market": offers} if offers else {}


def _offer(random: Random, composition: Document, metal: str, count: int) -> Document:
    low = -0.02 if random.random() < 0.1 else 0.8
    return {
        "composition": composition,
        "price": series(random, count, low * WORTH[metal], 1.3 * WORTH[metal], PER_KG),
        **maybe(random, 0.5, "recycled", lambda: quantity(random, 0, 1, SHARE)),
        **maybe(random, 0.1, "limit", lambda: quantity(random, 1, 30, KG)),
        **maybe(random, 0.7, "footprint", lambda: quantity(random, 1, 200, {"": 1, "kg/kg": 1})),
    }


def medals(random: Random, labels: list[str]) -> Document:
    """Return three kinds of medal, some of them due before the end."""
    parts: list[Document] = [{"body": "550 g", "plate": "6 g"}, {"body": "0.55 kg"}, {"bronze": "450 g"}]
    return {
        name: {
            "count": random.choice((0, 3, 5, 8, 12, 20)),
            "parts": part,
            **maybe(random, 0.4, "due", lambda: random.choice(labels[len(labels) // 2 :])),
            **maybe(random, 0.4, "allowance", lambda: quantity(random, 0, 1.1, SHARE)),
        }
        for name, part in zip(("gold", "silver", "bronze"), parts, strict=True)
    }


def policy(random: Random, metals: list[str], devices: list[str]) -> Document:
    """Return a policy, or none."""
    floors = {metal: random.choice(("10 %", "30 %", 0.5, "100 %")) for metal in some(random, metals, 0.4)}
    windows: Document = {"a group": {"devices": devices[:2], "share": [quantity(random, 0, 0.1, SHARE), "95 %"]}}
    if random.random() < 0.5:
        windows[devices[0]] = ["0 %", quantity(random, 0.3, 1, SHARE)]
    content: Any = {
        **maybe(random, 0.3, "recycled", lambda: floors),
        **maybe(random, 0.3, "device_share", lambda: windows),
        **maybe(random, 0.25, "participation", lambda: quantity(random, 0.01, 0.1, SHARE)),
        **maybe(random, 0.25, "footprint_cap", lambda: f"{10 ** random.uniform(0, 2):.3g} t"),
    }
    return {"policy": content} if content else {}
