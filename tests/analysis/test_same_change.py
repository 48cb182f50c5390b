"""A change given by any interface makes the same instance, and is rejected by all or none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from tests.random_instances import as_text, document

from medalopt import load
from medalopt.analysis.comparison import load_plan_summary
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sweep import build_grid, list_instance_scenarios, load_scenarios
from medalopt.errors import InputError, UsageError
from medalopt.instance.loading import open_instance
from medalopt.instance.schema.field_types import QuantityField
from medalopt.text import parse_path, render_path
from medalopt.units import name_unit

SKIPPED = ("periods", "mixes", "parties", "scenarios")


def random_change(path: Path, random: Random) -> tuple[str, str]:
    """Return a path of the instance, with `*` in some of its names, and a value of any form."""
    written = open_instance(path).read_source_values()
    steps, scalar, kind = random.choice([one for one in written.iterate_parameters() if one[0][0] not in SKIPPED])
    names = [render_path((step,)) if isinstance(step, str) else step for step in steps]
    for at in range(1, len(names)):
        name = str(names[at])
        if isinstance(names[at], str) and name.isalnum() and random.random() < 0.4:
            names[at] = random.choice(("*", name[:1] + "*", "*" + name[-1:]))
    text = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in names)[1:]
    unit = name_unit(kind.field_type.unit, written.money.currency) if isinstance(kind.field_type, QuantityField) else ""
    number = random.choice((1, 2, 5))
    forms = (
        f"{random.choice((50, 90, 100, 120))} %",
        f"*{random.choice((0.5, 1, 1.25))}",
        f"+{number} {unit}".strip(),
        f"-{number} {unit}".strip(),
        f"{number} {unit}".strip(),
        scalar.text,
    )
    return text, random.choice(forms)


def digest(make: Callable[[], str]) -> str:
    """Return the digest that a way of changing gives; empty where it refuses the change."""
    try:
        return make()
    except (InputError, UsageError):
        return ""


@pytest.mark.parametrize("seed", range(60))
def test_a_change_is_the_same_wherever_it_is_given(seed: int, tmp_path: Path) -> None:
    """A random change of a random instance gives one digest as `--set`, in Python, grid, list, scenario and compare."""
    random, content = Random(f"change {seed}"), document(Random(seed))
    base = tmp_path / "base.yaml"
    base.write_text(as_text({**content, "scenarios": {}}), encoding="utf-8")
    path, value = random_change(base, random)
    own, listed = tmp_path / "own.yaml", tmp_path / "list.yaml"
    own.write_text(as_text({**content, "scenarios": {"s": {path: value}}}), encoding="utf-8")
    listed.write_text(json.dumps({"s": {path: value}}), encoding="utf-8")
    runner, scenarios = ScenarioRunner(base), ScenarioRunner(own)
    found = {
        "--set": digest(lambda: load(base, {path: value}).figures),
        "Python": digest(lambda: load(base).with_changes({path: value}).figures),
        "--grid": digest(lambda: runner.apply_changes(build_grid(runner, [f"{path}={value}"])[0].texts).figures),
        "--list": digest(lambda: runner.apply_changes(load_scenarios(runner, listed)[0].texts).figures),
        "scenarios:": digest(lambda: scenarios.apply_changes(list_instance_scenarios(scenarios)[0].texts).figures),
        "compare": digest(lambda: load_plan_summary(f"{own}#s", {}, "cost", lambda warning: None).digest),
    }
    assert len(set(found.values())) == 1, (path, value, found)


def test_a_wildcard_matches_inside_names(tmp_path: Path) -> None:
    """`phone@*` names the streams of phones, `*@east` those of the east, and a quoted name with `*` itself alone."""
    tiny = Path(__file__).parents[2] / "instances" / "tiny.yaml"
    before = load(tiny)
    for pattern, wanted in (("phone@*", lambda one: one.startswith("phone@")), ("*@e*t", lambda one: "@east" in one)):
        after = before.with_changes({f"streams.{pattern}.available": "50%"})
        for at, name in enumerate(before.streams.names):
            factor = 0.5 if wanted(name) else 1.0
            assert after.streams.available.value[at].tolist() == (before.streams.available.value[at] * factor).tolist()
    with pytest.raises(InputError, match="there is no"):
        before.with_changes({'streams."phone@*".available': "5 t"})
    assert parse_path(render_path(("a*", "*"))) == ("a*", "*") and render_path(("a*", "*")) == '"a*".*'
