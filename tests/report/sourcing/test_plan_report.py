"""The decision on one page, and the tables that it rests on."""

from pathlib import Path

import numpy as np
import pytest
from tests.instance.writing import loaded
from tests.report.plans import plan
from tests.report.reading import list_numbers, mentions
from tests.report.sourcing.around import around, variants
from tests.report.sourcing.known import known, risky
from tests.report.sourcing.parties import PARTY, with_parties

from medalopt import Plan, solve
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sourcing.plan_analyses import PlanFacts
from medalopt.analysis.sourcing.whole_loads import plan_whole_loads
from medalopt.instance.reader.yaml_nodes import SourceNote
from medalopt.report.document import OrderDocument, Report, ReportTable, sum_column
from medalopt.report.render.text import FILE_WIDTH, SCREEN_LINES, Screen, render_report_text
from medalopt.report.sourcing.compliance import NO_SOURCE, _extract_marks, tabulate_assumptions
from medalopt.report.sourcing.orders import build_orders
from medalopt.report.sourcing.plan_report import _summarize_decision, build_plan_report
from medalopt.report.sourcing.procurement import (
    _describe_award,
    describe_risks,
    tabulate_awards,
    tabulate_price_exposure,
    tabulate_risks,
    tabulate_rule_costs,
)


@pytest.fixture(scope="module")
def tiny() -> Report:
    """Return the whole sourcing plan of the small case."""
    return build_plan_report(plan("tiny"), None, around("tiny"), variants("tiny").source_values)


def _table(content: Report, key: str) -> ReportTable:
    return next(table for table in content.tables if table.key == key)


def _cells(table: ReportTable, key: str) -> list[object]:
    at = [column.key for column in table.columns].index(key)
    return [row[at] for row in table.rows]


def test_the_decision_says_all_that_it_should(tiny: Report) -> None:
    """Cost in total and per medal, benchmark, suppliers, binding constraints, risks, drafts, proof."""
    said = "\n".join(tiny.headline)
    assert mentions(said, "JPY", numbers=(3.35e6, 552.8, 3.805e6, 455_056, 75.09))  # the plan, and buying instead
    assert mentions(said, "box (bundle)", "west", "far", "near", numbers=(12.66, 9.6, 3))
    assert mentions(said, "mined_copper", numbers=(2.167e6, 755.9))
    assert mentions(said, "phone from east", numbers=(-89_786,))  # what binds
    assert mentions(said, "silver_925", numbers=(27, 33, 30, -10, -45_322))  # what may go wrong
    assert mentions(said, "draft", numbers=(13,))
    assert "optimal" in tiny.headline[0].lower()
    assert plan("tiny").instance.figures in tiny.foot[0]


def test_the_answer_fits_a_screen(tiny: Report) -> None:
    """At 80 columns the summary, the orders by amount with their sum, and what --full adds take 40 lines."""
    for report in (tiny, build_plan_report(plan("tokyo2020"))):
        shown = render_report_text(report, Screen(80), full=False).splitlines()
        assert len(shown) <= SCREEN_LINES and max(map(len, shown)) <= 80
        orders = shown[shown.index("Orders to sign") :]
        assert any(line.startswith("total ") for line in orders) and "Sign by" in "".join(orders[1:3])
        assert not any("sha256" in line for line in shown)
        filed = " ".join(render_report_text(report, Screen(FILE_WIDTH)).split())
        assert all(line in filed for line in report.details)


def test_the_key_figures_are_those_of_the_headline() -> None:
    """The largest payer in the place of a cost per medal, confidence, and the shadow price of the headline."""
    made = plan("tokyo2020")
    report = build_plan_report(made)
    assert report.summary is not None
    figures = {str(row[0]): f"{row[1]}; {row[2]}" for row in report.summary.figures.rows}
    assert "Per medal" not in figures and mentions(figures["Total cost"], "all parties")
    assert mentions(figures["Paid by municipalities"], "operators", "mint")
    assert list_numbers(figures["Paid by municipalities"])[0] == pytest.approx(4.103e9)
    assert mentions(figures["Confidence"], "silver", numbers=(50,))
    assert all(title in figures for title in ("Total cost", "Devices collected", "Bottleneck", "Footprint"))
    (price,) = list_numbers(figures["Bottleneck"])
    assert any(line.startswith("Bottleneck") and price in list_numbers(line) for line in report.headline)


