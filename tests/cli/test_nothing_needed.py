"""Instances without demand, and with a note on the whole file: every command succeeds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.runs import TINY, here

SMALL = """format: medalopt/1
name: small
currency: EUR
metals: {{Ag: {{}}}}
market: {{b: {{composition: {{Ag: 100 %}}, price: 1 EUR/kg}}}}
alloys: {{f: {{composition: {{Ag: [99 %, 100 %]}}}}}}
medals: {{w: {{count: {count}, parts: {{f: {parts}}}}}}}
"""
VERBS = [
    ("check",),
    ("solve",),
    ("solve", "--objective", "mass"),
    ("solve", "--objective", "footprint"),
    ("explain",),
    ("sensitivity",),
    ("sensitivity", "--tornado"),
    ("plan",),
    ("plan", "--round", "5t"),
    ("plan", "--round", "1e12t", "--brief"),
]


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
@pytest.mark.parametrize(("count", "parts"), [("0", "400 g"), ("-0", "400 g"), ("30", "0 g")])
def test_no_medals_to_make(verb: tuple[str, ...], count: str, parts: str, tmp_path: Path) -> None:
    """The optimal plan of an instance without demand takes 0 t and is proven."""
    path = tmp_path / "small.yaml"
    path.write_text(SMALL.format(count=count, parts=parts), encoding="utf-8")
    ran = here(verb[0], str(path), *verb[1:])
    assert (ran.code, "Traceback" in ran.err) == (0, False), ran.err
    if verb == ("solve",):
        told = json.loads(here("solve", str(path), "--json").out)
        assert (told["status"], told["objective"]["value"], told["purchases"]) == ("optimal", 0.0, [])


def test_a_load_larger_than_all_there_is() -> None:
    """Loads of a billion tonnes are refused, as no source fills one, and not by an internal error."""
    ran = here("plan", TINY, "--round", "1e12t", "--brief")
    assert ran.code == 2 and "--round 1e+12 t: " in ran.err


@pytest.mark.parametrize("form", ["xlsx", "html", "json", ""])
def test_a_remark_on_the_whole_file(form: str, tmp_path: Path) -> None:
    """`note` and `source` at the top of a file are in the plan, whatever its form, also for figures without own."""
    path, output = tmp_path / "noted.yaml", tmp_path / f"plan{form and '.'}{form}"
    text = Path(TINY).read_text(encoding="utf-8")
    path.write_text(f"{text}\nnote: checked by AB\nsource: [survey of 2016 (seen)]\n", encoding="utf-8")
    ran = here("plan", str(path), "--brief", "-o", str(output))
    assert ran.code == 0, ran.err
    if form == "":
        rows = (output / "assumptions.csv").read_text(encoding="utf-8-sig").splitlines()
        assert rows[1] == "(the whole file),,seen,survey of 2016 (seen),checked by AB"
        assert any(row.startswith("metals.Ag.holding,100 JPY/kg,seen,survey of 2016") for row in rows)
        assert any(row.startswith("streams,6 rows,seen,survey of 2016") for row in rows)
