"""A value without effect: a warning if a file states it, an error if a change does, with the reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.instance.writing import loaded, written

from medalopt.errors import InputError
from medalopt.instance import load
from medalopt.instance.loading import open_instance

OWN, NAMED = "every line of `terms` has its own", "every metal has its own"
NOTHING = "the smelter returns no `Ag`"
REST = "the smelter returns none of the other metals"
TERMS = "smelters: {{kosaka: {{{smelter}, terms: {{a: {{devices: [phone], {a}}}, b: {{devices: [laptop], {b}}}}}}}}}"


def _terms(smelter: str, a: str, b: str) -> dict[str, str]:
    return {"smelters": TERMS.format(smelter=smelter, a=a, b=b)}


CASES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "a charge that every line replaces": (
        _terms("returned: 1, treatment_charge: 5", "treatment_charge: 1", "treatment_charge: 2"),
        {"smelters.kosaka.treatment_charge": OWN},
    ),
    "a way to settle that every line replaces": (
        _terms("returned: 1, settlement_lot: pooled", "settlement_lot: route", "settlement_lot: pooled"),
        {"smelters.kosaka.settlement_lot": OWN},
    ),
    "a return that every line replaces": (
        _terms("returned: 90 %", "returned: 1", "returned: {Au: 1, Ag: 1}"),
        {"smelters.kosaka.returned": OWN},
    ),
    "the return of one metal": (
        _terms("returned: {Au: 1, Ag: 1}", "returned: {Au: 1}", "returned: {default: 1}"),
        {"smelters.kosaka.returned.Au": OWN},
    ),
    "the default beside lines with all others": (
        _terms("returned: {Au: 1, default: 90 %}", "returned: {Ag: 1}", "returned: {Ag: 1}"),
        {"smelters.kosaka.returned.default": OWN},
    ),
    "terms without a line": (
        {"smelters": "smelters: {kosaka: {treatment_charge: 5, terms: {}}}"},
        {"smelters.kosaka.treatment_charge": "`terms` has no lines"},
    ),
    "a default beside every metal": (
        {"smelters": "smelters: {kosaka: {returned: {Au: 1, Ag: 1, default: 50 %}, lead: {Au: 0, Ag: 0, default: 1}}}"},
        {"smelters.kosaka.returned.default": NAMED, "smelters.kosaka.lead.default": NAMED},
    ),
    "a default of a line": (
        _terms("returned: 1", "returned: {Au: 1, Ag: 1, default: 5 %}", "deduction: {Au: 1, Ag: 0, default: 1}"),
        {"smelters.kosaka.terms.a.returned.default": NAMED, "smelters.kosaka.terms.b.deduction.default": NAMED},
    ),
    "the default of what is credited": (
        {
            "streams": "streams:\n- {device: phone, region: tokyo, available: 10, "
            "credited: {Au: 1, Ag: 1, default: 50 %}}\n"
            "- {device: laptop, region: tokyo, available: 10, credited: {Au: 1, default: 50 %}}"
        },
        {"streams.phone@tokyo.credited.default": NAMED},
    ),
    "a treatment whose devices all differ": (
        {"t": "treatments: {t: {cost: 5, to_smelter: 20 %, accepts: [phone], devices: {phone: {cost: 4}}}}"},
        {"treatments.t.cost": "every device it accepts has its own"},
    ),
    "a device that is not accepted": (
        {"t": "treatments: {t: {accepts: [phone], devices: {laptop: {cost: 4}}}}"},
        {"treatments.t.devices.laptop": "`accepts` does not name `laptop`"},
    ),
    "scrap that does not fall": (
        {"alloys": "alloys: {silver: {composition: {Ag: 1}, scrap: {returned: 90 %, lead: 2, value: 1}}}"},
        {
            f"alloys.silver.scrap.{name}": "there is no process scrap: its `share` is 0"
            for name in ("returned", "lead", "value")
        },
    ),
    "a rate that no amount needs": (
        {"x": "exchange: {USD: 110, EUR: 1.2 USD}"},
        {"exchange.EUR": "no amount is given in EUR"},
    ),
    "a rate without a distance": (
        {"x": "transport_rate: 5\nlanes:\n- {region: tokyo, smelter: kosaka, cost: 5}"},
        {"transport_rate": "no lane gives a `distance`"},
    ),
    "charges of a metal that does not return": (
        {
            "smelters": "smelters: {kosaka: {returned: {Au: 1}, lead: {Ag: 3}, deduction: {Ag: 1, Au: 0}, "
            "refining_charge: {Ag: 1, default: 2}}}"
        },
        {f"smelters.kosaka.{field}.Ag": NOTHING for field in ("lead", "deduction", "refining_charge")},
    ),
    "a default for metals that do not return": (
        {
            "smelters": "smelters: {kosaka: {returned: {Au: 1}, lead: {Au: 1, default: 3}, "
            "deduction: {Au: 1, default: 2}}}"
        },
        {f"smelters.kosaka.{field}.default": REST for field in ("lead", "deduction")},
    ),
    "a deduction in a line that returns none of the metal": (
        _terms("returned: {Au: 1, default: 0}", "returned: {Ag: 1}, deduction: {Ag: 1}", "deduction: {Ag: 2, Au: 1}"),
        {"smelters.kosaka.terms.b.deduction.Ag": "this line returns no `Ag`"},
    ),
    "a party that is none": (
        {"x": "parties: {tokio: {legal_name: T}, kosaka: {legal_name: K}, tokyo: {}}"},
        {"parties.tokio": "no region, smelter, offer or material sold is called `tokio`; did you mean `tokyo`?"},
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_value_without_effect_is_reported(case: tuple[dict[str, str], dict[str, str]], tmp_path: Path) -> None:
    """A value without effect gives a warning with its reason at its place, and no other."""
    parts, expected = case
    told = [one for one in loaded(tmp_path, **parts).warnings if "no effect" in one.message]
    assert {one.path: one.message.removeprefix("has no effect: ") for one in told} == expected
    assert all(one.line and one.column for one in told)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_change_without_effect_is_refused(case: tuple[dict[str, str], dict[str, str]], tmp_path: Path) -> None:
    """`--set` of such a value is an error with the reason."""
    parts, expected = case
    (tmp_path / "case.yaml").write_text(written(**parts), encoding="utf-8")
    new = {"lead": "3", "default": "1", "settlement_lot": "route"}
    for path, reason in expected.items():
        figure = {"parties.tokio": "parties.tokio.legal_name", "treatments.t.devices.laptop": f"{path}.cost"}
        value = "3" if ".lead." in path else new.get(path.split(".")[-1], "0.5")
        with pytest.raises(InputError) as caught:
            load(tmp_path / "case.yaml", {figure.get(path, path): value})
        (fault,) = caught.value.faults
        assert (fault.file, fault.message) == ("--set", f"has no effect: {reason}")


@pytest.mark.parametrize(
    "parts",
    [
        _terms("returned: 90 %, treatment_charge: 5", "treatment_charge: 1", "deduction: 1"),
        {"smelters": "smelters: {kosaka: {returned: {Au: 1}, lead: {Au: 1, Ag: 0}, deduction: 1}}"},
        _terms("lead: {Ag: 3}", "returned: {default: 50 %}", "returned: {Au: 1}"),
        {
            "smelters": "smelters: {kosaka: {returned: {Au: 1}, lead: {Ag: 3}}}",
            "x": "scenarios: {better: {smelters.*.returned.Ag: 50 %}, other: {smelters.kosaka.returned: 1}}",
        },
        _terms("returned: {Au: 1, default: 90 %}", "returned: {Au: 1}", "returned: {Ag: 1}"),
        {"t": "treatments: {t: {cost: 5, accepts: [phone, laptop], devices: {phone: {cost: 4}}}}"},
        {"x": "exchange: {USD: 1.2 EUR, EUR: 110}", "metals": "metals: {Au: {sell: 1 USD/g}, Ag: {sell: 100}}"},
        {"x": "exchange: {USD: 110}\nlanes:\n- {region: tokyo, smelter: kosaka, cost: 5 USD/t}"},
        {"x": "transport_rate: 5\nlanes:\n- {region: tokyo, smelter: kosaka, distance: 5 km}"},
        {"x": "exchange: {USD: 110}\nscenarios: {s: {metals.Au.sell: 5 USD/g}}"},
    ],
)
def test_a_value_with_effect_is_not_reported(parts: dict[str, str], tmp_path: Path) -> None:
    """A value with effect on one line, device or scenario gives no warning."""
    assert [one for one in loaded(tmp_path, **parts).warnings if "no effect" in one.message] == []


def test_a_change_that_leaves_the_instance_as_it_is(tmp_path: Path) -> None:
    """A change to another value after which the instance is the same is refused; one to the same value is not."""
    path = tmp_path / "case.yaml"
    path.write_text(written(periods="periods: {start: 2017-04, count: 2, length: quarter}"), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load(path, {"medals.first.due": "2017-08", "metals.Au.sell": "7"})
    (fault,) = caught.value.faults
    assert fault.path == "medals.first.due"
    assert fault.message == "has no effect: the instance is the same with and without this change"
    same = {"metals.Au.sell": "0.1 JPY/g", "smelters.kosaka.lead": "0", "smelters.kosaka.capacity": "[9 t, 9000 kg]"}
    assert load(path, same).figures == load(path, {"smelters.kosaka.capacity": "9"}).figures


def test_a_change_that_mends_the_file(tmp_path: Path) -> None:
    """A change without which the file is wrong has an effect."""
    (tmp_path / "case.yaml").write_text(written(smelters="smelters: {kosaka: {capacity: no}}"), encoding="utf-8")
    assert load(tmp_path / "case.yaml", {"smelters.kosaka.capacity": "9"}).smelters.capacity.value[0, 0] == 9


SCENARIOS = """scenarios:
  early: {"medals.*.due": -1}
  too_early: {"medals.*.due": -3}
  poor: {"devices.*.content.Ag": 50 %, "metals.Au.sell": [1, 2]}
  rich: {"devices.*.content.Ag": 100000 %}
  stranger: {devices.phnoe.content.Ag: 5, metals.Ag.sel: 1}
  pattern: {"devices.*.cotnent.Ag": 85 %}
  unit: {metals.Au.sell: 5 km}
  several: {"metals.*.holding": 5 km}
  stream: {"streams.*.available": 50 %, streams.phone@tokyo.price: 5 kg}
  short: {metals.Au.sell: [1, 2, 3]}
  horizon: {periods.count: 1, metals.Au.sell: [1, 2]}
  idle: {smelters.kosaka.treatment_charge: 7}
  lane: {lanes.tokyo@kosaka.cost: 5 g}
  same: {medals.first.count: 1}
