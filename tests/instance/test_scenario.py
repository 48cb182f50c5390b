"""Changes whose path contains `*`, and values as written in a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.laws import pool

from medalopt.errors import UsageError
from medalopt.instance.loading import open_instance
from medalopt.instance.scenario import Change, match_paths, resolve_change
from medalopt.instance.source_values import SourceValues
from medalopt.text import render_path

ROOT = Path(__file__).parents[2]
TINY = ROOT / "instances" / "tiny.yaml"
PAGE = ROOT / "tests" / "conformance" / "page.yaml"


def resolve(values: SourceValues, path: str, value: str) -> dict[str, str]:
    """Return the new values of one change."""
    return resolve_change(values, Change.build(path, value))


def written(path: Path = TINY, **changes: str) -> SourceValues:
    """Return the values as written in a file."""
    return open_instance(path).read_source_values(changes)


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("medals.gold.count", "30", {"medals.gold.count": "30"}),
        ("devices.*.content.Ag", "85 %", {"devices.phone.content.Ag": "0.85", "devices.laptop.content.Ag": "0.34"}),
        ("smelters.*.lead", "+1", {"smelters.near.lead": "1", "smelters.far.lead": "2"}),
        ("smelters.*.lead", "-1", {"smelters.near.lead": "0", "smelters.far.lead": "0"}),
        ("smelters.*.returned.Ag", "+1 %", {"smelters.near.returned.Ag": "0.91", "smelters.far.returned.Ag": "0.96"}),
        ("treatments.*.capacity", "+1 t", {"treatments.dismantle.capacity": "3.5"}),
        (
            "medals.*.count",
            "90 %",
            {"medals.gold.count": "34", "medals.silver.count": "20", "medals.bronze.count": "5400"},
        ),
        ("alloys.*.scrap.value", "+1 JPY/g", {"alloys.silver_925.scrap.value": "1000.0"}),
        (
            "treatments.*.recovery",
            "50 %",
            {"treatments.dismantle.recovery": "0.4", "treatments.shred.recovery.Cu": "0.15"},
        ),
        ("treatments.*.regions", "7", {"treatments.whole.regions": "7"}),
    ],
)
def test_a_path_with_a_star(path: str, value: str, expected: dict[str, str]) -> None:
    """A percentage scales, a sign adds, also to defaults; without a star the value replaces."""
    found = resolve(written(), path, value)
    assert {at: found.get(at) for at in expected} == expected


def test_a_list_is_scaled_as_a_whole() -> None:
    """A supply, one number or a list, is scaled period by period."""
    found = resolve(written(), "streams.*.available", "50 %")
    assert found["streams.laptop@east.available"] == "[6.0, 0.0, 0.0, 0.0]"
    assert found["streams.kettle@east.available"] == "0.5"
    assert len(found) == 6


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("devices.*.contents.Ag", "85 %", "nothing in this instance"),
        ("gadgets.*.content.Ag", "85 %", "nothing in this instance"),
        ("devices..Ag", "85 %", "a name is missing"),
        ("smelters.*.treatment_charge", "+1 kg", "expected"),
        ("smelters.*.lead", "x %", "expected"),
        ("streams.kettel@east.available", "90 %", "no `kettel@east` in `streams`; did you mean `kettle@east`"),
        ("streams.kettle@east.storage.cost", "90 %", "states no value"),
    ],
)
def test_what_names_nothing_is_refused(path: str, value: str, says: str) -> None:
    """An unknown path or a value of another type is an error with the path."""
    with pytest.raises(UsageError, match=says):
        resolve(written(), path, value)


def test_a_total_is_what_is_available() -> None:
    """Of a stream that gives its total the total is scaled."""
    changes = {"streams.kettle@east.available": "", "streams.kettle@east.total": "4 t"}
    file = open_instance(TINY).read_source_values(changes)
    assert resolve(file, "streams.kettle@east.available", "50 %") == {"streams.kettle@east.total": "2.0"}


def test_each_member_once() -> None:
    """Sources and notes of a section are no members of it."""
    file = written(PAGE)
    assert len(match_paths(file, "smelters.*")) == len(open_instance(PAGE).with_changes().smelters.names)


@pytest.mark.parametrize("seed", range(0, 60, 3))
def test_what_is_written_can_be_written_again(seed: int, tmp_path: Path) -> None:
    """Every parameter set to its own value leaves the instance unchanged."""
    file = open_instance(pool.files(seed).write(tmp_path))
    before, tree = file.with_changes(), file.read_source_values()
    for path, scalar, kind in list(tree.iterate_parameters())[seed % 4 :: 4]:
        exact = tree.convert_exact(path, scalar, kind)
        assert exact is not None
        if path[0] in ("periods", "exchange", "mixes"):
            continue
        same = file.with_changes(resolve(tree, render_path(path), "*1"))
        assert same.figures == before.figures, render_path(path)
