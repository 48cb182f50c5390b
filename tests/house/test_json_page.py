"""docs/reference/json.md compared with printed JSON: every member documented with type and presence."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.cli.runs import INFEASIBLE, ROOT, TINY, here

GOLDEN = ROOT / "tests/golden"
KINDS = {str: "text", bool: "boolean", int: "number", float: "number", type(None): "null", dict: "object", list: "list"}
ONE_TOWN = """
format: medalopt/1
name: small
currency: EUR
metals: {Ag: {}}
devices: {phone: {content: {Ag: 1 kg/t}}, laptop: {content: {Ag: 500 g/t}}, kettle: {content: {Ag: 10 g/t}}}
streams:
  - {device: phone, region: town, available: 10 t, collection: 300 EUR/t}
  - {device: laptop, region: town, available: 10 t, collection: 100 EUR/t}
  - {device: kettle, region: town, available: 5 t, committed: 1 t}
smelters: {works: {returned: {Ag: 90 %}}}
market: {bar: {composition: {Ag: 100 %}, price: 900 EUR/kg, limit: 2 kg}}
alloys: {silver: {composition: {Ag: 100 %}}}
medals: {m: {count: 20, parts: {silver: 400 g}}}
payers: {default: committee}
scenarios: {poorer: {"devices.*.content.Ag": 95 %}, none: {"streams.*.available": 50 %}}
mixes: {half: {phone: 50 %}}
"""
STORED = """
format: medalopt/1
name: bars
currency: EUR
metals: {Ag: {}}
market: {bar: {composition: {Ag: 100 %}, price: 800 EUR/kg, lot: 31.1 kg, storable: true}}
alloys: {silver: {composition: {Ag: 100 %}}}
medals: {m: {count: 170, parts: {silver: 500 g}}}
"""
WRONG = "format: medalopt/1\nname: wrong\ncurrency: EUR\nmetals: {Ag: {sell: 5 km}}\n"
FRACTIONS = str(ROOT / "instances/fractions.yaml")
STEPS = str(ROOT / "instances/price_steps.yaml")
LOTS = str(ROOT / "tests/solver/lots.yaml")
STEEL = str(ROOT / "instances/steel_mill.yaml")
LIST = "scenario,medals.m.count\nfewer,10\nnone,many\n"
UNCERTAIN = str(ROOT / "tests/instance/uncertain.yaml")
POOLED = str(ROOT / "tests/model/golden/pooled_settlement.yaml")
ADDED = "import pyomo.environ as pyo\n\n\ndef extend(model, instance):\n" + "".join(
    f"    {line}\n"
    for line in (
        "model.own = pyo.Var(bounds=(0, 10))",
        "model.own_limit = pyo.Constraint(expr=model.tonnes + model.own <= 40)",
    )
)


@dataclass
class Member:
    """A documented member: its types, whether it may be absent, and whether an output has it."""

    types: set[str]
    optional: bool
    seen: bool = False


@dataclass
class Checker:
    """Compare outputs with the documented members of some sections and collect differences."""

    members: Mapping[str, Member]
    wrong: set[str] = field(default_factory=set)

    def check(self, node: Any, path: str = "") -> None:
        """Check a value and everything in it."""
        if isinstance(node, dict):
            for key, value in node.items():
                self._check_member(
                    value, next((at for at in _name(path, key) if at in self.members), _name(path, key)[0])
                )
            start = f"{path}." if path else ""
            for at, member in self.members.items():
                name = at.removeprefix(start)
                if at.startswith(start) and re.fullmatch(r"\w+", name) and not member.optional and name not in node:
                    self.wrong.add(f"{at} is missing")
        elif isinstance(node, list):
            for value in node:
                at = f"{path}[]"
                if at in self.members:
                    self._check_member(value, at)
                elif isinstance(value, dict):
                    self.check(value, at)
                else:
                    self.wrong.add(f"{at} is not documented")

    def _check_member(self, value: Any, at: str) -> None:
        member = self.members.get(at)
        if member is None:
            self.wrong.add(f"{at} is not documented")
            return
        member.seen = True
        if KINDS[type(value)] not in member.types:
            self.wrong.add(f"{at} is {KINDS[type(value)]}, documented as {' or '.join(sorted(member.types))}")
        self.check(value, at)


def _name(path: str, key: str) -> tuple[str, str]:
    """Return the paths under which a member may be documented: by its name, and by `*`."""
    start = f"{path}." if path else ""
    return f"{start}{key}", f"{start}*"


def read_page() -> dict[str, dict[str, Member]]:
    """Return the documented members of each section."""
    text = (ROOT / "docs/reference/json.md").read_text(encoding="utf-8")
    found: dict[str, dict[str, Member]] = {}
    for part in re.split(r"^##+ ", text, flags=re.MULTILINE)[1:]:
        heading, _, body = part.partition("\n")
        rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", body, flags=re.MULTILINE)
        found[heading] = {
            path: Member(set(types.split(",")[0].strip().split(" or ")), ", optional" in types) for path, types in rows
        }
        assert len(found[heading]) == len(rows), f"a member of {heading} stands twice"
    return found


def run(*arguments: str) -> list[Any]:
    """Return the JSON objects that a command prints."""
    text = here(*arguments, "--json").out
    return [json.loads(part) for part in ([text] if text.startswith("{\n") else text.splitlines())]


def read_golden(*names: str) -> list[Any]:
    """Return the JSON objects in golden files."""
    texts = [(GOLDEN / f"{name}.json").read_text(encoding="utf-8") for name in names]
    return [json.loads(part) for text in texts for part in ([text] if text.startswith("{\n") else text.splitlines())]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Return the path of an instance or extension, by name."""
    folder = tmp_path_factory.mktemp("instances")
    for name, text in {
        "small.yaml": ONE_TOWN,
        "stored.yaml": STORED,
        "wrong.yaml": WRONG,
        "added.py": ADDED,
        "list.csv": LIST,
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
    return lambda name: str(folder / name)


def list_outputs(files: Callable[[str], str]) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    """Yield sections of the page, and outputs that have the members of all of them together."""
    small = files("small.yaml")
    yield ("Errors and warnings",), run("check", files("wrong.yaml"))
    yield ("check", "instance"), [*read_golden("check"), *run("check", POOLED)]
    plans = [
        ("solve", POOLED),
        ("solve", STEEL),
        ("solve", FRACTIONS),
        ("solve", STEPS),
        ("solve", files("stored.yaml")),
        ("solve", UNCERTAIN),
        ("solve", small, "--extend", files("added.py")),
        ("solve", small, "--set", "smelters.*.lot_charge=1"),
        ("solve", small, "--set", "medals.m.shortfall=100", "--set", "market.bar.limit=0"),
    ]
    yield ("solve", "instance"), [*read_golden("solve"), *(each for words in plans for each in run(*words))]
    lots = run("solve", LOTS, "--set", "streams.phone@north.lot=7 t", "--set", "market.silver.limit=1 kg")
    yield ("infeasible", "instance"), [*read_golden("solve-infeasible", "explain-infeasible"), *lots]
    explained = [*run("explain", files("stored.yaml")), *run("explain", LOTS)]
    yield ("explain", "instance"), [*read_golden("explain"), *explained]
    alone = run("explain", TINY, "streams.kettle@west")[0]  # of a bundle
    bundle = {**alone, "explanation": {"stream": alone["explanation"]["bundle"], "bundle": None}}
    yield ("explain-stream", "instance"), [{**alone, "explanation": {**alone["explanation"], "bundle": None}}, bundle]
    yield ("sensitivity", "instance", "ranges"), [*read_golden("sensitivity"), *run("sensitivity", LOTS)]
    vary = ("sensitivity", small, "--vary", "medals.m.count=18..20")
    curves = [*read_golden("sensitivity-vary"), *run(*vary, "--budget", "10_000")]
    curves += run("sensitivity", LOTS, "--vary", "market.silver.price=600..700 JPY/kg")
    yield ("sensitivity", "instance", "curve"), curves
    yield ("sensitivity", "instance", "map"), run(*vary, "--vary", "alloys.silver.loss=0..1%")
    others = ("without", "delay", "scenarios", "mix", "premium", "tornado", "global")
    flags = ["--without", "--delay", "1", "--scenarios", "--device-mix", "--triangle", "phone,laptop,kettle"]
    flags += ["--tornado", "--global", "8", "--jobs", "1"]
    yield ("sensitivity", "instance", *others), run("sensitivity", small, *flags)
    yield ("compare",), [*read_golden("compare"), *run("compare", TINY, INFEASIBLE)][:1]
    listed = run("sweep", small, "--list", files("list.csv"), "--jobs", "1")
    yield ("sweep",), [*read_golden("sweep"), *listed]
    yield ("risk", "instance"), run("risk", UNCERTAIN, "--draws", "1000")
    yield ("confidence", "instance"), run("risk", UNCERTAIN, "--price-of-confidence")
    informed = run("risk", UNCERTAIN, "--information", "--confidence", "60%")
    yield ("information", "instance"), [*informed, *run("risk", UNCERTAIN, "--information", "--confidence", "50.0001%")]
    changes = ("--set", "medals.*.shortfall=90_000", "--set", "market.silver.option=10")
    yield ("stochastic", "instance"), run("stochastic", UNCERTAIN, "--draws", "3", *changes)
    yield ("verify",), read_golden("verify", "verify-refused")
    yield ("solve", "instance", "plan"), run("plan", small, "--brief")


def test_every_member_is_documented(files: Callable[[str], str]) -> None:
    """Every printed member and type is on the page, and every member of the page is printed unless optional."""
    sections = read_page()
    wrong: dict[str, list[str]] = {}
    for names, outputs in list_outputs(files):
        checker = Checker({path: member for name in names for path, member in sections[name].items()})
        for output in outputs:
            checker.check(output)
        wrong[", ".join(names)] = sorted(checker.wrong)
    unseen = {
        name: [path for path, member in members.items() if not member.seen and not member.optional]
        for name, members in sections.items()
    }
    assert {name: rows for name, rows in wrong.items() if rows} == {}
    assert {name: rows for name, rows in unseen.items() if rows} == {}


def test_what_the_page_lacks_is_seen() -> None:
    """A member that is not documented, one of another type and one that is missing are found where they are planted."""
    members = {"a": Member({"text"}, False), "b": Member({"list"}, False), "b[].c": Member({"number"}, False)}
    checker = Checker(members)
    checker.check({"a": 1, "b": [{"c": 1}, {"d": 2}], "e": None})
    planted = {"a is number, documented as text", "b[].d is not documented", "b[].c is missing", "e is not documented"}
    assert checker.wrong == planted
