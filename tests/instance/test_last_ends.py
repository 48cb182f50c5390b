"""The reader at rare limits: long lists of errors, large tables, places and names."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError
from tests.instance.writing import faults, loaded, written

from medalopt.errors import FaultKind, InputError
from medalopt.instance import load
from medalopt.instance.reader import csv_reader, excel_reader, limits
from medalopt.instance.reader.excel_reader import format_cell
from medalopt.instance.reader.files import FaultLog, Location
from medalopt.instance.reader.yaml_nodes import parse_yaml
from medalopt.instance.schema.document import Periods

TABLE = "streams: {table: rows.csv}"


def test_of_many_faults_the_first_thousand_are_reported() -> None:
    """Of 1,500 that are found from the last on, those of the first thousand lines, and in the first file the rest."""
    found = FaultLog()
    for line in range(1500, 0, -1):
        found.add_error(Location("a.csv" if line <= 1200 else "b.csv", line), (), "is wrong", kind=FaultKind.VALUE)
    with pytest.raises(InputError) as caught:
        found.raise_errors()
    *told, rest = caught.value.faults
    assert [fault.line for fault in told] == list(range(1, 1001))
    assert (rest.file, rest.line, rest.message) == ("a.csv", 0, "500 more faults are not listed")


def test_too_large_a_table_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading stops once the limit of cells is exceeded."""
    monkeypatch.setattr(limits, "MAX_CELLS", 8)
    monkeypatch.setattr(csv_reader, "_CHUNK_ROWS", 3)
    found = csv_reader.read_csv_rows('a,b\n"1",2\n' + "3,4\n" * 20)
    assert not found.whole and len(found.lines) == 6


def test_a_cell_may_hold_a_tab() -> None:
    """In a table that is cut all at once it is a character as any."""
    found = csv_reader.read_csv_rows("a\tb,c\n1\t2,3\n\t,4\n")
    assert found.header == ["a\tb", "c"] and found.lines.tolist() == [2, 3]
    assert [list(found.column(number)) for number in (0, 1)] == [["1\t2", "\t"], ["3", "4"]]


@pytest.mark.parametrize(
    ("number", "text"),
    [(999_999_999_999_999.0, "999999999999999"), (1e15, "1000000000000000.0"), (0.5, "0.5"), (-3.0, "-3")],
)
def test_a_whole_number_of_fifteen_digits_has_no_point(number: float, text: str) -> None:
    """A cell of a workbook is read as it would be written; beyond fifteen digits not all may be true."""
    assert format_cell(number) == text


def test_a_workbook_may_be_64_mebibytes() -> None:
    """Packed; and hold five million cells with 64 mebibytes of text."""
    assert excel_reader.LARGEST_WORKBOOK == 67_108_864
    assert (excel_reader.MAX_WORKBOOK_CELLS, excel_reader.MAX_WORKBOOK_CHARACTERS) == (5_000_000, 67_108_864)


def test_a_table_of_unknown_place_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that the system cannot resolve is treated as outside the folder."""

    def fails(*_: object, **__: object) -> Path:
        raise OSError

    path = tmp_path / "case.yaml"
    path.write_text(written(streams=TABLE), encoding="utf-8")
    monkeypatch.setattr(Path, "resolve", fails)
    with pytest.raises(InputError, match="this one leads elsewhere by a link"):
        load(path)


def test_a_file_of_as_many_values_as_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mapping of two keys with two values are five; six are too many."""
    monkeypatch.setattr(limits, "MAX_YAML_VALUES", 5)
    found = FaultLog()
    assert parse_yaml("a: 1\nb: 2\n", "f", found) is not None and found.errors == []
    assert parse_yaml("a: 1\nb: [2]\n", "f", found) is None
    assert [fault.message for fault in found.errors] == [
        "the file is more than 5 values long; put long lists into tables beside it"
    ]


def test_a_figure_in_pieces_is_shown_as_written(tmp_path: Path) -> None:
    """Of a device without a mass the cell that counts pieces is named."""
    (tmp_path / "rows.csv").write_text(
        "device,region,available,collection\nlaptop,tokyo,10,5 JPY/unit\n", encoding="utf-8"
    )
    ((line, column, path, message),) = faults(tmp_path, streams=TABLE)
    assert (line, column, path) == (2, 4, "streams.laptop@tokyo.collection")
    assert message == "`5 JPY/unit` needs the mass of a piece: give the device a `unit_mass`"


def test_a_column_called_as_no_other_is_unknown(tmp_path: Path) -> None:
    """A column name with brackets is reported as unknown, and the rest is read."""
    (tmp_path / "rows.csv").write_text("device,region,available,{}\nphone,tokyo,10,1\n", encoding="utf-8")
    ((line, column, _, message),) = faults(tmp_path, streams=TABLE)
    assert (line, column) == (1, 4) and "unknown" in message


