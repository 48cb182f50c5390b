"""Whole lots and minimum orders at the command line: report, files, verify, explain and export."""

from __future__ import annotations

import json
from pathlib import Path

import highspy
import numpy as np
import pytest
from tests.cli.runs import TINY, here, plain
from tests.report.reading import mentions

import medalopt
from medalopt.instance.arithmetic import EXACT_ARITHMETIC, FLOAT_ARITHMETIC, INTERVAL_ARITHMETIC
from medalopt.instance.bounds import compute_bounds
from medalopt.proof.certificate import certify_plan

LOTS = str(Path(__file__).parents[1] / "solver" / "lots.yaml")
SEVEN = ("--set", "streams.phone@north.lot=7 t", "--set", "market.silver.limit=1 kg")


def test_a_plan_in_whole_lots_is_shown_as_what_it_is() -> None:
    """Exit code 0; it is called feasible, within its share of the best plan without whole lots."""
    ran = here("solve", LOTS)
    assert (ran.code, ran.err) == (0, "")
    said = " ".join(ran.out.split())
    assert mentions(said, "bound of the solver", "whole lots", numbers=(6.2,))
    assert not any(word in ran.out.lower() for word in ("worth", "scarce", "bottleneck"))
    told = json.loads(here("solve", LOTS, "--json").out)
    assert told["status"] == "feasible" and told["solver"]["method"].startswith("branch and bound")


def test_a_gap_that_cannot_be_proven_ends_with_4() -> None:
    """An unproven gap gives exit code 4 with the plan and the gap reached."""
    ran = here("solve", LOTS, "--gap", "1 %")
    assert ran.out.splitlines()[1].startswith("  The gap asked for is not proven. Optimal by branch and bound")
    assert ran.code == 4 and json.loads(here("solve", LOTS, "--gap", "1 %", "--json").out)["status"] == "feasible"
    assert here("solve", LOTS, "--gap", "7 %").code == 0


def test_verify_looks_at_lots_too(tmp_path: Path) -> None:
    """The plan is accepted as it was written; against other lots, or another minimum order, it is not."""
    path = tmp_path / "plan.json"
    assert here("solve", LOTS, "-o", str(path)).code == 0
    assert here("verify", str(path), LOTS).code == 0
    for change, rule in (("lot=3 t", "whole_lots"), ("minimum_order=17 t", "least_order")):
        ran = here("verify", str(path), LOTS, "--json", "--set", f"streams.phone@north.{change}")
        told = json.loads(ran.out)
        assert ran.code == 1
        (broken,) = (row for row in told["broken"] if row["rule"] == "whole lots")
        assert broken["path"].startswith(rule) and broken["amount"] == pytest.approx(1)


def test_purchases_are_looked_at_as_well(tmp_path: Path) -> None:
    """So are lots and minimum orders of an offer."""
    path = tmp_path / "plan.json"
    assert here("solve", LOTS, "-o", str(path), "--set", "market.silver.price=600 JPY/kg").code == 0
    for change, rule in (("lot=4 kg", "whole_lots"), ("minimum_order=7 kg", "least_order")):
        ran = here("verify", str(path), LOTS, "--json", "--set", f"market.silver.{change}")
        assert [
            row["path"].partition(".")[0] for row in json.loads(ran.out)["broken"] if row["rule"] == "whole lots"
        ] == [rule]


def test_every_arithmetic_finds_the_lots_whole() -> None:
    """Floats, fractions and enclosures agree on a plan in lots that no double holds exactly."""
    plan = medalopt.solve(medalopt.load(LOTS, {"streams.phone@north.lot": "0.7 t"}))
    for arithmetic in (FLOAT_ARITHMETIC, EXACT_ARITHMETIC, INTERVAL_ARITHMETIC):
        certificate = certify_plan(
            plan.account, compute_bounds(plan.instance, plan.account.routes), plan.duals, "cost", arithmetic
        )
        assert certificate.primal_violation <= 1e-9
        assert certificate.gap == pytest.approx(plan.certificate.gap, rel=1e-6)