"""


def test_every_scenario_is_checked(tmp_path: Path) -> None:
    """`check` applies every scenario and reports errors at their place, by name and path."""
    terms = _terms("returned: 1, treatment_charge: 5", "treatment_charge: 1", "treatment_charge: 2")["smelters"]
    text = written(smelters=terms, x=SCENARIOS, lanes="lanes:\n- {region: tokyo, smelter: kosaka, cost: 1}")
    (tmp_path / "case.yaml").write_text(text, encoding="utf-8")
    file = open_instance(tmp_path / "case.yaml")
    assert file.with_effective_changes().name == "case"
    with pytest.raises(InputError) as caught:
        file.with_effective_changes(scenarios=True)
    lines = text.splitlines()
    told: dict[str, list[str]] = {}
    for fault in caught.value.faults:
        name = fault.path.split(".")[1]
        assert lines[fault.line - 1].strip().startswith(f"{name}:") and fault.column > 1
        told.setdefault(name, []).append(fault.message)
    beginnings = {
        "too_early": ["-3 periods lead `medals.first.due` out of the horizon"],
        "rich": ["devices.phone.content.Ag: `2000.0` is out of range"],
        "stranger": [
            "there is no `phnoe` in `devices`; did you mean `phone`?",
            "unknown key `sel`; did you mean `sell`?",
        ],
        "pattern": ["nothing in this instance has this name"],
        "unit": ["expected a number in JPY/kg"],
        "several": ["metals.Au.holding: expected a number in JPY/kg"],
        "stream": ["expected a number in JPY/t"],
        "short": ["there are 2 periods, but 3 values"],
        "horizon": ["there is 1 period, but 2 values"],
        "idle": [f"has no effect: {OWN}"],
        "lane": ["expected a number in JPY/t"],
    }
    assert told.keys() == beginnings.keys()
    for name, messages in told.items():
        for message, beginning in zip(sorted(messages), beginnings[name], strict=True):
            assert message.startswith(beginning)
    assert told["several"][0].endswith("(and 1 more of the same scenario)")


def test_scenarios_are_checked_with_all_else(tmp_path: Path) -> None:
    """Errors of scenarios are reported together with those of the file."""
    parts = {"metals": "metals: {Au: {sell: 5 km}, Ag: {}}", "x": "scenarios: {s: {metals.Ag.sell: 5 kg}}"}
    (tmp_path / "case.yaml").write_text(written(**parts), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        open_instance(tmp_path / "case.yaml").with_effective_changes(scenarios=True)
    assert [fault.path for fault in caught.value.faults] == ["metals.Au.sell", 'scenarios.s."metals.Ag.sell"']


def test_many_scenarios_are_checked_without_reading_the_file_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many scenarios there are, the document is validated as a whole once, and each scenario in its parts."""
    from medalopt.instance import loading

    many = "scenarios:\n" + "".join(f"  s{n}: {{medals.first.count: {n}}}\n" for n in range(2, 500))
    (tmp_path / "case.yaml").write_text(written(x=many), encoding="utf-8")
    calls: list[int] = []
    whole = loading.validate_tree

    def counting(*arguments: Any) -> Any:
        calls.append(1)
        return whole(*arguments)

    monkeypatch.setattr(loading, "validate_tree", counting)
    open_instance(tmp_path / "case.yaml").with_effective_changes(scenarios=True)
    assert len(calls) == 1


