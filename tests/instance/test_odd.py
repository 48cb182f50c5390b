"""Figures far from all others."""

from __future__ import annotations

from pathlib import Path

from tests.instance.writing import loaded


def test_small_figures_are_odd_too(tmp_path: Path) -> None:
    """A figure a thousand times the only other one is odd, however small both are."""
    streams = "streams:\n- {device: phone, region: a, available: 2 g}\n- {device: phone, region: b, available: 3 kg}"
    (warning,) = loaded(tmp_path, streams=streams).warnings
    assert warning.message == "this figure is 1_500 times the next of its kind; check its unit"
    assert (warning.line, warning.column, warning.path) == (9, 41, "streams.phone@b.available")
    smelters = "smelters: {a: {refining_charge: {Ag: 0.5}}, b: {refining_charge: {Ag: 0.0005}}}"
    (warning,) = loaded(tmp_path, smelters=smelters).warnings
    assert warning.path == "smelters.a.refining_charge.Ag" and "this figure is 1_000 times" in warning.message
    treatments = "treatments: {a: {cost: -0.5}, b: {cost: 0.0005}}"
    (warning,) = loaded(tmp_path, treatments=treatments).warnings
    assert warning.path == "treatments.a.cost" and "this figure is 1_000 times" in warning.message
