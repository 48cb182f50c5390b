"""`medalopt compare`: instances, scenarios and saved plans side by side, in every form."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from tests.cli.runs import INFEASIBLE, TINY, Run, here
from tests.report.reading import mentions

from medalopt.analysis import comparison
from medalopt.errors import SolverError
from medalopt.instance.instance import Instance
from medalopt.plan.plan import Plan
from medalopt.report.compare import MAX_BARS

# By hand: 10 kg of silver at 2 kg a tonne: 5 t of phones at 1,000 JPY; in the other file 4 t of 2.5 kg and one kilogram
# less is owed (9 kg: 3.6 t), which `poor` makes 4.5 t again.
BASE = """format: medalopt/1
name: base
currency: JPY
metals: {Ag: {}}
devices: {phone: {content: {Ag: 2 kg/t}}}
streams:
- {device: phone, region: north, available: 18 t, price: 1_000 JPY/t}
smelters: {kosaka: {returned: {Ag: 100 %}}}
market:
  silver: {composition: {Ag: 100 %}, price: 900 JPY/kg}
alloys: {silver: {composition: {Ag: 100 %}}}
medals: {medal: {count: 10, parts: {silver: 1 kg}}}
scenarios: {poor: {"devices.*.content.Ag": 80 %}, none: {"streams.*.available": 0 %, market.silver.limit: 1 kg}}
"""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the two files above, in which commands run."""
    (tmp_path / "base.yaml").write_text(BASE)
    changed = BASE.replace("2 kg/t", "2.5 kg/t").replace("count: 10", "count: 9").replace("name: base", "name: other")
    changed = changed.replace("price: 900 JPY/kg", "price: 0.9 JPY/g").replace(
        "smelters: {kosaka", "smelters: {naoshima"
    )
    (tmp_path / "other.yaml").write_text(changed)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read_rows(ran: Run) -> dict[str, list[dict[str, object]]]:
    """Return the JSON object of a run that went well."""
    assert ran.code == 0, ran.err
    result: dict[str, list[dict[str, object]]] = json.loads(ran.out)
    return result


def values(ran: Run) -> dict[tuple[object, object], object]:
    """Return the figures of a comparison by part and item."""
    return {(row["part"], row["item"]): row["values"] for row in read_rows(ran)["rows"]}


def test_two_instances_side_by_side(files: Path) -> None:
    """Parameters, decisions, cost and metal agree with hand computation; a price in another unit is equal."""
    ran = here("compare", "base.yaml", "other.yaml", "--json")
    found = values(ran)
    assert found["totals", "cost"] == pytest.approx([5_000, 3_600])
    assert found["streams", "phone@north"] == pytest.approx([5, 3.6])
    assert found["smelters", "kosaka"] == pytest.approx([5, 0])
    assert found["smelters", "naoshima"] == pytest.approx([0, 3.6])
    assert found["metals", "Ag, used"] == pytest.approx([10, 9])
    data = {row["path"]: (row["from"], row["to"]) for row in read_rows(ran)["data"]}
    assert data == {
        "devices.phone.content.Ag": ("2 kg/t", "2.5 kg/t"),
        "smelters.kosaka": ("defined", None),
        "smelters.naoshima": (None, "defined"),
        "medals.medal.count": ("10", "9"),
    }


@pytest.mark.parametrize("saved", [False, True])
def test_medals_not_made_side_by_side(files: Path, saved: bool) -> None:
    """Medals that a plan misses are compared by kind, of saved plans too."""
    (files / "base.yaml").write_text(BASE.replace("count: 10", "count: 10, shortfall: 400 JPY"))
    if saved:
        assert here("solve", "base.yaml", "-o", "plan.json").code == 0
    found = values(here("compare", "plan.json" if saved else "base.yaml", "other.yaml", "--json"))
    assert found["shortfall", "medal"] == pytest.approx([10, 0]) and found["cost", "shortfall"][0] == 4_000


@pytest.mark.parametrize("saved", [False, True])
def test_parties_side_by_side(files: Path, saved: bool) -> None:
    """By hand: of 5,000 JPY all is supply, which the city pays; without `payers` there is no party."""
    (files / "base.yaml").write_text(BASE + "payers: {default: committee, supply: city}\n")
    if saved:
        assert here("solve", "base.yaml", "-o", "plan.json").code == 0
    ran = here("compare", "plan.json" if saved else "base.yaml", "other.yaml", "--json")
    assert values(ran)["parties", "city"] == pytest.approx([5_000, 0])
    assert "Cost by party" in here("compare", "base.yaml", "other.yaml", "--full").out


