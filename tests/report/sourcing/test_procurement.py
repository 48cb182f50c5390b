"""Spend and commitment: each yen once, in its period, its fiscal year and its document."""

from dataclasses import replace

import pytest
from tests.report.plans import plan

from medalopt.analysis.sourcing.orders import get_fiscal_years, has_straddling_periods
from medalopt.analysis.sourcing.plan_analyses import PlanFacts
from medalopt.instance.instance import Instance
from medalopt.report.document import ReportTable, sum_column
from medalopt.report.sourcing.procurement import tabulate_spend


def _sum(table: ReportTable, key: str) -> float:
    return sum_column(table, [column.key for column in table.columns].index(key))


@pytest.mark.parametrize("name", ["tiny", "tokyo2020", "dantzig"])
def test_every_table_comes_to_the_cost(name: str) -> None:
    """By period, by fiscal year and party, and by kind of cost it is the same sum: that of the plan."""
    made = plan(name)
    found = {table.key: table for table in tabulate_spend(PlanFacts(made))}
    assert _sum(found["spend"], "spent") == pytest.approx(made.cost, rel=1e-12)
    assert _sum(found["reconciliation"], "in_all") == pytest.approx(made.cost, rel=1e-12)
    assert ("fiscal_years" in found) == (name != "dantzig")  # which has no dates
    if name != "dantzig":
        assert _sum(found["fiscal_years"], "in_all") == pytest.approx(made.cost, rel=1e-12)


def test_what_is_committed_is_what_later_periods_cost() -> None:
    """Spent and committed sum to all orders; at the end 0 is committed."""
    made = plan("tiny")
    spend = tabulate_spend(PlanFacts(made))[0]
    keys = [column.key for column in spend.columns]
    orders = made.cost - _sum(spend, "own_account")
    for row in spend.rows:
        line = dict(zip(keys, row, strict=True))
        assert float(line["spent_so_far"]) + float(line["committed"]) == pytest.approx(orders)  # type: ignore[arg-type]
    assert spend.rows[-1][keys.index("committed")] == 0


def _from_april(instance: Instance) -> Instance:
    """Return the instance with a fiscal year from April to March."""
    return replace(instance, annex={**instance.annex, "project": {"fiscal_year_start": 4}})


def test_fiscal_years_begin_in_the_month_stated() -> None:
    """From April on, March belongs to the year before; without a statement it is the calendar year; or no dates."""
    instance = replace(plan("tiny").instance, periods=("2018-03", "2018-04", "2018-12", "2019-01"))
    assert get_fiscal_years(_from_april(instance)) == ("FY2017", "FY2018", "FY2018", "FY2018")
    assert get_fiscal_years(instance) == ("FY2018", "FY2018", "FY2018", "FY2019")
    assert set(get_fiscal_years(replace(instance, periods=("1", "2")))) == {""}


@pytest.mark.parametrize(("start", "length", "over"), [("2018-03", "month", False), ("2018-01", "quarter", False)])
def test_months_and_plain_quarters_end_with_march(start: str, length: str, over: bool) -> None:
    """No month reaches into another fiscal year, nor does a quarter of the calendar."""
    instance = replace(plan("tiny").instance, periods=(start,), period_length=length)
    assert has_straddling_periods(_from_april(instance)) == has_straddling_periods(instance) == over


def test_a_year_that_reaches_over_march_is_reported() -> None:
    """A calendar year counts where it begins, and a note says so; one from April on needs none."""
    made = plan("tiny")
    april = replace(
        _from_april(made.instance), periods=("2018-04", "2019-04", "2020-04", "2021-04"), period_length="year"
    )
    years = replace(made, instance=april)
    assert not any("end of March" in note for note in tabulate_spend(PlanFacts(years))[1].notes)
    january = replace(years.instance, periods=("2018-01", "2019-01", "2020-01", "2021-01"))
    assert "end of March" in tabulate_spend(PlanFacts(replace(years, instance=january)))[1].notes[-1]
