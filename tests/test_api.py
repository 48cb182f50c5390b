"""The package as an analyst uses it from Python: changed instances, their plans, extensions, short summaries."""

from __future__ import annotations

import dataclasses
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import medalopt
from medalopt.errors import InputError, UsageError
from medalopt.instance.loading import open_instance

ROOT = Path(__file__).parents[1]
TINY, TOKYO = ROOT / "instances/tiny.yaml", ROOT / "instances/tokyo2020.yaml"


@pytest.fixture(scope="module")
def tiny() -> medalopt.Instance:
    """Return the small instance."""
    return medalopt.load(TINY)


def test_public_names_are_listed_and_exist() -> None:
    """`dir` lists every public name, and each can be had."""
    assert dir(medalopt) == sorted(medalopt.__all__)
    assert all(getattr(medalopt, name) is not None for name in medalopt.__all__)


def test_a_changed_instance_is_that_of_the_command_line(tiny: medalopt.Instance) -> None:
    """`with_changes` gives the instance of `--set`, with another digest, and leaves the first one alone."""
    before = tiny.figures
    changed = tiny.with_changes({"smelters.near.limit": "2.5 t"})
    assert changed.figures == medalopt.load(TINY, {"smelters.near.limit": "2.5 t"}).figures != before == tiny.figures


@pytest.mark.parametrize(
    ("value", "text"),
    [(2.5, "2.5 t"), (np.float64(2.5), "2.5 t"), (3, "3 t"), (np.int64(3), "3 t"), ("2.5 t", "2.5 t")],
)
def test_a_number_has_the_unit_that_the_file_may_leave_out(tiny: medalopt.Instance, value: Any, text: str) -> None:
    """Numbers, of numpy too, mean the same as the text with the documented unit."""
    changed = tiny.with_changes({"smelters.near.limit": value})
    assert changed.figures == medalopt.load(TINY, {"smelters.near.limit": text}).figures


def test_changes_add_up_and_the_later_one_holds(tiny: medalopt.Instance) -> None:
    """Changes of a changed instance add to the earlier ones; of a mapping also in part."""
    path = "smelters.near.limit"
    assert tiny.with_changes({path: 2}).with_changes({path: 2.5}).figures == tiny.with_changes({path: 2.5}).figures
    periods = len(tiny.periods)
    whole = tiny.with_changes({"smelters.near.capacity[0]": 5}).with_changes({"smelters.near.capacity": 7})
    assert whole.with_changes({"smelters.near.capacity[0]": 9}).smelters.capacity.value[
        tiny.smelters.names.index("near")
    ].tolist() == [9, *[7] * (periods - 1)]


def test_a_list_changes_every_period(tiny: medalopt.Instance) -> None:
    """A list, or an array, gives one value for each period."""
    values = np.arange(1.0, len(tiny.periods) + 1)
    changed = tiny.with_changes({"smelters.near.capacity": values})
    assert changed.smelters.capacity.value[tiny.smelters.names.index("near")].tolist() == values.tolist()


def test_wildcards_apply_to_the_values_in_effect(tiny: medalopt.Instance) -> None:
    """A percentage with a wildcard scales the values of the changed instance, not those of the file."""
    half = tiny.with_changes({"streams.*.available": "50%"})
    assert np.allclose(half.streams.available.value, 0.5 * tiny.streams.available.value)
    assert np.allclose(
        half.with_changes({"streams.*.available": "50%"}).streams.available.value, 0.25 * tiny.streams.available.value
    )


def test_a_wrong_change_is_reported(tiny: medalopt.Instance) -> None:
    """A path that does not exist, a value of another type and an instance edited by hand are errors with a remedy."""
    with pytest.raises(InputError, match="nowhere"):
        tiny.with_changes({"smelters.nowhere.limit": 2})
    with pytest.raises(UsageError, match="a text, a number"):
        tiny.with_changes({"smelters.near.limit": object()})
    with pytest.raises(UsageError, match="edited in memory"):
        dataclasses.replace(tiny, title="edited").with_changes({"smelters.near.limit": 2})


def test_a_plan_of_a_changed_instance_is_certified_and_independent_of_others() -> None:
    """From the basis of the unchanged instance the optimum is that of a cold solve, whatever was solved before."""
    values = [0.5, 0.52, 0.54]
    path = "medals.silver.parts.silver_999"
    base = medalopt.load(TOKYO)
    there = [medalopt.solve(base.with_changes({path: f"{value} kg"})) for value in values]
    again = medalopt.load(TOKYO)
    back = [medalopt.solve(again.with_changes({path: f"{value} kg"})) for value in reversed(values)][::-1]
    file = open_instance(TOKYO)
    for value, one, other in zip(values, there, back, strict=True):
        cold = medalopt.solve(file.with_changes({path: f"{value} kg"}))
        assert one.certificate.optimal
        assert one.cost == pytest.approx(cold.cost, rel=1e-9)
        assert (one.account.decisions.sent == other.account.decisions.sent).all()


def test_an_infeasible_start_does_not_hinder() -> None:
    """A change that repairs an infeasible instance is solved although the unchanged one has no basis."""
    infeasible = medalopt.load(ROOT / "instances/infeasible.yaml")
    with pytest.raises(medalopt.InfeasibleError):
        medalopt.solve(infeasible.with_changes({"medals.silver.count": 13}))
    repaired = infeasible.with_changes({"medals.silver.count": 2, "medals.silver.due": "2017-07"})
    assert medalopt.solve(repaired).status == "optimal"


def test_an_extension_may_be_a_function(tiny: medalopt.Instance) -> None:
    """A function extends the model as its file does; an error in it carries its name."""
    file = ROOT / "models/extensions/two_sources.py"
    function = runpy.run_path(str(file))["extend"]
    by_file, by_function = (medalopt.solve(tiny, extensions=[one]) for one in (file, function))
    assert by_function.cost == by_file.cost > medalopt.solve(tiny).cost
    assert by_function.added == by_file.added

    def raise_error(model: Any, instance: Any) -> None:
        raise ValueError("not today")

    with pytest.raises(UsageError, match="raise_error: ValueError: not today"):
        medalopt.solve(tiny, extensions=[raise_error])


def test_summaries_are_short() -> None:
    """Instance and plan of a large case are shown in one line."""
    instance = medalopt.load(TOKYO)
    plan = medalopt.solve(instance)
    assert len(repr(instance)) < 300 and len(repr(plan)) < 200
    assert "tokyo2020" in repr(instance) and "optimal" in repr(plan) and "JPY" in repr(plan)
