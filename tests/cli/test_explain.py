"""`medalopt explain`: exit codes, and what goes where."""

from __future__ import annotations

import json

import pytest
from tests.analysis.nearby import ROOT

from medalopt.cli.main import run

TINY, NO_PLAN = (str(ROOT / f"instances/{name}.yaml") for name in ("tiny", "infeasible"))


def test_a_plan_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """With a plan the explanation goes to standard output, and the exit code is 0."""
    assert run(["explain", TINY]) == 0
    assert capsys.readouterr().out.startswith("Why this plan: ")


def test_one_stream_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """With the path of a stream its story is told, as JSON too, and `--set` counts."""
    assert run(["explain", TINY, "streams.phone@east", "--json", "--set", "streams.phone@east.collection=20_000"]) == 0
    told = json.loads(capsys.readouterr().out)["explanation"]["stream"]
    assert told["streams"] == ["streams.phone@east"] and told["price"] == 20_000


@pytest.mark.parametrize("path", ["streams.phne@east", "smelters.near", "streams..", "phone@east"])
def test_what_is_no_stream_is_refused(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A path that names no stream ends with 2 and one line, before anything is solved."""
    assert run(["explain", TINY, path]) == 2
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1 and "stream" in err + "streams.."


def test_no_plan_is_diagnosed(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a plan the exit code is 3, and what stands in its way is told with cures."""
    assert run(["explain", NO_PLAN]) == 3
    assert "metals.Ag.opening_stock" in capsys.readouterr().out
    assert run(["explain", NO_PLAN, "--json"]) == 3
    told = json.loads(capsys.readouterr().out)
    assert told["status"] == "infeasible" and told["diagnosis"]["conflict"] and told["diagnosis"]["repairs"]
