"""What plain arithmetic knows of an instance without a plan: right wherever it claims something."""

from __future__ import annotations

import pytest
from tests.report.plans import ROOT

from medalopt import load, solve
from medalopt.errors import NoPlanError
from medalopt.report.noplan import known

SHORT = {
    "too little silver": ("tokyo2020", {"medals.silver.count": "3000"}, "silver: at least 4,94"),
    "too early": ("infeasible", {}, "silver: at least 6.6 kg needed by the end of 2017-05, at most 0 kg"),
    "too little casting": (
        "tiny",
        {"alloys.silver_925.capacity": "1 kg"},
        "silver_925: at least 27.14 kg to be cast by the end of 2017-05, process scrap included, at most 2 kg can be",
    ),
}


@pytest.mark.parametrize("name", SHORT)
def test_a_plain_shortage_is_told(name: str) -> None:
    """Metal that cannot come, or come in time, and castings beyond capacity are told with both figures."""
    instance, changes, said = SHORT[name]
    figures = load(ROOT / "instances" / f"{instance}.yaml", changes)
    with pytest.raises(NoPlanError):
        solve(figures)
    lines = known(figures)
    assert lines[0].startswith(said) and len(lines) <= 3


def test_several_figures_together_are_said_to_be_so() -> None:
    """Where nothing falls short by itself nothing is claimed."""
    figures = load(ROOT / "instances" / "tiny.yaml", {"policy.footprint_cap": "1 kg"})
    with pytest.raises(NoPlanError):
        solve(figures)
    assert known(figures) == (
        "No metal and no casting falls short by itself: what stands in the way are several figures together.",
    )


@pytest.mark.parametrize("name", ["tiny", "dantzig", "rio2016", "london2012", "steelco", "tokyo2020"])
def test_nothing_is_short_where_there_is_a_plan(name: str) -> None:
    """The arithmetic claims no shortage of an instance that has a plan."""
    assert known(load(ROOT / "instances" / f"{name}.yaml"))[0].startswith("No metal and no casting")


def test_no_claim_comes_too_soon() -> None:
    """As more and more medals are asked of the Tokyo goods, no shortage is claimed while there is a plan."""
    for count in (1700, 1900, 2100, 2300):
        figures = load(ROOT / "instances" / "tokyo2020.yaml", {"medals.silver.count": str(count)})
        claimed = not known(figures)[0].startswith("No metal and no casting")
        try:
            solve(figures)
        except NoPlanError:
            continue
        assert not claimed
