"""Settlement sheets and contract lists, read with every error at its place."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import medalopt
from medalopt.errors import InputError
from medalopt.instance.instance import Instance
from medalopt.instance.routes import build_routes
from medalopt.instance.settlement import ActualLots, read_lots, read_signed_contracts

BASE = Path(__file__).parents[1] / "analysis" / "replanning" / "base.yaml"
HEAD = "lot,stream,treatment,smelter,period,dry_t,assay_Ag,payable_Ag_kg,settled_on,wet_t,moisture,devices_t,charges"
GOOD = "L1,phone@north,whole,kosaka,2018-01,1,,,,,,,"


def lots(folder: Path, *rows: str, head: str = HEAD, instance: Instance | None = None) -> ActualLots:
    """Return the lots of a sheet with these rows, up to February."""
    path = folder / "lots.csv"
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    figures = instance or medalopt.load(BASE)
    return read_lots(path, figures, build_routes(figures), 1)


def faults(folder: Path, *rows: str, head: str = HEAD) -> list[str]:
    """Return the errors of a sheet, without its folder."""
    with pytest.raises(InputError) as refused:
        lots(folder, *rows, head=head)
    return [str(fault).replace(f"{folder}/", "") for fault in refused.value.faults]


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        (",phone@north,whole,kosaka,2018-01,1,,,,,,,", "lots.csv:2:1: lot: is missing here; fill it"),
        ("L\u202e1,phone@north,whole,kosaka,2018-01,1,,,,,,,", "lots.csv:2:1: lot: a name must not contain control or"),
        (f"{'L' * 101},phone@north,whole,kosaka,2018-01,1,,,,,,,", "lots.csv:2:1: lot: a name has 1 to 100 characters"),
        ("L1,,whole,kosaka,2018-01,1,,,,,,,", "lots.csv:2:2: stream: is missing here"),
        (
            "L1,phone@nort,whole,kosaka,2018-01,1,,,,,,,",
            "2:2: stream: `phone@nort` is not in the instance; did",
        ),
        ("L1,phone@north,,kosaka,2018-01,1,,,,,,,", "2:3: treatment: is missing here"),
        ("L1,phone@north,shred,kosaka,2018-01,1,,,,,,,", "2:3: treatment: `shred` is not in the instance"),
        ("L1,phone@north,leave,kosaka,2018-01,1,,,,,,,", "does not go by this treatment to that smelter"),
        ("L1,phone@north,whole,,2018-01,1,,,,,,,", "does not go by this treatment without a smelter"),
        ("L1,phone@north,whole,kosaka,,1,,,,,,,", "2:5: period: is missing here"),
        ("L1,phone@north,whole,kosaka,2019-01,1,,,,,,,", "2:5: period: `2019-01` names no period"),
        ("L1,phone@north,whole,kosaka,2018-03,1,,,,,,,", "2:5: period: lies after 2018-02"),
        ("L1,phone@north,whole,kosaka,2018-01,,,,,,,,", "2:6: dry_t: is missing here: give it, or wet_t and moisture"),
        ("L1,phone@north,whole,kosaka,2018-01,,,,,2,,,", "2:6: dry_t: is missing here"),
        ("L1,phone@north,whole,kosaka,2018-01,1 kg/t,,,,,,,", "2:6: dry_t: expected"),
        ("L1,phone@north,whole,kosaka,2018-01,-1,,,,,,,", "2:6: dry_t: `-1` is out of range"),
        ("L1,phone@north,whole,kosaka,2018-01,nan,,,,,,,", "2:6: dry_t: not a finite number"),
        ("L1,phone@north,whole,kosaka,2018-01,=1+1,,,,,,,", "2:6: dry_t: expected"),
        ("L1,phone@north,whole,kosaka,2018-01,1,,,,1,5 %,,", "2:6: dry_t: 1 t, but wet_t and moisture give 0.95 t"),
        ("L1,phone@north,whole,kosaka,2018-01,,,,,1,100 %,,", "2:11: moisture: `100 %` is out of range"),
        (
            "L1,phone@north,whole,kosaka,2018-01,1,,,,,,0.9,",
            "2:12: devices_t: 0.9 t of devices cannot give 1 t of feed",
        ),
        ("L1,phone@north,whole,kosaka,2018-01,1,2,2.1,2018-02,,,,", "2:8: payable_Ag_kg: 2.1 kg are payable of 2 kg"),
        (
            "L1,phone@north,whole,kosaka,2018-01,1,,,2018-02,,,,",
            "2:9: settled_on: a settled lot states the payable metal",
        ),
        ("L1,phone@north,whole,kosaka,2018-02,1,,1,2018-01,,,,", "2:9: settled_on: lies before the lot was sent"),
        ("L1,phone@north,whole,kosaka,2018-01,1,,1,2018-02-30,,,,", "settled_on: `2018-02-30` is not a day such as"),
        ("L1,phone@north,whole,kosaka,2018-01,1,,1,02/28/2018,,,,", "is not a day such as 2018-06-30, or a month"),
        (
            "L1,phone@north,whole,kosaka,2018-01,1,,1,2017-12,,,,",
            "is not a day such as 2018-06-30, or a month, from",
        ),
        (
            "L1,phone@north,whole,kosaka,2018-01,1,,1500,,,,,",
            "2:8: payable_Ag_kg: 1500 kg of metal are payable of 1000 kg of dry feed; look for a wrong unit",
        ),
        ("L1,phone@north,,,2018-01,1,,1,,,,,", "2:3: treatment: a settled lot has been treated"),
        ("L1,phone@north,whole,kosaka,2018-01,1,,,,,,,12 EUR", "2:13: charges:"),
    ],
)
def test_what_is_wrong_with_a_lot(tmp_path: Path, row: str, wrong: str) -> None:
    """One fault, at its file, line and column, in words."""
    found = faults(tmp_path, row)
    assert len(found) == 1 and wrong in found[0], found


def test_all_faults_are_reported_at_once(tmp_path: Path) -> None:
    """Every row's, each in its line; a name that is wrong in many rows once."""
    rows = [f"L{n},phone@x,whole,kosaka,2018-01,1,,,,,,," for n in range(30)]
    found = faults(tmp_path, GOOD, GOOD, "L3,phone@south,whole,kosaka,2018-09,-1,,,,,,,", *rows)
    assert any("lots.csv:3:1: lot: is defined twice, first in line 2; add the two up" in fault for fault in found)
    assert sum("phone@x" in fault for fault in found) == 1 and sum(":4:" in fault for fault in found) == 2


