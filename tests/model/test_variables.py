"""Linking variables that are needed, and their defining rows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import pytest
from tests.model.cases import Document, changed, loaded

from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes, build_routes
from medalopt.model.network import (
    Network,
    NetworkSelection,
    build_network,
    build_network_part,
    find_indices,
    select_network,
)
from medalopt.model.variables import list_linking_families

STREAMS = [
    {"name": "asked", "device": "phone", "region": "north", "available": "10 t", "committed": "0.5 t"},
    {"name": "ordered", "device": "phone", "region": "south", "available": "10 t", "minimum_order": "2 t"},
    {"name": "waiting", "device": "phone", "region": "south", "available": "10 t", "storage": {}},
    {"name": "boxed", "device": "phone", "region": "west", "available": "10 t", "bundle": "box"},
]


@cache
def case(**policy: str) -> tuple[Instance, Routes]:
    """Return streams of three regions, one committed, one by order, one that may wait, one in a bundle."""
    document: Document = changed(streams=STREAMS, policy=dict(policy))
    instance = loaded(document)
    return instance, build_routes(instance)


def keys(instance: Instance, found: Routes, name: str, whole: bool) -> list[str]:
    """Return the names that a family of linking quantities of one index has."""
    (family,) = (link for link in list_linking_families(instance, found, whole) if link.name == name)
    return [key for (key,) in family.keys]


def test_every_region_and_stream_is_reported_in_the_whole_program() -> None:
    """The program for extensions has a linking variable for every region and stream."""
    instance, found = case()
    assert keys(instance, found, "sent_region", whole=True) == ["north", "south", "west"]
    assert keys(instance, found, "sent_stream", whole=True) == ["asked", "boxed", "ordered", "waiting"]


@pytest.mark.parametrize(
    ("participation", "told"),
    [("0 %", []), ("0.05", ["south"]), ("5 %", ["south"]), ("100 %", ["north", "south", "west"])],
)
def test_regions_are_reported_where_their_share_needs_a_row(participation: str, told: list[str]) -> None:
    """Regions have a linking variable where a minimum share needs a row, or supply can be stored."""
    assert keys(*case(participation=participation), "sent_region", whole=False) == told


def test_streams_are_reported_where_something_is_committed() -> None:
    """A stream with a commitment of half a tonne has a linking variable, one with 0 has none."""
    assert keys(*case(), "sent_stream", whole=False) == ["asked"]


def defined(block: Network) -> Mapping[int, Mapping[int, float]]:
    """Return the rows that define linking quantities: by number, the coefficients by column."""
    found: dict[int, dict[int, float]] = {}
    for row, column, value in zip(*(each.tolist() for each in vars(block.defining).values()), strict=True):
        found.setdefault(row, {})[column] = value
    return found


def test_what_is_left_out_moves_no_other_row() -> None:
    """Omitted linking variables change no row of the others."""
    instance, found = case(participation="5 %")
    everything = select_network(instance, found, np.ones(len(instance.streams.names), dtype=bool))
    rows = {}
    for whole in (True, False):
        numbered = [(link.name, key) for link in list_linking_families(instance, found, whole) for key in link.keys]
        lines = defined(build_network_part(instance, found, everything, whole))
        assert lines.keys() <= set(range(len(numbered)))
        rows[whole] = {name: lines.get(number, {}) for number, name in enumerate(numbered)}
    assert len(rows[False]) == len(rows[True]) - 2 - 3
    assert rows[False] == {name: rows[True][name] for name in rows[False]}
    assert rows[True]["shipped", ("ordered", "1")].keys() < rows[True]["sent_stream", ("ordered",)].keys()


def test_columns_of_two_choices_are_joined_in_their_order() -> None:
    """Joined selections list all columns of the first, then of the second, in each of four kinds."""
    instance, found = case()
    one, other = (select_network(instance, found, np.array(some, dtype=bool)) for some in ([1, 0, 1, 0], [0, 1, 0, 1]))
    both = one.joined(other)
    for name in ("shipped", "stocked", "taken", "supplied"):
        for axis in (0, 1):
            expected = [*getattr(one, name)[axis].tolist(), *getattr(other, name)[axis].tolist()]
            assert getattr(both, name)[axis].tolist() == expected
    assert isinstance(both, NetworkSelection)
    assert [len(at[0]) for at in (both.shipped, both.stocked, both.taken, both.supplied)] == [8, 2, 2, 8]


def test_the_places_at_which_something_holds() -> None:
    """Line by line, and with both numbers."""
    assert [axis.tolist() for axis in find_indices(np.array([[False, True], [True, True]]))] == [[0, 1, 1], [1, 0, 1]]


def test_a_bundle_is_no_row_of_another_stream() -> None:
    """Supply rows of streams outside bundles contain no share of a bundle; those within contain their own."""
    instance, found = case()
    block = build_network(instance, found)
    first = len(block.route) + len(block.stock_stream)
    rows = block.supply.row[block.supply.column >= first]
    assert [instance.streams.names[i] for i in block.supply_stream[rows]] == ["boxed", "boxed"]
    assert block.supply.value[block.supply.column >= first].tolist() == [-10.0, -10.0]