def test_every_table_has_its_own_key_and_columns(tiny: Report) -> None:
    """Keys name files and sheets: each comes once, and so does each column of a table; rows fit their columns."""
    keys = [table.key for table in tiny.tables]
    assert len(set(keys)) == len(keys)
    for table in tiny.tables:
        names = [column.key for column in table.columns]
        assert len(set(names)) == len(names)
        assert all(len(row) == len(names) for row in table.rows)
        assert table.description


def test_in_brief_what_takes_further_solves_is_left_out() -> None:
    """`--brief` has cost, suppliers and proof, but no table of risks or constraint costs."""
    brief = build_plan_report(plan("tiny"))
    keys = {table.key for table in brief.tables}
    assert keys.isdisjoint({"rules", "risks", "scenarios"})
    assert "orders" in keys
    assert not any("risk" in line or "Binding" in line for line in brief.headline)
    assert "comes_in_per_t" not in [column.key for column in _table(brief, "award").columns]


def test_whole_loads_stand_in_the_decision() -> None:
    """The cost of rounding is beside the cost of the plan, which is that in loads."""
    found = plan_whole_loads(plan("tiny"), 1.0)
    loads = build_plan_report(found.plan, found, around("tiny"))
    assert any(mentions(line, "load", numbers=(1,)) for line in loads.headline)
    assert any(mentions(line, "without whole loads", numbers=(3.35e6,)) for line in loads.headline)
    whole = _summarize_decision(PlanFacts(plan("tiny")), (), around("tiny"), None)
    assert not any("whole loads" in line for line in whole)
    taken = _table(loads, "award")
    assert sum_column(taken, [column.key for column in taken.columns].index("taken_t")) == pytest.approx(30)


def test_buying_that_costs_the_same_or_cannot_be_is_said() -> None:
    """A plan of purchases equals the benchmark; metal without offer has none."""
    bought = _summarize_decision(PlanFacts(plan("dantzig")), (), around("dantzig"), None)
    assert any(mentions(line, "Benchmark", "USD") and list_numbers(line) == [4.98] for line in bought)
    short = _summarize_decision(PlanFacts(plan("london2012")), (), around("london2012"), None)
    assert any(mentions(line, "Benchmark", "not available") for line in short)


def test_complete_documents_are_counted() -> None:
    """With known parties no order is a draft; without orders there is no line on them."""
    dantzig = with_parties(plan("dantzig"), {"b": PARTY, "d": PARTY})
    one = with_parties(plan("dantzig"), {"b": PARTY})
    (draft, _) = build_orders(plan("dantzig")).documents

    def count(known: Plan, documents: tuple[OrderDocument, ...]) -> tuple[list[float], bool]:
        """Return the numbers in the line on documents, and whether it speaks of drafts."""
        said = [line for line in _summarize_decision(PlanFacts(known), documents, None, None) if "order" in line]
        return [number for line in said for number in list_numbers(line)], any("draft" in line for line in said)

    assert count(dantzig, build_orders(dantzig).documents) == ([2], False)
    assert count(one, build_orders(one).documents) == ([2, 1], True)
    assert count(one, (draft,)) == ([1], True)
    assert count(dantzig, ()) == ([], False)