@pytest.mark.parametrize(
    ("head", "wrong"),
    [
        (HEAD.replace("payable_Ag_kg", "payable_Ga_kg"), "lots.csv:1:8: unknown column `payable_Ga_kg`; did you mean"),
        (HEAD.replace("moisture", "wet_t"), "the column `wet_t` is defined twice, first as column 10"),
        (HEAD.replace(",", ";"), "separate cells by commas"),
    ],
)
def test_columns_that_are_not_known(tmp_path: Path, head: str, wrong: str) -> None:
    """An unknown column is reported with the nearest name."""
    assert any(wrong in fault for fault in faults(tmp_path, GOOD, head=head))


def test_another_table_is_reported_once(tmp_path: Path) -> None:
    """A missing required column is reported once, without errors for each row."""
    rows = [f"L{n},1" for n in range(30)]
    assert faults(tmp_path, *rows, head="lot,dry_t") == [
        "lots.csv:1:1: lacks the columns `period` and `stream`; add them"
    ]
    path, figures = tmp_path / "signed.csv", medalopt.load(BASE)
    path.write_text("offer,alloy,kg\n" + "silver,silver,1\n" * 30)
    with pytest.raises(InputError) as refused:
        read_signed_contracts(path, figures, build_routes(figures))
    (fault,) = refused.value.faults
    assert "lacks the column `period`; add them" in str(fault)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    """A folder, a missing file, other bytes, no rows, an open quote: a line each, and never a traceback."""
    figures = medalopt.load(BASE)
    for name, content, wrong in (
        ("missing.csv", None, "cannot be read"),
        ("utf16.csv", HEAD.encode("utf-16"), "is UTF-16"),
        ("empty.csv", b"", "has no rows"),
        ("head.csv", HEAD.encode(), "has no rows"),
        ("quote.csv", f'{HEAD}\n"L1,'.encode(), "is not a CSV table"),
        ("short.csv", f"{HEAD}\nL1,phone@north".encode(), "this row has 2 cells, but the header has 13"),
    ):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(InputError, match=wrong):
            read_lots(path, figures, build_routes(figures), 1)
        with pytest.raises(InputError):
            read_signed_contracts(path, figures, build_routes(figures))
    with pytest.raises(InputError, match="is not a regular file"):
        read_lots(tmp_path, figures, build_routes(figures), 1)


