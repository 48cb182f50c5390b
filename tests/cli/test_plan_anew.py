"""`medalopt plan --after`: actuals before the plan of the remaining horizon, in every form, and verified."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
from tests.analysis.replanned import solve_replan
from tests.analysis.replanning.test_replan import BASE, LOTS, SIGNED
from tests.cli.runs import Run, here
from tests.report.reading import mentions

import medalopt
from medalopt.analysis.replanning.replan import make_replan_problem
from medalopt.report.replanning import _summarize_actuals

ANEW = ("--after", "2018-02", "--actuals", "actuals.csv")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the instance and both files, in which commands run."""
    shutil.copy(BASE, tmp_path / "base.yaml")
    (tmp_path / "actuals.csv").write_text(LOTS)
    (tmp_path / "signed.csv").write_text(SIGNED)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def plan(*arguments: str) -> Run:
    """Replan the instance with all actuals and contracts."""
    return here("plan", "base.yaml", *ANEW, "--frozen", "signed.csv", *arguments)


def test_what_happened_comes_first(desk: Path) -> None:
    """Summary of actuals, tables of plan against actual, then the plan of the remaining horizon."""
    ran = plan("--full")
    out = " ".join(ran.out.split())
    assert ran.code == 0
    assert mentions(out, "base", "2018-02")
    assert mentions(out, "2018-02", numbers=(3.248, 5.444, 1))  # tonnes sent, planned, signed
    assert mentions(out, "ilver", numbers=(1.7, 5.4, 4.41, 13.25))  # kg back, planned, awaited, to be melted
    assert mentions(out, "first plan", "'in transit'")
    order = ["Metal: plan against actual", "Devices: plan against actual", "Cost: first plan and now", "Settled lots"]
    order += ["Metal in transit", "Contracted shipments", "Award table"]
    assert sorted(order, key=out.index) == order


def test_it_is_verified_with_the_same_files(desk: Path) -> None:
    """`verify` accepts the plan with its files, and rejects it without them or with another month."""
    assert plan("-o", "plan.json").code == 0
    known = ("--actuals", "actuals.csv", "--frozen", "signed.csv")
    assert here("verify", "plan.json", "--after", "2018-02", *known).code == 0
    assert here("verify", "plan.json", "base.yaml").code == 1
    assert here("verify", "plan.json", "base.yaml", *ANEW).code == 1
    assert set(json.loads((desk / "plan.json").read_text())["instance"]["files"]) == {
        "base.yaml",
        "actuals.csv",
        "signed.csv",
    }


