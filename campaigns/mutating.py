"""Damage to an instance: to the bytes of its file, to its tree, to the rows of its tables, and by changes."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

import yaml
from tests.instance.hostile import GOOD, STREAMS

from medalopt.text import render_path

HEAD = "format: medalopt/1\nname: small\ncurrency: JPY\n"
NEED = "alloys: {silver: {composition: {Ag: 1}}}\nmedals: {first: {count: 5, parts: {silver: 500 g}}}\n"
SMALL = (  # together they hold every section and nearly every field
    f"""{HEAD}metals: {{Ag: {{sell: 100, opening_stock: 1 g}}}}
market: {{bullion: {{composition: {{Ag: 100 %}}, price: 50 JPY/g, limit: 9, committed: 1 kg, recycled: 5 %}}}}
{NEED}""",
    f"""{HEAD}periods: {{start: 2017-04, count: 2, length: month}}
metals: {{Ag: {{}}, Cu: {{}}}}
alloys: {{silver: {{composition: {{Ag: [99 %, 1]}}, others: 1 %, loss: 1 %, scrap: {{share: 20 %, lead: 1}}}}}}
medals: {{first: {{count: 5, due: 2017-05, allowance: 2 %, parts: {{silver: 500 g}}}}}}
""",
    f"""{HEAD}metals: {{Ag: {{}}}}
devices: {{phone: {{unit_mass: 100 g, content: {{Ag: 1 kg/t}}}}}}
streams: [{{device: phone, region: tokyo, available: 400 unit, storage: {{limit: 5}}, credited: {{Ag: 90 %}}}}]
smelters: {{kosaka: {{returned: {{Ag: 97 %}}}}}}
{NEED}""",
    f"""{HEAD}exchange: {{USD: 110 JPY}}
metals: {{Ag: {{holding: 1 USD/ozt}}}}
devices: {{phone: {{content: {{Ag: 300 g/t}}}}}}
streams: [{{device: phone, region: tokyo, total: 10 t, collection: 90 JPY/kg, bundle: a}}]
smelters: {{kosaka: {{returned: 97 %, lead: 1, capacity: 30 t, refining_charge: {{Ag: 5}}}}}}
lanes: [{{region: tokyo, smelter: kosaka, distance: 640 km}}]
transport_rate: 36 JPY/t/km
{NEED}""",
    f"""{HEAD}periods: {{count: 2}}
metals: {{Ag: {{}}}}
devices: {{phone: {{content: {{Ag: 300 g/t}}}}}}
streams: [{{device: phone, region: tokyo, available: [10 t, 5 t], price: 5, committed: 1 t}}]
treatments: {{sort: {{cost: 30_000, recovery: {{default: 90 %}}, devices: {{phone: {{to_smelter: 50 %}}}}}}}}
smelters: {{kosaka: {{terms: {{a: {{devices: [phone], deduction: {{Ag: 1}}, returned: 1}}}}}}}}
{NEED}policy: {{recycled: {{Ag: 10 %}}, device_share: {{phone: [0, 1]}}, footprint_cap: 5 t, participation: 1 %}}
""",
    f"""{HEAD}metals: {{Ag: {{}}}}