def test_units_and_forms(tmp_path: Path) -> None:
    """Numbers may have units and names blanks; a day or month is a settlement date; empty means unknown."""
    found = lots(
        tmp_path,
        "L1, phone@north ,whole,kosaka, 2018-01 ,900 kg,1_900 g/t,1_500 g,2018-02,,,,1_000 JPY",
        "L2,laptop@south,dismantle,kosaka,2018-02,1,,,,,,2.5,",
        "L3,laptop@south,leave,,2018-02,1,,,,,,,",
    )
    assert found.feed_t.tolist() == pytest.approx([0.9, 1, 1]) and found.devices_t.tolist() == pytest.approx(
        [0.9, 2.5, 1]
    )
    assert found.assay[0].tolist() == pytest.approx([1.9, np.nan], nan_ok=True)
    assert found.payable[0].tolist() == [1.5, 0] and np.isnan(found.payable[1]).all()
    assert found.settled.tolist() == [1, -1, -1] and found.charges.tolist() == pytest.approx(
        [1000, np.nan, np.nan], nan_ok=True
    )
    assert re.fullmatch("[0-9a-f]{64}", found.sha256)


@pytest.mark.parametrize(
    ("rows", "odd"),
    [
        (["whole,kosaka,2018-01,1,,3.6,2018-02,,,,"], []),
        (
            ["whole,kosaka,2018-01,1,,3.7,2018-02,,,,"],
            ["2:8: payable_Ag_kg: 3.7 kg are payable, but the instance expects 1.8 kg of such devices; check its unit"],
        ),
        (
            ["dismantle,kosaka,2018-01,0.5,,,,,,0.9,"],
            ["2:12: devices_t: 0.9 t of devices send on 0.45 t by `to_smelter` of the treatment, but the feed weighs"],
        ),
        (["dismantle,kosaka,2018-01,0.5,,,,,,0.991,"], []),
        (
            ["whole,kosaka,2018-01,0.6,,,,,,,", ",,2018-01,0.5,,,,,,,", "whole,kosaka,2018-02,1,,,,,,,"],
            ["3:6: dry_t: 1.1 t of `phone@north` were sent in 2018-01, but only 1 t were offered"],
        ),
        (["whole,kosaka,2018-01,1,,1,2018-06-30,,,,"], []),
        (
            ["whole,kosaka,2018-01,1,,1,2107-06-30,,,,"],
            ["2:9: settled_on: `2107-06-30` lies after 2018-06, the last period"],
        ),
    ],
)
def test_what_is_odd_about_a_lot(tmp_path: Path, rows: list[str], odd: list[str]) -> None:
    """Unlikely weights, metal and dates give warnings at their place, values at the limits none."""
    found = lots(tmp_path, *(f"L{number},phone@north,{row}" for number, row in enumerate(rows))).warnings
    assert len(found) == len(odd)
    assert all(text in str(warning) for text, warning in zip(odd, found, strict=True)), found


def test_stored_devices_may_be_sent_later(tmp_path: Path) -> None:
    """For streams with storage, cumulated shipments are limited by cumulated supply."""
    path = tmp_path / "stored.yaml"
    text = BASE.read_text().replace(
        "available: 1 t, price: 1_000 JPY/t}", "available: 1 t, price: 1_000 JPY/t, storage: {}}"
    )
    path.write_text(text)
    instance = medalopt.load(path)
    assert instance.streams.storable.any()
    late = "L1,phone@north,whole,kosaka,2018-02,{},,,,,,,"
    assert lots(tmp_path, late.format(2), instance=instance).warnings == ()
    (warning,) = lots(tmp_path, late.format(3), instance=instance).warnings
    assert "3 t of `phone@north` were sent up to 2018-02, but only 2 t were offered" in str(warning)


