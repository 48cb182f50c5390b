"""Inputs that are wrong, by accident or by ill will; each must end in InputError with clear messages, never otherwise.

`CASES` maps a name to a function that writes the files of the case into a folder and returns the instance's path.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

Case = Callable[[Path], Path]

GOOD = """\
format: medalopt/1
name: good
currency: JPY
exchange: {USD: 110 JPY}
periods: {start: 2017-04, count: 2, length: month}
metals: {Au: {sell: 100}, Ag: {}, Cu: {}}
devices:
  phone: {unit_mass: 100 g, content: {Au: 300 g/t, Ag: 1 kg/t, Cu: 100 kg/t}}
  laptop: {content: {Ag: 300 g/t}}
streams:
  - {device: phone, region: tokyo, available: 10 t, collection: 90_000 JPY/t}
  - {device: laptop, region: osaka, available: [5 t, 6 t]}
treatments:
  sort: {cost: 300 USD/t, recovery: {default: 90 %}}
smelters:
  kosaka: {treatment_charge: 40_000 JPY/t, returned: {Au: 97 %, Ag: 95 %}, capacity: 30 t}
lanes:
  - {region: tokyo, smelter: kosaka, cost: 20_000 JPY/t}
  - {region: osaka, smelter: kosaka, distance: 640 km}
