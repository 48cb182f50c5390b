"""An instance as a workbook and back: the same figures, and every mistake with its sheet and cell."""

from __future__ import annotations

import io
import json
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from tests.random_instances import case
from tests.spreadsheets import packed, parts, sheet_file, with_cell, with_sheet

from medalopt.errors import InputError, UsageError
from medalopt.instance.examples import render_starter_template
from medalopt.instance.instance import Instance
from medalopt.instance.loading import load, open_instance
from medalopt.instance.reader.excel_reader import format_cell, read_workbook
from medalopt.instance.reader.files import FileBytes
from medalopt.instance.reader.yaml_nodes import ScalarNode, find_node
from medalopt.instance.workbook import yaml_writer
from medalopt.instance.workbook.importer import import_workbook
from medalopt.instance.workbook.yaml_writer import render_instance_files
from medalopt.report.instance_workbook import render_instance_workbook

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "instances").glob("*.yaml"))


def there_and_back(path: Path, folder: Path) -> Instance:
    """Return the instance at `path`, after it was a workbook and was written to files again."""
    found = import_workbook(FileBytes("in.xlsx", render_instance_workbook(open_instance(path))))
    for name, content in render_instance_files(found.root, found.calendar, "again").items():
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
    path = case(seed).write(tmp_path)
    before, after = load(path), there_and_back(path, tmp_path / "again")
    assert (after.figures, after.annex, after.sources) == (before.figures, before.annex, before.sources)


def test_the_same_instance_gives_the_same_bytes(tiny: bytes) -> None:
    """A template does not depend on the time of writing."""
    assert render_instance_workbook(open_instance(ROOT / "instances/tiny.yaml")) == tiny


@pytest.fixture(scope="module")
def tiny() -> bytes:
    """Return the small case as a workbook."""
    return render_instance_workbook(open_instance(ROOT / "instances/tiny.yaml"))


def list_errors(made: bytes) -> list[str]:
    """Return the errors of a workbook."""
    with pytest.raises(InputError) as caught:
        import_workbook(FileBytes("in.xlsx", made))
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("sheet", "cell", "value", "fault"),
    [
        ("Devices", "C4", "many", "in.xlsx:Devices!C4: devices.phone.content.Ag: expected a number in kg/t"),
        ("Devices", "C4", -1.0, "in.xlsx:Devices!C4: devices.phone.content.Ag: `-1 g/t` is out of range"),
        ("Devices", "C2", "kg", "in.xlsx:Devices!C4: devices.phone.content.Ag: "),
        ("Devices", "C3", "contnet.Ag", "in.xlsx:Devices!C3: devices.phone.contnet: unknown key `contnet`"),
        ("Devices", "D3", "content.Ag", "the heading `content.Ag` is defined twice"),
        ("Devices", "C3", "content..Ag", "in.xlsx:Devices!C3: the heading `content..Ag` is no path"),
        ("Devices", "A5", "phone", "in.xlsx:Devices!A5: devices.phone: `phone` is defined in row 4 already"),
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
    """An invalid value, unit, name, heading or row is reported with its cell."""
    assert any(fault in one for one in list_errors(with_cell(tiny, sheet, cell, value)))


def _cell_of(made: bytes, sheet: str, text: str) -> str:
    """Return the letters of the column headed `text`."""
    from python_calamine import CalamineWorkbook

    book = CalamineWorkbook.from_filelike(io.BytesIO(made))
    heads = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)[2]
    place = heads.index(text)
    return chr(ord("A") + place) if place < 26 else f"A{chr(ord('A') + place - 26)}"


def test_a_list_with_a_gap_is_reported(tiny: bytes) -> None:
    """A period without a figure beside others that have one is a fault, and so is a month outside the horizon."""
    column = _cell_of(tiny, "Streams", "available[2017-05]")
    assert any(
        "a list has a value for each period" in one
        for one in list_errors(with_cell(tiny, "Streams", f"{column}4", None))
    )
    wrong = list_errors(with_cell(tiny, "Streams", f"{column}3", "available[2019-01]"))
    assert any(f"Streams!{column}3" in one and "names no period" in one for one in wrong)


