"""An instance as a workbook and back: the same figures, and every mistake with its sheet and cell."""

from __future__ import annotations

import io
import random
import re
from pathlib import Path

import pytest
from tests.random_instances import case
from tests.spreadsheets import packed, parts, sheet_file, with_cell, with_sheet

from medalopt.errors import InputError
from medalopt.instance.book import writing
from medalopt.instance.book.importing import imported
from medalopt.instance.book.writing import files
from medalopt.instance.instance import Instance
from medalopt.instance.loading import load, opened
from medalopt.instance.reader.files import Bytes
from medalopt.report.template import template

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "instances").glob("*.yaml"))


def there_and_back(path: Path, folder: Path) -> Instance:
    """Return the instance at `path`, after it was a workbook and was written to files again."""
    found = imported(Bytes("in.xlsx", template(opened(path))))
    for name, content in files(found.root, found.calendar, "again").items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    written = load(folder / "again.yaml")
    assert written.figures == found.instance.figures
    return written


@pytest.mark.parametrize("path", [one for one in SHIPPED if "-" not in one.stem], ids=lambda path: path.stem)
def test_shipped_instances_come_back_as_they_were(path: Path, tmp_path: Path) -> None:
    """Figures, sources, notes, scenarios and parties are the same after the way through a workbook."""
    before, after = load(path), there_and_back(path, tmp_path)
    assert (after.figures, after.annex, after.sources) == (before.figures, before.annex, before.sources)


@pytest.mark.parametrize("seed", range(12))
def test_any_instance_comes_back_as_it_was(seed: int, tmp_path: Path) -> None:
    """So does one at random, over the whole format, with names that look like numbers."""
    path = case(random.Random(seed)).write(tmp_path)
    before, after = load(path), there_and_back(path, tmp_path / "again")
    assert (after.figures, after.annex, after.sources) == (before.figures, before.annex, before.sources)


def test_the_same_instance_gives_the_same_bytes(tiny: bytes) -> None:
    """Nothing of the hour gets into a template."""
    assert template(opened(ROOT / "instances/tiny.yaml")) == tiny


@pytest.fixture(scope="module")
def tiny() -> bytes:
    """Return the small case as a workbook."""
    return template(opened(ROOT / "instances/tiny.yaml"))


def told(made: bytes) -> list[str]:
    """Return what is wrong with a workbook."""
    with pytest.raises(InputError) as caught:
        imported(Bytes("in.xlsx", made))
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("sheet", "cell", "value", "fault"),
    [
        ("Devices", "C4", "many", "in.xlsx:Devices!C4: devices.phone.content.Ag: expected a number in kg/t"),
        ("Devices", "C4", -1.0, "in.xlsx:Devices!C4: devices.phone.content.Ag: `-1 g/t` is out of range"),
        ("Devices", "C2", "kg", "in.xlsx:Devices!C4: devices.phone.content.Ag: "),
        ("Devices", "C3", "contnet.Ag", "in.xlsx:Devices!C3: devices.phone.contnet: unknown key `contnet`"),
        ("Devices", "D3", "content.Ag", "the heading `content.Ag` stands twice"),
        ("Devices", "C3", "content..Ag", "in.xlsx:Devices!C3: the heading `content..Ag` is no path"),
        ("Devices", "A5", "phone", "in.xlsx:Devices!A5: devices.phone: `phone` stands in row 4 already"),
        ("Devices", "A5", None, "in.xlsx:Devices!A5: devices: the name of the device is missing"),
        (
            "Streams",
            "B4",
            "phnoe",
            "in.xlsx:Streams!B4: streams.phnoe@east.device: no device is called `phnoe`; did you mean `phone`?",
        ),
        ("Instance", "B8", "2017-13", "in.xlsx:Instance!B8: periods.start: expected a month such as 2017-04"),
        ("Instance", "A8", "periods.strat", "in.xlsx:Instance!A8: periods.strat: unknown key"),
    ],
)
def test_mistakes_name_sheet_and_cell(tiny: bytes, sheet: str, cell: str, value: str | float, fault: str) -> None:
    """A wrong figure, unit, name, heading or row is told with the cell in which it stands."""
    assert any(fault in one for one in told(with_cell(tiny, sheet, cell, value)))


