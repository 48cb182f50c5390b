"""Random sections of an instance from which metal comes: devices, streams, treatments, smelters, lanes."""

from __future__ import annotations

from random import Random

from tests.instances_at_random.figures import (
    ASSAY,
    CONTENT,
    KG,
    PER_KG,
    PER_TONNE,
    SHARE,
    TONNES,
    WORTH,
    Document,
    maybe,
    quantity,
    series,
    shares,
    some,
)

DEVICES = ("phone", "laptop", "007", "appareil photo")
REGIONS = ("north", "east, far", "東京")
TREATMENTS = ("dismantle", "shred [fine]", "NA")
SMELTERS = ("kosaka", "naoshima", "1e3")


def device(random: Random, metals: list[str]) -> Document:
    """Return what one tonne of a device type holds."""
    content = {m: quantity(random, 0.2 * CONTENT[m], 2 * CONTENT[m], ASSAY) for m in metals if random.random() < 0.85}
    return {"content": content, **maybe(random, 0.5, "unit_mass", lambda: quantity(random, 0.1, 3, KG))}


def streams(random: Random, devices: list[str], regions: list[str], measured: set[str], count: int) -> list[Document]:
    """Return up to six streams; some share a region and a bundle, or even device and region."""
    pairs = [(device, region) for device in devices for region in regions]
    streams = [_stream(random, *pair, measured, count) for pair in random.sample(pairs, min(len(pairs), 5))]
    if random.random() < 0.15:
        twin = _stream(random, streams[0]["device"], streams[0]["region"], measured, count)
        streams.append({"name": "second, of the same", **twin})
    if random.random() < 0.35:
        region = streams[0]["region"]
        for stream in streams:
            if stream["region"] == region and random.random() < 0.8:
                stream["bundle"] = "box 1"
    return streams


def _stream(random: Random, device: str, region: str, measured: set[str], count: int) -> Document:
    stream: Document = {"device": device, "region": region}
    if random.random() < 0.25:
        stream["total"] = quantity(random, 2, 9 * count, TONNES)
    elif device in measured and random.random() < 0.3:
        stream["available"] = f"{random.randint(1000, 9000)} unit"
    else:
        stream["available"] = series(random, count, 0.5, 9, TONNES)
        if isinstance(stream["available"], list) and random.random() < 0.4:
            stream["available"][random.randrange(count)] = 0
    storage = {**maybe(random, 0.8, "limit", lambda: quantity(random, 1, 15, TONNES)),
               **maybe(random, 0.8, "cost", lambda: quantity(random, 100, 900, PER_TONNE))}  # fmt: skip
    return {
        **stream,
        **maybe(random, 0.85, "collection", lambda: quantity(random, -5e3, 1.5e5, PER_TONNE)),
        **maybe(random, 0.4, "price", lambda: quantity(random, -3e4, 3e4, PER_TONNE)),
        **maybe(random, 0.3, "storage", lambda: storage),
        **maybe(random, 0.12, "committed", lambda: quantity(random, 0.05, 0.6, TONNES)),
        **maybe(random, 0.2, "credited", lambda: shares(random, ("Au", "Ag"), 0.4, 1)),
        **maybe(random, 0.3, "footprint", lambda: round(random.uniform(0, 90), 1)),
    }


def treatments(random: Random, devices: list[str], regions: list[str], count: int) -> Document:
    """Return some treatments, one of which may leave the project; or none: the default."""
    names = random.sample(TREATMENTS, random.randint(0, 3))
    if not names:
        return {}
    treatments = {name: _treatment(random, devices, regions, count) for name in names}
    if random.random() < 0.6:
        treatments["whole"] = {}
    if random.random() < 0.3:
        treatments["recycle_only"] = {"cost": quantity(random, -2e3, 2e4, PER_TONNE), "to_smelter": "0 %"}
    return {"treatments": treatments}


