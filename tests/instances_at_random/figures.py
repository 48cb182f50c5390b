"""Random parameters in random units, each from a random stream of its own, and metal prices.

Every field of a random instance draws from a `RandomStream` that is named by its path. Whoever adds an optional field
to the generator therefore changes no other field of any instance (`tests/instances_at_random/test_streams.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from random import Random
from typing import Any, TypeVar

Document = dict[str, Any]
Units = Mapping[str, float]

SHARE: Units = {"": 1, "%": 100}
KG: Units = {"": 1, "kg": 1, "g": 1000, "t": 0.001}
TONNES: Units = {"": 1, "t": 1, "kg": 1000}
ASSAY: Units = {"": 1, "kg/t": 1, "g/t": 1000, "%": 0.1}
PER_TONNE: Units = {"": 1, "JPY/t": 1, "JPY/kg": 0.001, "USD/t": 1 / 110}
PER_KG: Units = {"": 1, "JPY/kg": 1, "JPY/g": 0.001, "USD/kg": 1 / 110, "USD/ozt": 0.0311 / 110}


WORTH = {"Au": 4.5e6, "Ag": 6e4, "Cu": 700.0, "Zn": 320.0, "Pd": 3e6}  # JPY/kg
CONTENT = {"Au": 0.3, "Ag": 1.0, "Cu": 60.0, "Zn": 5.0, "Pd": 0.05}  # kg/t

T = TypeVar("T")


class RandomStream(Random):
    """A random generator for one field, seeded by the path of the field and independent of all other fields."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def at(self, field: object) -> RandomStream:
        """Return the random stream of a field below this one, independent of earlier draws."""
        return RandomStream(f"{self.path}/{field}")


def quantity(random: Random, low: float, high: float, units: Units) -> float | str:
    """Return a quantity between `low` and `high` in the canonical unit, bare or in another of `units`."""
    unit = random.choice(sorted(units))
    value = f"{random.uniform(low, high) * units[unit]:.5g}"
    return f"{Decimal(value):f} {unit}" if unit else float(value)


def series(random: RandomStream, count: int, low: float, high: float, units: Units) -> Any:
    """Return one quantity for all periods, or in one of three a list."""
    if random.random() < 0.67:
        return quantity(random, low, high, units)
    return [quantity(random.at(period), low, high, units) for period in range(count)]


def maybe(random: RandomStream, chance: float, key: str, value: Callable[[RandomStream], Any]) -> Document:
    """Return `key` with a value from its own stream, or otherwise an empty mapping."""
    own = random.at(key)
    return {key: value(own)} if own.random() < chance else {}


def some(random: RandomStream, names: Iterable[T], chance: float) -> list[T]:
    """Return each of `names` with this chance."""
    return [name for name in names if random.at(name).random() < chance]


def ordered_sample(random: RandomStream, names: Sequence[T], least: int, most: int) -> list[T]:
    """Return `least` to `most` of `names` in random order."""
    return random.sample(names, min(random.randint(least, most), len(names)))


def shares(random: RandomStream, metals: Iterable[str], low: float, high: float) -> Any:
    """Return one share, or shares by metal with a default."""
    default = quantity(random.at("default"), low, high, SHARE)
    if random.random() < 0.3:
        return default
    return {"default": default} | {metal: quantity(random.at(metal), low, high, SHARE) for metal in metals}
