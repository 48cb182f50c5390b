"""Roles of parties: who serves a region, smelter or offer, and statements that a file must not make."""

from __future__ import annotations

from typing import Any

import pytest

from medalopt import load
from medalopt.instance.payers import PartyDirectory, find_party_faults

NAMES = {"regions": ["east", "west"], "smelters": ["near"], "offers": ["coins"]}


@pytest.mark.parametrize(
    ("parties", "paths"),
    [
        ({"river": {"role": "operator", "regions": ["east"]}, "rest": {"role": "operator"}}, []),
        ({"river": {"role": "operator", "regions": ["est"]}}, ["parties.river.regions.0"]),
        ({"river": {"role": "seller", "regions": ["east"], "offers": ["coins"]}}, ["parties.river.regions"]),
        ({"river": {"regions": ["east"]}}, ["parties.river.regions"]),
        ({"house": {"role": "seller"}, "coins": {"role": "seller"}}, ["parties.house.role"]),
        ({"a": {"role": "carrier"}, "b": {"role": "carrier"}}, ["parties.b.role"]),
        ({"a": {"role": "mint"}, "b": {"role": "mint"}}, ["parties.b.role"]),
        (
            {"a": {"role": "smelter", "smelters": ["near"]}, "b": {"role": "smelter", "smelters": ["near"]}},
            ["parties.b.role"],
        ),
    ],
)
def test_a_role_that_cannot_be_assigned_is_a_fault(parties: dict[str, dict[str, Any]], paths: list[str]) -> None:
    """Unknown names, lists that do not fit the role, and a second party for the same thing, each with its path."""
    assert [".".join(map(str, path)) for path, _ in find_party_faults(parties, NAMES)] == paths


def test_a_role_that_no_one_has_falls_to_the_party_before(tmp_path: Any) -> None:
    """Listed regions come before the rest; a region's own entry collects; without a carrier the operator delivers."""
    text = """
format: medalopt/1
name: roles
currency: JPY
metals: {Ag: {}}
devices: {phone: {content: {Ag: 1 kg/t}}}
streams:
  - {device: phone, region: east, available: 1 t}
  - {device: phone, region: north, available: 1 t}
  - {device: phone, region: west, available: 1 t}
smelters: {near: {returned: {Ag: 90 %}}}
alloys: {silver: {composition: {Ag: 100 %}}}
medals: {medal: {count: 1, parts: {silver: 0.5 kg}}}
parties:
  north: {legal_name: Town of North}
  towns: {role: collector}
  river: {role: operator, regions: [east]}
  lake: {role: operator}
  hauler: {role: carrier, regions: [west]}
  group: {role: smelter, smelters: [near]}
  games: {role: buyer}
"""
    path = tmp_path / "roles.yaml"
    path.write_text(text, encoding="utf-8")
    found = PartyDirectory.from_instance(load(path))
    assert found.collectors == ("towns", "north", "towns")
    assert found.operators == ("river", "lake", "lake")
    assert found.carriers == ("river", "lake", "hauler")
    assert (found.smelters, found.mint, found.buyer) == (("group",), "", "games")
