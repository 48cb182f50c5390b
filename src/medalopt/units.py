"""Quantities with units: text such as `350 g/t` to an exact number in the canonical unit of a parameter.

The units are a closed set, defined for pint as exact fractions; pint is imported on the first unit. Text is split here
before pint receives it: names joined by `/`, without powers, so nothing is ever evaluated.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

from medalopt.text import escape_text, explain_comma, suggest_name

PER_CENT = Fraction(1, 100)
_UNITS = {
    "kg": "kilogram = [mass]",
    "mg": "milligram = 1/1000000 * kilogram",
    "g": "gram = 1/1000 * kilogram",
    "t": "tonne = 1000 * kilogram",
    "lb": "pound = 45359237/100000000 * kilogram",
    "oz_t": "troy_ounce = 311034768/10000000000 * kilogram",
    "ozt": "troy_ounce",
    "km": "kilometre = [length]",
    "s": "second = [time]",
    "min": "minute = 60 * second",
    "h": "hour = 3600 * second",
    "unit": "piece = [piece]",
    "pcs": "piece",
    "%": "percent = 1/100",
    "ppm": "part_per_million = 1/1000000",
}
_MONEY_UNIT = "money"
_EXAMPLES = {"money/t": "90_000", "money/kg": "600", "money/t/km": "36", "kg/t": "0.35", "km": "640"}
_MAX_TEXT_LENGTH, _MAX_UNIT_LENGTH = 200, 40
_MAX_MAGNITUDE = 1e100
_NUMBER_AND_UNIT = re.compile(
    r"\s*([+-]?(?:[0-9]+(?:_[0-9]+)*(?:\.(?:[0-9]+(?:_[0-9]+)*)?)?|\.[0-9]+(?:_[0-9]+)*)(?:[eE][+-]?[0-9]+)?)\s*(.*?)\s*",
    re.DOTALL,
)
_CARBON_UNIT = re.compile(r"([A-Za-z_%]+)\s*CO(?:2|₂)e")
_UNIT_NAME = re.compile(r"[A-Za-z_]+|%")


class QuantityError(ValueError):
    """A quantity that cannot be parsed; the message states the expected form and the text found."""


class Quantity(NamedTuple):
    """A quantity as written, with its exact conversion factor to the canonical unit.

    Attributes:
        raw: Number as written.
        factor: Exact factor to the canonical unit, without the mass of a piece.
        pieces: Power of the mass of one piece [kg] that completes the factor: -1 for a quantity per piece (`60
            JPY/unit`), 1 for one in pieces (`400 unit`), 0 otherwise.
    """

    raw: float
    factor: Fraction = Fraction(1)
    pieces: int = 0

    @property
    def exact(self) -> Fraction:
        """Value in the canonical unit, without the factor for the mass of a piece.

        Returns:
            Exact value.
        """
        return Fraction(repr(self.raw)) * self.factor


@dataclass(frozen=True)
class Money:
    """Currency of the instance and its exchange rates.

    Attributes:
        currency: Code of the currency, such as `JPY`.
        rates: Value of one unit of each other currency, in `currency`.
        complete: False if the currency of the file could not be read; every currency then passes, to report one error
            only.
        unknown: Reason for each currency whose rate could not be resolved.
    """

    currency: str
    rates: Mapping[str, Fraction] = field(default_factory=dict)
    complete: bool = True
    unknown: Mapping[str, str] = field(default_factory=dict)
    _told: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    def find_rate(self, code: str) -> Fraction | None:
        """Look up an exchange rate.

        Args:
            code: Currency code.

        Returns:
            Value of one unit of `code` in the currency of the instance; None if unknown.
        """
        if code == self.currency:
            return Fraction(1)
        return self.rates.get(code, None if self.complete else Fraction(1))

    def why_unknown(self, code: str) -> str:
        """Explain why a currency has no exchange rate, and the remedy.

        Args:
            code: Currency code without a rate.

        Returns:
            Message for the user.
        """
        if code not in self._told:
            suggestion = suggest_name(code, {self.currency, *self.rates})
            more = suggestion or f"; add `exchange: {{{code}: … {self.currency}}}`"
            missing = f"no rate is given for the currency `{code}`{more}"
            self._told[code] = self.unknown.get(code, missing)
        return self._told[code]


class _ParsedUnit(NamedTuple):
    """A parsed unit: size in base units (kg, km, s, piece), dimension, currency code, and if it is CO2e."""

    size: Fraction
    dimension: Mapping[str, int]
    currency: str
    carbon: bool


def parse_quantity(value: str | float, unit: str, money: Money) -> Quantity:
    """Parse a number or a text such as `350 g/t` as a quantity in a canonical unit.

    Args:
        value: Number, or text with or without a unit; a number without unit is in `unit`.
        unit: Canonical unit, with `money` for the currency; '' for a dimensionless share.
        money: Currency and exchange rates.

    Returns:
        The quantity as written, with its exact factor to `unit`.

    Raises:
        QuantityError: The value is not a finite number, or its unit is unknown or of another dimension.
    """
    number, written = (value, "") if not isinstance(value, str) else split_number_unit(value, unit, money)
    raw = _parse_finite(number)
    if not written:
        return Quantity(raw)
    found = _parse_unit(written) if _MONEY_UNIT not in written else None
    if found is None:
        raise QuantityError(_describe_unknown_unit(written, unit, money))
    factor, pieces = _find_conversion(found, unit, money)
    if not factor:
        raise QuantityError(_describe_expected(unit, money, str(value)))
    return Quantity(raw, factor, pieces)


def find_currency(text: str) -> str:
    """Find the currency in the unit of a text such as `110 JPY`.

    Args:
        text: Quantity as written.

    Returns:
        Currency code; '' if there is none.
    """
    match = _NUMBER_AND_UNIT.fullmatch(text) if len(text) <= _MAX_TEXT_LENGTH else None
    found = _parse_unit(match[2]) if match else None
    return found.currency if found else ""


def split_number_unit(text: str, unit: str, money: Money) -> tuple[str, str]:
    """Split a text into its number and its unit.

    Args:
        text: Quantity as written.
        unit: Canonical unit, for the error message.
        money: Currency, for the error message.

    Returns:
        Number and unit as written; the unit may be ''.

    Raises:
        QuantityError: The text does not begin with one finite number.
    """
    match = _NUMBER_AND_UNIT.fullmatch(text) if len(text) <= _MAX_TEXT_LENGTH else None
    if match is None:
        if text.strip().lstrip("+-.").lower() in ("inf", "infinity", "nan"):
            raise QuantityError(f"not a finite number: {escape_text(text)}")
        raise QuantityError(_describe_expected(unit, money, text))
    number, written = match.groups()
    if written.startswith(","):
        raise QuantityError(f"{explain_comma(text)}, such as `{format_example(unit, money)}`")
    if written.startswith(".") or (written and written[0].isdigit()):
        message = (
            f"`{escape_text(text)}` is not a number: write 1_000 or 1000 for a thousand and a point before decimals"
        )
        raise QuantityError(f"{message}, such as `{format_example(unit, money)}`")
    return number, written


def _parse_finite(number: str | float) -> float:
    """Convert a number to a finite float; raise QuantityError if its magnitude exceeds 1e100 or is below 1e-100."""
    digits = number.replace("_", "") if isinstance(number, str) else number
    try:
        raw = float(digits)
    except OverflowError:
        raw = math.inf
    found = escape_text(
        str(number) if not isinstance(number, int) or abs(number) < 10**20 else "an integer of many digits"
    )
    if not math.isfinite(raw):
        raise QuantityError(f"not a finite number: {found}")
    vanished = isinstance(digits, str) and raw == 0 and bool(re.search("[1-9]", re.split("[eE]", digits)[0]))
    if vanished or (raw and not 1 / _MAX_MAGNITUDE <= abs(raw) <= _MAX_MAGNITUDE):
        raise QuantityError(f"{found} is out of range: values lie between 1e-100 and 1e100")
    return raw or 0.0


def _find_conversion(found: _ParsedUnit, unit: str, money: Money) -> tuple[Fraction, int]:
    """Return the exact factor to `unit` (0 if the dimension differs) and the power of the mass of a piece."""
    target = _parse_unit(unit)
    pieces = found.dimension.get("[piece]", 0)
    weighed = {name: power for name, power in found.dimension.items() if name != "[piece]"}
    weighed["[mass]"] = weighed.get("[mass]", 0) + pieces
    kind = {name: power for name, power in weighed.items() if power}
    if target is None or kind != target.dimension or (found.carbon and not target.carbon):
        return Fraction(0), 0
    rate = money.find_rate(found.currency) if found.currency else Fraction(1)
    if rate is None:
        raise QuantityError(money.why_unknown(found.currency))
    return found.size * rate / target.size, pieces


def _describe_expected(unit: str, money: Money, found: str) -> str:
    """Describe the expected form of a quantity."""
    what = f"a number in {name_unit(unit, money.currency)} or another unit of that kind" if unit else "a share"
    text = f"`{escape_text(found)}`" if found.strip() else "nothing"
    return f"expected {what}, such as `{format_example(unit, money)}`; found {text}"


def format_example(unit: str, money: Money) -> str:
    """Format an example of a quantity in a canonical unit.

    Args:
        unit: Canonical unit.
        money: Currency of the instance.

    Returns:
        Text such as `600 JPY/kg`, or `25 %` for a share.
    """
    return f"{_EXAMPLES.get(unit, '10')} {name_unit(unit, money.currency)}" if unit else "25 %"


def _describe_unknown_unit(written: str, unit: str, money: Money) -> str:
    """Describe an unknown unit, with the most similar known name if there is one."""
    known = {*_UNITS, money.currency, *money.rates} - {""}
    for name in re.split(r"[\s/]+", written[:_MAX_UNIT_LENGTH]):
        if name not in known and name != "CO2e" and not re.fullmatch("[A-Z]{3}", name):
            suggestion = suggest_name(name, known) if name else ""
            remedy = suggestion or f"; write a value like `{format_example(unit, money)}`"
            return f"unknown unit `{escape_text(name or written)}`{remedy}"
    return _describe_expected(unit, money, written)


def name_unit(unit: str, currency: str) -> str:
    """Replace `money` in a canonical unit by the currency code.

    Args:
        unit: Canonical unit, such as `money/kg`.
        currency: Currency code; '' keeps `money`.

    Returns:
        Unit for a message, such as `JPY/kg`.
    """
    return unit.replace(_MONEY_UNIT, currency or "money")


@lru_cache(maxsize=1)
def _build_registry() -> Any:
    """Return a pint registry that knows the units of the instance format only."""
    registry: Any = _import_pint().UnitRegistry(None, non_int_type=Fraction)
    for definition in (*_UNITS.values(), f"{_MONEY_UNIT} = [money]"):
        if "=" in definition:
            registry.define(definition)
    return registry


def _import_pint() -> Any:
    """Import pint with Dask and SciPy hidden: Dask takes longer than pint, and Pyomo loads all of an imported SciPy."""
    hidden = [name for name in ("dask", "scipy") if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        import pint
    finally:
        for name in hidden:
            del sys.modules[name]
    return pint


@lru_cache(maxsize=4096)
def _parse_unit(written: str) -> _ParsedUnit | None:
    """Parse a unit such as `JPY/t/km` or `kg CO2e/t`; return None if it is not one."""
    if not written:
        return _ParsedUnit(Fraction(1), {}, "", carbon=False)
    if len(written) > _MAX_UNIT_LENGTH:
        return None
    plain, carbon = _CARBON_UNIT.subn(r"\1", written, count=1)
    names = [name.strip() for name in plain.split("/")]
    if not all(_UNIT_NAME.fullmatch(name) for name in names) or len(names) > 4:
        return None
    currencies = [name for name in names if name not in _UNITS and re.fullmatch("[A-Z]{3}", name)]
    known = [
        _UNITS.get(name, _MONEY_UNIT if name in (*currencies, _MONEY_UNIT) else "").split(" ")[0] for name in names
    ]
    if not all(known) or len(currencies) > 1:
        return None
    root = _build_registry().Quantity(Fraction(1), "/".join(known)).to_root_units()
    powers = {name: int(power) for name, power in root.dimensionality.items()}
    return _ParsedUnit(Fraction(root.magnitude), powers, "".join(currencies), bool(carbon))
