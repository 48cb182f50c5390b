from dataclasses import replace

import pytest
from tests.report.plans import plan

from medalopt.analysis.sourcing.plan_analyses import PlanFacts
from medalopt.report.render.text import format_table
from medalopt.report.sourcing.metals import choose_decimals, tabulate_metal_account
from medalopt.report.sourcing.plan_charts import draw_metal_balances


def test_every_metal_and_month_has_a_row_that_adds_up() -> None:
    """A person can follow the account with a pencil: the figures of a row balance."""
    (table,) = tabulate_metal_account(PlanFacts(plan("tiny")))
    keys = [column.key for column in table.columns]
    assert len(table.rows) == 12
    assert "returned_low_kg" not in keys
    for row in table.rows:
        at = dict(zip(keys, row, strict=True))
        into = at["opening_kg"] + at["returned_kg"] + at["bought_kg"]  # type: ignore[operator]
        assert into == pytest.approx(at["charged_kg"] + at["left_kg"] + at["closing_kg"])  # type: ignore[operator]
    assert format_table(table).rows[1] == ("silver", "2017-05", "0", "3.61", "5.17", "8.78", "0", "0")


def test_low_and_high_stand_where_a_cv_is_given() -> None:
    """Tokyo's account has ranges around the plan, never negative, with their rule."""
    (table,) = tabulate_metal_account(PlanFacts(plan("tokyo2020")))
    keys = [column.key for column in table.columns]
    first = keys.index("returned_kg")
    assert keys[first + 1 : first + 3] == ["returned_low_kg", "returned_high_kg"]
    for row in table.rows:
        planned, low, high, lowest, highest = row[first : first + 5]
        assert 0 <= lowest <= low <= planned <= high <= highest  # type: ignore[operator]
    assert "two standard deviations" in table.notes[0]
    assert "in one month" in table.notes[1]


def test_pictures_say_what_is_short() -> None:
    """The title names the deadline where silver is scarcest; gold and copper are early."""
    silver, gold, copper = draw_metal_balances(PlanFacts(plan("tokyo2020")))
    assert silver.title.startswith("Silver by month against its need: no slack in 2019-11; low case: ")
    assert gold.title == "Gold by month against its need: ample, 32 kg charged; low case: still enough"
    assert "ample" in copper.title
    assert [one["name"] for one in silver.option["series"]][:3] == [
        "cumulative supply",
        "cumulative charge",
        "in medals due",
    ]


def test_a_picture_has_its_figures_beside_it() -> None:
    """The table under the picture holds its lines."""
    first = draw_metal_balances(PlanFacts(plan("tiny")))[0]
    told = [float(row[1]) for row in first.tables[0].rows]
    drawn = [point[1] for point in first.option["series"][0]["data"]]
    assert told == pytest.approx(drawn, rel=1e-3)
    assert len(first.option["series"]) == 3  # no band without cv


def test_one_period_makes_no_picture() -> None:
    """A single period has no line chart."""
    one = plan("tiny")
    assert draw_metal_balances(PlanFacts(replace(one, instance=replace(one.instance, periods=("2017",))))) == ()


def test_kilograms_have_the_digits_of_the_least() -> None:
    """Four figures of the least amount, whole kilograms from a thousand on, to the gram at most."""
    assert [choose_decimals([size, 5000]) for size in (32.0, 2.0, 1e-6, 1234.0)] == [2, 3, 3, 0]
    assert choose_decimals([]) == 0