def _treatment(random: Random, devices: list[str], regions: list[str], count: int) -> Document:
    other = {"to_smelter": quantity(random, 0.15, 0.9, SHARE), "recovery": shares(random, ("Ag",), 0.2, 0.95)}
    return {
        "cost": quantity(random, 1e3, 1.8e5, PER_TONNE),
        **maybe(random, 0.8, "to_smelter", lambda: quantity(random, 0.1, 0.6, SHARE)),
        **maybe(random, 0.9, "recovery", lambda: shares(random, ("Au", "Cu"), 0.3, 0.95)),
        **maybe(random, 0.5, "residue_value", lambda: quantity(random, -5e3, 9e3, PER_TONNE)),
        **maybe(random, 0.3, "capacity", lambda: series(random, count, 2, 30, TONNES)),
        **maybe(random, 0.2, "accepts", lambda: some(random, devices, 0.7)),
        **maybe(random, 0.2, "regions", lambda: some(random, regions, 0.7)),
        **maybe(random, 0.2, "devices", lambda: {random.choice(devices): other}),
        **maybe(random, 0.3, "footprint", lambda: round(random.uniform(0, 50), 1)),
    }


def smelter(random: Random, devices: list[str], treatments: list[str], metals: list[str], count: int) -> Document:
    """Return one smelter with its charges, limits and terms."""
    lead = {"default": random.randint(0, 1), random.choice(metals): random.randint(0, 2)}
    committed, limit = quantity(random, 0.05, 0.5, TONNES), quantity(random, 6, 60, TONNES)
    return {
        **_settlement(random, metals, 1.0),
        **maybe(random, 0.4, "capacity", lambda: series(random, count, 1, 30, TONNES)),
        **maybe(random, 0.12, "committed", lambda: committed),
        **maybe(random, 0.2, "limit", lambda: limit),
        **maybe(random, 0.5, "lead", lambda: random.choice((lead, 1, 0))),
        **maybe(random, 0.2, "accepts", lambda: some(random, devices, 0.8)),
        **maybe(random, 0.35, "terms", lambda: _terms(random, devices, treatments, metals)),
        **maybe(random, 0.4, "footprint", lambda: round(random.uniform(0, 900), 1)),
    }


def _settlement(random: Random, metals: list[str], chance: float) -> Document:
    worth = {m: quantity(random, 0, 0.02 * WORTH[m], PER_KG) for m in some(random, metals, 0.6)}
    lost = {m: quantity(random, 0, 0.1 * CONTENT[m], ASSAY) for m in some(random, metals, 0.5)}
    share = {m: quantity(random, 0.8, 0.99, SHARE) for m in metals if random.random() < 0.95}
    return {
        **maybe(random, chance, "treatment_charge", lambda: quantity(random, -5e3, 8e4, PER_TONNE)),
        **maybe(random, 0.7 * chance, "refining_charge", lambda: worth),
        **maybe(random, chance, "returned", lambda: share),
        **maybe(random, 0.5 * chance, "deduction", lambda: lost),
    }


def _terms(random: Random, devices: list[str], treatments: list[str], metals: list[str]) -> Document:
    key, names = random.choice((("devices", devices), ("treatments", treatments)))
    cut = random.randint(0, len(names) - 1)
    parts = [part for part in (names[:cut], names[cut:]) if part and random.random() < 0.9]
    return {f"line {at}": {key: part, **_settlement(random, metals, 0.5)} for at, part in enumerate(parts or [names])}


def lanes(random: Random, regions: list[str], smelters: list[str]) -> Document:
    """Return lanes between most regions and smelters, or none: every pair, free."""
    if random.random() < 0.3:
        return {}
    pairs = some(random, [(region, smelter) for region in regions for smelter in smelters], 0.9)
    listed = [
        {"region": region, "smelter": smelter}
        | random.choice(
            ({"distance": quantity(random, 20, 1500, {"": 1, "km": 1})}, {"cost": quantity(random, 0, 5e4, PER_TONNE)})
        )
        | maybe(random, 0.4, "footprint", lambda: quantity(random, 0, 200, {"": 1, "kg/t": 1}))
        for region, smelter in pairs
    ]
    return {"lanes": listed, "transport_rate": quantity(random, 20, 45, {"": 1, "JPY/t/km": 1})} if listed else {}