def test_a_window_with_one_end_is_reported(tiny: bytes) -> None:
    """A least share without a greatest is no window."""
    column = _cell_of(tiny, "Alloys", "composition.Ag[greatest]")
    assert any("a window has both ends" in one for one in list_errors(with_cell(tiny, "Alloys", f"{column}4", None)))


def test_a_figure_given_twice_is_reported(tiny: bytes) -> None:
    """One figure for all periods beside one for each leaves open which counts."""
    one = _cell_of(tiny, "Streams", "available")
    files = parts(tiny)
    sheet = files[sheet_file(files, "Streams")].decode()
    assert f'<c r="{one}4"' not in sheet
    other = _cell_of(tiny, "Streams", "available[2017-04]")
    made = with_cell(tiny, "Streams", f"{one}3", "available[2017-04]")
    assert any("is defined twice" in text for text in list_errors(made)), other


def test_a_date_is_a_month(tiny: bytes) -> None:
    """Numbers as names, and months that Excel turned into days, are read as intended."""
    made = with_cell(tiny, "Medals", _cell_of(tiny, "Medals", "due") + "4", "2017-05")
    assert import_workbook(FileBytes("in.xlsx", made)).instance.figures == load(ROOT / "instances/tiny.yaml").figures


def test_sheets_that_are_not_known_or_missing_are_reported(tiny: bytes) -> None:
    """A renamed sheet is reported with the nearest name; without `Instance` reading stops."""
    files = parts(tiny)
    book = files["xl/workbook.xml"]
    renamed = packed({**files, "xl/workbook.xml": book.replace(b'name="Devices"', b'name="Device"')})
    assert any("in.xlsx:Device: unknown sheet; did you mean `Devices`?" in one for one in list_errors(renamed))
    gone = packed({**files, "xl/workbook.xml": book.replace(b'name="Instance"', b'name="Inst"')})
    assert any("has no sheet `Instance`" in one for one in list_errors(gone))
    assert any("is not a readable Excel workbook" in one for one in list_errors(b"PK"))


def test_what_is_not_used_stays_empty_and_may_be_filled_in(tiny: bytes) -> None:
    """Every section of the format has its sheet, with heads, units, meanings and lists to choose from."""
    files = parts(tiny)
    streams = files[sheet_file(files, "Streams")].decode()
    assert "'Devices'!$A$4:$A$1004" in streams
    given = files[sheet_file(files, "Instance")].decode()
    assert "month,quarter,year" in given
    comments = b"".join(content for name, content in files.items() if "comments" in name).decode()
    assert "Sources of the values" in comments
    assert "Supply in each period, t." in comments
    assert sheet_file(files, "Parties")


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    """A name or a remark that looks like a formula is neither formula nor link, and comes back as it was."""
    text = (ROOT / "instances/dantzig.yaml").read_text(encoding="utf-8")
    hostile = '=HYPERLINK("http://example.org","x")'
    (tmp_path / "in.yaml").write_text(text + f"\nnote: '{hostile}'\n", encoding="utf-8")
    made = render_instance_workbook(open_instance(tmp_path / "in.yaml"))
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
    monkeypatch.setattr(yaml_writer, "MAX_INLINE_ENTRIES", many)
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
def test_headings_that_do_not_fit_are_reported(tiny: bytes, sheet: str, before: str, after: str, fault: str) -> None:
    """Duplicate headings and unknown paths are reported with the cell of heading or value."""
    cell = f"{_cell_of(tiny, sheet, before)}3"
    found = [one for one in list_errors(with_cell(tiny, sheet, cell, after)) if fault in one]
    assert found
    assert found[0].startswith(f"in.xlsx:{sheet}!")


def test_periods_that_cannot_be_read_are_named_first(tiny: bytes) -> None:
    """Headings that name a period cannot be understood then, and say why."""
    found = list_errors(with_cell(tiny, "Instance", "B9", "many"))
    assert any("Instance!B9: periods.count: expected a whole number" in one for one in found)
    assert any("the periods on the sheet `Instance` cannot be read" in one for one in found)


