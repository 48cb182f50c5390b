"""A comma inside a number is an error anywhere; between values it is a separator."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.instance.writing import PARTS, faults, loaded, written

from medalopt.errors import InputError
from medalopt.instance import load

SAID = (
    "is not a number: commas are not allowed in numbers; write 1_000 or 1000 for a thousand and a point before decimals"
)

FAULTS: dict[str, tuple[dict[str, str], list[tuple[int, int, str, str]]]] = {
    "in a count": (
        {"medals": "medals: {first: {count: 1,000, parts: {silver: 1}}}"},
        [(11, 25, "medals.first.count", "1,000")],
    ),
    "in two figures of one mapping": (
        {"streams": "streams:\n- {device: phone, region: tokyo, available: 10, price: 1,000, collection: 2,000 JPY/t}"},
        [
            (8, 56, "streams.phone@tokyo.price", "1,000"),
            (8, 75, "streams.phone@tokyo.collection", "2,000 JPY/t"),
        ],
    ),
    "in an assay": (
        {"devices": "devices: {phone: {content: {Ag: 1,400 g/t, Au: 0,35 g/t}}}"},
        [(6, 33, "devices.phone.content.Ag", "1,400 g/t"), (6, 48, "devices.phone.content.Au", "0,35 g/t")],
    ),
    "two commas": (
        {"medals": "medals: {first: {count: 1,000,000, parts: {silver: 1}}}"},
        [(11, 25, "medals.first.count", "1,000,000")],
    ),
    "in a rate of exchange": ({"x": "exchange: {USD: 1,100 JPY}"}, [(12, 17, "exchange.USD", "1,100 JPY")]),
    "in a list, with as many values": (
        {"smelters": "smelters: {kosaka: {capacity: [1,000 t,2 t]}}"},
        [(9, 32, "smelters.kosaka.capacity[0]", "1,000 t")],
    ),
    "in a list with spaces": (
        {"smelters": "smelters: {kosaka: {capacity: [1,400, 2]}}"},
        [(9, 32, "smelters.kosaka.capacity[0]", "1,400")],
    ),
    "in a list of decimals": (
        {"smelters": "smelters: {kosaka: {capacity: [0,5 t,0,7 t]}}"},
        [(9, 32, "smelters.kosaka.capacity[0]", "0,5 t"), (9, 38, "smelters.kosaka.capacity[1]", "0,7 t")],
    ),
    "in a list without a unit": (
        {"smelters": "smelters: {kosaka: {capacity: [1,000,2,000]}}"},
        [(9, 32, "smelters.kosaka.capacity[0]", "1,000"), (9, 38, "smelters.kosaka.capacity[1]", "2,000")],
    ),
    "in a window": (
        {"alloys": "alloys: {silver: {composition: {Ag: [92,5 %, 100 %]}}}"},
        [(10, 38, "alloys.silver.composition.Ag[0]", "92,5 %")],
    ),
    "in what a stream offers": (
        {"streams": "streams:\n- {device: phone, region: tokyo, available: [1,000 t, 2 t]}"},
        [(8, 46, "streams.phone@tokyo.available[0]", "1,000 t")],
    ),
    "in a name": (
        {"streams": "streams:\n- {device: phone, region: 1,000, available: 1}"},
        [(8, 27, 'streams."phone@1,000".region', "1,000")],
    ),
    "in a remark": (
        {"metals": "metals: {Au: {note: 1,000 a year}, Ag: {}}"},
        [(5, 21, "metals.Au.note", "1,000 a year")],
    ),
    "in a count below a key": (
        {"medals": "medals:\n  first:\n    count: 1,000\n    parts: {silver: 1}"},
        [(13, 12, "medals.first.count", "1,000")],
    ),
}


@pytest.mark.parametrize("case", FAULTS.values(), ids=FAULTS.keys())
def test_a_comma_inside_a_number(case: tuple[dict[str, str], list[tuple[int, int, str, str]]], tmp_path: Path) -> None:
    """A number with a comma in it is one fault, at its own place and path, and draws no other."""
    parts, expected = case
    found = faults(tmp_path, **parts)
    told = [(line, column, path, f"`{text}` {SAID}") for line, column, path, text in expected]
    assert found == sorted(told)


@pytest.mark.parametrize(
    "parts",
    [
        {"smelters": "smelters: {kosaka: {capacity: [100,200]}}"},
        {"smelters": "smelters: {kosaka: {capacity: [1.5,250 t]}}"},
        {"smelters": "smelters: {kosaka: {capacity: [0,100 t]}}"},
        {"alloys": "alloys: {silver: {composition: {Ag: [0,100 %]}}}"},
        {"devices": "devices: {phone: {}, '1': {}, '007': {}}", "smelters": "smelters: {k: {accepts: [1,007, phone]}}"},
        {"metals": "metals: {Au: {note: 1}, Ag: {source: [1,000, 2]}}"},
        {"x": "market:\n  b: {composition: {Ag: 1}, price: 1,'limit': 2}"},
    ],
)
def test_a_comma_between_values(parts: dict[str, str], tmp_path: Path) -> None:
    """Values separated by a comma without a space are unchanged."""
    assert loaded(tmp_path, **parts).warnings == loaded(tmp_path, **{**parts, "y": ""}).warnings


def test_a_list_that_may_be_half_as_long(tmp_path: Path) -> None:
    """A list such as [1,400,2,400], in which all commas look alike, is read as it is, and draws a warning."""
    long = {"periods": "periods: {count: 4}", "smelters": "smelters: {kosaka: {capacity: [1,400,2,400]}}"}
    (warning,) = (one for one in loaded(tmp_path, **long).warnings if "comma" in one.message)
    assert (warning.line, warning.column, warning.path) == (9, 31, "smelters.kosaka.capacity")
    assert warning.message == "is read as 4 values; put a space behind each comma, or write 1_000 for a thousand"
    assert loaded(tmp_path, **long).smelters.capacity.value.tolist() == [[1, 400, 2, 400]]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (("medals.first.count", "1,000"), "1,000"),
        (("streams.phone@tokyo.price", "1,000 JPY/t"), "1,000 JPY/t"),
        (("medals.first", "{count: 1,000, parts: {silver: 1}}"), "1,000"),
        (("smelters.kosaka.capacity", "[1,000, 2]"), "1,000"),
    ],
)
def test_a_comma_in_a_change(change: tuple[str, str], text: str, tmp_path: Path) -> None:
    """A comma in a value of `--set` is a fault that names the figure."""
    (tmp_path / "case.yaml").write_text(written(), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load(tmp_path / "case.yaml", dict([change]))
    (fault,) = caught.value.faults
    assert (fault.file, fault.path) == ("--set", change[0])
    assert fault.message.startswith(f"`{text}` {SAID}")


def test_a_doubtful_list_in_a_change(tmp_path: Path) -> None:
    """A list of `--set` that may be half as long draws the warning too."""
    (tmp_path / "case.yaml").write_text(written(periods="periods: {count: 4}"), encoding="utf-8")
    instance = load(tmp_path / "case.yaml", {"smelters.kosaka.capacity": "[1,400,2,400]"})
    assert ["--set" for warning in instance.warnings if "read as 4 values" in warning.message] == ["--set"]


def test_a_comma_in_a_table(tmp_path: Path) -> None:
    """A number in a table that its comma made two cells of is a fault, also where the row is as long as the header."""
    text = "device,region,available,price\nphone,tokyo,1,000\nphone,osaka,1,050 JPY/t\nphone,kobe,1,50\n"
    (tmp_path / "rows.csv").write_text(text, encoding="utf-8")
    assert faults(tmp_path, streams="streams: {table: rows.csv}") == [
        (2, 3, "streams.available", f"`1,000` {SAID}"),
        (3, 3, "streams.available", f"`1,050 JPY/t` {SAID}"),
    ]
    (tmp_path / "rows.csv").write_text('device,region,available\nphone,tokyo,"1,000 t"\n', encoding="utf-8")
    ((_, _, path, message),) = faults(tmp_path, streams="streams: {table: rows.csv}")
    assert path == "streams.phone@tokyo.available" and message.startswith(f"`1,000 t` {SAID}")


NOTHING_GIVEN: dict[str, tuple[dict[str, str], str]] = {
    "at the top": ({"x": "typo:"}, "typo"),
    "in a mapping": ({"metals": "metals: {Au: {sel: }, Ag: {}}"}, "metals.Au.sel"),
    "in the horizon": ({"periods": "periods: {count: 2, lenght: }"}, "periods.lenght"),
    "a metal": ({"devices": "devices: {phone: {content: {Ag: 1, Agg: }}}"}, "devices.phone.content.Agg"),
    "a metal with a default": ({"smelters": "smelters: {kosaka: {returned: {Agg: }}}"}, "smelters.kosaka.returned.Agg"),
    "an alloy": ({"medals": "medals: {first: {count: 1, parts: {silver: 1, slver: }}}"}, "medals.first.parts.slver"),
    "a window": ({"alloys": "alloys: {silver: {composition: {Ag: 1, Agg: }}}"}, "alloys.silver.composition.Agg"),
    "a currency": ({"x": "exchange: {dollar: }"}, "exchange.dollar"),
    "a device of a mix": ({"x": "mixes: {m: {phone: 1, phne: }}"}, "mixes.m.phne"),
    "in a stream": (
        {"streams": "streams:\n- {device: phone, region: tokyo, available: 10, prise: }"},
        "streams.phone@tokyo.prise",
    ),
    "in a storage": (
        {"streams": "streams:\n- {device: phone, region: tokyo, available: 10, storage: {limt: }}"},
        "streams.phone@tokyo.storage.limt",
    ),
    "in a lane": (
        {"x": "lanes:\n- {region: tokyo, smelter: kosaka, cost: 1}\n- {region: a, smelter: kosaka, cst: }"},
        "lanes.a@kosaka.cst",
    ),
}


@pytest.mark.parametrize("case", NOTHING_GIVEN.values(), ids=NOTHING_GIVEN.keys())
def test_an_unknown_key_without_a_value(case: tuple[dict[str, str], str], tmp_path: Path) -> None:
    """An unknown key is an error even without a value."""
    parts, path = case
    assert path in [fault[2] for fault in faults(tmp_path, **parts)]


@pytest.mark.parametrize(
    "path", ["typo", "metals.Ag.sel", "smelters.kosaka.returned.Agg", "streams.phone@tokyo.prise", "policy.recycled.X"]
)
def test_an_unknown_key_emptied_by_a_change(path: str, tmp_path: Path) -> None:
    """`--set PATH=` of an unknown path is an error."""
    (tmp_path / "case.yaml").write_text(written(), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load(tmp_path / "case.yaml", {path: ""})
    assert [fault.path for fault in caught.value.faults] == [path]


def test_an_unknown_column_without_a_value(tmp_path: Path) -> None:
    """A column for an undefined metal is an error even if all cells are empty."""
    (tmp_path / "rows.csv").write_text("device,region,available,credited_Agg\nphone,tokyo,1,\n", encoding="utf-8")
    ((line, column, path, message),) = faults(tmp_path, streams="streams: {table: rows.csv}")
    assert (line, column, path) == (2, 4, "streams.phone@tokyo.credited.Agg")
    assert message == "no metal is called `Agg`; did you mean `Ag`?"


def test_a_figure_given_as_nothing_is_left_out(tmp_path: Path) -> None:
    """Null at a known figure still leaves it out."""
    parts = {"medals": "medals: {first: {count: 1, due: , parts: {silver: 1}, allowance: ~}}"}
    parts["devices"] = "devices: {phone: {unit_mass: , content: {Au: , Ag: 2}}}"
    assert loaded(tmp_path, **parts).devices.assay.value.tolist() == [[2, 0]]
    assert set(PARTS) >= set(parts)