def test_the_terminal_says_what_differs_most(files: Path) -> None:
    """A sentence, then tables with the change; rows that agree are left out."""
    out = " ".join(here("compare", "base.yaml", "other.yaml").out.split())
    assert mentions(out, "other", "base", numbers=(1_400, 28, 3_600, -1_400))
    assert "devices 1, smelters 2, medals 1" in out
    assert "phone@north 5 3.6 −1.4" in out and "bought" not in out


def test_scenarios_by_name_and_by_option(files: Path) -> None:
    """FILE#NAME and --scenario NAME are the same; changes are listed in the units of the file."""
    ran = here("compare", "base.yaml", "base.yaml#poor", "--json")
    assert ran.out == here("compare", "base.yaml", "--scenario", "poor", "--json").out
    assert values(ran)["totals", "cost"] == pytest.approx([5_000, 6_250])
    (row,) = read_rows(ran)["data"]
    assert (row["path"], row["from"], row["to"]) == ("devices.phone.content.Ag", "2 kg/t", "1.6 kg/t")
    assert [one["label"] for one in read_rows(ran)["subjects"]] == ["base", "poor"]


def test_one_without_a_plan_is_reported_all_the_same(files: Path) -> None:
    """Its status and its data stand there, its figures are empty."""
    ran = here("compare", "base.yaml", "--scenario", "none", "--scenario", "poor")
    assert ran.code == 0 and mentions(ran.out, "Infeasible", "none", "medalopt explain")
    found = here("compare", "base.yaml", "--scenario", "none", "--json")
    assert values(found)["totals", "cost"] == [pytest.approx(5_000), None]
    assert [one["status"] for one in read_rows(found)["subjects"]] == ["optimal", "infeasible"]
    assert {row["path"] for row in read_rows(found)["data"]} == {"streams.phone@north.available", "market.silver.limit"}
    page = files / "none.html"
    assert here("compare", "base.yaml#none", "base.yaml#none", "-o", str(page)).code == 2
    assert (
        here("compare", "base.yaml#none", "base.yaml", "-o", str(page)).code == 0 and "infeasible" in page.read_text()
    )


