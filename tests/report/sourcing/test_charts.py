"""The pictures of the sourcing plan: each says its finding, and draws the figures of the plan."""

from collections import defaultdict
from dataclasses import replace

import pytest
from tests.report.plans import plan
from tests.report.reading import mentions_about

from medalopt.analysis.sourcing.plan_analyses import PlanFacts
from medalopt.report.charts import render_svg
from medalopt.report.sourcing import plan_charts
from medalopt.report.sourcing.plan_charts import draw_cost_waterfall
from medalopt.report.sourcing.traceability import draw_metal_flows


@pytest.mark.parametrize("name", ["tiny", "tokyo2020"])
def test_bands_of_the_flow_are_as_wide_going_out_as_coming_in(name: str) -> None:
    """At every smelter and at the account as many kilograms go out as come in, but for bands too thin to draw."""
    made = draw_metal_flows(PlanFacts(plan(name)))
    assert len(made) == (2 if name == "tiny" else 3)
    for chart in made:
        into: dict[str, float] = defaultdict(float)
        out: dict[str, float] = defaultdict(float)
        for band in chart.option["series"][0]["links"]:
            out[band["source"]] += band["value"]
            into[band["target"]] += band["value"]
        between = set(into) & set(out)
        assert any(node.startswith("smelter") for node in between)
        whole = max(out.values())
        assert all(into[node] == pytest.approx(out[node], abs=0.02 * whole) for node in between)


def test_the_flow_says_how_much_ends_in_medals() -> None:
    """The title gives the inflow, the share in medals, and the largest source."""
    silver = draw_metal_flows(PlanFacts(plan("tokyo2020")))[0]
    assert silver.title.startswith("Flow of silver: 51.7 % of 3,500 kg into medals; largest source feature_phone, ")
    assert "mass-balance attribution" in silver.notes[0]
    assert "digital_camera" in render_svg(silver)


def test_the_waterfall_falls_to_the_total() -> None:
    """Each bar starts at the end of the last one, and the total at 0."""
    one = plan("tokyo2020")
    (chart,) = draw_cost_waterfall(one)
    base, bars = (series["data"] for series in chart.option["series"][:2])
    at = 0.0
    for low, bar in zip(base[:-1], bars[:-1], strict=True):
        earned = bar["itemStyle"]["color"] == "#009e73"
        start, end = (low + bar["value"], low) if earned else (low, low + bar["value"])
        assert start == pytest.approx(at)
        at = end
    assert bars[-1]["value"] == pytest.approx(one.cost / 1e9) == pytest.approx(at)
    paid = [sum(kinds.values()) for kinds in one.party_costs.values()]
    assert "municipalities" in chart.title
    assert mentions_about(chart.title, one.cost, 100 * max(paid) / sum(cost for cost in paid if cost > 0))


def test_a_waterfall_may_end_below_nothing() -> None:
    """With a negative cost bars cross the axis and the total is below it."""
    one = plan("tiny")
    costs = {**dict.fromkeys(one.costs, 0.0), "collection": 40.0, "sales": -100.0}
    earning = replace(one)
    earning.__dict__["costs"] = costs  # where the plan keeps what it has worked out
    (chart,) = draw_cost_waterfall(earning)
    above, below = chart.option["series"][1]["data"], chart.option["series"][3]["data"]
    assert [bar["value"] for bar in above] == [40, 40, 0]
    assert [bar["value"] for bar in below] == [0, -60, -60]


def test_the_map_holds_every_tonne() -> None:
    """The cells sum to the tonnes sent: by stream if few, by region for Tokyo."""
    for name, suppliers in (("tiny", 6), ("tokyo2020", 8)):
        chart = plan_charts.draw_supply_charts(plan(name))[0]
        cells = chart.option["series"][0]["data"]
        assert sum(cell["value"][2] for cell in cells) == pytest.approx(plan(name).tonnes)
        assert len(chart.option["yAxis"]["data"]) == suppliers


def test_many_suppliers_are_drawn_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more suppliers than there is room for the last are one row, and no tonne is lost."""
    monkeypatch.setattr(plan_charts, "MOST_SUPPLIERS", 2)
    chart = plan_charts.draw_supply_charts(plan("tiny"))[0]
    assert chart.option["yAxis"]["data"][-1] == "all others"
    cells = chart.option["series"][0]["data"]
    assert sum(cell["value"][2] for cell in cells) == pytest.approx(plan("tiny").tonnes)


def test_the_load_is_reported_where_it_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    """`near` is full in one month of four; Tokyo has no full smelter, and low loads have no chart."""
    assert plan_charts.draw_supply_charts(plan("tiny"))[1].title == "Smelter load: near at capacity in 1 of 4 months"
    tokyo = plan("tokyo2020")
    load = (tokyo.account.feed / tokyo.instance.smelters.capacity.value).max()
    monkeypatch.setattr(plan_charts, "LEAST_LOAD", 0.9 * load)
    assert f"highest at shonan, {100 * load:.1f} %" in plan_charts.draw_supply_charts(tokyo)[1].title
    monkeypatch.setattr(plan_charts, "LEAST_LOAD", 1.1 * load)
    assert len(plan_charts.draw_supply_charts(plan("tokyo2020"))) == 1


def test_one_period_or_nothing_sent_makes_no_map() -> None:
    """A blend that is bought alone has no months and no suppliers."""
    assert plan_charts.draw_supply_charts(plan("dantzig")) == ()
    assert draw_metal_flows(PlanFacts(plan("dantzig"))) == ()
