"""Tables of a plan: totals agree, and values equal the plan."""

from __future__ import annotations

from functools import cache

import pytest
from tests.report.plans import NAMES, plan
from tests.report.reading import list_numbers, mentions

from medalopt.analysis.explain.explanation import explain_plan
from medalopt.plan.metal_values import MetalValues
from medalopt.report.render.text import TextTable, format_table
from medalopt.report.shadow_prices import build_shadow_price_table
from medalopt.report.solve import build_plan_tables
from medalopt.report.solve_tables import list_sources

DIGIT = 0.51  # of the last digit that is shown


@cache
def tables(name: str) -> dict[str, TextTable]:
    """Return the tables of a plan by their titles."""
    return {one.title: format_table(one) for one in build_plan_tables(plan(name), MetalValues(plan(name)))}


def figure(cell: str) -> float:
    """Return the number in a cell."""
    return {"–": 0.0, "≈0": 0.0, "≈0 %": 0.0, "": 0.0}.get(cell, 0.0) or float(
        cell.replace("−", "-").replace(",", "").removesuffix(" %").replace("≈", "").replace("–", "0") or 0
    )


def column(section: TextTable, header: str) -> list[float]:
    """Return the figures of a column."""
    place = [column.header for column in section.columns].index(header)
    return [figure(row[place]) for row in section.rows]


def unit(section: TextTable, header: str) -> float:
    """Return the value of the last digit of a column."""
    place = [column.header for column in section.columns].index(header)
    return max(10.0 ** -len(row[place].partition(".")[2].removesuffix(" %")) for row in section.rows)


@pytest.mark.parametrize("name", NAMES)
def test_the_costs_add_up_as_they_are_shown(name: str) -> None:
    """The kinds come to the total, but for the last digit of each."""
    section = tables(name)["Cost by kind"]
    header = section.columns[1].header
    *parts, total = column(section, header)
    assert sum(parts) == pytest.approx(total, abs=DIGIT * len(section.rows) * unit(section, header))
    assert total * {"m": 1e6}.get(header.split()[0], 1) == pytest.approx(plan(name).cost, rel=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_the_metals_balance(name: str) -> None:
    """Need and surplus equal opening stock, metal returned and metal bought."""
    section = tables(name)["Metals"]
    headers = {column.header for column in section.columns}
    amounts = {
        header: column(section, f"{header} (kg)") if f"{header} (kg)" in headers else [0.0] * len(section.rows)
        for header in ("needed", "opening stock", "returned", "bought", "surplus")
    }
    for needed, at_hand, returned, bought, left in zip(*amounts.values(), strict=True):
        assert needed + left == pytest.approx(at_hand + returned + bought, rel=1e-3)


def test_few_sources_are_listed_many_are_gathered() -> None:
    """The tiny case lists its five sources; the Tokyo case gathers 32 by kind and by region, to the same sums."""
    assert len(tables("tiny")["Supply by region and stream"].rows) == 5 + 1
    kinds, regions = tables("tokyo2020")["Supply by stream"], tables("tokyo2020")["Supply by region"]
    assert len(list_sources(plan("tokyo2020"))) == 32
    assert (len(kinds.rows), len(regions.rows)) == (4 + 1, 8 + 1)
    assert kinds.rows[-1][1:] == regions.rows[-1][1:]
    (note,) = regions.notes
    assert mentions(note, "pick_up (bundle)", "hokkaido", "kanto") and len(list_numbers(note)) == 2


@pytest.mark.parametrize("name", ["tiny", "tokyo2020"])
def test_the_sources_come_to_what_is_taken(name: str) -> None:
    """Tonnes and spend of the sources are those of the plan's shipments."""
    listed, shipments = list_sources(plan(name)), plan(name).tables["shipments"]
    assert sum(source.taken for source in listed) == pytest.approx(sum(shipments["tonnes"]), rel=1e-9)
    assert sum(source.spent for source in listed) == pytest.approx(sum(shipments["cost"]), rel=1e-9)


def test_full_plants_are_reported() -> None:
    """A full smelter shows the number of full periods; without smelting there is no table."""
    near = next(row for row in tables("tiny")["Smelters"].rows if row[0] == "near")
    assert "100 %, in 1 of 4" in near
    assert [column.header for column in tables("tokyo2020")["Smelters"].columns][2] == "peak load per month"
    assert "Smelters" not in tables("rio2016")


def test_metals_are_named_before_devices_and_rules() -> None:
    """Binding constraints list scarce metal first, then devices by kind, not by stream."""
    rows = [row[0] for row in tables("tokyo2020")["Binding constraints and shadow prices"].rows]
    assert rows == [
        *("silver", "box (bundle)", "shop_feature_phone", "shop_smartphone", "pick_up (bundle)"),
        "recycled share of silver",
    ]


@pytest.mark.parametrize(
    ("change", "row"),
    [
        (("smelters.near.limit", "3.001 t"), "limit of near"),
        (("smelters.far.committed", "9.599 t"), "commitment of far"),
        (("market.old_silver.limit", "2.001 kg"), "limit of old_silver"),
        (("market.refined_silver.committed", "0.499 kg"), "commitment of refined_silver"),
        (("policy.footprint_cap", "4.501 t"), "footprint cap, CO2e"),
        (("streams.kettle@east.committed", "0.999 t"), "commitment of kettle@east"),
    ],
)
def test_one_unit_does_save_what_is_said(change: tuple[str, str], row: str) -> None:
    """A thousandth of a unit of a limit or commitment saves a thousandth of its shadow price."""
    section = format_table(build_shadow_price_table(plan("tiny"), MetalValues(plan("tiny"))))
    place = [column.header for column in section.columns].index("saves (JPY)")
    told = figure(next(cells[place] for cells in section.rows if cells[0] == row))
    assert (plan("tiny").cost - plan("tiny", change).cost) * 1000 == pytest.approx(told, rel=2e-3)


def test_many_kinds_are_summed() -> None:
    """Kinds or regions beyond the table's length are one row, and the total is kept."""
    from medalopt.report.solve_tables import MAX_SOURCE_ROWS, SourceTotals, _describe_partly_taken, _sum_by_key

    listed = tuple(SourceTotals(f"r{n}", f"k{n}", 10.0, float(n % 7), 5.0) for n in range(50))
    rows = _sum_by_key(listed, lambda source: source.region)
    assert len(rows) == MAX_SOURCE_ROWS + 1 and rows[-1].region == "30 more" and rows[-1].count == 30
    assert sum(row.taken for row in rows) == sum(source.taken for source in listed)
    (note,) = _describe_partly_taken(listed)
    assert list_numbers(note)[-1] == 45
    (note,) = _describe_partly_taken((SourceTotals("r", "k", 1.0, 1.0, 0.0),))
    assert list_numbers(note) == []


def test_shadow_prices_are_those_of_explain() -> None:
    """A stream, a bundle, a capacity and a cap have one shadow price in `solve` and in `explain`."""
    rows = tables("tiny")["Binding constraints and shadow prices"].rows
    by_solve = {row[0]: figure(row[2]) for row in rows if " to " not in row[2]}
    by_explain = {row.name: row.saves for row in explain_plan(plan("tiny")).binding}
    shared = set(by_solve) & set(by_explain)
    assert {"phone from east", "box (bundle) from west", "capacity of dismantle", "footprint cap, CO2e"} <= shared
    assert {name: by_solve[name] for name in shared} == pytest.approx({n: by_explain[n] for n in shared}, abs=0.51)
