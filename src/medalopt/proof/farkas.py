"""Proof of infeasibility by multipliers of the linking constraints (Farkas 1902).

Under the zero objective every plan has value 0. Dual values with a positive lower bound are therefore a contradiction,
whatever their source: the weighted sum of the constraints cannot be satisfied.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from medalopt.instance.arithmetic import (
    EXACT_ARITHMETIC,
    FLOAT_ARITHMETIC,
    INTERVAL_ARITHMETIC,
    Arithmetic,
    bound_number_below,
)
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.instance import Instance
from medalopt.instance.routes import build_routes
from medalopt.proof.bound import ZERO_OBJECTIVE, BoundContext
from medalopt.proof.certificate import EXACT_SIZE_LIMIT
from medalopt.proof.confidence import compute_cone_payments, list_cone_axes
from medalopt.proof.extension_rows import compute_extended_bound
from medalopt.proof.extensions import NO_EXTENSIONS, ExtensionData, place_extensions
from medalopt.proof.prices import Duals, build_prices, convert_prices, list_price_axes

COMPILED_SCOPE = "instance and extensions as compiled"
_SUPPLY_ROWS = ("supply", "bundle_supply")


@dataclass(frozen=True)
class InfeasibilityProof:
    """Multipliers by constraint and names, scaled to a largest absolute value in [1, 2), and their proven margin."""

    duals: Duals
    margin: float  # lower bound of the violation of the weighted sum of constraints
    arithmetic: str
    scope: str
    added: ExtensionData = NO_EXTENSIONS  # user extensions with the multipliers of their rows

    @property
    def holds(self) -> bool:
        """Return whether infeasibility is proven: the margin is above 0."""
        return self.margin > 0

    @property
    def rules(self) -> int:
        """Number of constraints with a non-zero multiplier, extensions included."""
        return sum(len(rows) for rows in self.duals.values()) + sum(row.dual != 0 for row in self.added.rows)


def prove_infeasibility(
    instance: Instance, duals: Duals, arithmetic: Arithmetic | None = None, added: ExtensionData = NO_EXTENSIONS
) -> InfeasibilityProof:
    """Return the infeasibility proof that multipliers give for `instance`.

    Uses exact fractions for small instances, else floats with proven error bounds, unless `arithmetic` is given.

    Args:
        instance: Instance.
        duals: Multipliers by constraint and names; they need not be right.
        arithmetic: Arithmetic to use.
        added: User extensions with the multipliers of their rows.

    Returns:
        The scaled multipliers and their margin; not positive if nothing is proven.

    Raises:
        LookupError: A name does not exist in the instance.
    """
    weighed, rows, _ = _normalise_multipliers(_usable_multipliers(instance, duals), replace(added, costs=()))
    routes = build_routes(instance)
    chosen = arithmetic or (
        EXACT_ARITHMETIC if len(routes) * len(instance.periods) <= EXACT_SIZE_LIMIT else INTERVAL_ARITHMETIC
    )
    if chosen is not FLOAT_ARITHMETIC:
        routes = build_routes(instance, chosen.read)
    context = BoundContext(instance, routes, compute_bounds(instance, routes, chosen.read), chosen.read)
    y = convert_prices(build_prices(instance, weighed), chosen)
    placed = place_extensions(instance, routes, rows, chosen.lift)
    cones = compute_cone_payments(instance, routes, weighed, chosen.read)
    bound = compute_extended_bound(context, y, ZERO_OBJECTIVE, placed, cones)
    return InfeasibilityProof(weighed, bound_number_below(bound), chosen.name, rows.scope, rows)


def adopt_compiled_proof(duals: Duals, margin: float, added: ExtensionData) -> InfeasibilityProof:
    """Return a proof whose margin was computed on the compiled program, in floats.

    Args:
        duals: Multipliers by constraint and names; definitions of linking variables are dropped.
        margin: Violation of the weighted sum of constraints, extension rows included.
        added: User extensions with the multipliers of their rows.

    Returns:
        The scaled multipliers and margin; the scope says that the program was not verified independently.
    """
    linking = {rule: rows for rule, rows in duals.items() if not rule.startswith("define_")}
    weighed, rows, shift = _normalise_multipliers(linking, replace(added, costs=()))
    return InfeasibilityProof(weighed, math.ldexp(margin, shift), FLOAT_ARITHMETIC.name, COMPILED_SCOPE, rows)


def _usable_multipliers(instance: Instance, duals: Duals) -> Duals:
    """Return the multipliers that enter a bound; supply of streams without stockpile is priced by the bound itself."""
    streams, known = instance.streams, list_price_axes(instance).keys() | list_cone_axes(instance).keys()
    stored = {name for name, may in zip(streams.names, streams.storable.tolist(), strict=True) if may}
    return {
        rule: {key: value for key, value in rows.items() if rule not in _SUPPLY_ROWS or key[0] in stored}
        for rule, rows in duals.items()
        if rule in known
    }


def _normalise_multipliers(duals: Duals, added: ExtensionData) -> tuple[Duals, ExtensionData, int]:
    """Return non-zero multipliers and extension rows scaled by a power of two, and its exponent."""
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
