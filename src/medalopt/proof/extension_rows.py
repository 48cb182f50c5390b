r"""Extension rows in the lower bound, and prices of linking quantities as prices of the decisions they consist of.

With a dual value $y_r$ per row, the reduced cost of every quantity falls by $\sum_ry_ra_r$ and the bound rises by
$\sum_ry_rb_r$, where $b_r$ is the lower bound of the row if $y_r>0$ and the upper one if $y_r<0$. Added costs are a row
with dual value $-1$. A user variable contributes by its bounds, or by bounds implied by the rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arithmetic import (
    FLOAT_ARITHMETIC,
    NumberReader,
    Numbers,
    bound_above,
    bound_below,
    bound_number_above,
    bound_number_below,
    make_zeros,
)
from medalopt.instance.arrays import Floats
from medalopt.instance.bounds import is_stocked
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes, compute_route_costs
from medalopt.instance.smelter_terms import compute_withheld_charge, find_pooled_lots, shift_to_shipment
from medalopt.proof.bound import BoundContext, ObjectiveWeights, minimise_lagrangian
from medalopt.proof.confidence import ConePayments, merge_payments
from medalopt.proof.extensions import (
    OWN_VARIABLES,
    ExtensionData,
    PlacedExtensions,
    compute_activity,
    place_extensions,
    sum_weighted_rows,
)
from medalopt.proof.prices import Prices

_LINKING_QUANTITIES = frozenset(
    {
        *("feed", "treated", "returned", "returned_line", "impurity", "sent_device", "sent_region"),
        *("sent_stream", "spend", "network_footprint"),
    }
)


def price_decisions(
    instance: Instance, routes: Routes, read: NumberReader, price: Mapping[str, Numbers]
) -> dict[str, Numbers]:
    """Return prices of quantities as prices of the decisions.

    Decisions are `sent`, `stockpile`, `take`, `stock`, `surplus`, `charge`, `buy`, `acquire`, `offer_stock`, `cast`,
    `cast_stock`, `recharge`, `scrap`, `withheld`, `left` and `missed`. A linking quantity is the sum of its shipments,
    spending includes stockpiles, and an offer bought is the sum of its purchases.

    Args:
        read: Reads parameters in the arithmetic of the prices.
        price: Price per unit of each quantity, by array.

    Returns:
        Price per unit of each decision, by array.
    """
    result = {array: each for array, each in price.items() if array not in _LINKING_QUANTITIES | {"bought", "acquire"}}
    if not _LINKING_QUANTITIES.isdisjoint(price):
        result["sent"] = result.get("sent", 0) + _price_routes(instance, routes, price)
    if "spend" in price:
        waiting = read(instance.streams.storage_cost)[:, None] * price["spend"][None, :]
        result["stockpile"] = result.get("stockpile", 0) + waiting
    result |= _price_withheld(instance, routes, read, price, result)
    shape = (len(instance.market.names), len(instance.alloys.names), len(instance.periods))
    stocked = is_stocked(instance)[:, None]
    if "acquire" in price or ("bought" in price and stocked.any()):
        purchases = _price_purchases(instance, price)
        result["acquire"] = np.where(stocked, purchases, 0)
        at_once = np.where(stocked, 0, purchases)[:, None, :]
        result["buy"] = result.get("buy", make_zeros(shape, purchases)) + at_once
    elif "bought" in price:
        result["buy"] = result.get("buy", make_zeros(shape, price["bought"])) + price["bought"][:, None, None]
    return result


def _price_purchases(instance: Instance, price: Mapping[str, Numbers]) -> Numbers:
    """Return the prices of purchases per period (O, T), those of totals over the horizon included."""
    total = price.get("acquire", 0)
    if "bought" not in price:
        return total
    shape = (len(instance.market.names), len(instance.periods))
    return total + (make_zeros(shape, price["bought"]) + price["bought"][:, None])


def _price_withheld(
    instance: Instance, routes: Routes, read: NumberReader, price: Mapping[str, Numbers], made: Mapping[str, Numbers]
) -> dict[str, Numbers]:
    """Return the prices of metal withheld from pooled lots: it is neither returned nor refined."""
    lots, periods = find_pooled_lots(instance, routes, read), np.arange(len(instance.periods))
    if not len(lots.line) or {"returned", "returned_line", "spend"}.isdisjoint(price):
        return {}
    total = made.get("withheld", 0)
    if "spend" in price:
        total = total - compute_withheld_charge(instance, lots, read) * price["spend"][None, None, :]
    if "returned" in price:
        back = price["returned"]
        padded = np.concatenate([back, np.zeros_like(back[..., :1])], axis=-1)  # too late to count
        when = np.minimum(periods[None, None, :] + instance.smelters.lead[lots.smelter][:, :, None], len(periods))
        total = total - padded[lots.smelter[:, None, None], np.arange(back.shape[1])[None, :, None], when]
    if "returned_line" in price:
        total = total - shift_to_shipment(instance, price["returned_line"])[lots.line]
    return {"withheld": total}


def _price_routes(instance: Instance, routes: Routes, price: Mapping[str, Numbers]) -> Numbers:
    """Return the prices of linking quantities per tonne on each route (J, T)."""
    total = make_zeros((len(routes), len(instance.periods)), routes.footprint)
    device, region = instance.streams.device[routes.stream], instance.streams.region[routes.stream]
    for array, group in (("sent_device", device), ("sent_region", region), ("sent_stream", routes.stream)):
        if array in price:
            total = total + routes.mask_branches(price[array][group][:, None])
    if "network_footprint" in price:
        total = total + (routes.footprint * price["network_footprint"][0])[:, None]
    if "treated" in price:
        total = total + price["treated"][routes.treatment]
    if "spend" in price:
        total = total + compute_route_costs(instance, routes) * price["spend"][None, :]
    travels = np.nonzero(routes.smelter >= 0)[0]
    if "feed" in price:
        total[travels] = total[travels] + routes.to_smelter[travels][:, None] * price["feed"][routes.smelter[travels]]
    if "returned_line" in price:
        worth = shift_to_shipment(instance, price["returned_line"])[routes.line[travels]]
        for metal in np.flatnonzero(instance.metals.surplus_to_smelter).tolist():
            total[travels] = total[travels] + routes.returned[travels, metal][:, None] * worth[:, metal]
    if "impurity" in price:
        for x in range(len(instance.impurities.names)):
            held = routes.impurity[travels, x][:, None]
            total[travels] = total[travels] + held * price["impurity"][routes.smelter[travels], x]
    if "returned" in price:
        total[travels] = total[travels] + _price_returned(instance, routes, price["returned"])
    return total


def _price_returned(instance: Instance, routes: Routes, price: Numbers) -> Numbers:
    """Return the value of returned metal per tonne on each route to a smelter (routes to a smelter, T)."""
    travels, periods = np.nonzero(routes.smelter >= 0)[0], np.arange(len(instance.periods))
    smelter = routes.smelter[travels]
    padded = np.concatenate([price, np.zeros_like(price[..., :1])], axis=-1)  # too late to count
    total = make_zeros((len(travels), len(periods)), price)
    for metal in range(len(instance.metals.names)):
        when = np.minimum(periods[None, :] + instance.smelters.lead[smelter, metal][:, None], len(periods))
        total = total + routes.returned[travels, metal][:, None] * padded[smelter[:, None], metal, when]
    return total


_ZERO_WEIGHTS = ObjectiveWeights(0, 0, 0)


@dataclass(frozen=True, eq=False)
class ExtensionResiduals:
    """Residuals of extension rows or of bounds of user variables (R); `size` is the reference magnitude of `excess`."""

    names: tuple[str, ...]
    excess: Numbers
    size: Numbers

    def get_worst(self) -> Floats:
        """Return an upper bound of each relative violation.

        Returns:
            (R,), dimensionless.
        """
        size = bound_below(self.size)
        return np.asarray(bound_above(self.excess) / np.where(size > 0, size, 1.0), dtype=np.float64)


def compute_extension_residuals(account: PlanAccount, rows: PlacedExtensions) -> Iterator[ExtensionResiduals]:
    """Yield the residuals of the extension rows, then of the bounds of the user variables.

    Yields:
        Residuals, in the arithmetic of the plan.
    """
    added = rows.added
    made, size = compute_activity(account, rows)
    yield _residuals_of(tuple(row.name for row in added.rows), made[:-1], size[:-1], rows.get_row_bounds(), rows)
    values = rows.lift(np.array([variable.value for variable in added.variables], dtype=np.float64))
    yield _residuals_of(
        tuple(variable.name for variable in added.variables), values, abs(values), rows.get_variable_bounds(), rows
    )


def _residuals_of(
    names: tuple[str, ...], value: Numbers, size: Numbers, ends: tuple[Floats, Floats], rows: PlacedExtensions
) -> ExtensionResiduals:
    """Return the residuals of values against their bounds."""
    there = [np.isfinite(end) for end in ends]
    low, high = (rows.lift(np.where(some, end, 0.0)) for some, end in zip(there, ends, strict=True))
    below, above = np.where(there[0], low - value, 0), np.where(there[1], value - high, 0)
    excess = np.maximum(np.maximum(below, above), 0)
    size = np.maximum(size, np.maximum(abs(low), abs(high)))
    return ExtensionResiduals(names, excess, size)


def evaluate_extension_costs(account: PlanAccount, rows: PlacedExtensions) -> tuple[Numbers, Numbers]:
    """Return the added costs of a plan, and the sum of their absolute terms.

    Args:
        rows: Extensions as arrays, in the arithmetic of the plan.

    Returns:
        Both in the unit of the objective.
    """
    made, size = compute_activity(account, rows)
    return made[-1], size[-1]


def sum_extension_costs(account: PlanAccount, added: ExtensionData) -> float:
    """Return the added costs of a plan in floats.

    Args:
        account: Plan in floats.

    Returns:
        The costs, in the unit of the objective.
    """
    return float(
        evaluate_extension_costs(
            account, place_extensions(account.instance, account.routes, added, FLOAT_ARITHMETIC.lift)
        )[0]
    )


def compute_extended_bound(
    context: BoundContext, y: Prices, objective: str, rows: PlacedExtensions, cones: ConePayments | None = None
) -> Numbers:
    """Return a lower bound on objective plus added costs of every plan that satisfies the extension rows.

    Args:
        objective: Objective, see `ObjectiveWeights.from_objective`.
        rows: Extensions as arrays, with the dual values of their rows.
        cones: Payments of chance constraints.

    Returns:
        The bound, in the unit of the objective; minus infinity if a user variable makes it unbounded.
    """
    duals, bounds = select_usable_duals(rows)
    paid, reduced = apply_extension_prices(context, rows)
    own = _own_variable_value(context, y, rows, reduced)
    if own is None:
        return -math.inf
    fixed = (rows.lift(duals) * rows.lift(bounds)).sum()
    if cones is not None:
        paid, fixed = replace(paid, pull=merge_payments(paid.pull, cones)), fixed + cones.fixed
    return minimise_lagrangian(paid, y, ObjectiveWeights.from_objective(objective)) + fixed + own


def apply_extension_prices(context: BoundContext, rows: PlacedExtensions) -> tuple[BoundContext, Numbers]:
    """Return the context with the payments of the extension rows, and the reduced costs of the user variables.

    Args:
        context: Context of the bound, without payments.
        rows: Extensions as arrays, with the dual values of their rows.

    Returns:
        The new context, and one reduced cost per user variable.
    """
    asked = weigh_extension_rows(rows)
    reduced = -asked.pop(OWN_VARIABLES) if OWN_VARIABLES in asked else rows.lift(np.zeros(len(rows.added.variables)))
    return replace(context, pull=price_decisions(context.instance, context.routes, context.read, asked)), reduced


def weigh_extension_rows(rows: PlacedExtensions) -> dict[str, Numbers]:
    """Return the payment of extension rows and added costs per unit of each quantity.

    Args:
        rows: Extensions as arrays, with the dual values of their rows.

    Returns:
        By array, objective per unit.
    """
    return sum_weighted_rows(rows, rows.lift(np.append(select_usable_duals(rows)[0], -1.0)))


def select_usable_duals(rows: PlacedExtensions) -> tuple[Floats, Floats]:
    """Return the dual value of each row and the right-hand side that it applies to.

    Args:
        rows: Extensions as arrays, with the dual values of their rows.

    Returns:
        Dual values (R) and right-hand sides (R); both 0 where one is not finite.
    """
    low, high = rows.get_row_bounds()
    duals = np.array([row.dual for row in rows.added.rows], dtype=np.float64)
    bounds = np.where(duals > 0, low, high)
    usable = np.isfinite(bounds) & np.isfinite(duals)
    return np.where(usable, duals, 0.0), np.where(usable, bounds, 0.0)


def _own_variable_value(context: BoundContext, y: Prices, rows: PlacedExtensions, reduced: Numbers) -> Numbers | None:
    """Return the minimum contribution of the user variables, or None if it is unbounded."""
    low, high = rows.get_variable_bounds()
    falls, rises = bound_below(reduced) < 0, bound_above(reduced) > 0
    if (falls & np.isinf(high)).any() or (rises & np.isinf(low)).any():
        low, high = _imply_variable_bounds(context, y, rows, low, high)
        if (falls & np.isinf(high)).any() or (rises & np.isinf(low)).any():
            return None
    maximum, fewest = (rows.lift(np.where(np.isfinite(end), end, 0.0)) for end in (high, low))
    return (np.minimum(reduced, 0) * maximum + np.maximum(reduced, 0) * fewest).sum()


def _imply_variable_bounds(
    context: BoundContext, y: Prices, rows: PlacedExtensions, low: Floats, high: Floats
) -> tuple[Floats, Floats]:
    """Return the bounds of the user variables, missing ones implied by the rows that contain the variable."""
    terms = rows.terms[OWN_VARIABLES]
    coefficient = [
        Fraction(value) for value in bound_below(terms.coefficient).tolist()
    ]  # as given: intervals of width 0
    held: dict[int, dict[int, Fraction]] = {}
    for row, at, value in zip(terms.row.tolist(), terms.at.tolist(), coefficient, strict=True):
        if row < len(rows.added.rows):
            held.setdefault(row, {})[at] = held.get(row, {}).get(at, Fraction(0)) + value
    others = {row: _terms_range(context, y, rows, row) for row in held}
    ends = [[_exact_endpoint(a), _exact_endpoint(b)] for a, b in zip(low.tolist(), high.tolist(), strict=True)]
    found = True
    while found:  # each pass finds a missing bound, or is the last
        found = False
        for row, own in held.items():
            given = rows.added.rows[row].lower, rows.added.rows[row].upper
            for at, value in own.items():
                new = (
                    _variable_range(given, others[row], [(own[n], ends[n]) for n in own if n != at], value)
                    if value
                    else ()
                )
                for side, end in enumerate(new):
                    if math.isinf(ends[at][side]) and math.isfinite(end):
                        ends[at][side], found = end, True
    return (
        np.array([bound_number_below(a) for a, _ in ends], dtype=np.float64),
        np.array([bound_number_above(b) for _, b in ends], dtype=np.float64),
    )


_Endpoint = Fraction | float  # a fraction if finite


def _exact_endpoint(end: float) -> _Endpoint:
    """Return a finite bound as a fraction."""
    return Fraction(end) if math.isfinite(end) else end


def _variable_range(
    given: tuple[float, float],
    others: tuple[_Endpoint, _Endpoint],
    own: list[tuple[Fraction, list[_Endpoint]]],
    value: Fraction,
) -> tuple[_Endpoint, _Endpoint]:
    """Return the range of a variable with coefficient `value`, given the ranges of all other terms of a row."""
    fewest, most = others
    for factor, ends in own:
        a, b = (factor * end if factor else Fraction(0) for end in ends)
        fewest, most = fewest + min(a, b), most + max(a, b)
    a, b = (_exact_endpoint(given[0]) - most) / value, (_exact_endpoint(given[1]) - fewest) / value
    return min(a, b), max(a, b)


def _terms_range(context: BoundContext, y: Prices, rows: PlacedExtensions, row: int) -> tuple[_Endpoint, _Endpoint]:
    """Return the range of the terms of one row in the instance's own quantities, by two Lagrangian bounds."""
    none = Prices(**{name: values * 0 for name, values in vars(y).items()})
    result: list[_Endpoint] = []
    for sign in (-1.0, 1.0):
        weights = np.zeros(rows.height)
        weights[row] = sign
        asked = sum_weighted_rows(rows, rows.lift(weights))
        asked.pop(OWN_VARIABLES, None)
        pull = price_decisions(context.instance, context.routes, context.read, asked)
        result.append(minimise_lagrangian(replace(context, pull=pull), none, _ZERO_WEIGHTS))
    fewest, maximum = bound_number_below(result[0]), bound_number_above(-result[1])
    return _exact_endpoint(fewest), _exact_endpoint(maximum)
