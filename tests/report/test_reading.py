"""The helper that finds names and numbers in sentences of reports."""

from __future__ import annotations

from tests.report.reading import list_numbers, mentions


def test_numbers_of_a_sentence() -> None:
    """Thousands, decimals, signs, powers and sizes are read; digits within a name are none."""
    said = "From 2.5 m JPY: 1,200 t of tokyo2020 (CO2e), −3 and +4.5 %; gap 1e-9, 2 bn, 12,345.6 kg."
    assert list_numbers(said) == [2.5e6, 1200, -3, 4.5, 1e-9, 2e9, 12345.6]
    assert list_numbers("none") == []


def test_names_of_a_sentence() -> None:
    """A sentence mentions all of its names in any order; a number counts as a whole."""
    assert mentions("4 kg of silver, then phone", "phone", "silver", numbers=(4,))
    assert not mentions("phone", "phone", "silver")
    assert not mentions("14 kg of silver", "silver", numbers=(4,))
