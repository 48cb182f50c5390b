"""That an instance has no plan, shown by multipliers of its linking rows (Farkas 1902).

A measure that counts nothing is 0 for every plan. Prices of the rows under which its lower bound lies above 0 are
therefore a contradiction, whoever found them: what the rules ask for, each with its weight, is more than there can be.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from medalopt.instance.arithmetic import ENCLOSED, EXACT, FLOATS, Arithmetic, lower
from medalopt.instance.bounds import implied
from medalopt.instance.instance import Instance
from medalopt.instance.routes import routes
from medalopt.proof.bound import NOTHING, lower_bound
from medalopt.proof.certificate import SMALL
from medalopt.proof.prices import Duals, axes, lifted, prices

COMPILED = "instance and extensions as compiled"
_SUPPLY = ("supply", "bundle_supply")


@dataclass(frozen=True)
class Refutation:
    """Multipliers by constraint and names, the largest of them from 1 to below 2, and what has been shown of them."""

    duals: Duals
    margin: float  # at least: by this the rules, each with its multiplier, ask for more than there can be
    arithmetic: str
    scope: str

    @property
    def holds(self) -> bool:
        """Whether there is no plan."""
        return self.margin > 0

    @property
    def rules(self) -> int:
        """How many rows have a multiplier."""
        return sum(len(rows) for rows in self.duals.values())


def refute(instance: Instance, duals: Duals, arithmetic: Arithmetic | None = None) -> Refutation:
    """Return what `duals` (by constraint and names, believed in nothing) show of `instance`.

    In exact fractions from the decimals of the file where the instance is small, else in floating point with a
    proven error bound. Raises KeyError for a name that the instance does not have.
    """
    weighed, _ = _normalised(_counted(instance, duals))
    found = routes(instance)
    chosen = arithmetic or (EXACT if len(found) * len(instance.periods) <= SMALL else ENCLOSED)
    if chosen is not FLOATS:
        found = routes(instance, chosen.read)
    y, bounds = lifted(prices(instance, weighed), chosen), implied(instance, found, chosen.read)
    bound = lower_bound(instance, found, bounds, y, NOTHING, chosen.read)
    return Refutation(weighed, lower(bound), chosen.name, "instance")


def as_compiled(duals: Duals, margin: float) -> Refutation:
    """Return multipliers whose `margin` was found on the program's rows, a user's own among them, in plain floats."""
    linking = {rule: rows for rule, rows in duals.items() if not rule.startswith("define_")}
    weighed, shift = _normalised(linking)
    return Refutation(weighed, math.ldexp(margin, shift), FLOATS.name, COMPILED)


def _counted(instance: Instance, duals: Duals) -> Duals:
    """Return the multipliers that a bound rests on: other streams than those that may be stocked are priced anew."""
    streams, known = instance.streams, axes(instance)
    stored = {name for name, may in zip(streams.names, streams.storable.tolist(), strict=True) if may}
    return {
        rule: {key: value for key, value in rows.items() if rule not in _SUPPLY or key[0] in stored}
        for rule, rows in duals.items()
        if rule in known
    }


def _normalised(duals: Duals) -> tuple[Mapping[str, Mapping[Any, float]], int]:
    """Return the multipliers that are something, times a power of two, and its exponent: the contradiction stays."""
    some = {
        rule: {key: value for key, value in rows.items() if value != 0 and math.isfinite(value)}
        for rule, rows in duals.items()
    }
    largest = max((abs(value) for rows in some.values() for value in rows.values()), default=1.0)
    shift = 1 - math.frexp(largest)[1]
    weighed = {rule: {key: math.ldexp(value, shift) for key, value in rows.items()} for rule, rows in some.items()}
    return {rule: rows for rule, rows in weighed.items() if rows}, shift
