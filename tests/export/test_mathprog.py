"""Data files for the MathProg model: names, values and omissions."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.twin import glpk

import medalopt
from medalopt.export import write_mathprog
from medalopt.instance.instance import Instance

PLAIN = """
format: medalopt/1
name: plain
currency: JPY
metals: {Ag: {sell: 5}}
devices: {phone: {content: {Ag: 0.1}}}
streams: [{device: phone, region: tokyo, available: 0.3}]
smelters: {kosaka: {returned: {Ag: 0.9}, lead: 0}}
alloys: {silver: {composition: {Ag: [99.9 %, 100 %]}}}
medals: {first: {count: 1, parts: {silver: 0.027}}}
"""


def loaded(text: str, folder: Path) -> Instance:
    """Read an instance from its text."""
    path = folder / "instance.yaml"
    path.write_text(text, encoding="utf-8")
    return medalopt.load(path)


def test_the_measure_is_written(tmp_path: Path) -> None:
    """The data selects the objective, and GLPK minimises it: 0.3 t needed at no cost."""
    instance = loaded(PLAIN, tmp_path)
    assert glpk.solve(write_mathprog(instance, "mass")).objective == pytest.approx(0.3, rel=1e-12)
    assert glpk.solve(write_mathprog(instance)).objective == pytest.approx(0.0, abs=1e-12)


def test_an_unknown_measure_is_refused(tmp_path: Path) -> None:
    """A measure that the model does not know is an error that lists those it does."""
    with pytest.raises(ValueError, match="'price'; it must be one of cost, footprint, mass"):
        write_mathprog(loaded(PLAIN, tmp_path), "price")


def test_figures_keep_every_digit(tmp_path: Path) -> None:
    """A figure is written as the shortest decimal of its double, in the canonical unit: 0.3 t in pounds and back."""
    text = PLAIN.replace("available: 0.3", "available: 1234.567 lb")
    assert f" 1 {1234.567 * 0.45359237 / 1000!r}\n" in write_mathprog(loaded(text, tmp_path))


def test_a_limit_that_is_not_given_is_not_written(tmp_path: Path) -> None:
    """The data contains no infinity in any spelling."""
    text = write_mathprog(loaded(PLAIN, tmp_path))
    assert "inf" not in text
    assert "1e308" not in text
    assert "feed_limit" not in text
    assert max(map(len, text.splitlines())) <= 120


def test_the_order_of_the_entries_does_not_matter(tmp_path: Path) -> None:
    """The same figures in another order are the same bytes."""
    lines = PLAIN.strip().splitlines()
    turned = "\n".join([*lines[:3], *reversed(lines[3:])])
    assert write_mathprog(loaded(turned, tmp_path)) == write_mathprog(loaded(PLAIN, tmp_path))


@pytest.mark.parametrize(
    "name", ["old 'phone', \"new\"", "x[1]", "téléphone 東京", "007", "NA", "%41", "a;b := c", "end", "1e5"]
)
def test_any_name_is_a_symbol(name: str, tmp_path: Path) -> None:
    """With any names GLPK reads the data, finds the same plan and distinguishes rows."""
    quoted = '"' + name.replace('"', '\\"') + '"'
    answer = glpk.solve(write_mathprog(loaded(PLAIN.replace("phone", quoted), tmp_path), "mass"))
    assert answer.objective == pytest.approx(0.3, rel=1e-12)
    assert len([row for row in answer.rows if row.startswith("define_sent_device[")]) == 1


def test_long_names_stay_apart(tmp_path: Path) -> None:
    """Names of 100 letters of three bytes, alike but for the last, are cut short, and a comment gives them in full."""
    names = ["東" * 99 + end for end in "京都"]
    devices = ", ".join(f"{name}: {{content: {{Ag: 0.1}}}}" for name in names)
    streams = ", ".join(f"{{device: {name}, region: tokyo, available: 0.15}}" for name in names)
    text = PLAIN.replace("{phone: {content: {Ag: 0.1}}}", f"{{{devices}}}")
    text = text.replace("[{device: phone, region: tokyo, available: 0.3}]", f"[{streams}]")
    data = write_mathprog(loaded(text, tmp_path), "mass")
    answer = glpk.solve(data)
    assert answer.objective == pytest.approx(0.3, rel=1e-12)
    assert len([row for row in answer.rows if row.startswith("define_sent_device[")]) == 2
    assert data.count(" is %E6%9D%B1%E6%9D%B1") == 4  # two devices and two streams


def test_an_instance_without_streams(tmp_path: Path) -> None:
    """Without streams the data still defines every set and parameter of the model."""
    gone = [line for line in PLAIN.splitlines() if not line.startswith(("streams", "smelters"))]
    bought = "market: {bar: {composition: {Ag: 1}, price: 100}}"
    answer = glpk.solve(write_mathprog(loaded("\n".join([*gone, bought]), tmp_path)))
    assert answer.objective == pytest.approx(2.7, rel=1e-12)
