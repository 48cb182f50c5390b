"""Report of an infeasible instance: content, order, and unproven claims that it never makes."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from tests.report.reading import mentions

from medalopt import load, solve
from medalopt.analysis.infeasibility.diagnosis import diagnose_infeasibility
from medalopt.analysis.infeasibility.screening import screen_instance
from medalopt.errors import NoPlanError
from medalopt.instance.instance import Instance
from medalopt.report.infeasible import build_infeasibility_report
from medalopt.report.render.text import Screen, render_report_text

INSTANCES = Path(__file__).parents[2] / "instances"


@cache
def page(name: str, *changes: tuple[str, str]) -> str:
    """Return the page for an instance of the collection, with changes."""
    path, made = INSTANCES / f"{name}.yaml", dict(changes)
    instance = load(path, made)
    found = diagnose_infeasibility(instance, source=path, changes=made)
    assert found is not None
    return render_report_text(build_infeasibility_report(instance, found), Screen(100))


def list_reasons(instance: Instance) -> list[str]:
    """Return the reasons found by screening alone."""
    return [reason.text for reason in screen_instance(instance)]


def test_the_showcase_shows_both_reasons_and_how_to_cure_them() -> None:
    """Silver is back too late for May, and too little of it by July; a later date and more phones would do."""
    lines = page("infeasible").splitlines()
    assert mentions(lines[0], "Twelve medals, too early and from too little silver")
    text = " ".join(line.strip() for line in lines)
    assert mentions(text, "silver", "2017-05", "2017-06", "2017-07", numbers=(6.6, 1.8, 4.8))
    later, more = (
        "medals.silver.due: 2017-07 instead of 2017-05",
        "streams.phone@tokyo.available: 3.66667 t instead of 1",
    )
    assert mentions(text, "2 months later", "phone@tokyo", numbers=(2.667, 953_333))
    assert f"-> {later}, and {more}" in text
    assert "--set 'metals.Ag.opening_stock=6.6 kg'" in text
    assert len(lines) <= 24  # of a screen


def test_every_repair_names_its_price_and_the_cheapest_comes_first() -> None:
    """A footprint cap near 0 is repaired by the least feasible footprint."""
    text = page("tiny", ("policy.footprint_cap", "1 kg"))
    assert mentions(text, "footprint: ", "0.001 t CO2e")
    assert "-> policy.footprint_cap: 0.939658 t instead of 0.001" in text  # 939.6575303 kg: instances/README.md


@pytest.mark.parametrize("name", ["tiny", "dantzig", "rio2016", "london2012", "steelco", "tokyo2020"])
def test_nothing_is_short_where_there_is_a_plan(name: str) -> None:
    """Screening reports no shortage for a feasible instance."""
    assert list_reasons(load(INSTANCES / f"{name}.yaml")) == []


def test_each_step_is_shown_before_it_is_done() -> None:
    """Progress names the search for conflicts and each parameter tried."""
    path, steps = INSTANCES / "infeasible.yaml", list[str]()
    diagnose_infeasibility(load(path), source=path, report_progress=steps.append)
    assert "conflicting constraints" in steps[0]
    assert any(mentions(step, "medals.silver.due") for step in steps)
    assert any("together" in step for step in steps)


def test_castings_beyond_capacity_are_reported_with_both_figures() -> None:
    """A foundry that casts 1 kg a month cannot cast the 27.14 kg that are due in May."""
    instance = load(INSTANCES / "tiny.yaml", {"alloys.silver_925.capacity": "1 kg"})
    assert any(mentions(text, "silver_925", "2017-05", numbers=(27.14,)) for text in list_reasons(instance))
    closed = load(INSTANCES / "tiny.yaml", {"alloys.silver_925.capacity": "0 kg"})
    assert any("process scrap included" in text for text in list_reasons(closed))


def test_no_claim_comes_too_soon() -> None:
    """As the demand on Tokyo's supply grows, no shortage is claimed while a plan exists."""
    for count in (1700, 1900, 2100, 2300):
        figures = load(INSTANCES / "tokyo2020.yaml", {"medals.silver.count": str(count)})
        claimed = list_reasons(figures)
        try:
            solve(figures)
        except NoPlanError:
            continue
        assert claimed == []