def test_the_award_table_shows_every_stream(tiny: Report) -> None:
    """Offered, taken, which share, and the price at which more comes in."""
    table = _table(tiny, "award")
    made = plan("tiny")
    assert sorted(_cells(table, "stream")) == sorted(made.instance.streams.names)
    offered, taken, costs = (np.array(_cells(table, key), float) for key in ("offered_t", "taken_t", "cost"))
    left, whole = np.round(offered - taken, 6), taken >= (1 - 1e-9) * offered
    assert whole.tolist() == sorted(whole) and left.tolist() == sorted(left, reverse=True)
    assert costs[whole].tolist() == sorted(costs[whole], reverse=True)
    assert sum(_cells(table, "taken_t")) == pytest.approx(made.tonnes)  # type: ignore[arg-type]
    states = dict(zip(_cells(table, "stream"), _cells(table, "award"), strict=True))
    assert states["kettle@east"] == "taken in part, 25.0 %"
    entries = dict(zip(_cells(table, "stream"), _cells(table, "comes_in_per_t"), strict=True))
    assert entries["kettle@east"] == pytest.approx(40_000 - 16_833.3333)


@pytest.mark.parametrize(
    ("taken", "offered", "free", "said"),
    [
        (0, 5, 5, "refused"),
        (0, 5, 1, "refused"),
        (0, 5, 0, "no route"),
        (5, 5, 5, "taken"),
        (0, 0, 0, "nothing offered"),
        (1, 4, 4, "taken in part, 25.0 %"),
    ],
)
def test_what_is_awarded(taken: float, offered: float, free: float, said: str) -> None:
    """A stream is taken whole or in part, or refused; one that can go nowhere has not been refused."""
    assert _describe_award(taken, offered, free) == said


def test_a_stream_without_a_route_was_not_refused(tmp_path: Path) -> None:
    """Its row reads `no route`, with a note only if there is such a stream."""
    streams = "streams: [{device: phone, region: tokyo, available: 10}, {device: phone, region: tokio, available: 1}]"
    for lanes, states in (("[tokyo]", {"no route"}), ("[tokyo, tokio]", set())):
        regions = f"treatments: {{whole: {{regions: {lanes}}}}}"
        table = tabulate_awards(solve(loaded(tmp_path, streams=streams, treatments=regions)))[0]
        assert {"no route", "refused"} & {str(cell) for cell in _cells(table, "award")} == states
        assert any(note.startswith("No route: ") for note in table.notes) == ("no route" in states)


def test_a_stream_that_no_price_brings_in_has_a_dash() -> None:
    """Without a break-even price a dash; if not computed, an empty cell."""
    table = tabulate_awards(plan("tiny"), {0: float("inf")})[0]
    assert sorted({str(cell) for cell in _cells(table, "comes_in_per_t")}) == ["None", "–"]


def test_of_what_is_taken_whole_no_more_comes_in() -> None:
    """A price of the plan without loads is not shown for a stream fully taken in loads."""
    made = plan("tokyo2020")
    table = tabulate_awards(made, dict.fromkeys(range(len(made.instance.streams.names)), 1.0))[0]
    whole = [state == "taken" for state in _cells(table, "award")]
    assert any(whole) and whole == [cell is None for cell in _cells(table, "comes_in_per_t")]


def test_what_is_not_taken_whole_comes_first() -> None:
    """Streams of Tokyo that are partly taken are listed first."""
    table = tabulate_awards(plan("tokyo2020"))[0]
    left = [str(state) != "taken" for state in _cells(table, "award")]
    assert left == sorted(left, reverse=True)
    assert {row[0] for row, some in zip(table.rows, left, strict=True) if some} == {"hokkaido", "kanto"}


def test_the_exposure_is_what_is_bought_and_sold() -> None:
    """By metal it adds up to the purchases and the sales, other matter included."""
    made = plan("tiny", ("metals.Cu.sell", "100 JPY/kg"), ("streams.phone@east.available", "8 t"))
    table = tabulate_price_exposure(made)[0]
    assert sum(_cells(table, "paid")) == pytest.approx(made.costs["purchases"])  # type: ignore[arg-type]
    assert sum(_cells(table, "earned")) == pytest.approx(-made.costs["sales"], abs=1e-6)  # type: ignore[arg-type]
    assert sum(_cells(table, "bought_kg")) == pytest.approx(sum(made.tables["purchases"]["kg"]))  # type: ignore[arg-type]