def test_a_section_without_rows_is_reported_by_its_sheet(tiny: bytes) -> None:
    """No instance is without metals: whoever deletes them all is led to their sheet."""
    empty = with_sheet(tiny, "Metals", lambda text: re.sub(r'<row r="[4-6]".*?</row>', "", text))
    assert any("no metal is called" in one or "Metals" in one for one in list_errors(empty))


def _raw(made: bytes, sheet: str, cell: str, xml: str) -> bytes:
    """Return the workbook with other XML in place of a cell, `{}` in it standing for the cell's name."""
    return with_sheet(
        made, sheet, lambda text: re.sub(f'<c r="{cell}"(?: [^>]*)?(?:/>|>.*?</c>)', xml.format(cell), text, count=1)
    )


@pytest.mark.parametrize(
    ("xml", "why"),
    [
        ('<c r="{}" t="e"><v>#REF!</v></c>', "contains the error value #REF!: correct it, or leave the cell empty"),
        ('<c r="{}" t="e"><f>A1</f><v>#N/A</v></c>', "contains the error value #N/A"),
        ('<c r="{}"><f>1+1</f></c>', "contains a formula whose value has not been calculated: open the workbook"),
        ('<c r="{}" t="b"><v>1</v></c>', "contains the truth value TRUE"),
    ],
)
@pytest.mark.parametrize(
    ("sheet", "cell"), [("Smelters", "capacity"), ("Devices", "C4"), ("Instance", "B9"), ("Streams", "B4")]
)
def test_cells_without_a_value_are_reported_alone(tiny: bytes, sheet: str, cell: str, xml: str, why: str) -> None:
    """An error, a formula that nobody calculated and a truth value are one mistake each, and no limit vanishes."""
    cell = f"{_cell_of(tiny, sheet, cell)}4" if cell == "capacity" else cell
    found = list_errors(_raw(tiny, sheet, cell, xml))
    assert found[0].startswith(f"in.xlsx:{sheet}!{cell}: {why}")
    assert len(found) == 1 or sheet == "Instance"


def test_all_cells_without_a_value_are_reported_at_once(tiny: bytes) -> None:
    """Empty cells on several sheets and an invalid value are reported together."""
    broken = '<c r="{}" t="e"><v>#REF!</v></c>'
    capacity = f"{_cell_of(tiny, 'Smelters', 'capacity')}4"
    made = _raw(_raw(tiny, "Smelters", capacity, broken), "Devices", "C4", broken)
    found = list_errors(with_cell(made, "Medals", "B4", -1.0))
    places = [one.split(": ")[0] for one in found]
    assert places == ["in.xlsx:Devices!C4", "in.xlsx:Medals!B4", f"in.xlsx:Smelters!{capacity}"]


@pytest.mark.parametrize(
    ("unit", "value", "figure"),
    [
        ("g/t", 0.1 + 0.2, "0.3 g/t"),
        ("g/t", "350", "350 g/t"),
        ("g/t", " 1_000 ", "1_000 g/t"),
        ("g/t", "1 mg/t", "1 mg/t"),
        ("kg/t", "0.35", "0.35 kg/t"),
        (None, 0.35, "0.35"),
        (None, "0.35", "0.35"),
    ],
)
def test_numbers_count_in_the_unit_above(tiny: bytes, unit: str | None, value: float | str, figure: str) -> None:
    """So do numbers that a cell holds as text, and noise in the last digits is none of the figure."""
    made = with_cell(with_cell(tiny, "Devices", "C4", value), "Devices", "C2", unit)
    assert _silver(made) == figure


def _silver(made: bytes) -> str:
    """Return the silver content of a phone in a workbook."""
    node = find_node(import_workbook(FileBytes("in.xlsx", made)).root, ("devices", "phone", "content", "Ag"))
    assert isinstance(node, ScalarNode)
    return node.text