def test_tables_and_json_hold_it(desk: Path) -> None:
    """The CSV folder can be written again; JSON has the same rows, and totals agree."""
    for _ in range(2):
        assert plan("-o", "folder").code == 0
    sourcing = json.loads(plan("--json").out)["sourcing"]["tables"]
    for key in ("actual_metal", "actual_devices", "actual_cost", "actual_yield", "actual_lots", "on_its_way", "signed"):
        with (desk / "folder" / f"{key}.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == len(sourcing[key]["rows"]) > 0
    instance = medalopt.load("base.yaml")
    found = solve_replan(make_replan_problem(instance, "2018-02", desk / "actuals.csv", desk / "signed.csv"))
    now = sum(row["now"] for row in sourcing["actual_cost"]["rows"])
    first = sum(row["first_plan"] or 0 for row in sourcing["actual_cost"]["rows"])
    assert now == pytest.approx(found.total_cost) and found.before is not None
    assert first == pytest.approx(found.before.cost)
    (yielded,) = [row for row in sourcing["actual_yield"]["rows"] if row["metal"] == "silver"]
    assert yielded["of_expected"] == pytest.approx(1.7 / (0.9975 * 1.8))
    assert [row["settled"] for row in sourcing["actual_lots"]["rows"]] == ["2018-02", None, None, None, None]


def test_nothing_is_ordered_twice(desk: Path) -> None:
    """Metal in transit or in stock has no call-off and no award; the smelter's instruction includes its feed."""
    sourcing = json.loads(plan("--json").out)["sourcing"]
    parties = {value for document in sourcing["documents"] for value in document["party"].values()}
    assert {"north", "south", "kosaka", "silver"} <= parties
    rows = [row for key in ("orders", "award") for row in sourcing["tables"][key]["rows"]]
    named = parties | {value for row in rows for value in row.values()}
    assert not {name for name in named if isinstance(name, str) and ("in transit" in name or "in stock" in name)}
    papers = {row["party"] for row in sourcing["tables"]["papers"]["rows"]}
    (binding,) = [line for line in sourcing["decision"] if line.startswith("Binding constraints")]
    assert not mentions(binding, "in transit") and not mentions(binding, "in stock")
    assert "in transit" not in papers and {"north", "kosaka"} <= papers
    (toll,) = [document for document in sourcing["documents"] if document["kind"] == "toll-refining instruction"]
    fed = [row for row in toll["lines"]["rows"] if "feed" in row.values()]
    sent = json.loads(plan("--json").out)["shipments"]
    expected = sum(row["tonnes"] for row in sent if row["smelter"] == "kosaka")
    assert sum(value for row in fed for key, value in row.items() if key.startswith("feed")) == pytest.approx(expected)


def test_a_page_with_its_chart(desk: Path) -> None:
    """The page draws silver as planned, as it came and as planned now."""
    assert plan("-o", "plan.html").code == 0
    page = (desk / "plan.html").read_text()
    assert mentions(page, "1.7 kg", "2018-02", "31.5 %", "5.4 kg", "this plan")


def test_of_very_many_lots_those_that_differ_most(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many lots the table shows those that differ from the plan, with the number of all."""
    monkeypatch.setattr("medalopt.report.replanning.MAX_LOTS_LISTED", 1)
    told = json.loads(plan("--json").out)["sourcing"]["tables"]["actual_lots"]
    assert [row["lot"] for row in told["rows"]] == ["A1"] and "1 of 5 lots" in told["notes"][0]


def test_without_a_first_plan(desk: Path) -> None:
    """Without a first plan the actuals are shown alone, with overdue medals and late metal."""
    lots = LOTS.replace("2018-02-20", "2019-02-20")
    (desk / "actuals.csv").write_text(lots)
    instance = medalopt.load("base.yaml", {"medals.early.due": "2018-01", "market.silver.limit": "1 kg"})
    found = solve_replan(make_replan_problem(instance, "2018-02", desk / "actuals.csv"))
    said = " ".join(_summarize_actuals(found))
    assert found.before is None and "planned" not in said and "more than the first plan" not in said
    assert mentions(said, "verdue", "`early`") and "after the last period" in said
    ran = here(
        "plan",
        "base.yaml",
        *ANEW,
        "--set",
        "medals.early.due=2018-01",
        "--set",
        "market.silver.limit=1 kg",
        "-o",
        "p.html",
    )
    assert ran.code == 0
    assert mentions((desk / "p.html").read_text(encoding="utf-8"), "after the last period", "0 kg", "2018-02")


def test_where_the_rest_has_no_plan(desk: Path) -> None:
    """An infeasible remaining horizon: exit code 3, conflicting constraints and repairs."""
    ran = here("plan", "base.yaml", *ANEW, "--set", "market.silver.limit=1 kg", "--set", "medals.medal.count=40")
    assert ran.code == 3 and "base_after_2018-02: " in ran.err
    assert "silver" in ran.out.lower()


@pytest.mark.parametrize(
    ("arguments", "code", "wrong"),
    [
        (("--actuals", "actuals.csv"), 2, "name it by --after"),
        (("--after", "2018-02"), 2, "--after: give what has happened"),
        (("--after", "2018-09", "--actuals", "actuals.csv"), 2, "names no period"),
        (("--after", "2018-02", "--actuals", "none.csv"), 2, "none.csv: cannot be read"),
        (("--after", "2018-01", "--actuals", "actuals.csv"), 2, "actuals.csv:3:5: period: lies after 2018-01"),
        (("--after", "2018-02", "--frozen", "base.yaml"), 2, "base.yaml:1:1: unknown column"),
        ((*ANEW, "-o", "x.doc"), 2, "a report is written as"),
    ],
)
def test_what_cannot_be_planned_again(desk: Path, arguments: tuple[str, ...], code: int, wrong: str) -> None:
    """One line for each fault, with its place."""
    ran = here("plan", "base.yaml", *arguments)
    assert ran.code == code and wrong in ran.err and ran.out == ""


def test_what_happened_is_not_written_over(desk: Path) -> None:
    """-o may not name the sheet that is read."""
    (desk / "sheet.json").symlink_to("actuals.csv")
    assert plan("-o", "sheet.json").code == 5 and (desk / "actuals.csv").read_text() == LOTS


def test_odd_rows_are_reported(desk: Path) -> None:
    """Warnings about both files go to standard error, and the plan is made all the same."""
    (desk / "actuals.csv").write_text(LOTS.replace("1.9,,,\n", "1.9,1.7,,2107-02-20\n"))
    (desk / "signed.csv").write_text(SIGNED + SIGNED.splitlines()[2] + "\n")
    ran = plan("--json")
    assert ran.code == 0 and json.loads(ran.out)
    assert "warning: actuals.csv:3:12: settled_on: `2107-02-20` lies after 2018-06" in ran.err
    assert "warning: signed.csv:6:1: this row repeats line 3" in ran.err
