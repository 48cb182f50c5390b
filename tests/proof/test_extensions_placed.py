"""Position of extension terms: every quantity by its names, and none that the instance lacks."""

from __future__ import annotations

import pytest
from tests.model.cases import changed, loaded

from medalopt.instance.routes import build_routes
from medalopt.proof.extensions import OWN_VARIABLES, ExtensionTerm, QuantityIndex

BOX = {"device": "phone", "region": "north", "bundle": "box", "available": "1 t"}


def places() -> QuantityIndex:
    """Return the places of an instance with a stream alone and a box of two, which go to the smelter or are sold."""
    alone = {"device": "phone", "region": "north", "name": "a", "available": "1 t", "storage": {}}
    streams = [alone, BOX | {"name": "b"}, BOX | {"name": "c"}]
    treatments = {"whole": {"to_smelter": 1}, "sold": {"to_smelter": 0}}
    instance = loaded(changed(streams=streams, treatments=treatments))
    return QuantityIndex(instance, build_routes(instance), ("mine", "yours"))


HELD = {
    ("ship", ("a", "whole", "smelter", "2")): ("sent", 3),  # routes stand by stream: sold first, then whole
    ("ship", ("b", "whole", "smelter", "1")): ("sent", 6),
    ("leave", ("a", "sold", "2")): ("sent", 1),
    ("leave", ("c", "sold", "1")): ("sent", 8),
    ("stockpile", ("a", "2")): ("stockpile", 1),
    ("take", ("BUNDLE", "2")): ("take", 1),
    ("feed", ("smelter", "2")): ("feed", 1),
    ("treated", ("whole", "1")): ("treated", 2),
    ("returned", ("smelter", "Cu", "2")): ("returned", 3),
    ("sent_device", ("phone",)): ("sent_device", 0),
    ("sent_region", ("north",)): ("sent_region", 0),
    ("sent_stream", ("c",)): ("sent_stream", 2),
    ("spend", ("2",)): ("spend", 1),
    ("network_footprint", ()): ("network_footprint", 0),
    ("bought", ("silver",)): ("bought", 0),
    ("stock", ("Cu", "1")): ("stock", 2),
    ("surplus", ("Cu", "2")): ("surplus", 3),
    ("charge", ("silver", "Cu", "1")): ("charge", 2),
    ("buy", ("silver", "silver", "2")): ("buy", 1),
    ("cast", ("silver", "2")): ("cast", 1),
    ("recharge", ("silver", "2")): ("recharge", 1),
    ("scrap", ("silver", "2")): ("scrap", 1),
    ("mine", ()): (OWN_VARIABLES, 0),
    ("yours", ()): (OWN_VARIABLES, 1),
}


def key(of: QuantityIndex, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return names with those of the bundle in its place."""
    return tuple(each for name in names for each in (of.instance.bundles[0] if name == "BUNDLE" else (name,)))


@pytest.mark.parametrize("term", HELD, ids=lambda term: f"{term[0]}[{', '.join(term[1])}]")
def test_a_quantity_is_where_its_names_say(term: tuple[str, tuple[str, ...]]) -> None:
    """A term is placed in its array at its names; a wrong number of names or an unknown name is refused."""
    of, (component, names) = places(), term
    whole = key(of, names)
    assert of.locate(ExtensionTerm(component, whole, 1.0)) == HELD[term]
    assert of.locate(ExtensionTerm(component, (*whole, "2"), 1.0)) is None
    for number in range(len(whole)):
        assert of.locate(ExtensionTerm(component, whole[:number], 1.0)) is None
        assert of.locate(ExtensionTerm(component, (*whole[:number], "nobody", *whole[number + 1 :]), 1.0)) is None


def test_what_is_no_quantity_is_found_nowhere() -> None:
    """An unknown component is refused, whatever its names."""
    for names in ((), ("a",), ("a", "2")):
        assert places().locate(ExtensionTerm("wish", names, 1.0)) is None


def test_the_shape_of_each_array() -> None:
    """Routes by periods, groups, or one alone; a user's own variables side by side."""
    of = places()
    shapes = {"ship": (6, 2), "leave": (6, 2), "take": (1, 2), "returned": (1, 2, 2), "sent_stream": (3,)}
    shapes |= {"network_footprint": (1,), "buy": (1, 1, 2), "yours": (2,)}
    assert {name: of.get_shape(name) for name in shapes} == shapes
