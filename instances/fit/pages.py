"""The text of the Tokyo instances: one template, one set of answers for each variant."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from string import Template

from instances.fit import evidence, supply, treatments
from instances.fit.assays import Fit, two_digits
from instances.fit.evidence import DeviceEvidence
from instances.fit.plants import smelters

NET_KG = {"gold": 1646 * 0.006, "silver": 3291 * 0.55, "brass": 1709 * 0.45}  # in the medals
DELIVERED = {"gold": 32.0, "silver": 3500.0, "brass": 2200.0}
FIRST_TARGETS = {"gold": 40.0, "silver": 4920.0, "brass": 2944.0}
LATER_TARGETS = {
    "june_2018": {"gold": 42.0, "silver": 5300.0, "brass": 2700.0},
    "october_2018": {"gold": 30.3, "silver": 4100.0, "brass": 2700.0},
}
COMMITTEE, OPERATORS = "committee", "operators"
ALLOY = {"gold": "gold_plate", "silver": "silver_999", "brass": "red_brass"}
MARKET_LESS = {"Au": "4_473 JPY/g", "Ag": "56.7 JPY/g", "Cu": "698 JPY/kg", "Pd": "3_633 JPY/g"}

DELIVERED_STORY = (
    "the share that falls so that the metal charged is what was delivered, 32 kg of gold, 3,500 kg of\n"
    "# silver, 2,200 kg of brass (seen). What was reused while striking is inside those figures already"
)
FIRST_STORY = (
    "the share that falls so that the metal charged is what was first asked for, 40 kg of gold, 4,920 kg\n"
    "# of silver, 2,944 kg of brass (seen: plan of February 2017)"
)
RANGE_STORY = (
    "moved inside their published ranges, gold, at times copper, towards low, silver towards high, phones as measured\n"
    "# (estimated: fitted together with the device mix, see instances/README.md)."
)
BASE_STORY = (
    "the base of each published range, but for copper and the silver of low-grade appliances, which are fitted;\n"
    "# that silver is six times its range (estimated): another interpretation, less likely than tokyo2020.yaml."
)
SURPLUS_STORY = (
    "metal that the medals do not need stays with the smelter, or the operator whose feed it was (no contract is\n"
    "# public): the project neither buys nor sells it, and pays refining for what it calls back alone."
)
OWNER_STORY = (
    "the operators own the surplus and sell it at the market (prices under `market`; palladium 1,040 USD/oz_t,\n"
    "# recalled) less 1.5 %, palladium less 2 % (estimated), and bear the refining."
)


ONE_HAND_RECOVERS = "treatments.dismantle.recovery.Ag: 75 %"
EACH_HAND_RECOVERS = (
    "treatments.dismantle.fractions.boards.recovery.Ag: 75 %, "
    '"treatments.dismantle.devices.*.fractions.boards.recovery.Ag": 0.75'
)
STRUCK_MONTHS = 17  # January 2019 to May 2020
MISFORTUNES = (
    '  less_handed_in: {"streams.*.available": 95 %, note: "estimated: a twentieth less than what came in (seen)"}',
    '  silver_poorer: {"devices.*.content.Ag": 95 %, note: "estimated: most published ranges leave room for it"}',
    '  metal_later: {"smelters.*.lead": +2, note: "estimated: two months more, as when a furnace stands for repair"}',
    '  several_at_once: {smelters.shonan.capacity: 0 t, "treatments.*.cost": 115 %, "smelters.*.lead": +1,'
    ' note: "estimated: the fast refinery drops out, wages rise, all metal comes a month late"}',
)
SCENARIOS = (
    "  new_metal_allowed: {policy.recycled.Au: 0 %, policy.recycled.Ag: 0 %, policy.recycled.Cu: 0 %}",
    "  hand_recovers_less: {HAND_RECOVERS}",
    '  municipalities_collect: {"streams.*.collection": 0 JPY/t,'
    ' note: "seen: municipalities and shops bear collection anyway; what is left is the bill of all others"}',
    "  certified_recycled_bullion: {market.mined_gold.recycled: 100 %, market.mined_gold.price: 4_677 JPY/g,"
    " market.mined_silver.recycled: 100 %, market.mined_silver.price: 59.3 JPY/g,"
    ' note: "estimated: in place of mined bullion, certified recycled bullion at 3 % above the market"}',
    '  silver_90_payable: {"smelters.*.returned.Ag": 0.9, note: "recalled: the low end of the customary range"}',
    "  phones_refused_whole: {treatments.whole.capacity: 0 t,"
    ' note: "estimated: no furnace takes a phone whole, so boards are taken out by hand"}',
    '  scrap_charged_again: {"alloys.*.capacity": 1_000 kg, note: "estimated: cast in every month, so that the scrap of'
    ' one month is charged in the next"}',
)


@dataclass(frozen=True)
class Variant:
    """What one Tokyo instance says that the others do not."""

    name: str
    title: str
    fit: Fit
    table: str = "tokyo2020/streams.csv"
    need: dict[str, float] = field(default_factory=lambda: DELIVERED)
    owner: bool = False
    by_fraction: bool = False


def variants(fits: Mapping[str, Fit], base: Fit) -> list[Variant]:
    """Return the instances: base case, sold surplus, fractions, first targets, base assays, and the other anchors."""
    chosen = fits[""]
    anchored = (
        Variant(f"tokyo2020-{name}", f"Tokyo 2020, fitted to {fit.anchor.story}", fit, f"tokyo2020/streams-{name}.csv")
        for name, fit in fits.items()
        if name
    )
    return [
        Variant("tokyo2020", "Tokyo 2020: 5,000 medals from what was collected", chosen),
        Variant("tokyo2020-owner", "Tokyo 2020, the operators selling the surplus", chosen, owner=True),
        Variant("tokyo2020-fractions", "Tokyo 2020, boards, cables, copper and steel apart", chosen, by_fraction=True),
        Variant("tokyo2020-first-targets", "Tokyo 2020, as first planned", chosen, need=FIRST_TARGETS),
        Variant("tokyo2020-base-assays", "Tokyo 2020 with base assays", base, "tokyo2020/streams-base-assays.csv"),
        *anchored,
    ]


def page(template: str, variant: Variant, devices: dict[str, DeviceEvidence]) -> str:
    """Fill `template` for one instance."""
    moved = variant.fit.step > 0
    answers = {
        "name": variant.name,
        "title": f'"{variant.title}"',
        "table": variant.table,
        "devices": "\n".join(_devices(variant.fit, devices)),
        "smelters": "\n".join(smelters(list(devices), variant.by_fraction)),
        "mixes": "\n".join(_mixes(variant.fit)),
        "scenarios": "\n".join(_scenarios(variant)),
        "rich": "[" + ", ".join(name for name in devices if name not in evidence.PHONES) + "]",
        "assay_story": RANGE_STORY if moved else BASE_STORY,
        "mix_story": f"mix of device types, fitted (rich devices {variant.fit.scale:.3f} times the first guess)",
        "surplus_story": OWNER_STORY if variant.owner else SURPLUS_STORY,
        "casting": "[" + ", ".join(["0"] * 31 + ["6_000"]) + "]",
        "anchor_story": variant.fit.anchor.story,
        "refining": OPERATORS if variant.owner else COMMITTEE,
        "scrap_story": FIRST_STORY if variant.need is FIRST_TARGETS else DELIVERED_STORY,
    }
    answers |= {
        f"surplus_{metal}": f"sell: {price}" if variant.owner else "surplus: smelter"
        for metal, price in MARKET_LESS.items()
    }
    copper = {name: assay[2] for name, assay in variant.fit.assays.items()}
    answers |= treatments.fractions(copper) if variant.by_fraction else treatments.single_products()
    answers |= {f"scrap_{part}": _share(part, need) for part, need in variant.need.items()}
    answers |= {f"need_{part}": f"{need:,.0f} kg" for part, need in variant.need.items()}
    return Template(template).substitute(answers)


def _share(part: str, need_kg: float) -> str:
    return f"{100 * (1 - NET_KG[part] / need_kg):.2f} %"


def _mixes(fit: Fit) -> Iterator[str]:
    """Yield the mix as collected, the phones of it alone, and boxes as one town weighed them, all in per cent."""
    offered = supply.by_device(fit.mix)
    whole = math.fsum(offered.values())
    shares = {
        device: math.floor(tonnes / whole * 1e7) / 1e5 for device, tonnes in offered.items()
    }  # sum to 100 at most
    yield from _mix("as_collected", shares, "derived: what all streams offer from April 2017 to March 2019")
    phones = {device: shares[device] for device in evidence.PHONES}
    yield from _mix("phones_only", phones, "derived: the phones of the boxes and shops as collected, and nothing else")
    boxes = [f"{device}: {_plain(share)} %" for device, share in evidence.RIFU.items()]
    yield "  rifu_boxes:"
    yield "    bundle: box"
    yield f"    shares: {{{', '.join(boxes)}}}"
    yield f'    source: "{evidence.RIFU_SOURCE}"'
    yield '    note: "calculators, 5.3 %, are no device type here and count as not handed in"'


def _mix(name: str, shares: Mapping[str, float], source: str) -> Iterator[str]:
    listed = ", ".join(f"{device}: {_plain(share)} %" for device, share in shares.items())
    yield f"  {name}:"
    yield f"    {{{listed},"
    yield f'     source: "{source}"}}'


def _scenarios(variant: Variant) -> Iterator[str]:
    """Yield the changes that README.md asks about, by name."""
    targets = {"delivered" if variant.need is FIRST_TARGETS else "first_targets": _other(variant), **LATER_TARGETS}
    for name, need in targets.items():
        changes = ", ".join(f"alloys.{ALLOY[part]}.scrap.share: {_share(part, kg)}" for part, kg in need.items())
        yield f"  {name}: {{{changes}}}"
    hand = EACH_HAND_RECOVERS if variant.by_fraction else ONE_HAND_RECOVERS
    yield from (line.replace("HAND_RECOVERS", hand) for line in SCENARIOS)
    yield _struck(variant.need)
    yield from MISFORTUNES
    if variant.by_fraction:
        yield from _fraction_scenarios(list(variant.fit.assays))


def _fraction_scenarios(devices: Sequence[str]) -> Iterator[str]:
    """Yield the ends of the ranges of what is estimated of fractions."""
    others = [device for device in devices if device not in evidence.PHONES]
    dismantled = ["treatments.dismantle", *(f"treatments.dismantle.devices.{device}" for device in others[1:])]
    for name, cables, steel in (("fractions_cheap", 150, 10), ("fractions_dear", 300, 35)):
        prices = [f"{one}.fractions.cables.sold: {cables} JPY/kg" for one in dismantled]
        crushed = ("treatments.half", "treatments.shred")
        prices += [f"{one}.fractions.steel.sold: {steel} JPY/kg" for one in (*dismantled, *crushed)]
        yield f'  {name}: {{{", ".join(prices)}, note: "estimated: an end of the range of prices"}}'
    for treatment, silver in (("half", 70), ("shred", 30)):
        yield (
            f"  {treatment}_recovers_more: {{treatments.{treatment}.fractions.boards.recovery.Ag: {silver} %, "
            'note: "estimated: at which the plan begins to use it"}'
        )


def _struck(need: Mapping[str, float]) -> str:
    """Return the scenario in which equal shares are cast in each month of striking."""
    shares = {ALLOY[part]: math.ceil(10 * kilograms / STRUCK_MONTHS) / 10 for part, kilograms in need.items()}
    cast = ", ".join(
        f"alloys.{alloy}.capacity: [{', '.join(['0'] * 21 + [_plain(share)] * STRUCK_MONTHS)}]"
        for alloy, share in shares.items()
    )
    return (
        f'  struck_until_may_2020: {{periods.count: 38, "medals.*.due": 2020-05, {cast}, "alloys.*.scrap.lead": 38,'
        ' note: "seen: struck from January 2019 to May 2020; estimated: in equal months, all their scrap left"}'
    )


def _other(variant: Variant) -> dict[str, float]:
    return DELIVERED if variant.need is FIRST_TARGETS else FIRST_TARGETS


def _devices(fit: Fit, devices: dict[str, DeviceEvidence]) -> Iterator[str]:
    for name, device in devices.items():
        gold, silver, copper = fit.assays[name]
        yield f"  {name}:"
        yield f"    unit_mass: {_plain(device.unit_kg)} kg"
        yield (
            f"    content: {{Au: {_plain(gold)} g/t, Ag: {_plain(silver)} g/t, "
            f"Cu: {_plain(copper)} kg/t, Pd: {_plain(device.palladium)} g/t}}"
        )
        yield f"    cv: {_cv(name)}"
        yield "    correlation: 60 %"
        low, high = device.low, device.high
        yield f'    source: "{device.mark}: {device.source}"'
        units = zip(evidence.METALS, ("g/t", "g/t", "kg/t"), low, high, strict=True)
        ranges = ", ".join(f"{_plain(least)} to {_plain(most)} {unit} {metal}" for metal, unit, least, most in units)
        yield f'    note: "range {ranges}; {_moved(fit, device)}; cv and correlation estimated"'


def _moved(fit: Fit, device: DeviceEvidence) -> str:
    places = zip(evidence.METALS, fit.assays[device.name], device.base, strict=True)
    moved = [metal for metal, fitted, base in places if fitted != two_digits(base)]
    return f"{', '.join(moved)} fitted (estimated)" if moved else "the base of that range, to two digits"


def _cv(name: str) -> str:
    """Return the relative standard deviations of the assay, all estimated."""
    if name in evidence.PHONES:
        return "{Au: 30 %, Ag: 45 %}"
    if name in ("laptop", "desktop_pc", "tablet"):
        return "{Au: 35 %, Ag: 35 %}"
    return "{Au: 80 %, Ag: 80 %}" if name == evidence.LOW_GRADE else "{Au: 50 %, Ag: 50 %}"


def _plain(figure: float) -> str:
    return f"{figure:_.10g}"
