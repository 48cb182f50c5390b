"""Whole files to instances: order, units, places, digests."""

from __future__ import annotations

import hashlib
import json
import math
import random
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import yaml
from tests.instance.hostile import GOOD
from tests.instance.writing import loaded, written

from medalopt.errors import InputError
from medalopt.instance import load
from medalopt.instance.examples import render_starter_template
from medalopt.instance.loading import open_instance
from medalopt.instance.reader.yaml_nodes import SourceNote

CONFORMANCE = Path(__file__).parents[1] / "conformance"


@pytest.mark.parametrize("name", [path.name for path in sorted(CONFORMANCE.glob("*.yaml"))])
def test_conformance_instances_load(name: str) -> None:
    """Every conformance instance loads, with all axes sorted and every figure finite or without limit."""
    one = load(CONFORMANCE / name)
    for axis in (one.metals.names, one.devices.names, one.regions, one.streams.names, one.smelters.names):
        assert list(axis) == sorted(set(axis))
    for figures in (one.streams.available, one.terms.returned, one.treatments.recovery, one.lanes.cost):
        assert np.all(np.isfinite(figures.value))
    assert one.files == {name: hashlib.sha256((CONFORMANCE / name).read_bytes()).hexdigest()}


def test_the_page_by_hand() -> None:
    """The example of the format page has the values computed by hand, exactly."""
    one = load(CONFORMANCE / "page.yaml")
    assert one.periods == ("2017-04", "2017-05", "2017-06", "2017-07") and one.title == "A tiny example"
    metal = one.metals.names.index
    assert one.metals.sell.exact()[metal("Pd")].tolist() == [25 * 110 * 1000] * 4
    assert one.metals.titles == ("silver", "gold", "copper", "palladium", "zinc")
    laptop = one.devices.names.index("laptop")
    assert one.devices.assay.exact()[laptop, metal("Au")] == Fraction("0.000141") / Fraction("2.67") * 1000
    stream = one.streams.names.index("laptop@tokyo")
    assert one.streams.collection.exact()[stream, 0] == Fraction(60) / Fraction("0.00267")
    assert one.streams.storable.tolist() == [True, False, False, False]
    assert one.bundles == (("osaka", "box"),) and one.streams.bundle.tolist() == [-1, 0, 0, -1]
    tokyo = one.regions.index("tokyo")
    assert one.lanes.cost.exact()[tokyo, 0] == 640 * 36
    assert one.medals.due.tolist() == [3, 2, 3] and one.medals.count.tolist() == [13, 12, 12]
    assert one.market.limit.value.tolist() == [40, 200] and one.market.committed.value.tolist() == [2, 0]
    assert one.policy.footprint_cap.value == 500_000 and one.metals.opening_stock.value[0] == 0


def test_total_is_spread_exactly(tmp_path: Path) -> None:
    """A total is divided evenly over the periods, as a fraction: three thirds make the whole."""
    one = loaded(
        tmp_path,
        periods="periods: {count: 3}",
        streams="streams:\n- {device: phone, region: r, total: 10_000 unit}\n- {device: laptop, region: r, total: 1 t}",
    )
    assert one.streams.available.exact().tolist() == [[Fraction(1, 3)] * 3, [Fraction(1, 3)] * 3]
    assert one.streams.available.raw.tolist() == [[1.0] * 3, [10_000.0] * 3]


def test_a_number_keeps_its_spelling(tmp_path: Path) -> None:
    """Arrays keep the float as written beside the exact factor, for a lane's distance too."""
    one = loaded(
        tmp_path,
        lanes="lanes: [{region: tokyo, smelter: kosaka, distance: 0.1 km}]",
        transport_rate="transport_rate: 0.3 JPY/kg/km",
    )
    assert one.lanes.cost.raw.tolist() == [[0.1]] and one.lanes.cost.exact()[0, 0] == 30
    assert one.lanes.cost.factors[one.lanes.cost.unit[0, 0]] == 300


def test_names_are_text_whatever_they_look_like(tmp_path: Path) -> None:
    """NO, 007, 1e5, null, true and a date are names as they are written, as keys and as values."""
    names = ["NO", "007", "1e5", "true", "2017-04-01", "0x10", "null", "~"]
    devices = "devices: {" + ", ".join(f"{name}: {{}}" for name in names) + "}"
    streams = "streams:\n" + "\n".join(f"- {{device: {name}, region: {name}, available: 1}}" for name in names)
    one = loaded(tmp_path, devices=devices, streams=streams)
    assert set(one.devices.names) == set(one.regions) == set(names)
    assert set(one.streams.names) == {f"{name}@{name}" for name in names}


