"""Firm parameters: neither repairs nor variations change them, `--set` does; an unmatched path is an error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.model.cases import ROOT, loaded

import medalopt
from medalopt.analysis.infeasibility.diagnosis import diagnose_infeasibility
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.parameter_range import parse_parameter_range
from medalopt.analysis.sensitivity.supply_mix import SupplyMix
from medalopt.analysis.sensitivity.uncertain_parameters import find_parameter_groups, find_uncertain_inputs
from medalopt.errors import InputError
from medalopt.instance.loading import open_instance
from medalopt.instance.scenario import is_firm
from medalopt.report.infeasible import build_infeasibility_report
from medalopt.text import parse_path

Writer = Callable[..., Path]
TINY, INFEASIBLE = ROOT / "instances" / "tiny.yaml", ROOT / "instances" / "infeasible.yaml"


@pytest.fixture
def write(tmp_path: Path) -> Writer:
    """Return a function that writes an instance with firm paths, and scenarios."""

    def written(firm: str, scenarios: str = "{}", base: Path = TINY) -> Path:
        path = tmp_path / "firm.yaml"
        text = base.read_text(encoding="utf-8").replace("\nscenarios:", "\n#scenarios:")
        path.write_text(f"{text}\nfirm: {firm}\nscenarios: {scenarios}\n", encoding="utf-8")
        return path

    return written


def test_firm_parameters_change_no_plan(write: Writer) -> None:
    """The digest and the plan are those without `firm`; the list goes along with the instance."""
    instance, plain = medalopt.load(write("[medals.*.count]")), medalopt.load(TINY)
    assert instance.figures == plain.figures and instance.annex["firm"] == ["medals.*.count"]
    assert "firm" not in plain.annex


@pytest.mark.parametrize(
    ("path", "pattern", "touched"),
    [
        ("medals.gold.count", "medals.*.count", True),
        ("medals.gold.due", "medals.*.count", False),
        ("smelters.near.capacity[1]", "smelters.near.capacity", True),
        ("smelters.near.capacity", "smelters.near.capacity[1]", True),
        ("smelters.near.capacity[2]", "smelters.near.capacity[1]", False),
        ("smelters.near", "smelters.n*r.returned.Au", True),
        ("streams.phone@east.available", "streams.phone@*", True),
        ("streams.kettle@east.available", "streams.phone@*", False),
    ],
)
def test_what_a_firm_path_covers(path: str, pattern: str, touched: bool) -> None:
    """A firm path covers paths at, below or above it, with `*` in any step, and list positions."""
    assert is_firm(parse_path(path), (pattern,)) is touched


def test_repairs_leave_firm_parameters_alone(write: Writer) -> None:
    """Of the repairs those that change dates and counts are gone, and the report says so."""
    free = diagnose_infeasibility(medalopt.load(INFEASIBLE))
    changed = {change.path for repair in free.repairs for change in repair.changes}
    assert {"medals.silver.count", "medals.silver.due"} <= changed
    held = diagnose_infeasibility(medalopt.load(write("[medals.*.count, medals.*.due]", base=INFEASIBLE)))
    left = {change.path for repair in held.repairs for change in repair.changes}
    assert left and not {path for path in left if path.startswith("medals")}
    report = build_infeasibility_report(medalopt.load(write("[medals.*.count, medals.*.due]", base=INFEASIBLE)), held)
    assert any("medals.*.count" in line for part in report.parts for line in part.headline)


def test_variations_leave_firm_parameters_alone(write: Writer) -> None:
    """Neither the tornado nor the global analysis varies them; all others are varied as before."""
    firm = ("market.*.price", "smelters.near", "devices.phone.content.Ag")
    runner, free = ScenarioRunner(write(f"[{', '.join(firm)}]")), ScenarioRunner(TINY)
    before, after = (
        {member.path for group in find_parameter_groups(each) for member in group.members} for each in (free, runner)
    )
    assert after == {path for path in before if not is_firm(path, firm)} and after < before
    drawn = {member.path for one in find_uncertain_inputs(runner) for group in one.factors for member in group.members}
    assert drawn and not any(is_firm(path, firm) for path in drawn)


def test_a_range_or_scenario_may_not_name_a_firm_parameter(write: Writer) -> None:
    """A firm path is an error; with `*` it is skipped, and an error if no other path matches."""
    path = write("[streams.phone@*.available, medals.gold.count]", '{less: {"streams.*.available": 50 %}}')
    runner = ScenarioRunner(path)
    for text in ("medals.gold.count=30..40", "streams.phone@*.available=50..100%"):
        with pytest.raises(InputError, match="firm"):
            parse_parameter_range(runner, text)
    wide = parse_parameter_range(runner, "streams.*.available=50..100%")
    (less,) = runner.named_scenarios()
    for half in (runner.apply_changes(wide.make_changes(50.0)), runner.apply_changes(less.texts)):
        factor = half.streams.available.value.sum(axis=1) / runner.instance.streams.available.value.sum(axis=1)
        assert {
            name.startswith("phone"): round(by, 9) for name, by in zip(half.streams.names, factor, strict=True)
        } == {
            True: 1.0,
            False: 0.5,
        }


@pytest.mark.parametrize("change", ["medals.gold.count: 30", "medals.gold: {count: 30}", '"medals.g*.count": 50 %'])
def test_a_scenario_that_names_one_is_an_error_at_its_place(change: str, write: Writer) -> None:
    """Every scenario of the file is validated, and the error says how to change the parameter nevertheless."""
    if "{count" in change:
        change = "medals.gold: {count: 30, parts: {silver_925: 500 g}}"
    path = write("[medals.gold.count]", f"{{fewer: {{{change}}}}}")
    with pytest.raises(InputError) as caught:
        open_instance(path).with_effective_changes(scenarios=True)
    assert any("--set" in one.message and one.line for one in caught.value.faults)
    assert all(one.path.startswith("scenarios.fewer.") for one in caught.value.faults)


def test_set_changes_a_firm_parameter(write: Writer) -> None:
    """`--set` changes it, and the list itself; a variation then starts from there."""
    path = write("[medals.gold.count]")
    assert medalopt.load(path, {"medals.gold.count": "30"}).medals.count[1] == 30
    assert ScenarioRunner(path, changes={"medals.gold.count": "30"}).instance.medals.count[1] == 30
    free = ScenarioRunner(path, changes={"firm": "[]"})
    assert free.apply_changes({"medals.gold.count": "30"}).medals.count[1] == 30


def test_a_device_mix_leaves_firm_supply_alone(write: Writer) -> None:
    """Of scaled shares, named mixes and split supply, a firm stream keeps its tonnes."""
    instance = medalopt.load(write("[streams.phone@east.available]"))
    mix, phone = SupplyMix.from_instance(instance), instance.streams.names.index("phone@east")
    devices = instance.devices.names
    for changed in (
        mix.scale_share(devices.index("phone"), 0.5),
        mix.apply_named_mix({"phone": 0.2, "kettle": 0.8}),
        mix.split_joint_supply({devices.index("phone"): 0.1, devices.index("kettle"): 0.9}),
    ):
        now, before = changed.streams.available.value, instance.streams.available.value
        assert np.array_equal(now[phone], before[phone])
    assert not np.array_equal(now, before)


@pytest.mark.parametrize(
    "firm", ["[medals.*.cont]", "[smelters.far.limits]", '["a..b"]', "[devices.toaster]", "[{a: 1}]"]
)
def test_a_path_that_matches_nothing_is_an_error(firm: str, write: Writer) -> None:
    """Misspelt, unknown and broken paths are errors at their place in the list."""
    with pytest.raises(InputError) as caught:
        medalopt.load(write(firm))
    assert {fault.path for fault in caught.value.faults} == {"firm[0]"}


def test_only_a_list_is_accepted() -> None:
    """One path alone is no list."""
    content = {"format": "medalopt/1", "name": "x", "currency": "JPY", "metals": {"Ag": {}}, "firm": "medals.*.count"}
    content |= {"alloys": {"a": {"composition": {"Ag": 1}}}, "medals": {"m": {"count": 1, "parts": {"a": 1}}}}
    with pytest.raises(InputError) as caught:
        loaded(content)
    assert "firm" in {fault.path for fault in caught.value.faults}