def _cell_of(made: bytes, sheet: str, text: str) -> str:
    """Return the letters of the column headed `text`."""
    from python_calamine import CalamineWorkbook

    book = CalamineWorkbook.from_filelike(io.BytesIO(made))
    heads = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)[2]
    place = heads.index(text)
    return chr(ord("A") + place) if place < 26 else f"A{chr(ord('A') + place - 26)}"


def test_a_list_with_a_gap_is_told(tiny: bytes) -> None:
    """A period without a figure beside others that have one is a fault, and so is a month outside the horizon."""
    column = _cell_of(tiny, "Streams", "available[2017-05]")
    assert any(
        "a list has a figure for each period" in one for one in told(with_cell(tiny, "Streams", f"{column}4", None))
    )
    wrong = told(with_cell(tiny, "Streams", f"{column}3", "available[2019-01]"))
    assert any(f"Streams!{column}3" in one and "names no period" in one for one in wrong)


def test_a_window_with_one_end_is_told(tiny: bytes) -> None:
    """A least share without a greatest is no window."""
    column = _cell_of(tiny, "Alloys", "composition.Ag[greatest]")
    assert any("a window has both ends" in one for one in told(with_cell(tiny, "Alloys", f"{column}4", None)))


def test_a_figure_given_twice_is_told(tiny: bytes) -> None:
    """One figure for all periods beside one for each leaves open which counts."""
    one = _cell_of(tiny, "Streams", "available")
    files = parts(tiny)
    sheet = files[sheet_file(files, "Streams")].decode()
    assert f'<c r="{one}4"' not in sheet
    other = _cell_of(tiny, "Streams", "available[2017-04]")
    made = with_cell(tiny, "Streams", f"{one}3", "available[2017-04]")
    assert any("stands twice" in text for text in told(made)), other


def test_a_date_is_a_month(tiny: bytes) -> None:
    """Numbers that stand for names, and months that Excel made days of, are read as what they were meant."""
    made = with_cell(tiny, "Medals", _cell_of(tiny, "Medals", "due") + "4", "2017-05")
    assert imported(Bytes("in.xlsx", made)).instance.figures == load(ROOT / "instances/tiny.yaml").figures


def test_sheets_that_are_not_known_or_missing_are_told(tiny: bytes) -> None:
    """A sheet that was renamed is told with the one that was meant; without `Instance` nothing can be read."""
    files = parts(tiny)
    book = files["xl/workbook.xml"]
    renamed = packed({**files, "xl/workbook.xml": book.replace(b'name="Devices"', b'name="Device"')})
    assert any("in.xlsx:Device: unknown sheet; did you mean `Devices`?" in one for one in told(renamed))
    gone = packed({**files, "xl/workbook.xml": book.replace(b'name="Instance"', b'name="Inst"')})
    assert any("has no sheet `Instance`" in one for one in told(gone))
    assert any("is no Excel workbook" in one for one in told(b"PK"))


def test_what_is_not_used_stays_empty_and_may_be_filled_in(tiny: bytes) -> None:
    """Every section of the format has its sheet, with heads, units, meanings and lists to choose from."""
    files = parts(tiny)
    streams = files[sheet_file(files, "Streams")].decode()
    assert "'Devices'!$A$4:$A$1004" in streams
    given = files[sheet_file(files, "Instance")].decode()
    assert "month,quarter,year" in given
    comments = b"".join(content for name, content in files.items() if "comments" in name).decode()
    assert "Where the figures come from" in comments
    assert "What is offered in each period." in comments
    assert sheet_file(files, "Parties")


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    """A name or a remark that looks like a formula is neither formula nor link, and comes back as it was."""
    text = (ROOT / "instances/dantzig.yaml").read_text(encoding="utf-8")
    hostile = '=HYPERLINK("http://example.org","x")'
    (tmp_path / "in.yaml").write_text(text + f"\nnote: '{hostile}'\n", encoding="utf-8")
    made = template(opened(tmp_path / "in.yaml"))
    assert not any(b"<f>" in content for content in parts(made).values())
    assert there_and_back(tmp_path / "in.yaml", tmp_path).sources[0].note == hostile


