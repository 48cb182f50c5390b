"""Dates that move, by their names or by periods."""

from __future__ import annotations

import json

import pytest
from tests.analysis.varied import TINY

from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.curves import SensitivityCurve, compute_curve
from medalopt.analysis.sensitivity.parameter_range import parse_parameter_range
from medalopt.cli.main import run_command
from medalopt.errors import NoPlanError, UsageError
from medalopt.instance.loading import load
from medalopt.report.sensitivity.curves import report_curve
from medalopt.solve_instance import solve

GOLD = "medals.gold.due=2017-04..2017-07"


@pytest.fixture(scope="module")
def gold() -> SensitivityCurve:
    """The curve along the date of the gold medals of tiny.yaml, which is 2017-05."""
    variants = ScenarioRunner(TINY)
    return compute_curve(variants, parse_parameter_range(variants, GOLD))


def test_each_date_is_what_a_solve_finds(gold: SensitivityCurve) -> None:
    """Period by period the cost is that of the instance loaded with the date and solved anew."""
    assert (gold.shape, gold.exact, gold.vary.base) == ("whole", True, 2.0)
    assert [gold.vary.label(point.value) for point in gold.points] == ["2017-04", "2017-05", "2017-06", "2017-07"]
    for point in gold.points:
        try:
            expected = solve(load(TINY, {"medals.gold.due": gold.vary.label(point.value)})).objective
        except NoPlanError:
            expected = None
        assert point.objective == (None if expected is None else pytest.approx(expected, rel=1e-8))


def test_dates_are_told_by_their_names(gold: SensitivityCurve) -> None:
    """In words, in the table and in the JSON; the axis says what its numbers are."""
    told = report_curve(gold, "JPY")
    assert "from 2017-05 to 2017-07; no plan below 2017-05" in told.lines[0]
    assert [row[0] for row in told.charts[0].tables[0].rows] == ["2017-04", "2017-05", "2017-06", "2017-07"]
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
        ("medals.*.due=-9..+0", "moved by -9 leaves the horizon"),
        ("medals.gold.due=2016-01..2017-06", "names no period; those are 2017-04 to 2017-07"),
        ("medal.*.due=2017-04..2017-06", "nothing in this instance has that name"),
    ],
)
def test_what_is_no_date_is_refused(asked: str, words: str) -> None:
    """What leaves the horizon, names no period or no medal is refused in the words of the command line."""
    with pytest.raises(UsageError, match=words):
        parse_parameter_range(ScenarioRunner(TINY), asked)


def test_a_date_beside_another_figure(capsys: pytest.CaptureFixture[str]) -> None:
    """A map may have dates too."""
    asked = ["--vary", "medals.gold.due=2017-05..2017-06", "--vary", "medals.gold.count=37..38"]
    assert run_command(["sensitivity", str(TINY), *asked, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["map"]["values"] == [[2.0, 3.0], [37.0, 38.0]]