@pytest.mark.parametrize(
    "value", ["1,000", "¥350", "350 €", "$1", "1.000,5", "(350)", "２５０", "TRUE", "null", "2017-04"]
)
def test_numbers_in_disguise_are_reported(tiny: bytes, value: str) -> None:
    """Commas, currency signs, brackets, dates and words in place of a number are reported with the cell."""
    found = list_errors(with_cell(tiny, "Devices", "C4", value))
    assert len(found) == 1 and found[0].startswith("in.xlsx:Devices!C4: devices.phone.content.Ag: ")


def _with_style(made: bytes, sheet: str, cell: str, value: float, built_in: int) -> bytes:
    """Return the workbook with a number in a cell that shows it by a format built into Excel."""
    files = parts(made)
    style = files["xl/styles.xml"].decode()
    count = int(re.search(r'<cellXfs count="(\d+)"', style)[1])  # type: ignore[index]
    files["xl/styles.xml"] = style.replace("</cellXfs>", f'<xf numFmtId="{built_in}"/></cellXfs>').encode()
    return _raw(packed(files), sheet, cell, f'<c r="{{}}" s="{count}"><v>{value!r}</v></c>')


def test_what_shows_in_per_cent_is_in_per_cent(tiny: bytes) -> None:
    """A grade that shows 17 % is that, whatever the unit above says; a count or a name cannot be in per cent."""
    assert _silver(_with_style(tiny, "Devices", "C4", 0.17, 9)) == "17 %"
    for sheet, cell in (("Medals", "B4"), ("Devices", "A4")):
        found = list_errors(_with_style(tiny, sheet, cell, 0.17, 9))
        assert any(one.startswith(f"in.xlsx:{sheet}!{cell}: ") for one in found)


def test_a_day_is_no_number(tiny: bytes) -> None:
    """A date cell in place of a number is reported."""
    (found,) = list_errors(_with_style(tiny, "Devices", "C4", 350.0, 14))
    assert found.startswith("in.xlsx:Devices!C4: contains the date 1900-12-15 instead of a number")


@pytest.mark.parametrize(
    ("sheet", "head", "path"),
    [("Medals", "due", "medals.gold.due"), ("Instance", "B8", "periods.start")],
)
def test_a_date_where_a_period_is_expected_is_its_month(tiny: bytes, sheet: str, head: str, path: str) -> None:
    """Excel makes a day of `2017-05` as it is typed; its month counts, whatever its day, and can be written."""
    cell = head if head == "B8" else f"{_cell_of(tiny, sheet, head)}4"
    for day in (42856.0, 42870.0, 42870.5):  # 1 May 2017, 15 May, noon
        if path == "periods.start":
            day -= 30  # April
        found = import_workbook(FileBytes("in.xlsx", _with_style(tiny, sheet, cell, day, 14)))
        assert found.instance.figures == load(ROOT / "instances/tiny.yaml").figures
        assert render_instance_files(found.root, found.calendar, "again")["again.yaml"]


@pytest.mark.parametrize(
    ("sheet", "cell"),
    [
        *(("Streams", "C4"), ("Metals", "B4"), ("Metals", "H4"), ("Metals", "I4"), ("Instance", "B4")),
        *(("Alloys", "A4"), ("Scenarios", "A4"), ("Scenarios", "B4"), ("Scenarios", "C4")),
    ],
)
def test_a_date_in_place_of_a_text_is_reported(tiny: bytes, sheet: str, cell: str) -> None:
    """A name or text that Excel turned into a date is reported with its cell."""

    def filled(text: str) -> str:
        texts = ("dear", "smelters.works.fee", "1") if sheet == "Scenarios" else ()
        cells = "".join(f'<c r="{"ABC"[n]}4" t="inlineStr"><is><t>{one}</t></is></c>' for n, one in enumerate(texts))
        text = text.replace("</sheetData>", f'<row r="4">{cells}</row></sheetData>') if texts else text
        gap = f'<c r="{cell}"/>' if f'r="{cell}"' not in text else ""
        return re.sub(r'(<row r="4".*?)</row>', rf"\g<1>{gap}</row> ", text, count=1)

    found = list_errors(_with_style(with_sheet(tiny, sheet, filled), sheet, cell, 42826.0, 14))
    why = "contains a date or a share instead of a (name|text|path): format the cell as text, and enter it again"
    place = re.escape(f"in.xlsx:{sheet}!{cell}: ")
    assert any(re.fullmatch(f"{place}(.*: )?{why}", one) for one in found), found