devices: {{phone: {{cv: 5 %, content: {{Ag: 300 g/t}}}}}}
{NEED}mixes: {{m: {{phone: 60 %}}}}
scenarios: {{s: {{medals.first.count: 5}}}}
parties: {{silver: {{legal_name: x, address: y}}}}
""",
)
LANES = "region,smelter,distance,cost\ntokyo,kosaka,,900 JPY/t\nosaka,kosaka,640 km,\n"
BASES = (*SMALL, *SMALL, GOOD)

FIGURES: tuple[str, ...] = (
    *("nan", ".nan", "inf", "-.inf", "1e999", "-1e999", "1e-999", "1e308", "5e-324", "1e100", "1.1e100", "1e-100"),
    *("-0", "0", "-1", "1", "2", "0x1F", "0o17", "1_000", "1__0", "1e9", "+5", ".5", "5.", "1/3", "5%"),
    *("100.0000001", "007", "１０", "1e3", "9007199254740993", "0.1", "12:30", "2017-04", "2017-05", "2017-13"),
    *("0000-00", "9999-12", "2017"),
)
UNITS: tuple[str, ...] = (
    *("t", "kg", "g", "mg", "lb", "ozt", "oz_t", "%", "ppm", "km", "unit", "pcs", "JPY", "USD", "EUR", "JPY/t"),
    *("JPY/kg", "USD/ozt", "JPY/unit", "JPY/t/km", "kg/t", "g/t", "t/t", "kg/unit", "g/unit", "kg/kg", "money"),
    *("money/t", "CO2e", "kg CO2e", "t CO2e", "kg CO2e/t", "kg CO2e/unit", "kg/t/t/t/t", "unit/unit", "t/km/t"),
)
WORDS: tuple[str, ...] = (
    *("default", "source", "note", "table", "period", "whole", "NO", "null", "~", "true", "Null", "None", "phone"),
    *("laptop", "tokyo", "osaka", "Ag", "Cu", "Au", "kosaka", "silver", "sort", "first", "bullion", "a", "format"),
    *("medalopt/1", "medalopt/2", "month", "year", "quarter", "name", "XXX", "jpy", "Ag@Cu", "phone@tokyo", "a.b"),
    *("=1+1", "@SUM(1)", "../x", "<<", "?", "-", "---", "...", "%YAML", "|", ">", "&", "*", "!", "#", "`", "'", '"'),
    *("[", "]", "{", "}", ",", ":", "\\"),
)
YAML_OWN = (
    *("!!python/object/apply:os.system [true]", "!!python/name:os.system", "!!binary aGk=", "!!float nan", "!x y"),
    *(
        "&a 1",
        "&a [*a]",
        "*a",
        "{<<: {a: 1}}",
        "? {a: 1} : 2",
        "{? [a] : b}",
        "|\n  x",
        '"\\u202e"',
        '"\\0"',
        '"\\x85"',
    ),
    *("\n---\n", "\n...\n", "%YAML 1.1\n", "%TAG ! x\n", "\t", "# x", "\r", "\r\n", "\ufeff", "\u2028", "\x85", "\x00"),
    *("\u202e\u2066x", "a\u200bb", "\x1b[2J", "\x7f", "\U0010ffff", "\ud800", "東京", "é", "ﬁ", "\u0661", "²"),
)


@dataclass(frozen=True)
class Damaged:
    """An instance as it is handed in: the text of the file, its tables, and the changes on the command line."""

    text: str
    tables: dict[str, str] = field(default_factory=dict)
    changes: tuple[str, ...] = ()


def damaged(random: Random) -> Damaged:
    """Return an instance with some damage."""
    return random.choice((in_tree, in_tree, in_tree, in_text, in_table, by_changes))(random)


def parsed(text: str) -> Any:
    """Return the tree of `text`, to be changed."""
    return json.loads(_as_json(text))


@cache
def _as_json(text: str) -> str:
    return json.dumps(yaml.load(text, yaml.CBaseLoader))


def hostile(random: Random) -> Any:
    """Return a value that has no business where it is put, or just might."""
    kind = random.random()
    if kind < 0.35:
        unit = random.choice(UNITS)
        return f"{random.choice(FIGURES)} {unit}" if random.random() < 0.7 else random.choice(FIGURES)
    if kind < 0.7:
        return random.choice(WORDS)
    if kind < 0.85:
        return Raw(random.choice(YAML_OWN))
    if kind < 0.995:
        return copy.deepcopy(
            random.choice(([], {}, [[]], [None], {"": ""}, "", " ", [1, 2], {"a": [{}]}, {"table": "rows.csv"}, True))
        )
    if random.random() < 0.5:
        return random.choice(("9", "x", "a.", "[", "é", "\u202e", " ", "1e")) * 10 ** random.randint(1, 5)
    depth = random.choice((5, 31, 32, 33, 100, 1000))
    return Raw(random.choice(("[" * depth + "]" * depth, "{a: " * depth + "1" + "}" * depth, "- " * depth)))


class Raw(str):
    """Text written to the file unchanged."""


def in_tree(random: Random) -> Damaged:
    """Damage the tree: values put, deleted, doubled, exchanged and renamed."""
    tree = parsed(random.choice(BASES))
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        _damage(tree, random)
    return Damaged(flow(tree))


def _damage(tree: Any, random: Random) -> None:
    """Do one thing to one place of the tree."""
    above, name = random.choice(places(tree))
    act = random.random()
    if act < 0.45:
        above[name] = hostile(random)
    elif act < 0.6:
        del above[name]
    elif act < 0.75:
        other, which = random.choice(places(tree))
        above[name] = copy.deepcopy(other[which])
    elif act < 0.85:
        other, which = random.choice(places(tree))
        above[name], other[which] = copy.deepcopy(other[which]), copy.deepcopy(above[name])
    elif isinstance(above, list):
        above.insert(random.randint(0, len(above)), random.choice((hostile(random), copy.deepcopy(above[name]))))
    else:
        key = hostile(random)
        above[key if isinstance(key, str) else str(key)] = random.choice((hostile(random), copy.deepcopy(above[name])))


def places(node: Any) -> list[tuple[Any, Any]]:
    """Return every place below `node`: the collection, and the key or number in it."""
    found = []
    waiting = [node]
    while waiting:
        above = waiting.pop()
        for name, item in above.items() if isinstance(above, dict) else enumerate(above):
            found.append((above, name))
            if isinstance(item, dict | list):
                waiting.append(item)
    return found or [({"": ""}, "")]


_PLAIN = re.compile(r"[A-Za-z0-9.+][\w./ %@+-]*")


def flow(node: Any) -> str:
    """Return a tree as YAML on one line, each scalar as plain as it can be."""
    if isinstance(node, dict):
        return (
            "{"
            + ", ".join(
                f"{flow(str(key) if not isinstance(key, Raw) else key)}: {flow(item)}" for key, item in node.items()
            )
            + "}"
        )
    if isinstance(node, list):
        return "[" + ", ".join(map(flow, node)) + "]"
    if isinstance(node, Raw):
        return node
    text = str(node)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def in_text(random: Random) -> Damaged:
    """Damage the text."""
    return Damaged(spoilt(random.choice(BASES), random))


def spoilt(text: str, random: Random) -> str:
    """Return text with parts removed, inserted, duplicated and moved."""
    for _ in range(random.choice((1, 1, 2, 4, 8))):
        at, length = random.randint(0, len(text)), random.choice((0, 0, 1, 2, 5, 40))
        piece = text[at : at + length]
        other = random.randint(0, len(text))
        new = random.choice(
            (_little(random), _little(random), piece * 2, text[other : other + random.randint(1, 30)], "")
        )
        text = text[:at] + new + text[at + length :]
    return text


def _little(random: Random) -> str:
    """Return something short to put in."""
    if random.random() < 0.4:
        return chr(random.choice((random.randint(0, 127), random.randint(0, 0x2FFF))))
    return str(hostile(random))


def in_table(random: Random) -> Damaged:
    """Damage a table of streams or of lanes."""
    section, content = random.choice((("streams", STREAMS), ("streams", STREAMS), ("lanes", LANES)))
    if section == "streams" and random.random() < 0.4:
        content = "device,region,period,available,source\nphone,tokyo,2017-04,10 t,\nphone,tokyo,2017-05,400 unit,x\n"
    rows = [line.split(",") for line in content.splitlines()]
    for _ in range(random.choice((0, 1, 1, 2, 4))):
        row = random.choice(rows)
        act = random.random()
        if act < 0.6 and row:
            row[random.randrange(len(row))] = str(hostile(random))
        elif act < 0.7:
            row.append(str(hostile(random)))
        elif act < 0.8:
            rows.insert(random.randint(0, len(rows)), list(random.choice(rows)))
        elif act < 0.9 and len(row) > 1:
            row.pop(random.randrange(len(row)))
        else:
            heads = (
                "name",
                "storage_limit",
                "credited_Ag",
                "credited_Xx",
                "bundle",
                "total",
                "price",
                "note",
                "footprint",
            )
            for one, cell in zip(rows, (random.choice(heads), *(hostile(random) for _ in rows)), strict=False):
                one.append(str(cell))
    content = "\n".join(",".join(row) for row in rows) + "\n"
    if random.random() < 0.4:
        content = spoilt(content, random)
    tree = parsed(random.choice(SMALL[2:5]) if section == "streams" else SMALL[3])
    tree[section] = {"table": "rows.csv"}
    return Damaged(flow(tree), {"rows.csv": content})


def by_changes(random: Random) -> Damaged:
    """Change existing and missing parameters to arbitrary values."""
    tree = parsed(random.choice(BASES))
    known = [*paths_in(tree), ("streams", "phone@tokyo", "available"), ("lanes", "tokyo@kosaka", "distance")]
    changes = []
    for _ in range(random.choice((1, 1, 2, 4))):
        path = list(random.choice(known))
        if path[0] in ("streams", "lanes"):
            path[1:2] = [random.choice(("phone@tokyo", "laptop@osaka", "tokyo@kosaka", "x"))]
        if random.random() < 0.3:
            path.append(random.choice(("Ag", "default", "x", 0, 1, 7, str(hostile(random)))))
        if random.random() < 0.1:
            path = path[: random.randint(1, len(path))]
        text = render_path(tuple(path))
        if random.random() < 0.15:
            text = spoilt(text, random)
        changes.append(f"{text}={flow(hostile(random)) if random.random() < 0.9 else spoilt('5 t', random)}")
    return Damaged(flow(tree), changes=tuple(changes))


def paths_in(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of everything below `node`."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [found for name, item in items for found in [(*path, name), *paths_in(item, (*path, name))]]
