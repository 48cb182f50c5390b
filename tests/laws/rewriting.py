"""Random instances written in other words: other units of mass, another currency, another order."""

from __future__ import annotations

import csv
import io
import re
from decimal import Context, Decimal, localcontext
from random import Random
from typing import Any

import yaml
from tests.random_instances import Case, as_text

EXACT = Context(prec=60)
DIGITS = 15  # that a figure may have, to be kept as it is written
MASS = {unit: Decimal(size) for unit, size in (("kg", "1"), ("g", "0.001"), ("t", "1000"), ("mg", "0.000001"))}
OLD = {"lb": Decimal("0.45359237"), "ozt": Decimal("0.0311034768")}
RATES = {"JPY": Decimal(1), "EUR": Decimal(125), "KWD": Decimal("0.08")}  # exact both ways
RATES |= {"KIL": Decimal(1000), "MEG": Decimal(10**6), "MIL": Decimal("0.001"), "MIC": Decimal("0.000001")}
PER_TONNE, PER_KG = "JPY/t", "JPY/kg"
UNWRITTEN = {  # the units of money that a figure without one has
    **dict.fromkeys(("collection", "cost", "residue_value", "treatment_charge"), PER_TONNE),
    **dict.fromkeys(("sell", "holding", "refining_charge", "value"), PER_KG),
    "transport_rate": "JPY/t/km",
}
UNORDERED = ("streams", "lanes", "accepts", "regions", "devices", "treatments")  # lists without an order of their own
_QUANTITY = re.compile(r"(-?[0-9.]+) (\S+)")


def _written(value: Decimal, unit: str) -> str | None:
    """Return a quantity as text; None where it would take more digits than are kept."""
    plain = value.normalize(EXACT)
    return f"{plain:f} {unit}" if len(plain.as_tuple().digits) <= DIGITS else None


def in_old_units(text: str, random: Random) -> str:
    """Return a mass in pounds or troy ounces, rounded to four digits: another figure, that any unit can hold."""
    value, unit = _parts(text)
    first, *below = unit.split("/")
    if first not in MASS:
        return text
    old = random.choice(sorted(OLD))
    amount = Context(prec=4).divide(Decimal(value) * MASS[first], OLD[old])
    return f"{amount:f} {'/'.join([old, *below])}"


def in_other_masses(text: str, random: Random) -> str:
    """Return the same quantity in other units of mass, above the stroke and below it."""
    value, unit = _parts(text)
    sizes = MASS | OLD
    with localcontext(EXACT):
        amount, names = Decimal(value), unit.split("/")
        for place, name in enumerate(names):
            if name in sizes:
                names[place] = random.choice(sorted(sizes if place else MASS))
                ratio = sizes[name] / sizes[names[place]] if not place else sizes[names[place]] / sizes[name]
                amount *= ratio
        return _written(amount, "/".join(names)) or text


def in_other_money(text: str, random: Random) -> str:
    """Return the same quantity in another currency."""
    value, unit = _parts(text)
    first, *below = unit.split("/")
    if first not in RATES:
        return text
    other = random.choice(sorted(RATES))
    with localcontext(EXACT):
        return _written(Decimal(value) * RATES[first] / RATES[other], "/".join([other, *below])) or text


def with_units(node: Any, unit: str = "", section: str = "") -> Any:
    """Return a document in which money is written with its unit everywhere."""
    if isinstance(node, dict):
        own = UNWRITTEN | {"price": PER_KG if section == "market" else PER_TONNE}
        return {key: with_units(item, own.get(key, unit), section or key) for key, item in node.items()}
    if isinstance(node, list):
        return [with_units(item, unit, section) for item in node]
    return f"{Decimal(repr(node)):f} {unit}" if unit and isinstance(node, int | float) else node


def with_rates(content: dict[str, Any], currency: str = "JPY") -> dict[str, Any]:
    """Return a document with another currency of its own, and with rates for all that the tests use."""
    worth = RATES | {"USD": Decimal(110)}
    with localcontext(EXACT):
        rates = {code: f"{rate / RATES[currency]:f} {currency}" for code, rate in worth.items() if code != currency}
    return content | {"currency": currency, "exchange": rates}


def _parts(text: str) -> tuple[str, str]:
    match = _QUANTITY.fullmatch(text)
    assert match is not None
    return match[1], match[2]


def each_quantity(node: Any, rewrite: Any, random: Random) -> Any:
    """Return a document with `rewrite` done to every quantity that is written with its unit."""
    if isinstance(node, dict):
        return {key: item if key == "exchange" else each_quantity(item, rewrite, random) for key, item in node.items()}
    if isinstance(node, list):
        return [each_quantity(item, rewrite, random) for item in node]
    return rewrite(node, random) if isinstance(node, str) and _QUANTITY.fullmatch(node) else node


def shuffled(case: Case, random: Random) -> Case:
    """Return the same instance with its entries in another order: keys, lists, rows and columns of tables."""
    return Case(
        {
            name: as_text(_stirred(yaml.safe_load(text), random)) if name.endswith(".yaml") else _table(text, random)
            for name, text in case.files.items()
        }
    )


def _stirred(node: Any, random: Random, key: str = "") -> Any:
    if isinstance(node, dict):
        keys = random.sample(list(node), len(node))
        return {name: _stirred(node[name], random, name) for name in keys}
    if isinstance(node, list):
        items = [_stirred(item, random) for item in node]
        return random.sample(items, len(items)) if key in UNORDERED else items
    return node


def _table(text: str, random: Random) -> str:
    rows = list(csv.DictReader(io.StringIO(text)))
    columns = random.sample(list(rows[0]), len(rows[0]))
    written = io.StringIO()
    writer = csv.DictWriter(written, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(random.sample(rows, len(rows)))
    return written.getvalue()
