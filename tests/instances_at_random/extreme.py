"""Valid extremes: parameters of a random instance set to an end of their range or to 0."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.instances_at_random.figures import Document, RandomStream

SPREAD = 6  # decades, up and down, over which masses are strewn


def push_to_extremes(random: RandomStream, instance: Document) -> None:
    """Set some parameters of `instance` to valid extremes: none, all, one period, dead ends."""
    for chance, change in _CHANGES:
        own = random.at(change.__name__)
        if own.random() < chance:
            change(own, instance)


def strew_masses(random: Random, instance: Document, decades: float = SPREAD) -> None:
    """Multiply alloy masses of medals, and supply, by widely different powers of ten."""
    for medal in instance["medals"].values():
        medal["parts"] = {alloy: f"{10 ** random.uniform(-decades, decades):.4g} kg" for alloy in medal["parts"]}
    for stream in instance.get("streams", []):
        if random.random() < 0.5:
            for key in {"available", "total", "lot", "minimum_order"} & stream.keys():
                stream[key] = f"{10 ** random.uniform(-decades, decades):.4g} t"


def _stray_streams(random: Random, instance: Document) -> None:
    """Add streams, behind all others or before them, from which no route leads anywhere."""
    streams = instance.get("streams", [])
    if not streams or not instance.get("lanes"):
        return
    for number in range(random.randint(1, 2)):
        stray = {"name": f"stray {number}", "device": streams[0]["device"], "region": "Niice", "available": 3}
        streams.insert(random.choice((0, len(streams))), stray)


def _nothing_offered(random: Random, instance: Document) -> None:
    for stream in instance.get("streams", []):
        if random.random() < 0.4:
            stream.pop("total", None)
            stream["available"] = 0


def _little_offered(random: Random, instance: Document) -> None:
    for stream in instance.get("streams", []):
        if random.random() < 0.4:
            stream.pop("total", None)
            stream["available"] = random.choice((1e-9, 1e-6, 1e6, 1e9))


def _all_committed(random: Random, instance: Document) -> None:
    """Commit all that a stream offers over the horizon."""
    count = instance.get("periods", {}).get("count", 1)
    for stream in instance.get("streams", []):
        if random.random() < 0.3:
            stream.pop("available", None)
            stream["total"] = stream["committed"] = round(random.uniform(0.1, 3) * count, 4)


def _shares_at_ends(random: Random, instance: Document) -> None:
    """Set recoveries, shares sent on, returns and credits to 0 % or 100 %."""
    for treatment in instance.get("treatments", {}).values():
        for key in ("to_smelter", "recovery"):
            if random.random() < 0.3:
                treatment[key] = random.choice((0, 1, 1, 1e-9))
    for smelter in instance.get("smelters", {}).values():
        if random.random() < 0.3:
            smelter["returned"] = random.choice((0, 1, 1, 1e-9))
    for stream in instance.get("streams", []):
        if random.random() < 0.2:
            stream["credited"] = random.choice((0, 1))


def _capacities_at_ends(random: Random, instance: Document) -> None:
    for section in ("treatments", "smelters", "alloys"):
        for one in instance.get(section, {}).values():
            if random.random() < 0.25:
                one["capacity"] = random.choice((0, 1e-9, 1e-3, 1e9))


def _policy_at_ends(random: Random, instance: Document) -> None:
    policy = instance.setdefault("policy", {})
    policy["participation"] = random.choice((0, 1, 1, 0.999999999))
    if random.random() < 0.5:
        policy["recycled"] = {metal: random.choice((0, 1)) for metal in instance["metals"]}
    if random.random() < 0.3:
        policy["footprint_cap"] = random.choice((0, 1e-6, 1e9))


def _scrap_at_ends(random: Random, instance: Document) -> None:
    for alloy in instance["alloys"].values():
        if random.random() < 0.5:
            alloy["loss"] = random.choice((0, 0.5, 0.999999))
            alloy["scrap"] = {"share": random.choice((0, 0.5, 0.99, 0.999999)), "returned": random.choice((0, 1))}


def _prices_at_ends(random: Random, instance: Document) -> None:
    for offer in instance.get("market", {}).values():
        if random.random() < 0.4:
            offer["price"] = random.choice((0, 1e-6, 1e9, -1e3))
    for metal in instance["metals"].values():
        if random.random() < 0.3:
            metal["sell"] = random.choice((0, 1e9, -1e6))


def _medals_at_ends(random: Random, instance: Document) -> None:
    for medal in instance["medals"].values():
        if random.random() < 0.4:
            medal["count"] = random.choice((0, 0, 1, 10**6, 10**9))
        if random.random() < 0.2:
            medal["allowance"] = random.choice((0, 1e3))


_CHANGES: tuple[tuple[float, Callable[[Random, Document], None]], ...] = (
    (0.6, _stray_streams),
    (0.3, _nothing_offered),
    (0.2, _little_offered),
    (0.2, _all_committed),
    (0.3, _shares_at_ends),
    (0.3, _capacities_at_ends),
    (0.25, _policy_at_ends),
    (0.25, _scrap_at_ends),
    (0.25, _prices_at_ends),
    (0.3, _medals_at_ends),
)