COUNTED = {
    "an assay": {"devices": "devices: {phone: {unit_mass: 100 g, content: {Ag: 1 mg/unit}}}"},
    "a price": {"streams": "streams:\n- {device: phone, region: tokyo, available: 10, price: 3 JPY/unit}"},
    "an offer": {"streams": "streams:\n- {device: phone, region: tokyo, available: 400 pcs}"},
    "a cost of treatment": {"t": "treatments: {t: {cost: 5 JPY/unit, accepts: [phone]}}"},
    "its own cost of treatment": {"t": "treatments: {t: {devices: {phone: {cost: 5 JPY/unit}}}}"},
    "a scenario": {"x": "scenarios: {dear: {streams.phone@tokyo.price: 3 JPY/unit}}"},
    "a scenario over time": {
        "periods": "periods: {start: 2017-04, count: 2}",
        "x": "scenarios: {few: {streams.phone@tokyo.available: [1 pcs, 2 pcs]}}",
    },
}


@pytest.mark.parametrize("parts", COUNTED.values(), ids=COUNTED.keys())
def test_a_unit_mass_counts_where_something_is_given_per_unit(parts: dict[str, str], tmp_path: Path) -> None:
    """The mass of a device may be changed wherever a figure of it is given per unit."""
    (tmp_path / "case.yaml").write_text(written(**parts), encoding="utf-8")
    load(tmp_path / "case.yaml", {"devices.phone.unit_mass": "200 g"})


