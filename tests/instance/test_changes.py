"""Changes of single figures by their paths."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.instance.hostile import GOOD
from tests.instance.writing import written

from medalopt.errors import InputError
from medalopt.instance import load
from medalopt.instance.instance import Instance, is_same_instance
from medalopt.instance.loading import open_instance
from medalopt.instance.reader.overrides import SUM_NOT_ALLOWED
from medalopt.text import PathError, parse_path, render_path

PAGE = Path(__file__).parents[1] / "conformance" / "page.yaml"


def changed(path: str, value: str, **more: str) -> Instance:
    """Return the example of the format page with one figure changed."""
    return load(PAGE, {path: value, **more})


@pytest.mark.parametrize(
    ("path", "value", "figures", "expected"),
    [
        ("streams.phone@tokyo.available", "12 t", "streams.available", [12, 12, 12, 12]),
        ("streams.phone@tokyo.available", "[1, 2, 3, 4 t]", "streams.available", [1, 2, 3, 4]),
        ("streams.phone@tokyo.available[2]", "0", "streams.available", [10, 10, 0, 10]),
        ("streams.phone@tokyo.price", "5 JPY/kg", "streams.price", [5000]),
        ("streams.phone@tokyo.storage.limit", "7", "streams.storage_limit", 7),
        ("streams.phone@tokyo.storage", "{}", "streams.storage_limit", math.inf),
        ("streams.phone@tokyo.credited", "40 %", "streams.credited", [0.4] * 5),
        ("streams.phone@tokyo.credited.Au", "40 %", "streams.credited", [1, 0.4, 1, 1, 1]),
    ],
)
def test_a_stream_by_its_name(path: str, value: str, figures: str, expected: object) -> None:
    """A figure of a stream is found by the stream's name, in one period or in all, given before or not."""
    one = changed(path, value)
    array = getattr(one.streams, figures.split(".")[1]).value
    assert array[one.streams.names.index("phone@tokyo")].tolist() == expected
    before = load(PAGE)
    others = [n for n, name in enumerate(one.streams.names) if name != "phone@tokyo"]
    assert array[others].tolist() == getattr(before.streams, figures.split(".")[1]).value[others].tolist()


def test_one_period_of_a_list() -> None:
    """One value of a stream's list is changed and the others stay."""
    one = changed("streams.laptop@tokyo.available[1]", "400 unit")
    assert one.streams.available.value[0].tolist() == [5, 1.068, 8, 5]