def test_numbers_are_those_of_yaml_1_2(tmp_path: Path) -> None:
    """1e5, 012, 0x10 and 0o17 are the numbers that the core schema makes of them."""
    streams = "streams:\n" + "\n".join(
        f"- {{device: phone, region: r{n}, available: {text}}}" for n, text in enumerate(["1e5", "012", "0x10", "0o17"])
    )
    assert loaded(tmp_path, streams=streams).streams.available.value[:, 0].tolist() == [100_000, 12, 16, 15]


def shuffled(node: object, dice: random.Random) -> object:
    """Return the same mappings in another order, and lists of mappings too."""
    if isinstance(node, dict):
        items = [(name, shuffled(item, dice)) for name, item in node.items()]
        return dict(dice.sample(items, len(items)))
    if isinstance(node, list) and node and isinstance(node[0], dict):
        return [shuffled(item, dice) for item in dice.sample(node, len(node))]
    return node


@pytest.mark.parametrize("name", ["page.yaml", "c00.yaml", "c07.yaml"])
def test_order_does_not_matter(name: str, tmp_path: Path) -> None:
    """The same figures in another order have the same digest and the same arrays; only the files differ."""
    text = (CONFORMANCE / name).read_text(encoding="utf-8")
    data = shuffled(yaml.load(text, yaml.BaseLoader), random.Random(5))
    (tmp_path / name).write_text(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), encoding="utf-8")
    before, after = load(CONFORMANCE / name), load(tmp_path / name)
    assert after.figures == before.figures and after.files != before.files
    assert np.array_equal(after.streams.available.value, before.streams.available.value)


def test_units_do_not_matter_and_figures_do(tmp_path: Path) -> None:
    """A figure in another unit leaves the digest as it is; another figure, name or date changes it."""
    path = tmp_path / "case.yaml"

    def digest(old: str = "", new: str = "") -> str:
        assert old in GOOD
        path.write_text(GOOD.replace(old, new) if old else GOOD, encoding="utf-8")
        return load(path).figures

    same = [("available: 10 t", "available: 10_000 kg"), ("50 JPY/g", "50_000"), ("500 g}", "0.5}"), ("97 %", "0.97")]
    assert {digest(*change) for change in same} == {digest()}
    other = [
        ("10 t", "11 t"),
        ("osaka", "kyoto"),
        ("start: 2017-04", "start: 2017-05"),
        ("count: 5", "count: 6"),
        ("10 %}", "11 %}"),
    ]
    assert len({digest(*change) for change in other} | {digest()}) == len(other) + 1


def test_title_and_remarks_are_no_figures(tmp_path: Path) -> None:
    """Title, source and note travel with the instance and leave its digest alone."""
    plain = loaded(tmp_path)
    told = loaded(
        tmp_path,
        title="title: Told\nsource: [a, b]\nnote: whole",
        devices="devices: {note: all, laptop: {content: {Ag: 3}},"
        " phone: {unit_mass: 100 g, content: {source: S1, Au: 1, Ag: 2}}}",
        streams="streams:\n- {device: phone, region: tokyo, available: 10, source: [x, y], note: z}",
    )
    assert told.figures == plain.figures and told.title == "Told"
    assert told.sources == (
        SourceNote("", ("a", "b"), "whole"),
        SourceNote("devices", (), "all"),
        SourceNote("devices.phone.content", ("S1",), ""),
        SourceNote("streams.phone@tokyo", ("x", "y"), "z"),
    )


def test_what_single_verbs_read(tmp_path: Path) -> None:
    """Lots, mixes, scenarios, parties and uncertainty are validated and kept as plain data."""
    one = loaded(
        tmp_path,
        devices="devices: {phone: {unit_mass: 100 g, cv: {Au: 30 %}, correlation: 60 %}, laptop: {}}",
        streams="streams:\n- {device: phone, region: tokyo, available: 10, lot: 20_000 unit, minimum_order: 3 t}",
        market="market: {o: {composition: {Ag: 1}, price: 1, lot: 500 g, cv: 10 %}}",
        mixes="mixes: {half: {phone: 50 %, laptop: 0.5}}",
        scenarios='scenarios: {bad: {note: a strike, "devices.*.content.Ag": 85 %, "smelters.*.lead": +1}}',
        parties="parties: {kosaka: {legal_name: Kosaka Smelting, payment: 30 days}}",
    )
    assert one.lots == ("market.o.lot", "streams.phone@tokyo.lot", "streams.phone@tokyo.minimum_order")
    assert one.annex == {
        "lots": {"market.o.lot": 0.5, "streams.phone@tokyo.lot": 2.0, "streams.phone@tokyo.minimum_order": 3.0},
        "mixes": {"half": {"laptop": 0.5, "phone": 0.5}},
        "scenarios": {"bad": {"devices.*.content.Ag": "85 %", "smelters.*.lead": "+1"}},
        "parties": {"kosaka": {"legal_name": "Kosaka Smelting", "payment": "30 days"}},
        "devices_cv": {"phone": {"correlation": 0.6, "cv": {"Au": 0.3}}},
        "market_cv": {"o": {"cv": 0.1}},
    }


