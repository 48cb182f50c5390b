"""Each field of a random instance has a random stream of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests import random_instances
from tests.instances_at_random import need, supply
from tests.instances_at_random.figures import Document, RandomStream, maybe
from tests.random_instances import document, with_lots, with_pools, with_stock

Generator = Callable[[int], Document]

SEEDS = range(12)
FOLLOWED = {
    "unit_mass": "only a device with a mass is offered by the unit",
    "limit": "only with a limit may an offer with a negative price be stocked",
    "price": "the second price replaces the first",
}


@pytest.fixture
def optional(monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], set[str]]:
    """Return a function that makes the generator leave out one optional field, and returns the fields that it knows."""
    known: set[str] = set()

    def leave_out(left_out: str | None) -> set[str]:
        def altered(random: RandomStream, chance: float, key: str, value: Callable[[RandomStream], Any]) -> Document:
            known.add(key)
            return {} if key == left_out else maybe(random, chance, key, value)

        for module in (need, supply, random_instances):
            monkeypatch.setattr(module, "maybe", altered)
        return known

    return leave_out


def drop_key(node: Any, key: str) -> Any:
    """Return a document without any field of this name, and without sections that are then empty."""
    if isinstance(node, dict):
        left = {name: drop_key(item, key) for name, item in node.items() if name != key}
        return {name: item for name, item in left.items() if item != {}}
    return [drop_key(item, key) for item in node] if isinstance(node, list) else node


@pytest.mark.parametrize("generate", [document, with_stock, with_pools, with_lots])
def test_an_optional_field_changes_no_other(generate: Generator, optional: Callable[[str | None], set[str]]) -> None:
    """Generated without one optional field, whichever it is, an instance is as before in all other fields."""
    fields = optional(None)
    before = {seed: generate(seed) for seed in SEEDS}
    assert len(fields) > 30
    seen = set()
    for key in sorted(fields - FOLLOWED.keys()):
        optional(key)
        for seed, content in before.items():
            rest = drop_key(content, key)
            seen |= {key} if rest != content else set()
            assert drop_key(generate(seed), key) == rest, (key, seed)
    assert len(seen) > 30


def test_a_stream_knows_nothing_of_what_was_drawn() -> None:
    """The stream of a field gives the same numbers before and after its neighbours were drawn, and others than they."""
    root = RandomStream("1")
    first = root.at("price").random()
    root.random()
    root.at("limit").random()
    assert root.at("price").random() == first != root.at("limit").random()
    assert RandomStream("1").at("price").random() == first != RandomStream("2").at("price").random()


def test_the_comparison_sees_a_shared_stream(
    optional: Callable[[str | None], set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one stream for all fields, as `random.Random` is, leaving one out does change the others."""
    shared = RandomStream("1")
    monkeypatch.setattr(RandomStream, "at", lambda self, field: shared)
    optional(None)
    content = document(1)
    shared.seed("1")
    rest = drop_key(content, "sell")
    shared.seed("1")
    optional("sell")
    assert drop_key(document(1), "sell") != rest