def test_one_that_cannot_be_solved_costs_its_own_column(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unproven plan has its reason on standard error; the other columns are complete."""
    solved = comparison.solve

    def fail(instance: Instance, measure: str) -> Plan:
        if instance.market.limit.value[0] <= 1:
            raise SolverError("no proof")
        return solved(instance, measure)

    monkeypatch.setattr(comparison, "solve", fail)
    ran = here("compare", "base.yaml", "--scenario", "none", "--scenario", "poor", "--json")
    assert (ran.code, ran.err) == (0, "base.yaml#none: no result: no proof\n")
    assert [one["status"] for one in read_rows(ran)["subjects"]] == ["optimal", "unanswered", "optimal"]
    seen = here("compare", "base.yaml", "--scenario", "none")
    assert "Not solved: none." in seen.out and "Infeasible" not in seen.out


@pytest.mark.parametrize("form", ["plan.json", "plan"])
def test_a_saved_plan_beside_its_instance(files: Path, form: str) -> None:
    """A saved plan is read as saved, with the parameters of its instance if that is unchanged."""
    assert here("solve", "base.yaml", "-o", form).code == 0
    ran = here("compare", form, "other.yaml", "--json")
    assert values(ran)["totals", "cost"] == pytest.approx([5_000, 3_600])
    assert "devices.phone.content.Ag" in {row["path"] for row in read_rows(ran)["data"]}
    (files / "base.yaml").write_text(BASE.replace("18 t", "17 t"))
    ran = here("compare", form, "other.yaml")
    assert "parameters unknown" in ran.out and "Parameters that differ" not in ran.out
    (files / "base.yaml").write_text("nothing: right")
    assert here("compare", form, "other.yaml").code == 0
    (files / "base.yaml").unlink()
    assert here("compare", "other.yaml", form).code == 0


def test_a_plan_of_another_measure_needs_its_instance(files: Path) -> None:
    """Without it the currency is not known."""
    assert here("solve", "base.yaml", "--objective", "mass", "-o", "plan.json").code == 0
    assert here("compare", "plan.json", "base.yaml").code == 0
    (files / "base.yaml").unlink()
    ran = here("compare", "plan.json", "other.yaml")
    assert ran.code == 2 and "its instance is not here" in ran.err


def test_a_refusal_is_no_plan(files: Path) -> None:
    """A saved answer that there is no plan cannot be compared."""
    (files / "refusal.json").write_text(here("solve", INFEASIBLE, "--json").out)
    ran = here("compare", "refusal.json", "base.yaml")
    assert ran.code == 2 and "is the result of an infeasible instance" in ran.err


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (("base.yaml",), "one input alone cannot be compared"),
        (("base.yaml", "base.yaml"), "named twice"),
        (("base.yaml#por", "base.yaml"), "has no scenario por; did you mean `poor`?"),
        (("base.yaml#xyz", "base.yaml"), "it has `none` and `poor`"),
        ((f"{TINY}#x", "base.yaml"), "it has no `scenarios:`"),
        (("base.yaml", "dollars.yaml"), "costs in JPY and USD cannot be compared"),
        (("base.yaml", "missing.yaml"), "cannot be read"),
        (
            ("base.yaml", "other.yaml", "-o", "x.doc"),
            "a report is written as NAME.txt, .json, .csv, .html, .xlsx or .pdf",
        ),
        (("base.yaml", "other.yaml", "--set", "x"), "write PATH=VALUE"),
    ],
)
def test_what_cannot_be_compared(files: Path, arguments: tuple[str, ...], wrong: str) -> None:
    """Invalid inputs give one line and exit code 2."""
    (files / "dollars.yaml").write_text(BASE.replace("JPY", "USD"))
    ran = here("compare", *arguments)
    assert ran.code == 2 and wrong in ran.err and ran.out == ""


def test_the_instance_is_not_written_over(files: Path) -> None:
    """-o may not name one of the things compared."""
    (files / "base.json").symlink_to("base.yaml")
    assert here("compare", "base.yaml", "other.yaml", "-o", "base.json").code == 5
    assert (files / "base.yaml").read_text() == BASE


def test_a_hash_may_stand_in_the_name_of_a_file(files: Path) -> None:
    """A file of that very name comes before a scenario, and is called by it."""
    (files / "base.yaml#poor").write_text(BASE)
    assert values(here("compare", "base.yaml", "base.yaml#poor", "--json"))["totals", "cost"] == pytest.approx(
        [5_000] * 2
    )


def test_every_form_says_the_same(files: Path) -> None:
    """CSV and JSON hold every figure to the last digit, text every row; the page draws both charts."""
    for form in ("json", "csv", "txt", "html"):
        ran = here("compare", "base.yaml", "--scenario", "poor", "-o", f"all.{form}")
        assert ran.code == 0 and "the comparison is written" in ran.err
    assert (files / "all.json").read_text() == here("compare", "base.yaml", "base.yaml#poor", "--json").out
    rows = list(csv.DictReader(io.StringIO((files / "all.csv").read_text())))
    found = {(row["part"], row["item"]): (row["base.yaml"], row["base.yaml#poor"]) for row in rows}
    assert found["streams", "phone@north"] == ("5.0", "6.25")
    assert found["data", "devices.phone.content.Ag"] == ("2 kg/t", "1.6 kg/t")
    assert "phone@north" in (files / "all.txt").read_text()
    page = (files / "all.html").read_text()
    assert page.count('class="chart"') == 2 and "largest: phone@north" in page


def test_nothing_differs(files: Path) -> None:
    """Two copies have no differences, and equal quantities have no chart."""
    (files / "copy.yaml").write_text(BASE)
    ran = here("compare", "base.yaml", "copy.yaml", "-o", "same.html")
    assert mentions(ran.out, "Parameters that differ: none.", "Total cost of copy", "the same as base")
    assert (files / "same.html").read_text().count('class="chart"') == 1
    assert "no difference" in (files / "same.html").read_text()


def test_of_many_streams_those_that_differ_most_are_drawn(files: Path) -> None:
    """Beyond a screenful the tables and the chart say how many more there are."""
    row = "- {{device: phone, region: r{}, available: {} t, price: 10 JPY/t, committed: 1 t}}\n"
    rows = "".join(row.format(n, 1 + n / 100) for n in range(25))
    many = BASE.replace("- {device: phone, region: north, available: 18 t, price: 1_000 JPY/t}\n", rows)
    many = many.replace("count: 10", "count: 60")
    (files / "many.yaml").write_text(many)
    (files / "fewer.yaml").write_text(many.replace("price: 10 JPY", "price: 9 JPY").replace("1 t}", "0 t}"))
    ran = here("compare", "many.yaml", "fewer.yaml", "-o", "many.html")
    assert mentions(ran.out, "--json", numbers=(40,))
    ran = here("compare", "base.yaml", "many.yaml", "-o", "many.html")
    assert "--json" in ran.out
    assert f"{MAX_BARS} of 26 streams" in (files / "many.html").read_text()


def write_periods(path: Path, supply: tuple[float, ...], price: tuple[float, ...], fee: tuple[float, ...]) -> None:
    """Write the first file with three periods, by their supply (t), metal price (JPY/kg) and collection (JPY/t)."""
    available, prices, fees = (
        f"[{', '.join(f'{one} {unit}' for one in ones)}]"
        for ones, unit in ((supply, "t"), (price, "JPY/kg"), (fee, "JPY/t"))
    )
    text = BASE.replace("currency: JPY\n", "currency: JPY\nperiods: {start: 2017-04, count: 3, length: month}\n")
    text = text.replace("price: 900 JPY/kg", f"price: {prices}").replace("parts:", "due: 2017-06, parts:")
    path.write_text(text.replace("available: 18 t", f"available: {available}, collection: {fees}"))


def test_periods_that_change_alike_are_one_row(files: Path) -> None:
    """By one factor, by one amount or to one value, with the range of each; others, and JSON, name each period."""
    write_periods(files / "several.yaml", (3, 6, 9), (7, 8, 9), (1, 2, 4))
    write_periods(files / "more.yaml", (2.4, 4.8, 7.2), (9, 10, 11), (2, 4, 5))
    write_periods(files / "same.yaml", (3, 6, 9), (7, 8, 9), (3, 3, 3))
    ran = here("compare", "several.yaml", "more.yaml", "--full", "-o", "all.csv")
    assert ran.code == 0, ran.err
    shown = [" ".join(line.split()) for line in ran.out.splitlines() if line.startswith(("streams.", "market."))]
    assert "streams.phone@north.available[0..2] 3 t to 9 t 2.4 t to 7.2 t" in shown
    assert "market.silver.price[0..2] 7 JPY/kg to 9 JPY/kg 9 JPY/kg to 11 JPY/kg" in shown
    assert "streams.phone@north.collection[1] 2 JPY/t 4 JPY/t" in shown and len(shown) == 5
    listed = read_rows(here("compare", "several.yaml", "more.yaml", "--json"))["data"]
    assert len(listed) == 9 and (files / "all.csv").read_text().count("\ndata,") == 9
    ran = here("compare", "several.yaml", "same.yaml", "--full")
    assert mentions(ran.out, "streams.phone@north.collection[0..2]", "1 JPY/t to 4 JPY/t")
    assert "collection[0]" not in ran.out


def test_names_in_a_list_are_not_merged(files: Path) -> None:
    """Names are listed one by one, also those that read as a fraction by zero or as a huge number."""
    for name, accepts in (("before", "[1/0, 1e999999999, phone]"), ("after", "[phone, 1/0, 1e999999999]")):
        text = BASE.replace("devices: {", "devices: {1/0: {content: {Ag: 0}}, 1e999999999: {content: {Ag: 0}}, ")
        (files / f"{name}.yaml").write_text(f"{text}treatments: {{whole: {{accepts: {accepts}}}}}\n")
    ran = here("compare", "before.yaml", "after.yaml", "--full")
    assert ran.code == 0, ran.err
    shown = [line.split() for line in ran.out.splitlines() if line.startswith("treatments.")]
    assert shown == [
        ["treatments.whole.accepts[0]", "1/0", "phone"],
        ["treatments.whole.accepts[1]", "1e999999999", "1/0"],
        ["treatments.whole.accepts[2]", "phone", "1e999999999"],
    ]
