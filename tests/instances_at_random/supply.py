"""Random sections of an instance from which metal comes: devices, streams, treatments, smelters, lanes."""

from __future__ import annotations

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
    RandomStream,
    maybe,
    ordered_sample,
    quantity,
    series,
    shares,
    some,
)

DEVICES = ("phone", "laptop", "007", "appareil photo")
REGIONS = ("north", "east, far", "東京")
TREATMENTS = ("dismantle", "shred [fine]", "NA")
SMELTERS = ("kosaka", "naoshima", "1e3")


def device(random: RandomStream, metals: list[str]) -> Document:
    """Return the contents per tonne of a device type."""
    held = some(random.at("content"), metals, 0.85)
    content = {metal: quantity(random.at(metal), 0.2 * CONTENT[metal], 2 * CONTENT[metal], ASSAY) for metal in held}
    return {"content": content, **maybe(random, 0.5, "unit_mass", lambda own: quantity(own, 0.1, 3, KG))}


def streams(
    random: RandomStream, devices: list[str], regions: list[str], measured: set[str], count: int
) -> list[Document]:
    """Return up to six streams; some share a region and a bundle, or even device and region."""
    pairs = ordered_sample(random, [(device, region) for device in devices for region in regions], 5, 5)
    streams = [_stream(random.at(number), *pair, measured, count) for number, pair in enumerate(pairs)]
    if random.at("twin").random() < 0.15:
        twin = _stream(random.at("twin"), streams[0]["device"], streams[0]["region"], measured, count)
        streams.append({"name": "second, of the same", **twin})
    if random.at("bundle").random() < 0.35:
        for number, stream in enumerate(streams):
            if stream["region"] == streams[0]["region"] and random.at(f"bundle {number}").random() < 0.8:
                stream["bundle"] = "box 1"
    return streams


def _stream(random: RandomStream, device: str, region: str, measured: set[str], count: int) -> Document:
    return {
        "device": device,
        "region": region,
        **_supply(random.at("available"), device in measured, count),
        **maybe(random, 0.85, "collection", lambda own: quantity(own, -5e3, 1.5e5, PER_TONNE)),
        **maybe(random, 0.4, "price", lambda own: quantity(own, -3e4, 3e4, PER_TONNE)),
        **maybe(random, 0.3, "storage", _storage),
        **maybe(random, 0.12, "committed", lambda own: quantity(own, 0.05, 0.6, TONNES)),
        **maybe(random, 0.2, "credited", lambda own: shares(own, ("Au", "Ag"), 0.4, 1)),
        **maybe(random, 0.3, "footprint", lambda own: round(own.uniform(0, 90), 1)),
    }


def _supply(random: RandomStream, counted: bool, count: int) -> Document:
    """Return the supply of a stream: in total, in pieces, or by period, with zeros."""
    if random.at("total").random() < 0.25:
        return {"total": quantity(random, 2, 9 * count, TONNES)}
    if counted and random.at("counted").random() < 0.3:
        return {"available": f"{random.randint(1000, 9000)} unit"}
    available = series(random, count, 0.5, 9, TONNES)
    if isinstance(available, list) and random.at("none").random() < 0.4:
        available[random.at("none at").randrange(count)] = 0
    return {"available": available}


def _storage(random: RandomStream) -> Document:
    return {
        **maybe(random, 0.8, "limit", lambda own: quantity(own, 1, 15, TONNES)),
        **maybe(random, 0.8, "cost", lambda own: quantity(own, 100, 900, PER_TONNE)),
    }


def treatments(random: RandomStream, devices: list[str], regions: list[str], count: int) -> Document:
    """Return some treatments, one of which may leave the project; or none: the default."""
    names = ordered_sample(random, TREATMENTS, 0, 3)
    if not names:
        return {}
    return {
        "treatments": {
            **{name: _treatment(random.at(name), devices, regions, count) for name in names},
            **maybe(random, 0.6, "whole", lambda own: {}),
            **maybe(random, 0.3, "recycle_only", _recycling),
        }
    }


def _recycling(random: RandomStream) -> Document:
    return {"cost": quantity(random, -2e3, 2e4, PER_TONNE), "to_smelter": "0 %"}


