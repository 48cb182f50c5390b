"""Scenarios of a grid, a list, a sample and an instance, and all faults in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.analysis.sensitivity.test_tornado import BY_HAND
from tests.analysis.varied import TINY

from medalopt.analysis import sweep
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sweep import build_grid
from medalopt.errors import InputError, UsageError


@pytest.fixture(scope="module")
def tiny() -> ScenarioRunner:
    """Return the variants of the tiny instance."""
    return ScenarioRunner(TINY)


def changes(tiny: ScenarioRunner, *texts: str) -> list[dict[str, str]]:
    """Return the changes of a grid."""
    return [one.texts for one in build_grid(tiny, texts)]


@pytest.mark.parametrize(
    ("text", "path", "values"),
    [
        ("devices.*.content.Ag=70..120%/3", "devices.*.content.Ag", ["70 %", "95 %", "120 %"]),
        ("smelters.*.treatment_charge=-5..+5 JPY/kg/3", "smelters.*.treatment_charge",
         ["-5000 JPY/t", "+0 JPY/t", "+5000 JPY/t"]),
        ("smelters.near.capacity=1..2t/2", "smelters.near.capacity", ["1.0 t", "2.0 t"]),
        ("smelters.near.limit=50..150%/2", "smelters.near.limit", ["50 %", "150 %"]),
        ("smelters.near.limit=50,150 %", "smelters.near.limit", ["50 %", "150 %"]),
        ("medals.gold.count=10..12/9", "medals.gold.count", ["10", "11", "12"]),
        ("medals.gold.due=2017-05,2017-06", "medals.gold.due", ["2017-05", "2017-06"]),
        ("smelters.near.limit=1,2,2_500 kg", "smelters.near.limit", ["1 kg", "2 kg", "2_500 kg"]),
        ("policy.recycled.Ag=50,60%", "policy.recycled.Ag", ["50 %", "60%"]),
        ("market.mined_silver.price=[60,60,60,60], 55", "market.mined_silver.price", ["[60,60,60,60]", "55"]),
        ("devices.*.content.Ag=80%,100%", "devices.*.content.Ag", ["80%", "100%"]),
    ],
)  # fmt: skip
def test_the_values_of_one_figure(tiny: ScenarioRunner, text: str, path: str, values: list[str]) -> None:
    """A range has equal steps from end to end, a list its values, in the unit of the last; both are changes."""
    assert changes(tiny, text) == [{path: value} for value in values]


def test_several_figures_make_the_product(tiny: ScenarioRunner) -> None:
    """Every combination is a scenario, numbered, and the last figure moves first."""
    found = build_grid(tiny, ["medals.gold.count=10,11", "medals.silver.count=1,2,3"])
    assert [one.name for one in found] == ["1", "2", "3", "4", "5", "6"]
    assert [tuple(one.texts.values()) for one in found[:4]] == [("10", "1"), ("10", "2"), ("10", "3"), ("11", "1")]


def test_all_that_is_wrong_with_a_grid_is_reported_at_once(tiny: ScenarioRunner) -> None:
    """Each option reports its faults of form, path and values before any solve."""
    wrong = {
        "smelters.near.capacity": "write PATH=LO..HI/N",
        "smelters.near.limit=1..2 t": "give the number of values, such as 1..2 t/5",
        "smelters.far.limit=1..2 t/1e9": "give the number of values, such as 1..2 t/5",
        "medals.gold.count=1..5/1": "2 to 1_000_000",
        "medals.gold.count=1,,2": "missing between two commas",
        "medals.gold.count=1,000,2,000": "`1,000` is not a number: commas are not allowed in numbers",
        "smelters.nera.limit=1..2 t/3": "there is no `nera` in `smelters`; did you mean `near`?",
        "smelters.near.returned.Ag=90..120%/3": "between 0 % and 100 %",
        "smelters.far.returned.Ag=90,120%": "between 0 % and 100 %",
        "smelters.near.lead=+1..x/3": "found `x`",
        "smelters.far.committed=x%": "found `x%`",
        "market.mined_silver.price=+5 JPY/g,+6 JPY/g": "a leading + adds only if the path contains `*`",
        "market.scrap_copper.price=+5..+6 JPY/g/2": "a leading + adds only if the path contains `*`",
        "smelters.far.capacity=+50%,60%": "a leading + adds only if the path contains `*`",
        "devices.*.nothing=1,2": "unknown key `nothing`",
        "smelters.*.terms.*.returned.Ag=1,2": "nothing in this instance has this name",
        "medals.silver.count=1..99_999/99999": "",
        "medals.bronze.count=1..99_999/99999": "",
    }
    with pytest.raises(InputError) as error:
        build_grid(tiny, list(wrong))
    told = [str(fault) for fault in error.value.faults]
    for text, said in list(wrong.items())[:-2]:
        assert any(said in one and "--grid" in one for one in told), text
    assert "9_999_800_001 scenarios; 1_000_000 are the most" in told[-1]
    with pytest.raises(InputError, match="is given twice"):
        build_grid(tiny, ["medals.gold.count=1,2", "medals.gold.count=3,4"])


def test_the_scenarios_of_the_instance(tiny: ScenarioRunner, tmp_path: Path) -> None:
    """Scenarios of the file are used unchanged; without any, the error names the alternatives."""
    path = tmp_path / "own.yaml"
    prices = "market.mined_silver.price: [1, 2, 3, 4]"
    path.write_text(Path(TINY).read_text() + f"scenarios: {{poorer: {{devices.*.content.Ag: 85 %, {prices}}}}}\n")
    (found,) = sweep.list_instance_scenarios(ScenarioRunner(path))
    assert found.name == "poorer"
    assert found.texts == {"devices.*.content.Ag": "85 %", "market.mined_silver.price": "[1, 2, 3, 4]"}
    with pytest.raises(UsageError, match="give --grid"):
        sweep.list_instance_scenarios(tiny)


def test_a_sample_follows_from_its_seed() -> None:
    """The same seed draws the same scenarios, another others, all of them changes that may be made one by one."""
    variants = ScenarioRunner(BY_HAND)
    first, again, other = (sweep.sample_scenarios(variants, 4, seed) for seed in (None, 2020, 7))
    assert first == again != other
    assert [one.name for one in first] == ["1", "2", "3", "4"]
    assert all(variants.apply_changes(one.texts) for one in first)
    with pytest.raises(UsageError, match="1 to 1_000_000"):
        sweep.sample_scenarios(variants, 0, None)


def test_nothing_that_could_be_drawn(monkeypatch: pytest.MonkeyPatch, tiny: ScenarioRunner) -> None:
    """Without anything uncertain there is no sample."""
    monkeypatch.setattr(sweep, "find_uncertain_inputs", lambda variants: ())
    with pytest.raises(UsageError, match="no assay, recovery"):
        sweep.sample_scenarios(tiny, 4, None)


def listed(folder: Path, name: str, text: str) -> dict[str, dict[str, str]]:
    """Return the scenarios of a file, name to changes."""
    (folder / name).write_text(text)
    return {one.name: one.texts for one in sweep.load_scenarios(ScenarioRunner(TINY), folder / name)}


def test_a_list_is_a_table_or_yaml(tmp_path: Path) -> None:
    """A column for each path, or a mapping as in the instance, under `scenarios` or not, give the same scenarios."""
    wanted = {"poorer": {"devices.*.content.Ag": "85 %"}, "late": {"smelters.*.lead": "+1", "medals.gold.count": "30"}}
    table = "scenario,devices.*.content.Ag,smelters.*.lead,medals.gold.count\npoorer,85 %,,\n\nlate,,+1,30\n"
    plain = "poorer: {devices.*.content.Ag: 85 %}\nlate: {smelters.*.lead: +1, medals.gold.count: 30}\n"
    assert listed(tmp_path, "a.csv", table) == wanted
    assert listed(tmp_path, "b.yaml", plain) == wanted
    assert listed(tmp_path, "c.yml", "scenarios:\n  " + plain.replace("\n", "\n  ").strip()) == wanted
    assert list(listed(tmp_path, "d.csv", "medals.gold.count\n1\n2\n")) == ["1", "2"]
    prices = {"a": {"market.mined_silver.price": "[1, 2, 3, 4]"}}
    assert listed(tmp_path, "e.yaml", "a: {market.mined_silver.price: [1, 2, 3, 4]}") == prices


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "scenario,medal.gold.count,medals.,medals.gold.count,medals.gold.count\na,1,2,3,4\na,1,2,3,4\nb,1\n",
         ["a.csv:1:2", "`medal` is none; did you mean `medals`?", "a.csv:1:3", "a.csv:1:5", "is defined twice",
          "a.csv:3:1", "the scenario `a` is defined twice", "a.csv:4:1", "has 2 cells, but the header has 5"]),
        ("a.csv", 'scenario\n"a', ["a.csv:2", "a quote that is not closed"]),
        ("a.csv", "scenario\n", ["contains no scenarios"]),
        ("a.yaml", "[a]", ["a.yaml:1:1", "expected scenarios by name"]),
        ("a.yaml", "a: [b", ["is not YAML"]),
        ("a.yaml", "a: 1\nb: {medal.gold.count: 1}\nc: {medals.gold.count: {d: 1}}\nd: {medals.gold.count: [1, [2]]}\n",
         ["a.yaml:1:4", "expected changes", "a.yaml:2:5", "`medal` is none", "a.yaml:3:24", "a.yaml:4:24",
          "expected the new value"]),
    ],
)  # fmt: skip
def test_every_fault_of_a_list_is_reported_at_once(name: str, text: str, said: list[str], tmp_path: Path) -> None:
    """Faults of form, paths and names are reported with their places before any solve."""
    with pytest.raises(InputError) as error:
        listed(tmp_path, name, text)
    assert all(one in str(error.value) for one in said), str(error.value)


def test_no_such_list(tmp_path: Path) -> None:
    """A list that is not there is a fault."""
    with pytest.raises(InputError, match="cannot be read"):
        sweep.load_scenarios(ScenarioRunner(TINY), tmp_path / "none.csv")
