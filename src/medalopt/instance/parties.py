"""Parties by role: who collects and treats the devices of each region, carries them, smelts, sells, strikes and buys.

A role that no party has for a region falls to the party before it on the way of the devices: without a carrier the
operator delivers, without an operator the collector treats, and without a collector the region itself is addressed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from medalopt.instance.instance import Instance, Names
from medalopt.instance.payers import CostPayers
from medalopt.text import escape_text, suggest_name

COLLECTOR, OPERATOR, CARRIER, SMELTER, MINT, SELLER, BUYER = (
    *("collector", "operator", "carrier", "smelter", "mint", "seller", "buyer"),
)
SERVED_FIELDS = {COLLECTOR: "regions", OPERATOR: "regions", CARRIER: "regions", SMELTER: "smelters", SELLER: "offers"}
"""Field that names what a party of a role serves; a mint and a buyer serve the whole plan."""
_REGIONAL_ROLES = (COLLECTOR, OPERATOR, CARRIER)
_SINGLE_ROLES = (MINT, BUYER)
PartyFault = tuple[tuple[str | int, ...], str]  # path of the parameter, and what is wrong with it
PartyEntries = Mapping[str, Mapping[str, Any]]


def find_party_faults(parties: PartyEntries, names: Mapping[str, Iterable[str]]) -> Iterator[PartyFault]:
    """Find roles that cannot be assigned.

    Args:
        parties: Parties by name, with those fields that are stated.
        names: Names of the regions, smelters and offers of the instance, by the field that lists them.

    Yields:
        Path and message: lists that do not fit the role, unknown names, and two parties of one role for one thing.
    """
    known = {field: set(each) for field, each in names.items()}
    for name, party in parties.items():
        served = SERVED_FIELDS.get(party.get("role", ""))
        for field in sorted(set(SERVED_FIELDS.values()) & party.keys() - {served}):
            roles = ", ".join(role for role, own in SERVED_FIELDS.items() if own == field)
            yield ("parties", name, field), f"only a party with a role among {roles} has `{field}`: give its `role`"
        for number, other in enumerate(party.get(served, ()) if served else ()):
            if other not in known[str(served)]:
                kind = str(served).removesuffix("s")
                hint = suggest_name(other, known[str(served)])
                yield ("parties", name, str(served), number), f"no {kind} is called `{escape_text(other)}`{hint}"
        if party.get("role") in (SMELTER, SELLER) and served not in party and name not in known[str(served)]:
            text = f"name in `{served}` what it serves, as no {str(served).removesuffix('s')} is called"
            yield ("parties", name, "role"), f"{text} `{escape_text(name)}`"
    yield from _find_ambiguous_roles(parties)


def _find_ambiguous_roles(parties: PartyEntries) -> Iterator[PartyFault]:
    """Yield the second of two parties of one role for the same region, smelter or offer, or for the whole plan."""
    first: dict[tuple[str, str], str] = {}
    for name, party in parties.items():
        role = party.get("role", "")
        single = role in _SINGLE_ROLES or (role in _REGIONAL_ROLES and "regions" not in party)
        for other in [""] if single else party.get(SERVED_FIELDS.get(role, ""), ()):
            holder = first.setdefault((role, other), name)
            if holder != name:
                whom = f" for `{escape_text(other)}`" if other else " without a list of its own"
                yield (
                    ("parties", name, "role"),
                    f"`{escape_text(holder)}` is the {role}{whom} already: keep one of them",
                )


@dataclass(frozen=True)
class PartyDirectory:
    """The parties of an instance by role.

    Attributes:
        entries: Fields stated of each party.
        collectors (G,): Name of the party that hands over the devices of each region; the region where none is stated.
        operators (G,): Name of the party that treats them.
        carriers (G,): Name of the party that carries them to the smelters.
        smelters (K,): Name of the firm that runs each smelter; the smelter where none is stated.
        sellers (O,): Name of the seller of each offer; the offer where none is stated.
        mint: Name of the mint, '' where none is stated.
        buyer: Name of the buyer, '' where none is stated.
    """

    entries: PartyEntries
    collectors: Names
    operators: Names
    carriers: Names
    smelters: Names
    sellers: Names
    mint: str
    buyer: str

    @classmethod
    def from_instance(cls, instance: Instance) -> PartyDirectory:
        """Return the parties of an instance.

        Args:
            instance: Instance.
        """
        entries: PartyEntries = instance.annex.get("parties", {})
        regional = {role: _assign_role(entries, role, instance.regions) for role in _REGIONAL_ROLES}
        addressed = {name for name, party in entries.items() if "role" not in party}  # by their own names
        collectors = tuple(
            region if region in addressed else regional[COLLECTOR].get(region, region) for region in instance.regions
        )
        operators = tuple(map(regional[OPERATOR].get, instance.regions, collectors))
        smelters = _assign_role(entries, SMELTER, instance.smelters.names)
        sellers = _assign_role(entries, SELLER, instance.market.names)
        single = {
            role: next((name for name, one in entries.items() if one.get("role") == role), "") for role in _SINGLE_ROLES
        }
        return cls(
            entries,
            collectors,
            operators,
            tuple(map(regional[CARRIER].get, instance.regions, operators)),
            tuple(smelters.get(name, name) for name in instance.smelters.names),
            tuple(sellers.get(name, name) for name in instance.market.names),
            single[MINT],
            single[BUYER],
        )

    def get_details(self, party: str, member: str = "") -> Mapping[str, Any]:
        """Return the fields stated of a party.

        Args:
            party: Name of the party.
            member: Region, smelter or offer whose own entry comes first.

        Returns:
            Fields and their values, those left out absent.
        """
        return {**self.entries.get(party, {}), **self.entries.get(member, {})}


def _assign_role(entries: PartyEntries, role: str, members: Names) -> dict[str, str]:
    """Return the party of a role for each region, smelter or offer that has one."""
    held = {name: party for name, party in entries.items() if party.get("role") == role}
    field = SERVED_FIELDS[role]
    rest = next((name for name, party in held.items() if field not in party and role in _REGIONAL_ROLES), None)
    result = dict.fromkeys(members, rest) if rest else {name: name for name in held if name in members}
    return result | {member: name for name, party in held.items() for member in party.get(field, ())}


def name_buyer_as_payer(instance: Instance, directory: PartyDirectory) -> str:
    """Return the buyer as the payers call it.

    Args:
        instance: Instance.
        directory: Its parties.

    Returns:
        The party with the role of the buyer where it pays anything, else the payer of all that no entry names.
    """
    payers = CostPayers.from_instance(instance)
    stated: Mapping[str, str] = instance.annex.get("payers", {})
    return directory.buyer if directory.buyer in payers.parties else stated.get("default", "")