def test_every_fault_is_reported_at_once(tmp_path: Path) -> None:
    """Errors of form, units, names and consistency in file and table are reported in one error."""
    path = tmp_path / "case.yaml"
    path.write_text(
        written(
            devices="devices: {phone: {unit_mas: 1 g, content: {Au: 1 km, Fe: 2}}, laptop: {content: {Ag: 3}}}",
            streams="streams: {table: rows.csv}",
            smelters="smelters: {kosaka: {committed: 3, limit: 2}}",
            alloys="alloys: {silver: {composition: {Ag: [1, 0]}}, gold: &g {}}",
            medals="medals: {first: {count: 1, due: 2020-01, parts: {silber: 1}}}",
        ),
        encoding="utf-8",
    )
    (tmp_path / "rows.csv").write_text("device,region,available\nfax,tokyo,1\nphone,osaka,1 JPY\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load(path)
    found = [(Path(fault.file).name, fault.line, fault.column, fault.path) for fault in caught.value.faults]
    assert found == [
        ("case.yaml", 6, 19, "devices.phone.unit_mas"),
        ("case.yaml", 6, 48, "devices.phone.content.Au"),
        ("case.yaml", 6, 54, "devices.phone.content.Fe"),
        ("case.yaml", 8, 32, "smelters.kosaka.committed"),
        ("case.yaml", 9, 37, "alloys.silver.composition.Ag"),
        ("case.yaml", 9, 53, ""),
        ("case.yaml", 10, 33, "medals.first.due"),
        ("case.yaml", 10, 50, "medals.first.parts.silber"),
        ("rows.csv", 2, 1, "streams.fax@tokyo.device"),
        ("rows.csv", 3, 3, "streams.phone@osaka.available"),
    ]
    assert found == sorted(found)


def test_byte_order_mark_and_line_ends(tmp_path: Path) -> None:
    """A file with a byte-order mark and the line ends of Windows is the same instance."""
    path = tmp_path / "case.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load(path).streams.names == ("laptop@osaka", "phone@tokyo")


def test_json_is_yaml(tmp_path: Path) -> None:
    """An instance written as JSON loads."""
    path = tmp_path / "case.json"
    path.write_text(json.dumps(yaml.load(GOOD, yaml.BaseLoader), indent=1), encoding="utf-8")
    assert load(path).medals.count.tolist() == [5]


def test_the_template_loads_without_a_warning(tmp_path: Path) -> None:
    """The starter template has the new name, names its schema in line 1 and loads without warning."""
    path = tmp_path / "games.yaml"
    path.write_text(render_starter_template("games"), encoding="utf-8")
    one = load(path)
    assert one.name == "games" and one.warnings == ()
    assert render_starter_template("games").startswith("# yaml-language-server: $schema=")
    assert (len(one.regions), len(one.treatments.names), len(one.smelters.names)) == (2, 2, 2)
    assert (len(one.alloys.names), len(one.medals.names), one.period_length) == (3, 3, "month")
    assert one.policy.recycled.value[one.metals.names.index("Ag")] > 0
    assert not math.isinf(one.smelters.capacity.value[0, 0])
    assert "{" not in path.read_text(encoding="utf-8")  # block style, as an editor's lines


def test_a_table_is_read_once_and_a_wrong_one_each_time(tmp_path: Path) -> None:
    """Tables are cached with the opened file; their errors are reported at every resolve."""
    path, rows = tmp_path / "case.yaml", tmp_path / "rows.csv"
    path.write_text(written(streams="streams: {table: rows.csv}"), encoding="utf-8")
    rows.write_text("device,region,total\nphone,a,1\n", encoding="utf-8")
    good = open_instance(path)
    first = good.with_changes()
    rows.write_text("device,region,total,odd\nphone,a,1,2\n", encoding="utf-8")
    again = good.with_changes()
    assert (
        again.figures == first.figures
        and again.files == first.files
        and sorted(first.files) == ["case.yaml", "rows.csv"]
    )
    wrong = open_instance(path)
    for _ in range(2):
        with pytest.raises(InputError, match="unknown column `odd`"):
            wrong.with_changes()
