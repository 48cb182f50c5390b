"""That an instance has no plan, shown by multipliers of its linking rows (Farkas 1902).

A measure that counts nothing is 0 for every plan. Prices of the rows under which its lower bound lies above 0 are
therefore a contradiction, whoever found them: what the rules ask for, each with its weight, is more than there can be.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from medalopt.instance.arithmetic import ENCLOSED, EXACT, FLOATS, Arithmetic, lower
from medalopt.instance.bounds import implied
from medalopt.instance.instance import Instance
from medalopt.instance.routes import routes
from medalopt.proof.added import NOTHING as NOTHING_ADDED
from medalopt.proof.added import Added
from medalopt.proof.bound import NOTHING, Ground
from medalopt.proof.certificate import SMALL
from medalopt.proof.placed import placed
from medalopt.proof.prices import Duals, axes, lifted, prices
from medalopt.proof.subject import lower_bound

COMPILED = "instance and extensions as compiled"
_SUPPLY = ("supply", "bundle_supply")


@dataclass(frozen=True)
class Refutation:
    """Multipliers by constraint and names, the largest of them from 1 to below 2, and what has been shown of them."""

    duals: Duals
    margin: float  # at least: by this the rules, each with its multiplier, ask for more than there can be
    arithmetic: str
    scope: str
    added: Added = NOTHING_ADDED  # a user's own rows, with their multipliers

    @property
    def holds(self) -> bool:
        """Whether there is no plan."""
        return self.margin > 0

    @property
    def rules(self) -> int:
        """How many rows have a multiplier."""
        return sum(len(rows) for rows in self.duals.values()) + sum(row.dual != 0 for row in self.added.rows)


def refute(
    instance: Instance, duals: Duals, arithmetic: Arithmetic | None = None, added: Added = NOTHING_ADDED
) -> Refutation:
    """Return what `duals` (by constraint and names, believed in nothing) show of `instance`.

    `added` is what a user added to it, the duals of its rows with it; the scope says so. In exact fractions from the
    decimals of the file where the instance is small, else in floating point with a proven error bound.
    Raises LookupError for a name that the instance does not have.
    """
    weighed, rows, _ = _normalised(_counted(instance, duals), replace(added, costs=()))
    found = routes(instance)
    chosen = arithmetic or (EXACT if len(found) * len(instance.periods) <= SMALL else ENCLOSED)
    if chosen is not FLOATS:
        found = routes(instance, chosen.read)
    ground = Ground(instance, found, implied(instance, found, chosen.read), chosen.read)
    y = lifted(prices(instance, weighed), chosen)
    bound = lower_bound(ground, y, NOTHING, placed(instance, found, rows, chosen.lift))
    return Refutation(weighed, lower(bound), chosen.name, rows.scope, rows)


def as_compiled(duals: Duals, margin: float, added: Added) -> Refutation:
    """Return multipliers whose `margin` was found on the program's rows, a user's own among them, in plain floats."""
    linking = {rule: rows for rule, rows in duals.items() if not rule.startswith("define_")}
    weighed, rows, shift = _normalised(linking, replace(added, costs=()))
    return Refutation(weighed, math.ldexp(margin, shift), FLOATS.name, COMPILED, rows)


def _counted(instance: Instance, duals: Duals) -> Duals:
    """Return the multipliers that a bound rests on: other streams than those that may be stocked are priced anew."""
    streams, known = instance.streams, axes(instance)
    stored = {name for name, may in zip(streams.names, streams.storable.tolist(), strict=True) if may}
    return {
        rule: {key: value for key, value in rows.items() if rule not in _SUPPLY or key[0] in stored}
        for rule, rows in duals.items()
        if rule in known
    }


def _normalised(duals: Duals, added: Added) -> tuple[Duals, Added, int]:
    """Return the multipliers that are something, times a power of two, and its exponent: the contradiction stays."""
    some = {
        rule: {key: value for key, value in rows.items() if value != 0 and math.isfinite(value)}
        for rule, rows in duals.items()
    }
    sizes = [abs(value) for rows in some.values() for value in rows.values()]
    largest = max((*sizes, *(abs(row.dual) for row in added.rows if math.isfinite(row.dual))), default=0.0)
    shift = 1 - math.frexp(largest)[1] if largest else 0
    weighed = {rule: {key: math.ldexp(value, shift) for key, value in rows.items()} for rule, rows in some.items()}
    own = tuple(replace(row, dual=math.ldexp(row.dual, shift)) for row in added.rows)
    return {rule: rows for rule, rows in weighed.items() if rows}, replace(added, rows=own), shift