def test_a_number_that_shows_divided_by_a_thousand_is_reported(tiny: bytes) -> None:
    """A cell with 10000 shown as 10 is ambiguous and reported."""
    files = parts(_with_style(tiny, "Devices", "C4", 10000.0, 200))
    styles = files["xl/styles.xml"].decode()
    own = '<numFmts count="1"><numFmt numFmtId="200" formatCode="0,"/>'
    styles = re.sub('<numFmts count="[0-9]+">', own, styles)
    assert own in styles
    (found,) = list_errors(packed({**files, "xl/styles.xml": styles.encode()}))
    assert found.startswith("in.xlsx:Devices!C4: contains a number that its format shows divided by a thousand")


@pytest.mark.parametrize("sheet", ["Policy", "Mixes", "Scenarios", "Streams"])
def test_a_sheet_that_is_gone_is_reported(tiny: bytes, sheet: str) -> None:
    """A deleted sheet would drop its constraints: it is reported by name."""
    files = parts(tiny)
    book = re.sub(f'<sheet name="{sheet}"[^>]*/>', "", files["xl/workbook.xml"].decode())
    found = list_errors(packed({**files, "xl/workbook.xml": book.encode()}))
    assert any(one.startswith(f"in.xlsx: has no sheet `{sheet}`") for one in found), found


def test_a_workbook_from_before_impurities_is_imported(tiny: bytes) -> None:
    """A template of an earlier version lacks the sheet of impurities: it is read as one without impurities."""
    files = parts(tiny)
    book = re.sub('<sheet name="Impurities"[^>]*/>', "", files["xl/workbook.xml"].decode())
    older = packed({**files, "xl/workbook.xml": book.encode()})
    found = import_workbook(FileBytes("in.xlsx", older)).instance
    assert found.figures == import_workbook(FileBytes("in.xlsx", tiny)).instance.figures


def test_warnings_name_sheet_and_cell(tiny: bytes) -> None:
    """Warnings name the cell, as errors do."""
    column = _cell_of(tiny, "Streams", "collection")
    made = with_cell(tiny, "Streams", f"{column}4", 100_000_000.0)
    warnings = [str(one) for one in import_workbook(FileBytes("in.xlsx", made)).instance.warnings]
    assert any(one.startswith(f"in.xlsx:Streams!{column}4: ") for one in warnings), warnings
    assert not any("x1f" in one for one in warnings)


def test_a_unit_of_a_share_counts(tiny: bytes) -> None:
    """Below `%` a cell shown as 90 % is 90 %, and 90.5 is 90.5 %; an impossible unit is an error."""
    made = with_cell(tiny, "Smelters", "D2", "%")
    for book, text in ((made, "90 %"), (with_cell(made, "Smelters", "D4", 90.5), "90.5 %")):
        node = find_node(import_workbook(FileBytes("in.xlsx", book)).root, ("smelters", "near", "returned", "Ag"))
        assert isinstance(node, ScalarNode) and node.text == text
    assert any(
        "Smelters!D4" in one
        for one in list_errors(with_cell(with_cell(tiny, "Smelters", "D2", "kg"), "Smelters", "D4", 0.5))
    )
    found = list_errors(with_cell(tiny, "Medals", "B2", "thousand"))
    assert found == ["in.xlsx:Medals!B2: the unit `thousand` would have no effect here: delete it"]


