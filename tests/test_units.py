"""Figures with units, read exactly."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from types import ModuleType

import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medalopt.units import Money, Quantity, QuantityError, _import_pint, _parse_unit, parse_quantity

YEN = Money("JPY", {"USD": Fraction(110), "EUR": Fraction(130)})

PINTS_OWN = pint.UnitRegistry()
OURS_TO_PINT = {
    "mg": "milligram",
    "g": "gram",
    "kg": "kilogram",
    "t": "metric_ton",
    "lb": "pound",
    "oz_t": "troy_ounce",
    "ozt": "troy_ounce",
}


def exact(value: str | float, unit: str = "") -> Fraction:
    """Return the figure in its canonical unit."""
    return parse_quantity(value, unit, YEN).exact


@pytest.mark.parametrize("name", OURS_TO_PINT)
def test_masses_agree_with_the_registry_of_pint(name: str) -> None:
    """The closed unit definitions agree with pint's own registry."""
    theirs = PINTS_OWN.Quantity(7.25, OURS_TO_PINT[name])
    assert float(exact(f"7.25 {name}", "kg")) == pytest.approx(theirs.to("kilogram").magnitude, rel=1e-12)


@pytest.mark.parametrize(("numerator", "denominator"), [("mg", "g"), ("g", "t"), ("oz_t", "lb"), ("kg", "t")])
def test_assays_agree_with_the_registry_of_pint(numerator: str, denominator: str) -> None:
    """A mass in a mass is converted like pint's own quotient."""
    theirs = PINTS_OWN.Quantity(3, f"{OURS_TO_PINT[numerator]} / {OURS_TO_PINT[denominator]}")
    ours = float(exact(f"3 {numerator}/{denominator}", "kg/t"))
    assert ours == pytest.approx(theirs.to("kilogram / metric_ton").magnitude, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("350 g/t", "kg/t", Fraction(35, 100)),
        ("0.1 %", "kg/t", 1),
        ("250 ppm", "kg/t", Fraction(1, 4)),
        ("25 %", "", Fraction(1, 4)),
        ("250 ppm", "", Fraction(1, 4000)),
        ("999 kg/t", "", Fraction(999, 1000)),
        ("90_000 JPY/t", "money/t", 90_000),
        ("100 JPY/kg", "money/t", 100_000),
        ("4_400 JPY/g", "money/kg", 4_400_000),
        ("2 USD/kg", "money/kg", 220),
        ("1 USD/ozt", "money/kg", Fraction(110) / Fraction("0.0311034768")),
        ("36 JPY/t/km", "money/t/km", 36),
        ("1 lb", "kg", Fraction("0.45359237")),
        ("1 oz_t", "kg", Fraction("0.0311034768")),
        ("640 km", "km", 640),
        ("110 JPY", "money", 110),
        ("25 kg CO2e/t", "kg CO2e/t", 25),
        ("25 kg/t", "kg CO2e/t", 25),
        ("0.5 t CO2e", "t CO2e", Fraction(1, 2)),
        ("500 kg", "t CO2e", Fraction(1, 2)),
        ("16 t CO2e/kg", "kg CO2e/kg", 16_000),
        ("  12.5e1   t ", "t", 125),
        ("+5 t", "t", 5),
        (".5 t", "t", Fraction(1, 2)),
        ("5. t", "t", 5),
        ("5t", "t", 5),
        ("5\u00a0t", "t", 5),
        ("-3 JPY/t", "money/t", -3),
        (12, "t", 12),
        (0.1, "t", Fraction(1, 10)),
        ("1_000.5", "t", Fraction(2001, 2)),
    ],
)
def test_figures_by_hand(text: str | float, unit: str, value: Fraction) -> None:
    """A quantity in its canonical unit is exactly that computed by hand."""
    assert exact(text, unit) == value


def test_figures_in_pieces_wait_for_the_mass_of_one() -> None:
    """A figure per piece, or in pieces, keeps the power of a piece's mass that completes its factor."""
    assert parse_quantity("60 JPY/unit", "money/t", YEN) == Quantity(60.0, Fraction(1000), -1)
    assert parse_quantity("400 pcs", "t", YEN) == Quantity(400.0, Fraction(1, 1000), 1)
    assert parse_quantity("141 mg/unit", "kg/t", YEN) == Quantity(141.0, Fraction(1, 1000), -1)
    assert parse_quantity("2 kg CO2e/unit", "kg CO2e/t", YEN) == Quantity(2.0, Fraction(1000), -1)


def test_a_number_keeps_its_digits_as_written() -> None:
    """The float is the number written, not the number converted, so that its decimals are not lost."""
    assert parse_quantity("0.1 g", "t", YEN) == Quantity(0.1, Fraction(1, 1_000_000), 0)