def test_a_unit_mass_without_anything_per_unit(tmp_path: Path) -> None:
    """Written in the file it is no fault; changed it is one, in a scenario too, unless it is changed with a price."""
    case = tmp_path / "case.yaml"
    scenarios = (
        "scenarios: {heavy: {devices.phone.unit_mass: 5 kg}, "
        "both: {devices.phone.unit_mass: 5 kg, streams.phone@tokyo.price: 3 JPY/unit}}"
    )
    case.write_text(written(), encoding="utf-8")
    assert not load(case).warnings
    with pytest.raises(InputError, match=r"unit_mass: has no effect: no parameter of this device is given per unit"):
        load(case, {"devices.phone.unit_mass": "5 kg"})
    load(case, {"devices.phone.unit_mass": "5 kg", "streams.phone@tokyo.price": "3 JPY/unit"})
    case.write_text(written(x=scenarios), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        open_instance(case).with_effective_changes(scenarios=True)
    (fault,) = caught.value.faults
    assert fault.path.startswith("scenarios.heavy") and "given per unit" in fault.message


def test_a_mapping_with_one_metal_that_does_not_return(tmp_path: Path) -> None:
    """In a change with some effect, the part without effect gives a warning at its path."""
    case = tmp_path / "case.yaml"
    case.write_text(written(smelters="smelters: {kosaka: {returned: {Au: 1}}}"), encoding="utf-8")
    told = load(case, {"smelters.kosaka.lead": "{Au: 1, Ag: 3}"}).warnings
    assert ("--set", "smelters.kosaka.lead.Ag", f"has no effect: {NOTHING}") in [
        (one.file, one.path, one.message) for one in told
    ]