def test_periods_without_dates(tmp_path: Path) -> None:
    """If periods are numbers, lots are settled in one of them."""
    text = BASE.read_text().replace("{start: 2018-01, count: 6}", "{count: 6}").replace("due: 2018-03", 'due: "3"')
    (tmp_path / "numbered.yaml").write_text(text)
    instance = medalopt.load(tmp_path / "numbered.yaml")
    row = "L1,phone@north,whole,kosaka,1,1,,1,{},,,,"
    assert lots(tmp_path, row.format(2), instance=instance).settled.tolist() == [1]
    with pytest.raises(InputError, match="`2018-02` is not a period, from 1 on"):
        lots(tmp_path, row.format("2018-02"), instance=instance)


def test_a_year_holds_its_months(tmp_path: Path) -> None:
    """A day belongs to the period of its month; one after the last is an error that says so."""
    text = BASE.read_text().replace("count: 6}", "count: 6, length: quarter}").replace("due: 2018-03", "due: 2018-09")
    (tmp_path / "quarters.yaml").write_text(text)
    instance = medalopt.load(tmp_path / "quarters.yaml")
    row = "L1,phone@north,whole,kosaka,2018-01,1,,1,{},,,,"
    for day, period in (("2018-02-11", 0), ("2018-09-30", 2), ("2019-07-01", 6), ("2030-01", 6)):
        assert lots(tmp_path, row.format(day), instance=instance).settled.tolist() == [period]


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        ("phone@north,whole,kosaka,,,,,1,", "period: is missing here"),
        ("phone@north,whole,kosaka,,,,2018-03,,", "a row is a shipment"),
        ("phone@north,whole,kosaka,silver,,,2018-03,1,", "this one fills offer, smelter, stream, tonnes, treatment"),
        (",,,silver,,,2018-03,,1", "name the `alloy` that it was charged to"),
        (",,,,,,2018-03,,", "this one fills nothing"),
        (",,,silver,silver,,2018-03,,-1", "kg: `-1` is out of range"),
        (",,,gold,silver,,2018-03,,1", "offer: `gold` is not in the instance"),
        (",,,,silver,Au,2018-03,,1", "metal: `Au` is not in the instance"),
        ("phone@north,leave,,,,,2018-03,1,", "does not go by this treatment without a smelter"),
        ("phone@north,whole,kosaka,,,,2018-13,1,", "period: `2018-13` names no period"),
    ],
)
def test_what_is_wrong_with_what_is_signed(tmp_path: Path, row: str, wrong: str) -> None:
    """One fault in one row, at its place."""
    path = tmp_path / "signed.csv"
    path.write_text(f"stream,treatment,smelter,offer,alloy,metal,period,tonnes,kg\n{row}\n")
    figures = medalopt.load(BASE)
    with pytest.raises(InputError) as refused:
        read_signed_contracts(path, figures, build_routes(figures))
    (fault,) = refused.value.faults
    assert wrong in str(fault) and f"{path}:2" in str(fault)


def test_what_is_signed_adds_up(tmp_path: Path) -> None:
    """Two rows of one shipment, purchase or charge are one of both amounts; a way without a smelter is one too."""
    path = tmp_path / "signed.csv"
    rows = ["laptop@south,leave,,,,,2018-03,1,", ",,,silver,silver,,2018-04,,2", ",,,,silver,Ag,2018-01,,3"]
    rows.append(",,,,silver,,2018-02,,0.5")
    path.write_text("\n".join(["stream,treatment,smelter,offer,alloy,metal,period,tonnes,kg", *rows, *rows]) + "\n")
    figures = medalopt.load(BASE)
    made, digest, _ = read_signed_contracts(path, figures, build_routes(figures))
    assert (made.sent.sum(), made.bought[0, 0, 3], made.charged[0, 0, 0]) == (2, 4, 6) and len(digest) == 64
    assert made.recharged[0].tolist() == [0, 1, 0, 0, 0, 0]


def test_repeated_rows_of_what_is_signed(tmp_path: Path) -> None:
    """A row that is alike in every column draws a warning with both lines; other rows do not."""
    path = tmp_path / "signed.csv"
    rows = ["phone@north,whole,kosaka,2018-03,1", "phone@north,whole,kosaka,2018-04,1"]
    path.write_text("\n".join(["stream,treatment,smelter,period,tonnes", *rows, rows[0]]) + "\n")
    figures = medalopt.load(BASE)
    made, _, odd = read_signed_contracts(path, figures, build_routes(figures))
    assert made.sent.sum() == 3
    assert [str(one) for one in odd] == [
        f"{path}:4:1: this row repeats line 2, and both are added up; delete one of them where the same is meant"
    ]
