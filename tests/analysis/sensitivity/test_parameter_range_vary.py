"""What `--vary` asks for: figures, ends, units; and what is wrong with it, in plain words."""

from __future__ import annotations

import pytest
from tests.analysis.varied import TINY

from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.parameter_range import parse_parameter_range
from medalopt.errors import InputError, UsageError

VARIANTS = ScenarioRunner(TINY, {"exchange": "{USD: 110 JPY}", "market.zinc.price": "2 USD/kg"})


@pytest.mark.parametrize(
    ("asked", "unit", "ends", "base"),
    [
        ("market.old_silver.price=40..150 JPY/g", "JPY/g", (40, 150), 80),
        ("market.old_silver.price=40_000..150_000", "JPY/kg", (40_000, 150_000), 80_000),
        ("market.old_silver.limit=500 g..3 kg", "kg", (0.5, 3), 2),
        ("policy.recycled.Ag=0.3..1", "%", (30, 100), 60),
        ("policy.recycled.Ag=30 %..100 %", "%", (30, 100), 60),
        ("streams.*.collection=50..150%", "%", (50, 150), 100),
        ("streams.phone@east.available=50..150%", "%", (50, 150), 100),
        ("streams.*.collection=-5_000..+5_000 JPY/t", "JPY/t", (-5_000, 5_000), 0),
        ("smelters.*.lead=0..4", None, (0, 4), None),
        ("smelters.*.lead=+0..+2", None, (0, 2), 0),
        ("medals.*.count=50..150%", "%", (50, 150), 100),
        ("streams.laptop@east.available=3..20", "t", (3, 20), None),
        ("streams.phone@east.collection=1..2 JPY/unit", "JPY/unit", (1, 2), None),
        ("exchange.USD=80..150", "JPY", (80, 150), 110),
        ("devices.phone.content.Cu=8..12%", "%", (8, 12), 10),
    ],
)
def test_what_is_asked(asked: str, unit: str | None, ends: tuple[float, float], base: float | None) -> None:
    """Both ends stand in one unit, and the base case where one number says it; the changes can be made."""
    found = parse_parameter_range(VARIANTS, asked)
    assert (found.unit, found.base) == (unit, base if base is None else pytest.approx(base))
    assert (found.low, found.high) == pytest.approx(ends)
    VARIANTS.apply_changes(found.make_changes(found.high))


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("market.old_silver.price=2..1", "turned round"),
        ("market.old_silver.price=1..1", "the same"),
        ("market.old_silver.price=1..2 t", "expected a number in JPY/kg"),
        ("market.old_silver.price=a..b", "expected a number"),
        ("market.old_silver.price", "write PATH=LO..HI"),
        ("market.old_silver.price=1", "write PATH=LO..HI"),
        ("market..price=1..2", "a name is missing"),
        ("market.old_silvr.price=1..2", "did you mean `old_silver`"),
        ("market.*.prize=1..2", "did you mean `price`"),
        ("nothing.*.price=1..2", "nothing in this instance has that name"),
        ("title=1..2", "no number stands there"),
        ("medals.gold.count=1.5..3", "a whole number"),
        ("policy.recycled.Ag=30..130%", "between 0 % and 100 %"),
        ("streams.*.collection=-10..10%", "0 % or more"),
        ("streams.phone@east.collection=1 JPY/unit..20_000 JPY/t", "the same unit"),
    ],
)
def test_what_is_wrong(asked: str, says: str) -> None:
    """Each mistake is told with what to write instead, and as one of --vary."""
    with pytest.raises((UsageError, InputError), match="--vary") as error:
        parse_parameter_range(VARIANTS, asked)
    assert says in str(error.value)