def _treatment(random: RandomStream, devices: list[str], regions: list[str], count: int) -> Document:
    return {
        "cost": quantity(random.at("cost"), 1e3, 1.8e5, PER_TONNE),
        **maybe(random, 0.8, "to_smelter", lambda own: quantity(own, 0.1, 0.6, SHARE)),
        **maybe(random, 0.9, "recovery", lambda own: shares(own, ("Au", "Cu"), 0.3, 0.95)),
        **maybe(random, 0.5, "residue_value", lambda own: quantity(own, -5e3, 9e3, PER_TONNE)),
        **maybe(random, 0.3, "capacity", lambda own: series(own, count, 2, 30, TONNES)),
        **maybe(random, 0.2, "accepts", lambda own: some(own, devices, 0.7)),
        **maybe(random, 0.2, "regions", lambda own: some(own, regions, 0.7)),
        **maybe(random, 0.2, "devices", lambda own: {own.choice(devices): _other_yield(own)}),
        **maybe(random, 0.3, "footprint", lambda own: round(own.uniform(0, 50), 1)),
    }


def _other_yield(random: RandomStream) -> Document:
    return {
        "to_smelter": quantity(random.at("to_smelter"), 0.15, 0.9, SHARE),
        "recovery": shares(random.at("recovery"), ("Ag",), 0.2, 0.95),
    }


def smelter(random: RandomStream, devices: list[str], treatments: list[str], metals: list[str], count: int) -> Document:
    """Return one smelter with its charges, limits and terms."""
    return {
        **_settlement(random, metals, 1.0),
        **maybe(random, 0.4, "capacity", lambda own: series(own, count, 1, 30, TONNES)),
        **maybe(random, 0.12, "committed", lambda own: quantity(own, 0.05, 0.5, TONNES)),
        **maybe(random, 0.2, "limit", lambda own: quantity(own, 6, 60, TONNES)),
        **maybe(random, 0.5, "lead", lambda own: own.choice((_leads(own, metals), 1, 0))),
        **maybe(random, 0.2, "accepts", lambda own: some(own, devices, 0.8)),
        **maybe(random, 0.35, "terms", lambda own: _terms(own, devices, treatments, metals)),
        **maybe(random, 0.4, "footprint", lambda own: round(own.uniform(0, 900), 1)),
    }


def _leads(random: RandomStream, metals: list[str]) -> Document:
    slow = random.at("metal").choice(metals)
    return {"default": random.at("default").randint(0, 1), slow: random.at("slow").randint(0, 2)}


def _settlement(random: RandomStream, metals: list[str], chance: float) -> Document:
    def charges(own: RandomStream) -> Document:
        return {m: quantity(own.at(f"{m} charge"), 0, 0.02 * WORTH[m], PER_KG) for m in some(own, metals, 0.6)}

    def returned(own: RandomStream) -> Document:
        return {m: quantity(own.at(f"{m} share"), 0.8, 0.99, SHARE) for m in some(own, metals, 0.95)}

    def deducted(own: RandomStream) -> Document:
        return {m: quantity(own.at(f"{m} grade"), 0, 0.1 * CONTENT[m], ASSAY) for m in some(own, metals, 0.5)}

    return {
        **maybe(random, chance, "treatment_charge", lambda own: quantity(own, -5e3, 8e4, PER_TONNE)),
        **maybe(random, 0.7 * chance, "refining_charge", charges),
        **maybe(random, chance, "returned", returned),
        **maybe(random, 0.5 * chance, "deduction", deducted),
    }


def _terms(random: RandomStream, devices: list[str], treatments: list[str], metals: list[str]) -> Document:
    key, names = random.at("by").choice((("devices", devices), ("treatments", treatments)))
    cut = random.at("cut").randint(0, len(names) - 1)
    parts = [part for part in (names[:cut], names[cut:]) if part and random.at(f"line {part[0]}").random() < 0.9]
    return {
        f"line {at}": {key: part, **_settlement(random.at(at), metals, 0.5)} for at, part in enumerate(parts or [names])
    }


def lanes(random: RandomStream, regions: list[str], smelters: list[str]) -> Document:
    """Return lanes between most regions and smelters, or none: every pair, free."""
    if random.at("free").random() < 0.3:
        return {}
    pairs = some(random, [(region, smelter) for region in regions for smelter in smelters], 0.9)
    listed = [_lane(random.at(f"{region}@{smelter}"), region, smelter) for region, smelter in pairs]
    rate = quantity(random.at("transport_rate"), 20, 45, {"": 1, "JPY/t/km": 1})
    return {"lanes": listed, "transport_rate": rate} if listed else {}


def _lane(random: RandomStream, region: str, smelter: str) -> Document:
    far = {"distance": quantity(random.at("distance"), 20, 1500, {"": 1, "km": 1})}
    dear = {"cost": quantity(random.at("cost"), 0, 5e4, PER_TONNE)}
    return {
        "region": region,
        "smelter": smelter,
        **random.at("kind").choice((far, dear)),
        **maybe(random, 0.4, "footprint", lambda own: quantity(own, 0, 200, {"": 1, "kg/t": 1})),
    }