def test_a_fault_of_a_name_is_at_the_name(tmp_path: Path) -> None:
    """A section without the other it needs, and a share of a device that there is not: where their names are."""
    ((line, column, path, _),) = faults(tmp_path, streams="")
    assert (line, column, path) == (7, 1, "smelters")
    policy = "policy:\n  device_share:\n    fax: [10 %, 20 %]"
    ((line, column, path, _),) = faults(tmp_path, policy=policy)
    assert (line, column, path) == (14, 5, "policy.device_share.fax")


def test_a_tonne_may_be_all_metal(tmp_path: Path) -> None:
    """A thousand kilograms in a tonne are allowed; a gram more in a tonne is not."""
    full = "devices: {phone: {content: {Ag: %s kg/t, Au: 400 kg/t}}}"
    assert faults(tmp_path, devices=full % "600") == []
    ((*_, message),) = faults(tmp_path, devices=full % "600.001")
    assert message.startswith("the metals sum to 1_000 kg/t") or "more than a tonne in a tonne" in message


def test_rows_of_the_third_period_are_rows_as_any(tmp_path: Path) -> None:
    """A duplicate row of the third period is reported, and an unknown period."""
    rows = "device,region,period,available\n" + "".join(f"phone,tokyo,{at},1\n" for at in ("3", "3", "9"))
    (tmp_path / "rows.csv").write_text(rows, encoding="utf-8")
    found = faults(tmp_path, streams=TABLE, periods="periods: {count: 4}")
    assert [(line, message[:26]) for line, _, _, message in found] == [
        (3, "this period is given alrea"),
        (4, "there is no period `9`; th"),
    ] or [line for line, *_ in found] == [3, 4]


def test_what_leaves_is_no_rich_feed(tmp_path: Path) -> None:
    """A treatment without output to smelters gives no feed, however rich the devices."""
    treatments = "treatments: {whole: {to_smelter: 1}, sold: {to_smelter: 0}}"
    assert loaded(tmp_path, treatments=treatments).warnings == loaded(tmp_path).warnings == ()


def test_a_deduction_is_a_tonne_at_most(tmp_path: Path) -> None:
    """Of a tonne of feed no more than a thousand kilograms are deducted."""
    text = "smelters: {kosaka: {returned: {Au: 90 %%, Ag: 80 %%}, deduction: {Ag: %s kg/t}}}"
    assert faults(tmp_path, smelters=text % "1000") == []
    assert len(faults(tmp_path, smelters=text % "1000.5")) == 1


def test_what_was_read_does_not_change() -> None:
    """A parsed section is frozen."""
    periods = Periods.model_construct(count=3)
    with pytest.raises(ValidationError):
        periods.count = 4


def test_one_wrong_end_of_a_window_is_one_fault(tmp_path: Path) -> None:
    """One invalid bound of a window is one error, reported with unrelated errors."""
    alloys = "alloys: {silver: {composition: {Ag: [90 %, x]}, loss: 200 %}}"
    assert [path for _, _, path, _ in faults(tmp_path, alloys=alloys)] == [
        "alloys.silver.composition.Ag[1]",
        "alloys.silver.loss",
    ]
    metals = "metals: {Au: {sell: 100}, Ag: {sell: [100, x]}}"
    assert [path for _, _, path, _ in faults(tmp_path, metals=metals)] == ["metals.Ag.sell[1]"]


def test_beside_a_wrong_name_in_a_list_the_rest_is_looked_at(tmp_path: Path) -> None:
    """With an unknown accepted feed, two lines of terms for one feed are still reported."""
    lines = "terms: {one: {devices: [phone]}, two: {devices: [phone]}}"
    smelters = f"smelters: {{kosaka: {{returned: {{Au: 90 %, Ag: 80 %}}, accepts: [phone, {{a: 1}}], {lines}}}}}"
    assert [path for _, _, path, _ in faults(tmp_path, smelters=smelters)] == [
        "smelters.kosaka.accepts[1]",
        "smelters.kosaka.terms.two",
    ]


def test_a_mapping_that_is_changed_is_changed_as_a_whole(tmp_path: Path) -> None:
    """A change of a stream's storage replaces the whole mapping."""
    rows = "device,region,available,storage_limit,storage_cost\nphone,tokyo,10,3,7\nlaptop,tokyo,10,3,7\n"
    (tmp_path / "rows.csv").write_text(rows, encoding="utf-8")
    loaded(tmp_path, streams=TABLE)
    streams = load(tmp_path / "case.yaml", {"streams.phone@tokyo.storage": "{limit: 5 t}"}).streams
    phone = streams.names.index("phone@tokyo")
    assert (streams.storage_limit.value[phone], streams.storage_cost.value[phone]) == (5.0, 0.0)
    assert (streams.storage_limit.value[1 - phone], streams.storage_cost.value[1 - phone]) == (3.0, 7.0)
