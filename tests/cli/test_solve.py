"""`medalopt solve`: printed report, written files, and reports of infeasibility."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.runs import INFEASIBLE, ROOT, TINY, here, plain
from tests.report.reading import mentions

ONLY_STATUS = {"format", "status", "instance", "objective"}


def test_a_plan_is_printed_for_a_person() -> None:
    """Title, answer and tables go to standard output without control codes; standard error is empty."""
    ran = here("solve", TINY)
    assert (ran.code, ran.err) == (0, "")
    assert plain(ran.out)
    lines = ran.out.splitlines()
    assert lines[0] == "A small case in which every kind of constraint binds"
    assert lines[1].strip().startswith("Optimal")
    assert mentions(lines[2], "JPY", numbers=(3.35e6,))
    assert len(lines) <= 40 < len(here("solve", TINY, "--full").out.splitlines())


def test_written_and_printed_json_are_the_same(tmp_path: Path) -> None:
    """`-o NAME.json` writes the bytes that `--json` prints, and says so on standard error."""
    ran = here("solve", TINY, "--json", "-o", str(tmp_path / "plan.json"))
    assert ran.code == 0
    assert (tmp_path / "plan.json").read_text(encoding="utf-8") == ran.out
    assert ran.err.startswith(f"{tmp_path / 'plan.json'}: ") and len(ran.err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


def test_a_folder_of_csv_is_written(tmp_path: Path) -> None:
    """`-o FOLDER` writes a table for every part of the plan, and the same folder may be written again."""
    for _ in range(2):
        assert here("solve", TINY, "-o", str(tmp_path / "plan")).code == 0
    names = {path.name for path in (tmp_path / "plan").iterdir()}
    assert names == {
        *("casts.csv", "duals.csv", "melts.csv", "metals.csv", "plan.csv"),
        *("prices.csv", "purchases.csv", "shipments.csv", "stockpiles.csv", "datapackage.json"),
    }
    assert [path.name for path in tmp_path.iterdir()] == ["plan"]


@pytest.mark.parametrize(("objective", "unit"), [("cost", "JPY"), ("footprint", "kg CO2e"), ("mass", "t")])
def test_what_is_made_least_can_be_chosen(objective: str, unit: str) -> None:
    """Each objective is minimised, reported in its unit, and not lower under any other."""
    values = {}
    for measure in ("cost", "footprint", "mass"):
        told = json.loads(here("solve", TINY, "--json", "--objective", measure).out)
        values[measure] = {"cost": told["cost"]["total"], "footprint": told["footprint"], "mass": told["tonnes"]}
        if measure == objective:
            assert told["objective"]["unit"] == unit
            assert told["objective"]["value"] == values[measure][objective]
    assert min(values, key=lambda measure: (values[measure][objective], measure != objective)) == objective
    printed = here("solve", TINY, "--objective", objective)
    assert printed.code == 0
    assert printed.out.splitlines()[2].startswith("  Minimum " if objective != "cost" else "  Total cost: 3.35 m JPY")


def test_a_figure_changes_for_one_run() -> None:
    """`--set` changes the plan, and the file stays as it is."""
    before = Path(TINY).read_bytes()
    ran = here("solve", TINY, "--json", "--set", "medals.gold.count = 39", "--set", "medals.silver.count=21")
    assert ran.code == 0
    assert json.loads(ran.out)["cost"]["total"] != json.loads(here("solve", TINY, "--json").out)["cost"]["total"]
    assert Path(TINY).read_bytes() == before


def test_an_extension_binds() -> None:
    """`--extend` adds a constraint: the cost rises, and the certificate states its scope."""
    own = str(ROOT / "models/extensions/silver_cap.py")
    free, bound = (json.loads(here("solve", TINY, "--json", *more).out) for more in ([], ["--extend", own]))
    assert bound["cost"]["total"] > free["cost"]["total"]
    assert bound["certificate"]["scope"] == "instance and 2 added rows"


def test_no_plan_ends_with_3_and_what_is_known() -> None:
    """If infeasible, conflict and repairs are printed as text and as JSON rows."""
    ran = here("solve", INFEASIBLE)
    assert ran.code == 3
    (line,) = ran.err.splitlines()
    assert mentions(line, "infeasible: ", "plan", "proven")
    title, why, *_ = ran.out.splitlines()
    assert title.startswith("Twelve medals, too early and from too little silver")
    assert mentions(why, "silver", "2017-05", numbers=(6.6,))
    told = json.loads(here("solve", INFEASIBLE, "--json").out)
    assert told.keys() >= ONLY_STATUS and told["status"] == "infeasible"
    assert told["proof"].keys() == {"arithmetic", "scope", "margin", "duals"} and told["proof"]["margin"] > 0
    assert told["diagnosis"].keys() == {"conflict", "repairs"}


def test_no_plan_writes_nothing(tmp_path: Path) -> None:
    """If infeasible, no output is written, and one of an earlier run is kept."""
    (tmp_path / "plan.json").write_text("earlier", encoding="utf-8")
    assert here("solve", INFEASIBLE, "-o", str(tmp_path / "plan.json")).code == 3
    assert (tmp_path / "plan.json").read_text(encoding="utf-8") == "earlier"


def test_a_best_plan_without_end_ends_with_3(tmp_path: Path) -> None:
    """An extension that makes the cost unbounded is reported, without a bound."""
    own = tmp_path / "falling.py"
    own.write_text(
        "import pyomo.environ as pyo\n\n\ndef extend(model, instance):\n"
        "    model.gift = pyo.Var(domain=pyo.NonNegativeReals)\n"
        "    model.objective.set_value(model.objective.expr - model.gift)\n",
        encoding="utf-8",
    )
    ran = here("solve", TINY, "--json", "--extend", str(own))
    assert ran.code == 3
    assert json.loads(ran.out)["status"] == "unbounded"
    assert len(ran.err.splitlines()) == 1 and "extension" in ran.err


def test_warnings_are_a_line_each_on_standard_error(tmp_path: Path) -> None:
    """Each warning is one line on standard error, and the plan is printed."""
    text = Path(TINY).read_text(encoding="utf-8")
    odd = tmp_path / "odd.yaml"
    odd.write_text(text.replace("Ag: 1_000 g/t, Cu: 100 kg/t", "Ag: 600 kg/t, Cu: 100 kg/t"), encoding="utf-8")
    ran = here("solve", str(odd), "--json")
    assert ran.code in (0, 3) and json.loads(ran.out)
    lines = [line for line in ran.err.splitlines() if line.startswith("warning: ")]
    assert lines and all(plain(line) and str(odd) in line for line in lines)