transport_rate: 36 JPY/t/km
market: {bullion: {composition: {Ag: 100 %}, price: 50 JPY/g}}
alloys: {silver: {composition: {Ag: [99 %, 100 %]}, others: 1 %}}
medals: {first: {count: 5, due: 2017-05, parts: {silver: 500 g}}}
policy: {recycled: {Ag: 10 %}}
"""

STREAMS = "device,region,available,collection\nphone,tokyo,10 t,90000\nlaptop,osaka,5,80000\n"


def text(content: str | bytes) -> Case:
    """Return the case of one file with this content."""

    def write(folder: Path) -> Path:
        path = folder / "case.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
        return path

    return write


def swap(old: str, new: str) -> Case:
    """Return the good file with `old`, which it holds once, replaced."""
    assert GOOD.count(old) == 1, old
    return text(GOOD.replace(old, new))


def line(name: str, new: str) -> Case:
    """Return the good file with the line or the section that begins with `name` replaced."""
    kept, dropping = [], False
    for one in GOOD.splitlines():
        dropping = one.startswith(name) or (dropping and one.startswith(" "))
        if not dropping:
            kept.append(one)
    assert len(kept) < len(GOOD.splitlines()), name
    return text("\n".join([*kept, new, ""]))


def table(content: str | bytes, name: str = "case.csv", section: str = "streams") -> Case:
    """Return the good file with a section in a table of this content."""

    def write(folder: Path) -> Path:
        path = line(section, f"{section}: {{table: {name}}}")(folder)
        (folder / "case.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def elsewhere(name: str) -> Case:
    """Return the good file with a table at the path `name`, where a readable table outside the folder lies."""

    def write(folder: Path) -> Path:
        inside = folder / "inside"
        inside.mkdir()
        (folder / "outside.csv").write_text(STREAMS, encoding="utf-8")
        (inside / "link.csv").symlink_to(folder / "outside.csv")
        (inside / "way").symlink_to(folder)
        (inside / "loop.csv").symlink_to(inside / "loop.csv")
        (inside / "folder.csv").mkdir()
        os.mkfifo(inside / "pipe.csv")
        return line("streams", f"streams: {{table: {name}}}")(inside)

    return write


def at(name: str) -> Case:
    """Return the case of a path that is no instance file."""

    def write(folder: Path) -> Path:
        os.mkfifo(folder / "pipe")
        (folder / "folder").mkdir()
        (folder / "gone").symlink_to(folder / "nowhere")
        (folder / "loop").symlink_to(folder / "loop")
        return Path(name) if name.startswith("/") else folder / name

    return write


FILES: dict[str, Case] = {
    "empty file": text(""),
    "nothing but blanks": text(" \n\n  \n"),
    "nothing but a comment": text("# nothing\n"),
    "nothing but a mark": text(b"\xef\xbb\xbf"),
    "binary": text(bytes(range(256)) * 4),
    "NUL bytes": swap("name: good", "name: go\0od"),
    "escape character": swap("name: good", "name: go\x1b[31mod"),
    "delete character": swap("name: good", "name: go\x7fod"),
    "UTF-16 with a mark": text(GOOD.encode("utf-16")),
    "UTF-16 without a mark": text(GOOD.encode("utf-16-le")),
    "UTF-32": text(GOOD.encode("utf-32")),
    "Latin-1": text(GOOD.replace("tokyo", "köln").encode("latin-1")),
    "CP932 instance": text(GOOD.replace("tokyo", "東京").encode("cp932")),
    "truncated UTF-8": text(GOOD.encode() + b"title: \xe6\x9d"),
    "lone surrogate in bytes": swap("name: good", "name: good\ntitle: \ud800"),
    "a number": text("42\n"),
    "a text": text("hello\n"),
    "a list": text("- format: medalopt/1\n"),
    "null": text("null\n"),
    "JSON that breaks off": text('{"format": "medalopt/1", "name":'),
    "gone": at("none.yaml"),
    "folder": at("folder"),
    "named pipe": at("pipe"),
    "link to nowhere": at("gone"),
    "link to itself": at("loop"),
    "endless device": at("/dev/zero"),
    "empty device": at("/dev/null"),
    "name too long": at("x" * 300),
    "NUL in the path": at("a\0b"),
}

YAML: dict[str, Case] = {
    "deep flow list": text("metals: " + "[" * 100_000),
    "deep flow mapping": text("{a: " * 100_000),
    "deep block list": text("- " * 100_000 + "x\n"),
    "deep question marks": text("? " * 100_000),
    "deep indentation": text("".join(" " * n + "a:\n" for n in range(300))),
    "billion laughs": text("a: &a [x, x]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\nd: [*c, *c, *c]\n"),
    "alias": swap("currency: JPY", "currency: &c JPY\ntitle: *c"),
    "alias to nothing": swap("currency: JPY", "currency: *nothing"),
    "alias to itself": text("a: &a [*a]\n"),
    "anchor": swap("currency: JPY", "currency: &c JPY"),
    "merge key": swap("  sort: {", "  sort: {<<: {cost: 1}, "),
    "tag": swap("currency: JPY", "currency: !!str JPY"),
    "tag that would run code": swap("currency: JPY", "currency: !!python/object/apply:os.system [ls]"),
    "unknown tag": swap("currency: JPY", "currency: !x JPY"),
    "two documents": text(GOOD + "---\n" + GOOD),
    "YAML 1.1 said": text("%YAML 1.1\n---\n" + GOOD),
    "YAML 3 said": text("%YAML 3.0\n---\n" + GOOD),
    "tab for indentation": swap("  phone:", "\tphone:"),
    "quote left open": swap("name: good", 'name: "good'),
    "bracket left open": swap("[5 t, 6 t]", "[5 t, 6 t"),
    "key without value": swap("currency: JPY", "currency"),
    "list as a key": swap("currency: JPY", "[a, b]: JPY"),
    "mapping as a key": swap("currency: JPY", "{a: b}: JPY"),
    "section twice": text(GOOD + "metals: {Au: {}}\n"),
    "device twice": swap("  laptop: {content", "  phone: {content"),
    "key twice": swap("{cost: 300 USD/t,", "{cost: 300 USD/t, cost: 1,"),
    "scalar of ten megabytes": swap("name: good", "name: " + "x" * 10_000_000),
    "figure of ten megabytes": swap("available: 10 t", "available: " + "9" * 10_000_000),
    "key of a megabyte": swap("currency: JPY", '? "' + "k" * 1_000_000 + '"\n: JPY'),
    "list where a mapping belongs": line("devices", "devices: [phone, laptop]"),
    "mapping where a list belongs": line("streams", "streams: {phone: {device: phone}}"),
    "text where a mapping belongs": line("policy", "policy: none"),
    "mapping where a figure belongs": swap("available: 10 t", "available: {a: b}"),
    "list of lists": swap("[5 t, 6 t]", "[[5 t], [6 t]]"),
    "text in a list of streams": line("streams", "streams: [phone]"),
    "null section": line("metals", "metals:"),
    "null streams": line("streams", "streams: null"),
    "null lanes": line("lanes", "lanes: ~"),
    "null policy": line("policy", "policy:"),
    "null in a list": swap("[5 t, 6 t]", "[5 t, null]"),
    "surrogate by escape": swap("name: good", 'name: good\ntitle: "\\ud800"'),
}

FIGURES: dict[str, Case] = {
    "not a number": swap("available: 10 t", "available: .nan"),
    "infinite": swap("available: 10 t", "available: .inf"),
    "minus infinite": swap("collection: 90_000 JPY/t", "collection: -.inf"),
    "infinite by exponent": swap("available: 10 t", "available: 1e999"),
    "infinite with unit": swap("available: 10 t", "available: 1e999 t"),
    "inf in words": swap("available: 10 t", "available: inf t"),
    "nan in words": swap("available: 10 t", "available: nan"),
    "huge integer": swap("available: 10 t", "available: 1" + "0" * 399),
    "integer of 5,000 digits": swap("available: 10 t", "available: " + "7" * 5_000),
    "vanishing": swap("available: 10 t", "available: 1e-400 t"),
    "truth value": swap("available: 10 t", "available: true"),
    "blank text": swap("available: 10 t", 'available: ""'),
    "words": swap("available: 10 t", "available: plenty"),
    "unit without number": swap("available: 10 t", "available: t"),
    "comma for thousands": swap("90_000 JPY/t", '"90,000 JPY/t"'),
    "decimal comma": swap("available: 10 t", 'available: "10,5 t"'),
    "two points": swap("available: 10 t", "available: 10.5.1 t"),
    "two numbers": swap("available: 10 t", "available: 10 10 t"),
    "underscore at the end": swap("available: 10 t", "available: 10_ t"),
    "full-width digits": swap("available: 10 t", "available: １０ t"),
    "sum": swap("available: 10 t", "available: 5 + 5 t"),
    "formula": swap("available: 10 t", "available: =1+1"),
    "code": swap("available: 10 t", "available: __import__('os').getcwd()"),
    "power": swap("available: 10 t", "available: 10 t**999999"),
    "power by caret": swap("available: 10 t", "available: 10 kg^2"),
    "number in the unit": swap("available: 10 t", "available: 10 1000000000**1000000000"),
    "brackets in the unit": swap("available: 10 t", "available: 10 " + "(" * 50 + "t"),
    "long unit": swap("available: 10 t", "available: 10 " + "t/" * 5_000 + "t"),
    "unknown unit": swap("available: 10 t", "available: 10 tonnes"),
    "unit in capitals": swap("available: 10 t", "available: 10 KG"),
    "unit of another kind": swap("available: 10 t", "available: 10 km"),
    "money for mass": swap("available: 10 t", "available: 10 JPY"),
    "mass for money": swap("collection: 90_000 JPY/t", "collection: 90 kg"),
    "money without mass": swap("collection: 90_000 JPY/t", "collection: 90 JPY"),
    "footprint for mass": swap("available: 10 t", "available: 10 t CO2e"),
    "currency without rate": swap("collection: 90_000 JPY/t", "collection: 90 EUR/t"),
    "pieces of no known mass": swap("[5 t, 6 t]", "[5 t, 60 unit]"),
    "pieces at a smelter": swap("capacity: 30 t", "capacity: 30 unit"),
    "negative supply": swap("available: 10 t", "available: -10 t"),
    "negative capacity": swap("capacity: 30 t", "capacity: -30 t"),
    "share above all": swap("Au: 97 %", "Au: 103 %"),
    "negative share": swap("Au: 97 %", "Au: -3 %"),
    "loss of all": swap("others: 1 %", "loss: 100 %"),
    "window turned round": swap("[99 %, 100 %]", "[100 %, 99 %]"),
    "window of three": swap("[99 %, 100 %]", "[98 %, 99 %, 100 %]"),
    "window of none": swap("[99 %, 100 %]", "[]"),
    "list too long": swap("[5 t, 6 t]", "[5 t, 6 t, 7 t]"),
    "list too short": swap("[5 t, 6 t]", "[5 t]"),
    "half a medal": swap("count: 5,", "count: 5.5,"),
    "fewer than no medals": swap("count: 5,", "count: -5,"),
    "more medals than atoms": swap("count: 5,", "count: 1e40,"),
    "no periods": swap("count: 2,", "count: 0,"),
    "too many periods": swap("count: 2,", "count: 1_000_000,"),
    "periods by octal": swap("count: 2,", "count: 0o17_7,"),
    "month thirteen": swap("start: 2017-04", "start: 2017-13"),
    "start without month": swap("start: 2017-04", "start: 2017"),
    "length unknown": swap("length: month", "length: week"),
    "due never": swap("due: 2017-05", "due: 2019-01"),
    "due by date": swap("due: 2017-05", "due: 2017-05-01"),
    "content above a tonne": swap("Cu: 100 kg/t", "Cu: 1.2 t/t"),
    "contents above a tonne together": swap("Cu: 100 kg/t", "Cu: 999 kg/t"),
    "composition above all": swap("{Ag: 100 %}", "{Ag: 100 %, Cu: 1 %}"),
    "more committed than the limit": swap("capacity: 30 t", "committed: 3 t, limit: 2 t"),
    "rate of nothing": swap("USD: 110 JPY", "USD: 0 JPY"),
    "rates in a circle": swap("USD: 110 JPY", "USD: 2 EUR, EUR: 2 USD"),
    "rate of the own currency": swap("USD: 110 JPY", "JPY: 110 JPY"),
    "rate that is no money": swap("USD: 110 JPY", "USD: 110 kg"),
    "currency unknown by form": swap("currency: JPY", "currency: Yen"),
    "device without mass": swap("unit_mass: 100 g", "unit_mass: 0 g"),
    "scrap back at once": swap("others: 1 %", "scrap: {share: 10 %, lead: 0}"),
}

NAMES: dict[str, Case] = {
    "other format": swap("format: medalopt/1", "format: medalopt/2"),
    "no format": line("format", ""),
    "no name": line("name", ""),
    "no currency": line("currency", ""),
    "no metals": line("metals", ""),
    "no alloys": line("alloys", ""),
    "no medals": line("medals", ""),
    "no medal at all": line("medals", "medals: {}"),
    "streams without smelters": line("smelters", ""),
    "smelters without streams": line("streams", ""),
    "name in capitals": swap("name: good", "name: Good"),
    "name that is a path": swap("name: good", "name: ../good"),
    "unknown section": text(GOOD + "metal: {Fe: {}}\n"),
    "unknown key": swap("capacity: 30 t", "capcity: 30 t"),
    "unknown key of a stream": swap("available: 10 t", "availabel: 10 t"),
    "unknown key below storage": swap("available: 10 t", "available: 10 t, storage: {limt: 5}"),
    "unknown key in place of a price": swap("price: 50 JPY/g", "price: [{up_to: 5 kg, price: 50}, {prcie: 60}]"),
    "unknown mapping of a stream": swap("available: 10 t", "available: 10 t, storag: {limit: 5}"),
    "empty unknown mapping of a stream": swap("available: 10 t", "available: 10 t, storag: {}"),
    "share of a metal called *": swap("available: 10 t", 'available: 10 t, credited: {"*": 5 %}'),
    "storage that is a figure": swap("available: 10 t", "available: 10 t, storage: 5 t"),
    "unknown metal": swap("Ag: 300 g/t", "Fe: 300 g/t"),
    "unknown device": swap("device: laptop", "device: labtop"),
    "unknown smelter": swap("{region: osaka, smelter: kosaka", "{region: osaka, smelter: kosako"),
    "unknown alloy": swap("{silver: 500 g}", "{sliver: 500 g}"),
    "unknown device accepted": swap("capacity: 30 t", "accepts: [phone, fax]"),
    "unknown treatment in terms": swap("capacity: 30 t", "terms: {a: {treatments: [shred]}}"),
    "terms that match twice": swap("capacity: 30 t", "terms: {a: {}, b: {devices: [phone]}}"),
    "metal called default": swap("Cu: {}}", "Cu: {}, default: {}}"),
    "unknown share": swap("policy: {", "policy: {device_share: {fax: [0, 1]}, "),
    "two streams of one name": swap("{device: laptop, region: osaka", "{device: phone, region: tokyo"),
    "lane twice": swap("{region: osaka, smelter: kosaka, distance: 640 km}", "{region: tokyo, smelter: kosaka}"),
    "lane with two costs": swap("distance: 640 km", "distance: 640 km, cost: 1"),
    "stream without region": swap("region: osaka, available", "available"),
    "stream without offer": swap("available: 10 t, ", ""),
    "stream with two offers": swap("available: 10 t", "available: 10 t, total: 5 t"),
    "offer without price": swap(", price: 50 JPY/g", ""),
    "medal without count": swap("count: 5, ", ""),
    "name of a hundred and one": swap("device: laptop", "device: " + "x" * 101),
    "blank name": swap("region: osaka, available", 'region: "  ", available'),
    "empty name": swap("region: osaka, available", 'region: "", available'),
    "name with a terminal escape": swap("region: osaka, available", 'region: "\\e[2J\\e]0;x\\a", available'),
    "name that turns the text round": swap("region: osaka, available", 'region: "\u202e\u2066x", available'),
    "name with a zero-width space": swap("region: osaka, available", 'region: "a\u200bb", available'),
    "name with a line break": swap("region: osaka, available", 'region: "a\\nb", available'),
    "name with a NUL": swap("region: osaka, available", 'region: "a\\0b", available'),
    "key with a terminal escape": swap("  laptop: {", '  "\\e[31mred": {'),
    "key with markup": swap("capacity: 30 t", '"[red]capacity[/red]": 30 t'),
    "device with markup": swap("device: laptop", "device: '[link=http://x]phone[/link]'"),
    "device that is a formula": swap("device: laptop", "device: '=cmd|calc!A0'"),
    "YAML 1.1 truth as a device": swap("device: laptop", "device: NO"),
    "octal as a device": swap("device: laptop", "device: 007"),
    "source that is a mapping": swap("policy: {", "policy: {source: {a: b}, "),
    "device called note": swap("  laptop: {content", "  note: {content"),
    "scenario without path": text(GOOD + 'scenarios: {s: {"a..b": 1}}\n'),
    "scenario of no section": text(GOOD + "scenarios: {s: {smelter.kosaka.capacity: 1}}\n"),
    "scenario that nests": text(GOOD + "scenarios: {s: {smelters: {kosaka: 1}}}\n"),
    "mix above all": text(GOOD + "mixes: {m: {phone: 60 %, laptop: 50 %}}\n"),
    "party with unknown key": text(GOOD + "parties: {kosaka: {phone: 1}}\n"),
}

TABLES: dict[str, Case] = {
    "table is missing": table(STREAMS, "other.csv"),
    "table is empty": table(""),
    "table without rows": table("device,region,available\n"),
    "row shifted": table(STREAMS + "phone,,kyoto,10 t,1\n"),
    "row too short": table(STREAMS + "phone,kyoto\n"),
    "column twice": table("device,region,available,available\nphone,tokyo,1,2\n"),
    "column unknown": table("device,region,availible\nphone,tokyo,1\n"),
    "column without name": table("device,region,available,\nphone,tokyo,1,2\n"),
    "column missing": table("region,available\ntokyo,1\n"),
    "semicolons": table("device;region;available\nphone;tokyo;1\n"),
    "quote left open in a table": table('device,region,available\nphone,"tokyo,1\n'),
    "quote in the middle": table('device,region,available\nphone,to"k"yo,1\n"a"b,c,1\n'),
    "cell too large": table("device,region,available\nphone," + "x" * 200_000 + ",1\n"),
    "UTF-16 table": table(STREAMS.encode("utf-16")),
    "half CP932": table(b"device,region,available\nphone," + "東京".encode("cp932") + b",1\nphone,\xff\xfe,2\n"),
    "CP932 that breaks off": table("device,region,available\nphone,東京,1\nphone,東".encode("cp932")[:-1] + b",2\n"),
    "half UTF-8, half CP932": table(
        "device,region,available\nphone,横浜,1\n".encode() + "phone,大阪,2\n".encode("cp932")
    ),
    "NUL in a cell": table("device,region,available\nphone,to\0kyo,1\n"),
    "escape in a cell": table("device,region,available\nphone,\x1b[2Jtokyo,1\n"),
    "cell that is no figure": table(STREAMS.replace("10 t", "ten")),
    "cell of the wrong kind": table(STREAMS.replace("10 t", "10 km")),
    "cell not finite": table(STREAMS.replace("10 t", "nan")),
    "cell infinite": table(STREAMS.replace("10 t", "inf")),
    "cell by exponent infinite": table(STREAMS.replace("10 t", "1e999")),
    "cell negative": table(STREAMS.replace("10 t", "-10")),
    "cell with a comma": table(STREAMS.replace("10 t", '"10,5"')),
    "cell in hexadecimal": table(STREAMS.replace("10 t", "0x10")),
    "cell with underscores amiss": table(STREAMS.replace("10 t", "1__0")),
    "cell in full width": table(STREAMS.replace("10 t", "１０")),
    "device unknown in a table": table(STREAMS.replace("laptop", "labtop")),
    "device left out in a table": table(STREAMS.replace("laptop", "")),
    "period unknown": table("device,region,period,available\nphone,tokyo,2019-01,1\n"),
    "period twice": table("device,region,period,available\nphone,tokyo,2017-04,1\nphone,tokyo,2017-04,2\n"),
    "period and none": table("device,region,period,available\nphone,tokyo,,1\nphone,tokyo,2017-04,2\n"),
    "rows that disagree": table(
        "device,region,period,available,committed\nphone,tokyo,2017-04,1,5\nphone,tokyo,2017-05,1,6\n"
    ),
    "stream twice in a table": table("device,region,available\nphone,tokyo,1\nphone,tokyo,2\n"),
    "pieces of no known mass in a table": table(STREAMS.replace("laptop,osaka,5", "laptop,osaka,5 pcs")),
    "lanes with an unknown smelter": table("region,smelter,cost\ntokyo,kosak,1\n", section="lanes"),
    "lanes twice": table("region,smelter,cost\ntokyo,kosaka,1\ntokyo,kosaka,1\n", section="lanes"),
    "table above the folder": elsewhere("../outside.csv"),
    "table above by a turn": elsewhere("a/../../outside.csv"),
    "table above by backslashes": elsewhere("'..\\outside.csv'"),
    "table at an absolute path": elsewhere("/etc/passwd"),
    "table on a drive": elsewhere("'C:\\x.csv'"),
    "table at home": elsewhere("~/x.csv"),
    "table by a link": elsewhere("link.csv"),
    "table below a link": elsewhere("way/outside.csv"),
    "table in a circle of links": elsewhere("loop.csv"),
    "table that is a folder": elsewhere("folder.csv"),
    "table that is a pipe": elsewhere("pipe.csv"),
    "table without a path": elsewhere('""'),
    "table with NUL in its path": elsewhere('"a\\0b"'),
    "table with an escape in its path": elsewhere('"\\e[2J.csv"'),
    "table that is the folder": elsewhere("."),
    "table with a long path": elsewhere("x" * 5_000),
    "table and more": line("streams", "streams: {table: case.csv, rows: 5}"),
    "table that is a list": line("streams", "streams: {table: [a, b]}"),
}

CASES: dict[str, Case] = {**FILES, **YAML, **FIGURES, **NAMES, **TABLES}
