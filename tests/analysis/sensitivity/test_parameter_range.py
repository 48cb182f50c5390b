"""Parameter ranges of --vary: parameters, ends, units and due dates, and rejected input."""

from __future__ import annotations

import json

import pytest
from tests.analysis.varied import TINY

from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.curves import SensitivityCurve, compute_curve
from medalopt.analysis.sensitivity.parameter_range import parse_parameter_range
from medalopt.cli.run import run_command
from medalopt.errors import InputError, NoPlanError, UsageError
from medalopt.instance.loading import load
from medalopt.report.sensitivity.curves import report_curve
from medalopt.solve_instance import solve

VARIANTS = ScenarioRunner(TINY, {"exchange": "{USD: 110 JPY}", "market.zinc.price": "2 USD/kg"})


@pytest.mark.parametrize(
    ("asked", "unit", "ends", "base"),
    [
        ("market.old_silver.price=40..150 JPY/g", "JPY/g", (40, 150), 80),
        ("market.old_silver.price=40_000..150_000", "JPY/kg", (40_000, 150_000), 80_000),
        ("market.old_silver.limit=500 g..3 kg", "kg", (0.5, 3), 2),
        ("policy.recycled.Ag=0.3..1", "%", (30, 100), 60),
        ("policy.recycled.Ag=30 %..100 %", "%", (30, 100), 60),
        ("streams.*.collection=50..150%", "%", (50, 150), 100),
        ("streams.phone@east.available=50..150%", "%", (50, 150), 100),
        ("streams.*.collection=-5_000..+5_000 JPY/t", "JPY/t", (-5_000, 5_000), 0),
        ("smelters.*.lead=0..4", None, (0, 4), None),
        ("smelters.*.lead=+0..+2", None, (0, 2), 0),
        ("medals.*.count=50..150%", "%", (50, 150), 100),
        ("streams.laptop@east.available=3..20", "t", (3, 20), None),
        ("streams.phone@east.collection=1..2 JPY/unit", "JPY/unit", (1, 2), None),
        ("exchange.USD=80..150", "JPY", (80, 150), 110),
        ("devices.phone.content.Cu=8..12%", "%", (8, 12), 10),
    ],
)
def test_what_is_asked(asked: str, unit: str | None, ends: tuple[float, float], base: float | None) -> None:
    """Both ends stand in one unit, and the base case where one number says it; the changes can be made."""
    found = parse_parameter_range(VARIANTS, asked)
    assert (found.unit, found.base) == (unit, base if base is None else pytest.approx(base))
    assert (found.low, found.high) == pytest.approx(ends)
    VARIANTS.apply_changes(found.make_changes(found.high))


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("market.old_silver.price=2..1", "equal or reversed"),
        ("market.old_silver.price=1..1", "equal or reversed"),
        ("market.old_silver.price=1..2 t", "expected a number in JPY/kg"),
        ("market.old_silver.price=a..b", "expected a number"),
        ("market.old_silver.price", "write PATH=LO..HI"),
        ("market.old_silver.price=1", "write PATH=LO..HI"),
        ("market..price=1..2", "a name is missing"),
        ("market.old_silvr.price=1..2", "did you mean `old_silver`"),
        ("market.*.prize=1..2", "did you mean `price`"),
        ("nothing.*.price=1..2", "nothing in this instance has this name"),
        ("title=1..2", "has no number"),
        ("medals.gold.count=1.5..3", "a whole number"),
        ("policy.recycled.Ag=30..130%", "between 0 % and 100 %"),
        ("streams.*.collection=-10..10%", "0 % or more"),
        ("streams.phone@east.collection=1 JPY/unit..20_000 JPY/t", "the same unit"),
    ],
)
def test_what_is_wrong(asked: str, says: str) -> None:
    """Each mistake is reported as one of --vary, with a valid alternative."""
    with pytest.raises((UsageError, InputError), match="--vary") as error:
        parse_parameter_range(VARIANTS, asked)
    assert says in str(error.value)


GOLD = "medals.gold.due=2017-04..2017-07"


@pytest.fixture(scope="module")
def gold() -> SensitivityCurve:
    """The curve along the date of the gold medals of tiny.yaml, which is 2017-05."""
    variants = ScenarioRunner(TINY)
    return compute_curve(variants, parse_parameter_range(variants, GOLD))


def test_each_date_is_what_a_solve_finds(gold: SensitivityCurve) -> None:
    """For each period the cost equals that of the instance loaded with that date."""
    assert (gold.shape, gold.exact, gold.vary.base) == ("whole", True, 2.0)
    assert [gold.vary.label(point.value) for point in gold.points] == ["2017-04", "2017-05", "2017-06", "2017-07"]
    for point in gold.points:
        try:
            expected = solve(load(TINY, {"medals.gold.due": gold.vary.label(point.value)})).objective
        except NoPlanError:
            expected = None
        assert point.objective == (None if expected is None else pytest.approx(expected, rel=1e-8))


def test_dates_are_reported_by_their_names(gold: SensitivityCurve) -> None:
    """Summary, table and JSON name the periods; the axis explains its numbers."""
    told = report_curve(gold, "JPY")
    assert "from 2017-05 to 2017-07; infeasible below 2017-05" in told.lines[0]
    shown = [str(getattr(row[0], "text", row[0])) for row in told.charts[0].tables[0].rows]
    assert shown == ["2017-04", "2017-05", "2017-06", "2017-07"]
    assert told.members["curve"]["points"][1]["period"] == "2017-05"
    assert "period, 1 is 2017-04" in json.dumps(told.charts[0].option)


def test_all_dates_move_by_periods() -> None:
    """With signs at both ends every date is moved, one that is left out from the last period."""
    variants = ScenarioRunner(TINY)
    both = parse_parameter_range(variants, "medals.*.due=-1..+0")
    assert (both.low, both.high, both.base) == (-1.0, 0.0, 0.0)
    moved = variants.apply_changes(both.make_changes(-1.0))
    dates = dict(zip(moved.medals.names, [moved.periods[due] for due in moved.medals.due.tolist()], strict=True))
    assert dates == {"bronze": "2017-06", "gold": "2017-04", "silver": "2017-06"}
    assert both.label(0.0) == ""
    assert parse_parameter_range(variants, "medals.*.due=2017-06..2017-07").base is None


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("medals.*.due=-9..+0", "changed by -9 lies outside the horizon"),
        ("medals.gold.due=2016-01..2017-06", "names no period; those are 2017-04 to 2017-07"),
        ("medal.*.due=2017-04..2017-06", "nothing in this instance has this name"),
    ],
)
def test_what_is_no_date_is_refused(asked: str, words: str) -> None:
    """Dates outside the horizon, unknown periods and unknown medals are usage errors."""
    with pytest.raises(UsageError, match=words):
        parse_parameter_range(ScenarioRunner(TINY), asked)


def test_a_date_beside_another_figure(capsys: pytest.CaptureFixture[str]) -> None:
    """A map may have dates too."""
    asked = ["--vary", "medals.gold.due=2017-05..2017-06", "--vary", "medals.gold.count=37..38"]
    assert run_command(["sensitivity", str(TINY), *asked, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["map"]["values"] == [[2.0, 3.0], [37.0, 38.0]]