def test_no_plan_in_whole_lots_ends_with_3() -> None:
    """One line says that no plan in whole lots was found and that one without lots exists; the report says why."""
    ran = here("solve", LOTS, *SEVEN)
    warning, *lines = ran.err.splitlines()
    assert ran.code == 3 and len(lines) == 1 and plain(ran.err)
    assert warning.startswith("warning: ") and "market.silver.minimum_order: 3 kg" in warning
    assert "by search, not proven" in ran.err and "without them a plan exists" in ran.err
    assert mentions(
        ran.out, "Without lots a plan exists", "2 cases", "multiples of 7 t", "lots of phone@north of 3.5 t"
    )
    told = json.loads(here("solve", LOTS, "--json", *SEVEN).out)
    assert told["status"] == "infeasible" and told["diagnosis"]["refuted_cases"] == 2
    assert [(row["path"], row["amount"]) for row in told["diagnosis"]["conflict"]] == [
        ("streams.phone@north.lot", 7.0),
        ("medals.medal.count", 30.0),
        ("market.silver.limit", 1.0),
        ("streams.phone@north.available", 18.0),
    ]
    repairs = {
        row["changes"][0]["path"]: (row["changes"][0]["to"], row["objective"]) for row in told["diagnosis"]["repairs"]
    }
    assert repairs == {
        "medals.medal.count": (28, 14_000),
        "market.silver.limit": (3, 16_700),
        "streams.phone@north.lot": (3.5, 17_500),
        "streams.phone@north.available": (21, 21_000),
    }


def test_no_plan_at_all_is_diagnosed_without_lots() -> None:
    """If infeasible without lots too, the diagnosis is that of the instance without lots."""
    ran = here(
        "solve", LOTS, "--json", "--set", "streams.phone@north.available=1 t", "--set", "market.silver.limit=1 kg"
    )
    assert ran.code == 3 and "(proven)" in ran.err
    assert mentions(ran.err, "whole lots and minimum orders", "ignored")
    assert json.loads(ran.out)["diagnosis"]["repairs"]


def test_explain_keeps_the_lots_of_the_plan() -> None:
    """Prices hold with the lots of the plan kept, as the title says: of 16 t in lots one medal more costs nothing."""
    ran = here("explain", LOTS)
    assert ran.code == 0 and "with the lots of the plan kept" in ran.out.splitlines()[0] and not ran.err
    told = json.loads(here("explain", LOTS, "--json").out)["explanation"]
    prices = {row["path"]: (row["more"], row["fewer"]) for row in told["prices"]}
    assert prices == {"metals.Ag": (0, 0), "medals.medal.count": (0, 0)}
    stream = here("explain", LOTS, "streams.phone@north")
    assert stream.code == 0 and "With the lots of the plan kept" in stream.out


def test_explain_by_hand() -> None:
    """Two lots of 5 t: a tonne more costs 100 JPY, lots kept or re-planned; a tonne less saves nothing."""
    told = json.loads(here("explain", str(Path(LOTS).with_name("activities.yaml")), "--json").out)
    explained = told["explanation"]
    (medal,) = (row for row in explained["prices"] if row["path"] == "medals.medal.count")
    assert (medal["more"], medal["fewer"]) == (pytest.approx(100), pytest.approx(0))
    assert explained["lots"]["charges"] == pytest.approx(630)
    assert [row["more"] for row in explained["lots"]["replanned"]] == [pytest.approx(100)]
    assert sum(row["value"] for row in explained["invoice"]) == pytest.approx(told["objective"]["value"])


def test_ranges_replan_only_values_that_are_allowed() -> None:
    """By hand: 10 % more than 5 kg committed exceeds the limit of 5.2 kg; 10 % less saves 0.5 kg at 300 JPY."""
    values = ("committed=5 kg", "limit=5.2 kg", "price=400 JPY/kg")
    changes = [part for value in values for part in ("--set", f"market.silver.{value}")]
    ran = here("sensitivity", str(Path(LOTS).with_name("activities.yaml")), *changes, "--json")
    assert ran.code == 0, ran.err
    rows = {row["path"]: row["resolved"] for row in json.loads(ran.out)["lots"]["replanned"]}
    assert rows["market.silver.committed"] == [pytest.approx(-150), None]