@pytest.mark.parametrize(
    ("path", "value", "read", "expected"),
    [
        ("smelters.kosaka.capacity", "9", lambda one: one.smelters.capacity.value[0], [9, 9, 9, 9]),
        ("smelters.kosaka.capacity[3]", "9", lambda one: one.smelters.capacity.value[0], [300, 300, 300, 9]),
        ("smelters.kosaka.lead.Au", "3", lambda one: one.smelters.lead[0], [2, 3, 1, 1, 1]),
        ("smelters.kosaka.lead", "0", lambda one: one.smelters.lead[0], [0] * 5),
        ("smelters.kosaka.terms.boards.returned", "50 %", lambda one: one.terms.returned.value[0], [0.5] * 5),
        ("lanes.tokyo@kosaka.distance", "1 km", lambda one: one.lanes.cost.value[:, 0], [30_000, 36]),
        ("transport_rate", "1", lambda one: one.lanes.cost.value[:, 0], [30_000, 640]),
        ("alloys.silver_999.composition.Ag[0]", "95 %", lambda one: one.alloys.low.value[2], [0.95, 0, 0, 0, 0]),
        ("medals.gold.count", "5", lambda one: one.medals.count, [13, 5, 12]),
        ("medals.gold.due", "2017-04", lambda one: one.medals.due, [3, 0, 3]),
        ("policy.recycled.Cu", "7 %", lambda one: one.policy.recycled.value, [1, 1, 0.07, 0, 0]),
        ("exchange.USD", "100", lambda one: one.metals.sell.value[3], [2_500_000] * 4),
        ("treatments.sort.recovery.Au", "50 %", lambda one: one.treatments.recovery.value[2, 0], [1, 0.5, 1, 1, 1]),
        ("periods.count", "3", lambda one: one.periods, None),
        ("title", "New", lambda one: [one.title], ["New"]),
        ('devices."low_grade".content.Ag', "9 g/t", lambda one: one.devices.assay.value[1, :1], [0.009]),
    ],
)
def test_figures_of_every_section(path: str, value: str, read: object, expected: object) -> None:
    """A path leads to a member by its name, a period or an end by its index, a metal by its symbol."""
    if expected is None:
        with pytest.raises(InputError, match="there are 3 periods, but 4 values"):
            changed(path, value)
    else:
        assert list(read(changed(path, value))) == expected  # type: ignore[operator]


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("smelters.kosakaa.lead", "0", "there is no `kosakaa` in `smelters`; did you mean `kosaka`?"),
        ("smelters.kosaka.terms.phone.returned", "1", "in `smelters.kosaka.terms`; did you mean `phones`?"),
        ("smelters.kosaka.capcity", "1", "unknown key `capcity`; did you mean `capacity`?"),
        ("smelters.kosaka.capacity[4]", "1", "there are 4 values here; they are numbered from 0"),
        ("smelters.kosaka.limit[0]", "1", "is not a list"),
        ("smelters.kosaka.limit.x", "1", "expected one value"),
        ("smelters.kosaka.capacity", "[1, 2]", "there are 4 periods, but 2 values"),
        ("smelters.kosaka.capacity", "1 km", "found `1 km`"),
        ("alloys.silver_999.loss.x", "1", "`loss` is one value without members"),
        ("streams.fone@tokyo.price", "1", "there is no `fone@tokyo` among the streams; did you mean `phone@tokyo`?"),
        ("streams.phone@tokyo", "1", "name one parameter"),
        ("streams[0].price", "1", "there is no `0` among the streams"),
        ("streams.phone@tokyo.bogus", "1", "unknown key `bogus`"),
        ("streams.phone@tokyo.committed[0]", "1", "is not a list"),
        ("streams.phone@tokyo.price.x", "1", "expected one value; found a mapping"),
        ("streams.phone@tokyo.storage.limit.x", "1", "expected one value; found a mapping"),
        ("streams.phone@tokyo.storage.limt.x", "1", "unknown key `limt`; did you mean `limit`?"),
        ("streams.phone@tokyo.bogus.x", "1", "unknown key `bogus`"),
        ("streams.phone@tokyo.source.x", "1", "expected one value; found a mapping"),
        ("streams.phone@tokyo.committed", "[1, 2]", "expected one value; found a list"),
        ("streams.phone@tokyo.available[4]", "1", "there are 4 periods; they are numbered from 0"),
        ("streams.phone@tokyo.available", "[1, 2]", "there are 4 periods, but 2 values"),
        ("lanes.kyoto@kosaka.cost", "1", "there is no `kyoto@kosaka` among the lanes; did you mean `tokyo@kosaka`?"),
        ("policy.footprint_cap", "[1", "is not YAML"),
        ("policy.footprint_cap", "!!python/object:x 1", "a tag"),
        ("policy.footprint_cap", "x" * 200_000, "longer than"),
        ("policy.footprint_cap", "\x1b[31m", "U+001B"),
        ("foo.bar", "1", "unknown key `foo`"),
        ("a..b", "1", "a name is missing at character 3"),
        ("a[", "1", "does not continue a path"),
        ("a\udcff", "1", "bytes that are not text"),
        ("streams.phone@tokyo.a\udcff", "1", "bytes that are not text"),
        ("", "1", "a path has 1 to"),
    ],
)
def test_what_cannot_be_changed(path: str, value: str, says: str) -> None:
    """A change that cannot be made is a fault at `--set`, with its path, and does not invent members."""
    with pytest.raises(InputError) as caught:
        changed(path, value)
    assert {fault.file for fault in caught.value.faults} == {"--set"}
    assert any(says in fault.message for fault in caught.value.faults)
    assert all(str(fault).isprintable() for fault in caught.value.faults)


@pytest.mark.parametrize("path", ["devices.phone.unit_mass", "smelters.kosaka.limit", "treatments.sort.footprint"])
def test_null_restates_the_default(path: str, tmp_path: Path) -> None:
    """Null is the default, be it none, infinite or zero: a change to it where nothing is given changes no value."""
    (tmp_path / "case.yaml").write_text(GOOD.replace("unit_mass: 100 g, ", ""), encoding="utf-8")
    file = open_instance(tmp_path / "case.yaml")
    assert file.has_effect({path: "null"}, path) is None
    assert is_same_instance(file.with_effective_changes({path: "null"}), file.with_changes())


def test_a_price_step_has_a_source(tmp_path: Path) -> None:
    """Entries of a list may carry notes as every mapping does; a note changes no value."""
    step = "price: [{up_to: 5 kg, price: 50%s}, {price: 60}]"
    for name, note in (("plain", ""), ("noted", ", source: letter")):
        text = GOOD.replace("price: 50 JPY/g", step % note)
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    noted = load(tmp_path / "noted.yaml")
    assert [(source.path, source.source) for source in noted.sources] == [("market.bullion.price[0]", ("letter",))]
    assert noted.figures == load(tmp_path / "plain.yaml").figures


def test_a_price_step_takes_no_list_by_period(tmp_path: Path) -> None:
    """The message says why, and what states the same: one offer or stream for each step."""
    offer = GOOD.replace("price: 50 JPY/g", "price: [{up_to: 5 kg, price: [50, 51]}, {price: 60}]")
    (tmp_path / "case.yaml").write_text(offer, encoding="utf-8")
    with pytest.raises(
        InputError, match=r"bullion\.price\[0\]\.price: a price step has one .* one offer for .* `limit`"
    ):
        load(tmp_path / "case.yaml")
    stream = GOOD.replace("available: 10 t", "available: 10 t, price: [{up_to: 5, price: [1, 2]}, {price: 3}]", 1)
    (tmp_path / "case.yaml").write_text(stream, encoding="utf-8")
    with pytest.raises(InputError, match=r"price\[0\]\.price: a price step has one .* one stream for .* `available`"):
        load(tmp_path / "case.yaml")