@pytest.mark.parametrize(
    ("value", "unit", "says"),
    [
        ("5 kgg", "t", "unknown unit `kgg`; did you mean `kg`?"),
        ("5 KG", "t", "did you mean `kg`?"),
        ("5 JYP/t", "money/t", "did you mean `JPY`?"),
        ("5 CHF/t", "money/t", "add `exchange: {CHF: … JPY}`"),
        ("5 km", "t", "expected a number in t or another unit of that kind, such as `10 t`; found `5 km`"),
        ("5 JPY", "money/t", "such as `90_000 JPY/t`; found `5 JPY`"),
        ("5 t CO2e", "t", "found `5 t CO2e`"),
        ("5 t", "", "expected a share, such as `25 %`"),
        ("5,5 t", "t", "is not a number"),
        ("5 5 t", "t", "is not a number"),
        ("1__0 t", "t", "unknown unit"),
        ("t", "t", "found `t`"),
        ("", "t", "found nothing"),
        ("nan", "t", "not a finite number"),
        ("-Infinity", "t", "not a finite number"),
        ("1e999 t", "t", "not a finite number"),
        (float("inf"), "t", "not a finite number"),
        (float("nan"), "t", "not a finite number"),
        (10**400, "t", "not a finite number"),
        ("1e-400", "t", "is out of range"),
        ("1e200", "t", "is out of range"),
        ("5 t**999999", "t", "unknown unit"),
        ("5 t/t/t/t/t/t", "t", "found"),
        ("5 money", "money", "unknown unit"),
        ("5 [mass]", "kg", "unknown unit"),
        ("5 kilogram", "kg", "unknown unit"),
        ("5 \x1b[31mkg", "kg", "\\x1b[31mkg"),
        ("9" * 10_000, "kg", "expected a number"),
    ],
)
def test_what_is_wrong_is_said(value: str | float, unit: str, says: str) -> None:
    """An unreadable quantity names the expected and the found text, or the nearest unit."""
    with pytest.raises(QuantityError) as caught:
        parse_quantity(value, unit, YEN)
    assert says in str(caught.value)
    assert str(caught.value).isprintable()


def test_one_fault_is_enough() -> None:
    """If the rates of the file are invalid, a currency without rate gives no further error."""
    assert parse_quantity("5 CHF/t", "money/t", Money("JPY", {}, complete=False)).exact == 5


@given(st.text(max_size=60), st.sampled_from(["t", "kg/t", "", "money/t", "money/t/km", "kg CO2e/t"]))
def test_any_text_is_a_figure_or_a_fault(text: str, unit: str) -> None:
    """No text does anything but give a finite figure or QuantityError."""
    try:
        figure = parse_quantity(text, unit, YEN)
    except QuantityError as error:
        assert str(error).isprintable()
    else:
        assert abs(figure.raw) < 1e101 and figure.factor > 0


@given(st.decimals(min_value=-(10**9), max_value=10**9, allow_nan=False, places=5), st.sampled_from(["g", "t", "lb"]))
def test_conversion_is_exact(number: object, unit: str) -> None:
    """Whatever decimals are written, the exact figure is the product of fractions."""
    size = {"g": Fraction(1, 1000), "t": Fraction(1000), "lb": Fraction("0.45359237")}[unit]
    assert exact(f"{number} {unit}", "kg") == Fraction(str(number)) * size


def test_pint_waits_for_the_first_unit() -> None:
    """Bare numbers are read without importing pint, which costs a third of a second."""
    code = (
        "import sys; from medalopt.units import Money, parse_quantity; parse_quantity('5', 't', Money('JPY'));"
        "assert 'pint' not in sys.modules; parse_quantity('5 t', 't', Money('JPY')); assert 'pint' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_longest_text_of_a_figure() -> None:
    """A figure of 200 characters is read, one of 201 is not; nor is a unit of more than 40, or of five names."""
    assert parse_quantity("1" + " " * 198 + "t", "t", Money("JPY")).raw == 1
    with pytest.raises(QuantityError):
        parse_quantity("1" + " " * 199 + "t", "t", Money("JPY"))
    assert parse_quantity("3 kg/" + " " * 36 + "t", "kg/t", Money("JPY")).raw == 3
    with pytest.raises(QuantityError):
        parse_quantity("3 kg/" + " " * 37 + "t", "kg/t", Money("JPY"))
    assert parse_quantity("3 kg/t/t/kg", "kg/t/t/kg", Money("JPY")).raw == 3
    with pytest.raises(QuantityError):
        parse_quantity("3 kg/t/t/kg/t", "kg/t/t/kg/t", Money("JPY"))


def test_carbon_is_no_share() -> None:
    """A footprint of a kilogram is no plain share, though kilograms cancel."""
    _parse_unit.cache_clear()  # what is asked here is taken apart here
    with pytest.raises(QuantityError, match="expected a share"):
        parse_quantity("1 kg CO2e/kg", "", Money("JPY"))
    assert parse_quantity("1 kg/kg", "", Money("JPY")).exact == 1


@pytest.mark.parametrize("library", ["dask", "scipy"])
def test_library_is_hidden_while_pint_is_imported(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    """Importing pint leaves no trace of a hidden library, and a loaded one stays."""
    monkeypatch.delitem(sys.modules, library, raising=False)
    _import_pint()
    assert library not in sys.modules
    loaded_already = ModuleType(library)
    monkeypatch.setitem(sys.modules, library, loaded_already)
    _import_pint()
    assert sys.modules[library] is loaded_already
