"""docs/reference/messages.md has every kind of error and warning, and an input of each kind gets it."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import medalopt
from medalopt import errors
from medalopt.errors import CoefficientRangeError, FaultKind, InputError, MedaloptError, UsageError

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/messages.md").read_text(encoding="utf-8")
BASE = """format: medalopt/1
name: base
currency: EUR
periods: {count: 2}
metals: {Ag: {}}
devices: {phone: {content: {Ag: 1 kg/t}}}
streams:
  - {device: phone, region: town, available: 10 t}
smelters: {works: {returned: {Ag: 90 %}}}
market: {bar: {composition: {Ag: 100 %}, price: 900 EUR/kg}}
alloys: {silver: {composition: {Ag: 100 %}}}
medals: {m: {count: 2, parts: {silver: 400 g}}}
"""
ERRORS = {
    FaultKind.SYNTAX: ("name: base", "name: [base"),
    FaultKind.ENCODING: ("name: base", "name: \xe9"),
    FaultKind.UNKNOWN_KEY: ("count: 2", "cuont: 2"),
    FaultKind.MISSING: ("currency: EUR\n", ""),
    FaultKind.STRUCTURE: ("metals: {Ag: {}}", "metals: [Ag]"),
    FaultKind.VALUE: ("price: 900 EUR/kg", "price: 900 km"),
    FaultKind.UNIT_MASS: ("Ag: 1 kg/t", "Ag: 1 mg/unit"),
    FaultKind.DUPLICATE: ("name: base", "name: base\nname: base"),
    FaultKind.CONFLICT: ("available: 10 t", "available: 10 t, total: 10 t"),
    FaultKind.FILE: ("\n  - {device: phone, region: town, available: 10 t}", " {table: ../streams.csv}"),
}
WARNINGS = {
    FaultKind.NO_EFFECT: ("name: base", "name: base\nexchange: {USD: 2 EUR}"),
    FaultKind.UNREACHABLE: ("returned: {Ag: 90 %}", "returned: {Ag: 90 %}, accepts: []"),
    FaultKind.UNUSED: ("alloys: {silver:", "alloys: {spare: {composition: {Ag: 100 %}}, silver:"),
    FaultKind.NEVER_CAST: ("silver: {composition: {Ag: 100 %}}", "silver: {composition: {Ag: [1 %, 90 %]}}"),
    FaultKind.LATE_METAL: ("returned: {Ag: 90 %}", "returned: {Ag: 90 %}, lead: 2"),
    FaultKind.UNIT_MISSING: ("silver: 400 g", "silver: 400"),
    FaultKind.RICH_FEED: ("Ag: 1 kg/t", "Ag: 900 kg/t"),
    FaultKind.REFINING_WITHOUT_PRICE: ("returned: {Ag: 90 %}", "returned: {Ag: 90 %}, refining_charge: 5 EUR/kg"),
    FaultKind.FREE_OFFER: ("price: 900 EUR/kg", "price: 0 EUR/kg"),
    FaultKind.MINIMUM_ORDER: ("available: 10 t", "available: 10 t, minimum_order: 20 t"),
    FaultKind.SIMILAR_NAMES: ("devices: {phone:", "devices: {Phone: {}, phone:"),
}


def test_the_page_has_every_kind() -> None:
    """Each kind of fault, and each error without a place, has a section with cause and remedy, and no other has."""
    parts = {part.partition("\n")[0]: part for part in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]}
    placed = {MedaloptError, InputError, UsageError, CoefficientRangeError}
    others = [
        name
        for name, one in inspect.getmembers(errors, inspect.isclass)
        if issubclass(one, MedaloptError) and one not in placed
    ]
    assert sorted(parts) == sorted([*FaultKind, *others])
    assert [name for name, text in parts.items() if not ("**Cause.**" in text and "**Remedy.**" in text)] == []


def test_every_kind_is_used() -> None:
    """Each kind is that of a message somewhere in the package."""
    sources = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "src/medalopt").rglob("*.py") if path.name != "errors.py"
    )
    assert [kind.name for kind in FaultKind if f"FaultKind.{kind.name}" not in sources] == []


def write(folder: Path, before: str, after: str, encoding: str = "utf-8") -> Path:
    """Write the instance with one part replaced."""
    assert before in BASE
    path = folder / "base.yaml"
    path.write_bytes(BASE.replace(before, after, 1).encode(encoding))
    return path


@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_has_its_kind(kind: FaultKind, tmp_path: Path) -> None:
    """Each planted mistake is an error of the kind whose section gives the remedy."""
    with pytest.raises(InputError) as raised:
        medalopt.load(write(tmp_path, *ERRORS[kind], encoding="latin-1"))
    assert kind in {fault.kind for fault in raised.value.faults}


@pytest.mark.parametrize("kind", WARNINGS)
def test_a_warning_has_its_kind(kind: FaultKind, tmp_path: Path) -> None:
    """Each unusual value is a warning of the kind whose section gives the remedy."""
    instance = medalopt.load(write(tmp_path, *WARNINGS[kind]))
    assert kind in {fault.kind for fault in instance.warnings}, [str(fault) for fault in instance.warnings]
