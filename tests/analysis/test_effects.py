"""Changes without effect are refused wherever they are given, but for those that a scenario gives an effect."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from tests.analysis.varied import TINY

from medalopt import Instance, load
from medalopt.analysis.comparison import load_plan_summary
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sweep import build_grid, load_scenarios
from medalopt.cli.run import run_command
from medalopt.errors import InputError, UsageError
from medalopt.instance.lot_relaxation import drop_lot_constraints

MASS = {"devices.tablet.unit_mass": "500 g"}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the small instance with a device without price per unit, and a scenario."""
    text = TINY.read_text(encoding="utf-8")
    text = text.replace("devices:\n", "devices:\n  tablet: {unit_mass: 400 g, content: {Ag: 700 g/t}}\n", 1)
    text = text.replace(
        "streams:\n", "streams:\n  - {device: tablet, region: east, available: 3 t, price: 9 JPY/t}\n", 1
    )
    text += "scenarios: {lighter: {devices.tablet.unit_mass: 300 g}}\n"
    file = tmp_path_factory.mktemp("effects") / "case.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_mass_that_only_a_grid_uses(path: Path) -> None:
    """`--set` of a unit mass is valid if the grid has a price per unit, else an error."""
    with pytest.raises(InputError, match="has no effect"):
        ScenarioRunner(path, MASS)
    runner = ScenarioRunner(path, MASS, deferred=True)
    (scenario,) = build_grid(runner, ["streams.tablet@east.price=10 JPY/unit"])
    prices = runner.apply_changes(scenario.texts).streams.price.value
    assert prices[runner.instance.streams.names.index("tablet@east")] == 20_000  # JPY/t, 2,000 units of 500 g
    with pytest.raises(InputError, match=r"devices\.tablet\.unit_mass: has no effect"):
        build_grid(runner, ["streams.tablet@east.price=10,20 JPY/t"])


@pytest.mark.parametrize(
    "asked",
    [
        ("sweep", "--grid", "streams.tablet@east.price=10,20 JPY/unit"),
        ("sensitivity", "--vary", "streams.tablet@east.price=10..20 JPY/unit"),
    ],
)
def test_a_mass_on_the_command_line(asked: tuple[str, ...], path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same holds of the commands: exit code 0 with an axis per unit, 2 with one per tonne."""
    verb, *axis = asked
    given = ["--set", "devices.tablet.unit_mass=500 g"]
    assert run_command([verb, str(path), *given, *axis, "--json"]) == 0
    assert run_command([verb, str(path), *given, axis[0], axis[1].replace("unit", "t")]) == 2
    assert "has no effect" in capsys.readouterr().err


def test_an_axis_without_effect_is_refused(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A grid, a list, a range, a scenario that is compared and a change in Python are refused as `--set` is."""
    (tmp_path / "list.csv").write_text("devices.tablet.unit_mass\n300 g\n", encoding="utf-8")
    runner = ScenarioRunner(path)
    refused = {
        "grid": lambda: build_grid(runner, ["devices.tablet.unit_mass=300,500 g"]),
        "list": lambda: load_scenarios(runner, tmp_path / "list.csv"),
        "compare": lambda: load_plan_summary(f"{path}#lighter", {}, "cost", lambda warning: None),
        "Python": lambda: load(path).with_changes(MASS),
    }
    for way, make in refused.items():
        with pytest.raises(InputError, match="has no effect"):
            make()
        assert way
    assert run_command(["sensitivity", str(path), "--vary", "devices.tablet.unit_mass=300..500 g"]) == 2
    assert "devices.tablet.unit_mass: has no effect" in capsys.readouterr().err


def test_a_value_that_is_in_effect_may_be_restated(path: Path) -> None:
    """A change to the value that a parameter has is no error."""
    assert load(path).with_changes({"medals.gold.count": load(path).medals.count[1]}).figures == load(path).figures


def test_every_edit_changes_the_digest() -> None:
    """A copy edited in memory has a digest of its own, takes no changes by path; a relaxation states its instance's."""
    before = load(TINY)
    after = dataclasses.replace(before, medals=dataclasses.replace(before.medals, count=before.medals.count + 1))
    assert after.figures != before.figures
    assert dataclasses.replace(after, medals=before.medals).figures == before.figures
    with pytest.raises(UsageError, match="was edited in memory"):
        after.with_changes({"medals.gold.count": 1})
    lots = before.with_changes({"streams.phone@east.lot": "1 t"})
    relaxed: Instance = drop_lot_constraints(lots)
    assert relaxed.figures == lots.figures != before.figures


def test_rates_and_masses_are_set_first() -> None:
    """A percentage of a price in dollars follows the rate of the same scenario, in either order."""
    base = load(TINY, {"exchange": "{USD: 110 JPY}", "market.zinc.price": "2 USD/kg"})
    zinc = base.market.names.index("zinc")
    changes = {"exchange.USD": "200 JPY", "market.z*.price": "50 %"}
    for given in (changes, dict(reversed(changes.items()))):
        assert base.with_changes(given).market.price.value[zinc].tolist() == [200.0] * 4


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("policy.recycled.Ag", "70 %", 0.7),
        ("policy.recycled.Ag", "*70 %", 0.42),
        ("policy.recycled.*", "70 %", 0.42),
        ("policy.recycled.*", "0.7", 0.7),
        ("policy.recycled.*", 0.7, 0.7),
    ],
)
def test_a_percentage_of_a_share(path: str, value: object, expected: float) -> None:
    """70 % sets a share that is named, and scales those that a `*` names; `*` before the value always scales."""
    after = load(TINY).with_changes({path: value})
    assert after.policy.recycled.value[after.metals.names.index("Ag")] == pytest.approx(expected)


def test_a_number_replaces_where_a_text_would_be_added() -> None:
    """-5 as a number is the new value, as a text with `*` it is subtracted."""
    before, path = load(TINY), "smelters.nea*.treatment_charge"
    at = before.terms.smelter.tolist().index(before.smelters.names.index("near"))
    charge = before.terms.treatment_charge.value[at]
    assert before.with_changes({path: -5}).terms.treatment_charge.value[at] == -5
    assert before.with_changes({path: "-5 JPY/t"}).terms.treatment_charge.value[at] == charge - 5
