"""Random figures in random units, and what the metals of the random instances are like."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from random import Random
from typing import Any

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


def quantity(random: Random, low: float, high: float, units: Units) -> float | str:
    """Return a quantity between `low` and `high` in the canonical unit, bare or in another of `units`."""
    unit = random.choice(sorted(units))
    value = f"{random.uniform(low, high) * units[unit]:.5g}"
    return f"{Decimal(value):f} {unit}" if unit else float(value)


def series(random: Random, count: int, low: float, high: float, units: Units) -> Any:
    """Return one quantity for all periods, or in one of three a list."""
    if random.random() < 0.67:
        return quantity(random, low, high, units)
    return [quantity(random, low, high, units) for _ in range(count)]


def maybe(random: Random, chance: float, key: str, value: Callable[[], Any]) -> Document:
    """Return `key` with its value, or in the other cases nothing."""
    return {key: value()} if random.random() < chance else {}


def some(random: Random, names: Iterable[str], chance: float) -> list[str]:
    """Return each of `names` with this chance."""
    return [name for name in names if random.random() < chance]


def shares(random: Random, metals: Iterable[str], low: float, high: float) -> Any:
    """Return one share, or shares by metal with a default."""
    if random.random() < 0.3:
        return quantity(random, low, high, SHARE)
    return {"default": quantity(random, low, high, SHARE)} | {m: quantity(random, low, high, SHARE) for m in metals}