def test_cells_beside_the_table_are_reported(tiny: bytes) -> None:
    """Cells outside the columns of a table are reported, since they would have no effect."""

    def beside(column: str) -> list[str]:
        def add(text: str) -> str:
            return re.sub(r'(<row r="4".*?)</row>', rf'\1<c r="{column}4"><v>7</v></c></row>', text, count=1)

        return [one for sheet in ("Metals", "Instance") for one in list_errors(with_sheet(tiny, sheet, add))]

    found = beside("ZZ")
    assert found == [
        f"in.xlsx:{sheet}!ZZ4: `7` is in a column without a heading, and would be ignored: add a heading, or delete it"
        for sheet in ("Metals", "Instance")
    ]


def test_merged_cells_are_reported(tiny: bytes) -> None:
    """One value for several merged cells may be meant for each of them: the cells are to be unmerged."""
    merged = '</sheetData><mergeCells count="1"><mergeCell ref="B4:B5"/></mergeCells>'
    found = list_errors(with_sheet(tiny, "Metals", lambda text: text.replace("</sheetData>", merged)))
    assert any("Metals!B5: contains a part of the merged cells B4:B5: unmerge them" in one for one in found)


@pytest.mark.parametrize(("sheet", "cell"), [("Devices", "A3"), ("Instance", "B3"), ("Scenarios", "C3")])
def test_heads_that_lead_the_sheet_stay(tiny: bytes, sheet: str, cell: str) -> None:
    """A sheet whose first heads have moved could be read amiss, and is not read."""
    assert any(
        f"in.xlsx:{sheet}: its first headings must be" in one for one in list_errors(with_cell(tiny, sheet, cell, "x"))
    )


@pytest.mark.parametrize("gone", ["A", "B", "C"])
def test_half_a_change_is_reported(gone: str) -> None:
    """A change of a scenario without name, path or value is reported with its row."""
    made = render_instance_workbook(open_instance(ROOT / "instances/tiny.yaml"))
    rows = "".join(
        f'<c r="{column}4" t="inlineStr"><is><t>{text}</t></is></c>'
        for column, text in zip("ABC", ("dear", "transport_rate", "1 JPY/t/km"), strict=True)
        if column != gone
    )
    change = with_sheet(
        made, "Scenarios", lambda text: re.sub("(</row>)?</sheetData>", rf'\1<row r="4">{rows}</row></sheetData>', text)
    )
    assert any("in.xlsx:Scenarios!A4: a change needs a scenario" in one for one in list_errors(change))


AWKWARD = (
    *(
        "null",
        "Null",
        "NULL",
        "~",
        "true",
        "TRUE",
        "NO",
        "no",
        "off",
        "y",
        "007",
        "1e3",
        "1e21",
        "0x1F",
        "0o17",
        ".inf",
    ),
    *(".nan", "1:30", "1_000", "1,000", "2017-04", "2017-04-01", "0.30000000000000004", "=1+1", "@x", "+1", "-", "---"),
    *("[]", "{}", "[a]", "{a: b}", "a.b", "a[1]", "'x'", '"q"', '"', "a b", " lead", "trail ", "#c", "#REF!", "a: b"),
    *(
        "a, b",
        "<<",
        "!x",
        "&a",
        "*a",
        "%",
        "`",
        "é",
        "東京",
        "_x0041_",
        "A1",
        "a\\b",
        "x" * 100,
        "?",
        "|",
        ">",
        "\xa0x",
        "１",
    ),
)
NAMED = """
format: medalopt/1
name: odd
title: {0}
currency: JPY
periods: {{start: 2017-04, count: 2}}
metals: {{{0}: {{sell: 100, opening_stock: 1 g}}, Zz: {{}}}}
devices: {{{0}: {{content: {{{0}: 1 kg/t}}}}}}
streams: [{{device: {0}, region: {0}, available: [400 t, 3 t], bundle: {0}, note: {0}, source: [{0}, b]}}]
treatments: {{{0}: {{cost: 3, accepts: [{0}]}}}}
smelters: {{{0}: {{returned: {{{0}: 97 %}}, terms: {{{0}: {{devices: [{0}]}}}}}}}}
lanes: [{{region: {0}, smelter: {0}, cost: 1}}]
market: {{{0}: {{composition: {{{0}: 100 %}}, price: 50 JPY/g}}}}
alloys: {{{0}: {{composition: {{{0}: 1}}}}}}
medals: {{{0}: {{count: 5, parts: {{{0}: 500 g}}, note: {0}, source: [{0}, {0}]}}}}
mixes: {{{0}: {{{0}: 60 %}}}}
scenarios: {{{0}: {{transport_rate: 1}}}}
"""


