"""The five smelters and refiners of the Tokyo instances, and the terms they are given."""

from __future__ import annotations

from collections.abc import Iterator

from instances.fit import evidence

CHARGE = {"Au": "27_000", "Ag": "1_900", "Cu": "30", "Pd": "70_000"}  # JPY/kg returned
PLANTS = {
    "kosaka": ("1_000", "seen: DOWA's furnace for electronic scrap at Kosaka, about 25 kt of copper a year"),
    "naoshima": ("3_000", "seen: Mitsubishi Materials, Naoshima, 110 kt of electronic scrap a year since 2016"),
    "takehara": ("800", "recalled: Mitsui Kinzoku's works at Takehara"),
    "saganoseki": ("2_000", "seen: JX and Pan Pacific Copper; the copper of all bronze medals came from Saganoseki"),
}
LINES = """\
    refining_charge: {{Au: {Au} JPY/kg, Ag: {Ag} JPY/kg, Cu: {Cu} JPY/kg, Pd: {Pd} JPY/kg}}
    returned: {{Au: 96 %, Ag: 94 %, Cu: 95.5 %, Pd: 94 %}}
    deduction: {{Au: 1 g/t, Ag: 30 g/t, Pd: 2 g/t}}
    terms:
      phones: {{devices: [feature_phone, smartphone], treatments: [whole], treatment_charge: 40_000 JPY/t}}
{terms}
    lead: {{default: 3, Cu: 2}}
    footprint: 540
    cv: 2 %"""
TERMS = """\
      boards: {treatments: [dismantle], treatment_charge: 30_000 JPY/t}
      picked: {treatments: [half], treatment_charge: 45_000 JPY/t}
      shredded: {treatments: [shred], treatment_charge: 60_000 JPY/t}"""
TERMS_BY_FRACTION = """\
      boards: {treatments: [dismantle], fractions: [boards], treatment_charge: 30_000 JPY/t}
      picked: {treatments: [half, shred], fractions: [boards], treatment_charge: 45_000 JPY/t}
      shredder_copper: {treatments: [half, shred], fractions: [copper], treatment_charge: 60_000 JPY/t}"""
TERMS_NOTE = (
    "recalled: charges 200 to 600 USD/t (boards low, shredded goods high), Au returned 95 to 98 % at 5 to 10 USD/oz_t, "
    "Ag 90 to 95 % at 0.4 to 0.75, Pd 90 to 95 % at 15 to 30, Cu 95 to 96 % at 8 to 20 US cents a pound, "
    "deductions 30 to 50 g/t Ag, 1 to 3 g/t Pd; estimated: the point in each range, Au deduction, capacity, lead, cv; "
    "derived: footprint, from 7,763 MJ/t (Valero Navazo et al., 2014) at 0.07 kg CO2e/MJ (estimated)"
)
SHONAN = """\
  shonan:
    refining_charge: {{Au: {Au} JPY/kg, Ag: {Ag} JPY/kg, Pd: {Pd} JPY/kg}}
    returned: {{Au: 98 %, Ag: 95 %, Pd: 95 %}}
    deduction: {{Au: 1 g/t, Ag: 30 g/t, Pd: 2 g/t}}
    treatment_charge: 150_000 JPY/t
    terms:
      phones: {{devices: [feature_phone, smartphone], treatments: [whole]}}
      boards: {{treatments: [dismantle]}}
    accepts: {accepts}
    capacity: 60 t
    lead: 1
    footprint: 540
    cv: 2 %
    source: "seen: Tanaka Kikinzoku; all gold for the medals was delivered by way of its Shonan plant"
    note: "estimated throughout: a refinery that takes phones and rich boards alone, little at a time, fast and dear"
"""


def smelters(devices: list[str], by_fraction: bool = False) -> Iterator[str]:
    """Yield the lines of the section `smelters`, with terms by treatment or by fraction."""
    for name, (capacity, source) in PLANTS.items():
        yield f"  {name}:"
        yield LINES.format(**CHARGE, terms=TERMS_BY_FRACTION if by_fraction else TERMS)
        yield f"    capacity: {capacity} t"
        yield f'    source: "{source}"'
        note = TERMS_NOTE if name == "kosaka" else "as kosaka, but for the capacity (estimated)"
        yield f'    note: "{note}"'
    accepted = "[" + ", ".join(name for name in devices if name != evidence.LOW_GRADE) + "]"
    yield SHONAN.format(**CHARGE, accepts=accepted).rstrip("\n")