def test_explain_leaves_lots_out_with_extensions(tmp_path: Path) -> None:
    """Where the lots of a plan cannot be kept, title and a line on standard error say that they are left out."""
    path = tmp_path / "none.py"
    path.write_text("def extend(model, instance):\n    pass\n", encoding="utf-8")
    ran = here("explain", LOTS, "--extend", str(path))
    assert ran.code == 0 and "without whole lots and minimum orders" in ran.out.splitlines()[0]
    assert mentions(ran.err, "market.silver.lot: ", "ignored", "cannot be kept")


@pytest.mark.parametrize("form", ["lp", "mps"])
def test_the_exported_program_asks_for_whole_numbers(form: str, tmp_path: Path) -> None:
    """HiGHS reads the file as a mixed-integer program with the same optimum."""
    path = tmp_path / f"lots.{form}"
    assert here("export", LOTS, "-o", str(path)).code == 0
    solver = highspy.Highs()
    solver.silent()
    assert solver.readModel(str(path)) == highspy.HighsStatus.kOk
    lp = solver.getLp()
    whole = {name for name, kind in zip(lp.col_names_, lp.integrality_, strict=True) if "Integer" in str(kind)}
    assert len(whole) == 4 and all(name.startswith(("lots", "ordered", "offer_")) for name in whole)
    upper = dict(zip(lp.col_names_, np.array(lp.col_upper_).tolist(), strict=True))
    assert sorted(upper[name] for name in whole) == [1.0, 1.0, np.inf, np.inf]
    solver.run()
    assert solver.getInfo().objective_function_value == pytest.approx(16_000)


def test_what_whole_lots_cost_is_reported() -> None:
    """By hand: 16,000 JPY instead of 15,000; the terminal says so, and JSON beside the certified bound."""
    told = " ".join(here("solve", LOTS).out.split())
    assert mentions(told, "Whole lots", numbers=(1_000, 6.7, 15_000))
    lots = json.loads(here("solve", LOTS, "--json").out)["lots"]
    assert lots == pytest.approx({"without": 15_000, "lower_bound": 15_000, "extra": 1_000, "above_bound": 1_000})
    free = here("solve", LOTS, "--set", "streams.phone@north.lot=5 t").out
    assert "Whole lots cost nothing more" in free


def test_marginal_values_are_those_at_the_chosen_lots() -> None:
    """With 12 t of phones fixed and any silver bought, a medal more is a kilogram of silver more: 600 JPY, not 500.

    Of phones, whose lots are fixed, there is no value; without lots the prices are not there.
    """
    cheap = ("--set", "market.silver.price=600 JPY/kg", "--set", "market.silver.lot=null")
    told = json.loads(here("solve", LOTS, "--json", *cheap, "--set", "market.silver.minimum_order=null").out)
    values = {row["path"]: row["value"] for row in told["prices_at_lots"]}
    assert values == pytest.approx({"metals.Ag": 600, "medals.medal.count": 600})
    assert {row["path"]: row["value"] for row in told["prices"]}["medals.medal.count"] == pytest.approx(500)
    ran = here("solve", LOTS, *cheap, "--set", "market.silver.minimum_order=null", "--full").out
    assert mentions(ran, "at the chosen lots", "medals.medal.count", numbers=(600,))
    assert "prices_at_lots" not in json.loads(here("solve", str(TINY), "--json").out)


def test_a_saved_plan_keeps_what_lots_cost(tmp_path: Path) -> None:
    """As JSON and as a folder it is accepted; with another figure in it, `verify` says which one does not follow."""
    for name in ("plan.json", "plan"):
        assert here("solve", LOTS, "-o", str(tmp_path / name)).code == 0
        assert here("verify", str(tmp_path / name), LOTS).code == 0
    path = tmp_path / "plan.json"
    saved = json.loads(path.read_text())
    for name, value in (("extra", 0.0), ("above_bound", 10.0), ("without", 14_000.0), ("lower_bound", 15_500.0)):
        path.write_text(json.dumps({**saved, "lots": {**saved["lots"], name: value}}))
        ran = here("verify", str(path), LOTS, "--json")
        assert ran.code == 1 and f"lots.{name}" in {row["path"] for row in json.loads(ran.out)["broken"]}