def test_rules_are_listed_the_dearest_first(tiny: Report) -> None:
    """The table lists every constraint with its limit; shares in per cent."""
    table = tabulate_rule_costs(around("tiny"))[0]
    costs = _cells(table, "costs")
    assert costs == sorted(costs, reverse=True)  # type: ignore[type-var]
    assert table.rows[0][:3] == ("silver recycled, at least", 60.0, "%")
    assert _table(tiny, "rules") == table


def test_assumptions_have_every_figure_with_its_source(tmp_path: Path) -> None:
    """Each parameter is listed as written, with its nearest note and its mark."""
    asked = ScenarioRunner(known(tmp_path))
    table = tabulate_assumptions(asked.instance, asked.source_values)[0]
    rows = {row[0]: row for row in table.rows}
    assert rows["devices.phone.content.Ag"][1:3] == ("1_000 g/t", NO_SOURCE)
    assert rows["market.zinc.price"][1:4] == ("320 JPY/kg", "seen", "seen: a list")
    assert rows["streams"][1] == "6 rows"
    assert rows["scenarios.dear_silver"][2:] == ("estimated", "", "estimated: as in a bad year")
    assert rows["parties.east"][3] == "seen: the register"
    only = tabulate_assumptions(asked.instance, None)[0]
    assert [row[0] for row in only.rows] == [source.path for source in asked.instance.sources]


@pytest.mark.parametrize(
    ("texts", "note", "mark"),
    [
        (("seen: a book; derived: by half",), "cv estimated", "seen, derived, estimated"),
        (("a letter",), "", "unmarked"),
        ((), "as kosaka", "no source"),
        ((), "Estimated throughout", "estimated"),
    ],
)
def test_marks_are_those_of_the_author(texts: tuple[str, ...], note: str, mark: str) -> None:
    """The words seen, recalled, derived and estimated are marks wherever they stand in source and note."""
    assert _extract_marks(SourceNote("devices.phone", texts, note)) == mark


def test_scenarios_are_listed_the_worst_first() -> None:
    """Infeasible scenarios with shortage come first, then by cost; the table has all."""
    found, instance = risky()
    said = describe_risks(found, instance)
    assert mentions(said[-1], "no_silver", "kg of silver", "dear_silver", numbers=(1,))
    assert said[-1].index("no_silver") < said[-1].index("dear_silver")
    table = tabulate_risks(found, instance)[1]
    rows = {row[0]: row for row in table.rows}
    assert rows["no_silver"][2:4] == ("no plan", None)
    assert rows["dear_silver"][5] == "estimated: as in a bad year"
    assert "silver" in str(rows["no_silver"][4])
    assert rows["same"][3] == 0


def test_one_row_is_not_called_rows(tmp_path: Path) -> None:
    """An instance with one stream has `1 row` of them among its assumptions."""
    path = tmp_path / "one.yaml"
    path.write_text(
        "{format: medalopt/1, name: one, currency: JPY, periods: {count: 1}, metals: {Ag: {}},"
        " devices: {phone: {content: {Ag: 9 kg/t}}}, streams: [{device: phone, region: east, available: 9 t}],"
        " treatments: {whole: {}}, smelters: {near: {returned: {Ag: 90 %}, lead: 0}},"
        " alloys: {silver: {composition: {Ag: 100 %}}}, medals: {medal: {count: 1, parts: {silver: 1 kg}}}}"
    )
    asked = ScenarioRunner(path)
    rows = tabulate_assumptions(asked.instance, asked.source_values)[0].rows
    assert next(row[1] for row in rows if row[0] == "streams") == "1 row"