def test_changes_in_a_table(tmp_path: Path) -> None:
    """Figures in a table are changed like those in a list: a cell, a period, a whole offer."""
    kept = [line for line in GOOD.splitlines() if not line.startswith(("streams", "  - {device"))]
    (tmp_path / "case.yaml").write_text("\n".join([*kept, "streams: {table: rows.csv}", ""]), encoding="utf-8")
    rows = "device,region,period,available,price\nphone,tokyo,2017-04,1,7\nlaptop,osaka,2017-05,2,8\n"
    (tmp_path / "rows.csv").write_text(rows, encoding="utf-8")

    def offer(changes: dict[str, str]) -> list[list[float]]:
        one = load(tmp_path / "case.yaml", changes)
        return [*one.streams.available.value.tolist(), one.streams.price.value[:, 0].tolist()]

    assert offer({}) == [[0, 2], [1, 0], [8, 7]]
    assert offer({"streams.phone@tokyo.available[1]": "5"}) == [[0, 2], [1, 5], [8, 7]]
    assert offer({"streams.phone@tokyo.available": "5"}) == [[0, 2], [5, 5], [8, 7]]
    assert offer({"streams.laptop@osaka.available": "[3, 4]"}) == [[3, 4], [1, 0], [8, 7]]
    assert offer({"streams.laptop@osaka.price": "9", "streams.phone@tokyo.price": "1"}) == [[0, 2], [1, 0], [9, 1]]
    assert offer({"streams.phone@tokyo.storage.limit": "3"}) == [[0, 2], [1, 0], [8, 7]]
    with pytest.raises(InputError, match=r"--set: streams\.phone@tokyo\.price: expected a number in JPY/t"):
        offer({"streams.phone@tokyo.price": "nine"})


def test_the_files_stay_and_the_figures_move() -> None:
    """A change moves the digest of the figures, not those of the files; changing back gives the same."""
    before, after = load(PAGE), changed("medals.gold.count", "13")
    assert after.files == before.files and after.figures != before.figures
    assert changed("medals.gold.count", "12").figures == before.figures


def test_changes_are_made_in_order() -> None:
    """The later of two changes of a parameter holds."""
    one = load(PAGE, {"smelters.kosaka.lead": "0", "smelters.kosaka.lead.Ag": "3"})
    assert one.smelters.lead[0].tolist() == [3, 0, 0, 0, 0]


@settings(deadline=None)  # the processor may be busy
@given(st.lists(st.one_of(st.text(min_size=1, max_size=20), st.integers(0, 10**6)), min_size=1, max_size=6))
def test_paths_are_read_as_they_are_written(steps: list[str | int]) -> None:
    """`parse` reads the output of `render` for any printable names."""
    path = ("streams", *(step for step in steps if isinstance(step, int) or step.isprintable()))
    assert parse_path(render_path(path)) == path


@given(st.text(max_size=40))
def test_any_text_is_a_path_or_a_fault(text: str) -> None:
    """No text does anything but give steps or PathError."""
    try:
        assert parse_path(text)
    except PathError as error:
        assert str(error).isprintable()


@pytest.mark.parametrize(
    ("path", "value", "at"),
    [
        ("medals.gold.count", "+5", ""),
        ("smelters.kosaka.capacity", "+5 t", ""),
        ("smelters.kosaka.capacity", "[1, 2, 3, +4 t]", "[3]"),
        ("smelters.kosaka.capacity[1]", '"+5 t"', ""),
        ("smelters.kosaka.lead", "{Au: 1, Ag: +3}", ".Ag"),
        ("streams.phone@tokyo.price", "+5 JPY/kg", ""),
    ],
)
def test_a_plus_does_not_replace(path: str, value: str, at: str) -> None:
    """A leading plus without `*` is rejected at its own path."""
    with pytest.raises(InputError) as caught:
        changed(path, value)
    (fault,) = caught.value.faults
    assert (fault.path, fault.message) == (f"{path}{at}", SUM_NOT_ALLOWED)


def test_a_plus_in_a_text_is_text() -> None:
    """Text that is no number may begin with a plus."""
    assert changed("title", "+5").title == "+5"


def test_a_plus_in_a_scenario(tmp_path: Path) -> None:
    """A scenario adds only with `*`; the file itself may write a figure with its sign."""
    parts = {"medals": "medals: {first: {count: +1, parts: {silver: 1}}}"}
    case = tmp_path / "case.yaml"
    case.write_text(written(**parts, x="scenarios: {more: {medals.*.count: +5}}"), encoding="utf-8")
    open_instance(case).with_effective_changes(scenarios=True)
    assert load(case).medals.count.tolist() == [1]
    case.write_text(written(**parts, x="scenarios: {more: {medals.first.count: +5}}"), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        open_instance(case).with_effective_changes(scenarios=True)
    (fault,) = caught.value.faults
    assert fault.path.startswith("scenarios.more") and fault.message == SUM_NOT_ALLOWED and fault.line
