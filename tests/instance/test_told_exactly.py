"""Messages word for word and at their place, with counts: errors of tables, lists, changes and scenarios."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.instance.writing import faults

TABLE = "streams: {table: rows.csv}"
LANES = "lanes: {table: rows.csv}"
MISSING = "look for a missing or a stray comma"
CASES: dict[str, tuple[dict[str, str], str, list[tuple[int, int, str, str]]]] = {
    "rows that are not as wide as the header": (
        {"streams": TABLE},
        "device,region,total\nphone,a\nphone,b,1,2\nphone,c,3\n",
        [
            (2, 3, "", f"this row has 2 cells, but the header has 3: {MISSING}"),
            (3, 4, "", f"this row has 4 cells, but the header has 3: {MISSING}"),
        ],
    ),
    "no column that says what is offered": (
        {"streams": TABLE},
        "device,region\nphone,a\n",
        [(1, 1, "streams", "a column `available` or `total` is missing")],
    ),
    "no column that must be": (
        {"streams": TABLE},
        "device,total\nphone,1\n",
        [(1, 1, "streams", "the column `region` is missing")],
    ),
    "a row that offers nothing": (
        {"streams": TABLE},
        "device,region,total\nphone,a,1\nphone,b,\n",
        [(3, 1, "streams.phone@b.available", "give the supply: `available` or `total`")],
    ),
    "rows of one stream that disagree": (
        {"streams": TABLE},
        "device,region,period,available,committed\nphone,a,2017-04,1,5\nphone,a,2017-05,1,6\n",
        [(3, 5, "streams.phone@a.committed", "rows of one stream must agree: `6` here, `5` in line 2")],
    ),
    "a lane has no period in a table": (
        {"lanes": LANES},
        "region,smelter,period\ntokyo,kosaka,2017-04\n",
        [
            (
                *(1, 3, ""),
                "unknown column `period`; the columns known are `cost`, `distance`, `footprint`, `note`, `region`, "
                "`smelter` and `source`",
            )
        ],
    ),
    "a lane has no period in a list": (
        {"lanes": "lanes:\n- {region: tokyo, smelter: kosaka, period: 2017-04}"},
        "",
        [
            (
                *(13, 44, "lanes.tokyo@kosaka.period"),
                "unknown key `period`; the keys known here are `cost`, `distance`, `footprint`, `region` and `smelter`",
            )
        ],
    ),
    "columns named twice, and cells set apart by something else": (
        {"lanes": LANES},
        "region;smelter\ntokyo;kosaka\n",
        [
            (1, 1, "", "unknown column `region;smelter`; separate cells by commas"),
            (1, 1, "lanes", "the column `region` is missing"),
            (1, 1, "lanes", "the column `smelter` is missing"),
        ],
    ),
    "lists where one value is expected": (
        {
            "streams": "streams:\n- {device: phone, region: r, committed: [1], total: 3}",
            "lanes": "lanes:\n- {region: r, smelter: kosaka, cost: [1]}",
        },
        "",
        [
            (8, 41, "streams.phone@r.committed", "expected one value; found a list"),
            (13, 38, "lanes.r@kosaka.cost", "expected one value; found a list"),
        ],
    ),
    "a cell of two lines is no number": (
        {"streams": TABLE},
        'device,region,total\nphone,a,"1\n2"\n',
        [
            (
                *(3, 3, "streams.phone@a.total"),
                "`1\\x0a2` is not a number: write 1_000 or 1000 for a thousand and a point before decimals, such as "
                "`10 t`",
            )
        ],
    ),
    "nothing where a mass must be, and a remark that is none": (
        {"devices": "devices: {phone: {unit_mass: 0, content: {source: {a: 1}}}, laptop: {}}"},
        "",
        [
            (6, 30, "devices.phone.unit_mass", "`0` is out of range: it must be more than 0"),
            (
                *(6, 51, "devices.phone.content.source"),
                "`source` is a remark, text or a list of texts; call a thing something else",
            ),
        ],
    ),
    "a rate below nothing beside an amount without a rate": (
        {"exchange": "exchange: {USD: -0.5 JPY}", "metals": "metals: {Au: {sell: 1 EUR/g}, Ag: {}}"},
        "",
        [
            (5, 21, "metals.Au.sell", "no rate is given for the currency `EUR`; add `exchange: {EUR: … JPY}`"),
            (12, 17, "exchange.USD", "`-0.5 JPY` is out of range: it must be more than 0"),
        ],
    ),
    "paths of scenarios": (
        {"scenarios": "scenarios:\n  s: {devices..x: 1, devises.a: 1, devices.phone.cv: [1, [2]]}"},
        "",
        [
            (
                *(13, 7, 'scenarios.s."devices..x"'),
                "a name is missing at character 9; write it like `smelters.kosaka.capacity[3]`",
            ),
            (
                *(13, 22, 'scenarios.s."devises.a"'),
                "a path begins with a section; `devises` is none; did you mean `devices`?",
            ),
            (13, 54, 'scenarios.s."devices.phone.cv"', "expected the new value: one value, or a list of them"),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_is_reported_and_where(name: str, tmp_path: Path) -> None:
    """Exactly these errors are reported, with these words, lines, columns and paths."""
    parts, table, told = CASES[name]
    (tmp_path / "rows.csv").write_text(table, encoding="utf-8")
    assert sorted(faults(tmp_path, **parts)) == sorted(told)


@pytest.mark.parametrize(
    ("header", "row", "says"),
    [
        ("device,region,total", "phone,r#,", "give the supply"),
        ("device,region,available,total", "phone,r#,1,1", "not both"),
        ("device,region,total", "phone,,1", "`region` is missing"),
        ("device,region,period,available,committed", "phone,a,2017-04,1,#", "rows of one stream must agree"),
        ("device,region,period,available", "phone,a,2017-04,1", "given already"),
        ("device,region,total", "phone,r#,# km", "expected a number in t"),
    ],
)
def test_twenty_of_a_kind_are_listed(header: str, row: str, says: str, tmp_path: Path) -> None:
    """Of thirty errors of one kind in a column twenty are listed; only invalid cells count."""
    rows = [row.replace("#", str(number)) for number in range(31)]
    (tmp_path / "rows.csv").write_text("\n".join([header, *rows]), encoding="utf-8")
    found = [message for *_, message in faults(tmp_path, streams=TABLE) if says in message]
    assert len(found) == 20
    assert sum(message.endswith("; 11 more cells of this column are wrong") for message in found) == ("km" in row)