ODD = """
format: medalopt/1
name: odd
currency: JPY
periods: {start: 2017-04, count: 2}
metals: {Ag: {source: [one, two], note: "a\\nb"}, Cu: null, source: of all metals}
devices: {phone: {content: {Ag: 1234567890123456789e-18 kg/t, Cu: 100_000 ppm}}, "a.b [c]": {content: {Ag: 1 g/t}}}
streams:
  - {device: phone, region: east, available: [2 t, 3 t], credited: {Ag: 50 %, default: 100 %}, storage: {},
     source: [a, b]}
  - {device: "a.b [c]", region: west, name: own, available: 1 t, storage: {limit: 1 t}, note: x}
treatments:
  whole: null
  burn: {recovery: {}, accepts: [phone, "a.b [c]"], devices: {phone: {cost: 1 JPY/t, note: dear}, source: of these}}
smelters:
  near: {returned: {Ag: 90 %}, terms: {all: {treatments: [whole], source: [x, y]}, rest: {treatments: [burn]}}}
market: {pure: {composition: {Ag: 99.99 %, Cu: 0.01 %}, price: [1, 2 JPY/g]}}
alloys: {silver: {composition: {Ag: [99 %, 100 %]}, others: 1 %}, bronze: {composition: {Cu: 0 %}, others: 100 %}}
medals: {gold: {count: 1_000, parts: {silver: 500 g}, due: 2017-05}}
policy: {device_share: {phone: [0 %, 60 %], rich: {devices: [phone], share: [0 %, 100 %]}}, note: strict}
scenarios:
  later: {"smelters.*.lead": +1, "streams.own.available": [1 t, 2 t], note: why}
  as_is: {}
"""


@pytest.mark.parametrize("many", [40, 1])
def test_what_is_odd_comes_back_too(many: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty mappings, names with brackets and dots, remarks at any depth, lists in scenarios, long decimals."""
    monkeypatch.setattr(writing, "MANY", many)
    (tmp_path / "odd.yaml").write_text(ODD, encoding="utf-8")
    before, after = load(tmp_path / "odd.yaml"), there_and_back(tmp_path / "odd.yaml", tmp_path)
    assert (after.figures, after.annex, after.sources) == (before.figures, before.annex, before.sources)


@pytest.mark.parametrize(
    ("sheet", "before", "after", "fault"),
    [
        ("Streams", "bundle", "collection.x", "collection` is given already, as a whole or in parts"),
        ("Streams", "footprint", "collection.x", "collection` is given already, as a whole or in parts"),
        ("Alloys", "scrap.lead", "scrap", "scrap` is given already, as a whole or in parts"),
        ("Alloys", "composition.Ag[least]", "composition.Ag[low]", "`low` names no period"),
        ("Streams", "bundle", '"bundle', "is no path"),
    ],
)
def test_headings_that_do_not_fit_are_told(tiny: bytes, sheet: str, before: str, after: str, fault: str) -> None:
    """What would be given twice, or is no path of the format, is told with the cell of its heading or value."""
    cell = f"{_cell_of(tiny, sheet, before)}3"
    found = [one for one in told(with_cell(tiny, sheet, cell, after)) if fault in one]
    assert found
    assert found[0].startswith(f"in.xlsx:{sheet}!")


def test_periods_that_cannot_be_read_are_told_first(tiny: bytes) -> None:
    """Headings that name a period cannot be understood then, and say why."""
    found = told(with_cell(tiny, "Instance", "B9", "many"))
    assert any("Instance!B9: periods.count: expected a whole number" in one for one in found)
    assert any("the periods on the sheet `Instance` cannot be read" in one for one in found)


def test_a_section_without_rows_is_told_by_its_sheet(tiny: bytes) -> None:
    """No instance is without metals: whoever deletes them all is led to their sheet."""
    empty = with_sheet(tiny, "Metals", lambda text: re.sub(r'<row r="[4-6]".*?</row>', "", text))
    assert any("no metal is called" in one or "Metals" in one for one in told(empty))