@pytest.mark.parametrize("many", [40, 0])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.sampled_from(AWKWARD), st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs"]), min_size=1, max_size=9)
    )
)
def test_any_name_comes_back_as_it_was(many: int, name: str) -> None:
    """Names that look like null, booleans, numbers, dates, errors or markup are preserved."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(yaml_writer, "MAX_INLINE_ENTRIES", many)
        path = Path(folder) / "in.yaml"
        path.write_text(NAMED.format(json.dumps(name, ensure_ascii=False)), encoding="utf-8")
        try:
            before = load(path)
        except InputError:
            reject()
        after = there_and_back(path, Path(folder) / "again")
        assert (after.figures, after.annex, after.sources) == (before.figures, before.annex, before.sources)


def test_a_text_that_no_cell_can_hold_is_refused(tmp_path: Path) -> None:
    """A note longer than a cell of Excel is an error of `template`."""
    text = (ROOT / "instances/dantzig.yaml").read_text(encoding="utf-8")
    for note in ("x" * 40_000, "_x0041_x0042_"):
        (tmp_path / "in.yaml").write_text(f"{text}\nnote: {note}\n", encoding="utf-8")
        with pytest.raises(UsageError, match="a cell of a workbook cannot contain"):
            render_instance_workbook(open_instance(tmp_path / "in.yaml"))


@pytest.mark.parametrize("note", ["two\nlines\n", "  indented\n", "- a\n- b", "[x]", "{}", '"', '"quoted"', "a\n\nb"])
def test_any_remark_comes_back_as_it_was(note: str, tmp_path: Path) -> None:
    """Notes and sources of several lines, with outer blanks or in the form of a list, are preserved."""
    text = (ROOT / "instances/dantzig.yaml").read_text(encoding="utf-8")
    plain = json.dumps(note)
    (tmp_path / "in.yaml").write_text(f"{text}\nnote: {plain}\nsource: [{plain}, {plain}]\n", encoding="utf-8")
    before, after = load(tmp_path / "in.yaml"), there_and_back(tmp_path / "in.yaml", tmp_path / "again")
    assert after.sources == before.sources


def test_amounts_without_a_rate_are_reported_each_with_its_cell(tiny: bytes) -> None:
    """Another currency on the sheet `Instance`, and no rates for that in which amounts stand: a mistake at each."""
    found = list_errors(with_cell(tiny, "Instance", "B7", "EUR"))
    assert len(found) > 20 and all("no rate is given for the currency `JPY`" in one for one in found)
    cells = {one.split(": ")[0] for one in found}
    assert {"in.xlsx:Smelters!B4", "in.xlsx:Streams!L4", "in.xlsx:Market!E4", "in.xlsx:Treatments!B5"} <= cells


def test_a_rate_that_leads_nowhere_is_reported_at_each_amount(tmp_path: Path) -> None:
    """Another currency with unchanged rates is reported at each amount; none is taken 1:1."""
    path = tmp_path / "in.yaml"
    path.write_text(render_starter_template("case"), encoding="utf-8")
    made = render_instance_workbook(open_instance(path))
    row = next(n for n in range(4, 12) if "currency" in _text_of(made, f"A{n}"))
    found = list_errors(with_cell(made, "Instance", f"B{row}", "EUR"))
    assert sum("currency `JPY`" in one for one in found) > 3


def _text_of(made: bytes, cell: str) -> str:
    """Return the text of a cell of the sheet `Instance`."""
    found = read_workbook(FileBytes("in.xlsx", made), pytest.fail)
    assert found is not None
    return format_cell(found.sheets["Instance"][int(cell[1:]) - 1][0])
