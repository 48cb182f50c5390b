"""Treatments of the Tokyo instances: one product each, or several fractions with the same recoveries in all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from instances.fit import evidence
from instances.fit.evidence import Triple

BOARDS_SHARE = 0.17  # of the mass, dismantled by hand (seen: Ministry of the Environment, 2011)
BOARDS_COPPER = 0.50  # of the copper, so that boards hold 20 to 40 % as measured; 59 % of the 85 % recovered (seen)
CABLES_GRADE = 450.0  # kg of copper per tonne of cables, coils and motors (seen: Kurtz Metals, 2012)
STEEL_SHARE = 0.40  # recalled: 20,124 t of iron from 50,491 t of small appliances, fiscal 2014
STEEL_JPY, CABLES_JPY = "20_000", "220_000"  # JPY/t


@dataclass(frozen=True)
class FractionEvidence:
    """A product of a treatment: its share of the mass, and its recoveries of Au, Ag and Cu, or its price if sold."""

    share: float
    recovery: Triple = (0.0, 0.0, 0.0)
    sold: str = ""

    def line(self) -> str:
        """Return the entry of the instance format; palladium is recovered as gold."""
        if self.sold:
            return f"{{share: {_percent(self.share)}, sold: {self.sold} JPY/t}}"
        gold, silver, copper = (_percent(part) for part in self.recovery)
        return f"{{share: {_percent(self.share)}, recovery: {{Au: {gold}, Ag: {silver}, Cu: {copper}, Pd: {gold}}}}}"


Fractions = dict[str, FractionEvidence]
STEEL = FractionEvidence(STEEL_SHARE, sold=STEEL_JPY)
# The sums over boards and copper are the recoveries of evidence.TREATMENTS; how they split is estimated.
HALF: Fractions = {
    "boards": FractionEvidence(0.15, (0.60, 0.50, 0.40)),
    "copper": FractionEvidence(0.10, (0.05, 0.05, 0.35)),
    "steel": STEEL,
}
SHRED: Fractions = {
    "boards": FractionEvidence(0.04, (0.106, 0.05, 0.05)),
    "copper": FractionEvidence(0.26, (0.15, 0.065, 0.55)),
    "steel": STEEL,
}


def dismantled(copper: float) -> Fractions:
    """Return the fractions of a device dismantled by hand.

    Args:
        copper: Assay of the device, kg/t.

    Returns:
        Boards; cables, coils and motors, so many that they hold 45 % copper; steel.
    """
    gold, silver, total = evidence.TREATMENTS["dismantle"].recovery
    cables = (total - BOARDS_COPPER) * copper / CABLES_GRADE
    return {
        "boards": FractionEvidence(BOARDS_SHARE, (gold, silver, BOARDS_COPPER)),
        "cables": FractionEvidence(round(cables, 4), sold=CABLES_JPY),
        "steel": STEEL,
    }


def single_products() -> dict[str, str]:
    """Return what the template says of each treatment, with one product."""
    return {
        "dismantle": "    to_smelter: 17 %\n    recovery: {Au: 82 %, Ag: 80 %, Cu: 50 %, Pd: 82 %}\n"
        "    devices: {feature_phone: {to_smelter: 30 %}, smartphone: {to_smelter: 30 %}}",
        "dismantle_note": "the other copper leaves as cables, coils and motors, a stream of its own that the medals "
        "do not need",
        "half": "    to_smelter: 25 %\n    recovery: {Au: 65 %, Ag: 55 %, Cu: 75 %, Pd: 65 %}",
        "half_note": "estimated throughout: coarse crushing and picking by hand, between dismantling and shredding",
        "shred": "    to_smelter: 30 %\n    recovery: {Au: 25.6 %, Ag: 11.5 %, Cu: 60 %, Pd: 25.6 %}",
        "shred_note": "estimated: 30 % sent on, residue, footprint and cv",
    }


def fractions(copper: Mapping[str, float]) -> dict[str, str]:
    """Return what the template says of each treatment, with several products.

    Args:
        copper: Assay of each device type, kg/t.
    """
    others = [device for device in copper if device not in evidence.PHONES]
    usual, *_ = others
    lines = [*_listed("    ", dismantled(copper[usual])), "    devices:"]
    for phone in evidence.PHONES:
        boards = FractionEvidence(0.30, dismantled(0.0)["boards"].recovery)
        lines.append(f"      {phone}: {{fractions: {{boards: {boards.line()}}}}}")
    for device in others[1:]:
        listed = ", ".join(f"{name}: {part.line()}" for name, part in dismantled(copper[device]).items())
        lines.append(f"      {device}: {{fractions: {{{listed}}}}}")
    return {
        "dismantle": "\n".join(lines),
        "dismantle_note": "the other copper, 35 %, is in cables, coils and motors, with 45 % copper (seen: extension "
        "cords and data cables, Kurtz Metals, 2012), sold at 220 JPY/kg (estimated: 69 % of the price of their copper; "
        "seen: insulated wire of 50 % recovery at 70 to 75 % of it, ScrapMonster, 2025); boards hold 59 % of the "
        "copper recovered (seen: 187 of 320 g in a desktop computer, with all its silver, Shirahase & Kida, 2009); "
        "steel is 40 % of the mass (recalled: 20,124 t of iron from 50,491 t, fiscal 2014; seen: 7.2 kg in a desktop "
        "computer, same), sold at 20 JPY/kg (estimated: mixed thin scrap below H2; seen: mills paid 35 to 36 for H2 in "
        "December 2017 and 30.5 to 31 in February 2019, Japan Metal Daily); phones have neither",
        "half": "\n".join(_listed("    ", HALF)),
        "half_note": "estimated throughout: coarse crushing and picking by hand, between dismantling and shredding; "
        "boards and shredder copper together hold the metal of the one product of tokyo2020.yaml",
        "shred": "\n".join(_listed("    ", SHRED)),
        "shred_note": "estimated: boards picked from the belt and shredder copper, together with the recoveries seen "
        "and 30 % of the mass; residue, footprint and cv",
    }


def _listed(indent: str, parts: Fractions) -> Iterator[str]:
    yield f"{indent}fractions:"
    for name, part in parts.items():
        yield f"{indent}  {name}: {part.line()}"


def _percent(share: float) -> str:
    return f"{100 * share:.10g} %"
